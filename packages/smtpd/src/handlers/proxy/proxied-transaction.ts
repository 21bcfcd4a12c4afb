/**
 * One transaction of a client, and what it is upstream: a branch for each server that its recipients go to; as a rule one. Each step asks
 * the upstream and gives the client its answer, in the turn in which it comes. Recipients that go to a server which is asked already are the
 * usual case, and a promise is there only for the others.
 *
 * Its short lists are made by loops, not by `map()` and `filter()`: docs/performance.md, "Through a proxy", has the reason.
 */

import { onAbort } from '../../client/abort-listener.js';
import type { ReplyReceiver } from '../../client/client-connection.js';
import type { ContentTransfer, TransferReceiver } from '../../client/content-transfer.js';
import type { Lease } from '../../client/pool.js';
import { ContentPass } from '../../protocol/content-pass.js';
import type { Parameter } from '../../protocol/parameters.js';
import type { Path } from '../../protocol/path.js';
import { Reply, SMTPReplyError } from '../../protocol/reply.js';
import { formatOptions } from '../../protocol/session-state.js';
import { Later, listenTo } from '../../server/later.js';
import type { StreamedMessage } from '../../server/received-message.js';
import type { CompleteOptions } from '../../server/server-options.js';
import type { Awaitable } from '../../server/verdict.js';
import { deliverContent, type DeliveryTarget } from './content-delivery.js';
import { factsOfFailure, ONE_BY_ONE, relayedReplies, relayedReply, replyOfFailure } from './upstream-reply.js';
import type { Opened, OpeningReceiver } from './upstreams.js';

/** Where a recipient goes. */
export interface Placement {
  /** Recipients with the same key go together. */
  readonly key: string;
  /** Whether they are one recipient: the server is told of it once, however often the client says it. */
  readonly isAlone: boolean;
  /** Opens the transaction there. */
  readonly open: (signal: AbortSignal, receiver: OpeningReceiver) => void;
}

/** A recipient that is asked about. */
interface RecipientRequest {
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
  /** The last step that has begun. */
  #step: { readonly isSettled: boolean } | undefined;
  #signal: AbortSignal | undefined;
  #stopListening: () => void = ignore;

  constructor(context: TransactionContext) {
    this.#context = context;
  }

  /** Opens the one branch that there will be. @returns the upstream's reply to MAIL */
  open(placement: Placement, signal: AbortSignal): Awaitable<Reply> {
    return this.#open(placement, signal, senderReplyOf);
  }

  /** Asks about recipients. @returns a reply for each, in order */
  addRecipients(recipients: readonly PlacedRecipient[], signal: AbortSignal): Awaitable<readonly Reply[]> {
    this.#listen(signal);
    const branch = this.#branchOfAll(recipients);
    if (branch === undefined) return this.#addStepwise(recipients, signal);
    const questions: Question[] = [];
    for (const recipient of recipients) questions.push(questionAbout(recipient));
    const round = new Round(questions.length, () => {
      this.#settle(branch, questions);
      return this.#conclude(questions);
    });
    this.#step = round;
    this.#askTogether(branch, questions, round);
    return round;
  }

  /** The usual case: all of them go to the one branch that is open, and may be asked about at once. */
  #branchOfAll(recipients: readonly PlacedRecipient[]): Branch | undefined {
    const branch = this.#branches[0];
    if (branch === undefined || this.#branches.length > 1 || branch.failure !== undefined) return undefined;
    if (this.#isOneByOne(branch)) return undefined;
    const isThere = ({ placement }: PlacedRecipient): boolean => 'key' in placement && placement.key === branch.key;
    return recipients.every(isThere) ? branch : undefined;
  }

  #addStepwise(recipients: readonly PlacedRecipient[], signal: AbortSignal): Awaitable<readonly Reply[]> {
    const answer = new Later<readonly Reply[]>();
    this.#step = answer;
    listenTo(
      this.#addToSeveral(recipients, signal),
      answer.settledWith((replies: readonly Reply[]) => replies),
    );
    return answer;
  }

