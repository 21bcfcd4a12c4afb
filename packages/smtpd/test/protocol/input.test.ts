import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Input } from '../../src/protocol/input.js';
import { octets } from '../../src/protocol/octets.js';

describe('input', () => {
  it('is a queue of octets, whatever the order of append, take and settle', () => {
    const step = fc.oneof(
      fc.record({ append: fc.uint8Array({ maxLength: 200, size: 'max' }) }),
      fc.record({ take: fc.nat(300) }),
      fc.record({ settle: fc.constant(true) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const input = new Input();
        let model: number[] = [];
        let borrowed: Uint8Array[] = [];
        for (const next of steps) {
          if ('append' in next) {
            const bytes = Uint8Array.from(next.append);
            borrowed.push(bytes);
            input.append(bytes);
            model.push(...bytes);
          } else if ('take' in next) {
            const count = Math.min(next.take, model.length);
            input.take(count);
            model = model.slice(count);
          } else {
            input.settle();
            for (const bytes of borrowed) bytes.fill(0xaa);
            borrowed = [];
          }
          expect(unread(input)).toEqual(model);
          expect([input.length, input.end - input.start, input.bytes.length]).toEqual([
            model.length,
            model.length,
            input.end,
          ]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('gives what it has as text, whatever was asked for before', () => {
    const step = fc.oneof(
      fc.record({ append: fc.integer({ min: 1, max: 700 }) }),
      fc.record({ take: fc.nat(300) }),
      fc.record({ settle: fc.constant(true) }),
      fc.record({ from: fc.nat(60), length: fc.nat(60) }),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 40 }), (steps) => {
        const input = new Input();
        let octet = 0;
        const nextOctet = (): number => (octet = (octet * 5 + 3) % 251);
        for (const next of steps) {
          if ('append' in next) input.append(Uint8Array.from({ length: next.append }, nextOctet));
          else if ('take' in next) input.take(Math.min(next.take, input.length));
          else if ('settle' in next) input.settle();
          else {
            const start = Math.min(input.start + next.from, input.end);
            const end = Math.min(start + next.length, input.end);
            expect(input.text(start, end)).toBe(octets.decodeLatin1(input.bytes, start, end));
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('borrows what is appended while nothing is unread', () => {
    const input = new Input();
    const bytes = octets.encodeLatin1('NOOP\r\n');
    input.append(bytes);
    expect(input.bytes).toBe(bytes);
  });

  it('holds no array when nothing is unread', () => {
    const input = new Input();
    input.append(new Uint8Array(5000));
    input.take(2000);
    input.settle();
    input.append(new Uint8Array(5000));
    input.take(8000);
    expect([input.bytes.length, input.bytes.buffer.byteLength]).toEqual([0, 0]);
  });

  it('drops everything when it is cleared', () => {
    const input = new Input();
    input.append(octets.encodeLatin1('MAIL FROM:<a@b>\r\n'));
    input.take(2);
    input.clear();
    expect([input.length, input.bytes.length]).toEqual([0, 0]);
    input.append(octets.encodeLatin1('EHLO'));
    expect(unread(input)).toEqual([...octets.encodeLatin1('EHLO')]);
  });

  it('does not hold a large array for a few octets', () => {
    const input = new Input();
    input.append(new Uint8Array(100_000));
    input.take(1);
    input.settle();
    input.take(89_999);
    input.settle();
    expect(input.length).toBe(10_000);
    expect(input.bytes.buffer.byteLength).toBe(10_000);
  });
});

function unread(input: Input): number[] {
  return [...input.bytes.subarray(input.start, input.end)];
}
