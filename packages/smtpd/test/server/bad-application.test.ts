/**
 * Applications that misbehave, at every stage: the client hears 451 with an incident and nothing of what went wrong, the session
 * goes on, the log has the rest, and nothing of it is left in the process.
 */

import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { connectInMemory } from '../../src/net/memory-transport.js';
import { Reply, SMTPReplyError } from '../../src/protocol/reply.js';
import { SMTPChannel } from '../../src/server/channel.js';
import type { Hook, HookRequest } from '../../src/server/hooks.js';
import { defaultLogger, type Logger } from '../../src/server/logger.js';
import type { ReceivedMessage, StreamedMessage } from '../../src/server/received-message.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { SMTPServer } from '../../src/server/server.js';
import type { SessionInfo } from '../../src/server/session-info.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient, type WireReply } from '../support/raw-client.js';
import { codes, eventsOf, Held, openCount, RecordingLogger, turns, until } from './support.js';

/** Where an application takes part. `reset` and `close` are told only. */
const ASKED = [
  'connect',
  'helo',
  'mail',
  'rcpt',
  'rcptBatch',
  'data',
  'message',
  'processMessage',
  'streamMessage',
  'smtp_MAIL',
  'smtp_RCPT',
  'smtp_DATA',
  'smtp_XBAD',
] as const;
const STAGES = [...ASKED, 'reset', 'close'] as const;
type Stage = (typeof STAGES)[number];

/** A word that must never reach a client. */
const SECRET = 'hunter2';

/** How an application may fail instead of answering. */
const FAILURES: readonly (readonly [string, () => unknown])[] = [
  [
    'throws an error',
    () => {
      throw new Error(`${SECRET}\r\n250 OK`);
    },
  ],
  [
    'throws a text that looks like a reply',
    () => {
      throw `250 ${SECRET}`;
    },
  ],
  [
    'throws undefined',
    () => {
      throw undefined;
    },
  ],
  [
    'throws what looks like an SMTPReplyError',
    () => {
      throw { name: 'SMTPReplyError', code: 'SMTPD_REPLY', reply: `550 ${SECRET}` };
    },
  ],
  [
    'throws what cannot be shown',
    () => {
      throw unshowable();
    },
  ],
  ['rejects with an error', async () => Promise.reject(new Error(SECRET))],
  ['rejects with null', async () => Promise.reject(null)],
  ['rejects later', async () => turns(1).then(() => Promise.reject(new Error(SECRET)))],
  [
    'returns a thenable that throws',
    () => ({
      then: () => {
        throw new Error(SECRET);
      },
    }),
  ],
  [
    'returns a thenable whose `then` cannot be had',
    () => ({
      get then(): never {
        throw new Error(SECRET);
      },
    }),
  ],
  [
    'returns a thenable that rejects twice',
    () =>
      twice(
        (_, no) => no(new Error(SECRET)),
        (_, no) => no(new Error(SECRET)),
      ),
  ],
  [
    'returns a thenable that rejects, then accepts',
    () =>
      twice(
        (_, no) => no(new Error(SECRET)),
        (yes) => yes('250 OK'),
      ),
  ],
];

/** What an application may return that is no answer. */
const NONSENSE: readonly (readonly [string, () => unknown])[] = [
  ['returns a number', () => 250],
  ['returns true', () => true],
  ['returns an object', () => ({ code: 250, text: SECRET })],
  ['returns an array', () => [`250 ${SECRET}`, `250 ${SECRET}`]],
  ['returns a function', () => () => `250 ${SECRET}`],
  ['returns a symbol', () => Symbol(SECRET)],
  ['returns a bigint', () => 250n],
  ['returns what cannot be shown', () => unshowable()],
  ['returns a text that is no reply', () => SECRET],
  ['returns 100 characters of garbage', () => `${SECRET}\u0000\r\n\u001b[2J\ufffd`.repeat(8).slice(0, 100)],
  ['returns two replies', () => `250 2.0.0 OK\r\n221 2.0.0 ${SECRET}`],
  ['returns an intermediate reply', () => `354 ${SECRET}`],
  ['returns an intermediate Reply', () => new Reply(334, undefined, SECRET)],
  ['returns a code that there is not', () => `999 ${SECRET}`],
  ['returns a promise of a number', async () => 250],
];

