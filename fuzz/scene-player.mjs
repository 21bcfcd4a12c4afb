/**
 * Plays scenes in a process of its own, in one of the ways in which connections are taken, and writes what came of each, a line of JSON a
 * scene. Then nothing is left that would keep the process alive: what holds it up is named.
 *
 * `node scene-player.mjs handles|buffers|events SEED SEED …`, or a file of JSON that has a scene.
 */

import { mkdtempSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SMTPServer } from '../packages/smtpd/dist/index.js';
import { configurationOf } from './configurations.mjs';
import { Connection } from './connection.mjs';
import { ManualClock } from './manual-clock.mjs';
import { textOf } from './packet-text.mjs';
import { play } from './play.mjs';
import { proxyHeader, sceneOf } from './scene.mjs';
import { SceneClient } from './scene-client.mjs';
import { certificate, PLANNED, SceneServer } from './scene-server.mjs';
import { makeServer } from './server-under-test.mjs';

const folder = mkdtempSync(join(tmpdir(), 'smtpd-scenes-'));
const strays = [];
process.on('uncaughtException', (error) => noteStray('Uncaught', error));
process.on('unhandledRejection', (error) => noteStray('Unhandled', error));
process.on('warning', (warning) => noteStray('Warning', warning));

function noteStray(kind, error) {
  // What a listener throws that was called by a signal or a socket is the application's, and no server stands between.
  if (error?.message === PLANNED) return;
  strays.push(`${kind}: ${error?.stack ?? error}`);
}

/** Whatever happens in a scene counts here: it is quiet when nothing has for some turns. */
let stirs = 0;
const stir = () => {
  stirs += 1;
};

function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

async function turns(count) {
  for (let left = count; left > 0; left -= 1) {
    stir();
    await turn();
  }
}

async function whenQuiet() {
  let before = -1;
  for (let quiet = 0; quiet < QUIET_TURNS;) {
    await turn();
    quiet = stirs === before ? quiet + 1 : 0;
    before = stirs;
  }
}

/** @returns whether it came to that before the patience was over */
async function until(isSo) {
  const from = performance.now();
  while (!isSo()) {
    if (performance.now() - from > PATIENCE_MS) return false;
    await turn();
  }
  return true;
}

/** One that nobody has used: who is left behind by one scene must not meet the next. */
function unixPath() {
  pathCount += 1;
  return join(folder, `smtp${pathCount}`);
}
let pathCount = 0;

// ---- Talks ------------------------------------------------------------------------------------------------------------

async function playTalk({ configuration: name, listens, proxied, isWatched, touchedAt, clients }) {
  const configuration = configurationOf(name);
  const path = unixPath();
  const localAddress = { IPv4: '127.0.0.1:0', IPv6: '[::1]:0', unix: path }[listens];
  /** By what tells a client from another: its port, or the one that a proxy names. */
  const deliveries = new Map();
  const made = makeServer(
    {
      ...configuration,
      options: { ...configuration.options, localAddress, ...(proxied > 0 && { proxyProtocol: 'loopback' }) },
    },
    (delivery, { peer: { port } }) => deliveries.set(port, [...(deliveries.get(port) ?? []), delivery]),
  );
  const { server } = made;
  const ends = [];
  server.on('disconnect', ({ session }) => ends.push(session.id));
  if (isWatched) for (const each of ['command', 'reply', 'message', 'violation']) server.on(each, () => undefined);
  if (touchedAt !== undefined) {
    const touch = ({ session }) => {
      for (const channel of server.channels) if (channel.info === session) void channel.conn;
    };
    server.use({ name: 'touch', [touchedAt]: touch });
  }
  await server.listen();
  const where = listens === 'unix' ? { path } : { host: listens === 'IPv6' ? '::1' : '127.0.0.1', port: server.port };
  const problems = [];
  const outcomes = await Promise.all(
    clients.map((client, index) => talk(client, { index, configuration, where, proxied, server, deliveries })),
  );
  for (const [index, each] of outcomes.entries())
    problems.push(...each.problems.map((problem) => `Client ${index}: ${problem}`));
  if (server.channels.size > 0) problems.push(`${server.channels.size} channels are left`);
  await server.close({ graceMs: 0 });
  if (ends.length !== new Set(ends).size) problems.push('A session has ended twice');
  problems.push(...made.faults.map((fault) => `Logged as a fault: ${fault}`));
  return { problems, handshakes: outcomes.reduce((sum, { handshakes }) => sum + handshakes, 0) };
}

