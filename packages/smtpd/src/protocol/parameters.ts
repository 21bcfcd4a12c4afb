/**
 * The parameters of MAIL and RCPT: what follows the path, as a list of keywords and values.
 *
 * Only their form is read here. Which keywords there are and which values they may have is told by the extension that
 * declares them; a keyword that nobody declares is answered 555 by the session. Beside them stands xtext, the encoding
 * that several declared values use.
 *
 * Text that comes in is latin1, one character an octet as on the wire; values that come out are decoded UTF-8.
 */
import {
  EQUALS,
  HEXDIG,
  NO_MATCH,
  PLUS,
  SPACE,
  asciiUpperCase,
  isAt,
  octetAt,
  scanEsmtpKeyword,
  scanEsmtpValue,
} from './grammar.js';
import { utf8FromLatin1 } from './octets.js';

/** One parameter: RFC 5321 §4.1.2, `esmtp-param`. */
export interface Parameter {
  /** In ASCII upper case. */
  readonly keyword: string;
  /** As sent, with UTF-8 decoded; `undefined` when the keyword stood alone. Never `''`. */
  readonly value: string | undefined;
}

/**
 * The parameters in the order sent, or why there are none: the text is not a list of parameters, a keyword came twice,
 * or a value is not well-formed UTF-8.
 */
export type ParametersResult =
  | { readonly ok: true; readonly parameters: readonly Parameter[] }
  | { readonly ok: false; readonly fault: 'syntax' | 'repeated' | 'charset' };

/**
 * Reads what follows a path: `''`, or a space and parameters with spaces between.
 *
 * @example
 * ```ts
 * const result = parseParameters(' SIZE=10 smtputf8');
 * if (result.ok) {
 *   result.parameters; // [{ keyword: 'SIZE', value: '10' }, { keyword: 'SMTPUTF8', value: undefined }]
 * }
 * ```
 */
export function parseParameters(rest: string): ParametersResult {
  if (rest === '') return NO_PARAMETERS;

  const parameters: Parameter[] = [];
  let keywords: Set<string> | undefined;
  let at = 0;
  while (at < rest.length) {
    // RFC 5321 §4.1.2: `Mail-parameters = esmtp-param *(SP esmtp-param)`. More than one space is let through.
    if (octetAt(rest, at) !== SPACE) return SYNTAX_FAULT;
    while (octetAt(rest, at) === SPACE) at += 1;
    if (at === rest.length) break;

    const keywordEnd = scanEsmtpKeyword(rest, at);
    if (keywordEnd === NO_MATCH) return SYNTAX_FAULT;
    const keyword = asciiUpperCase(rest.slice(at, keywordEnd));
    at = keywordEnd;

    let value: string | undefined;
    if (octetAt(rest, at) === EQUALS) {
      const valueEnd = scanEsmtpValue(rest, at + 1);
      if (valueEnd === NO_MATCH) return SYNTAX_FAULT;
      value = utf8FromLatin1(rest.slice(at + 1, valueEnd));
      if (value === undefined) return CHARSET_FAULT;
      at = valueEnd;
    }

    // A repeated keyword could say two things at once (`SIZE=9999 SIZE=1`), so it says none. A few are compared one by
    // one; many are looked up, so that the work stays linear.
    if (parameters.length === COMPARED_MAX) keywords = new Set(parameters.map((parameter) => parameter.keyword));
    const isRepeated = keywords?.has(keyword) ?? parameters.some((parameter) => parameter.keyword === keyword);
    if (isRepeated) return REPEATED_FAULT;
    keywords?.add(keyword);
    parameters.push({ keyword, value });
  }
  return parameters.length === 0 ? NO_PARAMETERS : { ok: true, parameters };
}

/**
 * The parameter as a command carries it. Text, not octets: encode it as UTF-8.
 *
 * @example
 * ```ts
 * formatParameter({ keyword: 'SIZE', value: '10' }); // 'SIZE=10'
 * formatParameter({ keyword: 'SMTPUTF8', value: undefined }); // 'SMTPUTF8'
 * ```
 */
