/** Servers that fail, and content that does: every promise ends with its documented code, and nothing is left behind. */

import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';

import { SMTPClient } from '../../src/client/client.js';
import { SMTPConnectionError } from '../../src/client/client-errors.js';
import type { EndpointAddress, Transport, TransportReceiver } from '../../src/net/transport.js';
import { KeepingServer, openCount, rejection, turns, until } from '../server/support.js';
import { connectTo, Meeting, MESSAGE, met, PeerListener, type Peer } from './support.js';

const KEYWORDS = ['PIPELINING', 'SIZE'];

/** How far the conversation goes before something happens. */
const STAGES: Readonly<Record<string, { readonly waitMs: number; readonly go: (peer: Peer) => Promise<void> }>> = {
  greeting: { waitMs: 300_000, go: () => Promise.resolve() },
  EHLO: {
    waitMs: 300_000,
    go: async (peer) => {
      peer.say('220 hi\r\n');
      await peer.line();
    },
  },
  MAIL: {
    waitMs: 300_000,
    go: async (peer) => {
      await peer.greet(...KEYWORDS);
      await peer.until('DATA\r\n');
    },
  },
  RCPT: {
    waitMs: 300_000,
    go: async (peer) => {
      await STAGES['MAIL']!.go(peer);
      peer.say('250 a\r\n');
    },
  },
  DATA: {
    waitMs: 120_000,
    go: async (peer) => {
      await STAGES['RCPT']!.go(peer);
      peer.say('250 b\r\n');
    },
  },
  content: {
    waitMs: 600_000,
    go: async (peer) => {
      await STAGES['DATA']!.go(peer);
      peer.say('354 c\r\n');
      await peer.until('\r\n.\r\n');
    },
  },
};
const NAMES = Object.keys(STAGES);

/** A client that connects and sends, as far as this stage. */
async function goTo(stage: string, signal?: AbortSignal): Promise<{ meeting: Meeting; sent: Promise<unknown> }> {
  const meeting = new Meeting({}, signal);
  const sent = meeting.connecting.then(() => meeting.client.send(MESSAGE, signal === undefined ? {} : { signal }));
  sent.catch(() => undefined);
  await STAGES[stage]!.go(meeting.peer);
  await turns(1);
  return { meeting, sent };
}

/** Asserts that the client is through with it. */
async function expectGone({ peer, client, clock }: Meeting): Promise<void> {
  await peer.gone();
  expect([client.isOpen, client.phase, clock.timerCount]).toEqual([false, 'closed', 0]);
}

describe.each(NAMES)('a server that at %s', (stage) => {
  const { waitMs } = STAGES[stage]!;

  it('says nothing is waited for as long as RFC 5321 §4.5.3.2 says, and no longer', async () => {
    const { meeting, sent } = await goTo(stage);
    meeting.clock.advance(waitMs - 1);
    await turns();
    expect(meeting.client.phase).not.toBe('closed');
    meeting.clock.advance(1);
    expect(await rejection(sent)).toMatchObject({ code: 'SMTPD_SERVER_SILENT', stage });
    await expectGone(meeting);
  });

  it('trickles its reply is waited for no longer', async () => {
    const { meeting, sent } = await goTo(stage);
    for (const octet of '250-x') {
      meeting.peer.say(octet);
      await turns(1);
      meeting.clock.advance(waitMs / 5);
    }
    expect(await rejection(sent)).toMatchObject({ code: 'SMTPD_SERVER_SILENT', stage });
    await expectGone(meeting);
  });

  it.each(['closes', 'cuts'])('%s is lost', async (how) => {
    const { meeting, sent } = await goTo(stage);
    if (how === 'closes') meeting.peer.transport.end();
    else meeting.peer.transport.destroy();
    expect(await rejection(sent)).toMatchObject({ code: 'SMTPD_CONNECTION_LOST', stage, reply: undefined });
    await expectGone(meeting);
  });

  it.each([
    ['garbage', '\x16\x03\x01\x02\r\n'],
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['a bare LF', '250 a\n'],
    ['a megabyte of one line', 'x'.repeat(2 ** 20)],
    ['a megabyte of one reply', '250-x\r\n'.repeat(150_000)],
  ])('sends %s is at fault', async (_, text) => {
    const { meeting, sent } = await goTo(stage);
    meeting.peer.say(text);
    expect(await rejection(sent)).toMatchObject({ code: 'SMTPD_SERVER_FAULT', stage });
    await expectGone(meeting);
  });

  it('meets an aborted signal loses the client', async () => {
    const abort = new AbortController();
    const { meeting, sent } = await goTo(stage, abort.signal);
    const reason = new Error('enough');
    abort.abort(reason);
    expect(await rejection(sent)).toMatchObject({ code: 'SMTPD_ABORTED', stage, cause: reason });
    await expectGone(meeting);
  });

  it('loses the client by destroy() says so', async () => {
    const { meeting, sent } = await goTo(stage);
    meeting.client.destroy();
    expect(await rejection(sent)).toMatchObject({ code: 'SMTPD_CONNECTION_LOST' });
    await expectGone(meeting);
  });
});

