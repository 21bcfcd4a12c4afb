/**
 * AUTH (RFC 4954) between its two sides: the mechanism, which is pure, and the application's `auth` hooks. It knows neither the
 * session nor the wire; `situation-steps.ts` sends the challenges and reads the answers.
 */

import { randomBytes } from 'node:crypto';

import { broughtToServerAuth } from '../protocol/brought-names.js';
import { assertNever, invariant, UsageError } from '../protocol/errors.js';
import { parseReply, Reply, SMTPReplyError } from '../protocol/reply.js';
import { decodeBase64, encodeBase64 } from '../protocol/sasl/base64.js';
import type {
  CredentialAnswer,
  CredentialRequest,
  Identity,
  OAuthHints,
  Refusal,
  SASLMechanismName,
  ServerContext,
  ServerStep,
} from '../protocol/sasl/mechanism.js';
import { SERVER_MECHANISMS } from '../protocol/sasl/mechanisms.js';
import { DEFAULT_ITERATIONS } from '../protocol/sasl/scram-keys.js';
import {
  AUTH_CANCELLED,
  AUTH_MALFORMED,
  CREDENTIALS_INVALID,
  INITIAL_RESPONSE_REFUSED,
} from '../protocol/standard-replies.js';
import { unknownOptions, type KnownOptions } from '../protocol/unknown-options.js';
import { nodeSASLCrypto } from '../net/sasl-crypto.js';
import type { AbortSource } from './abort-source.js';

/** How clients may authenticate. */
export interface AuthOptions {
  /**
   * `offer`: a client may authenticate; `require`: without that no mail is taken (530). The hooks' `auth` stage decides. Default: `off`.
   */
  readonly mode: 'off' | 'offer' | 'require';
  /** Whether mechanisms that send a password or a token readable are offered only on `tls`, or `always`. Default: `tls`. */
  readonly plaintext?: 'tls' | 'always';
  /**
   * The mechanisms, strongest first. Default: `PLAIN` and `LOGIN`, which every client knows and for which a hook verifies a password.
   * SCRAM and CRAM-MD5 ask the hook for a `secret`, XOAUTH2 and OAUTHBEARER about a `token`, EXTERNAL about a client certificate.
   */
  readonly mechanisms?: readonly SASLMechanismName[];
  /** The iterations of PBKDF2 in SCRAM, for passwords and for users who do not exist. Default: 4,096 (RFC 7677 §4). */
  readonly scramIterations?: number;
  /** What XOAUTH2 and OAUTHBEARER tell a client whose token is not good (RFC 7628 §3.2.2). */
  readonly oauth?: { readonly scope?: string; readonly openidConfiguration?: string };
}

/** How clients may authenticate, complete. */
export interface CompleteAuthOptions {
  readonly mode: 'off' | 'offer' | 'require';
  readonly plaintext: 'tls' | 'always';
  readonly mechanisms: readonly SASLMechanismName[];
  readonly scramIterations: number;
  readonly oauth: OAuthHints;
}

/** What every exchange of a server shares. */
export type SharedAuthContext = Pick<ServerContext, 'crypto' | 'stableKey' | 'iterations' | 'oauth'>;

/** Makes what every exchange of a server shares, once. */
export function sharedAuthContext({ scramIterations, oauth }: CompleteAuthOptions): SharedAuthContext {
  // Two processes that answer for one name need not agree on users who do not exist.
  return Object.freeze({
    crypto: nodeSASLCrypto,
    stableKey: new Uint8Array(randomBytes(32)),
    iterations: scramIterations,
    oauth,
  });
}

/** What an `auth` hook may return to let a client in: see {@link CredentialAnswer}. */
export type AuthAnswer = CredentialAnswer;

export type { CredentialRequest };

/** What the hooks decided. */
export type AuthDecision =
  | { readonly kind: 'answer'; readonly answer: CredentialAnswer | undefined }
  | { readonly kind: 'refuse'; readonly reply: Reply }
  /** Nobody decides any more. */
  | { readonly kind: 'ended'; readonly reply: Reply }
  | { readonly kind: 'fault'; readonly error: unknown };

/**
 * Completes the options.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION`
 */
