/**
 * The parameters of MAIL and RCPT: what follows the path, as a list of keywords and values.
 *
 * Only their form is read here. Which keywords there are and which values they may have is told by the extension that
 * declares them; a keyword that nobody declares is answered 555 by the session.
 *
 * Text that comes in is latin1, one character an octet as on the wire; values that come out are decoded UTF-8.
 */
import { EQUALS, NO_MATCH, SPACE, asciiUpperCase, octetAt, scanEsmtpKeyword, scanEsmtpValue } from './grammar.js';
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

/** Up to this many keywords are compared one by one, which is quicker than making a set. */
const COMPARED_MAX = 8;

const NO_PARAMETERS: ParametersResult = Object.freeze({ ok: true, parameters: Object.freeze([]) });
const SYNTAX_FAULT: ParametersResult = Object.freeze({ ok: false, fault: 'syntax' });
const REPEATED_FAULT: ParametersResult = Object.freeze({ ok: false, fault: 'repeated' });
const CHARSET_FAULT: ParametersResult = Object.freeze({ ok: false, fault: 'charset' });