describe('a server', () => {
  it('that leaves while nobody asks it anything is left', async () => {
    const meeting = await met(KEYWORDS);
    meeting.peer.say('421 4.4.2 Idle\r\n');
    await expectGone(meeting);
    expect(await rejection(meeting.client.send(MESSAGE))).toMatchObject({
      code: 'SMTPD_CONNECTION_LOST',
      stage: 'idle',
      reply: { code: 421 },
    });
  });

  it('that says something unasked is at fault', async () => {
    const meeting = await met(KEYWORDS);
    meeting.peer.say('250 What?\r\n');
    await expectGone(meeting);
    expect(await rejection(meeting.client.reset())).toMatchObject({ code: 'SMTPD_SERVER_FAULT' });
  });

  it('that is not there in time is given up', async () => {
    const meeting = new Meeting();
    meeting.client.destroy();
    expect(await rejection(meeting.connecting)).toBeInstanceOf(SMTPConnectionError);
    expect(meeting.clock.timerCount).toBe(0);
  });

  it('that resets its connections leaves no socket and no timer', async () => {
    await turns();
    const before = openCount('TCPSocketWrap', 'Timeout');
    {
      await using listener = await PeerListener.listen();
      // A connection that is reset before its greeting may never have been one.
      for (const stage of NAMES.slice(1)) {
        const client = new SMTPClient({ remoteAddress: listener.remoteAddress, hostname: 'client.example' });
        const sent = client.connect().then(() => client.send(MESSAGE));
        sent.catch(() => undefined);
        const peer = await listener.accept();
        await STAGES[stage]!.go(peer);
        (peer.transport.socket as { resetAndDestroy: () => void }).resetAndDestroy();
        expect(await rejection(sent)).toMatchObject({ code: 'SMTPD_CONNECTION_LOST' });
      }
    }
    await until(() => openCount('TCPSocketWrap', 'Timeout') <= before);
  });

  it('of LMTP that answers for too few has taken the message for those', async () => {
    const meeting = await met(KEYWORDS, { protocol: 'lmtp' });
    const sent = meeting.client.send({ ...MESSAGE, rcptTos: ['b@b.example', 'c@b.example'] });
    sent.catch(() => undefined);
    await meeting.peer.until('DATA\r\n');
    meeting.peer.say('250 a\r\n250 b\r\n250 c\r\n354 d\r\n');
    await meeting.peer.until('\r\n.\r\n');
    meeting.peer.say('250 for all\r\n');
    await turns();
    meeting.clock.advance(600_000);
    expect((await sent).recipients).toMatchObject([
      { isAccepted: true, reply: { code: 250 } },
      { isAccepted: false, reply: { code: 451 }, failure: { code: 'SMTPD_SERVER_SILENT', stage: 'content' } },
    ]);
    await expectGone(meeting);
  });

  it('that does not read the content is waited for three minutes', async () => {
    const meeting = await met(KEYWORDS);
    const sent = meeting.client.send({ ...MESSAGE, data: lines(1_000_000) });
    sent.catch(() => undefined);
    await meeting.peer.until('DATA\r\n');
    meeting.peer.transport.pause();
    meeting.peer.say('250 a\r\n250 b\r\n354 c\r\n');
    await turns();
    meeting.clock.advance(179_999);
    expect(meeting.client.isOpen).toBe(true);
    meeting.clock.advance(1);
    expect(await rejection(sent)).toMatchObject({ code: 'SMTPD_SERVER_SILENT', stage: 'content' });
    expect(meeting.clock.timerCount).toBe(0);
  });
});

