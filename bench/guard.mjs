/**
 * `npm run bench:guard`: counts what a message costs that does not depend on the machine's speed, and fails where it has become more than
 * the committed counts allow. `--help` lists the options; docs/performance.md says what is counted.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { build } from './build.mjs';
import { canTrace, countOctets, countResources, countSystemCalls } from './guard-counts.mjs';
import { LoadGenerator } from './load-generator.mjs';

const HELP = `Usage: npm run bench:guard -- [options]

  --only PARTS       resources, octets, calls, separated by commas (all that can be counted here)
  --update           writes what was counted into bench/guard.json
  --committed FILE   another file than bench/guard.json
  --no-build         takes packages/smtpd/dist as it is`;

const MAJOR = process.versions.node.split('.')[0];

/**
 * The parts. `share`, `few`: how far a count may rise above the committed one, in parts of it and by itself: what asking for it brings with
 * it is less. `missing`: why it cannot be counted here.
 */
const PARTS = {
  resources: { count: countResources, share: 0, few: 0.05, missing: () => undefined },
  octets: {
    count: countOctets,
    share: 0.05,
    few: 64,
    // Another Node compiles other code from the same lines.
    missing: ({ node }) =>
      node === MAJOR ? undefined : `the committed counts are those of Node ${node}, and this is ${MAJOR}`,
  },
  calls: {
    count: countSystemCalls,
    share: 0,
    few: 0.2,
    missing: () => (canTrace() ? undefined : 'there is no strace that may trace here (Debian: strace)'),
  },
};

/** How much more of them there is when other programs take their time: a wait ends with whatever has come by then. */
const LOOSE_SHARES = { waits: 0.5 };
const HEAD = ['load', 'a message', 'committed', 'now', 'at most', ''];

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    committed: { type: 'string', default: fileURLToPath(new URL('guard.json', import.meta.url)) },
    update: { type: 'boolean', default: false },
    'no-build': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (options.help) print(HELP);
else await guard(options.only?.split(',') ?? Object.keys(PARTS));

async function guard(names) {
  const unknown = names.find((name) => PARTS[name] === undefined);
  if (unknown !== undefined) {
    process.stderr.write(`There is no part "${unknown}"; there are: ${Object.keys(PARTS).join(', ')}\n`);
    process.exit(2);
  }
  if (!options['no-build']) build();
  const generator = new LoadGenerator({ isNodeWanted: false });
  const committed = JSON.parse(readFileSync(options.committed, 'utf8'));
  const basis = options.update ? { ...committed, node: MAJOR } : committed;
  const possible = names.filter((name) => {
    const why = PARTS[name].missing(basis);
    if (why !== undefined) print(`${name}: not counted, because ${why}.`);
    // There every tool is there, or its setup is broken.
    if (why !== undefined && name === 'calls' && process.env.CI === 'true') process.exitCode = 1;
    return why === undefined;
  });
  // At once: nothing of it is a time.
  const entries = await Promise.all(possible.map(async (name) => [name, await PARTS[name].count(generator)]));
  const counted = Object.fromEntries(entries);
  if (possible.length === 0) return;
  if (options.update) update(basis, counted);
  else compare(committed.counts, counted);
}

function update(basis, counted) {
  const text = JSON.stringify({ ...basis, counts: { ...basis.counts, ...counted } }, rounded, 2);
  writeFileSync(options.committed, `${text}\n`);
  print(`${options.committed} is written.`);
}

/** More digits than are compared would change the file each time. */
function rounded(name, value) {
  if (typeof value !== 'number') return value;
  return name.endsWith('octets') ? Math.round(value / 10) * 10 : Math.round(value * 10) / 10;
}

function compare(committed, counted) {
  const rows = Object.entries(counted).flatMap(([part, loads]) =>
    Object.entries(loads).flatMap(([load, counts]) =>
      Object.entries(counts).map(([name, count]) => {
        const before = committed[part]?.[load]?.[name];
        return rowOf({ part, load, name, count, before });
      }),
    ),
  );
  const widths = HEAD.map((head, column) => Math.max(head.length, ...rows.map(({ cells }) => cells[column].length)));
  for (const cells of [HEAD, ...rows.map((row) => row.cells)]) {
    print(
      cells
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
        .join('  ')
        .trimEnd(),
    );
  }
  const grown = rows.filter(({ isGrown }) => isGrown);
  if (grown.length === 0) {
    print(`\n${rows.length} counts, none above what bench/guard.json allows.`);
    return;
  }
  print(
    `\n${grown.length} of ${rows.length} counts have grown. Where that is what a change is worth: npm run bench:guard -- --update`,
  );
  process.exitCode = 1;
}

function rowOf({ part, load, name, count, before }) {
  const { share: usualShare, few } = PARTS[part];
  const share = LOOSE_SHARES[name] ?? usualShare;
  const most = before === undefined ? undefined : before + Math.max(before * share, few);
  const isGrown = most === undefined || count > most;
  const isShrunk = before !== undefined && count < before - Math.max(before * share, few);
  const verdict = before === undefined ? 'NOT COMMITTED' : isGrown ? 'GROWN' : isShrunk ? 'less' : '';
  return { isGrown, cells: [load, name, text(before), text(count), text(most), verdict] };
}

function text(value) {
  return value === undefined ? '–' : value >= 100 ? String(Math.round(value)) : value.toFixed(2);
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
