/**
 * What the RFCs ask of a client: of `SMTPClient`, which is also how a proxy speaks to the servers behind it. How a mechanism of AUTH is
 * carried out is in `requirements-auth.ts`; where mail goes and what is written into it on the way, in `requirements-onward.ts`.
 */

import { application, differs, later, line, met, row, type Requirement } from './requirement.js';

const CLIENT = 'client/client.ts';
const CONNECTION = 'client/client-connection.ts';
const CONTENT = 'client/content-transfer.ts';
const AUTH = 'client/client-auth.ts';
const ENVELOPE = 'client/envelope-commands.ts';
const OPTIONS = 'client/client-options.ts';
const SEND = 'client/send-message.ts';
const SESSION = 'protocol/client-session.ts';
const REPLIES = 'protocol/reply-decoder.ts';
const ENCODER = 'protocol/data-encoder.ts';

const FIRST_DIGIT = line(SESSION, 'RFC 5321 §4.3.2: a client goes by the first digit');
const CHECK_OFFERED = line(ENVELOPE, 'function checkOffered(');
const NO_CONVERSION = line(ENVELOPE, 'RFC 3463 §3.7, RFC 6531 §3.5 and RFC 8689 §4.2.1 have a code for each');
const BEHIND_TLS = line(SESSION, 'nothing that was said before counts any more (RFC 3207 §4.2)');
const WAITED_AS_LONG = 'says nothing is waited for as long as RFC 5321 §4.5.3.2 says, and no longer';
const NOT_OFFERED = 'that need %s are refused where it is not offered, before anything was sent';
const REFUSED_CHUNK = 'of which number %i is refused refuse the message, and no LAST follows a refusal';

