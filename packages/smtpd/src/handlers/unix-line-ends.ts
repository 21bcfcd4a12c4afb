/** Turns CRLF into LF while content arrives, however it is cut. Nothing else is touched: a bare CR stays one. */

/**
 * A converter for one text.
 *
 * @example
 * ```ts
 * const converter = new UnixLineEnds();
 * converter.convert(Buffer.from('one\r')); // 'one'
 * converter.convert(Buffer.from('\ntwo')); // '\ntwo'
 * converter.end(); // ''
 * ```
 */
export class UnixLineEnds {
  /** Whether the last octet was a CR, which waits for what comes behind it. */
  #holdsCR = false;

  /** Converts the next piece. */
  convert(piece: Uint8Array): Uint8Array {
    if (piece.length === 0) return piece;
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    const input = this.#holdsCR ? Buffer.concat([CR, bytes]) : bytes;
    this.#holdsCR = input.at(-1) === CR[0];
    const end = this.#holdsCR ? input.length - 1 : input.length;
    const output = Buffer.allocUnsafe(end);
    let length = 0;
    let start = 0;
    for (let at = input.indexOf(CRLF); at !== -1; at = input.indexOf(CRLF, start)) {
      length += input.copy(output, length, start, at);
      // The LF begins what is copied next.
      start = at + 1;
    }
    length += input.copy(output, length, start, end);
    return output.subarray(0, length);
  }

  /** What is left at the end. */
  end(): Uint8Array {
    const left = this.#holdsCR ? CR : NOTHING;
    this.#holdsCR = false;
    return left;
  }
}

const CR = Buffer.from('\r');
const CRLF = Buffer.from('\r\n');
const NOTHING = Buffer.alloc(0);
