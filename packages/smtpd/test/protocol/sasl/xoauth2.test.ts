import { describe, expect, it } from 'vitest';

import { answer, challengeOf, converse, requestOf, respond, sent, startClient, startServer } from './support.js';

const someuser = {
  kind: 'token',
  user: 'someuser@example.com',
  token: 'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg',
} as const;
const message = 'user=someuser@example.com\u0001auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\u0001\u0001';

describe('XOAUTH2', () => {
  it('has the documented form', () => {
    expect(sent(startClient('XOAUTH2', someuser))).toBe(message);
    expect(requestOf(startServer('XOAUTH2', message))).toEqual({
      kind: 'token',
      mechanism: 'XOAUTH2',
      user: someuser.user,
      token: someuser.token,
      host: undefined,
      port: undefined,
      authorizationIdentity: undefined,
    });
  });

  it('accepts a good token', () => {
    const { server, client } = converse('XOAUTH2', someuser, () => ({ verified: true }));
    expect(server).toMatchObject({ kind: 'accepted', identity: { user: someuser.user, mechanism: 'XOAUTH2' } });
    expect(client).toMatchObject({ isServerVerified: true, serverError: undefined });
  });

  it('answers a bad token with a challenge that says why, and refuses after the empty answer', () => {
    const { server, client, lines } = converse('XOAUTH2', someuser, () => undefined);
    const error = '{"status":"401","schemes":"bearer","scope":"https://mail.example.com/"}';
    expect(lines).toEqual([`C: ${message}`, 'A: token', `S: ${error}`, 'C: ']);
    expect(server).toEqual({ kind: 'refused', reason: 'credentials' });
    expect(client).toMatchObject({ isServerVerified: false, serverError: error });
  });

  it('leaves out a scope that is not configured', () => {
    const hints = { scope: undefined, openidConfiguration: undefined };
    const step = answer(startServer('XOAUTH2', message, { oauth: hints }), undefined);
    expect(challengeOf(step)).toBe('{"status":"401","schemes":"bearer"}');
  });

  it('does not ask about a token of another scheme', () => {
    const step = startServer('XOAUTH2', 'user=tim\u0001auth=Basic dGlt\u0001\u0001');
    expect(challengeOf(step)).toContain('"status":"401"');
    expect(respond(step, '')).toEqual({ kind: 'refused', reason: 'credentials' });
  });

  it('reads the name of the scheme in any case, and ignores what it does not know', () => {
    const step = startServer('XOAUTH2', 'vendor=x\u0001auth=bEaReR abc\u0001user=tim\u0001\u0001');
    expect(requestOf(step)).toMatchObject({ user: 'tim', token: 'abc' });
  });

  it.each([
    '',
    '\u0001',
    '\u0001\u0001',
    'user=tim',
    'user=tim\u0001auth=Bearer abc',
    'user=tim\u0001auth=Bearer abc\u0001',
    'user=tim\u0001user=ann\u0001auth=Bearer abc\u0001\u0001',
    'auth=Bearer abc\u0001\u0001',
    'user=tim\u0001\u0001',
    'user=\u0001auth=Bearer abc\u0001\u0001',
    'user=t\0im\u0001auth=Bearer abc\u0001\u0001',
    'us er=tim\u0001auth=Bearer abc\u0001\u0001',
    '\u0001user=tim\u0001auth=Bearer abc\u0001\u0001',
  ])('refuses %j', (text) => {
    expect(startServer('XOAUTH2', text)).toEqual({ kind: 'refused', reason: 'malformed' });
  });
});
