/**
 * Servers behind a proxy that fail: at each step of the conversation, in each way. What the client hears is written down in the tables
 * below, cell by cell. In every cell there is never a 250 that the next server did not give; whoever is told to try again has nothing
 * delivered, except where the server had the whole message; the session goes on, and the next message arrives once the server is well.
 */

import { afterAll, describe, expect, it } from 'vitest';

import { PureProxy } from '../../src/handlers/pure-proxy.js';
import type { PureProxyOptions } from '../../src/handlers/proxy/proxy-options.js';
import { Certificates } from '../support/certificates.js';
import { freePort } from '../support/free-port.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { RawUpstream, type UpstreamAct, type UpstreamStep } from '../support/raw-upstream.js';
import { RecordingLogger, until } from '../server/support.js';

const certificates = new Certificates();
afterAll(() => {
  certificates[Symbol.dispose]();
});

const FAULTS = {
  closes: 'close!',
  resets: 'reset!',
  stalls: 'stall!',
  'says 450': '450 4.2.0 Not now',
  'says 550': '550 5.7.1 Never',
  'says 421': '421 4.3.2 Going down',
  'says what is no reply': { octets: 'once upon a time\r\n' },
  'says a megabyte': { octets: `${'250-'.padEnd(510, 'x')}\r\n`.repeat(2048) },
} as const satisfies Readonly<Record<string, UpstreamAct>>;
type Fault = keyof typeof FAULTS;

/** What the client hears of a message, from MAIL on: the refusals. `ok`: there is none, and the message is delivered. */
type Heard = string;

/** How the proxy's connection came to be the one that fails. */
type Way =
  /** Nobody has asked the server anything yet. */
  | 'first'
  /** What the server offers is known; the connection is new. */
  | 'fresh'
  /** The connection has carried a message. */
  | 'reused';

interface Scene {
  readonly way: Way;
  /** `idle`: none; it fails when nobody asks anything. */
  readonly step: UpstreamStep | 'idle';
  readonly act: UpstreamAct;
  /** Which recipient, for RCPT. */
  readonly recipient?: number;
  readonly verb?: 'DATA' | 'BDAT';
  readonly isOnTLS?: boolean;
  /** How often it fails. Default: always. */
  readonly times?: number;
}

const WAIT_MS = 1;
const WAITS = {
  connectMs: WAIT_MS,
  greetingMs: WAIT_MS,
  handshakeMs: WAIT_MS,
  commandMs: WAIT_MS,
  mailMs: WAIT_MS,
  rcptMs: WAIT_MS,
  dataMs: WAIT_MS,
  contentBlockMs: WAIT_MS,
  contentEndMs: WAIT_MS,
  quitMs: WAIT_MS,
};
const PLAIN_KEYWORDS = ['PIPELINING', '8BITMIME', 'ENHANCEDSTATUSCODES', 'CHUNKING'];

