/**
 * The inbox and its store on newer Nodes, which have an SQLite of their own. What the core does there is in
 * `packages/smtpd/test/runtimes`; here is what differs: the driver, and what is said when the program starts; in the core, how memory is given
 * and when it is collected, what a connection that was reset looks like, what can be shown.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

import { requireCommand } from '../packages/smtpd/test/support/component.js';
import { sendMail } from '../packages/smtpd-inbox/test/support/mails.js';

const fromRoot = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
const run = promisify(execFile);

const allBut = (...beginnings: readonly string[]): string => `--testNamePattern=^(?!${beginnings.join('|')})`;

/** Whether its folder is a temporary one is the same to SQLite. */
const TEMPORARY = 'a temporary SQLite store ';
const STORE = {
  what: 'the store',
  paths: ['packages/smtpd-store/test/sqlite', allBut(TEMPORARY)],
  passedMin: 100,
};

/** Without what takes long: that is looked at where the driver is the newest. */
const STORE_IN_SHORT = {
  ...STORE,
  paths: [
    'packages/smtpd-store/test/sqlite',
    allBut(TEMPORARY, 'an SQLite store keeps (?:a message while|its log short)', 'has every acknowledged'),
  ],
};

/** How memory is given and when it is collected: each Node has its own way. */
const MEMORY = {
  what: 'what memory is held',
  paths: ['packages/smtpd/test/attacks/memory.test.ts', 'packages/smtpd/test/protocol/content-buffer.test.ts'],
  passedMin: 30,
};

/** What has failed on one Node and not on another, and what goes by things that Node does not document. */
const CORE = {
  what: 'the core, where Nodes differ,',
  paths: [
    'attacks/memory.test.ts',
    'net/',
    'protocol/content-buffer.test.ts',
    'protocol/input.test.ts',
    'protocol/octets.test.ts',
    'rivals/smtp-server.test.ts',
    'server/logger.test.ts',
    'server/watch.test.ts',
  ].map((path) => `packages/smtpd/test/${path}`),
  passedMin: 400,
};

describe.each([
  // In the core it is as Node 20 is.
  { name: 'node22', suites: [STORE_IN_SHORT] },
  // It is between the two others; that the inbox works is seen below.
  { name: 'node24', suites: [MEMORY] },
  { name: 'node26', suites: [STORE, CORE] },
])('on $name', ({ name, suites }) => {
  const node = requireCommand(name);

  it.each(suites)(
    '$what does what it does elsewhere',
    async ({ paths, passedMin }) => {
      const files = [fromRoot('node_modules/vitest/vitest.mjs'), 'run', ...paths];
      const { stdout } = await run(node, [...files, '--reporter=json', '--testTimeout=120000'], {
        cwd: fromRoot('.'),
        // The report of the run around this one is not written by it. A list is searched in few orders here, and in many on Node 20.
        env: { ...process.env, TEST_REPORT: '', STORE_TEST_RUNS: '15' },
        maxBuffer: 16_777_216,
      });
      const report = JSON.parse(stdout.slice(stdout.indexOf('{'))) as Record<string, number>;
      expect(report['numPassedTests']).toBeGreaterThanOrEqual(passedMin);
      expect(report['numFailedTests']).toBe(0);
    },
    400_000,
  );

  it('the inbox starts without a warning, catches mail, finds it by its words, and ends in order', async () => {
    const args = [
      fromRoot('packages/smtpd/dist/cli/bin.js'),
      'inbox',
      '127.0.0.1:0',
      '--http',
      '127.0.0.1:0',
      '--tls',
      'off',
    ];
    const child = spawn(node, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const exited = once(child, 'exit');
    const said: string[] = [];
    const lines = createInterface({ input: child.stderr }).on('line', (line) => said.push(line));
    while (said.length < 3) await once(lines, 'line');
    const [, port = ''] = /^SMTP +127\.0\.0\.1:(\d+)$/.exec(said[0] ?? '') ?? [];
    const [, url = ''] = /^page +(http:\S+)$/.exec(said[1] ?? '') ?? [];
    await sendMail(Number(port));
    const found = await fetch(new URL('api/v1/messages?q=code', url));
    expect(await found.json()).toMatchObject({ entries: [{ subject: 'Your code' }] });
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(said.map((line) => line.split(' ', 1)[0])).toEqual(['SMTP', 'page', 'API']);
  }, 60_000);
});
