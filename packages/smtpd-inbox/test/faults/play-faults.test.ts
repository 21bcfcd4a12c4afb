/** Each fault at each stage, over real sockets and inside pipelined groups. */

import { connect as connectTLS } from 'node:tls';
import { connect } from 'node:net';
import { once } from 'node:events';

import {
  anyAuth,
  OPEN_MECHANISMS,
  SessionInfo,
  SMTPServer,
  type Clock,
  type ReceivedMessage,
  type StreamedMessage,
  type Transport,
  type TransportReceiver,
} from 'smtpd';
import { FaultyTransport } from 'smtpd/testing';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import type { FaultStage, NewFault } from '../../src/api/model.js';
import { FaultBoard } from '../../src/faults/fault-board.js';
import { FaultyChannel, playFaults, playMessageFault, type PlayFaultsOptions } from '../../src/faults/play-faults.js';
import { RawSession } from './raw-session.js';

class KeepingServer extends SMTPServer {
  static override channelClass = FaultyChannel;
  readonly kept: string[] = [];
  readonly board = new FaultBoard();

  constructor(options: PlayFaultsOptions = {}, clock?: Clock) {
    super({
      localAddress: '127.0.0.1:0',
      tls: { mode: 'offer' },
      auth: { mode: 'offer', plaintext: 'always', mechanisms: OPEN_MECHANISMS },
      ...(clock === undefined ? {} : { clock }),
    });
    playFaults(this, this.board, options);
    this.use(anyAuth());
  }

  static async listening(options?: PlayFaultsOptions, clock?: Clock): Promise<KeepingServer> {
    const server = new KeepingServer(options, clock);
    await server.listen();
    return server;
  }

  override processMessage(message: ReceivedMessage): void {
    this.kept.push(Buffer.from(message.data).toString());
  }
}

/** A clock that stands still until a test moves it, and knows who waits. */
class ManualClock implements Clock {
  #now = 0;
  #timers: { readonly dueAt: number; readonly callback: () => void }[] = [];
  #armed: { readonly ms: number; readonly resolve: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  setTimer(callback: () => void, ms: number): () => void {
    const timer = { dueAt: this.#now + ms, callback };
    this.#timers.push(timer);
    this.#armed = this.#armed.filter((each) => {
      if (each.ms === ms) each.resolve();
      return each.ms !== ms;
    });
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  isArmed(ms: number): boolean {
    return this.#timers.some(({ dueAt }) => dueAt === this.#now + ms);
  }

  /** Waits until a timer of that length is set. */
  armed(ms: number): Promise<void> {
    return this.isArmed(ms)
      ? Promise.resolve()
      : new Promise((resolve) => {
          this.#armed.push({ ms, resolve });
        });
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter(({ dueAt }) => dueAt <= until).sort((a, b) => a.dueAt - b.dueAt)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((each) => each !== next);
      this.#now = next.dueAt;
      next.callback();
    }
    this.#now = until;
  }
}

const ENVELOPE =
  'EHLO c.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@c.example>\r\nDATA\r\n';
const BODY = 'Subject: x\r\n\r\nHello\r\n';

/** Says everything in groups and reads until the server closes or all is answered. */
async function converse(server: SMTPServer, { body = BODY, envelope = ENVELOPE } = {}): Promise<readonly number[]> {
  const session = RawSession.open(server.port);
  session.send(envelope);
  const before = await session.codes(6);
  if (before.at(-1) === 354 && !session.isClosed) session.send(`${body}.\r\nQUIT\r\n`);
  else session.send('QUIT\r\n');
  const codes = await session.codes(before.at(-1) === 354 ? 8 : 7);
  await session.closed();
  return codes;
}

const ALL_WELL = [220, 250, 250, 250, 250, 354, 250, 221];

