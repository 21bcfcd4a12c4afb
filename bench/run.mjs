/**
 * `npm run bench`: builds, starts each server in its own process, loads one after the other in interleaved rounds, and prints
 * medians, spreads and ratios. `--help` lists the options; docs/performance.md says how to read what it prints.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { LoadGenerator } from './load-generator.mjs';
import { machine } from './machine.mjs';
import { measureIdle, measureWorkload } from './measure.mjs';
import { hasFailures, idleTable, resultsPage, workloadTable } from './results.mjs';
import { missing, PROXY_NAMES, SERVER_NAMES, SINK_PATH } from './server-processes.mjs';
import { IDLE, PROXY_WORKLOADS, WORKLOADS } from './workloads.mjs';

const HELP = `Usage: npm run bench -- [options]

  --rounds N          rounds of each server (5)
  --seconds F         how long a round lasts (1.2)
  --messages N        or: how many messages a round has
  --only NAMES        workloads, separated by commas (those with a star)
  --all               all workloads
  --servers NAMES     servers, separated by commas: ${SERVER_NAMES.join(', ')}
  --proxies NAMES     for the workloads through a proxy: ${PROXY_NAMES.join(', ')}
  --idle-sessions N   the crowd of the idle workload (5000)
  --json FILE         writes everything that was measured as JSON
  --write-results     writes bench/RESULTS.md
  --node-load         the load generator on Node, as where there is no C compiler
  --no-build          takes packages/smtpd/dist as it is

Workloads:
${[...WORKLOADS, ...PROXY_WORKLOADS, IDLE].map(({ name, title, isDefault }) => `  ${isDefault === true ? '*' : ' '} ${name.padEnd(22)}${title}`).join('\n')}`;

const settings = readSettings();
if (settings !== undefined) await bench(settings);

async function bench({ names, serverNames, proxyNames, rounds, amount, idleSessions, files, isNodeWanted, isBuilt }) {
  if (!isBuilt) build();
  const generator = new LoadGenerator({ isNodeWanted });
  const result = {
    date: new Date().toISOString().slice(0, 10),
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    machine: machine(),
    versions: versions(),
    generator: generator.description,
    rounds,
    amount: amount.messages === undefined ? `${amount.seconds} s` : `${amount.messages} messages`,
    workloads: [],
    idle: [],
  };
  print(`Load: ${generator.description}. ${rounds} rounds of ${result.amount}, interleaved.`);
  for (const workload of [...WORKLOADS, ...PROXY_WORKLOADS].filter(({ name }) => names.includes(name))) {
    const servers = await measureWorkload(workload, {
      serverNames: workload.isThroughProxy === true ? proxyNames : serverNames,
      rounds,
      amount,
      generator,
      onRound: (name, { error }) => {
        process.stderr.write(error === undefined ? '.' : `\n${name}: ${error}\n`);
      },
    });
    const { name, title, unit, base } = workload;
    const measured = { name, title, unit, base, servers };
    process.stderr.write('\n');
    print(`\n${workload.name}: ${workload.title}\n\n${workloadTable(measured).join('\n')}`);
    result.workloads.push(measured);
  }
  if (names.includes(IDLE.name)) {
    for (const serverName of serverNames) {
      result.idle.push(await measureIdle({ serverName, sessionCount: idleSessions, generator }));
    }
    print(`\n${IDLE.name}: ${IDLE.title}\n\n${idleTable(result.idle).join('\n')}`);
  }
  if (files.json !== undefined) writeFileSync(files.json, `${JSON.stringify(result, undefined, 2)}\n`);
  if (files.isPageWanted) writeFileSync(new URL('RESULTS.md', import.meta.url), resultsPage(result));
  if (hasFailures(result)) {
    print('\nSomething failed: see above. These figures are not to be quoted.');
    process.exitCode = 1;
  }
}

function readSettings() {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '1.2' },
      messages: { type: 'string' },
      only: { type: 'string' },
      all: { type: 'boolean', default: false },
      servers: { type: 'string' },
      proxies: { type: 'string' },
      'idle-sessions': { type: 'string', default: '5000' },
      json: { type: 'string' },
      'write-results': { type: 'boolean', default: false },
      'node-load': { type: 'boolean', default: false },
      'no-build': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    print(HELP);
    return undefined;
  }
  const known = [...WORKLOADS, ...PROXY_WORKLOADS, IDLE];
  const usual = known.filter(({ isDefault }) => values.all || isDefault === true).map(({ name }) => name);
  const names = values.all
    ? known.map(({ name }) => name)
    : chosen(
        'workload',
        values.only,
        known.map(({ name }) => name),
        usual,
      );
  const isAnyThroughProxy = PROXY_WORKLOADS.some(({ name }) => names.includes(name));
  return {
    names,
    serverNames: chosen('server', values.servers, SERVER_NAMES, SERVER_NAMES).filter(isInstalled),
    proxyNames: isAnyThroughProxy ? chosen('proxy', values.proxies, PROXY_NAMES, PROXY_NAMES).filter(isInstalled) : [],
    rounds: positive('--rounds', values.rounds),
    amount:
      values.messages === undefined
        ? { seconds: positive('--seconds', values.seconds) }
        : { messages: positive('--messages', values.messages) },
    idleSessions: positive('--idle-sessions', values['idle-sessions']),
    files: { json: values.json, isPageWanted: values['write-results'] },
    isNodeWanted: values['node-load'],
    isBuilt: values['no-build'],
  };
}

function chosen(what, given, known, usual) {
  if (given === undefined) return usual;
  const names = given.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) usage(`There is no ${what} "${unknown}"; there are: ${known.join(', ')}`);
  return known.filter((name) => names.includes(name));
}

function isInstalled(name) {
  const how = missing(name);
  if (how !== undefined) print(`${name} is not installed (${how}); the table is without it.`);
  return how === undefined;
}

function positive(name, text) {
  const value = Number(text);
  if (!(value > 0)) usage(`${name} is a number above 0, not "${text}"`);
  return value;
}

function usage(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function build() {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const root = fileURLToPath(new URL('..', import.meta.url));
  const { status } = spawnSync(process.execPath, [compiler, '-b', 'packages/smtpd/src'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}

function versions() {
  const versionIn = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version;
  return {
    node: process.version,
    smtpd: versionIn('../packages/smtpd/package.json'),
    'smtp-server': versionIn('../node_modules/smtp-server/package.json'),
    ...sinkVersion(),
  };
}

/** The sink does not tell its version, so the package manager is asked; without one the version stays out. */
function sinkVersion() {
  if (SINK_PATH === undefined) return {};
  try {
    const version = execFileSync('dpkg-query', ['-W', '-f', '${Version}', 'postfix'], { encoding: 'utf8' });
    return { 'smtp-sink (postfix)': version };
  } catch {
    return { 'smtp-sink (postfix)': 'of unknown version' };
  }
}

function print(text) {
  process.stdout.write(`${text}\n`);
}
