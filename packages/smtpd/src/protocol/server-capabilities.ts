/** What a server said that it can do: its reply to EHLO or LHLO (RFC 5321 §4.1.1.1), read once. */

import { asciiUpperCase } from './grammar.js';
import type { Reply } from './reply.js';

/**
 * A server's capabilities.
 *
 * @example
 * ```ts
 * const { capabilities } = client;
 * if (capabilities.has('SMTPUTF8')) console.log(capabilities.sizeLimitBytes);
 * ```
 */
export class ServerCapabilities {
  /** What the server calls itself; `''` when it does not say. */
  readonly hostname: string;
  /** Keyword, in upper case → what stands behind it, word by word, as it was sent. */
  readonly keywords: ReadonlyMap<string, readonly string[]>;

  /** @internal */
  constructor(hostname: string, keywords: ReadonlyMap<string, readonly string[]>) {
    this.hostname = hostname;
    this.keywords = keywords;
  }

  /** Whether the server offers an extension. */
  has(keyword: string): boolean {
    return this.keywords.has(keyword);
  }

  /** Octets of the largest message (RFC 1870 §4); `undefined` when the server does not say, or knows no limit. */
  get sizeLimitBytes(): number | undefined {
    const value = this.keywords.get('SIZE')?.[0];
    const limit = value === undefined || !DECIMAL.test(value) ? 0 : Number(value);
    return limit === 0 ? undefined : limit;
  }

  /** SASL mechanisms, in upper case (RFC 4954 §4). */
  get authMechanisms(): readonly string[] {
    return (this.keywords.get('AUTH') ?? []).map(asciiUpperCase);
  }

  /** What LIMITS says (RFC 9422 §4): recipients of one message, messages of one session; `undefined` where it says nothing. */
  get recipientsMax(): number | undefined {
    return this.#limit('RCPTMAX');
  }

  /** Messages of one session (RFC 9422 §4.1). */
  get messagesMax(): number | undefined {
    return this.#limit('MAILMAX');
  }

  #limit(name: string): number | undefined {
    for (const word of this.keywords.get('LIMITS') ?? []) {
      const [key = '', value = ''] = word.split('=');
      // RFC 9422 §4: one to six digits, the first of which is not 0.
      if (asciiUpperCase(key) === name && LIMIT_VALUE.test(value)) return Number(value);
    }
    return undefined;
  }
}

/**
 * Reads a positive reply to EHLO or LHLO. Lines that are no keyword are passed over (RFC 5321 §4.1.1.1: a client ignores what it does
 * not know).
 */
export function readCapabilities(reply: Reply): ServerCapabilities {
  const [greeting = '', ...lines] = reply.lines;
  const keywords = new Map<string, readonly string[]>();
  for (const line of lines) {
    // `AUTH=LOGIN` is what servers sent before RFC 2554, and some still send it beside the right line.
    const [first = '', ...words] = line
      .replace(OLD_AUTH, 'AUTH ')
      .split(' ')
      .filter((word) => word !== '');
    const keyword = asciiUpperCase(first);
    if (!KEYWORD.test(keyword)) continue;
    const before = keywords.get(keyword) ?? [];
    keywords.set(keyword, Object.freeze([...before, ...words.filter((word) => !before.includes(word))]));
  }
  return new ServerCapabilities(greeting.split(' ')[0] ?? '', keywords);
}

/** A server that was greeted with HELO, or not yet. */
export const NO_CAPABILITIES = new ServerCapabilities('', new Map());

const KEYWORD = /^[A-Z0-9][A-Z0-9-]*$/;
const OLD_AUTH = /^AUTH=/i;
const DECIMAL = /^\d{1,15}$/;
const LIMIT_VALUE = /^[1-9]\d{0,5}$/;
