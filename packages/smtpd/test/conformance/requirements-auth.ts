/** What RFC 4954 (AUTH), RFC 4422 (SASL) and the RFCs of the mechanisms ask, of a server and of this package's clients. */

import { application, differs, line, met, row, type Requirement } from './requirement.js';

const SESSION = 'protocol/server-session.ts';
const REPLIES = 'protocol/standard-replies.ts';
const EXTENSION = 'protocol/extensions/auth.ts';
const EXCHANGE = 'server/authentication.ts';
const BASE64 = 'protocol/sasl/base64.ts';
const STEP = 'protocol/sasl/server-step.ts';
const TEXT = 'protocol/sasl/message-text.ts';
const PREP = 'protocol/sasl/saslprep.ts';
const TABLES = 'protocol/sasl/saslprep-tables.ts';
const KEYS = 'protocol/sasl/scram-keys.ts';
const MESSAGE = 'protocol/sasl/scram-message.ts';
const SCRAM = 'protocol/sasl/scram.ts';
const GS2 = 'protocol/sasl/gs2-header.ts';
const BEARER = 'protocol/sasl/oauthbearer.ts';
const PAIRS = 'protocol/sasl/key-value-pairs.ts';
const PLAIN = 'protocol/sasl/plain.ts';
const CRAM = 'protocol/sasl/cram-md5.ts';

const RELAYING = 'whoever relays the message';
const PREPARE = line(TEXT, 'RFC 4616 §2, RFC 5802 §5.1, RFC 4954 §4');
const COMMAND = line(SESSION, 'AUTH (RFC 4954 §4).');
const RUN = line(EXCHANGE, 'Runs the exchange of a mechanism to its end (RFC 4954 §4)');

