/**
 * Conversations that nobody wrote: what a client might send, in order or not, well formed or not, and an application that answers by
 * what it is asked, so that the same octets always get the same answers.
 */

import fc from 'fast-check';

import { defineExtension } from '../../src/protocol/extension.js';
import { etrn } from '../../src/protocol/extensions/etrn.js';
import { Reply } from '../../src/protocol/reply.js';
import type { ServerSession } from '../../src/protocol/server-session.js';
import type { Question } from '../../src/protocol/session-events.js';
import type { PureClient, PureSetup } from '../support/pure-client.js';

/** The laws are looked for in the same places each time. */
export const SEED = 5321;

/** Whom the application refuses, and how; the others are accepted. */
const REFUSALS: Readonly<Record<string, Reply>> = {
  no: new Reply(550, '5.1.1', 'No such user'),
  later: new Reply(451, '4.2.1', ['Not now', 'but later']),
  gone: new Reply(421, '4.3.2', 'Closing'),
};

/** What the application says at a stage about a text that came from the client. */
export function verdictOn(stage: Question['kind'], text: string): Reply | undefined {
  const [word = ''] = text.replace(/^"/, '').split(/[@0-9]/);
  const refusal = Object.hasOwn(REFUSALS, word) ? REFUSALS[word] : undefined;
  // A careless application sends back what it was sent.
  return refusal ?? (word === 'echo' ? new Reply(250, undefined, `${stage} ${text}`) : undefined);
}

/** What the application says about a message of this size. */
export function verdictOnSize(sizeBytes: number): Reply | undefined {
  return sizeBytes % 7 === 6 ? new Reply(554, '5.6.0', `No ${String(sizeBytes)}`) : undefined;
}

/** The application as the pure session asks it. */
function decide(question: Question): Reply | undefined {
  switch (question.kind) {
    case 'helo':
      return verdictOn('helo', question.client.name.text);
    case 'mail':
      return verdictOn('mail', question.reversePath.raw);
    case 'rcpt':
      return verdictOn('rcpt', question.recipient.path.raw);
    case 'message':
      return verdictOnSize(question.facts.sizeBytes);
    case 'vrfy':
    case 'expn':
    case 'etrn':
      return verdictOn(question.kind, question.text);
    case 'connect':
    case 'data':
      return undefined;
  }
}

/** A verb that asks for a line and sends it back. */
const asking = defineExtension({
  keyword: 'XASK',
  verbs: { XASK: { syntax: 'XASK', run: async ({ readLine }) => answerTo(await readLine(PROMPT)) } },
});

/** The application on the pure session. */
export const application: PureSetup = {
  decide,
  run: ({ verb, argument }, session) => {
    if (verb === 'AUTH') {
      const start = session.auth(argument);
      if (start === undefined) return true;
      if (start.initialResponse === undefined) {
        authenticating.add(session);
        session.challenge(EMPTY_CHALLENGE);
      } else {
        session.authFailed();
      }
      return true;
    }
    if (verb !== 'XASK') return false;
    session.challenge(PROMPT);
    return true;
  },
  onLine: ({ text, isTooLong }, session) => {
    // Nobody proves who he is: what is sent ahead of a success is dropped, and so its outcome would depend on what is ahead.
    if (authenticating.delete(session)) session.authFailed();
    else session.respond(isTooLong ? new Reply(500, '5.5.6', 'Error: line too long') : answerTo(text));
  },
};
const authenticating = new WeakSet<ServerSession>();

/** Brings what was begun to its end: a line, an answer that is owed, a chunk, content. A chunk without an end stays. */
export function finishWhatWasBegun(client: PureClient): void {
  const { session } = client;
  const finishChunk = (): void => {
    for (let sent = 0; sent < 300 && session.isTakingOctets && session.phase !== 'content'; sent += 1) client.send('x');
  };
  finishChunk();
  client.send('\r\n');
  if (session.wait === 'command' && session.isUnanswered) client.send('\r\n');
  finishChunk();
  if (session.phase === 'content') client.send('\r\n.\r\n');
}

function answerTo(line: string): Reply {
  return new Reply(line === 'no' ? 550 : 250, undefined, `You said ${line}`);
}

/** Any octet, each as one character. */
const octet = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));

/** Octets without any order. */
export const noise = fc.string({ unit: octet, maxLength: 60 });

