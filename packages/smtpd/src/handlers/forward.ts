/**
 * A `message` hook that passes each message on to another server, within the transaction: the client hears what that server said. Nothing
 * is kept here. `PureProxy` does the same while the message comes, and from MAIL on.
 */

import { hostname as systemHostname } from 'node:os';

import { completeClientOptions } from '../client/client-options.js';
import { SMTPConnectionError, SMTPRefusedError, type RecipientOutcome } from '../client/client-errors.js';
import { parseDestination } from '../client/destination.js';
import { isBinaryBody } from '../client/envelope-commands.js';
import { SMTPClientPool, type PoolDestination } from '../client/pool.js';
import type { OutgoingMessage } from '../client/send-message.js';
import { systemClock, type Clock } from '../net/clock.js';
import { broughtToUpstream } from '../protocol/brought-names.js';
import { ContentPass } from '../protocol/content-pass.js';
import { UsageError } from '../protocol/errors.js';
import { octets } from '../protocol/octets.js';
import { Reply } from '../protocol/reply.js';
import { BARE_LINE_END_IN_CONTENT } from '../protocol/standard-replies.js';
import { unknownOptions, type KnownOptions } from '../protocol/unknown-options.js';
import type { Hook, MessageRequest, RcptRequest } from '../server/hooks.js';
import { defaultLogger, guardLogger, type Logger } from '../server/logger.js';
import type { ReceivedMessage } from '../server/received-message.js';
import type { SessionInfo } from '../server/session-info.js';
import type { Verdict } from '../server/verdict.js';
import {
  poolDestination,
  UPSTREAM_OPTION_NAMES,
  upstreamClient,
  upstreamPool,
  type UpstreamOptions,
} from './proxy/upstream-options.js';
import { mayPassOn } from './proxy/mail-parameters.js';
import { factsOfFailure, LOOPING, ONE_BY_ONE, relayedReply, replyOfFailure } from './proxy/upstream-reply.js';
import { receivedField } from './received-field.js';

/** Where messages go, and how. */
export interface ForwardOptions extends UpstreamOptions {
  /** The destination: `host:port`, `[IPv6]:port`, `smtps://host`, `lmtp://host:port`, `unix:/path` or `lmtp:unix:/path`. */
  readonly to: string;
  /** What we call ourselves there, and in `Received`. Default: this machine's name. */
  readonly hostname?: string;
  /** Whether a `Received` field is added (RFC 5321 §4.4). Default: yes. */
  readonly addReceived?: boolean;
  /** `Received` fields that a message may have; one more, and it goes round in circles (RFC 5321 §6.3). Default: 100. */
  readonly hopsMax?: number;
  /** Where failures of the other server are written. Default: standard error. */
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** A hook with connections of its own. Dispose of it when the servers that use it are closed. */
export type ForwardHook = Hook & AsyncDisposable;

/**
 * Makes a hook that passes messages on. Add it behind the hooks that may refuse a message: what the other server has taken cannot be
 * taken back.
 *
 * @example
 * ```ts
 * import { forward, SMTPServer } from 'smtpd';
 * await using onward = forward({ to: 'mail.example.org:25' });
 * await using server = new SMTPServer({ localAddress: 'localhost:0' });
 * server.use(onward);
 * await server.listen();
 * ```
 * @throws {@link UsageError} `SMTPD_BAD_ADDRESS`, `SMTPD_BAD_OPTION`, `SMTPD_CONFLICTING_OPTIONS`
 */
export function forward(options: ForwardOptions): ForwardHook {
  const forwarder = new Forwarder(options);
  return {
    name: 'forward',
    ...(forwarder.hasReplyForEach ? { rcptBatch: (requests) => forwarder.askRecipients(requests) } : {}),
    message: (request) => forwarder.pass(request),
    [Symbol.asyncDispose]: () => forwarder.close(),
  };
}

class Forwarder {
  readonly #to: PoolDestination;
  readonly #where: string;
  readonly #pool: SMTPClientPool;
  readonly #hostname: string;
  readonly #addReceived: boolean;
  readonly #hopsMax: number;
  readonly #logger: Logger;
  #isClosed = false;

  constructor(options: ForwardOptions) {
    const unknown = unknownOptions(options, OPTIONS);
    if (unknown !== undefined) throw new UsageError('SMTPD_BAD_OPTION', unknown);
    const { to, clock = systemClock, addReceived = true, hopsMax = 100, logger = defaultLogger } = options;
    const destination = parseDestination(to);
    if (destination.kind === 'mx') {
      throw new UsageError(
        'SMTPD_BAD_ADDRESS',
        `forward() has one server, and "${to}" may be several: name its host, or use PureProxy`,
      );
    }
    if (!(Number.isInteger(hopsMax) && hopsMax > 0)) {
      throw new UsageError('SMTPD_BAD_OPTION', `hopsMax is a number above 0, not ${String(hopsMax)}`);
    }
    const given = options.hostname === undefined ? {} : { hostname: options.hostname };
    const anywhere = { host: 'localhost', port: 25 };
    this.#hostname = completeClientOptions({ ...given, remoteAddress: anywhere }, systemHostname()).hostname;
    this.#to = poolDestination(destination, upstreamClient(options, { hostname: this.#hostname, clock }));
    this.#where = this.#to.key ?? to;
    this.#pool = new SMTPClientPool(upstreamPool(options, { clock }));
    this.#addReceived = addReceived;
    this.#hopsMax = hopsMax;
    this.#logger = guardLogger(logger);
  }

