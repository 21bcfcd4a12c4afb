import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { octets } from '../../src/protocol/octets.js';
import {
  formatPeerHeader,
  formatReceived,
  formatTransmission,
  type ReceivedFacts,
  type TracePeer,
  type Transmission,
} from '../../src/protocol/trace-header.js';

const TRANSMISSION: Transmission = {
  protocol: 'smtp',
  isExtended: true,
  isOnTLS: false,
  isAuthenticated: false,
  isInternationalized: false,
};
const UTF8: Transmission = { ...TRANSMISSION, isInternationalized: true };
const FACTS: ReceivedFacts = {
  clientName: 'client.example',
  peer: { address: '192.0.2.1', family: 'IPv4' },
  peerHostName: undefined,
  serverName: 'mx.example',
  transmission: TRANSMISSION,
  tls: undefined,
  id: 'a1',
  recipients: ['bob@example.net'],
  receivedAt: new Date('2026-05-01T06:07:08Z'),
  utcOffsetMinutes: 120,
};

/** The field on one line. */
function received(facts: Partial<ReceivedFacts>): string {
  return formatReceived({ ...FACTS, ...facts }).replaceAll('\r\n\t', ' ');
}

describe('a Received field', () => {
  it('says from whom, by whom, how, by which name, for whom and when, on folded lines', () => {
    expect(formatReceived(FACTS)).toBe(
      'Received: from client.example ([192.0.2.1]) by mx.example with ESMTP id a1\r\n' +
        '\tfor <bob@example.net>; Fri, 1 May 2026 08:07:08 +0200\r\n',
    );
  });

  it('has a comment about TLS where it is asked for', () => {
    expect(received({ tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' } })).toContain(
      ' with ESMTP (TLSv1.3 TLS_AES_256_GCM_SHA384) id a1 ',
    );
  });

  it('has no id where there is none', () => {
    expect(received({ id: '' })).toContain(' with ESMTP for <bob@example.net>; ');
  });

  it.each<[TracePeer, string]>([
    [{ address: '192.0.2.1', family: 'IPv4' }, '([192.0.2.1])'],
    [{ address: '2001:DB8:0::1', family: 'IPv6' }, '([IPv6:2001:db8::1])'],
    [{ address: 'fe80::1%eth0', family: 'IPv6' }, '([IPv6:fe80::1])'],
    [{ address: '::ffff:192.0.2.1', family: 'IPv6' }, '([192.0.2.1])'],
    [{ address: '/run/a (b\r\nc', family: 'unix' }, '(Unix socket)'],
    [{ address: '', family: 'unix' }, '(Unix socket)'],
    [{ address: 'memory', family: 'memory' }, '(memory)'],
    [{ address: '192.0.2.1\r\nX: y', family: 'IPv4' }, '(unknown)'],
  ])('knows the peer %o as %s', (peer, comment) => {
    expect(received({ peer })).toContain(`Received: from client.example ${comment} by mx.example `);
  });

  it('has the host name of the peer in front of its address, when that is a domain', () => {
    expect(received({ peerHostName: 'host.example' })).toContain(' (host.example [192.0.2.1]) by ');
    expect(received({ peerHostName: 'host.example) by x (' })).toContain(' client.example ([192.0.2.1]) by ');
  });

  it.each<[string | undefined, string]>([
    ['client.example', 'client.example ([192.0.2.1])'],
    ['[192.0.2.7]', '[192.0.2.7] ([192.0.2.1])'],
    ['[IPv6:2001:db8::7]', '[IPv6:2001:db8::7] ([192.0.2.1])'],
    [undefined, '[192.0.2.1] ([192.0.2.1])'],
    ['', '[192.0.2.1] ([192.0.2.1])'],
    ['my_host', '[192.0.2.1] ([192.0.2.1]) (helo=my_host)'],
    ['my desktop', '[192.0.2.1] ([192.0.2.1]) (helo=my?desktop)'],
    ['a\r\nBcc: x@y', '[192.0.2.1] ([192.0.2.1]) (helo=a??Bcc:?x?y)'],
    ['a) by (b', '[192.0.2.1] ([192.0.2.1]) (helo=a??by??b)'],
    ['"a;b\\', '[192.0.2.1] ([192.0.2.1]) (helo=?a?b?)'],
    ['bücher.example', '[192.0.2.1] ([192.0.2.1]) (helo=b?cher.example)'],
  ])('tells of a client that calls itself %j only what it can be', (clientName, from) => {
    expect(received({ clientName })).toContain(`Received: from ${from} by mx.example `);
  });

  it('has a name beyond ASCII under SMTPUTF8, of letters alone', () => {
    const from = (clientName: string): string => received({ clientName, transmission: UTF8 });
    expect(from('bücher.example')).toContain('from bücher.example ([192.0.2.1]) by');
    expect(from('b\u202echer.example')).toContain('from [192.0.2.1] ([192.0.2.1]) (helo=b?cher.example) by');
    expect(from('bücher..example')).toContain('from [192.0.2.1] ([192.0.2.1]) (helo=b?cher..example) by');
    // 130 letters of two octets each: a domain has 255 octets at most.
    expect(from('ü'.repeat(130))).toContain('from [192.0.2.1] ');
  });

  it.each<[TracePeer['family'], string]>([
    ['unix', 'from localhost (Unix socket) (helo=my?desktop) by'],
    ['memory', 'from localhost (memory) (helo=my?desktop) by'],
    ['IPv4', 'from unknown (unknown) (helo=my?desktop) by'],
  ])('has a word for a client without name and address: %s', (family, text) => {
    expect(received({ clientName: 'my desktop', peer: { address: '', family } })).toContain(text);
  });

  it('cuts what is too long for a name', () => {
    expect(received({ clientName: 'a'.repeat(256) })).toContain(` (helo=${'a'.repeat(255)}) by `);
    expect(received({ serverName: 'a'.repeat(256) })).toContain(` by ${'a'.repeat(255)} with `);
    expect(received({ id: 'a'.repeat(256) })).toContain(` id ${'a'.repeat(255)} for `);
  });

  it('renders our own name and id harmless, too', () => {
    expect(received({ serverName: 'my_host' })).toContain(' by my_host with ');
    expect(received({ serverName: 'a b' })).toContain(' by a?b with ');
    expect(received({ serverName: '' })).toContain(' by localhost with ');
    expect(received({ id: 'a b;(' })).toContain(' id a?b?? for ');
  });

  it.each<[readonly string[], Transmission, string | undefined]>([
    [['bob@example.net'], TRANSMISSION, '<bob@example.net>'],
    [['"a) b"@example.net'], TRANSMISSION, '<"a) b"@example.net>'],
    [['bob@[192.0.2.9]'], TRANSMISSION, '<bob@[192.0.2.9]>'],
    [['bøb@example.net'], UTF8, '<bøb@example.net>'],
    [['bøb@example.net'], TRANSMISSION, undefined],
    [['a@b.example', 'c@d.example'], TRANSMISSION, undefined],
    [['a@b.example', 'a@b.example'], TRANSMISSION, undefined],
    [[], TRANSMISSION, undefined],
    [['Postmaster'], TRANSMISSION, undefined],
    [['a\r\nb@example.net'], TRANSMISSION, undefined],
    [[`${'a'.repeat(982)}@example.net`], TRANSMISSION, `<${'a'.repeat(982)}@example.net>`],
    [[`${'a'.repeat(983)}@example.net`], TRANSMISSION, undefined],
  ])('is for a recipient that is alone, and nobody else: %j', (recipients, transmission, path) => {
    const field = received({ recipients, transmission });
    if (path === undefined) expect(field).not.toContain(' for ');
    else expect(field).toContain(` id a1 for ${path}; Fri`);
  });

  it.each([
    ['2026-05-01T06:07:08Z', 0, 'Fri, 1 May 2026 06:07:08 +0000'],
    ['2026-12-31T23:59:59Z', 330, 'Fri, 1 Jan 2027 05:29:59 +0530'],
    ['2027-01-01T00:00:00Z', -210, 'Thu, 31 Dec 2026 20:30:00 -0330'],
    ['2024-02-29T12:00:00Z', -60, 'Thu, 29 Feb 2024 11:00:00 -0100'],
  ])('has %s at %d minutes as %s', (instant, utcOffsetMinutes, date) => {
    expect(received({ receivedAt: new Date(instant), utcOffsetMinutes })).toMatch(
      new RegExp(`; ${date.replace('+', '\\+')}\r\n$`),
    );
  });

  it('insists on a date and a whole offset', () => {
    expect(() => received({ receivedAt: new Date(NaN) })).toThrow('A Received field needs a date');
    expect(() => received({ utcOffsetMinutes: 1.5 })).toThrow('An offset is a whole number of minutes, not 1.5');
  });

  it('is one field of the right form whatever anybody calls himself', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300, size: 'max' }),
      fc.string({
        unit: fc.constantFrom('a', '.', '(', ')', '"', '\\', '\r', '\n', ' ', ';', '[', ']', 'é', '\u2028'),
      }),
      fc.domain(),
    );
    const recipients = fc.array(fc.oneof(anyText, fc.emailAddress(), fc.constant(`"${'( '.repeat(60)}"@b.example`)), {
      maxLength: 2,
    });
    const facts = fc.record({
      clientName: fc.option(anyText, { nil: undefined }),
      peer: fc.record({
        address: fc.oneof(anyText, fc.ipV4(), fc.ipV6()),
        family: fc.constantFrom<TracePeer['family']>('IPv4', 'IPv6', 'unix', 'memory'),
      }),
      peerHostName: fc.option(anyText, { nil: undefined }),
      serverName: anyText,
      transmission: fc.constantFrom(TRANSMISSION, UTF8),
      tls: fc.constantFrom(undefined, { version: 'TLSv1.3 (', cipher: 'x y' }),
      id: anyText,
      recipients,
      receivedAt: fc.constant(FACTS.receivedAt),
      utcOffsetMinutes: fc.constant(0),
    });
    fc.assert(
      fc.property(facts, (each) => {
        const field = formatReceived(each);
        const lines = field.slice(0, -2).split('\r\n');
        for (const [index, line] of lines.entries()) {
          const octetCount = octets.encodeUTF8(line).length;
          expect(octetCount).toBeLessThanOrEqual(998);
          // A line is longer than it should be only when it is one word, or a path.
          if (octetCount > 78) expect(line).toMatch(/^\t(?:\S+|<.*>;)$/);
          if (index > 0) expect(line).toMatch(/^\t\S/);
        }
        const unfolded = lines.join('').replaceAll('\t', ' ');
        expect(unfolded).toMatch(FORM);
        if (!each.transmission.isInternationalized) expect(unfolded).toMatch(/^[ -~]*$/);
      }),
      { numRuns: 2000 },
    );
  });
});

