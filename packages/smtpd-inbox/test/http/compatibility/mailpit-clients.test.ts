/** The clients of Mailpit against an inbox: every method that they have. */

import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

import { MailpitClient } from 'mailpit-api';
import { startInbox, type InboxServer } from 'smtpd-inbox';
import { startTestServer, type TestServer } from 'smtpd/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';

import { InboxClient } from '../../../src/client/index.js';
import { ask } from '../../support/http.js';
import { RICH_MAIL, sendMail } from '../../support/mails.js';

let upstream: TestServer;
let inbox: InboxServer;
let url: string;
let client: MailpitClient;

beforeAll(async () => {
  upstream = await startTestServer();
  inbox = await startInbox({
    smtp: '127.0.0.1:0',
    http: false,
    mailpit: '127.0.0.1:0',
    release: { to: `127.0.0.1:${String(upstream.port)}`, allow: ['@allowed.example'] },
  });
  url = inbox.compatibilityURLs['mailpit'] ?? '';
  client = new MailpitClient(url);
});
beforeEach(async () => {
  await inbox.store.clear();
  await client.setChaosTriggers();
});
afterAll(async () => {
  await inbox.close();
  await upstream.close();
});

const SECOND =
  'From: shop@shop.example\r\nTo: Carol <carol@c.example>\r\nSubject: Second one\r\nMessage-ID: <2@shop.example>\r\n\r\nHello Carol\r\n';

const idOf = (message: { readonly ID: string }): string => message.ID;

/** Two messages, the rich one first. */
async function two(): Promise<readonly [string, string]> {
  await sendMail(inbox.smtpPort, { to: ['bob@b.example', 'hidden@h.example'] });
  await sendMail(inbox.smtpPort, { from: 'bounce@shop.example', to: ['carol@c.example'], content: SECOND });
  const { messages } = await client.listMessages();
  const [second, first] = messages.map(idOf);
  return [first ?? '', second ?? ''];
}

