// Reply decoder: the next whole reply (RFC 5321 §4.2) out of unread input. What a reply answers is for client-session.ts. In the
// client's walk it stands between the input and the session.

import { parseEnhancedPrefix, isReplyCode, Reply } from './reply.js';
import type { Input } from './input.js';
import { octetAt, octets } from './octets.js';

/**
 * What a server may send that is no reply.
 *
 * - `lineEnd`: a CR or LF that is not part of a CRLF (RFC 5321 §2.3.8)
 * - `lineTooLong`, `replyTooLong`: more than we hold for anybody
 * - `code`: a line that does not begin with a reply code and a space or hyphen
 * - `codeChanged`: lines of one reply with different codes (RFC 5321 §4.2.1)
 */
export type ReplyFault = 'lineEnd' | 'lineTooLong' | 'replyTooLong' | 'code' | 'codeChanged';

/** A reply, or what came instead. After a fault nobody can tell where the next reply begins. */
export type DecodedReply =
  { readonly kind: 'reply'; readonly reply: Reply } | { readonly kind: 'fault'; readonly fault: ReplyFault };

/**
 * Decodes replies. What comes out never depends on how the octets were split, and no octet is looked at more than a few times.
 *
 * @example
 * ```ts
 * const decoder = new ReplyDecoder();
 * input.append(octets.encodeLatin1('250-a.example\r\n250 SIZE\r\n354'));
 * decoder.decode(input); // { kind: 'reply', reply: 250 with the lines 'a.example' and 'SIZE' }
 * decoder.decode(input); // undefined: more octets are needed
 * ```
 */
export class ReplyDecoder {
  #lines: string[] = [];
  #code = 0;
  #enhanced: string | undefined;
  /** Octets of the reply that were taken. */
  #takenBytes = 0;
  /** Octets of the unfinished line that were looked at already, and all bits that are set in one of them. */
  #searchedBytes = 0;
  #seenBits = 0;
  /** Replies of one line that came before. A server says few things again and again; a reply that is known costs no parsing, nor formatting. */
  readonly #known = new Map<string, KnownReply>();
  /** The last reply that is known. */
  #last: KnownReply | undefined;

  /** Whether a reply has begun and is not complete. */
  get isWithinReply(): boolean {
    return this.#lines.length > 0;
  }

  /** The next reply, taken from the input; `undefined` when more octets are needed. */
  decode(input: Input): DecodedReply | undefined {
    const repeated = this.#repeated(input);
    if (repeated !== undefined) return repeated;
    while (input.length > this.#searchedBytes) {
      const { bytes, start, end } = input;
      const found = this.#findLineEnd(bytes, start, end);
      if (found === undefined) return undefined;
      if (typeof found === 'string') return fault(found);
      const isASCII = this.#seenBits < 0x80;
      const line = isASCII ? octets.decodeLatin1(bytes, start, found - 1) : textOf(bytes.subarray(start, found - 1));
      const isWhole = this.#lines.length === 0;
      const known = isWhole ? this.#known.get(line) : undefined;
      const decoded = known === undefined ? this.#addLine(line) : known.decoded;
      if (known !== undefined) this.#follow(known);
      else if (isWhole && decoded?.kind === 'reply') this.#know(line, bytes.subarray(start, found + 1), decoded);
      this.#takenBytes = decoded === undefined ? this.#takenBytes + found + 1 - start : 0;
      this.#searchedBytes = 0;
      this.#seenBits = 0;
      input.take(found + 1 - start);
      if (decoded !== undefined) return decoded;
    }
    return undefined;
  }

  /** Keeps a reply that came on one line. */
  #know(line: string, lent: Uint8Array, decoded: DecodedReply): void {
    if (this.#known.size >= KNOWN_REPLIES_MAX) return;
    const known: KnownReply = { octets: Uint8Array.from(lent), decoded, next: undefined };
    this.#known.set(line, known);
    this.#follow(known);
  }

  /** Notes that this reply came behind the last one. */
  #follow(known: KnownReply): void {
    if (this.#last !== undefined && this.#last !== known) this.#last.next = known;
    this.#last = known;
  }

