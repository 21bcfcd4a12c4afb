/**
 * The pages of `docs/` that are made from the code and from these tests. A page that is not what the code says fails here;
 * `npm run docs:generate` writes them anew.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import { DEFAULT_LIMITS, ERROR_CODES, LIMIT_NOTES, Reply } from '../../src/index.js';
import { COMMAND_PHASES, COMMAND_RULES, type Phase, type StandardVerb } from '../../src/protocol/command-rules.js';
import { STEPS } from '../../src/protocol/session-state.js';
import * as standardReplies from '../../src/protocol/standard-replies.js';
import { citedClauses, clausesOfLine, readSources } from './cited-clauses.js';
import { DIFFERENCES } from './differences.js';
import { judge } from './judgement.js';
import { generatedNote, table } from './markdown.js';
import type { Requirement } from './requirement.js';
import { REQUIREMENTS, UNTESTED_CLAUSES } from './requirements.js';
import { GROUPS } from './transcripts.js';

const page = (name: string): string => new URL(`../../../../docs/${name}`, import.meta.url).pathname;

describe('docs/limits.md', () => {
  it('is what limits.ts says', async () => {
    const rows = Object.entries(LIMIT_NOTES).map(([name, { reply, reason }]) => [
      `\`${name}\``,
      formatLimit(name, DEFAULT_LIMITS[name as keyof typeof DEFAULT_LIMITS]),
      reply,
      reason,
    ]);
    await expect(
      `${LIMITS_INTRODUCTION}\n${table(['limit', 'default', 'the client hears', 'why'], rows)}\n`,
    ).toMatchFileSnapshot(page('limits.md'));
  });
});

describe('docs/errors.md', () => {
  it('is what errors.ts and standard-replies.ts say', async () => {
    const codes = Object.entries(ERROR_CODES).map(([code, meaning]) => [`\`${code}\``, meaning]);
    const replies = Object.values(standardReplies)
      .filter((value): value is Reply => value instanceof Reply)
      .concat(
        [...new Set(Object.values(COMMAND_RULES).map(({ syntax }) => syntax))].map((syntax) =>
          standardReplies.syntaxReply(syntax),
        ),
      )
      .concat([standardReplies.unrecognizedReply('VERB'), standardReplies.incidentReply('1a2b3c4d')])
      .sort((a, b) => a.code - b.code)
      .map((reply) => [String(reply.code), reply.enhanced ?? '', `\`${reply.lines.join(' ')}\``]);
    await expect(
      [
        ERRORS_INTRODUCTION,
        table(['code', 'meaning'], codes),
        '',
        REPLIES_INTRODUCTION,
        table(['code', 'enhanced', 'text'], replies),
        '',
      ].join('\n'),
    ).toMatchFileSnapshot(page('errors.md'));
  });
});

describe('docs/session-states.md', () => {
  it('is what command-rules.ts and session-state.ts say', async () => {
    const verbs = Object.keys(COMMAND_RULES) as StandardVerb[];
    const rows = verbs.map((verb) => [
      verb,
      ...COMMAND_PHASES.map((phase) => {
        const rule = COMMAND_RULES[verb].in[phase];
        return 'to' in rule
          ? rule.to === phase
            ? 'stays'
            : `→ ${rule.to}`
          : `${String(rule.outOfSequence.code)} ${rule.outOfSequence.lines.join(' ')}`;
      }),
      COMMAND_RULES[verb].clause,
    ]);
    await expect(
      [
        STATES_INTRODUCTION,
        '```mermaid',
        ...stateDiagram(),
        '```',
        '',
        TABLE_INTRODUCTION,
        table(['command', ...COMMAND_PHASES, 'clause'], rows),
        '',
      ].join('\n'),
    ).toMatchFileSnapshot(page('session-states.md'));
  });

  it('draws every step that the code allows, and no other', () => {
    const drawn = stateDiagram().flatMap((line) => {
      const match = /^ {2}(\w+) --> (\w+)/.exec(line);
      return match === null ? [] : [`${match[1] ?? ''} ${match[2] ?? ''}`];
    });
    const allowed = Object.entries(STEPS).flatMap(([from, next]) => next.map((to) => `${from} ${to}`));
    // A session that is over stays over, which is drawn as its end.
    expect(drawn.sort()).toEqual(allowed.filter((step) => step !== 'closed closed').sort());
  });
});

describe('docs/from-python-smtpd.md', () => {
  it('has the table of all recorded conversations', async () => {
    const path = page('from-python-smtpd.md');
    const text = readFileSync(path, 'utf8');
    const start = text.indexOf(TABLE_START);
    const end = text.indexOf(TABLE_END);
    expect(start, TABLE_START).toBeGreaterThan(0);
    expect(end, TABLE_END).toBeGreaterThan(start);
    const made = `${text.slice(0, start + TABLE_START.length)}\n\n${conversationTable()}\n\n${text.slice(end)}`;
    await expect(made).toMatchFileSnapshot(path);
  });
});

describe('docs/conformance.md', () => {
  const sources = new Map(readSources().map(({ file, lines }) => [file, lines]));

  it('is what requirements.ts says', async () => {
    const rfcs = [...new Set(REQUIREMENTS.map(({ rfc }) => rfc))];
    const parts = rfcs.flatMap((rfc) => [
      `## RFC ${String(rfc)}: ${RFC_TITLES[rfc] ?? ''}`,
      '',
      table(
        ['clause', 'level', 'requirement', 'status', 'source', 'tests'],
        REQUIREMENTS.filter((each) => each.rfc === rfc).map((each) => requirementRow(each, sources)),
      ),
      '',
    ]);
    const untested = table(
      ['clause', 'reason'],
      UNTESTED_CLAUSES.map(({ rfc, clause, reason }) => [`RFC ${String(rfc)} ${clause}`.trim(), reason]),
    );
    await expect(
      [CONFORMANCE_INTRODUCTION, countTable(), '', ...parts, UNTESTED_INTRODUCTION, untested, ''].join('\n'),
    ).toMatchFileSnapshot(page('conformance.md'));
  });

  it('cites lines that are in the source', () => {
    const missing = REQUIREMENTS.flatMap((each) => each.sources)
      .filter(({ file, text }) => findLine(sources, file, text) === undefined)
      .map(({ file, text }) => `${file}: ${text}`);
    expect(missing).toEqual([]);
  });

  it('names tests that exist, each in one file', () => {
    const wrong = REQUIREMENTS.flatMap(({ tests }) => tests).filter((name) => testFilesOf(name).length !== 1);
    expect(wrong).toEqual([]);
  });

  it('has a source line and a test for everything that is met or that differs, and a remark for everything else', () => {
    const bare = REQUIREMENTS.filter(({ status, sources: lines, tests, remark }) =>
      status === 'met'
        ? lines.length === 0 || tests.length === 0
        : remark === '' || (status === 'differs' && tests.length === 0),
    );
    expect(bare).toEqual([]);
  });

  it('covers every clause that the source cites with a row that has a test, or says why it cannot', () => {
    const uncovered = citedClauses().filter(
      ({ rfc, clause }) => !isTested(rfc, clause) && !isListedAsUntested(rfc, clause),
    );
    expect(uncovered.map(({ rfc, clause, file }) => `RFC ${String(rfc)} ${clause} in ${file}`)).toEqual([]);
  });

  it('gives no reason for a clause that is tested or that nobody cites', () => {
    const cited = citedClauses();
    const stale = UNTESTED_CLAUSES.filter(
      ({ rfc, clause }) =>
        isTested(rfc, clause) || !cited.some((each) => each.rfc === rfc && (each.clause === clause || clause === '')),
    );
    expect(stale).toEqual([]);
  });

  it('reads lists and ranges of clauses', () => {
    const words = (line: string): string[] => clausesOfLine(line).map(({ rfc, clause }) => `${String(rfc)} ${clause}`);
    expect(words('RFC 5321 §4.1.1.6 to §4.1.1.9: x')).toEqual([
      '5321 §4.1.1.6',
      '5321 §4.1.1.7',
      '5321 §4.1.1.8',
      '5321 §4.1.1.9',
    ]);
    expect(words('RFC 6531 §3.4 and §3.7.4.2.')).toEqual(['6531 §3.4', '6531 §3.7.4.2']);
    expect(words('(RFC 1870 §3), (RFC 6152 §2), (§4.1.1.3)')).toEqual(['1870 §3', '6152 §2', '6152 §4.1.1.3']);
    expect(words("clause: '§4.1.1.10',")).toEqual(['5321 §4.1.1.10']);
  });
});

// ---- The pages --------------------------------------------------------------------------------------------------------

function formatLimit(name: string, value: number): string {
  const number = value.toLocaleString('en-US');
  if (name.endsWith('BytesMax')) return `${number} octets`;
  if (name.endsWith('Ms') && value % 3_600_000 === 0) return `${String(value / 3_600_000)} h`;
  if (name.endsWith('Ms')) return value % 60_000 === 0 ? `${String(value / 60_000)} min` : `${String(value / 1_000)} s`;
  return name === 'contentRateMin' ? `${number} octets/s` : number;
}

/** Each step, with the commands that take it. */
function stateDiagram(): readonly string[] {
  const lines = ['stateDiagram-v2', '  [*] --> opening'];
  for (const [from, next] of Object.entries(STEPS) as [Phase, readonly Phase[]][]) {
    for (const to of next) {
      if (from === 'closed') continue;
      lines.push(`  ${from} --> ${to} : ${stepLabel(from, to)}`);
    }
  }
  return [...lines, '  closed --> [*]'];
}

