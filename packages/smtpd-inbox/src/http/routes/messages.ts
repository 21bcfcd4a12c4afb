/** Routes for lists of messages: listing, searching, marking, deleting. */

import type { MessageQuery } from 'smtpd-store';
import { Type } from 'typebox';

import { Counts, Deletion, Page } from '../../api/model.js';
import { entryOf } from '../../search/entry.js';
import { parseSearch } from '../../search/search-syntax.js';
import { APIError } from '../api-error.js';
import { json, route, type Route } from '../route.js';
import type { InboxServices } from '../services.js';

const Ids = Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { minItems: 1, maxItems: 1000 });
const Changed = Type.Object({ changed: Type.Integer({ description: 'How many messages it made a difference to.' }) });

/** Which messages are meant. */
export const SELECTION = {
  q: Type.Optional(Type.String({ description: 'A search, such as from:ann has:attachment.', maxLength: 4096 })),
  inbox: Type.Optional(
    Type.String({ description: 'Only this inbox; empty for the inbox of everybody. Default: all.', maxLength: 63 }),
  ),
};

/** The query behind a selection. @throws APIError `BAD_SEARCH` */
function queryOf(
  { q, sessions = false }: { readonly q?: string; readonly sessions?: boolean },
  now: Date,
): MessageQuery | undefined {
  const noSessions: MessageQuery = { kind: 'not', query: { kind: 'isSession' } };
  if (q === undefined || q.trim() === '') return sessions ? undefined : noSessions;
  const parsed = parseSearch(q, { now });
  if ('fault' in parsed) throw new APIError('BAD_SEARCH', parsed.fault.message);
  return sessions || isAboutSessions(parsed.query)
    ? parsed.query
    : { kind: 'and', queries: [parsed.query, noSessions] };
}

function isAboutSessions(query: MessageQuery): boolean {
  if (query.kind === 'not') return isAboutSessions(query.query);
  if (query.kind === 'and' || query.kind === 'or') return query.queries.some(isAboutSessions);
  return query.kind === 'isSession';
}

