/**
 * What the RFCs ask of a server, of a client and of a proxy, in our words: who meets it, on which line of the source, and which test shows it.
 * `docs/conformance.md` is made from this; `docs.test.ts` holds every citation and every test name to what is really there, and
 * fails for a clause that the source cites and no tested row covers.
 */

import { application, differs, later, line, met, row, type Requirement, type UntestedClause } from './requirement.js';
import { REQUIREMENTS_AUTH } from './requirements-auth.js';
import { REQUIREMENTS_CHUNKING } from './requirements-chunking.js';
import { REQUIREMENTS_CLIENT } from './requirements-client.js';
import { REQUIREMENTS_EXTENSIONS } from './requirements-extensions.js';
import { REQUIREMENTS_LMTP } from './requirements-lmtp.js';
import { REQUIREMENTS_ONWARD } from './requirements-onward.js';
import { REQUIREMENTS_TLS } from './requirements-tls.js';

// Lines that several rows cite.
const RULES = line('protocol/command-rules.ts', 'export const COMMAND_RULES');
const OUT_OF_SEQUENCE = line('protocol/command-gate.ts', "if ('outOfSequence' in inPhase)");
const CRLF_ONLY = line('protocol/line-decoder.ts', 'RFC 5321 §2.3.8: only CRLF ends a line');
const BARE_IN_COMMAND = line('protocol/command-reader.ts', 'RFC 5321 §2.3.8: CR and LF only as CRLF');
const END_OF_DATA = line('protocol/data-decoder.ts', 'RFC 5321 §4.1.1.4: the line that consists of a dot alone');
const DATA_TABLE = line('protocol/data-decoder.ts', 'RFC 5321 §4.5.2 as a table');
const DELETE_DOT = line('protocol/data-decoder.ts', 'RFC 5321 §4.5.2: the first dot of a line is deleted');
const END_MESSAGE = line(
  'protocol/message-reception.ts',
  'the transaction is over whatever it was (RFC 5321 §4.1.1.4)',
);
const GREETING_REPLY = line('protocol/answers.ts', '#greetingReply(code');
const SOURCE_ROUTE = line('protocol/path.ts', 'RFC 5321 §4.1.2: `A-d-l ":"`');
const VERIFY = line('protocol/server-session.ts', 'VRFY (RFC 5321 §3.5.3');
const EXPAND = line('protocol/server-session.ts', 'EXPN (RFC 5321 §3.5.2');
const CLOSES_AFTER_421 = line('protocol/dialogue.ts', 'RFC 5321 §4.2.2, §3.8: with 421');
const STAYING = line('protocol/command-rules.ts', 'RFC 5321 §4.1.1.6 to §4.1.1.9');
const RESETTING = line('protocol/command-rules.ts', 'RFC 5321 §4.1.4: EHLO and HELO may come again');
const POSTMASTER = line('protocol/path.ts', 'RFC 5321 §4.1.1.3: `RCPT TO:<Postmaster>`');
const REPLY_CODES = line('protocol/reply.ts', 'function isReplyCode');
const CONTENT_FAULTS = line('protocol/message-reception.ts', 'const CONTENT_FAULT_REPLIES');
const UNKNOWN_VERB = line('protocol/server-session.ts', 'A verb that nobody knows');
const ENDED = line('protocol/session-state.ts', 'The transaction is over, by its last reply or by RSET');
const UTF8_REPLY = line('protocol/dialogue.ts', 'RFC 6531 §3.7.4: UTF-8 may be sent');
const NEED_SMTPUTF8 = line('protocol/standard-replies.ts', 'RFC 6531 §3.5: 550 or 553');
const SIZE_PARAMETER = line('protocol/extensions/size.ts', 'RFC 1870 §4: size-value');

const RECEIVED_FIELD = line('protocol/trace-header.ts', 'export function formatReceived');
const TRANSMISSION_TYPE = line('protocol/trace-header.ts', 'RFC 3848, RFC 6531 §4.3');

const RELAY = 'the relay package';
const LOOP = line('handlers/proxy/upstream-reply.ts', 'RFC 5321 §6.3: a message that has been this far');
const PASS = line('protocol/content-pass.ts', 'given and what it sends differ in the octets that were put in');
const FIELDS_ADDED = 'the header has a Received field in front and X-Peer at its end, each as the options say';
const PASSED = 'comes out as specified for every string of CR, LF, a and a Received, up to six letters, at every split';

