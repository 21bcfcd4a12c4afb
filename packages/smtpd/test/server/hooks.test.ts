/** Hooks: when each is asked, in which order, what counts, and what they are handed. */

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { Reply, SMTPReplyError } from '../../src/protocol/reply.js';
import { passwordAuth } from '../../src/server/auth-hooks.js';
import { SMTPChannel } from '../../src/server/channel.js';
import { defineHook, type Hook } from '../../src/server/hooks.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import type { Verdict } from '../../src/server/verdict.js';
import { RawClient } from '../support/raw-client.js';
import { codes, greetedClient, KeepingServer, sendMessage, startContent, turns, until } from './support.js';

const CONVERSATION = ['EHLO c.example', 'MAIL FROM:<a@a.example> SIZE=9', 'RCPT TO:<b@b.example>', 'DATA', 'Hi\r\n.'];
const STAGES = ['connect', 'helo', 'mail', 'rcpt', 'data', 'message'] as const;

/** The replies to a conversation, the greeting first; it goes on whatever they are. */
async function converse(server: KeepingServer): Promise<string[]> {
  const client = RawClient.inMemory(server);
  const replies = [await client.reply()];
  for (const line of CONVERSATION) {
    if (replies.at(-1)!.code >= 400) break;
    client.send(`${line}\r\n`);
    replies.push(await client.reply());
  }
  client.destroy();
  await turns();
  return replies.map(({ code, lines }) => `${String(code)} ${lines[0]!}`);
}

describe('the stages', () => {
  it('stand in docs/hooks.md, every one', () => {
    const page = readFileSync(new URL('../../../../docs/hooks.md', import.meta.url), 'utf8');
    const stages: Record<Exclude<keyof Hook, 'name' | 'createState'>, true> = {
      connect: true,
      offer: true,
      helo: true,
      auth: true,
      mail: true,
      rcpt: true,
      rcptBatch: true,
      data: true,
      message: true,
      vrfy: true,
      expn: true,
      etrn: true,
      reset: true,
      close: true,
    };
    const rows = [...page.matchAll(/^\| (`\w+`(?:, `\w+`)*) \|/gm)].flatMap((row) => row[1]!.match(/\w+/g));
    expect(rows).toEqual(Object.keys(stages));
  });

  it('are asked in the order of the conversation, each with its facts', async () => {
    const asked: unknown[] = [];
    const server = new KeepingServer();
    server.use({
      name: 'witness',
      connect: ({ session }) => void asked.push(['connect', session.phase, session.clientName]),
      helo: ({ verb, clientName, clientNameKind }) => void asked.push(['helo', verb, clientName, clientNameKind]),
      mail: ({ address, path, parameters }) => void asked.push(['mail', address, path.localPart, parameters]),
      rcpt: ({ address, parameters, session }) => void asked.push(['rcpt', address, parameters, session.envelope]),
      data: ({ session }) => void asked.push(['data', session.envelope?.rcptTos]),
      message: ({ message }) => void asked.push(['message', message.data.length]),
      reset: ({ session }) => void asked.push(['reset', session.envelope]),
      close: ({ session }) => void asked.push(['close', session.phase]),
    });
    expect((await converse(server)).map((reply) => reply.slice(0, 3))).toEqual([
      '220',
      '250',
      '250',
      '250',
      '354',
      '250',
    ]);
    expect(asked).toEqual([
      ['connect', 'opening', undefined],
      ['helo', 'EHLO', 'c.example', 'domain'],
      ['mail', 'a@a.example', 'a', [{ keyword: 'SIZE', value: '9' }]],
      ['rcpt', 'b@b.example', [], { mailFrom: 'a@a.example', rcptTos: [], mailOptions: ['SIZE=9'], rcptOptions: [] }],
      ['data', ['b@b.example']],
      ['message', 4],
      ['close', 'closed'],
    ]);
  });

  it('are not asked about what is not well formed or out of sequence', async () => {
    const asked: string[] = [];
    const note = (stage: string) => (): void => void asked.push(stage);
    const server = new KeepingServer();
    server.use({ name: 'witness', helo: note('helo'), mail: note('mail'), rcpt: note('rcpt'), data: note('data') });
    const client = RawClient.inMemory(server);
    client.send('EHLO\r\nMAIL FROM:<a@b.c>\r\nHELO c\r\nMAIL FROM:\r\nRCPT TO:<a@b.c>\r\nDATA\r\nQUIT\r\n');
    await client.closed();
    expect(asked).toEqual(['helo']);
  });

  it.each(STAGES)('%s may refuse, at once or later', async (stage) => {
    for (const hook of [() => '550 5.7.1 No', async () => turns(1).then(() => '550 5.7.1 No')]) {
      const server = new KeepingServer();
      server.use({ name: 'no', [stage]: hook });
      const replies = await converse(server);
      expect(replies).toHaveLength(STAGES.indexOf(stage) + 1);
      expect(replies.at(-1)).toBe('550 5.7.1 No');
      expect(server.messages).toEqual([]);
      expect(server.log.lines).toEqual([]);
    }
  });

  it.each(STAGES)('%s may close with 421', async (stage) => {
    const server = new KeepingServer();
    server.use({ name: 'away', [stage]: () => '421 4.7.0 Go away' });
    expect((await converse(server)).at(-1)).toBe('421 4.7.0 Go away');
    await until(() => server.channels.size === 0);
  });

  it.each([
    ['connect', '220 mx.example Welcome', '220 mx.example Welcome'],
    ['helo', '250 mx.example Hello', '250 mx.example Hello'],
    ['mail', '250 2.1.0 Sender', '250 2.1.0 Sender'],
    ['rcpt', '251 2.1.5 Moved', '251 2.1.5 Moved'],
    ['data', '250 2.0.0 Ignored', '354 End data with <CR><LF>.<CR><LF>'],
    ['message', '250 2.6.0 Queued', '250 2.6.0 Queued'],
  ] as const)('%s may word the yes', async (stage, answer, expected) => {
    const server = new KeepingServer();
    server.use({ name: 'yes', [stage]: () => answer });
    expect((await converse(server))[STAGES.indexOf(stage)]).toBe(expected);
  });

  it('a refusal at connect leaves the client connected, for QUIT, and close is told', async () => {
    const closed: string[] = [];
    const server = new KeepingServer();
    server.use({ name: 'no', connect: () => '554 5.7.1 No', close: ({ session }) => void closed.push(session.id) });
    const client = RawClient.inMemory(server);
    client.send('EHLO c\r\nQUIT\r\n');
    expect(codes(await client.closed())).toEqual([554, 503, 221]);
    await turns();
    expect(closed).toHaveLength(1);
  });
});

