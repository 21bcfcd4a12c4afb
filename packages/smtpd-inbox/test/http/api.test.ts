/**
 * The API against its own description: every operation is played, what it answers has the shape that it says, and every error that it
 * says it has is had.
 */

import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { MailStore } from 'smtpd-store';
import { openSQLiteStore } from 'smtpd-store';
import { startInbox, type InboxServer } from 'smtpd-inbox';
import { startTestServer, type TestServer } from 'smtpd/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { freePort } from '../../../smtpd/test/support/free-port.js';
import { ask, type Answered, type Asked } from '../support/http.js';
import { RICH_MAIL, sendMail } from '../support/mails.js';

interface Operation {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, Response>>;
}

interface Response {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema?: object }>>;
}

/** What a play may use. */
interface Stage {
  readonly inbox: InboxServer;
  /** A message with everything. */
  readonly id: string;
  /** One that may be deleted. */
  readonly spare: () => Promise<string>;
}

interface Play {
  /** What is asked, below /api/v1; it succeeds. */
  readonly success: (stage: Stage) => Promise<Asked> | Asked;
  /** What is asked for errors that not every operation has. */
  readonly errors?: Readonly<Record<string, (stage: Stage) => Promise<Asked> | Asked>>;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const post = (path: string, body: unknown): Asked => ({
  method: 'POST',
  path,
  headers: JSON_TYPE,
  body: JSON.stringify(body),
});
const remove = (path: string): Asked => ({ method: 'DELETE', path, headers: JSON_TYPE });
const missing = (path: string): NonNullable<Play['errors']> => ({ NOT_FOUND: () => ({ path }) });

/** A mail that nobody reads within a millisecond. */
const LONG_MAIL = `Subject: long\r\nContent-Type: text/html\r\n\r\n${'<p class="a">b</p>\r\n'.repeat(200_000)}`;

/** How each operation is played; one that is not here fails the test. */
const PLAYS: Readonly<Record<string, Play>> = {
  getInfo: { success: () => ({ path: '/info' }) },
  listMessages: {
    success: () => ({ path: '/messages?q=subject:code&limit=2&sessions=true' }),
    errors: { BAD_SEARCH: () => ({ path: '/messages?q=form:ann' }) },
  },
  deleteAllMessages: {
    success: async ({ spare }) => {
      await spare();
      return remove('/messages?q=subject:spare');
    },
    errors: { BAD_SEARCH: () => remove('/messages?q=(') },
  },
  deleteMessages: { success: async ({ spare }) => post('/messages/delete', { ids: [await spare()] }) },
  deleteMessage: {
    success: async ({ spare }) => remove(`/messages/${await spare()}`),
    errors: { NOT_FOUND: () => remove('/messages/999999') },
  },
  restoreMessages: {
    success: async ({ inbox, spare }) => {
      const { id } = await inbox.store.delete([await spare()]);
      return post(`/deletions/${id}/restore`, {});
    },
    errors: { NOT_FOUND: () => post('/deletions/999999/restore', {}) },
  },
  markMessages: { success: ({ id }) => post('/messages/mark', { ids: [id], isRead: true }) },
  tagMessages: { success: ({ id }) => post('/messages/tag', { ids: [id], add: ['checked'] }) },
  countMessages: { success: () => ({ path: '/counts' }) },
  waitForMessage: {
    success: () => ({ path: '/wait?subject=Your%20code&to=bob@b.example&timeout=10' }),
    errors: {
      NO_MATCH: () => ({ path: '/wait?subject=Nothing%20like%20it&timeout=0.01' }),
      BAD_SEARCH: () => ({ path: '/wait?q=form:ann' }),
    },
  },
  getMessage: { success: ({ id }) => ({ path: `/messages/${id}` }), errors: missing('/messages/999999') },
  getRaw: { success: ({ id }) => ({ path: `/messages/${id}/raw` }), errors: missing('/messages/999999/raw') },
  getText: { success: ({ id }) => ({ path: `/messages/${id}/text` }), errors: missing('/messages/999999/text') },
  getHTML: {
    success: ({ id }) => ({ path: `/messages/${id}/html` }),
    errors: {
      NOT_FOUND: () => ({ path: '/messages/999999/html' }),
      NOT_ALLOWED: ({ id }) => ({ path: `/messages/${id}/html?remote=true` }),
    },
  },
  getHeaders: {
    success: ({ id }) => ({ path: `/messages/${id}/headers` }),
    errors: missing('/messages/999999/headers'),
  },
  getEnvelope: {
    success: ({ id }) => ({ path: `/messages/${id}/envelope` }),
    errors: missing('/messages/999999/envelope'),
  },
  getTranscript: {
    success: ({ id }) => ({ path: `/messages/${id}/transcript` }),
    errors: missing('/messages/999999/transcript'),
  },
  getParts: { success: ({ id }) => ({ path: `/messages/${id}/parts` }), errors: missing('/messages/999999/parts') },
  getPart: {
    success: ({ id }) => ({ path: `/messages/${id}/parts/3` }),
    errors: { NOT_FOUND: ({ id }) => ({ path: `/messages/${id}/parts/9` }) },
  },
  lintMessage: { success: ({ id }) => ({ path: `/messages/${id}/lint` }), errors: missing('/messages/999999/lint') },
  judgeCompatibility: {
    success: ({ id }) => ({ path: `/messages/${id}/compatibility` }),
    errors: missing('/messages/999999/compatibility'),
  },
  judgeAccessibility: {
    success: ({ id }) => ({ path: `/messages/${id}/accessibility` }),
    errors: missing('/messages/999999/accessibility'),
  },
  judgeAuthentication: {
    success: ({ id }) => ({ path: `/messages/${id}/authentication` }),
    errors: missing('/messages/999999/authentication'),
  },
  compareMessage: {
    success: ({ id }) => ({ path: `/messages/${id}/difference?with=${id}` }),
    errors: missing('/messages/999999/difference'),
  },
  listInboxes: { success: () => ({ path: '/inboxes' }) },
  createInbox: {
    success: () => post('/inboxes', { ttlSeconds: 60 }),
    errors: {
      CONFLICT: async ({ inbox }) => {
        await ask(inbox.url!, { ...post('/api/v1/inboxes', { name: 'taken' }) });
        return post('/inboxes', { name: 'taken' });
      },
    },
  },
  getInbox: {
    success: async (stage) => ({ path: `/inboxes/${await inboxOf(stage)}` }),
    errors: missing('/inboxes/nobody'),
  },
  deleteInbox: {
    success: async (stage) => remove(`/inboxes/${await inboxOf(stage)}`),
    errors: { NOT_FOUND: () => remove('/inboxes/nobody') },
  },
  clearInbox: {
    success: async (stage) => remove(`/inboxes/${await inboxOf(stage)}/messages`),
    errors: { NOT_FOUND: () => remove('/inboxes/nobody/messages') },
  },
  listFaults: { success: () => ({ path: '/faults' }) },
  addFault: { success: () => post('/faults', { stage: 'rcpt', code: 451, times: 1, to: 'nobody@nowhere.example' }) },
  clearFaults: { success: () => remove('/faults') },
  removeFault: {
    success: async ({ inbox }) => {
      const { json } = await ask(
        inbox.url!,
        post('/api/v1/faults', { stage: 'rcpt', code: 451, to: 'nobody@nowhere.example' }),
      );
      return remove(`/faults/${(json as { id: string }).id}`);
    },
    errors: { NOT_FOUND: () => remove('/faults/999999') },
  },
  exportMessages: {
    success: () => ({ path: '/export?format=zip&q=subject:code' }),
    errors: { BAD_SEARCH: () => ({ path: '/export?format=mbox&q=form:x' }) },
  },
  importMessages: {
    success: () => ({
      method: 'POST',
      path: '/import',
      headers: { 'content-type': 'message/rfc822' },
      body: RICH_MAIL,
    }),
    errors: {
      NOT_FOUND: () => ({
        method: 'POST',
        path: '/import?inbox=nobody',
        headers: { 'content-type': 'message/rfc822' },
        body: RICH_MAIL,
      }),
    },
  },
  sendMail: {
    success: () => post('/send', { from: 'ann@a.example', to: ['bob@b.example'], subject: 'made', text: 'Hello' }),
  },
  replayMessage: {
    success: ({ id }) => post(`/messages/${id}/replay`, {}),
    errors: { NOT_FOUND: () => post('/messages/999999/replay', {}) },
  },
  releaseMessage: {
    success: ({ id }) => post(`/messages/${id}/release`, {}),
    errors: {
      NOT_FOUND: () => post('/messages/999999/release', {}),
      NOT_ALLOWED: ({ id }) => post(`/messages/${id}/release`, { to: ['eve@e.example'] }),
    },
  },
  listWebhooks: { success: () => ({ path: '/webhooks' }) },
  addWebhook: {
    success: () => post('/webhooks', { url: 'http://127.0.0.1:9/hook', query: 'subject:never' }),
    errors: { NOT_ALLOWED: () => post('/webhooks', { url: 'http://169.254.169.254/latest' }) },
  },
  removeWebhook: {
    success: async ({ inbox }) => {
      const { json } = await ask(inbox.url!, post('/api/v1/webhooks', { url: 'http://127.0.0.1:9/gone' }));
      return remove(`/webhooks/${(json as { id: string }).id}`);
    },
    errors: { NOT_FOUND: () => remove('/webhooks/999999') },
  },
  watchEvents: { success: () => ({ path: '/events' }) },
};

/** An answer without end is met by its beginning, elsewhere. */
const ENDLESS = new Set(['watchEvents']);
/** Which operations do without the store, so that it cannot fail them. */
const WITHOUT_STORE = new Set([
  'getInfo',
  'listInboxes',
  'getInbox',
  'listFaults',
  'addFault',
  'clearFaults',
  'removeFault',
  'listWebhooks',
  'removeWebhook',
  'sendMail',
  'watchEvents',
]);

let stage: Stage;
let store: MailStore;
/** Where messages are released to. */
let next: TestServer;
let operations: readonly Operation[] = [];

async function inboxOf({ inbox }: Stage): Promise<string> {
  const { json } = await ask(inbox.url!, post('/api/v1/inboxes', {}));
  return (json as { name: string }).name;
}

async function play(url: string, asked: Asked): Promise<Answered> {
  return ask(url, { ...asked, path: `/api/v1${asked.path}` });
}

/** An operation's path with something in its braces. */
function pathOf({ path }: Operation): string {
  return path.replace(/\{\w+\}/g, '1');
}

beforeAll(async () => {
  store = await openSQLiteStore();
  next = await startTestServer();
  const inbox = await startInbox({
    smtp: '127.0.0.1:0',
    http: '127.0.0.1:0',
    store,
    mayLoadRemoteContent: false,
    release: { to: `127.0.0.1:${String(next.port)}`, allow: ['@b.example'], tls: { mode: 'off' } },
    webhookURLs: ['loopback'],
  });
  await sendMail(inbox.smtpPort);
  const { messages } = await store.list();
  stage = {
    inbox,
    id: messages[0]!.id,
    spare: async () => {
      await sendMail(inbox.smtpPort, { content: RICH_MAIL.replace('Subject: Your code', 'Subject: spare') });
      return (await store.list()).messages[0]!.id;
    },
  };
  const document = (await ask(inbox.url!, { path: '/api/openapi.json' })).json as {
    paths: Record<string, Record<string, Operation>>;
  };
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method: method.toUpperCase() })),
  );
});

