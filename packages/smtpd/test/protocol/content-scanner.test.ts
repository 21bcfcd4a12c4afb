import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ChunkDecoder } from '../../src/protocol/chunk-decoder.js';
import { ContentBuffer } from '../../src/protocol/content-buffer.js';
import {
  contentScanner,
  contentScannerOf,
  type ContentScanner,
  plainScanner,
} from '../../src/protocol/content-scanner.js';
import { DataDecoder } from '../../src/protocol/data-decoder.js';
import { Input } from '../../src/protocol/input.js';
import { octets } from '../../src/protocol/octets.js';
import type { ContentPolicy } from './specification/data-specification.js';
import { cutAt, show, words } from './specification/words.js';

const policies = ['reject', 'normalize', 'preserve'] as const;
/** Longer than two steps of the scan, and all but plain. */
const LINE = `${'x'.repeat(70)}\r\n`;

describe('the version', () => {
  it('is the plain one where there is no WebAssembly that runs the module', () => {
    function refuse(): never {
      throw new TypeError('No code is made here');
    }
    const scopes = [
      {},
      { WebAssembly: undefined },
      { WebAssembly: 'WebAssembly' },
      { WebAssembly: {} },
      { WebAssembly: { Module: refuse, Instance: refuse } },
    ];
    expect(scopes.map((scope) => contentScannerOf(scope) === plainScanner)).toEqual(scopes.map(() => true));
  });

  it('is the one on WebAssembly where there is one', () => {
    expect(contentScanner.readBuffer).toHaveLength(65_536);
  });

  it('on WebAssembly is what its source compiles to', { timeout: 60_000 }, async () => {
    const script = fileURLToPath(new URL('../../../../scripts/make-content-scan.mjs', import.meta.url));
    await expect(promisify(execFile)(process.execPath, [script, '--check'])).resolves.toBeDefined();
  });
});