/** No word has a parenthesis, a quote, a semicolon or a control character; the path alone may have them in quotes. */
const WORD = String.raw`[^\s()"\\;,<>@\p{C}]+`;
const FORM = new RegExp(
  `^Received: from ${WORD} \\((?:${WORD} )?(?:${WORD}|Unix socket)\\)(?: \\(helo=${WORD}\\))? by ${WORD} with [A-Z0-9]+` +
    `(?: \\(${WORD} ${WORD}\\))?(?: id ${WORD})?(?: for <(?:[^\\r\\n"<>]|"[^\\r\\n]*")+>)?; Fri, 1 May 2026 06:07:08 \\+0000$`,
  'u',
);

describe('the transmission type', () => {
  const types = (['smtp', 'lmtp'] as const).flatMap((protocol) =>
    [false, true].flatMap((isInternationalized) =>
      [false, true].flatMap((isOnTLS) =>
        [false, true].map((isAuthenticated) =>
          formatTransmission({ protocol, isExtended: true, isOnTLS, isAuthenticated, isInternationalized }),
        ),
      ),
    ),
  );

  it('is each of those that are registered', () => {
    expect(types).toEqual([
      ...['ESMTP', 'ESMTPA', 'ESMTPS', 'ESMTPSA', 'UTF8SMTP', 'UTF8SMTPA', 'UTF8SMTPS', 'UTF8SMTPSA'],
      ...['LMTP', 'LMTPA', 'LMTPS', 'LMTPSA', 'UTF8LMTP', 'UTF8LMTPA', 'UTF8LMTPS', 'UTF8LMTPSA'],
    ]);
  });

  it('is SMTP after HELO, on TLS too', () => {
    expect(formatTransmission({ ...TRANSMISSION, isExtended: false, isOnTLS: true })).toBe('SMTP');
  });
});

describe('X-Peer', () => {
  it.each<[TracePeer, string]>([
    [{ address: '127.0.0.1', family: 'IPv4' }, '127.0.0.1'],
    [{ address: '::1', family: 'IPv6' }, '::1'],
    [{ address: 'fe80::1%eth0', family: 'IPv6' }, 'fe80::1'],
    [{ address: '::ffff:127.0.0.1', family: 'IPv6' }, '127.0.0.1'],
    [{ address: '/run/a\r\nb', family: 'unix' }, 'unix'],
    [{ address: '', family: 'memory' }, 'memory'],
    [{ address: 'a\r\nb', family: 'IPv4' }, 'unknown'],
  ])('of %o is %s', (peer, value) => {
    expect(formatPeerHeader(peer)).toBe(`X-Peer: ${value}\r\n`);
  });
});