  /** Whether the other server has a reply for each recipient (RFC 2033 §4.2). */
  get hasReplyForEach(): boolean {
    return this.#to.client.protocol === 'lmtp';
  }

  /** Several replies do not fit into one: where the client hears one, there is one recipient. */
  askRecipients(requests: readonly RcptRequest<undefined>[]): readonly Verdict[] {
    return requests.map(({ session }, index) => {
      const isFirst = index === 0 && (session.envelope?.rcptTos.length ?? 0) === 0;
      return isFirst || session.protocol === 'lmtp' ? undefined : ONE_BY_ONE;
    });
  }

  /** @returns what the other server said for each recipient, in order */
  async pass({ message, signal }: MessageRequest<undefined>): Promise<Verdict | readonly Verdict[]> {
    const outgoing = this.#outgoing(message);
    if (outgoing instanceof Reply) return outgoing;
    // One reply is for all recipients, so either all of them have the message or nobody has.
    const ifSomeRefused = message.session.protocol === 'lmtp' ? 'sendToOthers' : 'giveUp';
    try {
      const { recipients } = await this.#pool.send(this.#to, outgoing, { signal, ifSomeRefused });
      return this.#verdicts(message, recipients);
    } catch (error) {
      const isAboutRecipients = error instanceof SMTPRefusedError || error instanceof SMTPConnectionError;
      if (isAboutRecipients && error.recipients.length > 0) return this.#verdicts(message, error.recipients);
      return this.#failureReply(message, error);
    }
  }

  /** What the other server said for each. Whoever it had not answered for when the connection failed hears why. */
  #verdicts(message: ReceivedMessage, recipients: readonly RecipientOutcome[]): readonly Verdict[] {
    const failure = recipients.find((each) => each.failure !== undefined)?.failure;
    const failureReply = failure === undefined ? undefined : this.#failureReply(message, failure);
    return recipients.map((each) => (each.failure === undefined ? relayedReply(each.reply) : failureReply));
  }

  /** @throws what is no failure of the other server */
  #failureReply(message: ReceivedMessage, error: unknown): Reply {
    // It came too late; that says nothing of the other server.
    if (this.#isClosed) return CLOSED;
    const reply = replyOfFailure(error, 'envelope');
    if (reply === undefined) throw error;
    this.#logger.warn(
      { messageId: message.id, upstream: this.#where, reply: reply.toString(), ...factsOfFailure(error) },
      'A message could not be passed on; the client was told why',
    );
    return reply;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#pool.close();
  }

  /** @returns the message as it leaves, or why it does not */
  #outgoing(message: ReceivedMessage): OutgoingMessage | Reply {
    const { mailFrom, rcptTos, rcptOptions, session } = message;
    const isBinary = isBinaryBody(message.mailOptions);
    const field = { serverName: this.#hostname, recipients: rcptTos };
    const pass = new ContentPass({
      front: this.#addReceived ? octets.encodeUTF8(receivedField(message, field)) : NOTHING,
      headerEnd: NOTHING,
      lineEndings: isBinary ? 'preserve' : 'reject',
    });
    const passages = [pass.pass(octetsOf(message)), pass.end()];
    if (pass.receivedCount > this.#hopsMax) return LOOPING;
    const pieces: Uint8Array[] = [];
    for (const passage of passages) {
      if (passage.kind === 'bareLineEnd') return BARE_LINE_END_IN_CONTENT;
      pieces.push(...passage.pieces);
    }
    return {
      mailFrom,
      rcptTos,
      mailOptions: message.mailOptions.filter((option) => isSentOn(option, session)),
      rcptOptions,
      data: octets.concat(pieces),
    };
  }
}

/** The size is not what it was; the client adds what it is now. */
function isSentOn(option: string, session: SessionInfo): boolean {
  const keyword = (option.split('=', 1)[0] ?? '').toUpperCase();
  return keyword !== 'SIZE' && mayPassOn(keyword, session);
}

/** With `decodeData` content is text, made of octets that were UTF-8. */
function octetsOf(message: ReceivedMessage): Uint8Array {
  const data = message.data as Uint8Array | string;
  return typeof data === 'string' ? octets.encodeUTF8(data) : data;
}

const OWN_OPTION_NAMES: readonly Exclude<keyof ForwardOptions, keyof UpstreamOptions>[] = [
  'to',
  'hostname',
  'addReceived',
  'hopsMax',
  'logger',
  'clock',
];
const OPTIONS: KnownOptions = {
  known: new Set<string>([...OWN_OPTION_NAMES, ...UPSTREAM_OPTION_NAMES]),
  meant: broughtToUpstream,
  title: (name) => `There is no option ${name} of forward()`,
};
const NOTHING = new Uint8Array(0);
const CLOSED = new Reply(451, '4.3.2', 'Error: nothing is passed on any more; try again later');
