/** The hook stage `offer`: what one client is not offered, it is not told of, and held to. */

import { afterEach, describe, expect, it } from 'vitest';

import { IN_CLEAR, type OfferNarrowing } from '../../src/protocol/extension.js';
import { dsn } from '../../src/protocol/extensions/dsn.js';
import { completeOptions, type SMTPServerOptions } from '../../src/server/server-options.js';
import { sessionOptionsFor } from '../../src/server/session-options.js';
import type { Verdict } from '../../src/server/verdict.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { Held, KeepingServer, turns, until } from './support.js';

type Answer = OfferNarrowing | Verdict | Promise<OfferNarrowing | Verdict>;

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

function serverThat(answers: readonly (() => Answer)[], options: SMTPServerOptions = {}): KeepingServer {
  const server = new KeepingServer({ extensions: [dsn()], ...options });
  for (const [index, answer] of answers.entries()) server.use({ name: `offer ${String(index)}`, offer: answer });
  return server;
}

async function connected(server: KeepingServer): Promise<RawClient> {
  const client = RawClient.inMemory(server);
  await client.reply();
  return client;
}

/** What is offered, without the greeting line. */
async function offeredBy(client: RawClient, command = 'EHLO c.example'): Promise<readonly string[]> {
  const { code, lines } = await client.command(command);
  expect(code).toBe(250);
  return lines.slice(1);
}

async function keywordsOf(client: RawClient, command?: string): Promise<string[]> {
  return (await offeredBy(client, command)).map((line) => line.split(' ')[0]!);
}

async function answersTo(client: RawClient, ...lines: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const line of lines) {
    const reply = await client.command(line);
    found.push(`${String(reply.code)} ${reply.lines[0]!.split(' ')[0]!}`);
  }
  return found;
}

describe('what is taken from the offer', () => {
  const TAKEN: [keyword: string, withdrawn: string[], commands: [string, string][]][] = [
    ['DSN', ['DSN'], [['MAIL FROM:<a@b.example> RET=HDRS', '555 5.5.4']]],
    [
      '8BITMIME',
      // RFC 6531 §3.1 and RFC 3030 §3: these go with it.
      ['8BITMIME', 'SMTPUTF8', 'BINARYMIME'],
      [
        ['MAIL FROM:<a@b.example> BODY=8BITMIME', '555 5.5.4'],
        ['MAIL FROM:<a@b.example> SMTPUTF8', '555 5.5.4'],
        ['MAIL FROM:<a@b.example> BODY=BINARYMIME', '555 5.5.4'],
      ],
    ],
    ['SMTPUTF8', ['SMTPUTF8'], [['MAIL FROM:<a@b.example> SMTPUTF8', '555 5.5.4']]],
    ['CHUNKING', ['CHUNKING', 'BINARYMIME'], [['BDAT 0 LAST', '500 5.5.1']]],
    ['SIZE', ['SIZE'], [['MAIL FROM:<a@b.example> SIZE=10', '555 5.5.4']]],
  ];

  it.each(TAKEN)(
    '%s is not in the reply to EHLO, and what comes with it is refused',
    async (keyword, withdrawn, commands) => {
      const all = await keywordsOf(await connected(serverThat([])));
      const client = await connected(serverThat([() => ({ without: [keyword] })]));
      expect(await keywordsOf(client)).toEqual(all.filter((each) => !withdrawn.includes(each)));
      for (const [line, expected] of commands) expect(await answersTo(client, line)).toEqual([expected]);
      expect(await answersTo(client, 'MAIL FROM:<a@b.example>', 'RCPT TO:<c@d.example>')).toEqual([
        '250 2.1.0',
        '250 2.1.5',
      ]);
    },
  );

  it('is not taken from a client of whom nobody says so', async () => {
    const server = new KeepingServer({ extensions: [dsn()] });
    server.use({
      name: 'by name',
      offer: ({ clientName, verb }) => (clientName === 'poor.example' ? { without: ['DSN', verb] } : undefined),
    });
    const [poor, rich] = [await connected(server), await connected(server)];
    expect(await keywordsOf(poor, 'EHLO poor.example')).not.toContain('DSN');
    expect(await keywordsOf(rich, 'EHLO rich.example')).toContain('DSN');
    expect(await answersTo(poor, 'MAIL FROM:<a@b.example> RET=HDRS')).toEqual(['555 5.5.4']);
    expect(await answersTo(rich, 'MAIL FROM:<a@b.example> RET=HDRS')).toEqual(['250 2.1.0']);
  });

  it('a keyword that the server has not, or has switched off, is passed over', async () => {
    const client = await connected(
      serverThat([() => ({ without: ['XNONE', 'constructor', 'DSN', 'DSN', 'HELP'] })], {
        disabledExtensions: ['HELP'],
      }),
    );
    const keywords = await keywordsOf(client);
    expect(keywords).toContain('SIZE');
    expect(keywords).not.toContain('DSN');
  });

  it('the size is told, and held to with and without the parameter', async () => {
    const client = await connected(serverThat([() => ({ sizeLimitBytes: 100 })]));
    expect(await offeredBy(client)).toContain('SIZE 100');
    expect(
      await answersTo(
        client,
        'MAIL FROM:<a@b.example> SIZE=101',
        'MAIL FROM:<a@b.example> SIZE=100',
        'RCPT TO:<c@d.example>',
      ),
    ).toEqual(['552 5.3.4', '250 2.1.0', '250 2.1.5']);
    await client.command('DATA');
    client.send(`${'x'.repeat(99)}\r\n.\r\n`);
    expect((await client.reply()).code).toBe(552);
    await answersTo(client, 'MAIL FROM:<a@b.example>', 'RCPT TO:<c@d.example>', 'DATA');
    client.send(`${'x'.repeat(98)}\r\n.\r\n`);
    expect((await client.reply()).code).toBe(250);
  });

  it('a size above our own changes nothing', async () => {
    const client = await connected(serverThat([() => ({ sizeLimitBytes: 1e9, recipientsMax: 1e6 })]));
    const plain = await connected(serverThat([]));
    expect(await offeredBy(client)).toEqual(await offeredBy(plain));
  });

  it('the number of recipients is told, and held to', async () => {
    const client = await connected(serverThat([() => ({ recipientsMax: 2 })]));
    expect((await offeredBy(client)).find((line) => line.startsWith('LIMITS'))).toContain('RCPTMAX=2');
    expect(
      await answersTo(
        client,
        'MAIL FROM:<a@b.example>',
        'RCPT TO:<1@d.example>',
        'RCPT TO:<2@d.example>',
        'RCPT TO:<3@d.example>',
      ),
    ).toEqual(['250 2.1.0', '250 2.1.5', '250 2.1.5', '452 4.5.3']);
  });

  it('several hooks take away together, the smallest bound of each', async () => {
    const client = await connected(
      serverThat([
        () => ({ without: ['DSN'], sizeLimitBytes: 2_000, recipientsMax: 3 }),
        () => undefined,
        () => Promise.resolve({ without: ['SMTPUTF8'], sizeLimitBytes: 1_000, recipientsMax: 5 }),
      ]),
    );
    const lines = await offeredBy(client);
    expect(lines).toContain('SIZE 1000');
    expect(lines.join(' ')).toContain('RCPTMAX=3');
    expect(lines.filter((line) => line === 'DSN' || line === 'SMTPUTF8')).toEqual([]);
  });
});

