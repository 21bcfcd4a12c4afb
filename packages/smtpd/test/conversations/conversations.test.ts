/** Plays every conversation file on each way that a client can come. */

import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import {
  silentLogger,
  SMTPServer,
  type ReceivedMessage,
  type SMTPServerOptions,
  type Verdict,
} from '../../src/index.js';
import { makeSelfSigned } from '../../src/net/self-signed.js';
import { octets } from '../../src/protocol/octets.js';
import { OK } from '../../src/protocol/standard-replies.js';
import { parseReply, type Reply } from '../../src/protocol/reply.js';
import type { Question } from '../../src/protocol/session-events.js';
import type { Envelope } from '../../src/protocol/session-state.js';
import { HOSTNAME, PureClient, type PureDelivery, type PureSetup } from '../support/pure-client.js';
import { RawClient, type WireReply } from '../support/raw-client.js';
import { readConversation, type Conversation, type ExpectedReply } from './conversation-file.js';

/** How a conversation went, step by step. */
interface Played {
  readonly replies: readonly (readonly WireReply[])[];
  readonly messages: readonly { readonly envelope: string; readonly data: string }[];
  readonly isClosed: boolean;
}

const { key, cert } = makeSelfSigned({ names: ['localhost', '127.0.0.1'], now: new Date() });

/** The ways that a client can come. */
const WAYS: Readonly<Record<string, (conversation: Conversation) => Played | Promise<Played>>> = {
  'on the pure session': (conversation) => playPure(conversation, (client, text) => client.send(text)),
  'on the pure session, octet by octet': (conversation) =>
    playPure(conversation, (client, text) =>
      [...octets.encodeLatin1(text)].flatMap((octet) => client.receive(Uint8Array.of(octet))),
    ),
  'on the pure session, streaming, with recipients taken together': (conversation) =>
    playPure(conversation, (client, text) => client.send(text), { isStreaming: true, isBatching: true }),
  'in memory': (conversation) => playServer(conversation, (server) => Promise.resolve(RawClient.inMemory(server))),
  'over TCP': (conversation) =>
    playServer(conversation, async (server) => {
      await server.listen();
      return RawClient.connect(server.port);
    }),
  'over TLS': (conversation) =>
    playServer(
      conversation,
      async (server) => {
        await server.listen();
        return RawClient.connectTLS(server.port, { ca: cert });
      },
      { tls: { mode: 'implicit', key, cert } },
    ),
  'after STARTTLS': (conversation) =>
    playServer(
      conversation,
      async (server) => {
        await server.listen();
        const client = await RawClient.connect(server.port);
        const hello = server.options.protocol === 'lmtp' ? 'LHLO' : 'EHLO';
        // The greeting comes before TLS, and only there (RFC 3207 §4.2). The conversation begins behind the handshake.
        const replies = [await client.reply()];
        for (const line of [`${hello} before.example`, 'STARTTLS']) replies.push(await client.command(line));
        expect(replies.map(({ code }) => code)).toEqual([220, 250, 220]);
        await client.startTLS({ ca: cert });
        return client;
      },
      { tls: { mode: 'offer', key, cert } },
    ),
};

const files = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.smtp'))
  .sort();

describe('conversations', () => {
  it('are there', () => {
    expect(files.length).toBeGreaterThan(30);
  });

  describe.each(files)('%s', (file) => {
    const conversation = readConversation(readFileSync(new URL(file, import.meta.url), 'utf8'));

    it.each(Object.keys(WAYS).filter((way) => !conversation.exceptions.has(way)))('goes as written %s', async (way) => {
      const played = await WAYS[way]!(conversation);
      expectReplies(conversation, played.replies);
      expect(played.messages).toEqual(conversation.messages);
      expect(played.isClosed, 'whether the server closed').toBe(conversation.isClosed);
    });

    it('is excepted from ways that there are', () => {
      for (const way of conversation.exceptions.keys()) expect(Object.keys(WAYS)).toContain(way);
    });
  });
});

function expectReplies(conversation: Conversation, replies: Played['replies']): void {
  for (const [index, step] of conversation.steps.entries()) {
    const found = replies[index] ?? [];
    const context = `to ${JSON.stringify(step.send.slice(0, 200))} came ${JSON.stringify(found)}`;
    expect(found.length, context).toBe(step.replies.length);
    for (const [position, expected] of step.replies.entries()) {
      expect(isAsExpected(found[position]!, expected), `${JSON.stringify(expected)}: ${context}`).toBe(true);
    }
  }
  expect(replies.slice(conversation.steps.length).flat(), 'replies that nobody expected').toEqual([]);
}

function isAsExpected(reply: WireReply, expected: ExpectedReply): boolean {
  if (expected.kind === 'code') return reply.code === expected.code;
  const rows = reply.lines.map(
    (line, index) => `${String(reply.code)}${index < reply.lines.length - 1 ? '-' : ' '}${line}`,
  );
  return rows.length === expected.lines.length && rows.every((row, index) => expected.lines[index]!.test(row));
}

function playPure(
  conversation: Conversation,
  send: (client: PureClient, text: string) => readonly WireReply[],
  setup: PureSetup = {},
): Played {
  const client = new PureClient({
    ...conversation.options,
    ...setup,
    decide: (question) => {
      const text = answerTo(conversation, question.kind, addressIn(question));
      return text === undefined ? undefined : parseReply(text);
    },
    decideEach: (envelope) => repliesForEach(conversation, envelope),
  });
  const replies = conversation.steps.map(({ send: text }, index) =>
    index === 0 ? client.replies.slice(0) : send(client, text),
  );
  return { replies, messages: client.deliveries.map(formatDelivery), isClosed: client.session.phase === 'closed' };
}