/** The rows, RFC by RFC. */
export const REQUIREMENTS_AUTH: readonly Requirement[] = [
  met(
    row(
      4954,
      '§3',
      'says',
      'The keyword is AUTH with the names of the mechanisms; the MAIL line is 500 octets longer.',
    ),
    [
      line(EXTENSION, 'RFC 4954 §3: the names of the mechanisms'),
      line(EXTENSION, 'RFC 4954 §3: the MAIL line grows by 500'),
    ],
    [
      'AUTH is offered with its mechanisms, and lengthens the MAIL line by 500',
      'the MAIL line is 500 octets longer also when the client has authenticated',
      'AUTH is not offered any more to a client that has authenticated',
    ],
  ),
  met(
    row(4954, '§4', 'MUST', 'After an AUTH that succeeded, and in a transaction, AUTH is answered 503.'),
    [COMMAND, line(REPLIES, 'export const AUTHENTICATED_ALREADY')],
    ['AUTH is answered 503 in a transaction, before EHLO, and after it has succeeded'],
  ),
  met(
    row(4954, '§4', 'says', 'A mechanism that is not there, or that needs TLS, is refused with 504 and 5.5.4.'),
    [line(REPLIES, 'RFC 4954 §4: what needs TLS is as invalid')],
    ['a mechanism that is unknown, or that needs TLS, is refused with 504'],
  ),
  met(
    row(4954, '§4', 'says', 'A challenge is 334 with base64 and nothing else, and without data 334 and a space.'),
    [RUN, line('server/situation-steps.ts', 'new Reply(334, undefined, text)')],
    ['a client that proves who it is hears 235 2.7.0', 'a challenge without data is 334 and a space'],
  ),
  met(
    row(4954, '§4', 'MUST', 'An exchange that the client cancels is answered 501.'),
    [line(EXCHANGE, 'RFC 4954 §4: the client has changed its mind')],
    ['a client that cancels hears 501, and may begin another exchange'],
  ),
  met(
    row(
      4954,
      '§4',
      'MUST',
      'Without an initial response a mechanism of which the client begins is asked for one by an empty challenge.',
    ),
    [line(STEP, 'The first message of a client: the initial response, or')],
    [
      'asks with an empty challenge when there was no initial response',
      'a client that proves who it is hears 235 2.7.0',
    ],
  ),
  met(
    row(4954, '§4', 'MUST', 'An equals sign is an initial response without data.'),
    [line('protocol/situation-changes.ts', 'RFC 4954 §4: `=` is an initial response of no octets')],
    [
      'an equals sign is an initial response without data',
      'EXTERNAL is offered where a certificate may be shown, and an equals sign asks for its own identity',
    ],
  ),
  met(
    row(
      4954,
      '§4',
      'MUST',
      'An initial response to a mechanism of which the server begins is refused with 501, and 5.7.0.',
    ),
    [line(CRAM, 'RFC 4954 §4: the server begins'), line(REPLIES, 'RFC 4954 §4: 5.7.0 when the client begins')],
    [
      'an initial response to a mechanism that begins with the server is refused with 501',
      'refuses an initial response: the server begins',
    ],
  ),
  met(
    row(4954, '§4', 'MUST', 'What is no base64, for its characters or its padding, is refused with 501 and 5.5.2.'),
    [line(REPLIES, 'export const AUTH_MALFORMED'), line(BASE64, 'Base64 (RFC 4648 §4)')],
    [
      'an answer that is no base64 is refused with 501 5.5.2',
      'an initial response that is no base64 is refused with 501 5.5.2',
    ],
  ),
  met(
    row(
      4954,
      '§4',
      'MUST',
      'Lines of an exchange may be as long as its mechanism makes them; 12,288 octets are enough today.',
    ),
    [line('protocol/limits.ts', 'RFC 4954 §4: 12,288'), line(TEXT, 'RFC 4954 §4: an AUTH line of 12,288')],
    ['a line of 12,288 octets is taken, and a longer one is answered 500 5.5.6'],
  ),
  met(
    row(4954, '§4', 'SHOULD', 'A longer one is answered 500 with 5.5.6, which is for lines of AUTH alone.'),
    [line(REPLIES, 'RFC 4954 §4, §6: 5.5.6 is for the lines of AUTH alone'), line('server/conversation.ts', "'5.5.6'")],
    [
      'a line of 12,288 octets is taken, and a longer one is answered 500 5.5.6',
      'the AUTH command has room for a token, and one that is longer is answered 500 5.5.6',
    ],
  ),
  met(
    row(
      4954,
      '§4',
      'MUST',
      'Names are prepared with SASLprep; one that cannot be, or of which nothing remains, is not authenticated.',
    ),
    [PREPARE],
    [
      'a name of which SASLprep leaves nothing, or that it prohibits, is not authenticated',
      'refuses a message of PLAIN with %s',
    ],
  ),
  met(
    row(4954, '§4', 'SHOULD', 'A client that does not prove who it is hears 535 unless another code says more.'),
    [line(REPLIES, 'export const CREDENTIALS_INVALID')],
    [
      'a client that does not hears 535 5.7.8, and may try again',
      'who may not act for the identity that was asked for is refused with 535',
      'an application may refuse with a code of its own',
    ],
  ),
  met(
    row(4954, '§4', 'says', 'A 235 has no data of the mechanism: what there is goes before it as one more challenge.'),
    [line(SCRAM, 'RFC 4954 §4: a 235 carries no data')],
    ['refuses more than an empty answer to its signature'],
  ),
  met(
    row(
      4954,
      '§4',
      'MUST',
      'There is a way to run the server in which no password is taken in clear: it is the usual one.',
    ),
    [line(EXCHANGE, 'RFC 4954 §4: no password in clear')],
    ['a mechanism that sends a password or a token readable is offered and accepted on TLS only'],
  ),
  met(
    row(4954, '§4', 'MUST', 'PLAIN on TLS is there.'),
    [line(EXCHANGE, 'const DEFAULT_MECHANISMS')],
    ['PLAIN works on TLS without being asked for'],
  ),
  met(
    row(
      4954,
      '§4',
      'says',
      'Commands may come behind an AUTH whose only message is in the command; behind others AUTH is the last.',
    ),
    [line('protocol/situation-changes.ts', 'RFC 4954 §4: commands may follow an AUTH')],
    [
      'commands may come behind an AUTH that needs no challenge',
      'a client that sends commands behind its answer to a challenge is noted, and they are answered',
    ],
  ),
  met(
    row(4954, '§5', 'MUST', 'AUTH= is <> or an address in xtext, and is understood before AUTH, too.'),
    [line(EXTENSION, 'RFC 4954 §5: `<>`, or a mailbox in xtext')],
    [
      'AUTH= is <> or an address in xtext',
      'AUTH= reaches the application from a client that has authenticated, and as <> from any other',
    ],
  ),
  met(
    row(4954, '§5', 'MUST', 'From a client that has not proved who it is, AUTH= counts as AUTH=<>.'),
    [line(EXTENSION, 'RFC 4954 §5: who has not proved who he is')],
    [
      'from a client that is not authenticated AUTH= counts as AUTH=<>',
      'AUTH= reaches the application from a client that has authenticated, and as <> from any other',
    ],
  ),
  application(
    row(4954, '§5', 'MUST', 'From an authenticated client that is not trusted, too, AUTH= counts as AUTH=<>.'),
    'whoever knows its clients: `submitterOf` tells what the client said',
  ),
  application(
    row(4954, '§5', 'SHOULD', 'The submitter is passed on to servers that offer AUTH and are trusted.'),
    RELAYING,
  ),
  met(
    row(
      4954,
      '§6',
      'SHOULD',
      'The codes are 235 2.7.0, 454 4.7.0, 500 5.5.6, 530 5.7.0, 535 5.7.8, and those of the application.',
    ),
    [line(REPLIES, 'RFC 3207 §4, RFC 4954 §6'), line('server/situation-steps.ts', 'RFC 4954 §6: 454 is a failure')],
    [
      'a client that proves who it is hears 235 2.7.0',
      'an application that fails, or that answers what does not fit, is 454 4.7.0, which is no failed attempt',
      'an application may refuse with a code of its own',
    ],
  ),
  met(
    row(4954, '§6', 'SHOULD', 'Where AUTH is required, commands that need it are answered 530 with 5.7.0 before it.'),
    [line('protocol/command-rules.ts', 'Whether it may come before AUTH where that is required (RFC 4954 §6)')],
    ['where AUTH is required, commands that need it are answered 530 5.7.0 before it'],
  ),
  application(
    row(4954, '§7', 'SHOULD', 'The Received field says ESMTPA, or on TLS ESMTPSA.'),
    'whoever writes the field: `session.identity` and `session.tls` tell',
  ),
  met(
    row(4954, '§8', 'MUST', 'Keywords and the names of mechanisms are understood in any case, base64 is not.'),
    [line('protocol/situation-changes.ts', "const mechanism = asciiUpperCase(match[1] ?? '')")],
    [
      'the name of a mechanism is understood in any case',
      'AUTH has a mechanism and maybe an initial response, or is answered 501',
    ],
  ),
  met(
    row(4954, '§9', 'SHOULD NOT', 'The connection is not dropped before the third attempt has failed.'),
    [line('protocol/limits.ts', 'RFC 4954 §4, §9: guessing a password')],
    ['a client is not cut off before its third failed attempt, and by default at the fifth'],
  ),
  met(
    row(4954, '§9', 'says', 'A server may protect itself against guessing.'),
    [
      line('server/situation-steps.ts', 'A guess costs time (RFC 4954 §9)'),
      line('protocol/limits.ts', 'RFC 4954 §9. A new session is no new chance'),
    ],
    [
      'a failed attempt is answered late, and a good one at once',
      'an address from which too many attempts failed is answered 454 4.7.0, whatever it says',
    ],
  ),
  met(
    row(
      4954,
      '§9',
      'MUST',
      'Mechanisms that can be listened to are neither offered nor used without TLS, unless the operator says so.',
    ),
    [line(EXCHANGE, 'RFC 4954 §4: no password in clear')],
    ['a mechanism that sends a password or a token readable is offered and accepted on TLS only'],
  ),

  met(
    row(4422, '§3.1', 'says', 'A mechanism has a name of up to 20 letters, digits, hyphens and low lines.'),
    [line('protocol/situation-changes.ts', 'RFC 4422 §3.1')],
    ['AUTH has a mechanism and maybe an initial response, or is answered 501'],
  ),
  met(
    row(4422, '§3.4.1', 'says', 'A client that asks for no identity acts as itself; for another it needs leave.'),
    [line(STEP, 'RFC 4422 §3.4.1')],
    [
      'takes a user who asks to act for themselves',
      'lets a certificate act for another only when the application names that other',
    ],
  ),
  met(
    row(4422, '§4', 'says', 'The client may give an exchange up, and the server refuse, at any time.'),
    [RUN],
    [
      'a client that cancels hears 501, and may begin another exchange',
      '%s comes to an end whatever the client sends, and never throws',
    ],
  ),

  met(
    row(
      4616,
      '§2',
      'MUST',
      'A message is an identity or nothing, a name and a password with NUL between them; each is prepared and not empty.',
    ),
    [line(PLAIN, 'RFC 4616 §2: message'), PREPARE],
    ['reads the examples of RFC 4616', 'prepares names and passwords', 'refuses a message of PLAIN with %s'],
  ),
  met(
    row(4616, '§2', 'MUST', 'Names and passwords of 255 octets are taken.'),
    [line(TEXT, 'RFC 4616 §2: up to 255 must be taken')],
    ['takes names and passwords of 255 octets'],
  ),

  met(
    row(
      2195,
      '§2',
      'says',
      'The challenge has the form of a message id and is never the same; the answer is the name and a digest in lower case.',
    ),
    [line(CRAM, 'RFC 2195 §2: random text'), line(CRAM, 'RFC 2195 §2: the user name, a space')],
    ['has the example of RFC 2195', 'puts another question each time', 'refuses the CRAM-MD5 answer %j'],
  ),

  met(
    row(5802, '§3', 'says', 'Keys, proofs and signatures are made as defined; what a server keeps is no password.'),
    [line(KEYS, 'RFC 5802 §3: SaltedPassword'), line(SCRAM, 'RFC 5802 §3: ClientKey')],
    ['is what the server says', 'succeeds with stored credentials, as base64 and as octets, and with a password'],
  ),
  met(
    row(5802, '§5', 'MUST', 'A client takes a wrong signature of the server for a failure.'),
    [line(SCRAM, 'RFC 5802 §5: a server that cannot sign')],
    ['finds out a server that does not know the password'],
  ),
  met(
    row(
      5802,
      '§5.1',
      'MUST',
      'A name is prepared before it is looked up; an equals sign stands in it only as =2C and =3D.',
    ),
    [PREPARE, line(GS2, 'RFC 5802 §5.1: an equals sign')],
    ['prepares the name for the application and signs it as sent', 'refuses the first message %j'],
  ),
  met(
    row(5802, '§5.1', 'MUST', 'A mandatory extension ends the exchange, and optional ones are ignored.'),
    [line(MESSAGE, 'RFC 5802 §5.1: a mandatory extension')],
    ['refuses a mandatory extension', 'ignores optional extensions, and signs them'],
  ),
  met(
    row(5802, '§5.1', 'MUST', 'Both sides check the nonce that the other one sends back.'),
    [
      line(SCRAM, 'RFC 5802 §5.1: the nonce is the one that was sent'),
      line(SCRAM, 'RFC 5802 §5.1: the nonce begins with ours'),
    ],
    [
      'refuses another nonce than the one it sent',
      'finds out a server whose nonce does not continue ours, or adds nothing',
    ],
  ),
  met(
    row(5802, '§5.1', 'SHOULD', 'There are 4,096 iterations or more.'),
    [line(KEYS, 'RFC 7677 §4, RFC 5802 §5.1')],
    ['are made with a new salt each time, and with 4096 iterations'],
  ),
  met(
    row(5802, '§6', 'MUST', 'A client that was able to bind and saw no offer is refused where there was one.'),
    [line(SCRAM, 'RFC 5802 §6: what the flag says'), line(SCRAM, 'RFC 5802 §6: `y` tells')],
    [
      'refuses a client that saw no offer of -PLUS when there was one',
      'says y when the client could bind and saw no offer, and n when it cannot',
    ],
  ),
  met(
    row(
      5802,
      '§6',
      'MUST',
      'A type of binding that the server does not have is refused, and what is bound to is always compared.',
    ),
    [line(SCRAM, 'RFC 5802 §6: always compared')],
    [
      'refuses a type of binding that it does not have',
      'refuses a binding that is not the one that the first message announced',
      'refuses -PLUS without a binding, and a binding without -PLUS',
    ],
  ),
  met(
    row(5802, '§6', 'SHOULD', '-PLUS is offered where channel binding can be done.'),
    [line(EXCHANGE, 'RFC 5802 §6: -PLUS is offered')],
    ['a mechanism with channel binding is offered where there is one to bind to: on TLS 1.3'],
  ),
  differs(
    row(5802, '§6.1', 'MUST', 'The channel binding tls-unique is there.'),
    'TLS 1.3 has none, and before it was found not to be unique (RFC 7677 §4, RFC 9266): tls-exporter takes its place, on TLS 1.3.',
    [line('net/tls-facts.ts', 'The channel binding `tls-exporter`')],
    [
      'refuses a type of binding that it does not have',
      'a mechanism with channel binding is offered where there is one to bind to: on TLS 1.3',
    ],
  ),
  met(
    row(5802, '§7', 'says', 'Messages follow the grammar, their attributes in order.'),
    [line(MESSAGE, 'RFC 5802 §7: username'), line(GS2, 'RFC 5802 §7: gs2-header')],
    ['refuses the first message %j', 'refuses the final message %j'],
  ),
  met(
    row(5802, '§9', 'says', 'A hostile server can ask a client for any number of iterations.'),
    [line(SCRAM, 'RFC 5802 §9: a hostile server')],
    ['lets no server ask a client for endless work'],
  ),

  met(
    row(7677, '§4', 'SHOULD', 'There are 4,096 iterations or more.'),
    [line(KEYS, 'RFC 7677 §4, RFC 5802 §5.1'), line(EXCHANGE, 'RFC 7677 §4: 4,096 at least')],
    ['are made with a new salt each time, and with 4096 iterations', 'fewer than 4,096 iterations are not accepted'],
  ),
  met(
    row(9266, '§2', 'says', 'tls-exporter is 32 octets of the exporter with a label of its own and an empty context.'),
    [line('net/tls-facts.ts', 'EXPORTER-Channel-Binding'), line('protocol/sasl/mechanism.ts', 'RFC 9266 §2')],
    [
      'the binding is the exporter of this TLS session: 32 octets with its label and an empty context',
      'refuses a client at the end of another TLS session',
    ],
  ),
  met(
    row(9266, '§4.2', 'says', 'Before TLS 1.3 it is unique only under conditions.'),
    [line('net/tls-facts.ts', 'RFC 9266 §4.2')],
    ['a mechanism with channel binding is offered where there is one to bind to: on TLS 1.3'],
  ),

  met(
    row(
      7628,
      '§3.1',
      'MUST',
      'A message is a GS2 header and pairs of the form key, equals sign, value; unknown keys are ignored.',
    ),
    [line(BEARER, 'RFC 7628 §3.1: client-resp'), line(PAIRS, 'RFC 7628 §3.1: key')],
    ['has the example of RFC 7628', 'ignores keys that it does not know', 'refuses the OAUTHBEARER message %j'],
  ),
  met(
    row(
      7628,
      '§3.2.2',
      'MUST',
      'A bad token is answered with JSON that has a status, and may say where a better one is to be had.',
    ),
    [line(BEARER, 'RFC 7628 §3.2.2: why')],
    ['answers a bad token with a challenge that says where to get another, and refuses after the octet 1'],
  ),
  met(
    row(7628, '§3.2.3', 'MUST', 'The client answers that with the octet 1, and the exchange has failed.'),
    [line(BEARER, 'RFC 7628 §3.2.3: the octet 1')],
    ['answers a bad token with a challenge that says where to get another, and refuses after the octet 1'],
  ),
  met(
    row(7628, '§4', 'says', 'The name of the scheme is understood in any case.'),
    [line(PAIRS, 'RFC 7628 §4: the name of the scheme')],
    ['reads the name of the scheme in any case, and ignores what it does not know'],
  ),
  met(
    row(7628, '§4.3', 'says', 'A client without a token may ask where there are any.'),
    [line(PAIRS, 'where tokens are to be had (RFC 7628 §4.3)')],
    ['tells a client that sends no token where to get one'],
  ),

  met(
    row(4013, '§2.1', 'says', 'Other spaces become the one of US-ASCII, and what is commonly mapped to nothing goes.'),
    [line(PREP, 'RFC 4013 §2.1: spaces become')],
    [
      'makes every other space the one of ASCII, the zero width space too',
      'maps away what is commonly mapped to nothing, and may leave nothing',
    ],
  ),
  met(
    row(4013, '§2.2', 'says', 'Text is normalized with KC.'),
    [line(PREP, 'RFC 4013 §2.1, §2.2')],
    ['prepares the examples of RFC 4013: %j is %j'],
  ),
  met(
    row(4013, '§2.3', 'MUST NOT', 'Control characters, private use, surrogates and the like are prohibited.'),
    [line(PREP, 'RFC 4013 §2.3: a lone surrogate'), line(TABLES, 'RFC 4013 §2.3')],
    ['refuses the prohibited %j'],
  ),
  met(
    row(3454, '§3.1', 'says', 'Table B.1 has what is commonly mapped to nothing.'),
    [line(TABLES, 'RFC 3454 §3.1, table B.1')],
    [
      'have as many code points as those of RFC 3454',
      'maps away what is commonly mapped to nothing, and may leave nothing',
    ],
  ),
  met(
    row(3454, '§5.1', 'says', 'Table C.1.2 has the spaces that are not of US-ASCII.'),
    [line(TABLES, 'RFC 3454 §5.1, table C.1.2')],
    ['have as many code points as those of RFC 3454'],
  ),
  met(
    row(
      3454,
      '§6',
      'MUST',
      'Text does not mix directions; from right to left it begins and ends with such a character.',
    ),
    [line(PREP, 'RFC 3454 §6'), line(TABLES, 'RFC 3454 §6, table D.1')],
    ['refuses text that mixes directions, or has a right-to-left character and not one at each end'],
  ),
  met(
    row(3454, '§7', 'says', 'A query may have code points that are not assigned.'),
    [line(PREP, 'RFC 3454 §7')],
    ['lets unassigned code points through, as for a query'],
  ),
  met(
    row(4648, '§3.5', 'MUST', 'The bits that belong to no octet are zero, and are looked at.'),
    [line(BASE64, 'RFC 4648 §3.5')],
    ['decodes one text to one array: whatever is decoded encodes to the same text'],
  ),
  met(
    row(4648, '§4', 'says', 'Three octets are four letters of the alphabet, padded at the end.'),
    [line(BASE64, 'Base64 (RFC 4648 §4)')],
    ['has the test vectors of RFC 4648', 'encodes as Buffer does, and decodes what it encodes'],
  ),
];
