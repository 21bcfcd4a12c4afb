/** `streamMessage`: content that is read while it arrives, and everything that can cut it short. */

import { describe, expect, it } from 'vitest';

import { connectInMemory } from '../../src/net/memory-transport.js';
import { SMTPReplyError } from '../../src/protocol/reply.js';
import { MessageAbortedError } from '../../src/server/message-body.js';
import type { StreamedMessage } from '../../src/server/received-message.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { SMTPServer } from '../../src/server/server.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import {
  codes,
  eventsOf,
  greetedClient,
  limitsOf,
  RecordingLogger,
  rejection,
  sendMessage,
  startContent,
  turns,
  until,
} from './support.js';

/** A server that streams to whatever the test says. */
class StreamingServer extends SMTPServer {
  readonly log: RecordingLogger;
  readonly #take: (message: StreamedMessage) => unknown;

  constructor(take: (message: StreamedMessage) => unknown, options: SMTPServerOptions = {}) {
    const log = new RecordingLogger();
    super({ localAddress: '127.0.0.1:0', logger: log, ...options });
    this.log = log;
    this.#take = take;
  }

  override streamMessage(message: StreamedMessage): void {
    return this.#take(message) as never;
  }
}

async function readAll(message: StreamedMessage): Promise<string> {
  let text = '';
  for await (const chunk of message.body) text += Buffer.from(chunk).toString('latin1');
  return text;
}

describe('a message that is streamed', () => {
  it('is handed over when the content begins, octet by octet what was sent', async () => {
    const texts: string[] = [];
    const envelopes: unknown[] = [];
    const server = new StreamingServer(async (message) => {
      envelopes.push([message.mailFrom, message.rcptTos]);
      texts.push(await readAll(message));
      return `250 2.0.0 Took ${String(texts.at(-1)?.length)}`;
    });
    const client = await greetedClient(server);
    await startContent(client);
    expect(envelopes).toEqual([['alice@a.example', ['bob@b.example']]]);
    for (const octet of 'Subject: x\r\n\r\n..dot\r\n\xe9\x00\r\n.\r\n') client.send(octet);
    expect(await client.reply()).toEqual({ code: 250, lines: ['2.0.0 Took 24'] });
    expect(texts).toEqual(['Subject: x\r\n\r\n.dot\r\n\xe9\x00\r\n']);
    expect((await sendMessage(client, 'Second\r\n')).code).toBe(250);
    expect(texts[1]).toBe('Second\r\n');
  });

  it('gets its reply when the content is complete and the promise has settled, whichever is last', async () => {
    let release: (verdict: string) => void = () => undefined;
    const server = new StreamingServer(async (message) => {
      await readAll(message);
      return new Promise((resolve) => {
        release = resolve;
      });
    });
    const client = await greetedClient(server);
    await startContent(client);
    client.send('Hello\r\n.\r\n');
    await turns();
    expect(client.unread).toBe('');
    release('250 2.0.0 Now');
    expect((await client.reply()).lines).toEqual(['2.0.0 Now']);
  });

  it('may be read once', async () => {
    const server = new StreamingServer(async (message) => {
      await readAll(message);
      await readAll(message);
    });
    const client = await greetedClient(server);
    expect((await sendMessage(client)).code).toBe(451);
    expect(server.log.errors).toEqual([expect.stringContaining('can be read once')]);
  });

  it('is never in memory whole: the client waits while nobody reads', async () => {
    let step: () => void = () => undefined;
    let octetsRead = 0;
    const server = new StreamingServer(async (message) => {
      for await (const chunk of message.body) {
        octetsRead += chunk.length;
        await new Promise<void>((resolve) => {
          step = resolve;
        });
      }
    });
    const { client: end, server: transport } = connectInMemory();
    let received = '';
    end.start({
      onBytes: (bytes) => {
        received += Buffer.from(bytes).toString();
      },
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClose: () => undefined,
    });
    server.accept(transport);
    end.write(Buffer.from('HELO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<a@b.c>\r\nDATA\r\n'));
    await until(() => received.includes('354'));
    const block = Buffer.from(`${'x'.repeat(1022)}\r\n`.repeat(16));
    const blocks = 256;
    for (let count = 0; count < blocks; count += 1) end.write(block);
    end.write(Buffer.from('.\r\n'));
    const total = blocks * block.length;
    let mostAhead = 0;
    while (octetsRead < total) {
      await turns(1);
      mostAhead = Math.max(mostAhead, total + 3 - end.unsentBytes - octetsRead);
      step();
    }
    step();
    await until(() => received.endsWith('250 2.0.0 OK\r\n'));
    // Read ahead at most: what is full at 64 KiB, with the block that filled it.
    expect(mostAhead).toBeGreaterThan(0);
    expect(mostAhead).toBeLessThanOrEqual(65_536 + 2 * block.length);
  });
});

