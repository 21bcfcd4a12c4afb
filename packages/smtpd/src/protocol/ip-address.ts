/**
 * IP addresses: their text, and the octets that it stands for.
 *
 * The text is read octet by octet by machines that refuse the first one that no address has at that place, so that whoever reads
 * from a wire need not wait for the end of what is wrong already. It is not the address literal of RFC 5321, which has rules of its
 * own (`grammar.ts`): here an IPv4 part has no leading zero, and `::` may stand for a single group.
 */

/** An address as octets: 4 of IPv4, 16 of IPv6. */
export type IPOctets = readonly number[];

/** A machine that is shown the text of an address, one character code after the other. */
export interface AddressReader {
  /** Takes one more. @returns whether some address begins with what was taken; after `false` the machine is of no more use */
  take(code: number): boolean;
  /** The address, when what was taken is a whole one. */
  finish(): IPOctets | undefined;
}

/**
 * The octets of an address in text form. `undefined` when it is none; zones (`fe80::1%eth0`) are no part of an address.
 *
 * @example
 * ```ts
 * parseIPAddress('192.0.2.1'); // [192, 0, 2, 1]
 * parseIPAddress('::1')?.length; // 16
 * parseIPAddress('192.0.2.01'); // undefined
 * ```
 */
export function parseIPAddress(text: string): IPOctets | undefined {
  const reader = text.includes(':') ? new IPv6Reader() : new IPv4Reader();
  for (let at = 0; at < text.length; at += 1) {
    if (!reader.take(text.charCodeAt(at))) return undefined;
  }
  return reader.finish();
}

/**
 * The one text of an address; for IPv6 that of RFC 5952, so that two texts are equal exactly when the addresses are.
 *
 * @example
 * ```ts
 * formatIPAddress(parseIPAddress('2001:DB8:0:0::1') ?? []); // '2001:db8::1'
 * ```
 */
export function formatIPAddress(octets: IPOctets): string {
  if (octets.length === 4) return octets.join('.');
  const ipv4 = unmappedIPv4(octets);
  if (ipv4 !== undefined) return `::ffff:${ipv4.join('.')}`;
  const groups = groupsOf(octets);
  const { start, length } = longestRunOfZeros(groups);
  const texts = groups.map((group) => group.toString(16));
  // RFC 5952: `::` is for the longest run, for the first of equals, and never for a single group.
  if (length < 2) return texts.join(':');
  return `${texts.slice(0, start).join(':')}::${texts.slice(start + length).join(':')}`;
}

/** The IPv4 address within one like `::ffff:192.0.2.1`; `undefined` when it is another. */
export function unmappedIPv4(octets: IPOctets): IPOctets | undefined {
  return octets.length === 16 && MAPPED_PREFIX.every((octet, at) => octets[at] === octet)
    ? octets.slice(12)
    : undefined;
}

/** The IPv6 form of an address, `::ffff:192.0.2.1` for one of IPv4. */
export function mappedToIPv6(octets: IPOctets): IPOctets {
  return octets.length === 4 ? [...MAPPED_PREFIX, ...octets] : octets;
}

/** Reads `192.0.2.1`: four numbers up to 255, in decimal, without leading zeros. */
export class IPv4Reader implements AddressReader {
  readonly #octets: number[] = []; // Those with a dot behind them: three at most.
  readonly #number = new NumberReader(255);

  take(code: number): boolean {
    if (code !== DOT) return this.#number.take(code);
    const octet = this.#number.finish();
    if (octet === undefined || this.#octets.length === 3) return false;
    this.#octets.push(octet);
    this.#number.reset();
    return true;
  }

  finish(): IPOctets | undefined {
    const last = this.#number.finish();
    return last === undefined || this.#octets.length < 3 ? undefined : [...this.#octets, last];
  }
}

/** Reads `2001:db8::1`: eight groups of up to four digits, one `::` for a run of zeros, an IPv4 address for the last two. */
export class IPv6Reader implements AddressReader {
  readonly #groups: number[] = []; // Those with a colon behind them.
  /** How many groups stand before `::`; `undefined` as long as there was none. */
  #gapAt: number | undefined;
  /** Colons just before here. */
  #colons: 0 | 1 | 2 = 0;
  /** The group that is under way. */
  #group = 0;
  #digits = 0;
  /** What may be an IPv4 address at the end: fed beside the group under way, and alone once there was a dot. */
  #tail: IPv4Reader | undefined;
  #isInTail = false;

