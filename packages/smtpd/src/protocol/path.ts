/**
 * Reverse-paths and forward-paths: what follows `FROM:` and `TO:`, read once into a `Path` that nobody re-checks.
 *
 * This is the grammar of the envelope (RFC 5321 §4.1.2, RFC 6531 §3.3), not that of a message header: no comments, no
 * display names, no encoded words. Whether a mailbox exists, whether SMTPUTF8 was asked for and how long a line may be
 * is decided elsewhere (`command-rules.ts`, `limits.ts`, the application). In the walk it comes behind `command.ts` and
 * before the session's check.
 *
 * Text here is latin1, one character an octet as on the wire; the texts inside a `Path` are decoded UTF-8.
 */
import {
  ATEXT,
  AT_SIGN,
  BACKSLASH,
  COLON,
  COMMA,
  DOUBLE_QUOTE,
  GREATER_THAN,
  LESS_THAN,
  LET_DIG,
  NON_ASCII,
  NO_MATCH,
  OPEN_BRACKET,
  QTEXT,
  SPACE,
  TAB,
  UNDERSCORE,
  asciiUpperCase,
  octetAt,
  parseAddressLiteral,
  scanDomain,
  scanDotString,
  scanQuotedString,
  type AddressLiteral,
} from './grammar.js';
import { utf8FromLatin1 } from './octets.js';

export type { AddressLiteral } from './grammar.js';

/**
 * A reverse-path or forward-path, as it was sent and as it is meant.
 *
 * @example
 * ```ts
 * const path = parseMailbox('"alice"@example.org');
 * path?.address; // 'alice@example.org'
 * path?.localPart; // 'alice'
 * path?.domain; // 'example.org'
 * ```
 */
export interface Path {
  /** As sent, without the angle brackets; `''` for `<>`. */
  readonly raw: string;
  /**
   * The canonical text: needless quotes and quoted-pairs taken out, the source route dropped, upper and lower case as
   * sent. `''` for the null reverse-path.
   */
  readonly address: string;
  /** The meaning of the local part: quotes and quoted-pairs taken off. */
  readonly localPart: string;
  /**
   * As sent, a literal with its brackets; `undefined` when there is none (the null reverse-path, `<Postmaster>`, a bare
   * local part).
   */
  readonly domain: string | undefined;
  /** The domain, read, when it was an address literal. */
  readonly addressLiteral: AddressLiteral | undefined;
  /** RFC 5321 appendix F.2: accepted and ignored; kept for who wants to see it. */
  readonly sourceRoute: readonly string[];
  /** Whether this is the null reverse-path, `<>`. */
  readonly isNull: boolean;
  /** Whether `address` has a character that is not ASCII, so that SMTPUTF8 is needed to send it on (RFC 6531 §3.1). */
  readonly isInternationalized: boolean;
}

/** Why there is no path: the text is none, or it is not well-formed UTF-8. */
export type PathFault = 'syntax' | 'charset';

/** What a reader of paths lets through. */
export interface PathPolicy {
  /**
   * `strict` is RFC 5321 as it is written. `lenient` accepts besides: blanks after the colon; a path without angle
   * brackets; a local part without domain; low lines in the labels of a domain. It accepts nothing else.
   */
  readonly syntax: 'strict' | 'lenient';
  /** Whether `<>` is a path: for MAIL it is (RFC 5321 §4.1.1.2), for RCPT it is not (§4.1.1.3). */
  readonly allowNull: boolean;
  /** Whether `<Postmaster>`, without domain, is a path in strict syntax too: for RCPT it is (RFC 5321 §4.1.1.3). */
  readonly allowPostmaster: boolean;
}

/** A path, or the reason that there is none. */
export type PathResult = FoundPath | { readonly ok: false; readonly fault: PathFault };

/** A path and what follows it: `''`, or a text that begins with a space. */
export interface FoundPath {
  readonly ok: true;
  readonly path: Path;
  readonly rest: string;
}

/**
 * Reads the path that begins at `start` of `text`, which is what follows `FROM:` or `TO:` in the command.
 *
 * @example
 * ```ts
 * const result = parsePath('<alice@example.org> SIZE=10', { syntax: 'strict', allowNull: true, allowPostmaster: false });
 * if (result.ok) {
 *   result.path.address; // 'alice@example.org'
 *   result.rest; // ' SIZE=10'
 * }
 * ```
 */
