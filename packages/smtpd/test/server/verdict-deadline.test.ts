/** Applications that take too long: the client hears in time, the session goes on, and what comes late changes nothing. */

import { describe, expect, it } from 'vitest';

import { SMTPChannel } from '../../src/server/channel.js';
import { Later } from '../../src/server/later.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { codes, eventsOf, greetedClient, KeepingServer, limitsOf, turns } from './support.js';

const STAGES = ['connect', 'helo', 'mail', 'rcpt', 'data', 'message'] as const;
const LINES = ['EHLO c.example', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA', 'Hi\r\n.'];
const LIMITS = { verdictWaitMs: 2_000, messageVerdictWaitMs: 4_000, commandWaitMs: 1_000, contentWaitMs: 1_000 };

function slowServer(options: SMTPServerOptions = {}): { server: KeepingServer; clock: ManualClock; limits: string[] } {
  const clock = new ManualClock();
  const server = new KeepingServer({ clock, limits: LIMITS, ...options });
  return { server, clock, limits: limitsOf(server) };
}

/** A hook at one stage that answers when it is told to. */
function heldHook(stage: string) {
  const held: { answer: (verdict: unknown) => void; fail: (error: unknown) => void; signal: AbortSignal }[] = [];
  const ask = ({ signal }: { readonly signal: AbortSignal }): Promise<never> =>
    new Promise((answer, fail) => {
      held.push({ answer: answer as (verdict: unknown) => void, fail, signal });
    });
  return { held, hook: { name: 'held', [stage]: ask } };
}

describe('a hook that does not answer in time', () => {
  it.each(STAGES)(
    'at %s: 451, its signal is aborted, its late answer is ignored, the session goes on',
    async (stage) => {
      for (const isLateAnswerRejected of [false, true]) {
        const { server, clock, limits } = slowServer();
        const { held, hook } = heldHook(stage);
        server.use(hook);
        const client = RawClient.inMemory(server);
        const at = STAGES.indexOf(stage);
        if (at > 0) await client.reply();
        for (const line of LINES.slice(0, at - 1 < 0 ? 0 : at - 1)) await client.command(line);
        if (at > 0) client.send(`${LINES[at - 1]!}\r\n`);
        await turns();
        const waitMs = stage === 'message' ? LIMITS.messageVerdictWaitMs : LIMITS.verdictWaitMs;
        clock.advance(waitMs - 1);
        await turns();
        expect(client.unread).toBe('');
        expect(held[0]!.signal.aborted).toBe(false);
        clock.advance(1);
        expect(await client.reply()).toEqual({
          code: 451,
          lines: ['4.3.0 Error: no decision in time, try again later'],
        });
        expect(limits).toEqual([stage === 'message' ? 'messageVerdictWaitMs' : 'verdictWaitMs']);
        expect(held[0]!.signal.aborted).toBe(true);
        expect(held[0]!.signal.reason).toMatchObject({ code: 'SMTPD_VERDICT_OVERDUE' });
        if (isLateAnswerRejected) held[0]!.fail(new Error('too late'));
        else held[0]!.answer('250 2.0.0 Too late');
        await turns();
        expect(client.unread).toBe('');
        expect((await client.command('NOOP')).code).toBe(stage === 'connect' ? 503 : 250);
        expect(server.log.lines).toEqual([]);
        client.destroy();
        await turns();
        expect(clock.timerCount).toBe(0);
      }
    },
  );

  it('at auth: 454, its signal is aborted, the next one is not asked, its late answer is ignored, the client may try again', async () => {
    const { server, clock, limits } = slowServer({ auth: { mode: 'require', plaintext: 'always' } });
    const { held, hook } = heldHook('auth');
    const next: string[] = [];
    server.use(hook);
    server.use({ name: 'next', auth: () => void next.push('asked') });
    const attempts = eventsOf(server, 'auth');
    const client = await greetedClient(server);
    client.send('AUTH PLAIN AGEAYg==\r\n');
    await turns();
    clock.advance(LIMITS.verdictWaitMs - 1);
    await turns();
    expect([client.unread, held[0]!.signal.aborted]).toEqual(['', false]);
    clock.advance(1);
    expect(await client.reply()).toEqual({ code: 454, lines: ['4.7.0 Error: no decision in time, try again later'] });
    expect(limits).toEqual(['verdictWaitMs']);
    expect(held[0]!.signal.reason).toMatchObject({ code: 'SMTPD_VERDICT_OVERDUE' });
    held[0]!.answer({ verified: true });
    await turns();
    expect((await client.command('MAIL FROM:<a@a.example>')).code).toBe(530);
    client.send('AUTH PLAIN AGEAYg==\r\n');
    await turns();
    held[1]!.answer({ verified: true });
    expect((await client.reply()).code).toBe(235);
    expect(attempts.map(({ user, isAccepted }) => [user, isAccepted])).toEqual([
      ['a', false],
      ['a', true],
    ]);
    expect([next, server.log.lines]).toEqual([[], []]);
    client.destroy();
    await turns();
    expect(clock.timerCount).toBe(0);
  });

  it('leaves nobody to be asked behind it: the message that the client was told to send again is not taken', async () => {
    const { server, clock } = slowServer();
    const { held, hook } = heldHook('message');
    const next: string[] = [];
    server.use(hook);
    server.use({ name: 'next', message: () => void next.push('asked') });
    const client = await greetedClient(server);
    await client.command(LINES[1]!);
    await client.command(LINES[2]!);
    await client.command('DATA');
    client.send('Hi\r\n.\r\n');
    await turns();
    clock.advance(LIMITS.messageVerdictWaitMs);
    expect((await client.reply()).code).toBe(451);
    held[0]!.answer(undefined);
    await turns();
    expect([next, server.messages]).toEqual([[], []]);
    client.destroy();
  });

  it('is too late with what it decides in the turn in which it hears of that', async () => {
    const { server, clock } = slowServer();
    server.use({
      name: 'hasty',
      mail: ({ signal }) => {
        const verdict = new Later<string>();
        signal.addEventListener('abort', () => {
          verdict.resolve('250 2.1.0 Just in time');
        });
        return verdict;
      },
    });
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\n');
    await turns();
    clock.advance(LIMITS.verdictWaitMs);
    expect(await client.reply()).toEqual({ code: 451, lines: ['4.3.0 Error: no decision in time, try again later'] });
    expect((await client.command('NOOP')).code).toBe(250);
    client.destroy();
  });

  it('has its commands answered in their order, also those that were pipelined behind it', async () => {
    const { server, clock } = slowServer();
    const { held, hook } = heldHook('rcpt');
    server.use(hook);
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@c.example>\r\nNOOP\r\n');
    expect((await client.reply()).code).toBe(250);
    clock.advance(2_000);
    expect((await client.reply()).code).toBe(451);
    await turns();
    // The second RCPT has the whole time for itself.
    clock.advance(1_999);
    await turns();
    expect(client.unread).toBe('');
    held[0]!.answer('550 5.1.1 Too late');
    held[1]!.answer('251 2.1.5 In time');
    expect(codes(await client.replies(2))).toEqual([251, 250]);
  });

  it('in a batch: every one of them 451', async () => {
    const { server, clock, limits } = slowServer();
    server.use({ name: 'held', rcptBatch: () => new Promise(() => undefined) });
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nRCPT\r\nRCPT TO:<c@c.example>\r\nNOOP\r\n');
    expect((await client.reply()).code).toBe(250);
    clock.advance(2_000);
    expect(codes(await client.replies(4))).toEqual([451, 501, 451, 250]);
    expect(limits).toEqual(['verdictWaitMs']);
  });

  it('has a signal of its own the next time', async () => {
    const { server, clock } = slowServer();
    const { held, hook } = heldHook('mail');
    server.use(hook);
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\n');
    await turns();
    clock.advance(2_000);
    await client.reply();
    client.send('MAIL FROM:<a@a.example>\r\n');
    await turns();
    expect(held.map(({ signal }) => signal.aborted)).toEqual([true, false]);
    held[1]!.answer(undefined);
    expect((await client.reply()).code).toBe(250);
  });

  it('is reported aborted also to whoever asks for the signal only afterwards', async () => {
    const { server, clock } = slowServer();
    const requests: { readonly signal: AbortSignal }[] = [];
    server.use({
      name: 'late asker',
      mail: (request) => {
        requests.push(request);
        return requests.length === 1 ? new Promise(() => undefined) : undefined;
      },
    });
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\n');
    await turns();
    clock.advance(2_000);
    await client.reply();
    await client.command('MAIL FROM:<a@a.example>');
    expect(requests.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  });
});

describe('a client whose application was slow', () => {
  it.each(['mail', 'message'] as const)('has its whole time for the next command afterwards (%s)', async (stage) => {
    const { server, clock, limits } = slowServer();
    const { held, hook } = heldHook(stage);
    server.use(hook);
    const client = await greetedClient(server);
    for (const line of stage === 'mail' ? [] : LINES.slice(1, 4)) await client.command(line);
    client.send(stage === 'mail' ? 'MAIL FROM:<a@a.example>\r\n' : 'Hi\r\n.\r\n');
    await turns();
    clock.advance(1_900);
    held[0]!.answer(undefined);
    expect((await client.reply()).code).toBe(250);
    clock.advance(999);
    await turns();
    expect(client.isClosed).toBe(false);
    clock.advance(1);
    expect(codes(await client.closed())).toEqual([421]);
    expect(limits).toEqual(['commandWaitMs']);
  });

  it('is timed after a verdict that came too late, too', async () => {
    const { server, clock, limits } = slowServer();
    server.use(heldHook('mail').hook);
    const client = await greetedClient(server);
    client.send('MAIL FROM:<a@a.example>\r\n');
    await turns();
    clock.advance(2_000);
    expect((await client.reply()).code).toBe(451);
    await turns();
    clock.advance(1_000);
    expect(codes(await client.closed())).toEqual([421]);
    expect(limits).toEqual(['verdictWaitMs', 'commandWaitMs']);
  });
});

describe('a command method that hangs', () => {
  class HangingChannel extends SMTPChannel {
    async smtp_XHANG() {
      await new Promise(() => undefined);
    }
    override async smtp_MAIL(argument: string | undefined) {
      await super.smtp_MAIL(argument);
      await new Promise(() => undefined);
    }
  }

  it.each(['XHANG', 'MAIL FROM:<a@a.example>'])(
    'with nothing to decide (%s) ends the session with 421, because it could answer the wrong command later',
    async (line) => {
      class Server extends KeepingServer {
        static override channelClass = HangingChannel;
      }
      const clock = new ManualClock();
      const server = new Server({ clock, limits: LIMITS });
      const limits = limitsOf(server);
      const ends = eventsOf(server, 'disconnect');
      const client = await greetedClient(server);
      client.send(`${line}\r\nNOOP\r\n`);
      await turns();
      clock.advance(2_000);
      expect(codes(await client.closed()).filter((code) => code !== 250)).toEqual([421]);
      await turns();
      expect(limits).toEqual(['verdictWaitMs']);
      expect(ends.map(({ reason }) => reason)).toEqual(['timedOut']);
      expect(clock.timerCount).toBe(0);
    },
  );
});