/** Plays one conversation against the model. */
function talk({ session, pieceBytesMax, isDeaf }, { index, configuration, where, proxied, server, deliveries }) {
  let connection;
  const port = FIRST_PORT + index;
  const connect = () => {
    connection = Connection.over(where);
    if (proxied > 0) connection.write(proxyHeader(proxied, { address: '192.0.2.7', port }));
    return {
      get received() {
        return connection.received;
      },
      get isClosed() {
        return connection.isClosed;
      },
      get replyCount() {
        return connection.replyCount;
      },
      until: (isSo, patienceMs) => connection.until(isSo, patienceMs),
      secure: () => connection.secure(),
      write: async (text) => {
        // The greeting has come.
        if (isDeaf) connection.pause();
        for (let at = 0; at < text.length; at += pieceBytesMax) {
          connection.write(text.slice(at, at + pieceBytesMax));
          if (pieceBytesMax < text.length) await turn();
        }
      },
      end: () => {
        connection.end();
        connection.resume();
      },
      destroy: () => {
        if (session.end === 'destroy') connection.abandon();
        else connection.destroy();
        connection.resume();
      },
    };
  };
  const takeDeliveries = async () => {
    await until(() => server.channels.size === 0);
    await turns(4);
    return deliveries.get(proxied > 0 ? port : (connection.localPort ?? 0)) ?? [];
  };
  const end = session.end === 'halfClose' ? 'halfClose' : 'reset';
  return play({ ...session, end }, { configuration, connect, takeDeliveries });
}

// ---- Staged scenes ----------------------------------------------------------------------------------------------------

async function playStaged({ server, act, bystanders: bystanderCount, isCounted, steps, closesAtEnd }) {
  const limits = { ...server.limits, ...(isCounted && { sessionsPerAddressMax: bystanderCount + 1 }) };
  const setting = { ...server, limits };
  const clock = new ManualClock();
  const scene = { clock, stir, turns, closing: [], client: undefined, unixPath: unixPath() };
  const problems = [];
  const servers = [];
  const open = async (kind, more) => {
    const opened = new SceneServer(kind, { ...more, scene });
    servers.push(opened);
    await opened.listen();
    return opened;
  };
  const upstream =
    setting.role === 'proxy'
      ? await open(
          { ...UPSTREAM, hooks: setting.hooks, tls: setting.upstreamTLS },
          { act: act?.isUpstream ? act : undefined },
        )
      : undefined;
  const front = await open(setting, {
    act: act?.isUpstream ? undefined : act,
    upstreamPort: upstream?.server.port,
  });
  const bystanders = [];
  for (let index = 0; index < bystanderCount; index += 1) {
    const bystander = new SceneClient(front.where, { stir });
    bystanders.push(bystander);
    if (setting.proxied > 0)
      await bystander.send(proxyHeader(setting.proxied, { address: '192.0.2.8', port: 1 }), { turn });
    if (setting.tls === 'implicit') bystander.secure();
    await bystander.send(`${setting.protocol === 'lmtp' ? 'LHLO' : 'EHLO'} bystander.example\r\n`, { turn });
    await whenQuiet();
  }
  const client = new SceneClient(front.where, { stir, closesAtEnd });
  scene.client = client;
  upstream?.begin();
  front.begin({ bystanderCount });
  let hasLeftUnread = false;
  for (const step of steps) {
    if (isSudden(step)) hasLeftUnread ||= front.isBehind;
    await take(step, { client, front, clock });
  }
  await whenQuiet();
  const clients = [...bystanders, client];
  // Whoever is held up goes on, and whoever is still there waits for nothing: each wait has an end.
  for (const each of servers) each.release();
  client.hear();
  await whenQuiet();
  for (let rounds = 0; rounds < 30 && clients.some(({ isClosed }) => !isClosed); rounds += 1) {
    clock.advance(300_000);
    await whenQuiet();
  }
  // What lingers on the other side closes when the client does.
  const left = clients.filter(({ isClosed }) => !isClosed);
  const isWaiting = front.sessions.some(({ connects, disconnects }) => connects > disconnects);
  if (left.length > 0 && isWaiting && closesAtEnd) problems.push(`${left.length} clients are never sent away`);
  for (const each of left) each.destroy();
  // Whoever has half closed may wait for an answer yet. A proxy keeps its connections to the next server.
  const haveLeft = await until(() => {
    if (front.server.channels.size > 0) clock.advance(1_000);
    return front.server.channels.size === 0;
  });
  if (!haveLeft) problems.push('Clients have left, and sessions stay');
  const mayComeAgain = haveLeft && scene.closing.length === 0 && setting.proxied === 0 && setting.tls !== 'implicit';
  if (isCounted && mayComeAgain) problems.push(...(await comeAgain(front, clients.length)));
  for (const { server } of servers.toReversed()) scene.closing.push(server.close({ graceMs: 0 }));
  let isOver = false;
  void Promise.all(scene.closing).then(() => {
    isOver = true;
  });
  const isClosed = await until(() => {
    clock.advance(1_000);
    return isOver;
  });
  if (!isClosed) problems.push('close() does not come to an end');
  await turns(4);
  if (clock.timerCount > 0) problems.push(`${clock.timerCount} timers are left`);
  problems.push(...servers.flatMap((each) => each.problems()));
  const outcome = {
    // Whoever takes the socket into their own hands may leave unread what makes a reset of the end.
    clients: clients.map(({ received, ending }) => ({
      replies: repliesIn(received),
      ...(act?.what.startsWith('conn') !== true && { ending }),
    })),
    sessions: servers.map(({ sessions }) => sessions.map(({ log }) => comparable(log, setting.role))),
  };
  // How far a session gets before it is known that its client has gone is nobody's promise: of a client that is not read from, as it has sent
  // much ahead, a socket's stream may know, which reads some more into itself, and a handle cannot. Nor is it how much a server that closes still
  // answers of what it has not read: up to its next pause, which is where a read ends. And of two connections, which is over first.
  const isRace =
    hasLeftUnread ||
    servers.some(({ wasBehindAtClose }) => wasBehindAtClose) ||
    steps.some((step, index) => isSudden(step) && steps[index - 1]?.do !== 'quiet') ||
    ['clientResets', 'clientLeaves'].includes(act?.what) ||
    (act?.isUpstream === true && act.what === 'clientEnds');
  return { problems, outcome: isRace ? undefined : outcome };
}

