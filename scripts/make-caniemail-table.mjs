/**
 * Makes `packages/smtpd-inbox/src/mail/caniemail-data.ts` from the data file of https://www.caniemail.com (its `api/data.json`, which the
 * npm package `caniemail` has too, as `data/caniemail.json`):
 *
 *     node scripts/make-caniemail-table.mjs FILE
 *
 * The licence of the data is in `packages/smtpd-inbox/LICENSE-caniemail`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Give the data file: node scripts/make-caniemail-table.mjs caniemail.json');

// Versions that are whole numbers would be put before all others: with a letter before them they stay where they are.
const source = readFileSync(file, 'utf8').replace(/"(\d+)":/g, '"v$1":');
const { last_update_date: date, nicenames: names, data } = JSON.parse(source);

const programs = [];
const columnOf = new Map();
for (const { stats } of data) {
  for (const [family, platforms] of Object.entries(stats)) {
    for (const platform of Object.keys(platforms)) {
      const key = `${family}/${platform}`;
      if (columnOf.has(key)) continue;
      columnOf.set(key, programs.length);
      programs.push(`${names.family[family] ?? family} (${names.platform[platform] ?? platform})`);
    }
  }
}

const features = data.map(({ slug, title, stats, notes_by_num: notes }) => {
  // y: supported, a: in part, n: not, -: nobody tried.
  const support = Array.from(programs, () => '-');
  const used = new Set();
  for (const [family, platforms] of Object.entries(stats)) {
    for (const [platform, versions] of Object.entries(platforms)) {
      // They stand in the order of their tests; where all are days, by those.
      const names = Object.keys(versions);
      const newest = versions[(names.every((name) => /^\d{4}-\d\d/.test(name)) ? names.sort() : names).at(-1)] ?? 'u';
      const [verdict] = newest.trim().toLowerCase();
      support[columnOf.get(`${family}/${platform}`)] = 'yan'.includes(verdict) ? verdict : '-';
      for (const [, number] of newest.matchAll(/#(\d+)/g)) used.add(number);
    }
  }
  const texts = [...used].sort((a, b) => a - b).flatMap((number) => notes?.[`v${number}`] ?? []);
  return [slug, title.trim(), support.join('').replace(/-+$/, ''), ...texts];
});

const content = `/**
 * Which mail program supports what, from the data of https://www.caniemail.com (MIT, see \`LICENSE-caniemail\`). Made by
 * \`scripts/make-caniemail-table.mjs\`; do not change it by hand.
 */

/** The day of the data. */
export const DATA_DATE = ${JSON.stringify(date.slice(0, 10))};

/** The programs, in the order of the columns. */
export const PROGRAMS: readonly string[] = ${JSON.stringify(programs)};

/**
 * The features: name, title, what each program’s newest tested version does (\`y\` supports it, \`a\` in part, \`n\` not, \`-\` or nothing:
 * not tested), and notes on what is in part.
 */
export const FEATURES: readonly (readonly [slug: string, title: string, support: string, ...notes: string[]])[] = ${JSON.stringify(features)};
`;
const target = new URL('../packages/smtpd-inbox/src/mail/caniemail-data.ts', import.meta.url);
writeFileSync(target, await format(content, { parser: 'typescript', printWidth: 120, singleQuote: true }));
