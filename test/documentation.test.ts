/**
 * Every TypeScript block of the README and of docs/ is compiled, and run; so is every `@example` of a public symbol compiled. A block
 * that belongs to another test runner is compiled only: it has a test of its own beside the examples.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

interface Block {
  /** Where it stands: `README.md:12`. */
  readonly place: string;
  readonly code: string;
  readonly file: string;
}

const root = fileURLToPath(new URL('..', import.meta.url));
// Inside the checkout, so that `smtpd` resolves as it does for a reader; named for the process, so that runs do not meet.
const folder = join(root, 'node_modules', '.cache', `documentation-${String(process.pid)}`);

const pages = [
  'README.md',
  'packages/smtpd/README.md',
  'packages/smtpd-store/README.md',
  'packages/smtpd-inbox/README.md',
  ...filesBelow('docs', '.md'),
].filter((page) => !page.startsWith('docs/api/'));
const documented = pages.flatMap(blocksOfPage);
const examples = ['packages/smtpd/src', 'packages/smtpd-store/src', 'packages/smtpd-inbox/src']
  .flatMap((path) => filesBelow(path, '.ts'))
  .flatMap(examplesOfSource);
const runnable = documented.filter(
  ({ code }) => !/from '(?:vitest|@jest\/globals|node:test|@playwright\/test|smtpd-inbox\/playwright)'/.test(code),
);

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const { file, code } of [...documented, ...examples]) writeFileSync(file, code);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('documentation', () => {
  it('has examples', () => {
    expect(documented.length).toBeGreaterThan(5);
    expect(examples.length).toBeGreaterThan(5);
  });

  it('links to pages that are there', () => {
    const missing = [...pages, 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'].flatMap((page) =>
      // Not in code, where the same letters are a regular expression.
      [
        ...readFileSync(join(root, page), 'utf8')
          .replace(/(`+)[^`\n]*\1/g, '')
          .matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g),
      ]
        .map((match) => match[1] ?? '')
        .filter((target) => !existsSync(join(root, dirname(page), target)))
        .map((target) => `${page}: ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it('compiles', () => {
    const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), (path) => ts.sys.readFile(path)) as {
      config: { compilerOptions: object };
    };
    const { options } = ts.convertCompilerOptionsFromJson({ ...config.compilerOptions }, root);
    const program = ts.createProgram({
      rootNames: [...documented, ...examples].map(({ file }) => file),
      options: {
        ...options,
        composite: false,
        incremental: false,
        noEmit: true,
        // Names that a reader would go on with.
        noUnusedLocals: false,
        noUnusedParameters: false,
        types: ['node'],
        lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
        paths: {
          smtpd: [join(root, 'packages/smtpd/src/index.ts')],
          'smtpd/testing': [join(root, 'packages/smtpd/src/testing/index.ts')],
          'smtpd-store': [join(root, 'packages/smtpd-store/src/index.ts')],
          'smtpd-inbox': [join(root, 'packages/smtpd-inbox/src/index.ts')],
          'smtpd-inbox/client': [join(root, 'packages/smtpd-inbox/src/client/index.ts')],
          'smtpd-inbox/*': [join(root, 'packages/smtpd-inbox/src/fixtures/*.ts')],
        },
      },
    });
    // Of the files alone that are asked for here: all others are compiled by the build.
    const problems = [...documented, ...examples].flatMap(({ place, file }) =>
      ts
        .getPreEmitDiagnostics(program, program.getSourceFile(file))
        .filter((diagnostic) => diagnostic.file?.fileName === file)
        .map(({ messageText }) => `${place}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`),
    );
    expect(problems).toEqual([]);
  }, 120_000);

  it.each(runnable.map((block) => [block.place, block] as const))('%s runs', async (_place, { file }) => {
    const print = vi.spyOn(console, 'log').mockImplementation(() => undefined);
    const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    try {
      await import(pathToFileURL(file).href);
    } finally {
      print.mockRestore();
      write.mockRestore();
    }
  });
});

function blocksOfPage(page: string): Block[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((match, index) =>
    block(
      `${page}:${String(text.slice(0, match.index).split('\n').length)}`,
      `${page}-${String(index)}`,
      match[1] ?? '',
    ),
  );
}

/** The examples in comments that say where their names come from; the others belong to files that readers do not import. */
function examplesOfSource(path: string): Block[] {
  const text = readFileSync(join(root, path), 'utf8');
  return [...text.matchAll(/^ *\* ```ts\n(.*?)^ *\* ```$/gms)].flatMap((match, index) => {
    const code = (match[1] ?? '').replace(/^ *\* ?/gm, '');
    if (!code.includes("from 'smtpd")) return [];
    return [
      block(`${path}:${String(text.slice(0, match.index).split('\n').length)}`, `${path}-${String(index)}`, code),
    ];
  });
}

function block(place: string, name: string, code: string): Block {
  return { place, code, file: join(folder, `${name.replace(/[^A-Za-z0-9]+/g, '-')}.mts`) };
}

function filesBelow(path: string, ending: string): string[] {
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}
