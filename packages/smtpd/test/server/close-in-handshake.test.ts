/** `close()` while a TLS handshake is under way: it does not wait for a client that may never go on. */

import { expect, it } from 'vitest';

import { makeSelfSigned } from '../../src/net/self-signed.js';
import { RawClient } from '../support/raw-client.js';
import { eventsOf, KeepingServer, until } from './support.js';

it.each([
  ['after STARTTLS', 'offer'],
  ['from the first octet', 'implicit'],
] as const)('a client that owes its part of the handshake is cut at once: %s', async (_, mode) => {
  const pair = makeSelfSigned({ names: ['localhost'], now: new Date() });
  await using server = new KeepingServer({ tls: { mode, ...pair } });
  await server.listen();
  const sessions = eventsOf(server, 'connect');
  const ended = eventsOf(server, 'disconnect');
  const failures = eventsOf(server, 'handshakeFailed');
  const client = await RawClient.connect(server.port);
  if (mode === 'offer') {
    await client.reply();
    await client.command('EHLO client.example');
    await client.command('STARTTLS');
  }
  await until(() => sessions[0]?.session.phase === 'securing');
  // A test has less time than this.
  await server.close({ graceMs: 3_600_000 });
  expect(await client.closed()).toEqual([]);
  expect(client.unread).toBe('');
  expect(ended.map(({ reason }) => reason)).toEqual(['serverClosing']);
  expect(failures).toEqual([]);
  expect(server.log.lines).toEqual([]);
});

it('one whose certificate is only being looked for is cut, too, and no handshake of it has failed', async () => {
  const pair = makeSelfSigned({ names: ['localhost'], now: new Date() });
  await using server = new KeepingServer({ tls: { mode: 'implicit', ...pair } });
  await server.listen();
  const ended = eventsOf(server, 'disconnect');
  const failures = eventsOf(server, 'handshakeFailed');
  let closed: Promise<void> | undefined;
  server.on('connect', () => {
    closed = server.close();
  });
  const client = await RawClient.connect(server.port);
  expect(await client.closed()).toEqual([]);
  await closed;
  expect(ended.map(({ reason }) => reason)).toEqual(['serverClosing']);
  expect(failures).toEqual([]);
});
