// Data encoder: content made ready to follow DATA, with a second dot where a line starts with one. It is not a normaliser:
// bare line ends pass as they are, they are the caller's policy. In the walk it belongs to the client, before its socket.

import { LineEndSearch } from './line-end-search.js';
import { octetAt, octets } from './octets.js';
import { classifyOctets, packTransitions, type TransitionTable } from './transition-table.js';

/**
 * Encodes the content of one message (RFC 5321 §4.5.2), in as many pieces as it comes in.
 *
 * @example
 * ```ts
 * const encoder = new DataEncoder();
 * encoder.encode(octets.encodeLatin1('.\r\n')); // '.', '.\r\n'
 * encoder.end(); // '.\r\n'
 * ```
 */
export class DataEncoder {
  readonly #search = new LineEndSearch();
  #state = LINE_START;

  /** The stuffed content, to be sent in this order: views of `bytes` where dots are few, one copy where they are many. */
  encode(bytes: Uint8Array): Uint8Array[] {
    if (bytes.length === 0) return [];
    const dots = this.#findDots(bytes);
    if (dots.length === 0) return [bytes];
    return dots.length * PIECE_BYTES_MIN > bytes.length ? [stuffedCopy(bytes, dots)] : stuffedViews(bytes, dots);
  }

  /** The end of data, after the CRLF that the content lacks (RFC 5321 §4.1.1.4). The encoder is as new afterwards. */
  end(): Uint8Array {
    const isLineComplete = this.#state === LINE_START;
    this.#state = LINE_START;
    return octets.encodeLatin1(isLineComplete ? '.\r\n' : '\r\n.\r\n');
  }

  /** Where the dots are that start a line. */
  #findDots(bytes: Uint8Array): number[] {
    const dots: number[] = [];
    let state = this.#state;
    this.#search.begin();
    for (let at = 0; at < bytes.length; at += 1) {
      if (state === IN_LINE) {
        at = this.#search.next(bytes, at);
        if (at === bytes.length) break;
      }
      const byteClass = octetAt(CLASSES, octetAt(bytes, at));
      const cell = octetAt(CELLS, (state << 2) | byteClass);
      state = cell & 7;
      if (cell >> 3 === DOUBLE_DOT) dots.push(at);
    }
    this.#state = state;
    return dots;
  }
}

/** Views that overlap in the dots: each piece but the first starts with the dot that ended the one before. */
function stuffedViews(bytes: Uint8Array, dots: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const dot of dots) {
    pieces.push(bytes.subarray(from, dot + 1));
    from = dot;
  }
  pieces.push(bytes.subarray(from));
  return pieces;
}

function stuffedCopy(bytes: Uint8Array, dots: readonly number[]): Uint8Array {
  const stuffed = octets.allocate(bytes.length + dots.length);
  let from = 0;
  let to = 0;
  for (const dot of dots) {
    octets.copy(bytes, from, dot + 1, stuffed, to);
    to += dot + 1 - from;
    from = dot;
  }
  octets.copy(bytes, from, bytes.length, stuffed, to);
  return stuffed;
}

const ENCODER_STATES = ['LINE_START', 'IN_LINE', 'CR'] as const;
const ENCODER_CLASSES = ['DOT', 'CR', 'LF', 'OTHER'] as const;
const ENCODER_ACTIONS = ['keep', 'doubleDot'] as const;

/** RFC 5321 §4.5.2: the sender checks the first character of each line; only CRLF starts one. */
const ENCODER_TRANSITIONS: TransitionTable<
  (typeof ENCODER_STATES)[number],
  (typeof ENCODER_CLASSES)[number],
  (typeof ENCODER_ACTIONS)[number]
> = {
  LINE_START: {
    DOT: ['IN_LINE', 'doubleDot'],
    CR: ['CR', 'keep'],
    LF: ['IN_LINE', 'keep'],
    OTHER: ['IN_LINE', 'keep'],
  },
  IN_LINE: { DOT: ['IN_LINE', 'keep'], CR: ['CR', 'keep'], LF: ['IN_LINE', 'keep'], OTHER: ['IN_LINE', 'keep'] },
  CR: { DOT: ['IN_LINE', 'keep'], CR: ['CR', 'keep'], LF: ['LINE_START', 'keep'], OTHER: ['IN_LINE', 'keep'] },
};

const CELLS = packTransitions({
  states: ENCODER_STATES,
  classes: ENCODER_CLASSES,
  actions: ENCODER_ACTIONS,
  transitions: ENCODER_TRANSITIONS,
});

const CLASSES = classifyOctets({ named: { [0x2e]: 0, [0x0d]: 1, [0x0a]: 2 }, other: 3 });

/** A view costs about as much as the copy of this many octets. */
const PIECE_BYTES_MIN = 512;

const LINE_START = 0;
const IN_LINE = 1;
const DOUBLE_DOT = 1;