function stepLabel(from: Phase, to: Phase): string {
  const verbs = (Object.keys(COMMAND_RULES) as StandardVerb[]).filter((verb) => {
    const rules: Readonly<Partial<Record<Phase, { readonly to: Phase } | object>>> = COMMAND_RULES[verb].in;
    const rule = rules[from];
    return rule !== undefined && 'to' in rule && rule.to === to;
  });
  const other = OTHER_STEPS[`${from} ${to}`];
  return [...(verbs.length === 0 ? [] : [verbs.join(' ')]), ...(other === undefined ? [] : [other])].join(', ');
}

function conversationTable(): string {
  const counts = { same: 0, better: 0, differs: 0 };
  const parts = GROUPS.flatMap(({ group, scenarios }) => {
    const rows = scenarios.map((scenario: Parameters<typeof judge>[0] & { readonly name: string }): string[] => {
      const { verdict, remark } = judge(scenario, DIFFERENCES[scenario.name]);
      counts[verdict] += 1;
      return [`\`${scenario.name}\``, verdict, remark];
    });
    return [`### ${group}`, '', table(['conversation', 'here', 'remark'], rows), ''];
  });
  const summary = table(
    ['same', 'better', 'differs', 'all'],
    [[counts.same, counts.better, counts.differs, Object.values(counts).reduce((a, b) => a + b)].map(String)],
  );
  return [summary, '', ...parts].join('\n').trimEnd();
}

