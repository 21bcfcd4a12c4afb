/** Scripted faults, each kind at each stage, over real sockets and mostly inside pipelined groups. */
import { connect } from 'node:net';

import { createTransport } from 'nodemailer';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { Reply } from '../../src/protocol/reply.js';
import { SessionInfo } from '../../src/server/session-info.js';
import { delay, drop, startTestServer, type Fault, type FaultStage, type TestServer } from '../../src/testing/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { sendRaw, until } from './send-raw.js';

/** A client that sends everything in groups and reads until the server closes or all is answered. */
async function converse(smtp: TestServer, { content = 'Subject: x\r\n\r\nHello\r\n' } = {}) {
  const client = await RawClient.connect(smtp.port);
  client.send(
    'EHLO c.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@c.example>\r\nDATA\r\n',
  );
  const codes: number[] = [];
  const read = async (count: number): Promise<boolean> => {
    for (let index = 0; index < count; index += 1) {
      try {
        codes.push((await client.reply()).code);
      } catch {
        return false;
      }
    }
    return true;
  };
  if ((await read(6)) && codes.at(-1) === 354) {
    client.send(`${content}.\r\nQUIT\r\n`);
    await read(2);
  } else if (!client.isClosed) {
    client.send('QUIT\r\n');
    await read(1);
  }
  await client.closed();
  return codes;
}

describe('a scripted reply', () => {
  it.each<[FaultStage, Fault, readonly number[]]>([
    ['connect', 421, [421]],
    ['helo', '502 5.5.1 No EHLO here', [220, 502, 503, 503, 503, 503, 221]],
    ['mail', 451, [220, 250, 451, 503, 503, 503, 221]],
    ['rcpt', '550 5.1.1 No such user', [220, 250, 250, 550, 250, 354, 250, 221]],
    ['data', new Reply(452, '4.3.1', 'Full'), [220, 250, 250, 250, 250, 452, 221]],
    ['message', 554, [220, 250, 250, 250, 250, 354, 554, 221]],
    ['message', '250 2.0.0 Queued as 4711', [220, 250, 250, 250, 250, 354, 250, 221]],
    ['rcpt', 421, [220, 250, 250, 421]],
  ])('at %s answers the next one, inside a pipelined group too', async (stage, fault, codes) => {
    await using smtp = await startTestServer();
    const handle = smtp.next(stage, fault);
    expect(await converse(smtp)).toEqual(codes);
    expect(handle.hits).toBe(1);
    expect(smtp.messages.length).toBe(codes.includes(354) && !codes.includes(554) ? 1 : 0);
    // It happens once.
    expect(await converse(smtp)).toEqual([220, 250, 250, 250, 250, 354, 250, 221]);
    expect(handle.hits).toBe(1);
  });

  it('may come several times, or always until it is cancelled', async () => {
    await using smtp = await startTestServer();
    smtp.next('mail', 451, { times: 2 });
    for (const code of [451, 451, 250]) expect((await sendRaw(smtp, {}))[2]).toBe(code);
    const always = smtp.next('mail', 550, { times: Infinity });
    for (const code of [550, 550, 550]) expect((await sendRaw(smtp, {}))[2]).toBe(code);
    always.cancel();
    expect((await sendRaw(smtp, {}))[2]).toBe(250);
    expect(always.hits).toBe(3);
  });

  it('waits its turn behind the one before it', async () => {
    await using smtp = await startTestServer();
    smtp.next('rcpt', 451);
    smtp.next('rcpt', 452);
    expect(await converse(smtp)).toEqual([220, 250, 250, 451, 452, 503, 221]);
  });

  it('is for those who match, and the others go on', async () => {
    await using smtp = await startTestServer();
    smtp.next('rcpt', 550, { when: { to: 'c@C.example', from: /^a@/, client: 'c.example' } });
    smtp.next('message', 554, { when: { subject: 'y', to: 'c@c.example' } });
    smtp.next('message', 552, { when: ({ message }) => message?.subject === 'x' });
    expect(await converse(smtp)).toEqual([220, 250, 250, 250, 550, 354, 552, 221]);
    smtp.next('helo', 502, { when: ({ verb }) => verb === 'EHLO' });
    expect((await converse(smtp)).slice(0, 2)).toEqual([220, 502]);
    expect(await sendRaw(smtp, {})).toEqual([220, 250, 250, 250, 354, 250, 221]);
  });

  it('finds the sender that is meant among several at a time', async () => {
    await using smtp = await startTestServer();
    smtp.next('message', 452, { when: { from: 'b@a.example' } });
    const senders = ['a@a.example', 'b@a.example', 'c@a.example'];
    const codes = await Promise.all(senders.map((from) => sendRaw(smtp, { from })));
    expect(codes.map((each) => each.at(-2))).toEqual([250, 452, 250]);
    expect(smtp.messages.map(({ mailFrom }) => mailFrom).sort()).toEqual(['a@a.example', 'c@a.example']);
  });
});

