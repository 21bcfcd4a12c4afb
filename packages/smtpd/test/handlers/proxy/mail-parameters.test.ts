import { describe, expect, it } from 'vitest';

import { senderParameters } from '../../../src/handlers/proxy/mail-parameters.js';

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