/** Plays a scene, and looks at what must be true in each. @returns what the client heard */
async function play({
  way,
  step,
  act,
  recipient,
  verb = 'DATA',
  isOnTLS = false,
  times = Infinity,
}: Scene): Promise<Heard> {
  let failuresLeft = 0;
  let failureCount = 0;
  const clock = new ManualClock();
  await using upstream = await RawUpstream.start({
    keywords: isOnTLS ? [...PLAIN_KEYWORDS, 'STARTTLS'] : PLAIN_KEYWORDS,
    tls: certificates.server,
    onStep: ({ step: reached, line }) => {
      const isHere = reached === step && (recipient === undefined || line.includes(`<${String(recipient)}@`));
      if (!isHere || failuresLeft === 0) return undefined;
      failuresLeft -= 1;
      failureCount += 1;
      return act;
    },
  });
  const log = new RecordingLogger();
  const options: PureProxyOptions = {
    localAddress: '127.0.0.1:0',
    hostname: 'proxy.example',
    remoteAddress: upstream.address,
    addReceived: false,
    addPeer: false,
    clock,
    logger: log,
    upstream: { waits: WAITS, tls: isOnTLS ? { mode: 'require', verify: false } : { mode: 'off' } },
  };
  const proxy = new PureProxy(options);
  const [address] = await proxy.listen();
  const client = await RawClient.connect((address as { port: number }).port);
  /** Waits for a reply; time passes only where the server does not answer. */
  const hear = async (): Promise<string> => {
    let heard: string | undefined;
    const reply = client.reply().then(({ code, lines }) => {
      heard = `${String(code)} ${lines[0]!.split(' ')[0]!}`;
    });
    await Promise.race([
      reply,
      until(() => {
        if (heard === undefined && isStalled()) clock.advance(WAIT_MS);
        return heard !== undefined;
      }),
    ]);
    // The connection that did not answer is given up.
    await until(() => !isStalled());
    return heard!;
  };
  const isStalled = (): boolean => upstream.connections.some((each) => each.isStalled && each.isOpen);
  const command = (line: string): Promise<string> => {
    client.send(`${line}\r\n`);
    return hear();
  };
  /** Sends content in two parts; where the server fails between them, the proxy knows before it has the second. */
  const sendContent = async (first: string, second: string): Promise<string> => {
    client.send(first);
    if (step === 'content' && failuresLeft > 0) {
      await until(() => failureCount > 0);
      if (act !== 'stall!') await until(() => upstream.openCount === 0);
    }
    client.send(second);
    return hear();
  };
  const send = async (subject: string): Promise<Heard> => {
    const mail = await command(`MAIL FROM:<${subject}@a.example>`);
    if (!isYes(mail)) return `MAIL ${mail}`;
    const rcpts = [await command('RCPT TO:<1@b.example>'), await command('RCPT TO:<2@b.example>')];
    const refused = rcpts.flatMap((reply, index) => (isYes(reply) ? [] : [`RCPT${String(index + 1)} ${reply}`]));
    const header = `Subject: ${subject}\r\n\r\n`;
    if (refused.length < 2 && verb === 'DATA') {
      const data = await command('DATA');
      if (!data.startsWith('354')) refused.push(`DATA ${data}`);
      else refused.push(...ifNo('end', await sendContent(header, 'Hello\r\n.\r\n')));
    } else if (refused.length < 2) {
      client.send(`BDAT ${String(header.length)}\r\n${header}`);
      const chunk = await hear();
      if (!isYes(chunk)) refused.push(`BDAT ${chunk}`);
      else refused.push(...ifNo('end', await sendContent('BDAT 7 LAST\r\n', 'Hello\r\n')));
    }
    if (refused.length > 0) expect(await command('RSET')).toBe('250 2.0.0');
    return refused.length === 0 ? 'ok' : refused.join(', ');
  };
  try {
    await client.reply();
    if (way === 'first') failuresLeft = times;
    expect(await command('EHLO client.example')).toMatch(/^250 /);
    if (way === 'reused') expect(await send('before')).toBe('ok');
    if (way === 'fresh') upstream.cut();
    failuresLeft = times;
    if (step === 'idle') {
      for (const connection of upstream.connections) if (connection.isOpen) connection.act(act);
      // What comes in the same moment as the next command looks like its reply.
      await until(() => upstream.openCount === 0);
    }
    if (step === 'RSET') {
      await command('MAIL FROM:<given.up@a.example>');
      await command('RCPT TO:<1@b.example>');
      expect(await command('RSET')).toBe('250 2.0.0');
      await until(() => failureCount > 0);
      clock.advance(WAIT_MS);
      await until(() => !isStalled());
      failuresLeft = 0;
    }
    const heard = await send('faulty');
    failuresLeft = 0;
    const ofFaulty = upstream.messages.filter(({ mail }) => mail.includes('faulty'));
    const isTaken = heard === 'ok' || /^RCPT\d [45]\d\d [\d.]+$/.test(heard);
    // Never a 250 that the upstream did not give; and one delivery for one 250.
    expect(ofFaulty.filter(({ isAcknowledged }) => isAcknowledged)).toHaveLength(isTaken ? 1 : 0);
    // Who is told to try again has nothing delivered, unless the server had the whole message and its answer was lost.
    if (!isTaken) expect(ofFaulty.length).toBeLessThanOrEqual(step === 'end' || step === 'LAST' ? 1 : 0);
    // The session goes on.
    expect(await send('after')).toBe('ok');
    expect(upstream.acknowledged.filter(({ mail }) => mail.includes('after'))).toHaveLength(1);
    expect(await command('QUIT')).toMatch(/^221/);
    await client.closed();
    expect(log.errors).toEqual([]);
    return heard;
  } finally {
    client.destroy();
    upstream.cut();
    await proxy.close({ graceMs: 0 });
    await until(() => upstream.openCount === 0);
  }
}

function isYes(reply: string): boolean {
  return reply.startsWith('250');
}

function ifNo(step: string, reply: string): string[] {
  return isYes(reply) ? [] : [`${step} ${reply}`];
}

// What the client hears when there is no reply to pass on.
const LOST = '451 4.4.2';
const AWAY = '451 4.4.1';
const NONSENSE = '451 4.5.0';
const NO_TLS = '451 4.7.5';