function requirementRow(each: Requirement, sources: ReadonlyMap<string, readonly string[]>): readonly string[] {
  return [
    each.clause,
    each.level,
    each.requirement,
    each.remark === '' ? each.status : `${each.status}: ${each.remark}`,
    each.sources.map(({ file, text }) => `\`${file}\`: \`\`${findLine(sources, file, text) ?? ''}\`\``).join('<br>'),
    each.tests.map((name) => `${name} (\`${testFilesOf(name)[0] ?? ''}\`)`).join('<br>'),
  ];
}

function countTable(): string {
  const statuses = ['met', 'differs', 'application', 'later'] as const;
  const rfcs = [...new Set(REQUIREMENTS.map(({ rfc }) => rfc))];
  return table(
    ['RFC', ...statuses],
    rfcs.map((rfc) => [
      String(rfc),
      ...statuses.map((status) =>
        String(REQUIREMENTS.filter((each) => each.rfc === rfc && each.status === status).length),
      ),
    ]),
  );
}

/** The first line of the file that has the text, trimmed and without its comment marks. */
function findLine(sources: ReadonlyMap<string, readonly string[]>, file: string, text: string): string | undefined {
  return sources
    .get(file)
    ?.find((each) => each.includes(text))
    ?.trim()
    .replace(/^\/?\*+ ?|^\/\/ ?/, '')
    .replace(/ ?\*\/$/, '');
}

function testFilesOf(name: string): readonly string[] {
  return TEST_FILES.filter(({ text }) => text.includes(`'${name}'`)).map(({ file }) => file);
}

/** Whether a row with a test has this clause or one within it. */
function isTested(rfc: number, clause: string): boolean {
  return REQUIREMENTS.some(
    (each) =>
      each.rfc === rfc && each.tests.length > 0 && (each.clause === clause || each.clause.startsWith(`${clause}.`)),
  );
}

function isListedAsUntested(rfc: number, clause: string): boolean {
  return UNTESTED_CLAUSES.some((each) => each.rfc === rfc && (each.clause === clause || each.clause === ''));
}

