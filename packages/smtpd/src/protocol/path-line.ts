/**
 * The lines that most of a session is made of, `MAIL FROM:<dot-string@domain>` and `RCPT TO:<dot-string@domain>`, and what may stand behind
 * the path, known by their octets: one pass finds where such a line ends and where its path has its parts. Parameters are passed over; what
 * they say is for `parameters.ts`. Any other line takes the longer way, by `line-decoder.ts` and `path.ts`, and is read the same: the
 * classes of octets are those of the full grammar.
 */

import { ATEXT, AT_SIGN, GREATER_THAN, HYPHEN, DOT, LET_DIG, NO_MATCH, SPACE, isOf } from './grammar.js';
import { octetAt } from './octets.js';
import { plainPath, type FoundPath } from './path.js';

/**
 * Knows such lines, and remembers the last one until its argument is asked about.
 *
 * @example
 * ```ts
 * const line = new PathLine();
 * const bytes = octets.encodeLatin1('RCPT TO:<bob@example.net>\r\n');
 * line.scan(bytes, 0); // 25, where its CRLF is
 * line.remember('TO:<bob@example.net>');
 * line.pathOf('TO:<bob@example.net>', false)?.path.domain; // 'example.net'
 * ```
 */
export class PathLine {
  #isSender = false;
  #argument: string | undefined;
  /** Where it has the `@` and the `>` of its path. */
  #atSign = 0;
  #close = 0;

  /** Whether the line that was scanned last is one of MAIL; else it is one of RCPT. */
  get isSender(): boolean {
    return this.#isSender;
  }

  /** Where the line that begins at `start` has its CRLF, when it has come whole and is of this kind; else `NO_MATCH`. */
  scan(bytes: Uint8Array, start: number): number {
    const isSender = (octetAt(bytes, start) & UPPER_CASE) === M;
    const prefix = isSender ? SENDER_PREFIX : RECIPIENT_PREFIX;
    const pathStart = start + prefix.length;
    // Room for the prefix, `@>` with a letter on both sides, and CRLF.
    if (pathStart + 6 > bytes.length) return NO_MATCH;
    for (let at = 0; at < prefix.length; at += 1) {
      const octet = octetAt(bytes, start + at);
      const expected = octetAt(prefix, at);
      if (octet !== expected && (expected < A || octet !== expected + LOWER_CASE)) return NO_MATCH;
    }
    const atSign = scanDotString(bytes, pathStart);
    if (atSign === NO_MATCH || bytes[atSign] !== AT_SIGN) return NO_MATCH;
    const close = scanDomain(bytes, atSign + 1);
    if (close === NO_MATCH || bytes[close] !== GREATER_THAN) return NO_MATCH;
    const end = bytes[close + 1] === SPACE ? scanParameters(bytes, close + 1) : close + 1;
    if (bytes[end] !== CR || bytes[end + 1] !== LF) return NO_MATCH;
    // What was remembered is of another line.
    this.#argument = undefined;
    this.#isSender = isSender;
    this.#atSign = atSign - start - VERB_LENGTH;
    this.#close = close - start - VERB_LENGTH;
    return end;
  }

  /** What the argument of the line that was scanned last is, as text. */
  remember(argument: string): void {
    this.#argument = argument;
  }

  /** The path of an argument that {@link scan} has seen, and what follows it; `undefined` for any other. */
  pathOf(argument: string, isSender: boolean): FoundPath | undefined {
    // A method that was overridden may ask about another argument than the client's.
    if (argument !== this.#argument || isSender !== this.#isSender) return undefined;
    const start = (isSender ? SENDER_PREFIX : RECIPIENT_PREFIX).length - VERB_LENGTH;
    return plainPath(argument, { start, atSign: this.#atSign, end: this.#close });
  }
}

/** RFC 5321 §4.1.2: `Dot-string`, in ASCII. The index behind it, or `NO_MATCH`. It is `scanDotString` of `grammar.ts` over octets. */
function scanDotString(bytes: Uint8Array, start: number): number {
  let atomStart = start;
  let end = start;
  for (; end < bytes.length; end += 1) {
    const octet = octetAt(bytes, end);
    if (isOf(octet, ATEXT)) continue;
    if (octet !== DOT || end === atomStart) break;
    atomStart = end + 1;
  }
  return end === atomStart ? NO_MATCH : end;
}

/** RFC 5321 §4.1.2: `Domain`, in ASCII. The index behind it, or `NO_MATCH`. It is `scanDomain` of `grammar.ts` over octets. */
function scanDomain(bytes: Uint8Array, start: number): number {
  let labelStart = start;
  let end = start;
  let before = NO_MATCH;
  for (; end < bytes.length; end += 1) {
    const octet = octetAt(bytes, end);
    if (!isOf(octet, LET_DIG)) {
      if (end === labelStart) break;
      if (octet === DOT && before !== HYPHEN) labelStart = end + 1;
      else if (octet !== HYPHEN) break;
    }
    before = octet;
  }
  return end === labelStart || before === HYPHEN ? NO_MATCH : end;
}

/** Where parameters and the spaces before them end: all that is printable ASCII. With a space at its end it is not the usual line: `NO_MATCH`. */
function scanParameters(bytes: Uint8Array, start: number): number {
  let end = start;
  let octet = SPACE;
  let before = SPACE;
  for (; end < bytes.length; end += 1) {
    before = octet;
    octet = octetAt(bytes, end);
    if (octet < SPACE || octet > TILDE) break;
  }
  return before === SPACE ? NO_MATCH : end;
}

const SENDER_PREFIX = Uint8Array.from('MAIL FROM:<', (character) => character.charCodeAt(0));
const RECIPIENT_PREFIX = Uint8Array.from('RCPT TO:<', (character) => character.charCodeAt(0));
/** The verb with the space behind it. */
const VERB_LENGTH = 'MAIL '.length;

const A = 0x41;
const M = 0x4d;
/** What a letter in lower case has and one in upper case has not. */
const LOWER_CASE = 0x20;
const UPPER_CASE = 0xdf;
const TILDE = 0x7e;
const CR = 0x0d;
const LF = 0x0a;
