/** The examples for each test runner run here: Vitest's in this run, Jest's with the same functions under Jest's names, Node's in Node. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest';

const exampleURL = (name: string): URL => new URL(`../../../../examples/testing/${name}`, import.meta.url);

describe('the Vitest example', async () => {
  await import(exampleURL('vitest.test.ts').href);
});

describe('the Jest example', async () => {
  const names = { afterAll, beforeAll, beforeEach, expect, test };
  const globals = globalThis as unknown as Record<string, unknown>;
  Object.assign(globals, names);
  await import(exampleURL('jest.test.mjs').href);
  // Tests run later, and look these names up then.
  afterAll(() => {
    for (const name of Object.keys(names)) Reflect.deleteProperty(globals, name);
  });
});

describe('the node:test example', () => {
  it('passes in node --test, and the process ends', async () => {
    const file = fileURLToPath(exampleURL('node-test.test.mjs'));
    const { stdout } = await promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', file], {
      env: { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: undefined },
      timeout: 60_000,
    });
    expect(stdout).toMatch(/^# pass 2$/m);
    expect(stdout).toMatch(/^# fail 0$/m);
  }, 60_000);
});
