/**
 * The same commands for Postfix's `smtpd` and for ours. Where the answers are of another class, or one takes a message and the other does
 * not, `fuzz/differences.mjs` says why; `npm run fuzz -- --differential` goes on where this stops.
 */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { until } from '../server/support.js';
import { requirePostfix } from '../support/component.js';
import { LineLog } from '../support/line-log.js';
import { startPostfix } from '../support/postfix-instance.js';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { Attacker, startServer } from './support.js';

const at = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const RUN = at('fuzz/run.mjs');

describe('Postfix', () => {
  requirePostfix();

  it('answers as we do, apart from what is explained; and every row of that has an example', async () => {
    const { code, printed } = await new Promise<{ readonly code: unknown; readonly printed: string }>((resolve) => {
      execFile(
        process.execPath,
        [RUN, '--differential', '--seed', '20000', '--sessions', '150'],
        { timeout: 100_000, maxBuffer: 2 ** 26 },
        (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : error.code, printed: stdout + stderr });
        },
      );
    });
    expect(printed).toMatch(/150 sessions, \d{4} commands compared, 0 differences not explained\n$/);
    expect(code).toBe(0);
  }, 110_000);

  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'is gone when the comparison is ended with %s, and so is its folder',
    async (signal) => {
      using folder = new TemporaryFolder();
      // Postfix runs as another user, and has to get there.
      chmodSync(folder.path, 0o755);
      const child = spawn(process.execPath, [RUN, '--differential', '--show', '--sessions', '1000000'], {
        env: { ...process.env, TMPDIR: folder.path },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const printed = new LineLog(child.stdout);
      await printed.line(/^Seed 1: /);
      expect(readdirSync(folder.path)).toHaveLength(1);
      const ended = once(child, 'close');
      child.kill(signal);
      expect(await ended).toEqual(signal === 'SIGKILL' ? [null, 'SIGKILL'] : [0, null]);
      // What keeps Postfix removes its folder when the last process is gone.
      await until(() => readdirSync(folder.path).length === 0);
    },
    60_000,
  );

  it('takes a bare LF for the end of a command, and we do not', async () => {
    await using postfix = await startPostfix();
    await using server = await startServer();
    for (const [port, codes] of [
      [postfix.port, [250, 250, 221]],
      [server.port, [500, 221]],
    ] as const) {
      await using client = await Attacker.connect({ port });
      await client.send('NOOP\nNOOP\r\nQUIT\r\n');
      expect(await client.closed()).toEqual(codes);
    }
  }, 60_000);
});

it('docs/security.md has the rows of fuzz/differences.mjs, and no others', async () => {
  const { DIFFERENCES } = (await import(at('fuzz/differences.mjs'))) as {
    readonly DIFFERENCES: readonly Readonly<Record<'what' | 'ours' | 'theirs' | 'why', string>>[];
  };
  const page = readFileSync(at('docs/security.md'), 'utf8');
  const [, behind] = page.split('| what | here | Postfix | why |\n| --- | --- | --- | --- |\n');
  const [table] = behind!.split('\n\n');
  const rows = DIFFERENCES.map(({ what, ours, theirs, why }) => `| ${what} | ${ours} | ${theirs} | ${why} |`);
  expect(table!.split('\n')).toEqual(rows);
});
