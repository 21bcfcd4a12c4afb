/**
 * Looks at what would be published, as a list of files: publint and attw judge the entrances, this judges the content.
 * It is not a build; `npm run check:packaging` builds first.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';

const packages = fileURLToPath(new URL('../packages/', import.meta.url));
const problems = readdirSync(packages).flatMap((name) => problemsOf(`${packages}${name}`));
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

/** Everything that is wrong with the package in `folder`, as sentences. */
function problemsOf(folder) {
  const manifest = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const files = packedFiles(folder);
  const loaded = loadedFiles(folder, manifest);
  const complain = (sentence) => `${manifest.name}: ${sentence}`;
  return [
    ...['README.md', 'LICENSE', ...pageFiles(folder)]
      .filter((file) => !files.has(file))
      .map((file) => complain(`${file} is missing.`)),
    ...entrances(manifest)
      .filter((file) => !files.has(file))
      .map((file) => complain(`${file} is named in package.json and would not be published.`)),
    ...[...files]
      .filter((file) => isUnwanted(file) || isOrphan(folder, file, loaded))
      .map((file) => complain(`${file} would be published and should not be.`)),
    // The core has no dependencies; it is the one package of which that is said.
    ...(manifest.name === 'smtpd' && Object.keys(manifest.dependencies ?? {}).length > 0
      ? [complain('it has dependencies.')]
      : []),
  ];
}

function packedFiles(folder) {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // npm 11 answers with a list of packages, later versions with an object keyed by name.
  const [packed] = Object.values(JSON.parse(output));
  return new Set(packed.files.map((file) => file.path));
}

/** The files that `bin` and `exports` point to. */
function entrances(manifest) {
  const targets = (value) => (typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(targets));
  return [...targets(manifest.bin), ...targets(manifest.exports)].map((file) => file.replace(/^\.\//, ''));
}

/** A page has code of others in it, and goes with their licences. */
function pageFiles(folder) {
  return existsSync(`${folder}/page`) ? ['dist/page/index.html', 'dist/page/LICENSES.md'] : [];
}

function isUnwanted(file) {
  return /(^|\/)(test|node_modules)\/|\.tsbuildinfo$|tsconfig\.json$/.test(file);
}

/** The code that is loaded by whoever begins at an entrance or at a file with effects of its own, such as a thread's. */
function loadedFiles(folder, manifest) {
  const loaded = new Set();
  const visit = (file) => {
    if (!file.endsWith('.js') || loaded.has(file) || !existsSync(`${folder}/${file}`)) return;
    loaded.add(file);
    const code = readFileSync(`${folder}/${file}`, 'utf8');
    for (const [, path] of code.matchAll(/"(\.\.?\/[^"]+\.js)"/g)) visit(join(dirname(file), path));
  };
  const effects = (manifest.sideEffects ?? []).map((file) => file.replace(/^\.\//, ''));
  for (const file of [...entrances(manifest), ...effects]) visit(file);
  return loaded;
}

/**
 * What an earlier build left behind: a declaration whose source is gone, code that nobody loads. The page's files are bundled by Vite, and made
 * anew as a whole.
 */
function isOrphan(folder, file, loaded) {
  if (!file.startsWith('dist/') || file.startsWith('dist/page/')) return false;
  const declared = /^dist\/(.+?)\.d\.ts(?:\.map)?$/.exec(file);
  if (declared !== null) return !existsSync(`${folder}/src/${declared[1]}.ts`);
  const code = /^(.+\.js)(?:\.map)?$/.exec(file);
  return code !== null && !loaded.has(code[1]);
}