const RFC_5321: readonly Requirement[] = [
  met(
    row(5321, '§2.3.8', 'MUST NOT', 'A client sends CR and LF only together, as the end of a line.'),
    [line('client/content-source.ts', 'that is not part of a CRLF (RFC 5321 §2.3.8)')],
    ['with a wrong line end does not leave: %j', 'of text has CRLF at the end of its lines, and is UTF-8'],
  ),
  met(
    row(5321, '§3.2', 'SHOULD', 'A client begins with EHLO, and says HELO to a server that does not know it.'),
    [line(CLIENT, 'RFC 5321 §3.2: a server that does not know EHLO')],
    [
      'says EHLO with its name, and knows what is offered',
      'falls back to HELO where EHLO is not known (RFC 5321 §3.2)',
    ],
  ),
  met(
    row(5321, '§3.8', 'SHOULD', 'A connection that is lost counts as if the server had said 451.'),
    [
      line('client/client-errors.ts', '§3.8: it counts as 451'),
      line('handlers/proxy/upstream-reply.ts', 'const CONNECTION_LOST'),
    ],
    ['%s is lost', 'has a reply of its own: %s'],
  ),
  met(
    row(5321, '§4.1.1.4', 'says', 'What is not complete is never ended as if it were.'),
    [line(CONTENT, 'nothing but closing says that there will be none (RFC 5321 §4.1.1.4)')],
    ['that throws is no message by %s', 'in the middle of content cuts the connection: what came is no message'],
  ),
  differs(
    row(5321, '§4.1.1.10', 'MUST NOT', 'A client does not close before it has said QUIT and heard the reply.'),
    'It says QUIT and waits, five seconds at most, where the conversation can go on, also where it was turned away. It cuts the connection of a server that breaks the protocol or is silent, and in the middle of content that cannot be completed.',
    [line(CLIENT, 'Says goodbye and closes (RFC 5321 §4.1.1.10)')],
    [
      'says QUIT, and closes behind the reply',
      'does not wait for a server that does not answer, and never rejects',
      'is refused by %s',
    ],
  ),
  met(
    row(5321, '§4.2', 'MUST', 'A client goes by the code of a reply, and takes any text behind it, and none.'),
    [line(REPLIES, 'RFC 5321 §4.2: `Reply-code [ SP textstring ]`')],
    [
      'may have no text, and then the space may be missing, too',
      'may be UTF-8; what is not is read octet by octet',
      'agree on the outcome: who was accepted, which octets arrived, which replies were given',
    ],
  ),
  met(
    row(5321, '§4.2', 'SHOULD', 'A code that is not expected is understood by its first digit.'),
    [FIRST_DIGIT],
    ['of the class 3yz to DATA all ask for the content: a client goes by the first digit (RFC 5321 §4.3.2)'],
  ),
  met(
    row(5321, '§4.2.1', 'MUST', 'A reply of several lines has one code, and ends where a space follows it.'),
    [line(REPLIES, 'lines of one reply with different codes (RFC 5321 §4.2.1)'), line(REPLIES, "fault('codeChanged')")],
    [
      'is its code and its lines',
      'is told: %s for %j',
      'how the octets are split changes nothing: every string of a small alphabet',
    ],
  ),
  application(
    row(
      5321,
      '§4.2.1',
      'SHOULD NOT',
      'What was refused with 5yz is not sent again as it is; what was refused with 4yz is.',
    ),
    'whoever sends mail: `isTransient` of `SMTPRefusedError` tells',
    ['for all of its recipients is reset; one that may come again later makes it transient'],
    [line('client/client-errors.ts', 'Whether it is worth trying again later (RFC 5321 §4.2.1)')],
  ),
  met(
    row(5321, '§4.3.1', 'SHOULD', 'A client waits for the greeting before it says anything.'),
    [line(SESSION, "readonly #outstanding: ClientRequest[] = [newRequest('greeting', undefined)]")],
    ['waits for the greeting before anything is said'],
  ),
  met(
    row(5321, '§4.3.2', 'says', 'A command has replies of certain classes; others are no reply to it.'),
    [line(SESSION, 'RFC 5321 §4.3.2: which codes a command may have')],
    ['to %s cannot be %s', 'to nothing are a fault: %s', 'belong to the requests in their order'],
  ),
  met(
    row(5321, '§4.5.2', 'says', 'A dot at the beginning of a line is doubled, and a dot alone ends the content.'),
    [
      line(ENCODER, 'RFC 5321 §4.5.2: the sender checks the first character of each line'),
      line(ENCODER, 'The end of data, after the CRLF that the content lacks'),
    ],
    [
      'doubles the dot that starts a line, and no other',
      'is the identity for every string of dot, CR, LF and a, up to seven letters, at every split',
      'doubles the dots at the beginning of lines, however the content is cut (RFC 5321 §4.5.2)',
      'arrives as it was sent, octet by octet',
    ],
  ),
  met(
    row(5321, '§4.5.3.2', 'MUST', 'A client does not wait for ever; how long depends on what it waits for.'),
    [
      line(CONNECTION, 'RFC 5321 §4.5.3.2: the wait is for the reply'),
      line(SESSION, 'in the words of RFC 5321 §4.5.3.2'),
    ],
    ['say whom the client waits for', WAITED_AS_LONG, 'trickles its reply is waited for no longer'],
  ),
  ...(
    [
      ['§4.5.3.2.1', '5 minutes for the greeting', 'greetingMs: 300_000'],
      ['§4.5.3.2.2', '5 minutes for the reply to MAIL', 'mailMs: 300_000'],
      ['§4.5.3.2.3', '5 minutes for the reply to RCPT', 'rcptMs: 300_000'],
      ['§4.5.3.2.4', '2 minutes for the reply to DATA', 'dataMs: 120_000'],
      ['§4.5.3.2.6', '10 minutes for the reply to the content', 'contentEndMs: 600_000'],
    ] as const
  ).map(([clause, wait, text]) =>
    met(row(5321, clause, 'SHOULD', `A client waits ${wait}.`), [line(OPTIONS, text)], [WAITED_AS_LONG]),
  ),
  met(
    row(5321, '§4.5.3.2.5', 'SHOULD', 'A client waits 3 minutes for a block of content to leave.'),
    [line(OPTIONS, 'contentBlockMs: 180_000')],
    ['that does not read the content is waited for three minutes'],
  ),
  application(
    row(5321, '§4.5.4.1', 'MUST', 'A client keeps mail that it cannot be rid of for now, and tries again later.'),
    'whoever calls `SMTPClient`. A proxy keeps none: its client hears 451, and has it still',
    ['costs nobody a message: 451 until it is back'],
    [line('client/client-errors.ts', 'Whether it is worth trying again later')],
  ),
];

