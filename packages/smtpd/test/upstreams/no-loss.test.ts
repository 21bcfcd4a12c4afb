/**
 * Nothing is lost: numbered messages go through a proxy to a server that has each on disk before it acknowledges it, while both are killed
 * (SIGKILL) and started again, whenever the seed says so. The client tries again what was not acknowledged (RFC 5321 §4.5.4.1).
 *
 * Every attempt has a name of its own, so that it can be said of each message that came twice why it did.
 *
 * `NO_LOSS_MESSAGES=10000 NO_LOSS_SEED=7 SHOW_LOSS=1 npx vitest run packages/smtpd/test/upstreams/no-loss.test.ts`
 */

import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

import { SMTPConnectionError } from '../../src/client/client-errors.js';
import { SMTPClient } from '../../src/client/client.js';
import type { Reply } from '../../src/protocol/reply.js';
import { freePort } from '../support/free-port.js';
import { TemporaryFolder } from '../support/temporary-folder.js';

it(`${String(messageCount())} messages, and what was acknowledged is there`, async () => {
  using folder = new TemporaryFolder();
  const random = randomOf(SEED);
  const file = folder.write('messages', '');
  const [proxyPort, upstreamPort] = [await freePort(), await freePort()];
  await using upstream = await Mortal.start('keeping-upstream.mjs', {
    file,
    localAddress: `127.0.0.1:${String(upstreamPort)}`,
  });
  await using proxy = await Mortal.start('proxy-process.mjs', {
    localAddress: `127.0.0.1:${String(proxyPort)}`,
    remoteAddress: `127.0.0.1:${String(upstreamPort)}`,
  });

  const bodies = Array.from({ length: messageCount() }, () => bodyOf(random));
  const attempts: Attempt[] = [];
  const reaper = new Reaper([proxy, upstream], random);
  let next = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, index) => {
      const sender = new Sender(proxyPort, index % 2 === 0 ? 'data' : 'chunks');
      while (next < bodies.length) {
        const number = next;
        next += 1;
        for (let count = 1; ; count += 1) {
          if (count > ATTEMPTS_MAX) throw new Error(`Message ${String(number)} does not get through`);
          await Promise.all([proxy.isUp, upstream.isUp]);
          const outcome = await sender.send(`Subject: ${String(number)} ${String(count)}\r\n\r\n${bodies[number]!}`);
          attempts.push({ name: `${String(number)} ${String(count)}`, outcome });
          if (outcome === 'acknowledged') break;
        }
        reaper.acknowledged();
      }
      await sender.close();
    }),
  );
  await reaper.done();

  const kept = readFileSync(file, 'latin1').trimEnd().split('\n').map(readKept);
  const outcomes = new Map(attempts.map(({ name, outcome }) => [name, outcome]));
  const acknowledged = attempts.filter(({ outcome }) => outcome === 'acknowledged');
  const names = kept.map(({ name }) => name);
  // What was acknowledged is there, and whole.
  expect(acknowledged).toHaveLength(bodies.length);
  const keptNames = new Set(names);
  expect(acknowledged.filter(({ name }) => !keptNames.has(name))).toEqual([]);
  expect(kept.filter(({ number, bodyBytes }) => bodyBytes !== bodies[number]!.length)).toEqual([]);
  // What is sent once comes once: nobody on the way sends anything again.
  expect(names.length).toBe(keptNames.size);
  // What came and was not acknowledged was complete when the connection broke, before the proxy or behind it. Nothing else may come twice.
  const unacknowledged = names.filter((name) => outcomes.get(name) !== 'acknowledged');
  expect(unacknowledged.filter((name) => outcomes.get(name) !== 'lostBehindContent')).toEqual([]);
  expect(names.length - new Set(kept.map(({ number }) => number)).size).toBe(unacknowledged.length);
  // Enough has happened for this to mean something.
  expect(reaper.deaths).toBeGreaterThan(bodies.length / 200);
  expect(attempts.length).toBeGreaterThan(bodies.length);

  if (process.env['SHOW_LOSS'] !== undefined) {
    const count = (wanted: Outcome): number => attempts.filter(({ outcome }) => outcome === wanted).length;
    process.stdout.write(
      `seed ${String(SEED)}: ${String(bodies.length)} messages, ${String(reaper.deaths)} deaths, ${String(attempts.length)} attempts ` +
        `(${String(count('lostBehindContent'))} lost behind the content, ${String(count('lostBefore'))} before, ` +
        `${String(count('deferred'))} deferred), ${String(unacknowledged.length)} duplicates\n`,
    );
  }
}, 600_000);

/** `lostBehindContent`: all of the message was on its way, and there was no verdict. */
type Outcome = 'acknowledged' | 'deferred' | 'lostBefore' | 'lostBehindContent';

interface Attempt {
  readonly name: string;
  readonly outcome: Outcome;
}

/** Sends one message after the other over one connection, as long as it stands. */
class Sender {
  readonly #port: number;
  readonly #way: 'data' | 'chunks';
  #client: SMTPClient | undefined;

