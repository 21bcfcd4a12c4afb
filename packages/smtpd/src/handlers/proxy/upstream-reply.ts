/** What a client hears of what happened upstream: the upstream's own words, or why there are none. */

import { SMTPConnectionError, SMTPNotOfferedError, SMTPRefusedError } from '../../client/client-errors.js';
import { UsageError } from '../../protocol/errors.js';
import { Reply, SMTPReplyError } from '../../protocol/reply.js';

/**
 * The upstream's reply to a command, for the client: as it is. Only 421 becomes 451: the upstream leaves, we stay (RFC 5321 §4.2.2:
 * whoever says 421 closes).
 */
export function relayedReply(reply: Reply): Reply {
  return reply.code === 421 ? new Reply(451, reply.enhanced, reply.lines) : reply;
}

/** The same of several. */
export function relayedReplies(replies: readonly Reply[]): readonly Reply[] {
  const relayed: Reply[] = [];
  for (const reply of replies) relayed.push(relayedReply(reply));
  return relayed;
}

/**
 * What a client hears when the upstream could not be asked, or did not answer. The client keeps its mail and tries again, unless the
 * message is one that this upstream can never take.
 *
 * @returns `undefined` for an error that is no failure of the upstream
 */
export function replyOfFailure(error: unknown, step: 'envelope' | 'content'): Reply | undefined {
  if (error instanceof SMTPReplyError) return relayedReply(error.reply);
  if (error instanceof SMTPNotOfferedError) return error.reply;
  // Greeting, EHLO, STARTTLS or AUTH: it is the proxy that is turned away, whatever the code says. The message may still go tomorrow.
  if (error instanceof SMTPRefusedError) return TURNED_AWAY;
  // An address or a parameter that our grammar lets in and the client's does not let out. Everything else of the kind is our own fault.
  if (error instanceof UsageError && step === 'envelope') return CANNOT_BE_SENT;
  if (!(error instanceof SMTPConnectionError)) return undefined;
  switch (error.code) {
    case 'SMTPD_CONNECT_FAILED':
      return NO_CONNECTION;
    case 'SMTPD_TLS_FAILED':
      return NO_TLS;
    case 'SMTPD_SERVER_FAULT':
      return NOT_UNDERSTOOD;
    case 'SMTPD_SERVER_SILENT':
      return NO_ANSWER;
    case 'SMTPD_CONNECTION_LOST':
    case 'SMTPD_ABORTED':
      // What it said when it left is its answer.
      return error.reply === undefined ? CONNECTION_LOST : relayedReply(error.reply);
  }
}

/** What a log says of it. Where in our code it was noticed helps nobody. */
export function factsOfFailure(error: unknown): {
  readonly code?: string;
  readonly stage?: string;
  readonly reason: string;
} {
  if (error instanceof SMTPConnectionError) {
    const said = error.reply === undefined ? '' : `: ${error.reply.toString()}`;
    return { code: error.code, stage: error.stage, reason: `${error.message}${said}` };
  }
  return { reason: error instanceof Error ? error.message : String(error) };
}

/** RFC 5321 §6.3: a message that has been this far goes round in circles. */
export const LOOPING = new Reply(554, '5.4.6', 'Error: too many hops, this message is looping');
/** RFC 5321 §4.5.3.1.10: the client sends the rest in other transactions. */
export const ONE_BY_ONE = new Reply(
  452,
  '4.5.3',
  'Error: one recipient at a time here; send the others in other transactions',
);

// RFC 3463 §3.5: 4.4.1 no answer from host, 4.4.2 bad connection; §3.6: 4.5.0 other protocol status; §3.8: 4.7.5 cryptography failed.
const NO_CONNECTION = new Reply(451, '4.4.1', 'Error: the next server cannot be reached; try again later');
const TURNED_AWAY = new Reply(451, '4.4.1', 'Error: the next server turns us away; try again later');
const CONNECTION_LOST = new Reply(451, '4.4.2', 'Error: the connection to the next server was lost; try again later');
const NO_ANSWER = new Reply(451, '4.4.2', 'Error: the next server did not answer in time; try again later');
const NOT_UNDERSTOOD = new Reply(451, '4.5.0', 'Error: the next server cannot be understood; try again later');
const NO_TLS = new Reply(451, '4.7.5', 'Error: there is no TLS to the next server; try again later');
const CANNOT_BE_SENT = new Reply(553, '5.1.3', 'Error: this address cannot be passed on');
