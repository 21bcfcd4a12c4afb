/** From rounds to tables: medians, spreads and ratios, as text. */

import { number, percent, ratio, spread, table } from './figures.mjs';
import { goalsTable } from './goals.mjs';
import { growthSection } from './growth.mjs';
import { machineRows } from './machine.mjs';
import { UNITS } from './units.mjs';

/** The server whose figures are 1, where the workload names no other. */
const BASE = 'smtp-server';
const FLOOR = 'floor';

/** The table of a workload, and what went wrong, each as lines of Markdown. */
export function workloadTable({ unit, servers, knownFailures = {}, base: baseName = BASE }) {
  const { count } = UNITS[unit];
  const summaries = servers.map((server) => summarize(server, count));
  const base = summaries.find(({ name }) => name === baseName);
  const floor = summaries.find(({ name }) => name === FLOOR);
  const columns = [
    ['server', ({ name }) => name],
    [
      `${unit}: median (min–max)`,
      ({ speed }) =>
        speed === undefined ? 'failed' : `${number(speed.median)} (${number(speed.min)}–${number(speed.max)})`,
    ],
    base && [`× ${baseName}`, ({ speed }) => ratio(speed?.median, base.speed?.median)],
    floor && [`× ${FLOOR}`, ({ speed }) => ratio(speed?.median, floor.speed?.median)],
    [`CPU s / 1,000 ${count}`, ({ cpu }) => number(cpu?.median)],
    base && [`CPU × ${baseName}`, ({ cpu }) => ratio(cpu?.median, base.cpu?.median)],
    floor && [`CPU × ${FLOOR}`, ({ cpu }) => ratio(cpu?.median, floor.cpu?.median)],
    ['peak MiB', ({ peakKiB }) => (peakKiB === undefined ? '–' : number(peakKiB / 1024))],
    ['server CPU', ({ serverShare }) => percent(serverShare?.median)],
    ['load CPU', ({ generatorShare }) => percent(generatorShare?.median)],
    ['others (most)', ({ othersShare }) => `${percent(othersShare?.median)} (${percent(othersShare?.max)})`],
    [count === 'messages' ? 'messages received' : count, ({ total }) => (total === 0 ? '–' : String(total))],
  ].filter((column) => column !== undefined);
  return [
    ...table(
      columns.map(([head]) => head),
      summaries.map((summary) => columns.map(([, cell]) => cell(summary))),
    ),
    ...notes(servers, summaries, knownFailures),
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
          percent(entry.givenBack),
          number(entry.openingSeconds),
        ]
      : [entry.name, String(entry.sessions), `failed: ${entry.error}`, '–', '–', '–', '–', '–'],
  );
  return table(
    [
      'server',
      'sessions',
      'KiB a session',
      'empty, MiB',
      'with them, MiB',
      'after they left, MiB',
      'given back',
      'seconds to open',
    ],
    rows,
  );
}

/** Whether something failed that is not known to fail. */
export function hasFailures({ workloads, idle, growth }) {
  return (
    workloads.some(({ servers, knownFailures = {} }) =>
      servers.some(
        ({ name, rounds }) => knownFailures[name] === undefined && rounds.some(({ error }) => error !== undefined),
      ),
    ) ||
    idle.some(({ error }) => error !== undefined) ||
    growth.some(({ error }) => error !== undefined)
  );
}

/** The page of results: the goals, what was measured on, and all tables. */
export function resultsPage(result) {
  const lines = [
    '# Results of the bench',
    '',
    'Written by the bench (`--write-results`). What the columns mean, and what to make of them: [docs/performance.md](../docs/performance.md).',
    '',
    ...table(
      ['', ''],
      [
        ...machineRows(result.machine, result.date),
        ['versions', versionsText(result.versions)],
        ['command', `\`${result.command}\``],
        ['rounds', `${result.rounds}, interleaved, ${result.amount} each`],
        ['load', result.generator],
      ],
    ),
    ...result.absent.flatMap((line) => ['', line]),
    '',
    '## Goals',
    '',
    ...goalsTable(result, { isWhole: true }),
  ];
  for (const workload of result.workloads) {
    lines.push('', `## ${workload.name}: ${workload.title}`, '', ...workloadTable(workload));
  }
  if (result.idle.length > 0) lines.push('', '## idle: sessions after EHLO', '', ...idleTable(result.idle));
  if (result.growth.length > 0) lines.push('', '## growth', '', ...growthSection(result.growth, { isPictured: true }));
  return `${lines.join('\n')}\n`;
}

export function versionsText(versions) {
  return Object.entries(versions)
    .map((entry) => entry.join(' '))
    .join(', ');
}

function summarize({ name, rounds, peakKiB }, count) {
  const good = rounds.filter(({ error }) => error === undefined);
  return {
    name,
    peakKiB,
    total: good.reduce((sum, round) => sum + round[count], 0),
    speed: spread(good.map(({ speed }) => speed)),
    cpu: spread(good.map(({ serverCPUSecondsPer1000 }) => serverCPUSecondsPer1000)),
    serverShare: spread(good.map(({ serverCPUShare }) => serverCPUShare)),
    generatorShare: spread(good.map(({ generatorCPUShare }) => generatorCPUShare)),
    othersShare: spread(good.map(({ othersCPUShare }) => othersCPUShare)),
  };
}

function notes(servers, summaries, knownFailures) {
  const failures = servers.flatMap(({ name, rounds }) =>
    rounds.flatMap(({ error }, index) =>
      error === undefined ? [] : [failure({ name, index, error, known: knownFailures[name] })],
    ),
  );
  const limited = summaries
    .filter(({ serverShare, generatorShare }) => generatorShare?.median >= Math.max(serverShare?.median, BUSY_SHARE))
    .map(({ name }) => `The load generator was busier than ${name}: that figure may be the generator's own limit.`);
  return [...failures, ...limited].flatMap((line) => ['', line]);
}

function failure({ name, index, error, known }) {
  const how = known === undefined ? '**Failed**' : `Known to fail (${known})`;
  return `${how}: ${name}, round ${index + 1}: ${error}.`;
}

/** Below this share of a CPU a generator waits for the server, whatever the server waits for. */
const BUSY_SHARE = 0.35;
