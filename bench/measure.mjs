/**
 * One workload on all servers, in interleaved rounds: A B C A B C … What was measured is returned whole, failures included; nothing
 * is averaged here.
 */
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

import { CLOCK_TICKS_PER_SECOND } from './processes.mjs';
import { openServer } from './server-processes.mjs';
import { UNITS } from './units.mjs';
import { warmUp } from './warm-up.mjs';

/**
 * @param {{ load: object, unit: string }} workload
 * @param open how a server is started, by its name and with the workload's settings
 * @returns for each server its rounds, in order, and its highest resident memory
 */
export async function measureWorkload(
  workload,
  { serverNames, rounds, amount, generator, onRound, settings, open = openServer },
) {
  const entries = [];
  try {
    for (const name of serverNames) entries.push(await opened(name, () => open(name, settings)));
    for (const entry of entries.filter(isRunning)) await warmedUp(entry, workload, generator);
    for (const { name, rounds: failed } of entries) if (failed.length > 0) onRound(name, failed[0]);
    for (let round = 0; round < rounds; round += 1) {
      for (const entry of entries.filter(isRunning)) {
        const measured = await measureRound(entry, { ...workload.load, ...amount }, workload.unit, generator);
        entry.rounds.push(measured);
        onRound(entry.name, measured);
      }
    }
    return entries.map(({ name, server, rounds: measured }) => ({
      name,
      rounds: measured,
      peakKiB: server?.memory().peakKiB,
    }));
  } finally {
    for (const { server } of entries) await server?.close();
  }
}

/** A server that does not start is a failure of its own, and none of the others'. */
async function opened(name, open) {
  try {
    return { name, server: await open(), rounds: [] };
  } catch (error) {
    return { name, server: undefined, rounds: [{ error: `it did not start: ${error.message}` }], isOut: true };
  }
}

/** What fails here would fail in each round: it is told once. */
async function warmedUp(entry, workload, generator) {
  try {
    await warmUp(entry.server, { ...workload.load, ...workload.warmUp }, generator);
  } catch (error) {
    entry.rounds.push({ error: `warming up: ${error.message}` });
    entry.isOut = true;
  }
}

function isRunning({ isOut = false }) {
  return !isOut;
}

async function measureRound(entry, load, unit, generator) {
  try {
    return await measureLoad(entry, load, unit, generator);
  } catch (error) {
    return { error: error.message };
  }
}

async function measureLoad({ name, server }, load, unit, generator) {
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
  const { count, speedOf } = UNITS[unit];
  return {
    messages: sent.messages,
    handshakes: sent.handshakes,
    contentOctets: sent.contentOctets,
    connections: sent.connections,
    seconds: sent.seconds,
    speed: speedOf(sent),
    serverCPUSeconds,
    serverCPUSecondsPer1000: (serverCPUSeconds / sent[count]) * 1000,
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

/** What the server received is compared with what it acknowledged. @returns what is wrong */
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
