import { describe, expect, it } from 'vitest';

import {
  composeOffer,
  defineExtension,
  type Extension,
  type OfferFacts,
  type ParameterDefinition,
  type VerbDefinition,
  IN_CLEAR,
} from '../../src/protocol/extension.js';
import { STANDARD_EXTENSIONS } from '../../src/protocol/extensions/index.js';
import { Reply } from '../../src/protocol/reply.js';
import { completeOptions, factsIn } from '../../src/server/server-options.js';
import { PureClient } from '../support/pure-client.js';

const FACTS: OfferFacts = { ...factsIn(completeOptions({ dataSizeLimit: 1_000 }), IN_CLEAR, false) };
const parameter: ParameterDefinition = { parse: (value) => ({ value }) };
const verb = (syntax: string): VerbDefinition => ({ syntax, run: () => undefined });

/** The reason of each `SMTPD_BAD_EXTENSION` that an extension alone can have. */
const BAD: readonly (readonly [reason: string, extension: Extension])[] = [
  ['its keyword is letters', { keyword: '' }],
  ['its keyword is letters', { keyword: 'xlower' }],
  ['its keyword is letters', { keyword: '-X' }],
  ['its keyword is letters', { keyword: 'X Y' }],
  ['its keyword is letters', { keyword: 'X\r\n250-EVIL' }],
  ['its keyword is letters', { keyword: 'X\n' }],
  ['its keyword is letters', { keyword: 'ſ' }],
  ['the parameter "by" is not', { keyword: 'X', mailParameters: { by: parameter } }],
  ['the parameter "B=Y" is not', { keyword: 'X', rcptParameters: { 'B=Y': parameter } }],
  ['the parameter "BY" has no parse function', { keyword: 'X', mailParameters: { BY: {} as ParameterDefinition } }],
  ['the parameter "BY" has no parse function', { keyword: 'X', rcptParameters: { BY: {} as ParameterDefinition } }],
  ['"xping" cannot be a verb', { keyword: 'X', verbs: { xping: verb('xping') } }],
  ['"X PING" cannot be a verb', { keyword: 'X', verbs: { 'X PING': verb('X PING') } }],
  ['"1X" cannot be a verb', { keyword: 'X', verbs: { '1X': verb('1X') } }],
  ['MAIL is a command of RFC 5321', { keyword: 'X', verbs: { MAIL: verb('MAIL') } }],
  ['the verb XPING has no run function', { keyword: 'X', verbs: { XPING: { syntax: 'XPING' } as VerbDefinition } }],
  ['the syntax of XPING does not begin', { keyword: 'X', verbs: { XPING: verb('PING') } }],
  ['the syntax of XPING is one line', { keyword: 'X', verbs: { XPING: verb('XPING \r\n250 x') } }],
  ['the syntax of XPING is one line', { keyword: 'X', verbs: { XPING: verb('XPING é') } }],
  ['lineBytes.mail names no verb', { keyword: 'X', lineBytes: { mail: 1 } }],
  ['lineBytes.MAIL is a number', { keyword: 'X', lineBytes: { MAIL: -1 } }],
  ['lineBytes.MAIL is a number', { keyword: 'X', lineBytes: { MAIL: 1.5 } }],
  ['lineBytes.MAIL is a number', { keyword: 'X', lineBytes: { MAIL: Infinity } }],
];

describe('defineExtension', () => {
  it.each(BAD)('says %s …', (reason, extension) => {
    expectBad(() => defineExtension(extension), `Extension ${extension.keyword}: `, reason);
    // An object that was not made by `defineExtension` is looked at all the same.
    expectBad(() => composeOffer([extension], FACTS), `Extension ${extension.keyword}: `, reason);
  });

  it('gives the extension back, frozen', () => {
    const given: Extension = {
      keyword: '8X-Y',
      mailParameters: { 'B-Y': parameter },
      rcptParameters: { NOTIFY: parameter },
      verbs: { 'X-PING': verb('X-PING [SP <text>]') },
      lineBytes: { MAIL: 0, XPING: 1000 },
    };
    const made = defineExtension(given);
    expect(made).toEqual(given);
    expect(Object.isFrozen(made)).toBe(true);
    expect(Object.isFrozen(given)).toBe(false);
  });
});

