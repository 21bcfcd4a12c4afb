/** AUTH (RFC 4954) in the pure session: who may say it, and what an outcome changes. The exchanges are in `sasl/`. */

import { describe, expect, it } from 'vitest';

import { Reply } from '../../src/protocol/reply.js';
import { octets } from '../../src/protocol/octets.js';
import type { AuthStart } from '../../src/protocol/session-events.js';
import { PureClient, type PureSetup } from '../support/pure-client.js';

const CREDENTIALS = 'AHRpbQBzZWNyZXQ=';

/** A client whose password is always right or always wrong, and what it asked for. */
class AuthClient extends PureClient {
  readonly starts: AuthStart[];

  constructor(setup: PureSetup = {}, isRight = true) {
    const starts: AuthStart[] = [];
    super({
      auth: { mode: 'offer', plaintext: 'always' },
      run: ({ verb, argument }, session) => {
        if (verb !== 'AUTH') return false;
        const start = session.auth(argument);
        if (start !== undefined) starts.push(start);
        if (start !== undefined && isRight) session.authenticated();
        else if (start !== undefined) session.authFailed();
        return true;
      },
      ...setup,
    });
    this.starts = starts;
    this.codes(setup.protocol === 'lmtp' ? 'LHLO c.example' : 'EHLO c.example');
    this.output = '';
  }

  /** The line of the EHLO reply that offers AUTH. */
  get offered(): string | undefined {
    this.send('EHLO c.example\r\n');
    return this.replies.at(-1)!.lines.find((line) => line.startsWith('AUTH'));
  }
}