describe('a scripted delay', () => {
  it.each<[FaultStage, number]>([
    ['connect', 0],
    ['helo', 1],
    ['mail', 2],
    ['rcpt', 3],
    ['data', 5],
    ['message', 6],
  ])('at %s holds that reply back and none before it', async (stage, repliesBefore) => {
    const clock = new ManualClock();
    await using smtp = await startTestServer({ clock });
    smtp.next(stage, delay(200));
    const client = await RawClient.connect(smtp.port);
    client.send('EHLO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@c.example>\r\nDATA\r\n');
    if (stage === 'message') {
      await client.replies(6);
      client.send('Hello\r\n.\r\n');
    } else {
      await client.replies(repliesBefore);
    }
    await until(() => String(smtp.sessions[0]).includes('200 ms pass'));
    clock.advance(199);
    await new Promise((resolve) => setImmediate(resolve));
    expect(client.unread).toBe('');
    expect(smtp.messages).toEqual([]);
    clock.advance(1);
    await client.replies(stage === 'message' ? 1 : 6 - repliesBefore);
    expect(smtp.messages.length).toBe(stage === 'message' ? 1 : 0);
    client.destroy();
  });

  it('goes together with a reply', async () => {
    const clock = new ManualClock();
    await using smtp = await startTestServer({ clock });
    smtp.next('helo', [delay(100), 421, drop({ at: 'afterReply' }), delay(50)]);
    const client = await RawClient.connect(smtp.port);
    client.send('HELO c\r\n');
    await client.reply();
    await until(() => String(smtp.sessions[0]).includes('150 ms pass'));
    clock.advance(150);
    expect((await client.closed()).map(({ code }) => code)).toEqual([421]);
  });

  it('ends when the client leaves', async () => {
    const clock = new ManualClock();
    await using smtp = await startTestServer({ clock });
    smtp.next('message', delay(200));
    const socket = connect(smtp.port, '127.0.0.1');
    socket.resume();
    socket.write('HELO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n');
    await until(() => String(smtp.sessions[0]).includes('S: 354'));
    socket.write('Hello\r\n.\r\n');
    await until(() => String(smtp.sessions[0]).includes('200 ms pass'));
    // Ended by half only, a connection could still take the reply.
    socket.resetAndDestroy();
    await closedSession(smtp);
    await new Promise((resolve) => setImmediate(resolve));
    expect(clock.timerCount).toBe(0);
    expect(smtp.messages).toEqual([]);
  });
});

