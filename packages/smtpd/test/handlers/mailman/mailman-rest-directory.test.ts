import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';

import { MailmanRESTDirectory, type MailmanRESTOptions } from '../../../src/handlers/mailman/mailman-rest-directory.js';
import { UsageError } from '../../../src/protocol/errors.js';
import { rejection, until } from '../../server/support.js';
import { ManualClock } from '../../support/manual-clock.js';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A REST API that the test speaks for. */
async function startAPI(options: Partial<MailmanRESTOptions> = {}) {
  const lists = new Set(['staff@lists.example']);
  const asked: string[] = [];
  const api: { answer: Answer } = {
    answer: (response, { url = '' }) => {
      if (url === '/3.1/domains') {
        response.end('{"total_size": 1, "entries": [{"mail_host": "Lists.example"}]}');
        return;
      }
      response.statusCode = lists.has(decodeURIComponent(url.replace('/3.1/lists/', ''))) ? 200 : 404;
      response.end('{}');
    },
  };
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const credentials = Buffer.from('restadmin:pass:word').toString('base64');
    if (request.headers.authorization !== `Basic ${credentials}`) response.writeHead(401).end();
    else api.answer(response, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const clock = new ManualClock();
  const directory = new MailmanRESTDirectory({
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/`,
    user: 'restadmin',
    password: 'pass:word',
    clock,
    ...options,
  });
  const lookUp = (address: string, signal?: AbortSignal) => {
    const [localPart = '', domain] = address.split('@');
    return directory.lookUp({ localPart, domain }, signal === undefined ? {} : { signal });
  };
  const failing: Answer = (response) => response.writeHead(503).end();
  return {
    ...{ lists, asked, api, clock, directory, lookUp, failing },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const STAFF = { kind: 'known', list: 'staff@lists.example', role: 'post', isStale: false } as const;

describe('MailmanRESTDirectory', () => {
  it('knows lists and their roles, and which domains are Mailman’s', async () => {
    await using api = await startAPI();
    expect(await api.lookUp('Staff@LISTS.example')).toEqual(STAFF);
    expect(await api.lookUp('staff-owner+x@lists.example')).toEqual({ ...STAFF, role: 'owner' });
    expect(await api.lookUp('nobody@lists.example')).toEqual({ kind: 'unknown', isListDomain: true });
    expect(await api.lookUp('staff@b.example')).toEqual({ kind: 'unknown', isListDomain: false });
    expect(await api.lookUp('postmaster')).toEqual({ kind: 'unknown', isListDomain: false });
    expect(api.asked).toEqual([
      '/3.1/domains',
      '/3.1/lists/staff%40lists.example',
      '/3.1/lists/staff-owner%40lists.example',
      '/3.1/lists/nobody%40lists.example',
    ]);
    expect(api.clock.timerCount).toBe(0);
  });

  it('takes a list that is called like an owner for that', async () => {
    await using api = await startAPI();
    api.lists.add('staff-owner@lists.example');
    expect(await api.lookUp('staff-owner@lists.example')).toEqual({ ...STAFF, list: 'staff-owner@lists.example' });
  });

  it('lets nothing of an address into the path', async () => {
    await using api = await startAPI();
    expect(await api.lookUp('a/../../x?y#z@lists.example')).toEqual({ kind: 'unknown', isListDomain: true });
    expect(api.asked.at(-1)).toBe('/3.1/lists/a%2F..%2F..%2Fx%3Fy%23z%40lists.example');
  });

  it('believes hits, misses and domains each for their own time', async () => {
    await using api = await startAPI({ hitMs: 1_000, missMs: 100, domainsMs: 10_000 });
    await api.lookUp('staff@lists.example');
    await api.lookUp('news@lists.example');
    api.lists.delete('staff@lists.example');
    api.lists.add('news@lists.example');
    api.clock.advance(99);
    expect(await api.lookUp('news@lists.example')).toEqual({ kind: 'unknown', isListDomain: true });
    api.clock.advance(1);
    expect(await api.lookUp('news@lists.example')).toMatchObject({ kind: 'known' });
    api.clock.advance(899);
    expect(await api.lookUp('staff@lists.example')).toEqual(STAFF);
    api.clock.advance(1);
    expect(await api.lookUp('staff@lists.example')).toEqual({ kind: 'unknown', isListDomain: true });
    expect(api.asked.filter((path) => path === '/3.1/domains')).toHaveLength(1);
    api.clock.advance(9_000);
    await api.lookUp('staff@lists.example');
    expect(api.asked.filter((path) => path === '/3.1/domains')).toHaveLength(2);
  });

  it('asks once for all who want to know at the same time', async () => {
    await using api = await startAPI();
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.lookUp('staff@lists.example')));
    expect(answers).toEqual(Array.from({ length: 20 }, () => STAFF));
    expect(api.asked).toHaveLength(2);
  });

  it('knows what it knew while nobody can be asked, for its time, and nothing else', async () => {
    await using api = await startAPI({ hitMs: 1_000, missMs: 1_000, domainsMs: 1_000, staleMs: 5_000, failureMs: 10 });
    await api.lookUp('staff@lists.example');
    await api.lookUp('news@lists.example');
    api.api.answer = api.failing;
    api.clock.advance(1_000);
    expect(await api.lookUp('staff@lists.example')).toEqual({ ...STAFF, isStale: true });
    expect(await api.lookUp('staff-join@lists.example')).toEqual({ ...STAFF, role: 'join', isStale: true });
    const away = { kind: 'unavailable', reason: "Mailman's REST API: status 503" };
    // That it was not there is no longer sure.
    expect(await api.lookUp('news@lists.example')).toEqual(away);
    expect(await api.lookUp('other@lists.example')).toEqual(away);
    expect(await api.lookUp('bob@b.example')).toEqual({ kind: 'unknown', isListDomain: false });
    api.clock.advance(5_000);
    expect(await api.lookUp('staff@lists.example')).toEqual(away);
    expect(await api.lookUp('bob@b.example')).toEqual(away);
  });

  it('leaves an API that fails alone for a while, and sees when it is back', async () => {
    await using api = await startAPI({ failureMs: 1_000 });
    const { answer } = api.api;
    api.api.answer = api.failing;
    for (let count = 0; count < 5; count += 1)
      expect((await api.lookUp('staff@lists.example')).kind).toBe('unavailable');
    expect(api.asked).toHaveLength(1);
    api.api.answer = answer;
    api.clock.advance(999);
    expect((await api.lookUp('staff@lists.example')).kind).toBe('unavailable');
    api.clock.advance(1);
    expect(await api.lookUp('staff@lists.example')).toEqual(STAFF);
  });

  it.each<[string, Answer, string]>([
    ['answers something else', (response) => response.end('<html>'), 'is not valid JSON'],
    ['answers other JSON', (response) => response.end('{"entries": []}'), 'this is no list of domains'],
    [
      'answers no names',
      (response) => response.end('{"total_size": 1, "entries": [{}]}'),
      'this is no list of domains',
    ],
    ['answers without end', (response) => response.end('x'.repeat(2_000)), 'an answer of more than 1000 octets'],
    ['hangs up', (response) => response.destroy(), 'socket hang up'],
    [
      'stops in the middle',
      (response) => response.writeHead(200, { 'content-length': '99' }).write('{', () => response.destroy()),
      'aborted',
    ],
  ])('is unavailable when the API %s', async (_what, answer, reason) => {
    await using api = await startAPI({ responseBytesMax: 1_000 });
    api.api.answer = answer;
    const found = await api.lookUp('staff@lists.example');
    expect(found).toEqual({ kind: 'unavailable', reason: expect.stringContaining(reason) as string });
    expect(api.clock.timerCount).toBe(0);
  });

  it('has no domains where there are none', async () => {
    await using api = await startAPI();
    api.api.answer = (response) => response.end('{"start": 0, "total_size": 0}');
    expect(await api.lookUp('staff@lists.example')).toEqual({ kind: 'unknown', isListDomain: false });
  });

  it('says that the password is wrong', async () => {
    await using api = await startAPI({ password: 'wrong' });
    expect(await api.lookUp('staff@lists.example')).toEqual({
      kind: 'unavailable',
      reason: "Mailman's REST API: the user and the password are refused (401)",
    });
  });

  it('waits for an answer no longer than it may', async () => {
    await using api = await startAPI({ timeoutMs: 5_000 });
    api.api.answer = () => undefined;
    const looked = api.lookUp('staff@lists.example');
    await until(() => api.asked.length === 1);
    api.clock.advance(5_000);
    expect(await looked).toEqual({
      kind: 'unavailable',
      reason: "Mailman's REST API: no answer within 5000 ms",
    });
  });

  it('rejects for who has left, and for nobody else', async () => {
    await using api = await startAPI();
    const held: ServerResponse[] = [];
    const { answer } = api.api;
    api.api.answer = (response) => held.push(response);
    const leaving = new AbortController();
    const left = api.lookUp('staff@lists.example', leaving.signal);
    const waits = api.lookUp('staff@lists.example');
    await until(() => held.length === 1);
    leaving.abort(new Error('left'));
    expect(await rejection(left)).toMatchObject({ message: 'left' });
    api.api.answer = answer;
    held[0]!.end('{"total_size": 1, "entries": [{"mail_host": "lists.example"}]}');
    expect(await waits).toEqual(STAFF);
  });

  it.each(['', 'localhost:8001', 'ftp://localhost', 'http://user:x@localhost', 'http://localhost/3.1'])(
    'refuses %j as a URL',
    (url) => {
      expect(() => new MailmanRESTDirectory({ url, user: 'u', password: 'p' })).toThrow(UsageError);
    },
  );
});