const EXTENSIONS: readonly Requirement[] = [
  met(
    row(2920, '§3.1', 'says', 'Commands are sent ahead of replies only where PIPELINING is offered.'),
    [line(SESSION, "return this.#capabilities.has('PIPELINING')")],
    ['without PIPELINING, %s waits for its reply', 'goes command by command where PIPELINING is not offered'],
  ),
  met(
    row(2920, '§3.1', 'says', 'EHLO, DATA, QUIT, STARTTLS and what else a group ends with are the last of theirs.'),
    [line(SESSION, 'RFC 2920 §3.1: what ends a group has to be answered first')],
    [
      '%s ends a group',
      '%s does not end a group',
      'no command follows content that has begun, and one may follow its end',
    ],
  ),
  met(
    row(2920, '§3.1', 'MUST', 'The status of every command is looked at: an accepted RCPT does not stand for another.'),
    [line(SEND, 'const refusals = rcptReplies.filter')],
    ['leaves in one write as far as the server lets it (RFC 2920 §3.1)', 'belong to the requests in their order'],
  ),
  met(
    row(2920, '§3.1', 'SHOULD', 'Where no RCPT was accepted and DATA was, the content is ended at once.'),
    [line(SEND, 'RFC 2920 §3.1: a server that asks for the content although there is no recipient')],
    ['although the server asks for its content gets the end of it at once (RFC 2920 §3.1)'],
  ),
  met(
    row(
      2920,
      '§3.1',
      'says',
      'Replies are read while commands and content still leave, so that nobody waits for each other.',
    ),
    [line(CONNECTION, 'onBytes: (bytes) => {')],
    [
      'in the middle of its content says so, and the connection is closed',
      'is not asked for ahead of a server that does not read',
    ],
  ),

  met(
    row(3030, '§2', 'says', 'BDAT is said to servers that offer CHUNKING, behind all replies to MAIL and RCPT.'),
    [line(SEND, "const isChunked = isBinary || client.capabilities.has('CHUNKING')")],
    ['goes in chunks where CHUNKING is offered', 'the octets of a chunk stand right behind its command'],
  ),
  met(
    row(3030, '§2', 'MUST', 'After a refused chunk no other is sent, and RSET is.'),
    [line(CONTENT, 'this.#refused ??= reply'), line(CONTENT, 'so RSET goes ahead of whatever comes next')],
    [REFUSED_CHUNK],
  ),
  met(
    row(3030, '§3', 'MUST NOT', 'Binary content is not sent to a server without BINARYMIME.'),
    [CHECK_OFFERED],
    [NOT_OFFERED, 'bring every octet with BODY=BINARYMIME'],
  ),
  met(
    row(3030, '§4.2', 'says', 'Chunks may be sent ahead where PIPELINING is offered.'),
    [line(CONTENT, 'RFC 3030 §4.2: chunks may be sent ahead')],
    [
      'are sent ahead where PIPELINING is offered, but never the last before the others are answered',
      'wait for each other where it is not',
    ],
  ),

  met(
    row(1870, '§6.1', 'says', 'The size is declared where SIZE is offered.'),
    [line(ENVELOPE, 'RFC 1870 §6.1: the size is checked when the content comes, too')],
    ['that are needed are added by themselves', 'that only hint are left out where they are not offered'],
  ),
  met(
    row(6152, '§3', 'MUST NOT', '8-bit content is not sent to a server that does not offer 8BITMIME.'),
    [CHECK_OFFERED, NO_CONVERSION],
    ['that are needed are added by themselves', NOT_OFFERED],
  ),
  differs(
    row(
      6152,
      '§3',
      'MUST NOT',
      'Nor is it when it comes from a stream, or from a client of a proxy that did not announce it.',
    ),
    'What is in a stream is known only when MAIL has gone. It is sent as it is: most servers without 8BITMIME take it, and a message that was cut off would come again and again.',
    [line('client/content-source.ts', 'Whether there is an octet above 127 in it, where it is there as a whole')],
    ['that is a stream may turn out to be 8-bit when it is too late to ask for that'],
  ),
  met(
    row(6531, '§3.2', 'MUST NOT', 'What needs SMTPUTF8 is not sent to a server that does not offer it.'),
    [line(ENVELOPE, 'add SMTPUTF8 to the parameters of MAIL (RFC 6531 §3.4)'), CHECK_OFFERED],
    ['that are needed are added by themselves', NOT_OFFERED],
  ),
  met(
    row(3463, '§3.7', 'says', '5.6.3: the content would have to be converted, and nobody does.'),
    [NO_CONVERSION],
    [NOT_OFFERED],
  ),
  met(
    row(9422, '§4.1', 'says', 'A client has no more messages in a session than MAILMAX says.'),
    [
      line('client/pool.ts', 'client.capabilities.messagesMax ?? Infinity'),
      line('protocol/server-capabilities.ts', 'RFC 9422 §4: one to six digits'),
    ],
    [
      'carries no more messages on a connection than it may, or than the server says (RFC 9422)',
      'have the limits of RFC 9422 where they are well formed',
    ],
  ),
  application(
    row(9422, '§4.2', 'says', 'A client has no more recipients in a transaction than RCPTMAX says.'),
    'whoever sends a message: `capabilities.recipientsMax` tells, and `send` divides nothing; a proxy takes the limit for its own',
    [
      'have the limits of RFC 9422 where they are well formed',
      'the size and the number of recipients are the next server’s',
    ],
    [line('handlers/proxy/narrowing.ts', 'recipientsMax: Math.min(...recipients)')],
  ),

  met(
    row(2033, '§4.1', 'says', 'A client of LMTP says LHLO, and never HELO or EHLO.'),
    [line(CLIENT, 'RFC 2033 has no such way back')],
    ['has no way back from LHLO (RFC 2033 §4.1)'],
  ),
  met(
    row(
      2033,
      '§4.2',
      'says',
      'Behind the content a reply is read for each recipient that was accepted, in their order.',
    ),
    [line(SESSION, 'RFC 2033 §4.2: one reply for each recipient that was accepted, in order')],
    [
      'has one reply behind the content for each recipient that was accepted, in order (RFC 2033 §4.2)',
      'has one for each recipient behind the last chunk',
      'has an outcome for each recipient',
    ],
  ),
];

