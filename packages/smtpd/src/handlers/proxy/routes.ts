/** Where the mail of each recipient goes: routes by domain, as they were configured. */

import { asciiDomain } from '../../client/ascii-domain.js';
import { formatDestination, parseDestination, type Destination } from '../../client/destination.js';
import { UsageError } from '../../protocol/errors.js';

/** Destinations that are as good as each other: in order of preference, or the least busy first. */
export interface Route {
  /** Equal for equal routes. */
  readonly key: string;
  readonly destinations: readonly Destination[];
}

/** A destination as people write it (`mail.example.org:25`, `lmtp:unix:/run/lmtp`, `mx:`), or several, in order. */
export type RouteText = string | readonly string[];

/**
 * Reads a route.
 *
 * @throws {@link UsageError} `SMTPD_BAD_ADDRESS`
 */
export function parseRoute(text: RouteText): Route {
  const destinations = listOf(text).map(parseDestination);
  if (destinations.length === 0) throw new UsageError('SMTPD_BAD_ADDRESS', 'A route has at least one destination');
  return Object.freeze({
    key: destinations.map(formatDestination).join(','),
    destinations: Object.freeze(destinations),
  });
}

function listOf(given: unknown): readonly string[] {
  const list: unknown[] = typeof given === 'string' ? given.split(',') : Array.isArray(given) ? given : [given];
  // What is no text, whoever reads destinations says so.
  return list.map((each) => (typeof each === 'string' ? each.trim() : (each as string)));
}

/** Whether the server depends on the recipient's domain: `mx:` alone. */
export function isByRecipient({ destinations }: Route): boolean {
  return destinations.some((destination) => destination.kind === 'mx' && destination.domain === undefined);
}

/**
 * Routes by recipient domain.
 *
 * @example
 * ```ts
 * const routes = new RouteTable({ 'example.org': '192.0.2.1:25', '*.example.org': 'mx:' }, undefined);
 * routes.find('lists.example.org')?.key; // 'mx:'
 * ```
 */
export class RouteTable {
  readonly #exact = new Map<string, Route>();
  /** By what stands behind the first label. */
  readonly #below = new Map<string, Route>();
  /** For all others. */
  readonly fallback: Route | undefined;

  /** @throws {@link UsageError} `SMTPD_BAD_ADDRESS`, `SMTPD_CONFLICTING_OPTIONS` */
  constructor(routes: Readonly<Record<string, RouteText>>, fallback: RouteText | undefined) {
    let all: Route | undefined;
    for (const [pattern, text] of Object.entries(routes)) {
      const route = parseRoute(text);
      if (pattern === '*') {
        all = route;
        continue;
      }
      const isBelow = pattern.startsWith('*.');
      const domain = asciiDomain(isBelow ? pattern.slice(2) : pattern);
      if (domain === undefined) {
        throw new UsageError(
          'SMTPD_BAD_ADDRESS',
          `"${pattern}" is no domain to route; write example.org, *.example.org or *`,
        );
      }
      const table = isBelow ? this.#below : this.#exact;
      if (table.has(domain)) {
        throw new UsageError('SMTPD_CONFLICTING_OPTIONS', `There are two routes for the domain of "${pattern}"`);
      }
      table.set(domain, route);
    }
    if (all !== undefined && fallback !== undefined) {
      throw new UsageError(
        'SMTPD_CONFLICTING_OPTIONS',
        'The route * and remoteAddress are the same thing: give one of them',
      );
    }
    this.fallback = all ?? (fallback === undefined ? undefined : parseRoute(fallback));
  }

  /** The route that is there for every recipient; `undefined` when it depends on the recipient. */
  get only(): Route | undefined {
    return this.#exact.size === 0 && this.#below.size === 0 ? this.fallback : undefined;
  }

  /** All of them. */
  get all(): readonly Route[] {
    const routes = [...this.#exact.values(), ...this.#below.values()];
    return this.fallback === undefined ? routes : [...routes, this.fallback];
  }

  /** The domain's own route, or the one of a domain above it. */
  findOwn(domain: string | undefined): Route | undefined {
    if (this.#exact.size === 0 && this.#below.size === 0) return undefined;
    const ascii = domain === undefined ? undefined : asciiDomain(domain);
    if (ascii === undefined) return undefined;
    const exact = this.#exact.get(ascii);
    if (exact !== undefined) return exact;
    let rest = ascii;
    for (;;) {
      const dot = rest.indexOf('.');
      if (dot < 0) return undefined;
      rest = rest.slice(dot + 1);
      const route = this.#below.get(rest);
      if (route !== undefined) return route;
    }
  }

  /** Where mail for a domain goes; `undefined`: nowhere. */
  find(domain: string | undefined): Route | undefined {
    return this.findOwn(domain) ?? this.fallback;
  }

  /** For people: domain by domain. */
  describe(): readonly string[] {
    const lines = [...this.#exact].map(([domain, { key }]) => `${domain} to ${key}`);
    lines.push(...[...this.#below].map(([domain, { key }]) => `*.${domain} to ${key}`));
    if (this.fallback !== undefined)
      lines.push(`${lines.length === 0 ? 'everything' : 'everything else'} to ${this.fallback.key}`);
    return lines;
  }
}
