/**
 * Mailpit's API, for programs that speak it: the same paths, names and answers. What it has and we have not is answered with 501 and the
 * reason; docs/inbox-migration.md has the table.
 */

import type { Context, Hono } from 'hono';
import type { MessageQuery, NewMessage, StoreChange, StoredMessage } from 'smtpd-store';
import { Type, type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';

import type { NewMail } from '../../api/model.js';
import { composeMail } from '../../exchange/compose.js';
import { frameHeaders } from '../../mail/frame.js';
import type { PartContent } from '../../mail/read-mail.js';
import { APIError } from '../api-error.js';
import { done, messageOf, rawOf } from '../message-access.js';
import { attachmentDisposition, json, MAIL_JSON_BYTES_MAX, octets } from '../route.js';
import { readJSON, rangeOf, text, type CompatibilityAPI, type CompatibilityContext } from './compatibility-app.js';
import { MailpitChaos } from './mailpit-chaos.js';
import { mailpitHTMLCheck } from './mailpit-html-check.js';
import { parseMailpitSearch } from './mailpit-search.js';
import { filesOf, mailpitHeaders, mailpitMessage, mailpitSummary } from './mailpit-shapes.js';
import { newest, walk, walkPart } from './message-walk.js';
import { TagIndex } from './tag-index.js';

/** Mailpit’s API over the services of an inbox. */
export function mailpitAPI({ services }: CompatibilityContext): CompatibilityAPI {
  const { store, reader, releaser, directory, info, now } = services;
  const tags = new TagIndex(store);
  const chaos = new MailpitChaos(services.faults);
  const startedAt = Date.now();
  const seen = { deleted: 0, accepted: 0, acceptedBytes: 0 };

  // ---- What is meant -------------------------------------------------------------------------------------------------

  async function queryOf(search: string, timeZone: string | undefined): Promise<MessageQuery> {
    return parseMailpitSearch(search, {
      ...(timeZone === undefined ? {} : { timeZone }),
      tags: /is:tagged/i.test(search) ? await tags.names() : [],
    });
  }

  async function askedQuery(context: Context): Promise<MessageQuery> {
    const search = (context.req.query('query') ?? '').trim();
    if (search === '') throw new APIError('BAD_REQUEST', 'Error: no search query');
    return queryOf(search, context.req.query('tz'));
  }

  /** The message that a path names; `latest` is the newest, or the newest that `query` finds. */
  async function asked(context: Context, id = context.req.param('id') ?? ''): Promise<StoredMessage> {
    const search = (context.req.query('query') ?? '').trim();
    const query = search === '' ? undefined : await queryOf(search, context.req.query('tz'));
    const message = id === 'latest' ? await newest(store, query) : await messageOf(services, id);
    if (message?.kind !== 'message') throw new APIError('NOT_FOUND', 'Message not found');
    return message;
  }

  async function idsOf(query: MessageQuery | undefined): Promise<string[]> {
    const ids: string[] = [];
    for await (const { id } of walk(store, query)) ids.push(id);
    return ids;
  }

  async function listing(
    query: MessageQuery | undefined,
    { start, limit }: ReturnType<typeof rangeOf>,
  ): Promise<Response> {
    const part = await walkPart(store, { ...(query === undefined ? {} : { query }), start, limit });
    const counts = await store.counts();
    return json({
      total: counts.messages,
      unread: counts.unread,
      count: part.messages.length,
      messages_count: part.total,
      messages_unread: part.unread,
      start,
      tags: await tags.names(),
      messages: part.messages.map(mailpitSummary),
    });
  }

  // ---- Messages ------------------------------------------------------------------------------------------------------

  function addLists(app: Hono): void {
    app.get('/api/v1/messages', (context) => listing(undefined, rangeOf(context, LIMIT_MAX)));
    app.get('/api/v1/search', async (context) => listing(await askedQuery(context), rangeOf(context, LIMIT_MAX)));
    app.put('/api/v1/messages', async (context) => {
      const { Read = false, IDs = [], Search = '' } = check(ReadStatus, await readJSON(context));
      if (IDs.length > 0 && Search !== '')
        throw new APIError('BAD_REQUEST', 'You may specify either IDs or a search query, not both');
      const query = Search === '' ? undefined : await queryOf(Search, context.req.query('tz'));
      await store.setRead(IDs.length > 0 ? IDs : await idsOf(query), Read);
      return text('ok');
    });
    app.delete('/api/v1/messages', async (context) => {
      const { IDs = [] } = check(Selected, (await readJSON(context)) ?? {});
      if (IDs.length > 0) await store.delete(IDs);
      else await store.clear();
      return text('ok');
    });
    app.delete('/api/v1/search', async (context) => {
      await store.delete(await idsOf(await askedQuery(context)));
      return text('ok');
    });
  }

  function addMessage(app: Hono): void {
    app.get('/api/v1/message/:id', async (context) => {
      const message = await asked(context);
      const raw = await rawOf(services, message);
      const read = await reader.read(raw);
      const contents = new Map<string, PartContent>();
      for (const { number } of filesOf(read.parts).slice(0, FILES_MAX)) {
        const found = await reader.part(raw, number);
        if (found !== undefined) contents.set(number, found);
      }
      await store.setRead([message.id], true);
      return json(mailpitMessage(message, read, contents));
    });
    app.get('/api/v1/message/:id/headers', async (context) => {
      const { headers } = await reader.read(await rawOf(services, await asked(context)));
      return json(mailpitHeaders(headers));
    });
    app.get('/api/v1/message/:id/raw', async (context) => {
      const { id } = await asked(context);
      return octets(store.openRaw(id), {
        'content-type': 'text/plain; charset=utf-8',
        ...(context.req.query('dl') === '1' ? { 'content-disposition': attachmentDisposition(`${id}.eml`) } : {}),
      });
    });
    app.get('/api/v1/message/:id/part/:part', async (context) => partAnswer(await partOf(context)));
    app.get('/api/v1/message/:id/part/:part/thumb', async (context) => {
      const found = await partOf(context);
      // We cannot make pictures smaller; who asks for one gets it as it is.
      if (SHOWN_PICTURES.has(found.part.contentType)) return partAnswer(found);
      return notHere('Thumbnails are made of no other files than pictures');
    });
    app.post('/api/v1/message/:id/release', async (context) => {
      const message = await asked(context);
      const { To = [] } = check(Released, await readJSON(context));
      if (releaser === undefined)
        throw new APIError('BAD_REQUEST', 'Message relay is not enabled: name a server and recipients (--release)');
      if (To.length === 0) throw new APIError('BAD_REQUEST', 'No valid addresses found');
      const { recipients } = await releaser.release(
        { raw: store.openRaw(message.id), envelope: message.envelope },
        { to: To },
      );
      const refused = recipients.filter(({ isAccepted }) => !isAccepted);
      if (refused.length === 0) return text('ok');
      const reasons = refused.map(({ address, reply }) => `${address}: ${reply}`).join('; ');
      throw new APIError('BAD_REQUEST', `SMTP error: ${reasons}`);
    });
    app.get('/api/v1/message/:id/html-check', async (context) => {
      const { html: content } = await reader.read(await rawOf(services, await asked(context)));
      if (content === undefined) throw new APIError('BAD_REQUEST', 'message does not contain HTML');
      return json(mailpitHTMLCheck(done(await reader.run('compatibility', content))));
    });
    app.get('/api/v1/message/:id/link-check', () =>
      notHere(
        'Links are not followed: a mail must not make this server send requests. GET …/message/{id} has the HTML',
      ),
    );
    app.get('/api/v1/message/:id/sa-check', () => {
      throw new APIError('BAD_REQUEST', 'SpamAssassin is not enabled');
    });
  }

  async function partOf(context: Context): Promise<PartContent> {
    const raw = await rawOf(services, await asked(context));
    const found = await reader.part(raw, context.req.param('part') ?? '');
    if (found === undefined) throw new APIError('NOT_FOUND', '404 page not found');
    return found;
  }

  function partAnswer({ part, content }: PartContent): Response {
    // Whatever a browser could run is a file of unknown kind; pictures and plain text keep their type.
    const isHarmless = SHOWN_PICTURES.has(part.contentType) || !RUNNABLE.test(part.contentType);
    return octets(content, {
      'content-type': isHarmless ? part.contentType : 'application/octet-stream',
      'content-disposition': attachmentDisposition(part.fileName ?? part.contentId ?? `part-${part.number}`),
    });
  }

  // ---- Sending -------------------------------------------------------------------------------------------------------

  async function send(context: Context): Promise<Response> {
    const given = check(Sent, await readJSON(context, MAIL_JSON_BYTES_MAX));
    const replyTo = (given.ReplyTo ?? []).map(mailboxText).join(', ');
    const { raw, envelope } = composeMail(
      {
        from: mailboxText(given.From),
        to: (given.To ?? []).map(mailboxText),
        cc: (given.Cc ?? []).map(mailboxText),
        bcc: given.Bcc ?? [],
        subject: given.Subject ?? '',
        text: given.Text ?? '',
        ...(given.HTML === undefined || given.HTML === '' ? {} : { html: given.HTML }),
        headers: {
          ...given.Headers,
          ...(replyTo === '' ? {} : { 'Reply-To': replyTo }),
          ...(given.Tags === undefined || given.Tags.length === 0 ? {} : { 'X-Tags': given.Tags.join(', ') }),
        },
        attachments: (given.Attachments ?? []).map(attachmentOf),
      },
      { now: now() },
    );
    const summary = await reader.summarize(raw);
    const toKeep: NewMessage = {
      raw,
      envelope,
      session: { peer: { address: '', port: 0 }, protocol: 'HTTP' },
      receivedAt: now(),
      transcript: [{ from: 'event', atMs: 0, text: 'sent by HTTP: there was no session' }],
      summary,
    };
    const kept = await store.addToInboxes(toKeep, directory.route({ rcptTos: envelope.rcptTos, user: undefined }));
    const ids = kept.map(({ id }) => id);
    const tagged = (given.Tags ?? []).map(cleanTag).filter((tag) => tag !== '');
    if (tagged.length > 0) await store.addTags(ids, tagged);
    return json({ ID: ids[0] });
  }

  // ---- Tags ----------------------------------------------------------------------------------------------------------

  function addTags(app: Hono): void {
    app.get('/api/v1/tags', async () => json(await tags.names()));
    app.put('/api/v1/tags', async (context) => {
      const { IDs = [], Tags = [] } = check(Tagged, await readJSON(context));
      const wanted = [...new Set(Tags.map(cleanTag).filter((tag) => tag !== ''))];
      for (const id of IDs) {
        const message = await store.get(id);
        if (message === undefined) continue;
        const others = message.tags.filter((tag) => !wanted.includes(tag));
        if (others.length > 0) await store.removeTags([id], others);
        if (wanted.length > 0) await store.addTags([id], wanted);
      }
      tags.forget();
      return text('ok');
    });
    app.put('/api/v1/tags/:tag', async (context) => {
      const tag = context.req.param('tag');
      const { Name } = check(Renamed, await readJSON(context));
      const name = cleanTag(Name);
      if (name === '') throw new APIError('BAD_REQUEST', 'A tag has letters, figures, blanks and - _ .');
      const ids = await idsOf({ kind: 'tag', tag });
      if (ids.length === 0) throw new APIError('BAD_REQUEST', 'tag not found');
      if (name !== tag) {
        await store.addTags(ids, [name]);
        await store.removeTags(ids, [tag]);
      }
      tags.forget();
      return text('ok');
    });
    app.delete('/api/v1/tags/:tag', async (context) => {
      const tag = context.req.param('tag');
      const ids = await idsOf({ kind: 'tag', tag });
      if (ids.length > 0) await store.removeTags(ids, [tag]);
      tags.forget();
      return text('ok');
    });
  }

  // ---- The server ----------------------------------------------------------------------------------------------------

  function addServer(app: Hono): void {
    app.get('/api/v1/info', async () => {
      const { messages, unread, bytes } = await store.counts();
      const { version } = info();
      return json({
        Version: `smtpd-inbox ${version}`,
        LatestVersion: `smtpd-inbox ${version}`,
        Database: '',
        DatabaseSize: bytes,
        Messages: messages,
        Unread: unread,
        Tags: Object.fromEntries(await tags.counts()),
        RuntimeStats: {
          Uptime: Math.floor((Date.now() - startedAt) / 1_000),
          Memory: process.memoryUsage.rss(),
          MessagesDeleted: seen.deleted,
          SMTPAccepted: seen.accepted,
          SMTPAcceptedSize: seen.acceptedBytes,
          // Nobody counts what was refused: its session is kept and can be looked at.
          SMTPRejected: 0,
          SMTPIgnored: 0,
        },
      });
    });
    app.get('/api/v1/webui', () =>
      json({
        Label: '',
        MessageRelay: {
          Enabled: releaser !== undefined,
          SMTPServer: releaser?.destination ?? '',
          ReturnPath: '',
          AllowedRecipients: '',
          BlockedRecipients: '',
          OverrideFrom: '',
          PreserveMessageIDs: true,
          RecipientAllowlist: '',
        },
        SpamAssassin: false,
        ChaosEnabled: true,
        DuplicatesIgnored: false,
        HideDeleteAllButton: false,
      }),
    );
    app.get('/api/v1/chaos', () => json(chaos.triggers));
    app.put('/api/v1/chaos', async (context) => {
      chaos.set(check(Chaos, (await readJSON(context)) ?? {}));
      return json(chaos.triggers);
    });
    app.post('/api/v1/send', send);
    app.get('/livez', () => text('ok'));
    app.get('/readyz', async () => {
      await store.counts();
      return text('ok');
    });
  }

  // ---- Rendered ------------------------------------------------------------------------------------------------------

  function addViews(app: Hono): void {
    app.get('/view/:name', async (context) => {
      const name = context.req.param('name');
      const [, id = name, form] = /^(.*)\.(html|txt)$/.exec(name) ?? [];
      const message = await asked(context, id);
      if (form === 'html') return html(context, message);
      if (form === 'txt') {
        const read = await reader.read(await rawOf(services, message));
        return text(read.text ?? (read.html === undefined ? '' : read.summary.searchText));
      }
      // There is no page on this port; what a test looks for is the HTML, or the text.
      const read = await reader.read(await rawOf(services, message));
      return context.redirect(`/view/${message.id}.${read.html === undefined ? 'txt' : 'html'}`, 302);
    });
  }

  /** For a program the HTML as it is; for a browser a document in which nothing runs. Neither gets at anything of ours. */
  async function html(context: Context, message: StoredMessage): Promise<Response> {
    const raw = await rawOf(services, message);
    const headers = frameHeaders(false);
    if (context.req.header('sec-fetch-dest') !== undefined) {
      const frame = done(await reader.run('frame', raw, { isRemoteAllowed: false }));
      if (frame === undefined) throw new APIError('NOT_FOUND', NO_HTML);
      return new Response(frame.html, { headers });
    }
    const read = await reader.read(raw);
    if (read.html === undefined) throw new APIError('NOT_FOUND', NO_HTML);
    const numbers = new Map(read.parts.map(({ contentId = '', number }) => [contentId, number]));
    const linked = read.html.replace(/cid:([^"'\s>;)]{1,998})/gi, (whole, id: string) => {
      const number = numbers.get(id);
      return number === undefined ? whole : `/api/v1/message/${message.id}/part/${number}`;
    });
    return new Response(linked, { headers });
  }

  // ---- Live ----------------------------------------------------------------------------------------------------------

  async function tell(change: StoreChange): Promise<readonly string[]> {
    const said: { readonly Type: string; readonly Data: unknown }[] = [];
    switch (change.kind) {
      case 'added':
        if (change.message.kind !== 'message') return [];
        said.push({ Type: 'new', Data: mailpitSummary(change.message) });
        break;
      case 'changed':
        if (change.messageIds.length > TOLD_MAX) said.push({ Type: 'prune', Data: null });
        else
          for (const id of change.messageIds) {
            const message = await store.get(id);
            if (message !== undefined)
              said.push({ Type: 'update', Data: { ID: id, Read: message.isRead, Tags: message.tags } });
          }
        break;
      case 'deleted':
        if (change.messageIds.length > TOLD_MAX) said.push({ Type: 'prune', Data: null });
        else for (const ID of change.messageIds) said.push({ Type: 'delete', Data: { ID } });
        break;
      case 'restored':
      case 'missed':
        said.push({ Type: 'prune', Data: null });
        break;
      case 'setting':
        return [];
    }
    const { messages: Total, unread: Unread } = await store.counts();
    said.push({ Type: 'stats', Data: { Total, Unread } });
    return said.map((each) => JSON.stringify(each));
  }

  return {
    addTo(app) {
      addLists(app);
      addMessage(app);
      addTags(app);
      addServer(app);
      addViews(app);
    },
    socket: { path: '/api/events', tell },
    onChange(change) {
      if (change.kind === 'added') {
        if (change.message.kind !== 'message') return;
        seen.accepted += 1;
        seen.acceptedBytes += change.message.sizeBytes;
      } else if (change.kind === 'deleted') {
        seen.deleted += change.messageIds.length;
      }
      if (change.kind !== 'setting') tags.forget();
    },
    answerError(error, path) {
      // What cannot be sent is the one error that Mailpit tells in JSON.
      if (path === '/api/v1/send') return json({ Error: error.message }, error.status);
      const answer = text(error.message, error.status);
      if (error.code === 'UNAUTHORIZED') answer.headers.set('www-authenticate', 'Basic realm="Login"');
      return answer;
    },
  };
}

/** @throws APIError when the value is not of the shape */
function check<Schema extends TSchema>(schema: Schema, given: unknown): Static<Schema> {
  const value = withNamesOf(schema, given);
  if (Value.Check(schema, value)) return value;
  const [first] = Value.Errors(schema, value);
  throw new APIError('BAD_REQUEST', `The body's ${first?.instancePath ?? ''}: ${first?.message ?? 'wrong'}`);
}

/** Mailpit takes `ids` for `IDs`, as Go does. Whoever deletes by it would delete everything if it were passed over. */
function withNamesOf(schema: TSchema, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !('properties' in schema)) return value;
  const names = new Map(Object.keys(schema.properties as object).map((name) => [name.toLowerCase(), name]));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [names.get(key.toLowerCase()) ?? key, each]));
}

