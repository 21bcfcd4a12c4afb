/** The client against a real inbox, with nodemailer as the program that sends. */

import { getEventListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { runInNewContext } from 'node:vm';

import { createTransport, type SendMailOptions } from 'nodemailer';
import { startInbox, type InboxServer } from 'smtpd-inbox';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { InboxClient, InboxError, NoMessageError, type IsolatedInbox } from '../../src/client/index.js';
import { freePort } from '../../../smtpd/test/support/free-port.js';
import { RICH_MAIL, sendMail } from '../support/mails.js';

let server: InboxServer;
let client: InboxClient;
let inbox: IsolatedInbox;

beforeAll(async () => {
  server = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', tls: { mode: 'off' } });
  client = new InboxClient({ url: server.url });
});
afterAll(() => server.close());
beforeEach(async () => {
  inbox = await client.createInbox();
});
afterEach(() => inbox.remove());

const send = async (mail: SendMailOptions = {}, url = inbox.smtpURL): Promise<void> => {
  await createTransport(url).sendMail({
    from: 'shop@a.example',
    to: 'bob@b.example',
    subject: 'x',
    text: 'x',
    ...mail,
  });
};
const failureOf = async <Failure extends Error = InboxError>(promise: Promise<unknown>): Promise<Failure> =>
  promise.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error as Failure,
  );

