/**
 * The table of commands, and the session that obeys it: every phase × verb. The cells are generated from the table, so a row that
 * joins it is tested at once; a verb or phase that these tests cannot bring about fails here.
 */

import { describe, expect, it } from 'vitest';

import {
  COMMAND_PHASES,
  COMMAND_RULES,
  isStandardVerb,
  syntaxOf,
  type CommandPhase,
  type Phase,
  type StandardVerb,
} from '../../src/protocol/command-rules.js';
import { defineExtension } from '../../src/protocol/extension.js';
import { etrn } from '../../src/protocol/extensions/etrn.js';
import { Reply } from '../../src/protocol/reply.js';
import type { Question } from '../../src/protocol/session-events.js';
import { STEPS } from '../../src/protocol/session-state.js';
import { PureClient, type PureSetup } from '../support/pure-client.js';

/** How a client comes to each phase, behind the command with which it names itself. */
const WAYS: Readonly<Record<CommandPhase, { readonly setup?: PureSetup; readonly commands: readonly string[] }>> = {
  refused: { setup: { decide: () => new Reply(554, '5.7.1', 'Not you') }, commands: [] },
  start: { commands: [] },
  ready: { commands: ['@'] },
  sender: { commands: ['@', 'MAIL FROM:<first@a.example>'] },
  recipients: { commands: ['@', 'MAIL FROM:<first@a.example>', 'RCPT TO:<r1@b.example>', 'RCPT TO:<r2@b.example>'] },
  chunks: {
    commands: ['@', 'MAIL FROM:<first@a.example>', 'RCPT TO:<r1@b.example>', 'RCPT TO:<r2@b.example>', 'BDAT 3\r\n.'],
  },
};

/** A server on which there is every command that there is in its protocol. */
const EVERYTHING: PureSetup = {
  tls: { mode: 'offer' },
  auth: { mode: 'offer', plaintext: 'always' },
  extensions: [etrn()],
  situation: { mayXCLIENT: true, mayXFORWARD: true },
  run: (event, session) => {
    if (event.verb !== 'AUTH') return false;
    if (session.auth(event.argument) !== undefined) session.authenticated();
    return true;
  },
};

/**
 * An argument that each command can have, and the code of the reply where it is accepted. `lands` is the phase in which the client
 * finds itself, where that is not the one of the table: a chunk is taken and a greeting said before anything else is.
 */
interface Example {
  readonly argument: string | undefined;
  readonly code: number;
  readonly lands?: Phase;
}

const EXAMPLES: Readonly<Record<StandardVerb, Example>> = {
  EHLO: { argument: 'second.example', code: 250 },
  HELO: { argument: 'second.example', code: 250 },
  LHLO: { argument: 'second.example', code: 250 },
  STARTTLS: { argument: undefined, code: 220 },
  AUTH: { argument: 'plain AHRpbQBzZWNyZXQ=', code: 235 },
  MAIL: { argument: 'FROM:<second@a.example>', code: 250 },
  RCPT: { argument: 'TO:<r3@b.example>', code: 250 },
  DATA: { argument: undefined, code: 354 },
  // The octets of a chunk are never a command, whether the chunk is accepted or not.
  BDAT: { argument: '6\r\nQUIT', code: 250, lands: 'chunks' },
  RSET: { argument: undefined, code: 250 },
  NOOP: { argument: undefined, code: 250 },
  QUIT: { argument: undefined, code: 221 },
  VRFY: { argument: '<bob@b.example>', code: 252 },
  EXPN: { argument: 'list', code: 502 },
  HELP: { argument: 'NOOP', code: 214 },
  ETRN: { argument: '@b.example', code: 458 },
  XCLIENT: { argument: 'NAME=spike.example ADDR=192.0.2.5', code: 220, lands: 'start' },
  XFORWARD: { argument: 'NAME=spike.example', code: 250 },
};

/** The commands that are the application's to decide. */
const DECIDED: readonly StandardVerb[] = [
  ...(['EHLO', 'HELO', 'LHLO', 'MAIL', 'RCPT', 'DATA', 'BDAT', 'VRFY', 'EXPN', 'ETRN', 'XCLIENT'] as const),
];

/** Those whose refusal is itself a step: no chunk is followed by the rest of its message, and nobody is let in. */
const AFTER_REFUSAL: Readonly<Partial<Record<StandardVerb, Phase>>> = { BDAT: 'ready', XCLIENT: 'refused' };

