// Content facts: what is counted of content while it is decoded, and what is done about size and bare line ends. It finds
// no line ends itself. In the walk it stands between a decoder of content (data or chunk) and the content buffer.

import type { ContentBuffer } from './content-buffer.js';

/** What happens to a CR or LF that is not part of a CRLF: the message fails, it becomes CRLF, or it stays as it is. */
export type LineEndings = 'reject' | 'normalize' | 'preserve';

/** Why content is not kept. */
export type ContentFault = 'tooLarge' | 'bareLineEnd';

/** How content is decoded. */
export interface ContentOptions {
  readonly lineEndings: LineEndings;
  /** The most content octets there may be; `Infinity` for no limit. */
  readonly sizeLimitBytes: number;
}

/**
 * The facts of one message's content. A fault stays the first one met, and from then on the octets are only counted.
 *
 * @example
 * ```ts
 * const facts = new ContentFacts({ lineEndings: 'reject', sizeLimitBytes: 1000 });
 * facts.append(content, bytes, 0, 42);
 * facts.sizeBytes; // 42
 * ```
 */
export class ContentFacts {
  readonly lineEndings: LineEndings;
  readonly #sizeLimitBytes: number;
  #sizeBytes = 0;
  #bareCRCount = 0;
  #bareLFCount = 0;
  #longestLineBytes = 0;
  #fault: ContentFault | undefined;

  constructor(options: ContentOptions) {
    this.lineEndings = options.lineEndings;
    this.#sizeLimitBytes = options.sizeLimitBytes;
  }

  /** RFC 1870 §5: the octets of the content, every CRLF counted, transparency dots and the final dot line not. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get bareCRCount(): number {
    return this.#bareCRCount;
  }

  get bareLFCount(): number {
    return this.#bareLFCount;
  }

  get longestLineBytes(): number {
    return this.#longestLineBytes;
  }

  get fault(): ContentFault | undefined {
    return this.#fault;
  }

  /** `bytes[start..end)` is content. */
  append(content: ContentBuffer, bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.#count(content, end - start);
    if (this.#fault === undefined) content.append(bytes, start, end);
  }

  appendOctet(content: ContentBuffer, octet: number): void {
    this.#count(content, 1);
    if (this.#fault === undefined) content.appendOctet(octet);
  }

  /** The CR appended last turned out to be bare. */
  meetBareCR(content: ContentBuffer): void {
    this.#bareCRCount += 1;
    if (this.lineEndings === 'reject') this.#fail(content, 'bareLineEnd');
    if (this.lineEndings === 'normalize') this.appendOctet(content, LF);
  }

  /** The LF that will be appended next is bare. */
  meetBareLF(content: ContentBuffer): void {
    this.#bareLFCount += 1;
    if (this.lineEndings === 'reject') this.#fail(content, 'bareLineEnd');
    if (this.lineEndings === 'normalize') this.appendOctet(content, CR);
  }

  /** A line of that many octets, without its CRLF, is complete. */
  endLine(lengthBytes: number): void {
    if (lengthBytes > this.#longestLineBytes) this.#longestLineBytes = lengthBytes;
  }

  #count(content: ContentBuffer, bytes: number): void {
    this.#sizeBytes += bytes;
    if (this.#sizeBytes > this.#sizeLimitBytes) this.#fail(content, 'tooLarge');
  }

  #fail(content: ContentBuffer, fault: ContentFault): void {
    if (this.#fault !== undefined) return;
    this.#fault = fault;
    content.clear();
  }
}

const CR = 0x0d;
const LF = 0x0a;
