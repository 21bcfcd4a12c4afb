/** What hooks, handlers and watchers see of a session: it follows the session, and nobody outside can change it. */

import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';

import { SessionInfo } from '../../src/server/session-info.js';
import { RawClient } from '../support/raw-client.js';
import { eventsOf, FakeTransport, greetedClient, KeepingServer, sendMessage, startContent, turns } from './support.js';

/** The session of a client that has just connected. */
async function watched(server = new KeepingServer()): Promise<{ client: RawClient; info: SessionInfo }> {
  const connects = eventsOf(server, 'connect');
  const client = RawClient.inMemory(server);
  await client.reply();
  return { client, info: connects[0]!.session };
}

/** All that there is to see. */
function seen({ phase, clientName, isExtended, messageCount, envelope }: SessionInfo): unknown[] {
  return [phase, clientName, isExtended, messageCount, envelope?.mailFrom, envelope?.rcptTos];
}

describe('a session, seen from outside', () => {
  it('follows the conversation', async () => {
    const { client, info } = await watched();
    expect(info).toBeInstanceOf(SessionInfo);
    expect(seen(info)).toEqual(['start', undefined, false, 0, undefined, undefined]);
    await client.command('EHLO c.example');
    expect(seen(info)).toEqual(['ready', 'c.example', true, 0, undefined, undefined]);
    await client.command('HELO [192.0.2.1]');
    expect(seen(info)).toEqual(['ready', '[192.0.2.1]', false, 0, undefined, undefined]);
    await client.command('MAIL FROM:<>');
    expect(seen(info)).toEqual(['sender', '[192.0.2.1]', false, 0, '', []]);
    await client.command('RCPT TO:<b@b.example>');
    await client.command('RCPT TO:<c@b.example>');
    expect(seen(info)).toEqual(['recipients', '[192.0.2.1]', false, 0, '', ['b@b.example', 'c@b.example']]);
    await client.command('DATA');
    expect(seen(info)).toEqual(['content', '[192.0.2.1]', false, 0, '', ['b@b.example', 'c@b.example']]);
    client.send('.\r\n');
    await client.reply();
    expect(seen(info)).toEqual(['ready', '[192.0.2.1]', false, 1, undefined, undefined]);
    await client.command('QUIT');
    await client.closed();
    expect(seen(info)).toEqual(['closed', '[192.0.2.1]', false, 1, undefined, undefined]);
  });

  it('counts the messages that were taken, not those that were refused', async () => {
    const server = new KeepingServer();
    server.use({ name: 'picky', message: ({ message }) => (message.data.length > 5 ? '554 5.7.1 No' : undefined) });
    const { client, info } = await watched(server);
    await client.command('EHLO c.example');
    for (const content of ['One\r\n', 'Refused\r\n', 'Two\r\n', 'b\nd\r\n']) await sendMessage(client, content);
    expect(info.messageCount).toBe(2);
  });

  it('has an envelope that stays as it was when it was asked for, whatever recipients come then', async () => {
    const { client, info } = await watched();
    await client.command('EHLO c.example');
    await client.command('MAIL FROM:<a@a.example>');
    const taken = [info.envelope!];
    for (const name of ['b', 'c', 'd']) {
      await client.command(`RCPT TO:<${name}@b.example>`);
      taken.push(info.envelope!);
    }
    await client.command('RSET');
    expect(taken.map(({ rcptTos, rcptOptions }) => [rcptTos.length, rcptOptions.length])).toEqual([
      [0, 0],
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(taken.at(-1)!.rcptTos).toEqual(['b@b.example', 'c@b.example', 'd@b.example']);
  });

  it('has an envelope as it stands: the parameters, repeats of recipients, nothing that was refused', async () => {
    const server = new KeepingServer();
    server.use({ name: 'directory', rcpt: ({ address }) => (address.startsWith('no') ? '550 5.1.1 No' : undefined) });
    const { client, info } = await watched(server);
    await client.command('EHLO c.example');
    await client.command('MAIL FROM:<a@a.example> SIZE=10 BODY=8BITMIME');
    for (const name of ['b', 'nobody', 'b']) await client.command(`RCPT TO:<${name}@b.example>`);
    const { envelope } = info;
    expect(envelope).toEqual({
      mailFrom: 'a@a.example',
      rcptTos: ['b@b.example', 'b@b.example'],
      mailOptions: ['SIZE=10', 'BODY=8BITMIME'],
      rcptOptions: [[], []],
    });
    await client.command('RSET');
    expect(info.envelope).toBeUndefined();
    // What was looked at stays what it was.
    expect(envelope!.rcptTos).toHaveLength(2);
  });

  it('cannot be changed from outside', async () => {
    const server = new KeepingServer();
    const { client, info } = await watched(server);
    await client.command('EHLO c.example');
    await client.command('MAIL FROM:<a@a.example>');
    await client.command('RCPT TO:<b@b.example>');
    for (const name of ['phase', 'clientName', 'isExtended', 'messageCount', 'envelope']) {
      expect(() => {
        (info as unknown as Record<string, unknown>)[name] = 'x';
      }).toThrow(TypeError);
    }
    const envelope = info.envelope as unknown as { mailFrom: string; rcptTos: string[] };
    envelope.mailFrom = 'eve@evil.example';
    envelope.rcptTos.push('eve@evil.example');
    expect(info.envelope).toMatchObject({ mailFrom: 'a@a.example', rcptTos: ['b@b.example'] });
    await client.command('DATA');
    client.send('.\r\n');
    await client.reply();
    expect(server.messages[0]).toMatchObject({ mailFrom: 'a@a.example', rcptTos: ['b@b.example'] });
  });

  it('knows both ends, and when the connection was accepted', () => {
    const server = new KeepingServer();
    const connects = eventsOf(server, 'connect');
    const before = Date.now();
    const transport = new FakeTransport('2001:db8::1', 'IPv6');
    server.accept(transport);
    const [{ session }] = connects as [{ session: SessionInfo }];
    expect(session.peer).toBe(transport.remote);
    expect(session.local).toBe(transport.local);
    expect(session.openedAt.getTime()).toBeGreaterThanOrEqual(before);
    expect(session.openedAt.getTime()).toBeLessThanOrEqual(Date.now());
  });

  it('has an id that no other session of the process has', async () => {
    const ids: string[] = [];
    for (const server of [new KeepingServer(), new KeepingServer()]) {
      server.on('connect', ({ session }) => void ids.push(session.id));
      for (let count = 0; count < 50; count += 1) server.accept(new FakeTransport());
    }
    expect(new Set(ids).size).toBe(100);
    for (const id of ids) expect(id).toMatch(/^[0-9a-z]{11,}$/);
  });

  it('is shown with what it says, and so is a message', async () => {
    const server = new KeepingServer();
    const client = await greetedClient(server);
    await startContent(client);
    client.send('Hello\r\n.\r\n');
    await client.reply();
    const message = server.messages[0]!;
    const { id, session, receivedAt } = message;
    const shown = JSON.parse(JSON.stringify(message)) as object;
    expect(shown).toMatchObject({ id, rcptOptions: [[]], receivedAt: receivedAt.toJSON() });
    expect(shown).toMatchObject({ mailFrom: message.mailFrom, rcptTos: message.rcptTos, facts: { sizeBytes: 7 } });
    expect(shown).toMatchObject({ session: { id: session.id, phase: session.phase, messageCount: 1 } });
    expect(inspect(session)).toContain(`id: '${session.id}'`);
    expect(inspect(message)).toContain(`id: '${id}'`);
  });

  it('is one and the same for hooks, handlers and events', async () => {
    const sessions: unknown[] = [];
    const server = new KeepingServer();
    const note = ({ session }: { readonly session?: SessionInfo }): void => void sessions.push(session);
    server.use({ name: 'witness', connect: note, helo: note, mail: note, rcpt: note, data: note, close: note });
    for (const name of ['connect', 'command', 'reply', 'message', 'disconnect'] as const) server.on(name, note);
    const client = await greetedClient(server);
    await startContent(client);
    client.send('.\r\n');
    await client.reply();
    sessions.push(server.messages[0]!.session);
    client.destroy();
    await turns();
    expect(sessions.length).toBeGreaterThan(15);
    expect(new Set(sessions).size).toBe(1);
  });
});
