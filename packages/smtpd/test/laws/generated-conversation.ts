/**
 * Conversations that nobody wrote: what a client might send, in order or not, well formed or not, and an application that answers by
 * what it is asked, so that the same octets always get the same answers.
 */

import fc from 'fast-check';

import { defineExtension } from '../../src/protocol/extension.js';
import { Reply } from '../../src/protocol/reply.js';
import type { Question } from '../../src/protocol/server-session.js';
import type { PureSetup } from '../support/pure-client.js';

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
  run: ({ verb }, session) => {
    if (verb !== 'XASK') return false;
    session.challenge(PROMPT);
    return true;
  },
  onLine: ({ text, isTooLong }, session) => {
    session.respond(isTooLong ? new Reply(500, '5.5.6', 'Error: line too long') : answerTo(text));
  },
};

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

const part = fc.oneof(
  { weight: 6, arbitrary: goodTransaction },
  { weight: 6, arbitrary: transaction },
  { weight: 8, arbitrary: line },
  { weight: 2, arbitrary: content },
  { weight: 2, arbitrary: noise },
);

/** What a client sends in one session. Most say EHLO first; a few say QUIT somewhere. */
export const conversation = fc
  .tuple(
    usually('EHLO client.example\r\n', fc.constantFrom('HELO client.example\r\n', '')),
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
    extensions: fc.constant([asking]),
    limits: fc.record(
      {
        continuationLengthBytesMax: fc.constant(520),
        discardedLineBytesMax: fc.constant(3000),
        errorsMax: fc.constantFrom(2, 8),
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

/** A session's setup, with the application of above. */
export const setup: fc.Arbitrary<PureSetup> = fc
  .tuple(serverOptions, fc.record({ isStreaming: fc.boolean(), isBatching: fc.boolean() }))
  .map(([options, ways]) => ({ ...options, ...ways, ...application }));

const PROMPT = new Reply(334, undefined, 'Say something');
