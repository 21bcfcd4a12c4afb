/**
 * A proxy that tells each client what the next server says, when it says it: the upstream's transaction opens as the client's proceeds,
 * content passes through while it comes, and the reply after it is the upstream's own. Nothing is kept here, and nothing is promised
 * that the upstream did not promise.
 *
 * The steps of a transaction are `proxy/proxied-transaction.ts`, the servers behind `proxy/upstreams.ts`.
 */

import type { SMTPClient } from '../client/client.js';
import type { OfferNarrowing } from '../protocol/extension.js';
import { octets } from '../protocol/octets.js';
import type { Parameter } from '../protocol/parameters.js';
import type { Path } from '../protocol/path.js';
import { Reply, SMTPReplyError } from '../protocol/reply.js';
import { formatOptions } from '../protocol/session-state.js';
import { formatPeerHeader } from '../protocol/trace-header.js';
import type { HookRequest, MailRequest, RcptRequest } from '../server/hooks.js';
import { Later, listenTo } from '../server/later.js';
import type { StreamedMessage } from '../server/received-message.js';
import { SMTPServer, type CloseOptions } from '../server/server.js';
import type { SessionInfo } from '../server/session-info.js';
import { isThenable, type Awaitable, type Verdict } from '../server/verdict.js';
import { formatClientAttributes } from './proxy/client-attributes.js';
import { refuseSuccessReport, withoutDSN } from './proxy/final-delivery.js';
import { senderParameters, withAddedSize } from './proxy/mail-parameters.js';
import { isTLSCertain, narrowTo, passedOnExtensions } from './proxy/narrowing.js';
import {
  ProxiedTransaction,
  type ContentRules,
  type PlacedRecipient,
  type Placement,
  type TransactionContext,
} from './proxy/proxied-transaction.js';
import {
  splitOptions,
  type CompleteProxyOptions,
  type PureProxyOptions,
  type RouteRequest,
} from './proxy/proxy-options.js';
import { isPostmaster, RelayGuard } from './proxy/relay-guard.js';
import { isByRecipient, parseRoute, RouteTable, type Route, type RouteText } from './proxy/routes.js';
import type { UpstreamOptions } from './proxy/upstream-options.js';
import { Upstreams, type OwnConnection } from './proxy/upstreams.js';
import { receivedField, receivedFieldBytesMin } from './received-field.js';

/** Where a recipient goes, for {@link PureProxy.placeRecipient}. */
export interface RecipientRoute {
  readonly route: Route;
  /** Whether each recipient there has a transaction of its own. */
  readonly isAlone?: boolean;
  /**
   * How to talk to this server, where the proxy's `upstream` is not meant for it: then `identify` is not, either. The same object each time,
   * for connections are kept by it.
   */
  readonly upstream?: UpstreamOptions;
  /**
   * Whether mail is delivered there in the sense of RFC 3461 §5.2.7: what the client asks to be told of the delivery (NOTIFY, ORCPT, RET,
   * ENVID) ends there, and is not passed on. Default: no.
   */
  readonly isFinal?: boolean;
}

/**
 * A proxy.
 *
 * @example
 * ```ts
 * import { PureProxy } from 'smtpd';
 * const proxy = new PureProxy({ localAddress: 'localhost:1025', remoteAddress: 'localhost:25' });
 * await proxy.listen();
 * await proxy.close();
 * ```
 */
export class PureProxy extends SMTPServer {
  readonly #proxy: CompleteProxyOptions;
  readonly #routes: RouteTable;
  readonly #guard: RelayGuard;
  /** By how they are talked to; the proxy's own first. */
  readonly #upstreams = new Map<UpstreamOptions, Upstreams>();
  readonly #sessions = new WeakMap<SessionInfo, ProxiedSession>();
  /** `X-Peer`, which is the same in all messages of a client. */
  readonly #peerFields = new WeakMap<SessionInfo['peer'], Uint8Array>();