const VERBS = Object.keys(COMMAND_RULES) as StandardVerb[];
const CELLS = COMMAND_PHASES.flatMap((phase) => VERBS.map((verb) => [phase, verb] as const));
const ACCEPTED = CELLS.filter(([phase, verb]) => 'to' in COMMAND_RULES[verb].in[phase]);
const REFUSED = CELLS.filter(([phase, verb]) => 'outOfSequence' in COMMAND_RULES[verb].in[phase]);

describe('the table', () => {
  it('is whole: each verb has a rule for each phase, and these tests have an example of each', () => {
    expect(Object.keys(WAYS)).toEqual([...COMMAND_PHASES]);
    expect(Object.keys(EXAMPLES)).toEqual(VERBS);
    for (const verb of VERBS) expect(Object.keys(COMMAND_RULES[verb].in), verb).toEqual([...COMMAND_PHASES]);
    expect(ACCEPTED.length + REFUSED.length).toBe(CELLS.length);
  });

  it.each(ACCEPTED)('in the phase %s %s leads to a phase that a session may step to', (phase, verb) => {
    const { to } = acceptedRule(phase, verb);
    if (to !== phase) expect(STEPS[phase]).toContain(to);
  });

  it.each(VERBS)('shows a syntax of %s that begins with it, and the clause', (verb) => {
    const { syntax, clause } = COMMAND_RULES[verb];
    expect(syntax === verb || syntax.startsWith(`${verb} `)).toBe(true);
    expect(clause).toMatch(/^(?:RFC \d+ §\d+(?:\.\d+)*|Postfix X[A-Z]+_README)$/);
  });

  it('refuses out of sequence with 503 alone', () => {
    for (const [phase, verb] of REFUSED) expect(outOfSequence(phase, verb).code).toBe(503);
  });

  it('lets a client leave from every phase', () => {
    for (const phase of COMMAND_PHASES) expect(COMMAND_RULES.QUIT.in[phase]).toEqual({ to: 'closed' });
  });

  it('can be walked from the start to every phase of a session that was let in', () => {
    const reached = new Set<string>(['start']);
    for (let before = 0; before !== reached.size;) {
      before = reached.size;
      for (const [phase, verb] of ACCEPTED) if (reached.has(phase)) reached.add(acceptedRule(phase, verb).to);
      // The end of a chunk is not a command.
      if (reached.has('chunk')) reached.add('chunks');
    }
    expect([...reached].sort()).toEqual(
      [
        ...['chunk', 'chunks', 'closed', 'content', 'opening', 'ready', 'recipients', 'securing', 'sender', 'start'],
      ].sort(),
    );
  });

  it('has commands of the core, of one protocol, and of extensions', () => {
    const of = (kind: string): readonly string[] => VERBS.filter((verb) => COMMAND_RULES[verb].belongsTo === kind);
    expect(of('smtp')).toEqual(['EHLO', 'HELO']);
    expect(of('lmtp')).toEqual(['LHLO']);
    expect(of('extension')).toEqual(['STARTTLS', 'AUTH', 'BDAT', 'ETRN', 'XCLIENT', 'XFORWARD']);
    expect(of('core')).toHaveLength(VERBS.length - 9);
  });

  it('knows its verbs and nothing that an object has besides', () => {
    expect(VERBS.every(isStandardVerb)).toBe(true);
    expect(['', 'mail', 'XPING', 'toString', 'constructor', '__proto__'].filter(isStandardVerb)).toEqual([]);
  });

  it('shows parameters to a client that said EHLO', () => {
    for (const verb of VERBS) {
      const { syntax, parameters } = COMMAND_RULES[verb];
      expect(syntaxOf(verb, false)).toBe(syntax);
      expect(syntaxOf(verb, true)).toBe(parameters === undefined ? syntax : `${syntax} ${parameters}`);
    }
    expect(syntaxOf('MAIL', true)).toBe('MAIL FROM: <address> [SP <mail-parameters>]');
  });
});

