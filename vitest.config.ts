/**
 * The test runner's settings. Tests and examples that say `smtpd` get the sources, so that no build stands between
 * a change and its tests; tests that start the command line, Bun or Deno use the build that `npm test` makes first. So does everything
 * that says `smtpd-store`: its database lives in a thread, and Node starts no thread from TypeScript.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const source = (path: string): string => fileURLToPath(new URL(`packages/smtpd/src/${path}`, import.meta.url));

// `.ci/run` reads the figures from this file; a person at a terminal does not need it.
const reportFile = process.env['TEST_REPORT'];

// The runner leaves one core to itself, but has little to do: of two cores that would be half.
const cores = availableParallelism();

/**
 * The runner begins with the largest files. These are small, take long by what they start, and would be left over, one after the other,
 * when all others are done.
 */
const BEGUN_FIRST = [
  'test/newer-nodes.test.ts',
  'test/container.test.ts',
  'smtpd/test/attacks/fuzz.test.ts',
  'smtpd-inbox/test/client/fixtures.test.ts',
  'smtpd-inbox/test/kill.test.ts',
  'test/bench-guard.test.ts',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => BEGUN_FIRST.some((name) => moduleId.endsWith(name));
    const sorted = await super.sort(files);
    const isTogether = ({ project }: TestSpecification): boolean => project.name === 'together';
    const rest = sorted.filter((file) => !isLong(file));
    // A process goes on to the next file when that is one of those which share it.
    return [...sorted.filter(isLong), ...rest.filter((file) => !isTogether(file)), ...rest.filter(isTogether)];
  }
}

/**
 * These leave nothing to the file behind them, and share a process, which loads what they have in common once. Those are not among them that
 * put something else in a module's place, change what all of a process has, or read its memory.
 */
const TOGETHER = [
  'protocol/!(content-buffer|linear-work).test.ts',
  'protocol/*/**/*.test.ts',
  'client/**/*.test.ts',
  'conformance/!(old-module).test.ts',
  'handlers/!(maildir-delivery|sink).test.ts',
  'handlers/proxy/**/*.test.ts',
  'laws/**/*.test.ts',
  'server/!(bad-application|hooks|later|logger|tls-certificates|watch).test.ts',
].map((path) => `packages/smtpd/test/${path}`);

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
    projects: [
      { extends: true, test: { name: 'together', include: TOGETHER, isolate: false } },
      {
        extends: true,
        test: {
          name: 'other',
          include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...TOGETHER],
        },
      },
    ],
    // What programs keep for their user is kept for the tests here.
    env: { XDG_STATE_HOME: fileURLToPath(new URL('node_modules/.cache/test-state', import.meta.url)) },
    maxWorkers: Math.max(cores - 1, Math.min(cores, 2)),
    sequence: { sequencer: LongestFirst },
    testTimeout: 20_000,
    hookTimeout: 30_000,
    reporters:
      reportFile === undefined || reportFile === '' ? ['default'] : ['default', ['json', { outputFile: reportFile }]],
  },
});