const lineEnd = fc.oneof(
  { weight: 12, arbitrary: fc.constant('\r\n') },
  { weight: 1, arbitrary: fc.constantFrom('\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\0\r\n', '') },
);

const address = fc.oneof(
  { weight: 6, arbitrary: fc.nat(30).map((n) => `user${String(n)}@a.example`) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'no@b.example',
      'later@b.example',
      'echo@b.example',
      'echo@b.example',
      '"echo@\x01"@b.example',
      '"echo@ <> \\""@[192.0.2.1]',
      'echo@\xc3\xa9.example',
      'j\xc3\xb6rg@b.example',
      'bad\xff@b.example',
      '@route.example:user@b.example',
      'user@under_score.example',
      'Postmaster',
      'nowhere',
      '',
      'a@',
    ),
  },
  { weight: 1, arbitrary: fc.constant('gone@b.example') },
);

const parameter = fc.constantFrom(
  'SIZE=10',
  'SIZE=100',
  'size=1000000',
  'SIZE=x',
  'BODY=8BITMIME',
  'body=7bit',
  'BODY=NONE',
  'SMTPUTF8',
  'smtputf8',
  'SMTPUTF8=1',
  'XUNKNOWN',
  'X=\xc3\xa9',
  '=',
);
const parameters = fc.array(parameter, { maxLength: 3 }).map((list) => list.map((each) => ` ${each}`).join(''));
const usually = <T>(value: T, others: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: others });

const hello = fc.constantFrom(
  'EHLO client.example',
  'HELO client.example',
  'ehlo [192.0.2.1]',
  'EHLO',
  'HELO \xc3\xa9',
  'EHLO no',
  'EHLO echo \x1b[2J',
  'LHLO client.example',
  'LHLO client.example',
  'lhlo echo',
  'LHLO',
);
const mail = fc
  .tuple(usually('MAIL FROM:', fc.constantFrom('mail from:', 'MAIL FROM: ', 'MAIL')), address, usually('', parameters))
  .map(([keyword, path, rest]) => `${keyword}<${path}>${rest}`);
const rcpt = fc
  .tuple(
    usually('RCPT TO:', fc.constantFrom('rcpt to:', 'RCPT TO: ', 'RCPT FROM:')),
    address,
    usually('', fc.constant(' X=1')),
  )
  .map(([keyword, path, rest]) => `${keyword}<${path}>${rest}`);
const other = fc.constantFrom(
  'RSET',
  'RSET now',
  'NOOP',
  'noop \xff\0',
  'VRFY echo',
  'VRFY j\xc3\xb6rg SMTPUTF8',
  'VRFY',
  'EXPN list',
  'HELP',
  'HELP MAIL',
  'HELP me',
  'DATA',
  'DATA now',
  'XBOGUS',
  'XASK',
  'XASK\r\nno',
  'XASK\r\nQUIT',
  'XASK\r\necho \0\x1b[2J',
  'r\xc5\xbfet',
  'STARTTLS',
  'STARTTLS now',
  'AUTH',
  'AUTH PLAIN',
  'AUTH PLAIN\r\n*',
  'AUTH LOGIN\r\nQUIT',
  'auth plain AHRpbQBzZWNyZXQ=',
  'AUTH PLAIN =',
  'AUTH PLAIN AHRpbQ',
  'AUTH SCRAM-SHA-256-PLUS',
  'AUTH EXTERNAL =',
  'ETRN b.example',
  'ETRN @echo.example',
  'ETRN no',
  'ETRN -',
  'XCLIENT NAME=spike.example ADDR=192.0.2.5',
  'XCLIENT NAME=echo+1B[2J',
  'XFORWARD SOURCE=LOCAL',
  'XFORWARD LOGIN=x',
  'EXPN echo',
  '',
  ' ',
  '.',
  '354 go on',
);
const longLine = fc
  .tuple(
    fc.constantFrom('NOOP ', 'MAIL FROM:<a@b.example> ', 'RCPT TO:<', '\n', '\r'),
    fc.oneof(fc.integer({ min: 500, max: 575 }), fc.constantFrom(2000, 3500)),
  )
  .map(([start, length]) => start + 'x'.repeat(length));
