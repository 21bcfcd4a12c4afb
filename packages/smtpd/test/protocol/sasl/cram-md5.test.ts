import { describe, expect, it } from 'vitest';

import {
  answer,
  challenged,
  challengeOf,
  converse,
  cryptoWith,
  requestOf,
  respond,
  sent,
  startClient,
  startServer,
} from './support.js';

const tim = { kind: 'password', user: 'tim', password: 'tanstaaftanstaaf' } as const;
const context = { crypto: cryptoWith('1896.697170952'), hostname: 'postoffice.reston.mci.net' };

describe('CRAM-MD5', () => {
  it('has the example of RFC 2195', () => {
    const step = startServer('CRAM-MD5', undefined, context);
    expect(challengeOf(step)).toBe('<1896.697170952@postoffice.reston.mci.net>');
    const response = 'tim b913a602c7eda7a495b4e6e7334d3890';
    expect(sent(challenged(startClient('CRAM-MD5', tim), challengeOf(step)))).toBe(response);
    expect(requestOf(respond(step, response))).toEqual({
      kind: 'secret',
      mechanism: 'CRAM-MD5',
      user: 'tim',
      authorizationIdentity: undefined,
      hash: undefined,
    });
    expect(answer(respond(step, response), { password: 'tanstaaftanstaaf' })).toMatchObject({ kind: 'accepted' });
  });

  it('puts another question each time', () => {
    expect(challengeOf(startServer('CRAM-MD5'))).not.toBe(challengeOf(startServer('CRAM-MD5')));
  });

  it('refuses a wrong password and an unknown user alike', () => {
    const refusal = { kind: 'refused', reason: 'credentials' };
    expect(converse('CRAM-MD5', tim, () => ({ password: 'other' })).server).toEqual(refusal);
    expect(converse('CRAM-MD5', tim, () => undefined).server).toEqual(refusal);
    expect(converse('CRAM-MD5', { ...tim, password: 'nobody' }, () => undefined).server).toEqual(refusal);
  });

  it('says that the application has misanswered when it has no password', () => {
    const refusal = { kind: 'refused', reason: 'misanswered' };
    expect(converse('CRAM-MD5', tim, () => ({ verified: true })).server).toEqual(refusal);
    expect(converse('CRAM-MD5', tim, () => ({ password: '\u0007' })).server).toEqual(refusal);
    const stored = { salt: 'AAAA', iterations: 1, storedKey: 'AAAA', serverKey: 'AAAA' };
    expect(converse('CRAM-MD5', tim, () => stored).server).toEqual(refusal);
  });

  it('takes a name with spaces', () => {
    const { server } = converse('CRAM-MD5', { ...tim, user: 'tim the elder' }, () => ({ password: tim.password }));
    expect(server).toMatchObject({ kind: 'accepted', identity: { user: 'tim the elder' } });
  });

  it('refuses an initial response: the server begins', () => {
    expect(startServer('CRAM-MD5', 'tim b913a602c7eda7a495b4e6e7334d3890')).toEqual({
      kind: 'refused',
      reason: 'initialResponse',
    });
  });

  it.each([
    '',
    'tim',
    'b913a602c7eda7a495b4e6e7334d3890',
    ' b913a602c7eda7a495b4e6e7334d3890',
    'tim B913A602C7EDA7A495B4E6E7334D3890',
    'tim b913a602c7eda7a495b4e6e7334d389',
    'tim b913a602c7eda7a495b4e6e7334d3890 ',
    'ti\0m b913a602c7eda7a495b4e6e7334d3890',
  ])('refuses the CRAM-MD5 answer %j', (response) => {
    expect(respond(startServer('CRAM-MD5'), response)).toEqual({ kind: 'refused', reason: 'malformed' });
  });
});
