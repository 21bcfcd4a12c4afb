/**
 * One transaction of a client, and what it is upstream: a branch for each server that its recipients go to; as a rule one. Each step asks
 * the upstream and gives the client its answer. Where there is nobody to ask there is no promise.
 */

import { onAbort } from '../../client/abort-listener.js';
import type { ReplyReceiver } from '../../client/client-connection.js';
import type { Lease } from '../../client/pool.js';
import { ContentPass } from '../../protocol/content-pass.js';
import { formatParameter, type Parameter } from '../../protocol/parameters.js';
import type { Path } from '../../protocol/path.js';
import { Reply, SMTPReplyError } from '../../protocol/reply.js';
import type { StreamedMessage } from '../../server/received-message.js';
import type { CompleteOptions } from '../../server/server-options.js';
import { isThenable, type Awaitable } from '../../server/verdict.js';
import { deliverContent, type DeliveryTarget } from './content-delivery.js';
import { factsOfFailure, ONE_BY_ONE, relayedReply, replyOfFailure } from './upstream-reply.js';
import type { Opened } from './upstreams.js';

/** Where a recipient goes. */
export interface Placement {
  /** Recipients with the same key go together. */
  readonly key: string;
  /** Whether they are one recipient: the server is told of it once, however often the client says it. */
  readonly isAlone: boolean;
  /** Opens the transaction there. */
  readonly open: (signal: AbortSignal) => Promise<Opened>;
}

/** A recipient that is asked about. */
interface RecipientRequest {
  readonly address: string;
  readonly path: Path;
  readonly parameters: readonly Parameter[];
}

/** A recipient, and where it goes, or why it goes nowhere. */
export interface PlacedRecipient extends RecipientRequest {
  readonly placement: Placement | Reply;
}

/** How content goes on. */
export interface ContentRules {
  /** What is put in front of all. */
  readonly front: Uint8Array;
  /** What is put behind the last header field. */
  readonly headerEnd: Uint8Array;
  /** `Received` fields that a message may have. */
  readonly hopsMax: number;
  /** Whether it may have bare CR and LF, or somebody else sees to it that a message that has them is not complete. */
  readonly mayHaveBareLineEnds: boolean;
}

/** What a transaction needs to know. */
export interface TransactionContext {
  /** What the client speaks. */
  readonly protocol: 'smtp' | 'lmtp';
  /** Whether recipients of several servers may be in one transaction although there is one reply for all. */
  readonly mayMix: boolean;
  readonly sessionId: string;
  readonly logger: CompleteOptions['logger'];
}

/** One transaction. */
export class ProxiedTransaction {
  readonly #context: TransactionContext;
  #branches: Branch[] = [];
  /** The branches of the recipients that were accepted, in order. */
  readonly #accepted: Branch[] = [];
  #isOver = false;

  constructor(context: TransactionContext) {
    this.#context = context;
  }

  /** Opens the one branch that there will be. @returns the upstream's reply to MAIL */
  open(placement: Placement, signal: AbortSignal): Promise<Reply> {
    return this.#open(placement, signal).then((opened) => (opened instanceof Reply ? opened : opened.senderReply));
  }

  /** Asks about recipients. @returns a reply for each, in order */
  addRecipients(recipients: readonly PlacedRecipient[], signal: AbortSignal): Promise<readonly Reply[]> {
    return this.#whileWanted(signal, () => this.#addRecipients(recipients, signal));
  }