export function parsePath(text: string, policy: PathPolicy, start = 0): PathResult {
  const isLenient = policy.syntax === 'lenient';
  const open = isLenient ? skipBlanks(text, start) : start;
  if (octetAt(text, open) !== LESS_THAN) return isLenient ? parseWithoutBrackets(text, open) : SYNTAX_FAULT;
  return parsePlainPath(text, open) ?? parseBracketedPath(text, open, policy);
}

/**
 * The path as a command carries it: `<…>` around the canonical address. Text, not octets: encode it as UTF-8.
 *
 * @example
 * ```ts
 * const path = parseMailbox('"bob"@example.net');
 * if (path !== undefined) formatPath(path); // '<bob@example.net>'
 * ```
 */
export function formatPath(path: Path): string {
  return `<${path.address}>`;
}

/**
 * Reads one whole mailbox without angle brackets, `local-part@domain`, in latin1. Low lines in the domain are let
 * through. A text that is not a mailbox, and nothing but a mailbox, is `undefined`: so is a bare local part.
 *
 * @example
 * ```ts
 * parseMailbox('bob@example.net')?.domain; // 'example.net'
 * parseMailbox('bob'); // undefined
 * ```
 */
export function parseMailbox(text: string): Path | undefined {
  const parts = scanMailbox(text, 0, LENIENT_LET_DIG);
  if (parts?.end !== text.length || parts.domainStart === NO_MATCH) return undefined;
  return makePath(text, { rawStart: 0, ...parts });
}

/** Whether a text is one whole mailbox, as {@link parseMailbox} reads it. */
export function isMailbox(text: string): boolean {
  const parts = scanMailbox(text, 0, LENIENT_LET_DIG);
  return parts?.end === text.length && parts.domainStart !== NO_MATCH;
}

/**
 * What follows `FROM:` or `TO:` in the argument of MAIL or RCPT; `undefined` when it does not begin with the keyword
 * and, directly behind it, a colon. The keyword is matched in ASCII, upper or lower case.
 *
 * @example
 * ```ts
 * matchPathKeyword('from:<alice@example.org>', 'FROM'); // '<alice@example.org>'
 * matchPathKeyword('FROM :<alice@example.org>', 'FROM'); // undefined
 * ```
 */
export function matchPathKeyword(argument: string, keyword: 'FROM' | 'TO'): string | undefined {
  const start = scanPathKeyword(argument, keyword);
  return start === NO_MATCH ? undefined : argument.slice(start);
}

/** Where that begins, or `NO_MATCH`: a path is read where it stands, because a text cut out of another is slower to read. */
export function scanPathKeyword(argument: string, keyword: 'FROM' | 'TO'): number {
  const length = keyword.length;
  if (octetAt(argument, length) !== COLON) return NO_MATCH;
  for (let at = 0; at < length; at += 1) {
    const octet = argument.charCodeAt(at);
    const letter = keyword.charCodeAt(at);
    // The letter of the keyword, or the same letter in lower case.
    if (octet !== letter && octet !== letter + 0x20) return NO_MATCH;
  }
  return length + 1;
}

/** Where the parts of a mailbox begin and end. `domainStart` is `NO_MATCH` for a bare local part. */
interface MailboxParts {
  readonly localStart: number;
  readonly localEnd: number;
  readonly domainStart: number;
  readonly addressLiteral: AddressLiteral | undefined;
  readonly end: number;
}

/** The same within a path, where `rawStart` is before the source route. */
interface PathParts extends MailboxParts {
  readonly rawStart: number;
}

/** Where an address begins, has its `@`, and ends. */
interface PlainPathParts {
  readonly start: number;
  readonly atSign: number;
  readonly end: number;
}

/**
 * The path that nearly every command has, `<dot-string@domain>` in ASCII, in one scan. Anything else is `undefined`
 * and not yet a fault. The scanners are those of the full grammar, asked for ASCII alone, so that the two cannot differ.
 */
function parsePlainPath(text: string, open: number): PathResult | undefined {
  const start = open + 1;
  const at = scanDotString(text, start, ATEXT);
  if (at === NO_MATCH || octetAt(text, at) !== AT_SIGN) return undefined;
  const end = scanDomain(text, at + 1, LET_DIG);
  if (end === NO_MATCH || octetAt(text, end) !== GREATER_THAN || !isRestAt(text, end + 1)) return undefined;
  return plainPath(text, { start, atSign: at, end });
}

