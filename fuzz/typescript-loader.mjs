/**
 * Lets `import()` read the tests' TypeScript, for `differential.mjs`: Node 20 does not, and in those files types only need to be left
 * out. Nothing in it waits, so that both ways of `node:module` to register it are possible.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import ts from 'typescript';

/** TypeScript names the file that will be: `./free-port.js` is `free-port.ts` here. */
export function resolve(specifier, context, nextResolve) {
  const isOfTypeScript = context.parentURL?.endsWith('.ts') && /^\.{1,2}\/.*\.js$/.test(specifier);
  return nextResolve(isOfTypeScript ? specifier.replace(/js$/, 'ts') : specifier, context);
}

/** The file without its types. */
export function load(url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context);
  const { outputText } = ts.transpileModule(readFileSync(fileURLToPath(url), 'utf8'), {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, verbatimModuleSyntax: true },
  });
  return { format: 'module', source: outputText, shortCircuit: true };
}