describe('waitFor', () => {
  it('gives a message that is there', async () => {
    await send({ subject: 'Your order 4711', text: 'Thank you, Bob.' });
    const message = await inbox.waitFor({
      to: 'bob@b.example',
      from: 'shop@a.example',
      subject: 'order',
      body: 'thank you',
    });
    expect(message).toMatchObject({ subject: 'Your order 4711', from: ['shop@a.example'], to: ['bob@b.example'] });
    expect(message.envelope).toMatchObject({ mailFrom: 'shop@a.example', rcptTos: ['bob@b.example'] });
    expect(await message.text()).toContain('Thank you, Bob.');
  });

  it('gives a message that comes later', async () => {
    const waiting = inbox.waitFor({ subject: 'later' });
    await send({ subject: 'sooner' });
    await send({ subject: 'later' });
    expect((await waiting).subject).toBe('later');
  });

  it('gives each message once to whoever goes on behind it', async () => {
    for (const subject of ['one', 'two', 'three']) await send({ subject });
    const newest = await inbox.waitFor();
    expect(newest.subject).toBe('three');
    await send({ subject: 'four' });
    await send({ subject: 'five' });
    const next = await inbox.waitFor({ after: newest });
    expect([next.subject, (await inbox.waitFor({ after: next })).subject]).toEqual(['four', 'five']);
    const failure = await failureOf(inbox.waitFor({ after: (await inbox.list())[0]! }));
    expect(failure.code).toBe('BAD_OPTION');
  });

  it('refuses criteria that would be compared with nothing, and so find any message', async () => {
    await send({ subject: 'Another' });
    const refused: readonly (readonly [unknown, string])[] = [
      [
        { subjcet: 'Order' },
        'There is no option "subjcet"; there are: to, from, subject, body, q, timeoutMs, after, signal.',
      ],
      ['bob@b.example', "Options are an object, such as { to: 'bob@b.example', subject: 'Welcome' }."],
      [/Order/, "Options are an object, such as { to: 'bob@b.example', subject: 'Welcome' }."],
      [{ to: null }, 'to is text.'],
      [{ from: /a/ }, 'from is text.'],
      [{ subject: 12 }, 'subject is text, or a regular expression.'],
      [{ body: ['Order'] }, 'body is text, or a regular expression.'],
    ];
    for (const [given, message] of refused) {
      expect(await failureOf(inbox.waitFor(given as object))).toMatchObject({ code: 'BAD_OPTION', message });
      const coming = inbox.messages(given as object).next();
      expect(await failureOf(coming)).toMatchObject({ code: 'BAD_OPTION' });
    }
    expect(await failureOf(inbox.list({ subject: 'Order' } as object))).toMatchObject({ code: 'BAD_OPTION' });
    // As test runners have them, whose modules and tests may have globals of their own.
    const foreign = runInNewContext('/^Anoth/') as RegExp;
    expect((await inbox.waitFor({ subject: foreign })).subject).toBe('Another');
    expect(
      (await failureOf(inbox.waitFor({ subject: runInNewContext('/^Order/') as RegExp, timeoutMs: 0 }))).code,
    ).toBe('NO_MATCH');
  });

  it('finds what a pattern finds, newest first, among all that the server finds', async () => {
    for (const subject of ['Order 1', 'Order 12', 'Invoice 44', 'Order 3']) await send({ subject });
    expect((await inbox.waitFor({ subject: /^order \d\d$/i })).subject).toBe('Order 12');
    const pattern = /^Order \d$/g;
    for (const _ of [1, 2])
      expect((await inbox.waitFor({ subject: pattern, to: 'bob@b.example' })).subject).toBe('Order 3');
    const waiting = inbox.waitFor({ subject: /\d{3}/ });
    await send({ subject: 'Order 55' });
    await send({ subject: 'Order 555' });
    expect((await waiting).subject).toBe('Order 555');
  });

  it('looks for a pattern in the text and in the HTML', async () => {
    await send({ subject: 'text', text: 'The code is 1234' });
    await send({ subject: 'html', text: 'See the HTML', html: '<p>The code is <b>5678</b></p>' });
    expect((await inbox.waitFor({ body: /code is \d{4}/ })).subject).toBe('text');
    expect((await inbox.waitFor({ body: /<b>\d{4}<\/b>/ })).subject).toBe('html');
  });

  it('says what came instead, and why that is not it', async () => {
    await send({ subject: 'Your order', to: 'bob@b.example' });
    await send({ subject: 'Your invoice', to: 'eve@b.example' });
    const failure = await failureOf<NoMessageError>(
      inbox.waitFor({ to: 'bob@b.example', subject: 'Your invoice', timeoutMs: 50 }),
    );
    expect(failure).toBeInstanceOf(NoMessageError);
    expect(failure.nearMisses.map(({ entry, reasons }) => [entry.subject, reasons.length])).toEqual([
      ['Your invoice', 1],
      ['Your order', 1],
    ]);
    expect(failure.message.split('\n')).toEqual([
      `Waited for a message with { to: "bob@b.example", subject: "Your invoice" } in inbox "${inbox.name}" at ${client.url}: none within 50 ms.`,
      'What arrived instead, the nearest of it first:',
      '  1. from <shop@a.example> to <eve@b.example>, subject "Your invoice": it went to eve@b.example, not to bob@b.example',
      '  2. from <shop@a.example> to <bob@b.example>, subject "Your order": its subject is "Your order", not "Your invoice"',
    ]);
  });

  it('says the same of what a pattern does not find, besides what the server did not', async () => {
    await send({ from: 'other@a.example', to: 'eve@b.example', subject: 'Far' });
    await send({ subject: 'Hello', text: 'no digits' });
    await send({ to: 'eve@b.example', subject: 'Near' });
    const failure = await failureOf<NoMessageError>(
      inbox.waitFor({ to: 'bob@b.example', from: 'shop@a.example', body: /\d/, timeoutMs: 50 }),
    );
    expect(failure.nearMisses.map(({ entry, reasons }) => [entry.subject, ...reasons])).toEqual([
      ['Hello', 'neither its text nor its HTML matches /\\d/'],
      ['Near', 'it went to eve@b.example, not to bob@b.example'],
      [
        'Far',
        'it went to eve@b.example, not to bob@b.example',
        'it came from other@a.example, not from shop@a.example',
      ],
    ]);
    expect((await failureOf(inbox.waitFor({ subject: /^Bye/, timeoutMs: 0 }))).message).toContain(
      'its subject "Hello" does not match /^Bye/',
    );
  });

  it('says that nothing came at all', async () => {
    expect((await failureOf(inbox.waitFor({ timeoutMs: 20 }))).message).toMatch(/Nothing else arrived either\.$/);
  });

  it('ends with the reason of its signal', async () => {
    const abort = new AbortController();
    const waiting = failureOf(inbox.waitFor({ signal: abort.signal }));
    abort.abort(new Error('the test is over'));
    expect((await waiting).message).toBe('the test is over');
    expect((await failureOf(inbox.waitFor({ signal: AbortSignal.abort() }))).name).toBe('AbortError');
  });

  it('says what is wrong with a search', async () => {
    expect((await failureOf(inbox.waitFor({ q: 'form:ann' }))).code).toBe('BAD_SEARCH');
  });
});

