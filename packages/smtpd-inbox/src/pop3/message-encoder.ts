/**
 * A message as POP3 sends it (RFC 1939 §3): a second dot before each line that begins with one, and a line with a dot alone behind it.
 * Its other octets stay as they are, bare CR and LF, NUL and 8-bit included.
 *
 * There is one liberty. Many clients, Python's among them, end a line at every LF. In a message with bare LFs they could find a lone dot,
 * take it for the end of the message, and the rest for replies: whoever sent the mail could answer in our name. Such a dot is doubled, too,
 * which those clients undo; others show it.
 */

/** Encodes one message, in as many pieces as it comes in. */
export class MessageEncoder {
  #state: State = 'lineStart';

  /** The octets to be sent for these. */
  encode(bytes: Uint8Array): Uint8Array {
    const out = new Uint8Array(bytes.length * 2 + 2);
    let to = 0;
    const put = (octet: number): void => {
      out[to] = octet;
      to += 1;
    };
    for (const octet of bytes) {
      if (octet === DOT && this.#state === 'lineStart') put(DOT);
      // A lone dot for whoever ends lines at LF: the second one follows the first.
      else if (octet === LF && this.#state === 'looseDot') put(DOT);
      else if (this.#state === 'looseDotCR') {
        if (octet === LF) put(DOT);
        put(CR);
      }
      const next = nextState(this.#state, octet);
      if (next !== 'looseDotCR') put(octet);
      this.#state = next;
    }
    return out.subarray(0, to);
  }

  /** What is behind the message: the CRLF that its last line lacks, and the lone dot. */
  end(): Uint8Array {
    const state = this.#state;
    this.#state = 'lineStart';
    return Buffer.from(ENDS[state], 'latin1');
  }
}

/**
 * Where the encoder is: at the start of a line; behind a CR at the start of a line, which readers of LF pass over; within a line; behind a CR;
 * behind a bare LF; behind a CR behind that; behind a dot that is first for readers of LF alone; behind a CR behind that, which is held back.
 */
type State =
  'lineStart' | 'lineStartCR' | 'inLine' | 'afterCR' | 'looseStart' | 'looseStartCR' | 'looseDot' | 'looseDotCR';

function nextState(state: State, octet: number): State {
  if (octet === LF) return AFTER_LF[state];
  if (octet === CR) return AFTER_CR[state];
  if (octet === DOT) return AFTER_DOT[state];
  return 'inLine';
}

const AFTER_LF: Readonly<Record<State, State>> = {
  lineStart: 'looseStart',
  lineStartCR: 'lineStart',
  inLine: 'looseStart',
  afterCR: 'lineStart',
  looseStart: 'looseStart',
  looseStartCR: 'lineStart',
  looseDot: 'looseStart',
  looseDotCR: 'lineStart',
};
const AFTER_CR: Readonly<Record<State, State>> = {
  lineStart: 'lineStartCR',
  lineStartCR: 'afterCR',
  inLine: 'afterCR',
  afterCR: 'afterCR',
  looseStart: 'looseStartCR',
  looseStartCR: 'afterCR',
  looseDot: 'looseDotCR',
  looseDotCR: 'afterCR',
};
const AFTER_DOT: Readonly<Record<State, State>> = {
  // The dot of a real line was doubled and cannot end anything.
  lineStart: 'inLine',
  lineStartCR: 'looseDot',
  inLine: 'inLine',
  afterCR: 'inLine',
  looseStart: 'looseDot',
  looseStartCR: 'looseDot',
  looseDot: 'inLine',
  looseDotCR: 'inLine',
};
/** What is behind a message that ends so. */
const ENDS: Readonly<Record<State, string>> = {
  lineStart: '.\r\n',
  lineStartCR: '\r\n.\r\n',
  inLine: '\r\n.\r\n',
  afterCR: '\r\n.\r\n',
  looseStart: '\r\n.\r\n',
  looseStartCR: '\r\n.\r\n',
  looseDot: '.\r\n.\r\n',
  looseDotCR: '\r\r\n.\r\n',
};
const DOT = 0x2e;
const CR = 0x0d;
const LF = 0x0a;
