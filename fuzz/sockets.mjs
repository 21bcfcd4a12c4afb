/**
 * Scenes over real sockets, each in the ways in which connections are taken: over handles alone, where Node's can be used so, and over
 * sockets. What came of one is compared with what came of the other; where it is not the same each time, with all that came of it.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { sceneOf } from './scene.mjs';

/**
 * @param {{ seed: number, sceneCount: number, seconds: number, scripts: string[], isShowing: boolean, print: (text: string) => void,
 *   stop: { isAsked: boolean } }} settings `scripts`: files of scenes, which are played first
 * @returns {Promise<number>} how many scenes had problems
 */
export async function playScenes({ seed, sceneCount, seconds, scripts, isShowing, print, stop }) {
  const startedAt = performance.now();
  const counts = { scenes: 0, handshakes: 0, wavering: 0 };
  const found = [];
  let rssBytes = 0;
  const left = [...scripts];
  for (let next = seed; left.length > 0 || next < seed + sceneCount;) {
    if ((performance.now() - startedAt) / 1_000 > seconds || found.length >= PROBLEMS_MAX || stop.isAsked) break;
    const batch = left.splice(0, BATCH);
    for (; batch.length < BATCH && next < seed + sceneCount; next += 1) batch.push(String(next));
    if (isShowing) for (const name of batch.filter(isSeed)) print(`Seed ${name}: ${shown(sceneOf(Number(name)))}`);
    const [first, second] = [await playBatch(WAYS[0], batch), await playBatch(WAYS[1], batch)];
    rssBytes = Math.max(rssBytes, first.rssBytes);
    for (const problem of [...first.problems, ...second.problems]) {
      found.push(problem.name);
      print(`\n${problem.name}: ${problem.text}`);
    }
    for (const name of batch) {
      const played = [first.results.get(name), second.results.get(name)];
      if (played.includes(undefined)) continue;
      counts.scenes += 1;
      counts.handshakes += played[0].handshakes ?? 0;
      const problems = played.flatMap(({ problems: each }, way) => each.map((problem) => `${WAYS[way]}: ${problem}`));
      const isSame =
        played.some(({ outcome }) => outcome === undefined) ||
        JSON.stringify(played[0].outcome) === JSON.stringify(played[1].outcome);
      if (problems.length === 0 && !isSame) {
        const difference = await differenceOf(name, played);
        if (difference === undefined) counts.wavering += 1;
        else problems.push(difference);
      }
      if (problems.length === 0) continue;
      found.push(name);
      print(`\n${isSeed(name) ? `Seed ${name}` : name}:\n  ${problems.join('\n  ')}`);
    }
  }
  print(
    `${counts.scenes} scenes, ${found.length} with problems; ${counts.wavering} do not end the same each time; ` +
      `${counts.handshakes} handshakes; at most ${Math.round(rssBytes / 2 ** 20)} MiB; ` +
      `${Math.round((performance.now() - startedAt) / 1_000)} s`,
  );
  if (found.length > 0)
    print(`Play one again: npm run fuzz -- --sockets --show --sessions 1 --seed N, with N from: ${found.join(', ')}`);
  return found.length;
}

/** Where both came to something else: whether both come to the same at times. @returns what is different always */
async function differenceOf(name, [first, second]) {
  const outcomes = [first, second].map(({ outcome }) => new Set([JSON.stringify(outcome)]));
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    for (const [index, way] of WAYS.entries()) {
      const { results } = await playBatch(
        way,
        Array.from({ length: REPEATS }, () => name),
        { isEach: true },
      );
      for (const { outcome } of results) outcomes[index].add(JSON.stringify(outcome));
    }
    if ([...outcomes[0]].some((outcome) => outcomes[1].has(outcome))) return undefined;
  }
  const [one, other] = outcomes.map((all) => JSON.parse([...all][0]));
  return `${WAYS[0]} and ${WAYS[1]} never end alike:\n    ${JSON.stringify(one)}\n    ${JSON.stringify(other)}`;
}

/** Plays scenes in a process of their own, to its end. */
async function playBatch(way, names, { isEach = false } = {}) {
  const results = isEach ? [] : new Map();
  const problems = [];
  let begun;
  let rssBytes = 0;
  let isDone = false;
  const child = spawn(process.execPath, [PLAYER, way, ...names], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaints = '';
  child.stderr.on('data', (text) => (complaints += text));
  let overdue;
  const patient = () => {
    clearTimeout(overdue);
    overdue = setTimeout(() => {
      problems.push({ name: begun, text: `${way}: the process hangs${isDone ? ' at its end' : ''}` });
      child.kill('SIGKILL');
    }, PATIENCE_MS);
  };
  patient();
  createInterface({ input: child.stdout }).on('line', (line) => {
    patient();
    const told = JSON.parse(line);
    if (told.begun !== undefined) begun = told.begun;
    if (told.keptAliveBy !== undefined)
      problems.push({ name: names.join(' '), text: `${way}: the process is kept alive by ${told.keptAliveBy}` });
    if (told.done === true) {
      isDone = true;
      rssBytes = told.rssBytes;
    }
    if (told.name === undefined) return;
    if (isEach) results.push(told);
    else results.set(told.name, told);
  });
  const [code, signal] = await once(child, 'close');
  clearTimeout(overdue);
  if (!isDone && signal !== 'SIGKILL')
    problems.push({ name: begun, text: `${way}: the process ended with ${signal ?? code}: ${complaints}` });
  else if (complaints !== '') problems.push({ name: names.join(' '), text: `${way}: ${complaints}` });
  return { results, problems, rssBytes };
}

function isSeed(name) {
  return /^\d+$/.test(name);
}

/** A scene for people: long texts are cut. */
function shown(scene) {
  const short = (key, value) =>
    typeof value === 'string' && value.length > 400 ? `${value.slice(0, 200)}… (${value.length} octets)` : value;
  return JSON.stringify(scene, short, 2);
}

const PLAYER = fileURLToPath(new URL('scene-player.mjs', import.meta.url));
/** What is looked at, and what it is compared with. */
const WAYS = ['handles', 'events'];
/** Scenes of one process. */
const BATCH = 50;
const ROUNDS_MAX = 5;
const REPEATS = 4;
/** More of them say nothing new. */
const PROBLEMS_MAX = 10;
const PATIENCE_MS = 60_000;
