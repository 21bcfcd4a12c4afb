/** Listening to one signal for a short while, again and again. */

import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';

import { onAbort } from '../../src/client/abort-listener.js';

describe('listening to a signal', () => {
  it('is told once, each listener, in order', () => {
    const attempt = new AbortController();
    const heard: string[] = [];
    onAbort(attempt.signal, () => heard.push('first'));
    onAbort(attempt.signal, () => heard.push('second'));
    attempt.abort();
    attempt.abort();
    expect(heard).toEqual(['first', 'second']);
  });

  it('is over when it is ended, for that listener alone', () => {
    const attempt = new AbortController();
    const heard: string[] = [];
    const listener = () => heard.push('same');
    const stop = onAbort(attempt.signal, listener);
    onAbort(attempt.signal, listener);
    stop();
    stop();
    attempt.abort();
    expect(heard).toEqual(['same']);
  });

  it('may be ended by another listener that was told before', () => {
    const attempt = new AbortController();
    const heard: string[] = [];
    onAbort(attempt.signal, () => {
      heard.push('first');
      stop();
    });
    const stop = onAbort(attempt.signal, () => heard.push('second'));
    attempt.abort();
    expect(heard).toEqual(['first']);
  });

  it('a thousand times costs the signal one listener', () => {
    const { signal } = new AbortController();
    for (let count = 0; count < 1_000; count += 1) onAbort(signal, () => undefined)();
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  });

  it('is nothing without a signal', () => {
    expect(() => {
      onAbort(undefined, () => undefined)();
    }).not.toThrow();
  });
});
