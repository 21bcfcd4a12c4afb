/**
 * However a path is spelled, it leads through the same checks: with a password set nothing is had without it, and nothing by another name
 * or from another origin even with it. Octets are sent as they are, for no client would.
 */

import { startInbox, type InboxServer } from 'smtpd-inbox';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ask } from '../support/http.js';
import { sendMail } from '../support/mails.js';
import { askRaw, gone, httpPorts, UPGRADE } from './support.js';

const MARK = 'Nobody-shall-read-this';
const PASSWORD = 'sesame';
const BASIC = { authorization: `Basic ${btoa(`any:${PASSWORD}`)}` };

let inbox: InboxServer;
let ports: ReturnType<typeof httpPorts>;

beforeAll(async () => {
  inbox = await startInbox({
    smtp: '127.0.0.1:0',
    http: '127.0.0.1:0',
    mailpit: '127.0.0.1:0',
    mailhog: '127.0.0.1:0',
    password: PASSWORD,
    token: 'tok-en',
  });
  ports = httpPorts(inbox);
  await sendMail(inbox.smtpPort, { content: `Subject: ${MARK}\r\nContent-Type: text/html\r\n\r\n<p>${MARK}</p>\r\n` });
});
afterAll(() => inbox.close());

/** What is asked for, in every spelling; each begins with what is meant. */
const TARGETS = {
  inbox: ['/api/v1/messages', '/api/v1/messages/1/raw', '/api/v1/messages/1/html', '/api/v1/events', '/'],
  mailpit: ['/api/v1/messages', '/api/v1/message/latest/raw', '/view/latest.html', '/api/events'],
  mailhog: ['/api/v2/messages', '/api/v1/messages/1/download', '/api/v1/events', '/api/v2/websocket'],
} as const;

const SPELLINGS: Readonly<Record<string, (path: string) => string>> = {
  'as it is': (path) => path,
  'a letter encoded': (path) => path.replace(/[a-z]/, encoded),
  'the last letter encoded': (path) => path.replace(/[a-z](?=[^a-z]*$)/, encoded),
  'each letter encoded': (path) => path.replace(/[a-z]/g, encoded),
  'a letter encoded twice': (path) => path.replace(/[a-z]/, (letter) => encoded(letter).replace('%', '%25')),
  'encoded slashes': (path) => `/${path.slice(1).replaceAll('/', '%2f')}`,
  'an encoded first slash': (path) => `/%2F${path.slice(1)}`,
  'a backslash': (path) => path.replace(/\/(?=[^/]*$)/, '\\'),
  'an encoded backslash': (path) => path.replace(/\/(?=[^/]*$)/, '%5c'),
  'two slashes first': (path) => `/${path}`,
  'two slashes within': (path) => path.replace(/(?<=.)\//g, '//'),
  'a dot': (path) => path.replace(/\/(?=[^/]*$)/, '/./'),
  'an encoded dot': (path) => path.replace(/\/(?=[^/]*$)/, '/%2e/'),
  'two dots': (path) => `/assets/..${path}`,
  'two encoded dots': (path) => `/assets/%2e%2e${path}`,
  'two dots and an encoded slash': (path) => `/assets/..%2f${path.slice(1)}`,
  'dots behind the page': (path) => `/index.html/..${path}`,
  capitals: (path) => path.toUpperCase(),
  'a slash behind it': (path) => `${path}/`,
  'a dot behind it': (path) => `${path}.`,
  'a blank behind it': (path) => `${path}%20`,
  'a parameter in the path': (path) => `${path};a=b`,
  'NUL behind it': (path) => `${path}%00`,
  'NUL before the ending of a file': (path) => `${path}%00.css`,
  'a question': (path) => `${path}?remote=false`,
  'an encoded question mark': (path) => `${path}%3f`,
  'a fragment': (path) => `${path}#/index.html`,
  'a wrong encoding': (path) => `${path}%zz`,
  'an overlong encoding': (path) => path.replace('/', '/%c0%af'),
  'a tab': (path) => `${path}%09`,
  'another server within the line': (path) => `http://evil.example${path}`,
  'this server within the line': (path) => `http://127.0.0.1${path}`,
};

describe.each(['inbox', 'mailpit', 'mailhog'] as const)('%s', (name) => {
  const requests = TARGETS[name].flatMap((path) =>
    Object.entries(SPELLINGS).map(([how, spell]) => ({ how, path: spell(path) })),
  );

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'])(
    'gives nothing without the password: %s',
    async (method) => {
      const given = await Promise.all(
        requests.map(async ({ how, path }) => ({ how, path, ...(await askRaw(ports[name], { method, path })) })),
      );
      expect(given.filter(({ status, text }) => !REFUSED.has(status) || text.includes(MARK))).toEqual([]);
      // Most are refused for want of the password, not because nobody understood them.
      expect(given.filter(({ status }) => status === 401).length).toBeGreaterThan(requests.length / 2);
    },
  );

  it.each<[string, Record<string, string>]>([
    ['from another origin', { origin: 'https://evil.example' }],
    ['from a sandboxed frame', { origin: 'null' }],
    ['from this machine’s other port', { origin: 'http://127.0.0.1:1' }],
    ['by another name', { host: 'evil.example' }],
    ['for a picture of another page', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }],
  ])('gives nothing %s, even with the password', async (_who, headers) => {
    const given = await Promise.all(
      requests.map(async ({ how, path }) => ({
        how,
        path,
        ...(await askRaw(ports[name], { path, headers: { ...BASIC, ...headers } })),
      })),
    );
    expect(given.filter(({ status, text }) => !(status === 403 || status === 400) || text.includes(MARK))).toEqual([]);
  });

  it('opens no WebSocket without the password, nor from another origin', async () => {
    const given = await Promise.all(
      requests.flatMap(({ how, path }) =>
        [{}, { ...BASIC, origin: 'https://evil.example' }, { ...BASIC, host: 'evil.example' }].map(async (headers) => ({
          how,
          path,
          headers,
          ...(await askRaw(ports[name], { path, headers: { ...UPGRADE, ...headers } })),
        })),
      ),
    );
    expect(given.filter(({ status }) => !REFUSED.has(status))).toEqual([]);
  });

  it('gives it to whoever has the password, so that none of this was refused for nothing', async () => {
    for (const path of TARGETS[name].slice(0, 2)) {
      const { status, text } = await askRaw(ports[name], { path, headers: BASIC });
      expect([path, status, text.includes(MARK)]).toEqual([path, 200, true]);
    }
    if (name !== 'inbox') {
      const socket = await askRaw(ports[name], { path: TARGETS[name][3], headers: { ...UPGRADE, ...BASIC } });
      expect(socket.status).toBe(101);
    }
  });

  it('survives whoever asks for a WebSocket and leaves, or never leaves', async () => {
    const other = await startInbox({
      smtp: '127.0.0.1:0',
      http: '127.0.0.1:0',
      mailpit: '127.0.0.1:0',
      mailhog: '127.0.0.1:0',
      password: PASSWORD,
    });
    const port = httpPorts(other)[name];
    const fields = Object.entries(UPGRADE).map(([field, value]) => `${field}: ${value}\r\n`);
    const asking = `GET /api/events HTTP/1.1\r\nhost: 127.0.0.1\r\n${fields.join('')}\r\n`;
    for (let count = 0; count < 20; count += 1) {
      const leaving = connect(port, '127.0.0.1');
      leaving.on('error', () => undefined);
      leaving.write(asking, () => leaving.resetAndDestroy());
      await gone(leaving);
    }
    // It hears that it was refused, and keeps its side open.
    const staying = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    staying.write(asking);
    await new Promise((resolve) => staying.once('end', resolve).resume());
    expect((await ask(`http://127.0.0.1:${String(port)}`, { path: '/', headers: BASIC })).status).toBeLessThan(500);
    await other.close();
    staying.destroy();
  });
});