/** Whether a client leaves without a word. */
function isSudden(step) {
  return ['reset', 'destroy'].includes(step.do);
}

/** What can be compared of what was seen of a session. */
function comparable(log, role) {
  // Who reads hears of the end a turn sooner or later than others; and what came together with what else is the kernel's to say.
  const inTurn = withoutBatches(log.filter((what) => !/^(read|violation)/.test(what)));
  const read = log.filter((what) => what.startsWith('read'));
  // Which of two connections is known to be over first is not the same, and so is what it is over for.
  const known = (what) => (role === 'proxy' ? what.replace(/^(disconnect): .*/, '$1') : what);
  return [...inTurn.map(known), ...read];
}

/** Recipients who follow each other, as if all had come together: whoever is asked about several is asked about those that have. */
function withoutBatches(log) {
  if (!log.includes(ASKED_TOGETHER)) return log;
  let group = 0;
  let isAmongThem = false;
  const placed = log.map((what) => {
    const rank = RECIPIENT_RANKS.findIndex((kind) => kind.test(what));
    // An answer is to the recipients before it, if there are any.
    isAmongThem = rank >= 0 && (isAmongThem || rank < ANSWER_RANK);
    if (!isAmongThem) group += 1;
    return { what, group, rank: isAmongThem ? rank : -1 };
  });
  const joined = placed.toSorted((one, other) => one.group - other.group || one.rank - other.rank);
  return joined
    .map(({ what }) => what)
    .filter((what, index, all) => what !== ASKED_TOGETHER || all[index - 1] !== what);
}

/** Nobody counts any more who has left: as many as may come at once are greeted. */
async function comeAgain({ where }, count) {
  const again = Array.from({ length: count }, () => new SceneClient(where, { stir }));
  await whenQuiet();
  await whenQuiet();
  const greetings = again.map(({ received }) => received);
  for (const each of again) each.destroy();
  await whenQuiet();
  return greetings.filter((text) => text.includes('4.7.0')).map((text) => `Somebody counts who has left: ${text}`);
}

async function take(step, { client, front, clock }) {
  switch (step.do) {
    case 'send':
      await client.send(step.text, { pieceBytesMax: step.pieceBytesMax ?? Infinity, turn });
      return;
    case 'quiet':
      await whenQuiet();
      return;
    case 'secure':
      client.secure();
      return;
    case 'rawSend':
      client.rawSend(Buffer.from(step.hex, 'hex'));
      return;
    case 'rawEnd':
      client.rawEnd();
      return;
    case 'end':
      client.end();
      return;
    case 'reset':
      client.reset();
      return;
    case 'destroy':
      client.destroy();
      return;
    case 'deaf':
      client.deafen();
      return;
    case 'serverClose':
      front.close(step.graceMs);
      return;
    case 'clock':
      clock.advance(step.ms);
      return;
    case 'touch':
      front.touch();
      return;
    case 'release':
      front.release();
      return;
    case 'idle':
      return;
    default:
      throw new Error(`A client cannot ${step.do}`);
  }
}

