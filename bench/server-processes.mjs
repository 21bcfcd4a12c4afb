/**
 * The servers under test, each in a process of its own: how it is started, what it received, what it cost. Who they are is told in
 * `peers.mjs`; how much is sent, and when, is not decided here.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { writeHarakaProxy, writeHarakaServer } from './haraka.mjs';
import { harakaPath, PYTHON_PATH, SINK_PATH } from './peers.mjs';
import { accepts, bound, cpuSecondsOf, freePort, memoryOf, stop } from './processes.mjs';

/**
 * Starts a server and waits until it listens.
 *
 * @param settings what is asked of it over what it does by itself: see `servers/report.mjs`
 */
export function openServer(name, settings = {}) {
  if (name === 'smtp-sink') return SinkProcess.open(settings);
  if (name === 'haraka') return HarakaProcess.open(settings);
  return name.endsWith('-proxy') ? ProxyProcess.open(name) : ReportingProcess.open(name, settings);
}

/** A server that counts messages and octets itself and tells them by the channel of its process: those on Node, and aiosmtpd. */
class ReportingProcess {
  port;
  #child;

  static async open(name, settings = {}) {
    const [program, script] =
      name === 'aiosmtpd' ? [PYTHON_PATH, 'aiosmtpd-server.py'] : [process.execPath, `${name}.mjs`];
    const server = new ReportingProcess(program, [scriptPath(script), JSON.stringify(settings)]);
    try {
      server.port = (await server.nextReport()).port;
      return server;
    } catch (error) {
      await server.close();
      throw new Error(`${name}: ${error.message}`, { cause: error });
    }
  }

  constructor(program, words) {
    this.#child = spawn(program, words, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  }

  get child() {
    return this.#child;
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
    const report = this.nextReport();
    this.#child.send(question);
    return report;
  }

  async nextReport() {
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

/** Haraka, whose settings are files in a folder. */
class HarakaProcess extends ReportingProcess {
  #folder;

  static async open(settings) {
    const folder = mkdtempSync(join(tmpdir(), 'smtpd-bench-'));
    const port = await freePort();
    writeHarakaServer(folder, { port, settings });
    const server = new HarakaProcess(process.execPath, ['--expose-gc', harakaPath(), '-c', folder]);
    server.#folder = folder;
    server.port = port;
    try {
      await accepts(port, server.child);
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  async close() {
    await super.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/**
 * Postfix's test sink. It keeps no counts that could be asked for without slowing it down; what it has read from its sockets is in
 * its I/O account, and that says whether all octets arrived.
 */
class SinkProcess {
  port;
  #child;

  static async open({ backlog = 511 }) {
    const port = await freePort();
    // As root it insists on a user to become. `ulimit`: unlike Node it does not raise its own limit of descriptors.
    const options = process.getuid() === 0 ? ['-u', 'nobody'] : [];
    const command = 'ulimit -n "$(ulimit -Hn)" && exec "$@"';
    const words = [SINK_PATH, '-4', ...options, '-m', '10200', `127.0.0.1:${port}`, String(backlog)];
    const child = spawn('/bin/sh', ['-c', command, 'sh', ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
    const server = new SinkProcess();
    server.#child = bound(child);
    server.port = port;
    await accepts(port, child);
    return server;
  }

  async facts() {
    if (this.#child.exitCode !== null) throw new Error('The server ended by itself');
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
    server.#sink = await ReportingProcess.open('floor');
    server.port = await freePort();
    server.#folder = mkdtempSync(join(tmpdir(), 'smtpd-bench-'));
    const [program, ...words] = proxyCommand(name, server.port, server.#sink.port, server.#folder);
    server.#child = bound(spawn(program, words, { stdio: ['ignore', 'ignore', 'inherit'] }));
    try {
      await accepts(server.port, server.#child);
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** A proxy adds header fields, so messages are counted and octets are not. */
  async facts() {
    if (this.#child.exitCode !== null) throw new Error('The proxy ended by itself');
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
  if (name === 'haraka-proxy') {
    writeHarakaProxy(folder, { port, upstreamPort });
    return [process.execPath, harakaPath(), '-c', folder];
  }
  const [program, script] = name === 'aiosmtpd-proxy' ? [PYTHON_PATH, `${name}.py`] : [process.execPath, `${name}.mjs`];
  return [program, scriptPath(script), String(port), String(upstreamPort)];
}

function scriptPath(name) {
  return fileURLToPath(new URL(`servers/${name}`, import.meta.url));
}