describe('several hooks', () => {
  const say = (name: string, verdict: Verdict | Promise<Verdict>, asked: string[]): Hook => ({
    name,
    mail: () => {
      asked.push(name);
      return verdict;
    },
  });

  it.each<[string, (Verdict | Promise<Verdict>)[], string, number]>([
    ['all yes', [undefined, '', null], '250 2.1.0 OK', 3],
    ['the first wording stays', [undefined, '250 2.1.0 One', '250 2.1.0 Two'], '250 2.1.0 One', 3],
    ['the first refusal ends the round', ['250 One', '550 5.7.1 Two', '550 5.7.1 Three'], '550 5.7.1 Two', 2],
    ['late ones too', [Promise.resolve('250 One'), Promise.resolve('450 4.7.1 Two'), '250 Three'], '450 4.7.1 Two', 2],
    ['mixed', ['250 One', Promise.resolve(undefined), Promise.resolve('250 Three')], '250 One', 3],
  ])('are asked in the order of use(): %s', async (_, verdicts, expected, count) => {
    const asked: string[] = [];
    const server = new KeepingServer();
    for (const [index, verdict] of verdicts.entries()) server.use(say(String(index), verdict, asked));
    const client = await greetedClient(server);
    const { code, lines } = await client.command('MAIL FROM:<a@a.example>');
    expect(`${String(code)} ${lines[0]!}`).toBe(expected);
    expect(asked).toEqual(['0', '1', '2'].slice(0, count));
  });

  it('come before processMessage, which is not asked when one of them refuses', async () => {
    const server = new KeepingServer();
    server.use({ name: 'wording', message: () => '250 2.6.0 By the hook' });
    const client = await greetedClient(server);
    expect((await sendMessage(client)).lines).toEqual(['2.6.0 By the hook']);
    expect(server.messages).toHaveLength(1);
    server.use({
      name: 'refusing',
      message: async () => {
        throw new SMTPReplyError(554, '5.6.0', 'No');
      },
    });
    expect((await sendMessage(client)).code).toBe(554);
    expect(server.messages).toHaveLength(1);
  });
});

