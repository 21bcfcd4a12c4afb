/**
 * Octets to text, by the charset that a mail declares. Names are those of the WHATWG Encoding Standard and the further ones that mail
 * programs write. Whatever the name and the octets, there is text; what had to be guessed is said.
 */

import { isAscii } from 'node:buffer';
import { TextDecoder } from 'node:util';

/** Text, and what was wrong with how it was declared. */
export interface DecodedText {
  readonly text: string;
  /** A sentence's end, such as `has octets that are no utf-8`; absent when all is well. */
  readonly fault?: string;
}

/**
 * Decodes octets. Without a name, or where the name is unknown, they are UTF-8 when they are valid as that, and windows-1252 otherwise.
 *
 * @param charset the name as the mail has it
 */
export function decodeText(octets: Uint8Array, charset: string | undefined): DecodedText {
  const name = charset?.trim().toLowerCase() ?? '';
  // RFC 2046 §4.1.2: without a name it is US-ASCII, and with octets above 127 it is not.
  if (name === '' || ASCII_NAMES.has(name)) {
    if (isAscii(octets)) return { text: asciiText(octets) };
    return guessed(
      octets,
      name === '' ? 'has octets above 127 and names no charset' : 'has octets above 127 and says US-ASCII',
    );
  }
  if (name === 'utf-7' || name === 'unicode-1-1-utf-7') return { text: decodeUTF7(octets) };
  if (WESTERN_NAMES.has(name)) return { text: westernText(octets) };
  const decoder = decoderOf(name, octets);
  if (decoder === undefined) return guessed(octets, `names the charset “${printableName(name)}”, which is unknown`);
  const text = decoder.decode(octets);
  // A replacement character that the sender wrote is three octets in UTF-8; telling them apart takes a second look.
  return text.includes('\uFFFD') && !isValid(decoder.encoding, octets)
    ? { text, fault: `has octets that are no ${name}` }
    : { text };
}

/** Decodes a header's octets: UTF-8 when they are valid as that (RFC 6532), windows-1252 otherwise. */
export function decodeHeaderText(octets: Uint8Array): { readonly text: string; readonly isGuessed: boolean } {
  if (isAscii(octets)) return { text: asciiText(octets), isGuessed: false };
  const { text, isUTF8 } = utf8OrWestern(octets);
  return { text, isGuessed: !isUTF8 };
}

function guessed(octets: Uint8Array, fault: string): DecodedText {
  const { text, isUTF8 } = utf8OrWestern(octets);
  return { text, fault: `${fault}: shown as ${isUTF8 ? 'utf-8' : 'windows-1252'}` };
}

function utf8OrWestern(octets: Uint8Array): { text: string; isUTF8: boolean } {
  try {
    return { text: STRICT_UTF8.decode(octets), isUTF8: true };
  } catch {
    return { text: westernText(octets), isUTF8: false };
  }
}

/**
 * Windows-1252, which the WHATWG standard means by ISO-8859-1 too. Several versions of Node decode the octets from 0x80 to 0x9F as control
 * characters.
 */
function westernText(octets: Uint8Array): string {
  return asciiText(octets).replace(
    /[\u0080-\u009f]/g,
    (character) => WESTERN_LETTERS[character.charCodeAt(0) - 0x80] ?? '',
  );
}

function decoderOf(name: string, octets: Uint8Array): TextDecoder | undefined {
  // RFC 2781 §4.3: a byte order mark decides, and without one it is big-endian.
  if (name === 'utf-16') {
    return new TextDecoder(octets[0] === 0xff && octets[1] === 0xfe ? 'utf-16le' : 'utf-16be');
  }
  const bare = name.replace(/^(?:x-|cs)/, '').replace(/[\s._-]+/g, '');
  const codePage = /^(?:cp|windows|ms|ibm)(\d+)$/.exec(bare)?.[1];
  for (const candidate of [
    name,
    ALIASES.get(bare),
    codePage === undefined ? undefined : CODE_PAGES.get(codePage),
    bare,
  ]) {
    const decoder = candidate === undefined ? undefined : tryDecoder(candidate);
    if (decoder !== undefined) return decoder;
  }
  return undefined;
}

function tryDecoder(label: string): TextDecoder | undefined {
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}

function isValid(encoding: string, octets: Uint8Array): boolean {
  try {
    new TextDecoder(encoding, { fatal: true }).decode(octets);
    return true;
  } catch {
    return false;
  }
}

/** RFC 2152. Octets that are not as it says stand for themselves. */
function decodeUTF7(octets: Uint8Array): string {
  return asciiText(octets).replace(/\+([A-Za-z0-9+/]*)-?/g, (_all, encoded: string) => {
    if (encoded === '') return '+';
    const units = Buffer.from(encoded, 'base64');
    return new TextDecoder('utf-16be').decode(units.subarray(0, units.length & ~1));
  });
}

/** Each octet a character. */
function asciiText(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1');
}

function printableName(name: string): string {
  return name.replace(/[^\x21-\x7e]/g, '?').slice(0, 40);
}

const STRICT_UTF8 = new TextDecoder('utf-8', { fatal: true });
/** What is at 0x80 and behind; five places have none. */
const WESTERN_LETTERS = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';
const WESTERN_NAMES = new Set([
  ...[
    'windows-1252',
    'cp1252',
    'x-cp1252',
    'iso-8859-1',
    'iso8859-1',
    'iso88591',
    'iso_8859-1',
    'iso_8859-1:1987',
    'latin1',
    'latin-1',
    'l1',
  ],
  ...['iso-ir-100', 'csisolatin1', 'cp819', 'ibm819'],
]);
const ASCII_NAMES = new Set(['us-ascii', 'ascii', 'ansi_x3.4-1968', 'iso646-us', '7bit']);

/** Names that mail programs write and the standard does not list, without prefix and separators. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['utf8', 'utf-8'],
  ['utf8mb4', 'utf-8'],
  ['unicode11utf8', 'utf-8'],
  ['iso88598i', 'iso-8859-8-i'],
  ['iso88598e', 'iso-8859-8'],
  ['shiftjis', 'shift_jis'],
  ['windows31j', 'shift_jis'],
  ['mskanji', 'shift_jis'],
  ['eucjp', 'euc-jp'],
  ['iso2022jp', 'iso-2022-jp'],
  ['iso2022jp1', 'iso-2022-jp'],
  ['iso2022jp2', 'iso-2022-jp'],
  ['iso2022jpms', 'iso-2022-jp'],
  ['euckr', 'euc-kr'],
  ['uhc', 'euc-kr'],
  ['tis620', 'windows-874'],
  ['macroman', 'macintosh'],
  ['maccyrillic', 'x-mac-cyrillic'],
  ['big5hkscs', 'big5'],
  ['latin9', 'iso-8859-15'],
]);

/** Numbers of code pages, as in `cp932`. */
const CODE_PAGES: ReadonlyMap<string, string> = new Map([
  ['932', 'shift_jis'],
  ['936', 'gbk'],
  ['949', 'euc-kr'],
  ['950', 'big5'],
  ['874', 'windows-874'],
  ['51932', 'euc-jp'],
  ['50220', 'iso-2022-jp'],
  ['50221', 'iso-2022-jp'],
  ['50222', 'iso-2022-jp'],
  ['65001', 'utf-8'],
]);
