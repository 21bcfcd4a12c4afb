/**
 * MailHog's API, both versions, for programs that speak it: the same paths, names and answers. docs/inbox-migration.md says what is not the
 * same.
 */

import { hostname } from 'node:os';
import { setInterval } from 'node:timers';

import type { Context, Hono } from 'hono';
import type { MessageQuery, StoreChange, StoredMessage } from 'smtpd-store';
import { Type } from 'typebox';
import { Value } from 'typebox/value';

import { APIError } from '../api-error.js';
import { messageOf, rawOf } from '../message-access.js';
import { attachmentDisposition, json, octets } from '../route.js';
import { readJSON, rangeOf, text, type CompatibilityAPI, type CompatibilityContext } from './compatibility-app.js';
import { MailHogJim } from './mailhog-jim.js';
import { mailHogMessage, type MailHogMessage } from './mailhog-message.js';
import { walkPart } from './message-walk.js';

/** MailHog’s API over the services of an inbox. */
export function mailHogAPI({ services, closing }: CompatibilityContext): CompatibilityAPI {
  const { store, releaser } = services;
  const jim = new MailHogJim(services.faults);
  const name = hostname();

  async function shown(message: StoredMessage): Promise<MailHogMessage> {
    return mailHogMessage(message, await rawOf(services, message), name);
  }

  async function asked(context: Context): Promise<StoredMessage> {
    const message = await messageOf(services, context.req.param('id') ?? '');
    if (message.kind !== 'message') throw new APIError('NOT_FOUND', 'There is no such message');
    return message;
  }

  /** Whole messages, as many as there is room for: each has its octets twice. */
  async function listing(
    query: MessageQuery | undefined,
    { start, limit }: ReturnType<typeof rangeOf>,
  ): Promise<{ readonly items: readonly MailHogMessage[]; readonly total: number }> {
    const { messages, total } = await walkPart(store, { ...(query === undefined ? {} : { query }), start, limit });
    const items: MailHogMessage[] = [];
    let bytes = 0;
    for (const message of messages) {
      bytes += message.sizeBytes;
      if (bytes > LIST_BYTES_MAX && items.length > 0) break;
      items.push(await shown(message));
    }
    return { items, total };
  }

  async function page(context: Context, query?: MessageQuery): Promise<Response> {
    const range = rangeOf(context, LIMIT_MAX);
    const { items, total } = await listing(query, range);
    return json({ total, count: items.length, start: range.start, items });
  }

  function addVersion1(app: Hono): void {
    app.get('/api/v1/messages', async () => json((await listing(undefined, { start: 0, limit: 1_000 })).items));
    app.delete('/api/v1/messages', async () => {
      await store.clear();
      return nothing();
    });
    app.get('/api/v1/messages/:id', async (context) => json(await shown(await asked(context))));
    app.delete('/api/v1/messages/:id', async (context) => {
      await store.delete([context.req.param('id')]);
      return nothing();
    });
    app.get('/api/v1/messages/:id/download', async (context) => {
      const { id } = await asked(context);
      return octets(store.openRaw(id), {
        'content-type': 'message/rfc822',
        'content-disposition': attachmentDisposition(`${id}.eml`),
      });
    });
    app.get('/api/v1/messages/:id/mime/part/:part/download', async (context) => {
      const message = await asked(context);
      const number = context.req.param('part');
      const part = (await shown(message)).MIME?.Parts[/^\d{1,4}$/.test(number) ? Number(number) : -1];
      if (part === undefined) throw new APIError('NOT_FOUND', 'There is no such part');
      // MailHog gives the part's own fields as those of its answer, whatever they are. A mail must not write our header.
      return octets(Buffer.from(part.Body), {
        'content-type': 'application/octet-stream',
        'content-disposition': attachmentDisposition(`${message.id}-part-${number}`),
        'content-transfer-encoding': encodingOf(part.Headers),
      });
    });
    app.post('/api/v1/messages/:id/release', release);
    app.get('/api/v1/events', (context) => {
      const signal = AbortSignal.any([context.req.raw.signal, closing]);
      return new Response(eventStream(signal), { headers: { 'content-type': 'text/event-stream' } });
    });
  }

  /** To the one server that mail may be released to, whatever server the request names: it has to be that one. */
  async function release(context: Context): Promise<Response> {
    const message = await asked(context);
    const body: unknown = await readJSON(context);
    if (!Value.Check(Released, body)) throw new APIError('BAD_REQUEST', 'Error decoding request body');
    if (releaser === undefined)
      throw new APIError('NOT_ALLOWED', 'Whoever started the server named no server to release to (--release)');
    const { email, host = '', port = '' } = body;
    const server = `${host}:${String(port)}`;
    if (host !== '' && server !== releaser.destination.replace(/^\w+:\/\//, ''))
      throw new APIError('NOT_ALLOWED', `Mail is released to ${releaser.destination} alone, not to ${server}`);
    const mail = { raw: store.openRaw(message.id), envelope: message.envelope };
    const { recipients } = await releaser.release(mail, { to: [email] });
    const [recipient] = recipients;
    if (recipient?.isAccepted !== true) throw new APIError('INTERNAL', recipient?.reply ?? 'It was not accepted');
    return nothing();
  }

  function addVersion2(app: Hono): void {
    app.get('/api/v2/messages', (context) => page(context));
    app.get('/api/v2/search', async (context) => {
      const field = KINDS.get(context.req.query('kind') ?? '');
      const words = context.req.query('query') ?? '';
      if (field === undefined || words === '')
        throw new APIError('BAD_REQUEST', 'kind is from, to or containing, and query is not empty');
      return page(context, { kind: 'words', field, words, isPrefix: true });
    });
    app.get('/api/v2/jim', () => (jim.settings === undefined ? nothing(404) : json(jim.settings)));
    app.post('/api/v2/jim', async (context) => {
      if (jim.settings !== undefined) return nothing(400);
      const given = await readJSON(context).catch(() => undefined);
      // What cannot be understood leaves him as he is.
      jim.set(Value.Check(Jim, given) ? given : undefined);
      return nothing(201);
    });
    app.put('/api/v2/jim', async (context) => {
      if (jim.settings === undefined) return nothing(404);
      const given = await readJSON(context);
      if (!Value.Check(Jim, given)) return nothing(400);
      jim.set(given);
      return nothing();
    });
    app.delete('/api/v2/jim', () => {
      if (jim.settings === undefined) return nothing(404);
      jim.remove();
      return nothing();
    });
    // Servers are named when ours is started, and one only: there is nothing to choose from.
    app.get('/api/v2/outgoing-smtp', () => json({}));
  }

  async function tell(change: StoreChange): Promise<readonly string[]> {
    if (change.kind !== 'added' || change.message.kind !== 'message') return [];
    return [JSON.stringify(await shown(change.message))];
  }

  function eventStream(signal: AbortSignal): ReadableStream<Uint8Array> {
    const changes = store.changes()[Symbol.asyncIterator]();
    let heartbeat: NodeJS.Timeout | undefined;
    const stop = async (): Promise<void> => {
      clearInterval(heartbeat);
      await changes.return?.();
    };
    return new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from(': connected\n\n'));
        heartbeat = setInterval(() => {
          controller.enqueue(Buffer.from(': still here\n\n'));
        }, HEARTBEAT_MS);
        heartbeat.unref();
        signal.addEventListener('abort', () => void stop());
      },
      async pull(controller) {
        for (;;) {
          const next: IteratorResult<StoreChange, unknown> = await changes.next();
          if (next.done === true) {
            controller.close();
            return;
          }
          const [told] = await tell(next.value);
          if (told === undefined) continue;
          controller.enqueue(Buffer.from(`data: ${told}\n\n`));
          return;
        }
      },
      cancel: stop,
    });
  }

  return {
    addTo(app) {
      addVersion1(app);
      addVersion2(app);
    },
    socket: { path: '/api/v2/websocket', tell },
  };
}

