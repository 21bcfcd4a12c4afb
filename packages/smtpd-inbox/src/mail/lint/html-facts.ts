/** The HTML of a mail as the rules see it: decoded, read, and which part it is. */

import { lineFinder, readHTML, type HTMLDocument } from '../html-document.js';
import { decodeCharset } from './encoded-words.js';
import type { RawMessage, RawPart } from './raw-message.js';
import { decodedBody } from './transfer-decoding.js';

/** One text/html part. */
export interface HTMLFacts {
  readonly part: RawPart;
  readonly html: string;
  /** Octets when decoded. */
  readonly sizeBytes: number;
  readonly document: HTMLDocument;
  /** Of its own, from places to lines: from 1. */
  readonly lineOf: (offset: number) => number;
}

/** The HTML parts that are no attachments; the first few, which no honest mail goes beyond. */
export function htmlFactsOf(message: RawMessage): HTMLFacts[] {
  return message.parts
    .filter(
      (part) =>
        part.contentType.value === 'text/html' && part.disposition?.value !== 'attachment' && !isInMessage(part),
    )
    .slice(0, HTML_PARTS_MAX)
    .map((part) => {
      const octets = decodedBody(message, part);
      const html = decodeCharset(octets, part.contentType.parameters.get('charset') ?? 'utf-8') ?? octets;
      return { part, html, sizeBytes: octets.length, document: readHTML(html), lineOf: lineFinder(html) };
    });
}

/** Whether it belongs to a message that is in this one. */
export function isInMessage(part: RawPart): boolean {
  for (let parent = part.parent; parent !== undefined; parent = parent.parent) {
    if (parent.contentType.value === 'message/rfc822') return true;
  }
  return false;
}

const HTML_PARTS_MAX = 4;