/** Each of them is a fault where an answer was asked for: 451 and a line in the log. */
const FAULTS = [...FAILURES, ...NONSENSE];

/** What looks bad and is a good answer all the same. */
const ODD_ANSWERS: readonly (readonly [string, () => unknown])[] = [
  [
    'a thenable that answers twice',
    () =>
      twice(
        (yes) => yes(undefined),
        (yes) => yes(`550 ${SECRET}`),
      ),
  ],
  [
    'a thenable that answers, then rejects',
    () =>
      twice(
        (yes) => yes(undefined),
        (_, no) => no(new Error(SECRET)),
      ),
  ],
  [
    'a thenable that answers, then throws',
    () =>
      thenable((yes) => {
        yes(undefined);
        throw new Error(SECRET);
      }),
  ],
  [
    'a thenable of a promise of a thenable',
    () => thenable((yes) => yes(Promise.resolve(thenable((deep) => deep(''))))),
  ],
  ['a class of thenables', () => new (class extends Promise<undefined> {})((yes) => yes(undefined))],
];

type Settle = (value: unknown) => void;

function thenable(run: (yes: Settle, no: Settle) => unknown): object {
  return { then: run };
}

/** A thenable that calls back twice. */
function twice(...calls: readonly ((yes: Settle, no: Settle) => void)[]): object {
  return thenable((yes, no) => {
    for (const call of calls) call(yes, no);
  });
}

/** A value that throws when anybody looks at it. */
function unshowable(): object {
  return {
    get [Symbol.toStringTag](): never {
      throw new Error(SECRET);
    },
    get message(): never {
      throw new Error(SECRET);
    },
    toJSON(): never {
      throw new Error(SECRET);
    },
    toString(): never {
      throw new Error(SECRET);
    },
  };
}

/** What happens at a stage of a session. */
type Misbehaviour = (stage: Stage, session: SessionInfo, asked?: { readonly signal: AbortSignal }) => unknown;

interface BadOptions extends SMTPServerOptions {
  /** Which of the stages exist: those that exclude each other are chosen by the one that misbehaves. */
  readonly stage: Stage;
  readonly misbehave: Misbehaviour;
}

/** A server whose application misbehaves at every stage that `misbehave` likes. */
function badServer({ stage, misbehave, ...options }: BadOptions): SMTPServer {
  const instead = (own: Stage, { info }: SMTPChannel, usual: () => unknown): never =>
    first(misbehave(own, info), usual) as never;
  class BadChannel extends SMTPChannel {
    override smtp_MAIL(argument: string | undefined): void {
      return instead('smtp_MAIL', this, () => super.smtp_MAIL(argument));
    }
    override smtp_DATA(argument: string | undefined): void {
      return instead('smtp_DATA', this, () => super.smtp_DATA(argument));
    }
    smtp_XBAD(): void {
      return instead('smtp_XBAD', this, () => this.push('250 2.0.0 Good'));
    }
  }
  // Its own RCPT would take the batch away from rcptBatch.
  class BadRecipientChannel extends BadChannel {
    override smtp_RCPT(argument: string | undefined): void {
      return instead('smtp_RCPT', this, () => super.smtp_RCPT(argument));
    }
  }
  class WholeServer extends SMTPServer {
    static override channelClass = stage === 'smtp_RCPT' ? BadRecipientChannel : BadChannel;
    override processMessage(message: ReceivedMessage): void {
      return misbehave('processMessage', message.session, message) as never;
    }
  }
  class StreamServer extends SMTPServer {
    static override channelClass = BadChannel;
    override streamMessage(message: StreamedMessage): void {
      return misbehave('streamMessage', message.session, message) as never;
    }
  }
  const server = new (stage === 'streamMessage' ? StreamServer : WholeServer)({
    localAddress: '127.0.0.1:0',
    hostname: 'mx.example',
    ...options,
  });
  const at =
    (own: Stage) =>
    (request: HookRequest<undefined>): never =>
      misbehave(own, request.session, request) as never;
  const hook: Hook = {
    name: 'bad',
    connect: at('connect'),
    helo: at('helo'),
    mail: at('mail'),
    data: at('data'),
    reset: at('reset'),
    close: at('close'),
    ...(stage === 'rcptBatch'
      ? { rcptBatch: (requests) => batch(misbehave('rcptBatch', requests[0]!.session, requests[0]), requests.length) }
      : { rcpt: at('rcpt') }),
    ...(stage === 'streamMessage' ? {} : { message: at('message') }),
  };
  return server.use(hook);
}

