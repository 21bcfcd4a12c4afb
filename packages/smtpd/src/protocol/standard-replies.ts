/**
 * The replies that the session gives by itself: one constant for each, so that each is encoded once.
 *
 * Texts are those of the old module where its behaviour is kept. Enhanced codes are those of RFC 3463 and RFC 5248.
 */

import { Reply } from './reply.js';

export const OK = new Reply(250, '2.0.0', 'OK');
export const SENDER_OK = new Reply(250, '2.1.0', 'OK');
export const RECIPIENT_OK = new Reply(250, '2.1.5', 'OK');
export const START_MAIL_INPUT = new Reply(354, undefined, 'End data with <CR><LF>.<CR><LF>');
export const BYE = new Reply(221, '2.0.0', 'Bye');
export const CANNOT_VERIFY = new Reply(252, '2.5.0', 'Cannot VRFY user, but will accept message and attempt delivery');
export const EXPN_NOT_IMPLEMENTED = new Reply(502, '5.5.1', 'EXPN not implemented');

export const LINE_TOO_LONG = new Reply(500, '5.5.6', 'Error: line too long');
export const ENDLESS_LINE = new Reply(421, '4.7.0', 'Error: line too long, closing connection');
export const BARE_LINE_END = new Reply(500, '5.5.2', 'Error: CR and LF may only come together');
export const EMPTY_LINE = new Reply(500, '5.5.2', 'Error: bad syntax');

export const SEND_HELO_FIRST = new Reply(503, '5.5.1', 'Error: send HELO first');
export const NESTED_MAIL = new Reply(503, '5.5.1', 'Error: nested MAIL command');
export const NEED_MAIL = new Reply(503, '5.5.1', 'Error: need MAIL command');
export const NEED_RCPT = new Reply(503, '5.5.1', 'Error: need RCPT command');
export const SESSION_REFUSED = new Reply(503, '5.5.1', 'Error: this session was refused, send QUIT');

export const MAIL_PARAMETERS_UNKNOWN = new Reply(
  555,
  '5.5.4',
  'MAIL FROM parameters not recognized or not implemented',
);
export const RCPT_PARAMETERS_UNKNOWN = new Reply(555, '5.5.4', 'RCPT TO parameters not recognized or not implemented');
export const PARAMETER_REPEATED = new Reply(501, '5.5.4', 'Error: a parameter may be given once');
export const BAD_CHARSET = new Reply(501, '5.5.2', 'Error: not well-formed UTF-8');
// RFC 6531 §3.5: 550 or 553, with 5.6.7 where enhanced codes are used.
export const NEED_SMTPUTF8 = new Reply(553, '5.6.7', 'Error: a non-ASCII address needs the SMTPUTF8 parameter');

export const SIZE_EXCEEDED = new Reply(552, '5.3.4', 'Error: message size exceeds fixed maximum message size');
export const TOO_MUCH_DATA = new Reply(552, '5.3.4', 'Error: Too much mail data');
// RFC 5321 §2.3.8: CR and LF only as CRLF. The enhanced code is the one registered for invalid content.
export const BARE_LINE_END_IN_CONTENT = new Reply(
  550,
  '5.6.11',
  'Error: message has a bare CR or LF; lines must end in CRLF',
);
export const TOO_MANY_RECIPIENTS = new Reply(
  452,
  '4.5.3',
  'Error: too many recipients, send the rest in another message',
);

export const TOO_MANY_ERRORS = new Reply(421, '4.7.0', 'Error: too many errors, closing connection');
export const TOO_MANY_REFUSALS = new Reply(421, '4.7.0', 'Error: too many refused commands, closing connection');
export const TOO_MANY_IDLE_COMMANDS = new Reply(
  421,
  '4.7.0',
  'Error: too many commands without a message, closing connection',
);
export const TOO_MANY_MESSAGES = new Reply(
  421,
  '4.7.0',
  'Error: enough messages for one session, please connect again',
);
export const TOO_MANY_SESSIONS = new Reply(421, '4.3.2', 'Error: too many connections, try again later');
export const TOO_MANY_SESSIONS_OF_CLIENT = new Reply(421, '4.7.0', 'Error: too many connections from your address');
export const TIMED_OUT = new Reply(421, '4.4.2', 'Error: timeout exceeded, closing connection');
export const TOO_SLOW = new Reply(421, '4.4.2', 'Error: message comes too slowly, closing connection');
export const TOO_OLD = new Reply(421, '4.4.2', 'Error: session has lasted too long, please connect again');
export const SHUTTING_DOWN = new Reply(421, '4.3.2', 'Service is shutting down, closing connection');
export const NO_ANSWER_FROM_APPLICATION = new Reply(451, '4.3.0', 'Error: no decision in time, try again later');

/** `501 Syntax: …` for a command that was not well formed. */
export function syntaxReply(syntax: string): Reply {
  let reply = SYNTAX_REPLIES.get(syntax);
  if (reply === undefined) {
    reply = new Reply(501, '5.5.4', `Syntax: ${syntax}`);
    // Syntax lines come from rules and extensions, never from the wire: there are a few of them.
    SYNTAX_REPLIES.set(syntax, reply);
  }
  return reply;
}

/** `500 … not recognized`. A verb is repeated only when it is a short plain word, so no client octets get into the reply. */
export function unrecognizedReply(verb: string): Reply {
  if (!PLAIN_VERB.test(verb)) return NOT_RECOGNIZED;
  return new Reply(500, '5.5.1', `Error: command "${verb}" not recognized`);
}

/** What the client hears when the application failed; the log has the rest under the same incident. */
export function incidentReply(incident: string): Reply {
  return new Reply(451, '4.3.0', `Error: internal error, incident ${incident}; try again later`);
}

const SYNTAX_REPLIES = new Map<string, Reply>();
const NOT_RECOGNIZED = new Reply(500, '5.5.1', 'Error: command not recognized');
const PLAIN_VERB = /^[A-Z0-9]{1,16}$/;