  /** @throws {@link UsageError} when an option cannot work, or two contradict each other */
  constructor(options: PureProxyOptions = {}) {
    const { server, proxy } = splitOptions(options);
    super({ ...server, extensions: passedOnExtensions(server.extensions) });
    this.#proxy = proxy;
    this.#routes = new RouteTable(proxy.routes, proxy.remoteAddress);
    this.#guard = new RelayGuard(proxy.allowNetworks ?? [], proxy.open);
    // What cannot work is told now, not when the first client comes.
    this.#upstreamsFor();
    // Behind all that the application adds: whom it refuses, the next server is not asked about.
    this.useLast({
      name: 'proxy',
      offer: (request) => this.#narrow(request),
      mail: (request) => this.#mail(request),
      rcptBatch: (requests) => this.#recipients(requests),
      data: ({ session, verb, signal }) => this.#openOf(session).transaction.startContent(verb, signal),
      reset: ({ session }) => {
        this.#abandon(session);
      },
      close: ({ session }) => {
        this.#abandon(session);
      },
    });
  }

  /** Where mail goes and who may send it there, for people: line by line. */
  describeRelaying(): readonly string[] {
    const routes = this.#routes.describe();
    const all = this.#proxy.route === undefined ? routes : ['single recipients where the program says', ...routes];
    const isAnywhere = this.#routes.fallback !== undefined || this.#proxy.route !== undefined;
    const lines = all.map((line) => `relaying ${line}`);
    return isAnywhere ? [...lines, `may send anywhere: ${this.#guard.describe(this.options)}`] : lines;
  }

