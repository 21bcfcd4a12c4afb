/**
 * The core on Node, on newer ones, on Bun and on Deno: `program.mjs` runs on each, and on Node once more with the reads that the others use.
 * It runs the built package (`npm test` builds it first). What does not work on a runtime stands in `KNOWN_FAILURES` and in `docs/runtimes.md`,
 * and is expected to fail: so the day it works is noticed.
 */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { beforeAll, describe, expect, it } from 'vitest';

import { findCommand, requireCommand } from '../support/component.js';

interface ScenarioResult {
  readonly name: string;
  readonly isPassed: boolean;
  readonly error?: string;
}

interface Runtime {
  readonly name: string;
  /** The program, or the command of one that may be missing. */
  readonly file: string;
  /** What runs the scenarios. */
  readonly args: readonly string[];
  /** What stands before a program of its own choice. */
  readonly runFlags: readonly string[];
}

const fromRoot = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const PROGRAM = fileURLToPath(new URL('program.mjs', import.meta.url));
const COMMAND_LINE = fromRoot('packages/smtpd/dist/cli/bin.js');
// Nothing more than docs/runtimes.md says.
const DENO_FLAGS = ['run', '--no-prompt', '--allow-net', '--allow-sys=hostname', '--allow-env'];

const RUNTIMES: readonly Runtime[] = [
  { name: 'Node', file: process.execPath, args: [PROGRAM], runFlags: [] },
  { name: 'Node without its own read buffer', file: process.execPath, args: [PROGRAM, '--plain-reads'], runFlags: [] },
  { name: 'Node 22', file: 'node22', args: [PROGRAM], runFlags: [] },
  { name: 'Node 24', file: 'node24', args: [PROGRAM], runFlags: [] },
  { name: 'Node 26', file: 'node26', args: [PROGRAM], runFlags: [] },
  { name: 'Bun', file: fromRoot('node_modules/.bin/bun'), args: [PROGRAM], runFlags: [] },
  {
    name: 'Deno',
    file: fromRoot('node_modules/.bin/deno'),
    args: ['run', '--allow-all', '--no-prompt', PROGRAM],
    runFlags: DENO_FLAGS,
  },
];

const SCENARIOS = [
  'the greeting comes at once',
  'reads use the transport of this runtime',
  'a whole session delivers the octets that were sent',
  'a pipelined group is answered in order',
  'a message of 8 MiB arrives unchanged',
  'dots at the start of lines arrive as they were meant',
  'how the octets are split changes nothing',
  'a Unix socket is listened on; one in use is left alone, a stale one replaced',
  'localhost is both addresses with one port',
  'an address in use is told, and the server can listen later',
  'close() tells idle clients 421 and ends',
  'close() lets a message under way finish, and cuts it when its grace is over',
  'streamMessage hands content over while it arrives, and the client waits for a slow reader',
  'a client that does not read its replies is not read from',
  'hooks may answer later, in order',
  'a client that sends everything and half-closes hears every reply',
  'a client that half-closes hears what a slow hook says',
  'a reset while a hook is pending aborts its signal',
  'a channel class adds a verb and changes one',
  'a limit is met when the given clock says so',
  'events and diagnostics channels tell the same story',
  'fifty clients at a time get their own messages through',
  'STARTTLS puts a session on TLS, and what was sent in clear behind it is forgotten',
  'a client that ends its side before its handshake is not waited for',
  'TLS begins with the first octet where it is implicit',
  'a handshake that fails ends the connection, and no other',
  'the name that a client asks for chooses the certificate',
  'a client certificate that nobody vouches for is seen, and is not verified',
  'PLAIN is offered on TLS only, and lets a client in',
  'SCRAM-SHA-256 lets a client in, and both know each other',
  'SCRAM-SHA-256-PLUS binds the client to its TLS',
  'BDAT brings a message in chunks, every octet',
  'LMTP answers for each recipient',
  'a PROXY header says whose connection it is',
  'TLS from the first octet may stand behind a PROXY header',
  'the client sends a message in clear, whole and through a pool',
  'the client looks at the certificate, by STARTTLS and with TLS from the first octet',
];

/** Runtime and scenario → what the error says. Each has its line in `docs/runtimes.md`. */
const KNOWN_FAILURES: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  Deno: {
    'SCRAM-SHA-256-PLUS binds the client to its TLS': /exportKeyingMaterial is not a function/,
  },
};

const run = promisify(execFile);
// The build is made by `npm test`; without it there is nothing that another runtime could run.
const isBuilt = existsSync(fromRoot('packages/smtpd/dist/index.js'));

describe.each(RUNTIMES)('on $name', ({ name: runtime, file: program, args, runFlags }) => {
  const isCommand = !isAbsolute(program);
  const file = isCommand ? requireCommand(program) : program;
  let results: ScenarioResult[] = [];

  beforeAll(async () => {
    if (isCommand && findCommand(program) === undefined) return;
    expect(isBuilt, 'packages/smtpd/dist is not there: run `npm run build:packages`').toBe(true);
    // The program ends by itself only if it left nothing open; otherwise the time-out ends it, which is a failure.
    const { stdout } = await run(file, args, { timeout: 110_000, killSignal: 'SIGKILL', maxBuffer: 16_777_216 });
    results = stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ScenarioResult);
  }, 120_000);

  it.each(SCENARIOS)('%s', (name) => {
    const result = results.find((each) => each.name === name);
    const known = KNOWN_FAILURES[runtime]?.[name];
    if (known === undefined) {
      expect(result).toEqual({ name, isPassed: true });
    } else {
      expect(result).toEqual({ name, isPassed: false, error: expect.stringMatching(known) as unknown });
    }
  });

  it('the command line says where it listens, and ends in order', async () => {
    const child = spawn(file, [...runFlags, COMMAND_LINE, 'debug', '127.0.0.1:0'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const lines = createInterface(child.stderr);
    const [first] = (await once(lines, 'line')) as [string];
    expect(first).toMatch(/^listening on 127\.0\.0\.1:\d+$/);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  }, 30_000);

  it('every scenario was reported once, and nothing was thrown where nobody can catch it', () => {
    expect(results.map(({ name }) => name)).toEqual(SCENARIOS);
  });
});
