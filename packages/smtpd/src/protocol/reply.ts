/**
 * A reply of the server (RFC 5321 §4.2) as a value. It becomes octets in `reply-encoder.ts` and nowhere else.
 *
 * Not here: which reply answers what; that is in `standard-replies.ts`, the session and the application.
 */

import { UsageError } from './errors.js';
import { kindOf } from './kind-of.js';

/**
 * A reply: a three-digit code, an enhanced status code where there is one, and one line of text or more.
 *
 * Control characters cannot get in: CRLF, CR or LF in `text` start a new line, every other control character becomes a space.
 *
 * @example
 * ```ts
 * import { Reply } from 'smtpd';
 * const reply = new Reply(250, '2.0.0', 'Queued as 4711');
 * reply.isPositive; // true
 * ```
 */
export class Reply {
  /** 200 to 599. */
  readonly code: number;
  /** The enhanced status code of RFC 3463, such as `5.1.1`; `undefined` for none. */
  readonly enhanced: string | undefined;
  /** The text, line by line, without codes and line ends. At least one line, maybe empty. */
  readonly lines: readonly string[];
  /** What {@link Reply.toString} gives: who writes down a conversation asks for the usual replies again and again. */
  #text: string | undefined;

  /**
   * @param code - 200 to 599; the second digit is 0 to 5 (RFC 5321 §4.2)
   * @param enhanced - of the same class as `code`; there is none in the 3yz class (RFC 2034 §4)
   * @param text - one line, or several
   * @throws {@link UsageError} `SMTPD_BAD_REPLY`
   */
  constructor(code: number, enhanced: string | undefined, text: string | readonly string[]) {
    if (!isReplyCode(code)) {
      throw new UsageError(
        'SMTPD_BAD_REPLY',
        `A reply code is 200 to 559 with a second digit of 0 to 5, not ${String(code)}`,
      );
    }
    if (enhanced !== undefined && !isEnhancedCodeFor(code, enhanced)) {
      throw new UsageError(
        'SMTPD_BAD_REPLY',
        `The enhanced status code of a ${String(code)} reply has the form "${String(classOf(code))}.x.y", not "${enhanced}"`,
      );
    }
    this.code = code;
    this.enhanced = enhanced;
    this.lines = Object.freeze(linesOf(text));
    Object.freeze(this);
  }

  /** A 2yz reply: the command was done. */
  get isPositive(): boolean {
    return classOf(this.code) === 2;
  }

  /** A 4yz reply: not now; the client may try again. */
  get isTransient(): boolean {
    return classOf(this.code) === 4;
  }

  /** A 5yz reply: no, and not later either. */
  get isPermanent(): boolean {
    return classOf(this.code) === 5;
  }

  /** The reply as it would be sent, without the last line end. For logs and tests. */
  toString(): string {
    return (this.#text ??= formatReplyLines(this).join('\r\n'));
  }
}

/**
 * Thrown by a hook, `processMessage` or a command method to answer with this reply. Returning the {@link Reply} does the same.
 *
 * @example
 * ```ts
 * import { SMTPReplyError } from 'smtpd';
 * throw new SMTPReplyError(550, '5.1.1', 'No such user');
 * ```
 */
export class SMTPReplyError extends Error {
  override readonly name = 'SMTPReplyError';
  readonly code = 'SMTPD_REPLY';
  /** What the client is answered. */
  readonly reply: Reply;

