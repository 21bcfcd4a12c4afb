/** Watching: every event with what it carries, the same on the diagnostics channels, and nothing that a watcher could change. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';

import { describe, expect, it, vi } from 'vitest';

import { Reply } from '../../src/protocol/reply.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import type { SMTPServer } from '../../src/server/server.js';
import { SessionInfo } from '../../src/server/session-info.js';
import { Watch, type DisconnectReason, type SMTPServerEvents } from '../../src/server/watch.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import {
  codes,
  eventsOf,
  greetedClient,
  Held,
  KeepingServer,
  limitsOf,
  RecordingLogger,
  sendMessage,
  startContent,
  turns,
  until,
} from './support.js';

/** What a session without TLS, AUTH and violations can meet. */
type EventName = Exclude<keyof SMTPServerEvents, 'violation' | 'secured' | 'handshakeFailed' | 'auth'>;

const NAMES = Object.keys({
  listening: 0,
  connect: 0,
  command: 0,
  reply: 0,
  message: 0,
  limit: 0,
  disconnect: 0,
  fault: 0,
  closing: 0,
  close: 0,
} satisfies Record<EventName, 0>) as EventName[];

/** All events of a server in the order in which they come. */
function storyOf(server: SMTPServer): [EventName, SMTPServerEvents[EventName]][] {
  const story: [EventName, SMTPServerEvents[EventName]][] = [];
  for (const name of NAMES) server.on(name, (event) => void story.push([name, event]));
  return story;
}

/** A session that meets every event: a message, a fault, a limit, and an end. */
async function eventful(server: SMTPServer): Promise<string> {
  await server.listen();
  const client = await RawClient.connect(server.port);
  const replies = [await client.reply()];
  for (const line of ['EHLO c.example', 'MAIL FROM:<bad@a.example>', 'MAIL FROM:<a@a.example> SIZE=4']) {
    replies.push(await client.command(line));
  }
  replies.push(await client.command('RCPT TO:<b@b.example>'));
  replies.push(await client.command('RCPT TO:<c@b.example>'));
  replies.push(await client.command('DATA'));
  client.send('Hi\r\n.\r\n');
  replies.push(await client.reply());
  client.send('QUIT\r\n');
  replies.push(...(await client.closed()));
  await until(() => server.channels.size === 0);
  await server.close();
  return replies.map(({ code, lines }) => `${String(code)} ${lines.join('/')}`).join('\n');
}

class EventfulServer extends KeepingServer {
  constructor(options: SMTPServerOptions = {}) {
    super({ limits: { recipientsMax: 1 }, ...options });
    this.use({
      name: 'faulty',
      mail({ address }) {
        if (address.startsWith('bad')) throw new RangeError('disk on fire');
      },
    });
  }
}

/** Replies of two runs differ in the number of the incident only. */
function withoutIncident(text: string): string {
  return text.replace(/incident [0-9a-f]{8}/, 'incident *');
}