/** Where the tests of clauses are: here, and what is tested beside its source. */
const TEST_FOLDERS = [
  './',
  '../client/',
  '../protocol/',
  '../protocol/sasl/',
  '../handlers/',
  '../handlers/proxy/',
  '../laws/',
].map((folder) => new URL(folder, import.meta.url));
const TEST_FILES = TEST_FOLDERS.flatMap((folder) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => ({ file, text: readFileSync(new URL(file, folder), 'utf8') })),
);

/** Steps that no command of the table takes, or that something else takes too. */
const OTHER_STEPS: Readonly<Record<string, string>> = {
  'opening start': '220',
  'opening refused': '554',
  'opening closed': '421',
  'refused closed': '421',
  'start closed': '421',
  'ready closed': '421',
  'sender closed': '421',
  'recipients closed': '421',
  'content ready': 'end of data',
  'opening securing': 'TLS from the first octet',
  'securing opening': 'handshake done, first TLS then the greeting',
  'securing start': 'handshake done',
  'securing refused': 'handshake done, without the client certificate that is required',
  'securing closed': 'handshake failed',
  'ready opening': 'then greeted anew',
  'start opening': 'then greeted anew',
  'chunk chunks': 'chunk complete',
  'chunk ready': 'last chunk complete, or the message has failed',
  'chunk closed': '421',
  'chunks closed': '421',
  'content closed': '421',
  'recipients ready': 'BDAT refused',
  'chunks ready': 'BDAT refused',
};

const RFC_TITLES: Readonly<Record<number, string>> = {
  5321: 'SMTP',
  1870: 'SIZE',
  2034: 'ENHANCEDSTATUSCODES',
  2920: 'PIPELINING',
  6152: '8BITMIME',
  6531: 'SMTPUTF8',
  6532: 'internationalized header fields',
  1035: 'DNS',
  1985: 'ETRN',
  2033: 'LMTP',
  2195: 'CRAM-MD5',
  2852: 'DELIVERBY',
  3030: 'CHUNKING and BINARYMIME',
  3207: 'STARTTLS',
  3339: 'dates with times',
  3454: 'preparation of strings',
  3461: 'DSN',
  4013: 'SASLprep',
  4422: 'SASL',
  4616: 'PLAIN',
  4648: 'base64',
  4865: 'FUTURERELEASE',
  4954: 'AUTH',
  5802: 'SCRAM',
  6066: 'extensions of TLS',
  6533: 'addresses of type utf-8',
  6710: 'MT-PRIORITY',
  7435: 'opportunistic security',
  7505: 'null MX',
  7628: 'OAUTHBEARER',
  7677: 'SCRAM-SHA-256',
  8314: 'TLS for submission',
  8446: 'TLS 1.3',
  8689: 'REQUIRETLS',
  8996: 'the end of TLS 1.0 and 1.1',
  9266: 'channel binding for TLS 1.3',
  9422: 'LIMITS',
  3463: 'enhanced status codes',
  3629: 'UTF-8',
  3848: 'names of ways of transmission',
};

const TABLE_START = '<!-- The table is made from the recorded conversations by `npm run docs:generate`. -->';
const TABLE_END = '<!-- End of the table. -->';

const LIMITS_INTRODUCTION = `${generatedNote('packages/smtpd/src/protocol/limits.ts')}

# Limits

Whatever a client may make a server hold, count or wait for has a bound. All are on by default; \`limits\` of the server changes them, and
\`Infinity\` takes one away:

\`\`\`ts
import { SMTPServer } from 'smtpd';

new SMTPServer({ limits: { recipientsMax: 100, commandWaitMs: 60_000, errorsMax: Infinity } });
\`\`\`

An unknown name, or a value that is not a number above 0, is a \`UsageError\`. Whenever a limit is met, the server tells it with the event
\`limit\` and on the diagnostics channel \`smtpd.limit\`. The size of a message is \`dataSizeLimit\` of the server: 33,554,432 octets unless you
say otherwise, \`552 5.3.4\` beyond (RFC 1870).

The time that the application takes never counts as the client being idle.
`;

