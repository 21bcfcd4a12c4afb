/** Mail that is taken only on TLS (RFC 3207 §4), or only from those who have authenticated (RFC 4954 §6). */

import { describe, expect, it } from 'vitest';

import { COMMAND_RULES, type StandardVerb } from '../../src/protocol/command-rules.js';
import { defineExtension } from '../../src/protocol/extension.js';
import { etrn } from '../../src/protocol/extensions/etrn.js';
import { PureClient, type PureSetup } from '../support/pure-client.js';

const VERBS = Object.keys(COMMAND_RULES) as StandardVerb[];
const TLS_FIRST = '530 5.7.0 Error: must issue a STARTTLS command first\r\n';
const AUTH_FIRST = '530 5.7.0 Error: authentication required\r\n';
const ping = defineExtension({ keyword: 'XPING', verbs: { XPING: { syntax: 'XPING', run: () => undefined } } });

/** RFC 3207 §4: NOOP, EHLO, STARTTLS and QUIT. XCLIENT comes from somebody who is trusted. */
const BEFORE_TLS: readonly StandardVerb[] = ['EHLO', 'LHLO', 'STARTTLS', 'NOOP', 'QUIT', 'XCLIENT'];
/** RFC 4954 §6: AUTH, EHLO, HELO, NOOP, RSET and QUIT. */
const BEFORE_AUTH: readonly StandardVerb[] = [
  ...BEFORE_TLS,
  ...(['HELO', 'AUTH', 'RSET', 'HELP', 'XFORWARD'] as const),
];

/** A client that has named itself, where everything is offered. */
function client(verb: StandardVerb, setup: PureSetup): PureClient {
  const protocol = verb === 'LHLO' ? 'lmtp' : 'smtp';
  const made = new PureClient({
    protocol,
    tls: { mode: 'offer' },
    auth: { mode: 'offer', plaintext: 'always' },
    extensions: [etrn(), ping],
    ...setup,
    situation: { mayXCLIENT: true, mayXFORWARD: true, ...setup.situation },
  });
  made.codes(protocol === 'lmtp' ? 'LHLO c.example' : 'EHLO c.example');
  made.output = '';
  return made;
}

/** What each command is answered when it is not held back: something else than 530. */
function lineOf(verb: StandardVerb): string {
  if (verb === 'BDAT') return 'BDAT 6\r\nQUIT';
  return COMMAND_RULES[verb].argument === 'required' ? `${verb} x` : verb;
}

describe('where TLS is required', () => {
  const setup: PureSetup = { tls: { mode: 'require' } };

  it('the table says what may come before it', () => {
    expect(VERBS.filter((verb) => COMMAND_RULES[verb].mayComeBeforeTLS).sort()).toEqual([...BEFORE_TLS].sort());
  });

  it.each(VERBS)('%s is 530 before it unless it may come, and never on it', (verb) => {
    const before = client(verb, setup);
    before.codes(lineOf(verb));
    if (BEFORE_TLS.includes(verb)) expect(before.output).not.toContain('530');
    else expect(before.output).toBe(TLS_FIRST);
    const on = client(verb, { ...setup, situation: { isSecured: true } });
    on.codes(lineOf(verb));
    expect(on.output).not.toContain('530');
  });

  it('verbs of users are 530, and so are those that nobody knows', () => {
    const made = client('NOOP', setup);
    made.codes('XPING', 'XPONG');
    expect(made.output).toBe(TLS_FIRST + TLS_FIRST);
    expect(made.commands).toEqual(['EHLO']);
  });

  it('mail is taken behind the handshake', () => {
    const made = client('NOOP', setup);
    expect(made.codes('MAIL FROM:<a@a.example>', 'STARTTLS')).toEqual([530, 220]);
    made.session.secured();
    expect(made.codes('HELO c.example', 'MAIL FROM:<a@a.example>')).toEqual([250, 250]);
  });

  it('530 counts as an error, and comes before what else is wrong', () => {
    const made = client('NOOP', { ...setup, limits: { errorsMax: 3 } });
    expect(made.codes('MAIL', 'RCPT', 'DATA now', 'RSET')).toEqual([530, 530, 530, 421]);
    expect(made.exceeded).toEqual(['errorsMax']);
  });
});

describe('where AUTH is required', () => {
  const setup: PureSetup = { auth: { mode: 'require', plaintext: 'always' } };

  it('the table says what may come before it', () => {
    expect(VERBS.filter((verb) => COMMAND_RULES[verb].mayComeBeforeAUTH).sort()).toEqual([...BEFORE_AUTH].sort());
  });

  it.each(VERBS)('%s is 530 before it unless it may come, and never after it', (verb) => {
    const before = client(verb, setup);
    before.codes(lineOf(verb));
    if (BEFORE_AUTH.includes(verb)) expect(before.output).not.toContain('530');
    else expect(before.output).toBe(AUTH_FIRST);
    const after = client(verb, { ...setup, situation: { isAuthenticated: true } });
    after.codes(lineOf(verb));
    expect(after.output).not.toContain('530');
  });

  it('verbs of users are 530, and so are those that nobody knows', () => {
    const made = client('NOOP', setup);
    made.codes('XPING', 'XPONG');
    expect(made.output).toBe(AUTH_FIRST + AUTH_FIRST);
  });
});

describe('where both are required', () => {
  it('TLS comes first', () => {
    const made = client('NOOP', { tls: { mode: 'require' }, auth: { mode: 'require' } });
    made.codes('MAIL FROM:<>', 'AUTH PLAIN', 'RSET');
    expect(made.output).toBe(`${TLS_FIRST}${TLS_FIRST}${TLS_FIRST}`);
    made.codes('STARTTLS');
    made.session.secured();
    made.codes('EHLO c.example');
    made.output = '';
    made.codes('MAIL FROM:<>', 'RSET', 'AUTH PLAIN');
    expect(made.output).toMatch(/^530 5\.7\.0 Error: authentication required\r\n250 2\.0\.0 OK\r\n504 /);
  });
});

describe('where nothing is required', () => {
  it('nothing is 530', () => {
    for (const verb of VERBS) {
      const made = client(verb, {});
      made.codes(lineOf(verb), 'XPONG');
      expect(made.output).not.toContain('530');
    }
  });
});
