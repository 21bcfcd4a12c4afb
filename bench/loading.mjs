/**
 * `npm run bench:loading`: what `import 'smtpd'` takes, as it is published and file by file, each time in a process of its own: time until it is
 * there, and what the heap's old generation holds then and when a server listens. docs/performance.md has the table.
 */
import { fileURLToPath } from 'node:url';
import { getHeapSpaceStatistics } from 'node:v8';

import { number, spread, table } from './figures.mjs';

const ROUNDS = 9;
const MIB = 1_048_576;
const VARIANTS = [
  { name: 'file by file', path: '../packages/smtpd/dist/modules/index.js' },
  { name: 'as published', path: '../packages/smtpd/dist/index.js' },
];
/** Memory that is new, and what comes with the snapshot that Node starts from. */
const OTHER_SPACES = /^(?:new_|read_only_|shared_)/;

if (process.argv[2] === undefined) await report();
else process.stdout.write(JSON.stringify(await load(process.argv[2])));

async function report() {
  // Not in the processes that are measured: it brings half of what a server needs.
  const { execFileSync } = await import('node:child_process');
  const own = fileURLToPath(import.meta.url);
  const rounds = new Map(VARIANTS.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { name, path } of VARIANTS) {
      const output = execFileSync(process.execPath, ['--expose-gc', own, path], { encoding: 'utf8' });
      rounds.get(name).push(JSON.parse(output));
    }
  }
  const rows = [...rounds].map(([name, results]) => [
    name,
    ...['importMs', 'importMiB', 'listeningMiB'].map((key) => number(spread(results.map((each) => each[key])).median)),
  ]);
  const head = ['', "import 'smtpd', ms", 'held by it, MiB', 'held by the process when it listens, MiB'];
  process.stdout.write(`${table(head, rows).join('\n')}\n`);
}

/** In the process that is measured. */
async function load(path) {
  const emptyMiB = heldMiB();
  const startedAt = performance.now();
  const { SMTPServer } = await import(path);
  const importMs = performance.now() - startedAt;
  const importMiB = heldMiB() - emptyMiB;
  class Server extends SMTPServer {
    processMessage() {}
  }
  const server = new Server({ localAddress: '127.0.0.1:0' });
  await server.listen();
  const listeningMiB = heldMiB();
  await server.close();
  return { importMs, importMiB, listeningMiB };
}

function heldMiB() {
  for (let count = 0; count < 3; count += 1) globalThis.gc();
  const spaces = getHeapSpaceStatistics().filter(({ space_name: name }) => !OTHER_SPACES.test(name));
  return spaces.reduce((total, { space_used_size: octets }) => total + octets, 0) / MIB;
}
