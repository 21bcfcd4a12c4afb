import { describe, expect, it } from 'vitest';

import { findOddities, ODDITY_NAMES } from '../../src/handlers/oddities.js';

const PLAIN = { bareCRCount: 0, bareLFCount: 0, longestLineBytes: 20 };

function namesOf(text: string, { facts = {}, mailOptions = [] as string[] } = {}) {
  return findOddities({ data: Buffer.from(text, 'latin1'), facts: { ...PLAIN, ...facts }, mailOptions }).map(
    ({ name }) => name,
  );
}

describe('findOddities', () => {
  it('finds nothing in an ordinary message', () => {
    expect(namesOf('Subject: x\r\n\r\nhello\r\n')).toEqual([]);
    expect(namesOf('')).toEqual([]);
  });

  it('counts bare line ends', () => {
    const facts = { ...PLAIN, bareCRCount: 1, bareLFCount: 2 };
    expect(findOddities({ data: Buffer.from('a\rb\nc\nd\r\n'), facts, mailOptions: [] })).toEqual([
      { name: 'bare CR', description: 'bare CR in 1 place' },
      { name: 'bare LF', description: 'bare LF in 2 places' },
    ]);
  });

  it('finds a NUL anywhere', () => {
    expect(namesOf('\0')).toEqual(['NUL']);
    expect(namesOf('Subject: x\r\n\r\nhello\0')).toEqual(['NUL']);
  });

  it('says how long a line over 998 octets is, and nothing about one of 998', () => {
    expect(namesOf('', { facts: { longestLineBytes: 998 } })).toEqual([]);
    const facts = { ...PLAIN, longestLineBytes: 1200 };
    expect(findOddities({ data: Buffer.of(), facts, mailOptions: [] })).toEqual([
      { name: 'line over 998 octets', description: 'line of 1200 octets' },
    ]);
  });

  it('finds an 8-bit body that BODY=8BITMIME did not announce', () => {
    const text = 'Subject: x\r\n\r\nh\u00e9\r\n';
    expect(namesOf(text)).toEqual(['8-bit without 8BITMIME']);
    expect(namesOf(text, { mailOptions: ['BODY=7BIT'] })).toEqual(['8-bit without 8BITMIME']);
    expect(namesOf(text, { mailOptions: ['SMTPUTF8'] })).toEqual(['8-bit without 8BITMIME']);
    expect(namesOf(text, { mailOptions: ['SIZE=9', 'body=8bitmime'] })).toEqual([]);
    expect(namesOf(text, { mailOptions: ['BODY=BINARYMIME'] })).toEqual([]);
  });

  it('finds an 8-bit header that SMTPUTF8 did not announce', () => {
    const text = 'Subject: h\u00c3\u00a9\r\n\r\nhello\r\n';
    expect(namesOf(text)).toEqual(['8-bit without 8BITMIME', '8-bit header without SMTPUTF8']);
    expect(namesOf(text, { mailOptions: ['BODY=8BITMIME'] })).toEqual(['8-bit header without SMTPUTF8']);
    expect(namesOf(text, { mailOptions: ['SMTPUTF8'] })).toEqual([]);
  });

  it('takes content that begins with an empty line for a body, and content without one for a header', () => {
    expect(namesOf('\r\n\u00e9', { mailOptions: ['BODY=8BITMIME'] })).toEqual([]);
    expect(namesOf('\u00e9', { mailOptions: ['BODY=8BITMIME'] })).toEqual(['8-bit header without SMTPUTF8']);
  });

  it('names all of them in the order of the list', () => {
    const facts = { bareCRCount: 1, bareLFCount: 1, longestLineBytes: 1000 };
    expect(namesOf('\u00e9\0\r\n\r\n', { facts })).toEqual([...ODDITY_NAMES]);
  });
});
