/** What a connection without a socket has of its own: its socket for whoever asks, and its ends. What it does like others, `socket-transport.test.ts` says. */

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { handleWays, isBareHandle } from '../../src/net/bare-handle.js';
import { DirectSocket } from '../../src/net/direct-socket.js';
import { HandleTransport } from '../../src/net/handle-transport.js';
import { openListener, type ListenAddress } from '../../src/net/listener.js';
import type { Transport } from '../../src/net/transport.js';
import { Recorder } from './recorder.js';

const MIB = 1_048_576;
const toClose: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

/** Connects to a listener on that address. Each call of `openPeer` is another connection. */
async function listenOn(address: ListenAddress): Promise<() => Promise<{ transport: Transport; peer: Socket }>> {
  const accepted: Transport[] = [];
  const listener = await openListener([address], {
    backlog: 16,
    onConnection: () => undefined,
    onError: () => undefined,
    withoutSocket: { lingerMs: 1_000, onConnection: (transport) => accepted.push(transport) },
  });
  toClose.push(() => listener.close());
  return async () => {
    const { port } = listener.addresses[0]!;
    const peer = connect('path' in address ? { path: address.path } : { port, host: '127.0.0.1' });
    peer.on('error', () => undefined);
    await vi.waitFor(() => {
      expect(accepted).toHaveLength(1);
    });
    const transport = accepted.shift()!;
    toClose.push(
      () => peer.destroy(),
      () => {
        transport.destroy();
      },
    );
    return { transport, peer };
  };
}

/** A connection whose peer has said something and ended its side. */
async function openEnded() {
  const { transport, peer } = await openPair();
  const recorder = new Recorder();
  transport.start(recorder);
  peer.end('QUIT\r\n');
  await vi.waitFor(() => {
    expect(recorder.told).toEqual(['end']);
  });
  return { transport, peer, recorder };
}

async function openPair(): Promise<{ transport: Transport; peer: Socket }> {
  const openPeer = await listenOn({ host: '127.0.0.1', port: 0 });
  return openPeer();
}

it('is how a Node that we know takes connections', () => {
  // A newer one may have other sockets: it works with sockets then.
  const isKnown = Number(process.versions.node.split('.')[0]) <= 26;
  if (isKnown) expect(handleWays()).toBeDefined();
  expect(isBareHandle({ readStart() {}, bytesRead: 0 })).toBe(false);
  expect(isBareHandle(undefined)).toBe(false);
});

