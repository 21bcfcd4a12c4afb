/** Finds which clauses of RFCs the source cites. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One citation. */
export interface CitedClause {
  readonly rfc: number;
  readonly clause: string;
  readonly file: string;
}

const SOURCE_ROOT = fileURLToPath(new URL('../../src/', import.meta.url));

/** Every file of the source, with its lines. */
export function readSources(): readonly { readonly file: string; readonly lines: readonly string[] }[] {
  return readdirSync(SOURCE_ROOT, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => join(SOURCE_ROOT, name))
    .map((path) => ({ file: relative(SOURCE_ROOT, path), lines: readFileSync(path, 'utf8').split('\n') }));
}

/** Every clause that the source cites for what it does itself. What `smtpd probe` cites is asked of other servers. */
export function citedClauses(): readonly CitedClause[] {
  return readSources()
    .filter(({ file }) => !file.startsWith('cli/probe/'))
    .flatMap(({ file, lines }) => lines.flatMap((line) => clausesOfLine(line).map((cited) => ({ ...cited, file }))));
}

/**
 * The clauses of one line: `RFC 5321 §4.5.2`, lists (`RFC 6531 §3.4 and §3.7.4.2`) and ranges (`§4.1.1.6 to §4.1.1.9`). A clause
 * without an RFC before it on its line is one of RFC 5321, as in the table of commands.
 */
export function clausesOfLine(line: string): readonly { readonly rfc: number; readonly clause: string }[] {
  const found: { rfc: number; clause: string }[] = [];
  let rfc = 5321;
  let before = '';
  for (const match of line.matchAll(CITATION)) {
    if (match[1] !== undefined) {
      rfc = Number(match[1]);
      continue;
    }
    const clause = `§${match[2] ?? ''}`;
    const last = found.at(-1);
    if (last !== undefined && /^ to $/.test(line.slice(before.length, match.index))) {
      for (const between of clausesBetween(last.clause, clause)) found.push({ rfc, clause: between });
    }
    found.push({ rfc, clause });
    before = line.slice(0, match.index + match[0].length);
  }
  return found;
}

/** `§4.1.1.6` and `§4.1.1.9`: §4.1.1.7 and §4.1.1.8. */
function clausesBetween(from: string, to: string): readonly string[] {
  const head = from.slice(0, from.lastIndexOf('.') + 1);
  const first = Number(from.slice(head.length)) + 1;
  const last = Number(to.slice(head.length));
  return Array.from({ length: Math.max(0, last - first) }, (_, index) => `${head}${String(first + index)}`);
}

const CITATION = /RFC (\d+)|§(\d+(?:\.\d+)*)/g;