/** Whole replies, without what is another each time; of many that are the same, how many. */
function repliesIn(received) {
  const texts = received.match(/(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n|[^\n]+\n?/g) ?? [];
  const replies = [];
  for (const text of texts) {
    const known = text
      .trimEnd()
      .replace(/incident \S+?([;,\s])/g, 'incident N$1')
      .replace(/\[?127\.0\.0\.1\]?:\d+/g, 'UPSTREAM');
    const last = replies.at(-1);
    if (last?.known === known) last.count += 1;
    else replies.push({ known, count: 1 });
  }
  return replies.map(({ known, count }) => (count === 1 ? known : `${count} times ${known}`));
}

// ---- The ways ---------------------------------------------------------------------------------------------------------

/** From here on connections are taken in this way, whatever Node can do. */
async function choose(way) {
  if (way === 'events') {
    // Handles that have no such buffer are as those of a Node that we do not know at all.
    const probe = createServer();
    await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
    let owner = probe._handle;
    while (!Object.hasOwn(owner, 'useUserBuffer')) owner = Object.getPrototypeOf(owner);
    Object.defineProperty(owner, 'useUserBuffer', { value: undefined });
    await new Promise((resolve) => probe.close(resolve));
  }
  const { _final } = Socket.prototype;
  // What a socket does at its end is looked at when the first server listens.
  if (way === 'buffers') Socket.prototype._final = (done) => done();
  const seen = [];
  const { channelClass } = SMTPServer;
  class Seen extends channelClass {
    constructor(options) {
      super(options);
      seen.push(options.transport.constructor.name);
    }
  }
  class First extends SMTPServer {
    static channelClass = Seen;
    processMessage() {
      // Nothing comes.
    }
  }
  const first = new First({ localAddress: '127.0.0.1:0' });
  await first.listen();
  Socket.prototype._final = _final;
  const socket = new Socket().connect(first.port, '127.0.0.1');
  await until(() => seen.length > 0);
  socket.destroy();
  await first.close({ graceMs: 0 });
  const isHandle = seen[0] === 'HandleTransport';
  if (isHandle !== (way === 'handles')) throw new Error(`Connections are not taken by ${way}, but by ${seen[0]}`);
}

async function playAll(way, names) {
  await choose(way);
  // What is made once takes its time.
  certificate();
  for (const name of names) {
    say({ begun: name });
    const scene = /^\d+$/.test(name) ? sceneOf(Number(name)) : readScene(name);
    let result;
    try {
      result = scene.kind === 'talk' ? await playTalk(scene) : await playStaged(scene);
    } catch (error) {
      result = { problems: [error.stack] };
    }
    result.problems.push(...strays.splice(0));
    say({ name, ...result });
  }
  rmSync(folder, { recursive: true, force: true });
  say({ done: true, rssBytes: process.memoryUsage.rss() });
  // It is still there only if something keeps it.
  setTimeout(() => {
    say({ keptAliveBy: process.getActiveResourcesInfo() });
    process.exit(3);
  }, ALIVE_MS_MAX).unref();
}

/** One that was written down. */
function readScene(file) {
  const { scene } = JSON.parse(readFileSync(file, 'utf8'));
  const steps = scene.steps.map((step) => (step.do === 'send' ? { ...step, text: textOf(step.text) } : step));
  return { ...scene, steps };
}

function say(value) {
  writeSync(1, `${JSON.stringify(value)}\n`);
}

const ASKED_TOGETHER = 'asked: rcpts';
/** In which order recipients that come together come, are asked about, and are answered. */
const RECIPIENT_RANKS = [/^command RCPT$/, /^asked: rcpts$/, /^(reply|limit: recipientsMax)/];
const ANSWER_RANK = 2;
const UPSTREAM = { role: 'whole', isBehindProxy: true, listens: 'IPv4', watched: 'few', limits: {} };
/** In one process what one side writes is there for the other in the next turn; TLS takes some more. */
const QUIET_TURNS = 12;
/** Of the clients that a proxy names. */
const FIRST_PORT = 40_000;
const PATIENCE_MS = 10_000;
const ALIVE_MS_MAX = 5_000;

const [way, ...names] = process.argv.slice(2);
await playAll(way, names);
