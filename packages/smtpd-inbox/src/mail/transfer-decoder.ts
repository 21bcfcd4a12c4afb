/** Content-Transfer-Encoding (RFC 2045 §6): encoded octets to the ones they stand for. Damage costs what is damaged and nothing else. */

/** Octets, and what was wrong with their encoding. */
export interface DecodedOctets {
  readonly octets: Uint8Array;
  /** A sentence's end, such as `has characters that are no base64`; absent when all is well. */
  readonly fault?: string;
}

/** Decodes what stands in a part. An encoding that is not known, like one that changes nothing, gives the octets as they are. */
export function decodeTransfer(encoded: Uint8Array, encoding: string): DecodedOctets {
  switch (encoding) {
    case 'base64':
      return decodeBase64(encoded);
    case 'quoted-printable':
      return decodeQuotedPrintable(encoded);
    default:
      return isIdentity(encoding)
        ? { octets: encoded }
        : {
            octets: encoded,
            fault: `has the Content-Transfer-Encoding “${encoding.slice(0, 40)}”, which is unknown: shown as it stands`,
          };
  }
}

/** Whether an encoding changes nothing. */
export function isIdentity(encoding: string): boolean {
  return IDENTITIES.has(encoding);
}

/** RFC 2045 §6.8: what is not in the alphabet is ignored, and padding is the end. */
function decodeBase64(encoded: Uint8Array): DecodedOctets {
  const octets = new Uint8Array(Math.ceil((encoded.length * 3) / 4));
  let length = 0;
  let group = 0;
  let count = 0;
  let strangers = 0;
  let at = 0;
  for (; at < encoded.length; at += 1) {
    const value = BASE64_VALUES[encoded[at] ?? 0] ?? STRANGER;
    if (value < 64) {
      group = (group << 6) | value;
      count += 1;
      if (count === 4) {
        octets[length] = group >>> 16;
        octets[length + 1] = group >>> 8;
        octets[length + 2] = group;
        length += 3;
        group = 0;
        count = 0;
      }
    } else if (value === PADDING) {
      // Padding that completes no group is one more stranger.
      if (count >= 2) break;
      strangers += 1;
    } else if (value === STRANGER) strangers += 1;
  }
  if (count >= 2) {
    octets[length] = group >>> (count === 2 ? 4 : 10);
    if (count === 3) octets[length + 1] = group >>> 2;
    length += count - 1;
  }
  const isPadded = at < encoded.length;
  return {
    octets: octets.subarray(0, length),
    ...base64Fault({ strangers, isCutOff: !isPadded && count === 1, hasMore: isPadded && hasContent(encoded, at) }),
  };
}

function base64Fault(found: { strangers: number; isCutOff: boolean; hasMore: boolean }): { fault?: string } {
  if (found.strangers > 0) return { fault: `has characters that are no base64: ${found.strangers}` };
  if (found.hasMore) return { fault: 'goes on behind the end of its base64' };
  return found.isCutOff ? { fault: 'ends within a group of base64' } : {};
}

/** Whether something other than padding and white space follows. */
function hasContent(encoded: Uint8Array, from: number): boolean {
  for (let at = from; at < encoded.length; at += 1) {
    const value = BASE64_VALUES[encoded[at] ?? 0] ?? STRANGER;
    if (value !== PADDING && value !== WHITE_SPACE) return true;
  }
  return false;
}

/** RFC 2045 §6.7. An `=` that begins nothing stands for itself. */
function decodeQuotedPrintable(encoded: Uint8Array): DecodedOctets {
  const octets = new Uint8Array(encoded.length);
  let length = 0;
  let isDamaged = false;
  // Blanks at the end of a line were added on the way: rule 3.
  let blanks = 0;
  for (let at = 0; at < encoded.length; at += 1) {
    const octet = encoded[at] ?? 0;
    if (octet === 0x3d) {
      blanks = 0;
      const high = hexValue(encoded[at + 1]);
      const low = hexValue(encoded[at + 2]);
      if (high >= 0 && low >= 0) {
        octets[length] = high * 16 + low;
        length += 1;
        at += 2;
        continue;
      }
      const next = softBreakEnd(encoded, at + 1);
      if (next > 0) {
        at = next - 1;
        continue;
      }
      isDamaged = true;
    } else if (octet === 0x20 || octet === 0x09) {
      blanks += 1;
      octets[length] = octet;
      length += 1;
      continue;
    } else if (octet === 0x0a || (octet === 0x0d && encoded[at + 1] === 0x0a)) {
      length -= blanks;
    }
    blanks = 0;
    octets[length] = octet;
    length += 1;
  }
  return {
    octets: octets.subarray(0, length - blanks),
    ...(isDamaged ? { fault: 'has an “=” that is no quoted-printable' } : {}),
  };
}

/** Where the line goes on behind a soft line break; 0 when there is none. */
function softBreakEnd(encoded: Uint8Array, from: number): number {
  let at = from;
  while (encoded[at] === 0x20 || encoded[at] === 0x09) at += 1;
  if (at >= encoded.length) return at;
  if (encoded[at] === 0x0a) return at + 1;
  if (encoded[at] !== 0x0d) return 0;
  return encoded[at + 1] === 0x0a ? at + 2 : at + 1;
}

function hexValue(octet: number | undefined): number {
  if (octet === undefined) return -1;
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const letter = octet | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}

const IDENTITIES = new Set(['', '7bit', '8bit', 'binary']);

const WHITE_SPACE = 64;
const PADDING = 65;
const STRANGER = 66;
const BASE64_VALUES = new Uint8Array(256).fill(STRANGER);
for (const [value, octet] of Buffer.from(
  'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
).entries()) {
  BASE64_VALUES[octet] = value;
}
BASE64_VALUES[0x3d] = PADDING;
for (const octet of [0x09, 0x0a, 0x0d, 0x20]) BASE64_VALUES[octet] = WHITE_SPACE;
