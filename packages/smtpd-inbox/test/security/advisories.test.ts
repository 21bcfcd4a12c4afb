/**
 * What was published of Mailpit, MailHog, MailDev and smtp4dev: one test for each, that the same is not had here. docs/inbox-security.md
 * tells what each was. Where a browser is the victim there is a real one: see also origins.test.ts, frame.test.ts and paths.test.ts.
 */

import type { BrowserContext } from '@playwright/test';
import { unzipSync } from 'fflate';
import { readdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startInbox, type InboxServer } from 'smtpd-inbox';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { ask, type Answered } from '../support/http.js';
import { sendMail } from '../support/mails.js';
import {
  askRaw,
  exchange,
  htmlMail,
  httpPorts,
  mailOfParts,
  putMail,
  startStranger,
  UPGRADE,
  useBrowser,
  type Stranger,
} from './support.js';

const JSON_TYPE = { 'content-type': 'application/json' };

let inbox: InboxServer;
let stranger: Stranger;
let urls: Readonly<Record<'inbox' | 'mailpit' | 'mailhog', string>>;

beforeAll(async () => {
  stranger = await startStranger();
  inbox = await startInbox({
    smtp: '127.0.0.1:0',
    http: '127.0.0.1:0',
    mailpit: '127.0.0.1:0',
    mailhog: '127.0.0.1:0',
    pop3: '127.0.0.1:0',
    messageBytesMax: 1_048_576,
    webhookURLs: ['http://127.0.0.1:1/hook'],
  });
  const { mailpit = '', mailhog = '' } = inbox.compatibilityURLs;
  urls = { inbox: inbox.url ?? '', mailpit, mailhog };
});
afterAll(async () => {
  await inbox.close();
  await stranger[Symbol.asyncDispose]();
});

/** How many connections the stranger had had before a test. */
let connectionsBefore = 0;
beforeEach(() => {
  connectionsBefore = stranger.connections();
});

const post = (url: string, path: string, body: unknown): Promise<Answered> =>
  ask(url, { method: 'POST', path, headers: JSON_TYPE, body: JSON.stringify(body) });
const postOwn = (path: string, body: unknown): Promise<Answered> => post(urls.inbox, `/api/v1${path}`, body);

