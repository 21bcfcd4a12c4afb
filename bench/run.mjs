/**
 * `npm run bench`: builds, starts each server in its own process, loads one after the other in interleaved rounds, and prints
 * medians, spreads and ratios. `--help` lists the options; docs/performance.md says how to read what it prints.
 */
import { writeFileSync } from 'node:fs';

import { build } from './build.mjs';
import { makeCertificate } from './certificate.mjs';
import { measureIdle, sessionsPossible } from './crowd.mjs';
import { goalsTable } from './goals.mjs';
import { growthPicture } from './growth-picture.mjs';
import { growthSection, measureGrowth } from './growth.mjs';
import { LoadGenerator } from './load-generator.mjs';
import { commandLine, machine } from './machine.mjs';
import { measureWorkload } from './measure.mjs';
import { HELP, readOptions } from './options.mjs';
import { installPeers, missing, SERVERS, versionsOf } from './peers.mjs';
import { hasFailures, idleTable, resultsPage, versionsText, workloadTable } from './results.mjs';
import { IDLE } from './workloads.mjs';

/** Growth is one cost against another of the same server, so it takes fewer rounds than a comparison of servers. */
const GROWTH_ROUNDS = 3;

const options = readOptions(process.argv.slice(2));
if (options.isHelpWanted) print(HELP);
else await bench(options);

async function bench({ workloads, isIdleWanted, isGrowthWanted, rounds, amount, idleSessions, inbox, files, ...how }) {
  if (how.isInstallWanted) installPeers();
  if (!how.isBuilt) build();
  const absent = [];
  const serverNames = here(how.serverNames, absent);
  const proxyNames = workloads.some(({ isThroughProxy }) => isThroughProxy) ? here(how.proxyNames, absent) : [];
  for (const line of absent) print(line);
  const generator = new LoadGenerator({ isNodeWanted: how.isNodeWanted });
  const result = {
    date: new Date().toISOString().slice(0, 10),
    command: commandLine('bench'),
    machine: machine(),
    versions: versionsOf([...serverNames, ...proxyNames]),
    generator: generator.description,
    rounds,
    amount: amount.messages === undefined ? `${amount.seconds} s` : `${amount.messages} messages`,
    absent,
    workloads: [],
    idle: [],
    growth: [],
    inbox,
  };
  const say = how.isGoalsWanted ? () => undefined : print;
  print(
    `${versionsText(result.versions)}.\nLoad: ${generator.description}. ${rounds} rounds of ${result.amount}, interleaved.`,
  );
  const certificate = await makeCertificate();
  try {
    for (const workload of workloads) {
      const measured = await measure(workload, { serverNames, proxyNames, rounds, amount, generator, certificate });
      say(`\n${workload.name}: ${workload.title}\n\n${workloadTable(measured).join('\n')}`);
      result.workloads.push(measured);
    }
    if (isIdleWanted) {
      result.idle = await measureIdles(serverNames, idleSessions, generator);
      say(`\n${IDLE.name}: ${IDLE.title}\n\n${idleTable(result.idle).join('\n')}`);
    }
    if (isGrowthWanted) {
      const onPoint = () => process.stderr.write('.');
      result.growth = await measureGrowth({
        generator,
        rounds: Math.min(rounds, GROWTH_ROUNDS),
        sessionsMax: sessionsPossible(Infinity),
        onPoint,
      });
      say(`\n\ngrowth\n\n${growthSection(result.growth, { isPictured: false }).join('\n')}`);
    }
  } finally {
    certificate.remove();
  }
  const goals = goalsTable(result, { isWhole: how.isGoalsWanted });
  if (goals.length > 0) print(`\nGoals\n\n${goals.join('\n')}`);
  if (files.json !== undefined) writeFileSync(files.json, `${JSON.stringify(result, undefined, 2)}\n`);
  if (files.isPageWanted) writeResults(result);
  if (hasFailures(result)) {
    print('\nSomething failed: see above. These figures are not to be quoted.');
    process.exitCode = 1;
  }
}

async function measure(workload, { serverNames, proxyNames, rounds, amount, generator, certificate }) {
  const { name, title, unit, base, needs, load, knownFailures, isThroughProxy = false } = workload;
  const { keyFile, certFile } = certificate;
  const sessions = sessionsPossible(load.sessions);
  if (sessions < load.sessions) print(`\n${name}: ${sessions} sessions instead of ${load.sessions}: see ulimit -Hn.`);
  const servers = await measureWorkload(
    { ...workload, load: { ...load, sessions } },
    {
      serverNames: isThroughProxy ? proxyNames : serverNames.filter((each) => !SERVERS[each].lacks.includes(needs)),
      rounds,
      amount,
      generator,
      settings: { ...workload.settings, ...(needs === 'tls' ? { tls: { keyFile, certFile } } : {}) },
      onRound: (server, { error }) => {
        process.stderr.write(error === undefined ? '.' : `\n${server}: ${error}\n`);
      },
    },
  );
  process.stderr.write('\n');
  return { name, title, unit, base, knownFailures, servers };
}

async function measureIdles(serverNames, wanted, generator) {
  const sessionCount = sessionsPossible(wanted);
  if (sessionCount < wanted) print(`\n${IDLE.name}: ${sessionCount} sessions instead of ${wanted}: see ulimit -Hn.`);
  const entries = [];
  for (const serverName of serverNames) entries.push(await measureIdle({ serverName, sessionCount, generator }));
  return entries;
}

function writeResults(result) {
  writeFileSync(new URL('RESULTS.md', import.meta.url), resultsPage(result));
  if (result.growth.length > 0) writeFileSync(new URL('growth.svg', import.meta.url), growthPicture(result.growth));
}

/** Those that are on this machine; what is said of the others goes into `absent`. */
function here(names, absent) {
  return names.filter((name) => {
    const how = missing(name);
    if (how !== undefined) absent.push(`${name} is not installed (${how}): the tables are without it.`);
    return how === undefined;
  });
}

function print(text) {
  process.stdout.write(`${text}\n`);
}
