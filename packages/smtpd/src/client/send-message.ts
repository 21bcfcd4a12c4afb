/** The whole of a message, from MAIL to the last reply, on one connection. */

import { invariant } from '../protocol/errors.js';
import { Reply } from '../protocol/reply.js';
import type { ServerCapabilities } from '../protocol/server-capabilities.js';
import { connectionErrorWith, SMTPConnectionError, SMTPRefusedError, type RecipientOutcome } from './client-errors.js';
import {
  contentLengthBytes,
  isEightBit,
  octetsOfText,
  type ContentForm,
  type MessageContent,
} from './content-source.js';
import { checkMessage } from './message-shape.js';
import { hasParameter, isBinaryBody, isInternationalAddress } from './envelope-commands.js';

/** A message to send. What `processMessage` was handed has this shape, too. */
export interface OutgoingMessage {
  /** `''` for the null reverse-path. */
  readonly mailFrom: string;
  readonly rcptTos: readonly string[];
  /**
   * Parameters of MAIL, such as `['RET=HDRS']`. SIZE, and where the message needs them BODY=8BITMIME and SMTPUTF8, are added by
   * themselves.
   */
  readonly mailOptions?: readonly string[];
  /** For each recipient, the parameters of its RCPT. */
  readonly rcptOptions?: readonly (readonly string[])[];
  readonly data: MessageContent;
}

/** How a message is sent. */
export interface SendRules {
  /**
   * What becomes of a message when some of its recipients were refused at RCPT: the content is sent to the others, or to nobody, which
   * costs a round trip before DATA. Default: `sendToOthers`.
   */
  readonly ifSomeRefused?: 'sendToOthers' | 'giveUp';
}

/** What became of a message. */
export interface SendResult {
  /** Each recipient, in order. At least one was accepted; over LMTP others may have a `failure`. */
  readonly recipients: readonly RecipientOutcome[];
  /** The reply after the content; over LMTP the first positive one. */
  readonly reply: Reply;
}

/** What is needed of a client. */
export interface SendingClient {
  readonly isOpen: boolean;
  readonly phase: string;
  readonly capabilities: ServerCapabilities;
  readonly checkEnvelope: (envelope: Omit<OutgoingMessage, 'data'>) => void;
  readonly mail: (mailFrom: string, options: readonly string[]) => Promise<Reply>;
  readonly rcpt: (rcptTo: string, options: readonly string[]) => Promise<Reply>;
  readonly data: () => Promise<Reply>;
  readonly sendContent: (content: MessageContent, form: ContentForm) => Promise<readonly Reply[]>;
  readonly sendChunks: (content: MessageContent, form: ContentForm) => Promise<readonly Reply[]>;
  readonly reset: () => Promise<Reply>;
}

/** Sends a message; `SMTPClient.send` is the public way. */
export async function sendMessage(
  client: SendingClient,
  message: OutgoingMessage,
  { ifSomeRefused = 'sendToOthers' }: SendRules = {},
): Promise<SendResult> {
  checkMessage(message);
  const { mailFrom, rcptTos, rcptOptions = [], data: given } = message;
  // Text becomes octets once: they are counted, looked at and sent, and their line ends are right.
  const isText = typeof given === 'string';
  const data = isText ? octetsOfText(given) : given;
  const mailOptions = completeMailOptions(message, data);
  const isBinary = isBinaryBody(mailOptions);
  const isChunked = isBinary || client.capabilities.has('CHUNKING');

  // Nothing is begun that could not be ended.
  client.checkEnvelope({ mailFrom, rcptTos, mailOptions, rcptOptions });

  // What is asked for without waiting leaves together where the server offers PIPELINING.
  const sender = client.mail(mailFrom, mailOptions);
  const recipients = rcptTos.map((address, index) => client.rcpt(address, rcptOptions[index] ?? []));
  const mustKnowFirst = ifSomeRefused === 'giveUp';
  const start = isChunked || mustKnowFirst ? undefined : client.data();
  const [mailed, ...rest] = await Promise.allSettled([sender, ...recipients, ...(start === undefined ? [] : [start])]);
  // A server that refuses the sender and closes has said why, whatever becomes of the commands behind it.
  const isSenderRefused = mailed.status === 'fulfilled' && !mailed.value.isPositive;
  const failed = [mailed, ...rest].find((each) => each.status === 'rejected');
  if (failed !== undefined && (!isSenderRefused || client.isOpen)) {
    throw failureAtRcpt(failed.reason, rcptTos, rest);
  }
  const senderReply = valueOf(mailed);
  if (isSenderRefused) {
    await leaveTransaction(client);
    // What is said to the recipients of a message without a sender is no reason of their own.
    const outcomes = rcptTos.map((address) => outcome(address, senderReply));
    throw new SMTPRefusedError('MAIL', senderReply, outcomes);
  }
  const rcptReplies = rest.slice(0, rcptTos.length).map(valueOf);
  const refusedAt = (reply: Reply): RecipientOutcome[] =>
    rcptTos.map((address, index) => outcome(address, refusalOf(rcptReplies[index], reply)));

  const refusals = rcptReplies.filter((reply) => !reply.isPositive);
  if (refusals.length === rcptReplies.length || (mustKnowFirst && refusals.length > 0)) {
    await leaveTransaction(client);
    const worst = worstOf(refusals);
    throw new SMTPRefusedError('RCPT', worst, refusedAt(worst));
  }
  const startReply = isChunked ? undefined : start === undefined ? await client.data() : valueOf(rest[rcptTos.length]);
  if (startReply !== undefined && startReply.code >= 400) {
    await leaveTransaction(client);
    throw new SMTPRefusedError('DATA', startReply, refusedAt(startReply));
  }
  const form = isBinary || isText ? 'octets' : 'text';
  const sending = isChunked ? client.sendChunks(data, form) : client.sendContent(data, form);
  return resultOf({ rcptTos, rcptReplies, ...(await answered(sending)) });
}