export function completeAuthOptions(given: AuthOptions | undefined): CompleteAuthOptions {
  const unknown = unknownOptions(given ?? {}, OPTIONS);
  if (unknown !== undefined) throw badOption(unknown);
  const {
    mode = 'off',
    plaintext = 'tls',
    mechanisms = DEFAULT_MECHANISMS,
    scramIterations = DEFAULT_ITERATIONS,
    oauth = {},
  } = given ?? {};
  if (!MODES.includes(mode)) throw badOption(`auth.mode is one of ${MODES.join(', ')}, not "${mode}"`);
  if (!PLAINTEXT.includes(plaintext)) throw badOption(`auth.plaintext is tls or always, not "${plaintext}"`);
  for (const name of mechanisms) {
    if (!SERVER_MECHANISMS.has(name))
      throw badOption(`auth.mechanisms: there is no "${name}"; there are: ${[...SERVER_MECHANISMS.keys()].join(', ')}`);
  }
  if (mode !== 'off' && mechanisms.length === 0) throw badOption('auth.mechanisms is empty; name one at least');
  // RFC 7677 §4: 4,096 at least.
  if (!Number.isSafeInteger(scramIterations) || scramIterations < DEFAULT_ITERATIONS)
    throw badOption(`auth.scramIterations is a number of 4096 or more, not ${String(scramIterations)}`);
  return Object.freeze({
    mode,
    plaintext,
    mechanisms: Object.freeze([...new Set(mechanisms)]),
    scramIterations,
    oauth: Object.freeze({ scope: oauth.scope, openidConfiguration: oauth.openidConfiguration }),
  });
}

/** The mechanisms that may be offered to a client in this position. */
export function mechanismsFor(
  { mode, mechanisms, plaintext }: CompleteAuthOptions,
  position: { readonly isSecured: boolean; readonly hasChannelBinding: boolean; readonly mayShowCertificate: boolean },
): readonly SASLMechanismName[] {
  const { isSecured, hasChannelBinding, mayShowCertificate } = position;
  if (mode === 'off') return [];
  return mechanisms.filter((name) => {
    const mechanism = SERVER_MECHANISMS.get(name);
    if (mechanism === undefined) return false;
    // RFC 4954 §4: no password in clear without something that protects it.
    if (mechanism.isPlaintext && !isSecured && plaintext === 'tls') return false;
    // RFC 5802 §6: -PLUS is offered where it can be done. A client that can do it must take it, and would fail.
    if (mechanism.needsChannelBinding && !hasChannelBinding) return false;
    return !mechanism.needsClientCertificate || (isSecured && mayShowCertificate);
  });
}

/** How an exchange ended. `user` is who the client said it was, when it came to that. */
export type AuthOutcome = { readonly user: string | undefined } & (
  | { readonly kind: 'accepted'; readonly identity: Identity }
  /** The credentials were not right: this counts. */
  | { readonly kind: 'refused'; readonly reply: Reply }
  /** It came to nothing, and nobody was refused. */
  | { readonly kind: 'ended'; readonly reply: Reply }
  | { readonly kind: 'fault'; readonly error: unknown }
);

/** What an exchange is made with. */
export interface ExchangeInit {
  readonly initialResponse: Uint8Array | undefined;
  readonly context: ServerContext;
  /** Sends a challenge, in base64, and gives the client's line. */
  readonly challenge: (text: string) => Promise<string>;
  readonly ask: (request: CredentialRequest) => Promise<AuthDecision>;
}

/** Runs the exchange of a mechanism to its end (RFC 4954 §4). Rejects only when a line of the client cannot be had. */
export async function runExchange(name: string, init: ExchangeInit): Promise<AuthOutcome> {
  const mechanism = SERVER_MECHANISMS.get(name);
  invariant(mechanism !== undefined, 'What is offered is there');
  let user: string | undefined;
  let step: ServerStep = mechanism.start(init.context, init.initialResponse);
  for (;;) {
    switch (step.kind) {
      case 'challenge': {
        const line = await init.challenge(encodeBase64(step.data));
        // RFC 4954 §4: the client has changed its mind.
        if (line === '*') return { kind: 'ended', user, reply: AUTH_CANCELLED };
        const data = decodeBase64(line);
        if (data === undefined) return { kind: 'ended', user, reply: AUTH_MALFORMED };
        step = step.respond(data);
        break;
      }
      case 'ask': {
        user = step.request.user ?? step.request.authorizationIdentity;
        const decision = await init.ask(step.request);
        if (decision.kind !== 'answer') return undecidedOutcome(decision, user);
        step = step.answer(decision.answer);
        break;
      }
      case 'accepted':
        return { kind: 'accepted', user: step.identity.user, identity: step.identity };
      case 'refused':
        return refusedOutcome(name, user, step.reason);
      default:
        return assertNever(step);
    }
  }
}