describe('a verdict that comes early', () => {
  it.each<[string, (message: StreamedMessage) => unknown, string]>([
    ['at once', () => '250 2.0.0 Whatever it says', '250 2.0.0 Whatever it says'],
    [
      'thrown before reading',
      () => {
        throw new SMTPReplyError(550, '5.7.1', 'Not from you');
      },
      '550 5.7.1 Not from you',
    ],
    [
      'after the first chunk',
      async ({ body }) => {
        for await (const _ of body) return '552 5.2.2 Full';
        return undefined;
      },
      '552 5.2.2 Full',
    ],
  ])('%s is given after the content, which is dropped as it comes', async (_, take, expected) => {
    const server = new StreamingServer(take);
    const client = await greetedClient(server);
    await startContent(client);
    const line = `${'x'.repeat(998)}\r\n`;
    for (let count = 0; count < 1_000; count += 1) client.send(line);
    await turns();
    expect(client.unread).toBe('');
    client.send('.\r\n');
    const { code, lines } = await client.reply();
    expect(`${String(code)} ${lines.join()}`).toBe(expected);
    expect((await client.command('NOOP')).code).toBe(250);
  });

  it('makes whoever reads on hear that the rest is gone, instead of taking what there was for the whole', async () => {
    let reading: Promise<unknown> = Promise.resolve();
    const server = new StreamingServer((message) => {
      reading = rejection(readAll(message));
    });
    const client = await greetedClient(server);
    await startContent(client);
    client.send('Hello\r\n');
    expect(await reading).toMatchObject({ name: 'MessageAbortedError', code: 'SMTPD_VERDICT_GIVEN' });
    client.send('.\r\n');
    expect((await client.reply()).code).toBe(250);
  });

  it('that is a fault is 451 with an incident', async () => {
    const server = new StreamingServer(async () => {
      throw new Error('disk on fire');
    });
    const client = await greetedClient(server);
    expect((await sendMessage(client)).lines[0]).toMatch(/^4\.3\.0 Error: internal error, incident [0-9a-f]{8}/);
    expect(server.log.errors).toEqual(['Error: disk on fire']);
  });
});

describe('a message that will not be complete', () => {
  function readingServer(options: SMTPServerOptions = {}): {
    server: StreamingServer;
    ends: unknown[];
    seen: StreamedMessage[];
  } {
    const ends: unknown[] = [];
    const seen: StreamedMessage[] = [];
    const server = new StreamingServer(async (message) => {
      seen.push(message);
      // A signal is made for whoever asks for it.
      expect(message.signal.aborted).toBe(false);
      try {
        ends.push(await readAll(message));
      } catch (error) {
        ends.push(error);
        throw error;
      }
    }, options);
    return { server, ends, seen };
  }

  it.each(['destroy', 'end'] as const)(
    'because the client is gone (%s) throws into the loop and aborts the signal',
    async (how) => {
      const { server, ends, seen } = readingServer();
      await server.listen();
      const client = await RawClient.connect(server.port);
      await client.reply();
      await client.command('HELO c');
      await startContent(client);
      client.send('half a mess');
      client[how]();
      await until(() => ends.length > 0);
      expect(ends[0]).toBeInstanceOf(MessageAbortedError);
      expect(ends).toEqual([expect.objectContaining({ code: 'SMTPD_CLIENT_GONE' })]);
      expect(seen[0]!.signal.aborted).toBe(true);
      expect(seen[0]!.signal.reason).toMatchObject({ code: 'SMTPD_CLIENT_GONE' });
      await server.close();
      // Whose fault it was is clear: nobody's here.
      expect(server.log.errors).toEqual([]);
    },
  );

  it.each([
    ['grew beyond dataSizeLimit', `${'x'.repeat(60)}\r\n`, 552],
    ['has a bare LF', 'a\nb\r\n', 550],
    ['has a bare CR', 'a\rb\r\n', 550],
  ])(
    'because it %s throws into the loop; the client hears why, and the next transaction works',
    async (_, bad, code) => {
      const { server, ends } = readingServer({ dataSizeLimit: 50 });
      const messages = eventsOf(server, 'message');
      const client = await greetedClient(server);
      await startContent(client);
      client.send('Good so far\r\n');
      await turns();
      client.send(`${bad}more\r\n.\r\n`);
      expect((await client.reply()).code).toBe(code);
      await until(() => ends.length > 0);
      expect(ends).toEqual([expect.objectContaining({ name: 'MessageAbortedError', code: 'SMTPD_CONTENT_REFUSED' })]);
      expect((await sendMessage(client, 'Fine\r\n')).code).toBe(250);
      expect(ends[1]).toBe('Fine\r\n');
      expect(messages.map(({ reply }) => reply.code)).toEqual([code, 250]);
      expect(server.log.errors).toEqual([]);
    },
  );

  it('because the server is cut off throws into the loop', async () => {
    const { server, ends } = readingServer();
    const client = await greetedClient(server);
    await startContent(client);
    client.send('half a mess');
    await turns();
    await server.close({ signal: AbortSignal.abort() });
    expect(codes(await client.closed())).toEqual([421]);
    await until(() => ends.length > 0);
    expect(ends).toEqual([expect.objectContaining({ code: 'SMTPD_CLIENT_GONE' })]);
  });
});