/** What was returned, or the usual when that was nothing. */
function first(returned: unknown, usual: () => unknown): unknown {
  return returned === undefined ? usual() : returned;
}

/** A batch that is answered well unless something else was said. */
function batch(answer: unknown, count: number): never {
  return (answer === undefined ? Array.from({ length: count }, () => undefined) : answer) as never;
}

/** What a client says, line by line, up to the stage and beyond. */
const LINES = [
  'EHLO c.example',
  'MAIL FROM:<a@a.example>',
  'RSET',
  'XBAD',
  'MAIL FROM:<a@a.example>',
  'RCPT TO:<b@b.example>',
  'DATA',
  'Hi\r\n.',
] as const;

/** The first line that is answered by the stage; 0 is the greeting. */
const ANSWERED_BY: Readonly<Record<Exclude<Stage, 'close'>, number>> = {
  connect: 0,
  helo: 1,
  mail: 2,
  smtp_MAIL: 2,
  reset: 3,
  smtp_XBAD: 4,
  rcpt: 6,
  rcptBatch: 6,
  smtp_RCPT: 6,
  data: 7,
  smtp_DATA: 7,
  message: 8,
  processMessage: 8,
  streamMessage: 8,
};

/** Goes to the stage. @returns the reply that the stage gave */
async function goTo(client: RawClient, stage: Exclude<Stage, 'close'>): Promise<WireReply> {
  let reply = await client.reply();
  for (const line of LINES.slice(0, ANSWERED_BY[stage])) {
    expect([line, reply.code < 400]).toEqual([line, true]);
    reply = await client.command(line);
  }
  return reply;
}

/** Takes a whole message from a session that is in whatever state. */
async function goesOn(client: RawClient): Promise<void> {
  const replies: WireReply[] = [];
  for (const line of ['RSET', ...LINES]) replies.push(await client.command(line));
  expect(codes(replies)).toEqual([250, 250, 250, 250, 250, 250, 250, 354, 250]);
  expect(JSON.stringify(replies)).not.toContain(SECRET);
  expect((await client.command('QUIT')).code).toBe(221);
  await client.closed();
}

/** Misbehaves once, at one stage. */
function once(stage: Stage, act: () => unknown): Misbehaviour {
  let isDone = false;
  return (at) => {
    if (at !== stage || isDone) return undefined;
    isDone = true;
    return act();
  };
}

const rejections: unknown[] = [];
const noteRejection = (error: unknown): void => void rejections.push(error);

beforeAll(() => {
  process.on('unhandledRejection', noteRejection);
});

afterEach(async () => {
  await turns();
  expect(rejections.splice(0)).toEqual([]);
});

afterAll(() => {
  process.off('unhandledRejection', noteRejection);
});

