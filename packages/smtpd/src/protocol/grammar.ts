/**
 * The lexical grammar of SMTP: which octets may stand where in a path, a parameter and an address literal.
 *
 * Each scanner answers "from here, how far does this production reach?" with the index behind it, or `NO_MATCH`. What a
 * production means is for `path.ts`, `parameters.ts` and `client-name.ts`, which call these scanners and nothing else.
 *
 * Text here is latin1: one character is one octet as it came from the wire. Every scanner looks at each octet once and
 * never goes back, so its work is bounded by the octets that it passes. RFC 6531 §3.3 lets UTF-8 octets stand wherever
 * an `atext`, `qtextSMTP` or `sub-domain` character may; that they are well-formed UTF-8 is not seen here, and is
 * checked once for a whole path by the caller. A character above U+00FF is no octet and belongs to no class.
 */

/** The answer of a scanner when the production does not begin here, or begins and then breaks off. */
export const NO_MATCH = -1;

// Classes of octets, one bit each, so that a scanner can be asked for a union of them.

/** RFC 5322 §3.2.3, by RFC 5321 §4.1.2: `atext`, the characters of an atom. */
export const ATEXT = 1;
/** RFC 5321 §4.1.2: `qtextSMTP`, what stands in a quoted string for itself (the blank is among them). */
export const QTEXT = 2;
/** RFC 5321 §4.1.2: `Let-dig`. */
export const LET_DIG = 4;
/** RFC 5321 §4.1.3: `dcontent`, what an address literal of an unknown kind may hold. */
export const DCONTENT = 8;
/** RFC 5234 appendix B.1: `HEXDIG`; both cases, because ABNF text is case-insensitive (RFC 5234 §2.3). */
export const HEXDIG = 16;
/** RFC 6531 §3.3: the octets of `UTF8-non-ascii`. */
export const NON_ASCII = 32;
/** The low line. No clause allows it in a domain, and many a host name has it: a lenient reader adds this class. */
export const UNDERSCORE = 64;
/** RFC 5234 appendix B.1: `VCHAR`, printable and no blank. */
export const VCHAR = 128;

// Octets that the productions name.
export const TAB = 0x09;
export const SPACE = 0x20;
export const DOUBLE_QUOTE = 0x22;
export const PLUS = 0x2b;
export const COMMA = 0x2c;
export const HYPHEN = 0x2d;
export const DOT = 0x2e;
export const COLON = 0x3a;
export const LESS_THAN = 0x3c;
export const EQUALS = 0x3d;
export const GREATER_THAN = 0x3e;
export const AT_SIGN = 0x40;
export const OPEN_BRACKET = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_BRACKET = 0x5d;

/**
 * What stood between the brackets of a domain like `[192.0.2.1]`: RFC 5321 §4.1.3.
 *
 * `tag` is there for a `general` literal only, `[tag:address]`; for IPv6 the tag says no more than `kind` does.
 */
export interface AddressLiteral {
  readonly kind: 'IPv4' | 'IPv6' | 'general';
  readonly tag?: string;
  readonly address: string;
}

/** Whether the octet at `at` is of one of the `classes`; `false` at the end of the text. */
export function isAt(text: string, at: number, classes: number): boolean {
  return at < text.length && isOf(text.charCodeAt(at), classes);
}

/** The octet at `at`, or `NO_MATCH` behind the end: a value that no octet has. */
export function octetAt(text: string, at: number): number {
  return at < text.length ? text.charCodeAt(at) : NO_MATCH;
}

/** The first index from `at` on whose octet is of none of the `classes`. */
export function scanRun(text: string, at: number, classes: number): number {
  let end = at;
  while (isAt(text, end, classes)) end += 1;
  return end;
}

/**
 * RFC 5321 §4.1.2: `Dot-string = Atom *("." Atom)`, with no empty atom.
 *
 * `atext` names the classes that an atom is made of: `ATEXT`, or `ATEXT | NON_ASCII` under RFC 6531 §3.3.
 */
export function scanDotString(text: string, at: number, atext: number): number {
  let atomStart = at;
  let end = at;
  for (; end < text.length; end += 1) {
    const octet = text.charCodeAt(end);
    if (isOf(octet, atext)) continue;
    if (octet !== DOT || end === atomStart) break;
    atomStart = end + 1;
  }
  return end === atomStart ? NO_MATCH : end;
}

/**
 * RFC 5321 §4.1.2: `Quoted-string = DQUOTE *QcontentSMTP DQUOTE`, from its first quote to behind its last.
 *
 * `qtext` names the classes that may stand unescaped: `QTEXT`, or `QTEXT | NON_ASCII` under RFC 6531 §3.3.
 */
