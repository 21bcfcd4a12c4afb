/**
 * Scripted faults: what a test wants to happen, when, and how often. This file checks and keeps the script; `scripted-server.ts`
 * plays it.
 */

import type { Reply } from '../protocol/reply.js';
import type { SessionInfo } from '../server/session-info.js';
import { judge } from '../server/verdict.js';
import { checkMatch, isAddressMatch, isTextMatch, isYes, type TextPattern } from './message-match.js';
import { badOption, checkNames } from './test-server-error.js';
import type { TestMessage } from './test-message.js';

/**
 * Where in a session a fault can happen. `helo` is HELO, EHLO and LHLO; `starttls` is STARTTLS; `auth` is where credentials are judged;
 * `data` is DATA and the first BDAT; `message` is the end of the content.
 */
export type FaultStage = 'connect' | 'helo' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data' | 'message';

/** Something that happens besides a reply; made by {@link delay} and {@link drop}. */
export type FaultStep =
  { readonly kind: 'delay'; readonly ms: number } | { readonly kind: 'drop'; readonly options: DropOptions };

/**
 * What happens: a reply, given as a code (`451`), a text (`'452 4.2.2 Mailbox full'`) or a `Reply`; a {@link delay}; a {@link drop};
 * or several of them together.
 */
export type Fault = number | string | Reply | FaultStep | readonly (number | string | Reply | FaultStep)[];

/** Where the connection is dropped, and how. */
export type DropOptions = {
  /** Whether the client gets a reset (`ECONNRESET`), which can also take earlier replies with it, or an orderly end. Default: `false`. */
  readonly reset?: boolean;
} & (
  | {
      /**
       * `insteadOfReply` (the default): replies to what came before are sent, this one is not. At `message`, the message is not taken.
       * `afterReply`: this reply is the last thing that is sent.
       * `afterTaking` (`message` only): the message is taken, and the client does not hear of it.
       */
      readonly at?: 'insteadOfReply' | 'afterReply' | 'afterTaking';
    }
  | {
      /** `data` only: in the middle of the content. */
      readonly at: 'inContent';
      /** How many octets of content are read first, as they are on the wire. A message that is shorter is dropped at its end. */
      readonly afterBytes: number;
    }
);

/** How often, and to whom, a fault happens. */
export interface FaultOptions {
  /** How many times. `Infinity`: always. Default: 1. */
  readonly times?: number;
  /** Only for requests like this; others go on as if there were no fault. */
  readonly when?: FaultMatch | ((request: FaultRequest) => boolean);
}

/** Which requests a fault is for. What a stage cannot know yet cannot be asked there. */
export interface FaultMatch {
  /** From `helo` on: what the client called itself. */
  readonly client?: TextPattern;
  /** From `mail` on: the reverse-path. */
  readonly from?: TextPattern;
  /** At `rcpt`: this recipient; later: one of them. */
  readonly to?: TextPattern;
  /** At `message`: the decoded subject. */
  readonly subject?: TextPattern;
}

/** What is known when a fault could happen. */
export interface FaultRequest {
  readonly stage: FaultStage;
  readonly session: SessionInfo;
  /** HELO, EHLO or LHLO, at `helo`. */
  readonly verb?: 'HELO' | 'EHLO' | 'LHLO';
  readonly client?: string;
  readonly from?: string;
  /** At `rcpt`, the one recipient. */
  readonly to?: readonly string[];
  readonly message?: TestMessage;
}

/** A fault that was scripted. */
export interface FaultHandle {
  /** How many times it has happened. */
  readonly hits: number;
  /** It will not happen any more. */
  cancel(): void;
}

/** A fault, taken apart. */
export interface ScriptedFault {
  readonly delayMs: number;
  readonly reply: Reply | undefined;
  readonly drop: DropOptions | undefined;
}

/**
 * A fault: the reply comes that much later.
 *
 * @param ms - by the server's clock
 */
export function delay(ms: number): FaultStep {
  if (typeof ms !== 'number' || !(ms >= 0 && ms < Infinity))
    throw badOption(`delay() takes milliseconds, not ${String(ms)}`);
  return { kind: 'delay', ms };
}

/**
 * A fault: the connection is dropped.
 *
 * @example
 * ```ts
 * import { drop, startTestServer } from 'smtpd/testing';
 * await using smtp = await startTestServer();
 * smtp.next('rcpt', drop());
 * smtp.next('data', drop({ at: 'inContent', afterBytes: 1000, reset: true }));
 * ```
 */
export function drop(options: DropOptions = {}): FaultStep {
  return { kind: 'drop', options };
}

/** The faults that have not happened yet. */
export class FaultSchedule {
  #entries: Entry[] = [];

  /** @throws {@link TestServerError} `SMTPD_BAD_OPTION` when it could not happen */
  add(stage: FaultStage, fault: Fault, options: FaultOptions): FaultHandle {
    const known = KNOWN_AT[stage] as readonly string[] | undefined;
    if (known === undefined)
      throw badOption(`There is no stage "${stage}"; there are: ${Object.keys(KNOWN_AT).join(', ')}`);
    checkNames(options, ['times', 'when'], 'next()');
    const { times = 1, when = {} } = options;
    if (!(times >= 1 && (Number.isInteger(times) || times === Infinity)))
      throw badOption(`times is 1, 2, … or Infinity, not ${String(times)}`);
    checkMatch(when, known);
    const entry = new Entry(scriptFault(stage, fault), stage, times, when);
    this.#entries.push(entry);
    return {
      get hits() {
        return entry.hits;
      },
      cancel: () => {
        this.#entries = this.#entries.filter((each) => each !== entry);
      },
    };
  }

