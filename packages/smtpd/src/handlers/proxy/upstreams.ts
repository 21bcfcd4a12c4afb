/** The servers behind a proxy: which of a route's is asked, in what order, and what they can do. */

import { Resolver } from 'node:dns/promises';

import { SMTPConnectionError, SMTPRefusedError } from '../../client/client-errors.js';
import type { Destination, MXDestination } from '../../client/destination.js';
import { MX_TIME_LIMIT_MS, MXLookup, type MXResolver } from '../../client/mx-lookup.js';
import { SMTPClientPool, type Lease, type PoolDestination, type TransactionStart } from '../../client/pool.js';
import { broughtToUpstream } from '../../protocol/brought-names.js';
import { assertNever, InvariantError, UsageError } from '../../protocol/errors.js';
import { SMTPReplyError, type Reply } from '../../protocol/reply.js';
import type { ProxyHeader } from '../../protocol/proxy-header.js';
import type { ServerCapabilities } from '../../protocol/server-capabilities.js';
import { unknownOptions, type KnownOptions } from '../../protocol/unknown-options.js';
import type { CompleteOptions } from '../../server/server-options.js';
import type { Route } from './routes.js';
import {
  poolDestination,
  UPSTREAM_OPTION_NAMES,
  upstreamClient,
  upstreamPool,
  type UpstreamClient,
  type UpstreamOptions,
} from './upstream-options.js';
import { factsOfFailure } from './upstream-reply.js';

/** What the upstreams need besides. */
export interface UpstreamsContext {
  readonly hostname: string;
  readonly clock: CompleteOptions['clock'];
  readonly logger: CompleteOptions['logger'];
  readonly balance: 'inOrder' | 'leastBusy';
  /** Whether connections begin with a PROXY header, those that are for no client, too. */
  readonly hasProxyHeader: boolean;
  /** Asks DNS for `mx:` destinations. */
  readonly resolver: MXResolver | undefined;
}

/** A connection that carries one message, because it says for whom. */
export interface OwnConnection {
  /** Different for different clients. */
  readonly key: string;
  /** What the connection begins with; `undefined`: nothing. */
  readonly proxyHeader: ProxyHeader | undefined;
}

/** A transaction that is to be opened upstream. */
export interface UpstreamStart extends TransactionStart {
  readonly signal: AbortSignal;
  /** A connection of its own; `undefined`: one that is shared. */
  readonly own?: OwnConnection | undefined;
}

/** A transaction that was opened upstream. */
export interface Opened {
  readonly lease: Lease;
  /** To MAIL. */
  readonly reply: Reply;
  /** For logs. */
  readonly where: string;
}

/** Who has a transaction opened. One of the two is called, once. */
export interface OpeningReceiver {
  onOpened(opened: Opened): void;
  onFailure(error: unknown): void;
}

/** The servers behind a proxy. */
export class Upstreams {
  readonly #context: UpstreamsContext;
  readonly #client: UpstreamClient;
  readonly #pool: SMTPClientPool;
  readonly #mx: MXLookup;
  /** How to connect to those that are known in advance. */
  readonly #fixed = new WeakMap<Destination, PoolDestination>();
  /** All of a route's, where they are known in advance. */
  readonly #candidates = new WeakMap<Route, readonly PoolDestination[]>();

