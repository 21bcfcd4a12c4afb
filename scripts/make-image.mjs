/**
 * Lays out what an image of a container has in it: the packages without what only a compiler or a debugger reads, and what they need
 * to run, as `package-lock.json` had it installed. It is not a build; `npm run image:prepare` builds first.
 */
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [image] = process.argv.slice(2).map((folder) => resolve(folder));
if (image === undefined) {
  console.error('usage: node scripts/make-image.mjs FOLDER');
  process.exit(2);
}

// What was made before goes; anything else is somebody's, and stays.
if (existsSync(image) && readdirSync(image).length > 0 && !existsSync(join(image, 'app/health.mjs'))) {
  console.error(`${image} has other files in it: name a folder that is empty, or that is not there`);
  process.exit(2);
}
rmSync(image, { recursive: true, force: true });
const seen = new Set();
for (const name of readdirSync(join(root, 'packages'))) addPackage(join(root, 'packages', name), name);
cpSync(join(root, 'scripts/image'), join(image, 'app'), { recursive: true });
mkdirSync(join(image, 'app/bin'));
for (const name of ['smtpd', 'smtpd-inbox']) {
  const program = `node_modules/${name}/dist/cli/bin.js`;
  // npm does the same where it installs a program.
  chmodSync(join(image, 'app', program), 0o755);
  symlinkSync(`../${program}`, join(image, 'app/bin', name));
}
// Where mail is kept; the Dockerfile says whose it is.
mkdirSync(join(image, 'data'));

/** One of ours. */
function addPackage(folder, name) {
  const place = join(image, 'app/node_modules', name);
  const files = readdirSync(folder).filter((file) => /^(?:dist|package\.json|LICENSE.*)$/.test(file));
  for (const file of files) cpSync(join(folder, file), join(place, file), { recursive: true, filter: isRun });
  addDependencies(folder);
}

/** Not what only a compiler or a debugger reads. */
function isRun(path) {
  return !/\.d\.ts$|\.map$|\.tsbuildinfo$|[/\\]dist[/\\]modules$/.test(path);
}

/** What a package needs, and what that needs. */
function addDependencies(folder) {
  const { dependencies = {}, optionalDependencies = {} } = manifestOf(folder);
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    // This Node is the one of the image, and may have an SQLite of its own.
    if (name === '@photostructure/sqlite' && hasSQLite()) continue;
    const found = findPackage(folder, name);
    // What is optional may be missing.
    if (found === undefined && name in optionalDependencies) continue;
    if (found === undefined) throw new Error(`${name}, which ${folder} needs, is not installed: npm ci`);
    if (seen.has(found) || existsSync(join(root, 'packages', name))) continue;
    seen.add(found);
    const place = relative(root, found).replace(/^packages[/\\]/, 'node_modules/');
    cpSync(found, join(image, 'app', place), {
      recursive: true,
      filter: (path) => !path.startsWith(join(found, 'node_modules')),
    });
    addDependencies(found);
  }
}

/** Where Node finds a package for one in `folder`. */
function findPackage(folder, name) {
  for (let place = folder; place.startsWith(resolve(root)); place = dirname(place)) {
    const found = join(place, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
  }
  return undefined;
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

function hasSQLite() {
  return process.getBuiltinModule?.('node:sqlite') !== undefined;
}