describe.skipIf(handleWays() === undefined)('a connection without a socket', () => {
  it('gets one when somebody asks, and goes on over it as if it had always had one', async () => {
    const { transport, peer } = await openPair();
    expect(transport).toBeInstanceOf(HandleTransport);
    const recorder = new Recorder();
    transport.start(recorder);
    peer.write('before ');
    await vi.waitFor(() => {
      expect(recorder.text).toBe('before ');
    });
    const socket = transport.socket as Socket;
    expect(socket).toBeInstanceOf(DirectSocket);
    expect(transport.socket).toBe(socket);
    expect(socket.remotePort).toBe(peer.localPort);
    peer.end('after');
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end']);
    });
    expect(recorder.text).toBe('before after');
    peer.setEncoding('latin1');
    transport.write(Buffer.from('221 bye\r\n'));
    transport.end();
    expect(await once(peer, 'data')).toEqual(['221 bye\r\n']);
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end', 'close']);
    });
  });

  it('that is paused stays so over its socket', async () => {
    const { transport, peer } = await openPair();
    const recorder = new Recorder();
    transport.start(recorder);
    transport.pause();
    const socket = transport.socket as Socket;
    peer.write('waits');
    await new Promise((resolve) => peer.write('', resolve));
    // Another connection of this process is read meanwhile.
    const other = await openPair();
    const otherRecorder = new Recorder();
    other.transport.start(otherRecorder);
    other.peer.write('comes');
    await vi.waitFor(() => {
      expect(otherRecorder.text).toBe('comes');
    });
    expect([recorder.text, socket.bytesRead]).toEqual(['', 0]);
    transport.resume();
    await vi.waitFor(() => {
      expect(recorder.text).toBe('waits');
    });
  });

  it('has a socket that counts what was written before and has not left, and tells once when it has', async () => {
    const { transport, peer } = await openPair();
    const recorder = new Recorder();
    transport.start(recorder);
    peer.pause();
    let total = 0;
    while (transport.unsentBytes < 2 * MIB) {
      expect(total).toBeLessThan(256 * MIB);
      transport.write(Buffer.alloc(MIB, total % 251));
      total += MIB;
    }
    const socket = transport.socket as Socket;
    expect(socket.writableLength).toBeGreaterThan(MIB);
    expect(transport.unsentBytes).toBe(socket.writableLength);
    expect(transport.write(Buffer.from('z'))).toBe(false);
    const received: Buffer[] = [];
    peer.on('data', (bytes: Buffer) => received.push(bytes));
    peer.resume();
    await vi.waitFor(
      () => {
        expect(received.reduce((sum, { length }) => sum + length, 0)).toBe(total + 1);
      },
      { timeout: 15_000 },
    );
    expect(received.at(-1)!.toString('latin1').at(-1)).toBe('z');
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['drain']);
    });
    expect(socket.writableLength).toBe(0);
  });

  it('that is over has a socket that is, and that knows whose it was', async () => {
    const { transport, peer } = await openPair();
    const recorder = new Recorder();
    transport.start(recorder);
    const port = peer.localPort;
    transport.destroy();
    const socket = transport.socket as Socket;
    expect([socket.destroyed, socket.remotePort, socket.remoteAddress]).toEqual([true, port, '127.0.0.1']);
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
  });

  it('that is over makes no handshake, and says so behind its end', async () => {
    const { transport } = await openPair();
    const recorder = new Recorder();
    transport.start(recorder);
    transport.destroy();
    const failed = async (handshake: Promise<unknown> | undefined): Promise<void> => {
      await expect(handshake).rejects.toThrow('closed before the TLS handshake');
      recorder.told.push('failed');
    };
    await failed(transport.startTLS?.({ optionsFor: () => ({}) }));
    await failed(transport.connectTLS?.({}));
    expect(recorder.told).toEqual(['close', 'failed', 'failed']);
  });

  it('whose peer has ended has a socket that knows, and nobody is told again', async () => {
    const { transport, recorder } = await openEnded();
    await once(transport.socket as Socket, 'end');
    expect([recorder.text, recorder.told]).toEqual(['QUIT\r\n', ['end']]);
  });

  it('whose peer has ended closes when ours has been written, without waiting', async () => {
    const { transport, peer, recorder } = await openEnded();
    transport.write(Buffer.alloc(16 * MIB));
    transport.end();
    expect(recorder.told).toEqual(['end']);
    let received = 0;
    peer.on('data', (bytes: Buffer) => (received += bytes.length));
    await once(peer, 'end');
    expect(received).toBe(16 * MIB);
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end', 'close']);
    });
  });

  it('has the end of whoever listens on one address, and asks where it listens on all', async () => {
    const openOne = await listenOn({ host: '127.0.0.1', port: 0 });
    const [first, second] = [await openOne(), await openOne()];
    expect(first.transport.local).toEqual({ address: '127.0.0.1', port: first.peer.remotePort, family: 'IPv4' });
    expect(second.transport.local).toBe(first.transport.local);
    const openAny = await listenOn({ host: '0.0.0.0', port: 0 });
    const { transport, peer } = await openAny();
    expect(transport.local).toEqual({ address: '127.0.0.1', port: peer.remotePort, family: 'IPv4' });
    expect(transport.remote).toEqual({ address: '127.0.0.1', port: peer.localPort, family: 'IPv4' });
  });

  it('comes by a Unix socket, too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'smtpd-'));
    toClose.push(() => rm(folder, { recursive: true }));
    const openPeer = await listenOn({ path: join(folder, 'smtp') });
    const { transport, peer } = await openPeer();
    expect(transport).toBeInstanceOf(HandleTransport);
    expect([transport.local, transport.remote]).toEqual([UNNAMED, UNNAMED]);
    const recorder = new Recorder();
    transport.start(recorder);
    peer.write('EHLO here\r\n');
    await vi.waitFor(() => {
      expect(recorder.text).toBe('EHLO here\r\n');
    });
    peer.setEncoding('latin1');
    transport.write(Buffer.from('250 there\r\n'));
    expect(await once(peer, 'data')).toEqual(['250 there\r\n']);
  });
});

const UNNAMED = { address: '', port: 0, family: 'unix' };
