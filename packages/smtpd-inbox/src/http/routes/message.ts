/** Routes for one message: what it says, its octets, its parts, and what is to be said of it. */

import { Type } from 'typebox';

import { Envelope, HeaderField, Message, Part, Session } from '../../api/model.js';
import { entryOf } from '../../search/entry.js';
import { APIError } from '../api-error.js';
import { messageOf, rawOf, readOf } from '../message-access.js';
import { attachmentDisposition, json, octets, route, type Route } from '../route.js';
import type { InboxServices } from '../services.js';

const ID = { id: 'The message.' };

export function messageRoutes(services: InboxServices): readonly Route[] {
  const { store, reader } = services;
  return [
    route({
      method: 'GET',
      path: '/messages/{id}',
      operationId: 'getMessage',
      tag: 'Message',
      summary: 'A message, read: text, HTML, header, parts, links and codes.',
      params: ID,
      answer: { status: 200, description: 'The message.', schema: Message },
      errors: ['NOT_FOUND', 'TOO_LARGE'],
      handle: async ({ params: { id = '' } }) => {
        const { message, read } = await readOf(services, id);
        const { text, html, headers, parts, links, codes, faults } = read;
        return json({
          entry: entryOf(message),
          ...(text === undefined ? {} : { text }),
          ...(html === undefined ? {} : { html }),
          ...{ headers, parts, links, codes, faults },
        });
      },
    }),
    route({
      method: 'GET',
      path: '/messages/{id}/raw',
      operationId: 'getRaw',
      tag: 'Message',
      summary: 'The octets of a message, exactly as they came.',
      params: ID,
      query: Type.Object({
        download: Type.Optional(Type.Boolean({ description: 'Whether it is to be saved as a file.' })),
      }),
      answer: { status: 200, description: 'The octets.', contentTypes: ['message/rfc822'] },
      errors: ['NOT_FOUND'],
      handle: async ({ params: { id = '' }, query: { download = false } }) => {
        const { sizeBytes } = await messageOf(services, id);
        return octets(store.openRaw(id), {
          'content-type': 'message/rfc822',
          'content-length': String(sizeBytes),
          ...(download ? { 'content-disposition': attachmentDisposition(`${id}.eml`) } : {}),
        });
      },
    }),
    route({
      method: 'GET',
      path: '/messages/{id}/text',
      operationId: 'getText',
      tag: 'Message',
      summary: 'The decoded text of a message.',
      params: ID,
      answer: { status: 200, description: 'The text; empty when there is none.', contentTypes: ['text/plain'] },
      errors: ['NOT_FOUND', 'TOO_LARGE'],
      handle: async ({ params: { id = '' } }) => {
        const { read } = await readOf(services, id);
        return octets(Buffer.from(read.text ?? '', 'utf8'), { 'content-type': 'text/plain; charset=utf-8' });
      },
    }),
    route({
      method: 'GET',
      path: '/messages/{id}/headers',
      operationId: 'getHeaders',
      tag: 'Message',
      summary: 'The header of a message, field by field, decoded and as it stands.',
      params: ID,
      answer: { status: 200, description: 'The fields.', schema: Type.Array(HeaderField) },
      errors: ['NOT_FOUND', 'TOO_LARGE'],
      handle: async ({ params: { id = '' } }) => json((await readOf(services, id)).read.headers),
    }),
    route({
      method: 'GET',
      path: '/messages/{id}/envelope',
      operationId: 'getEnvelope',
      tag: 'Message',
      summary: 'The envelope of a message, and what was known of the session.',
      params: ID,
      answer: { status: 200, description: 'Both.', schema: Type.Object({ envelope: Envelope, session: Session }) },
      errors: ['NOT_FOUND'],
      handle: async ({ params: { id = '' } }) => {
        const { envelope, session } = await messageOf(services, id);
        return json({ envelope, session });
      },
    }),
    route({
      method: 'GET',
      path: '/messages/{id}/parts',
      operationId: 'getParts',
      tag: 'Message',
      summary: 'The MIME tree of a message, as a list.',
      params: ID,
      answer: { status: 200, description: 'The parts.', schema: Type.Array(Part) },
      errors: ['NOT_FOUND', 'TOO_LARGE'],
      handle: async ({ params: { id = '' } }) => json((await readOf(services, id)).read.parts),
    }),
    route({
      method: 'GET',
      path: '/messages/{id}/parts/{number}',
      operationId: 'getPart',
      tag: 'Message',
      summary: 'A part of a message, decoded, to be saved.',
      description: 'With `inline`, a raster picture is answered as such, and nothing else is.',
      params: { ...ID, number: 'The part, such as 1.2.' },
      query: Type.Object({ inline: Type.Optional(Type.Boolean({ description: 'Whether it is to be shown.' })) }),
      answer: { status: 200, description: 'The octets.', contentTypes: ['application/octet-stream', 'image/*'] },
      errors: ['NOT_FOUND', 'TOO_LARGE'],
      handle: async ({ params: { id = '', number = '' }, query: { inline = false } }) => {
        const found = await reader.part(await rawOf(services, await messageOf(services, id)), number);
        if (found === undefined) throw new APIError('NOT_FOUND', `The message has no part "${number}"`);
        const { part, content } = found;
        const isPicture = SHOWN_PICTURES.has(part.contentType);
        // Only what a browser can do nothing with but paint it keeps its type.
        return octets(content, {
          'content-type': isPicture ? part.contentType : 'application/octet-stream',
          'content-length': String(content.length),
          ...(inline && isPicture
            ? {}
            : { 'content-disposition': attachmentDisposition(part.fileName ?? `part-${number}`) }),
        });
      },
    }),
  ];
}

/** Pictures in which nothing can run. SVG is none of them. */
const SHOWN_PICTURES: ReadonlySet<string> = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/bmp',
  'image/avif',
]);