describe('a verdict for each recipient', () => {
  it('of several hooks is folded for each, and the first refusal wins', async () => {
    const server = new KeepingServer();
    const asked: string[] = [];
    server.use({
      name: 'one',
      message: async () => {
        asked.push('one');
        return new Map<string, Verdict>([['bob@b.example', new Reply(250, '2.0.0', 'For Bob')]]);
      },
    });
    server.use({
      name: 'two',
      message: () => {
        asked.push('two');
        return new Map([['bob@b.example', '552 5.2.2 Full']]);
      },
    });
    const client = await greetedClient(server);
    expect((await sendMessage(client)).lines).toEqual(['5.2.2 Full']);
    expect(asked).toEqual(['one', 'two']);
  });

  it('is no answer at other stages', async () => {
    const server = new KeepingServer();
    server.use({ name: 'map', mail: () => new Map() as never });
    const client = await greetedClient(server);
    expect((await client.command('MAIL FROM:<a@a.example>')).code).toBe(451);
  });
});

describe('state', () => {
  it('is one for each session of each hook, made when it is first asked for', async () => {
    let made = 0;
    const counting = (name: string): Hook<{ count: number }> =>
      defineHook({
        name,
        createState: () => {
          made += 1;
          return { count: 0 };
        },
        mail({ state }) {
          state.count += 1;
          return `250 2.1.0 ${name} ${String(state.count)}`;
        },
      });
    const server = new KeepingServer();
    server.use(counting('first'));
    const client = await greetedClient(server);
    const other = await greetedClient(server);
    expect(made).toBe(0);
    const line = async (from: RawClient): Promise<string> => {
      const { lines } = await from.command('MAIL FROM:<a@a.example>');
      await from.command('RSET');
      return lines[0]!;
    };
    expect(await line(client)).toBe('2.1.0 first 1');
    expect(await line(client)).toBe('2.1.0 first 2');
    expect(await line(other)).toBe('2.1.0 first 1');
    expect(made).toBe(2);
  });

  it('is still there for a close hook that takes its time', async () => {
    const ends: unknown[] = [];
    const server = new KeepingServer();
    server.use(
      defineHook({
        name: 'ending',
        createState: () => ({ names: [] as string[] }),
        helo({ state, clientName }) {
          state.names.push(clientName);
        },
        async close(request) {
          await turns(1);
          ends.push(request.state.names);
        },
      }),
    );
    const client = await greetedClient(server);
    client.destroy();
    await until(() => ends.length > 0);
    expect(ends).toEqual([['client.example']]);
  });

  it('that cannot be made is the fault of the hook that asks for it', async () => {
    const server = new KeepingServer();
    server.use(
      defineHook({
        name: 'broken',
        createState: (): number => {
          throw new Error('no state');
        },
        mail: ({ state }) => `250 2.1.0 ${String(state)}`,
      }),
    );
    const client = await greetedClient(server);
    expect((await client.command('MAIL FROM:<a@a.example>')).code).toBe(451);
    expect((await client.command('NOOP')).code).toBe(250);
    expect(server.log.errors).toEqual(['Error: no state']);
  });
});

describe('signal', () => {
  it('may be listened to for each of many recipients at a time: nobody is warned of a leak', async () => {
    const warnings: string[] = [];
    const note = ({ name }: Error): void => void warnings.push(name);
    process.on('warning', note);
    try {
      const server = new KeepingServer();
      let heard = 0;
      const lookUp = (signal: AbortSignal) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            heard += 1;
            resolve();
          });
        });
      server.use({
        name: 'directory',
        rcptBatch: async (requests) => Promise.all(requests.map(({ signal }) => lookUp(signal))),
      });
      const client = await greetedClient(server);
      client.send(`MAIL FROM:<a@a.example>\r\n${'RCPT TO:<b@b.example>\r\n'.repeat(11)}`);
      await turns();
      client.destroy();
      await turns();
      expect([heard, warnings]).toEqual([11, []]);
    } finally {
      process.off('warning', note);
    }
  });

  it('is aborted when the connection is gone, also for whoever asks for it only then', async () => {
    const requests: { readonly signal: AbortSignal }[] = [];
    const early: AbortSignal[] = [];
    const server = new KeepingServer();
    server.use({
      name: 'keeper',
      helo: (request) => void early.push(request.signal),
      mail: (request) => {
        requests.push(request);
        return new Promise(() => undefined);
      },
    });
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\n');
    await turns();
    expect(early[0]!.aborted).toBe(false);
    client.destroy();
    await turns();
    expect(early[0]!.aborted).toBe(true);
    expect(requests[0]!.signal.aborted).toBe(true);
    expect(requests[0]!.signal.reason).toMatchObject({ code: 'SMTPD_CLIENT_GONE' });
  });

  it('is aborted when the server is cut off', async () => {
    const signals: AbortSignal[] = [];
    const server = new KeepingServer();
    server.use({
      name: 'keeper',
      mail: ({ signal }) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    });
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\n');
    await turns();
    await server.close({ signal: AbortSignal.abort() });
    expect(signals[0]!.aborted).toBe(true);
  });
});

