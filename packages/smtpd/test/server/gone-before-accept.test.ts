/** Clients that have reset their connection before anybody accepted it: nobody knows any more where they were. */

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

import { RawClient } from '../support/raw-client.js';
import { eventsOf, KeepingServer } from './support.js';

describe('a client that is gone before it is accepted', () => {
  const MAIL = 'EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nHello\r\n.\r\n';

  it.each([
    ['comes alone', {}, MAIL],
    ['comes through a proxy', { proxyProtocol: 'loopback' }, `PROXY TCP4 192.0.2.1 192.0.2.25 5000 25\r\n${MAIL}`],
  ])('gets no session, whatever it has sent: it %s', async (_, options, octets) => {
    await using server = new KeepingServer(options);
    await server.listen();
    const sessions = eventsOf(server, 'connect');
    sendAndReset(server.port, octets);
    // Whoever comes later is accepted later.
    const next = await RawClient.connect(server.port);
    next.send('PROXY TCP4 192.0.2.2 192.0.2.25 5000 25\r\n');
    expect((await next.reply()).code).toBe(220);
    expect(sessions.map(({ session }) => session.peer.port)).not.toContain(0);
    expect(sessions).toHaveLength(1);
    expect(server.messages).toEqual([]);
    expect(server.log.lines).toEqual([]);
    next.destroy();
  });
});

/** Another process sends everything and resets the connection. Nothing is accepted meanwhile: this process waits. */
function sendAndReset(port: number, octets: string): void {
  const source = `const socket = require('node:net').connect(${String(port)}, '127.0.0.1');
    socket.write(${JSON.stringify(octets)}, () => socket.resetAndDestroy());`;
  spawnSync(process.execPath, ['-e', source]);
}
