/**
 * The guard of the bench: what a message costs that can be counted, against the committed counts. `npm run bench:guard -- --update` commits
 * others. That it says no is tested with counts that nobody could keep.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { requireCommand } from '../packages/smtpd/test/support/component.js';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Counts {
  readonly node: string;
  readonly counts: Record<string, Record<string, Record<string, number>>>;
}

describe('the guard of the bench', () => {
  it('finds that a message makes and allocates no more than is committed', { timeout: 60_000 }, () => {
    expect(guard('--only', 'resources,octets')).toMatchObject({
      output: expect.stringContaining('none above') as string,
      status: 0,
    });
  });

  it('is not content when a message makes more than is committed, and names what', { timeout: 60_000 }, () => {
    const file = join(tmpdir(), `smtpd-guard-${String(process.pid)}.json`);
    const committed = JSON.parse(readFileSync(join(root, 'bench/guard.json'), 'utf8')) as Counts;
    try {
      const lowered = structuredClone(committed) as { counts: Record<string, Record<string, Record<string, number>>> };
      Object.assign(lowered.counts['resources']?.['per-connection'] ?? {}, { timers: -1 });
      writeFileSync(file, JSON.stringify(lowered));
      const { output, status } = guard('--only', 'resources', '--committed', file);
      expect(output).toMatch(/^per-connection +timers .*GROWN$/m);
      expect(output).toMatch(/^1 of \d+ counts have grown/m);
      expect(status).toBe(1);
    } finally {
      rmSync(file, { force: true });
    }
  });

  it('has committed that a message makes no promise and no timer', () => {
    const { counts } = JSON.parse(readFileSync(join(root, 'bench/guard.json'), 'utf8')) as Counts;
    for (const load of ['small', 'pipelined', 'behind-dot', 'recipients', 'bdat']) {
      expect(counts['resources']?.[load]).toMatchObject({ promises: 0, timers: 0 });
    }
  });
});

describe('the guard of the bench, with a tracer', () => {
  requireCommand('strace');

  it('finds that a message takes no more system calls than are committed', { timeout: 60_000 }, () => {
    expect(guard('--only', 'calls')).toMatchObject({
      output: expect.stringContaining('none above') as string,
      status: 0,
    });
  });
});

function guard(...options: string[]): { readonly output: string; readonly status: number | null } {
  const words = [join(root, 'bench/guard.mjs'), '--no-build', ...options];
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  return { output: stdout + stderr, status };
}
