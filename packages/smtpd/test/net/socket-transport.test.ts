/**
 * The transport over a socket, in both of its ways to read: into one buffer of ours, and by `data` events (as on Bun and Deno, and
 * forced here by a handle that cannot use a buffer); and the one over a handle alone, which does the same without a socket.
 */

import { execFileSync } from 'node:child_process';
import { once, type EventEmitter } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTLS, createSecureContext, createServer as createTLSServer, TLSSocket } from 'node:tls';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { makeSelfSigned } from '../../src/net/self-signed.js';
import { handleWays } from '../../src/net/bare-handle.js';
import { openListener } from '../../src/net/listener.js';
import { openSocketTransport } from '../../src/net/socket-transport.js';
import type { TLSHandshake, Transport } from '../../src/net/transport.js';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { Recorder } from './recorder.js';
import { readSlowly } from './slow-reader.js';

/** A connection: a transport under test on one side, a plain socket on the other. */
interface Pair {
  readonly transport: Transport;
  /** `undefined` where there is none. */
  readonly accepted: Socket | undefined;
  readonly peer: Socket;
}

/** How the transport of a pair comes to its octets. */
type Way = 'buffer' | 'events' | 'handle';

const opened: { destroy: () => void }[] = [];

afterEach(() => {
  for (const each of opened.splice(0)) each.destroy();
});

interface PairInit {
  readonly way?: Way;
  readonly lingerMs?: number;
  /** Of the Unix socket that it goes by, instead of TCP. */
  readonly path?: string;
}

async function openPair({ way = 'buffer', lingerMs = 2_000, path }: PairInit = {}): Promise<Pair> {
  if (way === 'handle') return openPairWithoutSocket(lingerMs, path);
  const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true });
  listener.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path });
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const peer = connect({ ...(path === undefined ? { port, host: '127.0.0.1' } : { path }), allowHalfOpen: true });
  peer.on('error', () => undefined);
  const [accepted] = (await once(listener, 'connection')) as [Socket];
  listener.close();
  if (way === 'events') {
    Object.defineProperty((accepted as unknown as { _handle: object })._handle, 'useUserBuffer', { value: undefined });
  }
  const transport = openSocketTransport(accepted, { lingerMs });
  opened.push(peer, transport);
  return { transport, accepted, peer };
}

async function openPairWithoutSocket(lingerMs: number, path: string | undefined): Promise<Pair> {
  let take: (transport: Transport) => void;
  const accepted = new Promise<Transport>((resolve) => (take = resolve));
  const listener = await openListener([path === undefined ? { host: '127.0.0.1', port: 0 } : { path }], {
    backlog: 16,
    onConnection: () => undefined,
    onError: () => undefined,
    withoutSocket: {
      lingerMs,
      onConnection: (transport) => {
        take(transport);
      },
    },
  });
  const where = path === undefined ? { port: listener.addresses[0]!.port, host: '127.0.0.1' } : { path };
  const peer = connect({ ...where, allowHalfOpen: true });
  peer.on('error', () => undefined);
  const transport = await accepted;
  await listener.close();
  opened.push(peer, transport);
  return { transport, accepted: undefined, peer };
}

/** Waits until a number has not changed for a while: nothing moves any more. */
async function settled(read: () => number): Promise<number> {
  let last = read();
  let stillSince = performance.now();
  while (performance.now() - stillSince < 250) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const now = read();
    if (now !== last) stillSince = performance.now();
    last = now;
  }
  return last;
}

function handshake(): TLSHandshake {
  const secureContext = createSecureContext(credentials);
  return { optionsFor: () => ({ secureContext }) };
}
const credentials = makeSelfSigned({ names: ['localhost'], now: new Date() });

const MIB = 1_048_576;

