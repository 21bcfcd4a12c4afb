/** `docs/inbox-checks.md` is made from the rules. `npm run docs:generate` writes it anew. */

import { expect, it } from 'vitest';

import { ACCESSIBILITY_RULES } from '../../src/mail/accessibility.js';
import { LOOKUPS_MAX, SIGNATURES_MAX } from '../../src/mail/authentication.js';
import { DATA_DATE, FEATURES, PROGRAMS } from '../../src/mail/caniemail-data.js';
import { EDITS_MAX, LINES_MAX as COMPARED_LINES_MAX } from '../../src/mail/comparison.js';
import { CSS_LENGTH_MAX } from '../../src/mail/css-reader.js';
import { ATTRIBUTES_MAX, HTML_LENGTH_MAX, NODES_MAX, OPEN_ELEMENTS_MAX } from '../../src/mail/html-document.js';
import { LINT_RULES, PLACES_MAX } from '../../src/mail/lint.js';
import { DEPTH_MAX, FIELDS_MAX, LINES_MAX, PARTS_MAX, RAW_BYTES_MAX } from '../../src/mail/lint/raw-message.js';

it('docs/inbox-checks.md is what the rules say', async () => {
  const rules = (list: readonly { id: string; severity: string; source: string; objection: string }[]): string =>
    table(
      ['rule', 'severity', 'source', 'what it objects to'],
      list.map(({ id, severity, source, objection }) => [`\`${id}\``, severity, source, objection]),
    );
  const page = [
    '<!-- Made from packages/smtpd-inbox/src/mail by `npm run docs:generate`. Change it there. -->',
    '',
    INTRODUCTION,
    rules(LINT_RULES),
    '',
    ACCESSIBILITY,
    rules(ACCESSIBILITY_RULES),
    '',
    OTHERS,
    table(
      ['bound', 'value', 'behind it'],
      BOUNDS.map(([what, value, then]) => [what, value.toLocaleString('en-US'), then]),
    ),
    '',
  ].join('\n');
  await expect(page).toMatchFileSnapshot(new URL('../../../../docs/inbox-checks.md', import.meta.url).pathname);
});

it('no two rules have one name', () => {
  const ids = [...LINT_RULES, ...ACCESSIBILITY_RULES].map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const format = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('<', '&lt;')).join(' | ')} |`;
  return [format(head), format(head.map(() => '---')), ...rows.map(format)].join('\n');
}

const INTRODUCTION = `# What the inbox says of a mail

For every message the inbox looks at its octets, its envelope, its HTML and its signatures, and says what a strict receiver, a mail program
or a reader may object to: what is wrong, in which line, and what to do. It does so on this machine: nothing is asked of anybody, except the
DNS where you allowed it. It changes nothing and refuses nothing.

An **error** breaks a rule that receivers refuse or misread mail for; a **warning** is likely to hurt; a **note** is worth knowing. Of one
rule the first ${String(PLACES_MAX)} places are listed.

A line of the message ends at LF, with or without a CR before it. Findings about the HTML count the lines of the decoded HTML.

## Message, envelope and header
`;
const ACCESSIBILITY = `## Accessibility of the HTML

Sources are the criteria of WCAG 2.2. Colours and sizes are those of attributes and of \`style\` on elements, inherited as CSS does; what a
style sheet makes of them is not computed, and a colour that can be seen through is left alone.
`;
const OTHERS = `## What mail programs make of the HTML

Elements, attributes, style sheets and style attributes are compared with [caniemail](https://www.caniemail.com)’s tests: ${String(FEATURES.length)} features,
${String(PROGRAMS.length)} programs, as of ${DATA_DATE}. For each feature the page lists its lines, the programs that do not support it or only in part, and caniemail’s
notes. The shares are the mean over the features that the mail uses: of the programs that a feature was tested with, how many support it.
What stands in comments, such as what is for Outlook alone, is not looked at. A newer table is made with
\`node scripts/make-caniemail-table.mjs FILE\`.

## Authentication

SPF, DKIM, DMARC and ARC are checked by the package [\`mailauth\`](https://www.npmjs.com/package/mailauth), which you install beside this one
(\`npm install mailauth\`), and only when DNS is allowed. With public keys that you supply, DKIM and ARC are checked without it: what those keys
do not answer, nobody is asked. One message may ask the DNS ${String(LOOKUPS_MAX)} questions; of one with more than ${String(SIGNATURES_MAX)} signatures none is checked.

## Comparison

A message is compared with the one before it of the same template: the same From, the same subject once numbers, codes, addresses and the
recipient’s names are taken out, and the same marks (List-Id, Auto-Submitted, X-Template and the like). Date, Message-ID, Received and
signatures, which differ in every mail, are left out.

## Bounds

What is beyond a bound is not looked at, and the finding \`checked-in-part\` says so.
`;
const BOUNDS: readonly (readonly [string, number, string])[] = [
  ['octets of a message', RAW_BYTES_MAX, 'not looked at'],
  ['lines of a message', LINES_MAX, 'not looked at'],
  ['header fields of a part', FIELDS_MAX, 'taken for the body'],
  ['parts', PARTS_MAX, 'belong to the last one'],
  ['levels of parts', DEPTH_MAX, 'are not entered'],
  ['characters of HTML', HTML_LENGTH_MAX, 'not read'],
  ['elements of HTML', NODES_MAX, 'not read'],
  ['elements in one another', OPEN_ELEMENTS_MAX, 'not read'],
  ['attributes of a tag', ATTRIBUTES_MAX, 'not read'],
  ['characters of one style sheet', CSS_LENGTH_MAX, 'not read'],
  ['lines that are compared', COMPARED_LINES_MAX, 'shown as exchanged, with a note'],
  ['lines added and removed', EDITS_MAX, 'shown as exchanged, with a note'],
];
