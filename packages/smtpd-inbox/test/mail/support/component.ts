/**
 * Programs that tests run and that this package does not bring; `.ci/setup` installs them. Where one is missing, its tests are skipped with
 * the reason, except in CI: there a test that does not run is a failure.
 */

import { spawnSync } from 'node:child_process';
import { beforeEach } from 'vitest';

/** Says that the tests of this `describe` need a program that answers to these words. */
export function requireCommand(name: string, ...words: readonly string[]): void {
  const { status } = spawnSync(name, words.length === 0 ? ['--version'] : words, { stdio: 'ignore' });
  if (status === 0) return;
  beforeEach((context) => {
    const reason = `There is no command ${name}; .ci/setup installs it`;
    if (process.env['CI'] === 'true') throw new Error(reason);
    context.skip(reason);
  });
}