const line = fc
  .tuple(
    fc.oneof(
      { weight: 2, arbitrary: hello },
      { weight: 4, arbitrary: mail },
      { weight: 5, arbitrary: rcpt },
      { weight: 4, arbitrary: other },
      { weight: 1, arbitrary: longLine },
    ),
    lineEnd,
  )
  .map((parts) => parts.join(''));

const contentPart = fc.constantFrom(
  'Subject: x\r\n',
  'body\r\n',
  '..\r\n',
  '..x',
  '.x\r\n',
  'x.',
  '\r\n',
  '\r',
  '\n',
  '\n.\n',
  '\r\n.\r',
  '\xe9\0',
  'y'.repeat(70),
  'QUIT\r\n',
);

/** Content with the line that ends it. */
const content = fc
  .tuple(
    fc.array(usually('text\r\n', contentPart), { maxLength: 8 }),
    usually('\r\n.\r\n', fc.constantFrom('.\r\n', '\n.\r\n')),
  )
  .map(([parts, end]) => parts.join('') + end);

/** A transaction in the usual order, with what may go wrong in it. */
const transaction = fc
  .tuple(mail, fc.array(rcpt, { minLength: 1, maxLength: 6 }), fc.constant('DATA'), content)
  .map(([from, recipients, data, text]) => `${[from, ...recipients, data].join('\r\n')}\r\n${text}`);

/** A transaction in which nothing is wrong; some are international (RFC 6531). */
const goodTransaction = fc
  .tuple(fc.nat(30), fc.array(fc.nat(30), { minLength: 1, maxLength: 6 }), usually(false, fc.constant(true)), content)
  .map(([from, recipients, isInternational, text]) => {
    const user = isInternational ? 'j\xc3\xb6rg' : 'user';
    return [
      `MAIL FROM:<${user}${String(from)}@a.example>${isInternational ? ' SMTPUTF8' : ''}`,
      ...recipients.map((n) => `RCPT TO:<${user}${String(n)}@b.example>`),
      `DATA\r\n${text}`,
    ].join('\r\n');
  });

const octetsOfChunk = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('text\r\n') },
      { weight: 2, arbitrary: contentPart },
      {
        weight: 1,
        arbitrary: fc.constantFrom('RSET\r\n', 'BDAT 3\r\n', 'MAIL FROM:<x@a.example>\r\n', '\r\n.\r\n', '\0\xff'),
      },
    ),
    { maxLength: 5 },
  )
  .map((parts) => parts.join(''));

/** BDAT with its octets: as they should be, with more behind the size than belongs there, or with too many or too few octets. */
const chunk = (isLast: boolean): fc.Arbitrary<string> =>
  fc
    .tuple(
      octetsOfChunk,
      usually('BDAT', fc.constant('bdat')),
      usually(isLast ? ' LAST' : '', fc.constantFrom(isLast ? ' last' : '  ', ' LAST junk', ' junk')),
      fc.oneof({ weight: 10, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-2, 1, 3) }),
    )
    .map(([text, verb, rest, surplus]) => `${verb} ${String(Math.max(0, text.length + surplus))}${rest}\r\n${text}`);
const malformedChunk = fc.constantFrom(
  'BDAT\r\n',
  'BDAT  \r\n',
  'BDAT x\r\n',
  'BDAT -1\r\n',
  'BDAT 5LAST\r\n',
  'BDAT 5\tLAST\r\n',
  'BDAT 9007199254740991\r\n',
  'BDAT 9007199254740992\r\n',
  'BDAT 5\n\r\nQUIT\r\n',
  `BDAT 6${' '.repeat(520)}\r\nQUIT\r\n`,
  'BDAT 0\r\n',
  'BDAT 0 LAST\r\n',
);