/** What the server said itself, but for 421: it is not we who leave. */
const SAID = { 'says 450': '450 4.2.0', 'says 550': '550 5.7.1', 'says 421': '451 4.3.2' } as const;

type Row = Readonly<Record<Fault, Heard>>;

/** The same for each fault, apart from what is named. */
function row(lost: Heard, nonsense: Heard, others: Partial<Row>): Row {
  return {
    closes: lost,
    resets: lost,
    stalls: lost,
    'says 450': lost,
    'says 550': lost,
    'says 421': lost,
    'says what is no reply': nonsense,
    'says a megabyte': nonsense,
    ...others,
  };
}

/** A row whose cells begin with the step. */
function at(step: string, cells: Row): Row {
  return Object.fromEntries(
    Object.entries(cells).map(([fault, heard]) => [fault, heard === 'ok' ? heard : `${step} ${heard}`]),
  ) as Row;
}

const TURNED_AWAY = { 'says 450': AWAY, 'says 550': AWAY, 'says 421': AWAY };
const NO_HANDSHAKE = { 'says 450': NO_TLS, 'says 550': NO_TLS, 'says 421': NO_TLS };

/** Before MAIL it is the proxy that is turned away, whatever the code says: the message may still go tomorrow. */
const BEGINNING: Readonly<
  Record<string, { readonly step: UpstreamStep; readonly isOnTLS?: boolean; readonly row: Row }>
> = {
  'the greeting': {
    step: 'greeting',
    // Whether the connection was there before it was reset depends on who looks when.
    row: { ...at('MAIL', row(LOST, NONSENSE, TURNED_AWAY)), resets: `MAIL ${LOST} or MAIL ${AWAY}` },
  },
  // RFC 5321 §3.2: a server that does not know EHLO is spoken to as RFC 821 does.
  EHLO: { step: 'EHLO', row: at('MAIL', row(LOST, NONSENSE, { ...TURNED_AWAY, 'says 550': 'ok' })) },
  STARTTLS: { step: 'STARTTLS', isOnTLS: true, row: at('MAIL', row(LOST, NONSENSE, NO_HANDSHAKE)) },
  'the handshake': {
    step: 'handshake',
    isOnTLS: true,
    row: at('MAIL', row(NO_TLS, NO_TLS, { stalls: LOST })),
  },
};

/** Once the server has the whole message, nobody can tell whether it has taken it: the window that no proxy can close. */
const TRANSACTION: Readonly<
  Record<
    string,
    { readonly step: UpstreamStep; readonly recipient?: number; readonly verb?: 'BDAT'; readonly row: Row }
  >
> = {
  MAIL: { step: 'MAIL', row: at('MAIL', row(LOST, NONSENSE, SAID)) },
  'the first RCPT': {
    step: 'RCPT',
    recipient: 1,
    row: row('RCPT1 451 4.4.2, RCPT2 451 4.4.2', 'RCPT1 451 4.5.0, RCPT2 451 4.5.0', {
      // The other recipient has the message.
      'says 450': 'RCPT1 450 4.2.0',
      'says 550': 'RCPT1 550 5.7.1',
      'says 421': 'RCPT1 451 4.3.2, RCPT2 451 4.3.2',
    }),
  },
  'the second RCPT': {
    step: 'RCPT',
    recipient: 2,
    row: row('RCPT2 451 4.4.2, DATA 451 4.4.2', 'RCPT2 451 4.5.0, DATA 451 4.5.0', {
      'says 450': 'RCPT2 450 4.2.0',
      'says 550': 'RCPT2 550 5.7.1',
      'says 421': 'RCPT2 451 4.3.2, DATA 451 4.3.2',
    }),
  },
  DATA: { step: 'DATA', row: at('DATA', row(LOST, NONSENSE, SAID)) },
  'the middle of the content': { step: 'content', row: at('end', row(LOST, NONSENSE, SAID)) },
  'the end of the content': { step: 'end', row: at('end', row(LOST, NONSENSE, SAID)) },
  BDAT: { step: 'BDAT', verb: 'BDAT', row: at('end', row(LOST, NONSENSE, SAID)) },
  'the last BDAT': { step: 'LAST', verb: 'BDAT', row: at('end', row(LOST, NONSENSE, SAID)) },
};

function faults(cells: Row): [Fault, Heard][] {
  return Object.entries(cells) as [Fault, Heard][];
}