/** RFC 5321, in the order of its clauses. */
const RFC_5321: readonly Requirement[] = [
  application(
    row(
      5321,
      '§2.1',
      'MUST',
      'Whoever answers 250 after the content takes over: the message is delivered, or its failure reported.',
    ),
    'whoever writes `processMessage`, `streamMessage` or a `message` hook: 250 is sent when it has returned',
  ),
  met(
    row(5321, '§2.2.1', 'MUST', 'EHLO is understood, and HELO as a fallback.'),
    [RULES],
    ['EHLO and HELO are both understood'],
  ),
  met(
    row(5321, '§2.2.2', 'MUST NOT', 'Keywords that do not begin with X are offered only if they are registered.'),
    [line('protocol/extensions/index.ts', 'export const STANDARD_EXTENSIONS')],
    ['every keyword of the EHLO reply is a registered one'],
  ),
  application(
    row(5321, '§2.2.2', 'MUST', 'Keywords, verbs and parameters of one’s own begin with X or are registered.'),
    'whoever calls `defineExtension` or adds an `smtp_` method',
  ),
  met(
    row(5321, '§2.3.1', 'says', 'The envelope is one originator, one or more recipients, and their parameters.'),
    [line('protocol/session-state.ts', 'The envelope of the open transaction (RFC 5321 §2.3.1)')],
    ['RCPT adds to the recipients, in order, and changes nothing else'],
  ),
  application(
    row(5321, '§2.3.4', 'SHOULD NOT', 'A host is not named by its numerical address.'),
    'the operator, by the option `hostname`; the default is the machine’s name',
  ),
  application(
    row(5321, '§2.3.5', 'MUST NOT', 'Names that are no fully-qualified domain names appear in no transaction.'),
    'the operator, by the option `hostname`',
  ),
  met(
    row(5321, '§2.3.5', 'MUST', '`postmaster` without a domain is accepted in RCPT.'),
    [POSTMASTER],
    ['Postmaster may stand without a domain, in any case (%s)'],
  ),
  met(
    row(5321, '§2.3.8', 'MUST NOT', 'Nothing but CRLF is taken for the end of a line, in commands and in content.'),
    [CRLF_ONLY, BARE_IN_COMMAND, DATA_TABLE],
    [
      'only CRLF ends a command line',
      'content is not ended by %j',
      'content with a bare CR or LF is refused after its end, and delivers nothing',
    ],
  ),
  application(
    row(5321, '§2.3.11', 'MUST', 'A local part means something only to the host that its domain names.'),
    'whoever interprets addresses; the library interprets none',
  ),
  met(
    row(5321, '§2.4', 'says', 'Verbs, keywords and parameters are compared without regard to case, in US-ASCII.'),
    [line('protocol/command.ts', 'RFC 5321 §2.4: verbs are US-ASCII')],
    [
      'verbs and keywords are understood in any case',
      'a letter outside US-ASCII is not taken for the ASCII letter that Unicode makes of it',
    ],
  ),
  met(
    row(5321, '§2.4', 'MUST', 'The case of a local part is kept.'),
    [line('protocol/path.ts', 'The canonical text: needless quotes')],
    ['the case of a local part is kept'],
  ),
  met(
    row(5321, '§2.4', 'says', 'Nothing is done before the CRLF of a command has come.'),
    [CRLF_ONLY],
    ['nothing is done before the line has ended'],
  ),
  met(
    row(5321, '§2.4', 'SHOULD', 'Commands with octets outside US-ASCII are refused where no extension allows them.'),
    [line('protocol/standard-replies.ts', 'export const BAD_CHARSET'), NEED_SMTPUTF8],
    ['a command with octets outside US-ASCII is refused'],
  ),
  met(
    row(5321, '§2.4', 'SHOULD', '8BITMIME is supported.'),
    [line('protocol/extensions/eight-bit-mime.ts', 'export const eightBitMIME')],
    ['8-bit content arrives octet by octet as it was sent', 'all bits of each octet are kept, whatever BODY said'],
  ),
  differs(
    row(5321, '§2.4', 'SHOULD', 'A relay passes content on without looking into it.'),
    'A proxy looks for three things and for nothing else: where the header ends, how many Received fields it has, and bare CR or LF, which it does not pass on.',
    [PASS],
    [PASSED, 'no bare line end leaves in %j: it is refused, or made one'],
  ),
  met(
    row(5321, '§3.1', 'MUST', 'After a greeting with 554 the client is waited for until it sends QUIT.'),
    [
      line('protocol/answers.ts', 'RFC 5321 §3.1: after 554'),
      line('protocol/command-rules.ts', 'RFC 5321 §3.1: after a 554 greeting'),
    ],
    ['a connection refused with 554 is answered 503 and waited for until QUIT'],
  ),
  met(
    row(5321, '§3.1', 'SHOULD', 'Whatever it sends before is answered 503.'),
    [line('protocol/command-rules.ts', 'RFC 5321 §3.1: after a 554 greeting')],
    ['a connection refused with 554 is answered 503 and waited for until QUIT'],
  ),
  application(
    row(5321, '§3.1', 'SHOULD', 'The text of a 554 greeting helps to find out why.'),
    'the `connect` hook that refuses',
  ),
  met(
    row(5321, '§3.2', 'MUST NOT', 'HELO is not answered in the form of EHLO.'),
    [GREETING_REPLY],
    ['the reply to HELO names no extensions'],
  ),
  met(
    row(5321, '§3.3', 'MUST', 'A refused reverse-path is refused for now or for good, and the reply says which.'),
    [line('protocol/reply.ts', 'export class SMTPReplyError')],
    ['a refused sender hears whether it may try again'],
  ),
  met(
    row(5321, '§3.3', 'MUST', 'Source routes are understood in forward-paths.'),
    [SOURCE_ROUTE],
    ['a source route is understood, and ignored'],
  ),
  met(
    row(5321, '§3.3', 'SHOULD', 'Source routes are ignored.'),
    [SOURCE_ROUTE],
    ['a source route is understood, and ignored'],
  ),
  met(
    row(5321, '§3.3', 'MUST', 'RCPT without MAIL is answered 503.'),
    [OUT_OF_SEQUENCE, line('protocol/standard-replies.ts', 'export const NEED_MAIL')],
    ['RCPT before MAIL is answered 503'],
  ),
  met(
    row(5321, '§3.3', 'says', 'DATA without an accepted recipient is refused with 503 or 554.'),
    [line('protocol/standard-replies.ts', 'export const NEED_RCPT')],
    ['DATA without an accepted recipient is answered 503, and no content is read'],
  ),
  application(
    row(
      5321,
      '§3.3',
      'SHOULD',
      'A recipient that turns out to be wrong after the content was accepted is told of in a message to the sender.',
    ),
    'whoever answers 250 before all recipients are certain; refuse them at RCPT instead',
  ),
  met(
    row(5321, '§3.3', 'SHOULD NOT', 'Messages are not refused for what seems wrong in their header or body.'),
    [CONTENT_FAULTS],
    ['content is not refused for %s'],
  ),
  met(
    row(5321, '§3.3', 'MUST NOT', 'Messages are not refused because their Resent fields do not match.'),
    [CONTENT_FAULTS],
    ['content is not refused for %s'],
  ),
  application(
    row(5321, '§3.4', 'MUST NOT', 'Whoever answers 251 or 551 does not rely on the client to use the new address.'),
    'whoever gives these codes; the library never does',
  ),
  application(
    row(5321, '§3.4', 'SHOULD', '251 and 551 can be switched off.'),
    'whoever gives these codes; the library never does',
  ),
  differs(
    row(5321, '§3.5.1', 'SHOULD', 'VRFY and EXPN are supported.'),
    'The library knows no users: VRFY is answered 252, EXPN 502. An application that knows them answers in the hooks `vrfy` and `expn`.',
    [VERIFY, EXPAND],
    ['VRFY and EXPN never claim that an address was verified'],
  ),
  application(
    row(5321, '§3.5.1', 'MUST', 'A 250 to VRFY or EXPN gives the mailbox.'),
    'whoever answers in the hooks `vrfy` and `expn`',
  ),
  application(
    row(5321, '§3.5.2', 'MUST', 'The mailbox is given as `<local-part@domain>`, usable in RCPT, without a route.'),
    'whoever answers in the hooks `vrfy` and `expn`',
  ),
  met(
    row(5321, '§3.5.2', 'MUST', 'EXPN is listed in the EHLO reply if, and only if, it is supported.'),
    [EXPAND, line('protocol/extensions/help.ts', "keyword: 'HELP'")],
    [
      'the EHLO reply lists HELP, the one command that is not required',
      'VRFY and EXPN never claim that an address was verified',
    ],
  ),
  met(
    row(
      5321,
      '§3.5.3',
      'MUST NOT',
      'VRFY and EXPN are not answered 250 unless the address was verified, not only its syntax.',
    ),
    [VERIFY],
    ['VRFY and EXPN never claim that an address was verified'],
  ),
  met(
    row(5321, '§3.5.3', 'SHOULD', 'VRFY of an address that looks valid and cannot be verified is answered 252.'),
    [line('protocol/standard-replies.ts', 'export const CANNOT_VERIFY')],
    ['VRFY and EXPN never claim that an address was verified'],
  ),
  met(
    row(5321, '§3.6.1', 'SHOULD', 'Only the last element of a source route counts.'),
    [SOURCE_ROUTE],
    ['a source route is understood, and ignored'],
  ),
  application(
    row(5321, '§3.6.2', 'SHOULD', 'Mail that is not relayed for reasons of policy is refused with 550.'),
    'the `rcpt` hook that refuses',
  ),
  later(
    row(5321, '§3.6.3', 'MUST', 'Mail that was accepted and cannot be delivered is reported to its reverse-path.'),
    RELAY,
  ),
  later(
    row(
      5321,
      '§3.6.3',
      'MUST NOT',
      'A notification is never the cause of another; it is sent with the null reverse-path.',
    ),
    RELAY,
  ),
  differs(
    row(5321, '§3.6.3', 'MUST NOT', 'A relay changes nothing in a message but adding its own Received field.'),
    'A proxy adds X-Peer as well, as the old module’s does, unless `addPeer` is false; whatever else there is stays as it came. Bare line ends are refused, and made CRLF only where `lineEndings` says so.',
    [PASS, line('handlers/proxy/proxy-options.ts', 'addPeer: given.addPeer ?? true')],
    [FIELDS_ADDED, PASSED],
  ),
  application(
    row(5321, '§3.7.2', 'MUST', 'A gateway puts a Received field in front and changes no other.'),
    'whoever writes a gateway',
  ),
  met(
    row(5321, '§3.7.2', 'MUST NOT', 'Mail is not refused for the format of its trace fields.'),
    [CONTENT_FAULTS],
    ['content is not refused for %s'],
  ),
  application(
    row(5321, '§3.7.4', 'MUST', 'What a gateway sends into the Internet follows the rules for Internet mail.'),
    'whoever writes a gateway',
  ),
  met(
    row(
      5321,
      '§3.8',
      'MUST NOT',
      'The server closes only after QUIT, after 421 when it shuts down, or after a wait that was too long; never for unknown commands.',
    ),
    [UNKNOWN_VERB, CLOSES_AFTER_421],
    [
      'unknown commands are answered 500 and the connection stays open',
      'QUIT is answered 221, closes, and gives up the open transaction',
      'a client is waited for five minutes, and then hears 421',
    ],
  ),
  differs(
    row(5321, '§3.8', 'MUST NOT', 'The same, for a client that makes error after error.'),
    'After 50 errors, or another limit of [limits.md](limits.md), without a message between them, the client hears 421. §7.8 lets a server protect itself; each limit may be `Infinity`.',
    [line('protocol/limits.ts', 'RFC 5321 §4.3.2, §7.8')],
    ['a client that guesses on and on hears 421, and mail resets the count'],
  ),
  met(
    row(5321, '§3.8', 'SHOULD', 'A server that is shut down from outside tries to say 421.'),
    [line('protocol/server-session.ts', 'Ends the session with this reply, whatever is under way')],
    ['a server that shuts down says 421 and closes', 'a server that is cut off says 421 in the middle of a message'],
  ),
  application(
    row(
      5321,
      '§3.9',
      'SHOULD',
      'Aliases and lists are both supported; what a list sends on has the list’s own reverse-path.',
    ),
    'whoever expands addresses',
  ),

  met(
    row(5321, '§4.1.1', 'SHOULD', 'Blanks before the CRLF of a command are let through.'),
    [line('protocol/command.ts', 'The text from `start` on without the spaces and tabs at both ends')],
    ['blanks at the end of a line are let through'],
  ),
  met(
    row(5321, '§4.1.1', 'SHOULD', 'RSET and DATA with an argument are refused.'),
    [line('protocol/command-gate.ts', "rule.argument === 'forbidden' && isThere")],
    ['RSET and DATA with an argument are refused and change nothing'],
  ),
  differs(
    row(5321, '§4.1.1', 'SHOULD', 'QUIT with an argument is refused.'),
    'QUIT ends the session whatever stands behind it: a client that wants to go is not kept.',
    [line('protocol/command-rules.ts', "syntax: 'QUIT'")],
    ['QUIT with an argument ends the session like QUIT without one'],
  ),
  met(
    row(5321, '§4.1.1.1', 'MUST', 'HELO is supported and answered properly.'),
    [GREETING_REPLY],
    ['the reply to HELO names no extensions'],
  ),
  met(
    row(5321, '§4.1.1.1', 'says', 'The server names itself in its greeting and in its reply.'),
    [GREETING_REPLY],
    ['the server names itself in the greeting and in the replies to EHLO and HELO'],
  ),
  met(
    row(
      5321,
      '§4.1.1.1',
      'says',
      'The argument is a domain or an address literal; a server is wise to expect more behind it.',
    ),
    [line('protocol/client-name.ts', 'a domain or an address literal (RFC 5321 §4.1.1.1)')],
    ['EHLO takes a domain, an address literal, and what other clients really send'],
  ),
  met(
    row(5321, '§4.1.1.1', 'MUST', 'The EHLO reply has a keyword for every command that is not required.'),
    [line('protocol/extensions/help.ts', 'listed in the EHLO reply by §4.1.1.1')],
    ['the EHLO reply lists HELP, the one command that is not required'],
  ),
  met(
    row(5321, '§4.1.1.2', 'says', 'MAIL opens a transaction; its reverse-path may be null.'),
    [line('protocol/path.ts', 'for MAIL it is (RFC 5321 §4.1.1.2)')],
    ['the reverse-path may be null'],
  ),
  met(
    row(5321, '§4.1.1.2', 'says', 'Parameters come with extensions, which may lengthen the line.'),
    [line('protocol/command-reader.ts', 'RFC 5321 §4.1.1.2: extensions lengthen the lines')],
    ['a client that said HELO cannot give parameters', 'SIZE lengthens the MAIL line by 26'],
  ),
  met(
    row(5321, '§4.1.1.3', 'MUST', 'The syntax of source routes is understood.'),
    [SOURCE_ROUTE],
    ['a source route is understood, and ignored'],
  ),
  met(
    row(5321, '§4.1.1.3', 'SHOULD', 'The route is taken off.'),
    [SOURCE_ROUTE],
    ['a source route is understood, and ignored'],
  ),
  met(
    row(5321, '§4.1.1.3', 'MUST NOT', 'A relay copies no names of a route into the reverse-path.'),
    [line('client/envelope-commands.ts', 'result.path.sourceRoute.length === 0')],
    ['no source route leaves, and nothing of it is put into another address', 'is no address: %j'],
  ),
  met(
    row(5321, '§4.1.1.3', 'says', 'RCPT adds one mailbox, which is not null, and leaves the rest alone.'),
    [line('protocol/session-state.ts', 'RCPT was accepted')],
    ['RCPT adds to the recipients, in order, and changes nothing else', 'a forward-path is not null'],
  ),
  met(
    row(5321, '§4.1.1.3', 'says', '`<Postmaster>` stands without a domain, in any case.'),
    [POSTMASTER],
    ['Postmaster may stand without a domain, in any case (%s)'],
  ),
  met(
    row(5321, '§4.1.1.4', 'says', 'The content ends with a line that is a dot alone, which may be its first.'),
    [END_OF_DATA],
    ['a dot right after DATA ends an empty message'],
  ),
  met(
    row(
      5321,
      '§4.1.1.4',
      'MUST NOT',
      'Lines that end in LF alone are not accepted as lines, and LF dot LF does not end the content.',
    ),
    [DATA_TABLE, line('protocol/standard-replies.ts', 'export const BARE_LINE_END_IN_CONTENT')],
    ['content is not ended by %j', 'content with a bare CR or LF is refused after its end, and delivers nothing'],
  ),
  met(
    row(5321, '§4.1.1.4', 'MUST NOT', 'No line end is added.'),
    [line('protocol/data-decoder.ts', "'holdCR', // This CR is content only if no LF follows")],
    ['no line end is added to or taken from the content'],
  ),
  met(
    row(
      5321,
      '§4.1.1.4',
      'MUST',
      'The end of data is answered with OK or with a failure, for the message as a whole, and the transaction is over.',
    ),
    [END_MESSAGE],
    [
      'the end of data is answered once, with %s, and the transaction is over',
      'an application that fails is answered for with 451',
    ],
  ),
  application(
    row(5321, '§4.1.1.4', 'MUST', 'Errors that are found after the 250 are reported by mail.'),
    'whoever writes `processMessage`, `streamMessage` or a `message` hook',
  ),
  met(
    row(5321, '§4.1.1.5', 'MUST', 'RSET discards sender, recipients and content, and is answered 250.'),
    [ENDED],
    [
      'RSET ends the transaction, is answered 250, and closes nothing',
      'RSET before EHLO, after EHLO and after a message is a NOOP',
    ],
  ),
  met(
    row(5321, '§4.1.1.5', 'MUST NOT', 'RSET closes nothing.'),
    [line('protocol/server-session.ts', 'RSET (RFC 5321 §4.1.1.5)')],
    ['RSET ends the transaction, is answered 250, and closes nothing'],
  ),
  met(
    row(5321, '§4.1.1.5', 'SHOULD', 'A connection that is lost counts as if QUIT had come before.'),
    [line('protocol/server-session.ts', 'Ends the session without a word: the client is gone')],
    ['a connection lost in a message delivers nothing of it and keeps what was delivered before'],
  ),
  ...(['§4.1.1.6', '§4.1.1.7'] as const).map((clause) =>
    met(
      row(5321, clause, 'says', `${clause === '§4.1.1.6' ? 'VRFY' : 'EXPN'} changes nothing of the transaction.`),
      [STAYING],
      ['NOOP, VRFY, EXPN and HELP leave the transaction as it is'],
    ),
  ),
  met(
    row(
      5321,
      '§4.1.1.8',
      'SHOULD',
      'HELP is supported, at least without an argument; it changes nothing of the transaction.',
    ),
    [line('protocol/server-session.ts', 'HELP (RFC 5321 §4.1.1.8'), STAYING],
    [
      'HELP lists the commands, explains one, and answers 504 for what there is no help about',
      'NOOP, VRFY, EXPN and HELP leave the transaction as it is',
    ],
  ),
  met(
    row(5321, '§4.1.1.9', 'SHOULD', 'NOOP is answered 250, and its argument ignored.'),
    [line('protocol/server-session.ts', 'NOOP (RFC 5321 §4.1.1.9')],
    ['NOOP ignores its argument'],
  ),
  met(
    row(5321, '§4.1.1.10', 'MUST', 'QUIT is answered 221, and then the connection closes.'),
    [line('protocol/server-session.ts', 'QUIT (RFC 5321 §4.1.1.10)')],
    ['QUIT is answered 221, closes, and gives up the open transaction'],
  ),
  met(
    row(5321, '§4.1.1.10', 'MUST NOT', 'The server does not close before QUIT, even after errors.'),
    [UNKNOWN_VERB],
    ['unknown commands are answered 500 and the connection stays open'],
  ),
  met(
    row(
      5321,
      '§4.1.1.10',
      'MUST',
      'When a connection is lost, the open transaction is given up and the complete ones stay.',
    ),
    [line('server/conversation.ts', 'what was begun will never be complete')],
    ['a connection lost in a message delivers nothing of it and keeps what was delivered before'],
  ),
  met(
    row(5321, '§4.1.1.11', 'says', 'Parameters that are not known or not implemented are answered 555.'),
    [line('protocol/standard-replies.ts', 'export const MAIL_PARAMETERS_UNKNOWN')],
    ['parameters that nobody declared are answered 555'],
  ),
  met(
    row(5321, '§4.1.1.11', 'says', 'Parameters belong to extensions, and so to EHLO.'),
    [line('protocol/command-arguments.ts', 'RFC 5321 §4.1.1.11: parameters belong to EHLO')],
    ['a client that said HELO cannot give parameters'],
  ),
  met(
    row(5321, '§4.1.2', 'MUST', 'Source routes are accepted.'),
    [SOURCE_ROUTE],
    ['a source route is understood, and ignored'],
  ),
  met(
    row(5321, '§4.1.2', 'MUST', 'All quoted forms of a local part are the same.'),
    [line('protocol/path.ts', 'RFC 5321 §4.1.2: a local part is sent without quotes where it can be')],
    ['every quoted form of a local part is the same address'],
  ),
  met(
    row(5321, '§4.1.2', 'MUST', 'A command with characters that its grammar does not have is refused with 501.'),
    [
      line('protocol/grammar.ts', 'RFC 5321 §4.1.2: `Dot-string'),
      line('protocol/standard-replies.ts', 'export function syntaxReply'),
    ],
    ['the path %j is answered 501'],
  ),
  differs(
    row(
      5321,
      '§4.1.2',
      'MUST',
      'The same for a low line in a domain, a path without brackets or domain, and a blank after the colon.',
    ),
    'Clients send them, so they are accepted unless `pathSyntax` is `strict`.',
    [line('protocol/path.ts', '`strict` is RFC 5321 as it is written')],
    ['a low line in a domain, and what else is lenient, is answered 501 where the syntax is strict'],
  ),
  met(
    row(5321, '§4.1.3', 'says', 'Address literals of IPv4, IPv6 and other kinds stand in place of a domain.'),
    [line('protocol/grammar.ts', 'RFC 5321 §4.1.3: `IPv6-addr`')],
    ['the address literal %s is understood', 'the path %j is answered 501'],
  ),
  met(
    row(5321, '§4.1.4', 'MUST', 'Mail needs EHLO or HELO first.'),
    [line('protocol/standard-replies.ts', 'export const SEND_HELO_FIRST')],
    ['no mail is taken before EHLO or HELO'],
  ),
  met(
    row(5321, '§4.1.4', 'SHOULD', 'NOOP, HELP, EXPN, VRFY and RSET are answered before EHLO.'),
    [STAYING],
    ['commands that move no mail are answered before EHLO'],
  ),
  met(
    row(5321, '§4.1.4', 'MUST', 'An EHLO that comes later clears everything, as RSET does.'),
    [RESETTING],
    ['%s within a transaction does what RSET does'],
  ),
  met(
    row(5321, '§4.1.4', 'MUST', 'An EHLO that is not acceptable is refused and changes nothing.'),
    [line('protocol/server-session.ts', 'HELO and EHLO (RFC 5321 §4.1.1.1)')],
    ['an EHLO that is refused changes nothing'],
  ),
  met(
    row(
      5321,
      '§4.1.4',
      'MUST NOT',
      'Mail is not refused because the name in EHLO is not that of the client’s address.',
    ),
    [line('protocol/client-name.ts', 'it belongs to the peer')],
    ['a name in EHLO that is not the client’s own is accepted'],
  ),
  met(
    row(
      5321,
      '§4.1.4',
      'MUST',
      'A MAIL whose argument is wrong is answered 501, commands out of order 503, and the state stays.',
    ),
    [OUT_OF_SEQUENCE],
    ['MAIL within a transaction is answered 503, a wrong MAIL 501, and both change nothing'],
  ),
  met(
    row(5321, '§4.1.5', 'says', 'Commands of private use that are not known are answered 500.'),
    [UNKNOWN_VERB],
    ['unknown commands are answered 500 and the connection stays open'],
  ),

  met(
    row(5321, '§4.2', 'MUST', 'Every command has exactly one reply.'),
    [
      line('protocol/dialogue.ts', 'The final reply to the oldest unanswered command'),
      line('protocol/command-gate.ts', 'A command gets one final reply (RFC 5321 §4.2)'),
    ],
    ['every command gets one reply, in order, also when all come at once'],
  ),
  met(
    row(5321, '§4.2', 'MUST NOT', 'Codes begin with 2, 3, 4 or 5.'),
    [line('protocol/reply.ts', '200 to 599; the second digit is 0 to 5 (RFC 5321 §4.2)'), REPLY_CODES],
    ['a reply is a code from 200 to 559 and text without control characters'],
  ),
  met(
    row(5321, '§4.2', 'SHOULD', 'Only the codes of the RFC are sent.'),
    [line('protocol/standard-replies.ts', 'export const OK')],
    ['each command is answered with a code of its row in the table of sequences'],
  ),
  differs(
    row(5321, '§4.2', 'SHOULD', 'The texts are those of the RFC’s examples; 221 and 421 begin with the server’s name.'),
    'Texts are those of the old module where its behaviour is kept, and the enhanced code comes first (RFC 2034). The greeting and the EHLO reply begin with the name.',
    [line('protocol/standard-replies.ts', 'Texts are those of the old module')],
    ['QUIT is answered 221, closes, and gives up the open transaction'],
  ),
  met(
    row(5321, '§4.2.1', 'MUST', 'The lines of a reply have the same code; the last has a space behind it.'),
    [line('protocol/reply.ts', 'RFC 5321 §4.2: code and text with a space between')],
    ['every line of a reply has the same code, and at most 512 octets'],
  ),
  met(
    row(5321, '§4.2.2', 'says', 'With 421 the connection closes.'),
    [CLOSES_AFTER_421],
    ['421 is the last word: the connection closes'],
  ),
  met(
    row(5321, '§4.2.4', 'SHOULD', 'What is known and not implemented is answered 502, what is not known 500.'),
    [line('protocol/standard-replies.ts', 'export const EXPN_NOT_IMPLEMENTED'), UNKNOWN_VERB],
    [
      'VRFY and EXPN never claim that an address was verified',
      'unknown commands are answered 500 and the connection stays open',
    ],
  ),
  met(
    row(5321, '§4.2.4', 'MUST NOT', 'The EHLO reply lists nothing that would be answered 500 or 502.'),
    [GREETING_REPLY],
    ['what the EHLO reply lists is never answered 500 or 502'],
  ),
  application(
    row(5321, '§4.2.5', 'MUST NOT', 'A message that was answered with 4yz or 5yz is not delivered later.'),
    'whoever gives the verdict. Verdicts for single recipients are folded into one for the whole message',
    ['a message that some recipients cannot get is refused as a whole'],
    [line('server/verdict.ts', 'RFC 5321 §4.2.5 knows no other way')],
  ),
  met(
    row(5321, '§4.3.1', 'says', 'The greeting’s first word is the name of the server.'),
    [line('protocol/session-events.ts', 'The name that the server goes by (RFC 5321 §4.3.1)')],
    ['the server names itself in the greeting and in the replies to EHLO and HELO'],
  ),
  met(
    row(5321, '§4.3.1', 'MUST', 'Codes keep the meaning that the table of sequences gives them.'),
    [line('protocol/standard-replies.ts', 'export const OK')],
    ['each command is answered with a code of its row in the table of sequences'],
  ),
  met(
    row(5321, '§4.3.2', 'MUST NOT', 'Codes are three digits, and the first is 2 to 5.'),
    [REPLY_CODES],
    ['a reply is a code from 200 to 559 and text without control characters'],
  ),
  met(
    row(5321, '§4.3.2', 'SHOULD', 'HELP succeeds with 214 and fails with 504; enhanced codes, not new ones, say more.'),
    [line('protocol/server-session.ts', 'HELP (RFC 5321 §4.1.1.8, §4.3.2')],
    ['HELP lists the commands, explains one, and answers 504 for what there is no help about'],
  ),
  met(
    row(
      5321,
      '§4.4',
      'MUST',
      'Whoever takes a message for delivery or relay puts a Received field in front of it: Maildir and the proxies do.',
    ),
    [
      line('handlers/maildir.ts', 'export class Maildir extends SMTPServer'),
      line('handlers/pure-proxy.ts', 'const front = addReceived'),
      RECEIVED_FIELD,
    ],
    [
      FIELDS_ADDED,
      'has a message in the folder when it says 250, with Return-Path, Delivered-To and Received before it',
      'says from whom, by whom, how, by which name, for whom and when, on folded lines',
    ],
  ),
  met(
    row(5321, '§4.4', 'MUST NOT', 'Received fields that are there are not changed, deleted or put in another order.'),
    [PASS],
    [PASSED, 'comes out as specified for longer content, however it is split'],
  ),
  met(
    row(5321, '§4.4', 'MUST', 'Final delivery puts a Return-Path in front: Maildir does.'),
    [line('handlers/maildir.ts', 'RFC 5321 §4.4: Return-Path comes first')],
    [
      'has a message in the folder when it says 250, with Return-Path, Delivered-To and Received before it',
      'has the null reverse-path as <>',
    ],
  ),
  application(
    row(
      5321,
      '§4.4',
      'MUST',
      'Content that only some recipients can get is answered OK, and the others are told of in a notification.',
    ),
    'whoever gives the verdict; the library sends no notifications, so verdicts for single recipients fold into one',
    ['a message that some recipients cannot get is refused as a whole'],
    [line('server/verdict.ts', 'RFC 5321 §4.2.5 knows no other way')],
  ),

  met(
    row(5321, '§4.5.1', 'MUST', 'EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP, QUIT and VRFY are there.'),
    [RULES],
    ['every required command is there'],
  ),
  application(
    row(5321, '§4.5.1', 'MUST', 'Mail to postmaster is accepted, with every domain and without one.'),
    'the `rcpt` hook that knows the users; without one all recipients are accepted. A proxy passes it on, whoever sends it',
    [
      'Postmaster may stand without a domain, in any case (%s)',
      'lets everybody write to the postmaster of a domain of lists, who is the one of the server behind: %o',
    ],
    [POSTMASTER],
  ),
  met(
    row(
      5321,
      '§4.5.2',
      'says',
      'The first of two dots at the beginning of a line is deleted; every other character arrives.',
    ),
    [DELETE_DOT],
    ['a doubled dot loses one, a lone dot ends, and all else arrives as it was sent'],
  ),
  differs(
    row(5321, '§4.5.2', 'MUST', 'Transformations of the content can be undone.'),
    "The content arrives as it was sent. Only who asks for `lineEndings: 'normalize'` or `decodeData` gets one that cannot be undone.",
    [line('server/server-options.ts', 'Bare CR and LF in content')],
    ['a doubled dot loses one, a lone dot ends, and all else arrives as it was sent'],
  ),
  met(
    row(5321, '§4.5.3.1.1', 'MUST', 'A local part of 64 octets fits.'),
    [line('protocol/limits.ts', 'commandLengthBytesMax: 512')],
    ['the longest local part, domain and path fit'],
  ),
  met(
    row(5321, '§4.5.3.1.2', 'MUST', 'A domain of 255 octets fits.'),
    [line('protocol/limits.ts', 'commandLengthBytesMax: 512')],
    ['the longest local part, domain and path fit'],
  ),
  met(
    row(5321, '§4.5.3.1.3', 'MUST', 'A path of 256 octets fits.'),
    [line('protocol/limits.ts', 'commandLengthBytesMax: 512')],
    ['the longest local part, domain and path fit'],
  ),
  met(
    row(
      5321,
      '§4.5.3.1.4',
      'MUST',
      'A command line of 512 octets is read, and one that is longer by what extensions add.',
    ),
    [line('protocol/limits.ts', 'RFC 5321 §4.5.3.1.4 asks for 512 with CRLF')],
    [
      'a command line of 512 octets is read, and a longer one is answered 500',
      '8BITMIME lengthens the MAIL line by 17',
    ],
  ),
  met(
    row(5321, '§4.5.3.1.5', 'says', 'A line of a reply has at most 512 octets.'),
    [line('protocol/reply.ts', 'RFC 5321 §4.5.3.1.5: a reply line has at most 512')],
    ['every line of a reply has the same code, and at most 512 octets'],
  ),
  met(
    row(5321, '§4.5.3.1.6', 'MUST', 'A line of content of 1000 octets fits.'),
    [DATA_TABLE],
    ['text lines of 1000 octets and more are taken'],
  ),
  met(
    row(5321, '§4.5.3.1.7', 'MUST', 'A message of 64K octets fits.'),
    [line('server/server-options.ts', 'const DATA_SIZE_DEFAULT')],
    ['a message of 64K octets and more is taken'],
  ),
  met(
    row(5321, '§4.5.3.1.7', 'SHOULD', 'A server with a limit offers SIZE.'),
    [line('protocol/extensions/size.ts', 'export const size')],
    ['the largest message is declared, and without a limit nothing is'],
  ),
  met(
    row(
      5321,
      '§4.5.3.1.8',
      'MUST',
      'A hundred recipients fit; above a limit further ones are refused and the accepted ones stay.',
    ),
    [line('protocol/limits.ts', 'RFC 5321 §4.5.3.1.8 asks for at least 100')],
    ['a hundred recipients fit, and by default a thousand'],
  ),
  met(
    row(5321, '§4.5.3.1.8', 'SHOULD NOT', 'Messages are not refused for the number of recipients in their header.'),
    [CONTENT_FAULTS],
    ['content is not refused for %s'],
  ),
  met(
    row(5321, '§4.5.3.1.9', 'says', 'What is too long or too much is answered 500, 501, 452 or 552.'),
    [
      line('protocol/standard-replies.ts', 'export const LINE_TOO_LONG'),
      line('protocol/standard-replies.ts', 'export const TOO_MUCH_DATA'),
    ],
    [
      'a command line of 512 octets is read, and a longer one is answered 500',
      'a hundred recipients fit, and by default a thousand',
    ],
  ),
  met(
    row(5321, '§4.5.3.1.10', 'MUST', 'Too many recipients are answered 452.'),
    [line('protocol/standard-replies.ts', 'export const TOO_MANY_RECIPIENTS')],
    ['a hundred recipients fit, and by default a thousand'],
  ),
  ...(
    [
      ['§4.5.3.2.2', 'MAIL', '5'],
      ['§4.5.3.2.3', 'RCPT', '5'],
      ['§4.5.3.2.6', 'a message', '10'],
    ] as const
  ).map(([clause, what, minutes]) =>
    met(
      row(5321, clause, 'says', `A client waits ${minutes} minutes for the reply to ${what}: it comes before.`),
      [line('protocol/limits.ts', clause === '§4.5.3.2.6' ? 'RFC 5321 §4.5.3.2.6' : 'RFC 5321 §4.5.3.2.2, §4.5.3.2.3')],
      ['a client hears about MAIL, RCPT and a message before it would stop waiting'],
    ),
  ),
  met(
    row(
      5321,
      '§4.5.3.2.5',
      'says',
      'A client waits 3 minutes for a block of content to go out; so long we wait for one.',
    ),
    [line('protocol/limits.ts', 'RFC 5321 §4.5.3.2.5')],
    ['octets of a message are waited for three minutes, and then the client hears 421'],
  ),
  met(
    row(5321, '§4.5.3.2.7', 'SHOULD', 'The server waits at least 5 minutes for the next command.'),
    [line('protocol/limits.ts', 'RFC 5321 §4.5.3.2.7 asks for at least 5 minutes')],
    ['a client is waited for five minutes, and then hears 421'],
  ),
  later(row(5321, '§4.5.4.1', 'MUST', 'Mail that could not be sent is queued and tried again.'), RELAY),
  met(
    row(5321, '§4.5.4.2', 'SHOULD', 'The server always listens, and serves several clients at a time.'),
    [line('net/listener.ts', 'is reported and the listener goes on')],
    ['several clients are served at a time'],
  ),
  application(
    row(
      5321,
      '§4.5.5',
      'SHOULD NOT',
      'Messages with a null reverse-path are not replied to, and keep it when they are sent on.',
    ),
    'whoever answers mail automatically: `reversePath.isNull` tells',
    ['the reverse-path may be null'],
    [line('protocol/path.ts', 'Whether this is the null reverse-path')],
  ),
  application(
    row(5321, '§6.1', 'MUST NOT', 'A message that was answered with 250 is not lost, not even by a crash.'),
    'whoever writes `processMessage`, `streamMessage` or a `message` hook: write it down before you return',
  ),
  later(
    row(
      5321,
      '§6.1',
      'MUST',
      'Failures after the 250 are reported to the reverse-path, with a null reverse-path of their own.',
    ),
    RELAY,
  ),
  application(
    row(5321, '§6.2', 'SHOULD', 'Mail is not dropped silently, unless it is certain to be hostile.'),
    'whoever decides about the message',
  ),
  met(
    row(5321, '§6.3', 'SHOULD', 'Loops are found by counting Received fields, with a limit of at least 100.'),
    [LOOP, line('handlers/proxy/proxy-options.ts', "positive('hopsMax', given.hopsMax ?? 100)")],
    ['a message with 100 Received fields goes on, one with 101 is looping'],
  ),
  application(
    row(5321, '§6.4', 'MUST NOT', 'Irregularities are mended at submission only, not by a relay.'),
    'whoever changes messages; the library changes none',
  ),
  met(
    row(5321, '§7.2', 'SHOULD NOT', 'Not all recipients of the envelope are copied into the header.'),
    [line('protocol/trace-header.ts', 'RFC 5321 §7.2: `for` would show one recipient to the other.')],
    [
      'is for a recipient that is alone, and nobody else: %j',
      'refuses at RCPT who has none, and delivers to each other in his own, who sees nobody else',
    ],
  ),
  met(
    row(5321, '§7.3', 'MUST', 'A server that does not verify answers VRFY with 252.'),
    [VERIFY],
    ['VRFY and EXPN never claim that an address was verified'],
  ),
  met(
    row(5321, '§7.3', 'says', 'Asking for address after address may be made useless.'),
    [line('protocol/limits.ts', 'RFC 5321 §7.3, §7.8')],
    ['a client that asks for address after address hears 421'],
  ),
  met(
    row(5321, '§7.8', 'says', 'A server may protect itself against attacks and against what it cannot serve.'),
    [line('protocol/limits.ts', 'RFC 5321 §7.8: a server may protect itself')],
    ['a client that guesses on and on hears 421, and mail resets the count'],
  ),
];

