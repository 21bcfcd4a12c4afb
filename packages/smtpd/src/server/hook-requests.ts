/**
 * The hooks as one session asks them: what each is told, the state that it keeps for the session, the signal that says when nobody waits for
 * it any more. Who answers the session with what they decide is `conversation.ts`.
 */

import { assertNever, InvariantError } from '../protocol/errors.js';
import { joinNarrowings, type OfferNarrowing } from '../protocol/extension.js';
import type { Parameter } from '../protocol/parameters.js';
import type { Path } from '../protocol/path.js';
import { Reply } from '../protocol/reply.js';
import type { Question, RecipientQuestion } from '../protocol/session-events.js';
import { AbortSource } from './abort-source.js';
import {
  askAboutRecipients,
  askInTurn,
  decide,
  type AnyHook,
  type HeloRequest,
  type HookRequest,
  type HookTable,
} from './hooks.js';
import type { Incidents } from './incidents.js';
import type { SessionInfo } from './session-info.js';
import { isThenable, judge, PASS, type Awaitable, type Decision } from './verdict.js';

/** Asks the hooks of one session. */
export class HookRequests {
  readonly #hooks: HookTable;
  readonly #host: HookRequestsHost;
  /** Made for the first who asks; one who asks after the end finds that it is. */
  #abortSource: AbortSource | undefined;
  #reasonOfEnd: (() => Error) | undefined;
  #states: Map<AnyHook, unknown> | undefined;

  constructor(hooks: HookTable, host: HookRequestsHost) {
    this.#hooks = hooks;
    this.#host = host;
  }

  /** Tells what is under way that nobody waits for it any more. */
  get abortSource(): AbortSource {
    if (this.#abortSource === undefined) {
      this.#abortSource = new AbortSource();
      if (this.#reasonOfEnd !== undefined) this.#abortSource.abort(this.#reasonOfEnd);
    }
    return this.#abortSource;
  }

  /** Asks the hooks that have something to say about a question of the session. Never throws. */
  ask(question: Question): Awaitable<Decision> {
    const hooks = this.#hooks;
    switch (question.kind) {
      case 'connect':
        return this.#inTurn(hooks.connect, (hook) => hook.connect?.(this.request(hook, {})));
      case 'helo': {
        const { verb, client } = question;
        const facts = { verb, clientName: client.name.text, clientNameKind: client.name.kind };
        const ask = (): Awaitable<Decision> =>
          this.#inTurn(hooks.helo, (hook) => hook.helo?.(this.request(hook, facts)));
        // The usual case: everybody is offered the same.
        return hooks.offer.length === 0 ? ask() : this.#narrowOffer(facts, ask);
      }
      case 'mail': {
        if (hooks.mail.length === 0) return PASS;
        const { reversePath, parameters } = question;
        return this.#inTurn(hooks.mail, (hook) => hook.mail?.(this.#pathRequest(hook, reversePath, parameters)));
      }
      case 'rcpt':
        if (hooks.rcpt.length === 0) return PASS;
        return this.#inTurn(hooks.rcpt, (hook) => hook.rcpt?.(this.#recipientRequest(hook, question)));
      case 'data':
        if (hooks.data.length === 0) return PASS;
        return this.#inTurn(hooks.data, (hook) =>
          hook.data?.(this.request(hook, { verb: question.chunk === undefined ? 'DATA' : 'BDAT' })),
        );
      case 'message':
        throw new InvariantError('A message is asked about where its content is');
      case 'vrfy':
      case 'expn':
      case 'etrn': {
        const { kind, text } = question;
        return this.#inTurn(hooks[kind], (hook) => hook[kind]?.(this.request(hook, { text })));
      }
      default:
        return assertNever(question);
    }
  }

