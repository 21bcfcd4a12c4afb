/**
 * What the guard counts, of a server in a process of its own and one client: nothing here depends on how fast the machine is. Each count is a
 * difference between two readings with messages between them, so what starting costs is not in it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SERVER = fileURLToPath(new URL('servers/counted.mjs', import.meta.url));

/** One session at a time: what comes together in one read is then always the same. */
const LOADS = {
  small: { sessions: 1, size: 1024, mode: 'lockstep' },
  'per-connection': { sessions: 1, size: 1024, mode: 'lockstep', perconnection: 1 },
  pipelined: { sessions: 1, size: 1024, mode: 'group' },
  parameters: { sessions: 1, size: 1024, mode: 'group', parameters: 1 },
  'behind-dot': { sessions: 1, size: 1024, mode: 'behind' },
  recipients: { sessions: 1, size: 1024, mode: 'lockstep', recipients: 10 },
  bdat: { sessions: 1, size: 1024, mode: 'bdat' },
};

/** Our server; the same where it takes content as it comes; and our proxy with a floor behind it: each is told what it is, and has its loads. */
const GROUPS = [
  { what: {}, loads: LOADS },
  { what: { isStreaming: true }, loads: { streamed: { sessions: 1, size: 1024, mode: 'lockstep' } } },
  { what: { isProxy: true }, loads: { proxy: { sessions: 1, size: 1024, mode: 'lockstep' } } },
];

/** A young generation that the messages do not fill, and compiled code that does not depend on when it was compiled. */
const WITHOUT_COLLECTION = [
  '--min-semi-space-size=64',
  '--max-semi-space-size=64',
  '--no-opt',
  '--no-sparkplug',
  '--no-lazy-feedback-allocation',
  '--no-flush-bytecode',
  '--expose-gc',
];
const WARM_UP_MESSAGES = 300;
const MESSAGES = 400;

/** The kinds of asynchronous resources that have a count of their own; all others are counted together. */
const KINDS = {
  PROMISE: 'promises',
  Timeout: 'timers',
  Immediate: 'immediates',
  TickObject: 'ticks',
  Microtask: 'ticks',
};

/** The same of system calls. */
const CALLS = {
  read: 'reads',
  readv: 'reads',
  recvfrom: 'reads',
  recvmsg: 'reads',
  write: 'writes',
  writev: 'writes',
  sendto: 'writes',
  sendmsg: 'writes',
  epoll_wait: 'waits',
  epoll_pwait: 'waits',
  epoll_pwait2: 'waits',
};

/** Promises, timers and the like that a message makes. */
export async function countResources(generator) {
  return forEachLoad({ generator, count: 'resources' }, (made) => {
    const counts = { promises: 0, timers: 0, immediates: 0, ticks: 0, 'other resources': 0 };
    for (const [type, number] of Object.entries(made)) counts[KINDS[type] ?? 'other resources'] += number;
    return counts;
  });
}

/** Octets that a message allocates: on the heap, and in buffers beside it. */
export async function countOctets(generator) {
  const how = { generator, count: 'octets', nodeOptions: WITHOUT_COLLECTION };
  return forEachLoad(how, ({ heap, buffers, collections }) => {
    if (collections > 0) throw new Error('Garbage was collected meanwhile: the count is not one');
    return { 'heap octets': heap, 'buffer octets': buffers };
  });
}

