/** What `send()` says of each recipient when the connection fails before the server has answered for all of them. */

import { describe, expect, it } from 'vitest';

import { SMTPConnectionError, SMTPRefusedError, type RecipientOutcome } from '../../src/client/client-errors.js';
import { SMTPClientPool } from '../../src/client/pool.js';
import { rejection, turns, until } from '../server/support.js';
import { MESSAGE, met, PeerListener, type Peer } from './support.js';

const RECIPIENTS = ['b@b.example', 'c@b.example', 'd@b.example'];

/** How content goes to the server. */
const WAYS: Readonly<
  Record<
    string,
    {
      readonly keywords: readonly string[];
      /** Answers all commands, RCPT so, up to the end of the content. */
      readonly toEnd: (peer: Peer, rcptReplies: string) => Promise<void>;
    }
  >
> = {
  DATA: {
    keywords: ['PIPELINING'],
    toEnd: async (peer, rcptReplies) => {
      await peer.until('DATA\r\n');
      peer.say(`250 a\r\n${rcptReplies}354 b\r\n`);
      await peer.until('\r\n.\r\n');
    },
  },
  BDAT: {
    keywords: ['PIPELINING', 'CHUNKING'],
    toEnd: async (peer, rcptReplies) => {
      await peer.until('RCPT TO:<d@b.example>\r\n');
      peer.say(`250 a\r\n${rcptReplies}`);
      await peer.until(' LAST\r\n');
      await peer.until(MESSAGE.data);
    },
  },
};

/** A message on its way to three recipients over LMTP, as far as the end of its content. */
async function atEnd(way: string, { rcptReplies = '250 b\r\n250 c\r\n250 d\r\n' } = {}) {
  const { keywords, toEnd } = WAYS[way]!;
  const meeting = await met(keywords, { protocol: 'lmtp' });
  const abort = new AbortController();
  const sent = meeting.client.send({ ...MESSAGE, rcptTos: RECIPIENTS }, { signal: abort.signal });
  sent.catch(() => undefined);
  await toEnd(meeting.peer, rcptReplies);
  const { client, peer, clock } = meeting;
  return { client, peer, clock, abort, sent };
}

/** Code by code; `failed` for those that the server had not answered for. */
function codesOf(recipients: readonly RecipientOutcome[]): (number | string)[] {
  return recipients.map(({ reply, failure }) => (failure === undefined ? reply.code : `failed ${String(reply.code)}`));
}

/** How a conversation is cut short, and the code of the error that says so. */
const ENDS: readonly (readonly [string, string, (end: Awaited<ReturnType<typeof atEnd>>) => void])[] = [
  ['the server closes', 'SMTPD_CONNECTION_LOST', ({ peer }) => peer.transport.end()],
  ['the connection breaks', 'SMTPD_CONNECTION_LOST', ({ peer }) => peer.transport.destroy()],
  ['the server falls silent', 'SMTPD_SERVER_SILENT', ({ clock }) => clock.advance(600_000)],
  ['the server cannot be understood', 'SMTPD_SERVER_FAULT', ({ peer }) => peer.say('What?\r\n')],
  ['the server says what no reply to content is', 'SMTPD_SERVER_FAULT', ({ peer }) => peer.say('354 Go on\r\n')],
  ['the signal is aborted', 'SMTPD_ABORTED', ({ abort }) => abort.abort(new Error('enough'))],
  ['the client is destroyed', 'SMTPD_CONNECTION_LOST', ({ client }) => client.destroy()],
];

