/**
 * Compiles `packages/smtpd/assembly/content-scan.ts` (AssemblyScript) into `packages/smtpd/src/protocol/content-scan-module.ts`:
 *
 *     node scripts/make-content-scan.mjs            # writes the file
 *     node scripts/make-content-scan.mjs --check    # says whether the file is what the source compiles to
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';
import { format, resolveConfig } from 'prettier';

const SOURCE = fileURLToPath(new URL('../packages/smtpd/assembly/content-scan.ts', import.meta.url));
const TARGET = fileURLToPath(new URL('../packages/smtpd/src/protocol/content-scan-module.ts', import.meta.url));
/** Results, octets to read into, octets to copy into: a page of 64 KiB each. The memory never grows, so that views of it stay good. */
const PAGES = '3';
const OPTIONS = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd,bulk-memory'];
const OCTETS_PER_LINE = 48;

const compiled = await page(await compile());
if (!process.argv.includes('--check')) {
  writeFileSync(TARGET, compiled);
} else if (readFileSync(TARGET, 'utf8') !== compiled) {
  console.error('content-scan-module.ts is not what its source compiles to: run node scripts/make-content-scan.mjs');
  process.exitCode = 1;
}

async function compile() {
  let octets;
  const memory = ['--initialMemory', PAGES, '--maximumMemory', PAGES];
  const { error, stderr } = await asc.main(
    ['content-scan.ts', '--outFile', 'content-scan.wasm', ...memory, ...OPTIONS],
    {
      readFile: (name) => (name === 'content-scan.ts' ? readFileSync(SOURCE, 'utf8') : null),
      writeFile: (_, contents) => {
        octets = contents;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(stderr.toString(), { cause: error });
  return Buffer.from(octets);
}

async function page(octets) {
  const lines = [];
  for (let at = 0; at < octets.length; at += OCTETS_PER_LINE) {
    lines.push(`'${octets.toString('hex', at, at + OCTETS_PER_LINE)}'`);
  }
  const text = `// Content scan module: the octets of a WebAssembly module, in hexadecimal. Made by \`scripts/make-content-scan.mjs\` of
// \`assembly/content-scan.ts\`; what it does is said there.

export const CONTENT_SCAN_MODULE = [${lines.join(',\n')}].join('');
`;
  return format(text, { ...(await resolveConfig(TARGET)), parser: 'typescript' });
}
