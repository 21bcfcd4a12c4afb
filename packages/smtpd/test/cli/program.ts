/** The built program as a child process: what it prints, where it listens, how it ends. */

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { RawClient } from '../support/raw-client.js';

/** The program that `npm test` builds first. */
export const BIN = fileURLToPath(new URL('../../dist/cli/bin.js', import.meta.url));

/** How a program ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and how a program runs. */
export interface ProgramOptions {
  readonly cwd?: string;
  readonly nodeArguments?: readonly string[];
  readonly bin?: string;
  /** Variables besides those of the tests. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether standard output is read from the start. Default: yes. */
  readonly readsOutput?: boolean;
}

/** A running `smtpd`. */
export class Program {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #stdout: Buffer[] = [];
  #stderr = '';
  #isReading = false;
  readonly #ended: Promise<unknown>;

  constructor(
    argv: readonly string[],
    { cwd, nodeArguments = [], bin = BIN, readsOutput = true, environment = {} }: ProgramOptions = {},
  ) {
    this.child = spawn(process.execPath, [...nodeArguments, bin, ...argv], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#ended = once(this.child, 'exit');
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    if (readsOutput) this.readOutput();
  }

  get stderr(): string {
    return this.#stderr;
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString('latin1');
  }

  /** Reads standard output from here on. */
  readOutput(): void {
    this.#isReading = true;
    this.child.stdout.on('data', (bytes: Buffer) => {
      this.#stdout.push(bytes);
    });
  }

  /** Waits until standard error says where it listens. @returns the first port */
  async port(): Promise<number> {
    const said = await this.says(/^listening on \S+:(\d+)$/m);
    return Number(said[1]);
  }

  /** Waits until standard error says this. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#stderr);
      if (found !== null) return found;
      if (this.child.exitCode !== null) throw new Error(`It ended without saying ${String(pattern)}: ${this.#stderr}`);
      await Promise.race([once(this.child.stderr, 'data'), this.#ended]);
    }
  }

  /** Connects to the first port and reads the greeting. */
  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(await this.port());
    await client.reply();
    return client;
  }

  /** Waits for the end. Standard output is read, unless the test broke it off. */
  async ended(): Promise<Ended> {
    if (!this.#isReading && !this.child.stdout.destroyed) this.readOutput();
    const closed = this.child.stdout.destroyed ? undefined : once(this.child.stdout, 'close');
    await this.#ended;
    await closed;
    return { code: this.child.exitCode, stdout: this.stdout, stderr: this.#stderr };
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<Ended> {
    this.child.kill(signal);
    return this.ended();
  }

  /** Whatever the test came to, nothing is left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGKILL');
    await this.#ended;
  }
}

/** Runs a program to its end. */
export async function run(argv: readonly string[], options?: ProgramOptions): Promise<Ended> {
  await using program = new Program(argv, options);
  return await program.ended();
}

/** Begins anew, opens a transaction and sends content, which is dot-stuffed here. The reply to the content is left to be read. */
export async function sendContent(client: RawClient, content: string): Promise<void> {
  client.send('HELO a.example\r\nMAIL FROM:<alice@example.org>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\n');
  const codes = (await client.replies(4)).map(({ code }) => code);
  if (codes[3] !== 354) throw new Error(`No content was asked for: ${codes.join(' ')}`);
  client.send(`${content.replace(/(^|\r\n)\./g, '$1..')}.\r\n`);
}
