/** The client of MailHog against an inbox, and the paths of MailHog that it does not use. */

import mailhog from 'mailhog';
import { startInbox, type InboxServer } from 'smtpd-inbox';
import { startTestServer, type TestServer } from 'smtpd/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { ask, type Answered } from '../../support/http.js';
import { sendMail } from '../../support/mails.js';

const MIXED = [
  'From: =?utf-8?q?J=C3=B6rg?= <joerg@a.example>',
  'To: bob@b.example',
  'Subject: =?utf-8?b?R3LDvMOfZQ==?=',
  'Date: Wed, 25 Nov 2026 10:00:00 +0000',
  'Content-Type: multipart/mixed; boundary="m=_1"',
  '',
  'nobody sees this',
  '--m=_1',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'F=C3=BCr Bob',
  '--m=_1',
  'Content-Type: text/html; charset=utf-8',
  '',
  '<b>Bob</b>',
  '--m=_1',
  'Content-Type: application/pdf',
  'Content-Disposition: attachment; filename="a.pdf"',
  'Content-Transfer-Encoding: base64',
  'Set-Cookie: mail=wrote-this',
  '',
  'UERG',
  '--m=_1--',
  '',
].join('\r\n');
const SECOND =
  'From: shop@shop.example\r\nTo: carol@c.example\r\nSubject: Second\r\nMessage-ID: <2@x>\r\n\r\nHello Carol\r\n';

let upstream: TestServer;
let inbox: InboxServer;
let url: string;
let client: mailhog.API;

beforeAll(async () => {
  upstream = await startTestServer();
  inbox = await startInbox({
    smtp: '127.0.0.1:0',
    http: false,
    mailhog: '127.0.0.1:0',
    release: { to: `127.0.0.1:${String(upstream.port)}`, allow: ['@allowed.example'] },
  });
  url = inbox.compatibilityURLs['mailhog'] ?? '';
  client = mailhog({ host: '127.0.0.1', port: Number(new URL(url).port) });
});
beforeEach(async () => {
  await client.deleteAll();
  await sendMail(inbox.smtpPort, { from: 'joerg@a.example', content: MIXED });
  await sendMail(inbox.smtpPort, {
    from: 'bounce@shop.example',
    to: ['carol@c.example', 'dan@d.example'],
    content: SECOND,
  });
});
afterAll(async () => {
  await inbox.close();
  await upstream.close();
});

