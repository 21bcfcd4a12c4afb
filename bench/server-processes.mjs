/**
 * The servers under test, each in a process of its own: how it is started, what it received, what it cost. How much is sent, and
 * when, is not decided here.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

/** The names of all servers, in the order of a round; those that this machine does not have say so when they are opened. */
export const SERVER_NAMES = ['smtpd', 'smtp-server', 'smtp-sink', 'floor'];

export const SINK_PATH = ['/usr/sbin/smtp-sink', '/usr/lib/postfix/sbin/smtp-sink', '/usr/local/sbin/smtp-sink'].find(
  (path) => existsSync(path),
);

/** Starts a server and waits until it listens. */
export function openServer(name) {
  return name === 'smtp-sink' ? SinkProcess.open() : NodeProcess.open(name);
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

/** Resident memory now and at its highest, in KiB; nothing where there is no /proc, or the process is gone. */
function memoryOf(pid) {
  if (!existsSync(`/proc/${pid}/status`)) return {};
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return {
    residentKiB: Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1]),
    peakKiB: Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]),
  };
}

/** User and system time from /proc/PID/stat, in steps of a clock tick. */
function cpuSecondsOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the program's name in brackets, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

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