const ERRORS_INTRODUCTION = `${generatedNote('packages/smtpd/src/protocol/errors.ts and standard-replies.ts')}

# Errors

Errors that this package throws or rejects with have a \`code\` that does not change. The message says what is wrong and what to do instead;
it may change.

\`\`\`ts
import { SMTPServer, UsageError } from 'smtpd';

try {
  new SMTPServer({ decodeData: true, enableSMTPUTF8: true });
} catch (error) {
  if (error instanceof UsageError) console.log(error.code); // SMTPD_CONFLICTING_OPTIONS
}
\`\`\`

An option that there is not is a mistake, and never ignored. The message has a line for each, with what to write: the name that was meant, or
what a name of \`smtp-server\`, nodemailer, aiosmtpd or \`node:net\` is here. It is the same for TLS, AUTH, limits, clients, pools, proxies, test
servers, the inbox, the stages of hooks, events and the command line.

    UsageError: There is no option "port"; say localAddress: 'HOST:PORT'
    There is no option "dataSizeLimt"; did you mean dataSizeLimit?

Your own classes can say it, too:

\`\`\`ts
import { SMTPServer, unknownOptions, UsageError, type SMTPServerOptions } from 'smtpd';

class Archive extends SMTPServer {
  constructor({ archive, ...options }: SMTPServerOptions & { readonly archive: Readonly<Record<string, unknown>> }) {
    const unknown = unknownOptions(archive, { known: new Set(['folder', 'days']), title: (name) => \`There is no option archive.\${name}\` });
    if (unknown !== undefined) throw new UsageError('SMTPD_BAD_OPTION', unknown);
    super(options);
  }
}
new Archive({ archive: { folder: '/var/mail/archive', days: 30 } });
\`\`\`

\`UsageError\`: this package was used in a way that cannot work. \`SMTPReplyError\`: your own verdict, thrown. \`MessageAbortedError\`: what
\`message.body\` throws when the message will not be complete. \`InvariantError\`: a fault of ours. What a client does wrong is never an
exception; it is answered, and the replies are below.
`;

const REPLIES_INTRODUCTION = `## Replies

What a client can hear that no application said. The text of a thrown exception is never among it: an application that fails is answered
with an incident number, and the log has the rest under the same number.
`;

const STATES_INTRODUCTION = `${generatedNote('packages/smtpd/src/protocol/command-rules.ts and session-state.ts')}

# The states of a session

A session is always in one phase. A command either leads to a phase, when it is accepted, or comes out of sequence. A command that is
refused, for whatever reason, changes nothing; BDAT alone gives up the transaction then. \`421\` stands for all the ways in which the
server ends a session.

In \`opening\` the greeting is still to come; in \`start\` the client has not said its name, in \`ready\` it has; \`sender\` and \`recipients\`
are the transaction that MAIL opens. Content comes in \`content\` (DATA) or in \`chunk\` (BDAT, and \`chunks\` is between two of them), a TLS
handshake in \`securing\`: what the client sends there is no command. AUTH leads to no phase: whether the client has proved who it is, as
whether the session is on TLS, stands beside the phase.
`;

const TABLE_INTRODUCTION = `## Which command may come when

What an accepted command leads to, or how one that is out of sequence is answered. Verbs that a channel class or an extension adds may come
in every phase of this table but \`refused\`; what they do there is theirs to say. Whether a command must wait for TLS or AUTH, where a server
requires them, is another matter: it hears \`530\` then, whatever the phase.
`;

const CONFORMANCE_INTRODUCTION = `${generatedNote('packages/smtpd/test/conformance/requirements.ts')}

# Conformance

What the RFCs ask of a server, in our words: each MUST and SHOULD of RFC 5321 that binds one, and of the RFCs of the extensions that every
server of this package has or can be given (\`docs/extensions.md\`), of TLS, of AUTH with its mechanisms, and of LMTP. And what they ask of a
client and of a proxy, as far as \`SMTPClient\`, \`PureProxy\` and \`MailmanProxy\` have to do with it.

- **met**: by this package; the source line and the test say where and how it is known.
- **application**: it binds whoever handles the message; the remark says whom.
- **later**: it arrives with what the remark names.
- **differs**: we do something else, and say why.

The level \`says\` is a plain statement without a keyword. The build fails when a source line or a test is no longer there, and when the
source cites a clause that no tested row covers. Sources are below \`packages/smtpd/src/\`, tests below \`packages/smtpd/test/conformance/\`,
those of what no conversation shows below \`packages/smtpd/test/client/\`, \`test/handlers/\`, \`test/laws/\` and \`test/protocol/\`.
`;

const UNTESTED_INTRODUCTION = `## Cited and not tested here

Clauses that the source names and that ask nothing of a server as it is now.
`;