export function scanQuotedString(text: string, at: number, qtext: number): number {
  if (octetAt(text, at) !== DOUBLE_QUOTE) return NO_MATCH;
  let end = at + 1;
  for (;;) {
    end = scanRun(text, end, qtext);
    const stop = octetAt(text, end);
    if (stop === DOUBLE_QUOTE) return end + 1;
    // RFC 5321 §4.1.2: `quoted-pairSMTP = %d92 %d32-126`. RFC 6531 §3.3 does not widen it: ASCII only.
    if (stop !== BACKSLASH || !isQuotable(octetAt(text, end + 1))) return NO_MATCH;
    end += 2;
  }
}

/**
 * RFC 5321 §4.1.2: `Domain = sub-domain *("." sub-domain)`, `sub-domain = Let-dig [Ldh-str]`.
 *
 * `letDig` names the classes that may begin and end a label: `LET_DIG`, and with it `NON_ASCII` (RFC 6531 §3.3) or
 * `UNDERSCORE` (leniency). Between them a label may also have hyphens. RFC 5321 has no final dot.
 */
export function scanDomain(text: string, at: number, letDig: number): number {
  let labelStart = at;
  let end = at;
  let before = NO_MATCH;
  for (; end < text.length; end += 1) {
    const octet = text.charCodeAt(end);
    const isDot = octet === DOT && end > labelStart && before !== HYPHEN;
    if (isDot) labelStart = end + 1;
    else if (!isOf(octet, letDig) && (octet !== HYPHEN || end === labelStart)) break;
    before = octet;
  }
  return end === labelStart || before === HYPHEN ? NO_MATCH : end;
}

/** RFC 5321 §4.1.2: `esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")`; here a hyphen may come last. */
export function scanEsmtpKeyword(text: string, at: number): number {
  if (!isAt(text, at, LET_DIG)) return NO_MATCH;
  let end = at + 1;
  while (isAt(text, end, LET_DIG) || octetAt(text, end) === HYPHEN) end += 1;
  return end;
}

/**
 * RFC 5321 §4.1.2: `esmtp-value = 1*(%d33-60 / %d62-126)`, widened by UTF-8 octets (RFC 6531 §3.3) and by `=`, which
 * whoever declared the parameter is in a better place to judge.
 */
export function scanEsmtpValue(text: string, at: number): number {
  const end = scanRun(text, at, VCHAR | NON_ASCII);
  return end === at ? NO_MATCH : end;
}

/** RFC 5321 §4.1.2: what stands between the brackets of an address literal, `text` being that and nothing more. */
export function parseAddressLiteral(text: string): AddressLiteral | undefined {
  const colon = text.indexOf(':');
  if (colon < 0) return isIPv4(text) ? { kind: 'IPv4', address: text } : undefined;

  const tag = text.slice(0, colon);
  const address = text.slice(colon + 1);
  // The tag `IPv6` is registered, so what it announces is an IPv6 address or a fault, never a general literal.
  if (asciiUpperCase(tag) === 'IPV6') return isIPv6(address) ? { kind: 'IPv6', address } : undefined;

  // `2001:db8::1` could be read as the tag `2001`, which nobody registered: an IPv6 address without its tag is a mistake.
  if (isIPv6(text)) return undefined;

  // RFC 5321 §4.1.3: `General-address-literal = Standardized-tag ":" 1*dcontent`, `Standardized-tag = Ldh-str`.
  if (scanLdhStr(tag, 0) !== tag.length) return undefined;
  if (address === '' || scanRun(address, 0, DCONTENT) !== address.length) return undefined;
  return { kind: 'general', tag, address };
}

/** RFC 5321 §4.1.3: `IPv4-address-literal = Snum 3("." Snum)`, where `Snum` is one to three digits up to 255. */
export function isIPv4(text: string): boolean {
  let at = 0;
  for (let part = 1; ; part += 1) {
    const end = scanSnum(text, at);
    if (end === NO_MATCH) return false;
    if (part === 4) return end === text.length;
    if (octetAt(text, end) !== DOT) return false;
    at = end + 1;
  }
}

/**
 * RFC 5321 §4.1.3: `IPv6-addr`, in its four forms: full or compressed, ending in groups or in an IPv4 address.
 *
 * One walk reads all four. It counts the groups (an IPv4 tail is worth two) and remembers whether `::` was passed.
 */
