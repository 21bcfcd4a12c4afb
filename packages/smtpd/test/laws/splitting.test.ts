/** The law that the outcome never depends on how the octets were split, over whole conversations. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  silentLogger,
  SMTPServer,
  type ReceivedMessage,
  type SMTPServerOptions,
  type Verdict,
} from '../../src/index.js';
import { octets } from '../../src/protocol/octets.js';
import { cutAt } from '../protocol/specification/words.js';
import { converse, HOSTNAME, type PureDelivery, type PureOutcome, type PureSetup } from '../support/pure-client.js';
import { RawClient } from '../support/raw-client.js';
import {
  application,
  conversation,
  SEED,
  serverOptions,
  setup,
  verdictOn,
  verdictOnSize,
} from './generated-conversation.js';

const places = fc.array(fc.nat(3000), { maxLength: 12 });

describe('on the pure session', () => {
  it('every split of the octets has the same outcome', () => {
    fc.assert(
      fc.property(conversation, setup, places, (text, given, cuts) => {
        const bytes = octets.encodeLatin1(text);
        const whole = converse([bytes], given);
        expect(converse(cutAt(bytes, cuts), given)).toEqual(whole);
        expect(converse(octetByOctet(bytes), given)).toEqual(whole);
      }),
      { seed: SEED, numRuns: 1500 },
    );
  });

  it('streaming and taking recipients together have the same outcome as neither', () => {
    fc.assert(
      fc.property(conversation, serverOptions, (text, options) => {
        const bytes = octets.encodeLatin1(text);
        const plain = converse([bytes], { ...options, ...application });
        for (const way of [{ isStreaming: true }, { isBatching: true }, { isStreaming: true, isBatching: true }]) {
          expect(converse([bytes], { ...options, ...way, ...application })).toEqual(plain);
        }
      }),
      { seed: SEED, numRuns: 1500 },
    );
  });

  it('the conversations reach what they are for', () => {
    const seen = new Set<string>();
    for (const [text, given] of fc.sample(fc.tuple(conversation, setup), { seed: SEED, numRuns: 1500 })) {
      const outcome = converse([octets.encodeLatin1(text)], given);
      seen.add(outcome.isClosed ? 'closed' : 'open');
      if (outcome.deliveries.length > 1) seen.add('several messages');
      if (outcome.deliveries.some(({ rcptTos }) => rcptTos.length > 1)) seen.add('several recipients');
      if (outcome.deliveries.some(({ mailOptions }) => mailOptions.length > 0)) seen.add('parameters');
      if (outcome.unreadBytes > 0) seen.add('unread');
      if (outcome.replies.some(({ lines }) => lines[0]!.includes('octets received'))) seen.add('chunks');
      if (outcome.deliveries.some(({ mailOptions }) => mailOptions.includes('BODY=BINARYMIME'))) seen.add('binary');
      if (given.protocol === 'lmtp' && outcome.deliveries.some(({ rcptTos }) => rcptTos.length > 1)) seen.add('LMTP');
      for (const { code } of outcome.replies) seen.add(String(code));
    }
    expect([...seen].sort()).toEqual(
      [
        ...['closed', 'open', 'several messages', 'several recipients', 'parameters', 'unread'],
        ...['chunks', 'binary', 'LMTP'],
        ...['214', '220', '221', '250', '252', '334', '354', '421', '451', '452', '458'],
        ...['500', '501', '502', '503', '504', '530', '535', '550', '552', '553', '554', '555'],
      ].sort(),
    );
  });
});

describe('on a server in memory', () => {
  it('every split of the octets has the outcome that the pure session has', async () => {
    await fc.assert(
      fc.asyncProperty(conversation, serverOptions, fc.boolean(), places, async (text, options, isBatching, cuts) => {
        const bytes = octets.encodeLatin1(text);
        const { replies, deliveries, isClosed } = converse([bytes], { ...options, ...application });
        const expected = { replies, deliveries, isClosed };
        expect(await serve([bytes], options, isBatching)).toEqual(expected);
        expect(await serve(cutAt(bytes, cuts), options, isBatching)).toEqual(expected);
        if (bytes.length < 400) expect(await serve(octetByOctet(bytes), options, isBatching)).toEqual(expected);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });
});

/** Sends the pieces to a new server, and says how it went. */
async function serve(
  pieces: readonly Uint8Array[],
  options: PureSetup,
  isBatching: boolean,
): Promise<Omit<PureOutcome, 'unreadBytes'>> {
  const server = new DecidingServer(options, isBatching);
  try {
    const client = RawClient.inMemory(server);
    for (const [index, piece] of pieces.entries()) {
      client.send(octets.decodeLatin1(piece, 0, piece.length));
      // Some pieces come while the last one is still being dealt with, others when everything is quiet again.
      if (index % 3 === 2) await new Promise((resolve) => setImmediate(resolve));
    }
    client.end();
    const replies = await client.closed();
    expect(client.unread).toBe('');
    return { replies, deliveries: server.deliveries, isClosed: await server.hasClosed };
  } finally {
    await server.close({ graceMs: 1 });
  }
}

/** The application of the generated conversations, behind hooks: some answers come at once, some later. */
class DecidingServer extends SMTPServer {
  readonly deliveries: PureDelivery[] = [];
  /** Whether it was the server that ended the session. */
  readonly hasClosed: Promise<boolean>;

  constructor(options: PureSetup, isBatching: boolean) {
    super({
      localAddress: '127.0.0.1:0',
      hostname: HOSTNAME,
      logger: silentLogger,
      ...(options as SMTPServerOptions),
    });
    this.use({
      name: 'client and sender',
      helo: ({ clientName }) => verdictOn('helo', clientName),
      mail: ({ path }) => soonOrLater(verdictOn('mail', path.raw)),
      vrfy: ({ text }) => soonOrLater(verdictOn('vrfy', text)),
      expn: ({ text }) => soonOrLater(verdictOn('expn', text)),
      etrn: ({ text }) => soonOrLater(verdictOn('etrn', text)),
    });
    this.use(
      isBatching
        ? {
            name: 'recipients',
            rcptBatch: (requests) => soonOrLater(requests.map(({ path }) => verdictOn('rcpt', path.raw))),
          }
        : { name: 'recipients', rcpt: ({ path }) => soonOrLater(verdictOn('rcpt', path.raw)) },
    );
    this.hasClosed = new Promise((resolve) => {
      this.on('disconnect', ({ reason }) => {
        resolve(reason !== 'clientGone');
      });
    });
  }

  override processMessage(message: ReceivedMessage): Verdict | Promise<Verdict> {
    const { mailFrom, mailOptions, rcptTos, rcptOptions } = message;
    const data = Buffer.from(message.data).toString('latin1');
    const verdict = verdictOnSize(data.length);
    if (verdict === undefined) this.deliveries.push({ mailFrom, mailOptions, rcptTos, rcptOptions, data });
    return soonOrLater(verdict);
  }
}

function soonOrLater<T>(verdict: T): T | Promise<T> {
  return verdict === undefined ? verdict : new Promise((resolve) => setImmediate(resolve, verdict));
}

function octetByOctet(bytes: Uint8Array): readonly Uint8Array[] {
  return [...bytes].map((octet) => Uint8Array.of(octet));
}
