/** What the page says of entries, times, sizes and faults; where its addresses lead; the files that it writes. */

import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';

import { describeFault } from '../../page/dialogs/fault-text.js';
import { formatSize, marksOf, previewOf, recipientsOf, senderOf, subjectOf } from '../../page/list/entry-text.js';
import { exactTime, relativeTime } from '../../page/list/time-text.js';
import { retryWaitMs } from '../../page/state/retry.js';
import { mailboxFile } from '../../page/state/mailbox-file.js';
import { makeEntry } from './fake-inbox.js';

describe('a row', () => {
  const session = { peer: { address: '::1', port: 4711 } };
  it.each([
    [{ from: ['"Onym, Ann" <ann@a.example>'] }, 'Onym, Ann'],
    [{ from: ['"Ann \\"A\\" Onym" <ann@a.example>'] }, 'Ann "A" Onym'],
    [{ from: ['<ann@a.example>'] }, 'ann@a.example'],
    [{ from: ['ann@a.example', 'bob@b.example'] }, 'ann@a.example'],
    [{ from: [] }, 'ann@a.example'],
    [{ from: [], envelope: { mailFrom: '', rcptTos: [], mailOptions: [], rcptOptions: [] } }, '<>'],
    [{ kind: 'session', session: { ...session, clientName: 'ci' } } as const, 'ci'],
    [{ kind: 'session', session } as const, '::1'],
  ])('of %j is from %j', (entry, expected) => {
    expect(senderOf(makeEntry({ id: '1', ...entry }))).toBe(expected);
  });

  it('says whom it went to: the envelope knows of Bcc, and imported mail has none', () => {
    const envelope = {
      mailFrom: 'ann@a.example',
      rcptTos: ['bob@b.example', 'bcc@c.example'],
      mailOptions: [],
      rcptOptions: [],
    };
    const entry = makeEntry({ id: '1', to: ['"Bob B." <bob@b.example>'], cc: ['eve@e.example'], envelope });
    expect(recipientsOf(entry)).toEqual(['bob@b.example', 'bcc@c.example']);
    expect(recipientsOf({ ...entry, envelope: { ...envelope, rcptTos: [] } })).toEqual([
      'bob@b.example',
      'eve@e.example',
    ]);
    expect(recipientsOf({ ...entry, kind: 'session' })).toEqual([]);
  });

  it('says of a session how it ended and how far it got', () => {
    const entry = makeEntry({ id: '1', kind: 'session', session: { ...session, end: 'Refused: 550' } });
    expect(subjectOf(entry)).toBe('Refused: 550');
    expect(subjectOf({ ...entry, session: { ...session, end: 'clientGone' } })).toBe(
      'the client closed the connection',
    );
    expect(previewOf(entry)).toBe('::1:4711 from ann@a.example to bob@b.example');
    expect(subjectOf(makeEntry({ id: '1', subject: ' ' }))).toBe('(no subject)');
  });

  it('says what is special about it', () => {
    const entry = makeEntry({
      id: '1',
      attachmentNames: ['a.pdf', ''],
      parseFault: 'too deep',
      session: {
        ...session,
        tls: { version: 'TLSv1.3', cipher: 'x' },
        identity: { user: 'ann', mechanism: 'PLAIN' },
      },
    });
    expect(marksOf(entry).map(({ kind }) => kind)).toEqual(['fault', 'attachment', 'tls', 'auth']);
    expect(marksOf(entry).map(({ text }) => text)).toEqual([
      'Not read to its end: too deep',
      '2 attachments: a.pdf, unnamed',
      'Came over TLSv1.3',
      'Authenticated as ann (PLAIN)',
    ]);
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [9949, '9.9 kB'],
    [9999, '10 kB'],
    [999_499, '999 kB'],
    [999_600, '1.0 MB'],
    [23_400_000_000, '23 GB'],
  ])('of %d octets says %j', (bytes, expected) => {
    expect(formatSize(bytes)).toBe(expected);
  });
});

