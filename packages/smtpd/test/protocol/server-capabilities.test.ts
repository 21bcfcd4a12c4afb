import { describe, expect, it } from 'vitest';

import { Reply } from '../../src/protocol/reply.js';
import { NO_CAPABILITIES, readCapabilities } from '../../src/protocol/server-capabilities.js';

describe('the capabilities of a server', () => {
  it('are the keywords of its reply, in any case, with what stands behind them', () => {
    const capabilities = of('mx.example greets you', 'size 1000', 'Pipelining', 'XFORWARD NAME  ADDR');
    expect(capabilities.hostname).toBe('mx.example');
    expect(capabilities.has('SIZE')).toBe(true);
    expect(capabilities.has('PIPELINING')).toBe(true);
    expect(capabilities.has('DSN')).toBe(false);
    expect(capabilities.keywords.get('XFORWARD')).toEqual(['NAME', 'ADDR']);
  });

  it('do not have what is no keyword', () => {
    expect([...of('mx.example', '', '   ', '*odd', '-x', 'é', 'OK_1').keywords]).toEqual([]);
    expect([...NO_CAPABILITIES.keywords]).toEqual([]);
  });

  it('have a size limit where it is a number above 0', () => {
    expect(of('a', 'SIZE 1000').sizeLimitBytes).toBe(1000);
    for (const line of ['SIZE', 'SIZE 0', 'SIZE x', 'SIZE -1', 'SIZE 1e3', 'HELP']) {
      expect(of('a', line).sizeLimitBytes).toBeUndefined();
    }
  });

  it('have the mechanisms of AUTH, each once, also of the form that is older than RFC 2554', () => {
    expect(of('a', 'AUTH=LOGIN PLAIN', 'AUTH PLAIN scram-sha-256').authMechanisms).toEqual([
      'LOGIN',
      'PLAIN',
      'SCRAM-SHA-256',
    ]);
    expect(of('a').authMechanisms).toEqual([]);
  });

  it('have the limits of RFC 9422 where they are well formed', () => {
    const capabilities = of('a', 'LIMITS MAILMAX=5 rcptmax=100 RCPTDOMAINMAX=1');
    expect([capabilities.messagesMax, capabilities.recipientsMax]).toEqual([5, 100]);
    for (const line of [
      'LIMITS',
      'LIMITS MAILMAX=0',
      'LIMITS MAILMAX=05',
      'LIMITS MAILMAX=1234567',
      'LIMITS MAILMAX',
    ]) {
      expect(of('a', line).messagesMax).toBeUndefined();
    }
  });
});

function of(...lines: readonly string[]) {
  return readCapabilities(new Reply(250, undefined, lines));
}
