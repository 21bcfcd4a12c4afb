/** The old command line’s runs, with the built program. `differences.ts` explains whatever goes otherwise. */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { RawClient } from '../support/raw-client.js';
import { DIFFERENCES, type Aspect } from './differences.js';
import { comparableTexts } from './judgement.js';
import { linesOf } from './printed.js';
import { scenariosOf, type CommandLineScenario } from './transcripts.js';

const program = fileURLToPath(new URL('../../dist/cli/bin.js', import.meta.url));

describe('the command line', () => {
  it('was built', () => {
    expect(existsSync(program), 'run `npm run build` first; `npm test` does').toBe(true);
  });

  for (const scenario of scenariosOf('cli')) {
    const declared = DIFFERENCES[scenario.name];
    it(`${scenario.name} goes ${declared?.weDo ?? 'the same'}`, async () => {
      const run = await runProgram(scenario);
      expect(differencesOf(scenario, run), JSON.stringify(run, undefined, 2)).toEqual(declared?.aspects ?? []);
      if (run.exitCode === 2) expect(linesOf(run.errors)).toHaveLength(1);
    });
  }
});

interface Run {
  readonly exitCode: number | null;
  readonly output: string;
  readonly errors: string;
  readonly codes: readonly number[];
  readonly isSameText: boolean;
  /** Whether the group is root’s, as far as the system tells. */
  readonly gidIsRoot: boolean | undefined;
}

function differencesOf(scenario: CommandLineScenario, run: Run): readonly Aspect[] {
  const found: Aspect[] = [];
  if (scenario.expect !== undefined) {
    if (JSON.stringify(scenario.expect.map(({ code }) => code)) !== JSON.stringify(run.codes)) found.push('codes');
    else if (!run.isSameText && scenario.deviation === undefined) found.push('text');
  }
  if (scenario.exitCode !== run.exitCode) found.push('exit');
  const { stdoutLines, stderrLast, stderrTraceback, stderrHasUsage } = scenario;
  const isPrintedSame =
    (stdoutLines === undefined || JSON.stringify(stdoutLines) === JSON.stringify(linesOf(run.output))) &&
    (stderrLast === undefined || stderrLast === linesOf(run.errors).at(-1)) &&
    (stderrTraceback === undefined || run.errors.includes(stderrTraceback)) &&
    (stderrHasUsage !== true || /usage/i.test(run.errors));
  if (!isPrintedSame) found.push('print');
  if (scenario.process !== undefined && run.gidIsRoot !== undefined && scenario.process.gidIsRoot !== run.gidIsRoot) {
    found.push('process');
  }
  return found;
}

/** Runs the program; one that serves is talked to and then stopped with SIGINT. */
async function runProgram(scenario: CommandLineScenario): Promise<Run> {
  const argv = scenario.argv.map((each) => each.replace('{port}', '0').replace('{rport}', '2525'));
  const child = spawn(process.execPath, [program, ...argv]);
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const port = new Promise<number | undefined>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
      const found = /^listening on .*:(\d+)\n/m.exec(errors)?.[1];
      if (found !== undefined) resolve(Number(found));
    });
    child.once('close', () => {
      resolve(undefined);
    });
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const listening = await port;
  const talk = listening === undefined ? NO_TALK : await talkTo(listening, scenario, child);
  child.kill('SIGINT');
  const [exitCode] = await closed;
  return { exitCode, output, errors, ...talk };
}

async function talkTo(
  port: number,
  { send = [], expect: recorded = [] }: CommandLineScenario,
  child: ChildProcessWithoutNullStreams,
): Promise<Pick<Run, 'codes' | 'isSameText' | 'gidIsRoot'>> {
  const client = await RawClient.connect(port);
  const replies = [await client.reply()];
  for (const octets of send) {
    client.send(octets);
    replies.push(await client.reply());
  }
  client.destroy();
  const hostname = replies[0]?.lines[0]?.split(' ')[0] ?? '';
  const [expected, found] = comparableTexts(recorded, replies, hostname);
  return {
    codes: replies.map(({ code }) => code),
    isSameText: JSON.stringify(expected) === JSON.stringify(found),
    gidIsRoot: gidIsRoot(child.pid),
  };
}

/** Only root can become somebody else, and only Linux says so in a file. */
function gidIsRoot(pid: number | undefined): boolean | undefined {
  const status = `/proc/${String(pid)}/status`;
  if (process.getuid?.() !== 0 || !existsSync(status)) return undefined;
  return /^Gid:\t0\b/m.test(readFileSync(status, 'utf8'));
}

const NO_TALK = { codes: [], isSameText: false, gidIsRoot: undefined };
