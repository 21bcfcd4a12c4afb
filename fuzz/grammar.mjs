/**
 * Sessions that nobody wrote: what a client might send, in order or not, well formed or not, and in which packets. One seed, one
 * session. Text is Latin-1: one character, one octet.
 */

import { CONFIGURATION_NAMES, configurationOf } from './configurations.mjs';
import { Random } from './random.mjs';

/**
 * The session of a seed.
 *
 * @param {number} seed
 * @param {{ names?: readonly string[] }} options the configurations to choose from
 * @returns {{ configuration: string, packets: string[], isEager: boolean, end: 'halfClose' | 'reset' }} `isEager`: the client does not
 * wait for replies between packets
 */
export function sessionOf(seed, { names = CONFIGURATION_NAMES } = {}) {
  const random = new Random(seed);
  const configuration = random.pick(names);
  const { options, needsLockstep } = configurationOf(configuration);
  const units = new Script(random, options).units();
  const sent = random.chance(0.12) ? mutated(random, units) : units;
  // What comes in one packet with STARTTLS is dropped: mostly a client waits there, and goes on.
  const parts = hasStartTLS(options) && random.chance(0.8) ? partsBehindStartTLS(sent) : [sent];
  const packets = parts.flatMap((part) => packetsOf(random, part)).flatMap(piecesOf);
  return {
    configuration,
    packets,
    isEager: !needsLockstep && random.chance(0.3),
    end: random.chance(0.08) ? 'reset' : 'halfClose',
  };
}

/**
 * The commands of a seed, for two servers that need not agree on where a command ends: each is whole, with what follows it if it is
 * accepted, and has one reply.
 *
 * @returns {{ line: string, content?: string, octets?: string }[]} `content` follows a 354; `octets` follow the line at once
 */
export function exchangesOf(seed) {
  const random = new Random(seed);
  const units = new Script(random, {}).units();
  const exchanges = [];
  for (const [index, unit] of units.entries()) {
    const end = unit.indexOf('\r\n');
    const line = unit.slice(0, end);
    if (end < 0 || line === '' || /[\r\n]/.test(line)) continue;
    const size = /^BDAT (\d{1,9})( LAST)?$/i.exec(line);
    if (size !== null) {
      const octets = unit.slice(end + 2);
      exchanges.push({ line: `BDAT ${octets.length}${size[2] ?? ''}`, octets });
    } else if (/^BDAT/i.test(line) || end + 2 < unit.length) {
      // A size that cannot be read, or octets that belong to nothing.
    } else if (upper(line) === 'DATA') {
      const sent = units[index + 1] ?? '';
      // One end of data, at the end.
      const content = `${sent}\r\n.\r\n`.replace(/^(?=\.\r\n)/, 'x');
      exchanges.push({ line, content: content.slice(0, content.indexOf('\r\n.\r\n') + 5) });
    } else {
      exchanges.push({ line });
    }
  }
  return exchanges;
}

