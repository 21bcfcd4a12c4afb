/** LMTP (RFC 2033) in the pure session: LHLO, and a reply for each recipient of a message. */

import { describe, expect, it } from 'vitest';

import type { UsageError } from '../../src/protocol/errors.js';
import { Reply } from '../../src/protocol/reply.js';
import { PureClient, type PureSetup } from '../support/pure-client.js';

const OK = '250 2.0.0 OK';
const NO = new Reply(550, '5.1.1', 'No');
const FULL = new Reply(452, '4.2.2', 'Full');
const YES = new Reply(250, '2.0.0', 'Yes');
const GONE = new Reply(421, '4.3.2', 'Gone');

/** A client in front of the content, with these recipients. */
function addressed(recipients: readonly string[], setup: PureSetup = {}): PureClient {
  const client = new PureClient({ protocol: 'lmtp', ...setup });
  client.codes('LHLO c.example', 'MAIL FROM:<a@a.example>', ...recipients.map((each) => `RCPT TO:<${each}>`));
  client.output = '';
  return client;
}

function said(client: PureClient): readonly string[] {
  const lines = client.output.split('\r\n').slice(0, -1);
  client.output = '';
  return lines;
}

/** Sends a message in each of the ways that there are, and says what came behind the 354. */
function deliver(make: () => PureClient): { readonly client: PureClient; readonly lines: readonly string[] }[] {
  const sent = ['DATA\r\nhello\r\n.\r\n', 'BDAT 7 LAST\r\nhello\r\n', 'BDAT 7\r\nhello\r\nBDAT 0 LAST\r\n'];
  return sent.map((text) => {
    const client = make();
    client.send(text);
    return { client, lines: said(client).filter((line) => !/^354|octets received/.test(line)) };
  });
}

describe('LHLO', () => {
  it('stands for EHLO, which is not there, and neither is HELO', () => {
    const client = new PureClient({ protocol: 'lmtp' });
    client.output = '';
    client.codes('EHLO c.example', 'HELO c.example', 'MAIL FROM:<>');
    expect(said(client)).toEqual([
      '500 5.5.1 Error: command "EHLO" not recognized',
      '500 5.5.1 Error: command "HELO" not recognized',
      '503 5.5.1 Error: send HELO first',
    ]);
    client.send('lhlo c.example\r\n');
    expect(said(client)).toContain('250-PIPELINING');
    expect(client.session.client).toMatchObject({ isExtended: true, name: { text: 'c.example' } });
    expect(client.codes('MAIL FROM:<> SIZE=1')).toEqual([250]);
  });

  it('is not there in SMTP', () => {
    const client = new PureClient();
    client.output = '';
    client.codes('LHLO c.example', 'LHLO');
    expect(said(client)).toEqual([
      '500 5.5.1 Error: command "LHLO" not recognized',
      '500 5.5.1 Error: command "LHLO" not recognized',
    ]);
  });

  it('is asked about as itself', () => {
    const asked: unknown[] = [];
    const client = new PureClient({
      protocol: 'lmtp',
      decide: (question) => {
        if (question.kind === 'helo') asked.push(question.verb);
        return undefined;
      },
    });
    client.codes('LHLO c.example', 'LHLO', 'LHLO \xe9');
    expect(asked).toEqual(['LHLO']);
    expect(client.replies.slice(-2).map(({ lines }) => lines)).toEqual([
      ['5.5.4 Syntax: LHLO hostname'],
      ['5.5.4 Syntax: LHLO hostname'],
    ]);
  });
});

