/**
 * The code that is published, as `scripts/bundle.mjs` makes it and a program finds it. How long it takes to load and how much it holds is
 * measured elsewhere (docs/performance.md); here is what that comes from, and what a bundle must not change.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = new URL('../packages/', import.meta.url);

describe('the declarations that are published', () => {
  it('are right for whoever has those of libraries checked, too', () => {
    const program = ts.createProgram(
      ['smtpd', 'smtpd-store', 'smtpd-inbox'].flatMap(typeEntrances).map((file) => fileURLToPath(file)),
      {
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true,
        module: ts.ModuleKind.NodeNext,
        target: ts.ScriptTarget.ES2022,
        lib: ['lib.es2023.d.ts'],
        types: ['node'],
      },
    );
    const ours = program.getSourceFiles().filter(({ fileName }) => /\/packages\/[^/]+\/dist\//.test(fileName));
    expect(ours.length).toBeGreaterThan(100);
    const problems = ours.flatMap((file) =>
      program
        .getSemanticDiagnostics(file)
        .map(({ messageText }) => `${file.fileName}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`),
    );
    expect(problems).toEqual([]);
    // Before 5.7 TypeScript knew no parameter of theirs; newer ones write it where they find a type themselves.
    const parametrized = ours.filter(({ text }) => /(?:Buffer|Array)<ArrayBuffer/.test(text));
    expect(parametrized.map(({ fileName }) => fileName)).toEqual([]);
  }, 60_000);
});

describe('the code that is published', () => {
  it.each([
    { entrance: 'smtpd/dist/index.js', files: 3 },
    { entrance: 'smtpd/dist/testing/index.js', files: 2 },
    { entrance: 'smtpd/dist/cli/bin.js', files: 3 },
    { entrance: 'smtpd-store/dist/index.js', files: 3 },
    { entrance: 'smtpd-inbox/dist/index.js', files: 5 },
    { entrance: 'smtpd-inbox/dist/client/index.js', files: 2 },
  ])('whoever begins at $entrance reads $files files of the package', ({ entrance, files }) => {
    expect(filesFrom(new URL(entrance, packages)).size).toBe(files);
  });

  it.each(['smtpd', 'smtpd-store', 'smtpd-inbox'])('every file of %s has an octet a character in the heap', (name) => {
    const code = publishedFiles(name, '.js');
    expect(code.length).toBeGreaterThan(1);
    const wide = code.filter((file) => /[\u0100-\uffff]/.test(readFileSync(file, 'utf8')));
    expect(wide.map(String)).toEqual([]);
  });

  it.each(['smtpd', 'smtpd-store', 'smtpd-inbox'])('what went wrong in %s is found in its sources', (name) => {
    const maps = publishedFiles(name, '.js.map');
    expect(maps.length).toBeGreaterThan(0);
    const missing = maps.flatMap((map) => {
      const { sources } = JSON.parse(readFileSync(map, 'utf8')) as { readonly sources: readonly string[] };
      return sources.filter((source) => !existsSync(new URL(source, map)));
    });
    expect(missing).toEqual([]);
  });

  it('each class is there once: servers of smtpd/testing and of smtpd-inbox are servers of smtpd', () => {
    const program = `
      import { SMTPServer } from 'smtpd';
      import { startTestServer } from 'smtpd/testing';
      import { startInbox } from 'smtpd-inbox';
      const smtp = await startTestServer();
      const inbox = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', tls: { mode: 'off' } });
      console.log(smtp.server instanceof SMTPServer, inbox.server instanceof SMTPServer);
      await inbox.close();
      await smtp.close();
    `;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(output).toBe('true true\n');
  });
});

/** Where a program finds what is declared of the package. */
function typeEntrances(name: string): readonly URL[] {
  const manifest = JSON.parse(readFileSync(new URL(`${name}/package.json`, packages), 'utf8')) as {
    readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
  };
  return Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [] : [new URL(`${name}/${target.types}`, packages)],
  );
}

/** The files of the package that are loaded with this one. */
function filesFrom(file: URL, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(file.href)) return found;
  found.add(file.href);
  const code = readFileSync(file, 'utf8');
  for (const [, path] of code.matchAll(/^(?:import|export) .*?"(\.{1,2}\/.+?\.js)";$/gm))
    filesFrom(new URL(path!, file), found);
  return found;
}

/** What bundling made: neither what the compiler made of each file alone, nor the page. */
function publishedFiles(name: string, ending: string): readonly URL[] {
  const dist = new URL(`${name}/dist/`, packages);
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !/^(?:modules|page)\//.test(file))
    .map((file) => new URL(file, dist));
}
