// Data decoder: the content that follows DATA, without its transparency dots, up to the dot that ends it. It does not
// decide what becomes of a fault; the session does. In the walk it stands between the input and the content buffer.

import type { ContentBuffer } from './content-buffer.js';
import { type ContentFault, ContentFacts, type ContentOptions } from './content-facts.js';
import { contentScanner, SCAN_PAUSE_BYTES, type ContentScanner } from './content-scanner.js';
import type { Input } from './input.js';
import { LineEndSearch } from './line-end-search.js';
import { octetAt } from './octets.js';
import { classifyOctets, packTransitions, type TransitionTable } from './transition-table.js';

export type { ContentFault, LineEndings } from './content-facts.js';

/**
 * Decodes the content of one message (RFC 5321 §4.5.2). In every policy the end is exactly CRLF, dot, CRLF, or dot, CRLF
 * at the very start. What comes out never depends on how the octets were split.
 *
 * @example
 * ```ts
 * const decoder = new DataDecoder({ lineEndings: 'reject', sizeLimitBytes: 1000 });
 * input.append(octets.encodeLatin1('..\r\n.\r\nQUIT\r\n'));
 * decoder.decode(input, content); // true; `content` has '.\r\n', and 'QUIT\r\n' is unread
 * ```
 */
export class DataDecoder {
  readonly #facts: ContentFacts;
  readonly #search = new LineEndSearch();
  readonly #scanner: ContentScanner;
  #state = LINE_START;
  /** Octets of the line that earlier input began, its deleted dot not counted. */
  #lineBytes = 0;

  /** @param scanner - for those who compare: what comes out is the same with each */
  constructor(options: ContentOptions, scanner: ContentScanner = contentScanner) {
    this.#facts = new ContentFacts(options);
    this.#scanner = scanner;
  }

  /**
   * Content octets so far: a doubled dot counts once, the final dot line not at all, every CRLF counts (RFC 1870 §5).
   * Under `normalize` these are the octets after normalising.
   */
  get sizeBytes(): number {
    return this.#facts.sizeBytes;
  }

  get bareCRCount(): number {
    return this.#facts.bareCRCount;
  }

  get bareLFCount(): number {
    return this.#facts.bareLFCount;
  }

  /** The longest complete line, without CRLF and without a deleted dot. */
  get longestLineBytes(): number {
    return this.#facts.longestLineBytes;
  }

  /** The first fault met. From then on `content` stays empty, and decoding goes on to the end of data. */
  get fault(): ContentFault | undefined {
    return this.#facts.fault;
  }

  /**
   * Takes octets from the input up to the end of data. True when the end was among them; false when everything was taken
   * and more is needed.
   */
  decode(input: Input, content: ContentBuffer): boolean {
    while (this.#state !== END && input.length > 0) {
      const bytes = this.#scanner.reach(input.bytes, input.start, input.end);
      input.take(this.#decodePiece(bytes, content));
    }
    return this.#state === END;
  }

  /** Returns how many octets it took: all, or those up to the end of data. */
  #decodePiece(bytes: Uint8Array, content: ContentBuffer): number {
    const end = bytes.length;
    const facts = this.#facts;
    const search = this.#search;
    const scanner = this.#scanner;
    let state = this.#state;
    let from = 0; // bytes[from..at) is content that has not been appended yet; 0 <= from <= at + 1
    let lineStart = -this.#lineBytes; // so that at - lineStart is the length of the line before `at`
    let scanFrom = 0; // No scan before: what stopped the last one may be followed by more of the kind.
    search.begin();

    for (let at = 0; at < end; at += 1) {
      if (state <= IN_LINE && at >= scanFrom && end - at >= scanner.scanBytesMin) {
        scanner.scan(bytes, at, { isLineStart: state === LINE_START, lineBytes: at - lineStart, isStuffed: true });
        at = scanner.stop;
        if (scanner.contentEnd < at) {
          facts.append(content, bytes, from, scanner.contentEnd);
          from = at;
        }
        facts.endLine(scanner.longestLineBytes);
        lineStart = at - scanner.lineBytes;
        state = scanner.isLineStart ? LINE_START : IN_LINE;
        scanFrom = at + SCAN_PAUSE_BYTES;
      }
      if (state === IN_LINE) {
        at = search.next(bytes, at);
        if (at === end) break;
      }
      const byteClass = octetAt(CLASSES, octetAt(bytes, at));
      const cell = octetAt(CELLS, (state << 2) | byteClass); // every state but END has a row
      state = cell & 7;
      switch (cell >> 3) {
        case END_LINE:
          facts.endLine(at - 1 - lineStart);
          lineStart = at + 1;
          break;
        case DELETE_DOT:
          facts.append(content, bytes, from, at);
          from = at + 1;
          lineStart += 1;
          break;
        case HOLD_CR:
          from = at + 1; // Nothing is pending: the dot before it was deleted.
          break;
        case RELEASE_CR:
          facts.appendOctet(content, CR); // It may have come with earlier input. from === at
          facts.meetBareCR(content);
          if (facts.lineEndings === 'normalize') {
            facts.endLine(at - 1 - lineStart);
            lineStart = at;
          }
          break;
        case BARE_CR:
          if (facts.lineEndings !== 'preserve') {
            facts.append(content, bytes, from, at);
            from = at;
          }
          facts.meetBareCR(content);
          if (facts.lineEndings === 'normalize') {
            facts.endLine(at - 1 - lineStart);
            lineStart = at;
          }
          break;
        case BARE_LF:
          if (facts.lineEndings !== 'preserve') {
            facts.append(content, bytes, from, at);
            from = at;
          }
          facts.meetBareLF(content);
          if (facts.lineEndings === 'normalize') {
            facts.endLine(at - lineStart);
            lineStart = at + 1;
          }
          break;
        case END_DATA: // Nothing is pending: the dot was deleted, its CR held back.
          this.#state = END;
          return at + 1;
        default: // keep: it goes with its range.
      }
    }

    facts.append(content, bytes, from, end);
    this.#state = state;
    this.#lineBytes = end - lineStart;
    return end;
  }
}

