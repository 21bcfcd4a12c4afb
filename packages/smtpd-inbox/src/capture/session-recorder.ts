/**
 * Writes down what is said in a session, for people who look at it later. It watches a server's events and changes nothing.
 *
 * A message's transcript is what was said up to the first MAIL, and its own transaction. What was said to others in between is a
 * number: a session of a thousand messages is not kept a thousand times.
 */

import type { SessionInfo, SMTPServer } from 'smtpd';
import type { TranscriptLine } from 'smtpd-store';

/** A session that is written down. */
export class SessionRecord {
  /** How many messages were kept. */
  messageCount = 0;
  /** Whether the client said anything, or tried to. */
  isHeard = false;
  /** The envelope as far as it came, of the last transaction, until a message was kept. */
  envelope: SessionInfo['envelope'];
  readonly #now: () => number;
  readonly #openedAtMs: number;
  readonly #preamble: WrittenLine[] = [];
  /** The lines before the first transaction, which each message of the session is kept with. `undefined`: to be put together anew. */
  #opening: string | undefined;
  #transaction: WrittenLine[] = [];
  #isInTransaction = false;
  #leftOut = 0;
  /** The turn in which the last command was looked at, and when the first of that turn came. */
  #turn = -1;
  #turnAtMicros = 0;
  /** What was kept of the last message, to be told how its transaction went on. */
  #lastKept: readonly string[] | undefined;
  /** How many lines of the transaction its message is kept with. */
  #keptLines = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#openedAtMs = now();
  }

  /** Adds a line. */
  note(from: TranscriptLine['from'], text: string, atMicros = this.#elapsedMicros()): void {
    const lines = this.#isInTransaction ? this.#transaction : this.#preamble;
    const bound = this.#isInTransaction ? TRANSACTION_LINES_MAX : PREAMBLE_LINES_MAX;
    // What was said first and last tells most.
    if (lines.length >= bound) {
      this.#leftOut += 1;
      lines.splice(bound / 2, 1);
    }
    if (!this.#isInTransaction) this.#opening = undefined;
    lines.push(written(from, atMicros, text.length > LINE_LENGTH_MAX ? text.slice(0, LINE_LENGTH_MAX) : text));
  }

  /**
   * Adds a command, with the time when it came. Commands that are looked at in one turn of the event loop came in one go, before any of
   * their replies left: none came later than the first. Who looks at the times sees by that who did not wait.
   */
  noteCommand(text: string): void {
    const turn = currentTurn();
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#turnAtMicros = this.#elapsedMicros();
    }
    this.note('client', text, this.#turnAtMicros);
  }

  /** MAIL came: a transaction begins, and the one before is over. */
  beginTransaction(): KeptIn | undefined {
    const kept = this.takeKept();
    this.#isInTransaction = true;
    this.#transaction = [];
    this.#leftOut = 0;
    return kept;
  }

  /** A message was kept under these ids. */
  keep(ids: readonly string[]): void {
    this.#lastKept = ids;
    this.messageCount += 1;
  }

  /** The last message that was kept, with what was said behind it; `undefined` when it was taken already. */
  takeKept(): KeptIn | undefined {
    const ids = this.#lastKept;
    if (ids === undefined) return undefined;
    // Where lines are left out the number of them stands behind the last.
    const transcript = this.#leftOut > 0 ? this.transcript : undefined;
    this.#lastKept = undefined;
    return { ids, ending: `[${joined(this.#transaction.slice(this.#keptLines))}]`, transcript };
  }

  /** The transcript for a message that is to be kept. What is said from here on is its ending. */
  transcriptToKeep(): string {
    this.#keptLines = this.#transaction.length;
    return this.transcript;
  }

  /** What was said so far: JSON of the lines. */
  get transcript(): string {
    this.#opening ??= joined(this.#preamble);
    const [first] = this.#transaction;
    let lines = this.#opening;
    const before = this.messageCount - (this.#lastKept === undefined ? 0 : 1);
    if (before > 0 && first !== undefined) {
      const text = `messages in this session before: ${String(before)}`;
      lines = withMore(lines, written('event', first.atMicros, text).json);
    }
    lines = withMore(lines, joined(this.#transaction));
    if (this.#leftOut > 0) {
      const last = this.#transaction.at(-1) ?? this.#preamble.at(-1);
      const text = `lines left out: ${String(this.#leftOut)}`;
      lines = withMore(lines, written('event', last?.atMicros ?? 0, text).json);
    }
    return `[${lines}]`;
  }

  /** In whole microseconds: more says nothing, and fills the store. */
  #elapsedMicros(): number {
    return Math.max(0, Math.round((this.#now() - this.#openedAtMs) * 1_000));
  }
}

/** The number of this turn of the event loop. All sessions share what tells them of its end. */
function currentTurn(): number {
  if (!isTurnEndAwaited) {
    isTurnEndAwaited = true;
    setImmediate(() => {
      isTurnEndAwaited = false;
      turnNumber += 1;
    });
  }
  return turnNumber;
}

let turnNumber = 0;
let isTurnEndAwaited = false;

/** A line, formatted once: what was said first is kept with each message of a session, and each message's lines are kept twice. */
interface WrittenLine {
  readonly atMicros: number;
  readonly json: string;
}

/** As `JSON.stringify` has it. Only the text can have something in it that needs a closer look, and it seldom does. */
function written(from: TranscriptLine['from'], atMicros: number, text: string): WrittenLine {
  const quoted = NEEDS_ESCAPES.test(text) ? JSON.stringify(text) : `"${text}"`;
  return { atMicros, json: `{"from":"${from}","atMs":${inMilliseconds(atMicros)},"text":${quoted}}` };
}

/** As `String(micros / 1_000)` has it, without the search for the shortest digits of a fraction: that took longer than all else of a line. */
function inMilliseconds(micros: number): string {
  const whole = Math.floor(micros / 1_000);
  return `${String(whole)}${THOUSANDTHS[micros - whole * 1_000] ?? ''}`;
}

function joined(lines: readonly WrittenLine[]): string {
  return lines.map(({ json }) => json).join(',');
}

function withMore(lines: string, more: string): string {
  return lines === '' || more === '' ? lines + more : `${lines},${more}`;
}

/** Messages that are kept, and what was said behind them. */
export interface KeptIn {
  readonly ids: readonly string[];
  /** JSON of the lines that come behind those that they are kept with. */
  readonly ending: string;
  /** JSON of all lines, to be written anew; `undefined` where the ending is all that is missing. */
  readonly transcript: string | undefined;
}

/** What is done with what was written down. */
export interface RecorderOptions {
  /** A transaction is over: this is the whole of it. */
  readonly onTransaction: (kept: KeptIn) => void;
  /** A session is over. */
  readonly onEnd: (record: SessionRecord, session: SessionInfo, reason: string) => void;
  /** Milliseconds from any moment on. Default: `performance.now`. */
  readonly now?: () => number;
}

/**
 * Writes down all sessions of a server.
 *
 * @returns finds the record of a session that is open
 */
export function recordSessions(
  server: SMTPServer,
  { onTransaction, onEnd, now = () => performance.now() }: RecorderOptions,
): (session: SessionInfo) => SessionRecord {
  const records = new Map<SessionInfo, SessionRecord>();
  const recordOf = (session: SessionInfo): SessionRecord => {
    let record = records.get(session);
    if (record === undefined) {
      record = new SessionRecord(now);
      records.set(session, record);
    }
    return record;
  };
  server.on('connect', ({ session }) => {
    recordOf(session);
  });
  server.on('command', ({ session, verb, argument }) => {
    const record = recordOf(session);
    record.isHeard = true;
    if (verb === 'MAIL') {
      const kept = record.beginTransaction();
      if (kept !== undefined) onTransaction(kept);
    }
    record.noteCommand(argument === undefined ? verb : `${verb} ${readable(argument)}`);
  });
  server.on('reply', ({ session, reply }) => {
    const record = recordOf(session);
    // It is for sessions that are kept because no message was; asking for it makes it anew.
    if (record.messageCount === 0) record.envelope = session.envelope ?? record.envelope;
    const text = reply.toString();
    if (reply.lines.length === 1) record.note('server', text);
    else for (const line of text.split('\r\n')) record.note('server', line);
  });
  server.on('secured', ({ session, tls }) => {
    recordOf(session).note('event', `TLS: ${tls.version}, ${tls.cipher}`);
  });
  server.on('handshakeFailed', ({ session, error }) => {
    const record = recordOf(session);
    record.isHeard = true;
    record.note('event', `the TLS handshake failed: ${error instanceof Error ? error.message : String(error)}`);
  });
  server.on('auth', ({ session, mechanism, user, isAccepted }) => {
    const who = user === undefined ? '' : ` as ${user}`;
    recordOf(session).note('event', `AUTH ${mechanism}${who}: ${isAccepted ? 'accepted' : 'refused'}`);
  });
  server.on('violation', ({ session, violation }) => {
    recordOf(session).note('event', `the client did not follow the protocol: ${violation}`);
  });
  server.on('limit', ({ session, limit }) => {
    if (session !== undefined) recordOf(session).note('event', `a limit was exceeded: ${limit}`);
  });
  server.on('disconnect', ({ session, reason }) => {
    const record = recordOf(session);
    records.delete(session);
    record.note('event', END_TEXTS[reason] ?? reason);
    const kept = record.takeKept();
    if (kept !== undefined) onTransaction(kept);
    onEnd(record, session, reason);
  });
  return recordOf;
}

/** An argument has one character for each octet; most are UTF-8. */
function readable(argument: string): string {
  if (!NON_ASCII.test(argument)) return argument;
  const text = Buffer.from(argument, 'latin1').toString('utf8');
  return text.includes('\ufffd') ? argument : text;
}

const END_TEXTS: Readonly<Record<string, string>> = {
  quit: 'the session ended with QUIT',
  clientGone: 'the client closed the connection',
  timedOut: 'the client was silent for too long',
  limit: 'a limit ended the session',
  refused: 'the session was refused',
  handshakeFailed: 'the TLS handshake failed',
  serverClosing: 'this server closed',
  error: 'the connection broke',
};
const NON_ASCII = /\P{ASCII}/u;
/** What stands otherwise in JSON: quotes, backslashes, control characters, half a pair of UTF-16. */
const NEEDS_ESCAPES = /["\\\p{Cc}\p{Cs}]/u;
/** `''`, `.001` and so on up to `.999`. */
const THOUSANDTHS = Array.from({ length: 1_000 }, (_, thousandths) => String(thousandths / 1_000).slice(1));
const PREAMBLE_LINES_MAX = 200;
const TRANSACTION_LINES_MAX = 2_000;
const LINE_LENGTH_MAX = 4_096;
