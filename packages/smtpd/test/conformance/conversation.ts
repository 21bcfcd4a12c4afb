/** Holds a recorded conversation with a real server over TCP and says how it went, in the shape of the recording. */

import {
  SMTPChannel,
  SMTPServer,
  silentLogger,
  type ReceivedMessage,
  type SMTPServerOptions,
} from '../../src/index.js';
import type { Awaitable, Verdict } from '../../src/index.js';
import type { WireReply } from '../support/raw-client.js';
import type { ConversationScenario, MultiScenario, RecordedConfig, RecordedDelivery } from './transcripts.js';
import { WatchedClient } from './watched-client.js';

/** The name that the server under test goes by. */
export const HOSTNAME = 'mail.example.test';

/** How a conversation went. */
export interface Outcome {
  readonly replies: readonly WireReply[];
  readonly replyCounts: readonly number[];
  readonly closedAfter: number | null;
  readonly delivered: readonly RecordedDelivery[];
  /** The channel at the end; `undefined` when it was closed. */
  readonly state: ChannelState | undefined;
}

/** What the channel says of itself. */
export interface ChannelState {
  readonly smtpState: string;
  readonly seenGreeting: string;
  readonly extendedSmtp: boolean;
  readonly mailFrom: string | null;
  readonly rcptTos: readonly string[];
}

/** Holds a conversation: each string is sent when the one before was taken and answered, until the server closes. */
export async function converse(scenario: Pick<ConversationScenario, 'config' | 'send'>): Promise<Outcome> {
  const server = serverFor(scenario.config);
  await server.listen();
  try {
    const outcome = await converseWith(server, scenario.send);
    return { ...outcome, delivered: server instanceof RecordingServer ? server.delivered : [] };
  } finally {
    await server.close({ graceMs: 1 });
  }
}

/** The same with a server that listens already and keeps its deliveries to itself. */
async function converseWith(server: SMTPServer, send: readonly string[]): Promise<Outcome> {
  const client = await WatchedClient.connect(server);
  const replyCounts = [client.replies.length];
  let closedAfter: number | null = null;
  for (const [index, octets] of send.entries()) {
    replyCounts.push(await client.send(octets));
    if (!client.isOver) continue;
    closedAfter = index;
    break;
  }
  const state = client.isOver ? undefined : stateOf(client.channel);
  await client.close();
  return { replies: client.replies, replyCounts, closedAfter, delivered: [], state };
}

/** How a script of several connections went. */
export interface MultiOutcome {
  readonly replies: Readonly<Record<string, readonly WireReply[]>>;
  readonly closed: Readonly<Record<string, boolean>>;
  readonly delivered: readonly RecordedDelivery[];
}

/** Plays a script of several connections to one server. */
export async function converseInTurn({ config, script }: MultiScenario): Promise<MultiOutcome> {
  const server = new RecordingServer(optionsFor(config));
  await server.listen();
  const clients = new Map<number, WatchedClient>();
  const closed: Record<string, boolean> = {};
  try {
    for (const [connection, step] of script) {
      const client = clients.get(connection) ?? (await WatchedClient.connect(server));
      clients.set(connection, client);
      if (typeof step === 'string') await client.send(step);
      else if (step?.action === 'close') await client.close();
      else if (step?.action === 'endOfInput') await client.endInput();
      closed[connection] = client.isOver;
    }
    const replies = Object.fromEntries([...clients].map(([connection, client]) => [connection, client.replies]));
    return { replies, closed, delivered: server.delivered };
  } finally {
    await server.close({ graceMs: 1 });
  }
}

/** A server made as the old one was. */
function serverFor(config: RecordedConfig): SMTPServer {
  const options = optionsFor(config);
  if (config.handler?.kind === 'unimplemented') return new SMTPServer(options);
  const ServerClass = config.customCommands === undefined ? RecordingServer : withCommands(config.customCommands);
  return new ServerClass(options, answersOf(config.handler));
}

/** The options that say what the old constructor's arguments said. */
export function optionsFor(config: RecordedConfig): SMTPServerOptions {
  return {
    localAddress: '127.0.0.1:0',
    hostname: HOSTNAME,
    dataSizeLimit: config.dataSizeLimit,
    enableSMTPUTF8: config.enableSMTPUTF8,
    decodeData: config.decodeData,
    logger: silentLogger,
    ...(config.commandSizeLimit === undefined ? {} : { limits: { commandLengthBytesMax: config.commandSizeLimit } }),
  };
}

/** Keeps what it is handed, and answers as the recording says. */
class RecordingServer extends SMTPServer {
  readonly delivered: RecordedDelivery[] = [];
  readonly #answer: (index: number) => unknown;

  constructor(options: SMTPServerOptions, answer: (index: number) => unknown = () => undefined) {
    super(options);
    this.#answer = answer;
  }

  override processMessage(message: ReceivedMessage<Uint8Array | string>): Awaitable<Verdict> {
    this.delivered.push(deliveryOf(message, this.options.decodeData));
    return this.#answer(this.delivered.length - 1) as Verdict;
  }
}

/** What the application got, in the shape of the recording: LF for CRLF, no line end behind the last line. */
function deliveryOf(message: ReceivedMessage<Uint8Array | string>, isDecoded: boolean): RecordedDelivery {
  const { data } = message;
  const text = typeof data === 'string' ? data : Buffer.from(data).toString('latin1');
  return {
    mailFrom: message.mailFrom,
    rcptTos: message.rcptTos,
    data: text.replace(/\r\n$/, '').replaceAll('\r\n', '\n'),
    dataType: typeof data === 'string' ? 'string' : 'bytes',
    mailOptions: isDecoded ? null : message.mailOptions,
    rcptOptions: isDecoded ? null : message.rcptOptions.flat(),
  };
}

function answersOf(handler: RecordedConfig['handler']): (index: number) => unknown {
  switch (handler?.kind) {
    case 'reply':
      return () => handler.value;
    case 'replySequence':
      return (index) => handler.value[index];
    case 'raise':
      return () => {
        throw new Error('the application failed');
      };
    case 'unimplemented':
    case undefined:
      return () => undefined;
  }
}

/** A server class whose channels have these verbs; `{arg}` in a reply is the argument. */
function withCommands(commands: Readonly<Record<string, string>>): typeof RecordingServer {
  class CommandChannel extends SMTPChannel {}
  for (const [verb, reply] of Object.entries(commands)) {
    Object.defineProperty(CommandChannel.prototype, `smtp_${verb}`, {
      value(this: SMTPChannel, argument: string | undefined) {
        return this.push(reply.replace('{arg}', argument ?? 'null'));
      },
    });
  }
  return class extends RecordingServer {
    static override channelClass = CommandChannel;
  };
}

/** What a channel says of itself now. */
export function stateOf(channel: SMTPChannel): ChannelState {
  return {
    smtpState: channel.smtpState,
    seenGreeting: channel.seenGreeting,
    extendedSmtp: channel.extendedSMTP,
    mailFrom: channel.mailFrom ?? null,
    rcptTos: channel.rcptTos,
  };
}
