/** Server-sent events, however they are cut. */

import { expect, it } from 'vitest';

import { readEventData } from '../../src/client/event-stream.js';

const STREAM =
  ': connected\nretry: 1000\n\nevent: added\ndata: {"a":"\u00fc"}\n\ndata:one\r\ndata\r\ndata:  two\r\n\r\ndatabase: no\n\ndata: cut off';

it('are the same wherever the stream is cut', async () => {
  const octets = new TextEncoder().encode(STREAM);
  for (let at = 0; at <= octets.length; at += 1) {
    for (const length of [1, octets.length]) {
      const pieces = [octets.slice(0, at), octets.slice(at, at + length), octets.slice(at + length)];
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const piece of pieces) controller.enqueue(piece);
          controller.close();
        },
      });
      const events: string[] = [];
      for await (const data of readEventData(stream)) events.push(data);
      expect(events).toEqual(['{"a":"\u00fc"}', 'one\n\n two']);
    }
  }
});
