/**
 * Hooks: how an application takes part in a session without a class of its own.
 *
 * A stage's hooks are asked in the order of `use()`. The first refusal decides and ends the round; without one, the first positive
 * reply given is the reply. They see the envelope and cannot write it.
 */

import { broughtStages } from '../protocol/brought-names.js';
import { UsageError } from '../protocol/errors.js';
import { kindOf } from '../protocol/kind-of.js';
import type { OfferNarrowing } from '../protocol/extension.js';
import type { Parameter } from '../protocol/parameters.js';
import type { Path } from '../protocol/path.js';
import { unknownOptions } from '../protocol/unknown-options.js';
import type { AbortSource } from './abort-source.js';
import type { AuthAnswer, CredentialRequest } from './authentication.js';
import { Later, listenTo, type LaterListener } from './later.js';
import type { ReceivedMessage } from './received-message.js';
import type { SessionInfo } from './session-info.js';
import {
  isThenable,
  judge,
  judgeThrown,
  PASS,
  type Awaitable,
  type Decision,
  type MessageVerdict,
  type Verdict,
} from './verdict.js';

/** What every hook is handed. `signal` and `state` are made when they are read, and a copy by `...` has neither: hand the request itself on. */
export interface HookRequest<State> {
  readonly session: SessionInfo;
  /** Aborted when the client leaves, the time for a verdict is over, or the server is cut off. */
  readonly signal: AbortSignal;
  /** This hook's own state of this session, made by its `createState`. */
  readonly state: State;
}

/** A client named itself. */
export interface HeloRequest<State> extends HookRequest<State> {
  readonly verb: 'HELO' | 'EHLO' | 'LHLO';
  readonly clientName: string;
  /** Whether the name is a domain, an address literal, or something else. */
  readonly clientNameKind: 'domain' | 'addressLiteral' | 'other';
}

/** MAIL came and is well formed. */
export interface MailRequest<State> extends HookRequest<State> {
  /** `''` for the null reverse-path. */
  readonly address: string;
  readonly path: Path;
  readonly parameters: readonly Parameter[];
}

/** RCPT came and is well formed. */
export interface RcptRequest<State> extends HookRequest<State> {
  readonly address: string;
  readonly path: Path;
  readonly parameters: readonly Parameter[];
}

/**
 * A client wants to authenticate (RFC 4954). `kind` says what there is to go by: a `password` or a `token` that the client sent, a
 * `secret` that only you have (the client never sends it; return what you keep of it), or `external`, the client's certificate.
 */
export type AuthRequest<State> = HookRequest<State> & CredentialRequest;

/** VRFY, EXPN or ETRN came and is well formed. */
export interface AddressRequest<State> extends HookRequest<State> {
  /** What was asked about, as it was sent. */
  readonly text: string;
}

/** DATA came, or the first BDAT of a message (RFC 3030 §2). */
export interface DataRequest<State> extends HookRequest<State> {
  readonly verb: 'DATA' | 'BDAT';
}

/** A message came whole. */
export interface MessageRequest<State> extends HookRequest<State> {
  readonly message: ReceivedMessage;
}

/** Verdicts by recipient address, for what a `message` hook has to say about each. */
export type RecipientVerdicts = ReadonlyMap<string, Verdict>;