describe.each<{ name: string; way: Way }>([
  { name: 'reading into our buffer', way: 'buffer' },
  { name: 'reading by data events', way: 'events' },
  ...(handleWays() === undefined ? [] : [{ name: 'without a socket', way: 'handle' as const }]),
])('a transport, $name', ({ way }) => {
  const isPlain = way === 'events';

  it('reads the way it says', async () => {
    const { transport, accepted } = await openPair({ way });
    transport.start(new Recorder());
    // A socket of our own stands in for the accepted one only where its handle takes a buffer.
    expect(transport.socket === accepted).toBe(isPlain);
  });

  it('knows both ends of the connection', async () => {
    const { transport, peer } = await openPair({ way });
    if (peer.connecting) await once(peer, 'connect');
    expect(transport.remote).toEqual({ address: '127.0.0.1', port: peer.localPort, family: 'IPv4' });
    expect(transport.local).toEqual({ address: '127.0.0.1', port: peer.remotePort, family: 'IPv4' });
  });

  it('hands over what was sent before it started, then the end, and closes when both sides have ended', async () => {
    const { transport, peer } = await openPair({ way });
    const recorder = new Recorder();
    await new Promise<void>((resolve) => peer.end('early', resolve));
    transport.start(recorder);
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end']);
    });
    expect(recorder.bytes.toString()).toBe('early');
    // The peer ended its side only: it still reads.
    peer.setEncoding('latin1');
    transport.write(Buffer.from('late'));
    transport.end();
    expect(await once(peer, 'data')).toEqual(['late']);
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end', 'close']);
    });
    expect(recorder.error).toBeUndefined();
  });

  it('stops reading while it is paused, so that the peer has to wait, and loses nothing', async () => {
    const { transport, peer } = await openPair({ way });
    const recorder = new Recorder(false);
    transport.start(recorder);
    peer.write('x');
    await vi.waitFor(() => {
      expect(recorder.bytesCount).toBe(1);
    });
    transport.pause();
    const total = 64 * MIB;
    const block = Buffer.alloc(MIB, 'y');
    for (let sent = 0; sent < total; sent += block.length) peer.write(block);
    // The kernel's buffers fill, and the rest stays with the sender.
    expect(await settled(() => peer.writableLength)).toBeGreaterThan(total / 2);
    // Without a buffer of ours, what Node had read already may sit in its stream; it is not handed over either.
    expect(recorder.bytesCount).toBe(1);
    expect((transport.socket as Socket).bytesRead).toBeLessThan(MIB);
    transport.resume();
    await vi.waitFor(
      () => {
        expect(recorder.bytesCount).toBe(total + 1);
      },
      { timeout: 15_000 },
    );
  });

  it('can be paused from within the call that hands octets over', async () => {
    const { transport, peer } = await openPair({ way });
    const recorder = new Recorder(false);
    let calls = 0;
    transport.start({
      onBytes: (bytes) => {
        calls += 1;
        recorder.onBytes(bytes);
        transport.pause();
      },
      onEnd: () => {
        recorder.onEnd();
      },
      onDrain: () => undefined,
      onClose: () => undefined,
    });
    peer.end(Buffer.alloc(4 * MIB));
    await settled(() => recorder.bytesCount);
    expect(calls).toBe(1);
    expect(recorder.told).toEqual([]);
    while (recorder.told.length === 0) {
      transport.resume();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(recorder.bytesCount).toBe(4 * MIB);
    expect(calls).toBeGreaterThan(1);
  });

  it('says when to stop writing, counts what is unsent, and says when to go on', async () => {
    const { transport, peer } = await openPair({ way });
    const recorder = new Recorder();
    transport.start(recorder);
    peer.pause();
    let total = 0;
    while (transport.unsentBytes < 4 * MIB) {
      expect(total).toBeLessThan(256 * MIB);
      transport.write(Buffer.alloc(MIB));
      total += MIB;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(transport.write(Buffer.from('z'))).toBe(false);
    expect(recorder.told).toEqual([]);
    let received = 0;
    peer.on('data', (bytes) => (received += bytes.length));
    peer.resume();
    await vi.waitFor(
      () => {
        expect(received).toBe(total + 1);
      },
      { timeout: 15_000 },
    );
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['drain']);
    });
    expect(transport.unsentBytes).toBe(0);
  });

  it('lets go of what the kernel has taken, and of nothing before; where it cannot know, of nothing', async () => {
    const { transport, peer } = await openPair({ way });
    transport.start(new Recorder());
    peer.pause();
    for (let total = 0; transport.unsentBytes === 0; total += MIB) {
      expect(total).toBeLessThan(256 * MIB);
      expect(transport.hasLetGo).toBe(!isPlain);
      transport.write(Buffer.alloc(MIB));
    }
    expect(transport.hasLetGo).toBe(false);
    peer.resume();
    await vi.waitFor(
      () => {
        expect(transport.unsentBytes).toBe(0);
      },
      { timeout: 15_000 },
    );
    expect(transport.hasLetGo).toBe(!isPlain);
    transport.destroy();
    expect(transport.hasLetGo).toBe(false);
  });

  it('drops what comes after end(), lets the peer read everything, and closes when the peer does', async () => {
    const { transport, peer } = await openPair({ way });
    const recorder = new Recorder();
    transport.start(recorder);
    let received = '';
    peer.setEncoding('latin1');
    peer.on('data', (text: string) => (received += text));
    const peerSawEnd = once(peer, 'end');
    transport.write(Buffer.from('221 bye\r\n'));
    transport.end();
    expect(transport.write(Buffer.from('never'))).toBe(true);
    peer.write('too late');
    await peerSawEnd;
    expect(received).toBe('221 bye\r\n');
    expect(recorder.told).toEqual([]);
    peer.end();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end', 'close']);
    });
    expect(recorder.bytes.length).toBe(0);
    expect(recorder.error).toBeUndefined();
  });

  it('reads on after end() though it was paused, so that the last reply is not lost to a reset', async () => {
    const { transport, peer } = await openPair({ way });
    transport.start(new Recorder());
    transport.pause();
    const errors: Error[] = [];
    peer.on('error', (error) => errors.push(error));
    peer.write(Buffer.alloc(8 * MIB));
    let received = '';
    peer.setEncoding('latin1');
    peer.on('data', (text: string) => (received += text));
    transport.write(Buffer.from('421 enough\r\n'));
    transport.end();
    await once(peer, 'end');
    await new Promise<void>((resolve) => peer.end(resolve));
    expect(received).toBe('421 enough\r\n');
    expect(errors).toEqual([]);
  });

  it('cuts a peer that does not close its side', async () => {
    const { transport, peer } = await openPair({ way, lingerMs: 60 });
    const recorder = new Recorder();
    transport.start(recorder);
    peer.resume();
    const beganAt = performance.now();
    transport.end();
    await once(peer, 'end');
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
    expect(performance.now() - beganAt).toBeGreaterThan(55);
    expect(recorder.error).toBeUndefined();
  });

  it('cuts a peer that sends for ever after the end', async () => {
    const { transport, peer } = await openPair({ way, lingerMs: 60 });
    const recorder = new Recorder();
    transport.start(recorder);
    transport.end();
    const flood = (): void => {
      peer.write(Buffer.alloc(65_536), (error) => {
        // In a later turn: a write that succeeds at once must not keep the process from anything else.
        if (error === null || error === undefined) setImmediate(flood);
      });
    };
    flood();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
  });

  it('cuts a peer that does not read what was written before the end', async () => {
    const { transport, peer } = await openPair({ way, lingerMs: 60 });
    const recorder = new Recorder();
    peer.pause();
    transport.start(recorder);
    transport.write(Buffer.alloc(64 * MIB));
    transport.end();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
  });

  it('gives a peer that reads slowly the time to read to the end', async () => {
    const { transport, peer } = await openPair({ way, lingerMs: 1_000 });
    transport.start(new Recorder());
    const { written, received, tookMs } = await readSlowly(transport, peer, { restMs: 40 });
    expect(received).toBe(written);
    // Longer than one linger.
    expect(tookMs).toBeGreaterThan(1_000);
  });

  it('tells a reset as an error, once, last', async () => {
    const { transport, peer } = await openPair({ way });
    const recorder = new Recorder();
    transport.start(recorder);
    peer.write('x');
    await vi.waitFor(() => {
      expect(recorder.bytesCount).toBe(1);
    });
    peer.resetAndDestroy();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
    expect(recorder.error).toMatchObject({ code: 'ECONNRESET' });
    // What is done to a connection that is gone does nothing.
    expect(transport.write(Buffer.from('x'))).toBe(true);
    transport.pause();
    transport.resume();
    transport.end();
    transport.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect(recorder.told).toEqual(['close']);
  });

  it('makes no handshake where the peer has ended its side before, and says so at once', async () => {
    const { transport, peer } = await openPair({ way });
    const recorder = new Recorder();
    transport.start(recorder);
    peer.end();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end']);
    });
    await expect(transport.startTLS?.(handshake())).rejects.toThrow('The connection was closed');
  });

  it('makes none where a write has failed before, and says so behind the end', async () => {
    using folder = new TemporaryFolder();
    const { transport, peer } = await openPair({ way, path: join(folder.path, 'smtp') });
    if (peer.connecting) await once(peer, 'connect');
    const recorder = new Recorder();
    transport.start(recorder);
    // The other end of a Unix socket is gone at once, and nobody has read that.
    peer.destroy();
    transport.write(Buffer.from('220 Ready to start TLS\r\n'));
    await expect(transport.startTLS?.(handshake())).rejects.toThrow('closed before the TLS handshake');
    expect(recorder.told).toEqual(['close']);
    expect(recorder.error).toMatchObject({ code: 'EPIPE', syscall: 'write' });
  });

  it('destroy() cuts at once and hands nothing over any more', async () => {
    const { transport, peer } = await openPair({ way });
    const recorder = new Recorder();
    transport.start(recorder);
    peer.write('unread');
    transport.destroy();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
    expect(recorder.bytesCount).toBe(0);
    await vi.waitFor(() => {
      expect(peer.readableEnded || peer.destroyed || peer.errored !== null).toBe(true);
      peer.resume();
    });
  });
});

