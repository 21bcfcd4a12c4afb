/**
 * `npm run fuzz`: plays generated sessions against servers of several configurations and compares what they do with the reference model.
 * One seed, one session: what failed is played again with `--seed N --sessions 1`. `--help` lists the options; docs/security.md says what
 * is held to.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { configurationOf, CONFIGURATION_NAMES } from './configurations.mjs';
import { exchangesOf, sessionOf } from './grammar.mjs';
import { textOf } from './packet-text.mjs';
import { cleanSession, play } from './play.mjs';
import { MemoryTarget, ProcessTarget } from './targets.mjs';

const HELP = `Usage: npm run fuzz -- [options]

  --seed N             the seed of the first session; the next has the next seed (1)
  --sessions N         how many sessions (2000)
  --seconds N          ends after that time, whatever --sessions says
  --only NAMES         configurations, separated by commas: ${CONFIGURATION_NAMES.join(', ')}
  --transport NAME     memory, tcp, or both: one session in eight over TCP, and all those with TLS (both)
  --corpus             plays fuzz/corpus/*.json before
  --script FILE        plays one session, as fuzz/corpus/ has them, and nothing else
  --differential       compares with Postfix's smtpd instead, which root alone can start; with --seed, --sessions, --seconds, --show
  --sockets            plays scenes over real sockets instead, with clients and applications that do not behave, in two ways; with --seed,
                       --sessions, --seconds, --corpus, --script, --show
  --show               prints the sessions, too

SIGINT and SIGTERM end it after the session under way.`;

/** Plays seeds against Postfix and ours. */
async function differ({ seed, sessionCount, seconds, isShowing }) {
  const { compare, openBoth, wrongRows } = await import('./differential.mjs');
  const startedAt = performance.now();
  const stop = stopOnSignal();
  const both = await openBoth();
  const counts = new Map();
  let compared = 0;
  let played = 0;
  let problems = 0;
  const complain = (text) => {
    problems += 1;
    print(`\n${text}`);
  };
  try {
    for (const row of await wrongRows(both)) complain(`The example shows something else: ${row}`);
    for (; played < sessionCount && problems < PROBLEMS_MAX && !stop.isAsked; played += 1) {
      if ((performance.now() - startedAt) / 1_000 > seconds) break;
      const exchanges = exchangesOf(seed + played);
      if (isShowing) print(`Seed ${seed + played}: ${JSON.stringify(exchanges, undefined, 2)}`);
      const { difference, compared: count } = await compare(exchanges, both);
      compared += count;
      if (difference?.row !== undefined) {
        counts.set(difference.row.what, (counts.get(difference.row.what) ?? 0) + 1);
      } else if (difference !== undefined) {
        const { exchange, earlier, our, their } = difference;
        const before = earlier.at(-1)?.exchange;
        const shown = JSON.stringify({ before, exchange, our, their }, undefined, 2);
        complain(`Seed ${seed + played}: not explained: ${shown}`);
      }
    }
  } finally {
    await both.close();
  }
  for (const [what, count] of counts) print(`${String(count).padStart(6)}  ${what}`);
  print(`${played} sessions, ${compared} commands compared, ${problems} differences not explained`);
  return problems === 0 ? 0 : 1;
}

/** `isAsked` says whether somebody wants it to end. */
function stopOnSignal() {
  const stop = { isAsked: false };
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.once(signal, () => {
      stop.isAsked = true;
    });
  }
  return stop;
}

async function fuzz({ seed, sessionCount, seconds, names, transports, scripts, isShowing }) {
  const startedAt = performance.now();
  const memory = new MemoryTarget();
  const child = transports.includes('tcp') ? await ProcessTarget.open() : undefined;
  const found = [];
  let played = 0;
  let unsure = 0;
  let handshakes = 0;
  const stop = stopOnSignal();
  const strayFaults = [];
  process.on('uncaughtException', (error) => strayFaults.push(`Uncaught: ${error.stack}`));
  process.on('unhandledRejection', (error) => strayFaults.push(`Unhandled: ${error?.stack ?? error}`));

  const check = async (session, target, source) => {
    const place = target.of(session.configuration);
    if (isShowing) print(`${source} (${target.name}): ${JSON.stringify(session, undefined, 2)}`);
    let problems;
    try {
      const first = await play(session, place);
      if (first.isUnsure) unsure += 1;
      handshakes += first.handshakes;
      problems = first.problems;
      const after = await play(cleanSession(place.configuration), place);
      problems.push(...after.problems.map((problem) => `A clean transaction afterwards: ${problem}`));
    } catch (error) {
      problems = [error.stack];
    }
    problems.push(...place.takeFaults().map((fault) => `Logged as a fault: ${fault}`), ...strayFaults.splice(0));
    if (target.rssBytes() > RSS_BYTES_MAX) problems.push(`The process has grown to ${target.rssBytes()} octets`);
    played += 1;
    if (problems.length === 0) return;
    found.push(source);
    print(`\n${source} (${target.name}, ${session.configuration}):\n  ${problems.join('\n  ')}`);
  };

  for (const { name, session, seed: itsSeed } of scripts) {
    const replayed = session ?? sessionOf(itsSeed);
    if (!needsSocket(replayed)) await check(replayed, memory, name);
    if (child !== undefined) await check(replayed, child, name);
  }
  for (let index = 0; index < sessionCount && found.length < PROBLEMS_MAX && !stop.isAsked; index += 1) {
    if ((performance.now() - startedAt) / 1_000 > seconds) break;
    const itsSeed = seed + index;
    const session = sessionOf(itsSeed, { names });
    const isOverTCP = child !== undefined && (transports.length === 1 || itsSeed % 8 === 0 || needsSocket(session));
    await check(session, isOverTCP ? child : memory, `Seed ${itsSeed}`);
  }
  const [rss, childRSS] = [memory, child].map((target) => Math.round((target?.rssBytes() ?? 0) / 2 ** 20));
  await memory.close();
  await child?.close();
  print(
    `${played} sessions, ${found.length} with problems, ${unsure} of which the model was not sure; ${handshakes} handshakes; ` +
      `memory at the end: ${rss} MiB here, ${childRSS} MiB in the server's process; ` +
      `${Math.round((performance.now() - startedAt) / 1_000)} s`,
  );
  if (found.length === 0) return 0;
  const only = names === CONFIGURATION_NAMES ? '' : ` --only ${names.join(',')}`;
  print(`Play one again: npm run fuzz -- --show --sessions 1${only} --seed N, with N from: ${found.join(', ')}`);
  return 1;
}

