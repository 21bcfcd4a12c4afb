/**
 * A command line taken apart: the verb, and what stands behind the first space.
 *
 * It knows no verbs. Which there are, when they may come and what their arguments mean is said by `command-rules.ts` and
 * the session. In the walk it comes behind `line-decoder.ts`, which has found the line and taken off its CRLF.
 */
import { octetAt as octetIn, octets } from './octets.js';
import { HYPHEN, LET_DIG, SPACE, TAB, asciiUpperCase, isAt, octetAt } from './grammar.js';

/** A command as it was sent: text is latin1, one character an octet. */
export interface Command {
  /** The verb with its ASCII letters in upper case; other octets are as they were sent, so nothing else can match. */
  readonly verb: string;
  /** What followed the first space, without the blanks around it; maybe `''`. `undefined`: no space came at all. */
  readonly argument: string | undefined;
}

/**
 * Splits a line, without its CRLF, at the first space. An empty line and one that begins with a space have the verb
 * `''`. A tab does not end a verb.
 *
 * @example
 * ```ts
 * parseCommand('mail FROM:<a@b.example> '); // { verb: 'MAIL', argument: 'FROM:<a@b.example>' }
 * parseCommand('QUIT'); // { verb: 'QUIT', argument: undefined }
 * ```
 */
export function parseCommand(line: string): Command {
  // RFC 5321 §2.4: verbs are US-ASCII, in upper or lower case. Unicode's idea of a letter must not make RSET of `rſet`.
  const space = line.indexOf(' ');
  if (space < 0) return { verb: asciiUpperCase(line), argument: undefined };
  return { verb: asciiUpperCase(line.slice(0, space)), argument: trimBlanks(line, space + 1) };
}

/**
 * What stands behind the verb in a line of octets whose verb ends at `verbEnd`: as {@link parseCommand} has it, and without a text of the
 * whole line.
 *
 * @example
 * ```ts
 * decodeArgument(octets.encodeLatin1('NOOP  x '), 4, 8); // 'x'
 * ```
 */
export function decodeArgument(bytes: Uint8Array, verbEnd: number, end: number): string | undefined {
  if (verbEnd === end) return undefined;
  let first = verbEnd + 1;
  let last = end;
  while (first < last && isBlank(octetIn(bytes, first))) first += 1;
  while (last > first && isBlank(octetIn(bytes, last - 1))) last -= 1;
  return first === last ? '' : octets.decodeLatin1(bytes, first, last);
}

/**
 * Whether a verb may be registered under this name: upper-case letters, digits and hyphens, a letter first.
 *
 * @example
 * ```ts
 * isVerb('X-PING'); // true
 * isVerb('xping'); // false
 * ```
 */
export function isVerb(text: string): boolean {
  if (!isAt(text, 0, LET_DIG) || octetAt(text, 0) <= 0x39) return false;
  for (let at = 0; at < text.length; at += 1) {
    if (!isAt(text, at, LET_DIG) && octetAt(text, at) !== HYPHEN) return false;
  }
  return asciiUpperCase(text) === text;
}

/** The text from `start` on without the spaces and tabs at both ends: those alone, not Unicode's blanks. */
function trimBlanks(text: string, start: number): string {
  let first = start;
  let end = text.length;
  while (first < end && isBlank(text.charCodeAt(first))) first += 1;
  while (end > first && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(first, end);
}

function isBlank(octet: number): boolean {
  return octet === SPACE || octet === TAB;
}
