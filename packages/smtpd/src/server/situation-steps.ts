/**
 * What changes whom a channel talks to, and how: the TLS handshake, AUTH with its mechanisms and hooks, XCLIENT. The session's half of it is
 * `protocol/situation-changes.ts`.
 */

import type { TLSFacts } from '../net/tls-facts.js';
import type { EndpointAddress, Transport } from '../net/transport.js';
import type { ClientAttributes } from '../protocol/client-attributes.js';
import { assertNever, invariant } from '../protocol/errors.js';
import { Reply } from '../protocol/reply.js';
import type { ChannelBinding } from '../protocol/sasl/mechanism.js';
import type { ServerSession } from '../protocol/server-session.js';
import type { AuthStart, Question } from '../protocol/session-events.js';
import * as replies from '../protocol/standard-replies.js';
import { ADMISSION_REPLIES, type AdmissionLimit } from './admission-ledger.js';
import {
  askAuthHooks,
  runExchange,
  type AuthDecision,
  type AuthOutcome,
  type CredentialRequest,
} from './authentication.js';
import type { ChannelArrival, ChannelContext } from './channel-context.js';
import type { HookRequests } from './hook-requests.js';
import type { Incidents } from './incidents.js';
import type { Identity, SessionFacts, SessionInfo } from './session-info.js';
import { isThenable, type Awaitable } from './verdict.js';
import type { DisconnectReason } from './watch.js';

/** Takes the steps of one session that change its situation. */
export class SituationSteps {
  readonly #host: StepsHost;
  /** Whom the session counts for; `undefined` while it is asked whether that may be another one. */
  #counted: EndpointAddress | undefined;
  /** What XCLIENT said last. */
  #behind: ClientAttributes | undefined;
  /** Whether XFORWARD was said, and since then a transaction was open. */
  #isForwarded = false;
  #isForwardedUsed = false;
  /** Ends the time by which a reply is held back. */
  #cancelHold: (() => void) | undefined;
  /** Ends the wait for the hooks that say who a client is. */
  #giveUpAsking: (() => void) | undefined;

  constructor(host: StepsHost) {
    this.#host = host;
    this.#counted = host.transport.remote;
  }

  /** Whom the session counts for; `undefined` while that is being decided, and then this tells the ledger when it is too late. */
  get counted(): EndpointAddress | undefined {
    return this.#counted;
  }