export function messageListRoutes(services: InboxServices): readonly Route[] {
  const { store, directory, now } = services;
  return [
    route({
      method: 'GET',
      path: '/messages',
      operationId: 'listMessages',
      tag: 'Messages',
      summary: 'Lists messages, newest first; with q, those that a search finds.',
      query: Type.Object({
        ...SELECTION,
        before: Type.Optional(Type.String({ description: 'A page’s `older`: what comes behind that page.' })),
        after: Type.Optional(Type.String({ description: 'A page’s `newer`: what came since.' })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'How many. Default: 50.' })),
        sessions: Type.Optional(
          Type.Boolean({ description: 'Whether sessions that ended without a message are there, too.' }),
        ),
      }),
      answer: { status: 200, description: 'A part of the list.', schema: Page },
      errors: ['BAD_SEARCH'],
      handle: async ({ query: { q, sessions, inbox, before, after, limit } }) => {
        const query = queryOf(
          { ...(q === undefined ? {} : { q }), ...(sessions === undefined ? {} : { sessions }) },
          now(),
        );
        const page = await store.list({
          ...(query === undefined ? {} : { query }),
          ...(inbox === undefined ? {} : { inbox }),
          ...(before === undefined ? {} : { before }),
          ...(after === undefined ? {} : { after }),
          ...(limit === undefined ? {} : { limit }),
        });
        return json({
          entries: page.messages.map(entryOf),
          ...(page.older === undefined ? {} : { older: page.older }),
          newer: page.newer,
        } satisfies Page);
      },
    }),
    route({
      method: 'DELETE',
      path: '/messages',
      operationId: 'deleteAllMessages',
      tag: 'Messages',
      summary: 'Deletes all messages, those of an inbox, or those that a search finds.',
      description: 'They can come back until `restorableUntil`.',
      query: Type.Object(SELECTION),
      answer: { status: 200, description: 'What was deleted.', schema: Deletion },
      errors: ['BAD_SEARCH'],
      handle: async ({ query: { q, inbox } }) => {
        if (q === undefined || q.trim() === '') return json(deletionOf(await store.clear(inbox)));
        const ids = await idsOf(services, { q, ...(inbox === undefined ? {} : { inbox }) });
        return json(deletionOf(await store.delete(ids)));
      },
    }),
    route({
      method: 'POST',
      path: '/messages/delete',
      operationId: 'deleteMessages',
      tag: 'Messages',
      summary: 'Deletes messages; what is not there is passed over.',
      body: Type.Object({ ids: Ids }, { additionalProperties: false }),
      answer: { status: 200, description: 'What was deleted.', schema: Deletion },
      handle: async ({ body: { ids } }) => json(deletionOf(await store.delete(ids))),
    }),
    route({
      method: 'DELETE',
      path: '/messages/{id}',
      operationId: 'deleteMessage',
      tag: 'Messages',
      summary: 'Deletes a message.',
      params: { id: 'The message.' },
      answer: { status: 200, description: 'What was deleted.', schema: Deletion },
      errors: ['NOT_FOUND'],
      handle: async ({ params: { id = '' } }) => {
        const deletion = await store.delete([id]);
        if (deletion.messageIds.length === 0) throw new APIError('NOT_FOUND', `There is no message "${id}"`);
        return json(deletionOf(deletion));
      },
    }),
    route({
      method: 'POST',
      path: '/deletions/{id}/restore',
      operationId: 'restoreMessages',
      tag: 'Messages',
      summary: 'Brings back what was deleted together.',
      params: { id: 'The deletion.' },
      answer: {
        status: 200,
        description: 'Which messages came back.',
        schema: Type.Object({ ids: Type.Array(Type.String()) }),
      },
      errors: ['NOT_FOUND'],
      handle: async ({ params: { id = '' } }) => {
        const ids = await store.restore(id);
        if (ids.length === 0)
          throw new APIError('NOT_FOUND', 'There is nothing to bring back: its time is over, or it is back already');
        return json({ ids });
      },
    }),
    route({
      method: 'POST',
      path: '/messages/mark',
      operationId: 'markMessages',
      tag: 'Messages',
      summary: 'Marks messages as read, or as unread.',
      body: Type.Object({ ids: Ids, isRead: Type.Boolean() }, { additionalProperties: false }),
      answer: { status: 200, description: 'Done.', schema: Changed },
      handle: async ({ body: { ids, isRead } }) => json({ changed: await store.setRead(ids, isRead) }),
    }),
    route({
      method: 'POST',
      path: '/messages/tag',
      operationId: 'tagMessages',
      tag: 'Messages',
      summary: 'Adds tags to messages, and takes others away.',
      body: Type.Object(
        {
          ids: Ids,
          add: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 100 })),
          remove: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 100 })),
        },
        { additionalProperties: false },
      ),
      answer: { status: 200, description: 'Done.', schema: Changed },
      handle: async ({ body: { ids, add = [], remove = [] } }) => {
        const added = add.length === 0 ? 0 : await store.addTags(ids, add);
        const removed = remove.length === 0 ? 0 : await store.removeTags(ids, remove);
        return json({ changed: Math.max(added, removed) });
      },
    }),
    route({
      method: 'GET',
      path: '/counts',
      operationId: 'countMessages',
      tag: 'Messages',
      summary: 'How many messages there are, altogether and by inbox.',
      answer: { status: 200, description: 'The numbers.', schema: Counts },
      handle: async () => {
        const counts = await store.counts();
        // An inbox without mail is an inbox all the same.
        const empty = Object.fromEntries(
          directory.list().map(({ name }) => [name, { messages: 0, unread: 0, bytes: 0 }]),
        );
        return json({ ...counts, inboxes: { ...empty, ...counts.inboxes } });
      },
    }),
  ];
}

/** Which messages are meant. */
export interface Selection {
  readonly q?: string;
  readonly inbox?: string;
}

/** All messages of a selection, newest first. @throws APIError `BAD_SEARCH` */
export async function idsOf(
  { store, now }: Pick<InboxServices, 'store' | 'now'>,
  { q, inbox }: Selection,
): Promise<string[]> {
  const query = queryOf(q === undefined ? {} : { q }, now());
  const ids: string[] = [];
  let before: string | undefined;
  do {
    const page = await store.list({
      limit: 1000,
      ...(query === undefined ? {} : { query }),
      ...(inbox === undefined ? {} : { inbox }),
      ...(before === undefined ? {} : { before }),
    });
    for (const { id } of page.messages) ids.push(id);
    before = page.older;
  } while (before !== undefined);
  return ids;
}

/** What the API says of a deletion. */
export function deletionOf({
  id,
  messageIds,
  restorableUntil,
}: {
  readonly id: string;
  readonly messageIds: readonly string[];
  readonly restorableUntil: Date;
}): Deletion {
  return { id, ids: [...messageIds], restorableUntil: restorableUntil.toISOString() };
}
