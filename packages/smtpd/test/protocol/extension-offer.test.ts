import { describe, expect, it } from 'vitest';

import { UsageError } from '../../src/protocol/errors.js';
import {
  composeOffer,
  defineExtension,
  type Extension,
  type OfferFacts,
  IN_CLEAR,
} from '../../src/protocol/extension.js';
import { STANDARD_EXTENSIONS } from '../../src/protocol/extensions/index.js';
import { Reply } from '../../src/protocol/reply.js';
import { factsIn, completeOptions, type SMTPServerOptions } from '../../src/server/server-options.js';
import { PureClient } from '../support/pure-client.js';

const FACTS: OfferFacts = factsIn(completeOptions({}), IN_CLEAR, false);
const ANY = { parse: (value: string | undefined) => ({ value }) };
const CROSSED = new Reply(501, '5.5.4', 'Error: XA and XB exclude each other');

const crossing: Extension = {
  keyword: 'XCROSS',
  mailParameters: { XA: ANY, XB: ANY },
  rcptParameters: { XC: ANY },
  judgeMail: (parameters) => (parameters.length === 2 ? CROSSED : undefined),
  judgeRcpt: (parameters, { isSecured }) =>
    parameters[0]?.value === 'tls' && !isSecured ? new Reply(550, '5.7.1', 'Error: only on TLS') : undefined,
};

describe('rules between parameters', () => {
  it('are asked once all parameters of the command were parsed', () => {
    const client = new PureClient({ extensions: [crossing] });
    expect(
      client.codes(
        'EHLO c.example',
        'MAIL FROM:<a@b.example> XA=1 XB=2',
        'MAIL FROM:<a@b.example> XB=2 SIZE',
        'MAIL FROM:<a@b.example> XA=1 XB=2 XD',
        'MAIL FROM:<a@b.example> XA=1',
      ),
    ).toEqual([250, 501, 501, 555, 250]);
    expect(client.replies[2]?.lines).toEqual([`5.5.4 ${CROSSED.lines[0] ?? ''}`]);
  });

  it('know the facts of the session', () => {
    for (const isSecured of [false, true]) {
      const client = new PureClient({ extensions: [crossing], facts: { isSecured } });
      client.codes('EHLO c.example', 'MAIL FROM:<a@b.example>');
      expect(client.codes('RCPT TO:<a@b.example> XC=tls', 'RCPT TO:<a@b.example>')).toEqual([
        isSecured ? 250 : 550,
        250,
      ]);
    }
  });

  it('of MAIL are not those of RCPT', () => {
    const { mailJudges, rcptJudges } = composeOffer([crossing], FACTS);
    expect(mailJudges).toEqual([crossing.judgeMail]);
    expect(rcptJudges).toEqual([crossing.judgeRcpt]);
  });

  it('of an extension that is not offered are not asked', () => {
    const { mailJudges, rcptJudges } = composeOffer([{ ...crossing, offer: () => false }], FACTS);
    expect([...mailJudges, ...rcptJudges]).toEqual([]);
  });
});

describe('commands that come with a keyword', () => {
  const withCommand: Extension = { keyword: 'XBULK', commands: ['BULK'], offer: ({ isSecured }) => isSecured };

  it('are there while it is offered', () => {
    expect([...composeOffer([withCommand], FACTS).commands]).toEqual([]);
    expect([...composeOffer([withCommand], { ...FACTS, isSecured: true }).commands]).toEqual(['BULK']);
  });

  it('are named in upper case', () => {
    expect(() => defineExtension({ keyword: 'XBULK', commands: ['bulk'] })).toThrow(UsageError);
  });
});

describe('what is accepted although it is not offered', () => {
  it('may depend on the facts', () => {
    const extension: Extension = {
      keyword: 'XWHO',
      offer: () => false,
      isAlwaysAccepted: ({ isAuthenticated }) => isAuthenticated,
      mailParameters: { XWHO: ANY },
      lineBytes: { MAIL: 5 },
    };
    expect(composeOffer([extension], FACTS).mailParameters.has('XWHO')).toBe(false);
    const offer = composeOffer([extension], { ...FACTS, isAuthenticated: true });
    expect(offer.mailParameters.has('XWHO')).toBe(true);
    expect(offer.keywordLines).toEqual([]);
    expect(offer.lineBytes.get('MAIL')).toBeUndefined();
  });
});

describe('a disabled extension', () => {
  it('is not offered, and nothing of it is accepted', () => {
    const client = new PureClient({ extensions: [crossing], disabledExtensions: ['SIZE', 'XCROSS'] });
    client.send('EHLO c.example\r\n');
    expect(client.replies.at(-1)?.lines.join()).not.toMatch(/SIZE|XCROSS/);
    expect(client.codes('MAIL FROM:<> SIZE=1', 'MAIL FROM:<> XA=1', 'MAIL FROM:<>')).toEqual([555, 555, 250]);
    const { mailJudges, lineBytes } = composeOffer([crossing], FACTS, { disabled: ['XCROSS'] });
    expect(mailJudges).toEqual([]);
    expect(lineBytes.size).toBe(0);
  });

  it('leaves no trace of SMTPUTF8 in VRFY, and takes SMTPUTF8 with it when it is 8BITMIME', () => {
    for (const keyword of ['SMTPUTF8', '8BITMIME']) {
      const client = new PureClient({ disabledExtensions: [keyword] });
      client.send('EHLO c.example\r\n');
      expect(client.replies.at(-1)?.lines).not.toContain('SMTPUTF8');
      expect(client.codes('MAIL FROM:<> SMTPUTF8', 'VRFY \u00c3\u00a9 SMTPUTF8')).toEqual([555, 501]);
    }
  });

  it('must be one that there is', () => {
    expect(() => composeOffer(STANDARD_EXTENSIONS, FACTS, { disabled: ['PIPELINNG'] })).toThrow(
      expect.objectContaining({ code: 'SMTPD_BAD_OPTION', message: expect.stringContaining('PIPELINING') as string }),
    );
  });
});

describe('the facts that a session begins with', () => {
  it('come from the options of the server', () => {
    const factsOf = (options: SMTPServerOptions): OfferFacts => factsIn(completeOptions(options), IN_CLEAR, false);
    expect(factsOf({ limits: { recipientsMax: 7, messagesMax: Infinity }, dataSizeLimit: 9 })).toEqual({
      protocol: 'smtp',
      sizeLimitBytes: 9,
      isDecoded: false,
      isSMTPUTF8Enabled: true,
      isBinaryOffered: true,
      isSecured: false,
      canStartTLS: false,
      isAuthenticated: false,
      authMechanisms: [],
      authMechanismsOnTLS: [],
      mayXCLIENT: false,
      mayXFORWARD: false,
      hasChannelBinding: false,
      recipientsMax: 7,
      messagesMax: Infinity,
    });
    expect(factsOf({ decodeData: true })).toMatchObject({
      isDecoded: true,
      isSMTPUTF8Enabled: false,
      isBinaryOffered: false,
    });
  });
});
