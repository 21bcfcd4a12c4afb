/** What is kept of a message and of a session, and in which inbox it is. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import nodemailer from 'nodemailer';
import { silentLogger, SMTPClient, SMTPRefusedError } from 'smtpd';
import { startInbox, type InboxOptions, type InboxServer } from 'smtpd-inbox';
import { describe, expect, it } from 'vitest';

import { findDriver } from '../../../smtpd-store/src/sqlite/driver.js';
import { collect } from '../../../smtpd-store/test/support/messages.js';
import { TemporaryFolder } from '../../../smtpd-store/test/support/temporary-folder.js';
import type { Entry, Inbox, Page, Transcript } from '../../src/api/model.js';
import { ask } from '../support/http.js';
import { sendMail } from '../support/mails.js';

const start = (options: InboxOptions = {}): Promise<InboxServer> =>
  startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', ...options });

async function get<T>(inbox: InboxServer, path: string): Promise<T> {
  return (await ask(inbox.url!, { path: `/api/v1${path}` })).json as T;
}

async function entriesOf(inbox: InboxServer, query = ''): Promise<Entry[]> {
  return (await get<Page>(inbox, `/messages?${query}`)).entries;
}

async function createInbox(inbox: InboxServer, body: object = {}): Promise<Inbox> {
  const headers = { 'content-type': 'application/json' };
  const asked = { method: 'POST', path: '/api/v1/inboxes', headers, body: JSON.stringify(body) };
  return (await ask(inbox.url!, asked)).json as Inbox;
}

/** A client that says what it is told, line by line, and hears one reply for each. */
class LineClient implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#lines = createInterface({ input: this.#socket })[Symbol.asyncIterator]();
  }

  async reply(): Promise<string> {
    for (;;) {
      const next: IteratorResult<string, unknown> = await this.#lines.next();
      if (next.done === true) return '';
      if (/^\d{3} /.test(next.value)) return next.value;
    }
  }

  async say(line: string | Buffer): Promise<string> {
    this.#socket.write(Buffer.isBuffer(line) ? line : `${line}\r\n`);
    return this.reply();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return;
    this.#socket.destroy();
    await once(this.#socket, 'close');
  }
}

/** Resolves when the next session that ends is over and what was said in it is kept. To be asked for before the client comes. */
async function nextEnd({ server }: InboxServer): Promise<void> {
  await new Promise((resolve) => server.on('disconnect', resolve));
  await (server as unknown as { settle(): Promise<void> }).settle();
}