describe('content', () => {
  const text = Buffer.from('Subject: x\r\n\r\n.\r\nhello\r\n');

  it.each<[string, () => string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>]>([
    ['a string', () => text.toString()],
    ['octets', () => text],
    ['an array', () => [...text].map((octet) => Uint8Array.of(octet))],
    ['a generator', () => generate([text.subarray(0, 5), text.subarray(5)])],
    ['a stream', () => Readable.from([text.subarray(0, 15), text.subarray(15)])],
  ])('may be %s, by DATA and by BDAT', async (_, make) => {
    for (const disabledExtensions of [[], ['CHUNKING', 'BINARYMIME']]) {
      await using server = new KeepingServer({ disabledExtensions });
      const client = await connectTo(server);
      await client.send({ ...MESSAGE, data: make() });
      expect(Buffer.from(server.messages[0]!.data).toString()).toBe(text.toString());
      await client.quit();
    }
  });

  it.each(['DATA', 'BDAT'])('that throws is no message by %s', async (way) => {
    await using server = new KeepingServer(way === 'DATA' ? { disabledExtensions: ['CHUNKING', 'BINARYMIME'] } : {});
    const client = await connectTo(server);
    const failure = new Error('The disk is gone');
    async function* broken() {
      yield Buffer.from('one\r\n');
      yield Buffer.from('two\r\n');
      await turns();
      throw failure;
    }
    expect(await rejection(client.send({ ...MESSAGE, data: broken() }))).toBe(failure);
    // Between two chunks a transaction can be given up; in the middle of DATA only closing says so.
    expect(client.isIdle).toBe(way === 'BDAT');
    await client.quit();
    await server.close();
    expect(server.messages).toEqual([]);
  });

  it.each(['a\nb\r\n', 'a\rb\r\n', 'a\r', '\n', '\r\r\n'])(
    'with a wrong line end does not leave: %j',
    async (wrong) => {
      for (const data of [Buffer.from(wrong), [...Buffer.from(wrong)].map((octet) => Uint8Array.of(octet))]) {
        for (const disabledExtensions of [[], ['CHUNKING', 'BINARYMIME']]) {
          await using server = new KeepingServer({ disabledExtensions, lineEndings: 'preserve' });
          const client = await connectTo(server);
          expect(await rejection(client.send({ ...MESSAGE, data }))).toMatchObject({ code: 'SMTPD_BAD_CONTENT' });
          await client.quit();
          await server.close();
          expect(server.messages).toEqual([]);
        }
      }
    },
  );

  it('of text instead of octets is a mistake', async () => {
    await using server = new KeepingServer();
    const client = await connectTo(server);
    const data = Readable.from(['text']).setEncoding('utf8') as unknown as AsyncIterable<Uint8Array>;
    expect(await rejection(client.send({ ...MESSAGE, data }))).toMatchObject({ code: 'SMTPD_BAD_CONTENT' });
    await client.quit();
  });

  it('is not asked for ahead of a server that does not read', async () => {
    const { client, peer } = await met(KEYWORDS);
    let pulledBytes = 0;
    async function* endless() {
      for (;;) {
        pulledBytes += 8_192;
        yield lines(8_192);
        await turns(1);
      }
    }
    const sent = client.send({ ...MESSAGE, data: endless() });
    sent.catch(() => undefined);
    await peer.until('DATA\r\n');
    peer.transport.pause();
    peer.say('250 a\r\n250 b\r\n354 c\r\n');
    await turns(50);
    expect(pulledBytes).toBeGreaterThan(65_536);
    expect(pulledBytes).toBeLessThan(100_000);
    const before = pulledBytes;
    peer.transport.resume();
    await until(() => pulledBytes > before + 200_000);
    client.destroy();
    expect(await rejection(sent)).toMatchObject({ code: 'SMTPD_CONNECTION_LOST', stage: 'content' });
  });

  it('is told that no more of it is wanted', async () => {
    const { client, peer } = await met(KEYWORDS);
    let isEnded = false;
    async function* watched() {
      try {
        yield lines(100);
        await turns();
        yield lines(100);
      } finally {
        isEnded = true;
      }
    }
    const sent = client.send({ ...MESSAGE, data: watched() });
    sent.catch(() => undefined);
    await peer.until('DATA\r\n');
    peer.say('250 a\r\n250 b\r\n354 c\r\n');
    await peer.until('\r\n');
    client.destroy();
    await rejection(sent);
    await until(() => isEnded);
  });

  it('that made the client wait a hundred thousand times still fails in order', async () => {
    const transport = new GaspingTransport();
    const client = new SMTPClient({ remoteAddress: { host: 'mx.example', port: 25 }, hostname: 'client.example' });
    await client.connectOver(transport);
    function* content() {
      for (let count = 0; count < 100_000; count += 1) yield LINE;
      client.destroy();
      yield LINE;
    }
    expect(await rejection(client.send({ ...MESSAGE, data: content() }))).toMatchObject({
      code: 'SMTPD_CONNECTION_LOST',
    });
    expect(transport.waits).toBeGreaterThan(90_000);
  });

  it('is let go of piece by piece', async () => {
    const { client, peer } = await met(KEYWORDS);
    const kept = new Set<WeakRef<Uint8Array>>();
    let pieces = 0;
    async function* content() {
      for (; pieces < 400; pieces += 1) {
        const piece = lines(65_536);
        kept.add(new WeakRef(piece));
        yield piece;
        // A weak reference holds until the end of the turn in which it was made.
        await turns(1);
      }
      await peer.gone();
    }
    const sent = client.send({ ...MESSAGE, data: content() });
    await peer.until('DATA\r\n');
    peer.say('250 a\r\n250 b\r\n354 c\r\n');
    await until(() => pieces === 400);
    await turns();
    collectGarbage();
    const aliveCount = [...kept].filter((reference) => reference.deref() !== undefined).length;
    expect(kept.size).toBe(400);
    expect(aliveCount).toBeLessThan(10);
    client.destroy();
    await rejection(sent);
  });
});

