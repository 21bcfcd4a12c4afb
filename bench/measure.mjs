/**
 * One workload on all servers, in interleaved rounds: A B C A B C … What was measured is returned whole, failures included; nothing
 * is averaged here.
 */
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

import { CLOCK_TICKS_PER_SECOND, openServer } from './server-processes.mjs';

/**
 * @param {{ load: object }} workload
 * @param open how a server is started, by its name
 * @returns for each server its rounds, in order, and its highest resident memory
 */
export async function measureWorkload(
  workload,
  { serverNames, rounds, amount, generator, onRound, open = openServer },
) {
  const entries = [];
  try {
    for (const name of serverNames) entries.push({ name, server: await open(name), rounds: [] });
    for (const { server } of entries) {
      // What fails here fails in the rounds too, and is reported there.
      await generator.run(server.port, { ...workload.load, ...WARM_UP }).catch(() => undefined);
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const entry of entries) {
        const measured = await measureRound(entry, { ...workload.load, ...amount }, generator);
        entry.rounds.push(measured);
        onRound(entry.name, measured);
      }
    }
    return entries.map(({ name, server, rounds: measured }) => ({
      name,
      rounds: measured,
      peakKiB: server.memory().peakKiB,
    }));
  } finally {
    for (const { server } of entries) await server.close();
  }
}

async function measureRound(entry, load, generator) {
  try {
    return await measureLoad(entry, load, generator);
  } catch (error) {
    return { error: error.message };
  }
}

async function measureLoad({ name, server }, load, generator) {
  const began = performance.now();
  const busyBefore = busySeconds();
  const before = await server.facts();
  const sent = await generator.run(server.port, load);
  const after = await settledFacts(server, before, sent);
  const busy = busySeconds() - busyBefore;
  const windowSeconds = (performance.now() - began) / 1000;
  const lost = differenceOf(before, after, sent);
  if (lost !== undefined) return { error: `${name} ${lost}`, sent };
  const serverCPUSeconds = after.cpuSeconds - before.cpuSeconds;
  return {
    messages: sent.messages,
    contentOctets: sent.contentOctets,
    connections: sent.connections,
    seconds: sent.seconds,
    messagesPerSecond: sent.messages / sent.seconds,
    megabytesPerSecond: sent.contentOctets / 1e6 / sent.seconds,
    serverCPUSeconds,
    serverCPUSecondsPer1000: (serverCPUSeconds / sent.messages) * 1000,
    serverCPUShare: serverCPUSeconds / sent.seconds,
    generatorCPUShare: sent.cpuSeconds / sent.seconds,
    // A quiet machine shows nearly 0. What others take is taken from both sides of the measurement.
    othersCPUShare: Math.max(0, busy - serverCPUSeconds - sent.cpuSeconds) / windowSeconds,
  };
}

/** The sink's account is asked for from outside, so its last read may still be under way. */
async function settledFacts(server, before, sent) {
  let after = await server.facts();
  for (let attempt = 0; attempt < 20 && differenceOf(before, after, sent) !== undefined; attempt += 1) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
    after = await server.facts();
  }
  return after;
}

/** CPU seconds that this machine has worked, the kernel's work for the network among them. */
function busySeconds() {
  if (!existsSync('/proc/stat')) {
    return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1000;
  }
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'latin1').match(/\d+/g).map(Number);
  return (user + nice + system + irq + softirq) / CLOCK_TICKS_PER_SECOND;
}

/** What the server received is compared with what it acknowledged. */
function differenceOf(before, after, sent) {
  if (after.readOctets !== undefined) {
    const readOctets = after.readOctets - before.readOctets;
    return readOctets === sent.sentOctets ? undefined : `read ${readOctets} octets of ${sent.sentOctets} sent`;
  }
  const messages = after.messages - before.messages;
  if (messages !== sent.messages) return `received ${messages} messages and acknowledged ${sent.messages}`;
  if (after.octets === undefined) return undefined;
  const octets = after.octets - before.octets;
  return octets === sent.contentOctets
    ? undefined
    : `received ${octets} octets of content and not ${sent.contentOctets}`;
}

/**
 * Resident memory of a crowd of idle sessions. A small crowd comes first, so that compiled code and grown heaps are not counted as
 * the sessions' own; garbage is collected before each reading.
 */
export async function measureIdle({ serverName, sessionCount, generator }) {
  const server = await openServer(serverName);
  try {
    await (await generator.hold(server.port, WARM_UP_SESSIONS)).release();
    const emptyKiB = await residentKiB(server);
    const crowd = await generator.hold(server.port, sessionCount);
    const fullKiB = await residentKiB(server);
    await crowd.release();
    const afterKiB = await residentKiB(server);
    return {
      name: serverName,
      sessions: sessionCount,
      openingSeconds: crowd.seconds,
      emptyKiB,
      fullKiB,
      afterKiB,
      perSessionKiB: (fullKiB - emptyKiB) / sessionCount,
    };
  } catch (error) {
    return { name: serverName, sessions: sessionCount, error: error.message };
  } finally {
    await server.close();
  }
}

async function residentKiB(server) {
  for (let pass = 0; pass < 3; pass += 1) {
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
    await server.collectGarbage();
  }
  return server.memory().residentKiB;
}

const WARM_UP = { seconds: 0.6 };
const WARM_UP_SESSIONS = 200;