describe('what is kept of a message', () => {
  it('every octet, also of one that no RFC allows', async () => {
    await using inbox = await start();
    await using client = new LineClient(inbox.smtpPort);
    await client.reply();
    await client.say('EHLO odd.example');
    const raw = Buffer.from('Subject: odd\r\n\r\nbare\nLF, bare\rCR, NUL \0, 8-bit \xff\xfe, no line end', 'latin1');
    await client.say('MAIL FROM:<> BODY=BINARYMIME');
    await client.say('RCPT TO:<bob@b.example>');
    const reply = await client.say(Buffer.concat([Buffer.from(`BDAT ${String(raw.length)} LAST\r\n`), raw]));
    expect(reply).toMatch(/^250 2\.0\.0 Kept as \d+$/);
    const [entry] = await entriesOf(inbox);
    expect(entry).toMatchObject({
      subject: 'odd',
      sizeBytes: raw.length,
      envelope: { mailFrom: '', rcptTos: ['bob@b.example'], mailOptions: ['BODY=BINARYMIME'], rcptOptions: [[]] },
    });
    const pieces: Uint8Array[] = [];
    for await (const piece of inbox.store.openRaw(entry!.id)) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(raw)).toBe(true);
  });

  it('who sent it, over which TLS, and as whom', async () => {
    await using inbox = await start();
    const transport = nodemailer.createTransport({
      host: '127.0.0.1',
      port: inbox.smtpPort,
      name: 'app.example',
      auth: { user: 'ann', pass: 'whatever' },
      tls: { rejectUnauthorized: false, servername: 'inbox.example' },
    });
    await transport.sendMail({ from: 'ann@a.example', to: 'bob@b.example', subject: 'facts', text: 'x' });
    transport.close();
    const [entry] = await entriesOf(inbox);
    expect(entry?.session).toMatchObject({
      peer: { address: '127.0.0.1' },
      local: { address: '127.0.0.1', port: inbox.smtpPort },
      clientName: 'app.example',
      protocol: 'ESMTPSA',
      tls: { version: 'TLSv1.3', serverName: 'inbox.example' },
      identity: { user: 'ann', mechanism: 'PLAIN' },
    });
  });

  it('the conversation: all of a first message, and of a later one its own part', async () => {
    await using inbox = await start({ tls: { mode: 'off' } });
    const end = nextEnd(inbox);
    {
      await using client = new LineClient(inbox.smtpPort);
      await client.reply();
      await client.say('EHLO a.example');
      await client.say('AUTH PLAIN AGFubgBzZWNyZXQ=');
      for (const name of ['first', 'second']) {
        await client.say(`MAIL FROM:<${name}@a.example>`);
        await client.say('RCPT TO:<bob@b.example>');
        await client.say('DATA');
        await client.say(`Subject: ${name}\r\n\r\nx\r\n.`);
      }
      await client.say('QUIT');
    }
    await end;
    const [second, first] = await entriesOf(inbox);
    const said = async (entry: Entry): Promise<string[]> =>
      (await get<Transcript>(inbox, `/messages/${entry.id}/transcript`)).lines.map(
        ({ from, text }) => `${from}: ${text}`,
      );
    const ofFirst = await said(first!);
    const ofSecond = await said(second!);
    expect(ofFirst).toContain('client: EHLO a.example');
    expect(ofFirst.join('\n')).toMatch(/client: AUTH PLAIN/);
    expect(ofFirst.at(-1)).toMatch(/^server: 250 2\.0\.0 Kept as/);
    expect(ofFirst.join('\n')).not.toContain('second@a.example');
    expect(ofSecond).toContain('event: messages in this session before: 1');
    expect(ofSecond).toContain('client: QUIT');
    expect(ofSecond.join('\n')).not.toContain('first@a.example');
    // Whatever was sent as a secret is in neither.
    expect([...ofFirst, ...ofSecond].join('\n')).not.toContain('AGFubgBzZWNyZXQ=');
  });

  it('a message that is larger than all that may be kept is refused, and is not there', async () => {
    await using inbox = await start({ limits: { bytesMax: 2_000 } });
    const sending = sendMail(inbox.smtpPort, { content: `Subject: large\r\n\r\n${'x\r\n'.repeat(2_000)}` });
    await expect(sending).rejects.toThrow(SMTPRefusedError);
    await expect(sending).rejects.toThrow(/552 5\.3\.4/);
    expect(await entriesOf(inbox)).toEqual([]);
  });
});

describe('a session that ended without a message', () => {
  it('is a row of its own, with its envelope and why it ended, for who asks for it', async () => {
    await using inbox = await start();
    const end = nextEnd(inbox);
    {
      await using client = new LineClient(inbox.smtpPort);
      await client.reply();
      await client.say('EHLO scanner.example');
      await client.say('MAIL FROM:<spam@a.example>');
      await client.say('RCPT TO:<bob@b.example>');
    }
    await end;
    expect(await entriesOf(inbox)).toEqual([]);
    const [row, ...others] = await entriesOf(inbox, 'sessions=true');
    expect(others).toEqual([]);
    expect(row).toMatchObject({
      kind: 'session',
      sizeBytes: 0,
      envelope: { mailFrom: 'spam@a.example', rcptTos: ['bob@b.example'] },
      session: { clientName: 'scanner.example', end: 'clientGone' },
    });
    expect(await entriesOf(inbox, 'q=is:session')).toHaveLength(1);
    const { lines } = await get<Transcript>(inbox, `/messages/${row!.id}/transcript`);
    expect(lines.at(-1)).toMatchObject({ from: 'event', text: 'the client closed the connection' });
  });

  it('is none when nothing was said: a port that is looked at is no session', async () => {
    await using inbox = await start();
    const end = nextEnd(inbox);
    {
      await using client = new LineClient(inbox.smtpPort);
      await client.reply();
    }
    await end;
    expect(await entriesOf(inbox, 'sessions=true')).toEqual([]);
  });

  it('is none when there was a message, whatever came behind it', async () => {
    await using inbox = await start();
    const end = nextEnd(inbox);
    await sendMail(inbox.smtpPort);
    await end;
    expect(await entriesOf(inbox, 'sessions=true')).toHaveLength(1);
  });
});

