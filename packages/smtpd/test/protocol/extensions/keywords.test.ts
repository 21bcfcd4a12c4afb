/** The extensions that are little more than their keyword: LIMITS, CHUNKING, BINARYMIME, STARTTLS, REQUIRETLS; and AUTH. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { composeOffer, IN_CLEAR, type OfferFacts } from '../../../src/protocol/extension.js';
import { submitterOf } from '../../../src/protocol/extensions/auth.js';
import { eightBitMIME } from '../../../src/protocol/extensions/eight-bit-mime.js';
import { findOption } from '../../../src/protocol/extensions/envelope-options.js';
import { binaryMIME } from '../../../src/protocol/extensions/binary-mime.js';
import { STANDARD_EXTENSIONS } from '../../../src/protocol/extensions/index.js';
import { isTLSRequired, requireTLS } from '../../../src/protocol/extensions/require-tls.js';
import { Reply } from '../../../src/protocol/reply.js';
import { completeOptions, factsIn } from '../../../src/server/server-options.js';
import { Offered } from '../../support/offered.js';

const FACTS = factsIn(completeOptions({}), IN_CLEAR, false);
const chunkingOffer = (facts: Partial<OfferFacts>): ReturnType<typeof composeOffer> =>
  composeOffer(STANDARD_EXTENSIONS, { ...FACTS, ...facts });

describe('LIMITS', () => {
  it.each([
    [{ messagesMax: 20, recipientsMax: 100 }, 'LIMITS MAILMAX=20 RCPTMAX=100'],
    [{ messagesMax: Infinity, recipientsMax: 100 }, 'LIMITS RCPTMAX=100'],
    [{ messagesMax: 999_999, recipientsMax: Infinity }, 'LIMITS MAILMAX=999999'],
    // Seven digits are more than a client must read.
    [{ messagesMax: 1_000_000, recipientsMax: 2.5 }, 'LIMITS RCPTMAX=3'],
    [{ messagesMax: Infinity, recipientsMax: Infinity }, undefined],
  ])('with %j it is %s', (limits, line) => {
    const offered = new Offered([], limits);
    expect(offered.offer('LIMITS')).toBe(line);
  });

  it('tells what the session then does', () => {
    const { client, lines } = new Offered([], {}, { limits: { recipientsMax: 2.5, messagesMax: 1 } });
    expect(lines).toContain('LIMITS MAILMAX=1 RCPTMAX=3');
    const rcpt = 'RCPT TO:<b@example.net>';
    expect(client.codes('MAIL FROM:<>', rcpt, rcpt, rcpt, rcpt)).toEqual([250, 250, 250, 250, 452]);
  });
});

describe('CHUNKING and BINARYMIME', () => {
  it('CHUNKING brings BDAT, but not in text mode', () => {
    expect(chunkingOffer({}).keywordLines).toContain('CHUNKING');
    expect(chunkingOffer({}).commands).toContain('BDAT');
    expect(chunkingOffer({ isDecoded: true }).keywordLines).not.toContain('CHUNKING');
    expect(chunkingOffer({ isDecoded: true }).commands).not.toContain('BDAT');
  });

  it('BINARYMIME is offered together with the third value of BODY', () => {
    for (const isBinaryOffered of [true, false]) {
      const { keywordLines, mailParameters, facts } = chunkingOffer({ isBinaryOffered });
      expect(keywordLines.includes('BINARYMIME')).toBe(isBinaryOffered);
      const body = (value: string | undefined): unknown => mailParameters.get('BODY')?.parse(value, facts);
      expect(body('8bitMime')).toEqual({ value: '8BITMIME' });
      if (isBinaryOffered) expect(body('BinaryMime')).toEqual({ value: 'BINARYMIME' });
      else
        expect(body('BINARYMIME')).toMatchObject({
          code: 501,
          lines: ['Error: BODY can only be one of 7BIT, 8BITMIME'],
        });
      expect(body('BINARY')).toBeInstanceOf(Reply);
      expect(body(undefined)).toMatchObject({ code: 501, enhanced: '5.5.4' });
    }
  });

  it('BODY=BINARYMIME has room in the MAIL line', () => {
    const { lineBytes } = composeOffer([eightBitMIME, binaryMIME], { ...FACTS, isBinaryOffered: true });
    expect(lineBytes.get('MAIL')).toBeGreaterThanOrEqual(' BODY=BINARYMIME'.length);
  });
});

describe('STARTTLS', () => {
  it.each([
    [false, false, false],
    [true, false, true],
    [true, true, false],
    [false, true, false],
  ])('canStartTLS %j, isSecured %j: offered %j', (canStartTLS, isSecured, isOffered) => {
    const offer = composeOffer(STANDARD_EXTENSIONS, { ...FACTS, canStartTLS, isSecured });
    expect(offer.keywordLines.includes('STARTTLS')).toBe(isOffered);
    expect(offer.commands.has('STARTTLS')).toBe(isOffered);
  });
});

describe('REQUIRETLS', () => {
  it('is offered on TLS only, and there alone the parameter is known', () => {
    const secured = new Offered([requireTLS()], { isSecured: true });
    expect(secured.offer('REQUIRETLS')).toBe('REQUIRETLS');
    expect(secured.mail('requiretls')).toMatchObject({ code: 250, options: ['REQUIRETLS'] });
    const clear = new Offered([requireTLS()], { isSecured: false });
    expect(clear.offer('REQUIRETLS')).toBeUndefined();
    expect(clear.mail('REQUIRETLS').code).toBe(555);
  });

  it('has no value', () => {
    const secured = new Offered([requireTLS()], { isSecured: true });
    expect(secured.mail('REQUIRETLS=YES')).toMatchObject({ code: 501, enhanced: '5.5.4' });
    expect(secured.mail('REQUIRETLS REQUIRETLS').code).toBe(501);
  });

  it('has room in the MAIL line', () => {
    const { client } = new Offered([requireTLS()], { isSecured: true }, { decodeData: true, dataSizeLimit: null });
    const line = `MAIL FROM:<${'a'.repeat(500)}> REQUIRETLS`;
    expect(client.codes(line, 'RSET', `${line} `)).toEqual([250, 250, 500]);
  });

  it('is told from the options', () => {
    expect(isTLSRequired({ mailOptions: ['SIZE=1', 'REQUIRETLS'], rcptOptions: [] })).toBe(true);
    expect(isTLSRequired({ mailOptions: ['REQUIRETLSX'], rcptOptions: [] })).toBe(false);
  });
});

describe('AUTH', () => {
  const KNOWN = { authMechanisms: ['PLAIN', 'SCRAM-SHA-256'], isAuthenticated: true };

  it('is offered with its mechanisms, where there are any', () => {
    expect(new Offered([], KNOWN).offer('AUTH')).toBe('AUTH PLAIN SCRAM-SHA-256');
    expect(new Offered([], { authMechanisms: [] }).offer('AUTH')).toBeUndefined();
    expect(composeOffer(STANDARD_EXTENSIONS, { ...FACTS, ...KNOWN }).commands).toContain('AUTH');
    expect(composeOffer(STANDARD_EXTENSIONS, FACTS).commands).not.toContain('AUTH');
  });

  it('its parameter is taken where it is offered, and from an authenticated client', () => {
    expect(new Offered([], { authMechanisms: ['PLAIN'] }).mail('AUTH=<>').code).toBe(250);
    expect(new Offered([], { authMechanisms: [], isAuthenticated: true }).mail('AUTH=<>').code).toBe(250);
    expect(new Offered([], {}).mail('AUTH=<>').code).toBe(555);
  });

  it.each([
    ['<>', ''],
    ['e+3Dmc2@example.com', 'e=mc2@example.com'],
    ['+22a+20b+22@example.com', '"a b"@example.com'],
    ['+C3+A9@example.com', 'é@example.com'],
  ])('AUTH=%s is taken and names "%s"', (value, submitter) => {
    const offered = new Offered([], KNOWN);
    expect(offered.mail(`AUTH=${value}`)).toMatchObject({ code: 250, options: [`AUTH=${value}`] });
    expect(submitterOf(offered.envelope(`AUTH=${value}`))).toBe(submitter);
  });

  it.each([
    '',
    '=',
    '=bob',
    '=<bob@example.com>',
    '=bob+2b@example.com',
    '=e=mc2@example.com',
    '=a+0D+0A@example.com',
    '=+E9@example.com',
    '=a b@example.com',
    '=<> AUTH=<>',
  ])('AUTH%s is refused', (rest) => {
    expect(new Offered([], KNOWN).mail(`AUTH${rest}`).code).toBe(501);
  });

  it('a client that has not proved who it is names nobody', () => {
    const offered = new Offered([], { ...KNOWN, isAuthenticated: false });
    expect(offered.mail('AUTH=bob@example.com')).toMatchObject({ code: 250, options: ['AUTH=<>'] });
    expect(offered.mail('AUTH=bob').code).toBe(501);
  });

  it('a message without the parameter names nobody either way', () => {
    expect(submitterOf({ mailOptions: ['AUTHOR=x'], rcptOptions: [] })).toBeUndefined();
  });

  it('has room of 500 in the MAIL line', () => {
    const { client } = new Offered([], KNOWN, { decodeData: true, dataSizeLimit: null });
    const line = `MAIL FROM:<${'a'.repeat(500)}> AUTH=${'a'.repeat(482)}@example.com`;
    expect(line.length).toBe(512 + 500);
    expect(client.codes(line, 'RSET', `${line} `)).toEqual([250, 250, 500]);
  });

  it('any value is taken or refused with 501', () => {
    const offered = new Offered([], KNOWN, { limits: { errorsMax: Infinity, idleCommandsMax: Infinity } });
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'<>@a.+2BbC3"\\='), maxLength: 10 }), (value) => {
        const { code, options } = offered.mail(`AUTH=${value}`);
        expect([250, 501]).toContain(code);
        if (code === 250) expect(submitterOf({ mailOptions: options, rcptOptions: [] })).toBeDefined();
      }),
    );
  });
});

describe('findOption', () => {
  it('finds a whole keyword and nothing else', () => {
    const options = ['BYE=1', 'BY=2;R', 'BY=3;R', 'FLAG', 'EMPTY='];
    expect(findOption(options, 'BY')).toBe('2;R');
    expect(findOption(options, 'FLAG')).toBe('');
    expect(findOption(options, 'EMPTY')).toBe('');
    expect(findOption(options, 'B')).toBeUndefined();
    expect(findOption([], 'BY')).toBeUndefined();
  });
});
