/**
 * Starts the load generator: the C program, compiled on first use into a cache folder and again when its source changes; the Node
 * program where there is no C compiler, or no OpenSSL for it to do TLS with. Which one it was is part of the result.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SOURCES = ['load.c', 'wire.c', 'wire.h'].map((name) => fileURLToPath(new URL(name, import.meta.url)));
const FALLBACK = fileURLToPath(new URL('load.mjs', import.meta.url));
const CACHE = fileURLToPath(new URL('../node_modules/.cache/smtpd-bench/', import.meta.url));
/** Node brings OpenSSL's headers, and a system has its library more often than the headers. */
const NODE_HEADERS = join(dirname(dirname(process.execPath)), 'include/node');

/** How it is compiled: what does not compile and run here gives way to the next. */
const WAYS = [
  { what: 'with OpenSSL', words: ['-DWITH_TLS'], libraries: ['-lssl', '-lcrypto'] },
  {
    what: "with OpenSSL by Node's headers",
    words: ['-DWITH_TLS', `-I${NODE_HEADERS}`],
    libraries: ['-l:libssl.so.3', '-l:libcrypto.so.3'],
  },
  { what: 'without OpenSSL', words: [], libraries: [] },
];

export class LoadGenerator {
  /** What it is, for the result. */
  description;
  #plain;
  #tls;

  constructor({ isNodeWanted }) {
    const node = [process.execPath, FALLBACK];
    const { program, what, canTLS } = (isNodeWanted ? undefined : compile()) ?? { canTLS: false };
    this.#plain = program === undefined ? node : [program];
    this.#tls = canTLS ? this.#plain : node;
    this.description =
      program === undefined
        ? 'bench/load.mjs on Node (no C compiler used): it may be the limit, see its share of a CPU'
        : `bench/load.c, compiled with cc -O2 ${what}${canTLS ? '' : '; bench/load.mjs on Node for TLS'}`;
  }

  /** Sends one load and returns what was acknowledged. */
  async run(port, load) {
    const child = this.#start(port, load);
    const [line, code] = await Promise.all([child.lines.next(), child.exited]);
    if (code !== 0 || line === undefined) throw await child.failure();
    return line;
  }

  /**
   * Sends one load of sessions that last, and stands still twice: when all sessions are ready, and when all is answered and none has
   * quit.
   *
   * @param stands called both times
   * @returns what was acknowledged, and what `stands` returned
   */
  async runInPhases(port, load, stands) {
    const child = this.#start(port, { ...load, phased: 1 });
    const readings = [];
    try {
      if ((await child.lines.next()) === undefined) throw await child.failure();
      readings.push(await stands());
      child.input.write('\n');
      const sent = await child.lines.next();
      if (sent === undefined) throw await child.failure();
      readings.push(await stands());
      child.input.end('\n');
      if ((await child.exited) !== 0) throw await child.failure();
      return { sent, readings };
    } finally {
      child.end();
    }
  }

  /** Opens idle sessions and holds them until `release` is called. */
  async hold(port, sessionCount) {
    const child = this.#start(port, { idle: sessionCount });
    const line = await child.lines.next();
    if (line === undefined) throw await child.failure();
    const release = async () => {
      child.input.end();
      await child.exited;
    };
    return { ...line, release };
  }

  #start(port, load) {
    const needsTLS = load.tls === 1 || load.mode === 'handshakes';
    const [program, ...first] = needsTLS ? this.#tls : this.#plain;
    const words = [...first, port, ...Object.entries(load).flat()].map(String);
    return new Run(program, words);
  }
}

/** A load generator that runs. */
class Run {
  lines;
  input;
  /** Its exit code, when there is one. */
  exited;
  #child;
  #complaint = '';

  constructor(program, words) {
    this.#child = spawn(program, words, { stdio: 'pipe', timeout: RUN_TIME_MAX_MS });
    this.lines = new Lines(this.#child);
    this.input = this.#child.stdin;
    // Whoever has ended is not interested.
    this.input.on('error', () => undefined);
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#complaint += text;
    });
    this.exited = once(this.#child, 'close').then(([code]) => code);
  }

  /** Why it ended. */
  async failure() {
    await this.exited;
    return new Error(this.#complaint.trim() || 'the load generator ended without a result');
  }

  end() {
    this.#child.kill();
  }
}

/** @returns the program and how it was made; `undefined` where there is no compiler that does it */
function compile() {
  mkdirSync(CACHE, { recursive: true });
  const text = SOURCES.map((path) => readFileSync(path, 'utf8')).join('');
  for (const { what, words, libraries } of WAYS) {
    const key = createHash('sha256').update(text).update(words.join()).digest('hex').slice(0, 12);
    const program = `${CACHE}load-${key}`;
    const found = existsSync(program) ? abilities(program) : undefined;
    if (found !== undefined) return { program, what, canTLS: found.tls };
    // Two benches may compile at once: the name appears with the whole program behind it.
    const draft = `${program}.${process.pid}`;
    const sources = SOURCES.filter((path) => path.endsWith('.c'));
    spawnSync('cc', ['-O2', '-std=c11', ...words, '-o', draft, ...sources, ...libraries], { stdio: 'ignore' });
    const made = abilities(draft);
    if (made === undefined || made.tls !== words.includes('-DWITH_TLS')) {
      rmSync(draft, { force: true });
      continue;
    }
    renameSync(draft, program);
    return { program, what, canTLS: made.tls };
  }
  return undefined;
}

/** What a program says that it can do; `undefined` where it does not run: it may be linked with a library of another machine. */
function abilities(program) {
  const { status, stdout } = spawnSync(program, ['check'], { encoding: 'utf8' });
  return status === 0 ? JSON.parse(stdout) : undefined;
}

/** What a child says, a line of JSON at a time; `undefined` when it has nothing more to say. */
class Lines {
  #lines;

  constructor(child) {
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async next() {
    const { value } = await this.#lines.next();
    return value === undefined ? undefined : JSON.parse(value);
  }
}

/** A load that has not ended by then never will. */
const RUN_TIME_MAX_MS = 180_000;