  /** @throws {@link UsageError} `SMTPD_BAD_OPTION`, `SMTPD_CONFLICTING_OPTIONS` */
  constructor(options: UpstreamOptions, context: UpstreamsContext) {
    const unknown = unknownOptions(options, OPTIONS);
    if (unknown !== undefined) throw new UsageError('SMTPD_BAD_OPTION', unknown);
    const { clock, hostname } = context;
    this.#context = context;
    this.#client = {
      ...upstreamClient(options, { hostname, clock }),
      ...(context.hasProxyHeader ? { proxyHeader: { command: 'local', tlvs: [] } } : {}),
    };
    this.#pool = new SMTPClientPool(upstreamPool(options, { clock }));
    this.#mx = new MXLookup({
      resolver: context.resolver ?? new Resolver(),
      ownNames: [hostname],
      random: Math.random,
      timeLimitMs: MX_TIME_LIMIT_MS,
      clock,
    });
  }

  /**
   * Opens a transaction with one of a route's servers: the first that can be reached.
   *
   * @param domain - the recipient's, for `mx:`
   * @param receiver - of a failure it hears what {@link SMTPClientPool.begin} throws for the last of them; {@link SMTPReplyError} when DNS
   * knows of none
   */
  begin(route: Route, domain: string | undefined, start: UpstreamStart, receiver: OpeningReceiver): void {
    const known = this.#knownCandidates(route);
    if (known !== undefined) {
      this.#beginWithOneOf(this.#inOrder(known), 0, start, receiver);
      return;
    }
    this.#candidatesOf(route, domain, start.signal).then(
      (candidates) => {
        this.#beginWithOneOf(this.#inOrder(candidates), 0, start, receiver);
      },
      (error: unknown) => {
        receiver.onFailure(error);
      },
    );
  }

  #beginWithOneOf(
    candidates: readonly PoolDestination[],
    index: number,
    start: UpstreamStart,
    receiver: OpeningReceiver,
  ): void {
    const candidate = candidates[index];
    if (candidate === undefined) {
      receiver.onFailure(new InvariantError('A route has a destination'));
      return;
    }
    const { signal, own } = start;
    this.#pool.requestBegin(own === undefined ? candidate : ownCandidate(candidate, own), start, start, {
      onBegun: (lease, reply) => {
        receiver.onOpened({ lease: own === undefined ? lease : usedOnce(lease), reply, where: nameOf(candidate) });
      },
      onFailure: (error) => {
        const isNextAsked = !signal.aborted && isUnreachable(error);
        if (isNextAsked) {
          this.#context.logger.warn(
            { upstream: nameOf(candidate), ...factsOfFailure(error) },
            'A server behind the proxy cannot be reached',
          );
        }
        if (isNextAsked && index + 1 < candidates.length) {
          this.#beginWithOneOf(candidates, index + 1, start, receiver);
        } else {
          receiver.onFailure(error);
        }
      },
    });
  }

  /**
   * What can be carried to every destination that is known in advance, as far as they can be reached: those of `mx:` are not. Empty when
   * none is known.
   */
  async capabilities(routes: readonly Route[], signal: AbortSignal): Promise<readonly ServerCapabilities[]> {
    const fixed = routes.flatMap(({ destinations }) =>
      destinations.filter((destination) => destination.kind !== 'mx').map((each) => this.#toPool(each)),
    );
    // The usual case: they were asked for another client, a moment ago.
    const fresh = fixed.map((to) => this.#pool.knownCapabilities(to, CAPABILITIES_AGE_MS));
    if (fresh.every((capabilities) => capabilities !== undefined)) return fresh;
    const patience = new AbortController();
    const cancelTimer = this.#context.clock.setTimer(() => {
      patience.abort(new Error('The next server did not say in time what it offers'));
    }, CAPABILITIES_WAIT_MS);
    const limited = AbortSignal.any([signal, patience.signal]);
    const known = await Promise.all(
      fixed.map(async (to) => {
        // Somebody who does not answer is not waited for by every client that comes; what he said before will do.
        if (this.#pool.hasFailed(to, FAILED_MS)) return this.#pool.knownCapabilities(to);
        try {
          return await this.#pool.capabilities(to, { maxAgeMs: CAPABILITIES_AGE_MS, signal: limited });
        } catch {
          return this.#pool.knownCapabilities(to);
        }
      }),
    );
    cancelTimer();
    return known.filter((capabilities) => capabilities !== undefined);
  }

  /** Closes, when no client is there any more who waits for one of the servers. */
  close(): Promise<void> {
    return this.#pool.close({ cutsLoans: true });
  }

  /** Cuts every connection. */
  destroy(): Promise<void> {
    return this.#pool.destroy();
  }

  /** The servers of a route where nobody has to be asked for them. */
  #knownCandidates(route: Route): readonly PoolDestination[] | undefined {
    let known = this.#candidates.get(route);
    if (known === undefined && !route.destinations.some(({ kind }) => kind === 'mx')) {
      known = route.destinations.filter((each) => each.kind !== 'mx').map((each) => this.#toPool(each));
      this.#candidates.set(route, known);
    }
    return known;
  }

  async #candidatesOf(
    { destinations }: Route,
    domain: string | undefined,
    signal: AbortSignal,
  ): Promise<readonly PoolDestination[]> {
    const candidates: PoolDestination[] = [];
    for (const destination of destinations) {
      if (destination.kind !== 'mx') candidates.push(this.#toPool(destination));
      else candidates.push(...(await this.#lookUp(destination.domain ?? domain ?? '', signal)));
    }
    return candidates;
  }

  async #lookUp(domain: string, signal: AbortSignal): Promise<readonly PoolDestination[]> {
    const outcome = await this.#mx.find(domain, signal);
    switch (outcome.kind) {
      case 'hosts':
        return outcome.hosts.map(({ host }) =>
          this.#toPool({ kind: 'host', protocol: 'smtp', host, port: SMTP_PORT, isImplicitTLS: false }),
        );
      case 'nullMX':
        // RFC 7505 §4.1: it says that it takes no mail.
        throw new SMTPReplyError(556, '5.1.10', "Error: the recipient's domain takes no mail");
      case 'noSuchDomain':
        throw new SMTPReplyError(550, '5.1.2', "Error: the recipient's domain does not exist");
      case 'loopsBack':
        // RFC 3463 §3.5: 5.4.6 is a routing loop.
        throw new SMTPReplyError(554, '5.4.6', 'Error: mail for this domain would come back to us');
      case 'temporarilyUnknown':
        this.#context.logger.warn({ domain, reason: outcome.cause.message }, 'DNS did not say where mail goes');
        throw new SMTPReplyError(451, '4.4.3', "Error: the recipient's domain cannot be looked up; try again later");
      default:
        return assertNever(outcome);
    }
  }

  /** Those that did not answer lately are asked last. */
  #inOrder(candidates: readonly PoolDestination[]): readonly PoolDestination[] {
    if (candidates.length <= 1) return candidates;
    const sorted =
      this.#context.balance === 'leastBusy'
        ? [...candidates].sort((a, b) => this.#pool.busyCount(a) - this.#pool.busyCount(b))
        : candidates;
    const isDown = (to: PoolDestination): boolean => this.#pool.hasFailed(to, FAILED_MS);
    return [...sorted.filter((to) => !isDown(to)), ...sorted.filter(isDown)];
  }

  #toPool(destination: Exclude<Destination, MXDestination>): PoolDestination {
    const known = this.#fixed.get(destination);
    if (known !== undefined) return known;
    const made = poolDestination(destination, this.#client);
    this.#fixed.set(destination, made);
    return made;
  }
}

function ownCandidate({ client, key = '' }: PoolDestination, own: OwnConnection): PoolDestination {
  const { proxyHeader } = own;
  return { key: `${key} ${own.key}`, client: proxyHeader === undefined ? client : { ...client, proxyHeader } };
}

function usedOnce(lease: Lease): Lease {
  return {
    client: lease.client,
    isReused: lease.isReused,
    release: () => {
      lease.release({ isLast: true });
    },
    discard: () => {
      lease.discard();
    },
  };
}

function nameOf({ key }: PoolDestination): string {
  return key ?? '';
}

/** Nothing was asked of it yet, so another may be asked instead. */
function isUnreachable(error: unknown): boolean {
  if (error instanceof SMTPRefusedError) return true;
  return error instanceof SMTPConnectionError && error.code !== 'SMTPD_ABORTED';
}

const OPTIONS: KnownOptions = {
  known: new Set<string>(UPSTREAM_OPTION_NAMES),
  meant: broughtToUpstream,
  title: (name) => `There is no option upstream.${name}`,
};
const SMTP_PORT = 25;
/** How long a server that could not be reached is asked last. */
const FAILED_MS = 10_000;
/** How long what a server offers is believed without asking. */
const CAPABILITIES_AGE_MS = 60_000;
/** How long a client's EHLO may be held up by that question. */
const CAPABILITIES_WAIT_MS = 5_000;
