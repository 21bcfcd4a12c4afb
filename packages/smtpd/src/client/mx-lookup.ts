/**
 * From the domain of a recipient to the hosts that take its mail, in the order in which they are to be tried (RFC 5321 §5.1).
 *
 * Addresses of the hosts are not looked up here but when one is connected to. Nothing is kept: answers of `resolveMx` come
 * without their time to live, and the resolver of the machine, which knows it, keeps them already.
 */

import type { Clock } from '../net/clock.js';
import { assertNever } from '../protocol/errors.js';
import { parseAddressLiteral } from '../protocol/grammar.js';
import { formatIPAddress, parseIPAddress } from '../protocol/ip-address.js';
import { asciiDomain } from './ascii-domain.js';

/** What is asked of DNS: a `Resolver` of `node:dns/promises` has it. */
export interface MXResolver {
  resolveMx(name: string): Promise<readonly { readonly exchange: string; readonly priority: number }[]>;
  resolve4(name: string): Promise<readonly string[]>;
  resolve6(name: string): Promise<readonly string[]>;
}

/** A host that takes the mail of a domain. */
export interface MXHost {
  /** A name, in ASCII and lower case; an IP address when the domain was an address literal. */
  readonly host: string;
  /** The lower, the sooner it is tried. 0 where the domain itself is the host. */
  readonly preference: number;
}

/** What came of a look-up. */
export type MXOutcome =
  /** At least one, in the order in which they are to be tried. */
  | { readonly kind: 'hosts'; readonly hosts: readonly MXHost[] }
  /** RFC 7505: the domain says that it takes no mail. */
  | { readonly kind: 'nullMX' }
  /** The best host is one of our own names: mail sent there would come back. */
  | { readonly kind: 'loopsBack' }
  /** There is no such domain; or it has neither a usable MX nor an address; or the text is none. */
  | { readonly kind: 'noSuchDomain' }
  /** DNS did not say. Later it may. */
  | { readonly kind: 'temporarilyUnknown'; readonly cause: Error };

/** How look-ups are made. */
export interface MXLookupOptions {
  readonly resolver: MXResolver;
  /** The names and addresses under which our own mail comes in. */
  readonly ownNames: readonly string[];
  /** A number from 0 up to 1, but not 1: `Math.random`. It orders hosts of equal preference. */
  readonly random: () => number;
  /** How long DNS may take, all queries of one look-up together. */
  readonly timeLimitMs: number;
  readonly clock: Clock;
}

/**
 * Looks up where the mail of domains goes.
 *
 * @example
 * ```ts
 * const lookup = new MXLookup({
 *   resolver: new Resolver(),
 *   ownNames: ['mx.example.org'],
 *   random: Math.random,
 *   timeLimitMs: MX_TIME_LIMIT_MS,
 *   clock: systemClock,
 * });
 * const outcome = await lookup.find('example.net', signal);
 * if (outcome.kind === 'hosts') console.log(outcome.hosts); // [{ host: 'mx1.example.net', preference: 10 }, …]
 * ```
 */
export class MXLookup {
  readonly #options: MXLookupOptions;
  readonly #ownNames: ReadonlySet<string>;

  constructor(options: MXLookupOptions) {
    this.#options = options;
    this.#ownNames = new Set(options.ownNames.map((name) => canonicalHost(name) ?? name));
  }

  /**
   * Finds the hosts of a domain.
   *
   * @param domain - as it stands in an address: a domain, with U-labels or A-labels, or an address literal in its brackets
   * @param signal - gives the look-up up: the promise rejects with its reason
   */
  async find(domain: string, signal?: AbortSignal): Promise<MXOutcome> {
    signal?.throwIfAborted();
    if (domain.startsWith('[') && domain.endsWith(']')) return this.#literal(domain.slice(1, -1));
    const name = asciiDomain(domain);
    if (name === undefined) return NO_SUCH_DOMAIN;
    return this.#inTime(this.#query(name), signal);
  }