describe('a fault', () => {
  it.each<[NewFault, readonly number[], number]>([
    [{ stage: 'connect', code: 421 }, [421], 0],
    [{ stage: 'helo', code: 502 }, [220, 502, 503, 503, 503, 503, 221], 0],
    [{ stage: 'mail', code: 451 }, [220, 250, 451, 503, 503, 503, 221], 0],
    [{ stage: 'rcpt', code: 550, to: 'c@' }, [220, 250, 250, 250, 550, 354, 250, 221], 1],
    [{ stage: 'data', code: 452 }, [220, 250, 250, 250, 250, 452, 221], 0],
    [{ stage: 'message', code: 554 }, [220, 250, 250, 250, 250, 354, 554, 221], 0],
    [{ stage: 'connect', disconnect: 'insteadOfReply' }, [], 0],
    [{ stage: 'helo', disconnect: 'insteadOfReply' }, [220], 0],
    [{ stage: 'mail', disconnect: 'afterReply' }, [220, 250, 250], 0],
    [{ stage: 'rcpt', disconnect: 'insteadOfReply', to: 'c@' }, [220, 250, 250, 250], 0],
    [{ stage: 'rcpt', code: 550, disconnect: 'afterReply' }, [220, 250, 250, 550], 0],
    [{ stage: 'data', disconnect: 'insteadOfReply' }, [220, 250, 250, 250, 250], 0],
    [{ stage: 'data', disconnect: 'afterReply' }, [220, 250, 250, 250, 250, 354], 0],
    [{ stage: 'data', disconnect: 'inContent' }, [220, 250, 250, 250, 250, 354], 0],
    [{ stage: 'message', disconnect: 'insteadOfReply' }, [220, 250, 250, 250, 250, 354], 0],
    [{ stage: 'message', disconnect: 'afterReply' }, [220, 250, 250, 250, 250, 354, 250], 1],
    [{ stage: 'message', disconnect: 'afterTaking' }, [220, 250, 250, 250, 250, 354], 1],
  ])('%j happens where it should and as often', async (fault, codes, kept) => {
    await using server = await KeepingServer.listening();
    server.board.add({ ...fault, times: 1 });
    expect(await converse(server)).toEqual(codes);
    expect(server.kept).toHaveLength(kept);
    expect(await converse(server)).toEqual(ALL_WELL);
    expect(server.kept).toEqual(Array.from({ length: kept + 1 }, () => BODY));
  });

  it('in the content breaks a long message in its middle, and the rest is never looked at', async () => {
    await using server = await KeepingServer.listening();
    server.board.add({ stage: 'data', disconnect: 'inContent', times: 1 });
    const body = `${'x'.repeat(70)}\r\n`.repeat(20_000);
    expect(await converse(server, { body })).toEqual([220, 250, 250, 250, 250, 354]);
    expect(server.kept).toEqual([]);
    expect(await converse(server)).toEqual(ALL_WELL);
  });

  it('that was armed for content which the server refuses leaves the next message alone', async () => {
    await using server = await KeepingServer.listening();
    server.board.add({ stage: 'data', disconnect: 'inContent', throttleBytesPerSecond: 1_000_000, times: 1 });
    const session = RawSession.open(server.port);
    session.send(ENVELOPE);
    await session.codes(6);
    session.send('bare\nLF\r\n.\r\n');
    expect((await session.codes(7)).at(-1)).toBe(550);
    session.send(ENVELOPE.replace('EHLO c.example\r\n', ''));
    await session.codes(11);
    const body = `${BODY}${'x'.repeat(70)}\r\n`.repeat(10);
    session.send(`${body}.\r\nQUIT\r\n`);
    expect((await session.codes(13)).slice(-2)).toEqual([250, 221]);
    expect(server.kept).toEqual([body]);
  });

  it('does not happen behind a break: that command never came', async () => {
    await using server = await KeepingServer.listening();
    server.board.add({ stage: 'rcpt', code: 550, disconnect: 'afterReply', times: 1 });
    server.board.add({ stage: 'rcpt', code: 450, times: 1 });
    expect(await converse(server)).toEqual([220, 250, 250, 550]);
    expect(server.board.list().map(({ hits }) => hits)).toEqual([1, 0]);
  });

  it('gives its text', async () => {
    await using server = await KeepingServer.listening();
    server.board.add({ stage: 'mail', code: 452, text: '4.2.2 Mailbox full', disconnect: 'afterReply' });
    const session = RawSession.open(server.port);
    session.send('EHLO c\r\nMAIL FROM:<a@a.example>\r\n');
    expect(await session.closed()).toContain('\r\n452 4.2.2 Mailbox full\r\n');
  });

  it('at AUTH refuses who would have come in', async () => {
    await using server = await KeepingServer.listening({ inboxesOf: ({ user }) => (user === undefined ? [] : [user]) });
    server.board.add({ stage: 'auth', code: 454, inbox: 'ann' });
    const codesOf = async (user: string): Promise<readonly number[]> => {
      const session = RawSession.open(server.port);
      session.send(`EHLO c\r\nAUTH PLAIN ${btoa(`\0${user}\0secret`)}\r\nQUIT\r\n`);
      return session.codes(4);
    };
    expect(await codesOf('ann')).toEqual([220, 250, 454, 221]);
    expect(await codesOf('bob')).toEqual([220, 250, 235, 221]);
  });

  it('at STARTTLS refuses the handshake, or lets it be made', async () => {
    await using server = await KeepingServer.listening();
    server.board.add({ stage: 'starttls', code: 454, times: 1 });
    const session = RawSession.open(server.port);
    session.send('EHLO c\r\nSTARTTLS\r\nQUIT\r\n');
    expect(await session.codes(4)).toEqual([220, 250, 454, 221]);
    // The second one is secured, and faults are played on it all the same.
    server.board.add({ stage: 'mail', code: 451 });
    const plain = connect(server.port, '127.0.0.1');
    const sayInClear = async (line: string): Promise<void> => {
      const answered = once(plain, 'data');
      plain.write(line);
      await answered;
    };
    await once(plain, 'data');
    await sayInClear('EHLO c\r\n');
    await sayInClear('STARTTLS\r\n');
    const secure = connectTLS({ socket: plain, rejectUnauthorized: false });
    await once(secure, 'secureConnect');
    secure.end('EHLO c\r\nMAIL FROM:<a@a.example>\r\nQUIT\r\n');
    let text = '';
    for await (const piece of secure) text += String(piece);
    expect([...text.matchAll(/^(\d{3}) /gm)].map(([, code]) => code)).toEqual(['250', '451', '221']);
  });

  it('is for an inbox', async () => {
    await using server = await KeepingServer.listening({
      inboxesOf: ({ recipients }) => recipients.map((address) => address.slice(0, 1)),
    });
    server.board.add({ stage: 'rcpt', code: 550, inbox: 'c' });
    server.board.add({ stage: 'message', code: 554, inbox: 'c' });
    expect(await converse(server)).toEqual([220, 250, 250, 250, 550, 354, 250, 221]);
  });

  it('is for a sender: at RCPT that of this transaction, and of no earlier one', async () => {
    await using server = await KeepingServer.listening();
    server.board.add({ stage: 'rcpt', code: 550, from: 'ann@' });
    const session = RawSession.open(server.port);
    const transactions = ['ann', 'bob', 'ann'].map(
      (name) => `MAIL FROM:<${name}@a.example>\r\nRCPT TO:<c@c.example>\r\nRSET\r\n`,
    );
    session.send(`EHLO c\r\n${transactions.join('')}QUIT\r\n`);
    await session.closed();
    expect(await session.codes(12)).toEqual([220, 250, 250, 550, 250, 250, 250, 250, 250, 550, 250, 221]);
  });

  it('is asked of the server that streams, too', async () => {
    class StreamingServer extends SMTPServer {
      static override channelClass = FaultyChannel;
      kept = 0;
      override async streamMessage(message: StreamedMessage) {
        let bytes = 0;
        for await (const piece of message.body) bytes += piece.length;
        const refused = await playMessageFault(message);
        if (refused === undefined) this.kept += bytes;
        return refused;
      }
    }
    await using server = new StreamingServer({ localAddress: '127.0.0.1:0' });
    const board = new FaultBoard();
    playFaults(server, board);
    await server.listen();
    board.add({ stage: 'message', code: 554, times: 1 });
    board.add({ stage: 'message', disconnect: 'afterTaking', times: 1 });
    board.add({ stage: 'data', disconnect: 'inContent', times: 1 });
    expect(await converse(server)).toEqual([220, 250, 250, 250, 250, 354]);
    expect(server.kept).toBe(0);
    expect(await converse(server)).toEqual([220, 250, 250, 250, 250, 354, 554, 221]);
    expect(server.kept).toBe(0);
    expect(await converse(server)).toEqual([220, 250, 250, 250, 250, 354]);
    expect(server.kept).toBe(BODY.length);
  });

  it('needs a channel that can break', () => {
    expect(() => {
      playFaults(new SMTPServer(), new FaultBoard());
    }).toThrow(/channelClass = FaultyChannel/);
  });
});