function notHere(reason: string): Response {
  return text(reason, 501);
}

function mailboxText(somebody: Static<typeof Somebody>): string {
  const { Email: address, Name: name = '' } = somebody;
  return name === '' ? address : `"${name.replace(/["\\]/g, '\\$&')}" <${address}>`;
}

function attachmentOf(given: Static<typeof Attached>): NonNullable<NewMail['attachments']>[number] {
  const { Content: content, Filename: fileName, ContentType: contentType = '', ContentID: contentId = '' } = given;
  return {
    fileName,
    // A browser's `readAsDataURL` puts its type before it.
    contentBase64: content.slice(content.lastIndexOf(',') + 1),
    ...(contentType === '' ? {} : { contentType }),
    ...(contentId === '' ? {} : { contentId }),
  };
}

/** Mailpit takes letters, figures, blanks and `- _ .`, and drops the rest. */
function cleanTag(tag: string): string {
  return tag
    .replace(/[^a-zA-Z0-9\-. _]/g, '')
    .replace(/ +/g, ' ')
    .trim()
    .slice(0, TAG_LENGTH_MAX);
}

const ReadStatus = Type.Object({
  Read: Type.Optional(Type.Boolean()),
  IDs: Type.Optional(Type.Array(Type.String())),
  Search: Type.Optional(Type.String()),
});
const Selected = Type.Object({ IDs: Type.Optional(Type.Array(Type.String())) });
const Tagged = Type.Object({
  IDs: Type.Optional(Type.Array(Type.String())),
  Tags: Type.Optional(Type.Array(Type.String())),
});
const Renamed = Type.Object({ Name: Type.String() });
const Released = Type.Object({ To: Type.Optional(Type.Array(Type.String())) });
const Trigger = Type.Optional(
  Type.Object({
    ErrorCode: Type.Optional(Type.Integer()),
    Probability: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
  }),
);
const Chaos = Type.Object({ Sender: Trigger, Recipient: Trigger, Authentication: Trigger });
const Somebody = Type.Object({ Email: Type.String(), Name: Type.Optional(Type.String()) });
const People = Type.Optional(Type.Array(Somebody));
const Attached = Type.Object({
  Content: Type.String(),
  Filename: Type.String(),
  ContentType: Type.Optional(Type.String()),
  ContentID: Type.Optional(Type.String()),
});
const Sent = Type.Object({
  From: Somebody,
  To: People,
  Cc: People,
  Bcc: Type.Optional(Type.Array(Type.String())),
  ReplyTo: People,
  Subject: Type.Optional(Type.String()),
  Text: Type.Optional(Type.String()),
  HTML: Type.Optional(Type.String()),
  Tags: Type.Optional(Type.Array(Type.String())),
  Headers: Type.Optional(Type.Record(Type.String(), Type.String())),
  Attachments: Type.Optional(Type.Array(Attached)),
});
/** Pictures in which nothing can run. SVG is none of them. */
const SHOWN_PICTURES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const RUNNABLE = /html|xml|svg|script|^text\/(?!plain$|csv$|calendar$)|^image\//i;
const NO_HTML = 'This message does not contain a HTML part';
const LIMIT_MAX = 10_000;
/** Files of a message whose digests are made. */
const FILES_MAX = 100;
/** Messages that are told of one by one. */
const TOLD_MAX = 100;
const TAG_LENGTH_MAX = 100;