describe('reset', () => {
  it('is told once for each transaction that is given up, and for nothing else', async () => {
    const resets: string[] = [];
    const server = new KeepingServer();
    server.use({
      name: 'witness',
      helo: ({ clientName }) => (clientName === 'bad.example' ? '550 5.7.1 No' : undefined),
      reset: ({ session }) => void resets.push(session.phase),
    });
    const client = await greetedClient(server);
    const during = async (...lines: string[]): Promise<number> => {
      const before = resets.length;
      for (const line of lines) await client.command(line);
      return resets.length - before;
    };
    expect(await during('RSET', 'EHLO c.example', 'HELO c.example')).toBe(0);
    expect(await during('MAIL FROM:<a@a.example>', 'RSET', 'RSET')).toBe(1);
    expect(await during('MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'EHLO c.example')).toBe(1);
    expect(await during('MAIL FROM:<a@a.example>', 'HELO bad.example')).toBe(0);
    expect(await during('RSET x', 'EHLO')).toBe(0);
    expect(await during('HELO c.example')).toBe(1);
    await sendMessage(client);
    expect(await during('NOOP', 'RSET')).toBe(0);
    expect(resets).toEqual(['ready', 'ready', 'ready']);
  });

  it('is told when the hooks about EHLO take their time, too, but not to a session that is over', async () => {
    const told: string[] = [];
    let release: () => void = () => undefined;
    const server = new KeepingServer();
    server.use({
      name: 'slow',
      helo: () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
      reset: () => void told.push('reset'),
      close: () => void told.push('close'),
    });
    const client = RawClient.inMemory(server);
    await client.reply();
    const greet = async (): Promise<void> => {
      client.send('EHLO c.example\r\n');
      await turns();
      release();
      await client.reply();
    };
    await greet();
    await client.command('MAIL FROM:<a@a.example>');
    await greet();
    expect(told).toEqual(['reset']);
    await client.command('MAIL FROM:<a@a.example>');
    client.send('EHLO c.example\r\n');
    await turns();
    client.destroy();
    await turns();
    release();
    await turns();
    expect(told).toEqual(['reset', 'close']);
  });
});

describe('close', () => {
  const toMail = ['EHLO c.example', 'MAIL FROM:<a@a.example>'];
  const toRcpt = [...toMail, 'RCPT TO:<b@b.example>'];

  it.each<[lines: readonly string[], late: keyof Hook, next: keyof Hook]>([
    [['EHLO c.example'], 'helo', 'helo'],
    [['EHLO c.example'], 'offer', 'offer'],
    [['EHLO c.example'], 'offer', 'helo'],
    [['EHLO c.example', 'AUTH PLAIN AGEAYg=='], 'auth', 'auth'],
    [toMail, 'mail', 'mail'],
    [toRcpt, 'rcpt', 'rcpt'],
    [toRcpt, 'rcptBatch', 'rcpt'],
    [toRcpt, 'rcptBatch', 'rcptBatch'],
    [[...toRcpt, 'DATA', 'Hi\r\n.'], 'message', 'message'],
  ])('is the last that a hook hears: nobody is asked behind one who took too long. %j, %s, %s', async (...row) => {
    const [lines, late, next] = row;
    const heard: string[] = [];
    let release: (verdict: unknown) => void = () => undefined;
    const server = new KeepingServer({ auth: { mode: 'offer', plaintext: 'always' } });
    server.use({ name: 'slow', [late]: () => new Promise((resolve) => (release = resolve)) });
    server.use({ name: 'next', [next]: () => void heard.push('asked'), close: () => void heard.push('close') });
    const client = RawClient.inMemory(server);
    await client.reply();
    for (const line of lines.slice(0, -1)) await client.command(line);
    client.send(`${lines.at(-1)!}\r\n`);
    await turns();
    client.destroy();
    await turns();
    release(late === 'rcptBatch' ? [undefined] : undefined);
    await turns();
    expect(heard).toEqual(['close']);
    expect(server.messages).toEqual([]);
  });

  it.each<[string, (client: RawClient) => unknown]>([
    ['QUIT', (client) => client.command('QUIT')],
    ['the client leaving', (client) => client.destroy()],
    ['the client ending its side', (client) => client.end()],
    ['a message under way', (client) => startContent(client).then(() => client.destroy())],
  ])('is told once, after %s', async (_, leave) => {
    const closed: string[] = [];
    const server = new KeepingServer();
    server.use({ name: 'witness', close: ({ session }) => void closed.push(session.id) });
    await server.listen();
    const client = await RawClient.connect(server.port);
    await client.reply();
    await client.command('HELO c');
    await leave(client);
    await until(() => closed.length > 0 && server.channels.size === 0);
    await server.close();
    expect(closed).toHaveLength(1);
  });

  it.each(['reset', 'close'] as const)('and %s hooks that fail are logged, and change nothing', async (stage) => {
    for (const failing of [
      () => {
        throw new Error('late');
      },
      async () => Promise.reject(new Error('late')),
    ]) {
      const server = new KeepingServer();
      server.use({ name: 'failing', [stage]: failing });
      const client = await greetedClient(server);
      await client.command('MAIL FROM:<a@a.example>');
      expect((await client.command('RSET')).code).toBe(250);
      client.destroy();
      await turns();
      expect(server.log.errors).toEqual(['Error: late']);
      expect(server.log.lines[0]!.message).toBe(`Hook failing failed at ${stage}`);
      expect(server.channels.size).toBe(0);
    }
  });
});

describe('use()', () => {
  it.each<[string, unknown, RegExp]>([
    ['without a name', { mail: () => undefined }, /has a name/],
    ['with a stage that there is not', { name: 'x', rctp: () => undefined }, /no stage "rctp"/],
    ['with rcpt and rcptBatch', { name: 'x', rcpt: () => undefined, rcptBatch: () => [] }, /not both/],
    ['that is a function', passwordAuth, /what passwordAuth\(\) makes; this is a function/],
    ['with something that is no function', { name: 'x', mail: '550 No' }, /mail is a function, not string/],
  ])('refuses a hook %s', (_, hook, message) => {
    const server = new KeepingServer();
    expect(() => server.use(hook as Hook)).toThrow(expect.objectContaining({ code: 'SMTPD_BAD_HOOK' }));
    expect(() => server.use(hook as Hook)).toThrow(message);
  });

  it('takes an instance of a class, and calls its methods on it', async () => {
    class Greylist {
      readonly name = 'greylist';
      readonly #seen = new Set<string>();
      rcpt({ address }: { readonly address: string }): string | undefined {
        if (this.#seen.has(address)) return undefined;
        this.#seen.add(address);
        return '450 4.7.1 Later';
      }
    }
    const server = new KeepingServer().use(new Greylist());
    const client = await greetedClient(server);
    await client.command('MAIL FROM:<a@a.example>');
    expect((await client.command('RCPT TO:<b@b.example>')).code).toBe(450);
    expect((await client.command('RCPT TO:<b@b.example>')).code).toBe(250);
  });
});

describe('rcptBatch', () => {
  const RECIPIENTS = ['b@b.example', 'c@c.example', 'd@d.example'];
  const group = `${RECIPIENTS.map((address) => `RCPT TO:<${address}>\r\n`).join('')}NOOP\r\n`;

  async function askedAbout(server: KeepingServer, lines = group, count = 4): Promise<number[]> {
    const client = await greetedClient(server);
    await client.command('MAIL FROM:<a@a.example>');
    client.send(lines);
    return codes(await client.replies(count));
  }

  it('gets the RCPT commands that came together, and the replies go out in their order', async () => {
    const batches: string[][] = [];
    const commands: string[] = [];
    const server = new KeepingServer();
    server.on('command', ({ verb, argument }) => void commands.push(`${verb} ${argument ?? ''}`));
    server.use({
      name: 'directory',
      rcptBatch: async (requests) => {
        batches.push(requests.map(({ address }) => address));
        return requests.map(({ address }) => (address.startsWith('c') ? '550 5.1.1 No such user' : undefined));
      },
    });
    expect(await askedAbout(server)).toEqual([250, 550, 250, 250]);
    expect(batches).toEqual([RECIPIENTS]);
    expect(commands.slice(2)).toEqual([...RECIPIENTS.map((address) => `RCPT TO:<${address}>`), 'NOOP ']);
  });

  it('is not asked about those that are not well formed', async () => {
    const batches: number[] = [];
    const server = new KeepingServer();
    server.use({
      name: 'directory',
      rcptBatch: (requests) => {
        batches.push(requests.length);
        return requests.map(() => undefined);
      },
    });
    const lines =
      'RCPT TO:<>\r\nRCPT TO:<b@b.example>\r\nRCPT\r\nRCPT TO:<c@c.example> X=1\r\nRCPT TO:<d@d.example>\r\nNOOP\r\n';
    expect(await askedAbout(server, lines, 6)).toEqual([501, 250, 501, 555, 250, 250]);
    expect(batches).toEqual([2]);
    expect(await askedAbout(server, 'RCPT\r\nRCPT TO:<>\r\nNOOP\r\n', 3)).toEqual([501, 501, 250]);
  });

  it('together with rcpt hooks: each in its turn, and whoever is refused is not asked about again', async () => {
    const asked: string[] = [];
    const server = new KeepingServer();
    server.use({
      name: 'first',
      rcpt: async ({ address }) => {
        asked.push(`first begins ${address}`);
        await turns(1);
        asked.push(`first ends ${address}`);
        return address.startsWith('b') ? '550 5.1.1 No' : '250 2.1.5 First';
      },
    });
    server.use({
      name: 'batch',
      rcptBatch: (requests) => {
        asked.push(`batch ${requests.map(({ address }) => address).join(' ')}`);
        return ['550 5.1.1 No', '250 2.1.5 Batch'];
      },
    });
    server.use({ name: 'last', rcpt: ({ address }) => void asked.push(`last ${address}`) });
    expect(await askedAbout(server)).toEqual([550, 550, 250, 250]);
    expect(asked).toEqual([
      ...RECIPIENTS.flatMap((address) => [`first begins ${address}`, `first ends ${address}`]),
      'batch c@c.example d@d.example',
      'last d@d.example',
    ]);
  });

  it.each<[string, unknown]>([
    [
      'throws',
      () => {
        throw new Error('directory down');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('directory down'))],
    ['returns too few verdicts', () => [undefined]],
    ['returns too many', async () => [1, 2, 3, 4]],
    ['returns no array', () => '250 OK'],
    ['returns nothing', () => undefined],
  ])('that %s is a fault for all of them', async (_, rcptBatch) => {
    const server = new KeepingServer();
    server.use({ name: 'directory', rcptBatch: rcptBatch as never });
    expect(await askedAbout(server)).toEqual([451, 451, 451, 250]);
    expect(server.log.errors.length).toBeGreaterThan(0);
  });

  it('may refuse all by throwing an SMTPReplyError, and one by a nonsense verdict', async () => {
    const refusing = new KeepingServer();
    refusing.use({
      name: 'x',
      rcptBatch: () => {
        throw new SMTPReplyError(450, '4.2.1', 'Later');
      },
    });
    expect(await askedAbout(refusing)).toEqual([450, 450, 450, 250]);
    const odd = new KeepingServer();
    odd.use({ name: 'x', rcptBatch: () => [undefined, 17 as never, '421 4.7.0 Enough'] });
    expect(await askedAbout(odd, group, 3)).toEqual([250, 451, 421]);
  });

  it('gets one at a time where the channel class has its own RCPT', async () => {
    const batches: number[] = [];
    class OwnChannel extends SMTPChannel {
      override async smtp_RCPT(argument: string | undefined) {
        await super.smtp_RCPT(argument);
      }
    }
    class Server extends KeepingServer {
      static override channelClass = OwnChannel;
    }
    const server = new Server();
    server.use({
      name: 'directory',
      rcptBatch: (requests) => {
        batches.push(requests.length);
        return requests.map(() => '251 2.1.5 Moved');
      },
    });
    expect(await askedAbout(server)).toEqual([251, 251, 251, 250]);
    expect(batches).toEqual([1, 1, 1]);
  });
});

/** A server with a hook that it asks last, and all that it said. */
class LastServer extends KeepingServer {
  readonly asked: string[] = [];

  constructor(hook: (asked: string[]) => Hook, options: SMTPServerOptions = {}) {
    super(options);
    this.useLast(hook(this.asked));
  }
}

describe('a hook that is asked last', () => {
  it.each(['connect', 'offer', 'helo', 'mail', 'rcpt', 'data', 'message', 'vrfy', 'expn', 'reset', 'close'] as const)(
    'at %s comes behind those that are added later, which keep their order',
    async (stage) => {
      const server = new LastServer((asked) => ({ name: 'last', [stage]: () => void asked.push('last') }));
      for (const name of ['one', 'two']) server.use({ name, [stage]: () => void server.asked.push(name) });
      const client = await greetedClient(server);
      await client.command('VRFY bob');
      await client.command('EXPN list');
      await sendMessage(client);
      await client.command('MAIL FROM:<a@a.example>');
      await client.command('RSET');
      await client.command('QUIT');
      await until(() => server.channels.size === 0);
      await until(() => server.asked.length >= 3);
      expect(server.asked.slice(0, 3)).toEqual(['one', 'two', 'last']);
      expect(server.asked.length % 3).toBe(0);
    },
  );

  it('of two the first comes first', async () => {
    class TwoLast extends LastServer {
      constructor() {
        super((asked) => ({ name: 'last', mail: () => void asked.push('last') }));
        this.useLast({ name: 'very last', mail: () => void this.asked.push('very last') });
      }
    }
    const server = new TwoLast();
    server.use({ name: 'one', mail: () => void server.asked.push('one') });
    await (await greetedClient(server)).command('MAIL FROM:<a@a.example>');
    expect(server.asked).toEqual(['one', 'last', 'very last']);
  });

  it('is not asked about whom one before it refuses', async () => {
    const server = new LastServer((asked) => ({
      name: 'last',
      rcptBatch: (requests) => {
        asked.push(...requests.map(({ address }) => address));
        return requests.map(() => '250 2.1.5 Asked');
      },
    }));
    server.use({ name: 'policy', rcpt: ({ address }) => (address.startsWith('no') ? '550 5.7.1 No' : undefined) });
    server.use({
      name: 'batched policy',
      rcptBatch: (requests) => requests.map(({ address }) => (address.startsWith('nor') ? '551 5.7.1 Nor' : undefined)),
    });
    const client = await greetedClient(server);
    client.send(
      [
        'MAIL FROM:<a@a.example>',
        ...['yes', 'no', 'nor', 'yes2'].map((name) => `RCPT TO:<${name}@b.example>`),
        '',
      ].join('\r\n'),
    );
    const replies = await client.replies(5);
    expect(replies.map(({ code, lines }) => `${String(code)} ${lines[0]!}`).slice(1)).toEqual([
      '250 2.1.5 Asked',
      '550 5.7.1 No',
      '550 5.7.1 No',
      '250 2.1.5 Asked',
    ]);
    expect(server.asked).toEqual(['yes@b.example', 'yes2@b.example']);
  });
});

describe('the data hook', () => {
  it('is told by which verb the content comes, once for all chunks of a message', async () => {
    const server = new LastServer((asked) => ({ name: 'verb', data: ({ verb }) => void asked.push(verb) }));
    const client = await greetedClient(server);
    expect((await sendMessage(client)).code).toBe(250);
    client.send('MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n');
    client.send('BDAT 4\r\nHi\r\nBDAT 4\r\nHo\r\nBDAT 0 LAST\r\n');
    expect(codes(await client.replies(5))).toEqual([250, 250, 250, 250, 250]);
    expect(server.asked).toEqual(['DATA', 'BDAT']);
  });

  it('may refuse the one and take the other; the octets of a refused chunk are passed over', async () => {
    const server = new LastServer(() => ({
      name: 'no chunks',
      data: ({ verb }) => (verb === 'BDAT' ? '554 5.7.1 No chunks' : undefined),
    }));
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nBDAT 6 LAST\r\nQUIT\r\nRSET\r\n');
    expect(codes(await client.replies(4))).toEqual([250, 250, 554, 250]);
    expect((await sendMessage(client)).code).toBe(250);
    expect(server.messages).toHaveLength(1);
  });
});