describe('a delay', () => {
  it.each<[FaultStage, number]>([
    ['connect', 0],
    ['helo', 1],
    ['mail', 2],
    ['rcpt', 3],
    ['data', 5],
    ['message', 6],
  ])('at %s holds that reply back and none before it', async (stage, repliesBefore) => {
    const clock = new ManualClock();
    await using server = await KeepingServer.listening({}, clock);
    server.board.add({ stage, delayMs: 4321, times: 1 });
    const session = RawSession.open(server.port);
    session.send(ENVELOPE);
    if (stage === 'message') {
      await session.codes(6);
      session.send(`${BODY}.\r\n`);
    }
    await clock.armed(4321);
    expect(await session.codes(repliesBefore)).toEqual(ALL_WELL.slice(0, repliesBefore));
    clock.advance(4320);
    expect(clock.isArmed(1)).toBe(true);
    clock.advance(1);
    expect((await session.codes(repliesBefore + 1))[repliesBefore]).toBe(ALL_WELL[repliesBefore]);
    session.destroy();
  });

  it('ends when the client leaves, and what was asked for does not happen to anybody', async () => {
    const clock = new ManualClock();
    await using server = await KeepingServer.listening({}, clock);
    server.board.add({ stage: 'rcpt', delayMs: 4321, code: 450, times: 1 });
    const session = RawSession.open(server.port);
    session.send(ENVELOPE);
    await clock.armed(4321);
    const left = new Promise<void>((resolve) => {
      server.on('disconnect', () => {
        resolve();
      });
    });
    session.destroy();
    await left;
    expect(clock.isArmed(4321)).toBe(false);
  });

  it('ends when the server closes, and the client hears its reply before the 421', async () => {
    const clock = new ManualClock();
    const server = await KeepingServer.listening({}, clock);
    server.board.add({ stage: 'mail', delayMs: 4321, code: 450 });
    const session = RawSession.open(server.port);
    session.send('EHLO c\r\nMAIL FROM:<a@a.example>\r\n');
    await clock.armed(4321);
    await server.close();
    await session.closed();
    expect(await session.codes(4)).toEqual([220, 250, 450, 421]);
  });
});

