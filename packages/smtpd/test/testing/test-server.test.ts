/** A test server: what it shows, how it waits, what it says when nothing comes, and that it leaves nothing behind. */
import { connect } from 'node:net';
import { runInNewContext } from 'node:vm';

import { createTransport } from 'nodemailer';
import { describe, expect, it, vi } from 'vitest';

import { SMTPClient } from '../../src/index.js';
import { silentLogger } from '../../src/server/logger.js';
import { startTestServer, type TestMessage, type TestServer } from '../../src/testing/index.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { sendRaw, settled, until } from './send-raw.js';

describe('a test server', () => {
  it('listens on a free port of 127.0.0.1 and says where', async () => {
    await using smtp = await startTestServer();
    expect(smtp.host).toBe('127.0.0.1');
    expect(smtp.port).toBeGreaterThan(0);
    expect(smtp.url).toBe(`smtp://127.0.0.1:${String(smtp.port)}`);
  });

  it('writes an IPv6 host in brackets', async () => {
    await using smtp = await startTestServer({ host: '::1' });
    expect(smtp.url).toBe(`smtp://[::1]:${String(smtp.port)}`);
  });

  it('shows what nodemailer sent', async () => {
    await using smtp = await startTestServer();
    await createTransport(smtp.url).sendMail({
      from: 'Alice <alice@a.example>',
      to: 'Bob <bob@b.example>',
      bcc: 'carol@c.example',
      subject: 'Grüße aus Wien, mit einem langen Betreff, der gefaltet wird: Ä Ö Ü ß € — und weiter',
      text: '.A dot\nHello Bob',
    });
    const message = await smtp.waitForMessage();
    expect(message).toMatchObject({
      mailFrom: 'alice@a.example',
      rcptTos: ['bob@b.example', 'carol@c.example'],
      subject: 'Grüße aus Wien, mit einem langen Betreff, der gefaltet wird: Ä Ö Ü ß € — und weiter',
      body: '.A dot\r\nHello Bob\r\n',
    });
    expect(message.headers.get('to')).toBe('Bob <bob@b.example>');
    expect(message.headers.has('Bcc')).toBe(false);
    expect(Buffer.from(message.raw).toString()).toBe(message.text);
    expect(message.text).toContain('\r\n\r\n.A dot');
    expect(message.facts.sizeBytes).toBe(message.raw.length);
    expect(smtp.messages).toEqual([message]);
  });

  it('keeps messages in the order in which they were taken, also from many senders at a time', async () => {
    await using smtp = await startTestServer();
    const transport = createTransport(smtp.url, { from: 'a@a.example' });
    const subjects = Array.from({ length: 20 }, (_, index) => `Message ${String(index)}`);
    await Promise.all(subjects.map((subject) => transport.sendMail({ to: 'b@b.example', subject, text: subject })));
    expect(smtp.messages.map(({ subject }) => subject).sort()).toEqual([...subjects].sort());
    expect(await smtp.waitForMessages(20)).toEqual(smtp.messages);
  });

  it('does not show a message that was refused', async () => {
    await using smtp = await startTestServer({ dataSizeLimit: 100 });
    const client = await RawClient.connect(smtp.port);
    await client.replies(1);
    client.send('EHLO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n');
    await client.replies(4);
    client.send(`${'x'.repeat(200)}\r\n.\r\n`);
    expect((await client.reply()).code).toBe(552);
    expect(smtp.messages).toEqual([]);
  });

  it('takes hooks of the test, who may ask for batches', async () => {
    await using smtp = await startTestServer();
    smtp.server.use({ name: 'mine', rcptBatch: (requests) => requests.map(({ address }) => `250 2.1.5 ${address}`) });
    const client = await RawClient.connect(smtp.port);
    client.send('EHLO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@c.example>\r\n');
    expect((await client.replies(5)).slice(-2).map(({ lines }) => lines[0])).toEqual([
      '2.1.5 b@b.example',
      '2.1.5 c@c.example',
    ]);
  });

  it('refuses an option that it has not', async () => {
    await expect(startTestServer({ hots: 'x' } as object)).rejects.toMatchObject({ code: 'SMTPD_BAD_OPTION' });
  });
});

