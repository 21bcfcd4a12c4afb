/**
 * A client of the pure session: octets in, replies and deliveries out, in the same turn. No socket, no channel, no application;
 * a policy answers what the session asks.
 */

import { composeOffer, type Offer, type Situation, type OfferFacts, IN_CLEAR } from '../../src/protocol/extension.js';
import { STANDARD_EXTENSIONS } from '../../src/protocol/extensions/index.js';
import type { Limits } from '../../src/protocol/limits.js';
import { octets } from '../../src/protocol/octets.js';
import type { Reply } from '../../src/protocol/reply.js';
import { ServerSession } from '../../src/protocol/server-session.js';
import type { Question, SessionEvent, SessionOptions } from '../../src/protocol/session-events.js';
import { formatOptions, type Envelope } from '../../src/protocol/session-state.js';
import { completeOptions, factsIn, type SMTPServerOptions } from '../../src/server/server-options.js';
import { sessionOptionsFor } from '../../src/server/session-options.js';
import type { WireReply } from './raw-client.js';

/** What differs from a usual server. */
export interface PureSetup extends Pick<
  SMTPServerOptions,
  | 'auth'
  | 'dataSizeLimit'
  | 'decodeData'
  | 'disabledExtensions'
  | 'earlyInput'
  | 'enableSMTPUTF8'
  | 'extensions'
  | 'greeting'
  | 'hostname'
  | 'limits'
  | 'lineEndings'
  | 'pathSyntax'
  | 'protocol'
  | 'tls'
> {
  readonly isStreaming?: boolean;
  /** How the session begins, where it is not as usual. */
  readonly situation?: Partial<Situation>;
  /** What is otherwise true of a session, such as that it is on TLS. */
  readonly facts?: Partial<OfferFacts>;
  /** Answers a question; `undefined` is yes. */
  readonly decide?: (question: Question) => Reply | undefined;
  /** Answers the question about a message for each recipient; `undefined` leaves it to `decide`. */
  readonly decideEach?: (envelope: Envelope) => readonly Reply[] | undefined;
  /** Runs a command instead of the session. @returns whether it did */
  readonly run?: (event: Extract<SessionEvent, { kind: 'command' }>, session: ServerSession) => boolean;
  /** Takes the line that answers a challenge. */
  readonly onLine?: (event: Extract<SessionEvent, { kind: 'line' }>, session: ServerSession) => void;
  /** Whether RCPT commands that come together are taken together. */
  readonly isBatching?: boolean;
}

/** A message that was handed over. */
export interface PureDelivery {
  readonly mailFrom: string;
  readonly mailOptions: readonly string[];
  readonly rcptTos: readonly string[];
  readonly rcptOptions: readonly (readonly string[])[];
  /** Each octet is one character. */
  readonly data: string;
}

/** How a conversation went. */
export interface PureOutcome {
  readonly replies: readonly WireReply[];
  readonly deliveries: readonly PureDelivery[];
  readonly isClosed: boolean;
  /** Octets that were received and not used. */
  readonly unreadBytes: number;
}

/** The name of the server. */
export const HOSTNAME = 'mail.example.test';

/** One connection to one session. The greeting's question was answered, and the greeting is the first of `replies`. */
export class PureClient {
  readonly session: ServerSession;
  readonly replies: WireReply[] = [];
  readonly deliveries: PureDelivery[] = [];
  readonly exceeded: (keyof Limits)[] = [];
  /** Every event that the session gave. */
  readonly events: SessionEvent['kind'][] = [];
  /** Commands that were handed out. */
  readonly commands: string[] = [];
  /** All that the session said, each octet one character. */
  output = '';
  readonly #setup: PureSetup;
  #streamed = '';

  constructor(setup: PureSetup = {}) {
    this.#setup = setup;
    this.session = new ServerSession(sessionOptionsOf(setup), { ...IN_CLEAR, ...setup.situation });
    this.#answer(this.session.open());
    this.#takeReplies();
  }

  /** How it went so far. */
  get outcome(): PureOutcome {
    return {
      replies: this.replies,
      deliveries: this.deliveries,
      isClosed: this.session.phase === 'closed',
      unreadBytes: this.session.unreadBytes,
    };
  }

  /** The last reply's code. */
  get code(): number | undefined {
    return this.replies.at(-1)?.code;
  }

  /** Sends octets, each character one of them. @returns the replies that came */
  send(text: string): readonly WireReply[] {
    return this.receive(octets.encodeLatin1(text));
  }

  /** Sends commands one after the other. @returns the codes of all replies */
  codes(...commands: readonly string[]): readonly number[] {
    return commands.flatMap((command) => this.send(`${command}\r\n`)).map(({ code }) => code);
  }