describe.each(Object.entries(BEGINNING))('a server that fails at %s', (_, { row: cells, ...scene }) => {
  it.each(faults(cells))('%s: the client hears %s', async (fault, expected) => {
    for (const way of ['first', 'fresh'] as const) {
      expect(expected.split(' or '), way).toContain(await play({ way, ...scene, act: FAULTS[fault] }));
    }
  });
});

describe.each(Object.entries(TRANSACTION))('a server that fails at %s', (_, { row: cells, ...scene }) => {
  it.each(faults(cells))('%s: the client hears %s', async (fault, expected) => {
    for (const way of ['fresh', 'reused'] as const) {
      expect(`${way}: ${await play({ way, ...scene, act: FAULTS[fault] })}`).toBe(`${way}: ${expected}`);
    }
  });
});

describe('a server that fails once, where no message had begun', () => {
  it.each<[Fault, Heard]>([
    ['closes', 'ok'],
    ['resets', 'ok'],
    // What a server says of itself it said before anything of this message had begun.
    ['says 421', 'ok'],
    ['says 450', 'MAIL 450 4.2.0'],
    ['says 550', 'MAIL 550 5.7.1'],
    ['stalls', 'MAIL 451 4.4.2'],
    ['says what is no reply', 'MAIL 451 4.5.0'],
  ])('%s at MAIL on a connection that was there: the client hears %s', async (fault, expected) => {
    expect(await play({ way: 'reused', step: 'MAIL', act: FAULTS[fault], times: 1 })).toBe(expected);
  });

  it.each((Object.keys(FAULTS) as Fault[]).filter((fault) => fault !== 'stalls'))(
    '%s between two messages: nobody notices',
    async (fault) => {
      expect(await play({ way: 'reused', step: 'idle', act: FAULTS[fault] })).toBe('ok');
    },
  );

  it.each(Object.keys(FAULTS) as Fault[])('%s at RSET: nobody notices', async (fault) => {
    for (const way of ['fresh', 'reused'] as const) {
      expect(await play({ way, step: 'RSET', act: FAULTS[fault] })).toBe('ok');
    }
  });
});

describe('a server that drops TLS', () => {
  it.each<[string, Omit<Scene, 'way' | 'act'>, Heard]>([
    ['MAIL', { step: 'MAIL' }, 'MAIL 451 4.4.2'],
    ['the first RCPT', { step: 'RCPT', recipient: 1 }, 'RCPT1 451 4.4.2, RCPT2 451 4.4.2'],
    ['the second RCPT', { step: 'RCPT', recipient: 2 }, 'RCPT2 451 4.4.2, DATA 451 4.4.2'],
    ['DATA', { step: 'DATA' }, 'DATA 451 4.4.2'],
    ['the middle of the content', { step: 'content' }, 'end 451 4.4.2'],
    ['the end of the content', { step: 'end' }, 'end 451 4.4.2'],
    ['BDAT', { step: 'BDAT', verb: 'BDAT' }, 'end 451 4.4.2'],
    ['the last BDAT', { step: 'LAST', verb: 'BDAT' }, 'end 451 4.4.2'],
    ['RSET', { step: 'RSET' }, 'ok'],
    ['no step at all', { step: 'idle' }, 'ok'],
  ])('at %s', async (_, scene, expected) => {
    for (const way of ['fresh', 'reused'] as const) {
      expect(`${way}: ${await play({ way, ...scene, act: 'plain!', isOnTLS: true })}`).toBe(`${way}: ${expected}`);
    }
  });
});

describe('a server that is not there', () => {
  it('costs nobody a message: 451 until it is back', async () => {
    const port = await freePort();
    const proxy = new PureProxy({
      localAddress: '127.0.0.1:0',
      remoteAddress: `127.0.0.1:${String(port)}`,
      logger: new RecordingLogger(),
    });
    const [address] = await proxy.listen();
    const client = await RawClient.connect((address as { port: number }).port);
    await client.reply();
    expect((await client.command('EHLO client.example')).code).toBe(250);
    expect(await client.command('MAIL FROM:<a@a.example>')).toEqual({
      code: 451,
      lines: ['4.4.1 Error: the next server cannot be reached; try again later'],
    });
    await using upstream = await RawUpstream.start({ port });
    for (const line of ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>']) {
      expect((await client.command(line)).code).toBe(250);
    }
    await client.command('DATA');
    expect((await client.command('Hello\r\n.')).code).toBe(250);
    expect(upstream.acknowledged).toHaveLength(1);
    client.destroy();
    await proxy.close({ graceMs: 0 });
    await until(() => upstream.openCount === 0);
  });
});
