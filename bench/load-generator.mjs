/**
 * Starts the load generator: the C program, compiled on first use into a cache folder and again when its source changes; the Node
 * program where there is no C compiler. Which one it was is part of the result.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('load.c', import.meta.url));
const FALLBACK = fileURLToPath(new URL('load.mjs', import.meta.url));
const CACHE = fileURLToPath(new URL('../node_modules/.cache/smtpd-bench/', import.meta.url));

export class LoadGenerator {
  /** What it is, for the result. */
  description;
  #command;

  constructor({ isNodeWanted }) {
    const program = isNodeWanted ? undefined : compile();
    this.#command = program === undefined ? [process.execPath, FALLBACK] : [program];
    this.description =
      program === undefined
        ? 'bench/load.mjs on Node (no C compiler used): it may be the limit, see its share of a CPU'
        : 'bench/load.c, compiled with cc -O2';
  }

  /** Sends one load and returns what was acknowledged. */
  async run(port, load) {
    const child = this.#start(port, load);
    const [line, code] = await Promise.all([firstLine(child), exitCode(child)]);
    if (code !== 0 || line === undefined) throw new Error('The load generator stopped: see above');
    return JSON.parse(line);
  }

  /** Opens idle sessions and holds them until `release` is called. */
  async hold(port, sessionCount) {
    const child = this.#start(port, { idle: sessionCount });
    const exited = exitCode(child);
    const line = await firstLine(child);
    if (line === undefined) throw new Error('The load generator stopped: see above');
    const release = async () => {
      child.stdin.end();
      await exited;
    };
    return { ...JSON.parse(line), release };
  }

  #start(port, load) {
    const [program, ...first] = this.#command;
    const words = [...first, port, ...Object.entries(load).flat()].map(String);
    return spawn(program, words, { stdio: ['pipe', 'pipe', 'inherit'], timeout: RUN_TIME_MAX_MS });
  }
}

function compile() {
  const key = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 12);
  const program = `${CACHE}load-${key}`;
  if (existsSync(program)) return program;
  mkdirSync(CACHE, { recursive: true });
  const draft = `${program}.${process.pid}`;
  const { status } = spawnSync('cc', ['-O2', '-std=c11', '-o', draft, SOURCE], { stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) return undefined;
  // Two benches may compile at once: the name appears with the whole program behind it.
  renameSync(draft, program);
  return program;
}

async function firstLine(child) {
  for await (const line of createInterface({ input: child.stdout })) return line;
  return undefined;
}

async function exitCode(child) {
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  return code;
}

/** A load that has not ended by then never will. */
const RUN_TIME_MAX_MS = 180_000;