describe('a throttle', () => {
  it('lets content through at its rate, whole, and nothing but content', async () => {
    const clock = new ManualClock();
    await using server = await KeepingServer.listening({}, clock);
    server.board.add({ stage: 'data', throttleBytesPerSecond: 1000, times: 1 });
    const session = RawSession.open(server.port);
    session.send(ENVELOPE);
    await session.codes(6);
    const body = `${'x'.repeat(98)}\r\n`.repeat(10);
    // QUIT lies behind the content in the same octets, and is not content.
    session.send(`${body}.\r\nQUIT\r\n`);
    for (let piece = 0; piece < 10; piece += 1) {
      await clock.armed(100);
      expect(server.kept).toEqual([]);
      clock.advance(100);
    }
    await clock.armed(100);
    clock.advance(100);
    expect(await session.codes(8)).toEqual(ALL_WELL);
    expect(server.kept).toEqual([body]);
    expect(clock.now()).toBe(1100);
    expect(await converse(server)).toEqual(ALL_WELL);
  });

  it('of less than an octet a piece brings one after the other', async () => {
    const clock = new ManualClock();
    await using server = await KeepingServer.listening({}, clock);
    server.board.add({ stage: 'data', throttleBytesPerSecond: 4, times: 1 });
    const session = RawSession.open(server.port);
    session.send(ENVELOPE);
    await session.codes(6);
    session.send('ab\r\n.\r\n');
    for (let octet = 0; octet < 7; octet += 1) {
      await clock.armed(250);
      clock.advance(250);
    }
    expect(await session.codes(7)).toEqual(ALL_WELL.slice(0, 7));
    expect(server.kept).toEqual(['ab\r\n']);
    session.destroy();
  });

  it('does not hold up what comes behind content that was refused', async () => {
    const clock = new ManualClock();
    await using server = await KeepingServer.listening({}, clock);
    server.board.add({ stage: 'data', throttleBytesPerSecond: 120, times: 1 });
    const session = RawSession.open(server.port);
    session.send(ENVELOPE);
    await session.codes(6);
    session.send('bare\nLF\r\n.\r\nNOOP\r\nQUIT\r\n');
    await clock.armed(100);
    clock.advance(100);
    expect(await session.codes(9)).toEqual([220, 250, 250, 250, 250, 354, 550, 250, 221]);
  });

  it('reads no more than it holds', () => {
    const clock = new ManualClock();
    const calls: string[] = [];
    let receiver: TransportReceiver | undefined;
    const note = (call: string) => (): void => void calls.push(call);
    const inner = {
      start: (given: TransportReceiver) => (receiver = given),
      pause: note('pause'),
      resume: note('resume'),
    };
    const transport = new FaultyTransport(inner as unknown as Transport, clock);
    transport.isContent = () => true;
    transport.throttle(20);
    transport.start({
      onBytes: (bytes) => calls.push(Buffer.from(bytes).toString()),
      onEnd: note('end'),
      onDrain: note('drain'),
      onClose: note('close'),
    });
    receiver?.onBytes(Buffer.from('abc'));
    receiver?.onEnd();
    clock.advance(100);
    // The channel has a pause of its own, in which nothing comes.
    transport.pause();
    clock.advance(1000);
    transport.resume();
    clock.advance(100);
    expect(calls).toEqual(['pause', 'ab', 'pause', 'c', 'end']);
    receiver?.onBytes(Buffer.from('de'));
    clock.advance(100);
    expect(calls.slice(5)).toEqual(['pause', 'de', 'resume']);
  });

  it('ends when the server closes: the message is taken', async () => {
    const clock = new ManualClock();
    const server = await KeepingServer.listening({}, clock);
    server.board.add({ stage: 'data', throttleBytesPerSecond: 10 });
    const session = RawSession.open(server.port);
    session.send(ENVELOPE);
    await session.codes(6);
    session.send(`${BODY}.\r\n`);
    await clock.armed(100);
    await server.close();
    await session.closed();
    expect(await session.codes(8)).toEqual([220, 250, 250, 250, 250, 354, 250, 421]);
    expect(server.kept).toEqual([BODY]);
  });
});

