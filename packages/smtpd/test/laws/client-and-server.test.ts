/** The law that the pure client and the pure server understand each other: whatever is said, and however the octets are split. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ClientSession, type ClientEvent } from '../../src/protocol/client-session.js';
import { octets } from '../../src/protocol/octets.js';
import { Reply } from '../../src/protocol/reply.js';
import { cutAt } from '../protocol/specification/words.js';
import { PureClient, type PureDelivery } from '../support/pure-client.js';

const SEED = 5321;

interface Message {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly content: string;
  readonly way: 'data' | 'chunks' | 'reset';
  /** Where the content is cut. */
  readonly places: readonly number[];
}

interface Plan {
  readonly protocol: 'smtp' | 'lmtp';
  readonly isPipelining: boolean;
  readonly messages: readonly Message[];
  /** How many octets travel at a time, this way and that, over and over. */
  readonly portions: readonly number[];
}

/** What became of a message, as one of the two saw it. */
interface Outcome {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly content: string;
}

const address = fc.constantFrom(
  'yes@b.example',
  'also@b.example',
  'no@b.example',
  'later@b.example',
  '"a b"@c.example',
);
const message: fc.Arbitrary<Message> = fc.record({
  sender: fc.constantFrom('', 'a@b.example', 'no@b.example'),
  recipients: fc.array(address, { minLength: 1, maxLength: 4 }),
  content: fc
    .array(
      fc.constantFrom('.', '..', 'x', '\r\n', '\r\n.', '\r\n.\r\n', '\xff', 'QUIT\r\n', '250 OK\r\n', 'y'.repeat(80)),
      {
        maxLength: 10,
      },
    )
    .map((parts) => `${parts.join('')}\r\n`),
  way: fc.constantFrom('data', 'chunks', 'reset'),
  places: fc.array(fc.nat(200), { maxLength: 4 }),
});
const plan: fc.Arbitrary<Plan> = fc.record({
  protocol: fc.constantFrom('smtp', 'lmtp'),
  isPipelining: fc.boolean(),
  messages: fc.array(message, { maxLength: 3 }),
  portions: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 6 }),
});

describe('the pure client and the pure server', () => {
  it('agree on the outcome: who was accepted, which octets arrived, which replies were given', () => {
    fc.assert(
      fc.property(plan, (given) => {
        const { client, server, replies } = converse(given);
        expect(server.deliveries.map(outcomeOf)).toEqual(client);
        expect(replies).toEqual(server.replies.map(({ code }) => code));
      }),
      { seed: SEED, numRuns: 800 },
    );
  });

  it('come to the same outcome however the octets are split', () => {
    fc.assert(
      fc.property(plan, (given) => {
        const split = converse(given);
        const whole = converse({ ...given, portions: [1_000_000] });
        expect(split.client).toEqual(whole.client);
        expect(split.replies).toEqual(whole.replies);
      }),
      { seed: SEED + 1, numRuns: 400 },
    );
  });

  it('reach what they are for', () => {
    const seen = new Set<string>();
    for (const given of fc.sample(plan, { seed: SEED, numRuns: 400 })) {
      const { client, replies } = converse(given);
      for (const code of replies) seen.add(String(code));
      if (client.length > 1) seen.add('several messages');
      if (client.some(({ recipients }) => recipients.length > 1)) seen.add('several recipients');
    }
    expect([...seen].sort()).toEqual(
      ['220', '221', '250', '354', '451', '503', '550', '554', 'several messages', 'several recipients'].sort(),
    );
  });
});

