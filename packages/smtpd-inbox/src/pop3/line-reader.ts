/**
 * Lines out of octets: the commands of a client. It does not know what they say. Only CRLF ends a line; what comes out never depends on how
 * the octets were split.
 */

/** A line without its CRLF, each octet one character; or what is wrong with it, and then its octets were dropped. */
export type POP3Line =
  { readonly kind: 'line'; readonly text: string } | { readonly kind: 'tooLong' } | { readonly kind: 'bareLineEnd' };

/** Gathers octets and gives lines. */
export class LineReader {
  readonly #lengthBytesMax: number;
  /** The octets that came and belong to no line yet. */
  #unread: Uint8Array = NO_OCTETS;
  /** Octets at the beginning of `#unread` that were looked at. */
  #lookedAtBytes = 0;
  /** Octets of this line that were dropped, because it is too long. */
  #droppedBytes = 0;
  #hasBareLineEnd = false;

  /** @param lengthBytesMax - of a line without its CRLF; of one that is longer no more is kept */
  constructor(lengthBytesMax: number) {
    this.#lengthBytesMax = lengthBytesMax;
  }

  /** Octets that wait to be read. */
  get unreadBytes(): number {
    return this.#unread.length;
  }

  /** Takes octets, which are copied. */
  append(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#unread.length + bytes.length);
    joined.set(this.#unread);
    joined.set(bytes, this.#unread.length);
    this.#unread = joined;
  }

  /** Forgets all that came. */
  clear(): void {
    this.#unread = NO_OCTETS;
    this.#beginLine(0);
  }

  /** The next line; `undefined` when more octets are needed. */
  next(): POP3Line | undefined {
    const unread = this.#unread;
    for (let at = this.#lookedAtBytes; at < unread.length; at += 1) {
      const octet = unread[at];
      if (octet === LF && (at === 0 || unread[at - 1] !== CR)) {
        this.#hasBareLineEnd = true;
      } else if (octet === LF) {
        return this.#take(at - 1);
      } else if (at > 0 && unread[at - 1] === CR) {
        this.#hasBareLineEnd = true;
      }
    }
    this.#lookedAtBytes = unread.length;
    this.#dropOverlong();
    return undefined;
  }

  #take(lengthBytes: number): POP3Line {
    const isTooLong = this.#droppedBytes + lengthBytes > this.#lengthBytesMax;
    const hasBareLineEnd = this.#hasBareLineEnd;
    const text = String.fromCharCode(...this.#unread.subarray(0, isTooLong ? 0 : lengthBytes));
    this.#unread = this.#unread.subarray(lengthBytes + 2);
    this.#beginLine(0);
    if (isTooLong) return TOO_LONG;
    return hasBareLineEnd ? BARE_LINE_END : { kind: 'line', text };
  }

  #beginLine(lookedAtBytes: number): void {
    this.#lookedAtBytes = lookedAtBytes;
    this.#droppedBytes = 0;
    this.#hasBareLineEnd = false;
  }

  /** Of a line that is too long already only its last octet matters: it may be the CR of its CRLF. */
  #dropOverlong(): void {
    const { length } = this.#unread;
    if (this.#droppedBytes + length <= this.#lengthBytesMax + 1) return;
    this.#unread = this.#unread.slice(length - 1);
    this.#droppedBytes += length - 1;
    this.#lookedAtBytes = 1;
  }
}

const TOO_LONG: POP3Line = Object.freeze({ kind: 'tooLong' });
const BARE_LINE_END: POP3Line = Object.freeze({ kind: 'bareLineEnd' });
const NO_OCTETS = new Uint8Array(0);
const CR = 0x0d;
const LF = 0x0a;