const SECURITY: readonly Requirement[] = [
  met(
    row(3207, '§4', 'says', 'STARTTLS is said where it is offered, and the handshake begins behind 220.'),
    [line(CLIENT, "kind: 'startTLS', line: 'STARTTLS'")],
    ['is made where the mode is %s, and the certificate is looked at', 'that was refused leaves everything as it was'],
  ),
  met(
    row(3207, '§4', 'says', 'A client that hears no to STARTTLS decides whether it goes on.'),
    [line(CLIENT, "throw tlsFailed('The server refused STARTTLS'")],
    [
      'that is required is not done without',
      'that is opportunistic is done without where it is not offered, or refused',
    ],
  ),
  met(
    row(3207, '§4.1', 'says', 'A client looks at whose certificate it is, and decides whether that is enough.'),
    [line('client/handshake-options.ts', 'rejectUnauthorized: verify')],
    [
      'with a certificate that %s fails where the mode is %s',
      'with any certificate does where the mode is opportunistic, and that is known',
    ],
  ),
  met(
    row(3207, '§4.2', 'MUST', 'What the server said before the handshake is forgotten, and EHLO said again.'),
    [BEHIND_TLS, line(SESSION, 'octets in clear behind the reply to STARTTLS')],
    [
      'forgets what was said in clear (RFC 3207 §4.2)',
      'refuses octets in clear behind its reply: %j',
      'is not begun behind octets in clear: %s',
    ],
  ),

  met(
    row(4954, '§4', 'MUST NOT', 'An initial response that is too long for the line of AUTH does not go with it.'),
    [line(AUTH, 'RFC 4954 §4: an initial response goes with the command where both fit')],
    ['gets a response that is too long for the command line after its challenge (RFC 4954 §4)'],
  ),
  met(
    row(4954, '§4', 'says', 'A client that cannot go on with an exchange cancels it with an asterisk.'),
    [line(AUTH, 'RFC 4954 §4: a lone asterisk cancels the exchange')],
    ['that challenges with %s is told that the exchange is over (RFC 4954 §4)'],
  ),
  met(
    row(4954, '§4', 'says', 'A mechanism that the server does not want is followed by the next one.'),
    [line(AUTH, 'RFC 4954 §4: 504, the mechanism is not there')],
    [
      'are tried with the next mechanism where the server does not want the first: %i',
      'that were refused are not tried again with another mechanism',
    ],
  ),
  met(
    row(4954, '§5', 'says', 'AUTH= is not sent to a server that does not offer AUTH.'),
    [line(ENVELOPE, 'RFC 4954 §5: not to be sent to a server that does not offer AUTH')],
    ['that only hint are left out where they are not offered'],
  ),
  met(
    row(4954, '§9', 'MUST', 'A client can be one that sends no password that could be read, and by default is.'),
    [line(AUTH, "(!isPlaintext || tls !== undefined || options.plaintext === 'always')")],
    ['that could be read do not go over the wire in clear'],
  ),

  met(
    row(6066, '§3', 'says', 'A client names the server that it wants; an address is no such name.'),
    [line('client/handshake-options.ts', 'RFC 6066 §3: an address is no server name')],
    [
      'asks for a server by its name, and for none where all that is known is an address (RFC 6066 §3)',
      'has the address in the certificate where that is what is connected to',
    ],
  ),
  met(
    row(
      7435,
      '§3',
      'says',
      'Opportunistic: as much security as both sides have, and mail without it rather than none.',
    ),
    [line(CLIENT, 'RFC 7435 §3: a handshake that fails is no reason to do without the mail')],
    [
      'leads to a new connection in clear where the mode is opportunistic: %s',
      'that is opportunistic is done without where it is not offered, or refused',
    ],
  ),
  met(
    row(
      7435,
      '§3',
      'says',
      'What somebody asked for outright is not given up, and nothing is shown as safer than it is.',
    ),
    [line(CLIENT, "mode === 'opportunistic' && !verify && isHandshakeFailure(error)")],
    [
      'fails where the mode is require: %s',
      'with any certificate does where the mode is opportunistic, and that is known',
    ],
  ),

  met(
    row(
      8689,
      '§4.2.1',
      'MUST',
      'A message with REQUIRETLS goes over TLS to a server whose certificate is valid for its name.',
    ),
    [line(ENVELOPE, 'with a certificate that is valid for the server (RFC 8689 §4.2.1)')],
    [
      'is made where the mode is %s, and the certificate is looked at',
      'with any certificate does where the mode is opportunistic, and that is known',
      'REQUIRETLS is not sent where the certificate was not verified (RFC 8689 §4.2.1)',
    ],
  ),
  met(
    row(8689, '§4.2.1', 'MUST', 'And only to a server that offers REQUIRETLS on TLS; else it is refused with 5.7.30.'),
    [line(ENVELOPE, "need('REQUIRETLS', NO_REQUIRETLS)"), NO_CONVERSION],
    [NOT_OFFERED, 'REQUIRETLS needs certificates that are checked'],
  ),
  later(
    row(8689, '§4.2.1', 'MUST', 'The name of a server that was found by MX is vouched for by DNSSEC or MTA-STS.'),
    'the relay package. Until then nobody vouches for the MX: only its certificate is proved, for the name that DNS said',
  ),
];

/** The rows, RFC by RFC. */
export const REQUIREMENTS_CLIENT: readonly Requirement[] = [...RFC_5321, ...EXTENSIONS, ...SECURITY];