/** The path whose address, `dot-string@domain` in ASCII, stands in `text` from `start` to `end`, where its bracket closes. */
export function plainPath(text: string, { start, atSign, end }: PlainPathParts): FoundPath {
  const address = text.slice(start, end);
  const path: Path = {
    raw: address,
    address,
    localPart: text.slice(start, atSign),
    domain: text.slice(atSign + 1, end),
    addressLiteral: undefined,
    sourceRoute: NO_ROUTE,
    isNull: false,
    isInternationalized: false,
  };
  return { ok: true, path, rest: end + 1 === text.length ? '' : text.slice(end + 1) };
}

function parseBracketedPath(text: string, open: number, policy: PathPolicy): PathResult {
  const isLenient = policy.syntax === 'lenient';
  const letDig = isLenient ? LENIENT_LET_DIG : STRICT_LET_DIG;
  const rawStart = open + 1;

  if (octetAt(text, rawStart) === GREATER_THAN) {
    if (!policy.allowNull || !isRestAt(text, rawStart + 1)) return SYNTAX_FAULT;
    return { ok: true, path: NULL_PATH, rest: text.slice(rawStart + 1) };
  }

  const localStart = octetAt(text, rawStart) === AT_SIGN ? scanSourceRoute(text, rawStart, letDig) : rawStart;
  if (localStart === NO_MATCH) return SYNTAX_FAULT;
  const parts = scanMailbox(text, localStart, letDig);
  if (parts === undefined) return SYNTAX_FAULT;
  const { domainStart, end } = parts;
  if (octetAt(text, end) !== GREATER_THAN || !isRestAt(text, end + 1)) return SYNTAX_FAULT;

  if (domainStart === NO_MATCH) {
    // RFC 5321 §4.1.2: `Path = "<" [ A-d-l ":" ] Mailbox ">"`; a route in front of a bare local part is nobody's habit.
    if (localStart !== rawStart) return SYNTAX_FAULT;
    // RFC 5321 §4.1.1.3: `RCPT TO:<Postmaster>`, the one local part that may stand alone.
    const isPostmaster = policy.allowPostmaster && asciiUpperCase(text.slice(rawStart, end)) === 'POSTMASTER';
    if (!isLenient && !isPostmaster) return SYNTAX_FAULT;
  }

  const path = makePath(text, { rawStart, ...parts });
  return path === undefined ? CHARSET_FAULT : { ok: true, path, rest: text.slice(end + 1) };
}

/** Lenient syntax: one run of non-blank text that is a mailbox or a bare local part and has no angle bracket. */
function parseWithoutBrackets(text: string, start: number): PathResult {
  const parts = scanMailbox(text, start, LENIENT_LET_DIG);
  if (parts === undefined || !isRestAt(text, parts.end)) return SYNTAX_FAULT;
  // Atoms and domains have neither blanks nor angle brackets; a quoted string or a literal might.
  for (let at = start; at < parts.end; at += 1) {
    const octet = text.charCodeAt(at);
    if (octet === SPACE || octet === LESS_THAN || octet === GREATER_THAN) return SYNTAX_FAULT;
  }
  const path = makePath(text, { rawStart: start, ...parts });
  return path === undefined ? CHARSET_FAULT : { ok: true, path, rest: text.slice(parts.end) };
}

/** RFC 5321 §4.1.2: `Mailbox = Local-part "@" ( Domain / address-literal )`, or its local part alone. */
function scanMailbox(text: string, localStart: number, letDig: number): MailboxParts | undefined {
  const isQuoted = octetAt(text, localStart) === DOUBLE_QUOTE;
  const localEnd = isQuoted
    ? scanQuotedString(text, localStart, QTEXT | NON_ASCII)
    : scanDotString(text, localStart, ATEXT | NON_ASCII);
  if (localEnd === NO_MATCH) return undefined;
  if (octetAt(text, localEnd) !== AT_SIGN) {
    return { localStart, localEnd, domainStart: NO_MATCH, addressLiteral: undefined, end: localEnd };
  }

  const domainStart = localEnd + 1;
  if (octetAt(text, domainStart) === OPEN_BRACKET) {
    // RFC 5321 §4.1.3: `dcontent` has no bracket, so the first closing one ends the literal.
    const close = text.indexOf(']', domainStart);
    if (close < 0) return undefined;
    const addressLiteral = parseAddressLiteral(text.slice(domainStart + 1, close));
    return addressLiteral && { localStart, localEnd, domainStart, addressLiteral, end: close + 1 };
  }
  const end = scanDomain(text, domainStart, letDig);
  return end === NO_MATCH ? undefined : { localStart, localEnd, domainStart, addressLiteral: undefined, end };
}

