// Chunk decoder: the counted content that follows BDAT (RFC 3030 §2). It knows no dots: the count alone says where a
// chunk ends. In the walk it stands, like the data decoder, between the input and the content buffer.

import type { ContentBuffer } from './content-buffer.js';
import { type ContentFault, ContentFacts, type ContentOptions } from './content-facts.js';
import { contentScanner, SCAN_PAUSE_BYTES, type ContentScanner } from './content-scanner.js';
import type { Input } from './input.js';
import { LineEndSearch } from './line-end-search.js';
import { octetAt } from './octets.js';
import { classifyOctets, packTransitions, type TransitionTable } from './transition-table.js';

/** How chunks are decoded. */
export interface ChunkOptions extends ContentOptions {
  /** RFC 3030 §3: under BODY=BINARYMIME the content has no lines; only its size is looked at. */
  readonly binary?: boolean;
}

/**
 * Decodes the chunks of one message. The facts go on from chunk to chunk: a CR that ends one and an LF that starts the
 * next are a CRLF.
 *
 * @example
 * ```ts
 * const decoder = new ChunkDecoder({ lineEndings: 'reject', sizeLimitBytes: 1000 });
 * decoder.begin(5);
 * input.append(octets.encodeLatin1('abc\r\nQUIT\r\n'));
 * decoder.decode(input, content); // true; `content` has 'abc\r\n', and 'QUIT\r\n' is unread
 * decoder.finish(content);
 * ```
 */
export class ChunkDecoder {
  readonly #facts: ContentFacts;
  readonly #isBinary: boolean;
  readonly #search = new LineEndSearch();
  readonly #scanner: ContentScanner;
  #state = TEXT;
  /** Octets of the line that earlier input began. */
  #lineBytes = 0;
  #remainingBytes = 0;
  #chunkBytes = 0;

  /** @param scanner - for those who compare: what comes out is the same with each */
  constructor(options: ChunkOptions, scanner: ContentScanner = contentScanner) {
    this.#facts = new ContentFacts(options);
    this.#isBinary = options.binary ?? false;
    this.#scanner = scanner;
  }

  /** Octets of the chunk that have not come yet. */
  get remainingBytes(): number {
    return this.#remainingBytes;
  }

  /** Octets of the chunk, whether they have come or not. */
  get chunkBytes(): number {
    return this.#chunkBytes;
  }

  /** Content octets so far, over all chunks; under `normalize` after normalising. */
  get sizeBytes(): number {
    return this.#facts.sizeBytes;
  }

  get bareCRCount(): number {
    return this.#facts.bareCRCount;
  }

  get bareLFCount(): number {
    return this.#facts.bareLFCount;
  }

  /** The longest complete line, without CRLF; after `finish` an unfinished last line counts too. */
  get longestLineBytes(): number {
    return this.#facts.longestLineBytes;
  }

  /** The first fault met. From then on `content` stays empty, and the octets of every chunk are still taken. */
  get fault(): ContentFault | undefined {
    return this.#facts.fault;
  }

  /** A chunk of that many octets follows. */
  begin(sizeBytes: number): void {
    this.#chunkBytes = sizeBytes;
    this.#remainingBytes = sizeBytes;
  }

  /** Takes the octets of the chunk from the input. True when the chunk is complete; false when more is needed. */
  decode(input: Input, content: ContentBuffer): boolean {
    while (input.length > 0 && this.#remainingBytes > 0) {
      const end = input.start + Math.min(input.length, this.#remainingBytes);
      const count = this.#isBinary
        ? this.#appendAll(input, end, content)
        : this.#decodePiece(this.#scanner.reach(input.bytes, input.start, end), content);
      this.#remainingBytes -= count;
      input.take(count);
    }
    return this.#remainingBytes === 0;
  }

  /** The last chunk is over: a CR left pending is bare, and the line that was begun ends. */
  finish(content: ContentBuffer): void {
    if (this.#isBinary) return;
    const isCRPending = this.#state === CR_PENDING;
    if (isCRPending) this.#facts.meetBareCR(content);
    this.#facts.endLine(isCRPending && this.#facts.lineEndings === 'normalize' ? this.#lineBytes - 1 : this.#lineBytes);
    this.#state = TEXT;
    this.#lineBytes = 0;
  }

  /** Returns how many octets it took, as `#decodePiece` does. */
  #appendAll(input: Input, end: number, content: ContentBuffer): number {
    this.#facts.append(content, input.bytes, input.start, end);
    return end - input.start;
  }

  /** Takes all of these octets, which end with the chunk or before. */
  #decodePiece(bytes: Uint8Array, content: ContentBuffer): number {
    const end = bytes.length;
    const facts = this.#facts;
    const search = this.#search;
    const scanner = this.#scanner;
    let state = this.#state;
    let from = 0; // bytes[from..at) is content that has not been appended yet
    let lineStart = -this.#lineBytes; // so that at - lineStart is the length of the line before `at`
    let scanFrom = 0; // No scan before: what stopped the last one may be followed by more of the kind.
    search.begin();

    for (let at = 0; at < end; at += 1) {
      if (state === TEXT && at >= scanFrom && end - at >= scanner.scanBytesMin) {
        // Where no dots are deleted nothing moves: what it passed over goes with its range.
        scanner.scan(bytes, at, { isLineStart: false, lineBytes: at - lineStart, isStuffed: false });
        at = scanner.stop;
        facts.endLine(scanner.longestLineBytes);
        lineStart = at - scanner.lineBytes;
        scanFrom = at + SCAN_PAUSE_BYTES;
      }
      if (state === TEXT) {
        at = search.next(bytes, at);
        if (at === end) break;
      }
      const byteClass = octetAt(CLASSES, octetAt(bytes, at));
      const cell = octetAt(CELLS, (state << 2) | byteClass);
      state = cell & 7;
      switch (cell >> 3) {
        case END_LINE:
          facts.endLine(at - 1 - lineStart);
          lineStart = at + 1;
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
        default: // keep: it goes with its range.
      }
    }

    facts.append(content, bytes, from, end);
    this.#state = state;
    this.#lineBytes = end - lineStart;
    return end;
  }
}

const CHUNK_STATES = ['TEXT', 'CR'] as const;
const CHUNK_CLASSES = ['CR', 'LF', 'OTHER'] as const;
const CHUNK_ACTIONS = ['keep', 'endLine', 'bareCR', 'bareLF'] as const;

/** Every octet is content; the table only tells whole line ends from bare ones (RFC 5321 §2.3.8). */
const CHUNK_TRANSITIONS: TransitionTable<
  (typeof CHUNK_STATES)[number],
  (typeof CHUNK_CLASSES)[number],
  (typeof CHUNK_ACTIONS)[number]
> = {
  TEXT: { CR: ['CR', 'keep'], LF: ['TEXT', 'bareLF'], OTHER: ['TEXT', 'keep'] },
  CR: { CR: ['CR', 'bareCR'], LF: ['TEXT', 'endLine'], OTHER: ['TEXT', 'bareCR'] },
};

const CELLS = packTransitions({
  states: CHUNK_STATES,
  classes: CHUNK_CLASSES,
  actions: CHUNK_ACTIONS,
  transitions: CHUNK_TRANSITIONS,
});

const CLASSES = classifyOctets({ named: { [0x0d]: 0, [0x0a]: 1 }, other: 2 });

// The numbers of the names above, written out because a `switch` over constants is what the engine compiles best.
const TEXT = 0;
const CR_PENDING = 1;
const END_LINE = 1;
const BARE_CR = 2;
const BARE_LF = 3;
