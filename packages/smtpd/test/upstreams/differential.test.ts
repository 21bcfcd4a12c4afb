/**
 * Real clients talk to Postfix, and to a proxy in front of it. Both conversations are the same, line by line, but for the lines that are
 * named here; and what Postfix delivers is the same, octet by octet, but for the fields that say where it came through.
 */

import { createTransport, type SendMailOptions } from 'nodemailer';
import { describe, expect, it } from 'vitest';

import { runSmtplib, type SmtplibRequest } from '../clients/smtplib.js';
import {
  AWKWARD_MESSAGE,
  dotStuffed,
  EIGHT_BIT_MESSAGE,
  expectOctets,
  HEADER,
  runClient,
  swaksArguments,
} from '../clients/support.js';
import { KeepingServer, rejection } from '../server/support.js';
import { requireCommand, requirePostfix } from '../support/component.js';
import { startPostfix, type PostfixInstance } from '../support/postfix-instance.js';
import { PolicyService, type PolicyFacts } from './policy-service.js';
import { startProxy, Wiretap, type Conversation } from './support.js';

describe('a client sees the same, and its mail arrives the same, through a proxy:', () => {
  requirePostfix();
  const swaks = requireCommand('swaks');
  const python = requireCommand('python3');

  it('swaks', async () => {
    const data = Buffer.concat([dotStuffed(AWKWARD_MESSAGE), Buffer.from('.')]);
    const eightBit = Buffer.concat([dotStuffed(EIGHT_BIT_MESSAGE), Buffer.from('.')]);
    const run =
      (words: string, content = data): Session =>
      async (port) => {
        const argv = [...swaksArguments(port), ...words.split(' '), '--no-data-fixup', '--data', '-'];
        const { code, stderr } = await runClient(swaks, argv, content);
        return { code, stderr };
      };
    await expectSame({
      'one recipient': run('--to bob@b.example'),
      'every octet': run('--to bob@b.example', eightBit),
      'a HELO': run('--to bob@b.example --protocol SMTP'),
      'some are refused': run(`--to ${MIXED.join(',')}`),
      'some are refused, all in one group': run(`--to ${MIXED.join(',')} --pipeline`),
      'all are refused': run('--to nobody@b.example,later@b.example'),
      'all are refused, in one group': run('--to nobody@b.example,later@b.example --pipeline'),
      'the sender is refused': run('--from spammer@a.example --to bob@b.example'),
      'DATA is refused': run('--to data@b.example'),
      'the content is refused': run('--to content@b.example'),
      'the content is deferred': run('--to wait@b.example'),
      'it leaves behind EHLO': run('--quit-after EHLO --to bob@b.example'),
      'it leaves behind MAIL': run('--quit-after MAIL --to bob@b.example'),
      'it leaves behind RCPT': run('--quit-after RCPT --to bob@b.example'),
    });
  }, 60_000);

  it('nodemailer', async () => {
    const transport = (port: number): { host: string; port: number; name: string } => ({
      host: '127.0.0.1',
      port,
      name: 'client.example',
    });
    const run =
      (
        to: string | readonly string[],
        more: SendMailOptions = { raw: AWKWARD_MESSAGE },
        from = 'alice@a.example',
      ): Session =>
      async (port) => {
        const mailer = createTransport(transport(port));
        try {
          const info = await mailer.sendMail({ envelope: { from, to: [...[to].flat()] }, ...more });
          const { accepted, rejected, response } = info;
          return { accepted, rejected, response: withoutNames(response) };
        } catch (error) {
          return { message: (error as Error).message };
        }
      };
    await expectSame({
      'one recipient': run('bob@b.example'),
      'every octet': run('bob@b.example', { raw: EIGHT_BIT_MESSAGE }),
      'some are refused': run(MIXED),
      'all are refused': run(['nobody@b.example', 'later@b.example']),
      'the sender is refused': run('bob@b.example', { raw: AWKWARD_MESSAGE }, 'spammer@a.example'),
      'DATA is refused': run('data@b.example'),
      'the content is refused': run('content@b.example'),
      'the content is deferred': run('wait@b.example'),
      'addresses in UTF-8': run('用户@b.example', { raw: AWKWARD_MESSAGE }, 'jürgen@a.example'),
      'a wish to be told (DSN)': run('bob@b.example', {
        raw: AWKWARD_MESSAGE,
        dsn: { id: 'Q=17+4', return: 'headers', notify: ['failure', 'delay'], recipient: 'robert@b.example' },
      }),
      'ten messages over one connection': async (port) => {
        const pool = createTransport({ ...transport(port), pool: true, maxConnections: 1, maxMessages: Infinity });
        const outcomes: unknown[] = [];
        for (let count = 0; count < 10; count += 1) {
          const to = count % 3 === 1 ? 'nobody@b.example' : 'bob@b.example';
          const raw = `${HEADER}.${String(count)}\r\n`;
          outcomes.push(
            (await rejection(pool.sendMail({ envelope: { from: 'alice@a.example', to: [to] }, raw }))) === undefined,
          );
        }
        pool.close();
        return outcomes;
      },
    });
  }, 60_000);

  it('smtplib', async () => {
    const run =
      (request: SmtplibRequest, content: Uint8Array = AWKWARD_MESSAGE): Session =>
      (port) =>
        runSmtplib(python, { where: port, ...request }, content);
    const international = Buffer.from(
      `From: Jürgen <jürgen@a.example>\r\nTo: 用户 <用户@b.example>\r\n${HEADER.split('\r\n').slice(2).join('\r\n')}Grüße\r\n`,
    );
    await expectSame({
      'one recipient': run({ call: 'sendmail' }),
      'every octet, declared': run({ call: 'sendmail', options: ['BODY=8BITMIME'] }, EIGHT_BIT_MESSAGE),
      'some are refused': run({ call: 'sendmail', to: MIXED }),
      'all are refused': run({ call: 'sendmail', to: ['nobody@b.example', 'later@b.example'] }),
      'the sender is refused': run({ call: 'sendmail', from: 'spammer@a.example' }),
      'DATA is refused': run({ call: 'sendmail', to: ['data@b.example'] }),
      'the content is refused': run({ call: 'sendmail', to: ['content@b.example'] }),
      'the addresses of the header': run({ call: 'send_message' }, Buffer.from(`${HEADER}Hi\r\n`)),
      'addresses and header in UTF-8': run({ call: 'send_message' }, international),
    });
  }, 60_000);
});

