/** What the RFCs ask of a server that offers the extensions which an application adds, and LIMITS. */

import { application, differs, line, met, row, type Requirement } from './requirement.js';

const RELAYING = 'whoever relays the message';
const REPORTING = 'whoever sends the report';

const ETRN = 'protocol/extensions/etrn.ts';
const DSN = 'protocol/extensions/dsn.ts';
const DELIVERBY = 'protocol/extensions/delivery-by.ts';
const PRIORITY = 'protocol/extensions/mt-priority.ts';
const RELEASE = 'protocol/extensions/future-release.ts';
const REQUIRETLS = 'protocol/extensions/require-tls.ts';
const LIMITS = 'protocol/extensions/limits.ts';
const DATE = 'protocol/extensions/date-time.ts';

/** The rows, RFC by RFC. */
export const REQUIREMENTS_EXTENSIONS: readonly Requirement[] = [
  met(
    row(1985, '§3', 'says', 'The keyword is ETRN, without parameters, and the verb is there with it.'),
    [line(ETRN, "defineExtension({ keyword: 'ETRN'")],
    ['ETRN is offered without parameters by whoever adds it, and by nobody else'],
  ),
  met(
    row(1985, '§5', 'says', 'ETRN has the name of a node; it may come whenever no transaction is open.'),
    [
      line('protocol/server-session.ts', 'ETRN (RFC 1985 §5)'),
      line('protocol/command-rules.ts', 'After the client has named itself, and while no transaction is open'),
    ],
    ['ETRN takes the name of a node, maybe with an option character, and waits for the end of a transaction'],
  ),
  met(
    row(1985, '§5.1', 'says', 'The reply is one of 250 to 253, 458 and 459; 500 and 501 for what is not understood.'),
    [line('protocol/standard-replies.ts', 'RFC 1985 §5.1: nothing was queued')],
    [
      'ETRN is answered as the application says, and 458 when it says nothing',
      'ETRN takes the name of a node, maybe with an option character, and waits for the end of a transaction',
    ],
  ),
  application(
    row(
      1985,
      '§5.1',
      'SHOULD',
      'The queue for the node is started in another connection, and the reply does not wait.',
    ),
    'the `etrn` hook: it says at once what it begins',
  ),
  met(
    row(1985, '§5.3', 'says', 'An at sign before the name asks for its subdomains too, a number sign for a queue.'),
    [line('protocol/command-arguments.ts', 'RFC 1985 §5, §5.3')],
    ['ETRN takes the name of a node, maybe with an option character, and waits for the end of a transaction'],
  ),

  met(
    row(2852, '§3', 'says', 'The keyword is DELIVERBY, maybe with the least time; the MAIL line is 17 octets longer.'),
    [
      line(DELIVERBY, 'RFC 2852 §3: the least time stands behind the keyword'),
      line(DELIVERBY, 'RFC 2852 §3: the MAIL line grows by 17'),
    ],
    ['DELIVERBY is offered with its least time, and lengthens the MAIL line by 17'],
  ),
  met(
    row(2852, '§4', 'MUST', 'BY is a time of up to nine digits with a mode and maybe T; with R it is above zero: 501.'),
    [
      line(DELIVERBY, 'RFC 2852 §4: by-value'),
      line(DELIVERBY, 'RFC 2852 §4: a message that is to be returned has time'),
    ],
    ['BY has a time, a mode and maybe T, and R needs a time above zero'],
  ),
  met(
    row(2852, '§4', 'says', 'A message that is to be returned sooner than the least time is refused.'),
    [line(DELIVERBY, 'if (request.seconds < minimumSeconds) return tooSoon')],
    ['a message that is to be returned sooner than the least time is refused'],
  ),
  application(
    row(2852, '§4', 'MUST', 'The message is delivered in time, or returned or reported as its mode says.'),
    'whoever takes the message: `deliverByOf` tells what was asked for',
  ),
  application(
    row(2852, '§4', 'MUST', 'What is left of the time is passed on; a mode of R goes only where DELIVERBY is offered.'),
    RELAYING,
  ),

  met(
    row(3339, '§5.6', 'says', 'A date with a time has four digits of year, T, a zone, and maybe a fraction.'),
    [line(DATE, 'RFC 3339 §5.6: `date-time`')],
    ['HOLDUNTIL is a date with a time and a zone'],
  ),
  met(
    row(3339, '§5.7', 'says', 'Days are those of their month; the 60th second is a leap second.'),
    [line(DATE, 'RFC 3339 §5.7: a day must be one of its month')],
    ['HOLDUNTIL is a day that its month has'],
  ),

  met(
    row(3461, '§4', 'says', 'xtext has a plus sign and two upper-case hexadecimal digits for any octet.'),
    [line('protocol/extensions/xtext.ts', 'RFC 3461 §4: `hexchar`')],
    ['xtext has two upper-case hexadecimal digits behind a plus sign'],
  ),
  met(
    row(3461, '§4.1', 'MUST', 'NOTIFY has a value: NEVER by itself, or a list of the others, in any case.'),
    [line(DSN, 'RFC 3461 §4.1: `NEVER`')],
    ['NOTIFY is NEVER alone or a list of the others'],
  ),
  met(
    row(
      3461,
      '§4.2',
      'MUST',
      'ORCPT has a value: an address type, a semicolon, and xtext that stands for printable US-ASCII.',
    ),
    [line(DSN, 'RFC 3461 §4.2: `original-recipient-address'), line(DSN, 'RFC 3461 §4.2 and §4.4')],
    ['ORCPT is an address type and a printable address'],
  ),
  met(
    row(3461, '§4.3', 'MUST', 'RET has a value: FULL or HDRS, in any case.'),
    [line(DSN, 'RFC 3461 §4.3: the keywords')],
    ['RET is FULL or HDRS'],
  ),
  met(
    row(3461, '§4.4', 'MUST', 'ENVID has a value: xtext that stands for printable US-ASCII, up to 100 characters.'),
    [line(DSN, 'RFC 3461 §4.4: xtext'), line(DSN, 'RFC 3461 §4.2 and §4.4')],
    ['ENVID is up to 100 characters of xtext that stand for printable text'],
  ),
  met(
    row(3461, '§4.5', 'SHOULD', 'A parameter that comes twice is answered 501.'),
    [line('protocol/parameters.ts', 'A repeated keyword could say two things')],
    ['a parameter of DSN that comes twice is refused with 501'],
  ),
  met(
    row(3461, '§5.1', 'MUST', 'Valid parameters change no reply; ENVID and RET that are not valid are answered 501.'),
    [line(DSN, 'const BAD_RET'), line(DSN, 'const BAD_ENVID')],
    ['valid parameters of DSN change no reply', 'RET is FULL or HDRS'],
  ),
  met(
    row(3461, '§5.1', 'SHOULD', 'NOTIFY and ORCPT that are not valid are answered 501.'),
    [line(DSN, 'const BAD_NOTIFY'), line(DSN, 'const BAD_ORCPT')],
    ['NOTIFY is NEVER alone or a list of the others', 'ORCPT is an address type and a printable address'],
  ),
  application(row(3461, '§5.2', 'MUST NOT', 'No report is sent to the null reverse-path.'), REPORTING),
  met(
    row(3461, '§5.2.1', 'MUST', 'To a server that offers DSN each parameter is passed on with the same value.'),
    [line(DSN, 'RFC 3461 §5.2.1'), line('client/envelope-commands.ts', "ENVID: 'DSN'")],
    ['ENVID and ORCPT reach the application as they came', 'of DSN, as they are'],
  ),
  differs(
    row(3461, '§5.2.2', 'MUST', 'To a server without DSN none is passed on, and a report says that it was relayed.'),
    'None is. But a proxy sends no reports: it offers DSN only where the next server does, and refuses parameters that cannot go on.',
    [line('handlers/proxy/narrowing.ts', "DSN: ['DSN']"), line('client/envelope-commands.ts', 'const NOT_SUPPORTED')],
    [
      '%s is offered as the next server offers it',
      '%s passes through, and is refused with its code by a server that changed its mind',
    ],
  ),
  application(
    row(3461, '§5.2.3', 'MUST', 'A delivery is reported exactly when that was asked for.'),
    'whoever delivers the message; `dsnOf` tells what was asked for',
  ),
  application(
    row(3461, '§5.2.4', 'MUST', 'A gateway keeps the requests, or reports that it took the message over.'),
    RELAYING,
  ),
  application(row(3461, '§5.2.5', 'MUST NOT', 'A delay is not reported to who did not ask for it.'), REPORTING),
  application(row(3461, '§5.2.6', 'MUST', 'A failure is reported unless NOTIFY says otherwise.'), REPORTING),
  application(
    row(3461, '§5.2.7', 'MUST', 'Lists begin anew with the parameters; aliases hand them on.'),
    'whoever expands lists and aliases',
  ),
  met(
    row(
      3461,
      '§5.4',
      'MUST',
      'ENVID of 100, NOTIFY of 28, ORCPT of 500, RET of 8 characters and lines of 1036 are taken.',
    ),
    [line(DSN, 'RFC 3461 §5.4: " RET=FULL ENVID="'), line(DSN, 'RFC 3461 §5.4: parameters of at least')],
    ['the lines of MAIL and RCPT have room for the longest parameters of DSN'],
  ),
  application(
    row(3461, '§6.1', 'MUST', 'A report has the null reverse-path, no RET, and NOTIFY=NEVER or none.'),
    REPORTING,
  ),
  application(row(3461, '§6.2', 'SHOULD', 'A report of failure holds the whole message where RET is FULL.'), REPORTING),
  application(
    row(3461, '§6.3', 'MUST', 'The fields of a report name the envelope, the recipients and their fate.'),
    REPORTING,
  ),

  met(
    row(4865, '§3', 'MUST', 'The keyword is FUTURERELEASE with the longest interval and the last date.'),
    [line(RELEASE, 'RFC 4865 §3: both bounds stand behind the keyword')],
    ['FUTURERELEASE is offered with its bounds'],
  ),
  met(
    row(4865, '§3', 'MUST', 'HOLDFOR is 1 to 999,999,999 seconds, HOLDUNTIL a date with a time.'),
    [line(RELEASE, 'RFC 4865 §3: future-release-interval')],
    ['HOLDFOR is a number of seconds of up to nine digits', 'HOLDUNTIL is a date with a time and a zone'],
  ),
  application(
    row(4865, '§3', 'MUST', 'The extension is offered for submission only.'),
    'whoever adds `futureRelease()`: to a server that messages are submitted to',
  ),
  met(
    row(4865, '§4.2', 'MUST', 'HOLDFOR and HOLDUNTIL in one command are refused with 501.'),
    [line(RELEASE, 'RFC 4865 §4.2: one of the two, not both')],
    ['HOLDFOR and HOLDUNTIL exclude each other'],
  ),
  met(
    row(4865, '§4.2', 'says', 'What is beyond the bounds is refused.'),
    [line(RELEASE, 'RFC 4865 §4.2: what is beyond the bounds')],
    ['a message is not held beyond the bounds that are offered'],
  ),
  application(
    row(4865, '§4.2', 'MUST', 'The message is held until its time has come, and the parameter is not relayed.'),
    'whoever holds the message; `futureReleaseOf` tells until when',
  ),

  met(
    row(6533, '§3', 'MUST', 'A server with SMTPUTF8 and DSN takes addresses of type utf-8 in ORCPT, in UTF-8 too.'),
    [line(DSN, 'RFC 6533 §3: `utf-8-addr-xtext`'), line(DSN, 'RFC 6533 §3: UTF-8 itself')],
    ['ORCPT takes an address of type utf-8, in UTF-8 where SMTPUTF8 is offered'],
  ),
  application(row(6533, '§4.1', 'SHOULD', 'A report in UTF-8 has the address itself, not its encoding.'), REPORTING),

  met(
    row(6710, '§3', 'says', 'The keyword is MT-PRIORITY, maybe with a profile; the MAIL line is 15 octets longer.'),
    [line(PRIORITY, 'RFC 6710 §3: the name of the profile'), line(PRIORITY, 'RFC 6710 §3: the MAIL line grows by 15')],
    ['MT-PRIORITY is offered with its profile, and lengthens the MAIL line by 15'],
  ),
  met(
    row(6710, '§4.1', 'MUST', 'A priority that is no number from -9 to 9, or comes twice, is refused with 501.'),
    [line(PRIORITY, 'RFC 6710 §4.1: 501, and 5.5.2'), line(PRIORITY, 'RFC 6710 §3: an integer from -9 to 9')],
    ['a priority is a number from -9 to 9, given once'],
  ),
  application(
    row(6710, '§4.1', 'MUST NOT', 'A client that is not trusted raises no priority.'),
    'whoever knows its clients; a `mail` hook may also answer 250 with another priority',
  ),
  application(row(6710, '§4.1', 'MUST', 'The priority is passed on to servers that offer MT-PRIORITY.'), RELAYING),

  met(
    row(
      8689,
      '§2',
      'MUST',
      'REQUIRETLS is offered on TLS; its parameter has no value; the MAIL line is 11 octets longer.',
    ),
    [
      line(REQUIRETLS, 'RFC 8689 §2: the session itself is on TLS'),
      line(REQUIRETLS, 'RFC 8689 §2 (4)'),
      line(REQUIRETLS, 'RFC 8689 §2 (5)'),
    ],
    ['REQUIRETLS is offered on TLS only, without a value, and lengthens the MAIL line by 11'],
  ),
  application(
    row(8689, '§4.1', 'MUST', 'A message with the parameter is tagged; without it, by its field TLS-Required.'),
    'whoever takes the message: `isTLSRequired` tells of the parameter, and the field is in the message',
    ['a message with REQUIRETLS can be told from others'],
    [line(REQUIRETLS, 'export function isTLSRequired')],
  ),
  application(
    row(
      8689,
      '§4.2.1',
      'MUST',
      'Such a message goes over TLS to proved servers that offer REQUIRETLS, or is returned.',
    ),
    RELAYING,
    ['a message with REQUIRETLS can be told from others'],
    [line(REQUIRETLS, 'RFC 8689 §4.2.1')],
  ),
  met(
    row(8689, '§5', 'MUST', 'RET=FULL is disregarded together with REQUIRETLS.'),
    [line(DSN, 'RFC 8689 §5')],
    ['with REQUIRETLS a report is asked for with header fields only'],
  ),
  application(
    row(8689, '§5', 'MUST', 'A report about such a message has the parameter too, or holds nothing of it.'),
    REPORTING,
  ),

  met(
    row(9422, '§4.1', 'says', 'MAILMAX is how many messages a session may have: 1 to 999,999.'),
    [line(LIMITS, 'RFC 9422 §4.1 and §4.2'), line(LIMITS, 'RFC 9422 §4.1: a value has at most six digits')],
    ['LIMITS tells MAILMAX and RCPTMAX where there are such limits'],
  ),
  met(
    row(9422, '§4.2', 'says', 'RCPTMAX is how many recipients a message may have.'),
    [line(LIMITS, 'RFC 9422 §4.1 and §4.2')],
    ['LIMITS tells MAILMAX and RCPTMAX where there are such limits', 'the limits that are told are those that hold'],
  ),
];