describe('a message has a reply for each recipient that was accepted', () => {
  it('in order, however it is sent', () => {
    const decide: PureSetup['decide'] = (question) =>
      question.kind === 'rcpt' && question.recipient.path.localPart === 'no' ? NO : undefined;
    for (const count of [1, 2, 5]) {
      const names = Array.from({ length: count }, (_, index) => `b${String(index)}@b.example`);
      for (const { client, lines } of deliver(() =>
        addressed(['no@b.example', ...names, 'no@b.example'], { decide }),
      )) {
        expect(lines).toEqual(names.map(() => OK));
        expect(client.deliveries).toMatchObject([{ rcptTos: names, data: 'hello\r\n' }]);
        expect(client.session.isUnanswered).toBe(false);
        expect(client.session.phase).toBe('ready');
      }
    }
  });

  it('the same address twice, and in another case of letters, are three', () => {
    const names = ['bob@b.example', 'bob@b.example', 'BOB@B.EXAMPLE'];
    for (const { client, lines } of deliver(() => addressed(names))) {
      expect(lines).toEqual([OK, OK, OK]);
      expect(client.deliveries.map(({ rcptTos }) => rcptTos)).toEqual([names]);
    }
  });

  it('each its own, where the application tells them apart', () => {
    for (const { client, lines } of deliver(() =>
      addressed(['a@b.example', 'b@b.example', 'c@b.example'], { decideEach: () => [YES, FULL, NO] }),
    )) {
      expect(lines).toEqual(['250 2.0.0 Yes', '452 4.2.2 Full', '550 5.1.1 No']);
      expect(client.deliveries).toHaveLength(1);
      // A message that somebody has is a message.
      expect(client.session.messageCount).toBe(1);
    }
  });

  it('the one that the application gave, when it was for all', () => {
    for (const reply of [YES, NO, FULL]) {
      const decide: PureSetup['decide'] = ({ kind }) => (kind === 'message' ? reply : undefined);
      for (const { client, lines } of deliver(() => addressed(['a@b.example', 'b@b.example'], { decide }))) {
        expect(lines).toEqual([reply.toString(), reply.toString()]);
        expect(client.session.messageCount).toBe(reply === YES ? 1 : 0);
      }
    }
  });

  it('also when it is refused for its content', () => {
    for (const { client, lines } of deliver(() => addressed(['a@b.example', 'b@b.example'], { dataSizeLimit: 5 }))) {
      const TOO_LARGE = '552 5.3.4 Error: Too much mail data';
      const isFailedEarly = lines.length === 2 && lines[1] !== TOO_LARGE;
      // A chunk that is not the last has one reply; the last one then finds no transaction.
      expect(lines).toEqual(isFailedEarly ? [TOO_LARGE, '503 5.5.1 Error: need MAIL command'] : [TOO_LARGE, TOO_LARGE]);
      expect(client.deliveries).toEqual([]);
    }
  });

  it('in whole replies of one group with the commands around them', () => {
    const client = addressed(['a@b.example', 'b@b.example']);
    client.send('DATA\r\n.\r\nNOOP\r\nMAIL FROM:<>\r\nRCPT TO:<c@b.example>\r\nBDAT 0 LAST\r\nNOOP\r\n');
    // 354; two; NOOP; MAIL; RCPT; one; NOOP.
    expect(client.replies.slice(-8).map(({ code }) => code)).toEqual([354, 250, 250, 250, 250, 250, 250, 250]);
    expect(client.deliveries.map(({ rcptTos }) => rcptTos)).toEqual([['a@b.example', 'b@b.example'], ['c@b.example']]);
  });

  it('but in SMTP one for all', () => {
    const client = new PureClient();
    client.codes('EHLO c', 'MAIL FROM:<>', 'RCPT TO:<a@b.example>', 'RCPT TO:<b@b.example>', 'DATA');
    expect(client.codes('x\r\n.')).toEqual([250]);
  });
});

describe('421 among the replies', () => {
  it.each([0, 1, 2])('at place %i is sent at its place, and closes behind the last', (place) => {
    const each = [YES, YES, YES].map((reply, index) => (index === place ? GONE : reply));
    for (const { client, lines } of deliver(() =>
      addressed(['a@b.example', 'b@b.example', 'c@b.example'], { decideEach: () => each }),
    )) {
      expect(lines).toEqual(each.map((reply) => reply.toString()));
      expect(client.session.phase).toBe('closed');
      expect(client.send('NOOP\r\n')).toEqual([]);
    }
  });

  it('for all is said for each', () => {
    const decide: PureSetup['decide'] = ({ kind }) => (kind === 'message' ? GONE : undefined);
    for (const { client, lines } of deliver(() => addressed(['a@b.example', 'b@b.example'], { decide }))) {
      expect(lines).toEqual([GONE.toString(), GONE.toString()]);
      expect(client.session.phase).toBe('closed');
    }
  });
});

describe('answerEach', () => {
  it.each([0, 1, 3])('with %i replies for two recipients is SMTPD_BAD_REPLY, and the question stays open', (count) => {
    const client = addressed(['a@b.example', 'b@b.example'], {
      decideEach: () => {
        expect(() => {
          client.session.answerEach(Array.from({ length: count }, () => YES));
        }).toThrow(expect.objectContaining({ code: 'SMTPD_BAD_REPLY' }) as UsageError);
        return [YES, NO];
      },
    });
    client.codes('BDAT 0 LAST');
    expect(said(client)).toEqual([YES.toString(), NO.toString()]);
  });

  it('counts as one refusal when nobody took the message', () => {
    const make = (each: readonly Reply[]) =>
      addressed(['a@b.example', 'b@b.example'], { limits: { refusalsMax: 1 }, decideEach: () => each });
    const refused = make([NO, FULL]);
    refused.codes('BDAT 0 LAST', 'MAIL FROM:<>', 'RCPT TO:<a@b.example>', 'RCPT TO:<b@b.example>', 'BDAT 0 LAST');
    expect(refused.code).toBe(421);
    expect(refused.exceeded).toEqual(['refusalsMax']);
    const taken = make([NO, YES]);
    taken.codes('BDAT 0 LAST', 'MAIL FROM:<>', 'RCPT TO:<a@b.example>', 'RCPT TO:<b@b.example>', 'BDAT 0 LAST');
    expect(taken.exceeded).toEqual([]);
    expect(taken.session.messageCount).toBe(2);
  });
});