  take(code: number): boolean {
    if (this.#isInTail) return this.#tail?.take(code) === true;
    if (code === COLON) return this.#digits > 0 ? this.#endGroup() : this.#addColon();
    if (code === DOT) return this.#enterTail();
    const digit = hexDigit(code);
    return digit !== undefined && this.#addDigit(digit, code);
  }

  finish(): IPOctets | undefined {
    const groups = [...this.#groups];
    if (this.#isInTail) {
      const tail = this.#tail?.finish();
      if (tail === undefined) return undefined;
      groups.push(...groupsOf(tail));
    } else if (this.#digits > 0) {
      groups.push(this.#group);
    } else if (this.#colons !== 2) {
      return undefined; // Nothing at all, or a colon that announces a group.
    }
    if (this.#gapAt === undefined) return groups.length === 8 ? octetsOf(groups) : undefined;
    const zeros = Array.from({ length: 8 - groups.length }, () => 0);
    return octetsOf([...groups.slice(0, this.#gapAt), ...zeros, ...groups.slice(this.#gapAt)]);
  }

  /** How many groups may still come, the one under way included. `::` stands for one at least. */
  get #groupsLeft(): number {
    return (this.#gapAt === undefined ? 8 : 7) - this.#groups.length;
  }

  #addDigit(digit: number, code: number): boolean {
    if (this.#digits === 4) return false;
    if (this.#digits === 0) {
      const isBehindLoneColon = this.#colons === 1 && this.#groups.length === 0;
      if (this.#groupsLeft === 0 || isBehindLoneColon) return false;
      this.#tail = new IPv4Reader();
    }
    if (this.#tail?.take(code) !== true) this.#tail = undefined;
    this.#group = this.#group * 16 + digit;
    this.#digits += 1;
    return true;
  }

  #endGroup(): boolean {
    this.#groups.push(this.#group);
    this.#group = 0;
    this.#digits = 0;
    this.#colons = 1;
    // Behind seven groups there is still `8` or `::` to come; behind a `::`, a colon needs a group.
    return this.#groupsLeft > 0;
  }

  #addColon(): boolean {
    if (this.#colons === 0) {
      this.#colons = 1;
      return true;
    }
    if (this.#gapAt !== undefined) return false;
    this.#gapAt = this.#groups.length;
    this.#colons = 2;
    return true;
  }

  #enterTail(): boolean {
    const hasRoom = this.#gapAt === undefined ? this.#groupsLeft === 2 : this.#groupsLeft >= 2;
    this.#isInTail = true;
    return hasRoom && this.#digits > 0 && this.#tail?.take(DOT) === true;
  }
}

/** Reads a decimal number without leading zeros. */
export class NumberReader {
  readonly #max: number;
  #value: number | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  take(code: number): boolean {
    if (code < DIGIT_0 || code > DIGIT_9 || this.#value === 0) return false;
    this.#value = (this.#value ?? 0) * 10 + code - DIGIT_0;
    return this.#value <= this.#max;
  }

  finish(): number | undefined {
    return this.#value;
  }

  reset(): void {
    this.#value = undefined;
  }
}

function hexDigit(code: number): number | undefined {
  if (code >= DIGIT_0 && code <= DIGIT_9) return code - DIGIT_0;
  const lower = code | 0x20;
  return lower >= LETTER_A && lower <= LETTER_F ? lower - LETTER_A + 10 : undefined;
}

function groupsOf(octets: IPOctets): number[] {
  const groups: number[] = [];
  for (let at = 0; at < octets.length; at += 2) groups.push(((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0));
  return groups;
}

function octetsOf(groups: readonly number[]): IPOctets {
  return groups.flatMap((group) => [group >> 8, group & 0xff]);
}

function longestRunOfZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  groups.forEach((group, at) => {
    if (group !== 0) start = at + 1;
    else if (at + 1 - start > longest.length) longest = { start, length: at + 1 - start };
  });
  return longest;
}

const DOT = 0x2e;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const COLON = 0x3a;
const LETTER_A = 0x61;
const LETTER_F = 0x66;
const MAPPED_PREFIX: IPOctets = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
