/** Which certificate a client is shown, whatever way its first message comes. That keys may be of two kinds is `openssl.test.ts`'s. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTLS } from 'node:tls';
import { describe, expect, it } from 'vitest';

import { makeSelfSigned } from '../../src/net/self-signed.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawClient } from '../support/raw-client.js';
import { eventsOf, KeepingServer, until } from './support.js';

const USUAL = makeSelfSigned({ names: ['mx.example'], now: new Date() });
const OTHER = makeSelfSigned({ names: ['other.example'], now: new Date() });
const IMPLICIT = { mode: 'implicit', ...USUAL, names: { 'other.example': OTHER } } as const;

describe('the certificate for a name', () => {
  it.each([
    ['at once', Infinity],
    ['octet by octet', 1],
  ])('is shown to a client whose ClientHello comes %s', async (_, pieceBytes) => {
    await using server = new KeepingServer({ tls: IMPLICIT });
    await server.listen();
    const socket = connect({ port: server.port, host: '127.0.0.1', noDelay: true });
    const client = connectTLS({ socket: inPieces(socket, pieceBytes), servername: 'other.example', ca: OTHER.cert });
    const [greeting] = (await once(client, 'data')) as [Buffer];
    expect(greeting.toString()).toMatch(/^220 /);
    expect(client.authorized).toBe(true);
    client.destroy();
    socket.destroy();
  });

  it.each([
    ['closes its side', 'end'],
    ['leaves', 'destroy'],
  ] as const)('is never chosen for a client that %s within its ClientHello', async (_, leave) => {
    await using server = new KeepingServer({ tls: IMPLICIT });
    await server.listen();
    const failures = eventsOf(server, 'handshakeFailed');
    const ended = eventsOf(server, 'disconnect');
    const client = await RawClient.connect(server.port);
    client.send('\x16\x03\x01\x01\x00\x01');
    client[leave]();
    await until(() => ended.length === 1);
    expect(failures.length).toBeLessThanOrEqual(1);
    await client.closed();
    expect(server.log.lines).toEqual([]);
  });

  it('is waited for no longer than a handshake may last', async () => {
    const clock = new ManualClock();
    await using server = new KeepingServer({ tls: IMPLICIT, clock });
    await server.listen();
    const sessions = eventsOf(server, 'connect');
    const limits = eventsOf(server, 'limit');
    const client = await RawClient.connect(server.port);
    client.send('\x16\x03\x01\x01\x00\x01');
    await until(() => sessions[0]?.session.phase === 'securing');
    clock.advance(60_000);
    expect(await client.closed()).toEqual([]);
    expect(limits.map(({ limit }) => limit)).toEqual(['handshakeWaitMs']);
  });
});

/** The socket, written to in pieces of this size: each is a packet of its own. */
function inPieces(socket: Socket, pieceBytes: number): Duplex {
  const duplex = new Duplex({
    read() {
      socket.resume();
    },
    write(bytes: Buffer, _encoding, done) {
      const size = Math.min(pieceBytes, bytes.length);
      const sendFrom = (at: number): void => {
        if (at >= bytes.length) done();
        else
          socket.write(bytes.subarray(at, at + size), () => {
            setImmediate(sendFrom, at + size);
          });
      };
      sendFrom(0);
    },
  });
  socket.on('data', (bytes) => {
    if (!duplex.push(bytes)) socket.pause();
  });
  return duplex;
}