  async #addRecipients(recipients: readonly PlacedRecipient[], signal: AbortSignal): Promise<readonly Reply[]> {
    const questions: Question[] = [];
    const together = new Map<string, PlacedQuestion[]>();
    for (const recipient of recipients) {
      const { placement } = recipient;
      const question: Question = { recipient, reply: NOT_ASKED, branch: undefined };
      questions.push(question);
      if (placement instanceof Reply) {
        question.reply = placement;
        continue;
      }
      const placed: PlacedQuestion = { question, placement };
      const others = together.get(placement.key);
      if (others === undefined) together.set(placement.key, [placed]);
      else others.push(placed);
    }
    for (const placed of together.values()) await this.#addToBranch(placed, signal);
    for (const { branch } of questions) if (branch !== undefined) this.#accepted.push(branch);
    return questions.map(({ reply }) => reply);
  }

  /**
   * The client wants to send the content. @returns the refusal, if the upstream does not want it
   *
   * @param verb - what the client says: with BDAT nobody asks before
   */
  startContent(verb: 'DATA' | 'BDAT', signal: AbortSignal): Promise<Reply | undefined> {
    return this.#whileWanted(signal, () => this.#startContent(verb));
  }

  async #startContent(verb: 'DATA' | 'BDAT'): Promise<Reply | undefined> {
    const branches = this.#live;
    if (branches.length === 0) return this.#accepted[0]?.failure ?? NOT_ASKED;
    await askTogether(branches, (branch, inquiry) => {
      this.#startBranch(branch, verb, inquiry);
    });
    const isAnyReady = branches.some(({ start }) => start !== undefined);
    return isAnyReady ? undefined : (branches[0]?.startRefusal ?? NOT_ASKED);
  }

  /** Passes the content on while it comes. @returns a verdict for each recipient */
  passContent(
    { body }: Pick<StreamedMessage, 'body'>,
    { front, headerEnd, hopsMax, mayHaveBareLineEnds }: ContentRules,
  ): Promise<readonly Reply[]> {
    this.#isOver = true;
    const branches = this.#live.filter(({ start }) => start !== undefined);
    for (const branch of this.#branches) if (!branches.includes(branch)) branch.lease.release();
    if (branches.length === 0) return Promise.resolve(this.#verdicts());
    const pass = new ContentPass({ front, headerEnd, lineEndings: mayHaveBareLineEnds ? 'preserve' : 'reject' });
    return new Promise((resolve, reject) => {
      let openCount = branches.length;
      const onSettled = (): void => {
        openCount -= 1;
        if (openCount === 0) resolve(this.#verdicts());
      };
      const targets = branches.map((branch) => this.#targetOf(branch, onSettled, reject));
      deliverContent(body, { pass, hopsMax }, targets);
    });
  }

  /** @param onFault - told of what is no failure of the upstream */
  #targetOf(branch: Branch, onSettled: () => void, onFault: (error: unknown) => void): DeliveryTarget {
    const { lease, start } = branch;
    const kind = start ?? 'data';
    return {
      begin: (receiver) => lease.client.beginContent(kind, receiver),
      onReplies: (replies) => {
        lease.release();
        branch.contentReplies = replies.map(relayedReply);
        onSettled();
      },
      onFailure: (error) => {
        if (kind === 'chunks' && lease.client.isIdle) lease.release();
        else lease.discard();
        try {
          branch.contentReplies = [this.#failureReply(error, { branch, step: 'content' })];
          onSettled();
        } catch (fault) {
          onFault(fault);
        }
      },
    };
  }

  /** What each recipient that was accepted hears. */
  #verdicts(): readonly Reply[] {
    const taken = new Map<Branch, number>();
    return this.#accepted.map((branch) => {
      const position = taken.get(branch) ?? 0;
      taken.set(branch, position + 1);
      if (branch.failure !== undefined) return branch.failure;
      if (branch.start === undefined) return branch.startRefusal ?? NOT_ASKED;
      // One reply is for all of them.
      return branch.contentReplies[position] ?? branch.contentReplies.at(-1) ?? NOT_ASKED;
    });
  }

  /** The client gives it up, or has left. */
  abandon(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { lease } of this.#branches) lease.release();
  }

  /** Runs a step. When nobody wants its outcome any more the connections are cut: what is said on them would be wrong. */
  async #whileWanted<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    const cut = (): void => {
      for (const branch of this.#branches) {
        branch.failure ??= NOT_ASKED;
        branch.lease.discard();
      }
    };
    const stop = onAbort(signal, cut);
    try {
      return await run();
    } finally {
      stop();
    }
  }

  /** The servers that have recipients of this message, and are still there. */
  get #live(): readonly Branch[] {
    return this.#branches.filter(({ failure, acceptedCount }) => failure === undefined && acceptedCount > 0);
  }

  async #open({ key, isAlone, open }: Placement, signal: AbortSignal): Promise<Branch | Reply> {
    let opened: Opened;
    try {
      opened = await open(signal);
    } catch (error) {
      return this.#failureReply(error, { branch: undefined, step: 'envelope' });
    }
    const { lease, reply, where } = opened;
    if (!reply.isPositive) {
      lease.release();
      return relayedReply(reply);
    }
    const branch: Branch = {
      key,
      isAlone,
      recipientReply: undefined,
      acceptedCount: 0,
      lease,
      where,
      senderReply: reply,
      failure: undefined,
      start: undefined,
      startRefusal: undefined,
      contentReplies: [],
    };
    // The client may have left while the upstream thought about it.
    if (this.#isOver) {
      lease.release();
      return NOT_ASKED;
    }
    this.#branches.push(branch);
    return branch;
  }

  #addToBranch(placed: readonly PlacedQuestion[], signal: AbortSignal): Awaitable<void> {
    const [first] = placed;
    if (first === undefined) return;
    const questions = placed.map(({ question }) => question);
    const found = this.#branchFor(first.placement, signal);
    return isThenable(found)
      ? found.then((branch) => this.#askBranch(branch, questions))
      : this.#askBranch(found, questions);
  }

  /** @returns the branch that recipients of this placement belong to, or why there is none */
  #branchFor(placement: Placement, signal: AbortSignal): Awaitable<Branch | Reply> {
    const isElsewhere = this.#branches.some(({ key, acceptedCount }) => key !== placement.key && acceptedCount > 0);
    if (isElsewhere && !this.#mayServeSeveral) return OTHER_DESTINATION;
    const branch = this.#branches.find(({ key }) => key === placement.key);
    if (branch !== undefined) return branch.failure ?? branch;
    this.#dropUnused();
    // Each has a connection of its own. A message for a hundred lists must not wait for connections that it holds itself.
    if (placement.isAlone && this.#branches.filter(({ isAlone }) => isAlone).length >= ALONE_BRANCHES_MAX) {
      return ONE_BY_ONE;
    }
    return this.#open(placement, signal);
  }

  async #askBranch(branch: Branch | Reply, questions: readonly Question[]): Promise<void> {
    if (branch instanceof Reply) {
      answerAll(questions, branch);
      return;
    }
    const { client } = branch.lease;
    // An LMTP server has a reply for each recipient, and an SMTP client hears one: one recipient a transaction, then.
    const isOneByOne = branch.isAlone || (client.options.protocol === 'lmtp' && !this.#mayServeSeveral);
    if (isOneByOne) {
      for (const question of questions) await this.#askIfFirst(branch, question);
    } else {
      // Together, so that they leave together where the upstream offers PIPELINING.
      await this.#askTogether(branch, questions);
    }
    // Who hears that the connection is lost has company: nothing that was accepted on it stands.
    if (branch.failure !== undefined) answerAll(questions, branch.failure);
    for (const question of questions) {
      if (!question.reply.isPositive) continue;
      question.branch = branch;
      branch.acceptedCount += 1;
    }
  }

  async #askIfFirst(branch: Branch, question: Question): Promise<void> {
    const { recipientReply } = branch;
    if (recipientReply === undefined) await this.#askTogether(branch, [question]);
    else question.reply = branch.isAlone ? recipientReply : ONE_BY_ONE;
    if (question.reply.isPositive) branch.recipientReply ??= question.reply;
  }

  #askTogether(branch: Branch, questions: readonly Question[]): Promise<void> {
    const { client } = branch.lease;
    return askTogether(questions, (question, inquiry) => {
      const { address, parameters } = question.recipient;
      this.#ask(branch, 'envelope', inquiry, {
        request: (receiver) => {
          client.requestRcpt(address, parameters.map(formatParameter), receiver);
        },
        onAnswer: (reply) => {
          question.reply = relayedReply(reply);
        },
      });
    });
  }

  #startBranch(branch: Branch, verb: 'DATA' | 'BDAT', inquiry: Inquiry): void {
    const { client } = branch.lease;
    if (verb === 'BDAT' && client.capabilities.has('CHUNKING')) {
      branch.start = 'chunks';
      inquiry.onAnswered();
      return;
    }
    this.#ask(branch, 'content', inquiry, {
      request: (receiver) => {
        client.requestData(receiver);
      },
      onAnswer: (reply) => {
        if (reply.code === 354) branch.start = 'data';
        else branch.startRefusal = relayedReply(reply);
      },
    });
  }

  /** Asks one thing. What fails has an answer, too: ours. */
  #ask(
    branch: Branch,
    step: 'envelope' | 'content',
    { onAnswered, onFault }: Inquiry,
    {
      request,
      onAnswer,
    }: {
      readonly request: (receiver: ReplyReceiver) => void;
      readonly onAnswer: (reply: Reply) => void;
    },
  ): void {
    const onReply = (reply: Reply): void => {
      onAnswer(reply);
      onAnswered();
    };
    const onFailure = (error: unknown): void => {
      try {
        onReply(this.#failureReply(error, { branch, step }));
      } catch (fault) {
        onFault(fault);
      }
    };
    try {
      request({ onReply, onFailure });
    } catch (error) {
      onFailure(error);
    }
  }

  /** What the client hears. @throws what is no failure of the upstream */
  #failureReply(
    error: unknown,
    { branch, step }: { readonly branch: Branch | undefined; readonly step: 'envelope' | 'content' },
  ): Reply {
    const reply = replyOfFailure(error, step);
    if (reply === undefined) throw error;
    const { logger, sessionId } = this.#context;
    // What we refuse by ourselves is no failure of anybody.
    if (!(error instanceof SMTPReplyError)) {
      const fields = { session: sessionId, upstream: branch?.where, reply: reply.toString(), ...factsOfFailure(error) };
      logger.warn(fields, 'The next server failed; the client is told to try again later');
    }
    if (branch !== undefined && !branch.lease.client.isOpen) branch.failure ??= reply;
    return reply;
  }

  /** A branch that nobody was accepted on makes room for another. */
  #dropUnused(): void {
    if (this.#mayServeSeveral) return;
    for (const { acceptedCount, lease } of this.#branches) if (acceptedCount === 0) lease.release();
    this.#branches = this.#branches.filter(({ acceptedCount }) => acceptedCount > 0);
  }

  get #mayServeSeveral(): boolean {
    return this.#context.protocol === 'lmtp' || this.#context.mayMix;
  }
}

