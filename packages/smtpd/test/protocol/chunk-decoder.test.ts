import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ChunkDecoder, type ChunkOptions } from '../../src/protocol/chunk-decoder.js';
import { ContentBuffer } from '../../src/protocol/content-buffer.js';
import type { LineEndings } from '../../src/protocol/data-decoder.js';
import { Input } from '../../src/protocol/input.js';
import { octets } from '../../src/protocol/octets.js';
import { specifyChunks } from './specification/data-specification.js';
import { cutAt, cuts, show, words } from './specification/words.js';

const policies: readonly LineEndings[] = ['reject', 'normalize', 'preserve'];

describe('every string of dot, CR, LF and a, up to seven letters, in every two chunks', () => {
  it.each(policies)('gives the content and the facts that the specification says under %s', (lineEndings) => {
    let mismatch: string | undefined;
    for (const sizeLimitBytes of [Infinity, 3]) {
      const policy = { lineEndings, sizeLimitBytes };
      for (const word of words(['.', '\r', '\n', 'a'], 7)) {
        const specified = JSON.stringify(specifyChunks(word, true, policy));
        for (const chunks of cuts(word)) {
          const decoded = JSON.stringify(decodeChunks(chunks, policy));
          if (decoded !== specified) mismatch ??= `${show(word)}: ${decoded}, not ${specified}`;
        }
      }
    }
    expect(mismatch).toBeUndefined();
  });
});

describe('chunks', () => {
  const part = fc.constantFrom('.', '\r', '\n', '\r\n', '\r\n.\r\n', 'a', '\xff', 'x'.repeat(30), 'y'.repeat(90));

  it('give the same whatever their borders are and however the octets arrive', () => {
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 30 }).map((parts) => parts.join('')),
        fc.array(fc.nat(300), { maxLength: 5 }),
        fc.array(fc.nat(300), { maxLength: 5 }),
        fc.constantFrom(...policies),
        fc.oneof(fc.constant(Infinity), fc.nat(300)),
        (text, borders, places, lineEndings, sizeLimitBytes) => {
          const policy = { lineEndings, sizeLimitBytes };
          const chunks = cutAt(octets.encodeLatin1(text), borders);
          expect(decodeChunks(chunks, policy, places)).toEqual(specifyChunks(text, true, policy));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('leave what follows them in the input', () => {
    const decoder = new ChunkDecoder({ lineEndings: 'reject', sizeLimitBytes: Infinity });
    const input = new Input();
    const content = new ContentBuffer();
    input.append(octets.encodeLatin1('.\r\nBDAT 1 LAST\r\n'));
    decoder.begin(3);
    expect(decoder.decode(input, content)).toBe(true);
    expect([latin1(content.take()), latin1(input.bytes.subarray(input.start))]).toEqual(['.\r\n', 'BDAT 1 LAST\r\n']);
  });

  it('say how much of them is to come', () => {
    const decoder = new ChunkDecoder({ lineEndings: 'reject', sizeLimitBytes: Infinity });
    const input = new Input();
    decoder.begin(10);
    input.append(octets.encodeLatin1('abcd'));
    expect([decoder.decode(input, new ContentBuffer()), decoder.remainingBytes]).toEqual([false, 6]);
  });

  it('may be empty', () => {
    const decoder = new ChunkDecoder({ lineEndings: 'reject', sizeLimitBytes: Infinity });
    decoder.begin(0);
    expect(decoder.decode(new Input(), new ContentBuffer())).toBe(true);
  });

  it('join a CR at the end of one and an LF at the start of the next to a CRLF', () => {
    const outcome = decodeChunks(
      ['ab\r', '\ncd\r\n'].map((text) => octets.encodeLatin1(text)),
      {
        lineEndings: 'reject',
        sizeLimitBytes: Infinity,
      },
    );
    expect(outcome).toEqual({
      content: 'ab\r\ncd\r\n',
      sizeBytes: 8,
      bareCRCount: 0,
      bareLFCount: 0,
      longestLineBytes: 2,
      fault: undefined,
    });
  });

  it('are taken to their end after a fault', () => {
    const decoder = new ChunkDecoder({ lineEndings: 'reject', sizeLimitBytes: 5 });
    const input = new Input();
    const content = new ContentBuffer();
    decoder.begin(8);
    input.append(octets.encodeLatin1('12345678RSET\r\n'));
    expect([decoder.decode(input, content), input.length, content.length, decoder.fault]).toEqual([
      true,
      6,
      0,
      'tooLarge',
    ]);
  });

  it('that end in a CR end in a bare CR', () => {
    const outcomes = policies.map((lineEndings) =>
      decodeChunks([octets.encodeLatin1('ab\r')], { lineEndings, sizeLimitBytes: Infinity }),
    );
    expect(outcomes.map(({ content, bareCRCount, fault }) => [content, bareCRCount, fault])).toEqual([
      ['', 1, 'bareLineEnd'],
      ['ab\r\n', 1, undefined],
      ['ab\r', 1, undefined],
    ]);
  });
});

describe('binary chunks', () => {
  it('are kept as they are, and only their size is looked at', () => {
    const every = Uint8Array.from({ length: 512 }, (_, index) => index & 0xff);
    const outcome = decodeChunks([every, octets.encodeLatin1('\n\r')], {
      lineEndings: 'reject',
      sizeLimitBytes: 514,
      binary: true,
    });
    expect(outcome).toEqual({
      content: `${latin1(every)}\n\r`,
      sizeBytes: 514,
      bareCRCount: 0,
      bareLFCount: 0,
      longestLineBytes: 0,
      fault: undefined,
    });
  });

  it('still meet the size limit', () => {
    const { content, fault } = decodeChunks([octets.encodeLatin1('\r\r\r')], {
      lineEndings: 'reject',
      sizeLimitBytes: 2,
      binary: true,
    });
    expect([content, fault]).toEqual(['', 'tooLarge']);
  });
});

/** Decodes the chunks as one message; each arrives in pieces cut at `places`, with the next command behind it. */
function decodeChunks(
  chunks: readonly Uint8Array[],
  options: ChunkOptions,
  places: readonly number[] = [],
): ReturnType<typeof specifyChunks> {
  const decoder = new ChunkDecoder(options);
  const input = new Input();
  const content = new ContentBuffer();
  for (const chunk of chunks) {
    decoder.begin(chunk.length);
    let isComplete = decoder.decode(input, content);
    for (const piece of cutAt(chunk, places)) {
      if (piece.length === 0) continue;
      input.append(piece);
      isComplete = decoder.decode(input, content);
    }
    if (!isComplete || input.length > 0) throw new Error('The chunk was not taken as a whole.');
  }
  decoder.finish(content);
  const { sizeBytes, bareCRCount, bareLFCount, longestLineBytes, fault } = decoder;
  return { content: latin1(content.take()), sizeBytes, bareCRCount, bareLFCount, longestLineBytes, fault };
}

function latin1(bytes: Uint8Array): string {
  return octets.decodeLatin1(bytes, 0, bytes.length);
}
