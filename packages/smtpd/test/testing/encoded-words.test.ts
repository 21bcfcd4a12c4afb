/** Encoded words: the examples of the standard, what programs send in spite of it, and generated text. */
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';

import { decodeEncodedWords } from '../../src/testing/encoded-words.js';

describe('encoded words', () => {
  it.each([
    ['plain text stays', 'Hello, world', 'Hello, world'],
    ['Q in UTF-8', '=?UTF-8?Q?Gr=C3=BC=C3=9Fe?=', 'Grüße'],
    ['B in UTF-8', '=?utf-8?B?R3LDvMOfZQ==?=', 'Grüße'],
    ['Q in ISO-8859-1, with _ for a space', '=?iso-8859-1?q?Gr=FC=DFe_aus_Wien?=', 'Grüße aus Wien'],
    ['US-ASCII', '=?US-ASCII?Q?a=3Fb?=', 'a?b'],
    ['text around a word stays with its blanks', 'Re: =?UTF-8?Q?=C3=A4?= ok', 'Re: ä ok'],
    ['the blank between two words goes', '=?UTF-8?Q?a?= =?ISO-8859-1?Q?b?=', 'ab'],
    ['a character cut by the end of a word is whole again', '=?UTF-8?B?w7w=?= =?UTF-8?Q?=C3?= \t=?UTF-8?Q?=BC?=', 'üü'],
    ['a language is not part of the charset', '=?UTF-8*de?Q?=C3=BC?=', 'ü'],
    ['an unknown charset stays as sent', 'a =?x-none?Q?b?= =?x-none?Q?c?= d', 'a =?x-none?Q?b?= =?x-none?Q?c?= d'],
    ['what is no word stays', '=?UTF-8?X?a?= =?UTF-8?Q?', '=?UTF-8?X?a?= =?UTF-8?Q?'],
  ])('%s', (_name, sent, text) => {
    expect(decodeEncodedWords(sent)).toBe(text);
  });

  it('any text that is encoded word by word comes back', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1 }), (parts) => {
        const sent = parts
          .map((part) => `=?UTF-8?B?${Buffer.from(part).toString('base64')}?=`)
          .join('\r\n '.trim() + ' ');
        // A byte order mark at the start is not text.
        expect(decodeEncodedWords(sent).replaceAll('\ufeff', '')).toBe(parts.join('').replaceAll('\ufeff', ''));
      }),
    );
  });

  it('never throws', () => {
    const pieces = fc.constantFrom('=?', '?=', '?', 'Q', 'B', 'utf-8', '=C3', ' ', 'x', '*');
    fc.assert(
      fc.property(fc.array(pieces), (parts) => {
        expect(typeof decodeEncodedWords(parts.join(''))).toBe('string');
      }),
    );
  });
});
