/**
 * Text → words, as the embedded engine's tokenizer (FTS5's `unicode61 remove_diacritics 2`) cuts them: letters and digits are words,
 * everything else stands between them; letters are folded, and those of the Latin script lose their diacritics. Pure.
 *
 * The two know different years of Unicode: of a sign that is younger than 2014 one may make a word where the other makes none.
 */

/** The words of a text, in order. */
export function wordsOf(text: string): string[] {
  const words: string[] = [];
  let word = '';
  for (const character of text) {
    const folded = FOLDED.get(character) ?? remember(character);
    if (folded === BETWEEN_WORDS) {
      if (word !== '') words.push(word);
      word = '';
    } else {
      word += folded;
    }
  }
  if (word !== '') words.push(word);
  return words;
}

function remember(character: string): string {
  const folded = fold(character);
  if (FOLDED.size < FOLDED_MAX) FOLDED.set(character, folded);
  return folded;
}

function fold(character: string): string {
  if (DIACRITIC.test(character)) return '';
  if (!IN_WORDS.test(character)) return BETWEEN_WORDS;
  const [base = ''] = character.normalize('NFD');
  if (base !== character && /[a-z]/i.test(base)) return base.toLowerCase();
  const lower = single(character.toLowerCase()) ?? character;
  // What is written differently at the end of a word (ς) or long ago (ſ) is the same letter; the Turkish ı is one of its own.
  return character === 'ı' ? lower : (single((single(lower.toUpperCase()) ?? '').toLowerCase()) ?? lower);
}

/** A text that is one code point. */
function single(text: string): string | undefined {
  const [first, ...others] = text;
  return others.length === 0 ? first : undefined;
}

const IN_WORDS = /[\p{L}\p{N}\p{Co}]/u;
/** The combining marks that are passed over within a word; others end it. */
const DIACRITIC = /[\u0300-\u0304\u0306-\u030c\u030f\u0311\u031b\u0323-\u0328\u032d\u032e\u0330\u0331]/u;
const BETWEEN_WORDS = ' ';
/** What was folded before; a mail of another script does not make it grow for ever. */
const FOLDED = new Map<string, string>();
const FOLDED_MAX = 20_000;
