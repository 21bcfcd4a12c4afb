/** The law that a session which is over says nothing more, asks nothing more and takes nothing more. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { octets } from '../../src/protocol/octets.js';
import { Reply } from '../../src/protocol/reply.js';
import type { ServerSession } from '../../src/protocol/server-session.js';
import { cutAt } from '../protocol/specification/words.js';
import { PureClient } from '../support/pure-client.js';
import { conversation, finishWhatWasBegun, noise, SEED, setup } from './generated-conversation.js';

/** How a session can end, and the code of its last word. */
const ENDINGS: Readonly<Record<string, { readonly code: number; readonly end: (client: PureClient) => void }>> = {
  'after QUIT': {
    code: 221,
    end: (client) => {
      client.send('QUIT\r\n');
    },
  },
  'after 421 of the application': {
    code: 421,
    end: (client) => {
      client.send('EHLO client.example\r\nMAIL FROM:<gone@a.example>\r\n');
    },
  },
  'after a line without an end': {
    code: 421,
    end: (client) => {
      client.send('x'.repeat(70_000));
    },
  },
  'after a chunk whose length cannot be told': {
    code: 421,
    end: (client) => {
      client.send('BDAT many\r\n');
    },
  },
  'after an octet too many': {
    code: 421,
    end: (client) => {
      client.send('x'.repeat(1_000_001));
    },
  },
  'when the server closes': {
    code: 421,
    end: (client) => {
      client.session.closeWith(new Reply(421, '4.3.2', 'Service is shutting down'));
      client.resume();
    },
  },
};

/** Everything that can be asked of a session. */
const ACTS: readonly ((session: ServerSession) => unknown)[] = [
  (session) => session.greet('EHLO', 'client.example'),
  (session) => session.mail('FROM:<a@a.example>'),
  (session) => session.rcpt('TO:<b@b.example>'),
  (session) => session.rcptUnasked('TO:<b@b.example>') !== undefined,
  (session) => session.rcptBatch('TO:<b@b.example>').length > 0,
  (session) => session.data(undefined),
  (session) => session.rset(undefined),
  (session) => session.noop(),
  (session) => session.quit(),
  (session) => session.vrfy('bob'),
  (session) => session.expn('list'),
  (session) => session.bdat('5 LAST'),
  (session) => session.startTLS(undefined),
  (session) => session.auth('PLAIN'),
  (session) => {
    session.authenticated();
  },
  (session) => {
    session.authFailed();
  },
  (session) => {
    session.secured();
  },
  (session) => session.etrn('b.example'),
  (session) => session.xclient('NAME=x'),
  (session) => session.xforward('NAME=x'),
  (session) => {
    session.answerEach([new Reply(250, '2.0.0', 'Yes')]);
  },
  (session) => session.help(undefined),
  (session) => session.unrecognized('XBOGUS'),
  (session) => session.perform({ verb: 'NOOP', argument: undefined }),
  (session) => session.perform({ verb: 'XBOGUS', argument: undefined }),
  (session) => session.accept(),
  (session) => session.refuse(new Reply(550, '5.7.1', 'No')),
  (session) => session.respond(new Reply(250, '2.0.0', 'Yes')),
  (session) => session.challenge(new Reply(334, undefined, 'Say')),
  (session) => session.closeWith(new Reply(421, '4.3.2', 'Again')),
  (session) => session.abandon(),
  (session) => session.settle(),
];

describe.each(Object.entries(ENDINGS))('%s', (_name, { code, end }) => {
  it('nothing is said, handed out or kept, whatever was before and whatever comes', () => {
    let endedCount = 0;
    fc.assert(
      fc.property(conversation, setup, fc.oneof(conversation, noise), fc.array(fc.nat(500)), (...given) => {
        const [before, options, behind, places] = given;
        const { limits, ...others } = options;
        const client = new PureClient({ ...others, limits: { ...limits, ...BOUNDS } });
        client.send(before);
        finishWhatWasBegun(client);
        end(client);
        if (client.session.phase !== 'closed') return;
        endedCount += 1;
        if (code === 421 || before === '') expect([221, 421]).toContain(client.code);
        const said = client.output;
        const handedOut = [...client.commands];
        const { deliveries } = client.outcome;
        for (const piece of cutAt(octets.encodeLatin1(behind), places)) expect(client.receive(piece)).toEqual([]);
        expectSilence(client.session);
        expect(client.output).toBe(said);
        expect(client.commands).toEqual(handedOut);
        expect(client.outcome).toEqual({ replies: client.replies, deliveries, isClosed: true, unreadBytes: 0 });
        expect(client.events.at(-1)).toBe('closed');
      }),
      { seed: SEED, numRuns: 300 },
    );
    expect(endedCount).toBeGreaterThan(150);
  });

  it('the last word is the one that was due', () => {
    const client = new PureClient({
      limits: BOUNDS,
      decide: (question) => (question.kind === 'mail' ? GONE : undefined),
    });
    end(client);
    expect(client.code).toBe(code);
    expect(client.send('NOOP\r\n')).toEqual([]);
  });

  it('nothing that is asked of the session does anything', () => {
    for (const act of ACTS) {
      const client = new PureClient({
        limits: BOUNDS,
        decide: (question) => (question.kind === 'mail' ? GONE : undefined),
      });
      end(client);
      expect(act(client.session), act.toString()).toBeOneOf([undefined, false]);
      expectSilence(client.session);
    }
  });
});

it('what came behind QUIT in the same piece is dropped', () => {
  const client = new PureClient();
  expect(client.send('QUIT\r\nEHLO client.example\r\nMAIL FROM:<a@a.example>\r\n').map(({ code }) => code)).toEqual([
    221,
  ]);
  expect(client.commands).toEqual(['QUIT']);
  expect(client.session.unreadBytes).toBe(0);
});

it('a session that is abandoned says nothing, not even what waited', () => {
  const client = new PureClient();
  client.session.abandon();
  expectSilence(client.session);
});

function expectSilence(session: ServerSession): void {
  expect(session.next()).toEqual({ kind: 'closed' });
  expect(session.takeOutput()).toBeUndefined();
  expect(session.outputBytes).toBe(0);
  expect(session.takeContent()).toHaveLength(0);
  expect(session.takeExceeded()).toEqual([]);
  expect(session.unreadBytes).toBe(0);
  expect(session.isUnanswered).toBe(false);
  expect(session.envelope).toBeUndefined();
  expect(session.wait).toBe('nothing');
  expect(session.deadline).toBe(Infinity);
}

const GONE = new Reply(421, '4.3.2', 'Closing');
const BOUNDS = { discardedLineBytesMax: 65_536, sessionBytesMax: 1_000_000 };
