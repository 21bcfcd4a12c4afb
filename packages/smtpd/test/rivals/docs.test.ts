/**
 * The pages for people who come from smtp-server and from aiosmtpd: their tables are what `comparisons.ts` says, and `npm run docs:generate`
 * writes them anew; and nothing that those servers have is missing.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

import { table } from '../conformance/markdown.js';
import { requirePythonModule } from '../support/component.js';
import { TAKEN } from './comparison.js';
import { COMPARISONS } from './comparisons.js';

const root = new URL('../../../../', import.meta.url);
const pathOf = (path: string): string => fileURLToPath(new URL(path, root));
const textOf = (path: string): string => readFileSync(pathOf(path), 'utf8');

describe.each([
  ['docs/from-smtp-server.md', 'smtpServer', '`smtp-server`'],
  ['docs/from-aiosmtpd.md', 'aiosmtpd', 'aiosmtpd'],
] as const)('%s', (page, rival, name) => {
  it('has the table of all conversations', async () => {
    const text = textOf(page);
    const start = text.indexOf(TABLE_START);
    const end = text.indexOf(TABLE_END);
    expect(start, TABLE_START).toBeGreaterThan(0);
    expect(end, TABLE_END).toBeGreaterThan(start);
    const rows = COMPARISONS.flatMap(({ client, ours, remark, [rival]: theirs }) =>
      theirs === undefined ? [] : [[client, formatOutcome(theirs.outcome), formatOutcome(ours.outcome), remark]],
    );
    const made = table(['the client', name, 'here', ''], rows);
    await expect(`${text.slice(0, start + TABLE_START.length)}\n\n${made}\n\n${text.slice(end)}`).toMatchFileSnapshot(
      pathOf(page),
    );
  });
});

describe('docs/from-smtp-server.md', () => {
  const page = textOf('docs/from-smtp-server.md');

  it.each([
    'SMTPServerOptions',
    'SMTPServerSession',
    'SMTPServerEnvelope',
    'SMTPServerAddress',
    'SMTPServerAuthentication',
    'SMTPServerAuthenticationResponse',
    'SMTPServerDataStream',
    'SMTPServerEvents',
    'SMTPServerError',
  ])('names everything that there is in %s', (name) => {
    const members = membersOf('node_modules/smtp-server/dist/esm/types.d.ts', name);
    expect(members.length).toBeGreaterThan(0);
    expect(members.filter((member) => !isNamed(page, member))).toEqual([]);
  });
});

describe('docs/from-aiosmtpd.md', () => {
  const page = textOf('docs/from-aiosmtpd.md');
  const python = requirePythonModule('aiosmtpd');

  it('names every parameter, hook, handler, field and option of its command line', () => {
    const program = `
import inspect, json, re
from aiosmtpd import controller, handlers, main, smtp
kinds = smtp.SMTP, controller.BaseThreadedController, controller.InetMixin, controller.UnixSocketMixin
names = [name for kind in kinds for name in inspect.signature(kind.__init__).parameters]
names += ["handle_" + hook for hook in re.findall(r"_call_handler_hook\\(['\\"](\\w+)", inspect.getsource(smtp))]
names += [name for module in (controller, handlers) for name in module.__all__]
names += [name for thing in (smtp.Session(None), smtp.Envelope()) for name in vars(thing) if not name.startswith("_")]
names += [text for action in main._parser()._actions for text in action.option_strings]
print(json.dumps(names))`;
    const names = JSON.parse(execFileSync(python, ['-c', program], { encoding: 'utf8' })) as string[];
    expect(names.length).toBeGreaterThan(60);
    const others = ['self', 'kwargs', 'SMTP_parameters'];
    expect(names.filter((name) => !others.includes(name) && !isNamed(page, name))).toEqual([]);
  });
});

/** Whether a page has the name in code. */
function isNamed(page: string, name: string): boolean {
  const escaped = name.replace(/[-\\^$*+?.()|[\]{}]/g, '\\$&');
  const pattern = new RegExp(`(?<![\\w-])${escaped}(?![\\w-])`);
  return [...page.matchAll(/`([^`\n]+)`/g)].some(([, code = '']) => pattern.test(code));
}

/** Replies and messages as a cell. The same one several times is said once. */
function formatOutcome(outcome: readonly string[]): string {
  if (outcome.length === 0) return '`221`';
  const runs: { text: string; count: number }[] = [];
  for (const text of outcome) {
    const last = runs.at(-1);
    if (last?.text === text) last.count += 1;
    else runs.push({ text, count: 1 });
  }
  return runs.map(({ text, count }) => `${count === 1 ? '' : `${String(count)} × `}${formatOne(text)}`).join('<br>');
}

function formatOne(text: string): string {
  return text.startsWith(TAKEN) ? `${TAKEN}\`${text.slice(TAKEN.length)}\`` : `\`${text}\``;
}

/** The names in an interface of a declaration. */
function membersOf(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest);
  return source.statements
    .filter(ts.isInterfaceDeclaration)
    .filter((declared) => declared.name.text === name)
    .flatMap(({ members }) => members.map((member) => (member.name as ts.Identifier).text));
}

const TABLE_START = '<!-- The table is made from conversations with both servers by `npm run docs:generate`. -->';
const TABLE_END = '<!-- End of the table. -->';
