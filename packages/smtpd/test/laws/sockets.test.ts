/**
 * The laws on real sockets, where many sessions read into one buffer and memory is used again: how the octets were split, what others send at
 * the same time and by which way a server takes them changes nothing, and what the application was given stays as it was.
 */

import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';

import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';

import {
  silentLogger,
  SMTPServer,
  type ReceivedMessage,
  type SMTPServerOptions,
  type StreamedMessage,
  type Verdict,
} from '../../src/index.js';
import { octets } from '../../src/protocol/octets.js';
import { turns } from '../server/support.js';
import { Certificates } from '../support/certificates.js';
import { converse, HOSTNAME, type PureDelivery, type PureOutcome, type PureSetup } from '../support/pure-client.js';
import { RawClient } from '../support/raw-client.js';
import { application, conversation, SEED, serverOptions, verdictOnSize } from './generated-conversation.js';

const certificates = new Certificates();
afterAll(() => {
  certificates[Symbol.dispose]();
});

/** The ways by which a server can take the same mail. */
const WAYS = ['nobody is asked', 'hooks', 'batches', 'watchers', 'streaming', 'TLS', 'streaming over TLS'] as const;
type Way = (typeof WAYS)[number];

describe('many conversations at once, each in pieces of its own', () => {
  const setups = fc.sample(serverOptions, { seed: SEED, numRuns: 6 });
  const texts = fc.sample(conversation, { seed: SEED, numRuns: 72 });

  it.each(WAYS)('have the outcome that each has alone, on the pure session: %s', async (way) => {
    const random = randomNumbers(SEED);
    for (const [index, options] of setups.entries()) {
      const server = new TakingServer(options, way);
      await server.listen();
      try {
        const mine = texts.filter(
          (text, at) => at % setups.length === index && (!isOnTLS(way) || !TLS_KNOWN.test(text)),
        );
        const outcomes = await Promise.all(mine.map((text) => server.converse(cut(octets.encodeLatin1(text), random))));
        expect(outcomes).toEqual(mine.map((text) => alone(text, options)));
      } finally {
        await server.close({ graceMs: 1 });
      }
    }
  });
});

describe('what the application was given', () => {
  it.each(['nobody is asked', 'streaming', 'TLS', 'streaming over TLS'] as const)(
    'stays as it was, whatever comes behind it and beside it: %s',
    async (way) => {
      const random = randomNumbers(SEED);
      const server = new TakingServer({}, way);
      await server.listen();
      try {
        const sent = Array.from({ length: 12 }, () => Array.from({ length: 4 }, () => contentOf(random)));
        const outcomes = await Promise.all(
          sent.map((contents) => {
            const text = contents.map((content) => transaction(content, random)).join('');
            return server.converse(cut(octets.encodeLatin1(`EHLO c\r\n${text}QUIT\r\n`), random));
          }),
        );
        // Not before all of them have come.
        const taken = outcomes.map(({ deliveries }) => deliveries.map(({ data }) => digestOf(data)));
        expect(taken).toEqual(sent.map((contents) => contents.map(digestOf)));
      } finally {
        await server.close({ graceMs: 1 });
      }
    },
  );
});

/** How a conversation goes where there is no other. */
function alone(text: string, options: PureSetup): Outcome {
  const { run, onLine } = application;
  const decide: PureSetup['decide'] = (question) =>
    question.kind === 'message' ? verdictOnSize(question.facts.sizeBytes) : undefined;
  const outcome = converse([octets.encodeLatin1(text)], { ...options, decide, run: run!, onLine: onLine! });
  return { replies: outcome.replies, deliveries: outcome.deliveries, isClosed: outcome.isClosed };
}

/** A server that takes mail in one of the ways, and keeps it as it was given. */
class TakingServer {
  readonly #server: SMTPServer;
  readonly #way: Way;
  /** By the client's port. */
  readonly #taken = new Map<number, Taken[]>();
  readonly #ends = new Map<number, (isClosed: boolean) => void>();