function upper(text) {
  return text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

/** The commands and contents of one session. */
class Script {
  #random;
  #isLMTP;
  #hasAuth;
  #hasStartTLS;
  /** Addresses are numbered, so that a reply can be told from another. */
  #number = 0;

  constructor(random, options) {
    this.#random = random;
    this.#isLMTP = options.protocol === 'lmtp';
    this.#hasAuth = options.auth !== undefined;
    this.#hasStartTLS = hasStartTLS(options);
  }

  units() {
    const random = this.#random;
    const units = [];
    if (random.chance(0.03)) units.push(this.#strangeStart());
    if (random.chance(0.93)) units.push(`${this.#hello()}${this.#lineEnd()}`);
    // Whoever has authenticated in clear is nobody behind STARTTLS.
    if (this.#hasAuth && this.#hasStartTLS && random.chance(0.4)) units.push(...this.#auth());
    if (this.#hasStartTLS && random.chance(0.7)) units.push(...this.#startTLS());
    if (this.#hasAuth && random.chance(0.7)) units.push(...this.#auth());
    for (const part of random.list(1, 7, () => this.#part())) units.push(...part);
    if (random.chance(0.4)) units.push('QUIT\r\n');
    if (random.chance(0.1)) units.push(...this.#part());
    return units;
  }

  #part() {
    const random = this.#random;
    return random.weighted([
      [8, () => this.#transaction()],
      [4, () => this.#chunks()],
      [8, () => [`${this.#command()}${this.#lineEnd()}`]],
      [1, () => [this.#content()]],
      [1, () => [this.#noise()]],
      [0.3, () => [this.#longLine()]],
      [this.#hasAuth ? 3 : 0.2, () => this.#auth()],
      [this.#hasStartTLS ? 2 : 0, () => this.#startTLS()],
    ])();
  }

  /** The command, at times more in the same breath, and mostly the name again. */
  #startTLS() {
    const random = this.#random;
    const injected = random.chance(0.2) ? this.#part().join('') : '';
    return [
      `STARTTLS${this.#lineEnd()}${injected}`,
      ...(random.chance(0.85) ? [`${this.#hello()}${this.#lineEnd()}`] : []),
    ];
  }

  #transaction() {
    const random = this.#random;
    const isGood = random.chance(0.6);
    return [
      `${this.#mail(isGood)}${this.#lineEnd()}`,
      ...random.list(1, 5, () => `${this.#rcpt(isGood)}${this.#lineEnd()}`),
      ...(random.chance(0.08) ? [`${this.#command()}${this.#lineEnd()}`] : []),
      `DATA${this.#lineEnd()}`,
      this.#content(),
    ];
  }

  #chunks() {
    const random = this.#random;
    const units = [
      `${this.#mail(true, random.chance(0.3) ? ' BODY=BINARYMIME' : undefined)}\r\n`,
      ...random.list(1, 3, () => `${this.#rcpt(random.chance(0.8))}\r\n`),
    ];
    for (const chunk of random.list(0, 3, () => this.#chunk(''))) units.push(chunk);
    if (random.chance(0.12)) units.push(`${this.#command()}\r\n`);
    if (random.chance(0.85)) units.push(this.#chunk(' LAST'));
    return units;
  }

  #chunk(last) {
    const random = this.#random;
    const octets = random
      .list(0, 6, () =>
        random.weighted([
          [6, 'text\r\n'],
          [2, random.pick(CONTENT_PARTS)],
          [1, random.pick(COMMANDS)],
        ]),
      )
      .join('');
    const size = random.weighted([
      [30, String(octets.length)],
      [1, String(octets.length + random.integer(1, 9))],
      [1, String(Math.max(0, octets.length - random.integer(1, 9)))],
      [1, `${'0'.repeat(random.integer(1, 14))}${octets.length}`],
      [0.3, random.pick(BAD_CHUNK_SIZES)],
    ]);
    const marker = random.weighted([
      [12, last],
      [1, random.pick([' LAST', ' last', '  LAST', ' LAST ', '\tLAST', ' LAST X', ' X', ' LASTX', ' 0'])],
    ]);
    return `${random.pick(['BDAT', 'bdat', 'BDAT', 'Bdat'])} ${size}${marker}\r\n${octets}`;
  }

  #hello() {
    const random = this.#random;
    const usual = this.#isLMTP ? 'LHLO' : 'EHLO';
    return random.weighted([
      [8, `${usual} client${this.#next()}.example`],
      [2, `${this.#isLMTP ? 'EHLO' : 'HELO'} client${this.#next()}.example`],
      [3, `${random.pick([usual, 'HELO', 'EHLO', 'LHLO', usual.toLowerCase()])} ${random.pick(CLIENT_NAMES)}`],
      [0.5, random.pick(['EHLO', 'HELO ', 'LHLO', 'EHLO\tx', 'EHLO-x'])],
    ]);
  }

  #mail(isGood = this.#random.chance(0.5), parameters = this.#parameters(isGood)) {
    const random = this.#random;
    const keyword = isGood
      ? 'MAIL FROM:'
      : random.pick([
          'MAIL FROM:',
          'mail from:',
          'MAIL FROM: ',
          'MAIL FROM :',
          'MAIL TO:',
          'MAIL  FROM:',
          'MAIL',
          'MAIL FROM',
        ]);
    return `${keyword}${this.#path(isGood)}${parameters}`;
  }

  #rcpt(isGood = this.#random.chance(0.5)) {
    const random = this.#random;
    const keyword = isGood
      ? 'RCPT TO:'
      : random.pick(['RCPT TO:', 'rcpt to:', 'RCPT TO: ', 'RCPT TO :', 'RCPT FROM:', 'RCPT  TO:\t', 'RCPT', 'RCPT TO']);
    return `${keyword}${this.#path(isGood)}${isGood || random.chance(0.8) ? '' : ` ${random.pick(PARAMETERS)}`}`;
  }

  #path(isGood) {
    const random = this.#random;
    if (isGood)
      return random.chance(0.04) ? '<>' : `<${random.pick(GOOD_WORDS)}${this.#next()}@${random.pick(DOMAINS)}>`;
    const address = random.weighted([
      [5, `${random.pick(WORDS)}${this.#next()}@${random.pick(DOMAINS)}`],
      [6, random.pick(ADDRESSES)],
      [1, this.#noise().replaceAll(/[\r\n]/g, '')],
    ]);
    return random.weighted([
      [10, `<${address}>`],
      [2, address],
      [1, `<${address}`],
      [1, `${address}>`],
      [1, `<${address}> `],
      [1, `<<${address}>>`],
      [1, `"x" <${address}>`],
    ]);
  }

  #parameters(isGood) {
    const random = this.#random;
    const list = isGood ? GOOD_PARAMETERS : PARAMETERS;
    return random
      .list(0, isGood ? 1 : 3, () => `${random.chance(0.95) ? ' ' : random.pick(['', '  ', '\t'])}${random.pick(list)}`)
      .join('');
  }

  #command() {
    const random = this.#random;
    return random.weighted([
      [2, () => this.#hello()],
      [3, () => this.#mail()],
      [4, () => this.#rcpt()],
      [8, () => random.pick(COMMANDS)],
      [1, () => `VRFY ${this.#path(false)}${random.pick(['', '', ' SMTPUTF8', '  smtputf8'])}`],
      [1, () => this.#chunk(random.pick(['', ' LAST'])).replace(/\r\n$/, '')],
    ])();
  }

  #content() {
    const random = this.#random;
    const parts = random.list(0, 9, () =>
      random.weighted([
        [6, 'text\r\n'],
        [5, random.pick(CONTENT_PARTS)],
        [1, `${random.pick(COMMANDS)}\r\n`],
        [1, random.pick(END_OF_DATA_LOOKALIKES)],
        [0.2, `${'y'.repeat(random.integer(100, 3_000))}\r\n`],
      ]),
    );
    const end = random.weighted([
      [20, '\r\n.\r\n'],
      [6, '.\r\n'],
      [2, random.pick(END_OF_DATA_LOOKALIKES)],
    ]);
    return parts.join('') + end;
  }

  #auth() {
    const random = this.#random;
    const base64 = (text) => Buffer.from(text, 'latin1').toString('base64');
    const answer = () =>
      random.weighted([
        [6, 'alice'],
        [6, 'secret'],
        [2, 'mallory'],
        [1, '\0alice\0secret'],
        [1, 'alice\r\nMAIL FROM:<x@y.example>'],
        [1, 'x'.repeat(random.integer(200, 700))],
        [1, ''],
      ]);
    const plain = random.weighted([
      [6, '\0alice\0secret'],
      [2, 'alice\0alice\0secret'],
      [1, 'root\0alice\0secret'],
      [2, '\0alice\0guess'],
      [1, '\0\0'],
      [1, 'alice\0secret'],
      [1, '\0alice\0secret\0'],
      [1, '\xff\0alice\0secret'],
      [1, '\0al\x07ice\0secret'],
    ]);
    const line = () =>
      random.weighted([
        [10, base64(answer())],
        [1, '*'],
        [1, '='],
        [1, ''],
        [1, random.pick(['YQ', 'YR==', 'YQ==\n', 'Y Q=', '\xff', 'QUIT', 'MAIL FROM:<x@y.example>', '****'])],
      ]);
    return random.weighted([
      [6, () => [`AUTH PLAIN ${base64(plain)}\r\n`]],
      [2, () => ['AUTH PLAIN\r\n', `${random.chance(0.8) ? base64(plain) : line()}\r\n`]],
      [3, () => ['AUTH LOGIN\r\n', `${line()}\r\n`, `${line()}\r\n`]],
      [2, () => ['AUTH LOGIN\r\n', `${base64('alice')}\r\n`, `${base64('secret')}\r\n`]],
      [2, () => [`AUTH LOGIN ${base64('alice')}\r\n`, `${line()}${this.#lineEnd()}`]],
      [2, () => [`${random.pick(AUTH_LINES)}\r\n`]],
      [0.3, () => ['AUTH LOGIN\r\n', `${'A'.repeat(random.pick([600, 604, 3_004, 12_288, 12_292, 16_000]))}\r\n`]],
    ])();
  }

  #strangeStart() {
    return this.#random.pick([
      'GET / HTTP/1.1\r\nHost: mx.fuzz.example\r\n\r\n',
      'POST /x HTTP/1.1\r\nContent-Length: 99\r\n\r\n',
      'CONNECT mx.fuzz.example:25 HTTP/1.0\r\n\r\n',
      `POST /${'x'.repeat(13_000)} HTTP/1.1\r\nHost: mx.fuzz.example\r\n\r\n`,
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
      '\x80\x2e\x01\x00\x02',
      '\0\0\0\0\r\n',
      'PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n',
      '\r\n\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ]);
  }

  #longLine() {
    const random = this.#random;
    const length = random.weighted([
      [4, random.integer(500, 620)],
      [2, random.integer(900, 1_100)],
      [1, random.pick([3_000, 3_001, 3_002, 12_288, 12_289, 16_000])],
      [0.3, random.pick([65_536, 65_537, 65_538, 70_000])],
    ]);
    const start = random.pick([
      'NOOP ',
      'MAIL FROM:<a@b.example> ',
      'RCPT TO:<',
      'x',
      '\n',
      '\r',
      '',
      'VRFY ',
      'EHLO ',
    ]);
    return (
      `${start}${random.pick(['x', ' ', '=', '\xe9', '<', '\r', '\n', '"'])}`.padEnd(length, start.at(-1) ?? 'x') +
      this.#lineEnd()
    );
  }

  #noise() {
    const random = this.#random;
    return random
      .list(0, 40, () =>
        random.chance(0.3)
          ? random.pick(['\r', '\n', '\r\n', '.', ' ', '\0', '\x16', '\xff', '<', '>'])
          : String.fromCharCode(random.integer(0, 255)),
      )
      .join('');
  }

  #lineEnd() {
    return this.#random.chance(0.96)
      ? '\r\n'
      : this.#random.pick(['\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\0\r\n', '', '\t\r\n', '\r\n\r\n']);
  }

  #next() {
    this.#number += 1;
    return this.#number;
  }
}

function hasStartTLS({ tls }) {
  return tls?.mode === 'offer' || tls?.mode === 'require';
}

/** Cuts behind each STARTTLS that ends a unit. */
function partsBehindStartTLS(units) {
  const parts = [[]];
  for (const unit of units.flatMap((each) => each.split(/(?<=^STARTTLS\r\n)/im))) {
    parts.at(-1).push(unit);
    if (/^STARTTLS\r\n$/i.test(unit)) parts.push([]);
  }
  return parts;
}

/** Changes a few octets of what was made, as one text. */
function mutated(random, units) {
  let text = units.join('');
  for (let count = random.integer(1, 4); count > 0; count -= 1) {
    const at = random.integer(0, text.length);
    const length = random.weighted([
      [6, 1],
      [2, 2],
      [1, random.integer(3, 40)],
    ]);
    const inserted = random.weighted([
      [4, ''],
      [3, String.fromCharCode(random.integer(0, 255))],
      [3, random.pick(['\r', '\n', '\r\n', '.', '\r\n.\r\n', '\0', ' ', '<', '>', '@', '"', '\\'])],
      [1, text.slice(at, at + random.integer(1, 60))],
      [1, random.pick(COMMANDS)],
    ]);
    text = text.slice(0, at) + inserted + text.slice(at + (random.chance(0.6) ? length : 0));
  }
  return [text];
}

/** Puts what is sent into packets. */
function packetsOf(random, units) {
  const way = random.weighted([
    [3, 'one'],
    [4, 'each'],
    [3, 'groups'],
    [2, 'cuts'],
    [0.3, 'octets'],
  ]);
  const text = units.join('');
  switch (way) {
    case 'one':
      return cut(text, []);
    case 'each':
      return units.filter((unit) => unit !== '');
    case 'groups': {
      const packets = [];
      for (let from = 0; from < units.length;) {
        const count = random.integer(1, 5);
        packets.push(units.slice(from, from + count).join(''));
        from += count;
      }
      return packets.filter((packet) => packet !== '');
    }
    case 'cuts':
      return cut(
        text,
        random.list(1, 12, () => random.integer(0, text.length)),
      );
    case 'octets':
      return text.length > 1_500 ? cut(text, []) : [...text];
  }
}

/** What is more than one read of the server's can hold comes in two reads, and whether they meet is a matter of time. */
function piecesOf(packet) {
  const pieces = [];
  for (let at = 0; at < packet.length; at += PACKET_OCTETS_MAX) pieces.push(packet.slice(at, at + PACKET_OCTETS_MAX));
  return pieces;
}

function cut(text, places) {
  const all = [0, ...places.toSorted((a, b) => a - b), text.length];
  return all
    .slice(1)
    .map((end, index) => text.slice(all[index], end))
    .filter((packet) => packet !== '');
}

const PACKET_OCTETS_MAX = 16_384;
const GOOD_WORDS = ['user', 'quiet', 'echo', 'full', 'nodata', 'user', 'user', 'user'];
const WORDS = [...GOOD_WORDS, 'no', 'later', 'boom', 'gone'];
const DOMAINS = ['a.example', 'b.example', 'host-1.c.example', '[192.0.2.1]', '[IPv6:2001:db8::1]'];
const ADDRESSES = [
  '',
  'Postmaster',
  'postmaster',
  'nowhere',
  'a@',
  '@a.example',
  'a@@b.example',
  'a.@b.example',
  '.a@b.example',
  'a..b@b.example',
  'a@b..example',
  'a@-b.example',
  'a@b-.example',
  'a@b.example.',
  'a_b@under_score.example',
  '@route.example:user@b.example',
  '@r1.example,@r2.example:user@b.example',
  '@route.example:user',
  '@route.example,user@b.example',
  '"quoted user"@b.example',
  '"user"@b.example',
  '"a\\"b\\\\c"@b.example',
  '"a b> SIZE=1 <c"@b.example',
  '"un\\closed@b.example',
  '""@b.example',
  '"\x01"@b.example',
  '"no@x"@b.example',
  'a"b"@b.example',
  'a b@b.example',
  'a@b c.example',
  'a@[192.0.2.1',
  'a@[192.0.2.256]',
  'a@[192.0.2]',
  'a@[IPv6:2001:db8::1::2]',
  'a@[IPv6:::ffff:192.0.2.1]',
  'a@[2001:db8::1]',
  'a@[tag:x]',
  'a@[x]',
  'a%b@c.example',
  'b!a@c.example',
  'a+tag@b.example',
  "!#$%&'*+-/=?^_`{|}~@b.example",
  'a(comment)@b.example',
  'a@b.example,c@d.example',
  'a:b@c.example',
  'j\xc3\xb6rg@b.example',
  '"j\xc3\xb6 rg"@b.example',
  'a@\xc3\xa9.example',
  'bad\xff@b.example',
  'a@\xc3.example',
  'a\0b@b.example',
  'a\x7f@b.example',
  'a\tb@b.example',
  `${'x'.repeat(64)}@${'y'.repeat(63)}.example`,
  `${'x'.repeat(65)}@${'y'.repeat(64)}.example`,
  `a@${'b.'.repeat(130)}example`,
];
const CLIENT_NAMES = [
  'no.example',
  'later.example',
  'boom.example',
  'gone.example',
  'quiet',
  '[192.0.2.1]',
  '[IPv6:::1]',
  '[bad]',
  'two words',
  'under_score',
  'echo \x1b[2J',
  '\xe9',
  'a\tb',
  '-',
  '<a@b.example>',
  'x'.repeat(300),
];
const GOOD_PARAMETERS = ['SIZE=10', 'SIZE=299', 'BODY=8BITMIME', 'BODY=7BIT', 'SMTPUTF8'];
const PARAMETERS = [
  ...GOOD_PARAMETERS,
  'size=100',
  'SIZE=99999999999999999999',
  'SIZE=999999999999999999999',
  'SIZE=',
  'SIZE',
  'SIZE=x',
  'SIZE=-1',
  'SIZE=301',
  'BODY=BINARYMIME',
  'body=binarymime',
  'BODY=NONE',
  'BODY',
  'SMTPUTF8=1',
  'smtputf8',
  'AUTH=<>',
  'AUTH=a@b.example',
  'AUTH=a+2Bb@c.example',
  'AUTH=+',
  'AUTH',
  'RET=FULL',
  'NOTIFY=NEVER',
  'XUNKNOWN',
  'X-Y=1',
  'X=\xc3\xa9',
  'X=\xff',
  '=',
  'X=',
  'X==',
  '-X',
  '<',
];
const COMMANDS = [
  'RSET',
  'RSET now',
  'rset',
  'r\xc5\xbfet',
  'NOOP',
  'noop \xff\0',
  'NOOP ',
  'VRFY user',
  'VRFY "user"',
  'VRFY ""',
  'VRFY <user@b.example>',
  'VRFY <>',
  'VRFY j\xc3\xb6rg SMTPUTF8',
  'VRFY j\xc3\xb6rg',
  'VRFY',
  'EXPN list',
  'EXPN',
  'EXPN a\0b',
  'HELP',
  'HELP MAIL',
  'HELP me',
  'HELP expn',
  'HELP BDAT',
  'HELP STARTTLS',
  'DATA',
  'DATA now',
  'DATA ',
  'QUIT now',
  'STARTTLS',
  'STARTTLS now',
  'ETRN a.example',
  'XCLIENT NAME=x ADDR=192.0.2.1',
  'XFORWARD NAME=x',
  'TURN',
  'SEND FROM:<a@b.example>',
  'XBOGUS',
  'constructor',
  '__proto__',
  'SMTP_MAIL',
  'toString',
  'BDAT',
  'BDAT ',
  'BDAT 0',
  'BDAT 0 LAST',
  'BDAT 5 LAST X',
  '',
  ' ',
  '.',
  '..',
  '354 go on',
  '250 OK',
  ' NOOP',
  '\tNOOP',
  'NOOP\tx',
  '\0',
  '*',
  'GET / HTTP/1.1',
  'POST / HTTP/1.0',
  'PUT x',
  'Host: mx.fuzz.example',
  'AUTH PLAIN AGFsaWNlAHNlY3JldA==',
  'AUTH',
];
const AUTH_LINES = [
  'AUTH',
  'AUTH PLAIN =',
  'AUTH LOGIN =',
  'AUTH PLAIN AGFsaWNlAHNlY3JldA',
  'AUTH PLAIN AGFsaWNlAHNlY3JldA== x',
  'AUTH plain AGFsaWNlAHNlY3JldA==',
  'AUTH  PLAIN  AGFsaWNlAHNlY3JldA==',
  'AUTH CRAM-MD5',
  'AUTH SCRAM-SHA-256 biwsbj11LHI9eA==',
  'AUTH EXTERNAL =',
  `AUTH ${'X'.repeat(21)}`,
  'AUTH PLA\xcdN',
  'AUTH PLAIN\tx',
];
const BAD_CHUNK_SIZES = [
  '-1',
  '0x10',
  '1e3',
  '+5',
  '5.0',
  '9007199254740992',
  '99999999999999999999',
  '999999999999999999999',
  '',
  'LAST',
];
const CONTENT_PARTS = [
  'Subject: x\r\n',
  'Received: from x\r\n',
  'body\r\n',
  '..\r\n',
  '..x',
  '.x\r\n',
  'x.',
  '\r\n',
  '\r',
  '\n',
  '\n.\n',
  '\r\n.\r',
  '\xe9\0',
  '\xc3\xa9',
  '\xef\xbb\xbf',
  'y'.repeat(70),
  'QUIT\r\n',
  '\0',
  ' ',
  '.',
];
/** What some server or other has taken for the end of data, and what looks like it. */
const END_OF_DATA_LOOKALIKES = ['\r\n', '\r', '\n', '\r\r\n', '\n\r', '\0\r\n']
  .flatMap((before) => ['\r\n', '\r', '\n', '\r\r\n', '\n\r', '\0\r\n', ' \r\n'].map((behind) => `${before}.${behind}`))
  .filter((text) => text !== '\r\n.\r\n');