describe('inboxes of one’s own', () => {
  it('take the mail of their user, of their domain and of their tag, and none other', async () => {
    await using inbox = await start();
    const [one, two] = [await createInbox(inbox), await createInbox(inbox, { name: 'two' })];
    expect(one.addressSuffix).toBe(`@${one.name}.inbox.test`);
    const names = async (name: string): Promise<(string | undefined)[]> =>
      (await entriesOf(inbox, `inbox=${name}`)).map(({ envelope }) => envelope.rcptTos.join(' ')).sort();
    await sendMail(inbox.smtpPort, { to: ['everybody@b.example'] });
    await sendMail(inbox.smtpPort, { to: [`ann${one.addressSuffix.toUpperCase()}`] });
    await sendMail(inbox.smtpPort, { to: ['ann+two@b.example', 'other@b.example'] });
    await using client = new SMTPClient({
      remoteAddress: { host: '127.0.0.1', port: inbox.smtpPort },
      tls: { mode: 'require', verify: false },
      auth: { user: two.user, password: two.password },
    });
    await client.connect();
    const data = Buffer.from('Subject: by user\r\n\r\nx\r\n');
    await client.send({ mailFrom: 'a@a.example', rcptTos: [`ann${one.addressSuffix}`], data });
    expect(await names(one.name)).toEqual([`ann${one.addressSuffix.toUpperCase()}`]);
    expect(await names('two')).toEqual(['ann+two@b.example other@b.example', `ann${one.addressSuffix}`]);
    expect(await names('')).toEqual(['ann+two@b.example other@b.example', 'everybody@b.example']);
  });

  it.each([
    ['a short message', 'Subject: twice\r\n\r\nx\r\n'],
    ['a long one', `Subject: twice\r\n\r\n${'x\r\n'.repeat(100_000)}`],
  ])('have %s once each when its client, refused by one of them, sends it again', async (_, content) => {
    using folder = new TemporaryFolder();
    await using inbox = await start({ data: folder.path, logger: silentLogger });
    for (const name of ['one', 'two']) await createInbox(inbox, { name });
    const connection = (await findDriver())(join(folder.path, 'store.sqlite'));
    connection.exec(
      `PRAGMA busy_timeout = 10000;
       CREATE TRIGGER refusal BEFORE INSERT ON messages WHEN NEW.inbox = 'two' BEGIN SELECT RAISE(ABORT, 'no'); END`,
    );
    const send = (): Promise<void> =>
      sendMail(inbox.smtpPort, { to: ['ann+one@b.example', 'ann+two@b.example'], content });
    await expect(send()).rejects.toThrow(/451 4\.3\.0/);
    expect(await entriesOf(inbox)).toEqual([]);
    connection.exec('DROP TRIGGER refusal');
    connection.close();
    await send();
    const entries = await entriesOf(inbox);
    expect(entries.map((entry) => entry.inbox)).toEqual(['two', 'one']);
    for (const { id } of entries) expect((await collect(inbox.store.openRaw(id))).toString()).toBe(content);
  });

  it('let nobody in as their user without their password, where anybody else may come', async () => {
    await using inbox = await start();
    const { user } = await createInbox(inbox);
    const login = async (name: string): Promise<string> => {
      await using client = new LineClient(inbox.smtpPort);
      await client.reply();
      await client.say('EHLO a.example');
      return await client.say(`AUTH PLAIN ${Buffer.from(`\0${name}\0wrong`).toString('base64')}`);
    };
    expect(await login(user)).toMatch(/^535 /);
    expect(await login('anybody')).toMatch(/^235 /);
  });

  it('are gone with their mail when their time is over, and their name can be had again', async () => {
    let now = new Date('2026-11-25T10:00:00Z');
    await using inbox = await start({ now: () => now });
    await createInbox(inbox, { name: 'short', ttlSeconds: 60 });
    await sendMail(inbox.smtpPort, { to: ['ann+short@b.example'] });
    expect(await entriesOf(inbox, 'inbox=short')).toHaveLength(1);
    now = new Date('2026-11-25T10:01:00Z');
    expect(await get(inbox, '/inboxes')).toEqual([]);
    await sendMail(inbox.smtpPort, { to: ['ann+short@b.example'] });
    await createInbox(inbox, { name: 'short' });
    expect(await entriesOf(inbox, 'inbox=short')).toEqual([]);
    expect(await entriesOf(inbox, 'inbox=')).toHaveLength(1);
  });
});