  constructor(options: PureSetup, way: Way) {
    const { key, cert } = certificates.server;
    const take = (message: ReceivedMessage | StreamedMessage, pieces: readonly Uint8Array[]): Verdict => {
      const { mailFrom, mailOptions, rcptTos, rcptOptions } = message;
      const verdict = verdictOnSize(pieces.reduce((sum, { length }) => sum + length, 0));
      const before = this.#taken.get(message.peer.port) ?? [];
      if (verdict === undefined) before.push({ mailFrom, mailOptions, rcptTos, rcptOptions, pieces });
      this.#taken.set(message.peer.port, before);
      return verdict;
    };
    const given: SMTPServerOptions = {
      localAddress: '127.0.0.1:0',
      hostname: HOSTNAME,
      logger: silentLogger,
      ...(isOnTLS(way) ? { tls: { mode: 'implicit', key, cert } } : {}),
      ...(options as SMTPServerOptions),
    };
    this.#way = way;
    this.#server = way.startsWith('streaming') ? new StreamingServer(given, take) : new WholeServer(given, take);
    this.#server.on('disconnect', ({ session, reason }) => {
      this.#ends.get(session.peer.port)?.(reason !== 'clientGone');
    });
    if (way === 'hooks') this.#server.use({ name: 'soon', mail: soon, rcpt: soon, data: soon, message: soon });
    if (way === 'batches')
      this.#server.use({ name: 'soon', rcptBatch: async (requests) => (await soon(), requests.map(() => undefined)) });
    if (way === 'watchers') for (const name of ['command', 'reply'] as const) this.#server.on(name, () => undefined);
  }

  async listen(): Promise<void> {
    await this.#server.listen();
  }

  async close(options: { readonly graceMs: number }): Promise<void> {
    await this.#server.close(options);
  }

  /** Sends the pieces, and says how it went. */
  async converse(pieces: readonly Uint8Array[]): Promise<Outcome> {
    const socket = await this.#connect();
    const client = RawClient.ofSocket(socket);
    const port = socket.localPort!;
    const hasEnded = new Promise<boolean>((resolve) => this.#ends.set(port, resolve));
    const replies = [await client.reply()];
    for (const piece of pieces) {
      socket.write(piece);
      // Some pieces reach the server alone, others with those behind them.
      if (piece.length % 3 > 0) await turns(1);
    }
    client.end();
    replies.push(...(await client.closed()));
    expect(client.unread).toBe('');
    const isClosed = await hasEnded;
    const deliveries = (this.#taken.get(port) ?? []).map(({ pieces: octetsOf, ...envelope }) => ({
      ...envelope,
      data: Buffer.concat(octetsOf).toString('latin1'),
    }));
    return { replies, deliveries, isClosed };
  }

  async #connect(): Promise<Socket> {
    const where = { host: '127.0.0.1', port: this.#server.port, allowHalfOpen: true };
    const isSecure = isOnTLS(this.#way);
    const socket = isSecure ? connectSecurely({ ...where, rejectUnauthorized: false }) : connect(where);
    await new Promise((resolve, reject) => {
      socket.once(isSecure ? 'secureConnect' : 'connect', resolve);
      socket.once('error', reject);
    });
    return socket;
  }
}

type Outcome = Omit<PureOutcome, 'unreadBytes'>;
type Taken = Omit<PureDelivery, 'data'> & { readonly pieces: readonly Uint8Array[] };
type Take = (message: ReceivedMessage | StreamedMessage, pieces: readonly Uint8Array[]) => Verdict;

class WholeServer extends SMTPServer {
  readonly #take: Take;

  constructor(options: SMTPServerOptions, take: Take) {
    super(options);
    this.#take = take;
  }

  override processMessage(message: ReceivedMessage): Verdict {
    return this.#take(message, [message.data]);
  }
}

class StreamingServer extends SMTPServer {
  readonly #take: Take;

  constructor(options: SMTPServerOptions, take: Take) {
    super(options);
    this.#take = take;
  }

  override async streamMessage(message: StreamedMessage): Promise<Verdict> {
    const pieces: Uint8Array[] = [];
    for await (const piece of message.body) {
      pieces.push(piece);
      if (piece.length % 5 === 0) await turns(1);
    }
    return this.#take(message, pieces);
  }
}

async function soon(): Promise<undefined> {
  await turns(1);
}

function isOnTLS(way: Way): boolean {
  return way.endsWith('TLS');
}

/** A transaction in one group: by DATA, or in chunks. */
function transaction(content: string, random: () => number): string {
  const begun = 'MAIL FROM:<alice@a.example>\r\nRCPT TO:<bob@b.example>\r\nRCPT TO:<carol@b.example>\r\n';
  if (random() < 0.5) return `${begun}DATA\r\n${content.replace(/^\./gm, '..')}.\r\n`;
  const middle = Math.floor(random() * content.length);
  const [first, last] = [content.slice(0, middle), content.slice(middle)];
  return `${begun}BDAT ${String(first.length)}\r\n${first}BDAT ${String(last.length)} LAST\r\n${last}`;
}

/** Lines, many of them with dots in front, and about as many octets as a buffer of ours has; none that is refused for its size. */
function contentOf(random: () => number): string {
  const sizes = [1, 100, 128, 4_096, 49_152, 65_536, 131_072, 300_000];
  const size = sizes[Math.floor(random() * sizes.length)]! + Math.floor(random() * 5) - 2;
  const lineLengthMax = [2, 20, 200, 2_000][Math.floor(random() * 4)]!;
  let content = '';
  while (content.length < size) {
    const line = String.fromCharCode(0x21 + Math.floor(random() * 0xd0)).repeat(random() * lineLengthMax);
    content += `${random() < 0.3 ? '.' : ''}${line}\r\n`;
  }
  return verdictOnSize(content.length) === undefined ? content : `${content}\r\n`;
}

/** What tells one content from another, and fits on a line where they differ. */
function digestOf(content: string): string {
  return `${String(content.length)} ${createHash('sha256').update(content, 'latin1').digest('hex')}`;
}

/** Cuts octets in pieces of all sizes. */
function cut(bytes: Uint8Array, random: () => number): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const lengthMax = [1, 50, 5_000, 70_000, Infinity].filter((max) => bytes.length / max < 2_000);
  const max = Math.min(lengthMax[Math.floor(random() * lengthMax.length)]!, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + Math.floor(random() * max);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}

/** Numbers from 0 to 1 that are the same each time (a linear congruential generator; its high bits are used). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What is answered otherwise on TLS. */
const TLS_KNOWN = /STARTTLS|AUTH/i;
