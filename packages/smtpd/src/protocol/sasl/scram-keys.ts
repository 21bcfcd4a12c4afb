/**
 * The arithmetic of SCRAM (RFC 5802 §3): what is made of a password, what a server stores of it, and what shows that one knows
 * the one or the other. The messages are in `scram-message.ts`, the exchange is in `scram.ts`.
 */

import { UsageError } from '../errors.js';
import { kindOf } from '../kind-of.js';
import { octetAt, octets } from '../octets.js';
import { unknownOptions } from '../unknown-options.js';
import { encodeBase64 } from './base64.js';
import type { SASLCrypto, SCRAMCredentials, SCRAMHash } from './mechanism.js';
import { preparePassword } from './message-text.js';

/** What there is for one password, salt and number of iterations. */
export interface SCRAMKeys {
  /** Shows that one knows the password. A server does not keep it. */
  readonly clientKey: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** What credentials are made from. */
export interface SCRAMCredentialsOptions {
  readonly hash: SCRAMHash;
  readonly password: string;
  /** {@link DEFAULT_ITERATIONS} unless given. More make guessing slower, and each client's login too. */
  readonly iterations?: number;
  /** Made from random octets unless given. */
  readonly salt?: Uint8Array;
}

/**
 * What an application stores of a password, as base64, so that users can log in with SCRAM and nobody who reads the store can.
 * Each hash needs its own.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION` when SASLprep refuses the password, or something is of a kind it cannot be, or impossible
 *
 * @example
 * ```ts
 * const stored = deriveSCRAMCredentials(crypto, { hash: 'SHA-256', password: 'pencil' });
 * JSON.stringify(stored); // {"salt":"…","iterations":4096,"storedKey":"…","serverKey":"…"}
 * ```
 */
export function deriveSCRAMCredentials(crypto: SASLCrypto, options: SCRAMCredentialsOptions): SCRAMCredentials<string> {
  checkKinds(options);
  const { hash, password, iterations = DEFAULT_ITERATIONS, salt = randomSalt(crypto) } = options;
  const prepared = preparePassword(password);
  if (prepared === undefined) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      'password cannot be used: it is empty or too long, or has characters that SASLprep prohibits',
    );
  }
  if (!isIterationCount(iterations)) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      `iterations is a whole number from 1 to 2147483647, not ${String(iterations)}`,
    );
  }
  if (salt.length === 0) throw new UsageError('SMTPD_BAD_OPTION', 'salt is empty; leave it out for a random one');
  const { storedKey, serverKey } = deriveKeys(crypto, hash, { password: prepared, salt, iterations });
  return {
    salt: encodeBase64(salt),
    iterations,
    storedKey: encodeBase64(storedKey),
    serverKey: encodeBase64(serverKey),
  };
}

/** A caller without types may have given a password that is not there, or a salt as the base64 that is stored. */
function checkKinds(given: SCRAMCredentialsOptions): void {
  const unknown = unknownOptions(given, { known: NAMES });
  if (unknown !== undefined) throw new UsageError('SMTPD_BAD_OPTION', unknown);
  const { hash, password, salt }: Partial<Record<keyof SCRAMCredentialsOptions, unknown>> = given;
  if (hash !== 'SHA-1' && hash !== 'SHA-256') {
    throw new UsageError('SMTPD_BAD_OPTION', `hash is SHA-1 or SHA-256, not ${JSON.stringify(hash)}`);
  }
  if (typeof password !== 'string') {
    throw new UsageError('SMTPD_BAD_OPTION', `password is a string, not ${kindOf(password)}`);
  }
  if (salt !== undefined && !(salt instanceof Uint8Array)) {
    throw new UsageError('SMTPD_BAD_OPTION', `salt is a Uint8Array, not ${kindOf(salt)}`);
  }
}

/**
 * The keys of a password that is prepared.
 *
 * @example
 * ```ts
 * deriveKeys(crypto, 'SHA-1', { password: 'pencil', salt, iterations: 4096 }).storedKey.length; // 20
 * ```
 */
export function deriveKeys(
  crypto: SASLCrypto,
  hash: SCRAMHash,
  { password, salt, iterations }: { readonly password: string; readonly salt: Uint8Array; readonly iterations: number },
): SCRAMKeys {
  // RFC 5802 §3: SaltedPassword := Hi(Normalize(password), salt, i), and Hi is PBKDF2 with HMAC.
  const saltedPassword = crypto.pbkdf2(hash, octets.encodeUTF8(password), salt, iterations);
  const clientKey = crypto.hmac(hash, saltedPassword, CLIENT_KEY);
  return {
    clientKey,
    storedKey: crypto.hash(hash, clientKey),
    serverKey: crypto.hmac(hash, saltedPassword, SERVER_KEY),
  };
}

/**
 * The octets of both, combined by exclusive or; both have the same length. Of a client key and a signature it makes the proof,
 * and of the proof and the signature the client key again.
 *
 * @example
 * ```ts
 * xor(Uint8Array.of(1, 3), Uint8Array.of(1, 1)); // 0, 2
 * ```
 */
export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((octet, at) => octet ^ octetAt(b, at));
}

/**
 * The salt of a user who does not exist, or whose password is stored as it is: random to everybody else, and always the same. For each
 * hash it is another, as with credentials that are stored.
 *
 * @example
 * ```ts
 * stableSalt(crypto, stableKey, { user: 'nobody', hash: 'SHA-256' }).length; // 16
 * ```
 */
export function stableSalt(
  crypto: SASLCrypto,
  stableKey: Uint8Array,
  { user, hash }: { readonly user: string; readonly hash: SCRAMHash },
): Uint8Array {
  return crypto.hmac('SHA-256', stableKey, octets.encodeUTF8(`${hash} ${user}`)).slice(0, SALT_BYTES);
}

/**
 * Whether a hash can be repeated that often; crypto libraries count in 31 bits.
 *
 * @example
 * ```ts
 * isIterationCount(0); // false
 * ```
 */
export function isIterationCount(iterations: number): boolean {
  return Number.isInteger(iterations) && iterations > 0 && iterations <= 0x7fff_ffff;
}

/** As many octets as {@link stableSalt} has: by its length nobody tells a salt that was made up. */
function randomSalt(crypto: SASLCrypto): Uint8Array {
  return crypto.hash('SHA-256', octets.encodeUTF8(crypto.randomText(2 * SALT_BYTES))).slice(0, SALT_BYTES);
}

/** RFC 7677 §4, RFC 5802 §5.1: at least 4096. */
export const DEFAULT_ITERATIONS = 4_096;

const NAMES: ReadonlySet<string> = new Set([
  'hash',
  'password',
  'iterations',
  'salt',
] satisfies (keyof SCRAMCredentialsOptions)[]);
const SALT_BYTES = 16;
const CLIENT_KEY = octets.encodeUTF8('Client Key');
const SERVER_KEY = octets.encodeUTF8('Server Key');