/** A hook: any of these methods. */
export interface Hook<State = undefined> {
  /** For logs and error messages. */
  readonly name: string;
  /** Makes this hook's state of a session, when it is first needed. */
  readonly createState?: (session: SessionInfo) => State;
  /** A client connected. A refusal is the greeting; 421 closes. */
  readonly connect?: (request: HookRequest<State>) => Awaitable<Verdict>;
  /**
   * A client is about to be told what it is offered, by EHLO or LHLO, or held to it, after HELO: return what this one is not to have. A
   * refusal is the reply to the command.
   */
  readonly offer?: (request: HeloRequest<State>) => Awaitable<OfferNarrowing | Verdict>;
  readonly helo?: (request: HeloRequest<State>) => Awaitable<Verdict>;
  /**
   * A client wants to authenticate. Return `{ verified: true }` when it is who it says, or for `kind: 'secret'` what you keep of its
   * password; nothing leaves it to the next hook, and without one that knows the client it is refused with 535.
   */
  readonly auth?: (request: AuthRequest<State>) => Awaitable<AuthAnswer | Verdict>;
  readonly mail?: (request: MailRequest<State>) => Awaitable<Verdict>;
  readonly rcpt?: (request: RcptRequest<State>) => Awaitable<Verdict>;
  /** Instead of `rcpt`: all RCPT commands that came together, in order. Returns one verdict for each. */
  readonly rcptBatch?: (requests: readonly RcptRequest<State>[]) => Awaitable<readonly Verdict[]>;
  /** DATA came, before the client is asked for the content; or BDAT, whose octets come whatever is answered. */
  readonly data?: (request: DataRequest<State>) => Awaitable<Verdict>;
  /** A message came whole. Returns one verdict for all recipients, a map of verdicts by address, or a list of them in the recipients' order. */
  readonly message?: (request: MessageRequest<State>) => Awaitable<MessageVerdict>;
  /** VRFY came. Without an answer the client hears 252. */
  readonly vrfy?: (request: AddressRequest<State>) => Awaitable<Verdict>;
  /** EXPN came. Without an answer the client hears 502. */
  readonly expn?: (request: AddressRequest<State>) => Awaitable<Verdict>;
  /** ETRN came (RFC 1985), which is there with the extension `etrn()`. Without an answer the client hears 458. */
  readonly etrn?: (request: AddressRequest<State>) => Awaitable<Verdict>;
  /** A transaction was given up, by RSET, EHLO or HELO. Nothing is answered. */
  readonly reset?: (request: HookRequest<State>) => Awaitable<void>;
  /** The session is over. Nothing is answered. */
  readonly close?: (request: HookRequest<State>) => Awaitable<void>;
}

/** A hook of any state, as the server keeps it. */
export type AnyHook = Hook<unknown>;

/**
 * Types a hook with state.
 *
 * @example
 * ```ts
 * import { defineHook, SMTPReplyError, SMTPServer } from 'smtpd';
 * const quota = defineHook({
 *   name: 'quota',
 *   createState: () => ({ recipients: 0 }),
 *   rcpt({ state }) {
 *     state.recipients += 1;
 *     if (state.recipients > 10) throw new SMTPReplyError(452, '4.5.3', 'Ten recipients a session');
 *   },
 * });
 * new SMTPServer().use(quota);
 * ```
 */
export function defineHook<State>(hook: Hook<State>): Hook<State> {
  return hook;
}

/** The hooks of a server, by stage. */
export class HookTable {
  readonly connect: AnyHook[] = [];
  readonly offer: AnyHook[] = [];
  readonly helo: AnyHook[] = [];
  readonly auth: AnyHook[] = [];
  readonly mail: AnyHook[] = [];
  readonly rcpt: AnyHook[] = [];
  readonly data: AnyHook[] = [];
  readonly message: AnyHook[] = [];
  readonly vrfy: AnyHook[] = [];
  readonly expn: AnyHook[] = [];
  readonly etrn: AnyHook[] = [];
  readonly reset: AnyHook[] = [];
  readonly close: AnyHook[] = [];
  hasBatch = false;
  /** The hooks that come behind all others, whenever those were added. */
  readonly #last = new Set<AnyHook>();

  /**
   * @param isLast - it is asked behind those that are added later, too
   * @throws {@link UsageError} `SMTPD_BAD_HOOK`
   */
  add(hook: AnyHook, { isLast = false } = {}): void {
    checkKind(hook);
    if (typeof hook.name !== 'string' || hook.name === '') throw badHook('A hook has a name');
    const unknown = unknownOptions(hook, {
      known: HOOK_KEYS,
      meant: broughtStages,
      title: (key) => `Hook ${hook.name}: there is no stage "${key}"`,
      otherwise: `stages: ${[...STAGES, 'rcptBatch'].join(', ')}`,
    });
    if (unknown !== undefined) throw badHook(unknown);
    for (const key of METHOD_KEYS) {
      if (hook[key] !== undefined && typeof hook[key] !== 'function')
        throw badHook(`Hook ${hook.name}: ${key} is a function, not ${typeof hook[key]}`);
    }
    if (hook.rcpt !== undefined && hook.rcptBatch !== undefined)
      throw badHook(`Hook ${hook.name}: give rcpt or rcptBatch, not both`);
    if (isLast) this.#last.add(hook);
    for (const stage of STAGES) if (hook[stage] !== undefined) this.#insert(stage, hook);
    if (hook.rcptBatch !== undefined) {
      this.#insert('rcpt', hook);
      this.hasBatch = true;
    }
  }

