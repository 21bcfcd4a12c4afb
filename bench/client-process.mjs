/** A client that sends mail, in a process of its own, and what its rounds took. What is sent where is `client.mjs`'s to say. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { spread } from './figures.mjs';
import { bound, stop } from './processes.mjs';

/** The client. */
export class ClientProcess {
  name;
  #child;
  #server;
  #rounds = [];

  static async open(name, server) {
    const script = fileURLToPath(new URL(`clients/${name}.mjs`, import.meta.url));
    const client = new ClientProcess();
    client.name = name;
    client.#server = server;
    client.#child = bound(fork(script, [String(server.port)]));
    await client.#nextReport();
    return client;
  }

  async warmUp(load) {
    await this.#send(load);
  }

  async measure(load) {
    this.#rounds.push(await this.#send(load));
  }

  /** What was told to be sent must have arrived, each message once. */
  async #send(load) {
    const before = await this.#server.facts();
    const report = this.#nextReport();
    this.#child.send(load);
    const { seconds, cpuSeconds } = await report;
    const after = await this.#server.facts();
    const received = after.messages - before.messages;
    if (received !== load.messages) throw new Error(`${this.name}: ${received} messages of ${load.messages} arrived`);
    return { seconds, cpuSeconds, messages: load.messages };
  }

  get speed() {
    return spread(this.#rounds.map(({ messages, seconds }) => messages / seconds));
  }

  get cpuSecondsPer1000() {
    return spread(this.#rounds.map(({ messages, cpuSeconds }) => (cpuSeconds / messages) * 1000));
  }

  get cpuShare() {
    return spread(this.#rounds.map(({ seconds, cpuSeconds }) => cpuSeconds / seconds));
  }

  close() {
    return stop(this.#child);
  }

  async #nextReport() {
    const ended = once(this.#child, 'exit').then(() => {
      throw new Error(`${this.name} ended by itself`);
    });
    ended.catch(() => undefined);
    const [report] = await Promise.race([once(this.#child, 'message'), ended]);
    return report;
  }
}
