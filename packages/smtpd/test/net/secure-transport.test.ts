/**
 * A connection on TLS, in both of its ways: over its handle alone, and over sockets, as on Bun and Deno and for whoever asked for the socket
 * before. What is said of one is said of the other.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import * as tls from 'node:tls';

import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { handleWays } from '../../src/net/bare-handle.js';
import { bareTLSOptions, secureWay, type SecureConnection } from '../../src/net/bare-tls.js';
import { openListener } from '../../src/net/listener.js';
import { makeSelfSigned } from '../../src/net/self-signed.js';
import type { TLSHandshake, Transport, TransportReceiver } from '../../src/net/transport.js';
import { Recorder } from './recorder.js';
import { readSlowly } from './slow-reader.js';

type Way = 'handle' | 'sockets';

const MIB = 1_048_576;
const opened: { destroy: () => unknown }[] = [];
let secureContext: tls.SecureContext;
let handshake: TLSHandshake;

beforeAll(() => {
  secureContext = tls.createSecureContext(makeSelfSigned({ names: ['localhost'], now: new Date() }));
  handshake = { optionsFor: () => ({ secureContext }) };
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const each of opened.splice(0)) each.destroy();
});

/** A connection in clear: a transport that has been started, and its peer. */
async function openPlain(
  receiver: TransportReceiver,
  lingerMs = 2_000,
): Promise<{ transport: Transport; raw: Socket }> {
  let take: (transport: Transport) => void;
  const accepted = new Promise<Transport>((resolve) => (take = resolve));
  const listener = await openListener([{ host: '127.0.0.1', port: 0 }], {
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
  const raw = connect({ port: listener.addresses[0]!.port, host: '127.0.0.1', allowHalfOpen: true });
  raw.on('error', () => undefined);
  const transport = await accepted;
  await listener.close();
  opened.push(raw, transport);
  transport.start(receiver);
  return { transport, raw };
}

/** The same on TLS: the peer is the client's socket. */
async function openSecure(
  way: Way,
  { receiver = new Recorder(), lingerMs }: { receiver?: TransportReceiver; lingerMs?: number } = {},
): Promise<{ transport: Transport; peer: tls.TLSSocket; raw: Socket }> {
  const { transport, raw } = await openPlain(receiver, lingerMs);
  // Whoever has asked for the socket has TLS over it.
  if (way === 'sockets') expect(transport.socket).toBeDefined();
  const secured = transport.startTLS!(handshake);
  const peer = shakeHands(raw);
  await Promise.all([secured, once(peer, 'secureConnect')]);
  return { transport, peer, raw };
}

function shakeHands(raw: Duplex, options: tls.ConnectionOptions = {}): tls.TLSSocket {
  const peer = tls.connect({ socket: raw, rejectUnauthorized: false, ...options });
  peer.on('error', () => undefined);
  opened.push(peer);
  return peer;
}

/** A connection that is put on TLS without a socket, and whose peer's octets come when it is said. */
async function openKeeping(receiver: TransportReceiver): Promise<{
  transport: Transport;
  secured: Promise<unknown>;
  raw: Socket;
  peer: tls.TLSSocket;
  /** From now on they are kept, … */
  keep: () => void;
  /** … until they are given: in the midst of whatever runs. */
  give: () => void;
  /** They come by themselves again. */
  goOn: () => void;
}> {
  const standIns = watchStandIns();
  const { transport, raw } = await openPlain(receiver);
  const secured = transport.startTLS!(handshake);
  let kept: Buffer[] | undefined;
  const far = new Duplex({
    read: () => undefined,
    write: (bytes: Buffer, _, done) => {
      if (kept === undefined) {
        raw.write(bytes, done);
      } else {
        kept.push(bytes);
        done();
      }
    },
  });
  raw.on('data', (bytes) => far.push(bytes));
  const keep = (): void => {
    kept = [];
  };
  const give = (): void => {
    const bytes = Buffer.concat(kept!);
    keep();
    (standIns().at(-1) as SecureConnection).handle.receive(bytes);
  };
  const goOn = (): void => {
    kept = undefined;
  };
  return { transport, secured, raw, peer: shakeHands(far), keep, give, goOn };
}

/** Who is put on TLS from now on, and never makes a socket. */
function watchStandIns(): () => unknown[] {
  const init = vi.spyOn(tls.TLSSocket.prototype as unknown as Record<string, () => void>, '_init');
  return () => init.mock.contexts.filter((context) => !Object.hasOwn(context as object, '_events'));
}

/** Sends records that are short enough to be read together. @returns what is in them, when the kernel has all of it */
async function sendRecords(peer: tls.TLSSocket): Promise<string> {
  const lines = Array.from({ length: 50 }, (_, index) => `line ${String(index)}\r\n`);
  for (const line of lines) await send(peer, line);
  return lines.join('');
}

/** Writes, and waits until that has left. */
function send(peer: tls.TLSSocket, text: string): Promise<unknown> {
  return new Promise((resolve) => peer.write(text, resolve));
}

/** Begins handshakes anew over TLS 1.2, up to so many. @returns how many were made before the connection was closed */
async function renegotiate(peer: tls.TLSSocket, countMax: number): Promise<number> {
  peer.resume();
  peer.once('end', () => peer.destroy());
  let count = 0;
  const again = (): Promise<Error | null> =>
    new Promise((resolve) => {
      peer.once('close', () => {
        resolve(new Error('closed'));
      });
      peer.renegotiate({ rejectUnauthorized: false }, resolve);
    });
  while (count < countMax && (await again()) === null) count += 1;
  return count;
}

/** Connections of this process, each end of one. */
function connectionCount(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const isBarePossible = handleWays() !== undefined;

it('TLS without a socket is what a Node that we know can do, unless somebody traces it or wants more of it', () => {
  const ways = handleWays();
  const isKnown = Number(process.versions.node.split('.')[0]) <= 26;
  if (isKnown) expect(secureWay(ways!, bareTLSOptions({ secureContext })!)).toBeDefined();
  expect(bareTLSOptions({ secureContext, requestCert: true })).toMatchObject({ isServer: true, requestCert: true });
  expect(bareTLSOptions({ secureContext, ALPNProtocols: ['smtp'] })).toBeUndefined();
  expect(bareTLSOptions({ secureContext, SNICallback: () => undefined })).toBeUndefined();
  expect(bareTLSOptions({})).toBeUndefined();
});

describe.each<{ name: string; way: Way }>([
  ...(isBarePossible ? [{ name: 'without a socket', way: 'handle' as const }] : []),
  { name: 'over sockets', way: 'sockets' },
])('a transport on TLS, $name', ({ way }) => {
  it('goes the way it says, and tells the same of TLS', async () => {
    const standIns = watchStandIns();
    const { transport, raw } = await openPlain(new Recorder());
    if (way === 'sockets') expect(transport.socket).toBeDefined();
    // The first one in the process is a trial.
    const before = standIns().length;
    const secured = transport.startTLS!(handshake);
    const peer = shakeHands(raw, { servername: 'localhost' });
    const [facts] = await Promise.all([secured, once(peer, 'secureConnect')]);
    expect(standIns().length - before).toBe(way === 'handle' ? 1 : 0);
    expect(facts).toMatchObject({
      version: 'TLSv1.3',
      cipher: peer.getCipher().standardName,
      serverName: 'localhost',
      alpn: undefined,
      peerCertificate: undefined,
    });
    const binding = peer.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
    expect(Buffer.from(facts.channelBinding!).equals(binding)).toBe(true);
    expect(transport.remote).toEqual({ address: '127.0.0.1', port: raw.localPort, family: 'IPv4' });
    expect(transport.local).toEqual({ address: '127.0.0.1', port: raw.remotePort, family: 'IPv4' });
  });

  it('speaks TLS 1.2, too, and counts on whoever begins a handshake anew', async () => {
    const recorder = new Recorder();
    const { transport, raw } = await openPlain(recorder);
    if (way === 'sockets') expect(transport.socket).toBeDefined();
    const secured = transport.startTLS!(handshake);
    const peer = shakeHands(raw, { maxVersion: 'TLSv1.2' });
    const [facts] = await Promise.all([secured, once(peer, 'secureConnect')]);
    expect(facts).toMatchObject({ version: 'TLSv1.2', channelBinding: undefined });
    expect(await renegotiate(peer, 10)).toBe(tls.CLIENT_RENEG_LIMIT);
    await vi.waitFor(() => {
      expect(recorder.told).toContain('close');
    });
    expect(recorder.error).toMatchObject({ code: 'ERR_TLS_SESSION_ATTACK' });
  });

  it('reads a handshake on from what was read already', async () => {
    const recorder = new Recorder();
    const { transport, raw } = await openPlain(recorder);
    if (way === 'sockets') expect(transport.socket).toBeDefined();
    const peer = shakeHands(raw);
    await vi.waitFor(() => {
      expect(recorder.pieces.length).toBeGreaterThan(0);
    });
    await transport.startTLS!(handshake, Buffer.concat(recorder.pieces.splice(0)));
    peer.write('EHLO client.example\r\n');
    await vi.waitFor(() => {
      expect(recorder.text).toBe('EHLO client.example\r\n');
    });
  });

  it('reads ahead to the name, however it comes, and has its certificate shown', async () => {
    const recorder = new Recorder();
    const { transport, raw } = await openPlain(recorder);
    if (way === 'sockets') expect(transport.socket).toBeDefined();
    const looked: number[] = [];
    const secured = transport.startTLS!({
      optionsFor: (serverName) => {
        expect(serverName).toBe('two.example');
        return { secureContext };
      },
      readServerName: (bytes) => {
        looked.push(bytes.length);
        return bytes.length > 10 ? { kind: 'clientHello', serverName: 'two.example' } : { kind: 'needMore' };
      },
    });
    // The client's first ten octets come alone.
    const far = new Duplex({
      read: () => undefined,
      write: (bytes: Buffer, _, done) => {
        if (looked.length > 1) {
          raw.write(bytes, done);
          return;
        }
        raw.write(bytes.subarray(0, 10));
        void vi
          .waitFor(() => {
            expect(looked).toEqual([0, 10]);
          })
          .then(() => raw.write(bytes.subarray(10), done));
      },
    });
    raw.on('data', (bytes) => far.push(bytes));
    const peer = shakeHands(far, { servername: 'two.example' });
    expect(await secured).toMatchObject({ serverName: 'two.example' });
    peer.write('NOOP\r\n');
    await vi.waitFor(() => {
      expect(recorder.text).toBe('NOOP\r\n');
    });
  });

  it('hands over what comes with the end of the handshake, behind what is done when that is known', async () => {
    const order: string[] = [];
    const recorder = new Recorder();
    const { transport, raw } = await openPlain({
      onBytes: (bytes) => {
        order.push(Buffer.from(bytes).toString('latin1'));
      },
      onEnd: () => {
        recorder.onEnd();
      },
      onDrain: () => undefined,
      onClose: () => undefined,
    });
    if (way === 'sockets') expect(transport.socket).toBeDefined();
    const secured = transport.startTLS!(handshake).then(() => order.push('secured'));
    raw.setNoDelay(false);
    const peer = shakeHands(raw);
    peer.once('secureConnect', () => {
      peer.end('EHLO client.example\r\n');
    });
    peer.resume();
    await secured;
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end']);
    });
    expect(order).toEqual(['secured', 'EHLO client.example\r\n']);
  });

  it('sends what is written in one turn, in its order', async () => {
    const { transport, peer } = await openSecure(way);
    let received = '';
    peer.setEncoding('latin1');
    peer.on('data', (text: string) => (received += text));
    const lines = Array.from({ length: 100 }, (_, index) => `250-line ${String(index)}\r\n`);
    for (const line of lines) transport.write(Buffer.from(line));
    transport.write(new Uint8Array(0));
    transport.write(Buffer.from('250 end\r\n'));
    expect(transport.unsentBytes).toBeGreaterThan(0);
    await vi.waitFor(() => {
      expect(received).toBe(`${lines.join('')}250 end\r\n`);
    });
    await vi.waitFor(() => {
      expect(transport.unsentBytes).toBe(0);
    });
  });

  it('says when to stop writing, counts what is unsent, and says when to go on', async () => {
    const recorder = new Recorder();
    const { transport, peer } = await openSecure(way, { receiver: recorder });
    peer.pause();
    let total = 0;
    while (transport.unsentBytes < 4 * MIB) {
      expect(total).toBeLessThan(256 * MIB);
      transport.write(Buffer.alloc(MIB, total % 251));
      total += MIB;
      await turn();
    }
    expect(transport.write(Buffer.from('z'))).toBe(false);
    // Those of the writes that the kernel did take.
    recorder.told.length = 0;
    const received: Buffer[] = [];
    peer.on('data', (bytes: Buffer) => received.push(bytes));
    peer.resume();
    await vi.waitFor(
      () => {
        expect(recorder.told).toEqual(['drain']);
        expect(received.reduce((sum, { length }) => sum + length, 0)).toBe(total + 1);
      },
      { timeout: 15_000 },
    );
    expect(transport.unsentBytes).toBe(0);
    const all = Buffer.concat(received);
    expect(all.toString('latin1', total)).toBe('z');
    for (let at = 0; at < total; at += MIB) expect(all[at]).toBe(at % 251);
  });

  it('stops reading while it is paused, so that the peer has to wait, and loses nothing', async () => {
    let count = 0;
    const recorder = new Recorder();
    const { transport, peer } = await openSecure(way, {
      receiver: {
        onBytes: (bytes) => {
          count += bytes.length;
          transport.pause();
        },
        onEnd: () => {
          recorder.onEnd();
        },
        onDrain: () => undefined,
        onClose: () => undefined,
      },
    });
    const total = 24 * MIB;
    for (let sent = 0; sent < total; sent += MIB) peer.write(Buffer.alloc(MIB));
    peer.end();
    await vi.waitFor(() => {
      expect(count).toBeGreaterThan(0);
    });
    for (let round = 0; round < 200; round += 1) await turn();
    // One piece was taken. What the kernels have is not all of it.
    expect(count).toBeLessThanOrEqual(65_536);
    expect(peer.writableLength).toBeGreaterThan(0);
    while (recorder.told.length === 0) {
      transport.resume();
      await turn();
    }
    expect(count).toBe(total);
    expect(recorder.told).toEqual(['end']);
  });

  it('holds what was deciphered in one read while it is paused, and calls nobody from within resume()', async () => {
    const recorder = new Recorder();
    const { transport, peer } = await openSecure(way, { receiver: recorder });
    transport.pause();
    const text = await sendRecords(peer);
    peer.end();
    expect(recorder.pieces).toEqual([]);
    let isResuming = false;
    const resume = (): void => {
      isResuming = true;
      transport.resume();
      isResuming = false;
    };
    vi.spyOn(recorder, 'onBytes').mockImplementation((bytes) => {
      expect(isResuming).toBe(false);
      recorder.pieces.push(Buffer.from(bytes));
      transport.pause();
      setImmediate(resume);
    });
    resume();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end']);
    });
    expect(recorder.text).toBe(text);
  });

  it('ends TLS in order behind what was written, drops what comes then, and closes when the peer does', async () => {
    const recorder = new Recorder();
    const { transport, peer } = await openSecure(way, { receiver: recorder });
    const errors: Error[] = [];
    peer.on('error', (error: Error) => errors.push(error));
    let received = '';
    peer.setEncoding('latin1');
    peer.on('data', (text: string) => (received += text));
    const sawEnd = once(peer, 'end');
    transport.write(Buffer.from('221 '));
    transport.write(Buffer.from('bye\r\n'));
    transport.end();
    transport.end();
    expect(transport.write(Buffer.from('never'))).toBe(true);
    peer.write('too late');
    await sawEnd;
    expect(received).toBe('221 bye\r\n');
    expect(recorder.told).toEqual([]);
    peer.end();
    await vi.waitFor(() => {
      expect(recorder.told.at(-1)).toBe('close');
    });
    expect(recorder.pieces).toEqual([]);
    expect(recorder.error).toBeUndefined();
    expect(errors).toEqual([]);
  });

  it('writes nothing for no octets, and has room for some', async () => {
    const { transport, peer } = await openSecure(way);
    peer.setEncoding('latin1');
    expect(transport.write(new Uint8Array(0))).toBe(true);
    expect(transport.write(Buffer.from('250 OK\r\n'))).toBe(true);
    expect(await once(peer, 'data')).toEqual(['250 OK\r\n']);
  });

  it.each([
    ['before', 0],
    ['in the midst of', 1],
  ])('that is paused %s the handshake goes on with that, and reads nothing behind it', async (_, turns) => {
    const recorder = new Recorder();
    const { transport, raw } = await openPlain(recorder);
    if (way === 'sockets') expect(transport.socket).toBeDefined();
    const secured = transport.startTLS!(handshake);
    for (let round = 0; round < turns; round += 1) await turn();
    transport.pause();
    const peer = shakeHands(raw);
    await Promise.all([secured, once(peer, 'secureConnect')]);
    const total = 24 * MIB;
    for (let sent = 0; sent < total; sent += MIB) peer.write(Buffer.alloc(MIB));
    // The kernels take what they can, and no more.
    let before: number;
    do {
      before = peer.writableLength;
      for (let round = 0; round < 200; round += 1) await turn();
    } while (peer.writableLength < before);
    expect(peer.writableLength).toBeGreaterThan(0);
    expect(recorder.pieces).toEqual([]);
    transport.resume();
    await vi.waitFor(
      () => {
        expect(recorder.pieces.reduce((sum, { length }) => sum + length, 0)).toBe(total);
      },
      { timeout: 15_000 },
    );
  });

  it('whose peer ends while something is left writes that, and lets go of the connection', async () => {
    await vi.waitFor(() => {
      expect(connectionCount()).toBe(0);
    });
    const recorder = new Recorder();
    const { transport, peer } = await openSecure(way, { receiver: recorder, lingerMs: 60_000 });
    peer.pause();
    transport.write(Buffer.alloc(16 * MIB));
    transport.end();
    peer.end();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end']);
    });
    let received = 0;
    peer.on('data', (bytes: Buffer) => (received += bytes.length)).resume();
    await once(peer, 'close');
    expect(received).toBe(16 * MIB);
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end', 'close']);
      expect(connectionCount()).toBe(0);
    });
  });

  it('whose peer has ended writes what is left, and closes without waiting', async () => {
    const recorder = new Recorder();
    const { transport, peer } = await openSecure(way, { receiver: recorder, lingerMs: 60_000 });
    peer.end('QUIT\r\n');
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end']);
    });
    transport.write(Buffer.alloc(4 * MIB));
    transport.end();
    let received = 0;
    peer.on('data', (bytes: Buffer) => (received += bytes.length));
    await once(peer, 'end');
    expect(received).toBe(4 * MIB);
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end', 'close']);
    });
  });

  it('reads on after end() though it was paused, so that the last reply is not lost to a reset', async () => {
    const { transport, peer } = await openSecure(way);
    transport.pause();
    const errors: Error[] = [];
    peer.on('error', (error: Error) => errors.push(error));
    peer.write(Buffer.alloc(8 * MIB));
    let received = '';
    peer.setEncoding('latin1');
    peer.on('data', (text: string) => (received += text));
    for (let round = 0; round < 20; round += 1) await turn();
    transport.write(Buffer.from('421 enough\r\n'));
    transport.end();
    await once(peer, 'end');
    await new Promise<void>((resolve) => peer.end(resolve));
    expect(received).toBe('421 enough\r\n');
    expect(errors).toEqual([]);
  });

  it('cuts a peer that does not close its side, and one that does not read', async () => {
    const [first, second] = [new Recorder(), new Recorder()];
    const quiet = await openSecure(way, { receiver: first, lingerMs: 60 });
    const deaf = await openSecure(way, { receiver: second, lingerMs: 60 });
    quiet.peer.resume();
    deaf.peer.pause();
    deaf.transport.write(Buffer.alloc(64 * MIB));
    quiet.transport.end();
    deaf.transport.end();
    await vi.waitFor(() => {
      expect([first.told, second.told]).toEqual([['close'], ['close']]);
    });
    expect(first.error).toBeUndefined();
  });

  it('ends at once when nothing is being written, and lets go of the connection', async () => {
    await vi.waitFor(() => {
      expect(connectionCount()).toBe(0);
    });
    const recorder = new Recorder();
    const { transport, peer } = await openSecure(way, { receiver: recorder, lingerMs: 60_000 });
    peer.resume();
    transport.end();
    await once(peer, 'end');
    peer.end();
    await vi.waitFor(() => {
      expect(recorder.told.at(-1)).toBe('close');
      expect(connectionCount()).toBe(0);
    });
  });

  it('gives a peer that reads slowly the time to read to the end, whatever was written at once', async () => {
    const { transport, peer } = await openSecure(way, { lingerMs: 600 });
    const { written, received, tookMs } = await readSlowly(transport, peer, { restMs: 60 });
    expect(received).toBe(written);
    // Longer than two lingers.
    expect(tookMs).toBeGreaterThan(1_200);
  });

  it('tells of a write that has failed while it reads nothing', async () => {
    const recorder = new Recorder();
    const { transport, raw } = await openSecure(way, { receiver: recorder });
    transport.pause();
    transport.write(Buffer.alloc(16 * MIB));
    raw.resetAndDestroy();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
    expect(recorder.error).toMatchObject({ code: expect.stringMatching(/^(EPIPE|ECONNRESET)$/) as string });
  });

  it('tells a reset as an error, once, last', async () => {
    const recorder = new Recorder();
    const { transport, peer, raw } = await openSecure(way, { receiver: recorder });
    peer.write('x');
    await vi.waitFor(() => {
      expect(recorder.text).toBe('x');
    });
    raw.resetAndDestroy();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
    expect(recorder.error).toMatchObject({ code: 'ECONNRESET' });
    expect(transport.write(Buffer.from('x'))).toBe(true);
    transport.pause();
    transport.resume();
    transport.end();
    transport.destroy();
    await turn();
    expect(recorder.told).toEqual(['close']);
  });

  it('is closed at once by what is no TLS, with what OpenSSL says of it', async () => {
    const recorder = new Recorder();
    const { raw } = await openSecure(way, { receiver: recorder });
    raw.write('no record of TLS, which would begin with another octet');
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
    expect((recorder.error as NodeJS.ErrnoException).code).toMatch(/^ERR_SSL_/);
  });

  it('that is destroyed hands nothing over any more', async () => {
    const recorder = new Recorder();
    const { transport, peer } = await openSecure(way, { receiver: recorder });
    transport.write(Buffer.from('never heard of again'));
    peer.write('unread');
    transport.destroy();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
    expect(recorder.pieces).toEqual([]);
    expect(recorder.error).toBeUndefined();
  });

  describe('a handshake', () => {
    it.each([
      ['is none', (raw: Socket): unknown => raw.write('EHLO client.example\r\n'), /SSL|wrong version/i],
      ['ends in the middle', (raw: Socket): unknown => raw.end(Buffer.of(22, 3, 1)), /closed|hang up|ECONNRESET/],
      ['is reset', (raw: Socket): unknown => raw.resetAndDestroy(), /closed|ECONNRESET/],
    ])('that %s fails, and the connection is gone', async (_, spoil, reason) => {
      const recorder = new Recorder();
      const { transport, raw } = await openPlain(recorder);
      if (way === 'sockets') expect(transport.socket).toBeDefined();
      const secured = transport.startTLS!(handshake);
      secured.catch(() => undefined);
      spoil(raw);
      await expect(secured).rejects.toThrow(reason);
      transport.destroy();
      await vi.waitFor(() => {
        expect(recorder.told.at(-1)).toBe('close');
      });
    });

    it('that is cut from our side fails', async () => {
      const recorder = new Recorder();
      const { transport } = await openPlain(recorder);
      if (way === 'sockets') expect(transport.socket).toBeDefined();
      const secured = transport.startTLS!(handshake);
      secured.catch(() => undefined);
      await turn();
      transport.destroy();
      await expect(secured).rejects.toThrow('closed during the TLS handshake');
      await vi.waitFor(() => {
        expect(recorder.told).toEqual(['close']);
      });
    });

    it('whose name does not come fails when the client leaves', async () => {
      const recorder = new Recorder();
      const { transport, raw } = await openPlain(recorder);
      if (way === 'sockets') expect(transport.socket).toBeDefined();
      const secured = transport.startTLS!({ ...handshake, readServerName: () => ({ kind: 'needMore' }) });
      secured.catch(() => undefined);
      raw.end(Buffer.of(22, 3, 1));
      await expect(secured).rejects.toThrow('closed before the TLS handshake');
      expect(recorder.pieces).toEqual([]);
    });
  });
});

