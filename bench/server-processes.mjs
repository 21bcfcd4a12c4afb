/**
 * The servers under test, each in a process of its own: how it is started, what it received, what it cost. How much is sent, and
 * when, is not decided here.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The names of all servers, in the order of a round; those that this machine does not have say so when they are opened. */
export const SERVER_NAMES = ['smtpd', 'smtp-server', 'smtp-sink', 'floor'];

export const SINK_PATH = ['/usr/sbin/smtp-sink', '/usr/lib/postfix/sbin/smtp-sink', '/usr/local/sbin/smtp-sink'].find(
  (path) => existsSync(path),
);

/** The proxies, in the order of a round, each in front of a floor of its own; and the floor without a proxy. */
export const PROXY_NAMES = ['smtpd-proxy', 'glue-proxy', 'haraka-proxy', 'aiosmtpd-proxy', 'floor-proxy', 'floor'];

/** `npm install --no-save Haraka` puts it there; or it is in the path. */
const HARAKA_PATH = [
  fileURLToPath(new URL('../node_modules/.bin', import.meta.url)),
  ...(process.env.PATH ?? '').split(delimiter),
]
  .map((folder) => join(folder, 'haraka'))
  .find((path) => existsSync(path));
/** Debian's, which has aiosmtpd where its package is installed. */
const PYTHON_PATH = '/usr/bin/python3';

/** Why a server cannot take part on this machine; `undefined`: it can. */
export function missing(name) {
  if (name === 'smtp-sink' && SINK_PATH === undefined) return 'Debian: postfix';
  if (name === 'haraka-proxy' && HARAKA_PATH === undefined) return 'npm install --no-save Haraka';
  if (name === 'aiosmtpd-proxy') {
    const { status } = spawnSync(PYTHON_PATH, ['-c', 'import aiosmtpd'], { stdio: 'ignore' });
    if (status !== 0) return 'Debian: python3-aiosmtpd';
  }
  return undefined;
}

/** Starts a server and waits until it listens. */
export function openServer(name) {
  if (name === 'smtp-sink') return SinkProcess.open();
  return name.endsWith('-proxy') ? ProxyProcess.open(name) : NodeProcess.open(name);
}

/** A server on this Node. It counts messages and octets itself and tells them by the channel of its process. */
class NodeProcess {
  port;
  #child;

