/** Patterns in which `*` is any text. */

/**
 * Whether a text is as a pattern says: `*` is any text, everything else is itself. What was passed over by the last star is taken back a letter at a time: no more than the product of the lengths.
 *
 * @example
 * ```ts
 * isWildcardMatch('qa-1@a.example', 'qa-*@a.example'); // true
 * ```
 */
export function isWildcardMatch(text: string, pattern: string): boolean {
  let [at, patternAt] = [0, 0];
  let [starAt, resumeAt] = [-1, 0];
  while (at < text.length) {
    if (pattern[patternAt] === '*') {
      starAt = patternAt;
      patternAt += 1;
      resumeAt = at;
    } else if (text[at] === pattern[patternAt]) {
      at += 1;
      patternAt += 1;
    } else if (starAt === -1) {
      return false;
    } else {
      resumeAt += 1;
      at = resumeAt;
      patternAt = starAt + 1;
    }
  }
  while (pattern[patternAt] === '*') patternAt += 1;
  return patternAt === pattern.length;
}
