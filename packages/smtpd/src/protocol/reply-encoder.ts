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

/** The replies that wait to be written, in order. Mostly that is one, or a row of the same: a group of recipients has one answer. */
export class ReplyQueue {
  #lengthBytes = 0;
  // The last row: a reply, its octets, and how often it stands there.
  #reply: Reply | undefined;
  #isUTF8 = false;
  #piece = NO_OCTETS;
  #count = 0;
  /** The row before it, which knows the one before that. */
  #before: Row | undefined;

  /** How many octets wait. */
  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** Adds a reply behind the others. */
  add(reply: Reply, isUTF8: boolean): void {
    if (reply === this.#reply && isUTF8 === this.#isUTF8) {
      this.#count += 1;
    } else {
      if (this.#count > 0) this.#before = this.#lastRow();
      this.#reply = reply;
      this.#isUTF8 = isUTF8;
      this.#piece = encodeReply(reply, isUTF8);
      this.#count = 1;
    }
    this.#lengthBytes += this.#piece.length;
  }

  /** Everything that waits, as one piece, or `undefined` for nothing. Afterwards nothing waits. The octets must not be changed. */
  take(): Uint8Array | undefined {
    if (this.#count === 0) return undefined;
    const bytes = this.#lengthBytes === this.#piece.length ? this.#piece : this.#joined();
    this.#lengthBytes = 0;
    this.#reply = undefined;
    this.#piece = NO_OCTETS;
    this.#count = 0;
    this.#before = undefined;
    return bytes;
  }

  #lastRow(): Row {
    return { piece: this.#piece, count: this.#count, before: this.#before };
  }

  #joined(): Uint8Array {
    const last = this.#lastRow();
    // Groups are much alike, and so is what they hear.
    if (isSame(last, lastGroup.row)) return lastGroup.bytes;
    const bytes = octets.allocate(this.#lengthBytes);
    let start = this.#lengthBytes;
    for (let row: Row | undefined = last; row !== undefined; row = row.before) {
      start -= row.piece.length * row.count;
      copyRow(row, bytes, start);
    }
    lastGroup = { row: last, bytes };
    return bytes;
  }
}

/** The octets of a reply, and how often they come one behind the other. */
interface Row {
  readonly piece: Uint8Array;
  readonly count: number;
  readonly before: Row | undefined;
}

/** Whether two groups of replies are the same. */
function isSame(one: Row, other: Row | undefined): boolean {
  let left: Row | undefined = one;
  let right = other;
  while (left?.piece === right?.piece && left?.count === right?.count) {
    if (left === undefined || right === undefined) return true;
    left = left.before;
    right = right.before;
  }
  return false;
}

/** Copies a row to `target`. What is there of it is copied behind itself: twice as much each time. */
function copyRow({ piece, count }: Row, target: Uint8Array, start: number): void {
  const end = start + piece.length * count;
  octets.copy(piece, 0, piece.length, target, start);
  for (let filled = start + piece.length; filled < end;) {
    const copied = Math.min(filled - start, end - filled);
    octets.copy(target, start, start + copied, target, filled);
    filled += copied;
  }
}

/** What was joined last in this process. */
let lastGroup: { readonly row: Row | undefined; readonly bytes: Uint8Array } = {
  row: undefined,
  bytes: octets.allocate(0),
};

const NO_OCTETS = octets.allocate(0);
// A frozen reply always has the same octets. The usual ones are constants, so most replies are encoded once in a process.
const ASCII_REPLIES = new WeakMap<Reply, Uint8Array>();
// eslint-disable-next-line no-control-regex -- the whole of US-ASCII is meant
const NON_ASCII = /[^\u0000-\u007f]/;
const NON_ASCII_CHARACTERS = /[\u{80}-\u{10ffff}]/gu;
