import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { octets } from '../../src/protocol/octets.js';
import { parseReply, Reply } from '../../src/protocol/reply.js';
import { encodeReply, ReplyQueue } from '../../src/protocol/reply-encoder.js';

const SEED = 5321;

describe('encodeReply', () => {
  it('gives each line its CRLF', () => {
    expect(latin1(encodeReply(new Reply(250, '2.0.0', ['a', 'b']), false))).toBe('250-2.0.0 a\r\n250 2.0.0 b\r\n');
    expect(latin1(encodeReply(new Reply(354, undefined, ''), true))).toBe('354 \r\n');
  });

  it('sends UTF-8 where it may, and ? for each character where not', () => {
    const reply = new Reply(250, undefined, 'é€😀\xa0!');
    expect(latin1(encodeReply(reply, true))).toBe('250 \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc2\xa0!\r\n');
    expect(latin1(encodeReply(reply, false))).toBe('250 ????!\r\n');
    // The order of asking makes no difference.
    expect(latin1(encodeReply(reply, true))).toBe('250 \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc2\xa0!\r\n');
  });

  it('sends no half of a character', () => {
    const reply = new Reply(250, undefined, 'a\ud800b\udc00');
    expect(latin1(encodeReply(reply, true))).toBe('250 a\xef\xbf\xbdb\xef\xbf\xbd\r\n');
    expect(latin1(encodeReply(reply, false))).toBe('250 a?b?\r\n');
  });

  it('encodes a reply of US-ASCII once, and others as they are asked for', () => {
    const plain = new Reply(250, '2.0.0', 'OK');
    expect(encodeReply(plain, true)).toBe(encodeReply(plain, false));
    const other = new Reply(250, '2.0.0', 'é');
    expect(encodeReply(other, true)).not.toEqual(encodeReply(other, false));
  });

  it('keeps every line to 512 octets, whatever the text is', () => {
    fc.assert(
      fc.property(text, fc.boolean(), (given, isUTF8) => {
        for (const line of latin1(encodeReply(new Reply(550, '5.999.999', given), isUTF8)).split('\r\n')) {
          expect(line.length + 2).toBeLessThanOrEqual(512);
          expect(line).toMatch(isUTF8 ? /^[\t\x20-\x7e\x80-\xff]*$/ : /^[\t\x20-\x7e]*$/);
        }
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('then decode is the identity', () => {
    fc.assert(
      fc.property(text, (given) => {
        const reply = new Reply(550, '5.1.1', given);
        const decoded = parseReply(Buffer.from(encodeReply(reply, true)).toString('utf8'));
        expect({ ...decoded }).toEqual({ ...reply });
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe('the queue', () => {
  const one = new Reply(250, '2.0.0', 'One');
  const two = new Reply(550, '5.1.1', 'é');

  it('gives all that waits as one piece, in order, and is empty then', () => {
    const queue = new ReplyQueue();
    expect(queue.take()).toBeUndefined();
    expect(queue.lengthBytes).toBe(0);
    queue.add(one, false);
    queue.add(two, true);
    queue.add(one, false);
    expect(queue.lengthBytes).toBe(15 + 14 + 15);
    expect(latin1(queue.take()!)).toBe('250 2.0.0 One\r\n550 5.1.1 \xc3\xa9\r\n250 2.0.0 One\r\n');
    expect(queue.lengthBytes).toBe(0);
    expect(queue.take()).toBeUndefined();
  });

  it('has each reply as often as it was added, in every row of up to seven of three', () => {
    const three = [one, two, new Reply(250, '2.1.5', 'y'.repeat(60))] as const;
    const queue = new ReplyQueue();
    for (let row = 0; row < 3 ** 7; row += 1) {
      const added = Array.from({ length: 7 }, (_, at) => three[Math.floor(row / 3 ** at) % 3]!);
      for (const reply of added) queue.add(reply, row % 2 === 0);
      const expected = added.map((reply) => latin1(encodeReply(reply, row % 2 === 0))).join('');
      expect(latin1(queue.take()!)).toBe(expected);
    }
  });

  it('gives a group that is like the last one the same octets, and any other its own', () => {
    const no = new Reply(550, '5.1.1', 'No');
    const queues = [new ReplyQueue(), new ReplyQueue()];
    const groupOf = (queue: ReplyQueue, ...added: Reply[]): Uint8Array => {
      for (const reply of added) queue.add(reply, false);
      return queue.take()!;
    };
    const [first, second] = queues.map((queue) => groupOf(queue, one, one, no));
    expect(second).toBe(first);
    for (const other of [
      [one, no],
      [one, one, no, no],
      [no, one, one, no],
      [one, one, one],
      [one, one, no, one],
    ]) {
      const before = groupOf(queues[0]!, one, one, no);
      const expected = other.map((reply) => latin1(encodeReply(reply, false))).join('');
      expect(latin1(groupOf(queues[1]!, ...other))).toBe(expected);
      expect(latin1(before)).toBe('250 2.0.0 One\r\n250 2.0.0 One\r\n550 5.1.1 No\r\n');
    }
  });

  it('keeps rows of any length apart', () => {
    const queue = new ReplyQueue();
    for (const count of [1, 2, 3, 31, 32, 33, 100, 1_000]) {
      for (let added = 0; added < count; added += 1) queue.add(one, false);
      queue.add(two, false);
      queue.add(two, true);
      const expected = `${'250 2.0.0 One\r\n'.repeat(count)}550 5.1.1 ?\r\n550 5.1.1 \xc3\xa9\r\n`;
      expect(queue.lengthBytes).toBe(expected.length);
      expect(latin1(queue.take()!)).toBe(expected);
    }
  });

  it('knows how many octets wait, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, fc.boolean()), { maxLength: 8 }), (list) => {
        const queue = new ReplyQueue();
        for (const [each, isUTF8] of list) queue.add(new Reply(250, '2.0.0', each), isUTF8);
        const { lengthBytes } = queue;
        expect(queue.take()?.length ?? 0).toBe(lengthBytes);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});

/** Whole characters: what is no character cannot come back. */
const text = fc
  .array(fc.constantFrom('x', 'é', '€', '😀', ' ', '\t', '\n', '\0', '2.0.0 ', 'y'.repeat(250), 'ß'.repeat(120)), {
    maxLength: 12,
  })
  .map((parts) => parts.join(''));

function latin1(bytes: Uint8Array): string {
  return octets.decodeLatin1(bytes, 0, bytes.length);
}
