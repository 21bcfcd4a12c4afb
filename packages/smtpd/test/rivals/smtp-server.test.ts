/** How npm's smtp-server and ours differ: what `docs/from-smtp-server.md` says, shown with both. */

import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { SMTPServerDataStream } from 'smtp-server';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { SMTPReplyError } from '../../src/protocol/reply.js';
import type { Hook } from '../../src/server/hooks.js';
import { eventsOf, sendMessage, turns, until } from '../server/support.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient, type WireReply } from '../support/raw-client.js';
import { outcomeOf, type Comparison, type Running, TAKEN } from './comparison.js';
import { COMPARISONS } from './comparisons.js';
import { startOurs, startSMTPServer } from './rivals.js';

const RCPT = 'RCPT TO:<bob@b.example>';

afterEach(() => {
  vi.useRealTimers();
});

describe('a client', () => {
  const compared = COMPARISONS.flatMap((comparison) =>
    comparison.smtpServer === undefined ? [] : [[comparison.client, comparison, comparison.smtpServer] as const],
  );

  it.concurrent.each(compared)('%s', async (_, comparison, { options, outcome }) => {
    const { ours } = comparison;
    await using other = await startSMTPServer(options);
    await using server = await startOurs(ours.options);
    expect(await outcomeOf(other, comparison, countOf(outcome))).toEqual(outcome);
    expect(await outcomeOf(server, comparison, countOf(ours.outcome))).toEqual(ours.outcome);
  });
});

describe('who does not wait for the greeting', () => {
  it('hears 421 from smtp-server, which greets after 100 ms', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await using other = await startSMTPServer();
    const early = await RawClient.connect(other.port);
    await until(() => vi.getTimerCount() > 0);
    vi.advanceTimersByTime(99);
    early.send('EHLO client.example\r\n');
    expect(await early.reply()).toEqual({ code: 421, lines: ['mx.example You talk too soon'] });

    const patient = await RawClient.connect(other.port);
    await until(() => other.server.connections.size > 0 && vi.getTimerCount() > 0);
    vi.advanceTimersByTime(100);
    expect((await patient.reply()).code).toBe(220);
    patient.destroy();
    await until(() => other.server.connections.size === 0);
  });

  it('is served here at once, and refused where you say so', async () => {
    await using server = await startOurs();
    const early = await RawClient.connect(server.port);
    early.send('EHLO client.example\r\nQUIT\r\n');
    expect((await early.closed()).map(({ code }) => code)).toEqual([220, 250, 221]);

    const clock = new ManualClock();
    await using strict = await startOurs({ earlyInput: 'refuse', greetingDelayMs: 100, clock });
    const violations = eventsOf(strict.server, 'violation');
    const refused = await RawClient.connect(strict.port);
    refused.send('EHLO client.example\r\n');
    await until(() => violations.length > 0);
    clock.advance(100);
    expect(await refused.reply()).toMatchObject({ code: 554 });
    refused.destroy();
  });
});

describe('an error of the application', () => {
  it('goes to the client with its text, and with responseCode or 550, from smtp-server', async () => {
    await using other = await startSMTPServer({
      onRcptTo(_address, _session, callback) {
        callback(new Error('/var/users.db cannot be read'));
      },
    });
    expect(await replyTo(other, RCPT)).toEqual({ code: 550, lines: ['/var/users.db cannot be read'] });

    await using coded = await startSMTPServer({
      onRcptTo(_address, _session, callback) {
        callback(Object.assign(new Error('Mailbox full'), { responseCode: 452 }));
      },
    });
    expect(await replyTo(coded, RCPT)).toEqual({ code: 452, lines: ['Mailbox full'] });
  });

  it('at the end of a message is 450 from smtp-server', async () => {
    await using other = await startSMTPServer({
      onData(stream, _session, callback) {
        stream.resume();
        stream.on('end', () => {
          callback(new Error('/var/mail is full'));
        });
      },
    });
    const client = await RawClient.connect(other.port);
    await client.reply();
    await client.command('EHLO client.example');
    expect(await sendMessage(client)).toEqual({
      code: 450,
      lines: ['/var/mail is full'],
    });
    client.destroy();
  });

  it('is 451 with the number of an incident here, unless it is a verdict', async () => {
    await using server = await startOurs();
    server.server.use(refusing(new Error('/var/users.db cannot be read')));
    expect(await replyTo(server, RCPT)).toEqual({
      code: 451,
      lines: [expect.stringMatching(/^4\.3\.0 Error: internal error, incident [0-9a-f]+; try again later$/)],
    });
    expect(server.server.log.errors.join()).toContain('/var/users.db cannot be read');

    await using verdict = await startOurs();
    verdict.server.use(refusing(new SMTPReplyError(452, '4.2.2', 'Mailbox full')));
    expect(await replyTo(verdict, RCPT)).toEqual({ code: 452, lines: ['4.2.2 Mailbox full'] });
  });

  it('that is thrown is 451 from both', async () => {
    await using other = await startSMTPServer({
      onRcptTo() {
        throw new Error('/var/users.db cannot be read');
      },
    });
    expect(await replyTo(other, RCPT)).toEqual({ code: 451, lines: ['Error: internal server error'] });
  });

  it('that an async callback rejects with ends the process of smtp-server', () => {
    const program = `
      import { connect } from 'node:net';
      import { SMTPServer } from 'smtp-server';
      const server = new SMTPServer({
        disabledCommands: ['STARTTLS', 'AUTH'],
        disableReverseLookup: true,
        logger: false,
        async onConnect() {
          throw new Error('the database is down');
        },
      });
      server.listen(0, '127.0.0.1', () => connect(server.server.address().port, '127.0.0.1'));`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain('the database is down');
  });
});

