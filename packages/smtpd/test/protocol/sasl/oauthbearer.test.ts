import { describe, expect, it } from 'vitest';

import { answer, challengeOf, converse, requestOf, respond, sent, startClient, startServer } from './support.js';

const user = {
  kind: 'token',
  user: 'user@example.com',
  token: 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==',
  host: 'server.example.com',
  port: 587,
} as const;
const message =
  'n,a=user@example.com,\u0001host=server.example.com\u0001port=587\u0001auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\u0001\u0001';

describe('OAUTHBEARER', () => {
  it('has the example of RFC 7628', () => {
    expect(sent(startClient('OAUTHBEARER', user))).toBe(message);
    expect(Buffer.from(message).toString('base64')).toBe(
      'bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB',
    );
    expect(requestOf(startServer('OAUTHBEARER', message))).toEqual({
      kind: 'token',
      mechanism: 'OAUTHBEARER',
      user: user.user,
      token: user.token,
      host: 'server.example.com',
      port: 587,
      authorizationIdentity: undefined,
    });
  });

  it('accepts a good token', () => {
    const { server } = converse('OAUTHBEARER', user, () => ({ verified: true }));
    expect(server).toMatchObject({ kind: 'accepted', identity: { user: user.user, mechanism: 'OAUTHBEARER' } });
  });

  it('takes the user from the application when the client names none', () => {
    const step = startServer('OAUTHBEARER', 'n,,\u0001auth=Bearer abc\u0001\u0001');
    expect(requestOf(step)).toMatchObject({ user: undefined, token: 'abc', host: undefined, port: undefined });
    expect(answer(step, { verified: true, user: 'tim' })).toMatchObject({ identity: { user: 'tim' } });
    expect(answer(step, { verified: true })).toEqual({ kind: 'refused', reason: 'misanswered' });
  });

  it('answers a bad token with a challenge that says where to get another, and refuses after the octet 1', () => {
    const openidConfiguration = 'https://example.com/.well-known/openid-config';
    const { server, client, lines } = converse('OAUTHBEARER', user, () => undefined, {
      server: { oauth: { scope: 'example_scope', openidConfiguration } },
    });
    const error = `{"status":"invalid_token","scope":"example_scope","openid-configuration":"${openidConfiguration}"}`;
    expect(lines).toEqual([`C: ${message}`, 'A: token', `S: ${error}`, 'C: \u0001']);
    expect(server).toEqual({ kind: 'refused', reason: 'credentials' });
    expect(client).toMatchObject({ isServerVerified: false, serverError: error });
  });

  it('tells a client that sends no token where to get one', () => {
    const step = startServer(
      'OAUTHBEARER',
      'n,a=user@example.com,\u0001host=server.example.com\u0001port=143\u0001auth=\u0001\u0001',
    );
    expect(challengeOf(step)).toContain('"status":"invalid_token"');
    expect(respond(step, '\u0001')).toEqual({ kind: 'refused', reason: 'credentials' });
  });

  it('ignores keys that it does not know', () => {
    const step = startServer('OAUTHBEARER', 'y,,\u0001mthd=POST\u0001later=\u0001auth=Bearer abc\u0001\u0001');
    expect(requestOf(step)).toMatchObject({ token: 'abc' });
  });

  it('has no channel binding', () => {
    expect(startServer('OAUTHBEARER', 'p=tls-exporter,,\u0001auth=Bearer abc\u0001\u0001')).toEqual({
      kind: 'refused',
      reason: 'unsupported',
    });
  });

  it.each([
    '',
    '\u0001',
    'n,,',
    'n,,\u0001',
    'n,,\u0001\u0001',
    'n,,auth=Bearer abc\u0001\u0001',
    'x,,\u0001auth=Bearer abc\u0001\u0001',
    'n,a=,\u0001auth=Bearer abc\u0001\u0001',
    'n,a=t=im,\u0001auth=Bearer abc\u0001\u0001',
    'n,user=tim,\u0001auth=Bearer abc\u0001\u0001',
    'n,,\u0001auth=Bearer abc\u0001',
    'n,,\u0001auth=Bearer abc\u0001auth=Bearer def\u0001\u0001',
    'n,,\u0001port=0587\u0001auth=Bearer abc\u0001\u0001',
    'n,,\u0001port=70000\u0001auth=Bearer abc\u0001\u0001',
  ])('refuses the OAUTHBEARER message %j', (text) => {
    expect(startServer('OAUTHBEARER', text)).toEqual({ kind: 'refused', reason: 'malformed' });
  });
});