function nothing(status = 200): Response {
  return text('', status);
}

/** Only what says how the octets are written. */
function encodingOf(headers: Readonly<Record<string, readonly string[]>>): string {
  const encoding = (headers['Content-Transfer-Encoding']?.[0] ?? '7bit').trim().toLowerCase();
  return /^(?:base64|quoted-printable|8bit|binary)$/.test(encoding) ? encoding : '7bit';
}

const Released = Type.Object({
  email: Type.String(),
  host: Type.Optional(Type.String()),
  port: Type.Optional(Type.Union([Type.String(), Type.Integer()])),
});
const Chance = Type.Optional(Type.Number({ minimum: 0, maximum: 1 }));
const Speed = Type.Optional(Type.Number({ minimum: 0, maximum: 1_000_000_000 }));
const Jim = Type.Object({
  DisconnectChance: Chance,
  AcceptChance: Chance,
  LinkSpeedAffect: Chance,
  LinkSpeedMin: Speed,
  LinkSpeedMax: Speed,
  RejectSenderChance: Chance,
  RejectRecipientChance: Chance,
  RejectAuthChance: Chance,
});
const KINDS: ReadonlyMap<string, 'from' | 'to' | 'text'> = new Map([
  ['from', 'from'],
  ['to', 'to'],
  ['containing', 'text'],
]);
const LIMIT_MAX = 250;
/** Octets of the messages of one list. */
const LIST_BYTES_MAX = 67_108_864;
const HEARTBEAT_MS = 15_000;