/** Both, joined. The client says what the plan says, and goes by the replies. */
function converse({ protocol, isPipelining, messages, portions }: Plan) {
  const server = new PureClient({
    protocol,
    ...(isPipelining ? {} : { disabledExtensions: ['PIPELINING'] }),
    decide: (question) => {
      if (question.kind === 'mail') return verdictOn(question.reversePath.raw);
      if (question.kind === 'rcpt') return verdictOn(question.recipient.path.raw);
      return question.kind === 'message' && question.facts.sizeBytes % 5 === 4 ? TOO_ODD : undefined;
    },
    decideEach: (envelope) =>
      protocol === 'lmtp'
        ? envelope.recipients.map(({ path }) => (path.localPart === 'also' ? TOO_ODD : ACCEPTED))
        : undefined,
  });
  const session = new ClientSession(protocol);
  const replies: number[] = [];
  let unreadOutput = 0;
  let portion = 0;

  /** Moves everything that is under way, in portions. @returns what the client understood */
  const exchange = (): ClientEvent[] => {
    const events: ClientEvent[] = [];
    const cut = (bytes: Uint8Array): Uint8Array[] => {
      const places: number[] = [];
      for (let at = 0; at < bytes.length; portion += 1) places.push((at += portions[portion % portions.length]!));
      return cutAt(bytes, places);
    };
    for (;;) {
      const sent = session.takeOutput();
      for (const piece of sent) for (const part of cut(piece)) server.receive(part);
      const answer = octets.encodeLatin1(server.output.slice(unreadOutput));
      unreadOutput = server.output.length;
      for (const part of cut(answer)) {
        const lent = Uint8Array.from(part);
        session.receive(lent);
        for (let event = session.next(); event.kind !== 'needData'; event = session.next()) events.push(event);
        session.settle();
        lent.fill(0x58);
      }
      if (sent.length === 0 && answer.length === 0) break;
    }
    for (const event of events) if (event.kind === 'reply') replies.push(event.reply.code);
    expect(events.filter(({ kind }) => kind !== 'reply')).toEqual([]);
    return events;
  };

  exchange();
  session.send({ kind: 'hello', line: protocol === 'lmtp' ? 'LHLO c.example' : 'EHLO c.example' });
  exchange();
  expect(session.capabilities.has('PIPELINING')).toBe(isPipelining);
  const outcomes: Outcome[] = [];
  for (const { sender, recipients, content, way, places } of messages) {
    session.send({ kind: 'mail', line: `MAIL FROM:<${sender}>` });
    const requests = new Map(
      recipients.map((each) => [session.send({ kind: 'rcpt', line: `RCPT TO:<${each}>` }), each] as const),
    );
    if (way === 'data') session.send({ kind: 'data', line: 'DATA' });
    if (way === 'reset') session.send({ kind: 'reset', line: 'RSET' });
    const accepted = exchange()
      .filter((event) => event.kind === 'reply')
      .filter(({ request, reply }) => requests.has(request) && reply.isPositive)
      .map(({ request }) => requests.get(request)!);
    expect(session.acceptedCount).toBe(way === 'reset' ? 0 : accepted.length);
    if (way === 'reset' || (way === 'chunks' && session.phase !== 'transaction')) continue;
    if (way === 'data' && session.phase !== 'content') {
      session.send({ kind: 'reset', line: 'RSET' });
      exchange();
      continue;
    }
    const pieces = cutAt(octets.encodeLatin1(content), places);
    if (way === 'data') {
      for (const piece of pieces) session.sendContent(piece);
      session.endContent();
    } else {
      pieces.forEach((piece, index) => {
        const isLast = index === pieces.length - 1;
        const line = `BDAT ${String(piece.length)}${isLast ? ' LAST' : ''}`;
        session.send({ kind: isLast ? 'lastChunk' : 'chunk', line, octets: piece });
      });
    }
    const last = exchange()
      .filter((event) => event.kind === 'reply')
      .filter(({ request }) => request.kind === 'contentEnd' || request.kind === 'lastChunk');
    expect(last).toHaveLength(protocol === 'lmtp' ? Math.max(1, accepted.length) : 1);
    expect(last.map(({ isLast }) => isLast)).toEqual(last.map((_, index) => index === last.length - 1));
    // The server of this test keeps a message that somebody gets.
    if (accepted.length > 0 && last.some(({ reply }) => reply.isPositive)) {
      outcomes.push({ sender, recipients: accepted, content });
    }
    // A chunk that was refused may leave the transaction as it was.
    if (!last.some(({ reply }) => reply.isPositive)) {
      session.send({ kind: 'reset', line: 'RSET' });
      exchange();
    }
    expect(session.isIdle).toBe(true);
  }
  session.send({ kind: 'quit', line: 'QUIT' });
  exchange();
  expect(server.session.phase).toBe('closed');
  return { client: outcomes, server, replies };
}

function outcomeOf({ mailFrom, rcptTos, data }: PureDelivery): Outcome {
  return { sender: mailFrom, recipients: rcptTos, content: data };
}

function verdictOn(path: string): Reply | undefined {
  if (path.startsWith('no@')) return new Reply(550, '5.1.1', 'No');
  return path.startsWith('later@') ? new Reply(451, '4.2.1', ['Later', 'perhaps']) : undefined;
}

const ACCEPTED = new Reply(250, '2.0.0', 'Yes');
const TOO_ODD = new Reply(554, '5.6.0', 'Too odd');