describe.each(ASKED)('an application that at %s', (stage) => {
  it.each(FAULTS)('%s: 451 with an incident, the session goes on, the log has the rest', async (_, act) => {
    const clock = new ManualClock();
    const logger = new RecordingLogger();
    const server = badServer({ stage, misbehave: once(stage, act), clock, logger });
    const faults = eventsOf(server, 'fault');
    const client = RawClient.inMemory(server);
    const { code, lines } = await goTo(client, stage);
    expect(code).toBe(451);
    const incident = /^4\.3\.0 Error: internal error, incident ([0-9a-f]{8}); try again later$/.exec(lines.join())?.[1];
    expect(incident).toBeDefined();
    expect(logger.lines).toEqual([
      {
        level: 'error',
        fields: { incident, session: faults[0]!.session!.id, error: faults[0]!.error },
        message: 'The application failed; the client is told 451',
      },
    ]);
    expect(faults).toHaveLength(1);
    expect(faults[0]!.incident).toBe(incident);
    if (stage === 'connect') {
      // RFC 5321 §3.1: a session that was refused waits for QUIT.
      expect((await client.command('EHLO c.example')).code).toBe(503);
      expect((await client.command('QUIT')).code).toBe(221);
    } else {
      await goesOn(client);
    }
    await until(() => server.channels.size === 0);
    expect(logger.lines).toHaveLength(1);
    expect(clock.timerCount).toBe(0);
  });
});

describe.each(ASKED.filter((stage) => stage !== 'rcptBatch' && !stage.startsWith('smtp_')))(
  'an application that at %s',
  (stage) => {
    it.each(ODD_ANSWERS)('returns %s has answered, once', async (_, act) => {
      const logger = new RecordingLogger();
      const server = badServer({ stage, misbehave: once(stage, act), logger });
      const client = RawClient.inMemory(server);
      const { code } = await goTo(client, stage);
      expect(code).toBe({ connect: 220, data: 354 }[stage as string] ?? 250);
      if (stage === 'data') {
        client.send('.\r\n');
        expect((await client.reply()).code).toBe(250);
      }
      if (stage === 'connect') await client.command('EHLO c.example');
      await goesOn(client);
      expect(logger.lines).toEqual([]);
    });
  },
);

describe('a hook that is only told', () => {
  it.each(FAILURES)('of a reset and %s: RSET is done, the failure is logged, the session goes on', async (_, act) => {
    const logger = new RecordingLogger();
    const server = badServer({ stage: 'reset', misbehave: once('reset', act), logger });
    const faults = eventsOf(server, 'fault');
    const client = RawClient.inMemory(server);
    expect((await goTo(client, 'reset')).code).toBe(250);
    await goesOn(client);
    await until(() => logger.lines.length > 0);
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([['error', 'Hook bad failed at reset']]);
    expect(faults).toHaveLength(1);
  });

  it.each(FAILURES)(
    'of the end and %s: the failure is logged, and the session is over all the same',
    async (_, act) => {
      const clock = new ManualClock();
      const logger = new RecordingLogger();
      const server = badServer({ stage: 'close', misbehave: once('close', act), clock, logger });
      const ends = eventsOf(server, 'disconnect');
      const client = RawClient.inMemory(server);
      await client.reply();
      await client.command('EHLO c.example');
      await goesOn(client);
      await turns();
      expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
        ['error', 'Hook bad failed at close'],
      ]);
      expect([ends.length, server.channels.size, clock.timerCount]).toEqual([1, 0, 0]);
      await server.close();
    },
  );

  it.each([...NONSENSE, ['never settles', () => new Promise(() => undefined)] as const])(
    'and %s is not asked for an answer: nobody waits, nothing is logged',
    async (_, act) => {
      const clock = new ManualClock();
      const logger = new RecordingLogger();
      const server = badServer({
        stage: 'reset',
        misbehave: (stage) => (stage === 'reset' || stage === 'close' ? act() : undefined),
        clock,
        logger,
      });
      const client = RawClient.inMemory(server);
      expect((await goTo(client, 'reset')).code).toBe(250);
      await goesOn(client);
      await until(() => server.channels.size === 0);
      await server.close();
      expect([logger.lines, clock.timerCount]).toEqual([[], 0]);
    },
  );
});