  #insert(stage: (typeof STAGES)[number], hook: AnyHook): void {
    const hooks = this[stage];
    const firstOfLast = this.#last.has(hook) ? -1 : hooks.findIndex((each) => this.#last.has(each));
    if (firstOfLast < 0) hooks.push(hook);
    else hooks.splice(firstOfLast, 0, hook);
  }
}

/**
 * Asks several in turn. Answers in the same turn when every one of them does.
 *
 * The next one is not asked for a client that has left meanwhile, or was told that nobody decides: it may have been told of the end, and
 * have cleared up.
 *
 * @param waiting - who ends it when nobody waits for the answer any more
 */
export function askInTurn(
  asked: readonly (() => Awaitable<Decision>)[],
  waiting: Pick<AbortSource, 'isAborted'>,
): Awaitable<Decision> {
  const askFrom = (from: number, before: Decision): Awaitable<Decision> => {
    let soFar = before;
    for (let index = from; index < asked.length && !waiting.isAborted; index += 1) {
      const decision = asked[index]?.() ?? PASS;
      if (isThenable(decision)) {
        // The usual case: there is nothing to join it with.
        if (soFar.kind === 'pass' && index === asked.length - 1) return decision;
        return decision.then((late) => {
          const joined = join(soFar, late);
          return isFinal(joined) ? joined : askFrom(index + 1, joined);
        });
      }
      soFar = join(soFar, decision);
      if (isFinal(soFar)) return soFar;
    }
    return soFar;
  };
  return askFrom(0, PASS);
}

/** Recipients that came together. */
export interface RecipientRound {
  readonly recipientCount: number;
  /** What a hook is told of one of them. */
  readonly requestOf: (hook: AnyHook, index: number) => RcptRequest<unknown>;
  /** Whether nobody waits for the answer any more. */
  readonly isOver: () => boolean;
}

/**
 * Asks a stage's hooks about several recipients at once: one decision for each, in order. Whoever was refused by one hook is not asked
 * about by the next, and nobody is asked when nobody waits any more.
 */
export function askAboutRecipients(hooks: readonly AnyHook[], round: RecipientRound): Awaitable<readonly Decision[]> {
  const only = hooks[0];
  if (only === undefined || hooks.length > 1) return askSeveralAboutRecipients(hooks, round);
  const requests: RcptRequest<unknown>[] = [];
  for (let index = 0; index < round.recipientCount; index += 1) requests.push(round.requestOf(only, index));
  return askHookAboutAll(only, requests, round);
}

async function askSeveralAboutRecipients(
  hooks: readonly AnyHook[],
  round: RecipientRound,
): Promise<readonly Decision[]> {
  const decisions: Decision[] = Array.from({ length: round.recipientCount }, () => PASS);
  for (const hook of hooks) {
    const open = [...decisions.entries()].filter(([, decision]) => !isFinal(decision));
    if (open.length === 0 || round.isOver()) break;
    const requests = open.map(([index]) => round.requestOf(hook, index));
    const found = await askHookAboutAll(hook, requests, round);
    for (const [position, [index, before]] of open.entries()) decisions[index] = join(before, found[position] ?? PASS);
  }
  return decisions;
}

function askHookAboutAll(
  hook: AnyHook,
  requests: readonly RcptRequest<unknown>[],
  round: RecipientRound,
): Awaitable<readonly Decision[]> {
  return hook.rcptBatch === undefined ? askOneByOne(hook, requests, round) : askBatch(hook, requests);
}

/** One after the other, as this hook would be asked without the batch of another one. */
async function askOneByOne(
  hook: AnyHook,
  requests: readonly RcptRequest<unknown>[],
  { isOver }: RecipientRound,
): Promise<readonly Decision[]> {
  const decisions: Decision[] = [];
  for (const request of requests) decisions.push(isOver() ? PASS : await decide(() => hook.rcpt?.(request)));
  return decisions;
}

