/**
 * Encoded words (RFC 2047) in a header. Words that stand beside one another are decoded together: many programs break them within a letter.
 * The words are taken as programs write them, next to other text and with blanks in them.
 */

import { decodeText } from './charset.js';
import { decodeTransfer } from './transfer-decoder.js';

/** Text, and what was wrong with the words in it. */
export interface DecodedWords {
  readonly text: string;
  /** Ends of sentences, such as `names the charset “klingon”, which is unknown: shown as utf-8`. */
  readonly faults: readonly string[];
}

/** Decodes the encoded words in a text; everything else stays as it is. */
export function decodeWords(text: string): DecodedWords {
  const faults: string[] = [];
  const decoded = text.replace(RUN, (run) => {
    const { text: words, faults: found } = decodeRun(run);
    faults.push(...found);
    return words;
  });
  return { text: decoded, faults };
}

/** Runs of encoded words replaced by what `replace` makes of the text of each. */
export function replaceWords(text: string, replace: (decoded: string) => string): string {
  return text.replace(RUN, (run) => replace(decodeRun(run).text));
}

interface Word {
  readonly charset: string;
  readonly octets: Uint8Array;
}

/** §6.2: the blanks between encoded words are not shown. */
function decodeRun(run: string): DecodedWords {
  const groups: { charset: string; words: Uint8Array[] }[] = [];
  for (const [, charset = '', encoding = '', content = ''] of run.matchAll(WORD)) {
    const { octets } = decodedWord(charset, encoding, content);
    const last = groups.at(-1);
    if (last?.charset === charset.toLowerCase()) last.words.push(octets);
    else groups.push({ charset: charset.toLowerCase(), words: [octets] });
  }
  const faults: string[] = [];
  const text = groups
    .map(({ charset, words }) => {
      const together = decodeText(Buffer.concat(words), charset);
      // Each begins anew in charsets that have states (ISO-2022-JP): the words are right one by one then.
      if (together.fault === undefined && !STATEFUL.test(charset)) return together.text;
      const apart = words.map((octets) => decodeText(octets, charset));
      if (apart.every(({ fault }) => fault === undefined)) return apart.map(({ text }) => text).join('');
      if (together.fault !== undefined) faults.push(together.fault);
      return together.text;
    })
    .join('');
  return { text, faults };
}

function decodedWord(charset: string, encoding: string, content: string): Word {
  const octets = Buffer.from(content, 'latin1');
  if (encoding.toLowerCase() === 'b') return { charset, octets: decodeTransfer(octets, 'base64').octets };
  // §4.2: an underscore is a blank, whatever the charset.
  return {
    charset,
    octets: decodeTransfer(Buffer.from(content.replace(/_/g, ' ') + '.', 'latin1'), 'quoted-printable').octets.subarray(
      0,
      -1,
    ),
  };
}

/** RFC 2231 §5: a language may stand behind the charset. */
const WORD = /=\?([^?*\s]{1,100})(?:\*[^?\s]{0,100})?\?([QqBb])\?([^?]*)\?=/g;
const RUN =
  /=\?[^?*\s]{1,100}(?:\*[^?\s]{0,100})?\?[QqBb]\?[^?]*\?=(?:[ \t\r\n]*=\?[^?*\s]{1,100}(?:\*[^?\s]{0,100})?\?[QqBb]\?[^?]*\?=)*/g;
const STATEFUL = /^(?:iso-2022|utf-?7|hz)/;