afterAll(async () => {
  await stage.inbox.close();
  await store.close();
  await next.close();
});

describe('the API does what its description says', () => {
  test('each operation is played here, and nothing else is', () => {
    expect(operations.map(({ operationId }) => operationId).sort()).toEqual(Object.keys(PLAYS).sort());
  });

  test('each answers as described', async () => {
    const ajv = new Ajv.default({ strict: false });
    addFormats.default(ajv);
    for (const operation of operations.filter(({ operationId }) => !ENDLESS.has(operationId))) {
      const { operationId, responses } = operation;
      const asked = await PLAYS[operationId]!.success(stage);
      const answer = await play(stage.inbox.url!, asked);
      const described = responses[answer.status];
      expect(answer.status, `${operationId}: ${answer.text.slice(0, 300)}`).toBeLessThan(300);
      expect(described, operationId).toBeDefined();
      const types = Object.entries(described?.content ?? {});
      const type = answer.headers['content-type']?.split(';')[0] ?? '';
      const [, content] = types.find(([each]) => each === type || each === type.replace(/\/.*/, '/*')) ?? [];
      if (types.length === 0) expect(answer.text, operationId).toBe('');
      else expect(content, `${operationId} answers ${type}`).toBeDefined();
      if (content?.schema !== undefined) {
        const check = ajv.compile(content.schema);
        expect(check(answer.json), `${operationId}: ${ajv.errorsText(check.errors)}`).toBe(true);
      }
    }
  });

  test('no body and no parameter is taken that is not as described', async () => {
    const url = stage.inbox.url!;
    const codeOf = async (asked: Asked): Promise<string> =>
      ((await play(url, asked)).json as { error: { code: string } }).error.code;
    const withJSON = operations.filter(({ requestBody }) => requestBody?.content['application/json'] !== undefined);
    expect(withJSON.length).toBeGreaterThan(5);
    for (const operation of withJSON) {
      const asked = { method: operation.method, path: pathOf(operation), headers: JSON_TYPE };
      for (const body of ['{"nonsense":1}', '[]', '"text"', 'null', '{', ''])
        expect(await codeOf({ ...asked, body }), `${operation.operationId} ${body}`).toBe('BAD_REQUEST');
    }
    for (const path of [
      '/messages?limit=0',
      '/messages?limit=1001',
      '/messages?sessions=maybe',
      '/wait?timeout=601',
      '/export',
    ])
      expect(await codeOf({ path }), path).toBe('BAD_REQUEST');
    expect(await codeOf({ path: '/messages?limit=1&limit=2' })).toBe('BAD_REQUEST');
  });

  test('a field that there is not, or a value out of a few, is answered with what there is', async () => {
    const messageOf = async (path: string, body: unknown): Promise<string> => {
      const { json } = await play(stage.inbox.url!, {
        method: 'POST',
        path,
        headers: JSON_TYPE,
        body: JSON.stringify(body),
      });
      return (json as { error: { message: string } }).error.message;
    };
    expect(await messageOf('/messages/mark', { ids: ['1'], isRead: true, isred: 1 })).toBe(
      'The body’s "isred": there is no such field; there are: ids, isRead',
    );
    expect(await messageOf('/faults', { stage: 'rcptt' })).toMatch(/^The body’s "stage": must be one of .*"rcpt"/);
  });

  test('each has every error that it says it has', async () => {
    const logged: unknown[] = [];
    const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: (fields: object) => logged.push(fields) };
    const webhookURLs = ['loopback'];
    const release = { to: `127.0.0.1:${String(next.port)}`, allow: ['@b.example'] };
    await using guarded = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', password: 'secret' });
    const failing = await openSQLiteStore();
    await using broken = await startInbox({
      smtp: '127.0.0.1:0',
      http: '127.0.0.1:0',
      store: failing,
      release,
      webhookURLs,
      logger: silent,
    });
    await sendMail(broken.smtpPort);
    await ask(broken.url!, post('/api/v1/inboxes', { name: '1' }));
    await failing.close();
    const failure = new Error('a bug');
    let isBuggy = false;
    const buggy = new Proxy(store, {
      get: (target, name) => {
        if (
          isBuggy &&
          ['list', 'get', 'delete', 'restore', 'setRead', 'addTags', 'counts', 'clear', 'setSetting', 'add'].includes(
            String(name),
          )
        )
          return () => Promise.reject(failure);
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    await using hurried = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', readTimeoutMs: 1 });
    await sendMail(hurried.smtpPort, { content: LONG_MAIL });
    const closedPort = await freePort();
    await using deaf = await startInbox({
      smtp: '127.0.0.1:0',
      http: '127.0.0.1:0',
      release: { to: `127.0.0.1:${String(closedPort)}`, allow: ['*'] },
    });
    await sendMail(deaf.smtpPort);
    await ask(deaf.url!, post('/api/v1/faults', { stage: 'connect', disconnect: 'insteadOfReply' }));
    const url = stage.inbox.url!;
    await store.setSetting('inbox/1', { password: 'p', createdAt: new Date(0).toISOString() });
    await using bugged = await startInbox({
      smtp: '127.0.0.1:0',
      http: '127.0.0.1:0',
      store: buggy,
      logger: silent,
      release,
      webhookURLs,
    });
    isBuggy = true;
    /** How each error that every operation has is had. */
    const common: Readonly<Record<string, (operation: Operation, asked: Asked) => Promise<Answered> | undefined>> = {
      BAD_REQUEST: (_operation, asked) => play(url, { ...asked, path: withParameter(asked.path, 'nonsense=1') }),
      UNAUTHORIZED: (_operation, asked) => play(guarded.url!, asked),
      FORBIDDEN_HOST: (_operation, asked) =>
        play(url, { ...asked, headers: { ...asked.headers, host: 'rebound.example:8025' } }),
      FORBIDDEN_ORIGIN: (_operation, asked) =>
        play(url, { ...asked, headers: { ...asked.headers, origin: 'http://localhost:3000' } }),
      UNSUPPORTED_MEDIA_TYPE: (_operation, asked) =>
        play(url, { ...asked, headers: { ...asked.headers, 'content-type': 'text/plain' } }),
      TOO_LARGE: (operation, asked) =>
        operation.requestBody === undefined
          ? undefined
          : play(url, { ...asked, headers: { ...asked.headers, 'content-length': '99999999999' }, body: '' }),
      NOT_READ: (_operation, asked) => play(hurried.url!, { ...asked, path: asked.path.replaceAll(stage.id, '1') }),
      UPSTREAM_FAILED: (_operation, asked) => play(deaf.url!, asked),
      INTERNAL: ({ operationId }, asked) => (WITHOUT_STORE.has(operationId) ? undefined : play(bugged.url!, asked)),
      UNAVAILABLE: ({ operationId }, asked) => (WITHOUT_STORE.has(operationId) ? undefined : play(broken.url!, asked)),
    };
    for (const operation of operations) {
      const { operationId, responses } = operation;
      const codes = Object.values(responses).flatMap(
        ({ description }) => description.match(/\b[A-Z_]{4,}(?=:)/g) ?? [],
      );
      for (const code of codes) {
        const special = PLAYS[operationId]!.errors?.[code];
        const asked = special === undefined ? await exampleOf(operation) : await special(stage);
        const asking = special === undefined ? common[code]?.(operation, asked) : play(url, asked);
        const answer = await asking?.catch((error: unknown) => {
          throw new Error(`${operationId} ${code}`, { cause: error });
        });
        if (answer === undefined) continue;
        expect(answer.status, `${operationId} ${code}: ${answer.text}`).toBeGreaterThan(399);
        const { error } = answer.json as { error: { code: string; message: string } };
        expect(error.code, `${operationId} ${code}: ${error.message}`).toBe(code);
        expect(error.message.length).toBeGreaterThan(5);
        expect(Object.keys(responses), `${operationId} ${code}`).toContain(String(answer.status));
      }
    }
    // What nobody foresaw is in the log, and not in the answer.
    expect(logged.length).toBeGreaterThan(10);
  });

  /** Something that an operation would do, made without doing anything. */
  async function exampleOf(operation: Operation): Promise<Asked> {
    const { operationId, method } = operation;
    if (method === 'GET') return PLAYS[operationId]!.success(stage);
    if (operation.requestBody === undefined) return { method, path: pathOf(operation), headers: JSON_TYPE };
    return { ...(await PLAYS[operationId]!.success(stage)), path: pathOf(operation) };
  }

  function withParameter(path: string, parameter: string): string {
    return `${path}${path.includes('?') ? '&' : '?'}${parameter}`;
  }
});