/** What was said to the content, also where the connection failed before all of it was. */
async function answered(sending: Promise<readonly Reply[]>): Promise<ContentAnswer> {
  try {
    return { replies: await sending, failure: undefined };
  } catch (error) {
    if (!(error instanceof SMTPConnectionError)) throw error;
    return { replies: error.contentReplies, failure: error };
  }
}

interface ContentAnswer {
  readonly replies: readonly Reply[];
  /** Why no more of them came; `undefined`: those are all. */
  readonly failure: SMTPConnectionError | undefined;
}

function completeMailOptions(
  { mailFrom, rcptTos, mailOptions = [] }: OutgoingMessage,
  data: Exclude<MessageContent, string>,
): readonly string[] {
  const options = [...mailOptions];
  const length = contentLengthBytes(data);
  if (length !== undefined && !hasParameter(options, 'SIZE')) options.push(`SIZE=${String(length)}`);
  if (!hasParameter(options, 'BODY') && isEightBit(data)) options.push('BODY=8BITMIME');
  if (!hasParameter(options, 'SMTPUTF8') && [mailFrom, ...rcptTos].some(isInternationalAddress))
    options.push('SMTPUTF8');
  return options;
}

/** The transaction is given up, in whatever state it is. */
async function leaveTransaction(client: SendingClient): Promise<void> {
  if (!client.isOpen) return;
  try {
    if (client.phase === 'content') {
      // RFC 2920 §3.1: a server that asks for the content although there is no recipient gets the end of it at once. Nobody has the message.
      await client.sendContent(NOTHING, 'octets');
    } else if (client.phase === 'transaction') {
      await client.reset();
    }
  } catch (error) {
    // What was refused stays refused, whatever becomes of the connection now.
    if (!(error instanceof SMTPConnectionError)) throw error;
  }
}

function resultOf({
  rcptTos,
  rcptReplies,
  replies,
  failure,
}: ContentAnswer & { readonly rcptTos: readonly string[]; readonly rcptReplies: readonly Reply[] }): SendResult {
  let acceptedBefore = 0;
  const recipients = rcptTos.map((address, index) => {
    const atRcpt = rcptReplies[index];
    if (atRcpt?.isPositive !== true) return outcome(address, refusalOf(atRcpt, atRcpt));
    const own = replies[acceptedBefore];
    acceptedBefore += 1;
    // RFC 2033 §4.2: a reply is for one recipient, so whoever has none when the connection fails does not have the message.
    if (own === undefined && failure !== undefined) return failedOutcome(address, failure);
    // One reply is for all of them.
    const reply = own ?? replies.at(-1);
    return outcome(address, refusalOf(reply, reply));
  });
  const reply = replies.find((each) => each.isPositive);
  if (reply !== undefined && recipients.some(({ isAccepted }) => isAccepted)) return { recipients, reply };
  throw failure === undefined
    ? new SMTPRefusedError('content', worstOf(replies), recipients)
    : failureAbout(failure, recipients);
}

function outcome(address: string, reply: Reply): RecipientOutcome {
  return { address, reply, isAccepted: reply.isPositive };
}

/** The connection failed before the server had answered for this recipient. */
function failedOutcome(address: string, failure: SMTPConnectionError): RecipientOutcome {
  return { address, reply: failure.reply ?? NO_ANSWER, isAccepted: false, failure };
}

/** Says of each recipient what is known, where something is known of any. */
function failureAbout(failure: SMTPConnectionError, recipients: readonly RecipientOutcome[]): SMTPConnectionError {
  const isAnyAnswered = recipients.some((each) => each.failure === undefined);
  return isAnyAnswered ? connectionErrorWith(failure, { recipients }) : failure;
}

/** The connection failed while the recipients were asked about. @param answers - to RCPT; whoever was accepted has no message yet */
function failureAtRcpt(
  failure: unknown,
  rcptTos: readonly string[],
  answers: readonly PromiseSettledResult<Reply>[],
): unknown {
  if (!(failure instanceof SMTPConnectionError)) return failure;
  const recipients = rcptTos.map((address, index) => {
    const answer = answers[index];
    const isRefused = answer?.status === 'fulfilled' && !answer.value.isPositive;
    return isRefused ? outcome(address, answer.value) : failedOutcome(address, failure);
  });
  return failureAbout(failure, recipients);
}

/** A recipient that was accepted fares as the message does. */
function refusalOf(own: Reply | undefined, ofMessage: Reply | undefined): Reply {
  const reply = own?.isPositive === false ? own : ofMessage;
  invariant(reply !== undefined, 'Every command has a reply');
  return reply;
}

/** A transient refusal first: the message is worth trying again as long as one recipient is. */
function worstOf(replies: readonly Reply[]): Reply {
  const reply = replies.find(({ isTransient }) => isTransient) ?? replies[0];
  invariant(reply !== undefined, 'A message has recipients');
  return reply;
}

function valueOf(settled: PromiseSettledResult<Reply> | undefined): Reply {
  invariant(settled?.status === 'fulfilled', 'A rejected command was told before');
  return settled.value;
}

const NOTHING = new Uint8Array(0);
// RFC 3463 §3.5: 4.4.2 is a bad connection.
const NO_ANSWER = new Reply(451, '4.4.2', 'Error: the server did not answer for this recipient; try again later');