describe('AUTH', () => {
  it('tells the mechanism in upper case, and the initial response as octets', () => {
    const client = new AuthClient({}, false);
    client.codes('AUTH PLAIN', 'auth plain', `AUTH LoGiN  ${CREDENTIALS}`, 'AUTH PLAIN =');
    expect(client.starts).toEqual([
      { mechanism: 'PLAIN', initialResponse: undefined },
      { mechanism: 'PLAIN', initialResponse: undefined },
      { mechanism: 'LOGIN', initialResponse: octets.encodeLatin1('\0tim\0secret') },
      { mechanism: 'PLAIN', initialResponse: octets.encodeLatin1('') },
    ]);
  });

  it.each([
    ...[
      'AHRpbQBzZWNyZXQ',
      'AHRpbQBzZWNyZXR=',
      'x',
      '==',
      '=A==',
      '====',
      'AHRp bQ==',
      'AHRp*bQ=',
      'AHRpbQ-_',
      '*',
      '"AHRp"',
    ],
    ...['\xe9\xe9\xe9\xe9'],
  ])('with the initial response %j is 501', (text) => {
    const client = new AuthClient();
    client.codes(`AUTH PLAIN ${text}`);
    expect(client.output).toBe(
      text.includes(' ')
        ? '501 5.5.4 Syntax: AUTH mechanism [SP initial-response]\r\n'
        : '501 5.5.2 Error: malformed authentication exchange\r\n',
    );
    expect(client.starts).toEqual([]);
    expect(client.session.situation.isAuthenticated).toBe(false);
  });

  it.each([
    'AUTH',
    'AUTH ',
    'AUTH =',
    'AUTH PLAIN = =',
    `AUTH PLAIN ${CREDENTIALS} x`,
    'AUTH PL.AIN',
    `AUTH ${'X'.repeat(21)}`,
  ])('"%s" is a syntax error', (line) => {
    const client = new AuthClient();
    client.codes(line);
    expect(client.output).toBe('501 5.5.4 Syntax: AUTH mechanism [SP initial-response]\r\n');
    expect(client.starts).toEqual([]);
  });

  it('of a mechanism that nobody knows is 504, and a refusal', () => {
    const client = new AuthClient({ limits: { errorsMax: 1, refusalsMax: 3 } });
    expect(client.codes('AUTH CRAM-MD5', 'AUTH X', `AUTH ${'X'.repeat(20)} =`)).toEqual([504, 504, 504]);
    expect(client.output.split('\r\n')[0]).toBe('504 5.5.4 Error: unrecognized authentication mechanism');
    expect(client.codes('AUTH X')).toEqual([421]);
    expect(client.exceeded).toEqual(['refusalsMax']);
  });

  it('of a mechanism that needs TLS is 504 before TLS', () => {
    const auth = { mode: 'offer', plaintext: 'tls', mechanisms: ['SCRAM-SHA-256', 'PLAIN'] } as const;
    const inClear = new AuthClient({ auth });
    expect(inClear.offered).toBe('AUTH SCRAM-SHA-256');
    inClear.output = '';
    inClear.codes(`AUTH PLAIN ${CREDENTIALS}`, 'AUTH LOGIN');
    expect(inClear.output).toBe(
      '504 5.5.4 Error: this authentication mechanism needs TLS\r\n504 5.5.4 Error: unrecognized authentication mechanism\r\n',
    );
    expect(inClear.starts).toEqual([]);
    const onTLS = new AuthClient({ auth, situation: { isSecured: true } });
    expect(onTLS.offered).toBe('AUTH SCRAM-SHA-256 PLAIN');
    expect(onTLS.codes(`AUTH PLAIN ${CREDENTIALS}`)).toEqual([235]);
  });

  it('is not there where no mechanism may be used, or it is off', () => {
    for (const auth of [{ mode: 'off' }, { mode: 'offer', plaintext: 'tls' }] as const) {
      const client = new AuthClient({ auth });
      expect(client.offered).toBeUndefined();
      expect(client.codes(`AUTH PLAIN ${CREDENTIALS}`)).toEqual([500]);
    }
  });

  it('before EHLO is 503, and behind HELO it may come', () => {
    const client = new PureClient({ auth: { mode: 'offer', plaintext: 'always' } });
    expect(client.codes('AUTH PLAIN', 'HELO c.example', 'AUTH PLAIN')).toEqual([503, 250, 504]);
  });

  it('in a transaction is 503, and the transaction goes on', () => {
    const client = new AuthClient();
    const line = `AUTH PLAIN ${CREDENTIALS}`;
    expect(client.codes('MAIL FROM:<a@a.example>', line, 'RCPT TO:<b@b.example>', line)).toEqual([250, 503, 250, 503]);
    expect(client.codes('BDAT 3\r\n.', line, 'BDAT 3 LAST\r\n.', line)).toEqual([250, 503, 250, 235]);
    expect(client.starts).toHaveLength(1);
  });

  it('goes by the table when nobody knows its mechanisms', () => {
    const client = new PureClient({ auth: { mode: 'offer', plaintext: 'always' } });
    expect(client.codes('EHLO c.example', `AUTH PLAIN ${CREDENTIALS}`)).toEqual([250, 504]);
  });
});