describe('composeOffer', () => {
  it('names the keywords in order, with what stands behind them', () => {
    const extensions: Extension[] = [
      { keyword: 'XA' },
      { keyword: 'XB', offer: () => true },
      { keyword: 'XC', offer: () => 'one two' },
      { keyword: 'XD', offer: () => '' },
      { keyword: 'XE', offer: () => false },
      { keyword: 'XF', offer: ({ sizeLimitBytes }) => String(sizeLimitBytes) },
    ];
    const offer = composeOffer(extensions, FACTS);
    expect(offer.keywordLines).toEqual(['XA', 'XB', 'XC one two', 'XD', 'XF 1000']);
    expect(offer.facts).toBe(FACTS);
    expect(Object.isFrozen(offer) && Object.isFrozen(offer.keywordLines)).toBe(true);
  });

  it('gathers parameters, verbs and line lengths; lengths for one verb add up', () => {
    const offer = composeOffer(
      [
        { keyword: 'XA', mailParameters: { A: parameter }, lineBytes: { MAIL: 10, RCPT: 5 } },
        { keyword: 'XB', rcptParameters: { A: parameter }, verbs: { XB: verb('XB') }, lineBytes: { MAIL: 7 } },
      ],
      FACTS,
    );
    expect([...offer.mailParameters.keys()]).toEqual(['A']);
    expect([...offer.rcptParameters.keys()]).toEqual(['A']);
    expect([...offer.verbs.keys()]).toEqual(['XB']);
    expect(Object.fromEntries(offer.lineBytes)).toEqual({ MAIL: 17, RCPT: 5 });
  });

  it('of what is not offered has nothing, unless it is always accepted', () => {
    const all = {
      mailParameters: { A: parameter },
      rcptParameters: { B: parameter },
      verbs: { XC: verb('XC') },
      lineBytes: { MAIL: 10 },
      offer: () => false,
    };
    const without = composeOffer([{ keyword: 'XA', ...all }], FACTS);
    const sizes = ({ keywordLines, mailParameters, rcptParameters, verbs, lineBytes }: typeof without) => [
      keywordLines.length,
      mailParameters.size,
      rcptParameters.size,
      verbs.size,
      lineBytes.size,
    ];
    expect(sizes(without)).toEqual([0, 0, 0, 0, 0]);
    expect(sizes(composeOffer([{ keyword: 'XA', ...all, isAlwaysAccepted: true }], FACTS))).toEqual([0, 1, 1, 1, 0]);
  });

  it.each<[string, Extension, Extension]>([
    ['the same keyword is there twice', { keyword: 'XB' }, { keyword: 'XB' }],
    [
      'A is declared',
      { keyword: 'XA', mailParameters: { A: parameter } },
      { keyword: 'XB', mailParameters: { A: parameter } },
    ],
    [
      'A is declared',
      { keyword: 'XA', rcptParameters: { A: parameter } },
      { keyword: 'XB', rcptParameters: { A: parameter } },
    ],
    ['XV is declared', { keyword: 'XA', verbs: { XV: verb('XV') } }, { keyword: 'XB', verbs: { XV: verb('XV') } }],
  ])('refuses that two declare one thing: %s', (reason, first, second) => {
    expectBad(() => composeOffer([first, second], FACTS), 'Extension XB: ', reason);
  });

  it('sees a keyword that is there twice though one is not offered', () => {
    expectBad(
      () => composeOffer([{ keyword: 'XB', offer: () => false }, { keyword: 'XB' }], FACTS),
      'Extension XB: ',
      'twice',
    );
  });

  it.each(['a\r\n250-EVIL', 'a\nb', 'é', '\0', 'x'.repeat(494)])('refuses to offer %j', (offered) => {
    expectBad(() => composeOffer([{ keyword: 'XA', offer: () => offered }], FACTS), 'Extension XA: ', 'what it offers');
  });

  it('offers a line as long as a line may be', () => {
    const offered = 'x'.repeat(493);
    expect(composeOffer([{ keyword: 'XA', offer: () => offered }], FACTS).keywordLines).toEqual([`XA ${offered}`]);
  });
});

