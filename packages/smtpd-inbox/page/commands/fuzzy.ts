/** Finds a command by some of its letters. Pure. */

/**
 * How well letters fit a text: all of them stand there, in their order. Letters that follow each other and letters at the beginning of a
 * word count more.
 *
 * @returns `undefined` when they do not fit; the higher, the better
 */
export function fuzzyScore(letters: string, text: string): number | undefined {
  const wanted = Array.from(letters.toLowerCase()).filter((letter) => letter.trim() !== '');
  const there = Array.from(text.toLowerCase());
  // best[i]: the best score of the letters so far, with the last of them at i.
  let best: (number | undefined)[] | undefined;
  for (const letter of wanted) {
    const next = new Array<number | undefined>(there.length);
    let bestBefore: number | undefined;
    for (const [index, each] of there.entries()) {
      const adjacent = best?.[index - 1];
      const apart = best === undefined ? 0 : bestBefore;
      if (each === letter) {
        const value = isWordStart(there, index) ? START_BONUS : 0;
        const joined = adjacent === undefined ? undefined : adjacent + ADJACENT_BONUS;
        const before = larger(joined, apart);
        if (before !== undefined) next[index] = before + 1 + value;
      }
      // From the next letter on, what ended here is apart.
      bestBefore = larger(bestBefore, best?.[index]);
    }
    best = next;
  }
  if (best === undefined) return 0;
  const score = best.reduce<number | undefined>((one, other) => larger(one, other), undefined);
  // Of two that fit alike, the shorter one is meant.
  return score === undefined ? undefined : score - there.length / 1000;
}

/** Those that fit, the best first; of equals, as they stood. */
export function fuzzyFilter<Item>(letters: string, items: readonly Item[], textOf: (item: Item) => string): Item[] {
  return items
    .flatMap((item) => {
      const score = fuzzyScore(letters, textOf(item));
      return score === undefined ? [] : [{ item, score: letters.trim() === '' ? 0 : score }];
    })
    .sort((one, other) => other.score - one.score)
    .map(({ item }) => item);
}

function isWordStart(letters: readonly string[], index: number): boolean {
  return index === 0 || /[\s/:-]/.test(letters[index - 1] ?? '');
}

function larger(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined) return other;
  return other === undefined ? one : Math.max(one, other);
}

const START_BONUS = 3;
const ADJACENT_BONUS = 2;