describe('the events', () => {
  it('tell a whole session in order, each with what it carries', async () => {
    const server = new EventfulServer();
    const story = storyOf(server);
    await eventful(server);
    const session = (story.find(([name]) => name === 'connect')![1] as SMTPServerEvents['connect']).session;
    expect(session).toBeInstanceOf(SessionInfo);
    const [line] = server.log.lines;
    const command = (verb: string, argument?: string) => ['command', { session, verb, argument }];
    const reply = (code: number, enhanced: string | undefined, lines: unknown = expect.any(Array)) => [
      'reply',
      { session, reply: expect.objectContaining({ code, enhanced, lines }) as Reply },
    ];
    expect(story).toEqual([
      ['listening', { addresses: [{ address: '127.0.0.1', port: expect.any(Number) as number, family: 'IPv4' }] }],
      ['connect', { session }],
      reply(220, undefined, ['mx.example ESMTP smtpd']),
      command('EHLO', 'c.example'),
      reply(250, undefined),
      command('MAIL', 'FROM:<bad@a.example>'),
      ['fault', { error: new RangeError('disk on fire'), session, incident: line!.fields['incident'] }],
      reply(451, '4.3.0', [`Error: internal error, incident ${String(line!.fields['incident'])}; try again later`]),
      command('MAIL', 'FROM:<a@a.example> SIZE=4'),
      reply(250, '2.1.0'),
      command('RCPT', 'TO:<b@b.example>'),
      reply(250, '2.1.5'),
      command('RCPT', 'TO:<c@b.example>'),
      reply(452, '4.5.3'),
      ['limit', { limit: 'recipientsMax', peer: session.peer, session }],
      command('DATA', undefined),
      reply(354, undefined),
      reply(250, '2.0.0'),
      [
        'message',
        {
          session,
          mailFrom: 'a@a.example',
          rcptTos: ['b@b.example'],
          sizeBytes: 4,
          reply: expect.objectContaining({ code: 250 }) as Reply,
        },
      ],
      command('QUIT', undefined),
      reply(221, '2.0.0'),
      ['disconnect', { session, reason: 'quit' }],
      ['closing', {}],
      ['close', {}],
    ]);
  });

  it('connect comes before the hooks are asked about the greeting', async () => {
    const order: string[] = [];
    const server = new KeepingServer();
    server.use({ name: 'witness', connect: () => void order.push('hook') });
    server.on('connect', ({ session }) => void order.push(`event ${session.phase}`));
    await greetedClient(server);
    expect(order).toEqual(['event opening', 'hook']);
  });

  it('command has the argument as it was sent, each octet one character, whether it is well formed or not', async () => {
    const server = new KeepingServer();
    const commands = eventsOf(server, 'command');
    const client = RawClient.inMemory(server);
    await client.reply();
    for (const line of ['ehlo  a b ', 'NOOP \u00e9\u00ff', 'BOGUS x', 'MAIL FROM:']) await client.command(line);
    expect(commands.map(({ verb, argument }) => [verb, argument])).toEqual([
      ['EHLO', 'a b'],
      ['NOOP', '\u00e9\u00ff'],
      ['BOGUS', 'x'],
      ['MAIL', 'FROM:'],
    ]);
  });

  it('message has the reply that the message got, also when it was refused for its form, and not when there was none', async () => {
    const server = new KeepingServer({ dataSizeLimit: 10 });
    const messages = eventsOf(server, 'message');
    server.use({
      name: 'no spam',
      message: ({ message }) => (message.data[0] === 0x53 ? '554 5.7.1 Spam' : undefined),
    });
    const client = await greetedClient(server);
    for (const content of ['Hi\r\n', 'Spam\r\n', 'x\ny\r\n', 'much too long\r\n']) await sendMessage(client, content);
    await startContent(client);
    client.send('Half');
    client.destroy();
    await turns();
    expect(messages.map(({ reply, sizeBytes }) => [reply.code, sizeBytes])).toEqual([
      [250, 4],
      [554, 6],
      [550, 5],
      [552, 15],
    ]);
    expect(messages.every(({ reply }) => reply instanceof Reply)).toBe(true);
  });

  it('limit has no session when the connection was turned away before one began', async () => {
    const server = new KeepingServer({ limits: { sessionsMax: 1 } });
    const limits = eventsOf(server, 'limit');
    const connects = eventsOf(server, 'connect');
    await greetedClient(server);
    await RawClient.inMemory(server).closed();
    expect(limits).toEqual([{ limit: 'sessionsMax', peer: { address: '127.0.0.1', port: 0, family: 'memory' } }]);
    expect(connects).toHaveLength(1);
  });

  it.each<[DisconnectReason, (client: RawClient, server: KeepingServer, clock: ManualClock) => unknown]>([
    ['quit', (client) => client.command('QUIT')],
    ['clientGone', (client) => client.destroy()],
    ['clientGone', (client) => client.end()],
    ['clientGone', (client) => startContent(client).then(() => client.end())],
    ['timedOut', (_client, _server, clock) => clock.advance(300_000)],
    ['limit', (client) => client.send('BOGUS\r\n'.repeat(60))],
    ['refused', (client) => client.send('MAIL FROM:<bad@a.example>\r\n')],
    ['serverClosing', (_client, server) => server.close()],
    [
      'serverClosing',
      (client, server) => startContent(client).then(() => server.close({ signal: AbortSignal.abort() })),
    ],
  ])('disconnect says why, once: %s (%#)', async (reason, leave) => {
    const clock = new ManualClock();
    const server = new KeepingServer({ clock });
    server.use({ name: 'away', mail: ({ address }) => (address.startsWith('bad') ? '421 4.7.0 Away' : undefined) });
    const ends = eventsOf(server, 'disconnect');
    const client = await greetedClient(server);
    await leave(client, server, clock);
    await until(() => server.channels.size === 0);
    await turns();
    expect(ends).toEqual([{ session: expect.any(SessionInfo) as SessionInfo, reason }]);
    expect(ends[0]!.session.phase).toBe('closed');
  });

  it.each([
    ['a line that was too long', {}, `NOOP ${'x'.repeat(600)}\r\n`],
    [
      'a recipient too many, while hooks decide about the others',
      { recipientsMax: 1 },
      'MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@b.example>\r\n',
    ],
  ])('disconnect is not for a limit that was met before, and answered: %s', async (_what, limits, before) => {
    const server = new KeepingServer({ limits });
    server.use({ name: 'later', rcptBatch: async (requests) => (await turns(1), requests.map(() => undefined)) });
    const ends = eventsOf(server, 'disconnect');
    const met = limitsOf(server);
    const client = await greetedClient(server);
    // Nobody knows how many octets follow this one: it ends the session, in the same turn in which the line before it is answered.
    client.send(`${before}BDAT 5 \n\r\n`);
    expect((await client.closed()).at(-1)?.code).toBe(421);
    await until(() => ends.length > 0);
    expect(ends.map(({ reason }) => reason)).toEqual(['refused']);
    expect(met).toHaveLength(1);
  });

  it('disconnect says `error` when the connection broke', async () => {
    await using server = new KeepingServer();
    await server.listen();
    const ends = eventsOf(server, 'disconnect');
    const { connect } = await import('node:net');
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.resetAndDestroy();
    await until(() => ends.length > 0);
    expect(ends.map(({ reason }) => reason)).toEqual(['error']);
  });
});

