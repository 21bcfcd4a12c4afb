import { describe, expect, it } from 'vitest';

import { answer, converse, requestOf, startClient, sent, startServer } from './support.js';

const tim = { kind: 'password', user: 'tim', password: 'tanstaaftanstaaf' } as const;

describe('PLAIN', () => {
  it('reads the examples of RFC 4616', () => {
    expect(requestOf(startServer('PLAIN', '\0tim\0tanstaaftanstaaf'))).toEqual({
      kind: 'password',
      mechanism: 'PLAIN',
      user: 'tim',
      password: 'tanstaaftanstaaf',
      authorizationIdentity: undefined,
    });
    expect(requestOf(startServer('PLAIN', 'Ursel\0Kurt\0xipj3plmq'))).toMatchObject({
      user: 'Kurt',
      password: 'xipj3plmq',
      authorizationIdentity: 'Ursel',
    });
  });

  it('asks with an empty challenge when there was no initial response', () => {
    const { lines, server } = converse('PLAIN', tim, () => ({ verified: true }), { isInitialSent: false });
    expect(lines).toEqual(['S: ', 'C: \0tim\0tanstaaftanstaaf', 'A: password']);
    expect(server).toEqual({
      kind: 'accepted',
      identity: { user: 'tim', authorizationIdentity: undefined, mechanism: 'PLAIN' },
    });
  });

  it('accepts and refuses as the application says', () => {
    const step = startServer('PLAIN', '\0tim\0wrong');
    expect(answer(step, undefined)).toEqual({ kind: 'refused', reason: 'credentials' });
    expect(answer(step, { verified: false } as never)).toEqual({ kind: 'refused', reason: 'credentials' });
    expect(answer(step, { password: 'wrong' })).toEqual({ kind: 'refused', reason: 'misanswered' });
    expect(answer(step, { verified: true, user: 'tim@example.com' })).toMatchObject({
      identity: { user: 'tim@example.com', authorizationIdentity: undefined },
    });
  });

  it('lets a user act for another only when the application names that other', () => {
    const step = startServer('PLAIN', 'Ursel\0Kurt\0xipj3plmq');
    expect(answer(step, { verified: true })).toEqual({ kind: 'refused', reason: 'authorization' });
    expect(answer(step, { verified: true, authorizationIdentity: 'Kurt' })).toMatchObject({ kind: 'refused' });
    expect(answer(step, { verified: true, authorizationIdentity: 'Ursel' })).toMatchObject({
      identity: { user: 'Kurt', authorizationIdentity: 'Ursel' },
    });
  });

  it('takes a user who asks to act for themselves', () => {
    const step = answer(startServer('PLAIN', 'tim\0tim\0secret'), { verified: true, user: 'tim@example.com' });
    expect(step).toMatchObject({ identity: { user: 'tim@example.com', authorizationIdentity: undefined } });
  });

  it('prepares names and passwords', () => {
    expect(requestOf(startServer('PLAIN', 'a\u00adb\0\u2168\0\u00aa'))).toMatchObject({
      authorizationIdentity: 'ab',
      user: 'IX',
      password: 'a',
    });
  });

  it.each([
    ['nothing', ''],
    ['no separator', 'tim'],
    ['one separator', 'tim\0secret'],
    ['a NUL in the password', '\0tim\0sec\0ret'],
    ['an empty name', '\0\0secret'],
    ['an empty password', '\0tim\0'],
    ['a name of which nothing remains', '\0\u00ad\0secret'],
    ['a control character in the password', '\0tim\0sec\u0007ret'],
    ['an authorization identity that cannot be prepared', '\u0007\0tim\0secret'],
    ['an authorization identity of which nothing remains', '\u00ad\0tim\0secret'],
    ['an overlong name', `\0${'n'.repeat(256)}\0secret`],
    ['an overlong password', `\0tim\0${'p'.repeat(1025)}`],
    ['an overlong message', `\0tim\0${'p'.repeat(13000)}`],
  ])('refuses a message of PLAIN with %s', (_, message) => {
    expect(startServer('PLAIN', message)).toEqual({ kind: 'refused', reason: 'malformed' });
  });

  it('takes names and passwords of 255 octets', () => {
    const text = 'ä'.repeat(127) + 'a';
    expect(requestOf(startServer('PLAIN', `${text}\0${text}\0${text}`))).toMatchObject({
      user: text,
      password: text,
      authorizationIdentity: text,
    });
  });

  it('sends everything in one message', () => {
    expect(sent(startClient('PLAIN', { ...tim, authorizationIdentity: 'Ursel' }))).toBe('Ursel\0tim\0tanstaaftanstaaf');
    expect(startClient('PLAIN', tim)).toMatchObject({ isServerVerified: true });
  });
});
