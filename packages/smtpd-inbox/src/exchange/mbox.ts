/**
 * Mail in one file: mbox as RFC 4155 describes it, with the reversible quoting that is called mboxrd. Written and read piece by piece; what
 * was written is read back octet for octet.
 *
 *     From ann@a.example Wed Nov 25 20:01:00 2026 LF
 *     the message, with > before each line that begins with any number of > and "From "
 *     LF
 *
 * The line end behind a message is never its own. A message that ends in a line end is therefore followed by an empty line, as it has to
 * be; one that does not is not, and no octet is invented for it.
 */

import { ExchangeError } from './exchange-error.js';
import { DEFAULT_MESSAGE_BYTES_MAX, tooLarge, type ImportItem, type ImportLimits } from './import-item.js';

/** A message to be written. */
export interface MboxMessage {
  readonly raw: Uint8Array | AsyncIterable<Uint8Array>;
  /** The sender of the envelope; `''` for the null reverse-path. */
  readonly mailFrom: string;
  readonly receivedAt: Date;
}

/** How a file is read. */
export interface MboxOptions extends ImportLimits {
  /**
   * How lines that begin with `From ` are quoted:
   * - `mboxrd`: one `>` is taken from `>From `, `>>From ` and so on
   * - `mboxo`: only from `>From `; Content-Length says nothing. For files of the kinds mboxo and mboxcl
   * - `mboxcl2`: not at all; Content-Length is believed
   *
   * Default: `mboxrd`. Content-Length is not believed there: a message could hide the next one with it.
   */
  readonly variant?: 'mboxrd' | 'mboxo' | 'mboxcl2';
}

/**
 * Writes messages, with no more than a piece of one in memory.
 *
 * @example
 * ```ts
 * import { createWriteStream } from 'node:fs';
 * import { pipeline } from 'node:stream/promises';
 * import { writeMbox } from 'smtpd-inbox';
 * const messages = [{ raw: Buffer.from('Subject: Hi\r\n\r\n'), mailFrom: 'ann@a.example', receivedAt: new Date() }];
 * await pipeline(writeMbox(messages), createWriteStream('mail.mbox'));
 * ```
 */
export async function* writeMbox(
  messages: Iterable<MboxMessage> | AsyncIterable<MboxMessage>,
): AsyncGenerator<Uint8Array> {
  for await (const { raw, mailFrom, receivedAt } of messages) {
    yield Buffer.from(`From ${senderWord(mailFrom)} ${asctime(receivedAt)}\n`);
    const quoter = new FromQuoter();
    if (raw instanceof Uint8Array) yield* quoter.quote(raw);
    else for await (const piece of raw) yield* quoter.quote(piece);
    yield* quoter.end();
    yield LINE_FEED;
  }
}

/**
 * Reads messages, with no more than one of them in memory.
 *
 * @throws {@link ExchangeError} `EXCHANGE_BAD_ARCHIVE` when the file does not begin with a `From ` line
 *
 * @example
 * ```ts
 * import { createReadStream } from 'node:fs';
 * import { readMbox } from 'smtpd-inbox';
 * for await (const item of readMbox(createReadStream('mail.mbox'))) {
 *   if (item.kind === 'message') console.log(item.mailFrom, item.raw.length);
 * }
 * ```
 */
export async function* readMbox(
  file: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  options: MboxOptions = {},
): AsyncGenerator<ImportItem> {
  const reader = new MboxReader(options);
  for await (const piece of file) yield* reader.read(piece);
  yield* reader.end();
}

/** Puts a `>` before `From ` where only `>` stand between it and the beginning of the line. */
class FromQuoter {
  /** `F`, `Fr`, … that stood at the end of the last piece where they may have to be quoted. */
  #held: Buffer = EMPTY;
  /** Whether only `>` stand between here and the beginning of the line, not counting what is held. */
  #isLineHead = true;

  *quote(piece: Uint8Array): Generator<Uint8Array> {
    const text = joined(this.#held, piece);
    let from = 0;
    for (let at = text.indexOf(FROM); at !== -1; at = text.indexOf(FROM, at + 1)) {
      if (!this.#isHeadAt(text, at)) continue;
      if (at > from) yield text.subarray(from, at);
      yield QUOTE;
      from = at;
    }
    const heldBytes = this.#beginningAtEnd(text);
    const end = text.length - heldBytes;
    if (end > from) yield text.subarray(from, end);
    this.#isLineHead = this.#isHeadAt(text, end);
    this.#held = text.subarray(end);
  }

  *end(): Generator<Uint8Array> {
    if (this.#held.length > 0) yield this.#held;
  }

  /** How many octets at the end may be the beginning of what is quoted. */
  #beginningAtEnd(text: Buffer): number {
    for (let length = Math.min(FROM.length - 1, text.length); length > 0; length -= 1) {
      const at = text.length - length;
      if (text.subarray(at).equals(FROM.subarray(0, length))) return this.#isHeadAt(text, at) ? length : 0;
    }
    return 0;
  }

  /** Each run of `>` is walked once for the one place behind it. */
  #isHeadAt(text: Buffer, at: number): boolean {
    let before = at - 1;
    while (text[before] === CLOSING_ANGLE) before -= 1;
    return before < 0 ? this.#isLineHead : text[before] === LF;
  }
}

/** Takes pieces of a file and gives what is whole. */
class MboxReader {
  readonly #variant: NonNullable<MboxOptions['variant']>;
  readonly #messageBytesMax: number;
  /** The beginning of a line that may mean something. Never longer than a line that could. */
  #held: Buffer = EMPTY;
  #isMidLine = false;
  #message: OpenMessage | undefined;
  #count = 0;

