/**
 * The first message of TLS, for the one thing in it that decides which certificate to show: the name that the client asks for. It
 * is no TLS: what is odd about the message is for the TLS layer to say, which gets the same octets afterwards.
 *
 * It is read here because on Node the certificate that `SNICallback` gives is not always the one that is shown: where its key is
 * of another kind than the default's, the client's preferences choose between the two (nodejs/node#54235).
 */

import { octetAt, octets } from './octets.js';

/** What is known after some octets. */
export type ClientHelloResult =
  | { readonly kind: 'needMore' }
  | {
      readonly kind: 'clientHello';
      /** In ASCII, as the client wrote it. `undefined`: it asks for none. */
      readonly serverName: string | undefined;
    }
  /** No ClientHello that can be read; the TLS layer will say why. */
  | { readonly kind: 'other' };

/**
 * Reads the server name of a ClientHello (RFC 8446, RFC 6066), which may come in several records.
 *
 * @param bytes - everything that has come so far; nothing of it is kept
 *
 * @example
 * ```ts
 * decodeClientHello(Uint8Array.of(22, 3, 1)); // { kind: 'needMore' }
 * decodeClientHello(octets.encodeLatin1('EHLO')); // { kind: 'other' }
 * ```
 */
export function decodeClientHello(bytes: Uint8Array): ClientHelloResult {
  const fragments: Uint8Array[] = [];
  let heldBytes = 0;
  let wantedBytes = HANDSHAKE_HEAD_BYTES;
  for (let at = 0; heldBytes < wantedBytes;) {
    if (fragments.length === RECORDS_MAX) return OTHER;
    const recordBytes = recordLength(bytes, at);
    if (recordBytes === undefined) return OTHER;
    const start = at + RECORD_HEAD_BYTES;
    if (start >= bytes.length) return NEED_MORE;

    const fragment = bytes.subarray(start, start + recordBytes);
    fragments.push(fragment);
    heldBytes += fragment.length;
    const length = messageLength(fragments);
    if (length === undefined) return OTHER;
    wantedBytes = length;
    if (fragment.length < recordBytes && heldBytes < wantedBytes) return NEED_MORE;
    at = start + recordBytes;
  }
  return { kind: 'clientHello', serverName: serverNameOf(octets.concat(fragments).subarray(0, wantedBytes)) };
}

/** The length that the record at `at` says; 1 where it has not come that far. `undefined` when it is no record of a handshake. */
function recordLength(bytes: Uint8Array, at: number): number | undefined {
  if (bytes.length > at && octetAt(bytes, at) !== HANDSHAKE_RECORD) return undefined;
  if (bytes.length > at + 1 && octetAt(bytes, at + 1) !== 3) return undefined;
  if (bytes.length < at + RECORD_HEAD_BYTES) return 1;
  const length = uint16At(bytes, at + 3);
  return length >= 1 && length <= RECORD_BYTES_MAX ? length : undefined;
}

/** How long the message is, its head included, as far as that is known. `undefined` when it is another or too long. */
function messageLength(fragments: readonly Uint8Array[]): number | undefined {
  const head: number[] = [];
  for (const fragment of fragments) {
    head.push(...fragment.subarray(0, HANDSHAKE_HEAD_BYTES - head.length));
    if (head.length === HANDSHAKE_HEAD_BYTES) break;
  }
  if (head.length > 0 && head[0] !== CLIENT_HELLO) return undefined;
  if (head.length < HANDSHAKE_HEAD_BYTES) return HANDSHAKE_HEAD_BYTES;
  const [, high = 0, middle = 0, low = 0] = head;
  const length = HANDSHAKE_HEAD_BYTES + high * 0x1_0000 + middle * 0x100 + low;
  return length <= CLIENT_HELLO_BYTES_MAX ? length : undefined;
}

/** The name in a whole message. Where the message breaks off there is none. */
function serverNameOf(message: Uint8Array): string | undefined {
  const body = new Reader(message.subarray(HANDSHAKE_HEAD_BYTES));
  body.skip(2 + 32); // The version and the random.
  body.vector(1); // The session id,
  body.vector(2); // the cipher suites,
  body.vector(1); // and the compression methods.
  const extensions = new Reader(body.vector(2));
  while (extensions.hasMore) {
    const type = extensions.uint(2);
    const content = extensions.vector(2);
    if (type !== SERVER_NAME) continue;
    const names = new Reader(new Reader(content).vector(2));
    // Only one kind of name was ever defined, and there may be one name of a kind.
    if (names.uint(1) !== HOST_NAME) return undefined;
    const name = names.vector(2);
    const text = octets.decodeLatin1(name, 0, name.length);
    return VISIBLE.test(text) ? text : undefined;
  }
  return undefined;
}

/** Reads numbers and vectors. Behind the end everything is 0 and empty. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get hasMore(): boolean {
    return this.#at < this.#bytes.length;
  }

  skip(count: number): void {
    this.#at += count;
  }

  uint(octetCount: 1 | 2): number {
    let value = 0;
    for (let count = 0; count < octetCount; count += 1) {
      value = value * 0x100 + (this.hasMore ? octetAt(this.#bytes, this.#at) : 0);
      this.#at += 1;
    }
    return value;
  }

  /** A length of so many octets, and what it says. */
  vector(lengthOctets: 1 | 2): Uint8Array {
    const length = this.uint(lengthOctets);
    const start = Math.min(this.#at, this.#bytes.length);
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }
}

function uint16At(bytes: Uint8Array, at: number): number {
  return (octetAt(bytes, at) << 8) | octetAt(bytes, at + 1);
}

const NEED_MORE = Object.freeze({ kind: 'needMore' });
const OTHER = Object.freeze({ kind: 'other' });

const RECORD_HEAD_BYTES = 5;
const HANDSHAKE_RECORD = 22;
const RECORD_BYTES_MAX = 16_384;
/** Clients send one record; those that hide the name from naive readers send a few. */
const RECORDS_MAX = 16;

const HANDSHAKE_HEAD_BYTES = 4;
const CLIENT_HELLO = 1;
/** With keys that withstand quantum computers it has 2,000 octets. */
const CLIENT_HELLO_BYTES_MAX = 32_768;
/** Nobody is asked for more before the answer. */
export const CLIENT_HELLO_WAIT_BYTES_MAX = CLIENT_HELLO_BYTES_MAX + RECORDS_MAX * RECORD_HEAD_BYTES;

const SERVER_NAME = 0;
const HOST_NAME = 0;
const VISIBLE = /^[!-~]{1,255}$/;
