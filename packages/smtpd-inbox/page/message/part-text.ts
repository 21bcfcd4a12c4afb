/** The text of a part, from its octets. */

/** @param charset - what the part says of itself */
export function decodePartText(octets: Uint8Array, charset = 'utf-8'): string {
  try {
    return new TextDecoder(charset).decode(octets);
  } catch {
    // A name that no browser knows: the octets, one letter each.
    return new TextDecoder('latin1').decode(octets);
  }
}