  async #addToSeveral(recipients: readonly PlacedRecipient[], signal: AbortSignal): Promise<readonly Reply[]> {
    const questions: Question[] = [];
    const together = new Map<string, PlacedQuestion[]>();
    for (const recipient of recipients) {
      const { placement } = recipient;
      const question = questionAbout(recipient);
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
    return this.#conclude(questions);
  }

  /** All were asked about. @returns what is answered */
  #conclude(questions: readonly Question[]): readonly Reply[] {
    const replies: Reply[] = [];
    for (const { branch, reply } of questions) {
      if (branch !== undefined) this.#accepted.push(branch);
      replies.push(reply);
    }
    return replies;
  }

  /**
   * The client wants to send the content. @returns the refusal, if the upstream does not want it
   *
   * @param verb - what the client says: with BDAT nobody asks before
   */
  startContent(verb: 'DATA' | 'BDAT', signal: AbortSignal): Awaitable<Reply | undefined> {
    const branches = this.#live;
    if (branches.length === 0) return this.#accepted[0]?.failure ?? NOT_ASKED;
    this.#listen(signal);
    const round = new Round(branches.length, () => {
      const isAnyReady = branches.some(({ start }) => start !== undefined);
      return isAnyReady ? undefined : (branches[0]?.startRefusal ?? NOT_ASKED);
    });
    this.#step = round;
    for (const branch of branches) this.#startBranch(branch, verb, round);
    return round;
  }

  /** Passes the content on while it comes. @returns a verdict for each recipient */
  passContent(
    { body }: Pick<StreamedMessage, 'body'>,
    { front, headerEnd, hopsMax, mayHaveBareLineEnds }: ContentRules,
  ): Awaitable<readonly Reply[]> {
    this.#end();
    const branches: Branch[] = [];
    for (const branch of this.#live) if (branch.start !== undefined) branches.push(branch);
    for (const branch of this.#branches) if (!branches.includes(branch)) branch.lease.release();
    if (branches.length === 0) return this.#verdicts();
    const pass = new ContentPass({ front, headerEnd, lineEndings: mayHaveBareLineEnds ? 'preserve' : 'reject' });
    const round = new Round(branches.length, () => this.#verdicts());
    const targets: DeliveryTarget[] = [];
    for (const branch of branches) targets.push(new ContentTarget({ transaction: this, branch, round }));
    deliverContent(body, { pass, hopsMax }, targets);
    return round;
  }

  /** What each recipient that was accepted hears. */
  #verdicts(): readonly Reply[] {
    const verdicts: Reply[] = [];
    for (const branch of this.#branches) branch.answeredCount = 0;
    for (const branch of this.#accepted) {
      const { failure, start, startRefusal, contentReplies, answeredCount } = branch;
      branch.answeredCount += 1;
      // One reply is for all of them. In LMTP each has its own, which stands also when the connection is lost before the others have theirs.
      const said = contentReplies[answeredCount] ?? contentReplies.at(-1) ?? failure;
      verdicts.push(said ?? (start === undefined ? startRefusal : undefined) ?? NOT_ASKED);
    }
    return verdicts;
  }

  /** The client gives it up, or has left. */
  abandon(): void {
    if (this.#isOver) return;
    this.#end();
    for (const { lease } of this.#branches) lease.release();
  }

  #end(): void {
    this.#isOver = true;
    this.#stopListening();
  }

  /** A step begins. When nobody wants its outcome any more the connections are cut: what is said on them would be wrong. */
  #listen(signal: AbortSignal): void {
    // It is the same one in all steps, as a rule.
    if (signal === this.#signal) return;
    this.#signal = signal;
    this.#stopListening();
    this.#stopListening = onAbort(signal, () => {
      // It is settled before anybody hears of its outcome, with which the next step may begin.
      if (this.#step?.isSettled === false) this.#cut();
    });
  }

  #cut(): void {
    for (const branch of this.#branches) branch.failure ??= NOT_ASKED;
    for (const { lease } of this.#branches) lease.discard();
  }

  /** The servers that have recipients of this message, and are still there. */
  get #live(): readonly Branch[] {
    const live: Branch[] = [];
    for (const branch of this.#branches) {
      if (branch.failure === undefined && branch.acceptedCount > 0) live.push(branch);
    }
    return live;
  }

  /** @param outcomeOf - makes it of the branch, or of why there is none */
  #open<T>(placement: Placement, signal: AbortSignal, outcomeOf: (opened: Branch | Reply) => T): Later<T> {
    const opening = new Opening(this, placement, outcomeOf);
    try {
      placement.open(signal, opening);
    } catch (error) {
      opening.onFailure(error);
    }
    return opening;
  }

  /** A transaction was opened. @returns the branch, or why there is none */
  addBranch({ key, isAlone }: Placement, { lease, reply, where }: Opened): Branch | Reply {
    if (!reply.isPositive) {
      lease.release();
      return relayedReply(reply);
    }
    const branch: Branch = {
      key,
      isAlone,
      recipientReply: undefined,
      acceptedCount: 0,
      answeredCount: 0,
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

  async #addToBranch(placed: readonly PlacedQuestion[], signal: AbortSignal): Promise<void> {
    const [first] = placed;
    if (first === undefined) return;
    const questions = placed.map(({ question }) => question);
    await this.#askBranch(await this.#branchFor(first.placement, signal), questions);
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
    return this.#open(placement, signal, (opened) => opened);
  }

  async #askBranch(branch: Branch | Reply, questions: readonly Question[]): Promise<void> {
    if (branch instanceof Reply) {
      answerAll(questions, branch);
      return;
    }
    if (this.#isOneByOne(branch)) {
      for (const question of questions) await this.#askIfFirst(branch, question);
    } else {
      await this.#askAtOnce(branch, questions);
    }
    this.#settle(branch, questions);
  }

  /** An LMTP server has a reply for each recipient, and an SMTP client hears one: one recipient a transaction, then. */
  #isOneByOne({ isAlone, lease }: Branch): boolean {
    return isAlone || (lease.client.options.protocol === 'lmtp' && !this.#mayServeSeveral);
  }

  /** All of a branch's were asked about. */
  #settle(branch: Branch, questions: readonly Question[]): void {
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
    if (recipientReply === undefined) await this.#askAtOnce(branch, [question]);
    else question.reply = branch.isAlone ? recipientReply : ONE_BY_ONE;
    if (question.reply.isPositive) branch.recipientReply ??= question.reply;
  }

  #askAtOnce(branch: Branch, questions: readonly Question[]): Promise<void> {
    const round = new Round<void>(questions.length, ignore);
    this.#askTogether(branch, questions, round);
    return round;
  }

  /** Together, so that they leave together where the upstream offers PIPELINING. */
  #askTogether(branch: Branch, questions: readonly Question[], round: Round<unknown>): void {
    const { client } = branch.lease;
    for (const question of questions) {
      const { path, parameters } = question.recipient;
      const asking = new RecipientAsking({ transaction: this, branch, round }, question);
      try {
        client.requestRcpt(path, formatOptions(parameters), asking);
      } catch (error) {
        asking.onFailure(error);
      }
    }
    client.flush();
  }

  #startBranch(branch: Branch, verb: 'DATA' | 'BDAT', round: Round<unknown>): void {
    const { client } = branch.lease;
    if (verb === 'BDAT' && client.capabilities.has('CHUNKING')) {
      branch.start = 'chunks';
      round.onAnswered();
      return;
    }
    const asking = new ContentAsking({ transaction: this, branch, round });
    try {
      client.requestData(asking);
    } catch (error) {
      asking.onFailure(error);
    }
    client.flush();
  }

  /** What the client hears. @throws what is no failure of the upstream */
  failureReply(
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

function questionAbout(recipient: PlacedRecipient): Question {
  return { recipient, reply: NOT_ASKED, branch: undefined };
}

/** Several things that are asked at once, and what comes of them when each has its answer. What is no failure of the upstream rejects it. */
class Round<T> extends Later<T> {
  #openCount: number;
  readonly #conclude: () => T;

  /** @param conclude - makes the outcome; must not throw */
  constructor(count: number, conclude: () => T) {
    super();
    this.#openCount = count;
    this.#conclude = conclude;
  }

  onAnswered(): void {
    this.#openCount -= 1;
    if (this.#openCount === 0) this.resolve(this.#conclude());
  }
}

/** A transaction that is being opened with a server. */
class Opening<T> extends Later<T> implements OpeningReceiver {
  readonly #transaction: ProxiedTransaction;
  readonly #placement: Placement;
  readonly #outcomeOf: (opened: Branch | Reply) => T;

  constructor(transaction: ProxiedTransaction, placement: Placement, outcomeOf: (opened: Branch | Reply) => T) {
    super();
    this.#transaction = transaction;
    this.#placement = placement;
    this.#outcomeOf = outcomeOf;
  }

  onOpened(opened: Opened): void {
    this.resolve(this.#outcomeOf(this.#transaction.addBranch(this.#placement, opened)));
  }

  onFailure(error: unknown): void {
    let reply: Reply;
    try {
      reply = this.#transaction.failureReply(error, { branch: undefined, step: 'envelope' });
    } catch (fault) {
      this.reject(fault);
      return;
    }
    this.resolve(this.#outcomeOf(reply));
  }
}

/** Whom something is asked, and what for. */
interface AskingInit {
  readonly transaction: ProxiedTransaction;
  readonly branch: Branch;
  readonly round: Round<unknown>;
}

/** Something that a server is asked. What fails has an answer, too: ours. */
abstract class Asking implements ReplyReceiver {
  protected readonly init: AskingInit;
  readonly #step: 'envelope' | 'content';

  constructor(init: AskingInit, step: 'envelope' | 'content') {
    this.init = init;
    this.#step = step;
  }

  protected abstract answer(reply: Reply): void;

  onReply(reply: Reply): void {
    this.answer(reply);
    this.init.round.onAnswered();
  }

  onFailure(error: unknown): void {
    const { transaction, branch, round } = this.init;
    try {
      this.onReply(transaction.failureReply(error, { branch, step: this.#step }));
    } catch (fault) {
      round.reject(fault);
    }
  }
}

/** Whether a recipient is accepted. */
class RecipientAsking extends Asking {
  readonly #question: Question;

  constructor(init: AskingInit, question: Question) {
    super(init, 'envelope');
    this.#question = question;
  }

  protected answer(reply: Reply): void {
    this.#question.reply = relayedReply(reply);
  }
}

/** Whether the content may come. */
class ContentAsking extends Asking {
  constructor(init: AskingInit) {
    super(init, 'content');
  }

  protected answer(reply: Reply): void {
    const { branch } = this.init;
    // RFC 5321 §4.3.2: a client goes by the first digit.
    if (reply.code < 400) branch.start = 'data';
    else branch.startRefusal = relayedReply(reply);
  }
}

/** A server that gets the content. */
class ContentTarget implements DeliveryTarget {
  readonly #init: AskingInit;

  constructor(init: AskingInit) {
    this.#init = init;
  }

  begin(receiver: TransferReceiver): ContentTransfer {
    const { lease, start = 'data' } = this.#init.branch;
    return lease.client.beginContent(start, receiver);
  }

  onReplies(replies: readonly Reply[]): void {
    const { branch, round } = this.#init;
    branch.lease.release();
    branch.contentReplies = relayedReplies(replies);
    round.onAnswered();
  }

  onFailure(error: unknown, replies: readonly Reply[]): void {
    const { transaction, branch, round } = this.#init;
    if (branch.start === 'chunks' && branch.lease.client.isIdle) branch.lease.release();
    else branch.lease.discard();
    try {
      const reply = transaction.failureReply(error, { branch, step: 'content' });
      branch.contentReplies = [...relayedReplies(replies), reply];
      round.onAnswered();
    } catch (fault) {
      round.reject(fault);
    }
  }
}

function senderReplyOf(opened: Branch | Reply): Reply {
  return opened instanceof Reply ? opened : opened.senderReply;
}

function ignore(): void {
  // Nobody listens.
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
  /** How many of them have their verdict. */
  answeredCount: number;
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
