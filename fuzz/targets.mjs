/** Where sessions are played: servers in this process, reached in memory, and servers in a child process, reached over TCP. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { configurationOf } from './configurations.mjs';
import { Connection } from './connection.mjs';
import { makeServer } from './server-under-test.mjs';

/** Servers in this process. */
export class MemoryTarget {
  name = 'memory';
  #made = new Map();

  of(name) {
    const configuration = configurationOf(name);
    let made = this.#made.get(name);
    if (made === undefined) this.#made.set(name, (made = makeServer(configuration)));
    return {
      configuration,
      connect: () => Connection.inMemory(made.server),
      takeDeliveries: async () => {
        while (made.server.channels.size > 0) await nextTurn();
        for (let turn = 0; turn < 3; turn += 1) await nextTurn();
        return made.deliveries.splice(0);
      },
      takeFaults: () => made.faults.splice(0),
    };
  }

  rssBytes() {
    return process.memoryUsage.rss();
  }

  async close() {
    for (const { server } of this.#made.values()) await server.close({ graceMs: 0 });
  }
}

/** Servers in a process of their own. When that ends, `takeDeliveries` rejects. */
export class ProcessTarget {
  name = 'TCP';
  #child;
  #ports;
  #faults = [];
  #rssBytes = 0;

  static async open() {
    const script = fileURLToPath(new URL('child-server.mjs', import.meta.url));
    const target = new ProcessTarget();
    target.#child = spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    target.#ports = await target.#report();
    return target;
  }

  of(name) {
    return {
      configuration: configurationOf(name),
      connect: () => Connection.overTCP(this.#ports[name]),
      takeDeliveries: async () => {
        const report = this.#report();
        if (this.#child.connected) this.#child.send(name);
        const { deliveries, faults, rssBytes } = await report;
        this.#faults.push(...faults);
        this.#rssBytes = rssBytes;
        return deliveries;
      },
      takeFaults: () => this.#faults.splice(0),
    };
  }

  /** As the process said last. */
  rssBytes() {
    return this.#rssBytes;
  }

  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }

  async #report() {
    const done = new AbortController();
    const { signal } = done;
    const ended = once(this.#child, 'exit', { signal }).then(([code, by]) => {
      throw new Error(`The server's process ended: ${code ?? by}`);
    });
    try {
      const [report] = await Promise.race([once(this.#child, 'message', { signal }), ended]);
      return report;
    } finally {
      done.abort();
      ended.catch(() => undefined);
    }
  }
}

function nextTurn() {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