describe('an application that does not read', () => {
  it('a small message is answered with 451 when its time is over, and cannot be read any more', async () => {
    const clock = new ManualClock();
    const late: { message?: StreamedMessage } = {};
    const server = new StreamingServer(
      (message) => {
        late.message = message;
        return new Promise(() => undefined);
      },
      { clock, limits: { messageVerdictWaitMs: 5_000 } },
    );
    const limits = limitsOf(server);
    const client = await greetedClient(server);
    await startContent(client);
    const { signal } = late.message!;
    client.send('Hello\r\n.\r\n');
    await turns();
    clock.advance(4_999);
    await turns();
    expect(client.unread).toBe('');
    clock.advance(1);
    expect(await client.reply()).toEqual({ code: 451, lines: ['4.3.0 Error: no decision in time, try again later'] });
    expect(limits).toEqual(['messageVerdictWaitMs']);
    expect(signal.aborted).toBe(true);
    expect(await rejection(readAll(late.message!))).toMatchObject({ code: 'SMTPD_VERDICT_OVERDUE' });
    expect((await client.command('NOOP')).code).toBe(250);
    client.destroy();
    await turns();
    expect(clock.timerCount).toBe(0);
  });

  it('a large one holds the client up that long; then the rest is dropped, and 451 comes after it', async () => {
    const clock = new ManualClock();
    const server = new StreamingServer(() => new Promise(() => undefined), {
      clock,
      limits: { messageVerdictWaitMs: 5_000, contentWaitMs: 1_000 },
    });
    const limits = limitsOf(server);
    const client = await greetedClient(server);
    await startContent(client);
    client.send(`${'x'.repeat(998)}\r\n`.repeat(300));
    await turns();
    // The time of the application is not the client's.
    clock.advance(4_999);
    await turns();
    expect(client.isClosed).toBe(false);
    clock.advance(1);
    await turns();
    client.send('and the end\r\n.\r\n');
    expect((await client.reply()).code).toBe(451);
    expect(limits).toEqual(['messageVerdictWaitMs']);
    expect((await client.command('NOOP')).code).toBe(250);
  });
});

describe('message hooks', () => {
  it('cannot be added, because nobody gathers the content', () => {
    const server = new StreamingServer(() => undefined);
    expect(() => server.use({ name: 'late', message: () => undefined })).toThrow(
      expect.objectContaining({ code: 'SMTPD_BAD_HOOK' }),
    );
  });
});

describe('a list of verdicts', () => {
  const RECIPIENTS = ['bob', 'carol', 'bob'];

  /** The replies to a message for Bob, Carol, and Bob again. */
  async function repliesTo(verdicts: readonly unknown[], protocol: 'smtp' | 'lmtp') {
    const server = new StreamingServer(
      async (message) => {
        expect(message.rcptTos).toEqual(RECIPIENTS.map((name) => `${name}@b.example`));
        await readAll(message);
        return verdicts;
      },
      { protocol },
    );
    const client = RawClient.inMemory(server);
    await client.reply();
    await client.command(protocol === 'lmtp' ? 'LHLO c.example' : 'EHLO c.example');
    await client.command('MAIL FROM:<alice@a.example>');
    for (const name of RECIPIENTS) await client.command(`RCPT TO:<${name}@b.example>`);
    await client.command('DATA');
    client.send('Hi\r\n.\r\nNOOP\r\n');
    const replies: string[] = [];
    for (;;) {
      const { code, lines } = await client.reply();
      const text = `${String(code)} ${lines[0]!}`;
      // The reply to NOOP ends it.
      if (text === '250 2.0.0 OK' && replies.length > 0 && client.unread === '') break;
      replies.push(text);
    }
    client.destroy();
    return { replies, errors: server.log.errors };
  }

  it('LMTP: each recipient has its own, in their order, also one that was named twice', async () => {
    const verdicts = ['250 2.1.5 First', '550 5.1.1 Carol', '452 4.2.2 Second'];
    expect((await repliesTo(verdicts, 'lmtp')).replies).toEqual(verdicts);
  });

  it.each<[string, unknown[], string]>([
    ['all yes', ['250 2.1.5 One', undefined, '250 2.1.5 Three'], '250 2.1.5 One'],
    ['a refusal', ['250 2.1.5 One', '550 5.1.1 Two', '551 5.1.1 Three'], '550 5.1.1 Two'],
    ['a transient one', ['250 2.1.5 One', '550 5.1.1 Two', '452 4.2.2 Three'], '452 4.2.2 Three'],
  ])('SMTP: there is one reply for %s', async (_, verdicts, expected) => {
    expect((await repliesTo(verdicts, 'smtp')).replies).toEqual([expected]);
  });

  it.each(['smtp', 'lmtp'] as const)('%s: one that is too short is a fault of the application', async (protocol) => {
    const { replies, errors } = await repliesTo(['250 2.1.5 One', '250 2.1.5 Two'], protocol);
    expect(replies.map((text) => text.slice(0, 9))).toEqual(
      Array.from({ length: protocol === 'lmtp' ? 3 : 1 }, () => '451 4.3.0'),
    );
    expect(errors.length).toBeGreaterThan(0);
    expect(errors[0]).toContain('A list of 2 verdicts for a message with 3 recipients');
  });
});
