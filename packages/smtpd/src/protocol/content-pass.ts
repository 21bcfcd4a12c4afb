// Content pass: what content goes through on its way to another server. It puts fields into the header, counts those that
// say where the message has been, and lets no wrong line end out. It stuffs no dots and repairs nothing: what a handler is
// given and what it sends differ in the octets that were put in. In the walk it stands in a proxy, before the data encoder.

import type { LineEndings } from './content-facts.js';
import { LineEndSearch } from './line-end-search.js';
import { octetAt, octets } from './octets.js';
import { classifyOctets, packTransitions, type TransitionTable } from './transition-table.js';

/** What is put in, and what may leave. */
export interface ContentPassOptions {
  /** Whole header fields, each with its CRLF, that go in front of all content; may be empty. */
  readonly front: Uint8Array;
  /** Whole header fields, each with its CRLF, that go behind the last field of the header; may be empty. */
  readonly headerEnd: Uint8Array;
  /** `reject`: content ends at its first bare CR or LF. `preserve`: all octets are content, as with BODY=BINARYMIME. */
  readonly lineEndings: Exclude<LineEndings, 'normalize'>;
}

/** What may leave now, in this order; or that nothing may leave any more, because of the first line end that is wrong. */
export type Passage =
  | { readonly kind: 'pieces'; readonly pieces: readonly Uint8Array[] }
  | { readonly kind: 'bareLineEnd'; readonly octet: 'CR' | 'LF' };

/**
 * The way of one message's content to another server, in as many pieces as it comes in. How it was split changes nothing of
 * what leaves.
 *
 * The header is all that comes before the first empty line (RFC 5322 §2.1), whatever its lines look like; content without
 * an empty line is header to its end. Only CRLF ends a line.
 *
 * @example
 * ```ts
 * const pass = new ContentPass({
 *   front: octets.encodeLatin1('Received: by mx.example; Fri, 1 May 2026 08:00:00 +0200\r\n'),
 *   headerEnd: octets.encodeLatin1('X-Peer: 192.0.2.1\r\n'),
 *   lineEndings: 'reject',
 * });
 * pass.pass(octets.encodeLatin1('Subject: x\r\n\r\nhello')); // Received, 'Subject: x\r\n', X-Peer, '\r\nhello'
 * pass.pass(octets.encodeLatin1('\n')); // { kind: 'bareLineEnd', octet: 'LF' }
 * ```
 */
export class ContentPass {
  readonly #options: ContentPassOptions;
  readonly #search = new LineEndSearch();
  #state = LINE_START;
  /** Whether the last octet is a CR that waits here until what follows it is known. */
  #isHoldingCR = false;
  /** How many octets of the name `Received` the line begins with; then `NAME_LENGTH`, while blanks follow. */
  #nameMatched = 0;
  #isFrontPassed = false;
  #receivedCount = 0;
  #fault: (Passage & { readonly kind: 'bareLineEnd' }) | undefined;

  constructor(options: ContentPassOptions) {
    this.#options = options;
  }

  /**
   * RFC 5321 §6.3: the `Received` fields that came so far, by which a loop is noticed. What is put in does not count. It is
   * final once {@link ContentPass.isHeaderPassed}.
   */
  get receivedCount(): number {
    return this.#receivedCount;
  }

  /** Whether the empty line behind the header came. */
  get isHeaderPassed(): boolean {
    return this.#state === IN_BODY || this.#state === BODY_CR;
  }

