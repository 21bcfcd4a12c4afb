/** What the tests with real mail clients share: a client run to its end, a server that keeps mail, content, and its comparison. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';

import type { ReceivedMessage } from '../../src/server/received-message.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { SMTPReplyError } from '../../src/protocol/reply.js';
import { KeepingServer } from '../server/support.js';
import { COMMAND_PATH } from '../support/command-path.js';
import { runProgram } from '../support/run-program.js';

/** How a client ended. */
export interface ClientEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a client to its end. What a user has configured for it through the environment does not reach it. */
export async function runClient(path: string, argv: readonly string[], input?: Uint8Array): Promise<ClientEnd> {
  const { stdout, ...end } = await runProgram(path, argv, {
    env: { PATH: COMMAND_PATH, HOME: process.env['HOME'], LC_ALL: 'C.UTF-8' },
    timeout: CLIENT_TIMEOUT_MS,
    killSignal: 'SIGKILL',
    input,
  });
  return { ...end, stdout: stdout.toString() };
}

/** A server on a free port. It takes mail for everybody but the recipients of `refused.example`. */
export async function startServer(options: SMTPServerOptions = {}): Promise<KeepingServer> {
  const server = new KeepingServer(options).use({
    name: 'refused.example',
    rcpt: ({ address }) => {
      if (address.endsWith('@refused.example')) throw new SMTPReplyError(550, '5.1.1', 'No such mailbox');
    },
  });
  await server.listen();
  return server;
}

/** The one message that arrived. */
export function onlyMessage(server: KeepingServer): ReceivedMessage {
  expect(server.log.errors).toEqual([]);
  expect(server.messages).toHaveLength(1);
  return server.messages[0]!;
}

/** Compares octet by octet. A difference is shown with what stands around it, and not as a message of megabytes. */
export function expectOctets(arrived: Uint8Array, sent: Uint8Array): void {
  if (Buffer.compare(arrived, sent) === 0) return;
  const at = sent.findIndex((octet, index) => arrived[index] !== octet);
  const differsAt = at === -1 ? sent.length : at;
  const around = (octets: Uint8Array): object => ({
    lengthBytes: octets.length,
    differsAt,
    text: Buffer.from(octets.subarray(Math.max(0, differsAt - 40), differsAt + 40)).toString('latin1'),
  });
  expect(around(arrived)).toEqual(around(sent));
}

/** A file that is gone when its block is left. */
export class TemporaryFile implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'smtpd-clients-'));
  readonly path = join(this.#folder, 'content');

  constructor(content: Uint8Array) {
    writeFileSync(this.path, content);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true });
  }
}

/** What every call of swaks has: no settings of the user, and a name that it need not look for. */
export function swaksArguments(port: number): string[] {
  const server = ['--server', '127.0.0.1', '--port', String(port)];
  return ['--config', ...server, '--helo', 'client.example', '--from', 'alice@a.example'];
}

/** What every call of curl has: quiet except for errors, no settings of the user, no proxy; the message on standard input. */
export function curlArguments(url: string): string[] {
  const quiet = ['--disable', '--silent', '--show-error', '--noproxy', '*'];
  return [...quiet, url, '--mail-from', 'alice@a.example', '--mail-rcpt', 'bob@b.example', '--upload-file', '-'];
}

/** What every call of msmtp has. With `--host`, it reads no settings of the user. */
export function msmtpArguments(port: number): string[] {
  const host = ['--host=127.0.0.1', `--port=${String(port)}`, '--domain=client.example'];
  return [...host, '--timeout=15', '--from=alice@a.example'];
}

/** The content as a file with Unix line ends, for clients that read those. */
export function withUnixLineEnds(content: Uint8Array): Buffer {
  return Buffer.from(Buffer.from(content).toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
}

/** The content as it travels: a dot more where a line begins with one (RFC 5321 §4.5.2). */
export function dotStuffed(content: Uint8Array): Buffer {
  return Buffer.from(
    Buffer.from(content)
      .toString('latin1')
      .replace(/(^|\r\n)\./g, '$1..'),
    'latin1',
  );
}

/** Header fields that no client finds wanting. */
export const HEADER = [
  'From: Alice <alice@a.example>',
  'To: Bob <bob@b.example>',
  'Date: Thu, 01 Jan 2026 00:00:00 +0000',
  'Message-ID: <1@a.example>',
  'Subject: Dots',
  '',
  '',
].join('\r\n');

/** A message of US-ASCII with all that is awkward in one: dots, blanks, empty lines, the longest line (RFC 5321 §4.5.3.1.6). */
export const AWKWARD_MESSAGE = Buffer.from(
  HEADER +
    [
      '.',
      '..',
      '...',
      '.a dot and more',
      'a.',
      '. ',
      '',
      '',
      ' blank before, blank and tab behind \t',
      'From the beginning of a line',
      'QUIT',
      `.${'x'.repeat(997)}`,
      '\x01\x1b\x7f',
      '.last',
      '',
    ].join('\r\n'),
);

/** A message with every octet except CR, LF and NUL, the high ones at the start and at the end of lines, too. */
export const EIGHT_BIT_MESSAGE = Buffer.from(
  `${HEADER}${Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1))
    .filter((octet) => octet !== '\r' && octet !== '\n')
    .map((octet) => `${octet}${octet === '\xff' ? '' : 'a.'}${octet}\r\n`)
    .join('')}`,
  'latin1',
);

/** Less than a test has, so that no client outlives its test. */
const CLIENT_TIMEOUT_MS = 18_000;
