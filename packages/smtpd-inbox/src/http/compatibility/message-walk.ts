/** Lists by offset, as the other programs have them. A store lists by place; what lies before an offset is walked over. */

import type { MailStore, MessageQuery, StoredMessage } from 'smtpd-store';

/** A part of what a query finds, and how much there is of it. */
export interface WalkedPart {
  /** From `start` on, newest first. */
  readonly messages: readonly StoredMessage[];
  readonly total: number;
  readonly unread: number;
}

/** No sessions that ended without a message: the other programs have none. */
const MESSAGES_ONLY: MessageQuery = { kind: 'not', query: { kind: 'isSession' } };

/** The part of a list from an offset on, with all that the query finds counted. */
export async function walkPart(
  store: MailStore,
  { query, start, limit }: { readonly query?: MessageQuery; readonly start: number; readonly limit: number },
): Promise<WalkedPart> {
  const messages: StoredMessage[] = [];
  if (query === undefined) {
    const { messages: total, unread } = await store.counts();
    let at = 0;
    for await (const message of walk(store, undefined, start + limit)) {
      if (at >= start) messages.push(message);
      at += 1;
    }
    return { messages, total, unread };
  }
  let total = 0;
  let unread = 0;
  for await (const message of walk(store, query)) {
    if (total >= start && messages.length < limit) messages.push(message);
    total += 1;
    if (!message.isRead) unread += 1;
  }
  return { messages, total, unread };
}

/** The newest that a query finds. */
export async function newest(store: MailStore, query?: MessageQuery): Promise<StoredMessage | undefined> {
  for await (const message of walk(store, query, 1)) return message;
  return undefined;
}

/** All that a query finds, newest first, up to a limit. */
export async function* walk(
  store: MailStore,
  query: MessageQuery | undefined,
  limit = Infinity,
): AsyncGenerator<StoredMessage> {
  const asked: MessageQuery = query === undefined ? MESSAGES_ONLY : { kind: 'and', queries: [query, MESSAGES_ONLY] };
  let before: string | undefined;
  let left = limit;
  while (left > 0) {
    const page = await store.list({
      query: asked,
      limit: Math.min(left, PAGE_MESSAGES),
      ...(before === undefined ? {} : { before }),
    });
    yield* page.messages;
    left -= page.messages.length;
    before = page.older;
    if (before === undefined) return;
  }
}

const PAGE_MESSAGES = 1_000;