describe.each(Object.keys(WAYS))('a message over LMTP, by %s', (way) => {
  it.each(ENDS)('is there for whom the server has taken it, when %s between the replies', async (_, code, cut) => {
    const end = await atEnd(way);
    end.peer.say('250 2.1.5 Taken for b\r\n');
    await turns();
    cut(end);
    const { recipients, reply } = await end.sent;
    expect(codesOf(recipients)).toEqual([250, 'failed 451', 'failed 451']);
    expect(recipients.map(({ address, isAccepted }) => [address, isAccepted])).toEqual([
      ['b@b.example', true],
      ['c@b.example', false],
      ['d@b.example', false],
    ]);
    expect(recipients[1]!.failure).toMatchObject({ code, stage: way === 'DATA' ? 'content' : 'BDAT' });
    expect(recipients[1]!.reply.isTransient).toBe(true);
    expect(reply.toString()).toBe('250 2.1.5 Taken for b');
    await end.peer.gone();
    expect([end.client.isOpen, end.clock.timerCount]).toEqual([false, 0]);
  });

  it.each(ENDS)('is taken for nobody, when %s behind a refusal', async (_, code, cut) => {
    const end = await atEnd(way);
    end.peer.say('550 5.2.1 Not for b\r\n');
    await turns();
    cut(end);
    const error = await rejection(end.sent);
    expect(error).toBeInstanceOf(SMTPConnectionError);
    expect(error).toMatchObject({ code, contentReplies: [{ code: 550 }] });
    expect(codesOf((error as SMTPConnectionError).recipients)).toEqual([550, 'failed 451', 'failed 451']);
  });

  it.each(ENDS)('has nothing to say of anybody, when %s before the first reply', async (_, code, cut) => {
    const end = await atEnd(way);
    cut(end);
    expect(await rejection(end.sent)).toMatchObject({ code, contentReplies: [], recipients: [] });
  });

  it('gives each reply to the recipient that it is for, past those that were refused', async () => {
    const end = await atEnd(way, { rcptReplies: '550 b\r\n250 c\r\n250 d\r\n' });
    end.peer.say('250 c\r\n');
    await turns();
    end.peer.transport.end();
    expect(codesOf((await end.sent).recipients)).toEqual([550, 250, 'failed 451']);
  });

  it('keeps what was said to RCPT, when there was no reply to the content', async () => {
    const end = await atEnd(way, { rcptReplies: '250 b\r\n550 c\r\n250 d\r\n' });
    end.peer.transport.end();
    const error = await rejection(end.sent);
    expect(error).toMatchObject({ code: 'SMTPD_CONNECTION_LOST', contentReplies: [] });
    expect(codesOf((error as SMTPConnectionError).recipients)).toEqual(['failed 451', 550, 'failed 451']);
  });

  it('is worth another try, when one of the refusals is for now', async () => {
    const end = await atEnd(way);
    end.peer.say('550 b\r\n452 c\r\n550 d\r\n');
    const error = await rejection(end.sent);
    expect(error).toBeInstanceOf(SMTPRefusedError);
    expect(error).toMatchObject({ command: 'content', isTransient: true });
    expect(codesOf((error as SMTPRefusedError).recipients)).toEqual([550, 452, 550]);
  });

  it('sent step by step rejects with the replies that came', async () => {
    const { keywords } = WAYS[way]!;
    const { client, peer } = await met(keywords, { protocol: 'lmtp' });
    const asked = Promise.all([client.mail(''), client.rcpt('b@b.example'), client.rcpt('c@b.example')]);
    await peer.until('RCPT TO:<c@b.example>\r\n');
    peer.say('250 a\r\n250 b\r\n250 c\r\n');
    await asked;
    if (way === 'DATA') {
      const started = client.data();
      await peer.answer('354 d');
      await started;
    }
    const sent = way === 'DATA' ? client.sendContent(MESSAGE.data) : client.sendChunks(MESSAGE.data);
    sent.catch(() => undefined);
    await peer.until(MESSAGE.data);
    peer.say('250 e\r\n');
    await turns();
    peer.transport.end();
    expect(await rejection(sent)).toMatchObject({
      code: 'SMTPD_CONNECTION_LOST',
      contentReplies: [{ code: 250 }],
      recipients: [],
    });
  });
});

describe('a connection that is lost', () => {
  it('among the replies to RCPT keeps what the server refused', async () => {
    const { client, peer } = await met(['PIPELINING']);
    const sent = client.send({ ...MESSAGE, rcptTos: RECIPIENTS });
    sent.catch(() => undefined);
    await peer.until('DATA\r\n');
    peer.say('250 a\r\n250 b\r\n550 c\r\n');
    await turns();
    peer.transport.end();
    const error = await rejection(sent);
    expect(error).toMatchObject({ code: 'SMTPD_CONNECTION_LOST', stage: 'RCPT' });
    // Who was accepted has no message yet.
    expect(codesOf((error as SMTPConnectionError).recipients)).toEqual(['failed 451', 550, 'failed 451']);
  });

  it('behind the refusal of all changes nothing of it', async () => {
    const { client, peer } = await met([]);
    const sent = client.send({ ...MESSAGE, rcptTos: ['b@b.example'] });
    sent.catch(() => undefined);
    await peer.answer('250 a', '550 5.1.1 Nobody', '503 No recipient');
    expect(await peer.line()).toBe('RSET');
    peer.transport.end();
    const error = await rejection(sent);
    expect(error).toBeInstanceOf(SMTPRefusedError);
    expect(error).toMatchObject({ command: 'RCPT', reply: { code: 550 } });
  });

  it('behind the first reply is no reason for a pool to send the message again', async () => {
    await using listener = await PeerListener.listen();
    await using pool = new SMTPClientPool();
    const to = { client: { remoteAddress: listener.remoteAddress, protocol: 'lmtp' } } as const;
    const sent = pool.send(to, { ...MESSAGE, rcptTos: RECIPIENTS });
    const peer = await listener.accept();
    await peer.greet('PIPELINING');
    await WAYS['DATA']!.toEnd(peer, '250 b\r\n250 c\r\n250 d\r\n');
    peer.say('250 b\r\n');
    peer.transport.end();
    expect(codesOf((await sent).recipients)).toEqual([250, 'failed 451', 'failed 451']);
    await until(() => pool.size === 0);
    expect(listener.count).toBe(1);
  });
});
