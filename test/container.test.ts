/**
 * The Dockerfile, built for real, and what comes of it, run for real: as a user who is not root, with files that cannot be written, as process 1,
 * in a network of its own. Its first stage, which installs and builds, is not run: what is built already takes its place.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { findCommand, requireCommand, requireRoot } from '../packages/smtpd/test/support/component.js';
import { Container, ImageFolder, type ContainerOptions, type ImageSettings } from './support/container.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const images = new ImageFolder();
let image: { readonly settings: ImageSettings; readonly files: string };

beforeAll(async () => {
  // Each test says what is missing.
  if (findCommand('buildah') === undefined || process.getuid?.() !== 0) return;
  const made = join(images.folder, 'made');
  execFileSync(process.execPath, [join(root, 'scripts/make-image.mjs'), join(made, 'image')]);
  await images.makeBase('localhost/base');
  await images.build('localhost/smtpd', root, [
    '--build-arg',
    'BASE=localhost/base',
    '--build-context',
    `build=${made}`,
  ]);
  image = await images.open('localhost/smtpd');
}, 120_000);

afterAll(() => {
  images[Symbol.dispose]();
});

describe('the image', { timeout: 60_000 }, () => {
  requireCommand('buildah');
  requireCommand('swaks');
  requireCommand('curl');
  requireRoot('Only root can build an image, and give it a network of its own');

  it('is laid out in no folder that has files of somebody', () => {
    const folder = join(images.folder, 'theirs');
    mkdirSync(folder);
    writeFileSync(join(folder, 'notes.txt'), 'theirs');
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/make-image.mjs'), folder], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([2, expect.stringContaining('name a folder that is empty')]);
    expect(readdirSync(folder)).toEqual(['notes.txt']);
  });

  it('says what engines ask of it', () => {
    expect(image.settings).toMatchObject({
      User: '1000:1000',
      ExposedPorts: { '1025/tcp': {}, '8025/tcp': {} },
      Volumes: { '/data': {} },
      Cmd: ['inbox'],
    });
  });

  it('has what runs, and nothing that only builds or tests', () => {
    const packages = readdirSync(join(image.files, 'app/node_modules'));
    expect(packages).toEqual(expect.arrayContaining(['hono', 'smtpd', 'smtpd-inbox', 'smtpd-store', 'ws']));
    expect(
      packages.filter((name) => ['@types', 'mailauth', 'pg', 'typescript', 'vite', 'vitest'].includes(name)),
    ).toEqual([]);
    expect(existsSync(join(image.files, 'app/node_modules/smtpd/src'))).toBe(false);
    // An engine gives a new volume to whom this belongs.
    expect(statSync(join(image.files, 'data'))).toMatchObject({ uid: 1000, gid: 1000 });
  });

  it('catches mail with no setting at all, for whoever knows the password that it printed, and keeps it', async () => {
    const volume = makeVolume('default');
    const first = await run({ volume }, 'API');
    expect(statusOf(first)).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m);
    expect(statusOf(first)).toMatch(/^NSpid:\t\d+\t1$/m);
    await swaks(first, '--tls');
    const password = /^password (\S+)/m.exec(first.said.join('\n'))?.[1] ?? '';
    expect(await subjects(first, { password })).toEqual([200, ['A mail of swaks']]);
    expect(await subjects(first, { password: '' })).toEqual([401, undefined]);
    expect(await subjects(first, { password, name: 'foreign.example' })).toEqual([403, undefined]);
    // What docs/container.md says of memory.
    expect(Number(/^VmHWM:\s+(\d+) kB$/m.exec(statusOf(first))?.[1])).toBeLessThan(192 * 1_024);
    expect(await first.stop()).toBe(0);

    const second = await run({ volume, environment: { SMTPD_INBOX_TOKEN: 'sesame' } }, 'API');
    expect(await second.exec(['smtpd-inbox', 'export', '-'])).toEqual([0, expect.stringContaining('A mail of swaks')]);
    expect(await second.stop()).toBe(0);
  });

  it('takes options of the inbox and another user, and is healthy while its page answers, wherever that is', async () => {
    const container = await run(
      {
        volume: makeVolume('options', 4711),
        user: '4711:4711',
        command: ['inbox', '--token', 'sesame'],
        environment: { SMTPD_INBOX_HTTP: '127.0.0.1:9000' },
      },
      'API',
    );
    expect(statusOf(container)).toMatch(/^Uid:\t4711\t/m);
    expect(container.said).toEqual(expect.arrayContaining(['SMTP   [::]:1025', 'page   http://127.0.0.1:9000/']));
    expect(container.said.join('\n')).not.toContain('password');
    const [kind, ...check] = image.settings.Healthcheck.Test;
    expect(kind).toBe('CMD');
    expect(await container.exec(check)).toEqual([0, '']);
    expect(await container.exec(check, { SMTPD_INBOX_HTTP: ':8025' })).toEqual([1, expect.stringContaining(':8025')]);
    expect(await container.exec(check, { SMTPD_INBOX_HTTP: 'off' })).toEqual([1, expect.stringContaining('no page')]);
    expect(await container.stop()).toBe(0);
  });

  it('says what is the matter where its user may not write its volume', async () => {
    const container = await run({ volume: makeVolume('stranger', 4711) });
    expect(await container.exited).toBe(1);
    expect(container.said.join('\n')).toMatch(/^smtpd-inbox: .*\/data\/mail .*look at the permissions of its folder/);
  });

  it('runs the other commands', async () => {
    const container = await run({ volume: makeVolume('debug'), command: ['debug', ':1025'] }, 'listening');
    await swaks(container);
    expect(await container.stop()).toBe(0);
    expect(container.said.join('\n')).toContain('Subject: A mail of swaks');
  });

  it('is what the example of Compose makes of it', async () => {
    const example = join(root, 'examples/container');
    const [inbox, application] = ['inbox', 'app'].map((name) => environmentOf(name, join(example, 'compose.yaml')));
    // As the volume of the example does.
    copyFileSync(join(example, 'application.mjs'), join(image.files, 'app/application.mjs'));
    const container = await run({ volume: makeVolume('compose'), environment: inbox ?? {} }, 'API');
    expect(await container.exec(['node', '/app/application.mjs'], application)).toEqual([0, '482913\n']);
    expect(await container.stop()).toBe(0);
  });
});

/** A container of the image; it ends with its test, if not before. */
async function run(options: Omit<ContainerOptions, 'settings' | 'files'>, last?: string): Promise<Container> {
  const container = new Container({ ...image, ...options });
  onTestFinished(() => container.kill());
  await container.hasSaid(last);
  return container;
}