describe('every phase × verb', () => {
  it.each(COMMAND_PHASES)('the phase %s is reached in either protocol', (phase) => {
    expect(clientIn(phase, 'EHLO').session.phase).toBe(phase);
    expect(clientIn(phase, 'LHLO').session.phase).toBe(phase);
  });

  it.each(ACCEPTED)('in the phase %s %s is accepted', (phase, verb) => {
    const client = clientIn(phase, verb);
    const before = snapshot(client);
    const to = EXAMPLES[verb].lands ?? acceptedRule(phase, verb).to;
    expect(client.codes(lineOf(verb))).toEqual([EXAMPLES[verb].code]);
    expect(client.commands.at(-1)).toBe(verb);
    const after = snapshot(client);
    expect(after.phase).toBe(to);
    if (['EHLO', 'HELO', 'LHLO'].includes(verb)) {
      expect(after.client?.name.text).toBe('second.example');
      expect(after.client?.isExtended).toBe(verb !== 'HELO');
    } else if (['securing', 'start'].includes(to)) {
      // RFC 3207 §4.2, XCLIENT: what was said before does not count any more.
      expect(after.client).toBeUndefined();
    } else {
      expect(after.client).toEqual(before.client);
    }
    expect(after.envelope).toEqual(expectedEnvelope(before, verb, to));
  });

  it.each(REFUSED)('in the phase %s %s is out of sequence and changes nothing', (phase, verb) => {
    const client = clientIn(phase, verb);
    const before = snapshot(client);
    const reply = outOfSequence(phase, verb);
    client.output = '';
    client.send(`${lineOf(verb)}\r\n`);
    expect(client.output).toBe(`${reply.toString()}\r\n`);
    expect(snapshot(client)).toEqual(before);
  });

  it.each(ACCEPTED)(
    'in the phase %s %s changes nothing when the application refuses it, or what it must',
    (phase, verb) => {
      const asked: Question['kind'][] = [];
      let isRefusing = false;
      const client = clientIn(phase, verb, {
        decide: (question) => {
          if (!isRefusing) return WAYS[phase].setup?.decide?.(question);
          asked.push(question.kind);
          return new Reply(550, '5.7.1', 'I would rather not');
        },
      });
      const before = snapshot(client);
      isRefusing = true;
      const codes = client.codes(lineOf(verb));
      // The first chunk alone is asked about.
      if (DECIDED.includes(verb) && !(verb === 'BDAT' && phase === 'chunks')) {
        expect(asked).toHaveLength(1);
        expect(codes).toEqual([550]);
        const after = AFTER_REFUSAL[verb];
        if (after === undefined) expect(snapshot(client)).toEqual(before);
        else expect(snapshot(client)).toMatchObject({ phase: after, envelope: undefined });
      } else {
        expect(asked).toEqual([]);
        expect(codes).toEqual([EXAMPLES[verb].code]);
      }
    },
  );

  it.each(CELLS)('in the phase %s %s in any case of letters is the same command', (phase, verb) => {
    const [upper, lower] = [clientIn(phase, verb), clientIn(phase, verb)];
    const { argument } = EXAMPLES[verb];
    const lowered = verb.charAt(0) + verb.slice(1).toLowerCase();
    lower.send(`${argument === undefined ? lowered : `${lowered} ${argument}`}\r\n`);
    upper.send(`${lineOf(verb)}\r\n`);
    expect(lower.output).toBe(upper.output);
    expect(snapshot(lower)).toEqual(snapshot(upper));
  });
});

describe('the argument', () => {
  const cells = (kind: string) => ACCEPTED.filter(([, verb]) => COMMAND_RULES[verb].argument === kind);

  it('is one of four kinds, and each kind is somewhere in the table', () => {
    const kinds = ['required', 'forbidden', 'optional', 'ignored'];
    expect(new Set(VERBS.map((verb) => COMMAND_RULES[verb].argument))).toEqual(new Set(kinds));
    expect(kinds.flatMap(cells)).toHaveLength(ACCEPTED.length);
  });

  it.each(cells('required'))('in the phase %s %s is refused without one', (phase, verb) => {
    for (const line of [verb, `${verb} `, `${verb} \t `]) expectSyntaxReply(clientIn(phase, verb), verb, line);
  });

  it.each(cells('forbidden'))('in the phase %s %s is refused with one, and blanks are none', (phase, verb) => {
    for (const line of [`${verb} x`, `${verb}  \t x `]) expectSyntaxReply(clientIn(phase, verb), verb, line);
    expect(clientIn(phase, verb).codes(`${verb} \t `)).toEqual([EXAMPLES[verb].code]);
  });

  it.each(cells('optional'))('in the phase %s %s may have one or none', (phase, verb) => {
    const { argument, code } = EXAMPLES[verb];
    expect(argument).toBeDefined();
    expect(clientIn(phase, verb).codes(verb, `${verb} `, lineOf(verb))).toEqual([code, code, code]);
  });

  it.each(cells('ignored'))('in the phase %s %s may have any', (phase, verb) => {
    for (const argument of ['', 'x', '<a@b.example>', '\0\x1b\xff', '%s'.repeat(200)]) {
      const client = clientIn(phase, verb);
      expect(client.codes(`${verb} ${argument}`)).toEqual([EXAMPLES[verb].code]);
      expect(client.session.phase).toBe(acceptedRule(phase, verb).to);
    }
  });

  it('is looked at only when the command may come', () => {
    for (const [phase, verb] of REFUSED) {
      const isRequired = COMMAND_RULES[verb].argument === 'required';
      const client = clientIn(phase, verb);
      client.output = '';
      client.send(isRequired ? `${verb}\r\n` : `${verb} x\r\n`);
      expect(client.output, `${phase} ${verb}`).toBe(`${outOfSequence(phase, verb).toString()}\r\n`);
    }
  });
});