  /**
   * Opens the listen addresses, unless everybody could send mail anywhere through them.
   *
   * @throws {@link UsageError} `SMTPD_OPEN_RELAY`, and those of {@link SMTPServer.listen}
   */
  override async listen(): ReturnType<SMTPServer['listen']> {
    this.#guard.check(this.options, {
      relaysAnywhere: this.#routes.fallback !== undefined || this.#proxy.route !== undefined,
      hasNetworks: this.#proxy.allowNetworks !== undefined,
    });
    if (this.describeRelaying().length === 0) {
      this.options.logger.warn(
        {},
        'Nothing says where mail goes: give remoteAddress, routes or route; every recipient is refused',
      );
    }
    return super.listen();
  }

  /** Closes as a server does, and then the connections to the servers behind. */
  override async close(options: CloseOptions = {}): Promise<void> {
    await super.close(options);
    await Promise.all([...this.#upstreams.values()].map((upstreams) => upstreams.close()));
  }

  /** What it returns is a promise for whoever awaits it; the server itself hears of the reply in the turn in which it comes. */
  override streamMessage(message: StreamedMessage): Promise<Verdict | readonly Verdict[]> {
    const verdict = new Later<Verdict | readonly Verdict[]>();
    const { session } = message;
    try {
      const { transaction } = this.#openOf(session);
      this.#sessionOf(session).open = undefined;
      const verdictOf = (replies: readonly Reply[]) => (session.protocol === 'lmtp' ? replies : oneReply(replies));
      listenTo(transaction.passContent(message, this.#contentRules(message)), verdict.settledWith(verdictOf));
    } catch (error) {
      verdict.reject(error);
    }
    return verdict;
  }

  // ---- For subclasses -----------------------------------------------------------------------------------------------

  /**
   * Says where a recipient goes: a route, or a refusal. A subclass may know better.
   *
   * @returns the route, or the reply to RCPT
   */
  protected placeRecipient(request: RouteRequest): Awaitable<RecipientRoute | Reply> {
    const chosen = this.#proxy.route?.(request);
    return isThenable(chosen) ? chosen.then((late) => this.#placeOn(late, request)) : this.#placeOn(chosen, request);
  }

  /**
   * Where mail for the postmaster goes that has no route of its own, whoever sends it (RFC 5321 §4.5.1). `undefined`: nowhere, or where the
   * recipient's domain says.
   */
  protected get postmasterRoute(): RecipientRoute | undefined {
    const { fallback } = this.#routes;
    return fallback === undefined || isByRecipient(fallback) ? undefined : { route: fallback };
  }

  #placeOn(chosen: RouteText | undefined, { recipient, session }: RouteRequest): RecipientRoute | Reply {
    if (chosen !== undefined) return { route: parseRoute(chosen) };
    const own = this.#routes.findOwn(recipient.domain);
    if (own !== undefined) return { route: own };
    if (!this.#guard.mayRelay(session)) {
      // Without a domain it is the one of the server behind; with one it would be a way to send mail anywhere.
      const isOurs = recipient.domain === undefined && isPostmaster(recipient);
      return (isOurs ? this.postmasterRoute : undefined) ?? this.#guard.refusal(this.options);
    }
    const { fallback } = this.#routes;
    // RFC 3463 §3.8: 5.7.1, this client may not have mail sent there.
    return fallback === undefined ? new Reply(550, '5.7.1', 'Error: relaying denied') : { route: fallback };
  }

  /** The routes that every message may take, for what is offered to clients. */
  protected get fixedRoutes(): readonly RecipientRoute[] {
    return this.#routes.all.map((route) => ({ route }));
  }

  // ---- The steps ----------------------------------------------------------------------------------------------------

  async #narrow({ signal }: HookRequest<unknown>): Promise<OfferNarrowing | undefined> {
    const routes = this.fixedRoutes;
    const kinds = routes.flatMap(({ route }) => route.destinations.map(({ kind }) => kind));
    // RFC 8689 §4.2.1: that a name is the right one must be certain, too. What DNS says alone is not.
    const mayRequireTLS = isTLSCertain(this.#proxy.upstream.tls) && !kinds.includes('mx');
    // Of hosts that are looked up for each recipient nobody knows; there the recipient is refused.
    if (kinds.every((kind) => kind === 'mx')) return mayRequireTLS ? undefined : { without: ['REQUIRETLS'] };
    const byUpstreams = new Map<Upstreams, Route[]>();
    for (const { route, upstream } of routes) {
      const upstreams = this.#upstreamsFor(upstream);
      byUpstreams.set(upstreams, [...(byUpstreams.get(upstreams) ?? []), route]);
    }
    const capabilities = await Promise.all(
      [...byUpstreams].map(([upstreams, those]) => upstreams.capabilities(those, signal)),
    );
    return narrowTo(capabilities.flat(), { mayRequireTLS });
  }

  #mail({ session, path, parameters, signal }: MailRequest<unknown>): Awaitable<Verdict> {
    this.#abandon(session);
    const known = this.#sessionOf(session);
    const transaction = new ProxiedTransaction(known.context);
    const passedOn = senderParameters(parameters, session);
    const mailParameters = withAddedSize(passedOn, () => this.#addedBytesMin(session, parameters));
    known.open = { transaction, reversePath: path, mailParameters };
    const only = this.#onlyRoute(session);
    if (only === undefined) return undefined;
    return transaction.open(this.#placementOn({ route: only }, undefined, session), signal);
  }

  #recipients(requests: readonly RcptRequest<unknown>[]): Awaitable<readonly Verdict[]> {
    const first = requests[0];
    if (first === undefined) return [];
    const { session, signal } = first;
    const { transaction, reversePath } = this.#openOf(session);
    const mailFrom = reversePath.address;
    const place = (request: RcptRequest<unknown>): Awaitable<PlacedRecipient> => {
      const found = this.placeRecipient({ recipient: request.path, mailFrom, session, signal });
      return isThenable(found)
        ? found.then((late) => this.#placed(request, late, session))
        : this.#placed(request, found, session);
    };
    const placed = placeAll(requests, place);
    return isThenable(placed)
      ? placed.then((late) => transaction.addRecipients(late, signal))
      : transaction.addRecipients(placed, signal);
  }

  #placed(
    { path, parameters }: RcptRequest<unknown>,
    found: RecipientRoute | Reply,
    session: SessionInfo,
  ): PlacedRecipient {
    if (found instanceof Reply) return { path, parameters, placement: found };
    const placement = this.#placementOn(found, path, session);
    if (found.isFinal !== true) return { path, parameters, placement };
    const refusal = refuseSuccessReport(parameters);
    return { path, parameters: withoutDSN(parameters), placement: refusal ?? placement };
  }

  /** The route that MAIL can be passed on to at once, because whatever recipients come go there. */
  #onlyRoute(session: SessionInfo): Route | undefined {
    const { only } = this.#routes;
    if (only === undefined || !this.hasOneRoute()) return undefined;
    if (isByRecipient(only)) return undefined;
    return this.#guard.mayRelay(session) ? only : undefined;
  }

  /** Whether all recipients of a session that may send anywhere go to one place. A subclass that looks at recipients says no. */
  protected hasOneRoute(): boolean {
    return this.#proxy.route === undefined && this.#routes.only !== undefined;
  }

  #placementOn(found: RecipientRoute, recipient: Path | undefined, session: SessionInfo): Placement {
    const { route, isAlone, upstream, isFinal } = found;
    if (isAlone === true || isFinal === true || upstream !== undefined) {
      return this.#newPlacement(found, recipient, session);
    }
    const { placements } = this.#sessionOf(session);
    const known = placements.get(route);
    if (known !== undefined) return known;
    const placement = this.#newPlacement(found, recipient, session);
    // Where the recipient's domain says where it goes, it is another one each time. What a program makes anew must not pile up.
    const isForAll = !route.destinations.some(({ kind }) => kind === 'mx');
    if (isForAll && placements.size < PLACEMENTS_MAX) placements.set(route, placement);
    return placement;
  }

  #newPlacement(
    { route, isAlone = false, upstream, isFinal = false }: RecipientRoute,
    recipient: Path | undefined,
    session: SessionInfo,
  ): Placement {
    const isByDomain = route.destinations.some(({ kind }) => kind === 'mx');
    const domain = isByDomain ? recipient?.domain?.toLowerCase() : undefined;
    const place = isByDomain ? `${route.key} ${domain ?? ''}` : route.key;
    return {
      key: isAlone ? `${place} ${recipient?.address ?? ''}` : place,
      isAlone,
      open: (signal, receiver) => {
        const { reversePath: mailFrom, mailParameters } = this.#openOf(session);
        const mailOptions = formatOptions(isFinal ? withoutDSN(mailParameters) : mailParameters);
        const isTold = upstream === undefined;
        const prepare = isTold ? this.#introduction(session) : undefined;
        const own = isTold ? this.#ownConnection(session) : undefined;
        this.#upstreamsFor(upstream).begin(route, domain, { mailFrom, mailOptions, prepare, own, signal }, receiver);
      },
    };
  }

  #upstreamsFor(options: UpstreamOptions = this.#proxy.upstream): Upstreams {
    let upstreams = this.#upstreams.get(options);
    if (upstreams === undefined) {
      const { hostname, clock, logger } = this.options;
      const { balance, identify, resolver, upstream } = this.#proxy;
      const hasProxyHeader = options === upstream && identify === 'proxyHeader';
      upstreams = new Upstreams(options, { hostname, clock, logger, balance, hasProxyHeader, resolver });
      this.#upstreams.set(options, upstreams);
    }
    return upstreams;
  }

  /** What is said of the client before its MAIL. */
  #introduction(session: SessionInfo): ((client: SMTPClient) => Promise<void>) | undefined {
    const { identify } = this.#proxy;
    if (identify !== 'xforward' && identify !== 'xclient') return undefined;
    const verb = identify === 'xforward' ? 'XFORWARD' : 'XCLIENT';
    return async (client) => {
      const attributes = formatClientAttributes(verb, session, client.capabilities.keywords.get(verb) ?? []);
      if (attributes === undefined) return;
      const reply = await (verb === 'XCLIENT' ? client.xclient(attributes) : client.command(verb, attributes));
      if (!reply.isPositive)
        throw new SMTPReplyError(451, '4.5.0', `Error: the next server refuses ${verb}; try again later`);
    };
  }

  #ownConnection(session: SessionInfo): OwnConnection | undefined {
    const { identify } = this.#proxy;
    if (identify !== 'xclient' && identify !== 'proxyHeader') return undefined;
    const { peer } = session;
    const local = 'address' in session.local ? session.local : undefined;
    const isIP = (peer.family === 'IPv4' || peer.family === 'IPv6') && local?.family === peer.family;
    return {
      key: session.id,
      proxyHeader:
        identify === 'xclient'
          ? undefined
          : isIP
            ? {
                command: 'proxy',
                source: { address: peer.address, port: peer.port, family: peer.family },
                destination: { address: local.address, port: local.port, family: peer.family },
                tlvs: [],
              }
            : { command: 'local', tlvs: [] },
    };
  }

  #contentRules(message: StreamedMessage): ContentRules {
    const { addReceived, addPeer, hopsMax } = this.#proxy;
    const front = addReceived
      ? octets.encodeUTF8(receivedField(message, { serverName: this.options.hostname, recipients: message.rcptTos }))
      : NOTHING;
    const headerEnd = addPeer ? this.#peerField(message.peer) : NOTHING;
    // Our own session looks at every line end (`lineEndings` is not `preserve`), and a message with a wrong one is never complete.
    return { front, headerEnd, hopsMax, mayHaveBareLineEnds: true };
  }

  /** The octets of the fields that the next message gets at least: `Received` may name a recipient, too. */
  #addedBytesMin(session: SessionInfo, parameters: readonly Parameter[]): number {
    const { addReceived, addPeer } = this.#proxy;
    const peerBytes = addPeer ? this.#peerField(session.peer).length : 0;
    if (!addReceived) return peerBytes;
    const isInternationalized = parameters.some(({ keyword }) => keyword === 'SMTPUTF8');
    return peerBytes + receivedFieldBytesMin(session, { serverName: this.options.hostname, isInternationalized });
  }

  #peerField(peer: SessionInfo['peer']): Uint8Array {
    let field = this.#peerFields.get(peer);
    if (field === undefined) {
      field = octets.encodeUTF8(formatPeerHeader(peer));
      this.#peerFields.set(peer, field);
    }
    return field;
  }

  #openOf(session: SessionInfo): OpenTransaction {
    const open = this.#sessions.get(session)?.open;
    if (open !== undefined) return open;
    // The application let a MAIL through that the next server never saw.
    throw new SMTPReplyError(451, '4.4.2', 'Error: the next server was not asked; try again later');
  }

  #abandon(session: SessionInfo): void {
    const known = this.#sessions.get(session);
    if (known?.open === undefined) return;
    known.open.transaction.abandon();
    known.open = undefined;
  }

  #sessionOf(session: SessionInfo): ProxiedSession {
    let known = this.#sessions.get(session);
    if (known === undefined) {
      const { protocol, id: sessionId } = session;
      const context = { protocol, mayMix: this.#proxy.mixed === 'split', sessionId, logger: this.options.logger };
      known = { open: undefined, placements: new Map(), context };
      this.#sessions.set(session, known);
    }
    return known;
  }
}

