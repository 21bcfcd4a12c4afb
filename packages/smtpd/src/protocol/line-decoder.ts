// Line decoder: the next line of commands or replies, out of unread input. It does not know what the line says; that is
// for command.ts or reply-decoder.ts. In the walk it stands between the input and the command parser.

import type { Input } from './input.js';
import { octetAt, octets } from './octets.js';
import { classifyOctets, packTransitions, type TransitionTable } from './transition-table.js';

/**
 * What is wrong with a line. `bareLineEnd`: a CR or LF outside of CRLF was in it. `tooLong`: its octets were dropped.
 * `endless`: more octets were dropped than we are ready to wait for; the rest of the line is still to come.
 */
export type LineFlaw = 'bareLineEnd' | 'tooLong' | 'endless';

/** A line. Without `flaw` it is clean. */
export interface Line {
  /** One octet, one character (Latin-1), without CRLF; empty when the octets were dropped. */
  readonly text: string;
  /** Without CRLF. Of an endless line: the octets dropped. */
  readonly lengthBytes: number;
  readonly flaw?: LineFlaw;
}

/** How long lines may be, both without CRLF. */
export interface LineLimits {
  /** Longer lines are dropped and reported as `tooLong`. RFC 5321 §4.5.3.1.4 asks for 510 at least. */
  readonly lineLengthBytesMax: number;
  /** When more octets of one line than this have been dropped it is reported as `endless`, without waiting for its end. */
  readonly discardedBytesMax: number;
}

/**
 * Decodes lines. RFC 5321 §2.3.8: only CRLF ends a line. What comes out never depends on how the octets were split, and
 * an unfinished line is not looked at again when more of it comes: until it is complete, nobody else may take from the
 * input, or `reset` must be called.
 *
 * @example
 * ```ts
 * const decoder = new LineDecoder({ lineLengthBytesMax: 510, discardedBytesMax: 65_536 });
 * input.append(octets.encodeLatin1('NOOP\r\nQU'));
 * decoder.decode(input); // { text: 'NOOP', lengthBytes: 4 }
 * decoder.decode(input); // undefined: more octets are needed
 * ```
 */
export class LineDecoder {
  readonly #lineLengthBytesMax: number;
  /** The length at which a line is called endless. */
  readonly #endlessLengthBytes: number;
  #state = TEXT;
  /** Octets of the line known to be text; a CR that may belong to a CRLF is not among them. */
  #lengthBytes = 0;
  /** Octets of the line that were taken from the input and dropped. */
  #droppedBytes = 0;
  /** Octets of the line that are still in the input and have been through the table. */
  #scannedBytes = 0;
  #hasBareLineEnd = false;

  constructor(limits: LineLimits) {
    this.#lineLengthBytesMax = limits.lineLengthBytesMax;
    this.#endlessLengthBytes = Math.max(limits.lineLengthBytesMax, limits.discardedBytesMax) + 1;
  }

  /** Whether no line has begun: what is unread begins one. */
  get isBetweenLines(): boolean {
    return this.#scannedBytes === 0 && this.#droppedBytes === 0;
  }

  /** The next line, taken from the input with its CRLF; `undefined` when more octets are needed. */
  decode(input: Input): Line | undefined {
    if (input.length === 0) return undefined;
    const end = this.findCleanEnd(input);
    if (end < 0) return this.#decodeByTable(input);
    const lengthBytes = end - input.start;
    const text = octets.decodeLatin1(input.bytes, input.start, end);
    input.take(lengthBytes + 2);
    return { text, lengthBytes };
  }

  /**
   * Where the next line ends, at its CRLF, when it is there as a whole, without a flaw and not too long; -1 when {@link decode} has to
   * say what there is. Whoever reads such a line by itself takes it from the input, with its CRLF.
   */
  findCleanEnd(input: Input): number {
    if (!this.isBetweenLines) return -1;
    const { bytes, start } = input;
    const cr = findCRLF(bytes, start);
    return cr - start > this.#lineLengthBytesMax ? -1 : cr;
  }

  /** Forgets an unfinished line. */
  reset(): void {
    this.#state = TEXT;
    this.#lengthBytes = 0;
    this.#droppedBytes = 0;
    this.#scannedBytes = 0;
    this.#hasBareLineEnd = false;
  }