  /**
   * The usual case: a server goes through the same replies with each message. What comes next is what followed the last time, or the same
   * once more.
   */
  #repeated(input: Input): DecodedReply | undefined {
    const last = this.#last;
    // Where a reply has begun, or a part of its line was looked at, this is not the place where one begins.
    if (last === undefined || this.#takenBytes > 0 || this.#searchedBytes > 0) return undefined;
    const expected = beginsWith(input, last.next?.octets)
      ? last.next
      : beginsWith(input, last.octets)
        ? last
        : undefined;
    if (expected === undefined) return undefined;
    input.take(expected.octets.length);
    this.#last = expected;
    return expected.decoded;
  }

  /** @returns where the LF is that ends the line, behind its CR; `undefined` when more octets are needed */
  #findLineEnd(bytes: Uint8Array, start: number, end: number): number | ReplyFault | undefined {
    const lineBytesMax = Math.min(LINE_BYTES_MAX, REPLY_BYTES_MAX - this.#takenBytes);
    let seenBits = this.#seenBits;
    let at = start + this.#searchedBytes;
    let before = at === start ? 0 : octetAt(bytes, at - 1);
    for (; at < end; at += 1) {
      const octet = octetAt(bytes, at);
      if (octet === LF || before === CR) {
        this.#seenBits = seenBits;
        return octet === LF && before === CR ? at : 'lineEnd';
      }
      // What lies behind the bound is not looked at, so that it does not matter how much of it has come.
      if (at - start >= lineBytesMax) return lineBytesMax < LINE_BYTES_MAX ? 'replyTooLong' : 'lineTooLong';
      seenBits |= octet;
      before = octet;
    }
    this.#searchedBytes = end - start;
    this.#seenBits = seenBits;
    return undefined;
  }

  /** Forgets a reply that has begun. */
  reset(): void {
    this.#lines = [];
    this.#enhanced = undefined;
    this.#takenBytes = 0;
    this.#searchedBytes = 0;
    this.#seenBits = 0;
  }

  #addLine(line: string): DecodedReply | undefined {
    const isFirst = this.#lines.length === 0;
    const digits = CODE.exec(line)?.[1];
    const code = Number(digits);
    if (digits === undefined || !isReplyCode(code)) return fault('code');
    if (!isFirst && code !== this.#code) return fault('codeChanged');
    this.#code = code;
    let text = line.slice(4);
    const enhanced = parseEnhancedPrefix(code, text);
    // RFC 2034 §4: the same enhanced code begins every line; it is one fact of the reply, not text.
    if (enhanced !== undefined && (isFirst || enhanced === this.#enhanced)) {
      this.#enhanced = enhanced;
      text = text.slice(enhanced.length + 1);
    }
    this.#lines.push(text);
    if (line.charAt(3) === '-') return undefined;
    const reply = new Reply(code, this.#enhanced, this.#lines);
    this.reset();
    return { kind: 'reply', reply };
  }
}

/** Whether the input begins with these octets. */
function beginsWith({ bytes, start, length }: Input, wanted: Uint8Array | undefined): boolean {
  if (wanted === undefined || length < wanted.length) return false;
  for (let at = 0; at < wanted.length; at += 1) if (octetAt(bytes, start + at) !== octetAt(wanted, at)) return false;
  return true;
}

/** A reply that the server has given before. */
interface KnownReply {
  /** Its line, with its CRLF. */
  readonly octets: Uint8Array;
  readonly decoded: DecodedReply;
  /** What came behind it the last time. */
  next: KnownReply | undefined;
}

function fault(which: ReplyFault): DecodedReply {
  return { kind: 'fault', fault: which };
}

/** RFC 6531 §3.7.4: text may be UTF-8. What is neither is somebody's old character set, and nothing depends on it. */
function textOf(bytes: Uint8Array): string {
  return octets.decodeUTF8(bytes) ?? octets.decodeLatin1(bytes, 0, bytes.length);
}

const CR = 0x0d;
const LF = 0x0a;
// RFC 5321 §4.2: `Reply-code [ SP textstring ]`, and a hyphen instead of the space in every line but the last.
const CODE = /^([2-5][0-5][0-9])(?:[ -]|$)/;
/** With the CR. RFC 5321 §4.5.3.1.5 says 512 with CRLF; servers are known to write more. */
const LINE_BYTES_MAX = 2_048;
/** Those that came first are kept: they are what a server says to each message. */
const KNOWN_REPLIES_MAX = 16;
/** The longest replies are those to EHLO, HELP and EXPN. */
const REPLY_BYTES_MAX = 65_536;
