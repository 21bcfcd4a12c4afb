/**
 * What npm's smtp-server, aiosmtpd and ours make of the same conversations. A server is left out of one where its users would learn nothing.
 * `docs/from-smtp-server.md` and `docs/from-aiosmtpd.md` have these as tables.
 */

import type { Comparison } from './comparison.js';

const EHLO = 'EHLO client.example\r\n';
const MAIL = 'MAIL FROM:<alice@a.example>\r\n';
const RCPT = 'RCPT TO:<bob@b.example>\r\n';
const DATA = 'DATA\r\n';
/** As far as the 354. */
const OPENED = [EHLO, MAIL, RCPT, DATA];

export const COMPARISONS: readonly Comparison[] = [
  {
    client: 'says EHLO, with every option at its default',
    steps: [EHLO],
    smtpServer: {
      options: { disabledCommands: [] },
      outcome: [
        '250 mx.example Nice to meet you, [127.0.0.1] / PIPELINING / 8BITMIME / SMTPUTF8 / AUTH LOGIN PLAIN / STARTTLS',
      ],
    },
    aiosmtpd: { outcome: ['250 mx.example / SIZE 33554432 / 8BITMIME / HELP'] },
    ours: {
      outcome: [
        '250 mx.example / SIZE 33554432 / 8BITMIME / SMTPUTF8 / PIPELINING / ENHANCEDSTATUSCODES / HELP / LIMITS RCPTMAX=1000 / CHUNKING / BINARYMIME',
      ],
    },
    remark:
      'STARTTLS and AUTH are there when you say so: `tls.mode`, `auth.mode`. No certificate comes with the package.',
  },
  {
    client: 'says MAIL, with every option at its default',
    steps: [EHLO, MAIL],
    smtpServer: { options: { disabledCommands: [] }, outcome: ['530 Error: authentication Required'] },
    ours: { outcome: ['250 2.1.0 OK'] },
    remark: 'Mail is taken from everybody unless `auth.mode` is `require`.',
  },
  {
    client: 'ends a command with a bare LF',
    steps: [EHLO, 'NOOP\nNOOP\r\n'],
    smtpServer: { outcome: ['250 OK', '250 OK'] },
    aiosmtpd: { outcome: ['250 OK', '250 OK'] },
    ours: { outcome: ['500 5.5.2 Error: CR and LF may only come together'] },
    remark: 'Only CRLF ends a line (RFC 5321 §2.3.8).',
  },
  {
    client: 'has a bare CR in a command',
    steps: [EHLO, 'NOOP\rNOOP\r\n'],
    smtpServer: { outcome: ['500 Error: command not recognized'] },
    ours: { outcome: ['500 5.5.2 Error: CR and LF may only come together'] },
    remark: 'Only CRLF ends a line.',
  },
  {
    client: 'has a bare LF in the content',
    steps: [...OPENED, 'a\nb\r\n.\r\n'],
    smtpServer: { outcome: ['250 OK: message queued', 'takes a\\nb\\r\\n'] },
    aiosmtpd: { outcome: ['250 OK', 'takes a\\nb\\r\\n'] },
    ours: { outcome: ['550 5.6.11 Error: message has a bare CR or LF; lines must end in CRLF'] },
    remark: "`lineEndings: 'preserve'` keeps it, `'normalize'` makes CRLF of it.",
  },
  {
    client: 'has a bare CR in the content',
    steps: [...OPENED, 'a\rb\r\n.\r\n'],
    smtpServer: { outcome: ['250 OK: message queued', 'takes a\\rb\\r\\n'] },
    aiosmtpd: { outcome: ['250 OK', 'takes a\\rb\\r\\n'] },
    ours: { outcome: ['550 5.6.11 Error: message has a bare CR or LF; lines must end in CRLF'] },
    remark: 'As with a bare LF.',
  },
  {
    client: 'has LF dot CRLF in the content, as one who smuggles',
    steps: [...OPENED, 'a\n.\r\nMAIL FROM:<x@x.example>\r\n.\r\n'],
    smtpServer: { outcome: ['250 OK: message queued', 'takes a\\n.\\r\\nMAIL FROM:<x@x.example>\\r\\n'] },
    aiosmtpd: { outcome: ['250 OK', 'takes a\\n.\\r\\nMAIL FROM:<x@x.example>\\r\\n'] },
    ours: { outcome: ['550 5.6.11 Error: message has a bare CR or LF; lines must end in CRLF'] },
    remark:
      'It ends the content with none of them. What is passed on as it came may end it elsewhere, so it is refused.',
  },
  {
    client: 'has lines that begin with two dots',
    steps: [...OPENED, '..a\r\n..\r\nb\r\n.\r\n'],
    smtpServer: { outcome: ['250 OK: message queued', 'takes .a\\r\\n.\\r\\nb\\r\\n'] },
    aiosmtpd: { outcome: ['250 OK', 'takes .a\\r\\n.\\r\\nb\\r\\n'] },
    ours: { outcome: ['250 2.0.0 OK', 'takes .a\\r\\n.\\r\\nb\\r\\n'] },
    remark: 'The same: the first of them is taken off.',
  },
  {
    client: 'has lines that begin with one dot',
    steps: [...OPENED, '.a\r\n.b\r\n.\r\n'],
    smtpServer: { outcome: ['250 OK: message queued', 'takes .a\\r\\n.b\\r\\n'] },
    ours: { outcome: ['250 2.0.0 OK', 'takes a\\r\\nb\\r\\n'] },
    remark: 'The first dot of a line is taken off, whatever follows it (RFC 5321 §4.5.2).',
  },
  {
    client: 'has a line of 3,000 octets in the content',
    steps: [...OPENED, `${'a'.repeat(3_000)}\r\n.\r\n`],
    aiosmtpd: { outcome: ['500 Line too long (see RFC5321 4.5.3.1.6)'] },
    ours: { outcome: ['250 2.0.0 OK', 'takes aaaaaaaaaaaaaaaaaaaa...'] },
    remark: 'Up to `limits.contentLineBytesMax`, 1,048,576.',
  },
  {
    client: 'sends all commands and the content in one packet',
    steps: [EHLO, `${MAIL}${RCPT}${DATA}a\r\n.\r\n`],
    smtpServer: {
      outcome: [
        '250 Accepted',
        '250 Accepted',
        '354 End data with <CR><LF>.<CR><LF>',
        '250 OK: message queued',
        'takes a\\r\\n',
      ],
    },
    aiosmtpd: { outcome: ['250 OK', '250 OK', '354 End data with <CR><LF>.<CR><LF>', '250 OK', 'takes a\\r\\n'] },
    ours: {
      outcome: ['250 2.1.0 OK', '250 2.1.5 OK', '354 End data with <CR><LF>.<CR><LF>', '250 2.0.0 OK', 'takes a\\r\\n'],
    },
    remark: 'The same. Here the replies leave in one write.',
  },
  {
    client: 'gives MAIL a parameter that nobody knows',
    steps: [EHLO, 'MAIL FROM:<alice@a.example> COLOUR=RED\r\n'],
    smtpServer: { outcome: ['250 Accepted'] },
    ours: { outcome: ['555 5.5.4 MAIL FROM parameters not recognized or not implemented'] },
    remark: 'RFC 5321 §4.1.1.11. An extension of your own declares its parameters.',
  },
  {
    client: 'gives MAIL a parameter twice',
    steps: [EHLO, 'MAIL FROM:<alice@a.example> SIZE=9999999999 SIZE=1\r\n'],
    aiosmtpd: { outcome: ['250 OK'] },
    ours: { outcome: ['501 5.5.4 Error: a parameter may be given once'] },
    remark: 'The second one got a message past the limit.',
  },
  {
    client: 'says HELO, and gives MAIL a parameter',
    steps: ['HELO client.example\r\n', 'MAIL FROM:<alice@a.example> SIZE=1\r\n'],
    smtpServer: { outcome: ['250 Accepted'] },
    ours: { outcome: ['501 5.5.4 Syntax: MAIL FROM: <address>'] },
    remark: 'Parameters belong to EHLO (RFC 5321 §4.1.1.11).',
  },
  {
    client: 'declares 99,999,999,999 octets, without a limit given',
    steps: [EHLO, 'MAIL FROM:<alice@a.example> SIZE=99999999999\r\n'],
    smtpServer: { outcome: ['250 Accepted'] },
    ours: { outcome: ['552 5.3.4 Error: message size exceeds fixed maximum message size'] },
    remark: '`dataSizeLimit` is 33,554,432 unless you say otherwise; `null` for none.',
  },
  {
    client: 'declares more than the limit of 10',
    steps: [EHLO, 'MAIL FROM:<alice@a.example> SIZE=11\r\n'],
    smtpServer: { options: { size: 10 }, outcome: ['552 Error: message exceeds fixed maximum message size 10'] },
    aiosmtpd: {
      options: { data_size_limit: 10 },
      outcome: ['552 Error: message size exceeds fixed maximum message size'],
    },
    ours: {
      options: { dataSizeLimit: 10 },
      outcome: ['552 5.3.4 Error: message size exceeds fixed maximum message size'],
    },
    remark: 'The same.',
  },
  {
    client: 'sends more than the limit of 10',
    steps: [...OPENED, 'aaaaaaaaaaaaaaaaaaaa\r\n.\r\n'],
    smtpServer: { options: { size: 10 }, outcome: ['250 OK: message queued', 'takes aaaaaaaaaaaaaaaaaaaa\\r\\n'] },
    aiosmtpd: { options: { data_size_limit: 10 }, outcome: ['552 Error: Too much mail data'] },
    ours: { options: { dataSizeLimit: 10 }, outcome: ['552 5.3.4 Error: Too much mail data'] },
    remark: 'What is too large is refused, and not handed over.',
  },
  {
    client: 'sends 10 octets of which one is a dot that is taken off, with a limit of 9',
    steps: [...OPENED, '..aaaaaa\r\n.\r\n'],
    smtpServer: {
      options: { size: 9, rejectOversized: true },
      outcome: ['250 OK: message queued', 'takes .aaaaaa\\r\\n'],
    },
    aiosmtpd: { options: { data_size_limit: 9 }, outcome: ['552 Error: Too much mail data'] },
    ours: { options: { dataSizeLimit: 9 }, outcome: ['250 2.0.0 OK', 'takes .aaaaaa\\r\\n'] },
    remark: 'RFC 1870 §3 counts octets of the message, with CRLF and without doubled dots.',
  },
  {
    client: 'sends a chunk (BDAT)',
    steps: [EHLO, MAIL, RCPT, 'BDAT 6 LAST\r\nNOOP\r\n'],
    smtpServer: { outcome: ['500 Error: command not recognized', '250 OK'] },
    aiosmtpd: { outcome: ['500 Error: command "BDAT" not recognized', '250 OK'] },
    ours: { outcome: ['250 2.0.0 OK', 'takes NOOP\\r\\n'] },
    remark: 'CHUNKING is offered here. Where it is not, the octets are read as commands.',
  },
  {
    client: 'gives an address in UTF-8 without SMTPUTF8',
    steps: [EHLO, 'MAIL FROM:<\u00c3\u00a4@a.example>\r\n'],
    smtpServer: { outcome: ['250 Accepted'] },
    aiosmtpd: { outcome: ['500 Error: strict ASCII mode'] },
    ours: { outcome: ['553 5.6.7 Error: a non-ASCII address needs the SMTPUTF8 parameter'] },
    remark: 'RFC 6531 §3.4.',
  },
  {
    client: 'names a recipient twice, in capitals and not',
    steps: [...OPENED.slice(0, 3), 'RCPT TO:<BOB@b.example>\r\n', DATA, 'a\r\n.\r\n'],
    shows: 'rcptTos',
    smtpServer: { outcome: ['250 OK: message queued', 'takes a\\r\\n rcptTos: ["BOB@b.example"]'] },
    ours: { outcome: ['250 2.0.0 OK', 'takes a\\r\\n rcptTos: ["bob@b.example","BOB@b.example"]'] },
    remark: 'Whether capitals matter is for the receiver to say (RFC 5321 §2.4). Repeats are yours to sort out.',
  },
  {
    client: 'names a recipient in a domain of Punycode',
    steps: [EHLO, MAIL, 'RCPT TO:<bob@xn--bcher-kva.example>\r\n', DATA, 'a\r\n.\r\n'],
    shows: 'rcptTos',
    smtpServer: { outcome: ['250 OK: message queued', 'takes a\\r\\n rcptTos: ["bob@bücher.example"]'] },
    ours: { outcome: ['250 2.0.0 OK', 'takes a\\r\\n rcptTos: ["bob@xn--bcher-kva.example"]'] },
    remark: 'An address is what was sent. `domainToUnicode` of `node:url` decodes it.',
  },
  {
    client: 'comes from the null reverse-path',
    steps: [EHLO, 'MAIL FROM:<>\r\n', RCPT, DATA, 'a\r\n.\r\n'],
    shows: 'mailFrom',
    smtpServer: { outcome: ['250 OK: message queued', 'takes a\\r\\n mailFrom: ""'] },
    aiosmtpd: { outcome: ['250 OK', 'takes a\\r\\n mailFrom: "<>"'] },
    ours: { outcome: ['250 2.0.0 OK', 'takes a\\r\\n mailFrom: ""'] },
    remark: '`message.reversePath.isNull` says it, too.',
  },
  {
    client: 'writes an address without brackets',
    steps: [EHLO, MAIL, 'RCPT TO:bob@b.example\r\n'],
    smtpServer: { outcome: ['501 Error: Bad recipient address syntax'] },
    ours: { outcome: ['250 2.1.5 OK'] },
    remark: "Clients do it. `pathSyntax: 'strict'` refuses it.",
  },
  {
    client: 'writes an address without a domain',
    steps: [EHLO, MAIL, 'RCPT TO:<bob>\r\n'],
    smtpServer: { outcome: ['501 Error: Bad recipient address syntax'] },
    ours: { outcome: ['250 2.1.5 OK'] },
    remark: "`pathSyntax: 'strict'` refuses it, but for `postmaster` (RFC 5321 §4.1.1.3).",
  },
  {
    client: 'writes a low line in a domain',
    steps: [EHLO, MAIL, 'RCPT TO:<bob@b_c.example>\r\n'],
    smtpServer: { outcome: ['501 Error: Bad recipient address syntax'] },
    ours: { outcome: ['250 2.1.5 OK'] },
    remark: "`pathSyntax: 'strict'` refuses it.",
  },
  {
    client: 'writes a local part in quotes',
    steps: [EHLO, MAIL, 'RCPT TO:<"bob smith"@b.example>\r\n'],
    smtpServer: { outcome: ['501 Error: Bad recipient address syntax'] },
    ours: { outcome: ['250 2.1.5 OK'] },
    remark: 'RFC 5321 §4.1.2 has them.',
  },
  {
    client: 'writes two dots in a local part',
    steps: [EHLO, MAIL, 'RCPT TO:<bob..smith@b.example>\r\n'],
    aiosmtpd: { outcome: ['250 OK'] },
    ours: { outcome: ['501 5.5.4 Syntax: RCPT TO: <address> [SP <rcpt-parameters>]'] },
    remark: 'RFC 5321 §4.1.2 has them in quotes only.',
  },
  {
    client: 'writes a display name before the address',
    steps: [EHLO, MAIL, 'RCPT TO: Bob <bob@b.example>\r\n'],
    smtpServer: { outcome: ['501 Error: Bad recipient address syntax'] },
    aiosmtpd: { outcome: ['501 Syntax: RCPT TO: <address> [SP <mail-parameters>]'] },
    ours: { outcome: ['501 5.5.4 Syntax: RCPT TO: <address> [SP <rcpt-parameters>]'] },
    remark: 'The same.',
  },
  {
    client: 'sends a command of 600 octets',
    steps: [EHLO, `NOOP ${'a'.repeat(595)}\r\n`],
    smtpServer: { outcome: ['250 OK'] },
    aiosmtpd: { outcome: ['500 Command line too long'] },
    ours: { outcome: ['500 5.5.2 Error: line too long'] },
    remark: 'RFC 5321 §4.5.3.1.4: 512, and what extensions add. `limits.commandLengthBytesMax` changes it.',
  },
  {
    client: 'sends a command of 20,000 octets',
    steps: [EHLO, `NOOP ${'a'.repeat(19_995)}\r\n`],
    smtpServer: { outcome: ['421 Error: Command line too long'] },
    aiosmtpd: { outcome: ['500 Command line too long'] },
    ours: { outcome: ['500 5.5.2 Error: line too long'] },
    remark: 'The session goes on until a line is longer than `limits.discardedLineBytesMax`.',
  },
  {
    client: 'makes eleven mistakes',
    steps: [EHLO, 'XYZ\r\n'.repeat(11)],
    smtpServer: {
      outcome: [...times(9, '500 Error: command not recognized'), '421 Error: too many unrecognized commands'],
    },
    aiosmtpd: {
      outcome: [
        ...times(4, '500 Error: command "XYZ" not recognized'),
        '502 5.5.1 Too many unrecognized commands, goodbye.',
      ],
    },
    ours: {
      outcome: [...times(11, '500 5.5.1 Error: command "XYZ" not recognized')],
    },
    remark: '`limits.errorsMax` is 50; a client with old code says more than ten things that are not known.',
  },
  {
    client: 'gives RSET an argument',
    steps: [EHLO, 'RSET now\r\n'],
    smtpServer: { outcome: ['250 Flushed'] },
    ours: { outcome: ['501 5.5.4 Syntax: RSET'] },
    remark: 'RFC 5321 §4.1.1.5 has none.',
  },
  {
    client: 'says more behind QUIT',
    steps: [EHLO, 'QUIT\r\nNOOP\r\n'],
    smtpServer: { outcome: [] },
    aiosmtpd: { outcome: [] },
    ours: { outcome: [] },
    remark: 'The same: it is dropped.',
  },
  {
    client: 'gives QUIT an argument',
    steps: [EHLO, 'QUIT now\r\n'],
    smtpServer: { outcome: [] },
    aiosmtpd: { outcome: ['501 Syntax: QUIT'] },
    ours: { outcome: [] },
    remark: 'Whoever wants to leave may leave.',
  },
  {
    client: 'asks for HELP, VRFY and EXPN',
    steps: [EHLO, 'HELP\r\nVRFY bob\r\nEXPN list\r\n'],
    smtpServer: {
      outcome: [
        '214 See https://tools.ietf.org/html/rfc5321 for details',
        '252 Try to send something. No promises though',
        '500 Error: command not recognized',
      ],
    },
    aiosmtpd: {
      outcome: [
        '250 Supported commands: AUTH DATA EHLO HELO HELP MAIL NOOP QUIT RCPT RSET VRFY',
        '252 Cannot VRFY user, but will accept message and attempt delivery',
        '502 EXPN not implemented',
      ],
    },
    ours: {
      outcome: [
        '214 2.0.0 Supported commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP',
        '252 2.5.0 Cannot VRFY user, but will accept message and attempt delivery',
        '502 5.5.1 EXPN not implemented',
      ],
    },
    remark: 'Hooks answer VRFY and EXPN.',
  },
  {
    client: 'tries commands of the sendmail of long ago',
    steps: [EHLO, 'WIZ password\r\nSHELL\r\nKILL\r\n'],
    smtpServer: {
      outcome: [
        '200 Please pass, oh mighty wizard',
        '500 Error: Invoking shell is not allowed. This incident will be reported.',
        '500 Can not kill Mom',
      ],
    },
    ours: {
      outcome: [
        '500 5.5.1 Error: command "WIZ" not recognized',
        '500 5.5.1 Error: command "SHELL" not recognized',
        '500 5.5.1 Error: command "KILL" not recognized',
      ],
    },
    remark: 'They are unknown commands.',
  },
  {
    client: 'speaks HTTP',
    steps: ['GET / HTTP/1.1\r\n'],
    smtpServer: { outcome: ['421 HTTP requests not allowed'] },
    aiosmtpd: { outcome: ['500 Error: command "GET" not recognized'] },
    ours: { outcome: ['421 4.7.0 Error: this is an SMTP server, closing connection'] },
    remark: 'A page in a browser can make it do so.',
  },
  {
    client: 'speaks LMTP, to two recipients',
    steps: ['LHLO client.example\r\n', MAIL, RCPT, 'RCPT TO:<carol@b.example>\r\n', DATA, 'a\r\n.\r\n'],
    smtpServer: {
      options: { lmtp: true },
      outcome: ['250 OK: message accepted', '250 OK: message accepted', 'takes a\\r\\n'],
    },
    aiosmtpd: { options: { lmtp: true }, outcome: ['250 OK', 'takes a\\r\\n'] },
    ours: { options: { protocol: 'lmtp' }, outcome: ['250 2.0.0 OK', '250 2.0.0 OK', 'takes a\\r\\n'] },
    remark: 'RFC 2033 §4.2: a reply for each recipient.',
  },
];

function times(count: number, reply: string): readonly string[] {
  return Array.from({ length: count }, () => reply);
}
