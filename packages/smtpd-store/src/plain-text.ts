/** Text as every database takes it. */

/**
 * A text that is bound ends at a NUL in SQLite's interface and is none with one in PostgreSQL; half a pair of UTF-16 is nothing in UTF-8: what is written and what is looked for have
 * another sign in their place, which is in no word.
 */
export function bindable(text: string): string {
  return isBindable(text) ? text : text.replace(/\0|\p{Cs}/gu, '\ufffd');
}

/** Whether {@link bindable} surely gives it back as it is. Texts with whole pairs of UTF-16 are as they are, too, and take a closer look. */
export function isBindable(text: string): boolean {
  return !/[\0\ud800-\udfff]/.test(text);
}

/** As SQLite's `lower` does it. */
export function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