/** What a proxy keeps of a client. */
interface ProxiedSession {
  /** The transaction that is open. */
  open: OpenTransaction | undefined;
  /** Where recipients of every kind go, by route: the same for all of its messages. */
  readonly placements: Map<Route, Placement>;
  readonly context: TransactionContext;
}

interface OpenTransaction {
  readonly transaction: ProxiedTransaction;
  /** For connections that open later. */
  readonly reversePath: Path;
  readonly mailParameters: readonly Parameter[];
}

/**
 * One reply for all recipients of a message (RFC 5321 §4.2.5). Of one server it is that server's. Of several (`mixed: 'split'`) it says
 * that the message should come again as long as one of them wants that; then those who have it may get it twice.
 */
function oneReply(replies: readonly Reply[]): Reply | undefined {
  return replies.find((reply) => reply.isTransient) ?? replies.find((reply) => reply.isPermanent) ?? replies[0];
}

/** A thousand recipients at once are a thousand questions to whoever knows where they go; a few at a time are answered as soon. */
function placeAll<Request, Placed>(
  requests: readonly Request[],
  place: (request: Request) => Awaitable<Placed>,
): Awaitable<readonly Placed[]> {
  const placed: Placed[] = [];
  for (const request of requests) {
    const found = place(request);
    if (isThenable(found)) return placeSlowly(requests, place, { placed, found });
    placed.push(found);
  }
  return placed;
}

/** Goes on where somebody has to be asked. */
async function placeSlowly<Request, Placed>(
  requests: readonly Request[],
  place: (request: Request) => Awaitable<Placed>,
  { placed, found }: { readonly placed: readonly Placed[]; readonly found: PromiseLike<Placed> },
): Promise<readonly Placed[]> {
  const next = placed.length + 1;
  const together = [found, ...requests.slice(next, next + PLACED_AT_ONCE - 1).map(place)];
  const all = [...placed, ...(await allOf(together))];
  while (all.length < requests.length) {
    all.push(...(await allOf(requests.slice(all.length, all.length + PLACED_AT_ONCE).map(place))));
  }
  return all;
}

function allOf<T>(values: readonly Awaitable<T>[]): Promise<T[]> {
  return Promise.all(values.map((value) => Promise.resolve(value)));
}

const NOTHING = new Uint8Array(0);
const PLACED_AT_ONCE = 16;
const PLACEMENTS_MAX = 16;