  constructor({ variant = 'mboxrd', messageBytesMax = DEFAULT_MESSAGE_BYTES_MAX }: MboxOptions) {
    this.#variant = variant;
    this.#messageBytesMax = messageBytesMax;
  }

  *read(piece: Uint8Array): Generator<ImportItem> {
    const text = joined(this.#held, piece);
    this.#held = EMPTY;
    let from = 0;
    let at = 0;
    const keepUntil = (end: number): void => {
      if (end > from) this.#keep(text.subarray(from, end));
      from = end;
    };
    while (at < text.length) {
      const counted = this.#message?.countedBytes ?? 0;
      if (counted > 0 && this.#message !== undefined) {
        const taken = Math.min(counted, text.length - at);
        this.#message.countedBytes = counted - taken;
        at += taken;
        this.#isMidLine = text[at - 1] !== LF;
        continue;
      }
      const lineFeed = text.indexOf(LF, at);
      const lineEnd = lineFeed === -1 ? text.length : lineFeed + 1;
      const isLineBegin = !this.#isMidLine;
      this.#isMidLine = lineFeed === -1;
      if (isLineBegin && this.#mayMeanSomething(text, at)) {
        const heldFrom = lineFeed === -1 ? this.#heldFrom(text, at) : undefined;
        if (heldFrom !== undefined) {
          keepUntil(heldFrom);
          this.#held = text.subarray(heldFrom);
          this.#isMidLine = false;
          return;
        }
        const line = text.subarray(at, lineEnd);
        const facts = this.#fromLineFacts(line);
        if (facts !== undefined) {
          keepUntil(at);
          yield* this.#finish();
          this.#count += 1;
          this.#message = {
            name: `message ${this.#count}`,
            facts,
            endsLinesWithCRLF: line.at(-2) === CR,
            pieces: [],
            sizeBytes: 0,
            isHeader: true,
            contentLength: undefined,
            countedBytes: 0,
          };
          from = lineEnd;
        } else if (this.#isQuoted(line)) {
          keepUntil(at);
          from = at + 1;
        } else if (this.#message?.isHeader === true && this.#variant === 'mboxcl2') {
          keepUntil(lineEnd);
          this.#readHeaderLine(this.#message, line);
        }
      }
      if (this.#message === undefined) {
        if (!BLANK_LINE.test(text.toString('latin1', at, Math.min(lineEnd, at + 3)))) {
          throw new ExchangeError('EXCHANGE_BAD_ARCHIVE', 'This is no mbox: it does not begin with a line "From …"');
        }
        from = lineEnd;
      }
      at = lineEnd;
    }
    keepUntil(text.length);
  }

  *end(): Generator<ImportItem> {
    const last = this.#held;
    this.#held = EMPTY;
    if (last.length > 0) {
      // A line that lacks its end.
      yield* this.read(Buffer.concat([last, LINE_FEED]));
      const pieces = this.#message?.pieces ?? [];
      const end = pieces.pop();
      if (end !== undefined) pieces.push(end.subarray(0, -1));
    }
    yield* this.#finish();
  }

  #mayMeanSomething(text: Buffer, at: number): boolean {
    const first = text[at];
    if (first === FROM[0] || first === CLOSING_ANGLE) return true;
    return this.#variant === 'mboxcl2' && this.#message?.isHeader === true;
  }

