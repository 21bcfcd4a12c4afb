/** What RFC 2047 asks of the encoded words of a header. */

import { decodeCharset, encodedWordsOf, isUTF8, type EncodedWord } from './encoded-words.js';
import type { RawField } from './raw-message.js';
import { counted, quote, type LintMail, type LintRule } from './rule.js';

export const WORD_RULES: readonly LintRule[] = [
  {
    id: 'encoded-word-too-long',
    severity: 'error',
    source: 'RFC 2047 §2',
    objection: 'An encoded word has more than 75 characters.',
    *find(mail) {
      for (const { field, word, line } of wordsOf(mail)) {
        if (word.raw.length <= 75) continue;
        yield {
          text: `An encoded word of ${field.name} has ${counted(word.raw.length, 'character')}; at most 75 are allowed. Divide it.`,
          line,
        };
      }
    },
  },
  {
    id: 'encoded-word-line-too-long',
    severity: 'warning',
    source: 'RFC 2047 §2',
    objection: 'A header line with an encoded word has more than 76 characters.',
    *find({ message: { parts, lines } }) {
      for (const part of parts) {
        for (const field of part.fields) {
          if (!field.value.includes('=?')) continue;
          for (let index = field.firstLine; index < field.endLine; index++) {
            const line = lines.at(index);
            const words = encodedWordsOf(line);
            if (line.length <= 76 || words.length === 0 || words.some(({ raw }) => raw.length > 75)) continue;
            yield {
              text: `Line ${String(index + 1)} has encoded words and ${counted(line.length, 'character')}; at most 76 are allowed. Fold it.`,
              line: index + 1,
            };
          }
        }
      }
    },
  },
  {
    id: 'bad-encoded-word',
    severity: 'error',
    source: 'RFC 2047 §2',
    objection: 'An encoded word is not well formed, or its encoding is neither B nor Q.',
    *find(mail) {
      for (const { field, word, line } of wordsOf(mail)) {
        if (word.octets !== undefined) continue;
        yield {
          text:
            word.encoding === 'b' || word.encoding === 'q'
              ? `The encoded word ${quote(word.raw)} of ${field.name} has characters that its encoding does not allow${word.encoding === 'q' ? '; a blank is written “_”' : ''}. Receivers show it as it stands.`
              : `The encoded word ${quote(word.raw)} of ${field.name} has the encoding ${quote(word.encoding)}. Use B or Q.`,
          line,
        };
      }
    },
  },
  {
    id: 'encoded-word-unknown-charset',
    severity: 'error',
    source: 'RFC 2047 §2',
    objection: 'An encoded word is in a character set that nobody knows.',
    *find(mail) {
      for (const { field, word, line } of wordsOf(mail)) {
        if (word.charset !== '' && decodeCharset('', word.charset) !== undefined) continue;
        yield {
          text: `An encoded word of ${field.name} is in ${quote(word.charset)}, which nobody knows. Use utf-8.`,
          line,
        };
      }
    },
  },
  {
    id: 'encoded-word-cut-character',
    severity: 'error',
    source: 'RFC 2047 §5',
    objection: 'An encoded word ends in the middle of a character.',
    *find(mail) {
      for (const { field, word, line } of wordsOf(mail)) {
        if (word.octets === undefined || !/^utf-?8$/.test(word.charset) || isUTF8(word.octets)) continue;
        yield {
          text: `The encoded word ${quote(word.raw)} of ${field.name} is no whole UTF-8: a character was cut in two. Divide between characters.`,
          line,
        };
      }
    },
  },
  {
    id: 'encoded-word-not-separate',
    severity: 'error',
    source: 'RFC 2047 §5 (1)',
    objection: 'No blank stands between an encoded word and its neighbour.',
    *find(mail) {
      for (const { field, word, line } of wordsOf(mail)) {
        const before = field.value[word.start - 1] ?? ' ';
        const behind = field.value[word.end] ?? ' ';
        // Comments, quotes and lists divide too; of quotes there is another rule.
        if (/[\s(),<>:;"]/.test(before) && /[\s(),<>:;"]/.test(behind)) continue;
        yield {
          text: `Text stands close to the encoded word ${quote(word.raw)} of ${field.name}: receivers may not decode it. Put a blank there, or encode all of it.`,
          line,
        };
      }
    },
  },
  {
    id: 'encoded-word-in-quotes',
    severity: 'error',
    source: 'RFC 2047 §5 (3)',
    objection: 'An encoded word stands in quotes.',
    *find(mail) {
      for (const { field, word, line, isQuoted } of wordsOf(mail)) {
        if (!STRUCTURED.has(field.lowerName) || !isQuoted) continue;
        yield {
          text: `The encoded word ${quote(word.raw)} of ${field.name} stands in quotes, where it is none. Leave the quotes out.`,
          line,
        };
      }
    },
  },
  {
    id: 'encoded-word-in-address',
    severity: 'error',
    source: 'RFC 2047 §5 (3)',
    objection: 'An encoded word is part of an address.',
    *find(mail) {
      for (const { field, word, line, isInBrackets } of wordsOf(mail)) {
        if (!STRUCTURED.has(field.lowerName)) continue;
        if (!isInBrackets && field.value[word.end] !== '@' && field.value[word.start - 1] !== '@') continue;
        yield {
          text: `The encoded word ${quote(word.raw)} of ${field.name} is in an address. An address outside US-ASCII needs SMTPUTF8, a domain Punycode.`,
          line,
        };
      }
    },
  },
  {
    id: 'encoded-word-broken',
    severity: 'error',
    source: 'RFC 2047 §2',
    objection: 'An encoded word begins in one line and ends in the next.',
    *find({ message: { parts, lines } }) {
      for (const part of parts) {
        for (const field of part.fields) {
          for (let index = field.firstLine; index < field.endLine - 1; index++) {
            const line = lines.at(index);
            const last = line.lastIndexOf('=?');
            if (last < 0 || !/^=\?[^?\s]+\?[bq]\?[^?]*\??$/i.test(line.slice(last))) continue;
            yield {
              text: `An encoded word of ${field.name} goes on behind the end of line ${String(index + 1)}. Divide it into two encoded words.`,
              line: index + 1,
            };
          }
        }
      }
    },
  },
];

