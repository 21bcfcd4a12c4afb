/** What stands before the APIs of the other programs: the same as before ours. Each case was an advisory of one of them, or is of that kind. */

import { startInbox, type InboxServer } from 'smtpd-inbox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';

import { ask, type Asked } from '../../support/http.js';
import { sendMail } from '../../support/mails.js';

let inbox: InboxServer;
let guarded: InboxServer;

beforeAll(async () => {
  const options = { smtp: '127.0.0.1:0', http: false, mailpit: '127.0.0.1:0', mailhog: '127.0.0.1:0' } as const;
  inbox = await startInbox(options);
  guarded = await startInbox({ ...options, password: 'secret' });
});
afterAll(async () => {
  await inbox.close();
  await guarded.close();
});

const JSON_TYPE = { 'content-type': 'application/json' };
const EVIL = { origin: 'https://evil.example' };

describe.each(['mailpit', 'mailhog'] as const)('%s', (name) => {
  const urlOf = (server: InboxServer): string => server.compatibilityURLs[name] ?? '';
  const list = name === 'mailpit' ? '/api/v1/messages' : '/api/v2/messages';
  const socketPath = name === 'mailpit' ? 'api/events' : 'api/v2/websocket';

  it.each<[string, Asked, number]>([
    ['a name that is led to this machine', { path: list, headers: { host: 'evil.example' } }, 403],
    ['a page of another origin that reads', { path: list, headers: EVIL }, 403],
    ['a page that hides where it is from', { path: list, headers: { origin: 'null' } }, 403],
    [
      'a picture of another page',
      { path: list, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } },
      403,
    ],
    [
      'a page of another origin that deletes',
      { method: 'DELETE', path: '/api/v1/messages', headers: { ...EVIL, ...JSON_TYPE } },
      403,
    ],
    ['an encoded path', { method: 'DELETE', path: '/api/v1/%6dessages', headers: EVIL }, 403],
    [
      'a form of nobody knows where',
      { method: 'DELETE', path: '/api/v1/messages', headers: { 'content-type': 'text/plain' } },
      415,
    ],
    [
      'a browser that names no type',
      { method: 'DELETE', path: '/api/v1/messages', headers: { 'sec-fetch-site': 'same-origin' } },
      415,
    ],
    ['our own page', { path: list, headers: { 'sec-fetch-site': 'same-origin' } }, 200],
    ['a program', { method: 'DELETE', path: '/api/v1/messages' }, 200],
  ])('%s', async (_what, asked, status) => {
    await sendMail(inbox.smtpPort);
    const answer = await ask(urlOf(inbox), asked);
    expect(answer.status).toBe(status);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    if (status !== 200) expect((await inbox.store.counts()).messages).toBeGreaterThan(0);
  });

  it.each<[string, Record<string, string>, string, string]>([
    ['of another origin', EVIL, '', '403'],
    ['by another name', { host: 'evil.example' }, '', '403'],
    ['at another path', {}, 'x', '404'],
  ])('no WebSocket %s', async (_what, headers, more, status) => {
    const socket = new WebSocket(`${urlOf(inbox).replace('http', 'ws')}${socketPath}${more}`, { headers });
    const error = await new Promise<Error>((resolve, reject) => {
      socket.once('error', resolve);
      socket.once('open', () => {
        reject(new Error('It was opened'));
      });
    });
    expect(error.message).toContain(status);
  });

  it('nothing without the password, where there is one', async () => {
    const url = urlOf(guarded);
    const refused = await ask(url, { path: list });
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('Basic') as string,
    ]);
    expect((await ask(url, { path: list, headers: { authorization: `Basic ${btoa('any:secret')}` } })).status).toBe(
      200,
    );
    const socket = new WebSocket(`${url.replace('http', 'ws')}${socketPath}`);
    expect((await new Promise<Error>((resolve) => socket.once('error', resolve))).message).toContain('401');
  });
});

describe('the HTML of a mail through Mailpit’s API', () => {
  const HOSTILE = [
    'From: a@a.example',
    'Subject: x',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=m',
    '',
    '--m',
    'Content-Type: text/html',
    '',
    '<p>Hi</p><script>fetch("/api/v1/messages",{method:"DELETE"})</script>',
    '--m',
    'Content-Type: image/svg+xml',
    'Content-Disposition: inline; filename="a\\"; x=.svg"',
    '',
    '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    '--m--',
    '',
  ].join('\r\n');

  it('runs nothing and belongs to nobody', async () => {
    await inbox.store.clear();
    await sendMail(inbox.smtpPort, { content: HOSTILE });
    const url = inbox.compatibilityURLs['mailpit'] ?? '';
    const program = await ask(url, { path: '/view/latest.html' });
    expect(program.text).toContain('<script>');
    for (const headers of [
      {},
      { 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' },
    ]) {
      const { headers: given, text } = await ask(url, { path: '/view/latest.html', headers });
      const policy = String(given['content-security-policy']);
      expect(policy).toMatch(/default-src 'none'.*script-src 'none'.*sandbox/);
      expect(policy).not.toMatch(/allow-same-origin|allow-scripts/);
      if ('sec-fetch-dest' in headers) expect(text).not.toContain('<script');
    }
    const svg = await ask(url, { path: '/api/v1/message/latest/part/2' });
    expect(svg.headers['content-type']).toBe('application/octet-stream');
    expect(svg.headers['content-disposition']).toMatch(/^attachment; filename="a_; x=\.svg"; filename\*=/);
  });
});

describe('the options', () => {
  it('let no stranger read: beyond this machine a password is needed, on every port', async () => {
    for (const option of ['mailpit', 'mailhog', 'pop3'])
      await expect(startInbox({ smtp: '127.0.0.1:0', http: false, [option]: '0.0.0.0:0' })).rejects.toThrow(
        new RegExp(`\\(${option}\\)`),
      );
  });
});
