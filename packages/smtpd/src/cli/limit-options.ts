/** The options of the limits, made from the library's own list of them: no name, default or consequence is written twice. */

import { DEFAULT_LIMITS, LIMIT_NOTES, type Limits } from '../index.js';
import { numberOf, type OptionDefinition, type OptionValues } from './options.js';

/** One option for each limit. */
export const LIMIT_OPTIONS: readonly OptionDefinition[] = limitNames().map((limit) => ({
  name: optionNameOf(limit),
  value: 'N',
  kind: 'limit',
  default: DEFAULT_LIMITS[limit],
  isWhole: true,
  group: 'limits',
  help: LIMIT_NOTES[limit].reply.replace(/`(\w+)`/g, (_, other: string) => `--${optionNameOf(other)}`),
}));

/**
 * The option of a limit: its words with hyphens, `max` or `min` in front. A wait and an age are the longest ones.
 *
 * @example
 * ```ts
 * optionNameOf('recipientsMax'); // 'max-recipients'
 * optionNameOf('commandWaitMs'); // 'max-command-wait-ms'
 * optionNameOf('contentRateMin'); // 'min-content-rate'
 * ```
 */
function optionNameOf(limit: string): string {
  const words = limit.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const [, rest, bound] = /^(.*)-(max|min)$/.exec(words) ?? [];
  if (rest !== undefined && bound !== undefined) return `${bound}-${rest}`;
  return /-(?:wait|age)-ms$/.test(words) ? `max-${words}` : words;
}

/** The limits that were given. */
export function givenLimits(options: OptionValues): Partial<Limits> {
  return Object.fromEntries(
    limitNames().flatMap((limit) => {
      const value = numberOf(options, optionNameOf(limit));
      return value === undefined ? [] : [[limit, value]];
    }),
  );
}

function limitNames(): readonly (keyof Limits)[] {
  return Object.keys(LIMIT_NOTES) as (keyof Limits)[];
}