/** The extensions. */
const EXTENSIONS: readonly Requirement[] = [
  met(
    row(
      1870,
      '§3',
      'says',
      'The keyword is SIZE with the largest size; MAIL has a parameter SIZE and is 26 octets longer.',
    ),
    [line('protocol/extensions/size.ts', 'RFC 1870 §3 (4)')],
    ['the largest message is declared, and without a limit nothing is', 'SIZE lengthens the MAIL line by 26'],
  ),
  met(
    row(1870, '§4', 'says', 'A size is one to twenty digits.'),
    [SIZE_PARAMETER],
    ['a declared size is one to twenty digits'],
  ),
  met(
    row(1870, '§4', 'says', 'A message above the limit is refused with 552.'),
    [line('protocol/standard-replies.ts', 'export const TOO_MUCH_DATA')],
    ['octets are counted with every CRLF, without doubled dots and the last dot, and no more than the limit are taken'],
  ),
  met(
    row(1870, '§5', 'says', 'Octets are counted with every CRLF, without the dots of transparency and the last dot.'),
    [line('protocol/content-facts.ts', 'RFC 1870 §5: the octets of the content')],
    ['octets are counted with every CRLF, without doubled dots and the last dot, and no more than the limit are taken'],
  ),
  met(
    row(1870, '§6.1', 'says', 'A declared size above the limit is refused with 552 at MAIL.'),
    [line('protocol/standard-replies.ts', 'export const SIZE_EXCEEDED')],
    ['a declared size above the limit is refused with 552 at MAIL'],
  ),
  met(
    row(
      1870,
      '§6.3',
      'says',
      'A message that is larger than declared may be taken or refused; one that is not is not refused for its size.',
    ),
    [line('protocol/extensions/size.ts', 'RFC 1870 §6.3')],
    ['a message larger than declared is taken while it is within the limit, and refused with 552 beyond'],
  ),
  application(
    row(1870, '§6.4', 'says', 'A recipient may be refused for the declared size, with 452 or 552.'),
    'the `rcpt` hook that knows the mailboxes: the size is in `session.envelope`',
    ['a hook may refuse a recipient for the declared size'],
  ),
  met(
    row(1870, '§7', 'says', 'A server that does not use the declared size still accepts the parameter.'),
    [line('protocol/extensions/size.ts', 'isAlwaysAccepted: true')],
    ['a size is understood also where none is offered'],
  ),

  met(
    row(
      2034,
      '§4',
      'MUST',
      'Every reply in the classes 2, 4 and 5 begins with an enhanced code, except those to connecting, HELO and EHLO.',
    ),
    [line('protocol/standard-replies.ts', 'Enhanced codes are those of RFC 3463')],
    ['every 2yz, 4yz and 5yz reply but those to connecting, EHLO and HELO has a code of its class, also after HELO'],
  ),
  application(
    row(2034, '§4', 'MUST', 'The same for the replies of the application.'),
    "whoever gives a reply: `new Reply(550, '5.1.1', …)`; the library sends what it is given",
  ),
  met(
    row(2034, '§4', 'MUST', 'Every line of a reply begins with the same code, and its class is that of the reply.'),
    [
      line('protocol/reply.ts', 'RFC 2034 §4: the same enhanced code begins every line'),
      line('protocol/reply.ts', 'there is none in the 3yz class (RFC 2034 §4)'),
    ],
    ['every line of a reply begins with the same code', 'there is no code in the 3yz class, and none of another class'],
  ),
  met(
    row(2034, '§4', 'MUST', 'They are sent whether the client said EHLO or not.'),
    [line('protocol/extensions/enhanced-status-codes.ts', 'export const enhancedStatusCodes')],
    ['every 2yz, 4yz and 5yz reply but those to connecting, EHLO and HELO has a code of its class, also after HELO'],
  ),

  met(
    row(2920, '§3.1', 'MUST', 'The client reads the replies to a group; what it leaves unread does not pile up here.'),
    [line('protocol/limits.ts', 'RFC 2920 §3.1: a client reads replies')],
    ['the replies to one group leave together'],
  ),
  met(
    row(2920, '§3.2', 'MUST', 'Commands are answered in the order in which they came.'),
    [line('protocol/extensions/pipelining.ts', 'The session answers commands in order')],
    [
      'commands are answered in the order in which they came',
      'every command gets one reply, in order, also when all come at once',
    ],
  ),
  met(
    row(
      2920,
      '§3.2',
      'MUST NOT',
      'What was received is never thrown away while the session goes on, not even when a command fails.',
    ),
    [line('protocol/server-session.ts', 'Takes octets of the client')],
    ['what came behind a command that fails is not lost'],
  ),
  met(
    row(2920, '§3.2', 'SHOULD', 'The replies to a group of RSET, MAIL and RCPT are sent as one.'),
    [line('protocol/reply-encoder.ts', 'RFC 2920 §3.2')],
    ['the replies to one group leave together'],
  ),
  met(
    row(2920, '§3.2', 'SHOULD', 'DATA is accepted exactly when there is a valid recipient.'),
    [line('protocol/command-rules.ts', 'sender: needRCPT')],
    ['DATA is accepted exactly when there is a valid recipient'],
  ),
  met(
    row(2920, '§3.2', 'MUST NOT', 'An empty message without valid recipients is sent to nobody.'),
    [line('protocol/command-rules.ts', 'sender: needRCPT')],
    ['DATA is accepted exactly when there is a valid recipient'],
  ),
  differs(
    row(
      2920,
      '§3.2',
      'MUST NOT',
      'Replies to EHLO, DATA, VRFY, EXPN, QUIT, NOOP and unknown commands are not held back.',
    ),
    'They are not held back for anything that is still to come. But what was received in one piece is answered in one write, whatever is in it: that takes one turn of the event loop.',
    [line('server/conversation.ts', 'A verdict that comes in this turn joins the replies before it in one write')],
    ['replies leave as soon as there is nothing more to read'],
  ),
  met(
    row(2920, '§3.2', 'MUST', 'All replies are sent as soon as nothing received is left to handle.'),
    [line('server/conversation.ts', 'A verdict that comes in this turn joins the replies before it in one write')],
    ['replies leave as soon as there is nothing more to read'],
  ),
  met(
    row(2920, '§3.2', 'MUST NOT', 'Nothing is assumed about commands that have not come.'),
    [line('protocol/server-session.ts', 'Looks for the next thing in what was received')],
    ['nothing is assumed about commands to come: the sequence is judged when each is read'],
  ),
  met(
    row(2920, '§3.2', 'SHOULD', 'A reply tells which command it belongs to.'),
    [line('protocol/standard-replies.ts', 'export const RECIPIENT_OK')],
    ['every 2yz, 4yz and 5yz reply but those to connecting, EHLO and HELO has a code of its class, also after HELO'],
  ),

  met(
    row(
      6152,
      '§2',
      'says',
      'The keyword is 8BITMIME; MAIL has a parameter BODY with 7BIT or 8BITMIME, and is 17 octets longer.',
    ),
    [
      line('protocol/extensions/eight-bit-mime.ts', 'RFC 6152 §2 (7)'),
      line('protocol/extensions/eight-bit-mime.ts', 'RFC 6152 §2: the values'),
    ],
    [
      '8BITMIME is offered, with BODY=7BIT and BODY=8BITMIME in any case and nothing else',
      '8BITMIME lengthens the MAIL line by 17',
    ],
  ),
  met(
    row(6152, '§3', 'MUST', 'All bits of each octet are kept.'),
    [DATA_TABLE],
    ['all bits of each octet are kept, whatever BODY said'],
  ),
  met(
    row(6152, '§3', 'says', 'Dots are stuffed as ever, and the CRLF before the last dot is content.'),
    [DELETE_DOT],
    ['dots are stuffed and the last CRLF is content as ever'],
  ),
  application(
    row(6152, '§3', 'MUST', 'Whoever accepted 8-bit content delivers or relays it with all its bits.'),
    'whoever handles the message; a proxy offers 8BITMIME where the next server does',
  ),

  met(
    row(6531, '§3.1', 'MUST NOT', 'The keyword has no parameter.'),
    [line('protocol/extensions/smtputf8.ts', "keyword: 'SMTPUTF8'")],
    ['SMTPUTF8 is offered without a parameter, together with 8BITMIME'],
  ),
  met(
    row(6531, '§3.1', 'MUST', 'A server that offers SMTPUTF8 offers 8BITMIME.'),
    [line('server/server-options.ts', 'enableSMTPUTF8: given.enableSMTPUTF8 ?? !decodeData')],
    ['SMTPUTF8 is offered without a parameter, together with 8BITMIME'],
  ),
  met(
    row(6531, '§3.1', 'says', 'The MAIL line is 10 octets longer; VRFY and EXPN may have the parameter too.'),
    [line('protocol/extensions/smtputf8.ts', 'RFC 6531 §3.4 and §3.7.4.2')],
    ['SMTPUTF8 lengthens the MAIL line by 10 and VRFY and EXPN by 9'],
  ),
  met(
    row(6531, '§3.2', 'MUST', 'UTF-8 is accepted wherever a mailbox may stand.'),
    [line('protocol/path.ts', 'RFC 6531 §3.3')],
    ['UTF-8 may stand wherever a mailbox may, and arrives decoded'],
  ),
  met(
    row(6531, '§3.2', 'MUST', 'Domains that are looked up are turned into A-labels first.'),
    [line('client/ascii-domain.ts', 'The domain with A-labels')],
    ['are asked for with A-labels'],
  ),
  later(row(6531, '§3.2', 'MUST', 'Delivery reports follow RFC 6533.'), RELAY),
  met(
    row(6531, '§3.3', 'MUST NOT', 'UTF-8 in an atom is well formed and has no ASCII specials or control characters.'),
    [line('protocol/grammar.ts', 'RFC 6531 §3.3: the octets of `UTF8-non-ascii`')],
    [
      'octets that are not UTF-8, and control characters, are no part of an address',
      'UTF-8 may stand wherever a mailbox may, and arrives decoded',
    ],
  ),
  met(
    row(6531, '§3.4', 'MUST NOT', 'The parameter has no value.'),
    [line('protocol/extensions/smtputf8.ts', 'RFC 6531 §3.4: the parameter has no value')],
    ['the parameter of MAIL has no value'],
  ),
  met(
    row(6531, '§3.5', 'says', 'An address in UTF-8 that is not allowed at RCPT is refused with 553, and with 5.6.7.'),
    [NEED_SMTPUTF8],
    [
      'without the parameter an address in UTF-8 is refused with 553 and 5.6.7',
      'where SMTPUTF8 is not offered, its parameter is unknown and UTF-8 refused',
    ],
  ),
  differs(
    row(6531, '§3.5', 'says', 'At MAIL the code is 550.'),
    '553, “mailbox name not allowed”, says what is wrong at MAIL as well, and the registry of enhanced codes gives both for 5.6.7.',
    [NEED_SMTPUTF8],
    ['without the parameter an address in UTF-8 is refused with 553 and 5.6.7'],
  ),
  application(
    row(
      6531,
      '§3.5',
      'says',
      'Content that a recipient cannot take because of its header is refused with 554 and 5.6.9, better at RCPT.',
    ),
    'the hook that knows what recipients can take',
  ),
  met(
    row(
      6531,
      '§3.6',
      'says',
      'SMTPUTF8 may come together with BODY=8BITMIME, and says nothing about the body by itself.',
    ),
    [line('protocol/extensions/smtputf8.ts', "keyword: 'SMTPUTF8'")],
    ['SMTPUTF8 lengthens the MAIL line by 10 and VRFY and EXPN by 9'],
  ),
  met(
    row(6531, '§3.7.1', 'MUST', 'Domains in the EHLO reply are ASCII, and the client’s name is.'),
    [
      line('protocol/client-name.ts', 'RFC 6531 §3.7.1'),
      line('protocol/client-name.ts', 'scanDomain(text, 0, LET_DIG | UNDERSCORE)'),
    ],
    ['the names in the greeting and the EHLO reply are ASCII, and a client’s name must be'],
  ),
  met(
    row(6531, '§3.7.3', 'says', 'The Received field of a message with SMTPUTF8 says UTF8SMTP, and may have UTF-8.'),
    [TRANSMISSION_TYPE, line('protocol/trace-header.ts', 'RFC 6532 §3.2')],
    ['is each of those that are registered', 'is for a recipient that is alone, and nobody else: %j'],
  ),
  differs(
    row(6531, '§3.7.3', 'SHOULD', 'Domains in it have U-labels.'),
    'A name is written as it was said, which in EHLO is ASCII (§3.7.1): a trace tells what the client said.',
    [RECEIVED_FIELD],
    [
      'tells of a client that calls itself %j only what it can be',
      'has a name beyond ASCII under SMTPUTF8, of letters alone',
    ],
  ),
  application(
    row(6531, '§3.7.4.1', 'MUST NOT', '251 and 551 have no mailbox in UTF-8 unless MAIL had the parameter.'),
    'whoever gives these codes; what is not ASCII becomes `?` where UTF-8 may not be sent',
    ['a reply in UTF-8 is sent only in a transaction that was opened with SMTPUTF8'],
    [line('protocol/reply-encoder.ts', 'RFC 6531 §3.7.4')],
  ),
  met(
    row(6531, '§3.7.4.2', 'MUST NOT', 'VRFY and EXPN are not answered in UTF-8 unless the parameter allows it.'),
    [line('protocol/command-arguments.ts', 'RFC 6531 §3.7.4.2: VRFY takes SMTPUTF8')],
    ['VRFY and EXPN are answered without a mailbox, so no reply needs UTF-8'],
  ),
  differs(
    row(6531, '§3.7.4.2', 'MUST NOT', 'No other reply has characters outside US-ASCII.'),
    'Our own replies are ASCII. The text that an application gives is sent as UTF-8 within a transaction that was opened with SMTPUTF8, because that client can read it; everywhere else each such character becomes `?`.',
    [UTF8_REPLY],
    ['a reply in UTF-8 is sent only in a transaction that was opened with SMTPUTF8'],
  ),

  met(
    row(3848, '§1', 'says', 'A Received field says ESMTP or LMTP, with S for TLS and A for AUTH.'),
    [TRANSMISSION_TYPE],
    ['is each of those that are registered', 'is SMTP after HELO, on TLS too'],
  ),
  met(
    row(6531, '§4.3', 'says', 'For mail with SMTPUTF8 it says UTF8SMTP or UTF8LMTP.'),
    [TRANSMISSION_TYPE],
    ['is each of those that are registered'],
  ),
  met(
    row(3463, '§2', 'says', 'An enhanced code is class, subject and detail; the numbers have no leading zeros.'),
    [line('protocol/reply.ts', 'RFC 3463 §2')],
    ['there is no code in the 3yz class, and none of another class'],
  ),
  ...(['§3', '§4'] as const).map((clause) =>
    met(
      row(3629, clause, 'MUST', 'Octets that are not well-formed UTF-8, such as overlong forms, are not decoded.'),
      [line('protocol/octets.ts', clause === '§3' ? 'RFC 3629 §3: one character has one form' : 'RFC 3629 §4')],
      ['octets that are not UTF-8, and control characters, are no part of an address'],
    ),
  ),
];

