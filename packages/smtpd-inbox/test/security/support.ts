/** What the tests of attacks share: an attacker's server that notes who comes, octets sent as they are, and mails put where they can do harm. */

import type { BrowserContext } from '@playwright/test';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, createServer as createTCPServer, type AddressInfo, type Socket } from 'node:net';
import type { InboxServer } from 'smtpd-inbox';

import { useChromium } from '../support/chromium.js';
import { ask } from '../support/http.js';

/** A server of somebody who means harm. It answers whatever it is asked for, and forgets nothing. */
export interface Stranger extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:…` */
  readonly origin: string;
  /** What was asked for, as `METHOD path`. */
  readonly asked: string[];
  /** How many connections came: a name that is only connected to tells its owner something, too. */
  readonly connections: () => number;
}

/** Starts one. Its pages are empty; what they do, the test says. */
export async function startStranger(): Promise<Stranger> {
  const asked: string[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    response.setHeader('access-control-allow-origin', '*');
    response.setHeader('content-type', contentTypeOf(request));
    response.end(request.url?.endsWith('.gif') === true ? DOT : '');
  });
  server.on('connection', () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://127.0.0.1:${String(port)}`,
    asked,
    connections: () => connections,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function contentTypeOf({ url = '' }: IncomingMessage): string {
  if (url.endsWith('.gif')) return 'image/gif';
  if (url.endsWith('.css')) return 'text/css';
  return url.endsWith('.js') ? 'text/javascript' : 'text/html';
}

/**
 * Says that the tests of this `describe` need Chromium, and starts one for all of them. Names below `.example` lead to this machine; no
 * other name leads anywhere.
 *
 * @param use - how much of it: all, or what loads and draws its pages
 */
export function useBrowser(use: typeof useChromium = useChromium): () => Promise<BrowserContext> {
  const browser = use(() => ({ args: ARGUMENTS }));
  return async () => {
    const context = await browser().newContext({ viewport: { width: 1440, height: 900 } });
    context.setDefaultTimeout(10_000);
    return context;
  };
}

/** Puts a mail into an inbox, and says its id. */
export async function putMail(inbox: InboxServer, mail: string | Uint8Array): Promise<string> {
  const { status, json, text } = await ask(inbox.url ?? '', {
    method: 'POST',
    path: '/api/v1/import',
    headers: { 'content-type': 'message/rfc822' },
    body: mail,
  });
  const [id] = status === 200 ? (json as { readonly ids: readonly string[] }).ids : [];
  if (id === undefined) throw new Error(text);
  return id;
}

/** A mail of HTML. */
export function htmlMail(html: string, header: readonly string[] = []): string {
  return [
    'From: eve@evil.example',
    'Subject: Hi',
    ...header,
    'MIME-Version: 1.0',
    'Content-Type: text/html',
    '',
    html,
    '',
  ].join('\r\n');
}

/** A mail with parts, each with its header and its content. */
export function mailOfParts(
  parts: readonly { readonly header: readonly string[]; readonly content: string }[],
): string {
  return [
    'From: eve@evil.example',
    'Subject: Parts',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=m',
    '',
    ...parts.flatMap(({ header, content }) => ['--m', ...header, '', content]),
    '--m--',
    '',
  ].join('\r\n');
}

/** Sends octets as they are, and gathers what comes back until the other side ends it, or `isEnough`. */
export function exchange(
  port: number,
  sent: string | Uint8Array,
  isEnough: (received: string) => boolean = () => false,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => {
      received += piece;
      if (isEnough(received)) socket.destroy();
    });
    // Whoever is cut off while it is still sending hears that, too.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => {
      resolve(received);
    });
    socket.write(sent);
  });
}

/** A request whose path goes out as it stands. @returns the status and everything that came */
export async function askRaw(
  port: number,
  { method = 'GET', path, headers = {} }: RawRequest,
): Promise<{ readonly status: number; readonly text: string }> {
  const fields = Object.entries({ host: `127.0.0.1:${String(port)}`, ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const hasConnection = 'connection' in headers;
  const text = await exchange(
    port,
    Buffer.from(
      `${method} ${path} HTTP/1.1\r\n${fields.join('')}${hasConnection ? '' : 'connection: close\r\n'}\r\n`,
      'latin1',
    ),
    // A WebSocket that was opened does not end by itself.
    (received) => received.startsWith('HTTP/1.1 101'),
  );
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text };
}

/** See {@link askRaw}. */
export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a WebSocket is asked for with. */
export const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
} as const;

/** The ports of everything that speaks HTTP. */
export function httpPorts(inbox: InboxServer): Readonly<Record<'inbox' | 'mailpit' | 'mailhog', number>> {
  const { mailpit = '', mailhog = '' } = inbox.compatibilityURLs;
  return { inbox: portIn(inbox.url ?? ''), mailpit: portIn(mailpit), mailhog: portIn(mailhog) };
}

function portIn(url: string): number {
  return Number(new URL(url).port);
}

/** Stands before a port and passes on what comes. @returns where, and what was answered through it first */
export async function startRelay(
  port: number,
): Promise<{ readonly port: number; readonly answered: Promise<string> } & AsyncDisposable> {
  let tell: (status: string) => void;
  const answered = new Promise<string>((resolve) => (tell = resolve));
  const server = createTCPServer((coming) => {
    const going = connect(port, '127.0.0.1');
    for (const socket of [coming, going]) socket.on('error', () => [coming, going].map((each) => each.destroy()));
    coming.pipe(going).pipe(coming);
    going.once('data', (piece: Buffer) => {
      tell(piece.toString('latin1').split('\r\n', 1)[0] ?? '');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    answered,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Waits until a socket is gone. */
export function gone(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else
      socket.once('close', () => {
        resolve();
      });
  });
}

const DOT = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const ARGUMENTS = [
  // What a browser itself keeps from pages of a network must not hide what we do.
  '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests',
  '--host-resolver-rules=MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];
