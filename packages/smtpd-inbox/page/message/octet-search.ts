/** Where some octets stand among others. */

/**
 * The first place at or behind `from` where `needle` stands; `undefined` when it stands nowhere there.
 *
 * @param options with `ignoreCase` a letter of US-ASCII is found in either case
 */
export function findOctets(
  octets: Uint8Array,
  needle: Uint8Array,
  from: number,
  options: { readonly ignoreCase: boolean },
): number | undefined {
  const last = octets.length - needle.length;
  const first = needle[0];
  if (first === undefined) return undefined;
  if (!options.ignoreCase || otherCase(first) === first) {
    for (let at = octets.indexOf(first, from); at !== -1 && at <= last; at = octets.indexOf(first, at + 1)) {
      if (standsAt(octets, needle, at, options.ignoreCase)) return at;
    }
    return undefined;
  }
  const other = otherCase(first);
  for (let at = from; at <= last; at += 1) {
    const octet = octets[at];
    if ((octet === first || octet === other) && standsAt(octets, needle, at, true)) return at;
  }
  return undefined;
}

/** The last place before `before` where `needle` begins; `undefined` when there is none. */
export function findOctetsBackwards(
  octets: Uint8Array,
  needle: Uint8Array,
  before: number,
  options: { readonly ignoreCase: boolean },
): number | undefined {
  if (needle.length === 0) return undefined;
  for (let at = Math.min(before - 1, octets.length - needle.length); at >= 0; at -= 1) {
    if (standsAt(octets, needle, at, options.ignoreCase)) return at;
  }
  return undefined;
}

/** How often `needle` stands there, one place never counted twice; `max` stands for that many and more. */
export function countOctets(
  octets: Uint8Array,
  needle: Uint8Array,
  options: { readonly ignoreCase: boolean; readonly max: number },
): number {
  let count = 0;
  let from = 0;
  while (count < options.max) {
    const at = findOctets(octets, needle, from, options);
    if (at === undefined) break;
    count += 1;
    from = at + needle.length;
  }
  return count;
}

function standsAt(octets: Uint8Array, needle: Uint8Array, at: number, ignoreCase: boolean): boolean {
  for (let index = 0; index < needle.length; index += 1) {
    const octet = octets[at + index];
    const wanted = needle[index] as number;
    if (octet !== wanted && !(ignoreCase && octet === otherCase(wanted))) return false;
  }
  return true;
}

/** A letter of US-ASCII in its other case; what is no letter as it is. */
function otherCase(octet: number): number {
  const isLetter = (octet >= 0x41 && octet <= 0x5a) || (octet >= 0x61 && octet <= 0x7a);
  return isLetter ? octet ^ 0x20 : octet;
}