/** RFC 5321 §4.1.2: `A-d-l ":"`, where `A-d-l = At-domain *( "," At-domain )` and `At-domain = "@" Domain`. */
function scanSourceRoute(text: string, start: number, letDig: number): number {
  let at = start;
  while (octetAt(text, at) === AT_SIGN) {
    const end = scanDomain(text, at + 1, letDig);
    if (end === NO_MATCH) return NO_MATCH;
    if (octetAt(text, end) === COLON) return end + 1;
    if (octetAt(text, end) !== COMMA) return NO_MATCH;
    at = end + 1;
  }
  return NO_MATCH;
}

/** The path whose parts were found in `text`; `undefined` when its octets are not well-formed UTF-8. */
function makePath(text: string, parts: PathParts): Path | undefined {
  const { rawStart, localStart, localEnd, domainStart, addressLiteral, end } = parts;
  const rawOctets = text.slice(rawStart, end);
  const raw = utf8FromLatin1(rawOctets);
  if (raw === undefined) return undefined;

  const sentLocal = text.slice(localStart, localEnd);
  const isQuoted = octetAt(sentLocal, 0) === DOUBLE_QUOTE;
  const localPart = isQuoted ? removeQuotes(sentLocal) : sentLocal;
  const canonicalLocal = isQuoted ? quoteWhereNeeded(localPart) : sentLocal;
  const domain = domainStart === NO_MATCH ? undefined : text.slice(domainStart, end);
  const address = domain === undefined ? canonicalLocal : `${canonicalLocal}@${domain}`;
  return {
    raw,
    address: decodePart(address),
    localPart: decodePart(localPart),
    domain: domain === undefined ? undefined : decodePart(domain),
    addressLiteral,
    sourceRoute: localStart === rawStart ? NO_ROUTE : splitRoute(text.slice(rawStart, localStart - 1)),
    isNull: false,
    isInternationalized: !isAscii(address),
  };
}

/** Decodes a part of octets that are well-formed as a whole. Parts are cut at ASCII octets, so each is well-formed too. */
function decodePart(octets: string): string {
  return utf8FromLatin1(octets) ?? octets;
}

function splitRoute(route: string): readonly string[] {
  return route.split(',').map((atDomain) => decodePart(atDomain.slice(1)));
}

/** The content of a quoted string: without its quotes, and each quoted-pair replaced by its second character. */
function removeQuotes(quoted: string): string {
  const content = quoted.slice(1, -1);
  let plain = '';
  let start = 0;
  for (let at = content.indexOf('\\'); at >= 0; at = content.indexOf('\\', start + 1)) {
    plain += content.slice(start, at);
    // What was escaped stands at `start` and is taken as it is, a backslash too: the next search begins behind it.
    start = at + 1;
  }
  return plain + content.slice(start);
}

/** RFC 5321 §4.1.2: a local part is sent without quotes where it can be, and with as few escapes as it needs. */
function quoteWhereNeeded(localPart: string): string {
  if (scanDotString(localPart, 0, ATEXT | NON_ASCII) === localPart.length) return localPart;
  let quoted = '"';
  let start = 0;
  for (let at = 0; at < localPart.length; at += 1) {
    const octet = localPart.charCodeAt(at);
    if (octet !== DOUBLE_QUOTE && octet !== BACKSLASH) continue;
    quoted += `${localPart.slice(start, at)}\\`;
    start = at;
  }
  return `${quoted}${localPart.slice(start)}"`;
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) >= 0x80) return false;
  return true;
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  while (octetAt(text, at) === SPACE || octetAt(text, at) === TAB) at += 1;
  return at;
}

/** Whether what begins at `at` may follow a path: nothing, or a space and what comes behind it. */
function isRestAt(text: string, at: number): boolean {
  return at === text.length || octetAt(text, at) === SPACE;
}

// RFC 6531 §3.3: `sub-domain =/ U-label`.
const STRICT_LET_DIG = LET_DIG | NON_ASCII;
const LENIENT_LET_DIG = STRICT_LET_DIG | UNDERSCORE;

const NO_ROUTE: readonly string[] = Object.freeze([]);

const NULL_PATH: Path = Object.freeze({
  raw: '',
  address: '',
  localPart: '',
  domain: undefined,
  addressLiteral: undefined,
  sourceRoute: NO_ROUTE,
  isNull: true,
  isInternationalized: false,
});

const SYNTAX_FAULT: PathResult = Object.freeze({ ok: false, fault: 'syntax' });
const CHARSET_FAULT: PathResult = Object.freeze({ ok: false, fault: 'charset' });
