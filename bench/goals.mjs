/** What is aimed at, and how near we are: one row for each goal. Ratios are of medians of the same interleaved rounds. */
import { number, ratio, ratioOf, spread, table } from './figures.mjs';

/**
 * `of`: which figure is compared, the speed or the CPU time of what is counted; `with`: whose figure is 1; `server`: who has the goal,
 * where it is not the server itself; `floor`: who does the same with socket calls alone, where it is not the floor. A ratio of speeds is at
 * least its goal, one of CPU times at most.
 */
const GOALS = [
  { workload: 'small', with: 'smtp-server', goal: 2.2 },
  { workload: 'small', with: 'smtp-sink', goal: 1.05 },
  { workload: 'small', of: 'cpu', with: 'smtp-server', goal: 0.5 },
  { workload: 'per-connection', with: 'smtp-sink', goal: 0.85 },
  { workload: 'per-connection-400', with: 'smtp-server', goal: 2.7 },
  { workload: 'medium', with: 'smtp-server', goal: 2.4 },
  { workload: 'large', with: 'smtp-server', goal: 7.5 },
  { workload: 'stuffed', with: 'smtp-server', goal: 11 },
  { workload: 'short-lines', with: 'smtp-server', goal: 1.2 },
  { workload: 'recipients', with: 'smtp-server', goal: 2.1 },
  { workload: 'pipelined', with: 'smtp-server', goal: 4 },
  { workload: 'behind-dot', with: 'smtp-server', goal: 6 },
  { workload: 'recipients-pipelined', with: 'smtp-server', goal: 30 },
  { workload: 'tls-handshakes', with: 'smtp-server', goal: 8 },
  { workload: 'tls-large', with: 'smtp-server', goal: 2.2 },
  { workload: 'tls-small', with: 'smtp-server', goal: 1.85 },
  { workload: 'bdat', with: 'floor', goal: 0.7 },
  { workload: 'proxy-small', server: 'smtpd-proxy', with: 'glue-proxy', floor: 'floor-proxy', goal: 4.5 },
  { workload: 'proxy-large', server: 'smtpd-proxy', with: 'glue-proxy', floor: 'floor-proxy', goal: 2.2 },
  { workload: 'capture-10-1k', server: 'inbox-durable', with: 'maildev', goal: 4 },
  { workload: 'capture-50-1k', server: 'inbox-durable', with: 'maildev', goal: 12 },
];
/** The unit of what was not measured. */
const NO_FIGURE = '–';
const IDLE_KIB_MAX = 7.5;
const INBOX_PAGE = '[INBOX-RESULTS.md](INBOX-RESULTS.md)';

/** The table of the goals, as lines of Markdown. `isWhole`: with those that were not measured, which say so. No lines: nothing was. */
export function goalsTable({ workloads, idle, inbox = [] }, { isWhole }) {
  const all = [...GOALS.map((goal) => goalRow(goal, [...workloads, ...inbox])), idleRow(idle), burstRow(workloads)];
  const rows = isWhole ? all : all.filter(([, unit]) => unit !== NO_FIGURE);
  if (rows.length === 0) return [];
  return [
    ...table(['workload', 'unit', 'measured', '×', 'goal', '', 'CPU × the same', '× floor', 'CPU × floor'], rows),
    '',
    '*CPU × the same*: CPU time for the same work, against the server that the goal names. *× floor*: against the bare socket calls.',
  ];
}

function goalRow(
  { workload: name, of = 'speed', server = 'smtpd', with: baseName, floor: floorName = 'floor', goal },
  workloads,
) {
  const workload = workloads.find((each) => each.name === name);
  const aim = `${of === 'cpu' ? '≤' : '≥'} ${goal} × ${baseName}`;
  if (workload === undefined) {
    const where = name.startsWith('capture') ? INBOX_PAGE : 'not measured';
    return [name, NO_FIGURE, where, '–', aim, '–', '–', '–', '–'];
  }
  const ours = mediansOf(workload, server);
  const base = mediansOf(workload, baseName);
  const floor = mediansOf(workload, floorName);
  const times = ratioOf(ours[of], base[of]);
  const isMet = times === undefined ? undefined : of === 'cpu' ? times <= goal : times >= goal;
  return [
    name,
    of === 'cpu' ? 'CPU s / 1,000' : workload.unit,
    number(ours[of]),
    times?.toFixed(2) ?? '–',
    aim,
    verdict(isMet),
    ratio(ours.cpu, base.cpu),
    ratio(ours.speed, floor.speed),
    ratio(ours.cpu, floor.cpu),
  ];
}

function idleRow(idle) {
  const kibOf = (name) => idle.find((entry) => entry.name === name)?.perSessionKiB;
  const ours = kibOf('smtpd');
  return [
    'idle',
    ours === undefined ? NO_FIGURE : 'KiB a session',
    ours === undefined ? 'not measured' : number(ours),
    ratio(ours, kibOf('smtp-server')),
    `≤ ${IDLE_KIB_MAX} KiB`,
    verdict(ours === undefined ? undefined : ours <= IDLE_KIB_MAX),
    '–',
    ratio(ours, kibOf('floor')),
    '–',
  ];
}

/** Whoever was not greeted would have failed the round. */
function burstRow(workloads) {
  const rounds = workloads.find(({ name }) => name === 'burst')?.servers.find(({ name }) => name === 'smtpd')?.rounds;
  if (rounds === undefined) return ['burst', NO_FIGURE, 'not measured', '–', 'all greeted', '–', '–', '–', '–'];
  const good = rounds.filter(({ error }) => error === undefined);
  const seconds = spread(good.map((round) => round.seconds))?.median;
  return [
    'burst',
    's to the last',
    number(seconds),
    '–',
    'all greeted',
    verdict(good.length === rounds.length),
    '–',
    '–',
    '–',
  ];
}

function mediansOf({ servers }, name) {
  const good = servers.find((server) => server.name === name)?.rounds.filter(({ error }) => error === undefined) ?? [];
  return {
    speed: spread(good.map(({ speed }) => speed))?.median,
    cpu: spread(good.map(({ serverCPUSecondsPer1000 }) => serverCPUSecondsPer1000))?.median,
  };
}

function verdict(isMet) {
  return isMet === undefined ? '–' : isMet ? 'met' : '**missed**';
}
