/**
 * The test runner's settings. Tests and examples that say `smtpd` get the sources, so that no build stands between
 * a change and its tests; tests that start the command line, Bun or Deno use the build that `npm test` makes first. So does everything
 * that says `smtpd-store`: its database lives in a thread, and Node starts no thread from TypeScript.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(`packages/smtpd/src/${path}`, import.meta.url));

// `.ci/run` reads the figures from this file; a person at a terminal does not need it.
const reportFile = process.env['TEST_REPORT'];

export default defineConfig({
  // Node 20 has no `using` declarations of its own: the compiler lowers them, here as in the build.
  oxc: { target: 'es2022' },
  resolve: {
    alias: [
      { find: /^smtpd$/, replacement: source('index.ts') },
      { find: /^smtpd\/testing$/, replacement: source('testing/index.ts') },
    ],
  },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
    // What programs keep for their user is kept for the tests here.
    env: { XDG_STATE_HOME: fileURLToPath(new URL('node_modules/.cache/test-state', import.meta.url)) },
    testTimeout: 20_000,
    hookTimeout: 30_000,
    reporters:
      reportFile === undefined || reportFile === '' ? ['default'] : ['default', ['json', { outputFile: reportFile }]],
  },
});
