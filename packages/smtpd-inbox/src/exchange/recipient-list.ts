/**
 * The list of recipients that whoever runs the inbox allows: a typing error in a test must reach nobody. It errs towards no.
 *
 *     ann@a.example      this address
 *     @a.example         all addresses of this domain; a.example is the same
 *     *@a.example        the same
 *     qa-*@a.example     those whose local part looks like that
 *     *@*.a.example      all addresses of all domains below
 *     *                  everybody
 */

import { canonicalAddress } from '../search/addresses.js';
import { isWildcardMatch } from '../search/wildcard.js';
import { ExchangeError } from './exchange-error.js';

/** A list of recipients. */
export class RecipientList {
  readonly #entries: readonly string[];

  /** @throws {@link ExchangeError} `EXCHANGE_BAD_OPTION` for an entry that no address could match */
  constructor(entries: readonly string[]) {
    this.#entries = entries.map(completeEntry);
  }

  /** Whether nobody is on it. */
  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** Whether an address is on it. The local part is compared exactly, the domain without regard to case. */
  has(address: string): boolean {
    const canonical = canonicalAddress(address);
    const at = canonical.lastIndexOf('@');
    // A local part that some server would read as a way to somewhere else has to be on the list as it is (RFC 5321 §3.6.1, §4.1.2).
    const isPlain = at > 0 && PLAIN_LOCAL_PART.test(canonical.slice(0, at));
    return this.#entries.some((entry) => {
      if (entry === canonical || entry === '*') return true;
      const entryAt = entry.lastIndexOf('@');
      return (
        isPlain &&
        isWildcardMatch(canonical.slice(0, at), entry.slice(0, entryAt)) &&
        isWildcardMatch(canonical.slice(at + 1), entry.slice(entryAt + 1))
      );
    });
  }
}

function completeEntry(entry: string): string {
  const text = entry.trim();
  if (text === '*') return text;
  const at = text.lastIndexOf('@');
  const domain = text.slice(at + 1);
  if (domain === '' || /[\s\p{Cc}<>,]/u.test(text)) {
    throw new ExchangeError(
      'EXCHANGE_BAD_OPTION',
      `${JSON.stringify(entry)} is nobody: write ann@a.example, @a.example, qa-*@a.example, *@*.a.example, or * for everybody`,
    );
  }
  return canonicalAddress(at <= 0 ? `*@${domain}` : text);
}

/** No quotes, and none of `%`, `!`, `@`, `:`, `,` and `;`, by which mail was sent on in former times. */
const PLAIN_LOCAL_PART = /^[^"\\%!@:,;<>()[\]\s\p{Cc}]+$/u;
