/**
 * The HTTP side of an inbox, as far as the page asks it: the built page under a strict policy, and an API that answers from samples. What
 * the page makes of an answer is tested here; that the real server gives such answers is tested where the server is.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Counts, Info, Page } from '../../../src/api/model.js';
import type { Sample } from './sample-message.js';

export interface FakeInbox extends AsyncDisposable {
  readonly url: string;
  /** What was asked: `GET /api/v1/info`. */
  readonly requests: readonly string[];
  /** Bodies of what was changed, by its path. */
  readonly changes: ReadonlyMap<string, unknown>;
  /** What the server may do. */
  can: Info['can'];
  /** Whether the frame’s document has the policy that the real server gives it. */
  hasFramePolicy: boolean;
  close(): Promise<void>;
}

/** Starts a server with these messages, the newest first. */
export async function startFakeInbox(samples: readonly Sample[]): Promise<FakeInbox> {
  const requests: string[] = [];
  const changes = new Map<string, unknown>();
  const state = {
    can: { release: true, remoteContent: true, dns: false, recipientFaults: false, keeps: false },
    hasFramePolicy: true,
  };
  const byId = new Map(samples.map((sample) => [sample.message.entry.id, sample]));

  const answerAPI = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const path = url.pathname.slice('/api/v1/'.length).split('/').map(decodeURIComponent);
    const [place = '', id = '', what = '', number = ''] = path;
    const json = (value: unknown): void => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(value));
    };
    if (request.method === 'POST') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      changes.set(path.join('/'), JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}'));
    }
    if (place === 'messages' && id === '') {
      const page: Page = { entries: samples.map(({ message }) => message.entry), newer: '0' };
      json(page);
      return;
    }
    if (place === 'info') {
      json(infoOf(state.can));
      return;
    }
    if (place === 'counts') {
      const counts: Counts = { messages: samples.length, unread: 0, bytes: 0, inboxes: {} };
      json(counts);
      return;
    }
    if (place === 'events') {
      response.setHeader('content-type', 'text/event-stream');
      response.write(': here\n\n');
      return;
    }
    const sample = byId.get(id);
    if (place !== 'messages' || sample === undefined) {
      if (['inboxes', 'faults', 'webhooks'].includes(place)) {
        json([]);
        return;
      }
      if (place === 'messages' && request.method === 'POST') {
        json({});
        return;
      }
      response.statusCode = 404;
      json({ error: { code: 'NOT_FOUND', message: `There is nothing at ${url.pathname}.` } });
      return;
    }
    switch (what) {
      case '':
        json(sample.message);
        return;
      case 'raw':
        response.setHeader('content-type', 'message/rfc822');
        if (url.searchParams.has('download')) response.setHeader('content-disposition', 'attachment');
        response.end(sample.raw);
        return;
      case 'html':
        response.setHeader('content-type', 'text/html; charset=utf-8');
        response.setHeader('x-remote-content', String(sample.remoteContent));
        if (state.hasFramePolicy) {
          const remote = url.searchParams.has('remote') ? ' http: https:' : '';
          response.setHeader(
            'content-security-policy',
            `default-src 'none'; style-src 'unsafe-inline'; img-src data:${remote}; sandbox allow-popups allow-popups-to-escape-sandbox`,
          );
        }
        response.end(request.method === 'HEAD' ? '' : (sample.message.html ?? ''));
        return;
      case 'parts': {
        const part = sample.message.parts.find((known) => known.number === number);
        response.setHeader('x-content-type-options', 'nosniff');
        if (url.searchParams.has('inline')) response.setHeader('content-type', part?.contentType ?? '');
        else {
          response.setHeader('content-type', 'application/octet-stream');
          response.setHeader('content-disposition', 'attachment');
        }
        response.end(sample.partOctets.get(number) ?? '');
        return;
      }
      case 'transcript':
      case 'lint':
      case 'accessibility':
      case 'compatibility':
      case 'authentication':
      case 'difference':
      case 'release':
        json(sample[what]);
        return;
      case 'replay':
        json({});
        return;
      default:
        response.statusCode = 404;
        json({ error: { code: 'NOT_FOUND', message: `There is no ${what}.` } });
    }
  };

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    requests.push(`${request.method ?? ''} ${url.pathname}${url.search}`);
    const answered = url.pathname.startsWith('/api/v1/')
      ? answerAPI(request, response, url)
      : answerFile(response, url.pathname);
    answered.catch(() => {
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return Object.assign(state, {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`,
    requests,
    changes,
    close,
    [Symbol.asyncDispose]: close,
  });
}

async function answerFile(response: ServerResponse, path: string): Promise<void> {
  response.setHeader('content-security-policy', PAGE_POLICY);
  try {
    const file = path === '/' ? 'index.html' : path.slice(1);
    const octets = await readFile(join(PAGE_FOLDER, file));
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.end(octets);
  } catch {
    response.statusCode = path === '/' ? 500 : 404;
    response.end(path === '/' ? 'The page is not built: npm run build:packages' : '');
  }
}

function infoOf(can: Info['can']): Info {
  return {
    version: '0.1.0',
    smtp: [{ host: '127.0.0.1', port: 1025, tls: 'offer' }],
    auth: 'any',
    limits: { messagesMax: 5000, bytesMax: 1_000_000_000, messageBytesMax: 33_554_432 },
    can,
    inboxDomain: 'inbox.test',
  };
}

const PAGE_FOLDER = fileURLToPath(new URL('../../../dist/page', import.meta.url));
/** The page may do nothing else: no inline style, no inline script, nobody else's anything. */
const PAGE_POLICY =
  "default-src 'self'; frame-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
