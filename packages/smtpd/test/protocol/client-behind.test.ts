/** XCLIENT and XFORWARD in the pure session: somebody in front of us speaks for a client behind it. */

import { describe, expect, it } from 'vitest';

import { InvariantError } from '../../src/protocol/errors.js';
import { Reply } from '../../src/protocol/reply.js';
import type { ClientAttributes } from '../../src/protocol/client-attributes.js';
import type { Question } from '../../src/protocol/session-events.js';
import { PureClient, type PureSetup } from '../support/pure-client.js';

function trusted(setup: PureSetup = {}): PureClient {
  const client = new PureClient({
    auth: { mode: 'offer', plaintext: 'always' },
    ...setup,
    situation: { mayXCLIENT: true, mayXFORWARD: true, ...setup.situation },
  });
  client.output = '';
  return client;
}

describe('XCLIENT', () => {
  it('makes the client another one, which is greeted and has said nothing', () => {
    const client = trusted({ situation: { isAuthenticated: true } });
    client.codes('EHLO front.example', 'XCLIENT NAME=behind.example ADDR=192.0.2.5');
    expect(client.output).toMatch(/\r\n220 mail\.example\.test ESMTP smtpd\r\n$/);
    expect([client.session.phase, client.session.client]).toEqual(['start', undefined]);
    expect(client.session.situation.isAuthenticated).toBe(false);
    expect(client.codes('MAIL FROM:<>', 'EHLO behind.example', 'MAIL FROM:<>')).toEqual([503, 250, 250]);
  });

  it('is asked about as a connection, and may be refused', () => {
    const asked: Question['kind'][] = [];
    const client = trusted({
      decide: ({ kind }) => {
        asked.push(kind);
        return asked.length > 1 ? new Reply(554, '5.7.1', 'Not you') : undefined;
      },
    });
    client.codes('XCLIENT NAME=evil.example', 'NOOP');
    expect(asked).toEqual(['connect', 'connect']);
    expect(client.output).toBe('554 5.7.1 Not you\r\n503 5.5.1 Error: this session was refused, send QUIT\r\n');
  });

  it('may come again, and name somebody who has authenticated', () => {
    const told: ClientAttributes[] = [];
    const client = trusted({
      run: (event, session) => {
        if (event.verb !== 'XCLIENT') return false;
        const attributes = session.xclient(event.argument);
        if (attributes === undefined) return true;
        told.push(attributes);
        session.reopen({ isAuthenticated: attributes.get('LOGIN') !== undefined });
        session.accept();
        return true;
      },
    });
    expect(client.codes('XCLIENT NAME=a', 'XCLIENT LOGIN=tim', 'EHLO c.example')).toEqual([220, 220, 250]);
    expect(told.map((attributes) => [...attributes])).toEqual([[['NAME', 'a']], [['LOGIN', 'tim']]]);
    expect(client.session.situation.isAuthenticated).toBe(true);
    expect(client.session.offer.keywordLines.join()).not.toContain('AUTH');
  });

  it('is not for strangers', () => {
    expect(trusted({ situation: { mayXCLIENT: false } }).codes('XCLIENT NAME=a')).toEqual([500]);
  });

  it('that is not well formed changes nothing', () => {
    const client = trusted();
    client.codes('EHLO front.example', 'XCLIENT NAME=a NAME=b', 'XCLIENT IDENT=x', 'XCLIENT');
    expect(client.session.client?.name.text).toBe('front.example');
    expect(client.output.split('\r\n').slice(-4, -1)).toEqual(
      Array.from({ length: 3 }, () => '501 5.5.4 Syntax: XCLIENT attribute=value [SP ...]'),
    );
  });

  it('is greeted once for each time', () => {
    const client = trusted();
    client.codes('XCLIENT NAME=a');
    expect(() => client.session.open()).toThrow(InvariantError);
  });
});

describe('XFORWARD', () => {
  it('is answered, and changes nothing that the session knows', () => {
    const client = trusted();
    client.codes('EHLO front.example', 'XFORWARD NAME=behind.example SOURCE=REMOTE');
    expect(client.output).toMatch(/\r\n250 2\.0\.0 OK\r\n$/);
    expect(client.session.client?.name.text).toBe('front.example');
    expect(client.session.phase).toBe('ready');
  });

  it('comes between EHLO and MAIL, well formed, from somebody who is trusted', () => {
    const client = trusted();
    const line = 'XFORWARD NAME=a';
    expect(client.codes(line, 'EHLO c.example', 'XFORWARD LOGIN=x', 'MAIL FROM:<>', line)).toEqual([
      503, 250, 501, 250, 503,
    ]);
    expect(trusted({ situation: { mayXFORWARD: false } }).codes('EHLO c.example', line)).toEqual([250, 500]);
  });
});