/** What each makes unavailable, and in which server. */
const ABSENT: Readonly<Partial<Record<StandardVerb, PureSetup>>> = {
  EHLO: { protocol: 'lmtp' },
  HELO: { protocol: 'lmtp' },
  LHLO: { protocol: 'smtp' },
  STARTTLS: { tls: { mode: 'off' } },
  AUTH: { auth: { mode: 'off' } },
  BDAT: { disabledExtensions: ['CHUNKING'] },
  ETRN: { extensions: [] },
  XCLIENT: { situation: { mayXCLIENT: false, mayXFORWARD: true } },
  XFORWARD: { situation: { mayXCLIENT: true, mayXFORWARD: false } },
};

describe('a command that is not there', () => {
  it('is one that does not belong to the core', () => {
    const others = VERBS.filter((verb) => COMMAND_RULES[verb].belongsTo !== 'core');
    expect(Object.keys(ABSENT)).toEqual(others);
  });

  it.each(
    COMMAND_PHASES.filter((phase) => phase !== 'refused').flatMap((phase) =>
      Object.keys(ABSENT).map((verb) => [phase, verb as StandardVerb] as const),
    ),
  )('in the phase %s %s is not recognized and changes nothing', (phase, verb) => {
    // Without BDAT nobody comes to where chunks are awaited.
    if (phase === 'chunks' && verb === 'BDAT') return;
    const other = verb === 'LHLO' ? 'EHLO' : verb === 'EHLO' || verb === 'HELO' ? 'LHLO' : verb;
    const client = clientIn(phase, other, ABSENT[verb]);
    const before = snapshot(client);
    expect(before.phase).toBe(phase);
    const argument = verb === 'BDAT' ? '0' : EXAMPLES[verb].argument;
    for (const line of [verb, `${verb} ${argument ?? 'x'}`]) {
      client.output = '';
      client.send(`${line}\r\n`);
      expect(client.output).toBe(`500 5.5.1 Error: command "${verb}" not recognized\r\n`);
      expect(snapshot(client)).toEqual(before);
    }
  });

  it.each(Object.keys(ABSENT) as StandardVerb[])('%s has no HELP', (verb) => {
    const other = verb === 'LHLO' ? 'EHLO' : verb === 'EHLO' || verb === 'HELO' ? 'LHLO' : verb;
    const client = clientIn('ready', other, ABSENT[verb]);
    const [list] = textOf(client, 'HELP');
    expect(list!.split(' ')).not.toContain(verb);
    expect(client.codes(`HELP ${verb}`)).toEqual([504]);
  });
});

describe('HELP', () => {
  const ping = defineExtension({
    keyword: 'XPING',
    verbs: { XPING: { syntax: 'XPING [SP <text>]', run: () => undefined } },
  });
  const SMTP = 'EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP ETRN XCLIENT XFORWARD';

  it('lists what is there, in the order of the table, and then the verbs of extensions', () => {
    expect(textOf(clientIn('start', 'EHLO'), 'HELP')).toEqual([`2.0.0 Supported commands: ${SMTP}`]);
    expect(textOf(clientIn('start', 'LHLO'), 'HELP')).toEqual([
      `2.0.0 Supported commands: ${SMTP.replace('EHLO HELO', 'LHLO')}`,
    ]);
    const plain = new PureClient({ extensions: [ping] });
    expect(textOf(plain, 'HELP')).toEqual([
      '2.0.0 Supported commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP XPING',
    ]);
  });

  it('leaves AUTH out once it has succeeded, and lists it before', () => {
    const client = clientIn('ready', 'AUTH');
    expect(textOf(client, 'HELP')[0]!.split(' ')).toContain('AUTH');
    const authenticated = clientIn('ready', 'AUTH', { situation: { isAuthenticated: true } });
    expect(textOf(authenticated, 'HELP')[0]!.split(' ')).not.toContain('AUTH');
    expect(authenticated.codes('HELP AUTH')).toEqual([504]);
  });

  it('leaves out the commands that are always answered 502, and no others', () => {
    expect(VERBS.filter((verb) => EXAMPLES[verb].code === 502)).toEqual(
      VERBS.filter((verb) => !COMMAND_RULES[verb].isListed),
    );
  });

  it.each(VERBS)('shows the syntax of %s when it is listed', (verb) => {
    for (const [phase, isExtended] of [
      ['start', false],
      ['ready', true],
    ] as const) {
      const client = clientIn(phase, verb);
      const [list = ''] = textOf(client, 'HELP');
      const text = textOf(client, `HELP ${verb.toLowerCase()}`);
      if (COMMAND_RULES[verb].isListed) {
        expect(list.split(' ')).toContain(verb);
        expect(client.code).toBe(214);
        expect(text).toEqual([`2.0.0 Syntax: ${syntaxOf(verb, isExtended)}`]);
      } else {
        expect(list.split(' ')).not.toContain(verb);
        expect(client.code).toBe(504);
        expect(text).toEqual([list.replace('2.0.0', '5.5.4')]);
      }
    }
  });

  it('shows the syntax of an extension’s verb', () => {
    expect(textOf(clientIn('start', 'HELP', { extensions: [ping] }), 'HELP xping')).toEqual([
      '2.0.0 Syntax: XPING [SP <text>]',
    ]);
  });
});