describe('a wait', () => {
  it('gives a message that is there already, and the same one when asked again', async () => {
    await using smtp = await startTestServer();
    await sendRaw(smtp, { subject: 'One' });
    const first = await smtp.waitForMessage();
    expect(await smtp.waitForMessage()).toBe(first);
  });

  it('gives a message that comes later', async () => {
    await using smtp = await startTestServer();
    const waiting = smtp.waitForMessage({ subject: 'Two' });
    await sendRaw(smtp, { subject: 'One' });
    await sendRaw(smtp, { subject: 'Two' });
    expect((await waiting).subject).toBe('Two');
  });

  it('goes on from a message named with `after`, also when it was cleared', async () => {
    await using smtp = await startTestServer();
    await sendRaw(smtp, { subject: 'One' });
    const one = await smtp.waitForMessage();
    await sendRaw(smtp, { subject: 'Two' });
    expect((await smtp.waitForMessage({}, { after: one })).subject).toBe('Two');
    smtp.clear();
    await sendRaw(smtp, { subject: 'Three' });
    expect((await smtp.waitForMessage({}, { after: one })).subject).toBe('Three');
  });

  it('for several ends with the one that makes the number full', async () => {
    await using smtp = await startTestServer();
    const waiting = smtp.waitForMessages(2, { to: /@b\.example$/ });
    for (const subject of ['One', 'Two', 'Three']) await sendRaw(smtp, { subject });
    expect((await waiting).map(({ subject }) => subject)).toEqual(['One', 'Two']);
  });

  it.each<[string, Parameters<TestServer['waitForMessage']>[0]]>([
    ['to, the domain without regard to case', { to: 'Bob@B.EXAMPLE' }],
    ['to, any of the recipients', { to: 'carol@c.example' }],
    ['to, a domain in its other form', { to: 'dave@bücher.example' }],
    ['from, a pattern', { from: /^alice@/ }],
    ['subject, exactly', { subject: 'Your order' }],
    ['subject, a pattern with a memory', { subject: /order/g }],
    ['a header field', { headers: { 'x-tag': 'blue', Subject: /^Your/ } }],
    ['text, somewhere', { text: 'Hello' }],
    ['text, a pattern', { text: /^Hel+o/m }],
    ['a function', (message: TestMessage) => message.rcptTos.length === 3],
    ['several at once', { to: /carol/, from: 'alice@a.example', subject: 'Your order' }],
  ])('matches %s', async (_name, matcher) => {
    await using smtp = await startTestServer();
    await sendRaw(smtp, ORDER);
    expect((await smtp.waitForMessage(matcher, { timeoutMs: 1 })).subject).toBe('Your order');
    // A pattern that remembers where it was would fail the second time.
    await smtp.waitForMessage(matcher, { timeoutMs: 1 });
  });

  it.each<[string, Parameters<TestServer['waitForMessage']>[0], string]>([
    [
      'to, a local part in another case',
      { to: 'bob@b.example' },
      'none of its recipients ["Bob@b.example","carol@c.example","dave@xn--bcher-kva.example"] is "bob@b.example"',
    ],
    ['from', { from: '' }, 'its sender "alice@a.example" is not ""'],
    ['subject', { subject: 'order' }, 'its subject "Your order" is not "order"'],
    ['subject, a pattern', { subject: /invoice/ }, 'its subject "Your order" does not match /invoice/'],
    ['a header field of another value', { headers: { 'x-tag': 'red' } }, 'its x-tag "blue" is not "red"'],
    ['a header field that is not there', { headers: { 'X-None': /./ } }, 'it has no X-None field'],
    ['text', { text: 'Goodbye' }, 'its text does not contain "Goodbye"'],
    // Test runners have globals of their own for tests.
    ['a pattern of another realm', { text: runInNewContext('/Good/') as RegExp }, 'text: /Good/'],
    ['what that is', { text: runInNewContext('/Good/') as RegExp }, 'its text does not match /Good/'],
    ['a function', () => false, 'the function says no'],
    [
      'a function that throws',
      () => {
        throw new Error('expected 2 to be 3');
      },
      'the function threw: expected 2 to be 3',
    ],
    ['two things', { subject: 'x', text: /y/ }, 'its subject "Your order" is not "x"; its text does not match /y/'],
  ])('that does not match says why: %s', async (_name, matcher, reason) => {
    const clock = new ManualClock();
    await using smtp = await startTestServer({ clock });
    await sendRaw(smtp, ORDER);
    const failed = settled(smtp.waitForMessage(matcher));
    clock.advance(5_000);
    const error = await failed;
    expect(error).toMatchObject({ name: 'TestServerError', code: 'SMTPD_TIMED_OUT' });
    expect(String(error)).toContain(reason);
  });

  it('that runs out of time says what did arrive', async () => {
    const clock = new ManualClock();
    await using smtp = await startTestServer({ clock });
    await sendRaw(smtp, { subject: 'One' });
    await sendRaw(smtp, { subject: undefined });
    const failed = settled(smtp.waitForMessages(2, { to: 'b@b.example', subject: /one/i }, { timeoutMs: 300 }));
    clock.advance(299);
    clock.advance(1);
    expect(String(await failed)).toBe(
      [
        'TestServerError: Waited for 2 messages with { to: "b@b.example", subject: /one/i }: not within 300 ms.',
        '2 messages arrived:',
        '  1. from <a@a.example> to <b@b.example>, subject "One": matches',
        '  2. from <a@a.example> to <b@b.example>, no subject: it has no subject',
      ].join('\n'),
    );
  });

  it('that runs out of time before anybody came says so', async () => {
    const clock = new ManualClock();
    await using smtp = await startTestServer({ clock });
    const failed = settled(smtp.waitForMessage());
    clock.advance(5_000);
    expect(String(await failed)).toBe(
      'TestServerError: Waited for a message with anything: not within 5000 ms.\nNo message arrived.\nNobody connected.',
    );
  });

  it('that runs out of time shows the session that brought no message', async () => {
    const clock = new ManualClock();
    await using smtp = await startTestServer({ clock, hostname: 'mx.example' });
    smtp.next('mail', 451);
    const client = await RawClient.connect(smtp.port);
    await client.replies(1);
    await client.command('HELO c.example');
    await client.command('MAIL FROM:<a@a.example>');
    const failed = settled(smtp.waitForMessage());
    clock.advance(5_000);
    const text = String(await failed);
    expect(text).toContain(
      'No message arrived.\n1 session brought no message; the last one:\n    -- connected from 127.0.0.1 port ',
    );
    expect(text).toMatch(
      /\n {4}C: HELO c\.example\n {4}S: 250 mx\.example\n {4}C: MAIL FROM:<a@a\.example>\n {4}S: 451 4\.0\.0 Not now, says the test$/,
    );
  });

  it('leaves no timer behind, whichever way it ends', async () => {
    const clock = new ManualClock();
    await using smtp = await startTestServer({ clock });
    const controller = new AbortController();
    const found = smtp.waitForMessage();
    const ended = settled(smtp.waitForMessage({ subject: 'never' }, { signal: controller.signal }));
    expect(clock.timerCount).toBe(2);
    await sendRaw(smtp, {});
    await found;
    controller.abort(new Error('enough'));
    expect(await ended).toMatchObject({ message: 'enough' });
    await smtp.close();
    expect(clock.timerCount).toBe(0);
  });

  it('ends when the server closes, and is refused afterwards, while what arrived can still be read', async () => {
    const smtp = await startTestServer();
    await sendRaw(smtp, { subject: 'One' });
    const ended = settled(smtp.waitForMessage({ subject: 'Two' }));
    await smtp.close();
    expect(String(await ended)).toContain('the server was closed while the test waited');
    expect(await settled(smtp.waitForMessage({ subject: 'Two' }))).toMatchObject({ code: 'SMTPD_TIMED_OUT' });
    expect((await smtp.waitForMessage()).subject).toBe('One');
  });

  it('refuses what would never or always match', async () => {
    await using smtp = await startTestServer();
    await using other = await startTestServer();
    await sendRaw(other, {});
    const [foreign] = other.messages;
    for (const wrong of [
      smtp.waitForMessage({ sbject: 'x' } as object),
      smtp.waitForMessage('x' as unknown as object),
      smtp.waitForMessage(/x/ as object),
      smtp.waitForMessage(new Map([['subject', 'x']]) as object),
      smtp.waitForMessage({ text: 5 } as object),
      smtp.waitForMessage({ to: ['b@b.example'] } as object),
      smtp.waitForMessage({ subject: expect.stringContaining('x') as string }),
      smtp.waitForMessage({ headers: 'Subject: x' } as object),
      smtp.waitForMessage({ headers: new Map([['Subject', 'x']]) } as object),
      smtp.waitForMessage({ headers: { Subject: true } } as object),
      smtp.waitForMessages(0),
      smtp.waitForMessage({}, { timeout: 50 } as object),
      smtp.waitForMessage({}, { after: foreign! }),
    ])
      expect(await settled(wrong)).toMatchObject({ code: 'SMTPD_BAD_OPTION' });
  });
});