export function isIPv6(text: string): boolean {
  let at = 0;
  let groups = 0;
  let isCompressed = false;
  if (text.startsWith('::')) {
    isCompressed = true;
    at = 2;
  }
  while (at < text.length) {
    // More than eight groups are wrong whatever follows.
    if (groups > 8) return false;
    const end = scanIPv6Hex(text, at);
    if (octetAt(text, end) === DOT) {
      if (!isIPv4(text.slice(at))) return false;
      groups += 2;
      break;
    }
    if (end === at) return false;
    groups += 1;
    if (end === text.length) break;
    if (octetAt(text, end) !== COLON) return false;
    at = end + 1;
    if (octetAt(text, at) === COLON) {
      if (isCompressed) return false;
      isCompressed = true;
      at += 1;
    } else if (at === text.length) {
      // A single colon at the end announces a group that does not come.
      return false;
    }
  }
  // RFC 5321 §4.1.3: `::` stands for at least two groups of zeros, so no more than six may be written out beside it.
  return isCompressed ? groups <= 6 : groups === 8;
}

/**
 * The text with the ASCII letters a to z in upper case and every other octet as it is.
 *
 * `String.prototype.toUpperCase` knows Unicode and would turn `ß` into two letters and `ÿ` into a character that is no
 * octet; it is asked only when the text is ASCII, where both agree.
 */
export function asciiUpperCase(text: string): string {
  let union = 0;
  let hasLower = false;
  for (let at = 0; at < text.length; at += 1) {
    const octet = text.charCodeAt(at);
    union |= octet;
    if (isLowerCase(octet)) hasLower = true;
  }
  if (!hasLower) return text;
  if (union < 0x80) return text.toUpperCase();
  let upper = '';
  for (let at = 0; at < text.length; at += 1) {
    const octet = text.charCodeAt(at);
    upper += String.fromCharCode(isLowerCase(octet) ? octet - 0x20 : octet);
  }
  return upper;
}

/** RFC 5321 §4.1.2: `Ldh-str = *( ALPHA / DIGIT / "-" ) Let-dig`: it may begin with a hyphen and not end with one. */
function scanLdhStr(text: string, at: number): number {
  const end = scanLdh(text, at, LET_DIG);
  return end === at || octetAt(text, end - 1) === HYPHEN ? NO_MATCH : end;
}

function scanLdh(text: string, at: number, letDig: number): number {
  let end = at;
  while (isAt(text, end, letDig) || octetAt(text, end) === HYPHEN) end += 1;
  return end;
}

/** RFC 5321 §4.1.3: `Snum = 1*3DIGIT`, "representing a decimal integer value in the range 0 through 255". */
function scanSnum(text: string, at: number): number {
  let value = 0;
  let end = at;
  while (end < at + 3 && isDigit(octetAt(text, end))) {
    value = value * 10 + (text.charCodeAt(end) - 0x30);
    end += 1;
  }
  return end === at || value > 255 ? NO_MATCH : end;
}

/** RFC 5321 §4.1.3: `IPv6-hex = 1*4HEXDIG`; here it may be empty, which the caller sees. */
function scanIPv6Hex(text: string, at: number): number {
  let end = at;
  while (end < at + 4 && isAt(text, end, HEXDIG)) end += 1;
  return end;
}

/** Whether an octet is of one of the classes. */
export function isOf(octet: number, classes: number): boolean {
  return ((CLASSES[octet] ?? 0) & classes) !== 0;
}

/** RFC 5234 appendix B.1: `DIGIT`. */
export function isDigit(octet: number): boolean {
  return octet >= 0x30 && octet <= 0x39;
}

function isLowerCase(octet: number): boolean {
  return octet >= 0x61 && octet <= 0x7a;
}

/** What may follow a backslash: a blank or anything printable. */
function isQuotable(octet: number): boolean {
  return octet >= SPACE && octet <= 0x7e;
}

const CLASSES = makeClasses();

function makeClasses(): Uint8Array {
  const classes = new Uint8Array(256);
  const add = (bit: number, ...octets: readonly string[]): void => {
    for (const octet of octets.join('')) {
      const code = octet.charCodeAt(0);
      classes[code] = (classes[code] ?? 0) | bit;
    }
  };
  const letters = `${octetsBetween('A', 'Z')}${octetsBetween('a', 'z')}`;
  const digits = octetsBetween('0', '9');

  add(ATEXT, letters, digits, "!#$%&'*+-/=?^_`{|}~");
  add(QTEXT, octetsBetween(' ', '~').replace('"', '').replace('\\', ''));
  add(LET_DIG, letters, digits);
  add(DCONTENT, octetsBetween('!', 'Z'), octetsBetween('^', '~'));
  add(HEXDIG, digits, octetsBetween('A', 'F'), octetsBetween('a', 'f'));
  add(NON_ASCII, octetsBetween('\u0080', '\u00ff'));
  add(UNDERSCORE, '_');
  add(VCHAR, octetsBetween('!', '~'));
  return classes;
}

function octetsBetween(first: string, last: string): string {
  let octets = '';
  for (let code = first.charCodeAt(0); code <= last.charCodeAt(0); code += 1) octets += String.fromCharCode(code);
  return octets;
}