  /** Sends octets in a buffer that is written over at once, as a socket's is. @returns the replies that came */
  receive(bytes: Uint8Array): readonly WireReply[] {
    const lent = Uint8Array.from(bytes);
    this.session.receive(lent);
    this.#pull();
    this.session.settle();
    lent.fill(0x58);
    return this.#takeReplies();
  }

  /** Goes on after something was answered from outside. @returns the replies that came */
  resume(): readonly WireReply[] {
    this.#pull();
    return this.#takeReplies();
  }

  #pull(): void {
    const { session } = this;
    for (;;) {
      const event = session.next();
      this.events.push(event.kind);
      switch (event.kind) {
        case 'needData':
        case 'paused':
        case 'closed':
          return;
        case 'command':
          this.commands.push(event.verb);
          this.#run(event);
          // What streamed of a message that was given up between two chunks is dropped.
          if (session.envelope === undefined) this.#streamed = '';
          break;
        case 'line':
          this.#setup.onLine?.(event, session);
          break;
        case 'content':
          this.#streamed += latin1(session.takeContent());
          break;
        case 'contentEnd':
          if (event.refused === undefined) this.#deliver(event.facts);
          this.#streamed = '';
      }
    }
  }

  #run(event: Extract<SessionEvent, { kind: 'command' }>): void {
    const { session } = this;
    if (this.#setup.run?.(event, session) === true) return;
    if (event.verb === 'RCPT' && this.#setup.isBatching === true) {
      for (const question of session.rcptBatch(event.argument)) this.#answer(question);
      return;
    }
    const question = session.perform(event);
    if (question !== undefined) this.#answer(question);
  }

  #deliver(facts: Extract<Question, { kind: 'message' }>['facts']): void {
    const { session } = this;
    const envelope = session.envelope!;
    const data = this.#streamed + latin1(session.takeContent());
    const each = this.#setup.decideEach?.(envelope);
    if (each !== undefined) session.answerEach(each);
    if (each?.some(({ isPositive }) => isPositive) ?? this.#answer({ kind: 'message', facts })) {
      this.deliveries.push({
        mailFrom: envelope.reversePath.address,
        mailOptions: formatOptions(envelope.parameters),
        rcptTos: envelope.recipients.map(({ path }) => path.address),
        rcptOptions: envelope.recipients.map(({ parameters }) => formatOptions(parameters)),
        data,
      });
    }
  }

  #answer(question: Question): boolean {
    const reply = this.#setup.decide?.(question);
    const isYes = reply?.isPositive ?? true;
    if (isYes) this.session.accept(reply);
    else this.session.refuse(reply!);
    return isYes;
  }

  #takeReplies(): readonly WireReply[] {
    this.exceeded.push(...this.session.takeExceeded());
    const bytes = this.session.takeOutput();
    if (bytes === undefined) return [];
    const text = latin1(bytes);
    this.output += text;
    const found = readReplies(text);
    this.replies.push(...found);
    return found;
  }
}

/** Sends the pieces to a new session, and says how it went. */
export function converse(pieces: readonly Uint8Array[], setup?: PureSetup): PureOutcome {
  const client = new PureClient(setup);
  for (const piece of pieces) client.receive(piece);
  return client.outcome;
}

/** The options of a session as a server with these options would make them. */
export function sessionOptionsOf(setup: PureSetup): SessionOptions {
  const {
    isStreaming = false,
    facts,
    situation: _situation,
    decide: _decide,
    decideEach: _decideEach,
    run: _run,
    onLine: _onLine,
    isBatching: _isBatching,
    ...given
  } = setup;
  const options = completeOptions({ hostname: HOSTNAME, ...given });
  const made = sessionOptionsFor(options, { mode: options.tls.mode, isStreaming });
  if (facts === undefined) return made;
  const extensions = [...STANDARD_EXTENSIONS, ...options.extensions];
  const offerIn = (situation: Situation): Offer =>
    composeOffer(
      extensions,
      { ...factsIn(options, situation, false), ...facts },
      { disabled: options.disabledExtensions },
    );
  return { ...made, offerIn };
}

/** Whole replies and nothing else; anything else fails. */
export function readReplies(text: string): readonly WireReply[] {
  const found: WireReply[] = [];
  let rest = text;
  while (rest !== '') {
    const match = REPLY.exec(rest);
    if (match === null) throw new Error(`Not a whole reply: ${JSON.stringify(rest.slice(0, 600))}`);
    const rows = match[0].slice(0, -2).split('\r\n');
    found.push({ code: Number(match[0].slice(0, 3)), lines: rows.map((row) => row.slice(4)) });
    rest = rest.slice(match[0].length);
  }
  return found;
}

function latin1(bytes: Uint8Array): string {
  return octets.decodeLatin1(bytes, 0, bytes.length);
}

// RFC 5321 §4.2: every line but the last has a hyphen behind the code, and all have the same code.
const REPLY = /^(?:(\d{3})-[^\r\n]*\r\n(?=\1[ -]))*\d{3} [^\r\n]*\r\n/;