it('gets what arrives under fake timers, and its waits end with their time', async () => {
  vi.useFakeTimers();
  try {
    await using server = await startTestServer();
    const waiting = server.waitForMessage({ subject: 'later' });
    const client = new SMTPClient({ remoteAddress: { host: server.host, port: server.port } });
    await client.connect();
    await client.send({ mailFrom: 'a@a.example', rcptTos: ['b@b.example'], data: 'Subject: later\r\n\r\nx\r\n' });
    await client.quit();
    expect((await waiting).subject).toBe('later');
    const overdue = expect(server.waitForMessage({ subject: 'never' })).rejects.toMatchObject({
      code: 'SMTPD_TIMED_OUT',
    });
    await vi.advanceTimersByTimeAsync(60_000);
    await overdue;
  } finally {
    vi.useRealTimers();
  }
});

describe('a function that answers with a promise', () => {
  it('finds no message, and the wait says why', async () => {
    await using smtp = await startTestServer();
    await sendRaw(smtp, { subject: 'One' });
    const wrong = (async ({ subject }: TestMessage) => {
      expect(subject).toBe('Two');
      return true;
    }) as unknown as (message: TestMessage) => boolean;
    expect(String(await settled(smtp.waitForMessage(wrong, { timeoutMs: 1 })))).toContain(
      'the function threw: it answers at once, with true or false, and not with a promise',
    );
  });

  it('is a fault of the test, which the transcript tells, where it says whom a fault is for', async () => {
    await using smtp = await startTestServer({ logger: silentLogger });
    smtp.next('mail', 550, { when: (async () => false) as unknown as () => boolean });
    const client = await RawClient.connect(smtp.port);
    await client.reply();
    await client.command('EHLO c.example');
    expect((await client.command('MAIL FROM:<a@a.example>')).code).toBe(451);
    expect(String(smtp.sessions[0])).toContain('the application failed: it answers at once');
    client.destroy();
  });
});

