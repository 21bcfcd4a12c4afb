import { describe, expect, it } from 'vitest';

import { answer, converse, requestOf, sent, startClient, startServer } from './support.js';

describe('EXTERNAL', () => {
  it('asks the application whom the certificate stands for', () => {
    const { server, lines } = converse('EXTERNAL', { kind: 'external' }, () => ({ verified: true, user: 'tim' }));
    expect(lines).toEqual(['C: ', 'A: external']);
    expect(server).toEqual({
      kind: 'accepted',
      identity: { user: 'tim', authorizationIdentity: undefined, mechanism: 'EXTERNAL' },
    });
  });

  it('takes the name that the client asks for when the application agrees to it', () => {
    const step = startServer('EXTERNAL', 'tim');
    expect(requestOf(step)).toMatchObject({ kind: 'external', authorizationIdentity: 'tim' });
    expect(answer(step, { verified: true })).toMatchObject({
      identity: { user: 'tim', authorizationIdentity: undefined },
    });
    expect(answer(step, undefined)).toEqual({ kind: 'refused', reason: 'credentials' });
  });

  it('lets a certificate act for another only when the application names that other', () => {
    const step = startServer('EXTERNAL', 'ursel');
    expect(answer(step, { verified: true, user: 'kurt' })).toEqual({ kind: 'refused', reason: 'authorization' });
    expect(answer(step, { verified: true, user: 'kurt', authorizationIdentity: 'ursel' })).toMatchObject({
      identity: { user: 'kurt', authorizationIdentity: 'ursel' },
    });
  });

  it('does not accept nobody: an application that names no user has misanswered', () => {
    expect(answer(startServer('EXTERNAL', ''), { verified: true })).toEqual({ kind: 'refused', reason: 'misanswered' });
  });

  it.each(['\0', 'a\0b', '\u00ad', 'n'.repeat(256)])('refuses %j', (message) => {
    expect(startServer('EXTERNAL', message)).toEqual({ kind: 'refused', reason: 'malformed' });
  });

  it('sends the identity, or nothing', () => {
    expect(sent(startClient('EXTERNAL', { kind: 'external' }))).toBe('');
    expect(sent(startClient('EXTERNAL', { kind: 'external', authorizationIdentity: 'tim' }))).toBe('tim');
  });
});
