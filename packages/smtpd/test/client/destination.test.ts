import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { formatDestination, parseDestination, type Destination } from '../../src/client/destination.js';

const host = (name: string, port: number): Destination => ({
  kind: 'host',
  protocol: 'smtp',
  host: name,
  port,
  isImplicitTLS: false,
});
const smtps = (name: string, port: number): Destination =>
  ({ ...host(name, port), isImplicitTLS: true }) as Destination;
const lmtp = (name: string, port: number): Destination => ({ ...host(name, port), protocol: 'lmtp' }) as Destination;
const unix = (path: string, protocol: 'smtp' | 'lmtp' = 'smtp'): Destination => ({ kind: 'unix', protocol, path });
const mx = (domain?: string): Destination => ({ kind: 'mx', domain });

const READ: readonly (readonly [text: string, destination: Destination, formatted: string])[] = [
  ['localhost', host('localhost', 25), 'smtp://localhost:25'],
  ['localhost:8025', host('localhost', 8025), 'smtp://localhost:8025'],
  ['Mail.Example.ORG', host('mail.example.org', 25), 'smtp://mail.example.org:25'],
  ['my_host:25', host('my_host', 25), 'smtp://my_host:25'],
  ['bücher.example', host('xn--bcher-kva.example', 25), 'smtp://xn--bcher-kva.example:25'],
  ['192.0.2.1', host('192.0.2.1', 25), 'smtp://192.0.2.1:25'],
  ['192.0.2.1:65535', host('192.0.2.1', 65_535), 'smtp://192.0.2.1:65535'],
  ['[::1]', host('::1', 25), 'smtp://[::1]:25'],
  ['[2001:DB8:0::1]:1', host('2001:db8::1', 1), 'smtp://[2001:db8::1]:1'],
  ['[fe80::1%eth0]:25', host('fe80::1%eth0', 25), 'smtp://[fe80::1%eth0]:25'],
  ['mx', host('mx', 25), 'smtp://mx:25'],
  ['unix', host('unix', 25), 'smtp://unix:25'],
  ['smtp://mx:25', host('mx', 25), 'smtp://mx:25'],
  ['smtp://mail.example', host('mail.example', 25), 'smtp://mail.example:25'],
  ['SMTP://mail.example:587/', host('mail.example', 587), 'smtp://mail.example:587'],
  ['smtps://mail.example', smtps('mail.example', 465), 'smtps://mail.example:465'],
  ['smtps://[::1]:4465', smtps('::1', 4465), 'smtps://[::1]:4465'],
  ['lmtp://localhost:24', lmtp('localhost', 24), 'lmtp://localhost:24'],
  ['lmtp://[::1]:8024', lmtp('::1', 8024), 'lmtp://[::1]:8024'],
  ['unix:/run/smtpd.sock', unix('/run/smtpd.sock'), 'unix:/run/smtpd.sock'],
  ['unix:run/smtpd.sock', unix('run/smtpd.sock'), 'unix:run/smtpd.sock'],
  ['/run/smtpd.sock', unix('/run/smtpd.sock'), 'unix:/run/smtpd.sock'],
  ['./smtpd.sock', unix('./smtpd.sock'), 'unix:./smtpd.sock'],
  ['../a b.sock', unix('../a b.sock'), 'unix:../a b.sock'],
  ['/run/a:25', unix('/run/a:25'), 'unix:/run/a:25'],
  ['unix:///run/smtpd.sock', unix('/run/smtpd.sock'), 'unix:/run/smtpd.sock'],
  ['lmtp:unix:/run/lmtp', unix('/run/lmtp', 'lmtp'), 'lmtp:unix:/run/lmtp'],
  ['LMTP+unix:/run/lmtp', unix('/run/lmtp', 'lmtp'), 'lmtp:unix:/run/lmtp'],
  ['mx:example.org', mx('example.org'), 'mx:example.org'],
  ['MX:Bücher.example', mx('xn--bcher-kva.example'), 'mx:xn--bcher-kva.example'],
  ['mx:', mx(), 'mx:'],
];

const GENERAL =
  'is no destination; write host, host:port, [IPv6]:port, smtps://host, lmtp://host:port, ' +
  'unix:/path, lmtp:unix:/path, mx:domain, or mx:';