describe('a transcript', () => {
  it('shows the whole session, content as one line', async () => {
    await using smtp = await startTestServer({ hostname: 'mx.example' });
    await sendRaw(smtp, { subject: 'One' });
    const message = await smtp.waitForMessage();
    // The client may see the end of its connection before the server does.
    await until(() => !message.session.isOpen);
    expect(message.session).toBe(smtp.sessions[0]);
    expect(message.transcript.slice(1)).toEqual([
      'S: 220 mx.example ESMTP smtpd',
      'C: HELO client.example',
      'S: 250 mx.example',
      'C: MAIL FROM:<a@a.example>',
      expect.stringMatching(/^S: 250 /),
      'C: RCPT TO:<b@b.example>',
      expect.stringMatching(/^S: 250 /),
      'C: DATA',
      expect.stringMatching(/^S: 354 /),
      'C: (34 octets of content)',
      expect.stringMatching(/^S: 250 /),
      'C: QUIT',
      expect.stringMatching(/^S: 221 /),
      '-- closed: quit',
    ]);
    expect(String(message.session)).toBe(message.transcript.join('\n'));
  });

  it('gives a terminal no orders', async () => {
    await using smtp = await startTestServer();
    const client = await RawClient.connect(smtp.port);
    await client.replies(1);
    await client.command('NOOP \x1b[2J Grüße'.replace(/ü/, 'Ã¼').replace(/ß/, 'ÃŸ'.slice(0, 1)));
    expect(String(smtp.sessions[0])).not.toContain('\x1b');
    expect(String(smtp.sessions[0])).toContain('C: NOOP \\x1b[2J');
  });
});

