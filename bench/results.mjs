/** From rounds to tables: medians, spreads and ratios, as text. */

import { machineRows } from './machine.mjs';

/** The server whose figures are 1, where the workload names no other. */
const BASE = 'smtp-server';
const FLOOR = 'floor';

/** The table of a workload, and what went wrong, each as lines of Markdown. */
export function workloadTable({ unit, servers, base: baseName = BASE }) {
  const summaries = servers.map((server) => summarize(server, unit));
  const base = summaries.find(({ name }) => name === baseName);
  const floor = summaries.find(({ name }) => name === FLOOR);
  const rows = summaries.map((summary) => [
    summary.name,
    summary.speed === undefined
      ? '–'
      : `${number(summary.speed.median)} (${number(summary.speed.min)}–${number(summary.speed.max)})`,
    ratio(summary.speed, base?.speed),
    ...(floor === undefined ? [] : [ratio(summary.speed, floor.speed)]),
    number(summary.cpu?.median),
    ratio(summary.cpu, base?.cpu),
    summary.peakKiB === undefined ? '–' : number(summary.peakKiB / 1024),
    share(summary.serverShare),
    share(summary.generatorShare),
    `${share(summary.othersShare)} (${percent(summary.othersShare?.max)})`,
    summary.messages === 0 ? '–' : String(summary.messages),
  ]);
  return [
    ...table(
      [
        'server',
        `${unit}: median (min–max)`,
        `× ${baseName}`,
        ...(floor === undefined ? [] : [`× ${FLOOR}`]),
        'CPU s / 1,000 messages',
        `CPU × ${baseName}`,
        'peak MiB',
        'server CPU',
        'load CPU',
        'others (most)',
        'messages received',
      ],
      rows,
    ),
    ...notes(servers, summaries),
  ];
}

/** The table of the idle workload. */
export function idleTable(entries) {
  const rows = entries.map((entry) =>
    entry.error === undefined
      ? [
          entry.name,
          String(entry.sessions),
          number(entry.perSessionKiB),
          number(entry.emptyKiB / 1024),
          number(entry.fullKiB / 1024),
          number(entry.afterKiB / 1024),
          number(entry.openingSeconds),
        ]
      : [entry.name, String(entry.sessions), `failed: ${entry.error}`, '–', '–', '–', '–'],
  );
  return table(
    ['server', 'sessions', 'KiB a session', 'empty, MiB', 'with them, MiB', 'after they left, MiB', 'seconds to open'],
    rows,
  );
}

/** Whether anything failed, anywhere. */
export function hasFailures({ workloads, idle }) {
  const isFailed = ({ error }) => error !== undefined;
  return idle.some(isFailed) || workloads.some(({ servers }) => servers.some(({ rounds }) => rounds.some(isFailed)));
}

/** The page `RESULTS.md`. */
export function resultsPage(result) {
  const { machine, versions } = result;
  const lines = [
    '# Results of the bench',
    '',
    'Written by the bench (`--write-results`). What the columns mean, and what to make of them: [docs/performance.md](../docs/performance.md).',
    '',
    ...table(
      ['', ''],
      [
        ...machineRows(machine, result.date),
        [
          'versions',
          Object.entries(versions)
            .map((pair) => pair.join(' '))
            .join(', '),
        ],
        ['command', `\`${result.command}\``],
        ['rounds', `${result.rounds}, interleaved, ${result.amount} each`],
        ['load', result.generator],
      ],
    ),
  ];
  for (const workload of result.workloads) {
    lines.push('', `## ${workload.name}: ${workload.title}`, '', ...workloadTable(workload));
  }
  if (result.idle.length > 0) lines.push('', '## idle: sessions after EHLO', '', ...idleTable(result.idle));
  return `${lines.join('\n')}\n`;
}

function summarize({ name, rounds, peakKiB }, unit) {
  const good = rounds.filter(({ error }) => error === undefined);
  const speedOf = unit === 'MB/s' ? (round) => round.megabytesPerSecond : (round) => round.messagesPerSecond;
  return {
    name,
    peakKiB,
    messages: good.reduce((sum, { messages }) => sum + messages, 0),
    speed: spread(good.map(speedOf)),
    cpu: spread(good.map(({ serverCPUSecondsPer1000 }) => serverCPUSecondsPer1000)),
    serverShare: spread(good.map(({ serverCPUShare }) => serverCPUShare)),
    generatorShare: spread(good.map(({ generatorCPUShare }) => generatorCPUShare)),
    othersShare: spread(good.map(({ othersCPUShare }) => othersCPUShare)),
  };
}

function spread(values) {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

function notes(servers, summaries) {
  const failures = servers.flatMap(({ name, rounds }) =>
    rounds.flatMap(({ error }, index) =>
      error === undefined ? [] : [`**Failed**: ${name}, round ${index + 1}: ${error}.`],
    ),
  );
  const limited = summaries
    .filter(({ serverShare, generatorShare }) => generatorShare?.median >= Math.max(serverShare?.median, BUSY_SHARE))
    .map(({ name }) => `The load generator was busier than ${name}: that figure may be the generator's own limit.`);
  return [...failures, ...limited].flatMap((line) => ['', line]);
}

/** A table of Markdown, as lines. */
export function table(head, rows) {
  return [head, head.map((_, column) => (column === 0 ? '---' : '--:')), ...rows].map(
    (cells) => `| ${cells.join(' | ')} |`,
  );
}

function ratio(value, base) {
  return value === undefined || base === undefined || base.median === 0 ? '–' : (value.median / base.median).toFixed(2);
}

function share(value) {
  return percent(value?.median);
}

function percent(value) {
  return value === undefined ? '–' : `${Math.round(value * 100)} %`;
}

/** Three figures that count. */
function number(value) {
  if (value === undefined) return '–';
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3);
}

/** Below this share of a CPU a generator waits for the server, whatever the server waits for. */
const BUSY_SHARE = 0.35;