/** A folder for mail, as an engine makes one: it is the user's to whom it belongs in the image. */
function makeVolume(name: string, owner = 1000): string {
  const volume = join(images.folder, name);
  mkdirSync(volume);
  chownSync(volume, owner, owner);
  return volume;
}

async function swaks(container: Container, ...more: readonly string[]): Promise<void> {
  const args = ['--server', '127.0.0.1:1025', '--to', 'bob@b.example', '--header', 'Subject: A mail of swaks', ...more];
  const [code, output] = await container.execOutside(['swaks', ...args]);
  expect([code, output]).toEqual([0, expect.stringContaining('250 ')]);
}

/** What another container sees of the inbox, which is called `inbox` there. */
async function subjects(
  container: Container,
  { password, name = 'inbox' }: { readonly password: string; readonly name?: string },
): Promise<readonly unknown[]> {
  const how = [
    '--silent',
    '--user',
    `ann:${password}`,
    '--header',
    `Host: ${name}:8025`,
    '--write-out',
    '\n%{http_code}',
  ];
  const [, output] = await container.execOutside(['curl', ...how, 'http://[::1]:8025/api/v1/messages']);
  const [text = '', status] = output.split(/\n(?=\d+$)/);
  const { entries } = JSON.parse(text) as { entries?: { subject: string }[] };
  return [Number(status), entries?.map(({ subject }) => subject)];
}

/** What the system says of its first process. */
function statusOf(container: Container): string {
  return readFileSync(`/proc/${String(container.pid)}/status`, 'utf8');
}

/** The variables that a file of Compose gives to a service. */
function environmentOf(service: string, file: string): Readonly<Record<string, string>> {
  const own = new RegExp(`^  ${service}:\\n((?:(?:    .*)?\\n)*)`, 'm').exec(readFileSync(file, 'utf8'))?.[1] ?? '';
  const variables = /^ {4}environment:\n((?: {6}.*\n)*)/m.exec(own)?.[1] ?? '';
  return Object.fromEntries(
    [...variables.matchAll(/^ +(\w+): (.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}