describe('an application that never answers', () => {
  it.each(ASKED)('at %s is given up on when its time is over', async (stage) => {
    const clock = new ManualClock();
    const logger = new RecordingLogger();
    const misbehave = once(stage, () => new Promise(() => undefined));
    const limits = { verdictWaitMs: 1_000, messageVerdictWaitMs: 1_000 };
    const server = badServer({ stage, misbehave, clock, logger, limits });
    const client = RawClient.inMemory(server);
    const answered = goTo(client, stage);
    // The clock is not moved before the application was asked.
    for (let turn = 0; turn < 5 * ANSWERED_BY[stage] + 5; turn += 1) await turns(1);
    clock.advance(1_000);
    // A method without a question could still answer, and would then answer the wrong command.
    const isMethod = stage.startsWith('smtp_');
    expect(await answered).toEqual(
      isMethod
        ? { code: 421, lines: ['4.3.0 Error: no answer in time, closing connection'] }
        : { code: 451, lines: ['4.3.0 Error: no decision in time, try again later'] },
    );
    if (!isMethod && stage !== 'connect') await goesOn(client);
    client.destroy();
    await until(() => server.channels.size === 0);
    expect([logger.lines, clock.timerCount]).toEqual([[], 0]);
  });
});

describe('an application that answers when the client has gone', () => {
  const answers: readonly (readonly [string, (held: Held) => void])[] = [
    ['with yes', (held) => held.answer(undefined)],
    ['with a reply', (held) => held.answer('250 2.0.0 Late')],
    ['with a refusal', (held) => held.answer('550 5.7.1 Late')],
    ['with nonsense', (held) => held.answer(17)],
    ['with an SMTPReplyError', (held) => held.fail(new SMTPReplyError(450, '4.7.1', 'Late'))],
    ['with an error', (held) => held.fail(new Error(SECRET))],
  ];

  it.each(ASKED)('at %s answers nobody, whatever it says, and nothing is left', async (stage) => {
    for (const [how, answer] of answers) {
      const clock = new ManualClock();
      const logger = new RecordingLogger();
      const held = new Held();
      let isAsked = false;
      const misbehave = once(stage, () => {
        isAsked = true;
        return held.promise;
      });
      const server = badServer({ stage, misbehave, clock, logger });
      const stories: string[] = [];
      for (const name of ['reply', 'message', 'fault', 'disconnect'] as const) {
        server.on(name, () => void stories.push(name));
      }
      const client = RawClient.inMemory(server);
      void goTo(client, stage).catch(() => undefined);
      await until(() => isAsked);
      client.destroy();
      await until(() => server.channels.size === 0);
      stories.length = 0;
      answer(held);
      await turns();
      expect([how, stories, logger.lines, clock.timerCount]).toEqual([how, [], [], 0]);
    }
  });
});

it('a command method that waits for a hook which never answers goes on when the client leaves', async () => {
  const went: string[] = [];
  class WaitingChannel extends SMTPChannel {
    override async smtp_MAIL(argument: string | undefined) {
      await super.smtp_MAIL(argument);
      went.push('on');
    }
  }
  class WaitingServer extends SMTPServer {
    static override channelClass = WaitingChannel;
  }
  let isAsked = false;
  const server = new WaitingServer().use({
    name: 'silent',
    mail: () => {
      isAsked = true;
      return new Promise(() => undefined);
    },
  });
  const client = RawClient.inMemory(server);
  client.send('EHLO c.example\r\nMAIL FROM:<a@a.example>\r\n');
  await until(() => isAsked);
  await turns();
  expect(went).toEqual([]);
  client.destroy();
  await turns();
  expect(went).toEqual(['on']);
});

