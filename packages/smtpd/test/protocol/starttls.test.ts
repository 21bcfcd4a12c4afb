/** STARTTLS (RFC 3207), and TLS before the greeting (RFC 8314), in the pure session: it knows when, and nothing of how. */

import { describe, expect, it } from 'vitest';

import { octets } from '../../src/protocol/octets.js';
import { Reply } from '../../src/protocol/reply.js';
import { ServerSession } from '../../src/protocol/server-session.js';
import { PureClient, sessionOptionsOf, type PureSetup } from '../support/pure-client.js';

const NO = new Reply(550, '5.7.1', 'No');

function client(setup: PureSetup = {}): PureClient {
  return new PureClient({ tls: { mode: 'offer' }, auth: { mode: 'offer' }, ...setup });
}

/** A client that has sent this before the handshake, and nothing since. */
function securing(setup: PureSetup = {}, line = 'STARTTLS\r\n'): PureClient {
  const made = client(setup);
  made.codes('EHLO c.example');
  made.output = '';
  made.send(line);
  return made;
}

function keywords(made: PureClient): readonly string[] {
  made.send('EHLO c.example\r\n');
  return made.replies.at(-1)!.lines.slice(1);
}

describe('STARTTLS', () => {
  it('is answered with 220, and then there are no commands until the handshake is over', () => {
    const made = securing();
    expect(made.output).toBe('220 2.0.0 Ready to start TLS\r\n');
    const { session } = made;
    expect([session.phase, session.wait, session.isTakingOctets, session.isIdle]).toEqual([
      'securing',
      'handshake',
      true,
      false,
    ]);
    expect(session.deadline).toBe(session.options.limits.handshakeWaitMs);
    expect(session.client).toBeUndefined();
    expect(made.send('NOOP\r\n')).toEqual([]);
    expect(made.events.at(-1)).toBe('paused');
    expect(made.commands).toEqual(['EHLO', 'STARTTLS']);
  });

  it('makes the session as new: no second greeting, no client, and what came in clear is dropped', () => {
    const made = securing();
    made.send('MAIL FROM:<evil@a.example>\r\n');
    made.session.secured();
    expect(made.resume()).toEqual([]);
    expect(made.session.phase).toBe('start');
    expect(made.session.situation).toMatchObject({ isSecured: true, isAuthenticated: false });
    expect(made.session.unreadBytes).toBe(0);
    expect(made.codes('MAIL FROM:<a@a.example>')).toEqual([503]);
    expect(made.codes('EHLO c.example', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>')).toEqual([250, 250, 250]);
  });

  it('drops what came behind it in the same piece, and notes that', () => {
    const made = securing({}, 'STARTTLS\r\nMAIL FROM:<evil@a.example>\r\nRCPT TO:<b@b.exa');
    expect(made.output).toBe('220 2.0.0 Ready to start TLS\r\n');
    expect(made.session.unreadBytes).toBe(0);
    expect(made.session.takeViolations()).toEqual(['inputBehindSTARTTLS']);
    expect(made.session.takeViolations()).toEqual([]);
    made.session.secured();
    // Half a line from before does not become part of the first one on TLS.
    expect(made.codes('EHLO c.example', 'MAIL FROM:<a@a.example>')).toEqual([250, 250]);
    expect(made.commands).toEqual(['EHLO', 'STARTTLS', 'EHLO', 'MAIL']);
  });

  it('without anything behind it is no violation', () => {
    expect(securing().session.takeViolations()).toEqual([]);
  });

  it('with something behind it closes where that is refused, without a handshake', () => {
    const made = securing({ earlyInput: 'refuse' }, 'STARTTLS\r\nEHLO evil.example\r\n');
    expect(made.output).toBe('554 5.5.0 Error: SMTP synchronization error, closing connection\r\n');
    expect(made.session.phase).toBe('closed');
    expect(made.session.takeViolations()).toEqual(['inputBehindSTARTTLS']);
    const good = securing({ earlyInput: 'refuse' });
    expect(good.session.phase).toBe('securing');
  });

  it('is offered before TLS and not on it, and AUTH the other way round', () => {
    const made = client();
    expect(keywords(made)).toContain('STARTTLS');
    expect(keywords(made).join('\n')).not.toMatch(/^AUTH/m);
    made.codes('STARTTLS');
    made.session.secured();
    expect(keywords(made)).not.toContain('STARTTLS');
    expect(keywords(made)).toContain('AUTH PLAIN LOGIN');
  });

  it.each(['STARTTLS', 'STARTTLS now', 'starttls'])('a second time is 503: "%s"', (line) => {
    const made = securing();
    made.session.secured();
    made.output = '';
    made.codes(line, 'EHLO c.example');
    expect(made.output).toMatch(/^503 5\.5\.1 Error: TLS is active already\r\n250-/);
    made.output = '';
    made.codes('MAIL FROM:<a@a.example>', line);
    expect(made.output).toBe('250 2.1.0 OK\r\n503 5.5.1 Error: TLS is active already\r\n');
    expect(made.session.phase).toBe('sender');
  });

  it('before EHLO is 503, with an argument 501, and where it is not offered 500', () => {
    const made = client();
    expect(made.codes('STARTTLS', 'STARTTLS now', 'EHLO c.example', 'STARTTLS now', 'STARTTLS x y')).toEqual([
      503, 503, 250, 501, 501,
    ]);
    expect(new PureClient().codes('EHLO c.example', 'STARTTLS')).toEqual([250, 500]);
    expect(client({ disabledExtensions: ['STARTTLS'] }).codes('EHLO c.example', 'STARTTLS')).toEqual([250, 500]);
  });

  it('in a transaction is 503, and the transaction goes on', () => {
    const made = client();
    const line = 'STARTTLS';
    expect(made.codes('EHLO c.example', 'MAIL FROM:<a@a.example>', line, 'RCPT TO:<b@b.example>', line)).toEqual([
      250, 250, 503, 250, 503,
    ]);
    expect(made.codes('BDAT 3\r\n.', line, 'BDAT 3 LAST\r\n.', line)).toEqual([250, 503, 250, 220]);
    expect(made.deliveries.map(({ data }) => data)).toEqual(['.\r\n.\r\n']);
  });

  it('forgets who had authenticated', () => {
    const made = client({ situation: { isAuthenticated: true }, auth: { mode: 'require' } });
    expect(made.codes('EHLO c.example', 'MAIL FROM:<a@a.example>', 'RSET', 'STARTTLS')).toEqual([250, 250, 250, 220]);
    made.session.secured();
    expect(made.codes('EHLO c.example', 'MAIL FROM:<a@a.example>')).toEqual([250, 530]);
  });

  it('does not make a client’s errors forgotten', () => {
    const made = client({ limits: { errorsMax: 2 } });
    made.codes('XNO', 'XNO', 'EHLO c.example', 'STARTTLS');
    made.session.secured();
    expect(made.codes('XNO')).toEqual([421]);
  });

  it('whose handshake fails leaves a session that is over, and that takes no note of it', () => {
    const made = securing();
    made.output = '';
    made.session.abandon();
    made.session.secured();
    expect(made.session.phase).toBe('closed');
    expect(made.resume()).toEqual([]);
    expect(made.output).toBe('');
  });

  it('in LMTP comes behind LHLO', () => {
    const made = client({ protocol: 'lmtp' });
    expect(made.codes('LHLO c.example', 'STARTTLS')).toEqual([250, 220]);
    made.session.secured();
    expect(made.codes('LHLO c.example', 'EHLO c.example', 'STARTTLS')).toEqual([250, 500, 503]);
  });
});

describe('TLS before the greeting', () => {
  const secured = (setup: PureSetup = {}): ServerSession => {
    const session = new ServerSession(
      sessionOptionsOf({ tls: { mode: 'implicit' }, auth: { mode: 'offer' }, ...setup }),
    );
    session.secureFirst();
    return session;
  };
  const said = (session: ServerSession): string => {
    const bytes = session.takeOutput() ?? new Uint8Array();
    return octets.decodeLatin1(bytes, 0, bytes.length);
  };

  it('is waited for, and the greeting comes on it', () => {
    const session = secured();
    expect([session.phase, session.wait]).toEqual(['securing', 'handshake']);
    expect(session.next()).toEqual({ kind: 'paused' });
    expect(session.takeOutput()).toBeUndefined();
    session.secured();
    expect(session.phase).toBe('opening');
    expect(session.situation.isSecured).toBe(true);
    expect(session.open()).toEqual({ kind: 'connect' });
    session.accept();
    expect(said(session)).toBe('220 mail.example.test ESMTP smtpd\r\n');
    session.receive(octets.encodeLatin1('STARTTLS\r\n'));
    const event = session.next();
    if (event.kind === 'command') session.perform(event);
    expect(said(session)).toBe('503 5.5.1 Error: TLS is active already\r\n');
  });

  it('may be followed by a refusal', () => {
    const session = secured();
    session.secured();
    session.open();
    session.refuse(NO);
    expect(said(session)).toBe('550 5.7.1 No\r\n');
    expect(session.phase).toBe('refused');
  });
});