describe('a destination', () => {
  it.each(READ)('%s is read, frozen, and written so that it is read again', (text, destination, formatted) => {
    const read = parseDestination(text);
    expect(read).toStrictEqual(destination);
    expect(Object.isFrozen(read)).toBe(true);
    expect(formatDestination(read)).toBe(formatted);
    expect(parseDestination(formatted)).toStrictEqual(destination);
  });

  it.each([
    ['', GENERAL],
    [' localhost', GENERAL],
    ['local host:25', GENERAL],
    ['localhost:', GENERAL],
    ['localhost:smtp', GENERAL],
    ['localhost:-1', GENERAL],
    ['localhost:100000', GENERAL],
    ['localhost:25\n', GENERAL],
    [':25', GENERAL],
    ['::1:25x', GENERAL],
    ['[::1', GENERAL],
    ['[]:25', GENERAL],
    ['[192.0.2.1]:25', GENERAL],
    ['[::1]25', GENERAL],
    ['-a.example', GENERAL],
    ['run/smtpd.sock', GENERAL],
    ['fd:3x', GENERAL],
    ['smtp://', GENERAL],
    ['smtp://mail.example/path', GENERAL],
    ['smtp://mail.example?x', GENERAL],
    ['localhost:0', 'a port is 1 to 65535'],
    ['[::1]:65536', 'a port is 1 to 65535'],
    ['::1', 'an IPv6 address needs brackets; write [::1]:25'],
    ['2001:db8::1:25', 'an IPv6 address needs brackets; write [2001:db8::1:25]:25'],
    ['smtps://::1', 'an IPv6 address needs brackets; write [::1]:465'],
    ['http://mail.example', 'mail does not go by http; write smtp://, smtps:// or lmtp:// and a host'],
    ['constructor://mail.example', 'mail does not go by constructor; write smtp://, smtps:// or lmtp:// and a host'],
    ['lmtp://localhost', 'LMTP has no port of its own; write lmtp://host:port, or lmtp:unix:/path'],
    [
      'lmtp:localhost',
      '"lmtp:localhost" lacks something; write lmtp:unix:/path for a Unix socket, or lmtp://host:port',
    ],
    ['unix:smtpd.sock', '"unix:smtpd.sock" lacks something; write unix:/path for a Unix socket, or lmtp://host:port'],
    ['lmtp:unix:', '"lmtp:unix:" lacks something; write lmtp:unix:/path for a Unix socket, or lmtp://host:port'],
    ['unix:/run/a\0b', 'lacks something; write unix:/path'],
    ['mx:25', '"mx:25" could be a host and its port; write smtp://mx:25 for a host of the name "mx"'],
    ['lmtp:24', '"lmtp:24" could be a host and its port; write smtp://lmtp:24 for a host of the name "lmtp"'],
    ['mx:a b', '"a b" is no domain; write mx:example.org, or mx: for the recipient’s own domain'],
    ['mx:192.0.2.1', '"192.0.2.1" is no domain; write mx:example.org, or mx: for the recipient’s own domain'],
    ['mx:a.example:25', '"a.example:25" is no domain; write mx:example.org'],
  ])('%j is refused, and the message says what to write', (text, message) => {
    const refusal: unknown = expect.objectContaining({
      name: 'UsageError',
      code: 'SMTPD_BAD_ADDRESS',
      message: expect.stringContaining(message) as unknown,
    });
    expect(() => parseDestination(text)).toThrow(refusal);
  });

  it.each(['smtp://alice:s3cret@mail.example', 'alice:s3cret@mail.example:25', 'https://alice:s3cret@mail.example'])(
    'with a password is refused without repeating it: %s',
    (text) => {
      expect(() => parseDestination(text)).toThrow(
        /^A destination has no user and no password; write the host alone, and give the credentials apart$/,
      );
    },
  );

  it('is read and written to the same, or refused, whatever the text', () => {
    const parts = fc.constantFrom(
      ...[
        'smtp',
        'smtps',
        'lmtp',
        'unix',
        'mx',
        ':',
        '://',
        '/',
        '+',
        '.',
        '[',
        ']',
        '::1',
        '25',
        'a',
        'ü',
        '%',
        '@',
        ' ',
      ],
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(parts, { maxLength: 8 }).map((chosen) => chosen.join('')),
    );
    fc.assert(
      fc.property(text, (written) => {
        let destination: Destination;
        try {
          destination = parseDestination(written);
        } catch (error) {
          expect(error).toMatchObject({ name: 'UsageError', code: 'SMTPD_BAD_ADDRESS' });
          return;
        }
        expect(parseDestination(formatDestination(destination))).toStrictEqual(destination);
      }),
      { numRuns: 3000 },
    );
  });
});