describe('a logger that throws', () => {
  it('costs its line, not the session', async () => {
    const clock = new ManualClock();
    const broken = (): never => {
      throw new Error(`log full, ${SECRET}`);
    };
    const logger: Logger = { debug: broken, info: broken, warn: broken, error: broken };
    const written: string[] = [];
    const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    try {
      for (const stage of ASKED) {
        const server = badServer({ stage, misbehave: once(stage, () => 17), clock, logger });
        server.on('disconnect', broken);
        const client = RawClient.inMemory(server);
        expect([stage, (await goTo(client, stage)).code]).toEqual([stage, 451]);
        if (stage !== 'connect') await goesOn(client);
        client.destroy();
        await until(() => server.channels.size === 0);
      }
      expect(clock.timerCount).toBe(0);
    } finally {
      write.mockRestore();
    }
    expect(written).toHaveLength(2 * ASKED.length);
    for (const line of written) expect(line).toContain('(the logger threw)');
  });

  it('is the default one never, whatever an application throws', async () => {
    const written: string[] = [];
    const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    try {
      for (const [, act] of FAULTS) {
        const server = badServer({ stage: 'mail', misbehave: once('mail', act), logger: defaultLogger });
        const client = RawClient.inMemory(server);
        expect((await goTo(client, 'mail')).code).toBe(451);
        await goesOn(client);
      }
    } finally {
      write.mockRestore();
    }
    expect(written).toHaveLength(FAULTS.length);
    for (const line of written) {
      expect(JSON.parse(line)).toMatchObject({
        level: 'error',
        message: 'The application failed; the client is told 451',
      });
    }
  });
});