  /** Makes the handshake, behind what was answered. */
  async secure(): Promise<void> {
    const { tls, watch } = this.#host.context;
    this.#host.beforeHandshake();
    let facts: TLSFacts;
    try {
      invariant(
        tls !== undefined && this.#host.transport.startTLS !== undefined,
        'STARTTLS is offered where it can be done',
      );
      // What the client sends from here on belongs to the handshake.
      this.#host.transport.pause();
      const handshake = await tls.handshake();
      if (this.#host.isGone()) return;
      this.#host.transport.resume();
      facts = await this.#host.transport.startTLS(handshake, tls.isImplicit ? this.#host.arrival.received : undefined);
    } catch (error) {
      if (this.#host.isGone()) return;
      this.#host.noteReason('handshakeFailed');
      // What is wrong on the other side of the wire is no fault of ours; who wants to know watches.
      if (watch.isWatched('handshakeFailed')) watch.tell('handshakeFailed', { session: this.#host.info, error });
      this.#host.session.abandon();
      this.#host.transport.destroy();
      return;
    }
    if (this.#host.isGone()) return;
    this.#host.tls = facts;
    this.#host.identity = undefined;
    // RFC 3207 §4.2: what was said in clear is forgotten, XFORWARD too. Only whom XCLIENT named stays: forgetting that would give the
    // client the address, and with it the trust, of whoever stands in front of it.
    this.forgetForwarded();
    const isProved = !tls.isClientCertificateRequired || facts.peerCertificate?.isVerified === true;
    this.#host.session.secured({
      hasChannelBinding: facts.channelBinding !== undefined,
      objection: isProved ? undefined : replies.CERTIFICATE_NEEDED,
    });
    if (watch.isWatched('secured')) watch.tell('secured', { session: this.#host.info, tls: facts });
    if (this.#host.session.phase !== 'opening') return;
    const question = this.#host.session.open();
    if (isProved) await this.#host.ask(question);
    else this.#host.session.refuse(replies.CERTIFICATE_NEEDED);
  }

  /** Runs AUTH to its end, and answers it. */
  async authenticate({ mechanism, initialResponse }: AuthStart): Promise<void> {
    const { auth, ledger, addressKeyOf } = this.#host.context;
    const counted = ledger.authFailures(addressKeyOf(this.#host.peer));
    const failures = isThenable(counted) ? await counted : counted;
    if (failures >= this.#host.context.sessionOptions.limits.authFailuresPerAddressMax) {
      if (this.#host.session.phase === 'closed') return;
      this.#host.session.noteExceeded('authFailuresPerAddressMax');
      this.#host.session.respond(replies.AUTH_UNAVAILABLE);
      return;
    }
    const outcome = await runExchange(mechanism, {
      initialResponse,
      context: {
        ...auth,
        hostname: this.#host.context.sessionOptions.hostname,
        channelBinding: channelBindingOf(this.#host.tls),
        isPlusOffered: this.#host.session.offer.facts.authMechanisms.some((name) => name.endsWith('-PLUS')),
      },
      challenge: (text) => this.#host.readLineByChannel(new Reply(334, undefined, text)),
      ask: (request) => this.#askWho(request),
    });
    // Whoever has gone meanwhile is told nothing.
    if (this.#host.session.phase === 'closed') return;
    this.#tellAuth(mechanism, outcome);
    switch (outcome.kind) {
      case 'accepted':
        this.#host.identity = outcome.identity;
        this.#host.session.authenticated();
        return;
      case 'refused':
        await this.#refuseAuthentication(outcome.reply);
        return;
      case 'ended':
        this.#host.session.respond(outcome.reply);
        return;
      case 'fault':
        this.#host.session.respond(this.#reportAuthFault(outcome.error));
        return;
      default:
        assertNever(outcome);
    }
  }

  async #askWho(request: CredentialRequest): Promise<AuthDecision> {
    const { requests, context } = this.#host;
    const givenUp = new Promise<AuthDecision>((resolve) => {
      this.#giveUpAsking = () => {
        resolve({ kind: 'ended', reply: replies.AUTH_UNDECIDED });
      };
    });
    const decided = askAuthHooks(context.hooks.auth, requests.abortSource, (hook) =>
      hook.auth?.(requests.request(hook, request)),
    );
    try {
      return await Promise.race([decided, givenUp]);
    } finally {
      this.#giveUpAsking = undefined;
    }
  }

  /** The hooks' time is over. @returns whether they were being asked who the client is */
  giveUpAsking(): boolean {
    const giveUp = this.#giveUpAsking;
    giveUp?.();
    return giveUp !== undefined;
  }

  /** A guess costs time (RFC 4954 §9), and counts against its address. */
  async #refuseAuthentication(reply: Reply): Promise<void> {
    const { ledger, addressKeyOf } = this.#host.context;
    const counted = ledger.addAuthFailure(addressKeyOf(this.#host.peer));
    const failures = isThenable(counted) ? await counted : counted;
    await this.#hold(
      this.#host.context.sessionOptions.limits.authFailureDelayMs *
        Math.min(AUTH_DELAY_FACTOR_MAX, 2 ** Math.floor(failures - 1)),
    );
    if (this.#host.session.phase !== 'closed') this.#host.session.authFailed(reply);
  }

  #tellAuth(mechanism: string, outcome: AuthOutcome): void {
    const { watch } = this.#host.context;
    if (!watch.isWatched('auth')) return;
    watch.tell('auth', {
      session: this.#host.info,
      mechanism,
      user: outcome.user,
      isAccepted: outcome.kind === 'accepted',
    });
  }

  /** RFC 4954 §6: 454 is a failure that has nothing to do with the credentials. */
  #reportAuthFault(error: unknown): Reply {
    const incident = this.#host.incidents.log(error, 'The application failed; the client is told 454');
    return new Reply(454, '4.7.0', `Error: internal error, incident ${incident}; try again later`);
  }

  /** Nobody is held back any more, and nobody waited for. */
  release(): void {
    this.giveUpAsking();
    this.#cancelHold?.();
    this.#cancelHold = undefined;
  }

  /** Waits before something is answered. */
  #hold(ms: number): Promise<void> {
    if (!Number.isFinite(ms)) return Promise.resolve();
    return new Promise((resolve) => {
      const cancelTimer = this.#host.context.clock.setTimer(resolve, ms);
      this.#cancelHold = () => {
        cancelTimer();
        resolve();
      };
    });
  }

  /** The client is the one that XCLIENT named, and is greeted anew, or sent away as if it had connected itself. */
  becomeClient(attributes: ClientAttributes): Awaitable<void> {
    const { address, port, family } = this.#host.peer;
    const given = attributes.get('ADDR');
    const peer: EndpointAddress = Object.freeze({
      address: given ?? address,
      port: Number(attributes.get('PORT') ?? (given === undefined ? port : 0)),
      family: given === undefined ? family : given.includes(':') ? 'IPv6' : 'IPv4',
    });
    const exceeded = this.#countFor(given === undefined ? this.#counted : peer);
    return isThenable(exceeded)
      ? exceeded.then((late) => this.#greet({ peer, attributes, exceeded: late }))
      : this.#greet({ peer, attributes, exceeded });
  }

  /** From now on the session counts for this client, unless a limit says no. */
  #countFor(peer: EndpointAddress | undefined): Awaitable<AdmissionLimit | undefined> {
    const { ledger, countedKeyOf } = this.#host.context;
    const before = this.#counted;
    if (before === undefined || peer === undefined || peer === before) return undefined;
    const exceeded = ledger.move(countedKeyOf(before), countedKeyOf(peer));
    if (isThenable(exceeded)) return this.#countLater(exceeded, { before, peer });
    if (exceeded === undefined) this.#counted = peer;
    return exceeded;
  }

  async #countLater(
    answer: PromiseLike<AdmissionLimit | undefined>,
    { before, peer }: { readonly before: EndpointAddress; readonly peer: EndpointAddress },
  ): Promise<AdmissionLimit | undefined> {
    this.#counted = undefined;
    let counted = before;
    try {
      const exceeded = await answer;
      if (exceeded === undefined) counted = peer;
      return exceeded;
    } finally {
      this.#counted = counted;
      // It went meanwhile, and nobody else knew as whom.
      const { ledger, countedKeyOf } = this.#host.context;
      if (this.#host.isGone()) ledger.left(countedKeyOf(counted));
    }
  }

  #greet({ peer, attributes, exceeded }: NamedClient): Awaitable<void> {
    const { session } = this.#host;
    if (session.phase === 'closed') return;
    this.#become(peer, attributes);
    if (exceeded !== undefined) {
      session.closeForLimit(exceeded, ADMISSION_REPLIES[exceeded]);
      return;
    }
    return this.#host.ask(session.reopen({ isAuthenticated: this.#host.identity !== undefined }));
  }

  #become(peer: EndpointAddress, attributes: ClientAttributes): void {
    const facts: SessionFacts = this.#host;
    facts.peer = peer;
    this.#behind = attributes;
    this.forgetForwarded();
    const login = attributes.get('LOGIN');
    const identity: Identity | undefined =
      login === undefined ? undefined : { user: login, authorizationIdentity: undefined, mechanism: 'XCLIENT' };
    facts.identity = identity;
  }

  /** XFORWARD said whom the next message came from. More of it may come by another. */
  addForwarded(attributes: ClientAttributes): void {
    this.#host.forwarded = new Map([...(this.#host.forwarded ?? []), ...attributes]);
    this.#isForwarded = true;
  }

  /**
   * What XFORWARD said is about one transaction (XFORWARD_README). Whoever looks at the session behind that one still finds it, until
   * a command begins another.
   */
  expireForwarded(verb: string): void {
    if (!this.#isForwarded) return;
    if (this.#host.session.envelope !== undefined) this.#isForwardedUsed = true;
    else if (this.#isForwardedUsed && (verb === 'MAIL' || verb === 'XFORWARD')) this.forgetForwarded();
  }

  /** RSET, EHLO and what begins the session anew end what XFORWARD said; what XCLIENT said stays. */
  forgetForwarded(): void {
    this.#host.forwarded = this.#behind;
    this.#isForwarded = false;
    this.#isForwardedUsed = false;
  }
}

/** Whom XCLIENT named, and what keeps it out. */
interface NamedClient {
  readonly peer: EndpointAddress;
  readonly attributes: ClientAttributes;
  readonly exceeded: AdmissionLimit | undefined;
}

/** What the steps need of the conversation that they belong to. */
export interface StepsHost extends SessionFacts {
  readonly context: ChannelContext;
  readonly arrival: ChannelArrival;
  readonly transport: Transport;
  readonly session: ServerSession;
  readonly info: SessionInfo;
  readonly requests: HookRequests;
  readonly incidents: Incidents;
  /** Whether the connection is gone. Asked anew behind each `await`. */
  isGone(): boolean;
  /** Sends what was answered; from here on the handshake is waited for. */
  beforeHandshake(): void;
  noteReason(reason: DisconnectReason): void;
  /** Asks the client for a line as the channel does, which may do so in a way of its own. */
  readLineByChannel(prompt: Reply): Promise<string>;
  ask(question: Question): Awaitable<void>;
}

function channelBindingOf(tls: TLSFacts | undefined): ChannelBinding | undefined {
  return tls?.channelBinding === undefined ? undefined : { type: 'tls-exporter', data: tls.channelBinding };
}

/** The time by which a failed authentication is held back grows up to this many times the first. */
const AUTH_DELAY_FACTOR_MAX = 8;