  /** Whether nothing can happen at a stage, whatever the request: then nobody has to find out what it is about. */
  isQuietAt(stage: FaultStage): boolean {
    return !this.#entries.some((entry) => entry.stage === stage);
  }

  /** Takes the first fault that is for this request. */
  take(request: FaultRequest): ScriptedFault | undefined {
    const entry = this.#entries.find((each) => each.isFor(request));
    if (entry === undefined) return undefined;
    entry.hits += 1;
    if (entry.hits === entry.times) this.#entries = this.#entries.filter((each) => each !== entry);
    return entry.fault;
  }

  clear(): void {
    this.#entries = [];
  }
}

class Entry {
  readonly fault: ScriptedFault;
  readonly stage: FaultStage;
  readonly times: number;
  hits = 0;
  readonly #when: NonNullable<FaultOptions['when']>;

  constructor(fault: ScriptedFault, stage: FaultStage, times: number, when: NonNullable<FaultOptions['when']>) {
    this.fault = fault;
    this.times = times;
    this.stage = stage;
    this.#when = when;
  }

  isFor(request: FaultRequest): boolean {
    if (request.stage !== this.stage) return false;
    const when = this.#when;
    if (typeof when === 'function') return isYes(when(request));
    const { client = '', from = '', to = [], message } = request;
    return (
      (when.client === undefined || isTextMatch(client, when.client)) &&
      (when.from === undefined || isAddressMatch(from, when.from)) &&
      (when.to === undefined || to.some((address) => isAddressMatch(address, when.to as TextPattern))) &&
      (when.subject === undefined || (message?.subject !== undefined && isTextMatch(message.subject, when.subject)))
    );
  }
}

function scriptFault(stage: FaultStage, fault: Fault): ScriptedFault {
  let delayMs = 0;
  let reply: Reply | undefined;
  let dropped: DropOptions | undefined;
  const steps = Array.isArray(fault) ? (fault as readonly Exclude<Fault, readonly unknown[]>[]) : [fault];
  if (steps.length === 0) throw badOption('An empty list is no fault; write 451, delay(ms) or drop()');
  for (const step of steps) {
    if (isStep(step)) {
      if (step.kind === 'delay') {
        delayMs += step.ms;
      } else {
        if (dropped !== undefined) throw badOption('A connection can be dropped once');
        dropped = checkDrop(stage, step.options);
      }
    } else {
      if (reply !== undefined) throw badOption('A command gets one reply');
      reply = replyOf(stage, step as number | string | Reply);
    }
  }
  if (reply !== undefined && dropped !== undefined && dropped.at !== 'afterReply')
    throw badOption("A reply together with drop() needs drop({ at: 'afterReply' })");
  return { delayMs, reply, drop: dropped };
}

function isStep(step: unknown): step is FaultStep {
  return typeof step === 'object' && step !== null && 'kind' in step;
}

function checkDrop(stage: FaultStage, options: DropOptions): DropOptions {
  checkNames(options, ['at', 'afterBytes', 'reset'], 'drop()');
  const { at = 'insteadOfReply' } = options;
  if (!DROP_POINTS.has(at))
    throw badOption(`drop({ at: '${at}' }) is unknown; there are: ${[...DROP_POINTS].join(', ')}`);
  if (at === 'inContent' && stage !== 'data') throw badOption("drop({ at: 'inContent' }) belongs to the stage 'data'");
  if (at === 'afterTaking' && stage !== 'message')
    throw badOption("drop({ at: 'afterTaking' }) belongs to the stage 'message'");
  if (at !== 'inContent' && 'afterBytes' in options) throw badOption("afterBytes belongs to drop({ at: 'inContent' })");
  if (options.at === 'inContent' && !(Number.isInteger(options.afterBytes) && options.afterBytes >= 1))
    throw badOption("afterBytes is 1 or more octets; to drop before the content, write drop({ at: 'afterReply' })");
  return options;
}

function replyOf(stage: FaultStage, given: number | string | Reply): Reply {
  const text = typeof given === 'number' ? `${String(given)} ${ENHANCED[Math.floor(given / 100)] ?? ''}` : given;
  const decision = judge(text);
  if (decision.kind !== 'accept' && decision.kind !== 'refuse')
    throw badOption(
      `${JSON.stringify(given)} is no reply to ${stage}; write 451, '451 4.3.0 Try later', delay(ms) or drop()`,
    );
  if (REFUSED_ONLY.has(stage) && decision.kind === 'accept')
    throw badOption(`A reply at ${stage} refuses: its code is 400 to 559; to let the client go on, script nothing`);
  return decision.reply;
}

const ENHANCED: Readonly<Record<number, string>> = {
  2: '2.0.0 As the test says',
  4: '4.0.0 Not now, says the test',
  5: '5.0.0 No, says the test',
};
/** Stages at which yes is more than a reply. */
const REFUSED_ONLY: ReadonlySet<FaultStage> = new Set<FaultStage>(['starttls', 'auth']);
const DROP_POINTS = new Set<string>(['insteadOfReply', 'afterReply', 'afterTaking', 'inContent']);
const KNOWN_AT: Readonly<Record<FaultStage, readonly (keyof FaultMatch)[]>> = {
  connect: [],
  helo: ['client'],
  starttls: ['client'],
  auth: ['client'],
  mail: ['client', 'from'],
  rcpt: ['client', 'from', 'to'],
  data: ['client', 'from', 'to'],
  message: ['client', 'from', 'to', 'subject'],
};