describe('clear()', () => {
  it('forgets messages, sessions that are over, and faults that have not happened', async () => {
    await using smtp = await startTestServer();
    await sendRaw(smtp, {});
    smtp.next('mail', 451);
    const client = await RawClient.connect(smtp.port);
    await client.replies(1);
    smtp.clear();
    expect(smtp.messages).toEqual([]);
    expect(smtp.sessions.map(({ isOpen }) => isOpen)).toEqual([true]);
    await client.command('HELO c');
    expect((await client.command('MAIL FROM:<a@a.example>')).code).toBe(250);
  });
});

describe('close()', () => {
  it('tells idle clients 421 and leaves nothing open', async () => {
    const smtp = await startTestServer();
    const client = await RawClient.connect(smtp.port);
    await client.replies(1);
    const { port } = smtp;
    await smtp.close();
    expect((await client.closed()).map(({ code }) => code)).toEqual([421]);
    expect(smtp.sessions.map(({ isOpen }) => isOpen)).toEqual([false]);
    await expect(RawClient.connect(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('does not wait for a client in the middle of a message, a long delay, or one that never closes its side', async () => {
    const clock = new ManualClock();
    const smtp = await startTestServer({ clock });
    smtp.next('helo', { kind: 'delay', ms: 60_000 });
    const delayed = await RawClient.connect(smtp.port);
    await delayed.replies(1);
    delayed.send('EHLO c\r\n');
    const sending = await RawClient.connect(smtp.port);
    const silent = connect({ port: smtp.port, host: '127.0.0.1', allowHalfOpen: true });
    await new Promise((resolve) => silent.once('data', resolve));
    await delayedBegan(smtp);
    sending.send('HELO c\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n');
    await sending.replies(5);
    sending.send('half a mess');
    await smtp.close();
    await Promise.all([delayed.closed(), sending.closed()]);
    expect(smtp.messages).toEqual([]);
    expect(clock.timerCount).toBe(0);
    silent.destroy();
  });

  it('may be called again, and twice at a time', async () => {
    const smtp = await startTestServer();
    await Promise.all([smtp.close(), smtp.close()]);
    await smtp.close();
  });
});

/** Waits until the first session is in its delay. */
async function delayedBegan(smtp: TestServer): Promise<void> {
  await until(() => String(smtp.sessions[0]).includes('ms pass'));
}

const ORDER = {
  from: 'alice@a.example',
  to: ['Bob@b.example', 'carol@c.example', 'dave@xn--bcher-kva.example'],
  subject: 'Your order',
  headers: { 'X-Tag': 'blue' },
  body: 'Hello Bob',
};