describe('a client that has authenticated', () => {
  it('is told so, is not offered AUTH again, and may not say it again', () => {
    const client = new AuthClient();
    client.codes(`AUTH PLAIN ${CREDENTIALS}`);
    expect(client.output).toBe('235 2.7.0 Authentication successful\r\n');
    expect(client.session.situation.isAuthenticated).toBe(true);
    expect(client.offered).toBeUndefined();
    for (const line of ['AUTH PLAIN', 'AUTH', 'AUTH X', `AUTH PLAIN ${CREDENTIALS}`]) {
      client.output = '';
      client.codes(line);
      expect(client.output).toBe('503 5.5.1 Error: already authenticated\r\n');
    }
    expect(client.starts).toHaveLength(1);
  });

  it('hears what the application has to say', () => {
    const client = new AuthClient({
      run: ({ verb, argument }, session) => {
        if (verb !== 'AUTH') return false;
        if (session.auth(argument) !== undefined) session.authenticated(new Reply(235, '2.7.0', 'Welcome, Tim'));
        return true;
      },
    });
    client.codes('AUTH PLAIN');
    expect(client.output).toBe('235 2.7.0 Welcome, Tim\r\n');
  });

  it('keeps its name, and may be named with AUTH= in MAIL', () => {
    const client = new AuthClient();
    expect(client.codes('MAIL FROM:<a@a.example> AUTH=tim@a.example', 'RSET')).toEqual([250, 250]);
    client.codes('AUTH PLAIN');
    expect(client.session.client?.name.text).toBe('c.example');
    client.codes('MAIL FROM:<a@a.example> AUTH=tim@a.example', 'RCPT TO:<b@b.example>', 'BDAT 0 LAST');
    expect(client.deliveries.map(({ mailOptions }) => mailOptions)).toEqual([['AUTH=tim@a.example']]);
  });

  it('stays so through RSET and EHLO', () => {
    const client = new AuthClient({ auth: { mode: 'require', plaintext: 'always' } });
    expect(client.codes('AUTH PLAIN', 'RSET', 'EHLO d.example', 'MAIL FROM:<>')).toEqual([235, 250, 250, 250]);
  });

  it('may have sent more behind an AUTH that needs no challenge', () => {
    const client = new AuthClient();
    client.send(`AUTH PLAIN ${CREDENTIALS}\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.exa`);
    expect(client.output).toBe('235 2.7.0 Authentication successful\r\n250 2.1.0 OK\r\n');
    expect(client.session.takeViolations()).toEqual([]);
    client.send('mple>\r\n');
    expect(client.commands).toEqual(['EHLO', 'AUTH', 'MAIL', 'RCPT']);
  });
});

describe('a client that has not proved who it is', () => {
  it('is told so, keeps what it sent, and may try again', () => {
    const client = new AuthClient({}, false);
    client.send(`AUTH PLAIN ${CREDENTIALS}\r\nNOOP\r\nAUTH PLAIN\r\n`);
    expect(client.output).toBe(
      '535 5.7.8 Error: authentication credentials invalid\r\n250 2.0.0 OK\r\n535 5.7.8 Error: authentication credentials invalid\r\n',
    );
    expect(client.session.takeViolations()).toEqual([]);
    expect(client.session.situation.isAuthenticated).toBe(false);
  });

  it('may do so authFailuresMax times; the last one closes instead', () => {
    const client = new AuthClient({ limits: { authFailuresMax: 3, errorsMax: 1, refusalsMax: 1 } }, false);
    client.codes('AUTH PLAIN', 'NOOP', 'AUTH PLAIN', 'AUTH PLAIN');
    expect(client.output.split('\r\n').slice(1, -1)).toEqual([
      '250 2.0.0 OK',
      '535 5.7.8 Error: authentication credentials invalid',
      '421 4.7.0 Error: too many failed authentications, closing connection',
    ]);
    expect(client.exceeded).toEqual(['authFailuresMax']);
    expect(client.session.phase).toBe('closed');
  });

  it('counts anew once it has succeeded', () => {
    let isRight = false;
    const client = new AuthClient({
      limits: { authFailuresMax: 2 },
      tls: { mode: 'offer' },
      run: ({ verb, argument }, session) => {
        if (verb !== 'AUTH') return false;
        const start = session.auth(argument);
        if (start !== undefined && isRight) session.authenticated();
        else if (start !== undefined) session.authFailed();
        return true;
      },
    });
    expect(client.codes('AUTH PLAIN')).toEqual([535]);
    isRight = true;
    expect(client.codes('AUTH PLAIN', 'STARTTLS')).toEqual([235, 220]);
    client.session.secured();
    isRight = false;
    expect(client.codes('EHLO c.example', 'AUTH PLAIN', 'AUTH PLAIN')).toEqual([250, 535, 421]);
  });
});