describe('the standard extensions', () => {
  it.each<[string, Partial<OfferFacts>, readonly string[]]>([
    ['usually', {}, ['SIZE 1000', '8BITMIME', 'SMTPUTF8']],
    ['without a size limit', { sizeLimitBytes: undefined }, ['8BITMIME', 'SMTPUTF8']],
    ['without SMTPUTF8', { isSMTPUTF8Enabled: false }, ['SIZE 1000', '8BITMIME']],
    ['in text mode', { isDecoded: true, isSMTPUTF8Enabled: false, isBinaryOffered: false }, ['SIZE 1000']],
  ])('%s', (_when, facts, lines) => {
    const offer = composeOffer(STANDARD_EXTENSIONS, { ...FACTS, ...facts });
    expect(offer.keywordLines).toEqual([
      ...lines,
      ...['PIPELINING', 'ENHANCEDSTATUSCODES', 'HELP', 'LIMITS RCPTMAX=1000'],
      ...(offer.facts.isDecoded ? [] : ['CHUNKING', 'BINARYMIME']),
    ]);
    // RFC 1870 §3, RFC 6152 §2, RFC 6531 §3.4: what each adds to the MAIL line.
    const has = (keyword: string): boolean => lines.some((line) => line.startsWith(keyword));
    expect(offer.lineBytes.get('MAIL')).toBe(
      (has('SIZE') ? 26 : 0) + (has('8BITMIME') ? 17 : 0) + (has('SMTPUTF8') ? 10 : 0),
    );
    expect(offer.mailParameters.has('SIZE')).toBe(true);
    expect(offer.mailParameters.has('BODY')).toBe(has('8BITMIME'));
    expect(offer.mailParameters.has('SMTPUTF8')).toBe(has('SMTPUTF8'));
  });
});

describe('the order of the standard extensions', () => {
  it('is the one in which they are listed, whatever is offered', () => {
    const offer = composeOffer(STANDARD_EXTENSIONS, {
      ...FACTS,
      canStartTLS: true,
      authMechanisms: ['PLAIN', 'LOGIN'],
      mayXCLIENT: true,
      mayXFORWARD: true,
    });
    expect(offer.keywordLines).toEqual([
      ...['SIZE 1000', '8BITMIME', 'SMTPUTF8', 'PIPELINING', 'ENHANCEDSTATUSCODES', 'HELP', 'LIMITS RCPTMAX=1000'],
      ...['CHUNKING', 'BINARYMIME', 'STARTTLS', 'AUTH PLAIN LOGIN'],
      'XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT',
      'XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE',
    ]);
    expect([...offer.commands]).toEqual(['BDAT', 'STARTTLS', 'AUTH', 'XCLIENT', 'XFORWARD']);
  });
});

describe('an extension of a user', () => {
  const priority = defineExtension({
    keyword: 'XPRIO',
    offer: () => '0 9',
    lineBytes: { MAIL: 100 },
    mailParameters: {
      XPRIO: {
        parse: (value, { sizeLimitBytes }) =>
          value === undefined
            ? new Reply(501, '5.5.4', 'XPRIO needs a value')
            : { value: `${value}/${String(sizeLimitBytes)}` },
      },
    },
    rcptParameters: { XLATE: { parse: () => ({ value: undefined }) } },
  });

  it('is offered, judges its parameters, and the application sees what it made of them', () => {
    const client = new PureClient({ extensions: [priority], dataSizeLimit: 50 });
    const [hello] = client.send('EHLO c\r\n');
    expect(hello?.lines.at(-1)).toBe('XPRIO 0 9');
    const commands = [
      'MAIL FROM:<a@a.example> XPRIO',
      'MAIL FROM:<a@a.example> xprio=3 XNONE',
      'MAIL FROM:<a@a.example> xprio=3',
    ];
    expect(client.codes(...commands, 'RCPT TO:<b@b.example> XLATE=1', 'DATA', '.')).toEqual([
      501, 555, 250, 250, 354, 250,
    ]);
    expect(client.deliveries).toMatchObject([{ mailOptions: ['XPRIO=3/50'], rcptOptions: [['XLATE']] }]);
  });

  it('makes room in the MAIL line for what it adds', () => {
    const client = new PureClient({ extensions: [priority] });
    client.codes('EHLO c');
    const start = 'MAIL FROM:<a@a.example> XPRIO=';
    // 512, 26 for SIZE, 17 for BODY, 10 for SMTPUTF8, and 100.
    const most = 512 + 26 + 17 + 10 + 100 - start.length;
    expect(client.codes(`${start}${'9'.repeat(most + 1)}`, `${start}${'9'.repeat(most)}`)).toEqual([500, 250]);
  });
});

function expectBad(act: () => unknown, ...parts: readonly string[]): void {
  const matching = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*');
  expect(act).toThrow(
    expect.objectContaining({
      name: 'UsageError',
      code: 'SMTPD_BAD_EXTENSION',
      message: expect.stringMatching(new RegExp(matching, 's')) as string,
    }) as Error,
  );
}