describe('a command that moves no mail', () => {
  it.each(VERBS)('counts against idleCommandsMax: is %s one?', (verb) => {
    const client = clientIn('start', verb, { limits: { idleCommandsMax: 1 } });
    client.codes(lineOf(verb), lineOf(verb));
    expect(client.code === 421).toBe(!COMMAND_RULES[verb].movesMail);
    expect(client.exceeded).toEqual(COMMAND_RULES[verb].movesMail ? [] : ['idleCommandsMax']);
  });
});

/** A client in this phase, of a session in which there is this command. */
function clientIn(phase: CommandPhase, verb: StandardVerb, setup: PureSetup = {}): PureClient {
  const way = WAYS[phase];
  const isLMTP = verb === 'LHLO';
  const client = new PureClient({
    ...EVERYTHING,
    protocol: isLMTP ? 'lmtp' : 'smtp',
    ...way.setup,
    ...setup,
  });
  const hello = client.session.options.protocol === 'lmtp' ? 'LHLO' : 'EHLO';
  client.codes(...way.commands.map((command) => (command === '@' ? `${hello} first.example` : command)));
  return client;
}

function lineOf(verb: StandardVerb): string {
  const { argument } = EXAMPLES[verb];
  return argument === undefined ? verb : `${verb} ${argument}`;
}

function acceptedRule(phase: CommandPhase, verb: StandardVerb) {
  const rule = COMMAND_RULES[verb].in[phase];
  if ('to' in rule) return rule;
  throw new Error(`${verb} is out of sequence in ${phase}`);
}

function outOfSequence(phase: CommandPhase, verb: StandardVerb): Reply {
  const rule = COMMAND_RULES[verb].in[phase];
  if ('outOfSequence' in rule) return rule.outOfSequence;
  throw new Error(`${verb} is not out of sequence in ${phase}`);
}

interface Snapshot {
  readonly phase: string;
  readonly client: PureClient['session']['client'];
  readonly envelope: PureClient['session']['envelope'];
}

/** A copy: the list of recipients of a live envelope grows. */
function snapshot({ session }: PureClient): Snapshot {
  return structuredClone({ phase: session.phase, client: session.client, envelope: session.envelope });
}

function expectedEnvelope(before: Snapshot, verb: StandardVerb, to: string): unknown {
  if (['start', 'ready', 'refused', 'closed', 'securing'].includes(to)) return undefined;
  if (verb === 'MAIL') {
    const reversePath: unknown = expect.objectContaining({ address: 'second@a.example' });
    return { reversePath, parameters: [], isInternational: false, recipients: [] };
  }
  if (verb !== 'RCPT') return before.envelope;
  const path: unknown = expect.objectContaining({ address: 'r3@b.example' });
  return { ...before.envelope, recipients: [...(before.envelope?.recipients ?? []), { path, parameters: [] }] };
}

function expectSyntaxReply(client: PureClient, verb: StandardVerb, line: string): void {
  const before = snapshot(client);
  client.output = '';
  client.send(`${line}\r\n`);
  expect(client.output).toBe(`501 5.5.4 Syntax: ${syntaxOf(verb, before.client?.isExtended ?? false)}\r\n`);
  expect(snapshot(client)).toEqual(before);
}

function textOf(client: PureClient, line: string): readonly string[] {
  return client.send(`${line}\r\n`).flatMap(({ lines }) => lines);
}