describe('a message', () => {
  it('has all that the API has', async () => {
    await sendMail(server.smtpPort, { to: [inbox.address('bob')] });
    const message = await inbox.waitFor();
    expect(Buffer.from(await message.raw()).toString()).toBe(RICH_MAIL);
    expect(await message.text()).toContain('Your code is 482913');
    expect(await message.html()).toContain('<b>482913</b>');
    expect(await message.code()).toBe('482913');
    expect(await message.code(/^\d{6}$/)).toBe('482913');
    for (const wanted of ['Go on', 'go ON', 'Go', 'a.example/go', /^Go on$/, /\/go$/, undefined])
      expect(await message.link(wanted)).toBe('https://a.example/go');
    const headers = await message.headers();
    expect([headers.get('message-id'), headers.getAll('Received').length, headers.has('X-Nothing')]).toEqual([
      '<rich@a.example>',
      0,
      false,
    ]);
    expect([...headers].slice(0, 2)).toEqual([
      ['Date', 'Wed, 25 Nov 2026 10:00:00 +0000'],
      ['From', 'Ann <ann@a.example>'],
    ]);
    const attachment = await message.attachment('notes.txt');
    expect(attachment).toMatchObject({ fileName: 'notes.txt', contentType: 'text/plain', sizeBytes: 6 });
    expect(await attachment.text()).toBe('Notes.');
    expect((await message.attachment(/\.txt$/)).part.number).toBe(attachment.part.number);
    expect((await message.transcript()).lines.map(({ text }) => text)).toContain(`RCPT TO:<${inbox.address('bob')}>`);
    expect(message).toMatchObject({ cc: [], tags: [], sizeBytes: RICH_MAIL.length, session: { protocol: 'ESMTP' } });
    expect(Date.now() - message.receivedAt.getTime()).toBeLessThan(60_000);
  });

  it('is judged', async () => {
    await send({ subject: 'Judged', html: '<p style="display:grid"><img src="https://a.example/p.png"></p>' });
    await send({ subject: 'Judged', html: '<p>Two</p>' });
    const [two, one] = await inbox.list();
    await sendMail(server.smtpPort, { to: [inbox.address()], content: 'Subject: No date\r\n\r\nx\r\n' });
    expect((await (await inbox.waitFor({ subject: 'No date' })).lint()).map(({ rule }) => rule)).toContain(
      'missing-date',
    );
    expect((await one!.authentication()).state).toBe('off');
    expect((await one!.compatibility()).features.map(({ slug }) => slug)).toContain('css-display-grid');
    expect((await one!.accessibility()).map(({ in: where }) => where)).toContain('html');
    expect((await two!.difference()).other?.id).toBe(one!.id);
    expect((await two!.difference(one)).sections.map(({ part }) => part)).toContain('html');
  });

  it('says what there is when it has not what is asked for', async () => {
    await send({
      subject: 'Reset',
      html: '<a href="https://a.example/reset?t=1">Reset your password</a> <a href="https://a.example/help">Help</a>',
      attachments: [{ filename: 'a.pdf', content: 'x' }],
    });
    const message = await inbox.waitFor();
    const codeMessage = (await failureOf(message.code())).message;
    expect(codeMessage).toBe('The message "Reset" has nothing that looks like a code. It has no codes.');
    expect((await failureOf(message.link('Unsubscribe'))).message.split('\n')).toEqual([
      'The message "Reset" has no link like "Unsubscribe". Its links:',
      '  "Reset your password" https://a.example/reset?t=1',
      '  "Help" https://a.example/help',
    ]);
    expect(await failureOf(message.link())).toMatchObject({ code: 'NO_LINK' });
    expect(await failureOf(message.attachment('b.pdf'))).toMatchObject({
      code: 'NO_ATTACHMENT',
      message: 'The message "Reset" has no attachment called "b.pdf". Its attachments:\n  "a.pdf" (application/pdf)',
    });
    expect((await message.attachment()).fileName).toBe('a.pdf');
  });

  it('is fetched once, and again when that failed', async () => {
    await send();
    let fetched = 0;
    const counting = new InboxClient({
      url: server.url,
      inbox: inbox.name,
      fetch: async (input, init) => {
        fetched += 1;
        if (fetched === 2) throw new TypeError('fetch failed');
        return fetch(input, init);
      },
    });
    const message = await counting.waitFor();
    expect(await failureOf(message.text())).toMatchObject({ code: 'UNREACHABLE' });
    expect(await Promise.all([message.text(), message.html(), message.links()])).toEqual(['x\n', '', []]);
    expect(fetched).toBe(3);
  });

  it('comes back after it was deleted', async () => {
    await send();
    const message = await inbox.waitFor();
    const deletion = await message.delete();
    expect(await failureOf(client.get(message.id))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await client.restore(deletion)).toEqual([message.id]);
    expect((await client.get(message.id)).subject).toBe('x');
  });
});