describe('Mailpit', () => {
  describe('CVE-2026-22689, GHSA-524m-q5m7-79mm, and GHSA-8r62-w5wh-fc5m: WebSockets for every page', () => {
    const open = useBrowser();

    it('no page but ours is told of mail, however it spells the path', async () => {
      const context = await open();
      const page = await context.newPage();
      await page.goto(stranger.origin);
      const ports = httpPorts(inbox);
      const opened = await page.evaluate(
        async (sockets) =>
          Promise.all(
            sockets.map(
              (url) =>
                new Promise<boolean>((resolve) => {
                  const socket = new WebSocket(url);
                  socket.onopen = () => resolve(true);
                  socket.onerror = () => resolve(false);
                }),
            ),
          ),
        ['/api/events', '/api/%65vents', '/%61pi/events', '/api/x/../events', '/api%2fevents', '//api/events'].flatMap(
          (path) => [
            `ws://127.0.0.1:${String(ports.mailpit)}${path}`,
            `ws://localhost:${String(ports.mailpit)}${path}`,
          ],
        ),
      );
      expect(opened).not.toContain(true);
      await context.close();
      // A program that names no origin is let in.
      expect((await askRaw(ports.mailpit, { path: '/api/events', headers: UPGRADE })).status).toBe(101);
    });
  });

  it('CVE-2026-21859, GHSA-8v65-47jx-7mfr: a proxy for pictures asks whomever one names', async () => {
    for (const url of Object.values(urls))
      for (const path of ['/proxy', '/api/v1/proxy', '/screenshot'])
        for (const key of ['url', 'data'])
          expect((await ask(url, { path: `${path}?${key}=${encodeURIComponent(stranger.origin)}` })).status).toBe(404);
    expect(stranger.connections()).toBe(connectionsBefore);
  });

  it('CVE-2026-23845, GHSA-6jxm-fv7w-rw5j, and CVE-2026-27808, GHSA-mpf7-p9x7-96r3: what is checked is fetched', async () => {
    const { origin } = stranger;
    const id = await putMail(
      inbox,
      htmlMail(
        `<link rel=stylesheet href="${origin}/a.css"><style>@import "${origin}/b.css"</style><a href="${origin}/link">a</a><img src="${origin}/c.gif">`,
        [`List-Unsubscribe: <${origin}/unsubscribe>`, `Autocrypt: ${origin}`],
      ),
    );
    const paths = [
      '',
      'links',
      'html',
      'lint',
      'compatibility',
      'accessibility',
      'authentication',
      'difference',
      'parts',
      'text',
    ];
    for (const path of paths) await ask(urls.inbox, { path: `/api/v1/messages/${id}/${path}` });
    expect((await ask(urls.inbox, { path: `/api/v1/messages/${id}/compatibility` })).status).toBe(200);
    for (const [check, status] of [
      ['html-check', 200],
      ['link-check', 501],
      ['link-check?follow=true', 501],
    ] as const)
      expect((await ask(urls.mailpit, { path: `/api/v1/message/${id}/${check}` })).status).toBe(status);
    await ask(urls.mailpit, { path: `/view/${id}.html` });
    expect(stranger.connections()).toBe(connectionsBefore);
  });

  it('GHSA-j3fj-qppj-fmmc, and CVE-2026-55187, GHSA-w4mc-hhc6-xp28: a list of what may not be asked forgets addresses', async () => {
    // Ours is a list of what may be asked: an address that nobody thought of is not on it.
    for (const host of [
      '100.64.0.1',
      '[::ffff:127.0.0.1]',
      '[::127.0.0.1]',
      '[64:ff9b::7f00:1]',
      '[2002:7f00:1::]',
      '[fec0::1]',
      '[fe80::1]',
      '[2001:db8::1]',
      '[::]',
      '0.0.0.0',
      '0',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '127.1',
      '127.0.0.1.',
      '169.254.169.254',
      'localhost',
      'localhost.',
      '127.0.0.1.nip.io',
      '①②⑦.⓪.⓪.①',
      '127.0.0.1@evil.example',
      'evil.example#@127.0.0.1',
      '192.0.2.1',
      '198.18.0.1',
      '240.0.0.1',
    ]) {
      // prettier-ignore
      const { status, text } = await postOwn('/webhooks', { url: `http://${host}:${String(stranger.port)}/hook` });
      expect([host, status, text.includes('"id"')]).toEqual([host, status === 400 ? 400 : 403, false]);
    }
    for (const url of [
      'http://127.0.0.1:1/hooks',
      'http://127.0.0.1:1/hook/../x',
      'http://127.0.0.1:1/hook%2f..%2fx/..',
      'file:///etc/passwd',
    ])
      expect([400, 403]).toContain((await postOwn('/webhooks', { url })).status);
    expect((await postOwn('/webhooks', { url: 'http://127.0.0.1:1/hook/mail' })).status).toBe(201);
  });

  it('GHSA-w4vj-r5pg-3722: many who look at a mail at once end the server', async () => {
    const id = await putMail(inbox, htmlMail('<style>a{background:url(http://a.example/x)}</style>'.repeat(200)));
    const answers = await Promise.all(
      Array.from({ length: 40 }, () => ask(urls.inbox, { path: `/api/v1/messages/${id}/html` })),
    );
    expect(new Set(answers.map(({ status, text }) => `${String(status)} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
  });

  it('CVE-2026-23829, GHSA-54wq-72mp-cq7c: an address with a line end in it becomes a header field', async () => {
    const count = (await inbox.store.counts()).messages;
    for (const path of [
      'a\r@b.example',
      'a@b.example\rX-Injected: 1',
      'a\0@b.example',
      '"a\r\nX-Injected: 1"@b.example',
      'a@b.example>\rX: <',
    ]) {
      const session = `EHLO a.example\r\nMAIL FROM:<${path}>\r\nRCPT TO:<${path}>\r\nDATA\r\nQUIT\r\n`;
      const replies = (await exchange(inbox.smtpPort, session)).split('\r\n').filter((line) => /^\d{3} /.test(line));
      // Greeting, EHLO, and then refusals until QUIT; DATA never comes to be.
      expect(replies.slice(2, -1).filter((reply) => !reply.startsWith('5'))).toEqual([]);
    }
    for (const address of [
      'a@b.example\r\nBcc: eve@evil.example',
      'a\r@b.example',
      'a@b.example\nX: y',
      'a\u2028@b.example\r',
    ]) {
      for (const field of ['from', 'to'] as const)
        expect(
          (
            await postOwn('/send', {
              from: 'a@a.example',
              to: ['b@b.example'],
              text: '',
              [field]: field === 'to' ? [address] : address,
            })
          ).status,
        ).toBe(400);
      const given = await post(urls.mailpit, '/api/v1/send', {
        From: { Email: address, Name: 'x' },
        To: [{ Email: 'b@b.example' }],
      });
      expect(given.status).toBe(400);
    }
    for (const mail of [
      { subject: 'a\r\nBcc: eve@evil.example' },
      { headers: { 'X-A': 'b\r\nBcc: eve@evil.example' } },
      { headers: { 'X-A\r\nBcc': 'eve@evil.example' } },
      { headers: { 'X A': 'b' } },
      { attachments: [{ fileName: 'a"\r\nX: y', contentBase64: '' }] },
      { attachments: [{ fileName: 'a', contentType: 'text/plain\r\nX: y', contentBase64: '' }] },
      { attachments: [{ fileName: 'a', contentId: 'a>\r\nX: y', contentBase64: '' }] },
    ])
      expect((await postOwn('/send', { from: 'a@a.example', to: ['b@b.example'], text: '', ...mail })).status).toBe(
        400,
      );
    expect((await inbox.store.counts()).messages).toBe(count);
  });

  it('CVE-2026-45710, GHSA-fpxj-m5q8-fphw, and GHSA-r553-m4fv-5v97: mail without bound, in lines or in one', async () => {
    const count = (await inbox.store.counts()).messages;
    for (const content of ['x'.repeat(3_000_000), `${'y'.repeat(76)}\r\n`.repeat(40_000)]) {
      const session = `EHLO a.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n${content}\r\n.\r\nQUIT\r\n`;
      expect(await exchange(inbox.smtpPort, session)).toMatch(/^552 /m);
    }
    const large = 'x'.repeat(34_000_000);
    expect((await postOwn('/send', { from: 'a@a.example', to: ['b@b.example'], text: large })).status).toBe(413);
    expect((await post(urls.mailpit, '/api/v1/send', { From: { Email: 'a@a.example' }, Text: large })).status).toBe(
      413,
    );
    expect((await inbox.store.counts()).messages).toBe(count);
  });

  it('CVE-2026-48824, GHSA-28pq-6qxg-wg5r: bodies of all other requests without bound', async () => {
    const ids = JSON.stringify({
      ids: Array.from({ length: 400_000 }, () => '1'),
      IDs: Array.from({ length: 400_000 }, () => '1'),
    });
    const requests: readonly (readonly [string, string, string])[] = [
      [urls.inbox, 'POST', '/api/v1/messages/delete'],
      [urls.inbox, 'POST', '/api/v1/messages/mark'],
      [urls.inbox, 'POST', '/api/v1/messages/tag'],
      [urls.inbox, 'POST', '/api/v1/webhooks'],
      [urls.inbox, 'POST', '/api/v1/inboxes'],
      [urls.inbox, 'POST', '/api/v1/faults'],
      [urls.mailpit, 'PUT', '/api/v1/messages'],
      [urls.mailpit, 'DELETE', '/api/v1/messages'],
      [urls.mailpit, 'PUT', '/api/v1/tags'],
      [urls.mailpit, 'PUT', '/api/v1/chaos'],
      [urls.mailpit, 'POST', '/api/v1/message/latest/release'],
      [urls.mailhog, 'POST', '/api/v1/messages/1/release'],
    ];
    for (const [url, method, path] of requests) {
      // Said, and found out while it comes.
      for (const headers of [
        { ...JSON_TYPE, 'content-length': String(ids.length) },
        { ...JSON_TYPE, 'transfer-encoding': 'chunked' },
      ]) {
        const answer = await ask(url, { method, path, headers, body: ids }).catch((error: unknown) => error);
        // Who sends on after he was told is cut off.
        if (answer instanceof Error)
          expect(answer).toMatchObject({ code: expect.stringMatching(/^(?:EPIPE|ECONNRESET)$/) as string });
        else
          expect([path, (answer as Answered).status]).toEqual([
            path,
            path.includes('release') ? expect.any(Number) : 413,
          ]);
      }
    }
    expect((await ask(urls.inbox, { path: '/api/v1/info' })).status).toBe(200);
  });

  it('CVE-2026-67446, GHSA-75mr-qw9x-3r39, and release 1.31.2: a picture that is small as a file and large as a picture', async () => {
    // 60,000 × 60,000 pixels by its own word, and an animation with no end: neither is ever unpacked.
    const png = Buffer.concat([
      Buffer.from('89504e470d0a1a0a0000000d494844520000ea600000ea600806000000', 'hex'),
      Buffer.alloc(64),
    ]);
    const gif = Buffer.from(
      `GIF89a\xff\xff\xff\xff\x80\x00\x00${'\x21\xf9\x04\x00\x00\x00\x00\x00'.repeat(10_000)}`,
      'latin1',
    );
    const id = await putMail(
      inbox,
      mailOfParts(
        [png, gif].map((picture, index) => ({
          header: [
            `Content-Type: image/${index === 0 ? 'png' : 'gif'}`,
            'Content-Transfer-Encoding: base64',
            'Content-Disposition: attachment; filename="a\\"; x.png"',
          ],
          content: picture.toString('base64'),
        })),
      ),
    );
    for (const [number, picture] of [
      ['1', png],
      ['2', gif],
    ] as const) {
      const inline = await ask(urls.inbox, { path: `/api/v1/messages/${id}/parts/${number}?inline=true` });
      const thumb = await ask(urls.mailpit, { path: `/api/v1/message/${id}/part/${number}/thumb` });
      expect([inline.headers['content-length'], inline.status, thumb.status]).toEqual([
        String(picture.length),
        200,
        200,
      ]);
      expect(thumb.text.length).toBe(picture.toString('utf8').length);
      // And its name stays within its field (release 1.30.6).
      expect(thumb.headers['content-disposition']).toMatch(/^attachment; filename="a_; x\.png"; filename\*=UTF-8''/);
    }
  });

  it('CVE-2026-67445, GHSA-w878-pj84-3j5v (and GHSA-fv2f-rw9f-v9cm of MailDev’s SMTP server): a command that does not end', async () => {
    const [pop3] = inbox.pop3Addresses;
    const pop3Port = pop3 !== undefined && 'port' in pop3 ? pop3.port : 0;
    const endless = 'A'.repeat(4_000_000);
    for (const [port, start] of [
      [inbox.smtpPort, ''],
      [inbox.smtpPort, 'EHLO a.example\r\nAUTH PLAIN\r\n'],
      [inbox.smtpPort, 'EHLO a.example\r\nAUTH LOGIN\r\n'],
      [pop3Port, ''],
      [pop3Port, 'AUTH PLAIN\r\n'],
    ] as const) {
      // None of it is kept: it is told that the line is too long, or is cut off, and none of it comes back.
      const received = await exchange(port, `${start}${endless}\r\nQUIT\r\n`);
      expect(received).toMatch(/^(?:5\d\d |421 |-ERR)/m);
      expect(received).not.toContain('AAAA');
    }
  });

  it('GHSA-qx5x-85p8-vg4j: an export writes where the name of a message says', async () => {
    await putMail(inbox, 'Subject: ../../../etc/cron.d/x\0.eml\r\nMessage-ID: <../../x>\r\n\r\nx\r\n');
    await putMail(inbox, 'Subject: C:\\Windows\\NUL:stream / .. /\r\n\r\nx\r\n');
    const response = await fetch(`${urls.inbox}api/v1/export?format=zip`);
    const names = Object.keys(unzipSync(new Uint8Array(await response.arrayBuffer())));
    expect(names.filter((name) => name.includes('cron') || name.includes('Windows')).length).toBe(2);
    expect(names.filter((name) => !/^[\p{L}\p{N}_-]+\.eml$/u.test(name))).toEqual([]);
  });

  describe('release 1.19.3: a mail is loaded as a script of the page', () => {
    const open = useBrowser();

    it('nothing that comes out of a mail is a script, a style or a document for our own page', async () => {
      const context = await open();
      const script = 'document.title="ran"//';
      const id = await putMail(inbox, `${script}\r\nSubject: x\r\nContent-Type: text/javascript\r\n\r\n${script}\r\n`);
      const page = await context.newPage();
      await page.goto(urls.inbox);
      const loaded = await page.evaluate(
        async (paths) => {
          const had: string[] = [];
          for (const path of paths)
            for (const type of ['text/javascript', 'module', 'stylesheet', 'frame'])
              await new Promise<void>((resolve) => {
                const element = document.createElement(
                  type === 'stylesheet' ? 'link' : type === 'frame' ? 'iframe' : 'script',
                );
                element.addEventListener('load', () => {
                  if (type !== 'frame') had.push(`${type} ${path}`);
                  else if ((element as HTMLIFrameElement).contentDocument?.body.textContent) had.push(`frame ${path}`);
                  resolve();
                });
                element.addEventListener('error', () => resolve());
                if (type === 'stylesheet') element.setAttribute('rel', type);
                else if (type !== 'frame') element.setAttribute('type', type);
                // A document that is saved loads nothing, and says nothing.
                if (type === 'frame') setTimeout(resolve, 1_000);
                element.setAttribute(type === 'stylesheet' ? 'href' : 'src', path);
                document.body.append(element);
              });
          return had;
        },
        [
          `/api/v1/messages/${id}/raw`,
          `/api/v1/messages/${id}/text`,
          `/api/v1/messages/${id}/parts/1`,
          `/api/v1/messages/${id}`,
        ],
      );
      expect(loaded).toEqual([]);
      expect(await page.title()).not.toContain('ran');
      await context.close();
    });
  });

  it('GHSA-v887-64wg-qqc9, and release 1.31.0: a mail that ends the SMTP server, or goes on as commands after it was refused', async () => {
    const headers = ['From: \0', 'Content-Type: multipart/mixed; boundary=', 'Content-Type: multipart/mixed; boundary="', 'Content-Type: message/rfc822',
      'Content-Type: multipart/mixed; boundary=a; boundary*0=b; boundary*1*=%', 'Subject: =?utf-8?B?////?=', 'Subject: =?x?Q?=', 'To: <<<>>>, :;,"',
      'Date: -999999999999 Foo', 'Content-Transfer-Encoding: base64', ': ', '', 'A', '\xff\xfe', 'From: (((((((((((', 'Content-Disposition: a; filename*=\'\'%']; // prettier-ignore
    for (const header of headers)
      for (const body of ['', '--a', '--a\r\n--a--\r\n--a', '\0', '=', '--\r\n\r\n--', '%'])
        await sendMail(inbox.smtpPort, { content: `${header}\r\n\r\n${body}\r\n` });
    const count = (await inbox.store.counts()).messages;
    const refused = `MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n${'x'.repeat(2_000_000)}\r\n`;
    const smuggled = 'MAIL FROM:<eve@evil.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n';
    for (const end of ['\n.\n', '\r.\r', '\n.\r\n', '\r\n.\n', '\r\n.\r', '\r\n..\r\n'])
      await exchange(inbox.smtpPort, `EHLO a.example\r\n${refused}${end}${smuggled}\r\n.\r\nQUIT\r\n`);
    expect((await inbox.store.counts()).messages).toBe(count);
  });
});

describe('MailDev', () => {
  it('CVE-2024-27448, GHSA-vc6q-ccj9-9r89: a Content-ID says where an attachment is written', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'inbox-paths-'));
    try {
      await using kept = await startInbox({
        smtp: '127.0.0.1:0',
        http: '127.0.0.1:0',
        mailhog: '127.0.0.1:0',
        data: join(folder, 'data'),
      });
      const outside = (): readonly string[] =>
        readdirSync(folder, { recursive: true })
          .map(String)
          .filter((name) => !/^data(?:[/\\]|$)/.test(name));
      const inside = (): readonly string[] => readdirSync(join(folder, 'data'), { recursive: true }).map(String);
      const before = inside();
      const names = [
        '../../../routes.js',
        '../written',
        '/tmp/inbox-written',
        '..\\..\\written',
        'a/../../written',
        '%2e%2e%2fwritten',
        '\0written',
        'C:\\written',
      ];
      const id = await putMail(
        kept,
        mailOfParts(
          names.map((name) => ({
            header: [
              'Content-Type: image/png',
              `Content-ID: <${name}>`,
              `Content-Location: file:///${name}`,
              `Content-Disposition: inline; filename="${name}"`,
            ],
            content: 'written',
          })),
        ),
      );
      for (const [index] of names.entries()) {
        const { text, headers } = await ask(kept.url ?? '', {
          path: `/api/v1/messages/${id}/parts/${String(index + 1)}`,
        });
        expect(text.trim()).toBe('written');
        expect(headers['content-disposition']).not.toMatch(/filename="[^"]*[/\\:]/);
      }
      for (const path of ['..%2f..%2fx', '%2e%2e', '/etc/passwd', '1/../../2', '..']) {
        expect(
          (await askRaw(Number(new URL(kept.url ?? '').port), { path: `/api/v1/messages/${id}/parts/${path}` })).text,
        ).not.toContain('root:');
      }
      expect(outside()).toEqual([]);
      expect(inside().filter((name) => /written|routes/.test(name))).toEqual([]);
      expect(inside().length).toBeGreaterThanOrEqual(before.length);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('MailHog and smtp4dev', () => {
  const open = useBrowser();
  let context: BrowserContext;
  let dialogs: string[];
  beforeEach(async () => {
    context = await open();
    dialogs = [];
    context.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
  });
  afterEach(() => context.close());

  it('CVE-2022-50908: what is attached runs in the page’s origin when it is opened', async () => {
    const run = '<script>alert(origin)</script>';
    const id = await putMail(
      inbox,
      mailOfParts(
        [
          ['text/html', run],
          ['image/svg+xml', `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">${run}</svg>`],
          ['application/xhtml+xml', `<html xmlns="http://www.w3.org/1999/xhtml">${run}</html>`],
          [
            'text/xml',
            `<?xml-stylesheet href="javascript:alert(1)"?><x xmlns="http://www.w3.org/1999/xhtml">${run}</x>`,
          ],
          ['application/javascript', 'alert(1)'],
          ['multipart/x-mixed-replace', run],
          ['TEXT/HTML; charset=utf-7', run],
          ['image/png', run],
          ['text/plain', run],
          ['application/pdf', run],
          ['x/y', run],
          ['text/html,x', run],
        ].map(([type = '', content = '']) => ({
          header: [`Content-Type: ${type}`, 'Content-Disposition: inline; filename=a.html'],
          content,
        })),
      ),
    );
    const page = await context.newPage();
    for (let number = 1; number <= 12; number += 1)
      for (const url of [
        `${urls.inbox}api/v1/messages/${id}/parts/${String(number)}`,
        `${urls.inbox}api/v1/messages/${id}/parts/${String(number)}?inline=true`,
        `${urls.mailpit}api/v1/message/${id}/part/${String(number)}`,
        `${urls.mailhog}api/v1/messages/${id}/mime/part/${String(number - 1)}/download`,
      ]) {
        // What is saved leads nowhere; what is shown is of no origin, and runs nothing.
        const went = await page.goto(url).catch(() => null);
        if (went !== null) expect(await page.evaluate(() => self.origin)).toBe('null');
      }
    expect(dialogs).toEqual([]);
  });

  it.each([
    ['MailHog #240: the subject', 'Subject: <script>alert(1)</script><img src=x onerror=alert(1)>', 'x'],
    ['MailHog #321: scripts in the HTML', 'Subject: x', '<script>alert(1)</script>'],
    ['smtp4dev #1148: an event in the HTML', 'Subject: x', '<svg/onload=alert(document.domain)>'],
  ])('%s', async (_what, header, html) => {
    const id = await putMail(inbox, htmlMail(`<p id="begin">a</p>${html}`, [header]));
    const page = await context.newPage();
    await page.goto(`${urls.inbox}#/message/${id}/html`);
    await page.frameLocator('iframe.msg-frame').locator('#begin').waitFor();
    await page.goto(`${urls.mailpit}view/${id}.html`);
    await page.goto(`${urls.mailhog}api/v1/messages/${id}`);
    expect(dialogs).toEqual([]);
  });
});
