/** What a store does, in the simplest words: an array that is searched from the end. The real ones are compared with it. */

import type { Counts, MessageKind, MessageQuery, StoreCounts, StoreLimits, TextField } from 'smtpd-store';

/** What the model knows of a message. The identifiers are those of the store under test. */
export interface ModelMessage {
  readonly id: string;
  readonly kind: MessageKind;
  readonly inbox: string;
  readonly receivedAtMs: number;
  readonly sizeBytes: number;
  readonly hasAttachment: boolean;
  readonly texts: Readonly<Record<Exclude<TextField, 'text'> | 'headers', string>>;
  readonly headers: readonly (readonly [string, string])[];
  readonly messageId: string | undefined;
  isRead: boolean;
  tags: Set<string>;
  deletion: string | undefined;
}

export class ModelStore {
  readonly #limits: StoreLimits;
  readonly #undoMs: number;
  readonly #deletedAt = new Map<string, number>();
  /** In the order in which they came. */
  messages: ModelMessage[] = [];

  constructor(limits: StoreLimits, undoMs: number) {
    this.#limits = limits;
    this.#undoMs = undoMs;
  }

  add(message: ModelMessage, now: number): void {
    this.messages.push(message);
    this.messages = this.messages.filter(
      (each) => each === message || each.receivedAtMs >= now - this.#limits.ageMsMax,
    );
    while (
      this.messages.length > this.#limits.messagesMax ||
      this.messages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > this.#limits.bytesMax
    ) {
      const deleted = this.messages
        .filter(({ deletion }) => deletion !== undefined)
        .sort((a, b) => Number(a.deletion) - Number(b.deletion))[0];
      const victim = deleted ?? this.messages[0];
      this.messages = this.messages.filter((each) => each !== victim);
    }
  }

  there(id: string): ModelMessage | undefined {
    return this.messages.find((each) => each.id === id && each.deletion === undefined);
  }

  /** Newest first. */
  list(query: MessageQuery, inbox?: string): string[] {
    return this.messages
      .filter((each) => each.deletion === undefined && (inbox === undefined || each.inbox === inbox))
      .filter((each) => isMet(query, each))
      .map(({ id }) => id)
      .reverse();
  }

  delete(deletion: string, ids: readonly string[], now: number): void {
    this.#deletedAt.set(deletion, now);
    for (const id of ids) {
      const message = this.there(id);
      if (message !== undefined) message.deletion = deletion;
    }
  }

  restore(deletion: string, now: number): string[] {
    const deletedAt = this.#deletedAt.get(deletion);
    if (deletedAt === undefined || now >= deletedAt + this.#undoMs) return [];
    this.#deletedAt.delete(deletion);
    const back = this.messages.filter((each) => each.deletion === deletion);
    for (const each of back) each.deletion = undefined;
    return back.map(({ id }) => id);
  }

  /** Takes away what cannot come back. */
  purge(now: number): void {
    this.messages = this.messages.filter(
      ({ deletion }) => deletion === undefined || now < (this.#deletedAt.get(deletion) ?? 0) + this.#undoMs,
    );
  }

  counts(): StoreCounts {
    const there = this.messages.filter(({ deletion }) => deletion === undefined);
    const countsOf = (inbox?: string): Counts => {
      const counted = there.filter((each) => inbox === undefined || each.inbox === inbox);
      const messages = counted.filter(({ kind }) => kind === 'message');
      return {
        messages: messages.length,
        unread: messages.filter(({ isRead }) => !isRead).length,
        bytes: counted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      };
    };
    const inboxes = [...new Set(there.map(({ inbox }) => inbox))].filter((inbox) => {
      const { messages, bytes } = countsOf(inbox);
      return messages > 0 || bytes > 0;
    });
    return { ...countsOf(), inboxes: Object.fromEntries(inboxes.map((inbox) => [inbox, countsOf(inbox)])) };
  }
}

function isMet(query: MessageQuery, message: ModelMessage): boolean {
  switch (query.kind) {
    case 'and':
      return query.queries.every((each) => isMet(each, message));
    case 'or':
      return query.queries.some((each) => isMet(each, message));
    case 'not':
      return !isMet(query.query, message);
    case 'words': {
      const { field } = query;
      const texts = field === 'text' ? Object.values(message.texts) : [message.texts[field]];
      return texts.some((text) => hasPhrase(wordsOf(text), wordsOf(query.words), query.isPrefix ?? false));
    }
    case 'header':
      return message.headers.some(
        ([name, value]) =>
          name.toLowerCase() === query.name.toLowerCase() &&
          value.toLowerCase().includes((query.contains ?? '').toLowerCase()),
      );
    case 'isSession':
      return message.kind === 'session';
    case 'hasAttachment':
      return message.hasAttachment;
    case 'isRead':
      return message.isRead;
    case 'before':
      return message.receivedAtMs < query.time.getTime();
    case 'after':
      return message.receivedAtMs >= query.time.getTime();
    case 'larger':
      return message.sizeBytes > query.bytes;
    case 'smaller':
      return message.sizeBytes < query.bytes;
    case 'inbox':
      return message.inbox === query.inbox;
    case 'messageId':
      return message.messageId === query.messageId;
    case 'tag':
      return message.tags.has(query.tag);
  }
}

function hasPhrase(words: readonly string[], phrase: readonly string[], isPrefix: boolean): boolean {
  if (phrase.length === 0) return false;
  return words.some((_word, start) =>
    phrase.every((wanted, index) => {
      const word = words[start + index];
      return isPrefix && index === phrase.length - 1 ? word?.startsWith(wanted) === true : word === wanted;
    }),
  );
}

function wordsOf(text: string): string[] {
  const plain = text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return plain.match(/[\p{L}\p{N}\p{Co}]+/gu) ?? [];
}