async function playServer(
  conversation: Conversation,
  connect: (server: ConversationServer) => Promise<RawClient>,
  options: SMTPServerOptions = {},
): Promise<Played> {
  const server = new ConversationServer(conversation, options);
  try {
    const client = await connect(server);
    const isGreeted = options.tls?.mode === 'offer';
    const replies: WireReply[][] = isGreeted ? [greetingOf(conversation)] : [];
    server.begin();
    for (const { send, replies: expected } of conversation.steps.slice(replies.length)) {
      if (send !== '') client.send(send);
      replies.push(await client.replies(expected.length));
    }
    if (conversation.isClosed)
      return { replies: [...replies, await client.closed()], messages: server.messages, isClosed: true };
    // The server answers everything that is whole before it closes, so that a reply too many would be seen.
    const isClosed = client.isClosed;
    client.end();
    replies.push(await client.closed());
    return { replies, messages: server.messages, isClosed };
  } finally {
    await server.close({ graceMs: 1 });
  }
}

/** What is expected of the greeting, for a client that had it before. */
function greetingOf({ steps }: Conversation): WireReply[] {
  expect(steps[0]?.replies).toHaveLength(1);
  const [greeting] = steps[0]!.replies;
  if (greeting?.kind === 'code') {
    expect(greeting.code).toBe(220);
    return [{ code: 220, lines: [''] }];
  }
  expect(greeting?.source).toMatch(/^220[ -]/);
  const rows = greeting!.source.split('\n');
  return [{ code: 220, lines: rows.map((row) => row.slice(4)) }];
}

class ConversationServer extends SMTPServer {
  readonly messages: { envelope: string; data: string }[] = [];
  readonly #conversation: Conversation;
  /** What comes before the conversation is answered as usual. */
  #hasBegun = false;

  constructor(conversation: Conversation, options: SMTPServerOptions) {
    const given = conversation.options as SMTPServerOptions;
    const { tls } = given;
    super({
      localAddress: '127.0.0.1:0',
      hostname: HOSTNAME,
      logger: silentLogger,
      ...given,
      ...(tls === undefined || tls.mode === 'off' ? {} : { tls: { key, cert, ...tls } }),
      ...options,
    });
    this.#conversation = conversation;
    const isBeingSecured = options.tls?.mode === 'offer';
    this.use({
      name: 'conversation',
      connect: () => answerTo(conversation, 'connect'),
      helo: () => (isBeingSecured && !this.#hasBegun ? undefined : answerTo(conversation, 'helo')),
      mail: ({ address }) => answerTo(conversation, 'mail', address),
      rcpt: ({ address }) => answerTo(conversation, 'rcpt', address),
      data: () => answerTo(conversation, 'data'),
      vrfy: () => answerTo(conversation, 'vrfy'),
      expn: () => answerTo(conversation, 'expn'),
      etrn: () => answerTo(conversation, 'etrn'),
    });
  }

  /** From here on it is the conversation. */
  begin(): void {
    this.#hasBegun = true;
  }

  override processMessage(message: ReceivedMessage): Verdict | ReadonlyMap<string, Verdict> {
    const each = repliesForEach(this.#conversation, message);
    if (each !== undefined) {
      if (each.some(({ isPositive }) => isPositive)) this.#keep(message);
      return new Map(message.rcptTos.map((address, index) => [address, each[index]]));
    }
    const answer = answerTo(this.#conversation, 'message');
    if (answer === undefined || answer.startsWith('2')) this.#keep(message);
    return answer;
  }

  #keep(message: ReceivedMessage): void {
    const data = Buffer.from(message.data).toString('latin1');
    this.messages.push(formatDelivery({ ...pick(message), data }));
  }
}

/** What the application says for each recipient, where the conversation tells recipients of messages apart (RFC 2033 §4.2). */
function repliesForEach(
  conversation: Conversation,
  envelope: Envelope | Pick<ReceivedMessage, 'rcptTos'>,
): readonly Reply[] | undefined {
  if (!conversation.answers.some(({ stage, address }) => stage === 'message' && address !== undefined))
    return undefined;
  const addresses = 'rcptTos' in envelope ? envelope.rcptTos : envelope.recipients.map(({ path }) => path.address);
  return addresses.map((address) => parseReply(answerTo(conversation, 'message', address) ?? '') ?? OK);
}

function pick({ mailFrom, mailOptions, rcptTos, rcptOptions }: ReceivedMessage): Omit<PureDelivery, 'data'> {
  return { mailFrom, mailOptions, rcptTos, rcptOptions };
}

function formatDelivery(delivery: PureDelivery): { envelope: string; data: string } {
  const { mailFrom, mailOptions, rcptTos, rcptOptions, data } = delivery;
  const recipients = rcptTos.flatMap((address, index) => [`<${address}>`, ...(rcptOptions[index] ?? [])]);
  return { envelope: [`<${mailFrom}>`, ...mailOptions, ...recipients].join(' '), data };
}

function answerTo({ answers }: Conversation, stage: Question['kind'], address?: string): string | undefined {
  return answers.find((each) => each.stage === stage && (each.address === undefined || each.address === address))
    ?.reply;
}

function addressIn(question: Question): string | undefined {
  if (question.kind === 'mail') return question.reversePath.address;
  return question.kind === 'rcpt' ? question.recipient.path.address : undefined;
}
