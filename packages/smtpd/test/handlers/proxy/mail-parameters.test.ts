import { describe, expect, it } from 'vitest';

import { senderParameters, withAddedSize } from '../../../src/handlers/proxy/mail-parameters.js';

describe('the parameters of MAIL', () => {
  const given = [
    { keyword: 'AUTH', value: 'carol@c.example' },
    { keyword: 'SIZE', value: '10' },
  ];

  it('say for whom a client sends, when it has proved who it is', () => {
    const identity = { user: 'alice', mechanism: 'PLAIN', authorizationIdentity: undefined } as never;
    expect(senderParameters(given, { identity })).toEqual(given);
  });

  it('are for nobody else when it has not (RFC 4954 §5)', () => {
    expect(senderParameters(given, { identity: undefined })).toEqual([{ keyword: 'SIZE', value: '10' }]);
  });
});

describe('the size of a message that something is put into', () => {
  const sized = (value: string) => [
    { keyword: 'BODY', value: '8BITMIME' },
    { keyword: 'SIZE', value },
  ];

  it('is what will be sent (RFC 1870 §6)', () => {
    expect(withAddedSize(sized('10'), () => 32)).toEqual(sized('42'));
  });

  it('stays as it is where it is no number that can be added to', () => {
    for (const value of ['99999999999999999999', String(Number.MAX_SAFE_INTEGER)]) {
      expect(withAddedSize(sized(value), () => 32)).toEqual(sized(value));
    }
  });

  it('is not declared where the client has not', () => {
    const given = [{ keyword: 'BODY', value: '8BITMIME' }];
    expect(withAddedSize(given, () => 32)).toBe(given);
  });
});
