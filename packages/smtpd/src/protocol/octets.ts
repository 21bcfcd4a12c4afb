// Octets: the few primitives on bytes that have a faster version where Node's Buffer exists. This is the one file of the
// protocol that knows of Buffer; which version runs is chosen once, at load. It is not a place for parsing or formatting.
// In the walk it lies beneath everything: input, decoders, encoders and the UTF-8 checks of the grammar stand on it.

/** What the protocol asks of bytes. Two versions exist: `plainOctets`, and one on `Buffer`; they give the same results. */
export interface OctetPrimitives {
  /** An array whose contents are undefined until they are written. */
  readonly allocate: (length: number) => Uint8Array;
  /** An array over memory that exists already. */
  readonly view: (memory: ArrayBuffer, offset: number, length: number) => Uint8Array;
  /** The first place of `octet` at or after `from`, up to the end of `bytes`; -1 when there is none. */
  readonly indexOf: (bytes: Uint8Array, octet: number, from: number) => number;
  /** The first place of a sequence of octets, at least one, at or after `from`, up to the end of `bytes`; -1 when there is none. */
  readonly indexOfSequence: (bytes: Uint8Array, sequence: Uint8Array, from: number) => number;
  /** Copies `source[start..end)` to `target`, beginning at `targetStart`. A move down within one array is allowed. */
  readonly copy: (source: Uint8Array, start: number, end: number, target: Uint8Array, targetStart: number) => void;
  /** The chunks behind each other. A single chunk is returned as it is, not copied. */
  readonly concat: (chunks: readonly Uint8Array[]) => Uint8Array;
  /** One octet, one character: U+0000 to U+00FF. */
  readonly decodeLatin1: (bytes: Uint8Array, start: number, end: number) => string;
  /** One character, one octet; only the low eight bits of a character are kept. */
  readonly encodeLatin1: (text: string) => Uint8Array;
  /** The text, or `undefined` when the octets are not well-formed UTF-8 (RFC 3629 §4). A byte order mark is kept. */
  readonly decodeUTF8: (bytes: Uint8Array) => string | undefined;
  /** The octets of the text; a surrogate without its partner becomes U+FFFD. */
  readonly encodeUTF8: (text: string) => Uint8Array;
}

/**
 * The octets of a Latin-1 string, decoded as UTF-8: what a command line says under SMTPUTF8. A string of ASCII is
 * returned as it is; `undefined` means that the octets are not well-formed UTF-8.
 *
 * @example
 * ```ts
 * utf8FromLatin1('MAIL'); // 'MAIL'
 * utf8FromLatin1('\u00c3\u00a9'); // 'é'
 * utf8FromLatin1('\u00e9'); // undefined
 * ```
 */
export function utf8FromLatin1(text: string): string | undefined {
  let isASCII = true;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character > 0xff) return undefined;
    if (character > 0x7f) isASCII = false;
  }
  return isASCII ? text : octets.decodeUTF8(octets.encodeLatin1(text));
}

/**
 * The octet at a place that is known to exist: 0 <= at < bytes.length.
 *
 * @example
 * ```ts
 * octetAt(Uint8Array.of(7, 8), 1); // 8
 * ```
 */
export function octetAt(bytes: Uint8Array, at: number): number {
  // eslint-disable-next-line @typescript-eslint/no-non-null-assertion -- the one place that says so, and costs nothing
  return bytes[at]!;
}

/**
 * The version that fits the scope: on `Buffer` when the scope has a usable one, plain otherwise.
 *
 * @example
 * ```ts
 * octetsOf({}) === plainOctets; // true
 * ```
 */
export function octetsOf(scope: { readonly Buffer?: unknown }): OctetPrimitives {
  return isBufferClass(scope.Buffer) ? bufferOctets(scope.Buffer) : plainOctets;
}

/**
 * The version without `Buffer`: `Uint8Array` alone. It is the definition of what each primitive does.
 *
 * @example
 * ```ts
 * plainOctets.indexOf(Uint8Array.of(1, 2, 3), 3, 0); // 2
 * ```
 */