const REQUIREMENTS_CORE: readonly Requirement[] = [...RFC_5321, ...EXTENSIONS];

/** All rows. */
export const REQUIREMENTS: readonly Requirement[] = [
  ...REQUIREMENTS_CORE,
  ...REQUIREMENTS_EXTENSIONS,
  ...REQUIREMENTS_CHUNKING,
  ...REQUIREMENTS_LMTP,
  ...REQUIREMENTS_CLIENT,
  ...REQUIREMENTS_ONWARD,
  ...REQUIREMENTS_TLS,
  ...REQUIREMENTS_AUTH,
];

/** Clauses that the source cites and that are no requirement of a server as it is now. */
export const UNTESTED_CLAUSES: readonly UntestedClause[] = [
  { rfc: 5234, clause: '§2.3', reason: 'a definition: letters in ABNF are compared without regard to case' },
  { rfc: 5890, clause: '§2.3.2.1', reason: 'a definition: what an A-label is' },
  ...([2045, 2047, 2231, 5322] as const).map((rfc) => ({
    rfc,
    clause: '',
    reason:
      'the format of messages, not of sessions: `smtpd/testing` reads header fields, and `DebuggingServer` says what is odd about a message, which are tested in `test/testing` and `test/handlers`; the characters of an atom are tested with RFC 5321 §4.1.2',
  })),
];
