/** What the SASL mechanisms need of a crypto library, from `node:crypto`. The mechanisms are pure and in `protocol/sasl/`. */

import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';

import type { SASLCrypto, SCRAMHash } from '../protocol/sasl/mechanism.js';

/**
 * The crypto of this runtime.
 *
 * @example
 * ```ts
 * nodeSASLCrypto.randomText(18).length; // 24
 * ```
 */
export const nodeSASLCrypto: SASLCrypto = Object.freeze({
  // Base64url has no comma and nothing that has a meaning in a message id.
  randomText: (lengthBytes) => randomBytes(lengthBytes).toString('base64url'),
  hash: (algorithm, data) => createHash(NODE_NAMES[algorithm]).update(data).digest(),
  hmac: (algorithm, key, data) => createHmac(NODE_NAMES[algorithm], key).update(data).digest(),
  pbkdf2: (algorithm, password, salt, iterations) =>
    pbkdf2Sync(password, salt, iterations, HASH_BYTES[algorithm], NODE_NAMES[algorithm]),
  isEqual(a, b) {
    // Hashes have one length, which `timingSafeEqual` asks for.
    return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
  },
} satisfies SASLCrypto);

const NODE_NAMES = { MD5: 'md5', 'SHA-1': 'sha1', 'SHA-256': 'sha256' } as const;
const HASH_BYTES: Readonly<Record<SCRAMHash, number>> = { 'SHA-1': 20, 'SHA-256': 32 };