describe('credentials', () => {
  it.each<[string, string]>([
    ['none', ''],
    ['no scheme', PASSWORD],
    ['an empty password', `Basic ${btoa('any:')}`],
    ['no colon', `Basic ${btoa('x')}`],
    ['a part of it', `Basic ${btoa(`any:${PASSWORD.slice(0, -1)}`)}`],
    ['more than it', `Basic ${btoa(`any:${PASSWORD}x`)}`],
    ['other case', `Basic ${btoa(`any:${PASSWORD.toUpperCase()}`)}`],
    ['NUL behind it', `Basic ${btoa(`any:${PASSWORD}\0`)}`],
    ['a long one', `Basic ${btoa(`any:${'x'.repeat(6_000)}`)}`],
    ['the token as a password', `Basic ${btoa('any:tok-en')}`],
    ['the password as a token', `Bearer ${PASSWORD}`],
    ['a part of the token', 'Bearer tok'],
    ['what is no base64', 'Basic !!!'],
    ['the digest of it', `Bearer 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08`],
    ['another scheme', `Digest ${btoa(`any:${PASSWORD}`)}`],
  ])('%s', async (_what, authorization) => {
    for (const port of Object.values(ports)) {
      const { status, headers } = await ask(`http://127.0.0.1:${String(port)}`, {
        path: '/api/v1/messages',
        headers: authorization === '' ? {} : { authorization },
      });
      expect([status, headers['www-authenticate']?.startsWith('Basic')]).toEqual([401, true]);
    }
  });

  it.each<[string, string]>([
    ['any user', `Basic ${btoa(`any:${PASSWORD}`)}`],
    ['no user', `Basic ${btoa(`:${PASSWORD}`)}`],
    ['a token', 'Bearer tok-en'],
    ['a scheme in capitals', 'BEARER tok-en'],
  ])('%s will do', async (_what, authorization) => {
    for (const port of Object.values(ports))
      expect(
        (await ask(`http://127.0.0.1:${String(port)}`, { path: '/api/v1/messages', headers: { authorization } }))
          .status,
      ).toBe(200);
  });
});

describe('the name in Host', () => {
  it.each([
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'evil.example:8025',
    '127.0.0.1@evil.example',
    'evil.example#127.0.0.1',
    '127.1.evil.example',
    '0x7f000001.evil.example',
    'xn--lcalhost-54a',
    'localhost\u00a0',
    '',
    '[evil.example]',
    '127.0.0.1, evil.example',
  ])('%j is none of ours', async (host) => {
    for (const port of Object.values(ports)) {
      const { status, text } = await askRaw(port, { path: '/api/v1/messages', headers: { ...BASIC, host } });
      expect([400, 403]).toContain(status);
      expect(text).not.toContain(MARK);
    }
  });

  it.each(['127.0.0.1', '127.0.0.1:8025', 'localhost', 'LOCALHOST:1', 'localhost.', '[::1]:8025'])(
    '%j is ours',
    async (host) => {
      for (const port of Object.values(ports))
        expect((await askRaw(port, { path: '/api/v1/messages', headers: { ...BASIC, host } })).status).toBe(200);
    },
  );
});

function encoded(letter: string): string {
  return `%${letter.charCodeAt(0).toString(16)}`;
}

/** 400 is the parser of HTTP, which knows nothing of passwords and gives nothing. */
const REFUSED: ReadonlySet<number> = new Set([400, 401, 403]);
