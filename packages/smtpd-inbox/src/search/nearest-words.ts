/** Which of some words somebody may have meant. */

/**
 * The nearest of some words, when they are near enough: the beginning of a word, or at most two letters apart.
 *
 * @example
 * ```ts
 * nearestWords('form', ['from', 'to', 'subject']); // ['from']
 * ```
 */
export function nearestWords(word: string, words: readonly string[]): readonly string[] {
  if (word.length > WORD_LENGTH_MAX || word === '') return [];
  const isBeginning = words.filter((each) => each.startsWith(word));
  if (isBeginning.length > 0) return isBeginning;
  const distances = words.map((each) => ({ each, distance: distanceBetween(word, each) }));
  const nearest = Math.min(...distances.map(({ distance }) => distance));
  // Two letters of three are another word.
  const enough = word.length <= 3 ? 1 : 2;
  return nearest > enough ? [] : distances.filter(({ distance }) => distance === nearest).map(({ each }) => each);
}

/**
 * How many letters have to be put in, taken away, changed, or swapped with their neighbour to make one word of the other. The time is the
 * product of the lengths: bound them before.
 */
export function distanceBetween(one: string, other: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const isEqual = one[row - 1] === other[column - 1];
      let best = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isEqual ? 0 : 1),
      );
      const isSwapped =
        row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (isSwapped) best = Math.min(best, (beforeLast[column - 2] ?? 0) + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[other.length] ?? 0;
}

const WORD_LENGTH_MAX = 32;
