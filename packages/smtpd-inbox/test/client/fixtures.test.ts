/**
 * The fixtures in projects of their runners, which run as processes of their own: all three at once, with one inbox that runs, and each
 * with inboxes that its workers start.
 */

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { startInbox } from 'smtpd-inbox';
import { expect, it } from 'vitest';

import { InboxClient } from '../../src/client/index.js';
import { useInbox, type Hooks } from '../../src/fixtures/jest.js';

const NODE_MODULES = fileURLToPath(new URL('../../../../node_modules/', import.meta.url));

/** How a runner is started, and how many tests it says have passed. */
const RUNNERS = {
  vitest: {
    args: ['vitest/vitest.mjs', 'run', '--reporter=json'],
    passed: (report: unknown) => (report as { numPassedTests: number }).numPassedTests,
  },
  jest: {
    args: ['--experimental-vm-modules', 'jest/bin/jest.js', '--json'],
    passed: (report: unknown) => (report as { numPassedTests: number }).numPassedTests,
  },
  playwright: {
    args: ['@playwright/test/cli.js', 'test'],
    passed: (report: unknown) => (report as { stats: { expected: number } }).stats.expected,
  },
};
type Runner = keyof typeof RUNNERS;
const NAMES = Object.keys(RUNNERS) as Runner[];
/** Two files of three tests. */
const TESTS = 6;

async function run(runner: Runner, environment: Readonly<Record<string, string>>): Promise<number> {
  const { args, passed } = RUNNERS[runner];
  // What this run says of itself is nothing to the other one.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|JEST|TEST|PLAYWRIGHT|NODE_|SMTPD)/.test(name),
  );
  const { stdout } = await promisify(execFile)(
    process.execPath,
    args.map((arg) => (arg.endsWith('js') ? `${NODE_MODULES}${arg}` : arg)),
    {
      cwd: fileURLToPath(new URL(`projects/${runner}/`, import.meta.url)),
      env: { ...Object.fromEntries(inherited), ...environment },
      timeout: 100_000,
      maxBuffer: 10_000_000,
    },
  );
  return passed(JSON.parse(stdout));
}

it('give each test an inbox of its own at an inbox that runs, whoever else sends the same', async () => {
  await using server = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', tls: { mode: 'off' } });
  const caught = new Set<string>();
  const changes = server.store.changes();
  const watching = (async () => {
    for await (const change of changes)
      if (change.kind === 'added' && change.message.summary.subject === 'Welcome') {
        caught.add(change.message.inbox);
        if (caught.size === NAMES.length * TESTS) return;
      }
  })();
  expect(await Promise.all(NAMES.map((name) => run(name, { SMTPD_INBOX_URL: server.url! })))).toEqual([
    TESTS,
    TESTS,
    TESTS,
  ]);
  await watching;
  expect(caught).not.toContain('');
  const client = new InboxClient({ url: server.url });
  expect([await client.listInboxes(), await client.list()]).toEqual([[], []]);
}, 120_000);

it('start an inbox where none runs', async () => {
  expect(await Promise.all(NAMES.map((name) => run(name, {})))).toEqual([TESTS, TESTS, TESTS]);
}, 120_000);

it('useInbox takes hooks that are no globals, and says where it can be called', async () => {
  await using server = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0' });
  const calls: Partial<Record<keyof Hooks, () => Promise<void>>> = {};
  const hooks: Hooks = {
    beforeAll: (call) => (calls.beforeAll = call),
    beforeEach: (call) => (calls.beforeEach = call),
    afterEach: (call) => (calls.afterEach = call),
    afterAll: (call) => (calls.afterAll = call),
  };
  const mail = useInbox({ hooks, running: { url: server.url } });
  expect(() => mail.client).toThrow('outside of a test');
  await calls.beforeAll?.();
  expect(() => mail.inbox).toThrow('outside of a test');
  await calls.beforeEach?.();
  expect((await mail.client.listInboxes()).map(({ name }) => name)).toEqual([mail.inbox.name]);
  await calls.afterEach?.();
  expect(await mail.client.listInboxes()).toEqual([]);
  expect(() => mail.inbox).toThrow('outside of a test');
  await calls.afterAll?.();
  // Here are no globals: Vitest's are imported.
  expect(() => useInbox()).toThrow('@jest/globals');
});