describe('content is decoded as without a scan', () => {
  it(
    'for every word of dot, CR, LF and a, up to four letters, at every place of two steps',
    { timeout: 120_000 },
    () => {
      const before = `${'x'.repeat(20)}\r\n${'y'.repeat(110)}`;
      let mismatch: string | undefined;
      for (const word of words(['.', '\r', '\n', 'a'], 4)) {
        for (let place = 0; place <= before.length; place += 1) {
          const text = `${before.slice(0, place)}${word}${LINE.repeat(3)}.\r\nQUIT\r\n`;
          const pieces = [octets.encodeLatin1(text)];
          const policy = { lineEndings: 'normalize', sizeLimitBytes: Infinity } as const;
          const [scanned, plain] = [contentScanner, plainScanner].map((scanner) => decodeData(pieces, policy, scanner));
          if (scanned !== plain) mismatch ??= `${show(text)}: ${String(scanned)}, not ${String(plain)}`;
        }
      }
      expect(mismatch).toBeUndefined();
    },
  );

  const part = fc.oneof(
    { weight: 3, arbitrary: fc.nat(150).map((length) => 'x'.repeat(length)) },
    { weight: 3, arbitrary: fc.constantFrom('\r\n', '\r\n.', '\r\n..', LINE, LINE.repeat(10), `.${LINE}`.repeat(5)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('.', '\r', '\n', '\n.\n', '\r\r\n', '\r\n.\n', '\r\n.\r', '\0', '\xff', '\x8d\x8a'),
    },
  );
  const content = fc.array(part, { maxLength: 30 }).map((parts) => parts.join(''));
  const policy = fc.record({
    lineEndings: fc.constantFrom(...policies),
    sizeLimitBytes: fc.oneof(fc.constant(Infinity), fc.nat(2000)),
  });

  it.each([
    { what: 'however it is split, and wherever it lies', decode: decodeData, end: '\r\n.\r\nQUIT\r\n', numRuns: 2000 },
    { what: 'in chunks, too', decode: decodeChunks, end: '', numRuns: 1000 },
  ])('$what', ({ decode, end, numRuns }) => {
    fc.assert(
      fc.property(
        content,
        fc.array(fc.nat(2000), { maxLength: 6 }),
        policy,
        fc.boolean(),
        (text, places, options, isInPlace) => {
          const pieces = cutAt(octets.encodeLatin1(`${text}${end}`), places);
          const place = isInPlace ? placeInReadBuffer : (piece: Uint8Array) => piece;
          expect(decode(pieces, options, contentScanner, place)).toBe(decode(pieces, options, plainScanner));
        },
      ),
      { numRuns },
    );
  });

  it('when more comes at once than a scan copies', () => {
    const text = `${`.${LINE}`.repeat(3000)}.\r\n`;
    const pieces = [octets.encodeLatin1(text)];
    const options = { lineEndings: 'reject', sizeLimitBytes: Infinity } as const;
    expect(decodeData(pieces, options, contentScanner)).toBe(decodeData(pieces, options, plainScanner));
  });
});

describe('a scan', () => {
  it('counts lines that are longer than a number of its module', () => {
    const bytes = placeInReadBuffer(octets.encodeLatin1(LINE.repeat(4)));
    contentScanner.scan(bytes, 0, { isLineStart: false, lineBytes: 2 ** 40, isStuffed: true });
    expect(contentScanner.longestLineBytes).toBe(2 ** 40 + 70);
    contentScanner.scan(placeInReadBuffer(octets.encodeLatin1('x'.repeat(300))), 0, {
      isLineStart: false,
      lineBytes: 2 ** 40,
      isStuffed: true,
    });
    expect(contentScanner.lineBytes - contentScanner.stop).toBe(2 ** 40);
  });

  it('changes no array that is not lent for it, and of one that is nothing behind the end of data', () => {
    const text = `${`.${LINE}`.repeat(10)}.\r\n`;
    const behind = `MAIL FROM:<>${LINE.repeat(3)}`;
    const options = { lineEndings: 'reject', sizeLimitBytes: Infinity } as const;

    const elsewhere = octets.encodeLatin1(text + behind);
    decodeData([elsewhere], options, contentScanner);
    expect(octets.decodeLatin1(elsewhere, 0, elsewhere.length)).toBe(text + behind);

    const inPlace = placeInReadBuffer(elsewhere);
    decodeData([inPlace], options, contentScanner);
    expect(octets.decodeLatin1(inPlace, text.length, inPlace.length)).toBe(behind);
  });
});

/** Everything that comes out, as one line. */
function decodeData(
  pieces: readonly Uint8Array[],
  policy: ContentPolicy,
  scanner: ContentScanner,
  place = (piece: Uint8Array) => piece,
): string {
  const decoder = new DataDecoder(policy, scanner);
  const content = new ContentBuffer();
  const input = new Input();
  let isEnded = false;
  let unreadBytes = 0;
  for (const piece of pieces) {
    if (isEnded) break;
    input.append(place(piece));
    isEnded = decoder.decode(input, content);
    unreadBytes = input.length;
    input.clear();
  }
  return `${String(isEnded)} ${String(unreadBytes)} ${facts(decoder, content)}`;
}

function decodeChunks(
  chunks: readonly Uint8Array[],
  policy: ContentPolicy,
  scanner: ContentScanner,
  place = (piece: Uint8Array) => piece,
): string {
  const decoder = new ChunkDecoder(policy, scanner);
  const content = new ContentBuffer();
  const input = new Input();
  for (const chunk of chunks) {
    decoder.begin(chunk.length);
    input.append(place(chunk));
    decoder.decode(input, content);
  }
  decoder.finish(content);
  return facts(decoder, content);
}

function facts(decoder: DataDecoder | ChunkDecoder, content: ContentBuffer): string {
  const { sizeBytes, bareCRCount, bareLFCount, longestLineBytes, fault } = decoder;
  const bytes = content.take();
  const text = octets.decodeLatin1(bytes, 0, bytes.length);
  return [sizeBytes, bareCRCount, bareLFCount, longestLineBytes, fault ?? '-', show(text)].map(String).join(' ');
}

/** As a socket reads: into the buffer that the scan lends. */
function placeInReadBuffer(piece: Uint8Array): Uint8Array {
  const view = contentScanner.readBuffer!.subarray(0, piece.length);
  view.set(piece);
  return view;
}
