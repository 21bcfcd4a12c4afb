/** The pairs of XOAUTH2 and OAUTHBEARER: each a key, `=`, a value and the octet 1, and another octet 1 behind the last. */

/**
 * Reads pairs. `undefined` when they are not well formed, or when a key comes twice, which could say two things at once. Keys
 * that nobody knows are for the caller to ignore.
 *
 * @example
 * ```ts
 * parsePairs('user=tim\u0001auth=Bearer 123\u0001\u0001')?.get('user'); // 'tim'
 * ```
 */
export function parsePairs(text: string): ReadonlyMap<string, string> | undefined {
  if (!text.endsWith(`${END}${END}`)) return text === END ? new Map() : undefined;
  const pairs = new Map<string, string>();
  for (const pair of text.slice(0, -2).split(END)) {
    const [, key, value] = PAIR.exec(pair) ?? [];
    if (key === undefined || value === undefined || pairs.has(key)) return undefined;
    pairs.set(key, value);
  }
  return pairs;
}

/**
 * The pairs as they are sent.
 *
 * @example
 * ```ts
 * formatPairs([['user', 'tim'], ['auth', 'Bearer 123']]); // 'user=tim\u0001auth=Bearer 123\u0001\u0001'
 * ```
 */
export function formatPairs(pairs: readonly (readonly [key: string, value: string])[]): string {
  return pairs.map(([key, value]) => `${key}=${value}${END}`).join('') + END;
}

/**
 * The bearer token of an `auth` value, or `undefined` when there is none: another scheme, or nothing, with which a client asks
 * where tokens are to be had (RFC 7628 §4.3).
 *
 * @example
 * ```ts
 * parseBearer('Bearer 123'); // '123'
 * ```
 */
export function parseBearer(value: string): string | undefined {
  return BEARER.exec(value)?.[1];
}

/**
 * Whether the text can travel as a bearer token: printable ASCII without spaces.
 *
 * @example
 * ```ts
 * isToken('vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=='); // true
 * ```
 */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** The octet that ends a pair, and the pairs. */
const END = '\u0001';

// RFC 7628 §3.1: key = 1*(ALPHA), and a value of printable ASCII, spaces, tabs and line ends. XOAUTH2 has UTF-8 in user names.
const PAIR = /^([A-Za-z]+)=((?:[\t\r\n]|\P{Cc})*)$/u;

// RFC 7628 §4: the name of the scheme is not case-sensitive.
const BEARER = /^bearer +([\x21-\x7e]+)$/i;
const TOKEN = /^[\x21-\x7e]+$/;
