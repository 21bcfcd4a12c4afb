/** Connections to somebody else's server: that they need no socket where handles are known, and how an attempt ends. */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { handleWays } from '../../src/net/bare-handle.js';
import { DirectSocket } from '../../src/net/direct-socket.js';
import { HandleTransport } from '../../src/net/handle-transport.js';
import { openConnection, type ConnectTarget } from '../../src/net/outgoing-connection.js';
import type { Transport } from '../../src/net/transport.js';
import { freePort } from '../support/free-port.js';
import { Recorder } from './recorder.js';

const toClose: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function listenOn(where: { port: number; host: string } | { path: string }): Promise<Server> {
  const server = createServer({ allowHalfOpen: true });
  server.listen(where);
  await once(server, 'listening');
  toClose.push(() => server.close());
  return server;
}

/** A connection to a server on the loopback, and the server's end of it. */
async function openPair(): Promise<{ transport: Transport; peer: Socket }> {
  const server = await listenOn({ port: 0, host: '127.0.0.1' });
  return connectTo(server, { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
}

async function connectTo(server: Server, target: ConnectTarget): Promise<{ transport: Transport; peer: Socket }> {
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const transport = await openConnection(target, OPTIONS);
  const [peer] = await accepted;
  peer.on('error', () => undefined);
  toClose.push(
    () => peer.destroy(),
    () => {
      transport.destroy();
    },
  );
  return { transport, peer };
}

describe('a connection to a server', () => {
  it('carries octets both ways until both sides have ended', async () => {
    const { transport, peer } = await openPair();
    const { remotePort, localPort } = peer;
    expect(transport.local).toEqual({ address: '127.0.0.1', port: remotePort, family: 'IPv4' });
    expect(transport.remote).toEqual({ address: '127.0.0.1', port: localPort, family: 'IPv4' });
    // What comes before somebody listens waits.
    peer.write('220 hi\r\n');
    const recorder = new Recorder();
    transport.start(recorder);
    await vi.waitFor(() => {
      expect(recorder.text).toBe('220 hi\r\n');
    });
    peer.setEncoding('latin1');
    transport.write(Buffer.from('QUIT\r\n'));
    expect(await once(peer, 'data')).toEqual(['QUIT\r\n']);
    transport.end();
    await once(peer, 'end');
    expect(recorder.told).toEqual([]);
    peer.end('221 bye\r\n');
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end', 'close']);
    });
    expect(recorder.error).toBeUndefined();
  });

  it('that is reset is over, and why is told', async () => {
    const { transport, peer } = await openPair();
    const recorder = new Recorder();
    transport.start(recorder);
    peer.resetAndDestroy();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
    expect(recorder.error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('goes over a Unix socket, too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'smtpd-'));
    toClose.push(() => rm(folder, { recursive: true }));
    const path = join(folder, 'lmtp');
    const { transport, peer } = await connectTo(await listenOn({ path }), { path });
    expect([transport.local.family, transport.remote.family]).toEqual(['unix', 'unix']);
    const recorder = new Recorder();
    transport.start(recorder);
    peer.write('220 hi\r\n');
    await vi.waitFor(() => {
      expect(recorder.text).toBe('220 hi\r\n');
    });
  });

  it('is not there when nobody listens, or nobody waits for it any more', async () => {
    const target = { host: '127.0.0.1', port: await freePort() };
    await expect(openConnection(target, OPTIONS)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    const reason = new Error('enough');
    await expect(openConnection(target, { ...OPTIONS, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const abort = new AbortController();
    const attempt = openConnection(target, { ...OPTIONS, signal: abort.signal });
    abort.abort(reason);
    await expect(attempt).rejects.toBe(reason);
  });
});

describe.skipIf(handleWays() === undefined)('a connection to a server, where handles are known', () => {
  it('has no socket before somebody asks, and goes on over it then', async () => {
    const { transport, peer } = await openPair();
    expect(transport).toBeInstanceOf(HandleTransport);
    const recorder = new Recorder();
    transport.start(recorder);
    peer.write('220 ');
    await vi.waitFor(() => {
      expect(recorder.text).toBe('220 ');
    });
    expect(transport.socket).toBeInstanceOf(DirectSocket);
    peer.write('hi\r\n');
    await vi.waitFor(() => {
      expect(recorder.text).toBe('220 hi\r\n');
    });
  });
});

const OPTIONS = { localAddress: undefined, signal: new AbortController().signal, lingerMs: 1_000 };