// Node calls us with nothing of ours on the stack, and runs what waits for the next turn behind each call. It has nowhere promised that.
describe.skipIf(!isBarePossible)('a transport on TLS that is called in the midst of something', () => {
  it('holds what comes with the end of the handshake until whoever waits for that has heard of it', async () => {
    const order: string[] = [];
    const recorder = new Recorder();
    vi.spyOn(recorder, 'onBytes').mockImplementation((bytes) => order.push(Buffer.from(bytes).toString('latin1')));
    vi.spyOn(recorder, 'onEnd').mockImplementation(() => order.push('end'));
    const { secured, raw, peer, keep, give } = await openKeeping(recorder);
    raw.prependOnceListener('data', keep);
    await once(peer, 'secureConnect');
    await new Promise<void>((resolve) => peer.end('EHLO client.example\r\n', resolve));
    give();
    expect(order).toEqual([]);
    await secured.then(() => order.push('secured'));
    await vi.waitFor(() => {
      expect(order).toEqual(['secured', 'EHLO client.example\r\n', 'end']);
    });
  });

  it('lets nothing overtake what waits for the next turn, and then reads on', async () => {
    const recorder = new Recorder();
    const { transport, secured, peer, keep, give, goOn } = await openKeeping(recorder);
    await Promise.all([secured, once(peer, 'secureConnect')]);
    keep();
    transport.pause();
    await send(peer, 'first, ');
    give();
    await send(peer, 'second, ');
    transport.resume();
    give();
    expect(recorder.text).toBe('');
    await turn();
    expect(recorder.text).toBe('first, second, ');
    goOn();
    peer.write('third');
    await vi.waitFor(() => {
      expect(recorder.text).toBe('first, second, third');
    });
    expect(recorder.told).toEqual([]);
  });

  it('tells the end behind what waits, once', async () => {
    const recorder = new Recorder();
    const { transport, secured, peer, keep, give } = await openKeeping(recorder);
    await Promise.all([secured, once(peer, 'secureConnect')]);
    keep();
    transport.pause();
    await new Promise<void>((resolve) => peer.end('QUIT\r\n', resolve));
    give();
    await turn();
    expect([recorder.text, recorder.told]).toEqual(['', []]);
    transport.resume();
    await turn();
    expect([recorder.text, recorder.told]).toEqual(['QUIT\r\n', ['end']]);
    transport.pause();
    transport.resume();
    await turn();
    expect(recorder.told).toEqual(['end']);
  });

  it('hands over no more of what waits when it is destroyed', async () => {
    const recorder = new Recorder();
    const { transport, secured, peer, keep, give } = await openKeeping(recorder);
    await Promise.all([secured, once(peer, 'secureConnect')]);
    keep();
    transport.pause();
    await send(peer, 'first, ');
    await send(peer, 'second');
    give();
    vi.spyOn(recorder, 'onBytes').mockImplementation((bytes) => {
      recorder.pieces.push(Buffer.from(bytes));
      transport.destroy();
    });
    transport.resume();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
    expect(recorder.text).toBe('first, ');
  });
});

