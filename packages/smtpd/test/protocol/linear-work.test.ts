// The law that work is linear in what arrives, counted in octets looked at or copied, not in time: input that makes a
// decoder look again and again at the same octets is how a client would keep a server busy for nothing.

import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import { ChunkDecoder } from '../../src/protocol/chunk-decoder.js';
import { ContentBuffer } from '../../src/protocol/content-buffer.js';
import { ContentPass } from '../../src/protocol/content-pass.js';
import { DataDecoder } from '../../src/protocol/data-decoder.js';
import { DataEncoder } from '../../src/protocol/data-encoder.js';
import { Input } from '../../src/protocol/input.js';
import { LineDecoder } from '../../src/protocol/line-decoder.js';
import { ReplyDecoder } from '../../src/protocol/reply-decoder.js';
import { countOctets, octets } from './specification/counted-octets.js';

vi.mock('../../src/protocol/octets.js', () => import('./specification/counted-octets.js'));

/** Each octet: three reads of a table step, two searches, the copies of a buffer that doubles, and one into text. */
const WORK_PER_OCTET_MAX = 16;
const LENGTH = 4000;
const FIELD = octets.encodeLatin1('X-Peer: 192.0.2.1\r\n');

const shapes = [
  'x',
  '\r',
  '\n',
  '.',
  '\r\n',
  '\n\r',
  'x\n',
  'x\r',
  '\r\n.',
  '\r\n..',
  '\r\n.\r',
  '.\n',
  `${'x'.repeat(30)}\n`,
  `${'x'.repeat(30)}\r`,
  `${'x'.repeat(76)}\r\n`,
];
const shape = fc.oneof(
  fc.constantFrom(...shapes),
  fc
    .array(fc.constantFrom('\r', '\n', '.', 'x', 'x'.repeat(30)), { minLength: 1, maxLength: 6 })
    .map((parts) => parts.join('')),
);
const pieceLength = fc.constantFrom(1, 2, 7, 31, 1000, LENGTH);

describe('work is linear in what arrives', () => {
  it('for the data decoder under every policy', () => {
    for (const lineEndings of ['reject', 'preserve', 'normalize'] as const) {
      holdsFor((pieces) => {
        const decoder = new DataDecoder({ lineEndings, sizeLimitBytes: Infinity });
        const content = new ContentBuffer();
        receive(pieces, (input) => decoder.decode(input, content));
      });
    }
  });

  it('for the line decoder, with lines that are allowed, dropped, or endless', () => {
    for (const lineLengthBytesMax of [10, 510, LENGTH]) {
      for (const discardedBytesMax of [600, LENGTH]) {
        holdsFor((pieces) => {
          const decoder = new LineDecoder({ lineLengthBytesMax, discardedBytesMax });
          receive(pieces, (input) => {
            for (let line = decoder.decode(input); line !== undefined; line = decoder.decode(input)) {
              if (line.flaw === 'endless') input.clear(); // The session closes.
            }
          });
        });
      }
    }
  });

  it('for the chunk decoder, with chunks that are small or large', () => {
    for (const chunkBytes of [1, 30, LENGTH]) {
      holdsFor((pieces) => {
        const decoder = new ChunkDecoder({ lineEndings: 'preserve', sizeLimitBytes: Infinity });
        const content = new ContentBuffer();
        receive(pieces, (input) => {
          while (input.length > 0) {
            if (decoder.remainingBytes === 0) decoder.begin(chunkBytes);
            decoder.decode(input, content);
          }
        });
      });
    }
  });

  it('for the reply decoder, with replies that are short, long, or none', () => {
    for (const begin of ['', '250-', '250 ', '250 \xc3\xbc']) {
      holdsFor((pieces) => {
        const decoder = new ReplyDecoder();
        receive(pieces, (input) => {
          for (let decoded = decoder.decode(input); decoded !== undefined; decoded = decoder.decode(input)) {
            if (decoded.kind === 'fault') input.clear(); // The client closes.
          }
        });
      }, begin);
    }
  });

  it('for the data encoder', () => {
    holdsFor((pieces) => {
      const encoder = new DataEncoder();
      for (const piece of pieces) encoder.encode(piece);
    });
  });

  it('for content that passes to another server, checked or not', () => {
    for (const lineEndings of ['reject', 'preserve'] as const) {
      for (const start of ['', '\r\n', 'x\r\n\r\n']) {
        holdsFor((pieces) => {
          const pass = new ContentPass({ front: FIELD, headerEnd: FIELD, lineEndings });
          pass.pass(octets.encodeLatin1(start));
          for (const piece of pieces) pass.pass(piece);
          pass.end();
        });
      }
    }
  });

  it('and nothing is done for the octets of binary content behind its header', () => {
    const pass = new ContentPass({ front: FIELD, headerEnd: FIELD, lineEndings: 'preserve' });
    pass.pass(octets.encodeLatin1('x: y\r\n\r\n'));
    expect(countOctets(() => pass.pass(octets.encodeLatin1('\r\n'.repeat(LENGTH))))).toBe(0);
  });

  it('for input that is taken slower than it comes', () => {
    holdsFor((pieces) => {
      const input = new Input();
      pieces.forEach((piece, index) => {
        input.append(piece);
        input.settle();
        if (index % 2 === 1) input.take(Math.min(input.length, piece.length));
      });
    });
  });

  it('for a backlog that moves on octet by octet', () => {
    holdsFor((pieces) => {
      const input = new Input();
      input.append(new Uint8Array(LENGTH / 4));
      for (const piece of pieces) {
        input.append(piece);
        input.settle();
        input.take(piece.length);
      }
    });
  });
});

/** @param begin - what each repetition begins with, besides its own octets */
function holdsFor(work: (pieces: readonly Uint8Array[]) => void, begin = ''): void {
  fc.assert(
    fc.property(shape, pieceLength, (repeated, length) => {
      const bytes = octets.encodeLatin1(
        `${begin}${repeated}`.repeat(Math.ceil(LENGTH / (begin.length + repeated.length))).slice(0, LENGTH),
      );
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += length) pieces.push(bytes.subarray(at, at + length));
      expect(
        countOctets(() => {
          work(pieces);
        }),
      ).toBeLessThan(WORK_PER_OCTET_MAX * LENGTH);
    }),
    { numRuns: 60 },
  );
}

function receive(pieces: readonly Uint8Array[], decode: (input: Input) => unknown): void {
  const input = new Input();
  for (const piece of pieces) {
    input.append(piece);
    decode(input);
    input.settle();
  }
}
