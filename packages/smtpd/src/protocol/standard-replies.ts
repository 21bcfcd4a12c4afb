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

export const LINE_TOO_LONG = new Reply(500, '5.5.2', 'Error: line too long');
// RFC 4954 §4, §6: 5.5.6 is for the lines of AUTH alone.
export const AUTH_LINE_TOO_LONG = new Reply(500, '5.5.6', 'Error: line too long');
export const ENDLESS_LINE = new Reply(421, '4.7.0', 'Error: line too long, closing connection');
export const BARE_LINE_END = new Reply(500, '5.5.2', 'Error: CR and LF may only come together');
export const EMPTY_LINE = new Reply(500, '5.5.2', 'Error: bad syntax');

export const SEND_HELO_FIRST = new Reply(503, '5.5.1', 'Error: send HELO first');
export const NESTED_MAIL = new Reply(503, '5.5.1', 'Error: nested MAIL command');
export const NEED_MAIL = new Reply(503, '5.5.1', 'Error: need MAIL command');
export const NEED_RCPT = new Reply(503, '5.5.1', 'Error: need RCPT command');
export const NOT_IN_TRANSACTION = new Reply(503, '5.5.1', 'Error: not while a transaction is open, send RSET first');
// RFC 3030 §2: DATA and BDAT do not mix, and the recipients are complete when the first chunk comes.
export const CHUNKS_BEGUN = new Reply(503, '5.5.1', 'Error: chunks have begun, send BDAT or RSET');
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
// RFC 5321 §4.5.3.1.10.
export const CONTENT_LINE_TOO_LONG = new Reply(500, '5.6.0', 'Error: the message has a line that is too long');
// RFC 3030 §3: DATA cannot carry what has no lines.
export const BINARY_NEEDS_BDAT = new Reply(503, '5.5.1', 'Error: BODY=BINARYMIME needs BDAT');
// RFC 1985 §5.1: nothing was queued, or nobody here takes the request.
export const ETRN_NOT_DONE = new Reply(458, '4.5.0', 'Error: unable to queue messages for that node');
export const TOO_MANY_RECIPIENTS = new Reply(
  452,
  '4.5.3',
  'Error: too many recipients, send the rest in another message',
);

// RFC 3207 §4, RFC 4954 §6.
export const READY_FOR_TLS = new Reply(220, '2.0.0', 'Ready to start TLS');
export const TLS_FIRST = new Reply(530, '5.7.0', 'Error: must issue a STARTTLS command first');
export const TLS_ACTIVE = new Reply(503, '5.5.1', 'Error: TLS is active already');
export const CERTIFICATE_NEEDED = new Reply(554, '5.7.0', 'Error: a valid client certificate is required');
export const AUTH_FIRST = new Reply(530, '5.7.0', 'Error: authentication required');
export const AUTHENTICATED = new Reply(235, '2.7.0', 'Authentication successful');
export const AUTHENTICATED_ALREADY = new Reply(503, '5.5.1', 'Error: already authenticated');
export const MECHANISM_UNKNOWN = new Reply(504, '5.5.4', 'Error: unrecognized authentication mechanism');
// RFC 4954 §4: what needs TLS is as invalid as what is unknown. The code 538 is there for its history only (§6).
export const MECHANISM_NEEDS_TLS = new Reply(504, '5.5.4', 'Error: this authentication mechanism needs TLS');
export const CREDENTIALS_INVALID = new Reply(535, '5.7.8', 'Error: authentication credentials invalid');
export const AUTH_CANCELLED = new Reply(501, '5.7.0', 'Authentication cancelled');
// RFC 4954 §4: 5.7.0 when the client begins an exchange that the server begins, 5.5.2 for what is no base64.
export const INITIAL_RESPONSE_REFUSED = new Reply(
  501,
  '5.7.0',
  'Error: this authentication mechanism begins with the server',
);
export const AUTH_MALFORMED = new Reply(501, '5.5.2', 'Error: malformed authentication exchange');
export const AUTH_UNAVAILABLE = new Reply(454, '4.7.0', 'Error: too many failed authentications, try again later');
/** RFC 4954 §6: 454 is a failure that has nothing to do with the credentials. */
export const AUTH_UNDECIDED = new Reply(454, '4.7.0', 'Error: no decision in time, try again later');
export const TOO_MANY_AUTH_FAILURES = new Reply(
  421,
  '4.7.0',
  'Error: too many failed authentications, closing connection',
);

// RFC 3030 §2: whoever cannot tell where the chunk ends cannot tell where the next command begins.
export const CHUNK_SIZE_UNREADABLE = new Reply(
  421,
  '4.7.0',
  'Error: cannot tell how long the chunk is, closing connection',
);
export const NOT_SMTP = new Reply(421, '4.7.0', 'Error: this is an SMTP server, closing connection');
export const OUT_OF_STEP = new Reply(554, '5.5.0', 'Error: SMTP synchronization error, closing connection');

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
export const TOO_MANY_BYTES = new Reply(421, '4.7.0', 'Error: enough octets for one session, please connect again');
export const TOO_MANY_CONNECTIONS = new Reply(
  421,
  '4.7.0',
  'Error: too many connections in a short time, try again later',
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
