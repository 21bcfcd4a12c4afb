/** What happens, as it happens: server-sent events. */

import { setInterval } from 'node:timers';

import type { StoreChange } from 'smtpd-store';
import { Type } from 'typebox';

import type { LiveEvent } from '../../api/model.js';
import { entryOf } from '../../search/entry.js';
import { route, type Route } from '../route.js';
import type { InboxServices } from '../services.js';

export function eventRoutes({ store }: InboxServices): readonly Route[] {
  return [
    route({
      method: 'GET',
      path: '/events',
      operationId: 'watchEvents',
      tag: 'Events',
      summary: 'Tells what happens, as server-sent events: the event’s name is the `kind` of its data (LiveEvent).',
      query: Type.Object({
        inbox: Type.Optional(Type.String({ description: 'Only messages that come into this inbox.', maxLength: 63 })),
      }),
      answer: { status: 200, description: 'Events without end.', contentTypes: ['text/event-stream'] },
      handle: ({ query: { inbox }, signal }) =>
        new Response(eventStream(store.changes(), { inbox, signal }), {
          headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' },
        }),
    }),
  ];
}

/** A change as the API tells it; `undefined` for one that is nobody's there. */
function liveEventOf(change: StoreChange, inbox?: string): LiveEvent | undefined {
  switch (change.kind) {
    case 'added':
      if (inbox !== undefined && change.message.inbox !== inbox) return undefined;
      return { kind: 'added', entry: entryOf(change.message) };
    case 'changed':
    case 'deleted':
    case 'restored':
      return { kind: change.kind, ids: [...change.messageIds] };
    case 'setting':
      return { kind: 'settings', key: change.key };
    case 'missed':
      return { kind: 'missed' };
  }
}

function eventStream(
  changes: AsyncIterable<StoreChange>,
  { inbox, signal }: { readonly inbox: string | undefined; readonly signal: AbortSignal },
): ReadableStream<Uint8Array> {
  const iterator = changes[Symbol.asyncIterator]();
  let heartbeat: NodeJS.Timeout | undefined;
  const stop = async (): Promise<void> => {
    clearInterval(heartbeat);
    await iterator.return?.();
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      // Whoever reads knows that it is connected; whoever has gone is noticed.
      controller.enqueue(encode(': connected\nretry: 1000\n\n'));
      heartbeat = setInterval(() => {
        controller.enqueue(encode(': still here\n\n'));
      }, HEARTBEAT_MS);
      heartbeat.unref();
      signal.addEventListener('abort', () => {
        void stop().then(() => {
          try {
            controller.close();
          } catch {
            // The reader has gone before.
          }
        });
      });
    },
    async pull(controller) {
      for (;;) {
        const next: IteratorResult<StoreChange, unknown> = await iterator.next();
        if (next.done === true) {
          await stop();
          if (!signal.aborted) controller.close();
          return;
        }
        const event = liveEventOf(next.value, inbox);
        if (event === undefined) continue;
        controller.enqueue(encode(`event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`));
        return;
      }
    },
    cancel: stop,
  });
}

function encode(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

const HEARTBEAT_MS = 15_000;