function askBatch(hook: AnyHook, requests: readonly RcptRequest<unknown>[]): Awaitable<readonly Decision[]> {
  const decisions: Decision[] = [];
  const failed = decide(
    () => hook.rcptBatch?.(requests),
    (verdicts) => {
      if (!Array.isArray(verdicts) || verdicts.length !== requests.length) {
        throw new TypeError(`Hook ${hook.name}: rcptBatch returns one verdict for each request`);
      }
      for (const verdict of verdicts) decisions.push(judge(verdict));
      return PASS;
    },
  );
  const found = (whole: Decision): readonly Decision[] => (isFinal(whole) ? requests.map(() => whole) : decisions);
  if (!isThenable(failed)) return found(failed);
  const late = new Later<readonly Decision[]>();
  listenTo(failed, late.settledWith(found));
  return late;
}

/** Runs something that has a verdict, and understands it. Never throws, and its promise never rejects. */
export function decide(run: () => unknown, understand: (value: unknown) => Decision = judge): Awaitable<Decision> {
  try {
    return understood(run(), understand);
  } catch (error) {
    return judgeThrown(error);
  }
}

/** What was given as a verdict, understood: now, or when it comes. Throws what `understand` throws of what is there now. */
export function understood(value: unknown, understand: (value: unknown) => Decision): Awaitable<Decision> {
  if (!isThenable(value)) return understand(value);
  const late = new LateDecision(understand);
  // A thenable that is neither may answer twice, or throw when it is asked: a promise of ours takes the edge off.
  listenTo(value instanceof Later ? (value as Later<unknown>) : Promise.resolve(value), late);
  return late.decision ?? late;
}

/** What is understood when it comes. It is never rejected. */
class LateDecision extends Later<Decision> implements LaterListener<unknown> {
  /** `undefined` until then. */
  decision: Decision | undefined;
  readonly #understand: (value: unknown) => Decision;

  constructor(understand: (value: unknown) => Decision) {
    super();
    this.#understand = understand;
  }

  onFulfilled(value: unknown): void {
    try {
      this.decision = this.#understand(value);
    } catch (error) {
      // What cannot be understood is the hook's fault.
      this.decision = judgeThrown(error);
    }
    this.resolve(this.decision);
  }

  onRejected(error: unknown): void {
    this.decision = judgeThrown(error);
    this.resolve(this.decision);
  }
}

/** The first positive reply stays; a refusal or a fault takes over. */
function join(before: Decision, decision: Decision): Decision {
  if (before.kind === 'each' || decision.kind === 'each') return joinEach(before, decision);
  return decision.kind === 'pass' || (decision.kind === 'accept' && before.kind === 'accept') ? before : decision;
}

/** Several hooks have something to say about the recipients of one message. */
function joinEach(before: Decision, decision: Decision): Decision {
  const each = before.kind === 'each' ? before.decisions : decision.kind === 'each' ? decision.decisions : [];
  const decisions = each.map((_, index) =>
    join(
      before.kind === 'each' ? (before.decisions[index] ?? PASS) : before,
      decision.kind === 'each' ? (decision.decisions[index] ?? PASS) : decision,
    ),
  );
  return { kind: 'each', decisions };
}

/** Whether nobody else needs to be asked. */
function isFinal(decision: Decision): boolean {
  if (decision.kind === 'each') return decision.decisions.every(isFinal);
  return decision.kind === 'refuse' || decision.kind === 'fault';
}

function checkKind(given: unknown): void {
  // It has a name, and would be a hook without stages.
  if (typeof given === 'function') throw badHook(functionAsHook(given));
  if (typeof given === 'object' && given !== null) return;
  throw badHook(`${HOOK_FORM}, not ${kindOf(given)}`);
}

function functionAsHook({ name }: { readonly name: string }): string {
  const made = name === '' ? 'the hook that it makes' : `what ${name}() makes`;
  return `${HOOK_FORM}, or ${made}; this is a function`;
}

const HOOK_FORM = "A hook is an object with a name and stages, such as { name: 'my rules', rcpt() {} }";

function badHook(message: string): UsageError {
  return new UsageError('SMTPD_BAD_HOOK', message);
}

const STAGES = [
  'connect',
  'offer',
  'helo',
  'auth',
  'mail',
  'rcpt',
  'data',
  'message',
  'vrfy',
  'expn',
  'etrn',
  'reset',
  'close',
] as const;
const METHOD_KEYS = [...STAGES, 'rcptBatch', 'createState'] as const;
const HOOK_KEYS = new Set<string>([...METHOD_KEYS, 'name']);
