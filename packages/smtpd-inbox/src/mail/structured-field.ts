/**
 * Fields of the form `value; name=value; …` (RFC 2045 §5.1), with values that are split and encoded (RFC 2231). It takes what mail programs
 * write: values without quotes that need them, encoded words where none may be, a parameter twice. The first one counts.
 */

import { decodeText } from './charset.js';
import { decodeWords } from './encoded-words.js';

/** A field, taken apart. */
export interface StructuredField {
  /** In lower case, such as `text/plain`; `''` when there is none. */
  readonly value: string;
  /** By their names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Takes a field apart. @param text unfolded, each octet one character, or decoded already */
export function parseStructuredField(text: string): StructuredField {
  const scanner = new FieldScanner(text);
  const value = scanner.takeUntilSemicolon().toLowerCase();
  const parameters = new Map<string, string>();
  while (scanner.skipSemicolons()) {
    const name = scanner.takeName();
    const content = scanner.takeValue();
    if (name !== '' && !parameters.has(name) && parameters.size < PARAMETERS_MAX) parameters.set(name, content);
  }
  return { value, parameters: joined(parameters) };
}

/** Goes through a field from left to right, once. */
class FieldScanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The value before the first parameter, without its comments. */
  takeUntilSemicolon(): string {
    let value = '';
    while (this.#at < this.#text.length && this.#text[this.#at] !== ';') {
      if (this.#text[this.#at] === '(') this.#skipComment();
      else {
        value += this.#text[this.#at] ?? '';
        this.#at += 1;
      }
    }
    return value.trim().replace(/^"(.*)"$/s, '$1');
  }

  /** @returns whether there is anything behind them */
  skipSemicolons(): boolean {
    while (/[;\s]/.test(this.#text[this.#at] ?? '')) this.#at += 1;
    return this.#at < this.#text.length;
  }

  takeName(): string {
    const start = this.#at;
    while (this.#at < this.#text.length && !/[=;]/.test(this.#text[this.#at] ?? '')) {
      if (this.#text[this.#at] === '(') this.#skipComment();
      else this.#at += 1;
    }
    return this.#text
      .slice(start, this.#at)
      .replace(/\([^()]*\)/g, '')
      .trim()
      .toLowerCase();
  }

  takeValue(): string {
    if (this.#text[this.#at] !== '=') return '';
    this.#at += 1;
    this.#skipBlanks();
    while (this.#text[this.#at] === '(') {
      this.#skipComment();
      this.#skipBlanks();
    }
    const value = this.#text[this.#at] === '"' ? this.#takeQuoted() : this.#takeToken();
    // What follows a quoted string before the next semicolon belongs to nothing.
    while (this.#at < this.#text.length && this.#text[this.#at] !== ';') {
      if (this.#text[this.#at] === '(') this.#skipComment();
      else this.#at += 1;
    }
    return value;
  }

  #takeQuoted(): string {
    let value = '';
    for (this.#at += 1; this.#at < this.#text.length; this.#at += 1) {
      const character = this.#text[this.#at] ?? '';
      if (character === '"') {
        this.#at += 1;
        return value;
      }
      if (character === '\\' && this.#at + 1 < this.#text.length) {
        this.#at += 1;
        value += this.#text[this.#at] ?? '';
      } else value += character;
    }
    return value;
  }

  /** Up to the next semicolon: programs leave quotes out where blanks and parentheses need them. */
  #takeToken(): string {
    const start = this.#at;
    while (this.#at < this.#text.length && this.#text[this.#at] !== ';') this.#at += 1;
    return this.#text
      .slice(start, this.#at)
      .replace(/\s\([^()]*\)\s*$/, '')
      .trim();
  }

  #skipBlanks(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }

  /** Comments nest; one that does not end is the rest of the field. */
  #skipComment(): void {
    let depth = 0;
    for (; this.#at < this.#text.length; this.#at += 1) {
      const character = this.#text[this.#at];
      if (character === '\\') this.#at += 1;
      else if (character === '(') depth += 1;
      else if (character === ')') {
        depth -= 1;
        if (depth === 0) {
          this.#at += 1;
          return;
        }
      }
    }
  }
}

interface Section {
  readonly index: number;
  readonly isEncoded: boolean;
  readonly content: string;
}

/** RFC 2231 §3 and §4: sections in the order of their numbers, octets of encoded ones decoded together. */
function joined(parameters: ReadonlyMap<string, string>): Map<string, string> {
  const plain = new Map<string, string>();
  const split = new Map<string, Section[]>();
  for (const [name, content] of parameters) {
    const match = /^([^*]+)\*(?:(\d{1,4})(\*)?)?$/.exec(name);
    if (match === null) {
      plain.set(name, decodeLooseValue(content));
      continue;
    }
    const [, base = '', digits, star] = match;
    const sections = split.get(base) ?? [];
    split.set(base, sections);
    sections.push({ index: Number(digits ?? 0), isEncoded: digits === undefined || star !== undefined, content });
  }
  for (const [name, sections] of split) plain.set(name, joinSections(sections));
  return plain;
}

function joinSections(sections: Section[]): string {
  sections.sort((left, right) => left.index - right.index);
  let charset = '';
  let text = '';
  let encoded = '';
  const flush = (): void => {
    text += decodePercent(encoded, charset);
    encoded = '';
  };
  for (const [place, { isEncoded, content }] of sections.entries()) {
    const start = place === 0 && isEncoded ? /^([^']*)'[^']*'(.*)$/s.exec(content) : null;
    if (start !== null) charset = start[1] ?? '';
    if (isEncoded) encoded += start?.[2] ?? content;
    else {
      flush();
      text += decodeLooseValue(content);
    }
  }
  flush();
  return text;
}

function decodePercent(encoded: string, charset: string): string {
  if (encoded === '') return '';
  const bytes = encoded.replace(/%([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  return decodeText(Buffer.from(bytes, 'latin1'), charset === '' ? undefined : charset).text;
}

/** Octets as they stand are UTF-8 in most mails; encoded words (RFC 2047 §5 forbids them here) are what many programs write. */
function decodeLooseValue(content: string): string {
  // Each character is an octet, unless it was decoded already.
  const text =
    /\P{ASCII}/u.test(content) && !/[\u0100-\uffff]/.test(content)
      ? decodeText(Buffer.from(content, 'latin1'), undefined).text
      : content;
  return text.includes('=?') ? decodeWords(text).text : text;
}

const PARAMETERS_MAX = 1_000;
