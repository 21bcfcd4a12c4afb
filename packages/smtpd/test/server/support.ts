/** What the tests of the server share: servers that record, transports that are watched, and turns of the event loop. */

import type { EndpointAddress, Transport, TransportReceiver } from '../../src/net/transport.js';
import type { Logger } from '../../src/server/logger.js';
import type { ReceivedMessage } from '../../src/server/received-message.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { SMTPServer } from '../../src/server/server.js';
import type { SMTPServerEvents } from '../../src/server/watch.js';
import { RawClient, type WireReply } from '../support/raw-client.js';

/** A line of a log. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** A logger that keeps what it is told. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[] = [];

  debug(fields: object, message: string): void {
    this.#keep('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.#keep('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#keep('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#keep('error', fields, message);
  }

  /** The errors that were logged, as text. */
  get errors(): string[] {
    return this.lines.filter(({ level }) => level === 'error').map(({ fields }) => String(fields['error']));
  }

  #keep(level: LogLine['level'], fields: object, message: string): void {
    this.lines.push({ level, fields: fields as Record<string, unknown>, message });
  }
}

/** A server that takes every message and keeps it. */
export class KeepingServer extends SMTPServer {
  readonly messages: ReceivedMessage[] = [];
  readonly log: RecordingLogger;

  constructor(options: SMTPServerOptions = {}) {
    const log = new RecordingLogger();
    super({ localAddress: '127.0.0.1:0', hostname: 'mx.example', logger: log, ...options });
    this.log = log;
  }

  override processMessage(message: ReceivedMessage): void {
    this.messages.push(message);
  }
}

/** The events of one name, as they come. */
export function eventsOf<Name extends keyof SMTPServerEvents>(
  server: SMTPServer,
  name: Name,
): SMTPServerEvents[Name][] {
  const events: SMTPServerEvents[Name][] = [];
  server.on(name, (event) => {
    events.push(event);
  });
  return events;
}

/** The names of the limits that are exceeded from now on. */
export function limitsOf(server: SMTPServer): string[] {
  const names: string[] = [];
  server.on('limit', ({ limit }) => {
    names.push(limit);
  });
  return names;
}

/** A client in memory that has read the greeting and the reply to EHLO. */
export async function greetedClient(server: SMTPServer): Promise<RawClient> {
  const client = RawClient.inMemory(server);
  await client.reply();
  await client.command('EHLO client.example');
  return client;
}

/** Sends a message, one command after the other, and gives the reply to it. */
export async function sendMessage(client: RawClient, content = 'Hello\r\n'): Promise<WireReply> {
  await startContent(client);
  client.send(`${content}.\r\n`);
  return client.reply();
}

/** Goes as far as the 354. */
export async function startContent(client: RawClient): Promise<void> {
  await client.command('MAIL FROM:<alice@a.example>');
  await client.command('RCPT TO:<bob@b.example>');
  await client.command('DATA');
}

/** A promise that is settled when the test says so. */
export class Held<T = unknown> {
  readonly promise: Promise<T>;
  answer: (value: T) => void = () => undefined;
  fail: (error: unknown) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.answer = resolve;
      this.fail = reject;
    });
  }
}

/** How many resources of this kind keep the process alive, such as `TCPServerWrap` or `Timeout`. */
export function openCount(...kinds: readonly string[]): number {
  return process.getActiveResourcesInfo().filter((kind) => kinds.includes(kind)).length;
}

/** Lets everything that can happen now happen. */
export async function turns(count = 3): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Waits, turn by turn, for what must come. What does not come fails a little before the test's own time is over, and says what. */
export async function until(isSo: () => boolean): Promise<void> {
  const beganAt = performance.now();
  while (!isSo()) {
    if (performance.now() - beganAt > 15_000) throw new Error(`Never came true: ${isSo.toString()}`);
    await turns(1);
  }
}

/** What a promise rejects with; `undefined` when it does not. */
export async function rejection(promise: PromiseLike<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The codes of replies. */
export function codes(replies: readonly WireReply[]): number[] {
  return replies.map(({ code }) => code);
}

/** A transport that notes what is done to it, and does what the test says. */
export class FakeTransport implements Transport {
  readonly remote: EndpointAddress;
  readonly local: EndpointAddress = { address: '192.0.2.25', port: 25, family: 'IPv4' };
  readonly socket = undefined;
  /** What was done, in order; writes as their text. */
  readonly actions: string[] = [];
  readonly writes: string[] = [];
  unsentBytes = 0;
  /** Whether what is written leaves at once. */
  isReading = true;
  receiver: TransportReceiver | undefined;
  #isClosed = false;

  constructor(address = '192.0.2.1', family: EndpointAddress['family'] = 'IPv4') {
    this.remote = { address, port: 50_000, family };
  }

  start(receiver: TransportReceiver): void {
    this.receiver = receiver;
  }

  write(bytes: Uint8Array): boolean {
    const text = Buffer.from(bytes).toString('latin1');
    this.writes.push(text);
    this.actions.push(text);
    if (this.isReading) return true;
    this.unsentBytes += bytes.length;
    return false;
  }

  pause(): void {
    this.actions.push('pause');
  }

  resume(): void {
    this.actions.push('resume');
  }

  end(): void {
    this.actions.push('end');
  }

  destroy(): void {
    this.actions.push('destroy');
    this.close();
  }

  /** The client sends this. */
  send(text: string): void {
    this.receiver?.onBytes(Buffer.from(text, 'latin1'));
  }

  /** The client reads what was written. */
  drain(): void {
    this.unsentBytes = 0;
    this.isReading = true;
    this.receiver?.onDrain();
  }

  /** The connection is gone. */
  close(error?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.receiver?.onClose(error);
  }
}
