/** The servers that ours is compared with, and ours: each takes every message and keeps it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { SMTPServer as OtherServer, type SMTPServerOptions as OtherOptions } from 'smtp-server';

import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { KeepingServer } from '../server/support.js';
import { LineLog } from '../support/line-log.js';
import type { Running, TakenMessage } from './comparison.js';

/** npm's smtp-server. */
export interface RunningSMTPServer extends Running {
  readonly server: OtherServer;
  /** What it told of with the event `error`. */
  readonly errors: readonly Error[];
}

/** Starts npm's smtp-server. Without options it takes mail from nobody: it wants AUTH, and STARTTLS before that. */
export async function startSMTPServer(options: OtherOptions = {}): Promise<RunningSMTPServer> {
  const taken: TakenMessage[] = [];
  const errors: Error[] = [];
  const server = new OtherServer({
    name: 'mx.example',
    disabledCommands: ['STARTTLS', 'AUTH'],
    disableReverseLookup: true,
    logger: false,
    onData(stream, { envelope }, answer) {
      const pieces: Buffer[] = [];
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () => {
        taken.push({
          mailFrom: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
          rcptTos: envelope.rcptTo.map(({ address }) => address),
          content: Buffer.concat(pieces).toString('latin1'),
        });
        answer();
      });
    },
    ...options,
  });
  server.on('error', (error) => errors.push(error));
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    server,
    errors,
    port: (listener.address() as AddressInfo).port,
    taken: () => Promise.resolve(taken),
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** Starts aiosmtpd. @param options - those of its class SMTP; and whether it is LMTP */
export async function startAiosmtpd(python: string, options: object = {}): Promise<Running> {
  const program = fileURLToPath(new URL('aiosmtpd-server.py', import.meta.url));
  const child = spawn(python, [program, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const said = new LineLog(child.stdout);
  const port = Number(await said.line(/^\d+$/));
  return {
    port,
    async taken(count) {
      if (count > 0) await said.line(/^\{/, count);
      return said.lines.slice(1).map((line) => JSON.parse(line) as TakenMessage);
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}

/** Starts ours. */
export async function startOurs(
  options: SMTPServerOptions = {},
): Promise<Running & { readonly server: KeepingServer }> {
  const server = new KeepingServer(options);
  await server.listen();
  return {
    server,
    port: server.port,
    taken: () =>
      Promise.resolve(
        server.messages.map(({ mailFrom, rcptTos, data }) => ({
          mailFrom,
          rcptTos,
          content: Buffer.from(data).toString('latin1'),
        })),
      ),
    [Symbol.asyncDispose]: () => server.close(),
  };
}
