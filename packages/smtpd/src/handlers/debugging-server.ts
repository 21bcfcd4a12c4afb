/**
 * The server that prints what arrives, for people who develop or test what sends mail. It takes every message that can be taken,
 * keeps its octets exactly, and says what was odd about it.
 *
 * It decides nothing about form: `text-format.ts`, `json-format.ts` and `python-format.ts` do, and `print-queue.ts` writes.
 */

import type { Writable } from 'node:stream';

import { UsageError } from '../protocol/errors.js';
import type { ReceivedMessage } from '../server/received-message.js';
import { refuseUnknown, type SMTPServerOptions } from '../server/server-options.js';
import { SMTPServer } from '../server/server.js';
import { formatAsJSON } from './json-format.js';
import type { PrintedMessage } from './printed-message.js';
import { PrintQueue } from './print-queue.js';
import { formatAsPython } from './python-format.js';
import { formatAsText } from './text-format.js';

/** How a `DebuggingServer` prints. */
export type DebuggingFormat = 'text' | 'json' | 'python';

/** What a `DebuggingServer` may be given. Everything has a default. */
export interface DebuggingServerOptions extends Omit<SMTPServerOptions, 'lineEndings'> {
  /** The stream that messages are printed on. Default: standard output. */
  readonly output?: Writable;
  /** `text` for people, `json` for programs, `python` for programs that read the old module's printout. Default: `text`. */
  readonly format?: DebuggingFormat;
}

/**
 * A server that prints what arrives.
 *
 * A message is answered with 250 when the stream has taken it. When nobody reads the stream the senders wait; when the stream is
 * broken they hear 451, and the logger hears why.
 *
 * @example
 * ```ts
 * import { PassThrough } from 'node:stream';
 * import { DebuggingServer } from 'smtpd';
 * const output = new PassThrough();
 * const server = new DebuggingServer({ localAddress: 'localhost:0', output, format: 'json' });
 * await server.listen();
 * await server.close();
 * ```
 */
export class DebuggingServer extends SMTPServer {
  readonly #queue: PrintQueue;
  readonly #format: (message: PrintedMessage) => Iterable<string>;

  /** @throws {@link UsageError} when an option cannot work, or two contradict each other */
  constructor(given: DebuggingServerOptions = {}) {
    refuseUnknown(given, { names: OPTION_NAMES, meant: () => ({ stream: 'say output: process.stdout' }) });
    const { output, format, ...options } = given;
    // No message is refused for its form: bare line ends stay as they came, and are reported.
    super({ ...options, lineEndings: 'preserve' });
    this.#queue = PrintQueue.of(output ?? process.stdout);
    this.#format = formatterFor(format ?? 'text');
  }

  override async processMessage(message: ReceivedMessage<Uint8Array | string>): Promise<void> {
    await this.#queue.print({
      pieces: () => this.#format(printed(message)),
      // A sender that left while others were printed was not told 250, and will come again.
      isWanted: () => !message.signal.aborted,
    });
  }
}

function formatterFor(format: DebuggingFormat): (message: PrintedMessage) => Iterable<string> {
  if (!Object.hasOwn(FORMATTERS, format)) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      `format is one of ${Object.keys(FORMATTERS).join(', ')}, not ${JSON.stringify(format)}`,
    );
  }
  return FORMATTERS[format];
}

function printed(message: ReceivedMessage<Uint8Array | string>): PrintedMessage {
  const { id, receivedAt, peer, mailFrom, rcptTos, mailOptions, rcptOptions, facts, data, session } = message;
  const isDecoded = typeof data === 'string';
  return {
    ...{ id, receivedAt, peer, mailFrom, rcptTos, mailOptions, rcptOptions, facts, isDecoded },
    helo: session.clientName ?? '',
    // Only well-formed UTF-8 is decoded, so these are the octets that came.
    data: isDecoded ? Buffer.from(data, 'utf8') : data,
  };
}

const FORMATTERS: Readonly<Record<DebuggingFormat, (message: PrintedMessage) => Iterable<string>>> = Object.freeze({
  text: formatAsText,
  json: formatAsJSON,
  python: formatAsPython,
});
const OPTION_NAMES: readonly (keyof DebuggingServerOptions)[] = ['output', 'format'];
