/**
 * What the panes have read of messages. A message never changes, so that what was read once is good for as long as it is kept: going to
 * and fro between tabs asks the server nothing and shows nothing twice.
 */

import { useEffect, useState } from 'preact/hooks';

import type { Message } from '../../src/api/model.js';
import { address, getJSON, getOctets, reasonOf } from '../api.js';

/** Something that is being read. */
export type Loading<Value> =
  | { readonly state: 'loading' }
  | { readonly state: 'failed'; readonly reason: string; readonly retry: () => void }
  | { readonly state: 'ready'; readonly value: Value };

/** Something that can be read: how, and under which name it is kept. */
export interface Source<Value> {
  readonly key: string;
  readonly read: () => Promise<Value>;
}

/** Something of a message, such as `lint`; the message itself with `''`. */
export function messageJSON<Shape>(id: string, what: string): Source<Shape> {
  const path = messagePath(id, what);
  return { key: path, read: () => getJSON<Shape>(path) };
}

export function messageOctets(id: string, what: string): Source<Uint8Array> {
  const path = messagePath(id, what);
  return { key: `${path} as octets`, read: () => getOctets(path) };
}

/** How many things a message's HTML would fetch from elsewhere; `undefined` when the server does not say. */
export function remoteContentCount(id: string): Source<number | undefined> {
  const path = messagePath(id, 'html');
  return {
    key: `${path} remote`,
    read: async () => {
      const answer = await fetch(address(path), { method: 'HEAD' });
      const count = Number(answer.headers.get('x-remote-content') ?? 'unsaid');
      return Number.isFinite(count) ? count : undefined;
    },
  };
}

export function messagePath(id: string, what: string): string {
  return `messages/${encodeURIComponent(id)}${what === '' ? '' : `/${what}`}`;
}

/** Reads something once and says how far that has come. Without a source nothing is read, and nothing is ready. */
export function useLoaded<Value>(source: Source<Value> | undefined): Loading<Value> {
  const key = source?.key;
  const [seen, setSeen] = useState<{ readonly key: string; readonly loading: Loading<Value> }>();
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (source === undefined) return;
    let isWanted = true;
    const say = (loading: Loading<Value>): void => {
      if (isWanted) setSeen({ key: source.key, loading });
    };
    read(source).then(
      (value) => {
        say({ state: 'ready', value });
      },
      (error: unknown) => {
        say({
          state: 'failed',
          reason: reasonOf(error),
          retry: () => {
            setSeen(undefined);
            setAttempt(attempt + 1);
          },
        });
      },
    );
    return () => {
      isWanted = false;
    };
    // The key says what the source reads.
  }, [key, attempt]);

  if (key === undefined) return LOADING;
  const kept = KEPT.get(key);
  if (kept?.isRead === true) return { state: 'ready', value: kept.value as Value };
  return seen?.key === key ? seen.loading : LOADING;
}

/** Keeps a message that was read to find out whether it is there. */
export function keepMessage(message: Message): void {
  const { key } = messageJSON<Message>(message.entry.id, '');
  KEPT.set(key, { reading: Promise.resolve(message), isRead: true, value: message, weight: 0 });
}

/** Reads something once. */
export async function read<Value>(source: Source<Value>): Promise<Value> {
  const known = KEPT.get(source.key);
  if (known !== undefined) {
    // What was asked for last goes last.
    KEPT.delete(source.key);
    KEPT.set(source.key, known);
    return known.reading as Promise<Value>;
  }
  const kept: Kept = { reading: source.read(), isRead: false, value: undefined, weight: 0 };
  KEPT.set(source.key, kept);
  try {
    const value = (await kept.reading) as Value;
    Object.assign(kept, { isRead: true, value, weight: weightOf(value) });
    dropOldest();
    return value;
  } catch (error) {
    // A failure may pass: whoever asks next asks the server.
    if (KEPT.get(source.key) === kept) KEPT.delete(source.key);
    throw error;
  }
}

function dropOldest(): void {
  let weight = 0;
  for (const kept of KEPT.values()) weight += kept.weight;
  for (const [key, kept] of KEPT) {
    if ((KEPT.size <= KEPT_MAX && weight <= WEIGHT_MAX) || KEPT.size === 1) return;
    if (!kept.isRead) continue;
    KEPT.delete(key);
    weight -= kept.weight;
  }
}

/** Its octets, of what can be large. */
function weightOf(value: unknown): number {
  return value instanceof Uint8Array ? value.length : 0;
}

interface Kept {
  readonly reading: Promise<unknown>;
  readonly isRead: boolean;
  readonly value: unknown;
  readonly weight: number;
}

const LOADING = { state: 'loading' } as const;
const KEPT = new Map<string, Kept>();
/** Enough for the tabs of three messages. */
const KEPT_MAX = 40;
/** One large message, or many small ones. */
const WEIGHT_MAX = 64_000_000;