  static async open(name) {
    const script = fileURLToPath(new URL(`servers/${name}.mjs`, import.meta.url));
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const server = new NodeProcess();
    server.#child = child;
    server.port = (await server.#nextReport()).port;
    return server;
  }

  /** What it received so far, and the CPU time of its process. */
  facts() {
    return this.#ask('facts');
  }

  collectGarbage() {
    return this.#ask('collect');
  }

  memory() {
    return memoryOf(this.#child.pid);
  }

  close() {
    return stop(this.#child);
  }

  #ask(question) {
    if (!this.#child.connected) throw new Error('The server is gone');
    const report = this.#nextReport();
    this.#child.send(question);
    return report;
  }

  async #nextReport() {
    const gone = new AbortController();
    const ended = once(this.#child, 'exit', { signal: gone.signal }).then(() => {
      throw new Error('The server ended by itself');
    });
    try {
      const [report] = await Promise.race([once(this.#child, 'message', { signal: gone.signal }), ended]);
      return report;
    } finally {
      gone.abort();
      ended.catch(() => undefined);
    }
  }
}

/**
 * Postfix's test sink. It keeps no counts that could be asked for without slowing it down; what it has read from its sockets is in
 * its I/O account, and that says whether all octets arrived.
 */
class SinkProcess {
  port;
  #child;

  static async open() {
    const port = await freePort();
    // As root it insists on a user to become. `ulimit`: unlike Node it does not raise its own limit of descriptors.
    const options = process.getuid() === 0 ? ['-u', 'nobody'] : [];
    const command = 'ulimit -n "$(ulimit -Hn)" && exec "$@"';
    const words = [SINK_PATH, '-4', ...options, '-m', '10200', `127.0.0.1:${port}`, '511'];
    const child = spawn('/bin/sh', ['-c', command, 'sh', ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
    const server = new SinkProcess();
    server.#child = child;
    server.port = port;
    await accepts(port, child);
    return server;
  }

  async facts() {
    const account = readFileSync(`/proc/${this.#child.pid}/io`, 'latin1');
    return {
      readOctets: Number(/^rchar: (\d+)/m.exec(account)?.[1]),
      cpuSeconds: cpuSecondsOf(this.#child.pid),
    };
  }

  /** It has no garbage. */
  async collectGarbage() {}

  memory() {
    return memoryOf(this.#child.pid);
  }

  close() {
    return stop(this.#child);
  }
}

/** A proxy, and the floor behind it, which counts what comes through. CPU time and memory are the proxy's. */
class ProxyProcess {
  port;
  #child;
  #sink;
  #folder;

  static async open(name) {
    const server = new ProxyProcess();
    server.#sink = await NodeProcess.open('floor');
    server.port = await freePort();
    server.#folder = mkdtempSync(join(tmpdir(), 'smtpd-bench-'));
    const [program, ...words] = proxyCommand(name, server.port, server.#sink.port, server.#folder);
    server.#child = spawn(program, words, { stdio: ['ignore', 'ignore', 'inherit'] });
    await accepts(server.port, server.#child);
    return server;
  }

  /** A proxy adds header fields, so messages are counted and octets are not. */
  async facts() {
    const { messages } = await this.#sink.facts();
    return { messages, cpuSeconds: cpuSecondsOf(this.#child.pid) };
  }

  memory() {
    return memoryOf(this.#child.pid);
  }

  async close() {
    await stop(this.#child);
    await this.#sink.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function proxyCommand(name, port, upstreamPort, folder) {
  if (name === 'haraka-proxy') return [process.execPath, HARAKA_PATH, '-c', harakaFolder(folder, port, upstreamPort)];
  const isPython = name === 'aiosmtpd-proxy';
  const script = fileURLToPath(new URL(`servers/${name}.${isPython ? 'py' : 'mjs'}`, import.meta.url));
  return [isPython ? PYTHON_PATH : process.execPath, script, String(port), String(upstreamPort)];
}

/** Haraka with `queue/smtp_proxy`, which opens the transaction behind it as the client's proceeds, and nothing else. */
function harakaFolder(folder, port, upstreamPort) {
  const files = {
    me: 'proxy.example',
    plugins: 'relay\nqueue/smtp_proxy',
    'smtp.ini': `listen=127.0.0.1:${port}\nnodes=0`,
    'smtp_proxy.ini': `host=127.0.0.1\nport=${upstreamPort}`,
    'relay.ini': '[relay]\nacl=true',
    relay_acl_allow: '127.0.0.1/32',
    databytes: '33554432',
    'log.ini': 'level=ERROR',
  };
  // As `haraka -i` begins a folder: without its own files it does not greet.
  cpSync(join(dirname(realpathSync(HARAKA_PATH)), '../config'), join(folder, 'config'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'config', name), `${text}\n`);
  return folder;
}

/** Resident memory now and at its highest, in KiB; nothing where there is no /proc, or the process is gone. */
export function memoryOf(pid) {
  if (!existsSync(`/proc/${pid}/status`)) return {};
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return {
    residentKiB: Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1]),
    peakKiB: Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]),
  };
}

/** User and system time from /proc/PID/stat, in steps of a clock tick. */
export function cpuSecondsOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the program's name in brackets, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

/** Ends a process that was started here. */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Waits until a process takes connections. */
async function accepts(port, child) {
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise((resolve) => {
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  await stop(child);
  throw new Error(`Nothing listens on port ${port}`);
}

/** USER_HZ: 100 on every Linux that Node runs on. */
export const CLOCK_TICKS_PER_SECOND = 100;