describe('a recipient of an LMTP message has a reply of its own', () => {
  const CONVERSATION: Comparison = {
    client: 'speaks LMTP, to two recipients',
    steps: [
      'LHLO client.example\r\n',
      'MAIL FROM:<alice@a.example>\r\n',
      'RCPT TO:<full@b.example>\r\n',
      'RCPT TO:<bob@b.example>\r\n',
      'DATA\r\n',
      'Hello\r\n.\r\n',
    ],
    ours: { outcome: [] },
    remark: '',
  };

  it('as smtp-server is told with a list', async () => {
    await using other = await startSMTPServer({
      lmtp: true,
      onData(stream, _session, callback) {
        stream.resume();
        stream.on('end', () => {
          callback(null, [Object.assign(new Error('Mailbox full'), { responseCode: 452 }), 'Delivered']);
        });
      },
    });
    expect(await outcomeOf(other, CONVERSATION, 0)).toEqual(['452 Mailbox full', '250 Delivered']);
  });

  it('and so is ours', async () => {
    await using server = await startOurs({ protocol: 'lmtp' });
    server.server.use({ name: 'mailboxes', message: () => ['452 4.2.2 Mailbox full', '250 2.0.0 Delivered'] });
    const outcome = await outcomeOf(server, CONVERSATION, 0);
    expect(outcome.slice(0, 2)).toEqual(['452 4.2.2 Mailbox full', '250 2.0.0 Delivered']);
  });
});

describe('a last command without a line end', () => {
  it('is carried out by smtp-server when the client ends its side, and dropped here', async () => {
    const mailFrom = vi.fn((_address: unknown, _session: unknown, callback: () => void) => {
      callback();
    });
    await using other = await startSMTPServer({ onMailFrom: mailFrom });
    const mail = vi.fn();
    await using server = await startOurs();
    server.server.use({ name: 'watching', mail });
    for (const { port } of [other, server]) {
      const client = await RawClient.connect(port);
      await client.reply();
      await client.command('EHLO client.example');
      client.send('MAIL FROM:<alice@a.example>');
      client.end();
      await client.closed();
    }
    expect([mailFrom.mock.calls.length, mail.mock.calls.length]).toEqual([1, 0]);
  });
});

describe('a client that leaves in the middle of a message', () => {
  const SENT = ['EHLO client.example', 'MAIL FROM:<alice@a.example>', RCPT, 'DATA'];

  it('leaves smtp-server with a stream that fails, or closes without an end, and with an error event', async () => {
    const streams: SMTPServerDataStream[] = [];
    const failures: string[] = [];
    await using other = await startSMTPServer({
      onData(stream) {
        streams.push(stream);
        stream.on('error', (error) => failures.push(error.message));
        stream.resume();
      },
    });
    const socket = await reach(other, SENT);
    // What was sent has been read, so that nothing else is under way.
    await until(() => (streams[0]?.byteLength ?? 0) > 0);
    await turns(10);
    socket.resetAndDestroy();
    await until(() => other.errors.length === 1 && failures.length === 1);
    expect(other.errors[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(failures).toEqual(['Connection closed before the message was received in full']);
  });

  it('hands nothing over here, and is told with disconnect', async () => {
    await using server = await startOurs();
    const gone = eventsOf(server.server, 'disconnect');
    const faults = eventsOf(server.server, 'fault');
    (await reach(server, SENT)).resetAndDestroy();
    await until(() => gone.length === 1);
    // A reset right behind octets is an end of the connection to Node 20 and 22, and an error to later ones.
    expect(gone).toMatchObject([{ reason: expect.stringMatching(/^(clientGone|error)$/) as unknown }]);
    expect([faults, server.server.messages]).toEqual([[], []]);
  });
});

describe('close()', () => {
  it('of smtp-server lets who says nothing stay for closeTimeout', async () => {
    await using other = await startSMTPServer();
    const client = await RawClient.connect(other.port);
    await client.reply();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const closed = new Promise<void>((resolve) => {
      other.server.close(resolve);
    });
    vi.advanceTimersByTime(29_999);
    expect(other.server.connections.size).toBe(1);
    vi.advanceTimersByTime(1);
    expect(await client.closed()).toEqual([{ code: 421, lines: ['Server shutting down'] }]);
    await closed;
  });

  it('here tells who says nothing at once', async () => {
    await using server = await startOurs();
    const client = await RawClient.connect(server.port);
    await client.reply();
    const closed = server.server.close();
    expect((await client.closed()).map(({ code }) => code)).toEqual([421]);
    await closed;
  });
});

/** How many messages are among the outcomes. */
function countOf(outcome: readonly string[]): number {
  return outcome.filter((text) => text.startsWith(TAKEN)).length;
}

/** The reply to RCPT, or to another command that comes behind MAIL. */
async function replyTo({ port }: Running, command: string): Promise<WireReply> {
  const client = await RawClient.connect(port);
  await client.reply();
  await client.command('EHLO client.example');
  await client.command('MAIL FROM:<alice@a.example>');
  const reply = await client.command(command);
  client.destroy();
  return reply;
}

/** A socket that has said all of this, and heard the replies. */
async function reach({ port }: Running, commands: readonly string[]) {
  const socket = connect(port, '127.0.0.1');
  const client = RawClient.ofSocket(socket);
  await client.reply();
  for (const command of commands) await client.command(command);
  client.send('Hello\r\n');
  return socket;
}

function refusing(error: Error): Hook {
  return {
    name: 'refusing',
    rcpt() {
      throw error;
    },
  };
}