/** The states of the decoder; END is reached once. */
export const DATA_STATES = ['LINE_START', 'IN_LINE', 'CR', 'DOT', 'DOT_CR', 'END'] as const;
/** The classes of octets it tells apart. */
export const DATA_CLASSES = ['DOT', 'CR', 'LF', 'OTHER'] as const;
/** What it does with an octet. After `bareCR`, `bareLF` and `releaseCR` the octet itself is content too. */
export const DATA_ACTIONS = [
  'keep', // The octet is content.
  'endLine', // So is this LF, and it completes a CRLF.
  'deleteDot', // RFC 5321 §4.5.2: the first dot of a line is deleted.
  'holdCR', // This CR is content only if no LF follows.
  'releaseCR', // The CR held back was content, and bare.
  'bareCR', // The CR before was bare.
  'bareLF', // This LF is bare.
  'endData', // RFC 5321 §4.1.1.4: the line that consists of a dot alone.
] as const;

/**
 * RFC 5321 §4.5.2 as a table. Only CRLF starts a line: a dot after a bare CR or a bare LF is ordinary content, which is
 * what keeps one message from being taken for two.
 */
export const DATA_TRANSITIONS: TransitionTable<
  (typeof DATA_STATES)[number],
  (typeof DATA_CLASSES)[number],
  (typeof DATA_ACTIONS)[number]
> = {
  LINE_START: {
    DOT: ['DOT', 'deleteDot'],
    CR: ['CR', 'keep'],
    LF: ['IN_LINE', 'bareLF'],
    OTHER: ['IN_LINE', 'keep'],
  },
  IN_LINE: {
    DOT: ['IN_LINE', 'keep'],
    CR: ['CR', 'keep'],
    LF: ['IN_LINE', 'bareLF'],
    OTHER: ['IN_LINE', 'keep'],
  },
  CR: {
    DOT: ['IN_LINE', 'bareCR'],
    CR: ['CR', 'bareCR'],
    LF: ['LINE_START', 'endLine'],
    OTHER: ['IN_LINE', 'bareCR'],
  },
  DOT: {
    DOT: ['IN_LINE', 'keep'],
    CR: ['DOT_CR', 'holdCR'],
    LF: ['IN_LINE', 'bareLF'],
    OTHER: ['IN_LINE', 'keep'],
  },
  DOT_CR: {
    DOT: ['IN_LINE', 'releaseCR'],
    CR: ['CR', 'releaseCR'],
    LF: ['END', 'endData'],
    OTHER: ['IN_LINE', 'releaseCR'],
  },
};

const CELLS = packTransitions({
  states: DATA_STATES,
  classes: DATA_CLASSES,
  actions: DATA_ACTIONS,
  transitions: DATA_TRANSITIONS,
});

const CR = 0x0d;
const LF = 0x0a;
const CLASSES = classifyOctets({ named: { [0x2e]: 0, [CR]: 1, [LF]: 2 }, other: 3 });

// The numbers of the names above, written out because a `switch` over constants is what the engine compiles best.
const LINE_START = 0;
const IN_LINE = 1;
const END = 5;
const END_LINE = 1;
const DELETE_DOT = 2;
const HOLD_CR = 3;
const RELEASE_CR = 4;
const BARE_CR = 5;
const BARE_LF = 6;
const END_DATA = 7;
