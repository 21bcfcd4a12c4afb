import { describe, expect, it } from 'vitest';

import { RateTable } from '../../src/server/rate-table.js';

describe('a table of rates', () => {
  it('counts by key', () => {
    const table = new RateTable(1_000);
    expect([table.add('a', 0), table.add('a', 10), table.add('b', 10)]).toEqual([1, 2, 1]);
    expect([table.count('a', 10), table.count('b', 10), table.count('c', 10)]).toEqual([2, 1, 0]);
  });

  it('lets what is old fade over the window behind it, and then forgets it', () => {
    const table = new RateTable(1_000);
    for (let count = 0; count < 8; count += 1) table.add('a', 999);
    expect(table.count('a', 1_000)).toBe(8);
    expect(table.count('a', 1_500)).toBe(4);
    expect(table.count('a', 1_750)).toBe(2);
    expect(table.count('a', 2_000)).toBe(0);
  });

  it('has windows of one length, whenever somebody looks', () => {
    const table = new RateTable(1_000);
    for (let count = 0; count < 8; count += 1) table.add('a', 500);
    // Half of the second window has passed when it is first looked at.
    expect(table.count('a', 1_500)).toBe(4);
    expect(table.add('a', 1_750)).toBe(3);
    expect(table.count('a', 2_500)).toBe(0.5);
  });

  it('forgets everything after a long silence', () => {
    const table = new RateTable(1_000);
    table.add('a', 0);
    expect(table.count('a', 50_300)).toBe(0);
    expect(table.add('a', 50_400)).toBe(1);
    expect(table.count('a', 51_000)).toBe(1);
  });

  it('remembers a bounded number of keys, and those that came last', () => {
    const table = new RateTable(1_000);
    for (let key = 0; key < 65_536; key += 1) table.add(String(key), 1);
    expect(table.count('0', 2)).toBe(1);
    table.add('65536', 1);
    expect([table.count('0', 2), table.count('1', 2), table.count('65536', 2)]).toEqual([0, 1, 1]);
    // One that is there already takes no place.
    table.add('9', 1);
    expect([table.count('9', 2), table.count('1', 2)]).toEqual([2, 1]);
  });
});