function runAs(settings) {
  if (settings.isOnSockets) return playOnSockets(settings);
  return settings.isDifferential ? differ(settings) : fuzz(settings);
}

async function playOnSockets({ sessionCount, ...settings }) {
  const { playScenes } = await import('./sockets.mjs');
  const problems = await playScenes({ ...settings, sceneCount: sessionCount, stop: stopOnSignal(), print });
  return problems === 0 ? 0 : 1;
}

function readSettings() {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      sessions: { type: 'string', default: '2000' },
      seconds: { type: 'string', default: 'Infinity' },
      only: { type: 'string' },
      transport: { type: 'string', default: 'both' },
      corpus: { type: 'boolean', default: false },
      script: { type: 'string' },
      differential: { type: 'boolean', default: false },
      sockets: { type: 'boolean', default: false },
      show: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    print(HELP);
    return undefined;
  }
  const inMemory = CONFIGURATION_NAMES.filter((name) => !configurationOf(name).needsSocket);
  const names = values.only?.split(',') ?? (values.transport === 'memory' ? inMemory : CONFIGURATION_NAMES);
  const unknown = names.find((name) => !CONFIGURATION_NAMES.includes(name));
  if (unknown !== undefined)
    usage(`There is no configuration "${unknown}"; there are: ${CONFIGURATION_NAMES.join(', ')}`);
  const transports = { both: ['memory', 'tcp'], memory: ['memory'], tcp: ['tcp'] }[values.transport];
  if (transports === undefined) usage('--transport is memory, tcp or both');
  if (values.transport === 'memory' && names.some((name) => !inMemory.includes(name)))
    usage(`In memory there is no TLS; there are: ${inMemory.join(', ')}`);
  return {
    seed: number('--seed', values.seed),
    sessionCount: values.script === undefined ? number('--sessions', values.sessions) : 0,
    seconds: number('--seconds', values.seconds),
    names,
    transports,
    scripts: values.sockets ? scenes(values) : sessions(values),
    isDifferential: values.differential,
    isOnSockets: values.sockets,
    isShowing: values.show,
  };
}

/** What once found something, and what was written by hand: a seed, or a session of its own. */
function sessions({ corpus, script }) {
  return [...(corpus ? filesIn('corpus/') : []), ...(script === undefined ? [] : [script])].map(readScript);
}

/** The same of scenes, by their files. */
function scenes({ corpus, script }) {
  return [...(corpus ? filesIn('scenes/').map(fileURLToPath) : []), ...(script === undefined ? [] : [script])];
}

function filesIn(name) {
  const folder = new URL(name, import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .toSorted()
    .map((file) => new URL(file, folder));
}

function readScript(file) {
  const { session, seed } = JSON.parse(readFileSync(file, 'utf8'));
  const written = session && { ...session, packets: session.packets.map(textOf) };
  return { name: String(file).replace(/^.*\//, ''), session: written, seed };
}

function needsSocket({ configuration }) {
  return configurationOf(configuration).needsSocket;
}

function number(name, text) {
  const value = Number(text);
  if (!(value >= 0)) usage(`${name} is a number, not "${text}"`);
  return value;
}

function usage(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function print(text) {
  process.stdout.write(`${text}\n`);
}

/** More of them say nothing new. */
const PROBLEMS_MAX = 20;
/** Far above what a process needs for one session at a time, far below what one that forgets nothing comes to in an hour. */
const RSS_BYTES_MAX = 400 * 2 ** 20;

const settings = readSettings();
if (settings !== undefined) process.exitCode = await runAs(settings);