function undecidedOutcome(
  decision: Exclude<AuthDecision, { readonly kind: 'answer' }>,
  user: string | undefined,
): AuthOutcome {
  switch (decision.kind) {
    case 'refuse':
      return { kind: 'refused', user, reply: decision.reply };
    case 'ended':
      return { kind: 'ended', user, reply: decision.reply };
    case 'fault':
      return { kind: 'fault', user, error: decision.error };
    default:
      return assertNever(decision);
  }
}

function refusedOutcome(mechanism: string, user: string | undefined, reason: Refusal): AuthOutcome {
  switch (reason) {
    case 'initialResponse':
      return { kind: 'ended', user, reply: INITIAL_RESPONSE_REFUSED };
    case 'malformed':
      return { kind: 'ended', user, reply: AUTH_MALFORMED };
    case 'misanswered':
      return { kind: 'fault', user, error: new TypeError(`What an auth hook answered does not fit ${mechanism}`) };
    case 'credentials':
    case 'authorization':
    case 'unsupported':
    case 'channelBinding':
    case 'downgrade':
      return { kind: 'refused', user, reply: CREDENTIALS_INVALID };
    default:
      return assertNever(reason);
  }
}

/**
 * Asks the hooks in turn; the first that knows the client decides. Never rejects.
 *
 * @param waiting - who ends it when nobody waits for the answer any more: the next hook is not asked then
 */
export async function askAuthHooks<Hook>(
  hooks: readonly Hook[],
  waiting: Pick<AbortSource, 'isAborted'>,
  call: (hook: Hook) => unknown,
): Promise<AuthDecision> {
  for (const hook of hooks) {
    if (waiting.isAborted) break;
    try {
      const decision = judgeAuth(await call(hook));
      if (decision !== undefined) return decision;
    } catch (error) {
      return error instanceof SMTPReplyError ? { kind: 'refuse', reply: error.reply } : { kind: 'fault', error };
    }
  }
  return { kind: 'answer', answer: undefined };
}

/** Understands what a hook answered. Nothing is no opinion. A positive reply does not say who the client is, and is a fault. */
function judgeAuth(value: unknown): AuthDecision | undefined {
  if (value === undefined || value === null || value === false || value === '') return undefined;
  if (value instanceof Reply) return refusal(value);
  if (typeof value === 'string') {
    const reply = parseReply(value);
    return reply === undefined ? notAnAnswer(value) : refusal(reply);
  }
  const isAnswer =
    typeof value === 'object' &&
    ('verified' in value || 'password' in value || ('storedKey' in value && 'serverKey' in value));
  return isAnswer ? { kind: 'answer', answer: value as CredentialAnswer } : notAnAnswer(value);
}

function refusal(reply: Reply): AuthDecision {
  return reply.isTransient || reply.isPermanent ? { kind: 'refuse', reply } : notAnAnswer(reply.toString());
}

function notAnAnswer(value: unknown): AuthDecision {
  // The names of its fields, and never what is in them.
  const what =
    typeof value === 'string'
      ? JSON.stringify(value.slice(0, 200))
      : typeof value === 'object' && value !== null
        ? `{ ${Object.keys(value).join(', ')} }`
        : String(value);
  return {
    kind: 'fault',
    error: new TypeError(
      `An auth hook returns { verified: true }, a stored secret, a refusal, or nothing for a client it does not know, not ${what}`,
    ),
  };
}

function badOption(message: string): UsageError {
  return new UsageError('SMTPD_BAD_OPTION', message);
}

const MODES: readonly string[] = ['off', 'offer', 'require'];
const PLAINTEXT: readonly string[] = ['tls', 'always'];
const DEFAULT_MECHANISMS: readonly SASLMechanismName[] = Object.freeze(['PLAIN', 'LOGIN']);
const OPTION_NAMES: readonly string[] = [
  'mode',
  'plaintext',
  'mechanisms',
  'scramIterations',
  'oauth',
] satisfies (keyof AuthOptions)[];
const OPTIONS: KnownOptions = {
  known: new Set(OPTION_NAMES),
  meant: broughtToServerAuth,
  title: (name) => `There is no option auth.${name}`,
};