/** A recipient that is asked about, and what came of it. */
interface Question {
  readonly recipient: RecipientRequest;
  reply: Reply;
  /** Where it was accepted; `undefined`: nowhere. */
  branch: Branch | undefined;
}

interface PlacedQuestion {
  readonly question: Question;
  readonly placement: Placement;
}

/** One of several things that are asked at once. */
interface Inquiry {
  readonly onAnswered: () => void;
  readonly onFault: (error: unknown) => void;
}

/** Asks several things at once. @returns when each has its answer */
function askTogether<T>(items: readonly T[], ask: (item: T, inquiry: Inquiry) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let openCount = items.length;
    const onAnswered = (): void => {
      openCount -= 1;
      if (openCount === 0) resolve();
    };
    for (const item of items) ask(item, { onAnswered, onFault: reject });
  });
}

function answerAll(questions: readonly Question[], reply: Reply): void {
  for (const question of questions) question.reply = reply;
}

/** What is open with one server. */
interface Branch {
  readonly key: string;
  readonly isAlone: boolean;
  /** To the first RCPT that was accepted. */
  recipientReply: Reply | undefined;
  /** Recipients of this branch that the client heard yes about. */
  acceptedCount: number;
  readonly lease: Lease;
  readonly where: string;
  readonly senderReply: Reply;
  /** The connection is lost: this is what its recipients hear from now on. */
  failure: Reply | undefined;
  /** How the content goes there; `undefined`: it does not, yet. */
  start: 'data' | 'chunks' | undefined;
  startRefusal: Reply | undefined;
  contentReplies: readonly Reply[];
}

// RFC 5321 §4.5.3.1.10: the client sends the rest in another transaction.
const OTHER_DESTINATION = new Reply(
  452,
  '4.5.3',
  'Error: this recipient goes to another server; send it in another transaction',
);
/** Less than half of the connections that a pool has by default. */
const ALONE_BRANCHES_MAX = 8;
const NOT_ASKED = new Reply(451, '4.4.2', 'Error: the next server was not asked; try again later');