const withBody = (method: string, path: string, body: unknown): Promise<Answered> =>
  ask(url, { method, path, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

describe('mailhog', () => {
  it('messages: all that its messages have', async () => {
    const result = await client.messages();
    expect(result).toMatchObject({ total: 2, count: 2, start: 0 });
    const mail = result?.items[1];
    expect(mail).toMatchObject({
      text: 'Für Bob',
      html: '<b>Bob</b>',
      subject: 'Grüße',
      from: 'Jörg <joerg@a.example>',
      to: 'bob@b.example',
      date: new Date('2026-11-25T10:00:00Z'),
      attachments: [{ name: 'a.pdf', type: 'application/pdf', encoding: 'base64', Body: 'UERG' }],
    });
    expect(Math.abs(Number(mail?.deliveryDate) - Date.now())).toBeLessThan(600_000);
    const [second] = result?.items ?? [];
    expect(second).toMatchObject({
      From: { Relays: null, Mailbox: 'bounce', Domain: 'shop.example', Params: '' },
      To: [{ Mailbox: 'carol' }, { Mailbox: 'dan', Domain: 'd.example' }],
      MIME: null,
      Content: {
        Body: 'Hello Carol\r\n',
        Headers: { Subject: ['Second'], 'Message-ID': ['<2@x>'], 'Return-Path': ['<bounce@shop.example>'] },
      },
      Raw: { From: 'bounce@shop.example', To: ['carol@c.example', 'dan@d.example'], Data: SECOND },
    });
    expect((await client.messages(1, 1))?.items.map(({ subject }) => subject)).toEqual(['Grüße']);
    expect(await client.messages(5, 1)).toMatchObject({ total: 2, count: 0, start: 5, items: [] });
  });

  it('search, and the latest of each kind', async () => {
    const subjects = async (query: string, kind: 'from' | 'to' | 'containing'): Promise<unknown> =>
      (await client.search(query, kind))?.items.map(({ subject }) => subject);
    expect(await subjects('joerg@a.example', 'from')).toEqual(['Grüße']);
    expect(await subjects('bounce', 'from')).toEqual(['Second']);
    expect(await subjects('dan@d.example', 'to')).toEqual(['Second']);
    expect(await subjects('Bob', 'containing')).toEqual(['Grüße']);
    expect(await client.search('nothing', 'containing')).toMatchObject({ total: 0, count: 0, items: [] });
    expect((await client.latestFrom('shop.example'))?.subject).toBe('Second');
    expect((await client.latestTo('bob@b.example'))?.subject).toBe('Grüße');
    expect((await client.latestContaining('Carol'))?.subject).toBe('Second');
    expect((await ask(url, { path: '/api/v2/search?kind=subject&query=x' })).status).toBe(400);
    expect((await ask(url, { path: '/api/v2/search?kind=from&query=' })).status).toBe(400);
  });

  it('deletes one, and all', async () => {
    const [second] = (await client.messages())?.items ?? [];
    expect((await client.deleteMessage(second?.ID ?? '')).statusCode).toBe(200);
    expect((await client.messages())?.items.map(({ subject }) => subject)).toEqual(['Grüße']);
    expect((await client.deleteAll()).statusCode).toBe(200);
    expect((await client.messages())?.total).toBe(0);
  });

  it('releases to the server that was allowed, and to no other', async () => {
    const ID = (await client.messages())?.items[0]?.ID ?? '';
    const server = { host: '127.0.0.1', port: String(upstream.port) };
    const released = await client.releaseMessage(ID, { ...server, email: 'erin@allowed.example' });
    expect(released.statusCode).toBe(200);
    expect((await upstream.waitForMessage({ to: 'erin@allowed.example' })).text).toBe(SECOND);
    const path = `/api/v1/messages/${ID}/release`;
    expect((await withBody('POST', path, { ...server, port: '25', email: 'erin@allowed.example' })).status).toBe(403);
    expect((await withBody('POST', path, { ...server, email: 'eve@other.example' })).status).toBe(400);
    expect(upstream.messages).toHaveLength(1);
  });

  it('encodes and decodes without us', () => {
    expect(client.decode(client.encode('ü', 'base64'), 'base64')).toBe('ü');
  });
});

describe('the rest of MailHog’s paths', () => {
  it('version 1: a list, one, its octets and its parts', async () => {
    const list = (await ask(url, { path: '/api/v1/messages' })).json as { ID: string }[];
    expect(list).toHaveLength(2);
    const ID = list[1]?.ID ?? '';
    expect((await ask(url, { path: `/api/v1/messages/${ID}` })).json).toMatchObject({
      ID,
      MIME: { Parts: [{}, {}, {}] },
    });
    const download = await ask(url, { path: `/api/v1/messages/${ID}/download` });
    expect(download.text).toBe(MIXED);
    expect(download.headers['content-disposition']).toContain(`filename="${ID}.eml"`);
    const part = await ask(url, { path: `/api/v1/messages/${ID}/mime/part/2/download` });
    expect(part.text).toBe('UERG');
    // The fields of a mail are no fields of ours.
    expect(part.headers['set-cookie']).toBeUndefined();
    expect(part.headers['content-type']).toBe('application/octet-stream');
    for (const path of [`/${ID}/mime/part/9/download`, '/nobody', '/nobody/download'])
      expect((await ask(url, { path: `/api/v1/messages${path}` })).status).toBe(404);
  });

  it('Jim comes, does what he is told, and goes', async () => {
    expect((await ask(url, { path: '/api/v2/jim' })).status).toBe(404);
    expect((await withBody('PUT', '/api/v2/jim', {})).status).toBe(404);
    expect((await withBody('POST', '/api/v2/jim', { AcceptChance: 1, RejectRecipientChance: 1 })).status).toBe(201);
    expect((await withBody('POST', '/api/v2/jim', {})).status).toBe(400);
    expect((await ask(url, { path: '/api/v2/jim' })).json).toEqual({
      DisconnectChance: 0,
      AcceptChance: 1,
      LinkSpeedAffect: 0,
      LinkSpeedMin: 0,
      LinkSpeedMax: 0,
      RejectSenderChance: 0,
      RejectRecipientChance: 1,
      RejectAuthChance: 0,
    });
    await expect(sendMail(inbox.smtpPort)).rejects.toThrow(/550/);
    expect((await withBody('PUT', '/api/v2/jim', { AcceptChance: 2 })).status).toBe(400);
    expect((await withBody('PUT', '/api/v2/jim', { DisconnectChance: 1 })).status).toBe(200);
    await expect(sendMail(inbox.smtpPort)).rejects.toThrow();
    expect((await ask(url, { method: 'DELETE', path: '/api/v2/jim' })).status).toBe(200);
    expect((await ask(url, { method: 'DELETE', path: '/api/v2/jim' })).status).toBe(404);
    await sendMail(inbox.smtpPort);
  });

  it('tells of new messages, as events and by WebSocket', async () => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}api/v2/websocket`);
    await new Promise((resolve) => socket.once('open', resolve));
    const bySocket = new Promise<string>((resolve) =>
      socket.once('message', (data: Buffer) => resolve(data.toString())),
    );
    const leaving = new AbortController();
    const response = await fetch(`${url}api/v1/events`, { signal: leaving.signal });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    await reader.read();
    await sendMail(inbox.smtpPort, { content: SECOND });
    let text = '';
    while (!text.includes('\n\n')) text += (await reader.read()).value ?? '';
    const byEvent = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '') as { Raw: { Data: string } };
    expect(byEvent.Raw.Data).toBe(SECOND);
    expect(JSON.parse(await bySocket)).toEqual(byEvent);
    leaving.abort();
    socket.close();
  });

  it('has one server to release to, which nobody chooses', async () => {
    expect((await ask(url, { path: '/api/v2/outgoing-smtp' })).json).toEqual({});
  });
});