  #decodeByTable(input: Input): Line | undefined {
    const { bytes, start, end } = input;
    for (let at = start + this.#scannedBytes; at < end; at += 1) {
      const byteClass = octetAt(CLASSES, octetAt(bytes, at));
      const cell = octetAt(CELLS, (this.#state << 2) | byteClass); // every state but END has a row
      this.#state = cell & 7;
      switch (cell >> 3) {
        case HOLD_CR:
          break;
        case BARE_LF:
          this.#lengthBytes += 1;
          this.#hasBareLineEnd = true;
          break;
        case BARE_CR_HOLD_CR:
          this.#lengthBytes += 1;
          this.#hasBareLineEnd = true;
          break;
        case BARE_CR_KEEP:
          this.#lengthBytes += 2;
          this.#hasBareLineEnd = true;
          break;
        case END_LINE:
          return this.#takeLine(input, at + 1 - start);
        default: // keep
          this.#lengthBytes += 1;
      }
      if (this.#lengthBytes >= this.#endlessLengthBytes) return this.#takeEndlessLine(input);
    }
    this.#scannedBytes = end - start;
    if (this.#lengthBytes > this.#lineLengthBytesMax) this.#drop(input);
    return undefined;
  }

  #takeLine(input: Input, takenBytes: number): Line {
    const lengthBytes = this.#lengthBytes;
    const isTooLong = lengthBytes > this.#lineLengthBytesMax;
    // A line that is not too long has not been dropped: all of it is still in the input.
    const text = isTooLong ? '' : octets.decodeLatin1(input.bytes, input.start, input.start + lengthBytes);
    const hasBareLineEnd = this.#hasBareLineEnd;
    input.take(takenBytes);
    this.reset();
    if (isTooLong) return { text, lengthBytes, flaw: 'tooLong' };
    return hasBareLineEnd ? { text, lengthBytes, flaw: 'bareLineEnd' } : { text, lengthBytes };
  }

  /** Takes exactly so many octets that the outcome is the same for every split; what follows them stays unread. */
  #takeEndlessLine(input: Input): Line {
    const lengthBytes = this.#endlessLengthBytes;
    input.take(lengthBytes - this.#droppedBytes); // A dropped CR counts too: #droppedBytes <= lengthBytes.
    this.reset();
    return { text: '', lengthBytes, flaw: 'endless' };
  }

  #drop(input: Input): void {
    this.#droppedBytes += this.#scannedBytes;
    input.take(this.#scannedBytes);
    this.#scannedBytes = 0;
  }
}

/** The first CRLF from `start` on with neither a CR nor an LF before it; -1 for none. */
function findCRLF(bytes: Uint8Array, start: number): number {
  // Most lines are short, and so far a loop is as quick as the calls into the engine.
  const nearEnd = start + NEAR_BYTES < bytes.length ? start + NEAR_BYTES : bytes.length;
  for (let at = start; at < nearEnd; at += 1) {
    const octet = octetAt(bytes, at);
    if (octet > CR) continue;
    if (octet === CR) return at + 1 < bytes.length && octetAt(bytes, at + 1) === LF ? at : -1;
    if (octet === LF) return -1;
  }
  if (nearEnd === bytes.length) return -1;
  const cr = octets.indexOf(bytes, LF, nearEnd) - 1;
  // The second search ends at `cr` at the latest, so it cannot run through input that belongs to other lines.
  return cr >= nearEnd && octetAt(bytes, cr) === CR && octets.indexOf(bytes, CR, nearEnd) === cr ? cr : -1;
}

const LINE_STATES = ['TEXT', 'CR', 'END'] as const;
const LINE_CLASSES = ['CR', 'LF', 'OTHER'] as const;
const LINE_ACTIONS = ['keep', 'holdCR', 'bareLF', 'bareCRHoldCR', 'bareCRKeep', 'endLine'] as const;

/** RFC 5321 §2.3.8: CR and LF have a meaning only as CRLF. A CR is held back until the next octet says what it was. */
export const LINE_TRANSITIONS: TransitionTable<
  (typeof LINE_STATES)[number],
  (typeof LINE_CLASSES)[number],
  (typeof LINE_ACTIONS)[number]
> = {
  TEXT: { CR: ['CR', 'holdCR'], LF: ['TEXT', 'bareLF'], OTHER: ['TEXT', 'keep'] },
  CR: { CR: ['CR', 'bareCRHoldCR'], LF: ['END', 'endLine'], OTHER: ['TEXT', 'bareCRKeep'] },
};

const CELLS = packTransitions({
  states: LINE_STATES,
  classes: LINE_CLASSES,
  actions: LINE_ACTIONS,
  transitions: LINE_TRANSITIONS,
});

/** How far a loop looks for the end of a line. */
const NEAR_BYTES = 64;

const CR = 0x0d;
const LF = 0x0a;
const CLASSES = classifyOctets({ named: { [CR]: 0, [LF]: 1 }, other: 2 });

// The numbers of the names above, written out because a `switch` over constants is what the engine compiles best.
const TEXT = 0;
const HOLD_CR = 1;
const BARE_LF = 2;
const BARE_CR_HOLD_CR = 3;
const BARE_CR_KEEP = 4;
const END_LINE = 5;