/** A transport to a server that says yes to all, and that takes each write a turn later. */
class GaspingTransport implements Transport {
  readonly remote: EndpointAddress = { address: '192.0.2.1', port: 25, family: 'IPv4' };
  readonly local: EndpointAddress = this.remote;
  readonly socket = undefined;
  unsentBytes = 0;
  waits = 0;
  #receiver: TransportReceiver | undefined;

  start(receiver: TransportReceiver): void {
    this.#receiver = receiver;
    this.#say('220 hi');
  }

  write(bytes: Uint8Array): boolean {
    const text = Buffer.from(bytes).toString();
    if (text.startsWith('EHLO')) this.#say('250 hi');
    else if (/^(?:MAIL|RCPT)/.test(text)) this.#say('250 yes');
    else if (text.startsWith('DATA')) this.#say('354 go');
    this.unsentBytes = 1_000_000;
    queueMicrotask(() => {
      this.waits += 1;
      this.unsentBytes = 0;
      this.#receiver?.onDrain();
    });
    return false;
  }

  #say(line: string): void {
    queueMicrotask(() => this.#receiver?.onBytes(Buffer.from(`${line}\r\n`)));
  }

  pause(): void {
    // It says nothing that could wait.
  }

  resume(): void {
    // Nothing waits.
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    this.#receiver?.onClose(undefined);
  }
}

async function* generate(pieces: readonly Uint8Array[]) {
  for (const piece of pieces) {
    await turns(1);
    yield piece;
  }
}

/** This many octets, or a few less, in lines. */
function lines(lengthBytes: number): Buffer {
  return Buffer.from(`${'x'.repeat(62)}\r\n`.repeat(lengthBytes / 64));
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

const LINE = Buffer.from('x\r\n');
