/**
 * Paths as clients send them: what is accepted and as what, what is refused, in both syntaxes; and laws over generated
 * mailboxes and over any octets.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseParameters } from '../../src/protocol/parameters.js';
import {
  formatPath,
  matchPathKeyword,
  parseMailbox,
  parsePath,
  type Path,
  type PathPolicy,
} from '../../src/protocol/path.js';

const MAIL = { strict: policy('strict', 'MAIL'), lenient: policy('lenient', 'MAIL') };
const RCPT = { strict: policy('strict', 'RCPT'), lenient: policy('lenient', 'RCPT') };
const POLICIES = [MAIL.strict, MAIL.lenient, RCPT.strict, RCPT.lenient];

function policy(syntax: 'strict' | 'lenient', verb: 'MAIL' | 'RCPT'): PathPolicy {
  return { syntax, allowNull: verb === 'MAIL', allowPostmaster: verb === 'RCPT' };
}

/** Text as its UTF-8 octets, one character each: the way it comes from the wire. */
function wire(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function pathOf(text: string, { syntax, allowNull, allowPostmaster }: PathPolicy): Path {
  const result = parsePath(text, { syntax, allowNull, allowPostmaster });
  if (!result.ok) throw new Error(`${JSON.stringify(text)} was refused: ${result.fault}`);
  return result.path;
}

const SYNTAX = { ok: false, fault: 'syntax' };
const CHARSET = { ok: false, fault: 'charset' };

describe('paths that every policy accepts', () => {
  it.each([
    ['<alice@example.org>', 'alice@example.org', 'alice', 'example.org'],
    ['<a@b>', 'a@b', 'a', 'b'],
    ['<Alice.X@Example.ORG>', 'Alice.X@Example.ORG', 'Alice.X', 'Example.ORG'],
    ['<a%b@c>', 'a%b@c', 'a%b', 'c'],
    ['<alice%inner.example@example.org>', 'alice%inner.example@example.org', 'alice%inner.example', 'example.org'],
    ["<!#$%&'*+-/=?^_`{|}~@x>", "!#$%&'*+-/=?^_`{|}~@x", "!#$%&'*+-/=?^_`{|}~", 'x'],
    ['<=?utf-8?q?x=40y?=@b>', '=?utf-8?q?x=40y?=@b', '=?utf-8?q?x=40y?=', 'b'],
    ['<a@1.2.3.4>', 'a@1.2.3.4', 'a', '1.2.3.4'],
    ['<a@b-c.d--e>', 'a@b-c.d--e', 'a', 'b-c.d--e'],
    ['<Postmaster@example.org>', 'Postmaster@example.org', 'Postmaster', 'example.org'],
    // Quoted local parts.
    ['<"q s"@b>', '"q s"@b', 'q s', 'b'],
    ['<"a b"@x>', '"a b"@x', 'a b', 'x'],
    ['<"Fred Bloggs"@example.org>', '"Fred Bloggs"@example.org', 'Fred Bloggs', 'example.org'],
    ['<"alice"@example.org>', 'alice@example.org', 'alice', 'example.org'],
    ['<"a.b"@x>', 'a.b@x', 'a.b', 'x'],
    ['<""@x>', '""@x', '', 'x'],
    ['<"."@x>', '"."@x', '.', 'x'],
    ['<"a..b"@x>', '"a..b"@x', 'a..b', 'x'],
    ['<"a."@x>', '"a."@x', 'a.', 'x'],
    ['<" "@x>', '" "@x', ' ', 'x'],
    ['<"a@b"@x>', '"a@b"@x', 'a@b', 'x'],
    ['<"<>"@x>', '"<>"@x', '<>', 'x'],
    ['<"a>"@x>', '"a>"@x', 'a>', 'x'],
    ['<"a\\"b"@example.org>', '"a\\"b"@example.org', 'a"b', 'example.org'],
    ['<"a\\\\b"@x>', '"a\\\\b"@x', 'a\\b', 'x'],
    ['<"\\\\"@x>', '"\\\\"@x', '\\', 'x'],
    ['<"\\\\\\""@x>', '"\\\\\\""@x', '\\"', 'x'],
    // Needless quoted-pairs go, and with them the quotes when nothing else needs them.
    ['<"\\a\\l\\ice"@x>', 'alice@x', 'alice', 'x'],
    ['<"\\a \\b"@x>', '"a b"@x', 'a b', 'x'],
    ['<"\\ "@x>', '" "@x', ' ', 'x'],
    // Source routes.
    ['<@one.example,@two.example:alice@example.org>', 'alice@example.org', 'alice', 'example.org'],
    ['<@relay.example:"bob"@example.net>', 'bob@example.net', 'bob', 'example.net'],
    ['<@r:a@[192.0.2.1]>', 'a@[192.0.2.1]', 'a', '[192.0.2.1]'],
  ])('%s is %s', (text, address, localPart, domain) => {
    for (const each of POLICIES) {
      const result = parsePath(text, each);
      expect(result).toMatchObject({
        ok: true,
        path: { raw: text.slice(1, -1), address, localPart, domain, isNull: false, isInternationalized: false },
        rest: '',
      });
    }
  });

  it.each([
    ['<a@[192.0.2.1]>', { kind: 'IPv4', address: '192.0.2.1' }],
    ['<a@[IPv6:2001:db8::1]>', { kind: 'IPv6', address: '2001:db8::1' }],
    ['<a@[ipv6:::ffff:192.0.2.1]>', { kind: 'IPv6', address: '::ffff:192.0.2.1' }],
    ['<"a b"@[x-net:!>]>', { kind: 'general', tag: 'x-net', address: '!>' }],
  ])('%s has an address literal', (text, addressLiteral) => {
    for (const each of POLICIES) {
      const path = pathOf(text, each);
      expect(path.addressLiteral).toEqual(addressLiteral);
      expect(path.domain).toBe(text.slice(text.indexOf('['), -1));
      expect(path.address).toBe(text.slice(1, -1));
    }
  });

  it('a domain is no address literal', () => {
    expect(pathOf('<a@1.2.3.4>', MAIL.strict).addressLiteral).toBeUndefined();
  });

  it('a source route is kept beside the address that it does not belong to', () => {
    const path = pathOf('<@one.example,@two.example:alice@example.org>', RCPT.strict);
    expect(path.sourceRoute).toEqual(['one.example', 'two.example']);
    expect(path.raw).toBe('@one.example,@two.example:alice@example.org');
    expect(pathOf('<alice@example.org>', RCPT.strict).sourceRoute).toEqual([]);
  });

  it('no part has a length of its own', () => {
    const local = 'l'.repeat(300);
    const domain = `${'d'.repeat(80)}.${'e'.repeat(300)}`;
    for (const each of POLICIES) expect(pathOf(`<${local}@${domain}>`, each).address).toBe(`${local}@${domain}`);
  });
});

describe('what may follow a path', () => {
  it.each([
    ['<a@b>', ''],
    ['<a@b> ', ' '],
    ['<a@b> SIZE=10 BODY=7BIT', ' SIZE=10 BODY=7BIT'],
    ['<a@b>  SIZE=10', '  SIZE=10'],
    ['<a@b> <c@d>', ' <c@d>'],
    ['<"a b"@c> X', ' X'],
    ['<@r:a@b> X', ' X'],
    ['<a@[1.2.3.4]> X', ' X'],
  ])('%j leaves %j', (text, rest) => {
    for (const each of POLICIES) expect(parsePath(text, each)).toMatchObject({ ok: true, rest });
  });

  it('parameters may follow the null reverse-path and a path without brackets too', () => {
    expect(parsePath('<> SIZE=10', MAIL.strict)).toMatchObject({ ok: true, rest: ' SIZE=10' });
    expect(parsePath('a@b SIZE=10', MAIL.lenient)).toMatchObject({ ok: true, rest: ' SIZE=10' });
    expect(parsePath('alice SIZE=10', MAIL.lenient)).toMatchObject({ ok: true, rest: ' SIZE=10' });
  });
});

describe('the null reverse-path', () => {
  it('is a path for MAIL and none for RCPT', () => {
    for (const each of [MAIL.strict, MAIL.lenient]) {
      expect(pathOf('<>', each)).toEqual({
        raw: '',
        address: '',
        localPart: '',
        domain: undefined,
        addressLiteral: undefined,
        sourceRoute: [],
        isNull: true,
        isInternationalized: false,
      });
    }
    for (const each of [RCPT.strict, RCPT.lenient]) expect(parsePath('<>', each)).toEqual(SYNTAX);
  });

  it('cannot be changed for the next who reads it', () => {
    expect(Object.isFrozen(pathOf('<>', MAIL.strict))).toBe(true);
    expect(Object.isFrozen(pathOf('<>', MAIL.strict).sourceRoute)).toBe(true);
    expect(Object.isFrozen(pathOf('<a@b>', MAIL.strict).sourceRoute)).toBe(true);
  });

  it('is not what an empty quoted local part means', () => {
    expect(pathOf('<""@x>', MAIL.strict).isNull).toBe(false);
  });
});

describe('Postmaster', () => {
  it.each(['Postmaster', 'postmaster', 'POSTMASTER', 'pOSTMASTEr'])(
    '<%s> may stand alone for RCPT, case kept',
    (text) => {
      for (const each of [RCPT.strict, RCPT.lenient]) {
        expect(pathOf(`<${text}>`, each)).toMatchObject({
          address: text,
          localPart: text,
          domain: undefined,
          isNull: false,
        });
      }
    },
  );

  it.each([
    '<"Postmaster">',
    '<Postmasters>',
    '<Postmaste>',
    '<po\u017ftmaster>',
    '<po\xc5\xbftmaster>',
    '<@r:Postmaster>',
    'Postmaster',
  ])('%s is not Postmaster in strict syntax', (text) => {
    expect(parsePath(text, RCPT.strict)).toEqual(SYNTAX);
  });

  it('may not stand alone in a strict MAIL', () => {
    expect(parsePath('<Postmaster>', MAIL.strict)).toEqual(SYNTAX);
  });
});

describe('what lenient syntax accepts besides', () => {
  it.each([
    // Blanks after the colon.
    [' <alice@example.org>', 'alice@example.org'],
    ['\t <alice@example.org>', 'alice@example.org'],
    // No angle brackets.
    ['alice@example.org', 'alice@example.org'],
    [' alice@example.org', 'alice@example.org'],
    ['"alice"@example.org', 'alice@example.org'],
    ['"a@b"@example.org', '"a@b"@example.org'],
    ['alice@[192.0.2.1]', 'alice@[192.0.2.1]'],
    ['alice@[IPv6:::1]', 'alice@[IPv6:::1]'],
    // No domain.
    ['<alice>', 'alice'],
    ['<a.b>', 'a.b'],
    ['<"a b">', '"a b"'],
    ['<"alice">', 'alice'],
    ['alice', 'alice'],
    // Low lines in a domain.
    ['<alice@my_host>', 'alice@my_host'],
    ['<alice@_spf.my_host.example>', 'alice@_spf.my_host.example'],
    ['<@my_relay:alice@my_host>', 'alice@my_host'],
  ])('%j is %j', (text, address) => {
    for (const each of [MAIL.lenient, RCPT.lenient]) expect(pathOf(text, each).address).toBe(address);
    for (const each of [MAIL.strict, RCPT.strict]) expect(parsePath(text, each)).toEqual(SYNTAX);
  });

  it('a bare local part has no domain', () => {
    expect(pathOf('<alice>', MAIL.lenient)).toMatchObject({ localPart: 'alice', domain: undefined, isNull: false });
  });

  it('what was sent is kept as it was, without the blanks before it', () => {
    expect(pathOf(' "alice"@example.org', MAIL.lenient).raw).toBe('"alice"@example.org');
  });

  it('blanks may come before the null reverse-path', () => {
    expect(pathOf(' <>', MAIL.lenient).isNull).toBe(true);
    expect(parsePath(' <>', RCPT.lenient)).toEqual(SYNTAX);
  });
});

describe('what no policy accepts', () => {
  it.each([
    // Nothing, or halves.
    '',
    ' ',
    '\t',
    '<',
    '>',
    '"',
    '@',
    '<<',
    '<"',
    '<""',
    '<"a',
    '<@',
    '<@>',
    '<,>',
    '<:>',
    '<.>',
    '<a',
    '<a@',
    '<a@b',
    'a@b>',
    '<a@b SIZE=10',
    '<a@b@',
    // Text around the brackets.
    '<a@b>SIZE=1',
    '<a@b>junk',
    '<a@b>>',
    '<a@b>,<c@d>',
    '<a@b>\t',
    '<a@b>\tSIZE=1',
    '<>>',
    '<>SIZE=1',
    '<><a@b>',
    '<<a@b>>',
    '<<>>',
    'x<a@b>',
    'Name<a@b>',
    '"Name"<a@b>',
    // Blanks and comments inside.
    '< a@b >',
    '< a@b>',
    '<a@b >',
    '<a @ b>',
    '<a@ b>',
    '<a @b>',
    '<a b@c>',
    '<fred bloggs@example.org>',
    '< >',
    '<a(x)@b>',
    '<alice(work)@example.org>',
    '(x)',
    '<(x)>',
    '<a@b(x)>',
    // Local parts.
    '<.a@b>',
    '<a..b@c>',
    '<a.@b>',
    '<.@b>',
    '<@b>',
    '<@b:>',
    '<@b:@c>',
    '<@b,:a@c>',
    '<@b,c:a@d>',
    '<@b a@c>',
    '<b:a@c>',
    '<,@b:a@c>',
    '<@b,@c>',
    '<@:a@b>',
    '<@[1.2.3.4]:a@b>',
    '<@relay.example:alice>',
    '<a\\b@c>',
    '<a\\@b@c>',
    '<a"b"@c>',
    '<"a"b@c>',
    '<"a".b@c>',
    '<a."b"@c>',
    '<"a""b"@c>',
    '<"a\\"@b>',
    '<a;b@c>',
    '<a[b]@c>',
    '<a,b@c>',
    '<a:b@c>',
    // Domains.
    '<a@>',
    'a@',
    '<a@b@c>',
    'a@b@c',
    '<a@b..c>',
    '<a@b.>',
    '<a@.b>',
    '<a@.>',
    '<a@-b>',
    '<a@b->',
    '<a@b-.c>',
    '<a@b.-c>',
    '<a@->',
    '<a@b/c>',
    '<a@b,c>',
    '<a@"b">',
    '<a@b:25>',
    // Address literals.
    '<a@[1.2.3.4>',
    '<a@1.2.3.4]>',
    '<a@[1.2.3.4]x>',
    '<a@[1.2.3.4].b>',
    '<a@b[1.2.3.4]>',
    '<a@[]>',
    '<a@[[1.2.3.4]]>',
    '<a@[1.2.3]>',
    '<a@[1.2.3.256]>',
    '<a@[ 1.2.3.4]>',
    '<a@[::1]>',
    '<a@[2001:db8::1]>',
    '<a@[IPv6:]>',
    '<a@[IPv6:1::2::3]>',
    '<a@[IPv6:1.2.3.4]>',
    '<a@[x:\\]]>',
    '<a@[\xc3\xa9:x]>',
    '<a@[x:\xc3\xa9]>',
    // Without brackets, one run of text and no bracket in it.
    '"a b"@c',
    '"a<b"@c',
    '"a>b"@c',
    'a@[x:>]',
    '@one.example:a@b',
    'a@b\tX',
    'a@b,c@d',
    // UTF-8 is no excuse for a quoted-pair.
    '<"\\\xc3\xa9"@b>',
    // Characters that are no octets.
    '<\u0142@b>',
    '<a@\u0142>',
    '<"\u0142"@b>',
  ])('%j is refused', (text) => {
    for (const each of POLICIES) expect(parsePath(text, each)).toEqual(SYNTAX);
  });

  it.each(['Alice <alice@example.org>', '"Alice" <alice@example.org>', '<a@b> (work) SIZE=10', 'a@b <c@d>'])(
    '%j leaves something behind the path that is no parameter',
    (text) => {
      const result = parsePath(text, MAIL.lenient);
      expect(result.ok && parseParameters(result.rest)).toEqual(SYNTAX);
    },
  );

  it('no control and no DEL has a place anywhere in a path', () => {
    const controls = [...Array.from({ length: 32 }, (_, code) => code), 127].map((code) => String.fromCharCode(code));
    const places = [
      '<a~b@c>',
      '<~@c>',
      '<"a~b"@c>',
      '<"a\\~b"@c>',
      '<a@b~c>',
      '<a@[x:y~z]>',
      '<@r~s:a@b>',
      '<a@b~>',
      'a~b@c',
      '<a@b>~',
    ];
    for (const control of controls) {
      for (const place of places) {
        for (const each of POLICIES) expect(parsePath(place.replace('~', control), each)).toEqual(SYNTAX);
      }
    }
  });
});

describe('internationalized paths', () => {
  it.each([
    ['<andré@exämple.org>', 'andré@exämple.org', 'andré', 'exämple.org', true],
    ['<用户@例子.测试>', '用户@例子.测试', '用户', '例子.测试', true],
    ['<😀@b>', '😀@b', '😀', 'b', true],
    ['<a@ä>', 'a@ä', 'a', 'ä', true],
    ['<"andré"@b>', 'andré@b', 'andré', 'b', true],
    ['<"é ö"@b>', '"é ö"@b', 'é ö', 'b', true],
    ['<"\\aé"@b>', 'aé@b', 'aé', 'b', true],
    ['<é@[192.0.2.1]>', 'é@[192.0.2.1]', 'é', '[192.0.2.1]', true],
    ['<@ä.example:a@b>', 'a@b', 'a', 'b', false],
  ])('%s is %s', (text, address, localPart, domain, isInternationalized) => {
    for (const each of POLICIES) {
      expect(pathOf(wire(text), each)).toMatchObject({
        raw: text.slice(1, -1),
        address,
        localPart,
        domain,
        isInternationalized,
      });
    }
  });

  it('a source route is decoded too', () => {
    expect(pathOf(wire('<@ä.example,@b:a@c>'), MAIL.strict).sourceRoute).toEqual(['ä.example', 'b']);
  });

  it.each([
    ['a Latin-1 letter', '<andr\xe9@example.org>'],
    ['an overlong form', '<\xc0\xaf@b>'],
    ['a surrogate', '<\xed\xa0\x80@b>'],
    ['a character beyond U+10FFFF', '<\xf4\x90\x80\x80@b>'],
    ['half a character', '<a@b\xc3>'],
    ['half a character on each side of the at sign', '<\xc3@\xa9>'],
    ['bad octets in quotes', '<"\xff"@b>'],
    ['bad octets in a source route', '<@\xff:a@b>'],
    ['half a character that the next at sign does not complete', '<"\xc3"@b>'],
  ])('%s is a fault of the charset', (_name, text) => {
    for (const each of POLICIES) expect(parsePath(text, each)).toEqual(CHARSET);
  });

  it('a path without brackets and a bare local part are checked as well', () => {
    expect(parsePath('andr\xe9@b', MAIL.lenient)).toEqual(CHARSET);
    expect(parsePath('<andr\xe9>', MAIL.lenient)).toEqual(CHARSET);
    expect(pathOf('<andr\xc3\xa9>', MAIL.lenient)).toMatchObject({ address: 'andré', isInternationalized: true });
  });
});

describe('matchPathKeyword', () => {
  it.each([
    ['FROM:<a@b> X', 'FROM', '<a@b> X'],
    ['from:<a@b>', 'FROM', '<a@b>'],
    ['FrOm: <a@b>', 'FROM', ' <a@b>'],
    ['TO:<a@b>', 'TO', '<a@b>'],
    ['to:', 'TO', ''],
    ['FROM::', 'FROM', ':'],
  ] as const)('%j for %s leaves %j', (argument, keyword, rest) => {
    expect(matchPathKeyword(argument, keyword)).toBe(rest);
  });

  it.each([
    ['', 'FROM'],
    ['FROM', 'FROM'],
    ['FROM <a@b>', 'FROM'],
    ['FROM :<a@b>', 'FROM'],
    [' FROM:<a@b>', 'FROM'],
    ['TO:<a@b>', 'FROM'],
    ['FROM:<a@b>', 'TO'],
    ['FROMM:<a@b>', 'FROM'],
    ['<a@b>', 'FROM'],
    // Octets that differ from a letter in one bit, and letters that Unicode folds to one.
    ['&ROM:', 'FROM'],
    ['FRO-:', 'FROM'],
    ['\x14O:', 'TO'],
    ['\xd4O:', 'TO'],
    ['\uff34O:', 'TO'],
  ] as const)('%j does not begin with %s and a colon', (argument, keyword) => {
    expect(matchPathKeyword(argument, keyword)).toBeUndefined();
  });

  it('of all octets only the letter itself, in both cases, matches', () => {
    const matching = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(
      (octet) => matchPathKeyword(`T${octet}:`, 'TO') !== undefined,
    );
    expect(matching).toEqual(['O', 'o']);
  });
});

describe('parseMailbox', () => {
  it.each([
    ['bob@example.net', 'bob@example.net'],
    ['"bob"@example.net', 'bob@example.net'],
    ['"Bob B"@example.net', '"Bob B"@example.net'],
    ['bob@[192.0.2.1]', 'bob@[192.0.2.1]'],
    ['bob@my_host', 'bob@my_host'],
    ['j\xc3\xb6rg@example.net', 'jörg@example.net'],
  ])('%j is the mailbox %j', (text, address) => {
    expect(parseMailbox(text)).toMatchObject({ address, sourceRoute: [], isNull: false });
  });

  it.each([
    '',
    'bob',
    '"bob"',
    '@',
    'bob@',
    '@example.net',
    '<bob@example.net>',
    '<>',
    'a@b ',
    ' a@b',
    'a@b x',
    'a@b@c',
    'a@[1.2.3.4',
    '@r:a@b',
    'j\xf6rg@b',
  ])('%j is no mailbox', (text) => {
    expect(parseMailbox(text)).toBeUndefined();
  });
});

describe('the laws of paths', () => {
  const octet = fc.oneof(
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) },
    { weight: 4, arbitrary: fc.constantFrom(...Array.from('<>@"\\.,:[]- ab1_'), 'IPv6', '\xc3\xa9') },
  );
  const anyText = fc.oneof(
    fc.string({ unit: octet }),
    fc.string({ unit: octet }).map((text) => `<${text}>`),
  );
  const anyPolicy = fc.constantFrom(...POLICIES);

  const letters = Array.from('abcXYZ019é用😀');
  const atom = fc.string({
    unit: fc.constantFrom(...letters, ...Array.from("!#$%&'*+-/=?^_`{|}~")),
    minLength: 1,
    maxLength: 6,
  });
  const dotString = fc.array(atom, { minLength: 1, maxLength: 3 }).map((atoms) => atoms.join('.'));
  const quotedContent = fc.string({
    unit: fc.constantFrom(...letters, ...Array.from(' "\\.@<>,:;()[]')),
    maxLength: 8,
  });
  const label = fc
    .tuple(
      fc.constantFrom(...letters),
      fc.string({ unit: fc.constantFrom(...letters, '-'), maxLength: 5 }),
      fc.constantFrom(...letters),
    )
    .map((parts) => parts.join(''));
  const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
  const domain = fc.oneof(
    name,
    fc.ipV4().map((address) => `[${address}]`),
    fc.constantFrom('[IPv6:2001:db8::1]', '[IPv6:1:2:3:4:5:6:7:8]', '[x:y]'),
  );
  const route = fc.array(name, { maxLength: 3 });

  const quote = (content: string): string => `"${content.replace(/["\\]/g, '\\$&')}"`;
  const routed = (hosts: readonly string[]): string =>
    hosts.length === 0 ? '' : `${hosts.map((host) => `@${host}`).join(',')}:`;

  it('any octets are a path or a fault, and what is left begins with a space or is nothing', () => {
    fc.assert(
      fc.property(anyText, anyPolicy, (text, each) => {
        const result = parsePath(text, each);
        if (!result.ok) {
          expect(['syntax', 'charset']).toContain(result.fault);
        } else {
          expect(result.rest).toMatch(/^($| )/);
          expect(result.path.isNull).toBe(result.path.address === '');
          expect(result.path.address).not.toMatch(/[\0-\x1f\x7f]/);
          expect(result.path.isInternationalized).toBe(/[^\0-\x7f]/.test(result.path.address));
        }
        parseMailbox(text);
        matchPathKeyword(text, 'TO');
      }),
      { numRuns: 5000 },
    );
  });

  it('what strict syntax accepts, lenient syntax reads the same way', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const verb of [MAIL, RCPT]) {
          const strict = parsePath(text, verb.strict);
          if (strict.ok) expect(parsePath(text, verb.lenient)).toEqual(strict);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('a dot-string at a domain is read as it was written', () => {
    fc.assert(
      fc.property(dotString, domain, route, anyPolicy, (local, host, hosts, each) => {
        const path = pathOf(wire(`<${routed(hosts)}${local}@${host}>`), each);
        expect(path).toMatchObject({ localPart: local, domain: host, address: `${local}@${host}`, sourceRoute: hosts });
        expect(path.raw).toBe(`${routed(hosts)}${local}@${host}`);
      }),
    );
  });

  it('a quoted local part means its content, however it was escaped, and round-trips', () => {
    fc.assert(
      fc.property(quotedContent, name, anyPolicy, (content, host, each) => {
        const path = pathOf(wire(`<${quote(content)}@${host}>`), each);
        expect(path.localPart).toBe(content);
        const overEscaped = content.replace(/[ -~]/g, '\\$&');
        expect(pathOf(wire(`<"${overEscaped}"@${host}>`), each).address).toBe(path.address);
        expect(pathOf(wire(formatPath(path)), each)).toEqual({ ...path, raw: path.address });
      }),
    );
  });

  it('formatting what was parsed, and parsing that, changes nothing more', () => {
    fc.assert(
      fc.property(anyText, anyPolicy, (text, each) => {
        const result = parsePath(text, each);
        if (!result.ok) return;
        const formatted = formatPath(result.path);
        const again = pathOf(wire(formatted), each);
        expect(formatPath(again)).toBe(formatted);
        expect(again).toEqual({ ...result.path, raw: result.path.address, sourceRoute: [] });
      }),
      { numRuns: 5000 },
    );
  });

  it('a mailbox is read alike with and without brackets', () => {
    fc.assert(
      fc.property(dotString, domain, (local, host) => {
        expect(parseMailbox(wire(`${local}@${host}`))).toEqual(pathOf(wire(`<${local}@${host}>`), MAIL.lenient));
      }),
    );
  });
});