describe('a recipient that asks for a fault', () => {
  const envelope = ENVELOPE.replace('<b@b.example>', '<fail-rcpt-550-5.1.1@b.example>').replace(
    '<c@c.example>',
    '<c+fail-message-452@c.example>',
  );

  it('gets it where that is on', async () => {
    await using server = await KeepingServer.listening({ recipientFaults: true });
    expect(await converse(server, { envelope })).toEqual([220, 250, 250, 550, 250, 354, 452, 221]);
    expect(await converse(server)).toEqual(ALL_WELL);
  });

  it('is an ordinary one where it is not', async () => {
    await using server = await KeepingServer.listening();
    expect(await converse(server, { envelope })).toEqual(ALL_WELL);
  });
});

describe('a recipient', () => {
  it.each<[string, readonly NewFault[], number]>([
    ['no fault', [], 0],
    [
      'faults at other stages',
      [
        { stage: 'mail', delayMs: 1, from: 'z' },
        { stage: 'data', code: 450, to: 'z' },
      ],
      0,
    ],
    ['a fault that has happened', [{ stage: 'rcpt', code: 450, times: 1 }], 0],
    ['faults for others', ['from', 'to', 'inbox'].map((who) => ({ stage: 'rcpt', code: 450, [who]: 'z' })), 1],
  ])('costs the same, be it the first or the thousandth, with %s', async (_name, faults, recipientsLookedAt) => {
    let lookedAt = 0;
    const inboxesOf: PlayFaultsOptions['inboxesOf'] = ({ recipients }) => {
      lookedAt += recipients.length;
      return [];
    };
    await using server = await KeepingServer.listening({ inboxesOf });
    for (const fault of faults) server.board.add(fault);
    if (faults.some(({ times }) => times === 1)) server.board.take({ stage: 'rcpt' });
    // Every one that is made has a copy of all recipients.
    const envelopes = vi.spyOn(SessionInfo.prototype, 'envelope', 'get');
    onTestFinished(() => {
      envelopes.mockRestore();
    });
    const costs: (readonly [recipients: number, envelopes: number])[] = [];
    server.on('reply', () => {
      costs.push([lookedAt, envelopes.mock.calls.length]);
      lookedAt = 0;
      envelopes.mockClear();
    });
    const session = RawSession.open(server.port);
    session.send(`EHLO c\r\nMAIL FROM:<a@a.example>\r\n${'RCPT TO:<b@b.example>\r\n'.repeat(1_000)}`);
    expect((await session.codes(1_003)).slice(3)).toEqual(Array.from({ length: 1_000 }, () => 250));
    session.destroy();
    expect(costs.slice(3)).toEqual(Array.from({ length: 1_000 }, () => [recipientsLookedAt, 0]));
  });
});