describe.skipIf(!isBarePossible)('the socket of a connection on TLS that had none', () => {
  it('is one of TLS, and goes on as if it had always been there', async () => {
    const recorder = new Recorder();
    const { transport, peer, raw } = await openSecure('handle', { receiver: recorder });
    peer.write('before ');
    await vi.waitFor(() => {
      expect(recorder.text).toBe('before ');
    });
    const socket = transport.socket as tls.TLSSocket;
    expect(socket).toBeInstanceOf(tls.TLSSocket);
    expect(transport.socket).toBe(socket);
    expect(socket.encrypted).toBe(true);
    expect(socket.remotePort).toBe(raw.localPort);
    expect(socket.getProtocol()).toBe('TLSv1.3');
    expect(socket.getCipher()).toEqual(peer.getCipher());
    expect(socket.exportKeyingMaterial(8, 'label', Buffer.alloc(0))).toEqual(
      peer.exportKeyingMaterial(8, 'label', Buffer.alloc(0)),
    );
    peer.end('after');
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end']);
    });
    expect(recorder.text).toBe('before after');
    peer.setEncoding('latin1');
    transport.write(Buffer.from('221 '));
    transport.write(Buffer.from('bye\r\n'));
    transport.end();
    let received = '';
    for await (const text of peer as AsyncIterable<string>) received += text;
    expect(received).toBe('221 bye\r\n');
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end', 'close']);
    });
    expect(recorder.error).toBeUndefined();
  });

  it('counts on whoever begins a handshake anew', async () => {
    const { transport, raw } = await openPlain(new Recorder());
    const secured = transport.startTLS!(handshake);
    const peer = shakeHands(raw, { maxVersion: 'TLSv1.2' });
    await Promise.all([secured, once(peer, 'secureConnect')]);
    expect(await renegotiate(peer, 1)).toBe(1);
    expect(transport.socket).toBeInstanceOf(tls.TLSSocket);
    expect(await renegotiate(peer, 10)).toBe(tls.CLIENT_RENEG_LIMIT - 1);
  });

  it('has what was deciphered and what was not yet written, in its order', async () => {
    const recorder = new Recorder();
    const { transport, peer } = await openSecure('handle', { receiver: recorder });
    transport.pause();
    const text = await sendRecords(peer);
    const onBytes = vi.spyOn(recorder, 'onBytes').mockImplementation((bytes) => {
      recorder.pieces.push(Buffer.from(bytes));
      transport.pause();
    });
    // One record each: the others of a read wait.
    for (let count = 1; count <= 5; count += 1) {
      transport.resume();
      await vi.waitFor(() => {
        expect(recorder.pieces).toHaveLength(count);
      });
    }
    onBytes.mockRestore();
    peer.pause();
    let total = 0;
    while (transport.unsentBytes < 2 * MIB) {
      transport.write(Buffer.alloc(MIB, total / MIB));
      total += MIB;
    }
    const socket = transport.socket as tls.TLSSocket;
    expect(transport.unsentBytes).toBeGreaterThan(MIB);
    transport.write(Buffer.from('z'));
    transport.resume();
    await vi.waitFor(() => {
      expect(recorder.text).toBe(text);
    });
    const received: Buffer[] = [];
    peer.on('data', (bytes: Buffer) => received.push(bytes));
    peer.resume();
    await vi.waitFor(
      () => {
        expect(received.reduce((sum, { length }) => sum + length, 0)).toBe(total + 1);
      },
      { timeout: 15_000 },
    );
    const all = Buffer.concat(received);
    for (let at = 0; at < total; at += MIB) expect(all[at]).toBe(at / MIB);
    expect(all.toString('latin1', total)).toBe('z');
    expect(socket.writableLength).toBe(0);
  });

  it('that is asked for in the middle of the handshake finishes it', async () => {
    const recorder = new Recorder();
    const { transport, raw } = await openPlain(recorder);
    const secured = transport.startTLS!(handshake);
    await turn();
    const socket = transport.socket as tls.TLSSocket;
    expect(socket).toBeInstanceOf(tls.TLSSocket);
    const peer = shakeHands(raw);
    expect(await secured).toMatchObject({ version: 'TLSv1.3' });
    peer.write('NOOP\r\n');
    await vi.waitFor(() => {
      expect(recorder.text).toBe('NOOP\r\n');
    });
    peer.setEncoding('latin1');
    transport.write(Buffer.from('250 OK\r\n'));
    expect(await once(peer, 'data')).toEqual(['250 OK\r\n']);
  });

  it('that is asked for in the middle of a handshake that fails tells why', async () => {
    const recorder = new Recorder();
    const { transport, raw } = await openPlain(recorder);
    const secured = transport.startTLS!(handshake);
    secured.catch(() => undefined);
    await turn();
    expect(transport.socket).toBeInstanceOf(tls.TLSSocket);
    raw.write('EHLO client.example\r\n');
    await expect(secured).rejects.toThrow(/SSL|wrong version/i);
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
  });

  it('that is asked for while the name is read ahead reads it on', async () => {
    const recorder = new Recorder();
    const { transport, raw } = await openPlain(recorder);
    const secured = transport.startTLS!({
      optionsFor: () => ({ secureContext }),
      readServerName: (bytes) =>
        bytes.length === 0 ? { kind: 'needMore' } : { kind: 'clientHello', serverName: undefined },
    });
    await turn();
    expect(transport.socket).toBeDefined();
    const peer = shakeHands(raw);
    await secured;
    peer.write('NOOP\r\n');
    await vi.waitFor(() => {
      expect(recorder.text).toBe('NOOP\r\n');
    });
  });

  it('is paused when the connection is', async () => {
    const recorder = new Recorder();
    const { transport, peer } = await openSecure('handle', { receiver: recorder });
    transport.pause();
    const socket = transport.socket as tls.TLSSocket;
    expect(socket.isPaused()).toBe(true);
    await send(peer, 'late');
    for (let round = 0; round < 20; round += 1) await turn();
    expect(recorder.text).toBe('');
    transport.resume();
    await vi.waitFor(() => {
      expect(recorder.text).toBe('late');
    });
    transport.pause();
    expect(socket.isPaused()).toBe(true);
  });

  it('knows that the peer has ended, behind what waits', async () => {
    const recorder = new Recorder();
    const { transport, secured, peer, keep, give } = await openKeeping(recorder);
    await Promise.all([secured, once(peer, 'secureConnect')]);
    keep();
    transport.pause();
    await new Promise<void>((resolve) => peer.end('QUIT\r\n', resolve));
    give();
    const socket = transport.socket as tls.TLSSocket;
    expect([socket.readableLength, recorder.text, recorder.told]).toEqual([6, '', []]);
    transport.resume();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end']);
    });
    expect([socket.readableEnded, recorder.text]).toEqual([true, 'QUIT\r\n']);
  });

  it('knows that the peer has ended, which nobody is told again', async () => {
    const recorder = new Recorder();
    const { transport, peer } = await openSecure('handle', { receiver: recorder });
    peer.end();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['end']);
    });
    const socket = transport.socket as tls.TLSSocket;
    await once(socket, 'end');
    expect(recorder.told).toEqual(['end']);
  });

  it('ends where the connection was to end', async () => {
    const recorder = new Recorder();
    const { transport, peer, raw } = await openSecure('handle', { receiver: recorder });
    peer.pause();
    transport.write(Buffer.alloc(16 * MIB));
    transport.write(Buffer.from('221 '));
    transport.end();
    const socket = transport.socket as tls.TLSSocket;
    expect(socket.writableEnded).toBe(true);
    let received = 0;
    for await (const bytes of peer as AsyncIterable<Buffer>) received += bytes.length;
    raw.destroy();
    expect(received).toBe(16 * MIB + 4);
    await vi.waitFor(() => {
      expect(recorder.told.at(-1)).toBe('close');
    });
  });

  it('is over when the connection is', async () => {
    const recorder = new Recorder();
    const { transport, raw } = await openSecure('handle', { receiver: recorder });
    const port = raw.localPort;
    transport.destroy();
    const socket = transport.socket as tls.TLSSocket;
    expect(socket).toBeInstanceOf(tls.TLSSocket);
    expect([socket.destroyed, socket.remotePort, socket.remoteAddress]).toEqual([true, port, '127.0.0.1']);
    expect(socket.getProtocol()).toBeNull();
    await vi.waitFor(() => {
      expect(recorder.told).toEqual(['close']);
    });
  });
});