describe('lists', () => {
  it('are newest first, and as long as one likes', async () => {
    for (const subject of ['a', 'b', 'c']) await send({ subject });
    expect((await inbox.list()).map(({ subject }) => subject)).toEqual(['c', 'b', 'a']);
    expect((await inbox.list({ limit: 2, q: '-subject:c' })).map(({ subject }) => subject)).toEqual(['b', 'a']);
    expect(await client.list({ limit: 1, q: `inbox:${inbox.name}` })).toHaveLength(1);
  });

  it('are searched over all pages', async () => {
    // More than a page has.
    const transport = createTransport({ url: inbox.smtpURL, pool: true });
    for (let index = 0; index < 101; index += 1)
      await transport.sendMail({ from: 'a@a.example', to: 'b@b.example', subject: `Mail ${String(index)}`, text: '' });
    transport.close();
    const subjects = new Set<string>();
    for await (const { subject } of inbox.search('subject:mail')) subjects.add(subject!);
    expect(subjects.size).toBe(101);
    expect(await inbox.list()).toHaveLength(100);
    expect(await inbox.list({ limit: 101 })).toHaveLength(101);
  });

  it('are marked, tagged, deleted, cleared and brought back', async () => {
    for (const subject of ['a', 'b', 'c']) await send({ subject });
    const [c, b, a] = await inbox.list();
    await client.mark(c!);
    await client.tag([a!, b!.id], { add: ['seen', 'old'] });
    await client.tag(a!, { remove: ['old'] });
    expect((await inbox.list({ q: 'is:read' })).map(({ id }) => id)).toEqual([c!.id]);
    expect((await inbox.list()).map(({ tags }) => tags)).toEqual([[], ['old', 'seen'], ['seen']]);
    await client.mark([c!], false);
    expect(await inbox.list({ q: 'is:read' })).toEqual([]);
    await client.delete(a!, b!);
    expect((await inbox.list()).map(({ id }) => id)).toEqual([c!.id]);
    const deletion = await inbox.clear();
    expect(await inbox.list()).toEqual([]);
    expect(await client.restore(deletion)).toEqual([c!.id]);
    expect((await inbox.clear({ q: 'subject:nothing' })).ids).toEqual([]);
    expect((await client.counts()).inboxes[inbox.name]?.messages).toBe(1);
  });

  it('show sessions without a message to whoever asks', async () => {
    const refused = await inbox.faults.next('rcpt', '550 5.1.1 No such user');
    await send().catch(() => undefined);
    expect(await refused.hits()).toBe(1);
    // It is kept when its end has been seen, which the client does not wait for.
    await expect
      .poll(async () => (await client.page({ q: 'is:session', limit: 1 })).entries)
      .toMatchObject([{ kind: 'session' }]);
    expect((await inbox.page()).entries).toEqual([]);
  });
});

describe('messages', () => {
  it('gives what comes from now on, each once and in its order', async () => {
    await send({ subject: 'before' });
    let requests = 0;
    const watched = new InboxClient({
      url: server.url,
      inbox: inbox.name,
      fetch: (input, init) => {
        requests += 1;
        return fetch(input, init);
      },
    });
    const messages = watched.messages({ subject: /^n/ });
    const first = messages.next();
    // It asks where the inbox ends before it waits.
    await expect.poll(() => requests).toBe(2);
    for (const subject of ['n1', 'other', 'n2', 'n3']) await send({ subject });
    const subjects = [(await first).value?.subject];
    for await (const { subject } of messages) if (subjects.push(subject) === 3) break;
    expect(subjects).toEqual(['n1', 'n2', 'n3']);
  });

  it('goes on when the server was away', async () => {
    await send({ subject: 'zero' });
    let isAway = false;
    const unsteady = new InboxClient({
      url: server.url,
      inbox: inbox.name,
      fetch: async (input, init) => {
        if (isAway) {
          isAway = false;
          throw new TypeError('fetch failed');
        }
        return fetch(input, init);
      },
    });
    const messages = unsteady.messages({ after: await inbox.waitFor() });
    await send({ subject: 'one' });
    expect((await messages.next()).value?.subject).toBe('one');
    isAway = true;
    await send({ subject: 'two' });
    expect((await messages.next()).value?.subject).toBe('two');
    isAway = true;
    const impatient = unsteady.messages({ after: 'anything', reconnectMs: 0 });
    expect(await failureOf(impatient.next())).toMatchObject({ code: 'UNREACHABLE' });
  });

  it('ends with its signal', async () => {
    const abort = new AbortController();
    const next = inbox.messages({ signal: abort.signal }).next();
    abort.abort(new Error('enough'));
    expect((await failureOf(next)).message).toBe('enough');
  });
});

