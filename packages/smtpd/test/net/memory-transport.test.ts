/** A connection in memory behaves as one over sockets does, where that matters. */

import { describe, expect, it } from 'vitest';

import { connectInMemory } from '../../src/net/memory-transport.js';
import type { Transport } from '../../src/net/transport.js';

/** Starts an end, and notes what it is told. */
function record(transport: Transport): string[] {
  const told: string[] = [];
  transport.start({
    onBytes: (bytes) => told.push(Buffer.from(bytes).toString('latin1')),
    onEnd: () => told.push('<end>'),
    onDrain: () => told.push('<drain>'),
    onClose: (error) => told.push(error === undefined ? '<close>' : `<${error.message}>`),
  });
  return told;
}

/** Lets every microtask run that is due, and those that they cause. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

describe('a connection in memory', () => {
  it('hands over in order, and never within the call that writes', async () => {
    const { client, server } = connectInMemory();
    const told = record(server);
    record(client);
    client.write(bytes('a'));
    client.write(bytes('b'));
    expect(told).toEqual([]);
    await turn();
    expect(told).toEqual(['a', 'b']);
  });

  it('keeps what was written before the other end started', async () => {
    const { client, server } = connectInMemory();
    client.write(bytes('early'));
    client.end();
    await turn();
    const told = record(server);
    await turn();
    expect(told).toEqual(['early', '<end>']);
  });

  it('lends its octets: whoever keeps them without copying sees them change', async () => {
    const { client, server } = connectInMemory();
    let kept: Uint8Array = new Uint8Array();
    server.start({
      onBytes: (lent) => (kept = lent),
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClose: () => undefined,
    });
    const written = bytes('abc');
    client.write(written);
    await turn();
    expect([...kept]).toEqual([255, 255, 255]);
    // The writer's own octets stay as they are.
    expect(Buffer.from(written).toString()).toBe('abc');
  });

  it('an end can be closed by half: the other one still writes, and both close when both have ended', async () => {
    const { client, server } = connectInMemory();
    const clientTold = record(client);
    const serverTold = record(server);
    client.write(bytes('question'));
    client.end();
    await turn();
    expect(serverTold).toEqual(['question', '<end>']);
    server.write(bytes('answer'));
    server.end();
    await turn();
    expect(clientTold).toEqual(['answer', '<end>', '<close>']);
    expect(serverTold).toEqual(['question', '<end>', '<close>']);
  });

  it('an end that is slow to read still gets what was written before the other one closed', async () => {
    const { client, server } = connectInMemory();
    const clientTold = record(client);
    const serverTold = record(server);
    client.pause();
    client.end();
    await turn();
    server.write(bytes('221 bye'));
    server.end();
    await turn();
    expect(serverTold).toEqual(['<end>', '<close>']);
    expect(clientTold).toEqual([]);
    client.resume();
    await turn();
    expect(clientTold).toEqual(['221 bye', '<end>', '<close>']);
  });

  it('a paused end hears nothing, not even the end, until it reads on', async () => {
    const { client, server } = connectInMemory();
    const told = record(server);
    record(client);
    server.pause();
    await turn();
    client.end();
    await turn();
    expect(told).toEqual([]);
    server.resume();
    await turn();
    expect(told).toEqual(['<end>']);
  });

  it('an end that pauses within a call is handed nothing more', async () => {
    const { client, server } = connectInMemory();
    const told: string[] = [];
    server.start({
      onBytes: (lent) => {
        told.push(Buffer.from(lent).toString());
        server.pause();
      },
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClose: () => undefined,
    });
    for (const text of ['a', 'b', 'c']) client.write(bytes(text));
    await turn();
    expect(told).toEqual(['a']);
    server.resume();
    await turn();
    expect(told).toEqual(['a', 'b']);
  });

  it('says when to stop writing, counts what is unread, and says once when to go on', async () => {
    const { client, server } = connectInMemory();
    const clientTold = record(client);
    const serverTold = record(server);
    server.pause();
    expect(client.write(new Uint8Array(60_000))).toBe(true);
    expect(client.write(new Uint8Array(60_000))).toBe(false);
    expect(client.unsentBytes).toBe(120_000);
    await turn();
    expect(clientTold).toEqual([]);
    server.resume();
    await turn();
    expect(client.unsentBytes).toBe(0);
    expect(clientTold).toEqual(['<drain>']);
    expect(serverTold.map(({ length }) => length)).toEqual([60_000, 60_000]);
  });

  it('destroy() closes both ends once and drops what is on the way', async () => {
    const { client, server } = connectInMemory();
    const clientTold = record(client);
    const serverTold = record(server);
    client.write(bytes('lost'));
    server.destroy();
    client.destroy();
    await turn();
    expect(clientTold).toEqual(['<close>']);
    expect(serverTold).toEqual(['<close>']);
    expect(client.write(bytes('x'))).toBe(true);
    client.end();
    await turn();
    expect(clientTold).toEqual(['<close>']);
    expect(serverTold).toEqual(['<close>']);
  });

  it('nothing is written after end()', async () => {
    const { client, server } = connectInMemory();
    const told = record(server);
    client.end();
    client.write(bytes('never'));
    await turn();
    expect(told).toEqual(['<end>']);
  });
});