  /**
   * @param code - 400 to 599
   * @param enhanced - the enhanced status code (RFC 3463), of the same class as `code`; `undefined` for none
   * @param text - one line, or several
   * @throws {@link UsageError} `SMTPD_BAD_REPLY` when the codes cannot be sent as a refusal
   */
  constructor(code: number, enhanced: string | undefined, text: string | readonly string[]) {
    const reply = new Reply(code, enhanced, text);
    if (code < 400) {
      throw new UsageError('SMTPD_BAD_REPLY', `SMTPReplyError refuses: its code is 400 to 599, not ${String(code)}`);
    }
    super(`${String(code)} ${enhanced ?? ''}${enhanced === undefined ? '' : ' '}${reply.lines.join(' / ')}`);
    this.reply = reply;
  }
}

/**
 * Reads a reply from its text: `250 OK`, `550 5.1.1 No such user`, or several lines of which all but the last have a hyphen
 * behind the code.
 *
 * @returns the reply, or `undefined` when the text is not a whole, well-formed reply
 */
export function parseReply(text: string): Reply | undefined {
  const rows = (text.endsWith('\r\n') ? text.slice(0, -2) : text).split('\r\n');
  const code = Number(rows[0]?.slice(0, 3));
  if (!isReplyCode(code)) return undefined;
  let enhanced: string | undefined;
  const lines: string[] = [];
  for (const [index, row] of rows.entries()) {
    if (!row.startsWith(String(code))) return undefined;
    const isLast = index === rows.length - 1;
    const separator = row.charAt(3);
    if (isLast ? separator !== ' ' && separator !== '' : separator !== '-') return undefined;
    let line = row.slice(4);
    const found = parseEnhancedPrefix(code, line);
    // RFC 2034 §4: the same enhanced code begins every line; it is one fact of the reply, not text.
    if (found !== undefined && (index === 0 || found === enhanced)) {
      enhanced = found;
      line = line.slice(found.length + 1);
    }
    lines.push(line);
  }
  return new Reply(code, enhanced, lines);
}

/** The enhanced status code that a reply's line begins with, behind its code; `undefined` for none that fits the code. */
export function parseEnhancedPrefix(code: number, text: string): string | undefined {
  const found = ENHANCED_PREFIX.exec(text)?.[1];
  return found !== undefined && isEnhancedCodeFor(code, found) ? found : undefined;
}

/** Octets of text in one line of a reply: 512, less code, separator, the longest enhanced code with its space, and CRLF. */
export const REPLY_TEXT_BYTES_MAX = 512 - 4 - 10 - 2;

/** The lines of a reply with their codes, as characters; the encoder and `toString` share it. */
export function formatReplyLines(reply: Reply): string[] {
  const code = String(reply.code);
  const prefix = reply.enhanced === undefined ? '' : `${reply.enhanced} `;
  const last = reply.lines.length - 1;
  return reply.lines.map((line, index) => {
    const text = prefix + line;
    if (index < last) return `${code}-${text}`;
    // RFC 5321 §4.2: code and text with a space between; a server sends the space even before an empty text.
    return `${code} ${text}`;
  });
}

/** Whether a number can be a reply code (RFC 5321 §4.2). */
export function isReplyCode(code: number): boolean {
  if (!Number.isInteger(code) || code < 200 || code > 559) return false;
  return Math.floor(code / 10) % 10 <= 5;
}

function classOf(code: number): number {
  return Math.floor(code / 100);
}

function isEnhancedCodeFor(code: number, enhanced: string): boolean {
  return ENHANCED_CODE.test(enhanced) && enhanced.startsWith(String(classOf(code))) && classOf(code) !== 3;
}

function linesOf(text: string | readonly string[]): string[] {
  const joined = typeof text === 'string' ? text : joinLines(text);
  return joined.split(LINE_BREAK).flatMap((line) => foldLine(line.replace(CONTROL, ' ')));
}

/** A caller without types may have given no text at all. */
function joinLines(given: unknown): string {
  if (Array.isArray(given) && given.every((line) => typeof line === 'string')) return given.join('\n');
  const found = Array.isArray(given) ? 'a list of something else' : kindOf(given);
  throw new UsageError('SMTPD_BAD_REPLY', `The text of a reply is a string or a list of strings, not ${found}`);
}

/** RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets with its codes and CRLF. */
function foldLine(line: string): string[] {
  // A code unit of UTF-16 is at most three octets of UTF-8.
  if (line.length * 3 <= REPLY_TEXT_BYTES_MAX) return [line];
  const pieces: string[] = [];
  let start = 0;
  let end = 0;
  let lengthBytes = 0;
  // A surrogate pair is one character and stays in one piece.
  for (const character of line) {
    const characterBytes = utf8Bytes(character.codePointAt(0) ?? 0);
    if (lengthBytes + characterBytes > REPLY_TEXT_BYTES_MAX) {
      pieces.push(line.slice(start, end));
      start = end;
      lengthBytes = 0;
    }
    end += character.length;
    lengthBytes += characterBytes;
  }
  return [...pieces, line.slice(start)];
}

/** RFC 3629 §3. A lone surrogate is sent as U+FFFD. */
function utf8Bytes(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}

// RFC 3463 §2: class "." subject "." detail, subject and detail of one to three digits without leading zeros.
const ENHANCED_CODE = /^[245]\.(?:0|[1-9]\d{0,2})\.(?:0|[1-9]\d{0,2})$/;
const ENHANCED_PREFIX = /^([245]\.\d{1,3}\.\d{1,3})(?: |$)/;
const LINE_BREAK = /\r\n|\r|\n/;
// Everything that a terminal or a line-based reader could take for an order; HT is allowed in text (RFC 5321 §4.2).
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/g;