/** A client that sends to a port. @returns what it made of what it heard */
type Session = (port: number) => Promise<unknown>;

/** Runs each session at Postfix’s own door and at a proxy’s. */
async function expectSame(sessions: Readonly<Record<string, Session>>): Promise<void> {
  await using policy = await PolicyService.start(decide);
  await using sink = new KeepingServer();
  await sink.listen();
  await using postfix = await startPostfix({
    main: {
      virtual_mailbox_domains: 'b.example',
      virtual_mailbox_maps: 'texthash:$config_directory/users',
      virtual_transport: `smtp:[127.0.0.1]:${String(sink.port)}`,
      smtpd_delay_reject: 'no',
      smtpd_sender_restrictions: 'check_sender_access inline:{{spammer@a.example=550 5.7.1 We know you}}',
      smtpd_recipient_restrictions: `reject_unauth_destination, reject_unlisted_recipient, ${policy.restriction}`,
      smtpd_data_restrictions: policy.restriction,
      smtpd_end_of_data_restrictions: policy.restriction,
    },
    files: { users: USERS.map((address) => `${address} exists\n`).join('') },
  });
  await using proxy = await startProxy(postfix.port);
  for (const [name, session] of Object.entries(sessions)) {
    const direct = await tapped(session, postfix.port);
    const before = await delivered(sink, postfix, direct.conversations);
    const proxied = await tapped(session, proxy.port);
    const after = await delivered(sink, postfix, proxied.conversations);
    expect([name, proxied.outcome]).toEqual([name, direct.outcome]);
    expect([name, proxied.conversations.map(linesOf)]).toEqual([name, direct.conversations.map(directLinesOf)]);
    for (const { server } of direct.conversations) expectOffer(server, OFFERED_BY_POSTFIX);
    for (const { server } of proxied.conversations) expectOffer(server, OFFERED_BY_PROXY);
    expect([name, after.length]).toEqual([name, before.length]);
    for (const [index, octets] of after.entries()) expectOctets(withoutProxy(octets), withoutReceived(before[index]!));
  }
  expect(proxy.log.errors).toEqual([]);
}

async function tapped(
  session: Session,
  port: number,
): Promise<{ readonly outcome: unknown; readonly conversations: readonly Conversation[] }> {
  await using wiretap = await Wiretap.start(port);
  const outcome = await session(wiretap.port);
  return { outcome, conversations: await wiretap.conversations() };
}