describe('a million octets', () => {
  const MILLION = 1_000_000;

  it.each([
    ['dots in a local part', `<${'.'.repeat(MILLION)}@b>`],
    ['one atom without end', `<${'a'.repeat(MILLION)}`],
    ['atoms that end in a dot', `<${'a.'.repeat(MILLION / 2)}@b>`],
    ['at signs', `<${'@'.repeat(MILLION)}>`],
    ['hosts of a route without mailbox', `<${'@a,'.repeat(333_333)}>`],
    ['a quoted string without end', `<"${'a'.repeat(MILLION)}`],
    ['backslashes', `<"${'\\'.repeat(MILLION)}`],
    ['hyphens in a domain', `<a@${'-'.repeat(MILLION)}>`],
    ['labels that end in a hyphen', `<a@${'a-'.repeat(MILLION / 2)}>`],
    ['open literals', `<a@${'['.repeat(MILLION)}>`],
    ['colons in a literal', `<a@[IPv6:${':'.repeat(MILLION)}]>`],
    ['groups in a literal', `<a@[IPv6:${'1:'.repeat(MILLION / 2)}]>`],
    ['dots in a literal', `<a@[${'1.'.repeat(MILLION / 2)}]>`],
    ['brackets', '<'.repeat(MILLION)],
    ['blanks', ' '.repeat(MILLION)],
    ['UTF-8 octets behind no path', `<a@b>${'\xc3\xa9'.repeat(MILLION / 2)}`],
  ])('of %s are refused', (_name, text) => {
    for (const each of POLICIES) expect(parsePath(text, each)).toEqual(SYNTAX);
  });

  it('of UTF-8 with one octet missing are a fault of the charset', () => {
    expect(parsePath(`<${'\xc3\xa9'.repeat(MILLION / 2)}\xc3@b>`, MAIL.strict)).toEqual(CHARSET);
  });

  it('of a valid path are read', () => {
    expect(pathOf(`<${'a'.repeat(MILLION)}@b>`, MAIL.strict).localPart.length).toBe(MILLION);
    expect(pathOf(`<"${'\\"'.repeat(MILLION / 2)}"@b>`, MAIL.strict).localPart).toBe('"'.repeat(MILLION / 2));
    expect(pathOf(`<a@${'b.'.repeat(MILLION / 2)}c>`, MAIL.strict).domain?.length).toBe(MILLION + 1);
    expect(pathOf(`<${'@a,'.repeat(333_333)}@a:b@c>`, MAIL.strict).sourceRoute.length).toBe(333_334);
    expect(pathOf(`<${'\xc3\xa9'.repeat(MILLION / 2)}@b>`, MAIL.strict).localPart.length).toBe(MILLION / 2);
    expect(pathOf(`${' '.repeat(MILLION)}<a@b>`, MAIL.lenient).address).toBe('a@b');
  });
});
