/** Text as every database takes it. */

/**
 * A text that is bound ends at a NUL in SQLite's interface and is none with one in PostgreSQL; half a pair of UTF-16 is nothing in UTF-8: what is written and what is looked for have
 * another sign in their place, which is in no word.
 */
export function bindable(text: string): string {
  return text.replace(/\0|\p{Cs}/gu, '\ufffd');
}

/** As SQLite's `lower` does it. */
export function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