/** How each method is played. One that is not here fails the test. */
const PLAYS: Readonly<Record<string, () => Promise<void>>> = {
  async getInfo() {
    const [first] = await two();
    await client.setTags({ IDs: [first], Tags: ['red'] });
    const info = await client.getInfo();
    expect(info).toMatchObject({ Messages: 2, Unread: 2, Tags: { red: 1 }, RuntimeStats: { SMTPRejected: 0 } });
    expect(info.RuntimeStats.SMTPAccepted).toBeGreaterThanOrEqual(2);
    expect(info.Version).toMatch(/^smtpd-inbox \d/);
    expect(info.DatabaseSize).toBeGreaterThan(RICH_MAIL.length);
  },
  async getConfiguration() {
    expect(await client.getConfiguration()).toMatchObject({
      MessageRelay: { Enabled: true, SMTPServer: expect.stringContaining(String(upstream.port)) as string },
      SpamAssassin: false,
      ChaosEnabled: true,
    });
  },
  async getMessageSummary() {
    const [first, second] = await two();
    expect(await client.getMessageSummary(first)).toEqual({
      ID: first,
      MessageID: 'rich@a.example',
      From: { Name: 'Ann', Address: 'ann@a.example' },
      To: [{ Name: 'Bob', Address: 'bob@b.example' }],
      Cc: [],
      Bcc: [{ Name: '', Address: 'hidden@h.example' }],
      ReplyTo: [],
      ReturnPath: 'ann@a.example',
      Subject: 'Your code',
      ListUnsubscribe: { Header: '', Links: [], Errors: '', HeaderPost: '' },
      Date: '2026-11-25T10:00:00.000Z',
      Tags: [],
      Username: '',
      Text: expect.stringContaining('Your code is 482913.') as string,
      HTML: expect.stringContaining('<img src="cid:logo" alt="Logo">') as string,
      Size: RICH_MAIL.length,
      Inline: [
        {
          PartID: '2',
          FileName: 'logo.png',
          ContentType: 'image/png',
          ContentID: 'logo',
          Size: 70,
          Checksums: expect.anything() as object,
        },
      ],
      Attachments: [
        {
          PartID: '3',
          FileName: 'notes.txt',
          ContentType: 'text/plain',
          ContentID: '',
          Size: 6,
          Checksums: Object.fromEntries(
            ['md5', 'sha1', 'sha256'].map((name) => [
              name.toUpperCase(),
              createHash(name).update('Notes.').digest('hex'),
            ]),
          ),
        },
      ],
    });
    // It is read now; the other one is not, and is the latest.
    const { messages } = await client.listMessages();
    expect(messages.map((each) => [each.ID, each.Read])).toEqual([
      [second, false],
      [first, true],
    ]);
    expect((await client.getMessageSummary()).ID).toBe(second);
    await expect(client.getMessageSummary('nobody')).rejects.toThrow(/404/);
  },
  async getMessageHeaders() {
    const [first] = await two();
    const headers = await client.getMessageHeaders(first);
    expect(headers).toMatchObject({
      'Message-Id': ['<rich@a.example>'],
      'Mime-Version': ['1.0'],
      Subject: ['Your code'],
    });
    expect(Object.keys(headers)).toEqual(Object.keys(headers).sort());
  },
  async getMessageAttachment() {
    const [first] = await two();
    const notes = await client.getMessageAttachment(first, '3');
    expect([notes.type, await notes.text()]).toEqual(['text/plain', 'Notes.']);
    expect((await client.getMessageAttachment(first, '2')).type).toBe('image/png');
    await expect(client.getMessageAttachment(first, '9')).rejects.toThrow(/404/);
  },
  async getAttachmentThumbnail() {
    const [first] = await two();
    // The picture itself: we make none smaller.
    expect((await client.getAttachmentThumbnail(first, '2')).size).toBe(70);
    await expect(client.getAttachmentThumbnail(first, '3')).rejects.toThrow(/501/);
  },
  async getMessageSource() {
    const [first, second] = await two();
    expect(await client.getMessageSource(first)).toBe(RICH_MAIL);
    expect(await client.getMessageSource()).toBe(SECOND);
    expect(second).not.toBe(first);
  },
  async releaseMessage() {
    const [first] = await two();
    expect(await client.releaseMessage(first, { To: ['dan@allowed.example'] })).toBe('ok');
    const passed = await upstream.waitForMessage({ to: 'dan@allowed.example' });
    expect(passed.text).toBe(RICH_MAIL);
    await expect(client.releaseMessage(first, { To: ['eve@other.example'] })).rejects.toThrow(/400.*not on the list/);
    await expect(client.releaseMessage(first, { To: [] })).rejects.toThrow(/No valid addresses/);
  },
  async sendMessage() {
    const { ID } = await client.sendMessage({
      From: { Email: 'ann@a.example', Name: 'Ann "A" Onym' },
      To: [{ Email: 'bob@b.example' }],
      Cc: [{ Email: 'cc@b.example', Name: 'Cc' }],
      Bcc: ['bcc@b.example'],
      ReplyTo: [{ Email: 'reply@a.example', Name: 'Reply, Ann' }],
      Subject: 'Grüße',
      Text: 'Hello',
      HTML: '<b>Hello</b>',
      Tags: ['red', 'dark blue!'],
      Headers: { 'X-Mine': 'yes' },
      Attachments: [
        { Content: `data:text/plain;base64,${btoa('Notes.')}`, Filename: 'a.txt', ContentType: 'text/plain' },
      ],
    });
    expect(await client.getMessageSummary(ID)).toMatchObject({
      From: { Name: 'Ann "A" Onym', Address: 'ann@a.example' },
      Cc: [{ Name: 'Cc', Address: 'cc@b.example' }],
      Bcc: [{ Name: '', Address: 'bcc@b.example' }],
      ReplyTo: [{ Name: 'Reply, Ann', Address: 'reply@a.example' }],
      Subject: 'Grüße',
      Tags: ['dark blue', 'red'],
      Attachments: [{ FileName: 'a.txt', Size: 6 }],
    });
    expect(await client.getMessageHeaders(ID)).toMatchObject({ 'X-Mine': ['yes'] });
    const bad = await ask(url, {
      method: 'POST',
      path: '/api/v1/send',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ From: { Email: 'ann@a.example' }, To: [{ Email: 'no address' }] }),
    });
    expect([bad.status, bad.json]).toEqual([400, { Error: expect.stringContaining('no address') as string }]);
  },
  async listMessages() {
    const [first, second] = await two();
    const list = await client.listMessages();
    expect(list).toMatchObject({
      total: 2,
      unread: 2,
      count: 2,
      messages_count: 2,
      messages_unread: 2,
      start: 0,
      tags: [],
    });
    expect(list.messages[1]).toEqual({
      ID: first,
      MessageID: 'rich@a.example',
      Read: false,
      From: { Name: 'Ann', Address: 'ann@a.example' },
      To: [{ Name: 'Bob', Address: 'bob@b.example' }],
      Cc: [],
      Bcc: [{ Name: '', Address: 'hidden@h.example' }],
      ReplyTo: [],
      Subject: 'Your code',
      Created: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      Username: '',
      Tags: [],
      Size: RICH_MAIL.length,
      Attachments: expect.any(Number) as number,
      Snippet: expect.stringContaining('Your code is 482913.') as string,
    });
    expect((await client.listMessages(1, 1)).messages.map(idOf)).toEqual([first]);
    expect((await client.listMessages(0, 1)).messages.map(idOf)).toEqual([second]);
    expect((await client.listMessages(2)).messages).toEqual([]);
  },
  async setReadStatus() {
    const [first, second] = await two();
    const unread = async (): Promise<number> => (await client.listMessages()).unread;
    expect(await client.setReadStatus({ IDs: [first], Read: true })).toBe('ok');
    expect(await unread()).toBe(1);
    await client.setReadStatus({ Read: true });
    expect(await unread()).toBe(0);
    await client.setReadStatus({ Search: 'subject:second', Read: false });
    expect((await client.searchMessages({ query: 'is:unread' })).messages.map(idOf)).toEqual([second]);
    await client.setReadStatus();
    expect(await unread()).toBe(2);
    await expect(client.setReadStatus({ IDs: [first], Search: 'a' })).rejects.toThrow(/not both/);
  },
  async deleteMessages() {
    const [first, second] = await two();
    expect(await client.deleteMessages({ IDs: [first] })).toBe('ok');
    expect((await client.listMessages()).messages.map(idOf)).toEqual([second]);
    await client.deleteMessages();
    expect((await client.listMessages()).total).toBe(0);
  },
  async searchMessages() {
    const [first, second] = await two();
    await client.setTags({ IDs: [first], Tags: ['red'] });
    await client.setReadStatus({ IDs: [second], Read: true });
    const found = async (query: string, tz?: string): Promise<string> =>
      (await client.searchMessages({ query, ...(tz === undefined ? {} : { tz }) })).messages
        .map((each) => (each.ID === first ? '1' : '2'))
        .sort()
        .join('');
    const expected: Readonly<Record<string, string>> = {
      'from:ann': '1',
      'from:shop.example': '2',
      '-from:ann': '2',
      '!from:ann': '2',
      'to:bob@b.example': '1',
      'to:hidden@h.example': '1',
      'bcc:hidden': '1',
      'bcc:bob': '',
      'addressed:carol': '2',
      'addressed:ann': '1',
      'subject:code': '1',
      'subject:"Your code"': '1',
      'subject:econd': '2',
      '"Your code"': '1',
      '"code Your"': '',
      'hello carol': '2',
      'message-id:rich@a': '1',
      'has:attachment': '1',
      '-has:attachments': '2',
      'is:read': '2',
      'is:unread': '1',
      'tag:red': '1',
      '!tag:red': '2',
      'is:tagged': '1',
      '-is:tagged': '2',
      'larger:500': '1',
      'smaller:0.4k': '2',
      'after:2000-01-01': '12',
      'before:2000-01-01': '',
      'after:2000-01-01 from:ann': '1',
      '-- !! ""': '12',
    };
    const results: Record<string, string> = {};
    for (const query of Object.keys(expected)) results[query] = await found(query);
    expect(results).toEqual(expected);
    const page = await client.searchMessages({ query: 'example', start: 1, limit: 1 });
    expect(page.messages.map(idOf)).toEqual([first]);
    expect(page).toMatchObject({ total: 2, messages_count: 2, messages_unread: 1, count: 1, start: 1, tags: ['red'] });
    for (const query of [' ', 'has:inline', 'after:tomorrowish']) await expect(found(query)).rejects.toThrow(/400/);
    await expect(found('after:2000-01-01', 'No/Where')).rejects.toThrow(/time zone/);
  },
  async waitForMessage() {
    const waiting = client.waitForMessage({ query: 'subject:"Second one"' }, { interval: 20 });
    await two();
    expect((await waiting).Subject).toBe('Second one');
  },
  async waitForMessages() {
    const waiting = client.waitForMessages({ count: 2, exact: true }, { interval: 20 });
    await two();
    expect((await waiting).messages).toHaveLength(2);
  },
  async deleteMessagesBySearch() {
    const [first] = await two();
    expect(await client.deleteMessagesBySearch({ query: 'from:shop.example' })).toBe('ok');
    expect((await client.listMessages()).messages.map(idOf)).toEqual([first]);
  },
  async htmlCheck() {
    const [first] = await two();
    const { Total, Warnings, Platforms } = await client.htmlCheck(first);
    expect(Math.round(Total.Supported + Total.Partial + Total.Unsupported)).toBe(100);
    const flex = Warnings.find(({ Slug: slug }) => slug === 'css-display-flex');
    expect(flex).toMatchObject({ Score: { Found: 1 }, URL: 'https://www.caniemail.com/features/css-display-flex/' });
    const outlook = flex?.Results.find(({ Name: name }) => name.startsWith('Outlook'));
    expect(outlook).toMatchObject({ Family: 'Outlook', Support: expect.stringMatching(/^(?:no|partial)$/) as string });
    expect(Platforms[outlook?.Platform ?? '']).toContain('Outlook');
    await expect(client.htmlCheck()).rejects.toThrow(/400.*does not contain HTML/);
  },
  async linkCheck() {
    await two();
    await expect(client.linkCheck()).rejects.toThrow(/501.*Links are not followed/);
  },
  async spamAssassinCheck() {
    await two();
    await expect(client.spamAssassinCheck()).rejects.toThrow(/400.*SpamAssassin is not enabled/);
  },
  async getTags() {
    const [first, second] = await two();
    await client.setTags({ IDs: [first, second], Tags: ['red', 'blue'] });
    expect(await client.getTags()).toEqual(['blue', 'red']);
  },
  async setTags() {
    const [first, second] = await two();
    await client.setTags({ IDs: [first, second], Tags: ['red', 'b<l>ue'] });
    await client.setTags({ IDs: [first], Tags: ['red', 'green'] });
    expect((await client.listMessages()).messages.map((each) => each.Tags)).toEqual([
      ['blue', 'red'],
      ['green', 'red'],
    ]);
    await client.setTags({ IDs: [second] });
    expect((await client.listMessages()).messages[0]?.Tags).toEqual([]);
  },
  async renameTag() {
    const [first, second] = await two();
    await client.setTags({ IDs: [first, second], Tags: ['dark red'] });
    expect(await client.renameTag('dark red', 'crimson')).toBe('ok');
    expect(await client.getTags()).toEqual(['crimson']);
    await expect(client.renameTag('dark red', 'x')).rejects.toThrow(/tag not found/);
  },
  async deleteTag() {
    const [first] = await two();
    await client.setTags({ IDs: [first], Tags: ['a/b c'] });
    await client.setTags({ IDs: [first], Tags: ['dark red', 'blue'] });
    expect(await client.deleteTag('dark red')).toBe('ok');
    expect(await client.getTags()).toEqual(['blue']);
    expect((await client.listMessages()).total).toBe(2);
  },
  async getChaosTriggers() {
    expect(await client.getChaosTriggers()).toEqual({
      Sender: { ErrorCode: 451, Probability: 0 },
      Recipient: { ErrorCode: 451, Probability: 0 },
      Authentication: { ErrorCode: 535, Probability: 0 },
    });
  },
  async setChaosTriggers() {
    const triggers = await client.setChaosTriggers({ Recipient: { ErrorCode: 452, Probability: 100 } });
    expect(triggers.Recipient).toEqual({ ErrorCode: 452, Probability: 100 });
    expect(await client.getChaosTriggers()).toEqual(triggers);
    await expect(sendMail(inbox.smtpPort)).rejects.toThrow(/452/);
    await expect(client.setChaosTriggers({ Sender: { ErrorCode: 599, Probability: 5 } })).rejects.toThrow(/400.*599/);
    // What was refused changed nothing.
    expect(await client.getChaosTriggers()).toEqual(triggers);
    await client.setChaosTriggers({ Sender: { ErrorCode: 550, Probability: 100 } });
    await expect(sendMail(inbox.smtpPort)).rejects.toThrow(/550/);
    await client.setChaosTriggers();
    const half = { Sender: { ErrorCode: 550, Probability: 100 }, Authentication: { ErrorCode: 599, Probability: 1 } };
    await expect(client.setChaosTriggers(half)).rejects.toThrow(/400/);
    await sendMail(inbox.smtpPort);
  },
  async renderMessageHTML() {
    const [first] = await two();
    const html = await client.renderMessageHTML(first);
    expect(html).toContain('<p style="display:flex">Your code is <b>482913</b>.');
    expect(html).toContain(`<img src="/api/v1/message/${first}/part/2" alt="Logo">`);
    await expect(client.renderMessageHTML()).rejects.toThrow(/404.*does not contain a HTML part/);
  },
  async renderMessageText() {
    await two();
    expect((await client.renderMessageText()).trim()).toBe('Hello Carol');
  },
};

