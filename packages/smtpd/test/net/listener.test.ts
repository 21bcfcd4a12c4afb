/** Listen addresses of every kind, and a listener that goes on when an accept fails. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { DirectSocket } from '../../src/net/direct-socket.js';
import { openListener, type ListenAddress, type Listener } from '../../src/net/listener.js';
import { openSocketTransport } from '../../src/net/socket-transport.js';
import { SMTPServer } from '../../src/server/server.js';
import { requireCommand } from '../support/component.js';
import { RawClient } from '../support/raw-client.js';

const LONG_AGO = new Date('2020-01-01T00:00:00Z');
const toClose: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

/** Opens a listener whose connections hear one word and are closed. */
async function open(...addresses: readonly ListenAddress[]): Promise<Listener> {
  const listener = await openListener(addresses, {
    backlog: 16,
    onConnection: (socket) => {
      // Connections come paused; one that is not read does not see its client go.
      socket.resume();
      // Who only looks whether somebody listens does not stay to hear it.
      socket.on('error', () => undefined);
      socket.end('hello');
    },
    onError: () => undefined,
  });
  toClose.push(() => listener.close());
  return listener;
}

/** What is said to whoever connects. */
async function hear(where: { port: number; host: string } | { path: string }): Promise<string> {
  const socket = connect(where);
  let heard = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => (heard += text));
  await once(socket, 'close');
  return heard;
}

function ignore(): void {
  // What this test does not ask about.
}

async function listening(server: Server, where: { host: string; port: number } | { path: string }): Promise<Server> {
  server.listen(where);
  await once(server, 'listening');
  toClose.push(() => {
    server.close();
  });
  return server;
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'smtpd-'));
  toClose.push(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** What a process leaves that died while it listened: a socket's name with nobody behind it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const dead = createServer();
  dead.listen(`${path}.0`);
  await once(dead, 'listening');
  renameSync(`${path}.0`, path);
  await new Promise((resolve) => dead.close(resolve));
  // It is older than what comes in its place, though a file system may count time in steps.
  utimesSync(path, LONG_AGO, LONG_AGO);
  expect(existsSync(path)).toBe(true);
}

