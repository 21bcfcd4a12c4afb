/** The top of a message (RFC 1939 §7, TOP): its header, the empty line, and some lines of its body. Every LF ends a line here, CRLF or not. */

/** Cuts one message, in as many pieces as it comes in. */
export class TopCut {
  #linesLeft: number;
  #isInBody = false;
  /** Whether nothing but CRs stood in this line so far. */
  #isLineEmpty = true;

  /** @param bodyLines - how many lines of the body are wanted */
  constructor(bodyLines: number) {
    this.#linesLeft = bodyLines;
  }

  /** Whether all that is wanted has come. */
  get isDone(): boolean {
    return this.#isInBody && this.#linesLeft === 0;
  }

  /** What of these octets is wanted. */
  cut(bytes: Uint8Array): Uint8Array {
    for (let at = 0; at < bytes.length; at += 1) {
      if (this.isDone) return bytes.subarray(0, at);
      const octet = bytes[at];
      if (octet === LF) this.#endLine();
      else if (octet !== CR) this.#isLineEmpty = false;
    }
    return bytes;
  }

  #endLine(): void {
    if (this.#isInBody) this.#linesLeft -= 1;
    else this.#isInBody = this.#isLineEmpty;
    this.#isLineEmpty = true;
  }
}

const CR = 0x0d;
const LF = 0x0a;