/** System calls that a message takes of the server's main thread: those on files and sockets, not those for memory and threads. */
export async function countSystemCalls(generator) {
  const folder = mkdtempSync(join(tmpdir(), 'smtpd-bench-'));
  const file = join(folder, 'calls');
  try {
    const tracer = ['strace', '-y', '-s', '0', '-e', 'trace=%desc,%network,access,faccessat,faccessat2', '-o', file];
    const counts = {};
    for (const group of GROUPS) {
      const names = Object.keys(await forEachLoadOf(group, { generator, count: 'calls', tracer }, () => ({})));
      const calls = callsOfLoads(readFileSync(file, 'latin1'), names.length);
      for (const [index, name] of names.entries()) counts[name] = systemCalls(calls[index]);
    }
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The names of the calls of each load: those between its two readings, which are calls too, on a path that is nowhere. */
function callsOfLoads(log, loadCount) {
  const between = log.split(/^\w+\(.*"\/reading".*\n/m).slice(1, -1);
  if (between.length !== 2 * loadCount - 1) throw new Error('The trace lacks readings');
  return (
    between
      .filter((_, index) => index % 2 === 0)
      // Threads are woken by event descriptors, and waits end with nothing: that depends on how busy the machine is.
      .map((lines) => lines.replace(/^(?:mmap\(|\w+\(\d+<anon_inode:\[eventfd|epoll_p?wait2?\(.* = 0$).*/gm, ''))
      .map((lines) => [...lines.matchAll(/^(\w+)\(/gm)].map(([, name]) => name))
  );
}

function systemCalls(names) {
  const counts = { reads: 0, writes: 0, waits: 0, 'other calls': 0 };
  for (const name of names) counts[CALLS[name] ?? 'other calls'] += 1 / MESSAGES;
  return counts;
}

/** Whether there is a strace that may trace here. */
export function canTrace() {
  return (
    spawnSync('strace', ['-c', '-o', '/dev/null', process.execPath, '--version'], { stdio: 'ignore' }).status === 0
  );
}

/** For each load the counts of one message, as `told` from differences between what the server read before and after. */
async function forEachLoad(how, told) {
  const counts = {};
  for (const group of GROUPS) Object.assign(counts, await forEachLoadOf(group, how, told));
  return counts;
}

async function forEachLoadOf({ what, loads }, { generator, count, tracer = [], nodeOptions = [] }, told) {
  const server = await CountedServer.start([...tracer, process.execPath, ...nodeOptions], { ...what, count });
  try {
    const counts = {};
    for (const [name, load] of Object.entries(loads)) {
      await generator.run(server.port, { ...load, messages: WARM_UP_MESSAGES });
      await server.collect();
      counts[name] = told(await difference(server, load, generator));
    }
    return counts;
  } finally {
    await server.end();
  }
}

async function difference(server, load, generator) {
  const [before, after] = await readings(server, { ...load, messages: MESSAGES }, generator);
  if (after.messages - before.messages !== MESSAGES) throw new Error('Messages were lost');
  return Object.fromEntries(
    Object.entries(after.counts).map(([name, value]) => [name, (value - (before.counts[name] ?? 0)) / MESSAGES]),
  );
}

/** Where the session lasts, neither its opening nor its end is between the readings. */
async function readings(server, load, generator) {
  if (load.perconnection === undefined) {
    const { readings: both } = await generator.runInPhases(server.port, load, () => server.read());
    return both;
  }
  const before = await server.read();
  await generator.run(server.port, load);
  return [before, await server.read()];
}

class CountedServer {
  port;
  #child;
  #ended;

  static async start([program, ...words], settings) {
    const server = new CountedServer();
    server.#child = spawn(program, [...words, SERVER, JSON.stringify(settings)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    server.#ended = once(server.#child, 'exit').then(() => {
      throw new Error('The server ended by itself');
    });
    server.#ended.catch(() => undefined);
    server.port = (await server.#next()).port;
    return server;
  }

  read() {
    return this.#ask('read');
  }

  /** From here on there is room for what is allocated. */
  collect() {
    return this.#ask('collect');
  }

  #ask(question) {
    const report = this.#next();
    this.#child.send(question);
    return report;
  }

  async end() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.disconnect();
    await this.#ended.catch(() => undefined);
  }

  async #next() {
    const [report] = await Promise.race([once(this.#child, 'message'), this.#ended]);
    return report;
  }
}
