/**
 * The header of a message, read for tests: unfolded, encoded words decoded, looked up by name. It is no MIME library: bodies, their
 * parts and their encodings are not read.
 */

import { decodeEncodedWords } from './encoded-words.js';

/** A message's header fields, in order. Names are compared without regard to case. */
export class MessageHeaders implements Iterable<readonly [name: string, value: string]> {
  readonly #fields: readonly (readonly [name: string, value: string])[];

  /** @internal */
  constructor(fields: readonly (readonly [name: string, value: string])[]) {
    this.#fields = fields;
  }

  /** The value of the first field of that name; `undefined` for none. */
  get(name: string): string | undefined {
    return this.getAll(name)[0];
  }

  /** The values of all fields of that name, in order. */
  getAll(name: string): readonly string[] {
    const wanted = name.toLowerCase();
    return this.#fields.filter(([each]) => each.toLowerCase() === wanted).map(([, value]) => value);
  }

  /** Whether there is a field of that name. */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** The fields in order, with their names as sent. */
  [Symbol.iterator](): IterableIterator<readonly [name: string, value: string]> {
    return this.#fields[Symbol.iterator]();
  }
}

/** A message, taken apart at the end of its header. */
export interface SplitContent {
  readonly headers: MessageHeaders;
  /** Where the body begins. */
  readonly bodyStart: number;
}

/** Reads the header of a message's content. Never fails: the header ends before the first line that cannot belong to it. */
export function readHeaders(content: Uint8Array): SplitContent {
  const fields: [name: string, value: string][] = [];
  let start = 0;
  while (start < content.length) {
    // A CR before the LF goes with the blanks; a bare LF gets here only with `lineEndings: 'preserve'`.
    const lineFeed = content.indexOf(LF, start);
    const end = lineFeed === -1 ? content.length : lineFeed + 1;
    const line = decodeText(content.subarray(start, end)).replace(LINE_END, '');
    const field = FIELD.exec(line);
    const last = fields.at(-1);
    if (line === '') {
      start = end;
      break;
    } else if (last !== undefined && CONTINUATION.test(line)) {
      // RFC 5322 §2.2.3: unfolding takes the line end away and leaves the blank.
      last[1] += line;
    } else if (field !== null) {
      fields.push([field[1] ?? '', field[2] ?? '']);
    } else {
      break;
    }
    start = end;
  }
  const decoded = fields.map(([name, value]) => [name, decodeEncodedWords(value.trim())] as const);
  return { headers: new MessageHeaders(decoded), bodyStart: start };
}

/** Octets as text: UTF-8 where they are well formed (RFC 6532), else one character for each. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LF = 0x0a;
const LINE_END = /\r?\n$/;
const CONTINUATION = /^[ \t]/;
// RFC 5322 §3.6.8: a field name is printable US-ASCII without the colon; §4.5.8 lets blanks stand before the colon.
const FIELD = /^([!-9;-~]+)[ \t]*:(.*)$/s;
