/** The values of Content-Type and Content-Disposition (RFC 2045 §5.1, RFC 2183, RFC 2231), with what is wrong with them. */

/** A value with parameters, such as `text/plain; charset=utf-8`. */
export interface Parameterized {
  /** In lower case. */
  readonly value: string;
  /** By their names in lower case, RFC 2231 undone: `filename*0*=…` is `filename`. */
  readonly parameters: ReadonlyMap<string, string>;
  /** As they stand: name in lower case with its stars, value without quotes. */
  readonly rawParameters: readonly RawParameter[];
  /** What is against the syntax, for people. */
  readonly faults: readonly string[];
}

/** A parameter as it stands. */
export interface RawParameter {
  readonly name: string;
  readonly value: string;
  readonly isQuoted: boolean;
}

/** Parses a Content-Type: a Parameterized whose value has a slash. What has none is text/plain, as RFC 2045 §5.2 would have it. */
export function parseContentType(text: string): Parameterized {
  const parsed = parseParameterized(text);
  if (TYPE.test(parsed.value)) return parsed;
  return {
    ...parsed,
    value: 'text/plain',
    faults: [`${JSON.stringify(parsed.value.slice(0, 60))} is no type with a subtype`, ...parsed.faults],
  };
}

/** Parses a value with its parameters. Never throws. */
export function parseParameterized(text: string): Parameterized {
  const faults: string[] = [];
  const source = withoutComments(text, faults);
  const semicolon = source.indexOf(';');
  const value = (semicolon < 0 ? source : source.slice(0, semicolon)).trim().toLowerCase();
  const rawParameters = semicolon < 0 ? [] : readParameters(source, semicolon + 1, faults);
  return { value, parameters: joinParameters(rawParameters, faults), rawParameters, faults };
}

function readParameters(source: string, from: number, faults: string[]): RawParameter[] {
  const parameters: RawParameter[] = [];
  let at = from;
  while (at < source.length) {
    while (at < source.length && BLANK_OR_SEMICOLON.has(source[at] ?? '')) at++;
    if (at >= source.length) break;
    if (parameters.length + faults.length >= PARAMETERS_MAX) {
      faults.push(`it has more than ${String(PARAMETERS_MAX)} parameters`);
      break;
    }
    const semicolon = source.indexOf(';', at);
    const equals = source.indexOf('=', at);
    if (equals < 0 || (semicolon >= 0 && semicolon < equals)) {
      const end = semicolon < 0 ? source.length : semicolon;
      faults.push(`${JSON.stringify(source.slice(at, Math.min(end, at + 60)).trim())} is no parameter`);
      at = end;
      continue;
    }
    const name = source.slice(at, equals).trim().toLowerCase();
    if (!TOKEN.test(name)) faults.push(`${JSON.stringify(name.slice(0, 60))} is no parameter name`);
    at = equals + 1;
    while (source[at] === ' ' || source[at] === '\t') at++;
    if (source[at] === '"') {
      const quoted = readQuoted(source, at, faults);
      parameters.push({ name, value: quoted.value, isQuoted: true });
      at = quoted.end;
      const next = source.indexOf(';', at);
      const rest = source.slice(at, next < 0 ? source.length : next).trim();
      if (rest !== '') faults.push(`${JSON.stringify(rest.slice(0, 60))} stands behind the quoted value of ${name}`);
      at = next < 0 ? source.length : next;
    } else {
      const end = source.indexOf(';', at);
      const bare = source.slice(at, end < 0 ? source.length : end).trim();
      if (!TOKEN_OR_8BIT.test(bare)) {
        faults.push(
          bare === ''
            ? `the parameter ${name} has no value`
            : `the value of ${name} has characters that have to be in quotes: ${JSON.stringify(bare.slice(0, 60))}`,
        );
      }
      parameters.push({ name, value: bare, isQuoted: false });
      at = end < 0 ? source.length : end;
    }
  }
  return parameters;
}

function readQuoted(source: string, start: number, faults: string[]): { value: string; end: number } {
  let value = '';
  for (let at = start + 1; at < source.length; at++) {
    const character = source[at] ?? '';
    if (character === '"') return { value, end: at + 1 };
    if (character === '\\' && at + 1 < source.length) value += source[++at] ?? '';
    else value += character;
  }
  faults.push('a quoted value has no end');
  return { value, end: source.length };
}

function joinParameters(raw: readonly RawParameter[], faults: string[]): Map<string, string> {
  const joined = new Map<string, string>();
  const pieces = new Map<string, Map<number, { value: string; isEncoded: boolean }>>();
  for (const { name, value } of raw) {
    const match = CONTINUATION.exec(name);
    if (match === null) {
      if (joined.has(name)) faults.push(`the parameter ${name} is there twice`);
      else joined.set(name, value);
      continue;
    }
    const [, base = '', index, star] = match;
    const list = pieces.get(base) ?? new Map<number, { value: string; isEncoded: boolean }>();
    pieces.set(base, list);
    list.set(index === undefined ? 0 : Number(index), { value, isEncoded: index === undefined || star !== undefined });
  }
  for (const [base, list] of pieces) {
    const first = list.get(0);
    let text = '';
    let charset = 'us-ascii';
    for (let index = 0; list.has(index); index++) {
      const piece = list.get(index);
      let value = piece?.value ?? '';
      if (index === 0 && first?.isEncoded === true) {
        const parts = value.split("'");
        if (parts.length >= 3) {
          charset = parts[0] ?? charset;
          value = parts.slice(2).join("'");
        }
      }
      text += piece?.isEncoded === true ? percentDecoded(value) : value;
    }
    if (list.size > 0 && [...list.keys()].some((index) => index >= list.size)) {
      faults.push(`pieces of the parameter ${base} are missing`);
    }
    joined.set(base, decodeOctets(text, charset));
  }
  return joined;
}

/** Octets, one a character, in a character set. */
function decodeOctets(octets: string, charset: string): string {
  try {
    return new TextDecoder(charset === '' ? 'us-ascii' : charset).decode(Buffer.from(octets, 'latin1'));
  } catch {
    return octets;
  }
}

function percentDecoded(text: string): string {
  return text.replace(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Without its comments (RFC 822 §3.4.3), which nest. */
function withoutComments(text: string, faults: string[]): string {
  if (!text.includes('(')) return text;
  let result = '';
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '\\') {
      if (depth === 0) result += character + (text[at + 1] ?? '');
      at++;
    } else if (depth === 0 && character === '"') {
      isQuoted = !isQuoted;
      result += character;
    } else if (!isQuoted && character === '(') {
      depth++;
    } else if (!isQuoted && depth > 0 && character === ')') {
      depth--;
    } else if (depth === 0) {
      result += character;
    }
  }
  if (depth > 0) faults.push('a comment has no end');
  return result;
}

const TYPE = /^[!#$%&'*+\-.^_`{|}~0-9a-z]+\/[!#$%&'*+\-.^_`{|}~0-9a-z]+$/;
// RFC 2045 §5.1: no space, no control character, no tspecial.
const TOKEN = /^[!#$%&'*+\-.^_`{|}~0-9A-Za-z]+$/;
// What is beyond US-ASCII has rules of its own.
const TOKEN_OR_8BIT = /^[!#$%&'*+\-.^_`{|}~0-9A-Za-z\x80-\xFF]+$/;
const CONTINUATION = /^([^*]+)\*(?:([0-9]{1,4})(\*)?)?$/;
const BLANK_OR_SEMICOLON: ReadonlySet<string> = new Set([' ', '\t', ';']);
const PARAMETERS_MAX = 200;