  /** @returns where what has to wait for the rest of its line begins; `undefined` when the line is clear, whatever comes */
  #heldFrom(text: Buffer, lineAt: number): number | undefined {
    if (text.length - lineAt <= LINE_BYTES_MAX) return lineAt;
    // Of many `>` one is taken away, whichever: the last one waits for the others.
    let at = lineAt;
    while (text[at] === CLOSING_ANGLE) at += 1;
    const isOpen = this.#variant === 'mboxrd' && at > lineAt && text.length - at < FROM.length;
    return isOpen ? at - 1 : undefined;
  }

  /** @returns `undefined` for a line that begins no message */
  #fromLineFacts(line: Buffer): FromLineFacts | undefined {
    if (!line.subarray(0, FROM.length).equals(FROM) || line.length > LINE_BYTES_MAX) return undefined;
    const text = line.toString().trimEnd();
    const groups = DATED.exec(text)?.groups;
    if (groups !== undefined) return factsOf(groups);
    // What begins the file is taken for what it should be; elsewhere a line without a date is somebody's sentence.
    return this.#message === undefined ? {} : undefined;
  }

  #isQuoted(line: Buffer): boolean {
    if (this.#variant === 'mboxcl2') return false;
    let at = 0;
    while (line[at] === CLOSING_ANGLE) at += 1;
    const isWithin = this.#variant === 'mboxrd' ? at > 0 : at === 1;
    return isWithin && line.subarray(at, at + FROM.length).equals(FROM);
  }

  #readHeaderLine(message: OpenMessage, line: Buffer): void {
    const text = line.toString('latin1');
    if (BLANK_LINE.test(text)) {
      message.isHeader = false;
      const length = message.contentLength;
      if (length !== undefined && length <= this.#messageBytesMax) message.countedBytes = length;
    }
    message.contentLength ??= Number(CONTENT_LENGTH.exec(text)?.[1] ?? NaN) || undefined;
  }

  #keep(octets: Buffer): void {
    const message = this.#message;
    if (message === undefined) return;
    message.sizeBytes += octets.length;
    // Two octets more may be a line end that is not the message's.
    if (message.sizeBytes <= this.#messageBytesMax + 2) message.pieces.push(octets);
    else message.pieces = [];
  }

  *#finish(): Generator<ImportItem> {
    const message = this.#message;
    this.#message = undefined;
    if (message === undefined) return;
    if (message.sizeBytes > this.#messageBytesMax + 2) {
      yield tooLarge(message.name, this.#messageBytesMax);
      return;
    }
    const whole = Buffer.concat(message.pieces);
    const endBytes = whole.at(-1) !== LF ? 0 : message.endsLinesWithCRLF && whole.at(-2) === CR ? 2 : 1;
    const raw = whole.subarray(0, whole.length - endBytes);
    if (raw.length > this.#messageBytesMax) yield tooLarge(message.name, this.#messageBytesMax);
    else yield { kind: 'message', name: message.name, raw, ...message.facts };
  }
}

/** A message whose end was not seen yet. */
interface OpenMessage {
  readonly name: string;
  readonly facts: FromLineFacts;
  /** As its `From ` line does; the line end behind it is of the same kind. */
  readonly endsLinesWithCRLF: boolean;
  /** None once it is too large. */
  pieces: Buffer[];
  sizeBytes: number;
  isHeader: boolean;
  contentLength: number | undefined;
  /** Octets that come without a look, by Content-Length. */
  countedBytes: number;
}

/** What a `From ` line says. */
interface FromLineFacts {
  readonly mailFrom?: string;
  readonly receivedAt?: Date;
}

function factsOf(groups: Readonly<Record<string, string | undefined>>): FromLineFacts {
  const { sender = '', month = '', day, hours, minutes, seconds = '0', year } = groups;
  // RFC 4155: the time is UTC, and no zone is written.
  const at = Date.UTC(
    Number(year),
    MONTHS.indexOf(month),
    Number(day),
    Number(hours),
    Number(minutes),
    Number(seconds),
  );
  return { mailFrom: sender === NO_SENDER ? '' : sender, receivedAt: new Date(at) };
}

/** Copies only where there is something to join. */
function joined(held: Buffer, piece: Uint8Array): Buffer {
  return held.length > 0 ? Buffer.concat([held, piece]) : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}

/** What is in no line: control characters. */
function senderWord(mailFrom: string): string {
  return mailFrom.replace(/\p{Cc}/gu, '_').trim() || NO_SENDER;
}

/** As the function of that name in C writes it, in UTC: `Wed Nov 25 20:01:00 2026`. */
function asctime(time: Date): string {
  const [weekday = '', day = '', month = '', year = '', clock = ''] = time.toUTCString().replace(',', '').split(' ');
  return `${weekday} ${month} ${day.replace(/^0/, ' ')} ${clock} ${year}`;
}

const LF = 0x0a;
const CR = 0x0d;
const CLOSING_ANGLE = 0x3e;
const EMPTY = Buffer.alloc(0);
const LINE_FEED = Buffer.from('\n');
const QUOTE = Buffer.from('>');
const FROM = Buffer.from('From ');
/** What most programs write for the null reverse-path. */
const NO_SENDER = 'MAILER-DAEMON';
/** A longer line is nobody's `From ` line. */
const LINE_BYTES_MAX = 1_000;
const BLANK_LINE = /^\r?\n?$/;
const CONTENT_LENGTH = /^content-length[ \t]*:[ \t]*(\d{1,10})[ \t]*\r?\n$/i;
const MONTHS: readonly string[] = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
/** `From `, a sender, and a date of `asctime`, with a zone before or behind the year where some write one. */
const DATED = new RegExp(
  `^From (?<sender>.*?) *(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? (?<month>${MONTHS.join('|')}) {1,2}(?<day>\\d{1,2}) ` +
    '(?<hours>\\d\\d):(?<minutes>\\d\\d)(?::(?<seconds>\\d\\d))?(?: [A-Z+-][A-Z0-9]{1,5}){0,2} (?<year>\\d{4})(?: .*)?$',
);