  /** RFC 5321 §4.1.3, §5.1: an address literal is its own host, and DNS is not asked. */
  #literal(text: string): MXOutcome {
    const literal = parseAddressLiteral(text);
    // A literal of another kind leads nowhere, also where it looks like an address.
    if (literal === undefined || literal.kind === 'general') return NO_SUCH_DOMAIN;
    const host = canonicalAddress(literal.address);
    if (host === undefined) return NO_SUCH_DOMAIN;
    return this.#ordered([{ host, preference: 0 }]);
  }

  async #query(name: string): Promise<MXOutcome> {
    const { resolver } = this.#options;
    const found = await ask(resolver.resolveMx(name));
    switch (found.kind) {
      case 'failed':
        return { kind: 'temporarilyUnknown', cause: found.cause };
      case 'noSuchName':
        return NO_SUCH_DOMAIN;
      case 'noRecords':
        return this.#implicit(name);
      case 'records':
        return this.#explicit(found.records);
      default:
        return assertNever(found);
    }
  }

  /** RFC 5321 §5.1: a domain without MX is its own host with preference 0, when it has an address. */
  async #implicit(name: string): Promise<MXOutcome> {
    const { resolver } = this.#options;
    const answers = await Promise.all([ask(resolver.resolve4(name)), ask(resolver.resolve6(name))]);
    if (answers.some(({ kind }) => kind === 'records')) return this.#ordered([{ host: name, preference: 0 }]);
    for (const answer of answers) {
      if (answer.kind === 'failed') return { kind: 'temporarilyUnknown', cause: answer.cause };
    }
    return NO_SUCH_DOMAIN;
  }

  #explicit(records: readonly { readonly exchange: string; readonly priority: number }[]): MXOutcome {
    // RFC 7505 §3: an MX that names the root says that there is no host. Beside others it says nothing.
    const isNull = records.every(({ exchange }) => exchange === '' || exchange === '.');
    if (isNull) return Object.freeze({ kind: 'nullMX' });

    const best = new Map<string, number>();
    for (const { exchange, priority } of records) {
      // RFC 5321 §5.1: an MX names a domain. What is none, an address for instance, is passed over.
      const host = asciiDomain(exchange.replace(/\.$/, ''));
      if (host !== undefined) best.set(host, Math.min(priority, best.get(host) ?? Infinity));
    }
    // RFC 5321 §5.1: when there are MX records and none is of use, the domain's own address is none either.
    if (best.size === 0) return NO_SUCH_DOMAIN;
    return this.#ordered(Array.from(best, ([host, preference]) => ({ host, preference })));
  }

  /** The hosts that are nearer to the goal than we are, by preference, and equal ones in an order that chance decides. */
  #ordered(hosts: readonly MXHost[]): MXOutcome {
    const { random } = this.#options;
    // RFC 5321 §5.1: where we are among the hosts, those of our preference and of worse ones would send mail back to us.
    const own = hosts.filter(({ host }) => this.#ownNames.has(host)).map(({ preference }) => preference);
    const nearer = hosts.filter(({ preference }) => preference < Math.min(Infinity, ...own));
    if (nearer.length === 0) return Object.freeze({ kind: 'loopsBack' });

    // RFC 5321 §5.1: hosts of equal preference must be tried in random order, so that they share the load.
    const shuffled = shuffle(nearer, random).sort((a, b) => a.preference - b.preference);
    return Object.freeze({ kind: 'hosts', hosts: Object.freeze(shuffled.slice(0, MX_HOSTS_MAX)) });
  }

  /** The outcome, or that there was none in time. What DNS says later is dropped. */
  async #inTime(outcome: Promise<MXOutcome>, signal: AbortSignal | undefined): Promise<MXOutcome> {
    const { clock, timeLimitMs } = this.#options;
    let stopWaiting = (): void => undefined;
    const noOutcome = new Promise<MXOutcome>((resolve, reject) => {
      const onAbort = (): void => {
        reject(signal?.reason as Error);
      };
      const cancelTimer = clock.setTimer(() => {
        const cause = new Error(`DNS did not answer within ${String(timeLimitMs)} ms`);
        resolve({ kind: 'temporarilyUnknown', cause });
      }, timeLimitMs);
      signal?.addEventListener('abort', onAbort, { once: true });
      stopWaiting = () => {
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
      };
    });
    try {
      return await Promise.race([outcome, noOutcome]);
    } finally {
      stopWaiting();
    }
  }
}

/** How long a look-up may take when nobody says otherwise: less than a client waits for the reply to RCPT (RFC 5321 §4.5.3.2.3). */
export const MX_TIME_LIMIT_MS = 30_000;

/** What DNS said to one question. */
type Answer<Records> =
  | { readonly kind: 'records'; readonly records: Records }
  /** The name exists, without records of this type. */
  | { readonly kind: 'noRecords' }
  | { readonly kind: 'noSuchName' }
  | { readonly kind: 'failed'; readonly cause: Error };

async function ask<One>(question: Promise<readonly One[]>): Promise<Answer<readonly One[]>> {
  try {
    const records = await question;
    return records.length === 0 ? { kind: 'noRecords' } : { kind: 'records', records };
  } catch (error) {
    const cause = error instanceof Error ? error : new Error(String(error));
    // RFC 5321 §5.1: only what DNS says for certain is final; whatever else went wrong may go right later.
    return FINAL_ANSWERS[(cause as NodeJS.ErrnoException).code ?? ''] ?? { kind: 'failed', cause };
  }
}

/** By the code of the resolver's error. */
const FINAL_ANSWERS: Readonly<Partial<Record<string, Answer<never>>>> = Object.freeze({
  ENODATA: { kind: 'noRecords' },
  ENOTFOUND: { kind: 'noSuchName' },
});

/** Each order is as likely as any other (Fisher and Yates). */
function shuffle<Item>(items: readonly Item[], random: () => number): Item[] {
  const left = [...items];
  const shuffled: Item[] = [];
  while (left.length > 0) shuffled.push(...left.splice(Math.floor(random() * left.length), 1));
  return shuffled;
}

/** The form in which hosts are compared. */
function canonicalHost(text: string): string | undefined {
  return asciiDomain(text.replace(/\.$/, '')) ?? canonicalAddress(text);
}

function canonicalAddress(text: string): string | undefined {
  const octets = parseIPAddress(text);
  return octets === undefined ? undefined : formatIPAddress(octets);
}

/** Nobody has so many; a longer list would keep a sender busy for a stranger. */
const MX_HOSTS_MAX = 32;

const NO_SUCH_DOMAIN: MXOutcome = Object.freeze({ kind: 'noSuchDomain' });
