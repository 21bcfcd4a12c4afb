/**
 * What is said of an option that there is not: what to write instead. Everything that refuses options says it with this function; what names
 * from elsewhere mean is in `brought-names.ts`.
 */

import { kindOf } from './kind-of.js';

/** What options there are, and how one that there is not is spoken of. */
export interface KnownOptions {
  /** The names that there are. */
  readonly known: ReadonlySet<string>;
  /** What names that people bring from elsewhere mean here. A function, because only who is refused needs it. */
  readonly meant?: () => Readonly<Record<string, string>>;
  /** How a name is spoken of. Default: `There is no option "NAME"`. */
  readonly title?: (name: string) => string;
  /** What is said where nobody knows what was meant. Default: the names that there are. */
  readonly otherwise?: string;
}

/**
 * Says of each name that is no option what to write instead, for the message of an error: what it is called here, or the nearest name there
 * is, or all names. For who takes options besides those of a server.
 *
 * @returns a line for each such name; `undefined` when all of them are known
 *
 * @example
 * ```ts
 * import { unknownOptions } from 'smtpd';
 * unknownOptions({ folder: '/tmp', colour: 'red' }, { known: new Set(['color', 'folder']) });
 * // 'There is no option "colour"; did you mean color?'
 * ```
 */
export function unknownOptions(given: object, options: KnownOptions): string | undefined {
  if (!isObject(given)) return noObject(given, options);
  const unknown = Object.keys(given).filter((name) => !options.known.has(name));
  if (unknown.length === 0) return undefined;
  const { title = (name: string): string => `There is no option "${name}"` } = options;
  return unknown.map((name) => `${title(name)}; ${adviceOn(name, options)}`).join('\n');
}

function isObject(given: unknown): given is object {
  return typeof given === 'object' && given !== null;
}

/** As a rule it is an address. It may have a password, and is not repeated. */
function noObject(given: unknown, { known, meant }: KnownOptions): string {
  return `Options are an object, not ${kindOf(given)}; ${meant?.()['host'] ?? `there are: ${[...known].join(', ')}`}`;
}

function adviceOn(name: string, options: KnownOptions): string {
  const known = [...options.known];
  // `data_size_limit` is dataSizeLimit, and `maxRecipients` recipientsMax, whatever else they may be elsewhere.
  const same = known.filter((each) => plain(each) === plain(name) || wordsOf(each) === wordsOf(name));
  if (same.length > 0) return question(same);
  const meanings = options.meant?.() ?? {};
  if (Object.hasOwn(meanings, name)) return meanings[name] ?? '';
  const near = nearestNames(name, known);
  return near.length > 0 ? question(near) : (options.otherwise ?? `there are: ${known.join(', ')}`);
}

function question(names: readonly string[]): string {
  return `did you mean ${names.join(' or ')}?`;
}

/** Those that the name is the beginning of; or else the nearest, when they are near enough. */
function nearestNames(name: string, known: readonly string[]): readonly string[] {
  const word = plain(name);
  // A word of two letters is the beginning of too many, and near to any other.
  if (word.length < 3 || word.length > LENGTH_MAX) return [];
  const longer = known.filter((each) => plain(each).startsWith(word));
  if (longer.length > 0) return longer;
  const distances = known.map((each) => distanceBetween(word, plain(each)));
  const least = Math.min(...distances);
  // Two letters of four are another word.
  return least > (word.length <= 4 ? 1 : 2) ? [] : known.filter((_, index) => distances[index] === least);
}

/** How many letters are put in, taken away, changed, or swapped with their neighbour to make one word of the other. */
function distanceBetween(one: string, other: string): number {
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 0; row < one.length; row += 1) {
    const current = [row + 1];
    for (let column = 0; column < other.length; column += 1) {
      const isSame = one[row] === other[column];
      const isSwapped = row > 0 && column > 0 && one[row] === other[column - 1] && one[row - 1] === other[column];
      current.push(
        Math.min(
          (last[column + 1] ?? 0) + 1,
          (current[column] ?? 0) + 1,
          (last[column] ?? 0) + (isSame ? 0 : 1),
          isSwapped ? (beforeLast[column - 1] ?? 0) + 1 : Infinity,
        ),
      );
    }
    beforeLast = last;
    last = current;
  }
  return last[other.length] ?? 0;
}

/** Without what languages disagree about: capitals, underscores, hyphens. */
function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** The words of a name, in an order that is always the same. */
function wordsOf(name: string): string {
  return (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+/g) ?? [name]).map(plain).sort().join(' ');
}

/** The time is the product of the lengths; no option has so long a name. */
const LENGTH_MAX = 48;
