/** Where self-signed certificates stay: reused, renewed, and made by several at once. */

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { keptCertificate, localNames, stateFolder, type KeptCertificate } from '../../src/net/certificate-folder.js';
import { requireCommandFor } from '../support/component.js';

/** What happens just before the next file is put in its place, once. */
const between = vi.hoisted((): { hook: (() => Promise<unknown>) | undefined } => ({ hook: undefined }));

vi.mock(import('node:fs/promises'), async (importOriginal) => {
  const original = await importOriginal();
  const rename: typeof original.rename = async (...args) => {
    const { hook } = between;
    between.hook = undefined;
    await hook?.();
    await original.rename(...args);
  };
  return { ...original, rename };
});

const DAY_MS = 24 * 3_600_000;
const NOW = new Date('2026-11-25T12:00:00.000Z');
const later = (days: number): Date => new Date(NOW.getTime() + days * DAY_MS);
const NAMES = ['localhost', '127.0.0.1'];

let parent = '';
let folder = '';

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'smtpd-'));
  folder = join(parent, 'state', 'smtpd');
});

afterEach(() => {
  rmSync(parent, { recursive: true, force: true });
});

/** Takes the certificate, which must be a matching pair that clients can believe. */
async function take(
  options: { readonly now?: Date; readonly names?: readonly string[] } = {},
): Promise<KeptCertificate> {
  const kept = await keptCertificate({ folder, names: NAMES, now: NOW, ...options });
  expect(kept.problem).toBeUndefined();
  expect(new X509Certificate(kept.cert).checkPrivateKey(createPrivateKey(kept.key))).toBe(true);
  expect(kept.caFile).toBe(join(folder, 'ca.pem'));
  expect(readFileSync(kept.caFile!, 'latin1')).toContain(kept.cert);
  return kept;
}

/** The files of the folder, the one for clients left out. */
const pairFiles = (): readonly string[] => readdirSync(folder).filter((name) => name !== 'ca.pem');
const authorities = (): readonly string[] =>
  readFileSync(join(folder, 'ca.pem'), 'latin1').match(/-----BEGIN[^]*?-----END CERTIFICATE-----\n/g) ?? [];

describe('a kept certificate', () => {
  it('is the same one the next time, until 30 days before its end', async () => {
    const first = await take();
    expect(new X509Certificate(first.cert).subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1');
    expect((await take()).cert).toBe(first.cert);
    // It is valid for 820 days from an hour ago.
    expect((await take({ now: later(789) })).cert).toBe(first.cert);
    const second = await take({ now: later(790) });
    expect(second.cert).not.toBe(first.cert);
    expect((await take({ now: later(791) })).cert).toBe(second.cert);
  });

  it('that is followed by another stays one to believe until it ends', async () => {
    const first = await take();
    const second = await take({ now: later(800) });
    expect(authorities()).toEqual([first.cert, second.cert]);
    await take({ now: later(820) });
    expect(authorities()).toEqual([second.cert]);
    expect(pairFiles()).toHaveLength(1);
  });

  it('that is not valid yet is not taken', async () => {
    const first = await take({ now: later(10) });
    expect((await take()).cert).not.toBe(first.cert);
  });

  it('is another one for other names, and both are kept', async () => {
    const first = await take();
    const other = await take({ names: ['localhost', 'mail.example'] });
    expect(new X509Certificate(other.cert).checkHost('mail.example')).toBe('mail.example');
    expect((await take()).cert).toBe(first.cert);
    expect((await take({ names: ['localhost', 'mail.example'] })).cert).toBe(other.cert);
    expect([...authorities()].sort()).toEqual([first.cert, other.cert].sort());
  });

  it('is in files that nobody else may read', async () => {
    await take();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(pairFiles()).toHaveLength(1);
    for (const name of pairFiles()) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['is cut', (text: string) => text.slice(0, text.length / 2)],
    ['is empty', () => ''],
    ['has a damaged key', (text: string) => text.replace(/(PRIVATE KEY-----\n).{20}/, '$1AAAAAAAAAAAAAAAAAAAA')],
    [
      'has a damaged certificate',
      (text: string) => text.replace(/(CERTIFICATE-----\n).{20}/, '$1AAAAAAAAAAAAAAAAAAAA'),
    ],
  ])('whose file %s is followed by another', async (_, damage) => {
    const first = await take();
    const [name = ''] = pairFiles();
    writeFileSync(join(folder, name), damage(readFileSync(join(folder, name), 'latin1')));
    const second = await take();
    expect(second.cert).not.toBe(first.cert);
    expect((await take()).cert).toBe(second.cert);
    expect(authorities()).toEqual([second.cert]);
  });

  it('whose key is another one’s is followed by another', async () => {
    const first = await take();
    const other = await take({ names: ['other'] });
    for (const name of pairFiles()) {
      const text = readFileSync(join(folder, name), 'latin1');
      if (text.includes(first.cert)) writeFileSync(join(folder, name), other.key + first.cert);
    }
    expect((await take()).cert).not.toBe(first.cert);
  });

  it('is told to clients again when their file is gone or wrong', async () => {
    const first = await take();
    rmSync(join(folder, 'ca.pem'));
    await take();
    writeFileSync(join(folder, 'ca.pem'), 'rubbish');
    await take();
    expect(authorities()).toEqual([first.cert]);
  });

  it('leaves other files of the folder alone', async () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'self-signed-mine.pem'), 'mine');
    await take();
    expect(readFileSync(join(folder, 'self-signed-mine.pem'), 'latin1')).toBe('mine');
  });

  it('verifies by the file for clients, with OpenSSL, beside others of the same name', async (context) => {
    requireCommandFor(context, 'openssl');
    const now = new Date();
    const ago = new Date(now.getTime() - 795 * DAY_MS);
    const kept = [await take({ now: ago }), await take({ now })];
    expect(authorities()).toHaveLength(2);
    for (const [index, { cert }] of kept.entries()) {
      const file = join(parent, `${String(index)}.pem`);
      writeFileSync(file, cert);
      const args = ['verify', '-CAfile', join(folder, 'ca.pem'), '-purpose', 'sslserver', file];
      expect(execFileSync('openssl', args, { encoding: 'latin1' })).toBe(`${file}: OK\n`);
    }
  });
});