  constructor(port: number, way: 'data' | 'chunks') {
    this.#port = port;
    this.#way = way;
  }

  async send(message: string): Promise<Outcome> {
    let isBehindContent = false;
    try {
      const client = await this.#connected();
      for (const reply of [await client.mail('a@a.example'), await client.rcpt('b@b.example')]) {
        if (!reply.isPositive) return await this.#deferred(client, reply);
      }
      if (this.#way === 'data') {
        const reply = await client.data();
        if (reply.code !== 354) return await this.#deferred(client, reply);
      }
      isBehindContent = true;
      const replies = await (this.#way === 'data' ? client.sendContent(message) : client.sendChunks(message));
      const [reply] = replies;
      if (reply?.isPositive === true) return 'acknowledged';
      expect(reply?.isTransient).toBe(true);
      // The proxy lost the server, or never had it: it does not know whether the server has the message.
      return 'lostBehindContent';
    } catch (error) {
      if (!(error instanceof SMTPConnectionError)) throw error;
      this.#client?.destroy();
      return isBehindContent ? 'lostBehindContent' : 'lostBefore';
    }
  }

  async close(): Promise<void> {
    await this.#client?.quit();
  }

  async #connected(): Promise<SMTPClient> {
    if (this.#client?.isIdle !== true) {
      this.#client?.destroy();
      this.#client = new SMTPClient({ remoteAddress: { host: '127.0.0.1', port: this.#port }, tls: { mode: 'off' } });
      await this.#client.connect();
    }
    return this.#client;
  }

  async #deferred(client: SMTPClient, reply: Reply): Promise<Outcome> {
    expect([reply.toString(), reply.isTransient]).toEqual([reply.toString(), true]);
    await client.reset();
    return 'deferred';
  }
}

/** A program that is killed, and started again as it was. */
class Mortal implements AsyncDisposable {
  readonly #script: string;
  readonly #options: object;
  #child: ChildProcess | undefined;
  /** Settled when it serves. */
  isUp: Promise<void> = Promise.resolve();

  private constructor(script: string, options: object) {
    this.#script = fileURLToPath(new URL(script, import.meta.url));
    this.#options = options;
  }

  static async start(script: string, options: object): Promise<Mortal> {
    const mortal = new Mortal(script, options);
    await mortal.#start();
    return mortal;
  }

  /** Kills it, as soon as it serves, and starts it again. */
  restart(): Promise<void> {
    this.isUp = this.isUp.then(() => this[Symbol.asyncDispose]()).then(() => this.#start());
    return this.isUp;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async #start(): Promise<void> {
    for (let attempt = 0; attempt < STARTS_MAX; attempt += 1) {
      const child = fork(this.#script, [JSON.stringify(this.#options)], {
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      });
      this.#child = child;
      const isUp = await new Promise<boolean>((resolve) => {
        child.once('message', () => {
          resolve(true);
        });
        // While nobody listened, the system may have lent the port to somebody's outgoing connection.
        child.once('exit', () => {
          resolve(false);
        });
      });
      if (isUp) return;
    }
    throw new Error(`${this.#script} does not start`);
  }
}

/** Kills one of them, or both, behind so many acknowledgements as chance wants. */
class Reaper {
  readonly #mortals: readonly Mortal[];
  readonly #random: () => number;
  #left: number;
  #restarts: Promise<unknown> = Promise.resolve();
  deaths = 0;

  constructor(mortals: readonly Mortal[], random: () => number) {
    this.#mortals = mortals;
    this.#random = random;
    this.#left = this.#draw();
  }

  acknowledged(): void {
    this.#left -= 1;
    if (this.#left > 0) return;
    this.#left = this.#draw();
    const choice = Math.floor(this.#random() * 9);
    const victims = choice === 8 ? this.#mortals : [this.#mortals[choice % 2]!];
    this.deaths += victims.length;
    this.#restarts = Promise.all([this.#restarts, ...victims.map((each) => each.restart())]);
  }

  /** @returns when all that were killed are up again */
  async done(): Promise<void> {
    await this.#restarts;
  }

  #draw(): number {
    return 20 + Math.floor(this.#random() * 120);
  }
}

/** Most messages are small, some take a while. */
function bodyOf(random: () => number): string {
  const lines = random() < 0.9 ? 1 + Math.floor(random() * 30) : 1 + Math.floor(random() * 3_000);
  return `.${'x'.repeat(61)}\r\n`.repeat(lines);
}

function readKept(line: string): { readonly name: string; readonly number: number; readonly bodyBytes: number } {
  const [number = '', attempt = '', bodyBytes = ''] = line.split(' ');
  return { name: `${number} ${attempt}`, number: Number(number), bodyBytes: Number(bodyBytes) };
}

/** Mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function messageCount(): number {
  return Number(process.env['NO_LOSS_MESSAGES'] ?? 2_000);
}

const SEED = Number(process.env['NO_LOSS_SEED'] ?? 1);
const CLIENTS = 8;
const ATTEMPTS_MAX = 100;
const STARTS_MAX = 20;