describe('TCP', () => {
  it('a connection comes as one socket, made for our buffer, and is one like any other until somebody takes what it reads', async () => {
    const accepted: Socket[] = [];
    const listener = await openListener([{ host: '127.0.0.1', port: 0 }], {
      backlog: 16,
      onConnection: (socket) => accepted.push(socket),
      onError: () => undefined,
    });
    toClose.push(() => listener.close());
    const client = connect({ port: listener.addresses[0]!.port, host: '127.0.0.1' });
    toClose.push(() => client.destroy());
    client.end('said before anybody listened');
    await vi.waitFor(() => {
      expect(accepted).toHaveLength(1);
    });
    const [socket] = accepted;
    expect(socket).toBeInstanceOf(DirectSocket);
    expect(openSocketTransport(socket!, { lingerMs: 1_000 }).socket).toBe(socket);
    let heard = '';
    for await (const bytes of socket!) heard += String(bytes);
    expect(heard).toBe('said before anybody listened');
    socket!.end();
  });

  it('connections read into the buffer that the listener was given, no more at once than that holds', async () => {
    const readBuffer = new Uint8Array(8);
    const lent: Uint8Array[] = [];
    const listener = await openListener([{ host: '127.0.0.1', port: 0 }], {
      backlog: 16,
      readBuffer,
      onConnection: (socket) => {
        const transport = openSocketTransport(socket, { lingerMs: 1_000 });
        toClose.push(() => {
          transport.destroy();
        });
        transport.start({ onBytes: (bytes) => lent.push(bytes), onEnd: ignore, onDrain: ignore, onClose: ignore });
      },
      onError: ignore,
    });
    toClose.push(() => listener.close());
    const client = connect({ host: '127.0.0.1', port: listener.addresses[0]!.port });
    toClose.push(() => client.destroy());
    client.write('NOOP and more\r\n');
    await vi.waitFor(() => {
      expect(lent.reduce((sum, { length }) => sum + length, 0)).toBe(15);
    });
    expect(lent.map(({ buffer, length }) => buffer === readBuffer.buffer && length <= 8)).toEqual(lent.map(() => true));
  });

  it('port 0 is a port that the system chose', async () => {
    const { addresses } = await open({ host: '127.0.0.1', port: 0 });
    expect(addresses).toEqual([{ address: '127.0.0.1', port: expect.any(Number) as number, family: 'IPv4' }]);
    const port = addresses[0]!.port;
    expect(port).toBeGreaterThan(0);
    expect(await hear({ host: '127.0.0.1', port })).toBe('hello');
  });

  it('localhost is 127.0.0.1 and ::1 with one port', async () => {
    const { addresses } = await open({ host: 'localhost', port: 0 });
    const port = addresses[0]!.port;
    expect(addresses).toEqual([
      { address: '127.0.0.1', port, family: 'IPv4' },
      { address: '::1', port, family: 'IPv6' },
    ]);
    expect(await hear({ host: '127.0.0.1', port })).toBe('hello');
    expect(await hear({ host: '::1', port })).toBe('hello');
  });

  it('localhost with a port that is taken on ::1 alone is refused, and 127.0.0.1 is let go', async () => {
    const taken = await listening(createServer(), { host: '::1', port: 0 });
    const { port } = taken.address() as { port: number };
    await expect(open({ host: 'localhost', port })).rejects.toMatchObject({ code: 'EADDRINUSE', address: '::1' });
    await listening(createServer(), { host: '127.0.0.1', port });
  });

  it('no host is every address of the machine', async () => {
    const { addresses } = await open({ port: 0 });
    const port = addresses[0]!.port;
    expect(await hear({ host: '127.0.0.1', port })).toBe('hello');
    expect(await hear({ host: '::1', port })).toBe('hello');
  });

  it('opens all addresses or none', async () => {
    const taken = await listening(createServer(), { host: '127.0.0.1', port: 0 });
    const { port } = taken.address() as { port: number };
    const path = join(newFolder(), 'first.sock');
    await expect(open({ path }, { host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(existsSync(path)).toBe(false);
  });

  it('a closed listener takes nobody, leaves its connections alone, and can be closed twice', async () => {
    const accepted: Socket[] = [];
    const listener = await openListener([{ host: '127.0.0.1', port: 0 }], {
      backlog: 16,
      onConnection: (socket) => accepted.push(socket),
      onError: () => undefined,
    });
    const port = listener.addresses[0]!.port;
    const client = connect(port, '127.0.0.1');
    await once(client, 'connect');
    while (accepted.length === 0) await new Promise((resolve) => setImmediate(resolve));
    // It is done when the connections are, which somebody else ends.
    const closed = listener.close();
    const refused = connect(port, '127.0.0.1');
    await expect(once(refused, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    accepted[0]!.write('still here');
    client.setEncoding('latin1');
    expect(await once(client, 'data')).toEqual(['still here']);
    client.destroy();
    accepted[0]!.destroy();
    await closed;
    await listener.close();
  });
});

// Node does not tell what a socket's options are; Python reads them from the descriptor that it is given.
describe('delay', () => {
  const python = requireCommand('python3');

  it('is what no connection has: what is written leaves at once', async () => {
    const accepted: Socket[] = [];
    const listener = await openListener([{ host: '127.0.0.1', port: 0 }], {
      backlog: 16,
      onConnection: (socket) => accepted.push(socket),
      onError: ignore,
    });
    toClose.push(() => listener.close());
    const client = connect({ host: '127.0.0.1', port: listener.addresses[0]!.port });
    toClose.push(() => client.destroy());
    await vi.waitFor(() => {
      expect(accepted).toHaveLength(1);
    });
    toClose.push(() => accepted[0]!.destroy());
    const { fd } = (accepted[0]! as unknown as { readonly _handle: { readonly fd: number } })._handle;
    const { stdout, stderr } = spawnSync(python, ['-c', READ_NO_DELAY], {
      stdio: ['ignore', 'pipe', 'pipe', fd],
      encoding: 'utf8',
    });
    expect({ stdout, stderr }).toEqual({ stdout: 'TCP_NODELAY 1\n', stderr: '' });
  });
});

describe('a Unix socket', () => {
  it('is listened on, and its name goes when the listener closes', async () => {
    const path = join(newFolder(), 'smtpd.sock');
    const listener = await open({ path });
    expect(listener.addresses).toEqual([{ address: path, port: 0, family: 'unix' }]);
    expect(await hear({ path })).toBe('hello');
    await listener.close();
    expect(existsSync(path)).toBe(false);
  });

  it('that a dead process left behind is replaced', async () => {
    const path = join(newFolder(), 'smtpd.sock');
    await leaveStaleSocket(path);
    await open({ path });
    expect(await hear({ path })).toBe('hello');
  });

  it('that a dead process left behind is replaced by one of those that begin at once, and by it alone', async () => {
    for (let round = 0; round < 20; round += 1) {
      const folder = newFolder();
      const path = join(folder, 'smtpd.sock');
      await leaveStaleSocket(path);
      const begun = await Promise.allSettled(Array.from({ length: 6 }, () => open({ path })));
      const refusals = begun.filter((one) => one.status === 'rejected').map((one) => one.reason as Error);
      expect(refusals).toHaveLength(5);
      for (const error of refusals) expect(error).toMatchObject({ code: 'EADDRINUSE' });
      expect(await hear({ path })).toBe('hello');
      expect(readdirSync(folder)).toEqual(['smtpd.sock']);
    }
  });

  it('on which somebody listens is not replaced', async () => {
    const path = join(newFolder(), 'smtpd.sock');
    await open({ path });
    await expect(open({ path })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(await hear({ path })).toBe('hello');
  });

  it('never takes the place of a file of another kind', async () => {
    const path = join(newFolder(), 'letters.txt');
    writeFileSync(path, 'precious');
    await expect(open({ path })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(readFileSync(path, 'utf8')).toBe('precious');
  });

  it.skipIf(process.getuid?.() === 0)('that we may not ask is left alone', async () => {
    const path = join(newFolder(), 'smtpd.sock');
    await leaveStaleSocket(path);
    chmodSync(path, 0);
    await expect(open({ path })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(existsSync(path)).toBe(true);
  });

  it('in a folder that is not there is an error', async () => {
    await expect(open({ path: join(newFolder(), 'nowhere', 'smtpd.sock') })).rejects.toThrow();
  });
});

describe('an inherited descriptor', () => {
  it('of a listening socket is taken over', async () => {
    const parent = createServer();
    parent.listen(0, '127.0.0.1');
    await once(parent, 'listening');
    const { port } = parent.address() as { port: number };
    const { fd } = (parent as unknown as { readonly _handle: { readonly fd: number } })._handle;
    const child = spawn(process.execPath, [INHERITING_SERVER], {
      stdio: ['pipe', 'pipe', 'inherit', fd],
      timeout: 15_000,
    });
    toClose.push(() => child.kill('SIGKILL'));
    const lines = createInterface(child.stdout!)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe(`listening 127.0.0.1 ${String(port)}`);
    // From here on only the child answers.
    await new Promise((resolve) => parent.close(resolve));
    const client = await RawClient.connect(port);
    expect((await client.reply()).code).toBe(220);
    client.destroy();
    child.stdin!.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('that is none is an error', async () => {
    class Inbox extends SMTPServer {
      override processMessage(): void {}
    }
    const server = new Inbox({ localAddress: 'fd:99999' });
    await expect(server.listen()).rejects.toMatchObject({ code: 'SMTPD_LISTEN_FAILED' });
    await server.close();
  });
});

// Windows has no `ulimit`, and no such limit.
describe.skipIf(process.platform === 'win32')('too many open files', () => {
  it('cost the clients that find no room, never the listener', async () => {
    const child = spawn('/bin/sh', ['-c', 'ulimit -n 128 && exec "$0" "$1"', process.execPath, FEW_DESCRIPTORS], {
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: 15_000,
    });
    toClose.push(() => child.kill('SIGKILL'));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const port = Number(/^port (\d+)$/.exec(String((await lines.next()).value))![1]);
    const sockets: Socket[] = [];
    // libuv keeps one descriptor back to accept such a client and close it; when that fails, too, the error reaches us.
    const fault = lines.next().then(({ value }) => String(value));
    const turnedAway = new Promise<string>((resolve) => {
      for (let count = 0; count < 200; count += 1) {
        const socket = connect(port, '127.0.0.1');
        let isGreeted = false;
        socket.on('error', () => undefined);
        socket.on('data', () => (isGreeted = true));
        socket.on('close', () => {
          if (!isGreeted) resolve('turned away');
        });
        sockets.push(socket);
      }
    });
    expect(await Promise.race([fault, turnedAway])).toMatch(/^(?:fault EMFILE|turned away)$/);
    for (const socket of sockets) socket.destroy();
    // The server sees them go one by one: a client that comes too early is turned away, and comes again.
    let greeting = '';
    while (greeting === '') {
      const socket = connect(port, '127.0.0.1');
      socket.setEncoding('latin1');
      socket.on('error', () => undefined);
      greeting = await new Promise<string>((resolve) => {
        socket.once('data', (text: string) => {
          resolve(text);
        });
        socket.once('close', () => {
          resolve('');
        });
      });
      socket.destroy();
    }
    expect(greeting).toMatch(/^220 /);
    child.stdin.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

const FEW_DESCRIPTORS = fileURLToPath(new URL('few-descriptors.mjs', import.meta.url));
const INHERITING_SERVER = fileURLToPath(new URL('inheriting-server.mjs', import.meta.url));
const READ_NO_DELAY = `
import socket
accepted = socket.socket(fileno=3)
value = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
print("TCP_NODELAY", 1 if value else 0)
`;