describe('after ten thousand sessions with such applications', () => {
  /** A logger that keeps nothing. */
  class CountingLogger implements Logger {
    errorCount = 0;
    debug(): void {}
    info(): void {}
    warn(): void {}
    error(): void {
      this.errorCount += 1;
    }
  }

  const LEAVES = ['staysToTheEnd', 'endsItsSide', 'leavesAtOnce', 'leavesOnTheWay'] as const;

  interface Plan {
    readonly stage: Stage;
    readonly act: (fleet: Fleet, asked: { readonly signal: AbortSignal } | undefined) => unknown;
    readonly leave: (typeof LEAVES)[number];
  }

  const ACTS: readonly Plan['act'][] = [
    () => undefined,
    ...[...FAULTS, ...ODD_ANSWERS].map(([, act]) => act),
    (fleet, asked) => {
      fleet.watchSignal(asked?.signal);
      return new Promise(() => undefined);
    },
    (fleet, asked) => {
      fleet.watchSignal(asked?.signal);
      return fleet.hold();
    },
  ];

  /** Every stage meets every act and every way to leave, in an order that mixes them; the test looks whether they all do. */
  function planOf(index: number): Plan {
    return {
      stage: STAGES[index % STAGES.length]!,
      act: ACTS[(index + Math.floor(index / (STAGES.length * LEAVES.length))) % ACTS.length]!,
      leave: LEAVES[index % LEAVES.length]!,
    };
  }

  const CONVERSATION = `${LINES.slice(0, 7).join('\r\n')}\r\n`;
  const CONTENT = 'Hi\r\n.\r\n';

  /** Servers of all kinds that share one set of channels, and the sessions that are held with them. */
  class Fleet {
    readonly clock = new ManualClock();
    readonly log = new CountingLogger();
    readonly channels = new Set<unknown>();
    readonly channelRefs: WeakRef<object>[] = [];
    /** What has been met: a stage, an act, a way to leave. */
    readonly combinations = new Set<string>();
    readonly servers: ReadonlyMap<Stage | 'others', SMTPServer>;
    signalCount = 0;
    abortedCount = 0;
    /** What clients heard that they must not hear. */
    leaked = '';
    #sessionCount = 0;
    readonly #plans = new WeakMap<SessionInfo, Plan>();
    readonly #held: Held[] = [];
    #signals: AbortSignal[] = [];

    constructor() {
      const serverFor = (stage: Stage): SMTPServer => {
        const server = badServer({
          stage,
          misbehave: (at, session, asked) => {
            const plan = this.#plans.get(session);
            return plan?.stage === at ? plan.act(this, asked) : undefined;
          },
          clock: this.clock,
          channels: this.channels,
          logger: this.log,
          limits: { verdictWaitMs: 1_000, messageVerdictWaitMs: 1_000, commandWaitMs: 2_000, contentWaitMs: 2_000 },
        });
        server.on('connect', ({ session }) => {
          const plan = planOf(this.#sessionCount);
          this.#plans.set(session, plan);
          this.combinations.add([plan.stage, ACTS.indexOf(plan.act), plan.leave].join());
          this.#sessionCount += 1;
          for (const channel of [...this.channels].slice(-1)) this.channelRefs.push(new WeakRef(channel as object));
        });
        return server;
      };
      this.servers = new Map<Stage | 'others', SMTPServer>([
        ['streamMessage', serverFor('streamMessage')],
        ['rcptBatch', serverFor('rcptBatch')],
        ['smtp_RCPT', serverFor('smtp_RCPT')],
        ['others', serverFor('mail')],
      ]);
    }

    get sessionCount(): number {
      return this.#sessionCount;
    }

    serverOf({ stage }: Plan): SMTPServer {
      return this.servers.get(stage) ?? this.servers.get('others')!;
    }

    hold(): Promise<unknown> {
      const held = new Held();
      this.#held.push(held);
      return held.promise;
    }

    watchSignal(signal: AbortSignal | undefined): void {
      if (signal === undefined) return;
      this.signalCount += 1;
      this.#signals.push(signal);
      const onAbort = (): void => {
        this.abortedCount += 1;
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
    }

    /** Lets all sessions come to their end, and answers what was asked only afterwards. */
    async finish(): Promise<void> {
      for (let round = 0; this.channels.size > 0; round += 1) {
        if (round > 50) throw new Error(`${String(this.channels.size)} sessions never end`);
        await turns(2);
        this.clock.advance(1_000);
      }
      for (const [index, held] of this.#held.splice(0).entries()) {
        if (index % 3 === 0) held.answer(undefined);
        else if (index % 3 === 1) held.answer(17);
        else held.fail(new Error(SECRET));
      }
      await turns(2);
      const listeners = this.#signals.flatMap((signal) => getEventListeners(signal, 'abort'));
      this.#signals = [];
      if (listeners.length > 0) throw new Error(`${String(listeners.length)} listeners are left on signals`);
    }

    note(text: string): void {
      if (text.includes(SECRET)) this.leaked += text;
    }
  }

  /** Sessions in memory, fifty at a time. */
  async function holdInMemory(fleet: Fleet, count: number): Promise<void> {
    for (let done = 0; done < count; done += 50) {
      const clients = Array.from({ length: 50 }, () => {
        const plan = planOf(fleet.sessionCount);
        const { client, server } = connectInMemory();
        client.start({
          onBytes: (bytes) => {
            fleet.note(Buffer.from(bytes).toString('latin1'));
          },
          onEnd: () => {
            client.end();
          },
          onDrain: () => undefined,
          onClose: () => undefined,
        });
        fleet.serverOf(plan).accept(server);
        client.write(Buffer.from(CONVERSATION));
        if (plan.leave === 'leavesAtOnce') client.destroy();
        return { client, plan };
      });
      await turns(2);
      for (const { client, plan } of clients) {
        if (plan.leave === 'leavesOnTheWay') client.destroy();
        client.write(Buffer.from(plan.leave === 'staysToTheEnd' ? `${CONTENT}QUIT\r\n` : CONTENT));
        if (plan.leave === 'endsItsSide') client.end();
      }
      await fleet.finish();
    }
  }

  /** Sessions over TCP, twenty-five at a time. */
  async function holdOverTCP(fleet: Fleet, count: number): Promise<void> {
    for (let done = 0; done < count; done += 25) {
      for (let each = 0; each < 25; each += 1) {
        const plan = planOf(fleet.sessionCount);
        const sessionsBefore = fleet.sessionCount;
        const client = await RawClient.connect(fleet.serverOf(plan).port);
        await until(() => fleet.sessionCount > sessionsBefore);
        client.send(CONVERSATION + CONTENT + (plan.leave === 'staysToTheEnd' ? 'QUIT\r\n' : ''));
        if (plan.leave === 'endsItsSide') client.end();
        if (plan.leave === 'leavesAtOnce') client.destroy();
        if (plan.leave === 'leavesOnTheWay') {
          await turns(1);
          client.destroy();
        }
        void client.closed().then(() => {
          fleet.note(client.unread);
        });
      }
      await fleet.finish();
    }
  }

  const collectGarbage = async (): Promise<number> => {
    setFlagsFromString('--expose_gc');
    const gc = runInNewContext('gc') as () => void;
    for (let pass = 0; pass < 3; pass += 1) {
      await turns(2);
      gc();
    }
    return process.memoryUsage().heapUsed;
  };

  it('in memory: no channel, no timer, no listener and no memory is left, and no client heard the secret', async () => {
    const fleet = new Fleet();
    await holdInMemory(fleet, 2_000);
    const heapBefore = await collectGarbage();
    await holdInMemory(fleet, 8_000);
    const heapAfter = await collectGarbage();
    expect(fleet.sessionCount).toBe(10_000);
    expect(fleet.combinations.size).toBe(STAGES.length * ACTS.length * LEAVES.length);
    expect(fleet.log.errorCount).toBeGreaterThan(4_000);
    for (const server of fleet.servers.values()) expect(server.channels.size).toBe(0);
    expect(fleet.clock.timerCount).toBe(0);
    expect(fleet.leaked).toBe('');
    expect(fleet.signalCount).toBeGreaterThan(200);
    expect(fleet.abortedCount).toBe(fleet.signalCount);
    // One channel that stayed for each session would be tens of megabytes.
    expect((heapAfter - heapBefore) / 1_048_576).toBeLessThan(3);
    // The last ones may still stand on the stack of this very function.
    expect(fleet.channelRefs).toHaveLength(10_000);
    expect(fleet.channelRefs.filter((ref) => ref.deref() !== undefined).length).toBeLessThanOrEqual(50);
  }, 120_000);

  it('a few hundred of them over TCP: no socket and no handle is left either', async () => {
    const sockets = ['TCPServerWrap', 'TCPSocketWrap', 'TCPWRAP'];
    const handles = (): number =>
      (process as unknown as Record<'_getActiveHandles', () => unknown[]>)._getActiveHandles().length;
    const before = { sockets: openCount(...sockets), timers: openCount('Timeout'), handles: handles() };
    const fleet = new Fleet();
    for (const server of fleet.servers.values()) await server.listen();
    const controller = new AbortController();
    await holdOverTCP(fleet, 600);
    await Promise.all([...fleet.servers.values()].map((server) => server.close({ signal: controller.signal })));
    await until(() => openCount(...sockets) <= before.sockets);
    await until(() => openCount('Timeout') <= before.timers);
    expect(handles()).toBeLessThanOrEqual(before.handles);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    expect(fleet.sessionCount).toBe(600);
    expect([fleet.channels.size, fleet.clock.timerCount, fleet.leaked]).toEqual([0, 0, '']);
    await collectGarbage();
    expect(fleet.channelRefs.filter((ref) => ref.deref() !== undefined).length).toBeLessThanOrEqual(25);
  }, 120_000);
});
