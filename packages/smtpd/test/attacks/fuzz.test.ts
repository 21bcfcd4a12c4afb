/** The fuzzer, shortly: the permanent corpus, and as many seeds as there is time for. `npm run fuzz` goes on where this stops. */

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const RUN = fileURLToPath(new URL('../../../../fuzz/run.mjs', import.meta.url));
const SCENES = new URL('../../../../fuzz/scenes/', import.meta.url);

/** What the fuzzer printed, and how it ended. */
function fuzz(...argv: readonly string[]): Promise<{ readonly code: unknown; readonly printed: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [RUN, ...argv], { timeout: 100_000, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, printed: stdout + stderr });
    });
  });
}

it('what was found once is not found again, in memory and over TCP', async () => {
  const { code, printed } = await fuzz('--corpus', '--sessions', '0');
  expect(printed).toContain(', 0 with problems');
  expect(code).toBe(0);
}, 60_000);

it('a short run finds nothing', async () => {
  const { code, printed } = await fuzz('--seed', '1', '--sessions', '2500');
  expect(printed).toContain('2500 sessions, 0 with problems');
  // A quarter of the configurations has TLS, and most of their sessions come so far.
  expect(Number(/(\d+) handshakes/.exec(printed)?.[1])).toBeGreaterThan(250);
  expect(code).toBe(0);
}, 110_000);

it('scenes over real sockets end alike in each way, and what was found once is not found again', async () => {
  const { code, printed } = await fuzz('--sockets', '--corpus', '--seed', '1', '--sessions', '33');
  // Those that are kept come besides.
  expect(printed).toContain(`${String(33 + readdirSync(SCENES).length)} scenes, 0 with problems`);
  expect(code).toBe(0);
}, 110_000);

it('one seed is one session', async () => {
  const sessions = await Promise.all(
    [5, 5, 6].map((seed) => fuzz('--show', '--sessions', '3', '--seed', String(seed))),
  );
  const shown = sessions.map(({ printed }) => printed.slice(0, printed.indexOf(' sessions, ')));
  expect(shown[0]).toBe(shown[1]);
  expect(shown[0]).not.toBe(shown[2]);
}, 60_000);