it('two connections that share the read buffer do not see each other', async () => {
  const pairs = await Promise.all([openPair(), openPair(), openPair()]);
  const recorders = pairs.map(({ transport }) => {
    const recorder = new Recorder();
    transport.start(recorder);
    return recorder;
  });
  for (let round = 0; round < 200; round += 1) {
    for (const [index, { peer }] of pairs.entries()) peer.write(Buffer.alloc(997, 97 + index));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await vi.waitFor(() => {
    for (const recorder of recorders) expect(recorder.bytesCount).toBe(997 * 200);
  });
  for (const [index, recorder] of recorders.entries()) {
    expect(recorder.bytes.equals(Buffer.alloc(997 * 200, 97 + index))).toBe(true);
  }
});

it('makes no handshake where the end was read before it behind octets that waited in the stream', async () => {
  const { transport, accepted, peer } = await openPair({ way: 'events' });
  const recorder = new Recorder();
  transport.start(recorder);
  transport.pause();
  peer.end(Buffer.of(22, 3, 1));
  await vi.waitFor(() => {
    expect(accepted).toMatchObject({ readableLength: 3, _readableState: { ended: true } });
  });
  transport.resume();
  await expect(transport.startTLS?.(handshake())).rejects.toThrow('closed during the TLS handshake');
  expect(recorder.bytesCount).toBe(0);
});

it('under TLS lends octets of our buffer, keeps what is decrypted while it is paused, and tells the end behind that', async () => {
  const { transport, peer } = await openPair();
  const recorder = new Recorder();
  const lent = new Set<ArrayBufferLike>();
  let isStopping = false;
  transport.start({
    onBytes: (bytes) => {
      lent.add(bytes.buffer);
      recorder.onBytes(bytes);
      if (isStopping) transport.pause();
    },
    onEnd: () => {
      recorder.onEnd();
    },
    onDrain: () => undefined,
    onClose: () => undefined,
  });
  const secured = transport.startTLS?.(handshake());
  const client = connectTLS({ socket: peer, rejectUnauthorized: false });
  opened.push(client);
  await Promise.all([secured, once(client, 'secureConnect')]);
  // Several records in one read, each of another letter.
  const records = Array.from({ length: 60 }, (_, index) => Buffer.alloc(16_384, 65 + index));
  for (const record of records.slice(0, 30)) client.write(record);
  await vi.waitFor(() => {
    expect(recorder.bytesCount).toBe(30 * 16_384);
  });
  expect([...lent]).toHaveLength(1);
  isStopping = true;
  for (const record of records.slice(30)) client.write(record);
  client.end();
  while (recorder.told.length === 0) {
    transport.resume();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(recorder.bytes.equals(Buffer.concat(records))).toBe(true);
  // Some of it waited in the stream.
  expect(lent.size).toBeGreaterThan(1);
});

it('under TLS hands over what came before anybody knew of the handshake’s end ahead of what comes behind it', async () => {
  const { recorder, secured, secure, client } = await openWithEarlyOctets();
  await Promise.all([secured, once(client, 'secureConnect')]);
  secure.emit('data', Buffer.from('second'));
  await vi.waitFor(() => {
    expect(recorder.bytes.toString()).toContain('first, ');
  });
  expect(recorder.bytes.toString()).toBe('first, second');
});

it('under TLS keeps what came before anybody knew of the handshake’s end while it is paused', async () => {
  const { transport, recorder, secured, secure, client } = await openWithEarlyOctets();
  transport.pause();
  await Promise.all([secured, once(client, 'secureConnect')]);
  client.write('second');
  await vi.waitFor(() => {
    expect(secure.readableLength).toBeGreaterThan(0);
  });
  expect(recorder.bytesCount).toBe(0);
  transport.resume();
  await vi.waitFor(() => {
    expect(recorder.bytes.toString()).toBe('first, second');
  });
});

/** A handshake of whose end nobody knows yet, though octets have come behind it. */
async function openWithEarlyOctets() {
  const { transport, peer } = await openPair();
  const recorder = new Recorder();
  transport.start(recorder);
  const secured = transport.startTLS?.(handshake());
  await vi.waitFor(() => {
    expect(transport.socket).toBeInstanceOf(TLSSocket);
  });
  const secure = transport.socket as TLSSocket;
  const client = connectTLS({ socket: peer, rejectUnauthorized: false });
  opened.push(client);
  secure.emit('data', Buffer.from('first, '));
  return { transport, recorder, secured, secure, client };
}

/** How somebody else puts a connection on TLS. */
type Maker = 'server' | 'socket';

/** Such a connection: what they have of it, and its peer. */
async function openSecured(maker: Maker): Promise<{ accepted: TLSSocket; peer: TLSSocket; raw: Socket }> {
  const options = { pauseOnConnect: true, allowHalfOpen: true };
  const listener =
    maker === 'server' ? createTLSServer({ ...credentials, ...options }) : createServer(options, putOnTLS);
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const raw = connect({ port: (listener.address() as { port: number }).port, host: '127.0.0.1', allowHalfOpen: true });
  const peer = connectTLS({ socket: raw, rejectUnauthorized: false });
  peer.on('error', () => undefined);
  const [accepted] = (await once(listener, 'secureConnection')) as [TLSSocket];
  listener.close();
  opened.push(peer, accepted);
  return { accepted, peer, raw };
}

/** What a `tls.Server` does for its connections. */
function putOnTLS(this: EventEmitter, plain: Socket): void {
  const secure = new TLSSocket(plain, { ...credentials, isServer: true });
  secure.once('secure', () => this.emit('secureConnection', secure));
}

describe.each<{ name: string; maker: Maker }>([
  { name: 'with a server of node:tls', maker: 'server' },
  { name: 'with a socket of node:tls', maker: 'socket' },
])('a transport of a connection that somebody else has put on TLS, $name', ({ maker }) => {
  it('reads it, and writes through its queue: TLS takes one write at a time', async () => {
    const { accepted, peer, raw } = await openSecured(maker);
    const transport = openSocketTransport(accepted, { lingerMs: 2_000 });
    const recorder = new Recorder();
    peer.write('early, ');
    transport.start(recorder);
    expect(transport.socket === accepted).toBe(true);
    expect(transport.remote).toEqual({ address: '127.0.0.1', port: raw.localPort, family: 'IPv4' });
    peer.write('late');
    await vi.waitFor(() => {
      expect(recorder.bytes.toString()).toBe('early, late');
    });
    // More than goes out while nobody reads.
    const blocks = Array.from({ length: 16 }, (_, index) => Buffer.alloc(MIB, 65 + index));
    for (const block of blocks) transport.write(block);
    expect(transport.unsentBytes).toBeGreaterThan(MIB);
    expect(transport.hasLetGo).toBe(false);
    transport.end();
    const received: Buffer[] = [];
    for await (const bytes of peer as AsyncIterable<Buffer>) received.push(bytes);
    raw.destroy();
    expect(Buffer.concat(received).equals(Buffer.concat(blocks))).toBe(true);
    await vi.waitFor(() => {
      expect(recorder.told.at(-1)).toBe('close');
    });
    expect(recorder.error).toBeUndefined();
  });

  it('hands nothing over while it is paused, though it was before it started', async () => {
    const { accepted, peer } = await openSecured(maker);
    const transport = openSocketTransport(accepted, { lingerMs: 2_000 });
    const recorder = new Recorder();
    transport.pause();
    transport.start(recorder);
    peer.write('late');
    await vi.waitFor(() => {
      expect(accepted.readableLength).toBe(4);
    });
    expect(recorder.bytesCount).toBe(0);
    transport.resume();
    await vi.waitFor(() => {
      expect(recorder.bytes.toString()).toBe('late');
    });
  });

  it('closes it when what comes is no TLS', async () => {
    const { accepted, raw } = await openSecured(maker);
    const transport = openSocketTransport(accepted, { lingerMs: 2_000 });
    const recorder = new Recorder();
    transport.start(recorder);
    raw.write('in clear\r\n');
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
    expect(recorder.error).toMatchObject({ code: /SSL/ });
  });
});

it('a client that was gone before we looked came by TCP all the same', async () => {
  const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const accepted = once(listener, 'connection');
  // Another process connects and resets while this one is not looking.
  const source = `const s = require('node:net').connect(${String(port)}, '127.0.0.1', () => s.resetAndDestroy());`;
  execFileSync(process.execPath, ['-e', source], { timeout: 10_000 });
  const [socket] = (await accepted) as [Socket];
  const transport = openSocketTransport(socket, { lingerMs: 100 });
  expect(socket.remoteAddress).toBeUndefined();
  expect(transport.remote).toEqual({ address: '', port: 0, family: 'IPv4' });
  transport.start(new Recorder());
  transport.destroy();
  listener.close();
});

it('an IPv4 client of a listener for both families is an IPv4 client', async () => {
  const listener = createServer({ pauseOnConnect: true });
  listener.listen(0, '::');
  await once(listener, 'listening');
  const peer = connect((listener.address() as { port: number }).port, '127.0.0.1');
  const [socket] = (await once(listener, 'connection')) as [Socket];
  opened.push(peer, socket);
  listener.close();
  expect(socket.remoteAddress).toBe('::ffff:127.0.0.1');
  expect(openSocketTransport(socket, { lingerMs: 100 }).remote).toMatchObject({ address: '127.0.0.1', family: 'IPv4' });
});