/** A message in chunks, with what may come between them. */
const chunkedTransaction = fc
  .tuple(
    usually(
      'MAIL FROM:<user@a.example>',
      fc.constantFrom('MAIL FROM:<user@a.example> BODY=BINARYMIME', 'MAIL FROM:<no@a>'),
    ),
    fc.array(usually('RCPT TO:<user@b.example>', rcpt), { minLength: 1, maxLength: 4 }),
    fc.array(
      fc.oneof(
        { weight: 12, arbitrary: chunk(false) },
        { weight: 1, arbitrary: malformedChunk },
        { weight: 1, arbitrary: other.map((text) => `${text}\r\n`) },
        { weight: 1, arbitrary: fc.constantFrom('RSET\r\n', 'RCPT TO:<late@b.example>\r\n', 'MAIL FROM:<>\r\n') },
      ),
      { maxLength: 3 },
    ),
    fc.oneof(
      { weight: 6, arbitrary: chunk(true) },
      { weight: 1, arbitrary: fc.constantFrom('BDAT 0 LAST\r\n', 'DATA\r\n', '') },
    ),
  )
  .map(([from, recipients, chunks, last]) => `${[from, ...recipients].join('\r\n')}\r\n${chunks.join('')}${last}`);

const part = fc.oneof(
  { weight: 6, arbitrary: goodTransaction },
  { weight: 6, arbitrary: transaction },
  { weight: 6, arbitrary: chunkedTransaction },
  { weight: 1, arbitrary: chunk(true) },
  { weight: 1, arbitrary: malformedChunk },
  { weight: 8, arbitrary: line },
  { weight: 2, arbitrary: content },
  { weight: 2, arbitrary: noise },
);

/** What a client sends in one session. Most name themselves first, some in whichever way there is; a few say QUIT somewhere. */
export const conversation = fc
  .tuple(
    usually(
      'LHLO client.example\r\nEHLO client.example\r\n',
      fc.constantFrom(
        ...['EHLO client.example\r\n', 'EHLO client.example\r\n', 'LHLO client.example\r\n', 'HELO client.example\r\n'],
        ...['', 'GET / HTTP/1.1\r\n', '\x16\x03\x01'],
      ),
    ),
    fc.array(part, { maxLength: 8 }),
    usually('', fc.constant('QUIT\r\n')),
    fc.array(part, { maxLength: 2 }),
  )
  .map(([first, before, quit, behind]) => [first, ...before, quit, ...behind].join(''));

/** What a server may be told, with bounds that a short conversation meets. */
export const serverOptions = fc.record(
  {
    dataSizeLimit: fc.constantFrom(20, 100, 2000),
    enableSMTPUTF8: fc.boolean(),
    lineEndings: fc.constantFrom('reject', 'normalize', 'preserve'),
    pathSyntax: fc.constantFrom('strict', 'lenient'),
    protocol: fc.constantFrom('smtp', 'smtp', 'lmtp'),
    extensions: fc.constant([asking, etrn()]),
    limits: fc.record(
      {
        continuationLengthBytesMax: fc.constant(520),
        discardedLineBytesMax: fc.constant(3000),
        authFailuresMax: fc.constantFrom(1, 2),
        contentLineBytesMax: fc.constantFrom(40, 100),
        errorsMax: fc.constantFrom(3, 8),
        idleCommandsMax: fc.constantFrom(2, 6),
        messagesMax: fc.constantFrom(1, 2),
        recipientsMax: fc.constantFrom(1, 2, 3),
        refusalsMax: fc.constantFrom(1, 4),
      },
      { requiredKeys: ['continuationLengthBytesMax', 'discardedLineBytesMax'] },
    ),
  },
  { requiredKeys: ['extensions', 'limits'] },
) satisfies fc.Arbitrary<PureSetup>;

/** Whether AUTH is there, and who is trusted; none of it is about the application. */
const position = fc.record(
  {
    auth: fc.constantFrom<NonNullable<PureSetup['auth']>>(
      { mode: 'offer', plaintext: 'always' },
      { mode: 'offer', plaintext: 'tls', mechanisms: ['SCRAM-SHA-256', 'PLAIN'] },
      { mode: 'require', plaintext: 'always' },
    ),
    situation: fc.constantFrom(
      { mayXCLIENT: true, mayXFORWARD: true },
      { mayXFORWARD: true },
      { isAuthenticated: true },
    ),
  },
  { requiredKeys: [] },
);

/** A session's setup, with the application of above. */
export const setup: fc.Arbitrary<PureSetup> = fc
  .tuple(serverOptions, fc.record({ isStreaming: fc.boolean(), isBatching: fc.boolean() }), usually({}, position))
  .map(([options, ways, given]) => ({ ...options, ...ways, ...given, ...application }));

const PROMPT = new Reply(334, undefined, 'Say something');
const EMPTY_CHALLENGE = new Reply(334, undefined, '');
