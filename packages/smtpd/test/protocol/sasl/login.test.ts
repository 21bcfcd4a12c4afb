import { describe, expect, it } from 'vitest';

import { challenged, challengeOf, converse, requestOf, respond, sent, startClient, startServer } from './support.js';

const tim = { kind: 'password', user: 'tim', password: 'tanstaaftanstaaf' } as const;

describe('LOGIN', () => {
  it('asks for the name, then for the password', () => {
    const { lines, server } = converse('LOGIN', tim, () => ({ verified: true }));
    expect(lines).toEqual(['S: Username:', 'C: tim', 'S: Password:', 'C: tanstaaftanstaaf', 'A: password']);
    expect(server).toMatchObject({ kind: 'accepted', identity: { user: 'tim', mechanism: 'LOGIN' } });
  });

  it('takes the name as an initial response', () => {
    const step = startServer('LOGIN', 'tim');
    expect(challengeOf(step)).toBe('Password:');
    expect(requestOf(respond(step, 'secret'))).toMatchObject({ user: 'tim', password: 'secret' });
  });

  it('refuses a wrong password', () => {
    expect(converse('LOGIN', tim, () => undefined).server).toEqual({ kind: 'refused', reason: 'credentials' });
  });

  it.each(['', '\0', 'ti\0m', '\u00ad', 'n'.repeat(256)])('refuses the name %j', (name) => {
    expect(startServer('LOGIN', name)).toEqual({ kind: 'refused', reason: 'malformed' });
  });

  it.each(['', '\0', 'p'.repeat(1025)])('refuses the password %j', (password) => {
    expect(respond(startServer('LOGIN', 'tim'), password)).toEqual({ kind: 'refused', reason: 'malformed' });
  });

  it('answers in order, whatever the server calls it, and is not content before the password is sent', () => {
    const start = startClient('LOGIN', tim);
    const name = challenged(start, 'User Name\0');
    const password = challenged(name, '');
    expect([start, name, password].map(sent)).toEqual([undefined, 'tim', 'tanstaaftanstaaf']);
    expect([start, name, password].map((step) => step.kind === 'response' && step.isServerVerified)).toEqual([
      false,
      false,
      true,
    ]);
    expect(challenged(password, 'More:')).toMatchObject({ kind: 'failed', reason: 'malformed' });
  });
});