describe('a time', () => {
  const now = new Date(2026, 10, 25, 20, 30);
  it.each([
    [new Date(2026, 10, 25, 20, 29, 30), 'now'],
    [new Date(2026, 10, 25, 20, 31), 'now'],
    [new Date(2026, 10, 25, 20, 0), '30 min'],
    [new Date(2026, 10, 25, 8, 5), '08:05'],
    [new Date(2026, 10, 24, 23, 59), 'Tue 23:59'],
    [new Date(2026, 10, 19, 0, 0), 'Thu 00:00'],
    [new Date(2026, 10, 18, 23, 59), '18 Nov'],
    [new Date(2025, 0, 2), '2 Jan 2025'],
  ])('%s is %j', (time, expected) => {
    expect(relativeTime(time, now)).toBe(expected);
  });

  it('is exact for who wants it, and can be read back', () => {
    const time = new Date(2026, 1, 3, 4, 5, 6, 78);
    const text = exactTime(time);
    expect(text).toMatch(/^2026-02-03 04:05:06\.078 [+-]\d\d:\d\d$/);
    expect(new Date(text.replace(' ', 'T').replace(' ', '')).getTime()).toBe(time.getTime());
  });
});

describe('an address of the page', async () => {
  vi.stubGlobal('location', { hash: '' });
  const { formatRoute, parseRoute } = await import('../../page/state/route.js');
  it('leads where it was made for', () => {
    const name = fc.string({ minLength: 1, unit: 'grapheme' });
    const place = fc.oneof(
      fc.record({ query: fc.string(), inbox: fc.string() }, { requiredKeys: ['query'] }),
      fc.record({ query: fc.string(), messageId: name, tab: name }, { requiredKeys: ['query', 'messageId'] }),
    );
    fc.assert(
      fc.property(place, (each) => {
        expect(parseRoute(formatRoute(each))).toEqual(each);
      }),
    );
  });

  it.each(['', '#', '#/', '#/message', '#/message//text', '#/%E0%A4%A', '#nonsense'])('%j is the list', (hash) => {
    expect(parseRoute(hash)).toEqual({ query: '' });
  });
});

describe('a fault', () => {
  it.each([
    [{ stage: 'rcpt', code: 452, text: '4.2.2 Full', to: 'bob', times: 2 }, '452 4.2.2 Full · 2 times · to bob'],
    [{ stage: 'data', throttleBytesPerSecond: 500, delayMs: 1500 }, 'after 1,500 ms, content at 500 B/s'],
    [
      { stage: 'message', disconnect: 'afterTaking', probability: 0.125, inbox: 'k3f9', times: 1 },
      'cut once kept · once · 12.5 of 100 times · in k3f9',
    ],
  ] as const)('%j is %j', (fault, expected) => {
    expect(describeFault(fault)).toBe(expected);
  });
});

describe('a stream that breaks', () => {
  it('is tried again later and later, and not by all at once', () => {
    expect([0, 1, 2, 3, 10, 100].map((failures) => retryWaitMs(failures, 0.5))).toEqual([
      500, 1000, 2000, 4000, 30_000, 30_000,
    ]);
    expect([retryWaitMs(0, 0), retryWaitMs(0, 1)]).toEqual([375, 625]);
  });
});

describe('an mbox file', () => {
  it('tells messages apart, and gives them back as they were', () => {
    const bodies = fc.array(fc.constantFrom('From ', '>From ', '>>From ', 'x', '\r\n', '\n', 'from', '>'), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(fc.array(bodies, { minLength: 1, maxLength: 4 }), (all) => {
        const raws = all.map((pieces) => `Subject: x\r\n\r\n${pieces.join('')}`);
        const file = Buffer.concat(
          mailboxFile(
            raws.map((raw) => ({
              raw: new Uint8Array(Buffer.from(raw)),
              receivedAt: '2026-11-05T20:00:00Z',
              mailFrom: 'ann@a.example',
            })),
          ),
        ).toString();
        const found = file.split(/^From ann@a\.example Thu Nov {2}5 20:00:00 2026\n/m).slice(1);
        const unquoted = found.map((text) => text.replace(/^>(>*From )/gm, '$1'));
        // What was added behind a message is one line end, or two where it had none.
        expect(unquoted).toEqual(raws.map((raw) => (raw.endsWith('\n') ? `${raw}\n` : `${raw}\n\n`)));
      }),
    );
  });

  it('names a sender that is none in words', () => {
    const message = { raw: new Uint8Array(), receivedAt: '2026-11-25T20:00:00Z', mailFrom: '' };
    expect(Buffer.concat(mailboxFile([message])).toString()).toBe('From MAILER-DAEMON Wed Nov 25 20:00:00 2026\n\n\n');
  });
});