describe('a listener', () => {
  const failing: readonly [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('listener broke');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('listener broke'))],
  ];

  it.each(failing)('that %s neither changes a reply nor keeps others from hearing, and is logged', async (_, fail) => {
    const plain = withoutIncident(await eventful(new EventfulServer()));
    const server = new EventfulServer();
    const heard: string[] = [];
    for (const name of NAMES) {
      server.on(name, fail);
      server.on(name, () => void heard.push(name));
    }
    expect(withoutIncident(await eventful(server))).toBe(plain);
    await turns();
    expect(new Set(heard)).toEqual(new Set(NAMES));
    const logged = server.log.lines.filter(({ fields }) => 'event' in fields);
    expect(logged.map(({ fields }) => fields['event']).sort()).toEqual(heard.sort());
    for (const { level, fields, message } of logged) {
      expect(level).toBe('error');
      expect(fields['error']).toEqual(new Error('listener broke'));
      expect(message).toBe('A listener threw; nothing else was affected');
    }
    // A failing listener is no fault of a session's: no incident, and no event about it.
    expect(heard.filter((name) => name === 'fault')).toHaveLength(1);
  });

  it('that takes its time delays nobody', async () => {
    const server = new EventfulServer();
    const held = new Held<undefined>();
    // Typed listeners return nothing; an async one is common all the same.
    for (const name of NAMES) server.on(name, () => held.promise as never);
    expect((await eventful(server)).split('\n')).toHaveLength(9);
    held.answer(undefined);
  });

  it('returns what it likes: it is no verdict', async () => {
    const server = new EventfulServer();
    for (const name of NAMES) server.on(name, () => '550 5.7.1 No' as never);
    const plain = withoutIncident(await eventful(new EventfulServer()));
    expect(withoutIncident(await eventful(server))).toBe(plain);
  });

  it.each(NAMES)('that closes the server at %s, again and again, breaks nothing', async (name) => {
    for (const options of [{}, { signal: AbortSignal.abort() }]) {
      const server = new EventfulServer();
      await server.listen();
      const closings: Promise<void>[] = [];
      server.on(name, () => void closings.push(server.close(options)));
      const client = RawClient.inMemory(server);
      client.send('EHLO c\r\nMAIL FROM:<bad@a>\r\nMAIL FROM:<a@a>\r\nRCPT TO:<b@b>\r\nRCPT TO:<c@b>\r\nDATA\r\n');
      await turns();
      client.send('Hi\r\n.\r\nQUIT\r\n');
      const replies = await client.closed();
      expect([221, 421]).toContain(replies.at(-1)!.code);
      expect(codes(replies).filter((code) => code === 221 || code === 421)).toHaveLength(1);
      await server.close();
      await Promise.all(closings);
      expect(server.channels.size).toBe(0);
      expect(server.log.errors.filter((error) => !error.includes('disk on fire'))).toEqual([]);
    }
  });

  it('hears nothing more after off(), and others go on hearing', async () => {
    const server = new KeepingServer();
    const first: string[] = [];
    const second: string[] = [];
    const listener = ({ verb }: SMTPServerEvents['command']): void => void first.push(verb);
    server.on('command', listener).on('command', ({ verb }) => void second.push(verb));
    const client = await greetedClient(server);
    expect(server.off('command', listener)).toBe(server);
    await client.command('NOOP');
    server.off('command', listener);
    expect([first, second]).toEqual([['EHLO'], ['EHLO', 'NOOP']]);
  });

  it('may stop watching while it is told', async () => {
    const server = new KeepingServer();
    const heard: string[] = [];
    const once = (): void => {
      heard.push('once');
      server.off('command', once);
    };
    server.on('command', once).on('command', () => void heard.push('always'));
    const client = await greetedClient(server);
    await client.command('NOOP');
    expect(heard).toEqual(['once', 'always', 'always']);
  });

  it('of one server hears nothing of another', async () => {
    const watched = new KeepingServer();
    const connects = eventsOf(watched, 'connect');
    await greetedClient(new KeepingServer());
    expect(connects).toEqual([]);
  });
});