  /**
   * Asks what this client is not to be offered, before it is told. What it was told before holds when it is refused now.
   *
   * @param andThen - asks everything else about the command
   */
  #narrowOffer(facts: HeloFacts, andThen: () => Awaitable<Decision>): Awaitable<Decision> {
    const { abortSource } = this;
    let all: OfferNarrowing | undefined;
    const understand = (value: unknown): Decision => {
      if (!isNarrowing(value)) return judge(value);
      all = all === undefined ? value : joinNarrowings(all, value);
      return PASS;
    };
    const asked = this.#hooks.offer.map(
      (hook) => () => decide(() => hook.offer?.(this.request(hook, facts)), understand),
    );
    const done = (decision: Decision): Decision => {
      const isRefused = decision.kind === 'refuse' || decision.kind === 'fault';
      // Nobody waits for an answer that comes too late.
      if (!isRefused && !abortSource.isAborted) this.#host.onNarrowed(all);
      return decision;
    };
    const decided = askInTurn([...asked, andThen], abortSource);
    return isThenable(decided) ? decided.then(done) : done(decided);
  }

  /** Asks about several recipients at once. */
  askAboutRecipients(questions: readonly RecipientQuestion[]): Awaitable<readonly Decision[]> {
    const { abortSource } = this;
    return askAboutRecipients(this.#hooks.rcpt, {
      recipientCount: questions.length,
      // `index` is that of a question.
      requestOf: (hook, index) => this.#recipientRequest(hook, questions[index] as RecipientQuestion),
      isOver: () => abortSource.isAborted,
    });
  }

  #inTurn(hooks: readonly AnyHook[], call: (hook: AnyHook) => unknown): Awaitable<Decision> {
    const first = hooks[0];
    if (first === undefined) return PASS;
    // One that is alone has no turn to wait for.
    if (hooks.length === 1) return decide(() => call(first));
    const asked = hooks.map((hook) => () => decide(() => call(hook)));
    return askInTurn(asked, this.abortSource);
  }

  /** What a hook is told. */
  request<T extends object>(hook: AnyHook, facts: T): T & HookRequest<unknown> {
    return Object.assign(new ToldRequest(this, hook, this.#host.info), facts);
  }

  #recipientRequest(hook: AnyHook, { recipient }: RecipientQuestion): PathRequest {
    return this.#pathRequest(hook, recipient.path, recipient.parameters);
  }

  #pathRequest(hook: AnyHook, path: Path, parameters: readonly Parameter[]): PathRequest {
    return new PathRequest(this, hook, { session: this.#host.info, path, parameters });
  }

  /** What a hook keeps of the session. */
  stateOf(hook: AnyHook): unknown {
    this.#states ??= new Map<AnyHook, unknown>();
    if (!this.#states.has(hook)) this.#states.set(hook, hook.createState?.(this.#host.info));
    return this.#states.get(hook);
  }

  /** Tells hooks what needs no verdict. What they throw is logged. */
  tell(stage: 'reset' | 'close'): void {
    for (const hook of this.#hooks[stage]) {
      const told = decide(
        () => hook[stage]?.(this.request(hook, {})),
        () => PASS,
      );
      const report = (decision: Decision): void => {
        if (decision.kind === 'fault') this.#host.incidents.log(decision.error, `Hook ${hook.name} failed at ${stage}`);
      };
      if (isThenable(told)) void told.then(report);
      else report(told);
    }
  }

  /** Whoever still decides something is told that nobody waits for it. */
  abort(reasonOf: () => Error): void {
    this.#reasonOfEnd ??= reasonOf;
    this.#abortSource?.abort(reasonOf);
  }

  /** The same, and what is asked from now on is waited for again: also what is asked while they are told. */
  abortAndRenew(reasonOf: () => Error): void {
    const { abortSource } = this;
    this.#abortSource = undefined;
    abortSource.abort(reasonOf);
  }
}

/** What the requests need of the conversation that they belong to. */
export interface HookRequestsHost {
  readonly info: SessionInfo;
  readonly incidents: Incidents;
  /** This client is offered less than others, or again as much. */
  onNarrowed(narrowing: OfferNarrowing | undefined): void;
}

/** A signal and a state are made only for whoever asks for one. */
class ToldRequest implements HookRequest<unknown> {
  readonly session: SessionInfo;
  readonly #requests: HookRequests;
  readonly #hook: AnyHook;
  readonly #abortSource: AbortSource;

  constructor(requests: HookRequests, hook: AnyHook, session: SessionInfo) {
    this.session = session;
    this.#requests = requests;
    this.#hook = hook;
    this.#abortSource = requests.abortSource;
  }

  get signal(): AbortSignal {
    return this.#abortSource.signal;
  }

  get state(): unknown {
    return this.#requests.stateOf(this.#hook);
  }
}

/** What is asked about a path: it is what is asked most. */
class PathRequest extends ToldRequest {
  readonly address: string;
  readonly path: Path;
  readonly parameters: readonly Parameter[];

  constructor(
    requests: HookRequests,
    hook: AnyHook,
    { session, path, parameters }: Pick<PathRequest, 'session' | 'path' | 'parameters'>,
  ) {
    super(requests, hook, session);
    this.address = path.address;
    this.path = path;
    this.parameters = parameters;
  }
}

type HeloFacts = Omit<HeloRequest<unknown>, keyof HookRequest<unknown>>;

/** Everything else that a hook may return is a verdict. */
function isNarrowing(value: unknown): value is OfferNarrowing {
  return typeof value === 'object' && value !== null && !(value instanceof Reply);
}