interface PlacedWord {
  readonly field: RawField;
  readonly word: EncodedWord;
  /** From 1. */
  readonly line: number;
  /** Whether it stands in quotes, or in angle brackets. */
  readonly isQuoted: boolean;
  readonly isInBrackets: boolean;
}

function* wordsOf({ message: { parts, lines } }: LintMail): Iterable<PlacedWord> {
  for (const part of parts) {
    for (const field of part.fields) {
      if (!field.value.includes('=?') || TYPED.has(field.lowerName)) continue;
      let index = field.firstLine;
      let lineEnd = lines.at(index).length;
      let at = 0;
      let isQuoted = false;
      let isInBrackets = false;
      for (const word of encodedWordsOf(field.value)) {
        // What stands before it is looked at once, from the word before.
        for (; at < word.start; at++) {
          const character = field.value[at];
          if (character === '\\') at++;
          else if (character === '"') isQuoted = !isQuoted;
          else if (!isQuoted && (character === '<' || character === '>')) isInBrackets = character === '<';
        }
        at = word.end;
        while (field.valueOffset + word.start >= lineEnd && index < field.endLine - 1)
          lineEnd += lines.at(++index).length;
        yield { field, word, line: index + 1, isQuoted, isInBrackets };
      }
    }
  }
}

const STRUCTURED: ReadonlySet<string> = new Set([
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'resent-from',
  'resent-sender',
  'resent-to',
  'resent-cc',
]);
/** Their encoded words are spoken of with the parameters. */
const TYPED: ReadonlySet<string> = new Set(['content-type', 'content-disposition']);
