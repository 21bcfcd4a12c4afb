/** A program that is run to its end. No part of a test runner is imported here: the fuzzer runs Postfix's. */

import { spawn, type SpawnOptionsWithoutStdio } from 'node:child_process';
import { once } from 'node:events';

/** How a program ended. */
export interface ProgramEnd {
  /** Its exit code; `null` when a signal ended it. */
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** What a program is run with: its input, nothing unless given, and what `spawn` takes. */
export interface RunOptions extends SpawnOptionsWithoutStdio {
  readonly input?: string | Uint8Array | undefined;
}

/** Runs a program to its end. A server in this process can answer it meanwhile. @throws when it could not be started */
export async function runProgram(
  path: string,
  argv: readonly string[],
  { input, ...options }: RunOptions = {},
): Promise<ProgramEnd> {
  const child = spawn(path, argv, options);
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (bytes: Buffer) => stdout.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes));
  // It may end without reading, even before we write. How it ended tells whether that was right.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  await once(child, 'close');
  return { code: child.exitCode, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() };
}

/** Runs a program that has to succeed. @returns what it wrote @throws with what it said when it ends with anything but 0 */
export async function runWell(path: string, argv: readonly string[], options?: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await runProgram(path, argv, options);
  const output = stdout.toString();
  if (code !== 0) throw new Error(`${path} ended with ${String(code)}: ${stderr}${output}`);
  return output;
}
