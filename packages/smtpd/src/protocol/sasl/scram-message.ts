/**
 * The messages of SCRAM (RFC 5802 §7), read into values. The order of attributes is fixed; optional extensions stand in their
 * places and are ignored. What was signed is kept as it was sent.
 */

import { decodeBase64 } from './base64.js';
import { decodeSASLName, parseGS2Header, type GS2Header } from './gs2-header.js';
import { prepareName } from './message-text.js';
import { isIterationCount } from './scram-keys.js';

/** Why a message is none: it breaks the grammar, or demands an extension. */
export type SCRAMFault = 'malformed' | 'unsupported';

/** `n,,n=user,r=nonce` */
export interface ClientFirstMessage {
  readonly header: GS2Header;
  /** Without the header, as sent. */
  readonly bare: string;
  /** Prepared. */
  readonly user: string;
  readonly nonce: string;
}

/** `r=nonce,s=salt,i=4096` */
export interface ServerFirstMessage {
  readonly nonce: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

/** `c=biws,r=nonce,p=proof` */
export interface ClientFinalMessage {
  /** Base64, as sent. */
  readonly channelBinding: string;
  readonly nonce: string;
  /** What is signed of it, as sent. */
  readonly withoutProof: string;
  readonly proof: Uint8Array;
}

/** `v=signature`, or `e=reason`. */
export type ServerFinalMessage = { readonly signature: Uint8Array } | { readonly error: string };

/**
 * Reads the client's first message.
 *
 * @example
 * ```ts
 * parseClientFirst('n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL');
 * ```
 */
export function parseClientFirst(text: string): ClientFirstMessage | SCRAMFault {
  const header = parseGS2Header(text);
  if (header === undefined) return 'malformed';
  const bare = text.slice(header.text.length);
  // RFC 5802 §5.1: a mandatory extension that we do not know, and we know none, ends the exchange.
  if (bare.startsWith('m=')) return 'unsupported';
  const [, name, nonce] = CLIENT_FIRST_BARE.exec(bare) ?? [];
  const user = prepareName(decodeSASLName(name ?? '') ?? '');
  if (nonce === undefined || user === undefined) return 'malformed';
  return { header, bare, user, nonce };
}

/**
 * Reads the server's first message.
 *
 * @example
 * ```ts
 * parseServerFirst('r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096');
 * ```
 */
export function parseServerFirst(text: string): ServerFirstMessage | SCRAMFault {
  if (text.startsWith('m=')) return 'unsupported';
  const [, nonce, saltText = '', iterationsText] = SERVER_FIRST.exec(text) ?? [];
  const salt = decodeBase64(saltText);
  const iterations = Number(iterationsText);
  if (nonce === undefined || salt === undefined || salt.length === 0 || !isIterationCount(iterations))
    return 'malformed';
  return { nonce, salt, iterations };
}

/**
 * Reads the client's final message.
 *
 * @example
 * ```ts
 * parseClientFinal('c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=');
 * ```
 */
export function parseClientFinal(text: string): ClientFinalMessage | SCRAMFault {
  const [, withoutProof, channelBinding, nonce, proofText = ''] = CLIENT_FINAL.exec(text) ?? [];
  const proof = decodeBase64(proofText);
  if (withoutProof === undefined || channelBinding === undefined || nonce === undefined || proof === undefined) {
    return 'malformed';
  }
  return { channelBinding, nonce, withoutProof, proof };
}

/**
 * Reads the server's final message.
 *
 * @example
 * ```ts
 * parseServerFinal('v=rmF9pqV8S7suAoZWja4dJRkFsKQ=');
 * ```
 */
export function parseServerFinal(text: string): ServerFinalMessage | SCRAMFault {
  const [, kind, value] = SERVER_FINAL.exec(text) ?? [];
  if (value === undefined) return 'malformed';
  if (kind === 'e') return { error: value };
  const signature = decodeBase64(value);
  return signature === undefined ? 'malformed' : { signature };
}

// RFC 5802 §7: value = 1*value-char, any character but NUL and comma; extensions = attr-val *("," attr-val). The letters that have a
// meaning, `m` for a mandatory extension among them, cannot stand here.
const EXTENSIONS = String.raw`(?:,[A-Zbdfghjkloqtuwxyz]=[^,\0]+)*`;

// RFC 5802 §7: printable = %x21-2B / %x2D-7E. The ABNF has one of them in a nonce, and means as many as there are.
const NONCE = String.raw`[\x21-\x2b\x2d-\x7e]+`;

// RFC 5802 §7: username "," nonce ["," extensions]
const CLIENT_FIRST_BARE = new RegExp(`^n=([^,]+),r=(${NONCE})${EXTENSIONS}$`);

// RFC 5802 §7: nonce "," salt "," iteration-count ["," extensions], and no leading zero.
const SERVER_FIRST = new RegExp(`^r=(${NONCE}),s=([^,]+),i=([1-9][0-9]{0,15})${EXTENSIONS}$`);

// RFC 5802 §7: channel-binding "," nonce ["," extensions] "," proof
const CLIENT_FINAL = new RegExp(`^(c=([^,]+),r=(${NONCE})${EXTENSIONS}),p=([^,]+)$`);

// RFC 5802 §7: (server-error / verifier) ["," extensions]
const SERVER_FINAL = new RegExp(String.raw`^(e|v)=([^,\0]+)${EXTENSIONS}$`);