  /**
   * Takes the next octets. All of them are looked at before any is let out: of octets that hold a wrong line end none leaves.
   * The pieces are views of `bytes` and of the options; nothing is copied.
   */
  pass(bytes: Uint8Array): Passage {
    const headerEndsAt = this.#look(bytes);
    if (this.#fault !== undefined) return this.#fault;
    if (bytes.length === 0) return NOTHING;

    const wasHoldingCR = this.#isHoldingCR;
    this.#isHoldingCR = this.#mustHoldCR();
    const end = this.#isHoldingCR ? bytes.length - 1 : bytes.length;
    const pieces = this.#begin();
    if (headerEndsAt === undefined || this.#options.headerEnd.length === 0) {
      if (wasHoldingCR) pieces.push(LONE_CR);
      addView(pieces, bytes, 0, end);
    } else if (headerEndsAt < 0) {
      // The empty line began with the CR that waited.
      pieces.push(this.#options.headerEnd, LONE_CR);
      addView(pieces, bytes, 0, end);
    } else {
      if (wasHoldingCR) pieces.push(LONE_CR);
      addView(pieces, bytes, 0, headerEndsAt);
      pieces.push(this.#options.headerEnd);
      addView(pieces, bytes, headerEndsAt, end);
    }
    return { kind: 'pieces', pieces };
  }

  /** The content is complete. What is left to put in leaves now. Called once, last. */
  end(): Passage {
    if (this.#fault === undefined && this.#isHoldingCR && this.#options.lineEndings === 'reject') this.#fail('CR');
    if (this.#fault !== undefined) return this.#fault;

    const pieces = this.#begin();
    if (this.#isHoldingCR) pieces.push(LONE_CR);
    if (!this.isHeaderPassed && this.#options.headerEnd.length > 0) {
      // Content in chunks need not end in CRLF (RFC 3030 §2); what is put in must begin a line.
      if (this.#state !== LINE_START) pieces.push(CRLF);
      pieces.push(this.#options.headerEnd);
    }
    return { kind: 'pieces', pieces };
  }

  /** What goes before all else, the first time. */
  #begin(): Uint8Array[] {
    if (this.#isFrontPassed) return [];
    this.#isFrontPassed = true;
    return this.#options.front.length > 0 ? [this.#options.front] : [];
  }

  /**
   * Steps through the octets, up to a fault. Returns where the empty line behind the header begins: at its CR, so -1 when
   * that came before these octets; `undefined` when it is not here.
   */
  #look(bytes: Uint8Array): number | undefined {
    const isAnyOctetFine = this.#options.lineEndings === 'preserve';
    let headerEndsAt: number | undefined;
    let state = this.#state;
    this.#search.begin();
    for (let at = 0; at < bytes.length && this.#fault === undefined; at += 1) {
      if (state === IN_LINE || state === IN_BODY) {
        if (state === IN_BODY && isAnyOctetFine) break;
        at = this.#search.next(bytes, at);
        if (at === bytes.length) break;
      }
      const octet = octetAt(bytes, at);
      const cell = octetAt(CELLS, (state << 2) | octetAt(CLASSES, octet));
      state = cell & 7;
      switch (cell >> 3) {
        case BEGIN_NAME:
          this.#nameMatched = 0;
          if (!this.#isNameStill(octet)) state = IN_LINE;
          break;
        case GO_ON_WITH_NAME:
          if (!this.#isNameStill(octet)) state = IN_LINE;
          break;
        case END_HEADER:
          headerEndsAt = at - 1;
          break;
        case BARE_CR:
          if (!isAnyOctetFine) this.#fail('CR');
          break;
        case BARE_LF:
          if (!isAnyOctetFine) this.#fail('LF');
          break;
        default: // It is kept.
      }
    }
    this.#state = state;
    return headerEndsAt;
  }

  /** Takes one more octet of a field's name, and counts the field at its colon. Whether the name may still be `Received`. */
  #isNameStill(octet: number): boolean {
    if (this.#nameMatched < NAME_LENGTH) {
      // A field's name is matched in US-ASCII. No octet but the letter's two cases gives the letter with this bit set.
      if ((octet | 0x20) !== octetAt(RECEIVED, this.#nameMatched)) return false;
      this.#nameMatched += 1;
      return true;
    }
    if (octet === COLON) this.#receivedCount += 1;
    // RFC 5322 §4.5: a reader must know blanks between a name and its colon, though nobody may write them.
    return octet === SPACE || octet === TAB;
  }

  #mustHoldCR(): boolean {
    // In binary content a CR is an octet like others, except where the empty line may begin, before which something goes.
    if (this.#options.lineEndings === 'preserve') return this.#state === EMPTY_LINE_CR;
    return this.#state === LINE_CR || this.#state === EMPTY_LINE_CR || this.#state === BODY_CR;
  }

  #fail(octet: 'CR' | 'LF'): void {
    this.#fault = { kind: 'bareLineEnd', octet };
  }
}

function addView(pieces: Uint8Array[], bytes: Uint8Array, start: number, end: number): void {
  if (start === end) return;
  pieces.push(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
}

const PASS_STATES = ['LINE_START', 'IN_NAME', 'IN_LINE', 'LINE_CR', 'EMPTY_LINE_CR', 'IN_BODY', 'BODY_CR'] as const;
const PASS_CLASSES = ['CR', 'LF', 'OTHER'] as const;
const PASS_ACTIONS = ['keep', 'beginName', 'goOnWithName', 'endHeader', 'bareCR', 'bareLF'] as const;

/** RFC 5321 §2.3.8: CR and LF stand together or not at all. */
const PASS_TRANSITIONS: TransitionTable<
  (typeof PASS_STATES)[number],
  (typeof PASS_CLASSES)[number],
  (typeof PASS_ACTIONS)[number]
> = {
  LINE_START: { CR: ['EMPTY_LINE_CR', 'keep'], LF: ['IN_LINE', 'bareLF'], OTHER: ['IN_NAME', 'beginName'] },
  IN_NAME: { CR: ['LINE_CR', 'keep'], LF: ['IN_LINE', 'bareLF'], OTHER: ['IN_NAME', 'goOnWithName'] },
  IN_LINE: { CR: ['LINE_CR', 'keep'], LF: ['IN_LINE', 'bareLF'], OTHER: ['IN_LINE', 'keep'] },
  LINE_CR: { CR: ['LINE_CR', 'bareCR'], LF: ['LINE_START', 'keep'], OTHER: ['IN_LINE', 'bareCR'] },
  EMPTY_LINE_CR: { CR: ['LINE_CR', 'bareCR'], LF: ['IN_BODY', 'endHeader'], OTHER: ['IN_LINE', 'bareCR'] },
  IN_BODY: { CR: ['BODY_CR', 'keep'], LF: ['IN_BODY', 'bareLF'], OTHER: ['IN_BODY', 'keep'] },
  BODY_CR: { CR: ['BODY_CR', 'bareCR'], LF: ['IN_BODY', 'keep'], OTHER: ['IN_BODY', 'bareCR'] },
};

const CELLS = packTransitions({
  states: PASS_STATES,
  classes: PASS_CLASSES,
  actions: PASS_ACTIONS,
  transitions: PASS_TRANSITIONS,
});

const CLASSES = classifyOctets({ named: { [0x0d]: 0, [0x0a]: 1 }, other: 2 });

const LINE_START = 0;
const IN_LINE = 2;
const LINE_CR = 3;
const EMPTY_LINE_CR = 4;
const IN_BODY = 5;
const BODY_CR = 6;

const BEGIN_NAME = 1;
const GO_ON_WITH_NAME = 2;
const END_HEADER = 3;
const BARE_CR = 4;
const BARE_LF = 5;

const RECEIVED = octets.encodeLatin1('received');
const NAME_LENGTH = RECEIVED.length;
const CRLF = octets.encodeLatin1('\r\n');
const LONE_CR = octets.encodeLatin1('\r');

const TAB = 0x09;
const SPACE = 0x20;
const COLON = 0x3a;

const NOTHING: Passage = Object.freeze({ kind: 'pieces', pieces: Object.freeze([]) });