describe('a scripted drop', () => {
  it.each<[string, FaultStage, Parameters<typeof drop>[0], readonly number[], number]>([
    ['before the greeting', 'connect', {}, [], 0],
    ['after the greeting', 'connect', { at: 'afterReply' }, [220], 0],
    ['instead of the reply to EHLO', 'helo', {}, [220], 0],
    ['after the reply to EHLO', 'helo', { at: 'afterReply' }, [220, 250], 0],
    ['instead of the reply to MAIL', 'mail', { at: 'insteadOfReply' }, [220, 250], 0],
    ['after the reply to MAIL', 'mail', { at: 'afterReply' }, [220, 250, 250], 0],
    ['instead of the reply to RCPT', 'rcpt', {}, [220, 250, 250], 0],
    ['after the reply to RCPT', 'rcpt', { at: 'afterReply' }, [220, 250, 250, 250], 0],
    ['instead of the reply to DATA', 'data', {}, [220, 250, 250, 250, 250], 0],
    ['after the reply to DATA', 'data', { at: 'afterReply' }, [220, 250, 250, 250, 250, 354], 0],
    ['in the content', 'data', { at: 'inContent', afterBytes: 10 }, [220, 250, 250, 250, 250, 354], 0],
    [
      'at the end of a content that is shorter',
      'data',
      { at: 'inContent', afterBytes: 9_999 },
      [220, 250, 250, 250, 250, 354],
      0,
    ],
    ['before the message is taken', 'message', {}, [220, 250, 250, 250, 250, 354], 0],
    ['after the message was taken', 'message', { at: 'afterTaking' }, [220, 250, 250, 250, 250, 354], 1],
    ['after the reply to the message', 'message', { at: 'afterReply' }, [220, 250, 250, 250, 250, 354, 250], 1],
  ])('%s', async (_name, stage, options, codes, taken) => {
    await using smtp = await startTestServer();
    smtp.next(stage, drop(options));
    expect(await converse(smtp)).toEqual(codes);
    expect(smtp.messages.length).toBe(taken);
    expect(smtp.sessions[0]?.transcript.at(-1)).toBe('-- the connection is dropped, as the test says');
    // The next client finds a server that works.
    expect((await converse(smtp)).at(-2)).toBe(250);
    expect(smtp.messages.length).toBe(taken + 1);
  });

  it('in the content comes after exactly that many octets, however they came', async () => {
    await using smtp = await startTestServer();
    smtp.next('data', drop({ at: 'inContent', afterBytes: 10 }));
    const client = await RawClient.connect(smtp.port);
    client.send('HELO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n');
    await client.replies(5);
    client.send('123456789');
    // The server answers nobody in the middle of content; another session shows that it has read.
    await sendRaw(smtp, {});
    expect(client.isClosed).toBe(false);
    client.send('0');
    expect(await client.closed()).toEqual([]);
  });

  it('in the content ends with the message that was refused', async () => {
    await using smtp = await startTestServer();
    smtp.next('data', drop({ at: 'inContent', afterBytes: 1_000 }));
    const client = await RawClient.connect(smtp.port);
    client.send('HELO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n');
    await client.replies(5);
    expect((await client.command('bare\nLF\r\n.')).code).toBe(550);
    for (const line of ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA']) await client.command(line);
    expect((await client.command(`${'x'.repeat(2_000)}\r\n.`)).code).toBe(250);
    client.destroy();
  });

  it.each(['insteadOfReply', 'afterReply'] as const)(
    '%s is the end: what stood behind it in the group never came',
    async (at) => {
      await using smtp = await startTestServer();
      smtp.next('rcpt', drop({ at }));
      const asked: string[] = [];
      smtp.server.use({
        name: 'mine',
        rcpt: ({ address }) => void asked.push(address),
        data: () => void asked.push('DATA'),
      });
      const later = [smtp.next('rcpt', 550), smtp.next('data', 451)];
      await converse(smtp);
      expect(later.map(({ hits }) => hits)).toEqual([0, 0]);
      expect(asked).toEqual(at === 'afterReply' ? ['b@b.example'] : []);
    },
  );

  it('can be a reset', async () => {
    await using smtp = await startTestServer();
    smtp.next('helo', drop({ reset: true }));
    const socket = connect(smtp.port, '127.0.0.1');
    socket.write('EHLO c\r\n');
    socket.resume();
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    await closedSession(smtp);
  });

  it('waits for its delay', async () => {
    const clock = new ManualClock();
    await using smtp = await startTestServer({ clock });
    smtp.next('connect', [delay(30), drop()]);
    const client = await RawClient.connect(smtp.port);
    await until(() => String(smtp.sessions[0]).includes('30 ms pass'));
    expect(client.isClosed).toBe(false);
    clock.advance(30);
    expect(await client.closed()).toEqual([]);
  });

  it('leaves nothing behind when the server closes before the client does', async () => {
    // With timers that stand still, nothing but close() itself can cut the connection.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const clock = new ManualClock();
      const smtp = await startTestServer({ clock });
      smtp.next('connect', drop());
      const socket = connect({ port: smtp.port, host: '127.0.0.1', allowHalfOpen: true });
      socket.resume();
      await new Promise((resolve) => socket.once('end', resolve));
      const closed = smtp.close();
      vi.advanceTimersByTime(100);
      await closed;
      expect(clock.timerCount).toBe(0);
      expect(vi.getTimerCount()).toBe(0);
      socket.destroy();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('nodemailer', () => {
  it.each<[string, FaultStage, Fault, object]>([
    ['a refused recipient', 'rcpt', 550, { code: 'EENVELOPE', responseCode: 550 }],
    ['a refused message', 'message', 452, { responseCode: 452 }],
    [
      'a drop in the content',
      'data',
      drop({ at: 'inContent', afterBytes: 20 }),
      { code: expect.stringMatching(/^E/) as string },
    ],
    ['a drop at the greeting', 'connect', drop(), { code: expect.stringMatching(/^E/) as string }],
  ])('hears of %s', async (_name, stage, fault, error) => {
    await using smtp = await startTestServer();
    smtp.next(stage, fault);
    const mail = { from: 'a@a.example', to: 'b@b.example', subject: 'x', text: 'Hello' };
    await expect(createTransport(smtp.url).sendMail(mail)).rejects.toMatchObject(error);
    expect(smtp.messages).toEqual([]);
  });
});

describe('a script that cannot work is refused when it is written', () => {
  it.each<[string, (smtp: TestServer) => unknown]>([
    ['a stage that there is not', (smtp) => smtp.next('quit' as FaultStage, 451)],
    ['a code that is none', (smtp) => smtp.next('mail', 99)],
    ['an intermediate code', (smtp) => smtp.next('data', 354)],
    ['a text that is no reply', (smtp) => smtp.next('mail', 'Try later')],
    ['nothing', (smtp) => smtp.next('mail', '')],
    ['two replies', (smtp) => smtp.next('mail', [451, 452])],
    ['two drops', (smtp) => smtp.next('mail', [drop(), drop()])],
    ['a reply and a drop instead of it', (smtp) => smtp.next('mail', [451, drop()])],
    ['a drop in the content of MAIL', (smtp) => smtp.next('mail', drop({ at: 'inContent', afterBytes: 1 }))],
    ['a drop before the content began', (smtp) => smtp.next('data', drop({ at: 'inContent', afterBytes: 0 }))],
    ['taking a message at DATA', (smtp) => smtp.next('data', drop({ at: 'afterTaking' }))],
    ['a drop at a place that there is not', (smtp) => smtp.next('data', drop({ at: 'later' as 'afterReply' }))],
    ['a delay without a length', () => delay(Number.NaN)],
    ['a delay as a text', () => delay('100' as unknown as number)],
    ['a list of nothing', (smtp) => smtp.next('mail', [])],
    ['octets of no content', (smtp) => smtp.next('data', drop({ afterBytes: 100 } as object))],
    ['an option of a drop that there is not', (smtp) => smtp.next('data', drop({ after: 100 } as object))],
    ['an option that there is not', (smtp) => smtp.next('mail', 451, { time: 2 } as object)],
    ['a recipient that is a list', (smtp) => smtp.next('rcpt', 451, { when: { to: ['b@b.example'] } as object })],
    ['no times', (smtp) => smtp.next('mail', 451, { times: 0 })],
    ['a subject at RCPT', (smtp) => smtp.next('rcpt', 451, { when: { subject: 'x' } })],
  ])('%s', async (_name, script) => {
    await using smtp = await startTestServer();
    expect(() => script(smtp)).toThrow(expect.objectContaining({ code: 'SMTPD_BAD_OPTION' }) as Error);
  });
});

describe('a recipient', () => {
  it.each<[string, FaultStage]>([
    ['no fault there', 'data'],
    ['a fault there for others', 'rcpt'],
  ])('costs the same, be it the first or the thousandth, with %s', async (_name, stage) => {
    await using smtp = await startTestServer();
    smtp.next(stage, 451, { when: { to: 'z@z.example', from: 'z@z.example' }, times: Infinity });
    // Every one that is made has a copy of all recipients.
    const envelopes = vi.spyOn(SessionInfo.prototype, 'envelope', 'get');
    onTestFinished(() => {
      envelopes.mockRestore();
    });
    const client = await RawClient.connect(smtp.port);
    client.send(`EHLO c\r\nMAIL FROM:<a@a.example>\r\n${'RCPT TO:<b@b.example>\r\n'.repeat(1_000)}`);
    for (let replies = 0; replies < 1_003; replies += 1) expect([220, 250]).toContain((await client.reply()).code);
    expect(envelopes).not.toHaveBeenCalled();
    client.destroy();
  });

  it('is of this transaction: a fault for its sender knows no earlier one', async () => {
    await using smtp = await startTestServer();
    smtp.next('rcpt', 550, { when: { from: 'ann@a.example' }, times: Infinity });
    const client = await RawClient.connect(smtp.port);
    await client.reply();
    await client.command('HELO c');
    const codes: number[] = [];
    for (const name of ['ann', 'bob', 'ann']) {
      await client.command(`MAIL FROM:<${name}@a.example>`);
      codes.push((await client.command('RCPT TO:<c@c.example>')).code);
      await client.command('RSET');
    }
    expect(codes).toEqual([550, 250, 550]);
    client.destroy();
  });
});

async function closedSession(smtp: TestServer): Promise<void> {
  await until(() => smtp.sessions[0]?.isOpen === false);
}