export function formatParameter(parameter: Parameter): string {
  return parameter.value === undefined ? parameter.keyword : `${parameter.keyword}=${parameter.value}`;
}

/**
 * The text that an xtext stands for (RFC 3461 §4), its octets read as UTF-8; `undefined` when it is not xtext or not
 * UTF-8. The result may hold control characters: whoever shows it must expect them.
 *
 * @example
 * ```ts
 * decodeXtext('rfc822;bob+2Bnews@example.net'); // 'rfc822;bob+news@example.net'
 * decodeXtext('a+2b'); // undefined: the two digits are upper-case
 * ```
 */
export function decodeXtext(text: string): string | undefined {
  let octets = '';
  let start = 0;
  for (let at = 0; at < text.length; at += 1) {
    const octet = octetAt(text, at);
    if (octet === PLUS) {
      // RFC 3461 §4: `hexchar` is a plus sign and two hexadecimal digits, upper-case.
      if (!isUpperCaseHex(text, at + 1) || !isUpperCaseHex(text, at + 2)) return undefined;
      octets += text.slice(start, at) + String.fromCharCode(Number.parseInt(text.slice(at + 1, at + 3), 16));
      start = at + 3;
      at += 2;
    } else if (!isXchar(octet)) {
      return undefined;
    }
  }
  return utf8FromLatin1(octets + text.slice(start));
}

/**
 * The xtext (RFC 3461 §4) that stands for `text`, by way of UTF-8. A lone surrogate, which no UTF-8 can carry, becomes
 * U+FFFD.
 *
 * @example
 * ```ts
 * encodeXtext('bob+news = é'); // 'bob+2Bnews+20+3D+20+C3+A9'
 * ```
 */
export function encodeXtext(text: string): string {
  let xtext = '';
  for (const character of text) {
    // `codePointAt` of a character that the iteration gave is never undefined.
    const codePoint = character.codePointAt(0) ?? 0;
    xtext += isXchar(codePoint) ? character : encodeHexchars(codePoint);
  }
  return xtext;
}

/** RFC 3461 §4: `xchar`, any printable ASCII character but `+` and `=`. */
function isXchar(code: number): boolean {
  return code > SPACE && code < 0x7f && code !== PLUS && code !== EQUALS;
}

function isUpperCaseHex(text: string, at: number): boolean {
  return isAt(text, at, HEXDIG) && octetAt(text, at) <= 0x46;
}

/** RFC 3629 §3: the UTF-8 octets of a code point, each as a `hexchar`. */
function encodeHexchars(codePoint: number): string {
  const scalar = codePoint >= 0xd800 && codePoint <= 0xdfff ? 0xfffd : codePoint;
  if (scalar < 0x80) return hexchar(scalar);
  if (scalar < 0x800) return hexchar(0xc0 | (scalar >> 6)) + continuation(scalar);
  if (scalar < 0x10000) return hexchar(0xe0 | (scalar >> 12)) + continuation(scalar >> 6) + continuation(scalar);
  return hexchar(0xf0 | (scalar >> 18)) + continuation(scalar >> 12) + continuation(scalar >> 6) + continuation(scalar);
}

function continuation(bits: number): string {
  return hexchar(0x80 | (bits & 0x3f));
}

function hexchar(octet: number): string {
  return `+${octet.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** Up to this many keywords are compared one by one, which is quicker than making a set. */
const COMPARED_MAX = 8;

const NO_PARAMETERS: ParametersResult = Object.freeze({ ok: true, parameters: Object.freeze([]) });
const SYNTAX_FAULT: ParametersResult = Object.freeze({ ok: false, fault: 'syntax' });
const REPEATED_FAULT: ParametersResult = Object.freeze({ ok: false, fault: 'repeated' });
const CHARSET_FAULT: ParametersResult = Object.freeze({ ok: false, fault: 'charset' });
