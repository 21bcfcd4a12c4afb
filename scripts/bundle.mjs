/**
 * Makes the JavaScript that is published: `node scripts/bundle.mjs [PACKAGE ...]`, after `tsc -b`, which checks the sources and declares their
 * types. A file for each entrance of a package, and what several of them use in files beside them: a program that imports `smtpd` reads three
 * files instead of two hundred, without the comments, and `smtpd/testing` finds the same classes in them.
 */
import { readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { rolldown, RolldownMagicString } from 'rolldown';

const packages = fileURLToPath(new URL('../packages/', import.meta.url));
const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : await readdir(packages)) await bundle(join(packages, name));

async function bundle(folder) {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const bundler = await rolldown({
    cwd: folder,
    input: Object.fromEntries(entrancesOf(manifest).map((name) => [name, join(folder, 'src', `${name}.ts`)])),
    platform: 'node',
    external: dependenciesOf(manifest).map((name) => new RegExp(`^${name}(/|$)`)),
    transform: { target: 'es2022' },
    plugins: [{ name: 'latin1', renderChunk: (code) => ({ code: escaped(code) }) }],
  });
  const { output } = await bundler.write({
    dir: join(folder, 'dist'),
    format: 'esm',
    comments: false,
    // Names stay as they are: in stack traces, and between the files.
    minify: false,
    minifyInternalExports: false,
    sourcemap: true,
    // The sources are published, too.
    sourcemapExcludeSources: true,
    chunkFileNames: 'shared.js',
  });
  await bundler.close();
  for (const chunk of output.filter(({ type }) => type === 'chunk')) await checkPlaces(chunk, join(folder, 'src'));
  await removeOthers(join(folder, 'dist'), new Set(output.map(({ fileName }) => fileName)));
}

/** What programs, threads and other packages begin with: without `dist/` and `.js`. */
function entrancesOf({ bin = {}, exports = {}, sideEffects = [] }) {
  const files = [...Object.values(bin), ...Object.values(exports).map((target) => target.default), ...sideEffects];
  const names = files.map((file) => /^(?:\.\/)?dist\/(.+)\.js$/.exec(file ?? '')?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

function dependenciesOf({ dependencies, optionalDependencies, peerDependencies }) {
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
}

/** One character beyond Latin-1, and V8 keeps the whole text of a file in two octets a character. */
function escaped(code) {
  const text = new RolldownMagicString(code);
  for (const { 0: character, index } of code.matchAll(/[\u0100-\u{10ffff}]/gu)) {
    const units = character.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    text.overwrite(index, index + character.length, units.join(''));
  }
  return text;
}

/** Fails where a source that looks for files beside itself has become part of a file that lies deeper or less deep than it. */
async function checkPlaces({ fileName, moduleIds }, source) {
  // What is not a file is a helper of the bundler.
  for (const id of moduleIds.filter((id) => id.startsWith(source))) {
    const isRelative = /\bimport\.meta\.url\b/.test(await readFile(id, 'utf8'));
    const name = relative(source, id);
    if (isRelative && depthOf(name) !== depthOf(fileName)) {
      throw new Error(`${name} uses import.meta.url and would be part of ${fileName}`);
    }
  }
}

function depthOf(file) {
  return dirname(file) === '.' ? 0 : dirname(file).split(sep).length;
}

/** Removes what an earlier build left in `dist`. The compiler's own files and the page are made by others. */
async function removeOthers(dist, written) {
  for (const file of await readdir(dist, { recursive: true })) {
    const isOurs = /\.js(\.map)?$/.test(file) && !/^(modules|page)[\\/]/.test(file);
    if (isOurs && !written.has(file.replaceAll(sep, '/'))) await rm(join(dist, file));
  }
}