export const plainOctets: OctetPrimitives = {
  allocate: (length) => new Uint8Array(length),

  view: (memory, offset, length) => new Uint8Array(memory, offset, length),

  indexOf: (bytes, octet, from) => bytes.indexOf(octet, from),

  indexOfSequence(bytes, sequence, from) {
    const first = octetAt(sequence, 0);
    for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
      let matched = 1;
      while (matched < sequence.length && bytes[at + matched] === sequence[matched]) matched += 1;
      if (matched === sequence.length) return at;
    }
    return -1;
  },

  copy(source, start, end, target, targetStart) {
    if (end - start <= SHORT_COPY_BYTES_MAX) copyShort(source, start, end, target, targetStart);
    else target.set(source.subarray(start, end), targetStart);
  },

  concat(chunks) {
    const [first] = chunks;
    if (first !== undefined && chunks.length === 1) return first;
    let length = 0;
    for (const chunk of chunks) length += chunk.length;
    const whole = new Uint8Array(length);
    let at = 0;
    for (const chunk of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    return whole;
  },

  decodeLatin1(bytes, start, end) {
    let text = '';
    for (let at = start; at < end; at += CODES_AT_ONCE) {
      text += String.fromCharCode(...bytes.subarray(at, Math.min(at + CODES_AT_ONCE, end)));
    }
    return text;
  },

  encodeLatin1(text) {
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
    return bytes;
  },

  decodeUTF8(bytes) {
    let text = '';
    let codes: number[] = [];
    for (let at = 0; at < bytes.length;) {
      const lead = octetAt(bytes, at);
      const length = sequenceLength(lead);
      if (length === 0 || at + length > bytes.length) return undefined;
      let code = length === 1 ? lead : lead & (0x7f >> length);
      for (let next = at + 1; next < at + length; next += 1) {
        const octet = octetAt(bytes, next);
        if ((octet & 0xc0) !== 0x80) return undefined;
        code = (code << 6) | (octet & 0x3f);
      }
      // RFC 3629 §3: one character has one form, the shortest; surrogates have none; U+10FFFF is the last.
      if (code < SHORTEST_FORM_FROM[length] || code > 0x10ffff) return undefined;
      if (code >= 0xd800 && code <= 0xdfff) return undefined;
      codes.push(code);
      if (codes.length === CODES_AT_ONCE) {
        text += String.fromCodePoint(...codes);
        codes = [];
      }
      at += length;
    }
    return text + String.fromCodePoint(...codes);
  },

  encodeUTF8(text) {
    const bytes: number[] = [];
    for (const character of text) {
      const code = character.codePointAt(0) ?? 0; // A string iterates in non-empty pieces.
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), continuation(code));
      else if (code >= 0xd800 && code <= 0xdfff) bytes.push(0xef, 0xbf, 0xbd);
      else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), continuation(code >> 6), continuation(code));
      else bytes.push(0xf0 | (code >> 18), continuation(code >> 12), continuation(code >> 6), continuation(code));
    }
    return Uint8Array.from(bytes);
  },
};

/** The version on `Buffer`. It works on every `Uint8Array`, and without a detour on those that are a `Buffer` already. */
function bufferOctets(bufferClass: BufferClass): OctetPrimitives {
  const bufferOver = (bytes: Uint8Array): BufferLike =>
    bytes instanceof bufferClass ? bytes : bufferClass.from(bytes.buffer, bytes.byteOffset, bytes.length);

  return {
    allocate: (length) =>
      length < SHARED_BYTES_MAX ? bufferClass.allocUnsafe(length) : bufferClass.allocUnsafeSlow(length),

    view: (memory, offset, length) => bufferClass.from(memory, offset, length),

    indexOf: (bytes, octet, from) => bufferOver(bytes).indexOf(octet, from),

    indexOfSequence: (bytes, sequence, from) => bufferOver(bytes).indexOf(sequence, from),

    copy(source, start, end, target, targetStart) {
      if (end - start <= SHORT_COPY_BYTES_MAX) copyShort(source, start, end, target, targetStart);
      else bufferOver(source).copy(target, targetStart, start, end);
    },

    concat(chunks) {
      const [first] = chunks;
      return first !== undefined && chunks.length === 1 ? first : bufferClass.concat(chunks);
    },

    decodeLatin1: (bytes, start, end) => bufferOver(bytes).latin1Slice(start, end),

    encodeLatin1: (text) => bufferClass.from(text, 'latin1'),

    decodeUTF8(bytes) {
      // Buffer puts U+FFFD where the octets are wrong. Text without one was well-formed; in the rare other cases the plain
      // version finds out whether it was sent like that.
      const text = bufferOver(bytes).toString('utf8');
      return text.includes('\ufffd') ? plainOctets.decodeUTF8(bytes) : text;
    },

    encodeUTF8: (text) => bufferClass.from(text, 'utf8'),
  };
}