describe('events', () => {
  it('tells what happens, and after a lost line that something may be missing', async () => {
    const streams: AbortController[] = [];
    const unsteady = new InboxClient({
      url: server.url,
      inbox: inbox.name,
      fetch: async (input, init) => {
        const line = new AbortController();
        init?.signal?.addEventListener('abort', () => {
          line.abort(init.signal?.reason);
        });
        const response = await fetch(input, { ...init, signal: line.signal });
        streams.push(line);
        return response;
      },
    });
    const abort = new AbortController();
    const events = unsteady.events({ signal: abort.signal });
    const first = events.next();
    // The server follows its store once it has answered.
    await expect.poll(() => streams.length).toBe(1);
    await send({ subject: 'one' });
    expect((await first).value).toMatchObject({ kind: 'added', entry: { subject: 'one' } });
    streams[0]!.abort(new TypeError('terminated'));
    expect((await events.next()).value).toEqual({ kind: 'missed' });
    const [message] = await inbox.list();
    await message!.delete();
    expect((await events.next()).value).toEqual({ kind: 'deleted', ids: [message!.id] });
    const last = failureOf(events.next());
    abort.abort(new Error('enough'));
    expect((await last).message).toBe('enough');
  });
});

it('listens to a signal no longer than there is something that it could end', async () => {
  let answers = 0;
  const watched = new InboxClient({
    url: server.url,
    inbox: inbox.name,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      answers += 1;
      return response;
    },
  });
  const abort = new AbortController();
  const { signal } = abort;
  await send({ subject: 'one' });
  await new Response(await watched.export({ signal })).arrayBuffer();
  await (await watched.export({ signal })).cancel();
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  const events = watched.events({ signal });
  const event = events.next();
  await expect.poll(() => answers).toBe(3);
  await send({ subject: 'two' });
  await event;
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await events.return(undefined);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

describe('an isolated inbox', () => {
  it('has what is sent by its user, to its addresses, or with its tag, and nothing else', async () => {
    await using other = await client.createInbox({ ttlSeconds: 60 });
    const nobody = `smtp://127.0.0.1:${String(server.smtpPort)}`;
    await send({ subject: 'by user' });
    await send({ subject: 'by address', to: inbox.address('ann') }, nobody);
    await send({ subject: 'by tag', to: inbox.addressAt('c.example', 'ann') }, nobody);
    await send({ subject: 'other' }, other.smtpURL);
    await send({ subject: 'everybody' }, nobody);
    expect((await inbox.list()).map(({ subject }) => subject)).toEqual(['by tag', 'by address', 'by user']);
    expect((await other.list()).map(({ subject }) => subject)).toEqual(['other']);
    const everybody = new InboxClient({ url: server.url, inbox: '' });
    expect((await everybody.list()).map(({ subject }) => subject)).toContain('everybody');
    await everybody.clear();
    expect(await inbox.list()).toHaveLength(3);
    expect(inbox.smtp).toEqual({
      host: '127.0.0.1',
      port: server.smtpPort,
      user: inbox.name,
      password: inbox.facts.password,
      isSecure: false,
    });
  });

  it('is taken away with its mail and its faults', async () => {
    {
      await using mine = await client.createInbox({ name: 'mine' });
      await send({}, mine.smtpURL);
      await mine.faults.add({ stage: 'mail', code: 451 });
      expect(await failureOf(client.createInbox({ name: 'mine' }))).toMatchObject({ code: 'CONFLICT' });
      expect((await (await client.openInbox('mine')).list()).length).toBe(1);
      expect((await client.listInboxes()).map(({ name }) => name)).toContain('mine');
    }
    expect(await failureOf(client.openInbox('mine'))).toMatchObject({ code: 'NOT_FOUND' });
    expect(await client.list({ q: 'inbox:mine' })).toEqual([]);
    expect((await client.faults.list()).filter((fault) => fault.inbox === 'mine')).toEqual([]);
  });

  it('is written to where the client was told', async () => {
    const mapped = new InboxClient({ url: server.url, smtp: '[::1]:2525' });
    await using mine = await mapped.createInbox();
    expect(mine.smtpURL).toBe(`smtp://${mine.name}:${mine.facts.password}@[::1]:2525`);
    expect(() => new InboxClient({ smtp: 'localhost' })).toThrow('127.0.0.1:1025');
  });
});

describe('faults', () => {
  it('happen to one inbox, as often as was said', async () => {
    await using other = await client.createInbox();
    const full = await inbox.faults.next('rcpt', '452 4.2.2 Mailbox full', { times: 2 });
    await expect(send()).rejects.toThrow('452 4.2.2 Mailbox full');
    await send({}, other.smtpURL);
    await expect(send()).rejects.toMatchObject({ responseCode: 452 });
    await send();
    expect([await full.hits(), (await inbox.faults.list()).length, (await other.faults.list()).length]).toEqual([
      2, 1, 0,
    ]);
  });

  it('are codes, replies or what else can happen, and are taken away', async () => {
    const gone = await inbox.faults.add({ stage: 'message', code: 554 });
    await inbox.faults.next('mail', 451);
    await expect(send()).rejects.toMatchObject({ responseCode: 451 });
    await inbox.faults.next('data', { disconnect: 'insteadOfReply' });
    await expect(send()).rejects.toMatchObject({ code: 'ECONNECTION' });
    await expect(send()).rejects.toMatchObject({ responseCode: 554 });
    await gone.remove();
    await send();
    expect(await failureOf(gone.hits())).toMatchObject({ code: 'NOT_FOUND' });
    const everybodys = await client.faults.add({ stage: 'rcpt', code: 451, to: 'nobody@nowhere.example' });
    await inbox.faults.clear();
    expect((await client.faults.list()).map(({ id }) => id)).toEqual([everybodys.id]);
    await client.faults.clear();
    expect(await client.faults.list()).toEqual([]);
    expect(() => inbox.faults.next('mail', '250 Ok')).toThrow('no reply that refuses');
  });
});

describe('mail otherwise than by SMTP', () => {
  it('is made, sent again, and not released without leave', async () => {
    const to = inbox.address('bob');
    const { recipients } = await client.send({ from: 'ann@a.example', to: [to], subject: 'Made', text: 'Hello' });
    expect(recipients).toMatchObject([{ address: to, isAccepted: true }]);
    const made = await inbox.waitFor({ subject: 'Made' });
    expect((await client.replay(made)).recipients).toHaveLength(1);
    expect((await inbox.waitFor({ after: made })).subject).toBe('Made');
    expect(await failureOf(client.release(made, { to: ['ann@a.example'] }))).toMatchObject({ code: 'NOT_ALLOWED' });
  });

  it.each(['mbox', 'zip'] as const)('is exported and imported as %s', async (format) => {
    for (const subject of ['one', 'two']) await send({ subject });
    await using copy = await client.createInbox();
    const file = await new Response(await inbox.export({ format, q: 'subject:two' })).arrayBuffer();
    const result = await copy.import(new Uint8Array(file), `application/${format}`);
    expect([result.ids.length, result.skipped]).toEqual([1, []]);
    // A stream is handed on as it comes.
    await copy.import(await inbox.export({ format }), `application/${format}`);
    expect((await copy.list()).map(({ subject }) => subject)).toEqual(['two', 'one', 'two']);
    const [original] = await inbox.list();
    const [copied] = await copy.list();
    expect(await copied!.raw()).toEqual(await original!.raw());
  });

  it('is imported message by message', async () => {
    const { ids } = await inbox.import('Subject: By hand\r\n\r\nHello\r\n', 'message/rfc822');
    expect((await client.get(ids[0]!)).subject).toBe('By hand');
    expect(await failureOf(inbox.import('x', 'application/zip'))).toMatchObject({ code: 'BAD_REQUEST' });
    const nowhere = new InboxClient({ url: server.url, inbox: 'nowhere' });
    expect(await failureOf(nowhere.import('x', 'message/rfc822'))).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a server', () => {
  it('that is not there is said to be not there', async () => {
    const port = await freePort();
    const failure = await failureOf(new InboxClient({ url: `http://127.0.0.1:${String(port)}/` }).info());
    expect(failure).toMatchObject({
      code: 'UNREACHABLE',
      message: `There is no inbox at http://127.0.0.1:${String(port)}: start it with \`npx smtpd-inbox\`, or say where it is in SMTPD_INBOX_URL.`,
    });
    expect(failure.cause).toBeInstanceOf(TypeError);
  });

  it('that is another one is said to be another one', async () => {
    await using other = await otherServer((_, end) => {
      end(200, '<html>');
    });
    expect(await failureOf(new InboxClient({ url: other.url }).info())).toMatchObject({ code: 'NOT_AN_INBOX' });
    await using mailpit = await otherServer((_, end) => {
      end(404, '404 page not found');
    });
    expect((await failureOf(new InboxClient({ url: `${mailpit.url}/below/` }).waitFor())).message).toBe(
      `What answers at ${mailpit.url}/below is not an inbox of smtpd-inbox: it said 404 to GET /api/v1/wait.`,
    );
  });

  it('that does not answer is not waited for without end', async () => {
    await using silent = await otherServer(() => undefined);
    expect(await failureOf(new InboxClient({ url: silent.url, answerTimeoutMs: 20 }).info())).toMatchObject({
      code: 'TIMED_OUT',
    });
    const wait = new InboxClient({ url: silent.url, answerTimeoutMs: 20 }).waitFor({ timeoutMs: 1 });
    expect((await failureOf(wait)).message).toMatch(/did not answer GET wait within 2\d(\.\d+)? ms/);
  });

  it('is found by the variables of the process', async () => {
    const variables = { SMTPD_INBOX_URL: server.url, SMTPD_INBOX_SMTP: 'mail.example:2525' };
    const before = { ...process.env };
    Object.assign(process.env, variables);
    try {
      const found = new InboxClient();
      await using mine = await found.createInbox();
      expect([found.url, mine.smtp.host, mine.smtp.port]).toEqual([client.url, 'mail.example', 2525]);
      expect(new InboxClient({ url: 'https://x.example/inbox/' }).url).toBe('https://x.example/inbox');
    } finally {
      process.env = before;
    }
    expect(new InboxClient().url).toBe('http://127.0.0.1:8025');
  });

  it.each(['127.0.0.1:8025', 'ftp://x.example', 'http://user:secret@x.example', ''])('is not at %j', (url) => {
    expect(() => new InboxClient({ url })).toThrow(InboxError);
  });

  it.each([
    [{ token: 'to~ken/4=' }, { token: 'to~ken/4=' }],
    [{ password: 'päss€' }, { password: 'päss€' }],
  ])('with a password or a token is asked with it: %j', async (options, credentials) => {
    await using guarded = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', ...options });
    expect(await failureOf(new InboxClient({ url: guarded.url }).info())).toMatchObject({ code: 'UNAUTHORIZED' });
    expect((await new InboxClient({ url: guarded.url, ...credentials }).info()).smtp).toHaveLength(1);
    expect(() => new InboxClient({ token: 'tök€n' })).toThrow('visible ASCII');
    // These asked the address of the variable, or the usual one.
    expect(() => new InboxClient('http://127.0.0.1:9' as unknown as object)).toThrow(
      "such as { url: 'http://127.0.0.1:8025' }",
    );
    expect(() => new InboxClient({ baseURL: 'http://127.0.0.1:9' } as object)).toThrow('There is no option "baseURL"');
  });
});

interface OtherServer extends AsyncDisposable {
  readonly url: string;
}

/** A server that is no inbox. */
async function otherServer(
  answer: (path: string, end: (status: number, text: string) => void) => void,
): Promise<OtherServer> {
  const other: Server = createServer((request, response) => {
    answer(request.url ?? '', (status, text) => {
      response.writeHead(status).end(text);
    });
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((other.address() as AddressInfo).port)}`,
    async [Symbol.asyncDispose]() {
      other.closeAllConnections();
      await new Promise((resolve) => other.close(resolve));
    },
  };
}
