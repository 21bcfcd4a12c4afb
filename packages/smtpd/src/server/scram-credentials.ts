/** What an application keeps of passwords for SCRAM (RFC 5802 §3). */

import { nodeSASLCrypto } from '../net/sasl-crypto.js';
import type { SCRAMCredentials } from '../protocol/sasl/mechanism.js';
import { deriveSCRAMCredentials, type SCRAMCredentialsOptions } from '../protocol/sasl/scram-keys.js';

/**
 * What an application stores of a password, as base64, so that users can log in with SCRAM and nobody who reads the store can.
 * Each hash needs its own.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION` when SASLprep refuses the password, or something is of a kind it cannot be, or impossible
 *
 * @example
 * ```ts
 * const stored = makeSCRAMCredentials({ hash: 'SHA-256', password: 'pencil' });
 * JSON.stringify(stored); // {"salt":"…","iterations":4096,"storedKey":"…","serverKey":"…"}
 * ```
 */
export function makeSCRAMCredentials(options: SCRAMCredentialsOptions): SCRAMCredentials<string> {
  return deriveSCRAMCredentials(nodeSASLCrypto, options);
}
