// Content scanner: passes over the octets of content that need no decision, many at a time, where the runtime has WebAssembly. It
// decides nothing: what is done where it stops says the table of a decoder. This is the one file of the protocol that knows of
// WebAssembly; which version runs is chosen once, at load. In the walk it serves the data and chunk decoders.

import { CONTENT_SCAN_MODULE } from './content-scan-module.js';
import { octets } from './octets.js';

/** Passes over plain content. Two versions exist: `plainScanner`, which passes over nothing, and one on WebAssembly. */
export interface ContentScanner {
  /** What sockets may read into, so that nothing is copied for a scan; `undefined` where a scan has no memory of its own. */
  readonly readBuffer: Uint8Array | undefined;
  /** Fewer octets are not worth a scan. */
  readonly scanBytesMin: number;
  /** Where the last scan stopped: at an octet that needs a decision, or somewhat before it. */
  readonly stop: number;
  /** What is content lies between the start of the last scan and here. start <= contentEnd <= stop */
  readonly contentEnd: number;
  /** Whether a line begins at `stop`. */
  readonly isLineStart: boolean;
  /** The octets of the line that goes on at `stop`. */
  readonly lineBytes: number;
  /** The longest line of which the last scan saw the end. */
  readonly longestLineBytes: number;
  /**
   * `bytes[start..end)`, or the first of them, as an array of their own that can be scanned: a view where they lie in the memory of the
   * scan already, else a copy that is good until the next call.
   */
  reach(bytes: Uint8Array, start: number, end: number): Uint8Array;
  /**
   * Passes over the octets from `start`: CRLFs, and what stands between them. Dots that transparency put in are deleted by moving
   * what follows over them. There is no CR before `start` that could be part of a CRLF.
   */
  scan(bytes: Uint8Array, start: number, line: LineBegun): void;
}

/** The line in which a scan starts. */
export interface LineBegun {
  /** Whether nothing of it came yet, not even a dot that was deleted. */
  readonly isLineStart: boolean;
  /** Its octets before the start. */
  readonly lineBytes: number;
  /** Whether the dot that begins a line was put in for transparency (RFC 5321 §4.5.2). */
  readonly isStuffed: boolean;
}

/**
 * The version that fits the scope: on WebAssembly when the scope has one that runs the module, plain otherwise.
 *
 * @example
 * ```ts
 * contentScannerOf({}) === plainScanner; // true
 * ```
 */
export function contentScannerOf(scope: { readonly WebAssembly?: unknown }): ContentScanner {
  const { WebAssembly: webAssembly } = scope;
  if (!isWebAssembly(webAssembly)) return plainScanner;
  try {
    const { exports } = new webAssembly.Instance(new webAssembly.Module(moduleOctets()));
    return new WebAssemblyScanner(exports);
  } catch {
    // There are no vector instructions, a policy forbids to compile, or the memory cannot be had.
    return plainScanner;
  }
}

/** The version without WebAssembly: every octet is left to the table. It is the definition of what a scan changes, which is nothing. */
export const plainScanner: ContentScanner = {
  readBuffer: undefined,
  scanBytesMin: Infinity,
  stop: 0,
  contentEnd: 0,
  isLineStart: false,
  lineBytes: 0,
  longestLineBytes: 0,
  reach: viewOf,
  scan: () => undefined, // Nobody asks for it: no content is long enough.
};

class WebAssemblyScanner implements ContentScanner {
  readonly readBuffer: Uint8Array;
  readonly scanBytesMin = 128;
  stop = 0;
  contentEnd = 0;
  isLineStart = false;
  lineBytes = 0;
  longestLineBytes = 0;
  readonly #scan: ScanExports['scan'];
  readonly #memory: ArrayBufferLike;
  /** What the module says: the end of the content, the octets of the line, the longest line, whether a line begins. */
  readonly #results: Float64Array;
  /** Where octets are copied to that lie elsewhere. */
  readonly #copyBuffer: Uint8Array;

  constructor({ memory, scan }: ScanExports) {
    this.#scan = scan;
    this.#memory = memory.buffer;
    this.#results = new Float64Array(this.#memory, 0, 4);
    this.readBuffer = octets.view(memory.buffer, READ_AT, BUFFER_BYTES);
    this.#copyBuffer = octets.view(memory.buffer, COPY_AT, BUFFER_BYTES);
  }

  reach(bytes: Uint8Array, start: number, end: number): Uint8Array {
    if (end - start < this.scanBytesMin || bytes.buffer === this.#memory) return viewOf(bytes, start, end);
    const length = Math.min(end - start, BUFFER_BYTES);
    octets.copy(bytes, start, start + length, this.#copyBuffer, 0);
    return viewOf(this.#copyBuffer, 0, length);
  }

  scan(bytes: Uint8Array, start: number, { isLineStart, lineBytes, isStuffed }: LineBegun): void {
    const offset = bytes.byteOffset;
    const end = offset + bytes.length;
    this.stop = this.#scan(offset + start, end, Number(isLineStart), lineBytes, Number(isStuffed)) - offset;
    const results = this.#results;
    this.contentEnd = resultAt(results, 0) - offset;
    this.lineBytes = resultAt(results, 1);
    this.longestLineBytes = resultAt(results, 2);
    this.isLineStart = resultAt(results, 3) !== 0;
  }
}

function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
}

/** The octets of the module, once more as octets. */
function moduleOctets(): Uint8Array {
  return Uint8Array.from({ length: CONTENT_SCAN_MODULE.length / 2 }, (_, at) =>
    Number.parseInt(CONTENT_SCAN_MODULE.slice(at * 2, at * 2 + 2), 16),
  );
}

function resultAt(results: Float64Array, index: 0 | 1 | 2 | 3): number {
  // eslint-disable-next-line @typescript-eslint/no-non-null-assertion -- there are four
  return results[index]!;
}

function isWebAssembly(value: unknown): value is WebAssemblyClasses {
  if (typeof value !== 'object' || value === null) return false;
  const { Instance, Module } = value as Partial<WebAssemblyClasses>;
  return typeof Instance === 'function' && typeof Module === 'function';
}

/** What is used of WebAssembly. Declared here because the protocol is compiled without any runtime's types. */
interface WebAssemblyClasses {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: ScanExports };
}

interface ScanExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly scan: (start: number, end: number, isLineStart: number, lineBytes: number, isStuffed: number) => number;
}

/** A scan that stops at once costs as much as so many octets of the table: so many it pauses, that work stays linear. */
export const SCAN_PAUSE_BYTES = 64;

/** Pages of the module's memory, of which the first has the results. */
const BUFFER_BYTES = 65_536;
const READ_AT = BUFFER_BYTES;
const COPY_AT = 2 * BUFFER_BYTES;

/**
 * The scanner of this runtime, chosen once.
 *
 * @example
 * ```ts
 * const bytes = contentScanner.reach(input.bytes, input.start, input.end);
 * ```
 */
export const contentScanner: ContentScanner = contentScannerOf(globalThis as { readonly WebAssembly?: unknown });
