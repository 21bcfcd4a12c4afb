/** The socket that writes past its stream's queue: what is said of it must be what a socket of `node:net` says. */

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

import { afterEach, describe, expect, it } from 'vitest';

import { DirectSocket } from '../../src/net/direct-socket.js';

/** More of 64 KiB each than any kernel takes of a peer that does not read. */
const WRITES_MAX = 1_000;
const opened: Socket[] = [];

afterEach(() => {
  for (const each of opened.splice(0)) each.destroy();
});

/** A direct socket that is connected, and its peer, which does not read yet. */
async function openPair(): Promise<{ direct: DirectSocket; peer: Socket }> {
  const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const direct = new DirectSocket({ allowHalfOpen: true });
  direct.connect(port, '127.0.0.1');
  const [[peer]] = (await Promise.all([once(listener, 'connection'), once(direct, 'connect')])) as [[Socket], unknown];
  listener.close();
  opened.push(direct, peer);
  return { direct, peer };
}

/** All that a socket reads up to its end. */
async function readAll(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => pieces.push(bytes));
  socket.resume();
  await once(socket, 'end');
  return Buffer.concat(pieces);
}

describe('a direct write', () => {
  it('that the kernel takes whole leaves nothing behind', async () => {
    const { direct, peer } = await openPair();
    expect(direct.writeDirectly(Buffer.from('250 OK\r\n'))).toBe(true);
    expect(direct.writableLength).toBe(0);
    direct.end();
    expect((await readAll(peer)).toString()).toBe('250 OK\r\n');
  });

  it('that the kernel does not take is counted, and said to be too much, until it has left', async () => {
    const { direct, peer } = await openPair();
    const drains: number[] = [];
    direct.on('drain', () => drains.push(direct.writableLength));
    let count = 0;
    while (direct.writableLength === 0 && count < WRITES_MAX) {
      direct.writeDirectly(Buffer.alloc(65_536, count));
      count += 1;
    }
    expect(direct.writeDirectly(Buffer.from('last'))).toBe(false);
    expect(direct.writableLength).toBeGreaterThan(4);
    const drained = once(direct, 'drain');
    direct.end();
    const [all] = await Promise.all([readAll(peer), drained]);
    expect(drains).toEqual([0]);
    // In order, and the end behind it all.
    const wanted = Array.from({ length: count }, (_, index) => Buffer.alloc(65_536, index));
    expect(all.equals(Buffer.concat([...wanted, Buffer.from('last')]))).toBe(true);
  });

  it('keeps its place among writes through the stream', async () => {
    const { direct, peer } = await openPair();
    const wanted: Buffer[] = [];
    for (let round = 0; round < 200; round += 1) {
      const bytes = Buffer.alloc(40_000, round);
      wanted.push(bytes);
      if (round % 3 === 0) direct.write(bytes);
      else direct.writeDirectly(bytes);
    }
    direct.end();
    expect((await readAll(peer)).equals(Buffer.concat(wanted))).toBe(true);
  });

  it('to a peer that has reset the connection is an error of the socket, and nobody is told to go on', async () => {
    const { direct, peer } = await openPair();
    const told: string[] = [];
    direct.on('drain', () => told.push('drain'));
    direct.on('error', () => told.push('error'));
    let count = 0;
    while (direct.writeDirectly(Buffer.alloc(65_536)) && count < WRITES_MAX) count += 1;
    expect(count).toBeLessThan(WRITES_MAX);
    const closed = new Promise((resolve) => direct.once('close', resolve));
    peer.resetAndDestroy();
    await closed;
    expect(told).toEqual(['error']);
    expect(direct.writableLength).toBe(0);
  });
});