describe('when it is taken', () => {
  it('may be known late: the client waits for the reply to EHLO', async () => {
    const held = new Held<OfferNarrowing>();
    const client = await connected(serverThat([() => held.promise]));
    client.send('EHLO c.example\r\nMAIL FROM:<a@b.example> RET=HDRS\r\n');
    await turns();
    expect(client.unread).toBe('');
    held.answer({ without: ['DSN'] });
    expect((await client.reply()).lines).not.toContain('DSN');
    expect((await client.reply()).code).toBe(555);
  });

  it('ends with the next EHLO', async () => {
    let narrowing: OfferNarrowing | undefined = { without: ['DSN'], sizeLimitBytes: 10 };
    const client = await connected(serverThat([() => narrowing]));
    expect(await keywordsOf(client)).not.toContain('DSN');
    narrowing = undefined;
    expect(await answersTo(client, 'MAIL FROM:<a@b.example> SIZE=11')).toEqual(['552 5.3.4']);
    expect(await keywordsOf(client)).toContain('DSN');
    expect(await answersTo(client, 'MAIL FROM:<a@b.example> SIZE=11 RET=HDRS')).toEqual(['250 2.1.0']);
  });

  it('holds after HELO, which tells nothing', async () => {
    const client = await connected(serverThat([() => ({ without: ['DSN'], recipientsMax: 1 })]));
    expect((await client.command('HELO c.example')).lines).toHaveLength(1);
    expect(
      await answersTo(client, 'MAIL FROM:<a@b.example>', 'RCPT TO:<1@d.example>', 'RCPT TO:<2@d.example>'),
    ).toEqual(['250 2.1.0', '250 2.1.5', '452 4.5.3']);
  });

  it('LHLO is asked about, too', async () => {
    const verbs: string[] = [];
    const server = new KeepingServer({ protocol: 'lmtp', extensions: [dsn()] });
    server.use({
      name: 'witness',
      offer: ({ verb }) => {
        verbs.push(verb);
        return { without: ['DSN'] };
      },
    });
    expect(await keywordsOf(await connected(server), 'LHLO c.example')).not.toContain('DSN');
    expect(verbs).toEqual(['LHLO']);
  });

  it('is asked anew after STARTTLS, and what was taken in clear holds no more', async () => {
    const server = new KeepingServer({ extensions: [dsn()], tls: { mode: 'offer' } });
    server.use({
      name: 'in clear',
      offer: ({ session }) => (session.tls === undefined ? { without: ['DSN'], sizeLimitBytes: 10 } : undefined),
    });
    const [address] = await server.listen();
    open.push(() => server.close({ graceMs: 0 }));
    const client = await RawClient.connect((address as { port: number }).port);
    open.push(() => {
      client.destroy();
      return Promise.resolve();
    });
    await client.reply();
    expect(await offeredBy(client)).toEqual(expect.arrayContaining(['SIZE 10', 'STARTTLS']));
    expect((await client.command('STARTTLS')).code).toBe(220);
    await client.startTLS();
    const after = await offeredBy(client);
    expect(after).toContain('DSN');
    expect(after).not.toContain('SIZE 10');
  });

  it.each([
    ['from the hook', [() => '550 5.7.1 Not you'] as (() => Answer)[], undefined],
    ['from a helo hook behind it', [() => ({ without: ['DSN'] })] as (() => Answer)[], '550 5.7.1 Not you'],
  ])('a refusal %s is the reply to EHLO, and takes nothing from what was offered before', async (_, answers, helo) => {
    let isRefusing = false;
    const server = serverThat(answers.map((answer) => () => (isRefusing ? answer() : undefined)));
    server.use({ name: 'helo', helo: () => (isRefusing ? helo : undefined) });
    const client = await connected(server);
    expect(await keywordsOf(client)).toContain('DSN');
    isRefusing = true;
    expect((await client.command('EHLO again.example')).lines).toEqual(['5.7.1 Not you']);
    expect(await answersTo(client, 'MAIL FROM:<a@b.example> RET=HDRS')).toEqual(['250 2.1.0']);
  });

  it('a hook that throws is a fault: 451, and the helo hooks are not asked', async () => {
    const asked: string[] = [];
    const server = serverThat([
      () => {
        throw new Error('The upstream is on fire');
      },
    ]);
    server.use({ name: 'helo', helo: () => void asked.push('helo') });
    const client = await connected(server);
    expect((await client.command('EHLO c.example')).code).toBe(451);
    expect(asked).toEqual([]);
    expect(server.log.errors).toEqual(['Error: The upstream is on fire']);
  });

  it('an answer that comes after its time is over takes nothing', async () => {
    const clock = new ManualClock();
    const held = new Held<OfferNarrowing>();
    let isSlow = false;
    const server = serverThat([() => (isSlow ? held.promise : undefined)], { clock, limits: { verdictWaitMs: 1_000 } });
    const client = await connected(server);
    expect(await keywordsOf(client)).toContain('DSN');
    isSlow = true;
    client.send('EHLO c.example\r\n');
    await turns();
    clock.advance(1_001);
    expect((await client.reply()).code).toBe(451);
    held.answer({ without: ['DSN'] });
    await turns();
    expect(await answersTo(client, 'MAIL FROM:<a@b.example> RET=HDRS')).toEqual(['250 2.1.0']);
  });

  it('its signal is aborted when the client leaves', async () => {
    const signals: AbortSignal[] = [];
    const server = new KeepingServer();
    server.use({
      name: 'slow',
      offer: ({ signal }) => {
        signals.push(signal);
        return new Promise<undefined>(() => undefined);
      },
    });
    const client = await connected(server);
    client.send('EHLO c.example\r\n');
    await until(() => signals.length === 1);
    client.destroy();
    await until(() => signals[0]!.aborted);
    await until(() => server.channels.size === 0);
  });
});

describe('the offers that are kept', () => {
  it('are shared by equal narrowings, and do not pile up', () => {
    const { offerIn } = sessionOptionsFor(completeOptions({ extensions: [dsn()] }), {
      mode: 'off',
      isStreaming: false,
    });
    const narrowed = (narrowing: OfferNarrowing) => offerIn({ ...IN_CLEAR, narrowing });
    const plain = offerIn(IN_CLEAR);
    const first = narrowed({ without: ['DSN', 'SIZE'] });
    expect(narrowed({ without: ['SIZE', 'DSN'] })).toBe(first);
    expect(offerIn(IN_CLEAR)).toBe(plain);
    expect(narrowed({ sizeLimitBytes: 5 })).not.toBe(narrowed({ recipientsMax: 5 }));
    for (let size = 1; size <= 200; size += 1) narrowed({ sizeLimitBytes: size });
    // It had to make room, and is as it was.
    expect(narrowed({ without: ['DSN', 'SIZE'] })).not.toBe(first);
    expect(narrowed({ without: ['DSN', 'SIZE'] }).keywordLines).toEqual(first.keywordLines);
  });
});
