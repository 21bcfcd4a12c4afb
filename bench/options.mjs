/** The command line of `npm run bench`: what there is, and what was asked for, complete. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { COMPARED_SERVER_NAMES, PROXY_NAMES, SERVER_NAMES, USUAL_SERVER_NAMES } from './peers.mjs';
import { IDLE, PROXY_WORKLOADS, WORKLOADS } from './workloads.mjs';

const KNOWN = [...WORKLOADS, ...PROXY_WORKLOADS, IDLE];
const OPTIONS = {
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '1' },
  messages: { type: 'string' },
  only: { type: 'string' },
  all: { type: 'boolean', default: false },
  growth: { type: 'boolean', default: false },
  servers: { type: 'string' },
  proxies: { type: 'string' },
  install: { type: 'boolean', default: false },
  'idle-sessions': { type: 'string', default: '10000' },
  goals: { type: 'boolean', default: false },
  'inbox-json': { type: 'string' },
  json: { type: 'string' },
  'write-results': { type: 'boolean', default: false },
  'node-load': { type: 'boolean', default: false },
  'no-build': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
};

export const HELP = `Usage: npm run bench -- [options]

  --rounds N          rounds of each server (5)
  --seconds F         how long a round lasts (1)
  --messages N        or: how many messages a round has
  --only NAMES        workloads, separated by commas (those with a star)
  --all               all workloads, with all servers
  --growth            what a message costs as sessions, recipients and octets grow; alone unless workloads are asked for
  --servers NAMES     servers, separated by commas: ${SERVER_NAMES.join(', ')}
                      (${USUAL_SERVER_NAMES.join(', ')})
  --proxies NAMES     for the workloads through a proxy: ${PROXY_NAMES.join(', ')}
  --install           installs Haraka into a cache folder first
  --idle-sessions N   the crowd of the idle workload (10000)
  --goals             prints the table of the goals alone
  --inbox-json FILE   what npm run bench:inbox wrote with --json, for the goals of capturing
  --json FILE         writes everything that was measured as JSON
  --write-results     writes bench/RESULTS.md, and the picture of growth
  --node-load         the load generator on Node, as where there is no C compiler
  --no-build          takes packages/smtpd/dist as it is

Workloads:
${KNOWN.map(({ name, title, isDefault }) => `  ${isDefault ? '*' : ' '} ${name.padEnd(22)}${title}`).join('\n')}`;

/** Reads the command line; what it cannot be ends the process with 2. */
export function readOptions(words) {
  const values = parsed(words);
  const usual = KNOWN.filter(({ isDefault }) => isDefault && !values.growth).map(({ name }) => name);
  const all = KNOWN.map(({ name }) => name);
  const names = values.all ? all : chosen('workload', values.only, all, usual);
  return {
    isHelpWanted: values.help,
    workloads: [...WORKLOADS, ...PROXY_WORKLOADS].filter(({ name }) => names.includes(name)),
    isIdleWanted: names.includes(IDLE.name),
    isGrowthWanted: values.growth,
    serverNames: chosen(
      'server',
      values.servers,
      SERVER_NAMES,
      values.all ? COMPARED_SERVER_NAMES : USUAL_SERVER_NAMES,
    ),
    proxyNames: chosen('proxy', values.proxies, PROXY_NAMES, PROXY_NAMES),
    rounds: whole('--rounds', values.rounds),
    amount:
      values.messages === undefined
        ? { seconds: positive('--seconds', values.seconds) }
        : { messages: whole('--messages', values.messages) },
    idleSessions: whole('--idle-sessions', values['idle-sessions']),
    inbox: values['inbox-json'] === undefined ? [] : inboxWorkloads(values['inbox-json']),
    files: { json: values.json, isPageWanted: values['write-results'] },
    isInstallWanted: values.install,
    isGoalsWanted: values.goals,
    isNodeWanted: values['node-load'],
    isBuilt: values['no-build'],
  };
}

function parsed(words) {
  try {
    return parseArgs({ args: words, options: OPTIONS }).values;
  } catch (error) {
    return usage(`${error.message}\n\n${HELP}`);
  }
}

function inboxWorkloads(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).workloads;
  } catch (error) {
    return usage(`--inbox-json: ${error.message}`);
  }
}

function chosen(what, given, known, usual) {
  if (given === undefined) return usual;
  const names = given.split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) usage(`There is no ${what} "${unknown}"; there are: ${known.join(', ')}`);
  return known.filter((name) => names.includes(name));
}

function positive(name, text) {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) usage(`${name} is a number above 0, not "${text}"`);
  return value;
}

function whole(name, text) {
  const value = positive(name, text);
  if (!Number.isInteger(value)) usage(`${name} is a whole number, not "${text}"`);
  return value;
}

function usage(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
