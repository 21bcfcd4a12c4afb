/** The stream of live events: connected again whenever it breaks, later each time it fails at once, and how it stands is a signal. */

import { signal } from '@preact/signals';

import type { LiveEvent } from '../../src/api/model.js';
import { address } from '../api.js';
import { retryWaitMs } from './retry.js';

/** How the stream stands: `waiting` when it broke, and is tried again in a while. */
export const connection = signal<'connecting' | 'live' | 'waiting'>('connecting');

/** What the rest of the page wants to know of it. */
export interface EventHandlers {
  /** Events may have passed unheard: the page looks for itself. Not said the first time. */
  readonly onReconnected: () => void;
  readonly onEvent: (event: LiveEvent) => void;
}

let retryNow: (() => void) | undefined;

/** Tries again at once, when it is waiting. */
export function reconnect(): void {
  retryNow?.();
}

/** Reads the stream until it is told to stop. @returns how to stop */
export function followEvents({ onReconnected, onEvent }: EventHandlers): () => void {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let wasLive = false;

  const connect = () => {
    clearTimeout(timer);
    retryNow = undefined;
    connection.value = 'connecting';
    const current = new EventSource(address('events'));
    source = current;
    current.addEventListener('open', () => {
      connection.value = 'live';
      failures = 0;
      if (wasLive) onReconnected();
      wasLive = true;
    });
    // The browser would try again by itself, but not after every failure, and without telling when.
    current.addEventListener('error', () => {
      current.close();
      connection.value = 'waiting';
      timer = setTimeout(connect, retryWaitMs(failures++, Math.random()));
      retryNow = connect;
    });
    for (const kind of EVENT_KINDS) {
      current.addEventListener(kind, ({ data }: MessageEvent<string>) => onEvent(JSON.parse(data) as LiveEvent));
    }
  };
  connect();
  return () => {
    clearTimeout(timer);
    retryNow = undefined;
    source?.close();
  };
}

const EVENT_KINDS = [
  'added',
  'changed',
  'deleted',
  'restored',
  'settings',
  'missed',
] as const satisfies readonly LiveEvent['kind'][];