describe('mailpit-api', () => {
  const methods = Object.getOwnPropertyNames(MailpitClient.prototype).filter(
    (name) => !['constructor', 'request'].includes(name),
  );

  it.each(methods)('%s', async (name) => {
    await PLAYS[name]?.();
    expect(PLAYS).toHaveProperty(name);
  });
});

describe('cypress-mailpit', () => {
  interface CypressRequest {
    readonly method: string;
    readonly url: string;
    readonly qs?: Readonly<Record<string, unknown>>;
    readonly body?: unknown;
  }
  type Commands = Readonly<Record<string, (...parameters: unknown[]) => Promise<unknown>>>;
  let commands: Commands & {
    readonly constructor: {
      readonly parentCypressCommands: readonly string[];
      readonly childCypressCommands: readonly string[];
    };
  };

  beforeAll(() => {
    vi.stubGlobal('Cypress', {
      env: (name: string) => (name === 'MAILPIT_URL' ? url.replace(/\/$/, '') : undefined),
      config: () => 5_000,
    });
    // As Cypress does it: JSON where there is a body, an error for every status that is none of success, JSON parsed.
    vi.stubGlobal('cy', {
      wrap: (value: unknown) => Promise.resolve(value),
      wait: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
      async request({ method, url: asked, qs = {}, body }: CypressRequest) {
        const target = new URL(asked);
        for (const [name, value] of Object.entries(qs)) target.searchParams.set(name, String(value));
        const response = await fetch(target, {
          method,
          ...(body === undefined
            ? {}
            : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        });
        const text = await response.text();
        if (!response.ok) throw new Error(`cy.request() failed: ${String(response.status)} ${text}`);
        const isJSON = response.headers.get('content-type')?.includes('application/json') === true;
        return { status: response.status, body: (isJSON ? JSON.parse(text) : text) as unknown };
      },
    });
    const { MailpitCommands } = createRequire(import.meta.url)('cypress-mailpit/src/MailpitCommands.js') as {
      MailpitCommands: new () => typeof commands;
    };
    commands = new MailpitCommands();
  });
  afterAll(() => {
    vi.unstubAllGlobals();
  });

  const run = (name: string, ...parameters: unknown[]): Promise<unknown> => {
    const command = commands[name];
    if (command === undefined) throw new Error(`There is no command ${name}`);
    played.add(name);
    return command.apply(commands, parameters);
  };
  const played = new Set<string>();

  it('has every command answered', async () => {
    expect(
      await run('mailpitSendMail', { subject: 'Hello you', to: [{ Email: 'you@y.example', Name: 'You' }] }),
    ).toEqual({
      ID: expect.any(String) as string,
    });
    await two();
    expect(await run('mailpitGetAllMails')).toMatchObject({ messages_count: 3 });
    const mail = await run('mailpitGetMail');
    expect(await run('mailpitGetSubject', mail)).toBe('Second one');
    expect(await run('mailpitGetRecipientAddress', mail)).toEqual(['carol@c.example']);
    expect(await run('mailpitGetFromAddress', mail)).toBe('shop@shop.example');
    expect(await run('mailpitGetAttachments', mail)).toEqual([]);
    expect(await run('mailpitGetMailTextBody', mail)).toContain('Hello Carol');
    const { messages } = (await run('mailpitGetEmailsBySubject', 'code')) as { messages: readonly { ID: string }[] };
    const rich = await run('mailpitGetMail', messages[0]?.ID);
    expect(await run('mailpitGetAttachments', rich)).toEqual(['notes.txt']);
    expect(await run('mailpitGetMailHTMlBody', rich)).toContain('482913');
    expect(await run('mailpitSearchEmails', 'from:ann', 0, 10)).toMatchObject({ messages_count: 1 });
    expect(await run('mailpitGetEmailsByTo', 'you@y.example')).toMatchObject({ messages_count: 1 });
    await run('mailpitHasEmailsBySubject', 'code');
    await run('mailpitHasEmailsByTo', 'bob@b.example');
    await run('mailpitHasEmailsBySearch', 'has:attachment');
    await run('mailpitNotHasEmailsBySubject', 'nothing');
    await run('mailpitNotHasEmailsByTo', 'nobody@n.example');
    await run('mailpitNotHasEmailsBySearch', 'from:nobody');
    expect(await run('mailpitSetAllEmailStatusAsRead')).toBe('ok');
    expect(await run('mailpitGetAllMails')).toMatchObject({ unread: 0 });
    await run('mailpitSetAllEmailStatusAsUnRead');
    expect(await run('mailpitGetAllMails')).toMatchObject({ unread: 3 });
    await run('mailpitSetStatusAsRead', mail);
    await run('mailpitSetStatusAsRead', [rich]);
    await run('mailpitSetStatusAsUnRead', mail);
    expect(await run('mailpitGetAllMails')).toMatchObject({ unread: 2 });
    for (const name of ['mailpitGetMailSpamAssassinSummary', 'mailpitGetMailSpamAssainSummary'])
      await expect(run(name, mail)).rejects.toThrow(/SpamAssassin is not enabled/);
    await run('mailpitDeleteEmailsBySearch', 'from:ann');
    expect(await run('mailpitGetAllMails')).toMatchObject({ total: 2 });
    await run('mailpitDeleteAllEmails');
    expect(await run('mailpitGetAllMails')).toMatchObject({ total: 0 });
    const { parentCypressCommands, childCypressCommands } = commands.constructor;
    expect([...played].sort()).toEqual([...parentCypressCommands, ...childCypressCommands].sort());
  });
});

describe('the rest of Mailpit’s paths', () => {
  it('says that it lives', async () => {
    for (const path of ['/livez', '/readyz'])
      expect(await ask(url, { path })).toMatchObject({ status: 200, text: 'ok' });
  });

  it('leads to what a message shows', async () => {
    const [first, second] = await two();
    const latest = await ask(url, { path: '/view/latest' });
    expect([latest.status, latest.headers.location]).toEqual([302, `/view/${second}.txt`]);
    expect((await ask(url, { path: '/view/latest?query=from:ann' })).headers.location).toBe(`/view/${first}.html`);
    expect((await ask(url, { path: `/api/v1/message/latest?query=from:ann` })).json).toMatchObject({ ID: first });
  });

  it('deletes what it is told alone, in whatever letters the name is written', async () => {
    const [first, second] = await two();
    const body = JSON.stringify({ ids: [first] });
    const headers = { 'content-type': 'application/json', 'content-length': String(body.length) };
    expect((await ask(url, { method: 'DELETE', path: '/api/v1/messages', headers, body })).text).toBe('ok');
    expect((await client.listMessages()).messages.map(idOf)).toEqual([second]);
  });

  it('keeps what it is given to send in the inbox of each recipient', async () => {
    await using isolated = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', mailpit: '127.0.0.1:0' });
    const inboxes = new InboxClient({ url: isolated.url ?? '' });
    const [one, other] = [await inboxes.createInbox({ name: 'one' }), await inboxes.createInbox({ name: 'other' })];
    const { ID } = await new MailpitClient(isolated.compatibilityURLs['mailpit'] ?? '').sendMessage({
      From: { Email: 'ann@a.example' },
      To: [one, other].map((each) => ({ Email: each.address('bob') })),
      Tags: ['red'],
    });
    const kept = [...(await one.list()), ...(await other.list())];
    expect(kept.map(({ id, tags }) => ({ id, tags }))).toEqual([
      { id: ID, tags: ['red'] },
      { id: expect.not.stringMatching(ID) as string, tags: ['red'] },
    ]);
  });

  it('tells by WebSocket what happens', async () => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}api/events`);
    const told: { Type: string; Data: unknown }[] = [];
    let wake: () => void = () => undefined;
    socket.on('message', (data: Buffer) => {
      told.push(JSON.parse(data.toString()) as (typeof told)[number]);
      wake();
    });
    await new Promise((resolve) => socket.once('open', resolve));
    const next = async (type: string): Promise<unknown> => {
      for (;;) {
        const at = told.findIndex((each) => each.Type === type);
        if (at >= 0) return told.splice(0, at + 1).at(-1)?.Data;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    };
    await sendMail(inbox.smtpPort);
    const added = (await next('new')) as { ID: string; Subject: string };
    expect(added.Subject).toBe('Your code');
    expect(await next('stats')).toEqual({ Total: 1, Unread: 1 });
    await client.setReadStatus({ IDs: [added.ID], Read: true });
    expect(await next('update')).toEqual({ ID: added.ID, Read: true, Tags: [] });
    await client.deleteMessages({ IDs: [added.ID] });
    expect(await next('delete')).toEqual({ ID: added.ID });
    socket.close();
  });
});