/** For a few octets a loop is faster than a call into the engine. Ascending, so that a move down may overlap. */
function copyShort(source: Uint8Array, start: number, end: number, target: Uint8Array, targetStart: number): void {
  for (let at = start, to = targetStart; at < end; at += 1, to += 1) target[to] = octetAt(source, at);
}

/** RFC 3629 §3: the first octet says how many there are. 0: no sequence starts with it. */
function sequenceLength(lead: number): 0 | 1 | 2 | 3 | 4 {
  if (lead < 0x80) return 1;
  if (lead < 0xc0) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf8 ? 4 : 0;
}

function continuation(code: number): number {
  return 0x80 | (code & 0x3f);
}

function isBufferClass(value: unknown): value is BufferClass {
  if (typeof value !== 'function') return false;
  const { allocUnsafe, allocUnsafeSlow, concat, from, prototype } = value as Partial<BufferClass>;
  return (
    typeof allocUnsafe === 'function' &&
    typeof allocUnsafeSlow === 'function' &&
    typeof concat === 'function' &&
    typeof from === 'function' &&
    prototype instanceof Uint8Array &&
    typeof prototype.latin1Slice === 'function'
  );
}

/** What is used of a Buffer. Declared here because the protocol is compiled without any runtime's types. */
interface BufferLike extends Uint8Array {
  indexOf(value: number | Uint8Array, from?: number): number;
  copy(target: Uint8Array, targetStart: number, sourceStart: number, sourceEnd: number): number;
  /** What `toString` calls for `latin1`. It is not in the documentation, and everywhere where there are Buffers. */
  latin1Slice(start: number, end: number): string;
  toString(encoding?: 'utf8'): string;
}

interface BufferClass {
  new (): BufferLike;
  readonly prototype: BufferLike;
  /** May be part of a block with other arrays. */
  allocUnsafe(length: number): BufferLike;
  /** Has memory of its own. */
  allocUnsafeSlow(length: number): BufferLike;
  concat(chunks: readonly Uint8Array[]): BufferLike;
  from(text: string, encoding: 'latin1' | 'utf8'): BufferLike;
  from(buffer: ArrayBufferLike, byteOffset: number, length: number): BufferLike;
}

const SHORT_COPY_BYTES_MAX = 32;

/**
 * What is shorter may share a block with others: the block is held as long as one of them is, so it should not be much less than that.
 * Node puts arrays of up to 4 KiB into blocks of 8; from 24 on up to 32 KiB into blocks of 64.
 */
const SHARED_BYTES_MAX = 4096;

/** An argument list must stay short: engines limit it, and it lies on the stack. */
const CODES_AT_ONCE = 4096;

/** By the length of a sequence: the first character that needs it. */
const SHORTEST_FORM_FROM = { 1: 0, 2: 0x80, 3: 0x800, 4: 0x10000 } as const;

/**
 * The primitives of this runtime, chosen once.
 *
 * @example
 * ```ts
 * octets.decodeLatin1(octets.encodeLatin1('NOOP'), 0, 4); // 'NOOP'
 * ```
 */
export const octets: OctetPrimitives = octetsOf(globalThis as { readonly Buffer?: unknown });
