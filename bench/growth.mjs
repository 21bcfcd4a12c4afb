/**
 * Growth: what a message costs as sessions, recipients and octets become more. CPU time of the server's process alone, read while all
 * sessions are open and none is about to close, so that opening them is not counted.
 */
import { number, ratio, spread, table } from './figures.mjs';
import { openServer } from './server-processes.mjs';
import { warmUp } from './warm-up.mjs';

const KIB = 1024;
const MIB = KIB * KIB;

/** What grows. `label` and `textOf`: how it is called, and a value of it. `per`: what the cost is divided by, beyond the message, where it has to grow with it. `messages`: how many make a round. */
export const DIMENSIONS = [
  {
    name: 'sessions',
    label: 'sessions at a time',
    textOf: (sessions) => sessions.toLocaleString('en-US'),
    title: 'sessions at a time (1 KiB, lock step)',
    values: [10, 100, 1_000, 10_000],
    unit: 'µs a message',
    per: () => 1,
    loadOf: (sessions) => ({ sessions, size: KIB, mode: 'lockstep', messages: 20_000 }),
  },
  {
    name: 'recipients',
    label: 'recipients of a message',
    textOf: (recipients) => recipients.toLocaleString('en-US'),
    title: 'recipients of a message (1 KiB, one pipelined group, 10 sessions)',
    values: [1, 10, 100, 1_000, 10_000],
    unit: 'µs a recipient',
    per: (recipients) => recipients,
    loadOf: (recipients) => ({
      sessions: 10,
      size: KIB,
      mode: 'group',
      recipients,
      messages: within(200_000 / recipients, 20, 20_000),
    }),
  },
  {
    name: 'size',
    label: 'size of a message',
    textOf: (kib) => (kib < KIB ? `${kib} KiB` : `${kib / KIB} MiB`),
    title: 'size of a message (large writes, lock step, 2 sessions)',
    values: [1, 4, 16, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB],
    unit: 'µs a KiB',
    per: (kib) => kib,
    loadOf: (kib) => ({
      sessions: 2,
      size: kib * KIB,
      mode: 'lockstep',
      messages: within((256 * KIB) / kib, 8, 20_000),
    }),
  },
];

/** Higher limits than anybody has by default: the load needs them. */
const SETTINGS = { recipientsMax: 10_000, sizeMax: 128 * MIB };
const SERVER_NAMES = ['smtpd', 'floor'];

/**
 * Measures all dimensions, the servers by turns.
 *
 * @returns one entry for each dimension, value and server
 */
export async function measureGrowth({ generator, rounds, sessionsMax, onPoint }) {
  const points = [];
  for (const { name, values, loadOf, per } of DIMENSIONS) {
    for (const value of values) {
      const load = loadOf(value);
      if (load.sessions > sessionsMax) continue;
      for (const point of await measurePoint(load, { generator, rounds })) {
        points.push({
          dimension: name,
          value,
          ...point,
          perUnit: point.cpuSeconds && (point.cpuSeconds / per(value)) * 1e6,
        });
        onPoint(points.at(-1));
      }
    }
  }
  return points;
}

async function measurePoint(load, { generator, rounds }) {
  const entries = SERVER_NAMES.map((name) => ({ name, server: undefined, measured: [], error: undefined }));
  try {
    for (const entry of entries) {
      entry.server = await openServer(entry.name, SETTINGS);
      await warmUp(entry.server, { ...load, sessions: Math.min(load.sessions, 10) }, generator);
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const { server, measured } of entries) measured.push(await cpuSecondsOfMessage(server, load, generator));
    }
  } catch (error) {
    return entries.map(({ name }) => ({ server: name, error: error.message }));
  } finally {
    for (const { server } of entries) await server?.close();
  }
  return entries.map(({ name, measured }) => ({ server: name, cpuSeconds: spread(measured).median }));
}

async function cpuSecondsOfMessage(server, load, generator) {
  const { sent, readings } = await generator.runInPhases(server.port, load, () => server.facts());
  const [before, after] = readings;
  const received = after.messages - before.messages;
  if (received !== sent.messages || after.octets - before.octets !== sent.contentOctets) {
    throw new Error(`received ${received} messages and acknowledged ${sent.messages}`);
  }
  return (after.cpuSeconds - before.cpuSeconds) / sent.messages;
}

/** The tables, and the picture of them, as lines of Markdown. */
export function growthSection(points, { isPictured }) {
  const lines = [
    'CPU time of the server for a message, with all sessions open before and after. What has to grow with the message is divided out: a',
    'figure that does not rise from row to row is a cost that grows no faster than what is asked for.',
  ];
  if (isPictured) lines.push('', '![What a message costs as sessions, recipients and size grow](growth.svg)');
  for (const { name, title, unit, values, textOf } of DIMENSIONS) {
    const at = (value, server) =>
      points.find((point) => point.dimension === name && point.value === value && point.server === server);
    const rows = values
      .filter((value) => at(value, 'smtpd') !== undefined)
      .map((value) => {
        const ours = at(value, 'smtpd');
        const floor = at(value, 'floor');
        if (ours.error !== undefined) return [textOf(value), `failed: ${ours.error}`, '–', '–', '–'];
        return [
          textOf(value),
          number(ours.cpuSeconds * 1e6),
          number(ours.perUnit),
          number(floor.perUnit),
          ratio(ours.cpuSeconds, floor.cpuSeconds),
        ];
      });
    lines.push('', ...table([title, 'smtpd: µs a message', `smtpd: ${unit}`, `floor: ${unit}`, '× floor'], rows));
  }
  return lines;
}

function within(value, least, most) {
  return Math.round(Math.min(Math.max(value, least), most));
}
