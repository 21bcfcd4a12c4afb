/** Routes for mail that goes out of the inbox or comes into it otherwise than by SMTP: files, made mail, other servers. */

import type { StoredMessage } from 'smtpd-store';
import { Type } from 'typebox';

import { NewMail, Release, ReleaseResult } from '../../api/model.js';
import { importMail } from '../../capture/import-mail.js';
import { composeMail } from '../../exchange/compose.js';
import { withWireLineEnds, type ImportItem } from '../../exchange/import-item.js';
import { readMbox, writeMbox, type MboxMessage } from '../../exchange/mbox.js';
import { readZip, writeZip, type ZippedMessage } from '../../exchange/zip.js';
import { APIError } from '../api-error.js';
import { knownError } from '../known-error.js';
import { piecesOf, readOctets } from '../request-body.js';
import { messageOf } from '../message-access.js';
import { attachmentDisposition, json, MAIL_JSON_BYTES_MAX, octets, route, type Route } from '../route.js';
import type { InboxServices } from '../services.js';
import { idsOf, SELECTION } from './messages.js';

/** What an import said. */
const Imported = Type.Object({
  ids: Type.Array(Type.String()),
  skipped: Type.Array(Type.Object({ name: Type.String(), reason: Type.String() })),
});

export function exchangeRoutes(services: InboxServices): readonly Route[] {
  const { store, reader, directory, replay, releaser, now } = services;
  return [
    route({
      method: 'GET',
      path: '/export',
      operationId: 'exportMessages',
      tag: 'Exchange',
      summary: 'Messages as one file: mbox, or a zip of .eml files.',
      query: Type.Object({ ...SELECTION, format: Type.Enum(['mbox', 'zip'], { description: 'mbox or zip.' }) }),
      answer: { status: 200, description: 'The file.', contentTypes: ['application/mbox', 'application/zip'] },
      errors: ['BAD_SEARCH'],
      handle: async ({ query: { format, ...selection } }) => {
        // Looked for first: what is wrong with the search is said before the file begins.
        const messages = oldestFirst(await idsOf(services, selection));
        return octets(format === 'mbox' ? writeMbox(asMbox(messages)) : writeZip(asZip(messages)), {
          'content-type': `application/${format}`,
          'content-disposition': attachmentDisposition(`mail.${format}`),
        });
      },
    }),
    route({
      method: 'POST',
      path: '/import',
      operationId: 'importMessages',
      tag: 'Exchange',
      summary: 'Keeps messages of a file: one message, an mbox, or a zip of .eml files or of a Maildir.',
      query: Type.Object({
        inbox: Type.Optional(Type.String({ description: 'Where to. Default: the inbox of everybody.', maxLength: 63 })),
      }),
      body: { contentTypes: ['message/rfc822', 'application/mbox', 'application/zip'] },
      answer: { status: 200, description: 'What was kept, and what was passed over.', schema: Imported },
      errors: ['NOT_FOUND'],
      handle: async ({ query: { inbox = '' }, octets: body, contentType }) => {
        if (inbox !== '' && directory.get(inbox) === undefined)
          throw new APIError('NOT_FOUND', `There is no inbox "${inbox}"`);
        const result: { ids: string[]; skipped: { name: string; reason: string }[] } = { ids: [], skipped: [] };
        try {
          for await (const item of itemsOf(contentType, body())) {
            if (item.kind === 'skipped') {
              result.skipped.push({ name: item.name, reason: item.reason });
              continue;
            }
            const mail = { ...item, raw: withWireLineEnds(item.raw) };
            result.ids.push(await importMail(mail, { store, reader, inbox, now: now() }));
          }
        } catch (error) {
          throw result.ids.length === 0 ? error : halfImported(error, result.ids.length);
        }
        return json(result);
      },
    }),
    route({
      method: 'POST',
      path: '/send',
      operationId: 'sendMail',
      tag: 'Exchange',
      summary: 'Makes a mail and sends it to this server’s own SMTP, as a program would.',
      body: NewMail,
      bodyBytesMax: MAIL_JSON_BYTES_MAX,
      answer: { status: 200, description: 'What each recipient was told.', schema: ReleaseResult },
      errors: ['UPSTREAM_FAILED'],
      handle: async ({ body, signal }) => json(await replay(composeMail(body, { now: now() }), signal)),
    }),
    route({
      method: 'POST',
      path: '/messages/{id}/replay',
      operationId: 'replayMessage',
      tag: 'Exchange',
      summary: 'Sends a message to this server’s own SMTP once more, with the same envelope.',
      params: { id: 'The message.' },
      answer: { status: 200, description: 'What each recipient was told.', schema: ReleaseResult },
      errors: ['NOT_FOUND', 'UPSTREAM_FAILED'],
      handle: async ({ params: { id = '' }, signal }) => {
        const { envelope } = await messageOf(services, id);
        return json(await replay({ raw: store.openRaw(id), envelope }, signal));
      },
    }),
    route({
      method: 'POST',
      path: '/messages/{id}/release',
      operationId: 'releaseMessage',
      tag: 'Exchange',
      summary: 'Sends a message to the real server, for recipients to whom that was allowed when this one was started.',
      params: { id: 'The message.' },
      body: Release,
      answer: { status: 200, description: 'What each recipient was told.', schema: ReleaseResult },
      errors: ['NOT_FOUND', 'NOT_ALLOWED', 'UPSTREAM_FAILED'],
      handle: async ({ params: { id = '' }, body, signal }) => {
        if (releaser === undefined)
          throw new APIError('NOT_ALLOWED', 'Whoever started the server named no server to release to (--release)');
        const { envelope } = await messageOf(services, id);
        return json(await releaser.release({ raw: store.openRaw(id), envelope }, body, { signal }));
      },
    }),
  ];

  /** The messages, oldest first as files have them. What is deleted meanwhile is not among them. */
  async function* oldestFirst(newestFirst: readonly string[]): AsyncGenerator<StoredMessage> {
    for (const id of newestFirst.toReversed()) {
      const message = await store.get(id);
      if (message !== undefined) yield message;
    }
  }

  async function* asMbox(messages: AsyncIterable<StoredMessage>): AsyncGenerator<MboxMessage> {
    for await (const { id, envelope, receivedAt } of messages)
      yield { raw: store.openRaw(id), mailFrom: envelope.mailFrom, receivedAt };
  }

  async function* asZip(messages: AsyncIterable<StoredMessage>): AsyncGenerator<ZippedMessage> {
    for await (const { id, receivedAt, summary } of messages)
      yield {
        id,
        raw: store.openRaw(id),
        receivedAt,
        ...(summary.subject === undefined ? {} : { subject: summary.subject }),
      };
  }
}

/** What is kept stays: whoever heard of the failure alone would import it twice. */
function halfImported(cause: unknown, count: number): APIError {
  const { code, message } = knownError(cause);
  const kept = count === 1 ? 'one message before it was' : `${String(count)} messages before it were`;
  return Object.assign(new APIError(code, `${message} (${kept} imported)`), { cause });
}

/** The messages of a body. */
async function* itemsOf(contentType: string, body: ReadableStream<Uint8Array> | null): AsyncGenerator<ImportItem> {
  switch (contentType) {
    case 'application/mbox':
      yield* readMbox(piecesOf(body));
      break;
    case 'application/zip':
      yield* readZip(await readOctets(body, ARCHIVE_BYTES_MAX));
      break;
    default:
      yield { kind: 'message', name: 'message', raw: await readOctets(body, MESSAGE_BYTES_MAX) };
  }
}

const MESSAGE_BYTES_MAX = 67_108_864;
const ARCHIVE_BYTES_MAX = 268_435_456;
