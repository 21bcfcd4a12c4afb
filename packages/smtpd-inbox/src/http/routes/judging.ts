/** Routes for what is to be said of a message: by a strict receiver, by mail programs, by people, by DNS, and beside another one. */

import type { StoredMessage } from 'smtpd-store';
import { Type } from 'typebox';

import { Authentication, Compatibility, Difference, Finding } from '../../api/model.js';
import { authenticate } from '../../mail/authentication.js';
import { templateKey } from '../../mail/comparison.js';
import type { ReadMail } from '../../mail/read-mail.js';
import { entryOf } from '../../search/entry.js';
import { done, messageOf, rawOf, readOf, type MessageRead } from '../message-access.js';
import { json, route, type Route } from '../route.js';
import type { InboxServices } from '../services.js';

const ID = { id: 'The message.' };

export function judgingRoutes(services: InboxServices): readonly Route[] {
  const { store, reader, dkimKeys, resolver } = services;
  return [
    route({
      method: 'GET',
      path: '/messages/{id}/lint',
      operationId: 'lintMessage',
      tag: 'Judging',
      summary: 'What a strict receiver would say of a message.',
      params: ID,
      answer: { status: 200, description: 'The findings.', schema: Type.Array(Finding) },
      errors: ['NOT_FOUND', 'NOT_READ', 'TOO_LARGE'],
      handle: async ({ params: { id = '' } }) => {
        const message = await messageOf(services, id);
        const { envelope, session, receivedAt } = entryOf(message);
        return json(
          done(await reader.run('lint', { raw: await rawOf(services, message), envelope, session, receivedAt })),
        );
      },
    }),
    route({
      method: 'GET',
      path: '/messages/{id}/compatibility',
      operationId: 'judgeCompatibility',
      tag: 'Judging',
      summary: 'What mail programs make of the HTML of a message.',
      params: ID,
      answer: { status: 200, description: 'Features and who supports them.', schema: Compatibility },
      errors: ['NOT_FOUND', 'NOT_READ', 'TOO_LARGE'],
      handle: async ({ params: { id = '' } }) => json(done(await reader.run('compatibility', await htmlOf(id)))),
    }),
    route({
      method: 'GET',
      path: '/messages/{id}/accessibility',
      operationId: 'judgeAccessibility',
      tag: 'Judging',
      summary: 'Whether everybody can read the HTML of a message.',
      params: ID,
      answer: { status: 200, description: 'The findings.', schema: Type.Array(Finding) },
      errors: ['NOT_FOUND', 'NOT_READ', 'TOO_LARGE'],
      handle: async ({ params: { id = '' } }) => json(done(await reader.run('accessibility', await htmlOf(id)))),
    }),
    route({
      method: 'GET',
      path: '/messages/{id}/authentication',
      operationId: 'judgeAuthentication',
      tag: 'Judging',
      summary: 'What SPF, DKIM, DMARC and ARC say of a message.',
      params: ID,
      answer: { status: 200, description: 'The results, or why there are none.', schema: Authentication },
      errors: ['NOT_FOUND', 'TOO_LARGE'],
      handle: async ({ params: { id = '' } }) => {
        const message = await messageOf(services, id);
        const { envelope, session } = entryOf(message);
        return json(
          await authenticate({
            raw: await rawOf(services, message),
            envelope,
            session,
            keys: dkimKeys,
            ...(resolver === undefined ? {} : { resolver }),
          }),
        );
      },
    }),
    route({
      method: 'GET',
      path: '/messages/{id}/difference',
      operationId: 'compareMessage',
      tag: 'Judging',
      summary: 'A message beside the one before it that was made from the same template, or beside another.',
      params: ID,
      query: Type.Object({ with: Type.Optional(Type.String({ description: 'The other message.' })) }),
      answer: { status: 200, description: 'Line by line.', schema: Difference },
      errors: ['NOT_FOUND', 'NOT_READ', 'TOO_LARGE'],
      handle: async ({ params: { id = '' }, query: { with: otherId } }) => {
        const { message, read } = await readOf(services, id);
        const other = otherId === undefined ? await previousOf(message, read) : await readOf(services, otherId);
        if (other === undefined) return json({ sections: [] });
        const sections = done(await reader.run('compare', comparable(other.read), comparable(read)));
        return json({ other: entryOf(other.message), sections });
      },
    }),
  ];

  async function htmlOf(id: string): Promise<string> {
    return (await readOf(services, id)).read.html ?? '';
  }

  /** The message before this one that came from the same template, among the nearest. */
  async function previousOf(message: StoredMessage, read: ReadMail): Promise<MessageRead | undefined> {
    const key = templateKey({ ...entryOf(message), headers: read.headers });
    const before = await store.list({
      query: {
        kind: 'and',
        queries: [
          { kind: 'not', query: { kind: 'isSession' } },
          { kind: 'before', time: message.receivedAt },
        ],
      },
      inbox: message.inbox,
      limit: COMPARED_WITH_MAX,
    });
    for (const each of before.messages) {
      const headers = (each.summary.headers ?? []).map(([name, value]) => ({ name, value, raw: value, line: 1 }));
      if (each.id !== message.id && templateKey({ ...entryOf(each), headers }) === key)
        return readOf(services, each.id);
    }
    return undefined;
  }
}

function comparable({ headers, text = '', html = '' }: ReadMail): {
  readonly headers: ReadMail['headers'];
  readonly text: string;
  readonly html: string;
} {
  return { headers, text, html };
}

const COMPARED_WITH_MAX = 200;
