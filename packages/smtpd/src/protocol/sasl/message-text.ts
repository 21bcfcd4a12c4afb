/**
 * The text of SASL messages: decoded, bounded, and names and passwords prepared for comparison. Both sides use it; what the text
 * means is each mechanism's own.
 */

import { octets } from '../octets.js';
import { saslprep } from './saslprep.js';

/**
 * The text of a message, or `undefined` when it is too long or not UTF-8.
 *
 * @example
 * ```ts
 * decodeMessage(Uint8Array.of(0x74, 0x69)); // 'ti'
 * ```
 */
export function decodeMessage(data: Uint8Array): string | undefined {
  return data.length > MESSAGE_BYTES_MAX ? undefined : octets.decodeUTF8(data);
}

/**
 * A user name or an authorization identity as it is compared, or `undefined` when it is too long, cannot be prepared, or nothing
 * remains of it.
 *
 * @example
 * ```ts
 * prepareName('tim'); // 'tim'
 * prepareName(''); // undefined
 * ```
 */
export function prepareName(text: string): string | undefined {
  return prepare(text, NAME_BYTES_MAX);
}

/**
 * A password as it is compared, or `undefined` as for {@link prepareName}.
 *
 * @example
 * ```ts
 * preparePassword('I\u00adX'); // 'IX'
 * ```
 */
export function preparePassword(text: string): string | undefined {
  return prepare(text, PASSWORD_BYTES_MAX);
}

/** RFC 4616 §2, RFC 5802 §5.1, RFC 4954 §4: a name that cannot be prepared, or of which nothing remains, is refused. */
function prepare(text: string, lengthBytesMax: number): string | undefined {
  // A character has at least one octet, so that no time is spent on a text that is far too long.
  if (text.length > lengthBytesMax || octets.encodeUTF8(text).length > lengthBytesMax) return undefined;
  const prepared = saslprep(text);
  return prepared === '' ? undefined : prepared;
}

/** Octets of one message. RFC 4954 §4: an AUTH line of 12,288 octets is enough for every mechanism in use. */
const MESSAGE_BYTES_MAX = 12_288;

/** Octets of a user name, an authorization identity or a password. RFC 4616 §2: up to 255 must be taken. */
const NAME_BYTES_MAX = 255;
const PASSWORD_BYTES_MAX = 1_024;