describe('several at once', () => {
  it('end with one pair, and all of them have it', async () => {
    const kept = await Promise.all(Array.from({ length: 12 }, () => take()));
    expect(new Set(kept.map((each) => each.cert)).size).toBe(1);
    expect(new Set(kept.map((each) => each.key)).size).toBe(1);
    expect(pairFiles()).toHaveLength(1);
    expect(authorities()).toEqual([kept[0]!.cert]);
  });

  it('renew it once', async () => {
    const first = await take();
    const kept = await Promise.all(Array.from({ length: 12 }, () => take({ now: later(800) })));
    expect(new Set(kept.map((each) => each.cert)).size).toBe(1);
    expect(authorities()).toEqual([first.cert, kept[0]!.cert]);
  });

  it('with names of their own are all believed in the end', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `host-${String(index)}`);
    const kept = await Promise.all(names.map((name) => keptCertificate({ folder, names: [name], now: NOW })));
    expect([...authorities()].sort()).toEqual(kept.map((each) => each.cert).sort());
  });
});

describe('the file for clients', () => {
  it('has the certificate of somebody who came while it was written', async () => {
    let other: KeptCertificate | undefined;
    between.hook = async () => {
      other = await take({ names: ['other'] });
    };
    const first = await take();
    expect([...authorities()].sort()).toEqual([first.cert, other!.cert].sort());
  });
});

describe('a folder that cannot be used', () => {
  async function refused(path: string): Promise<string> {
    const kept = await keptCertificate({ folder: path, names: NAMES, now: NOW });
    expect(kept.caFile).toBeUndefined();
    expect(new X509Certificate(kept.cert).checkPrivateKey(createPrivateKey(kept.key))).toBe(true);
    expect(new X509Certificate(kept.cert).checkHost('localhost')).toBe('localhost');
    return kept.problem!.message;
  }

  it('is told, and the certificate is made all the same', async () => {
    const file = join(parent, 'file');
    writeFileSync(file, '');
    expect(await refused(join(file, 'smtpd'))).toMatch(
      `The self-signed certificate cannot be kept in ${file}/smtpd: ENOTDIR`,
    );
    expect(await refused(file)).toContain('EEXIST');
  });

  it('is one to which others may write', async () => {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o770);
    expect(await refused(folder)).toContain('chmod 700');
    expect(readdirSync(folder)).toEqual([]);
    chmodSync(folder, 0o755);
    await take();
  });

  it.skipIf(process.geteuid?.() !== 0)('is one of somebody else', async () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    execFileSync('chown', ['65534', folder]);
    expect(await refused(folder)).toContain('the folder belongs to user 65534, and this is user 0');
  });
});

describe('the state folder', () => {
  const of = (platform: NodeJS.Platform, environment: Record<string, string>): string =>
    stateFolder({ platform, environment, home: platform === 'win32' ? 'C:\\Users\\a' : '/home/a' });

  it('is where the system wants it', () => {
    expect(of('linux', {})).toBe('/home/a/.local/state/smtpd');
    expect(of('darwin', { XDG_STATE_HOME: '/var/state' })).toBe('/var/state/smtpd');
    expect(of('linux', { XDG_STATE_HOME: 'relative' })).toBe('/home/a/.local/state/smtpd');
    expect(of('linux', { XDG_STATE_HOME: '' })).toBe('/home/a/.local/state/smtpd');
    expect(of('win32', { LOCALAPPDATA: 'D:\\Local' })).toBe('D:\\Local\\smtpd');
    expect(of('win32', {})).toBe('C:\\Users\\a\\AppData\\Local\\smtpd');
  });
});

describe('the names of this machine', () => {
  it('are localhost, its own where it has one, and its loopback addresses', () => {
    expect(localNames('Host.example')).toEqual(['localhost', 'host.example', '127.0.0.1', '::1']);
    expect(localNames('localhost')).toEqual(['localhost', '127.0.0.1', '::1']);
    for (const odd of ['', 'a b', 'x_y', '-a', 'é']) expect(localNames(odd)).toEqual(['localhost', '127.0.0.1', '::1']);
  });
});