describe('docs/extending.md', () => {
  it('names every event', () => {
    const page = readFileSync(new URL('../../../../docs/extending.md', import.meta.url), 'utf8');
    const named = /^The events are (.*?)\. Each/ms.exec(page)?.[1]?.match(/\w+(?=`)/g);
    const events: Record<keyof SMTPServerEvents, true> = {
      listening: true,
      connect: true,
      command: true,
      reply: true,
      message: true,
      limit: true,
      violation: true,
      secured: true,
      handshakeFailed: true,
      auth: true,
      disconnect: true,
      fault: true,
      closing: true,
      close: true,
    };
    expect(named).toEqual(Object.keys(events));
  });
});

describe('the diagnostics channels', () => {
  it('publish the same events under smtpd.<event>', async () => {
    const published: [string, unknown][] = [];
    const note = (message: unknown, name: string | symbol): void => void published.push([String(name), message]);
    for (const name of NAMES) subscribe(`smtpd.${name}`, note);
    try {
      const server = new EventfulServer();
      const story = storyOf(server);
      await eventful(server);
      expect(new Set(story.map(([name]) => name))).toEqual(new Set(NAMES));
      expect(published.map(([name]) => name)).toEqual(story.map(([name]) => `smtpd.${name}`));
      for (const [index, [, event]] of story.entries()) expect(published[index]![1]).toBe(event);
      published.length = 0;
      // With nobody but the subscribers, too, and of every server of the process.
      await eventful(new EventfulServer());
      expect(published.map(([name]) => name)).toEqual(story.map(([name]) => `smtpd.${name}`));
    } finally {
      for (const name of NAMES) unsubscribe(`smtpd.${name}`, note);
    }
  });

  it('whose subscriber throws is reported by Node, and the session goes on as if nothing had been', async () => {
    const plain = withoutIncident(await eventful(new EventfulServer()));
    const uncaught: unknown[] = [];
    const others = process.listeners('uncaughtException');
    const note = (error: unknown): void => void uncaught.push(error);
    const fail = (): void => {
      throw new Error('subscriber broke');
    };
    process.removeAllListeners('uncaughtException').on('uncaughtException', note);
    for (const name of NAMES) subscribe(`smtpd.${name}`, fail);
    try {
      const server = new EventfulServer();
      expect(withoutIncident(await eventful(server))).toBe(plain);
      await turns();
      expect(server.log.lines).toHaveLength(1);
      expect(uncaught.length).toBeGreaterThan(NAMES.length);
    } finally {
      for (const name of NAMES) unsubscribe(`smtpd.${name}`, fail);
      process.off('uncaughtException', note);
      for (const other of others) process.on('uncaughtException', other);
    }
  });
});

describe('what nobody watches', () => {
  it('is not watched, until somebody listens or subscribes, and not any more when they stop', () => {
    const watch = new Watch(new RecordingLogger());
    const listener = (): void => undefined;
    for (const name of NAMES) {
      expect(watch.isWatched(name)).toBe(false);
      watch.on(name, listener);
      expect(NAMES.filter((each) => watch.isWatched(each))).toEqual([name]);
      watch.off(name, listener);
      subscribe(`smtpd.${name}`, listener);
      expect(NAMES.filter((each) => watch.isWatched(each))).toEqual([name]);
      unsubscribe(`smtpd.${name}`, listener);
      expect(watch.isWatched(name)).toBe(false);
    }
  });

  it('is not made: a session without watchers tells nothing', async () => {
    const tell = vi.spyOn(Watch.prototype, 'tell');
    try {
      await eventful(new EventfulServer());
      expect(tell.mock.calls.map(([name]) => name)).toEqual(['listening', 'closing', 'close']);
      tell.mockClear();
      const server = new EventfulServer();
      eventsOf(server, 'message');
      await eventful(server);
      expect(tell.mock.calls.map(([name]) => name)).toEqual(['listening', 'message', 'closing', 'close']);
    } finally {
      tell.mockRestore();
    }
  });
});

it('a client that is served while nobody watches hears the same as one that is watched', async () => {
  const watched = new EventfulServer();
  storyOf(watched);
  expect(withoutIncident(await eventful(watched))).toBe(withoutIncident(await eventful(new EventfulServer())));
  const pipelined = async (server: KeepingServer): Promise<number[]> => {
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\nBOGUS\r\nQUIT\r\n');
    return codes(await client.closed());
  };
  const again = new KeepingServer();
  storyOf(again);
  expect(await pipelined(again)).toEqual(await pipelined(new KeepingServer()));
});