/** What comes out of Postfix, once it has delivered all that it has acknowledged. */
async function delivered(
  sink: KeepingServer,
  postfix: PostfixInstance,
  conversations: readonly Conversation[],
): Promise<Buffer[]> {
  const names = conversations.flatMap(({ server }) =>
    [...server.matchAll(/queued as (\w+)/g)].map((match) => match[1]!),
  );
  for (const name of names) await postfix.log.line(new RegExp(`qmgr\\[\\d+\\]: ${name}: removed`));
  const found = sink.messages.splice(0).map(({ data }) => Buffer.from(data));
  // Postfix may deliver them in any order; their ends differ.
  return found.sort((one, other) => Buffer.compare(one.subarray(-8), other.subarray(-8)));
}

function decide(facts: PolicyFacts): string {
  const [state, recipient] = [facts.get('protocol_state'), facts.get('recipient')];
  if (state === 'RCPT' && recipient === 'later@b.example') return '450 4.7.1 Greylisted';
  if (state === 'DATA' && recipient === 'data@b.example') return '451 4.3.2 Not now';
  if (state === 'END-OF-MESSAGE' && recipient === 'content@b.example') return '550 5.7.1 Read and refused';
  if (state === 'END-OF-MESSAGE' && recipient === 'wait@b.example') return 'DEFER Read and deferred';
  return 'DUNNO';
}

/** What was said, line by line, without what differs: greeting, reply to EHLO or HELO, the names that Postfix gives messages. */
function linesOf({ client, server }: Conversation): { readonly client: string[]; readonly server: string[] } {
  const lines = server.split('\r\n').slice(1);
  const end = lines.findIndex((line) => line.startsWith('250 '));
  return { client: client.split('\r\n'), server: lines.slice(end + 1).map(withoutNames) };
}

/** The same, with what the proxy says by itself in the proxy’s words. */
function directLinesOf(conversation: Conversation): ReturnType<typeof linesOf> {
  const { client, server } = linesOf(conversation);
  return { client, server: server.map((line) => SAID_BY_PROXY.get(line) ?? line) };
}

function withoutNames(line: string): string {
  return line.replace(/queued as \w+/, 'queued as ID');
}

/** The lines of the EHLO reply, all of them; a HELO has the name alone. */
function expectOffer(server: string, offered: readonly string[]): void {
  const [, ...replies] = server.split('\r\n');
  const [name, ...keywords] = offered;
  if (replies[0] === `250 ${name!}`) return;
  const end = replies.findIndex((line) => line.startsWith('250 '));
  expect(replies.slice(0, end + 1).map((line) => line.slice(4))).toEqual([name, ...keywords]);
}

/** Without the field that Postfix adds on top. */
function withoutReceived(octets: Buffer): Buffer {
  const text = octets.toString('latin1');
  expect(text).toMatch(/^Received: /);
  return Buffer.from(text.replace(RECEIVED, ''), 'latin1');
}

/** Without that one, and those that the proxy adds. */
function withoutProxy(octets: Buffer): Buffer {
  const text = withoutReceived(octets).toString('latin1');
  expect(text).toMatch(/^Received: from client\.example \(\[127\.0\.0\.1\]\) by proxy\.example /);
  return Buffer.from(text.replace(RECEIVED, '').replace('\r\nX-Peer: 127.0.0.1\r\n\r\n', '\r\n\r\n'), 'latin1');
}

const RECEIVED = /^Received: .*\r\n(?:[ \t].*\r\n)*/;
const USERS = ['bob', 'carol', 'later', 'data', 'content', 'wait', '用户'].map((user) => `${user}@b.example`);
const MIXED = ['bob@b.example', 'nobody@b.example', 'later@b.example', 'carol@b.example'];
/** What Postfix says → what the proxy says to the same without asking. Everything else is Postfix’s to the letter. */
const SAID_BY_PROXY: ReadonlyMap<string, string> = new Map([
  ['250 2.0.0 Ok', '250 2.0.0 OK'],
  // To DATA, where no recipient was accepted.
  ['554 5.5.1 Error: no valid recipients', '503 5.5.1 Error: need RCPT command'],
]);
const OFFERED_BY_POSTFIX = [
  'relay.example',
  'PIPELINING',
  'SIZE 10240000',
  'VRFY',
  'ETRN',
  'ENHANCEDSTATUSCODES',
  '8BITMIME',
  'DSN',
  'SMTPUTF8',
  'CHUNKING',
];
/** The same but for VRFY and ETRN, which are about Postfix’s own users and queue; HELP and LIMITS are the proxy’s own. */
const OFFERED_BY_PROXY = [
  'proxy.example',
  'SIZE 10240000',
  '8BITMIME',
  'SMTPUTF8',
  'PIPELINING',
  'ENHANCEDSTATUSCODES',
  'HELP',
  'LIMITS RCPTMAX=1000',
  'CHUNKING',
  'DSN',
];
