/**
 * Makes octets of replies and gathers those of one pipelined group, so that they leave in one write (RFC 2920 §3.2).
 *
 * This is the only place where a reply becomes octets.
 */

import { octets } from './octets.js';
import { formatReplyLines, type Reply } from './reply.js';

/**
 * Encodes one reply with its line ends.
 *
 * @param isUTF8 - whether UTF-8 may be sent (RFC 6531 §3.7.4); otherwise each character outside US-ASCII becomes `?`
 */
export function encodeReply(reply: Reply, isUTF8: boolean): Uint8Array {
  const known = ASCII_REPLIES.get(reply);
  if (known !== undefined) return known;
  const text = `${formatReplyLines(reply).join('\r\n')}\r\n`;
  const isASCII = !NON_ASCII.test(text);
  const bytes = isASCII
    ? octets.encodeLatin1(text)
    : isUTF8
      ? octets.encodeUTF8(text)
      : octets.encodeLatin1(text.replace(NON_ASCII_CHARACTERS, '?'));
  if (isASCII) ASCII_REPLIES.set(reply, bytes);
  return bytes;
}

/** The replies that wait to be written, in order. */
export class ReplyQueue {
  readonly #pieces: Uint8Array[] = [];
  #lengthBytes = 0;

  /** How many octets wait. */
  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** Adds a reply behind the others. */
  add(reply: Reply, isUTF8: boolean): void {
    const bytes = encodeReply(reply, isUTF8);
    this.#pieces.push(bytes);
    this.#lengthBytes += bytes.length;
  }

  /** Everything that waits, as one piece, or `undefined` for nothing. Afterwards nothing waits. The octets must not be changed. */
  take(): Uint8Array | undefined {
    const [first] = this.#pieces;
    if (first === undefined) return undefined;
    const bytes = this.#pieces.length === 1 ? first : this.#joined();
    this.#pieces.length = 0;
    this.#lengthBytes = 0;
    return bytes;
  }

  /** Replies are short: copied by the piece they cost less than handed to the engine one by one. */
  #joined(): Uint8Array {
    const all = octets.allocate(this.#lengthBytes);
    let at = 0;
    for (const piece of this.#pieces) {
      octets.copy(piece, 0, piece.length, all, at);
      at += piece.length;
    }
    return all;
  }
}

// A frozen reply always has the same octets. The usual ones are constants, so most replies are encoded once in a process.
const ASCII_REPLIES = new WeakMap<Reply, Uint8Array>();
// eslint-disable-next-line no-control-regex -- the whole of US-ASCII is meant
const NON_ASCII = /[^\u0000-\u007f]/;
const NON_ASCII_CHARACTERS = /[\u{80}-\u{10ffff}]/gu;
