/**
 * One conversation, held with another server and with ours: what each says, and what it hands to its application. What each is to say stands
 * in `comparisons.ts`; the pages for people who come from that server are made from it.
 */

import { RawClient, type WireReply } from '../support/raw-client.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';

/** What one server makes of a conversation. */
export interface Expectation<Options> {
  /** Its options, besides those that let it take mail at all. */
  readonly options?: Options;
  /** Its replies to the last step, without that to QUIT; and behind them what it handed to its application. */
  readonly outcome: readonly string[];
}

/** A conversation, and what is made of it. */
export interface Comparison {
  /** What the client does. */
  readonly client: string;
  /** What is sent: each step is answered before the next, and the last is followed by QUIT. Each character is an octet. */
  readonly steps: readonly string[];
  /** What of a message is told besides its content. */
  readonly shows?: 'mailFrom' | 'rcptTos';
  /** Also where the outcomes are the same, because somebody may expect that they are not. */
  readonly smtpServer?: Expectation<object>;
  readonly aiosmtpd?: Expectation<object>;
  readonly ours: Expectation<SMTPServerOptions>;
  readonly remark: string;
}

/** A message as an application gets it, each octet a character. */
export interface TakenMessage {
  readonly mailFrom: string;
  readonly rcptTos: readonly string[];
  readonly content: string;
}

/** A server of any kind that runs. */
export interface Running extends AsyncDisposable {
  readonly port: number;
  /** What it handed to its application. @param count - at least so many are there, or on their way */
  taken(count: number): Promise<readonly TakenMessage[]>;
}

/** Holds the conversation with a server. */
export async function outcomeOf(server: Running, { steps, shows }: Comparison, expected: number): Promise<string[]> {
  const client = await RawClient.connect(server.port);
  await client.reply();
  for (const step of steps.slice(0, -1)) {
    client.send(step);
    await client.reply();
  }
  client.send(`${steps.at(-1) ?? ''}QUIT\r\n`);
  const replies = (await client.closed()).filter(({ code }) => code !== 221);
  const taken = await server.taken(expected);
  return [...replies.map(formatReply), ...taken.map((message) => formatTaken(message, shows))];
}

function formatReply({ code, lines }: WireReply): string {
  return `${String(code)} ${lines.join(' / ')}`.trim();
}

function formatTaken({ content, ...envelope }: TakenMessage, shows: Comparison['shows']): string {
  // No page needs more of it.
  const text = content.length > 60 ? `${content.slice(0, 20)}...` : content;
  const octets = JSON.stringify(text).slice(1, -1);
  const besides = shows === undefined ? '' : ` ${shows}: ${JSON.stringify(envelope[shows])}`;
  return `${TAKEN}${octets === '' ? '(nothing)' : octets}${besides}`;
}

/** How a message begins among the outcomes. */
export const TAKEN = 'takes ';
