/**
 * Holds a recorded conversation through a proxy before scripted servers, and says how it went at both ends. What the old proxies did not
 * add is taken off again here: the `Received` field in front.
 */

import {
  MailmanProxy,
  PureProxy,
  silentLogger,
  type MailmanDirectory,
  type MailmanProxyOptions,
  type SMTPChannel,
} from '../../src/index.js';
import { mailmanCandidates, type MailmanRecipient } from '../../src/handlers/mailman/mailman-address.js';
import { freePort } from '../support/free-port.js';
import { RawClient, type WireReply } from '../support/raw-client.js';
import { RawUpstream, type UpstreamMessage, type UpstreamRequest } from '../support/raw-upstream.js';
import { HOSTNAME, optionsFor, stateOf, type ChannelState } from './conversation.js';
import type { MailmanScenario, ProxyScenario } from './transcripts.js';

/** How a conversation through a `PureProxy` went. */
export interface ProxyOutcome {
  readonly replies: readonly WireReply[];
  /** The channel when the client had said all. */
  readonly state: ChannelState | undefined;
  readonly upstreamCommands: readonly string[];
  /** What came behind DATA, up to the final dot; `null`: nothing. */
  readonly upstreamData: string | null;
  /** How many messages the server behind said 250 to. */
  readonly takenCount: number;
  /** Recorded refusals of the server behind that it was not asked for. */
  readonly unusedAnswers: readonly string[];
}

/** Holds a conversation through a `PureProxy`. Content is not sent when DATA was refused, as by any client. */
export async function converseThroughProxy(scenario: ProxyScenario): Promise<ProxyOutcome> {
  const answers = new Map(Object.entries(scenario.upstream ?? {}));
  const unusedAnswers = new Set(answers.keys());
  const onStep = ({ step, line }: UpstreamRequest): string | undefined => {
    const key = step === 'RCPT' ? /<(.*)>/.exec(line)?.[1] : step;
    if (key === undefined || !answers.has(key)) return ACCEPTANCES[step];
    unusedAnswers.delete(key);
    return answers.get(key);
  };
  await using upstream = await RawUpstream.start({ keywords: [], onStep });
  const port = scenario.upstream === null ? await freePort() : upstream.port;
  const { decodeData: _, ...options } = optionsFor(scenario.config);
  const proxy = new PureProxy({ ...options, remoteAddress: `127.0.0.1:${String(port)}` });
  const talk = await talkTo(proxy, scenario.send);
  return {
    ...talk,
    upstreamCommands: upstream.lines,
    upstreamData: upstream.messages.length === 0 ? null : upstream.messages.map(contentOf).join(''),
    takenCount: upstream.acknowledged.length,
    unusedAnswers: [...unusedAnswers],
  };
}

/** How a message through a `MailmanProxy` went. */
export interface MailmanOutcome {
  /** The reply to each recipient when it was first said, and to the content where there was one. */
  readonly codes: readonly number[];
  readonly relayed: readonly {
    readonly mailFrom: string;
    readonly rcptTos: readonly string[];
    readonly data: string;
  }[];
  /** What Mailman was told by LMTP. */
  readonly handed: readonly {
    readonly list: string;
    readonly recipient: string;
    readonly headers: readonly (readonly [name: string, value: string])[];
  }[];
}

/** Sends a message through a `MailmanProxy`. A recipient that is deferred with 452 comes in another transaction, as from any client. */
export async function sendThroughMailman(
  { lists, mailFrom, rcptTos, data }: MailmanScenario,
  options: Pick<MailmanProxyOptions, 'unknownInListDomain'> = {},
): Promise<MailmanOutcome> {
  const directory = directoryOf(lists);
  await using upstream = await RawUpstream.start({ keywords: [] });
  await using runner = await RawUpstream.start({ protocol: 'lmtp', keywords: [] });
  const proxy = new MailmanProxy({
    localAddress: '127.0.0.1:0',
    hostname: HOSTNAME,
    logger: silentLogger,
    remoteAddress: upstream.address,
    mailman: { lmtp: runner.address, directory },
    // The old one relayed without it.
    addPeer: false,
    ...options,
  });
  await proxy.listen();
  let codes: readonly number[] | undefined;
  try {
    const client = await RawClient.connect(proxy.port);
    await client.reply();
    await client.command('EHLO client.example');
    let waiting = rcptTos;
    while (waiting.length > 0) {
      const turn = await sendOnce(client, { mailFrom, rcptTos: waiting, data });
      codes ??= turn.codes;
      // Each turn has to take somebody, or it would go on for ever.
      if (turn.deferred.length === waiting.length) throw new Error(`Nobody takes ${waiting.join(', ')}`);
      waiting = turn.deferred;
    }
    client.destroy();
  } finally {
    await proxy.close();
  }
  return {
    codes: codes ?? [],
    relayed: upstream.acknowledged.map((message) => ({
      mailFrom: pathIn(message.mail),
      rcptTos: message.rcpts.map(pathIn),
      data: contentOf(message)
        .replace(/\.\r\n$/, '')
        .replaceAll('\r\n', '\n'),
    })),
    handed: runner.acknowledged.flatMap((message) =>
      message.rcpts.map((rcpt) => ({
        list: listIn(lists, recipientOf(pathIn(rcpt))) ?? '',
        recipient: pathIn(rcpt),
        headers: headersOf(contentOf(message)),
      })),
    ),
  };
}

/** Whether an address is one of these lists’, in their domain. */
export function isForList(lists: readonly string[], address: string): boolean {
  return listIn(lists, recipientOf(address)) !== undefined;
}

/** Holds the conversation, and closes the proxy and with it the connections behind. */
async function talkTo(proxy: PureProxy, send: readonly string[]): Promise<Pick<ProxyOutcome, 'replies' | 'state'>> {
  await proxy.listen();
  try {
    const client = await RawClient.connect(proxy.port);
    const replies = await converse(client, send);
    const [channel] = proxy.channels as ReadonlySet<SMTPChannel>;
    const state = channel === undefined ? undefined : stateOf(channel);
    return { replies: [...replies, ...(await takeLeave(client))], state };
  } finally {
    await proxy.close();
  }
}

/** Sends octet strings one after the other; each is answered once. */
async function converse(client: RawClient, send: readonly string[]): Promise<readonly WireReply[]> {
  const replies = [await client.reply()];
  for (const [index, octets] of send.entries()) {
    if (send[index - 1] === 'DATA\r\n' && replies.at(-1)?.code !== 354) continue;
    client.send(octets);
    replies.push(await client.reply());
  }
  return replies;
}

/** Ends the session, and gives the replies that nobody had asked for. */
async function takeLeave(client: RawClient): Promise<readonly WireReply[]> {
  client.send('QUIT\r\n');
  const replies = await client.closed();
  return replies.at(-1)?.code === 221 ? replies.slice(0, -1) : replies;
}

async function sendOnce(
  client: RawClient,
  { mailFrom, rcptTos, data }: Pick<MailmanScenario, 'mailFrom' | 'rcptTos' | 'data'>,
): Promise<{ readonly codes: readonly number[]; readonly deferred: readonly string[] }> {
  await client.command(`MAIL FROM:<${mailFrom}>`);
  const codes: number[] = [];
  for (const recipient of rcptTos) codes.push((await client.command(`RCPT TO:<${recipient}>`)).code);
  const deferred = rcptTos.filter((_, index) => codes[index] === 452);
  if ((await client.command('DATA')).code !== 354) return { codes, deferred };
  const { code } = await client.command(`${data.replaceAll('\n', '\r\n')}.`);
  return { codes: [...codes, code], deferred };
}

/** Knows these lists in the domain of the recordings. */
function directoryOf(lists: readonly string[]): MailmanDirectory {
  return {
    lookUp: async (recipient) => {
      const list = listIn(lists, recipient);
      if (list === undefined) return { kind: 'unknown', isListDomain: recipient.domain === LIST_DOMAIN };
      return { kind: 'known', list: `${list}@${LIST_DOMAIN}`, role: 'post', isStale: false };
    },
  };
}

function listIn(lists: readonly string[], recipient: MailmanRecipient): string | undefined {
  const candidates = mailmanCandidates(recipient).map(({ list }) => list);
  return lists.find((name) => candidates.includes(`${name}@${LIST_DOMAIN}`));
}

function recipientOf(address: string): MailmanRecipient {
  const [localPart = '', domain] = address.split('@');
  return { localPart, domain };
}

function pathIn(line: string): string {
  return /<(.*)>/.exec(line)?.[1] ?? line;
}

/** What came behind DATA, without the `Received` field that must be in front of it. */
function contentOf({ content }: UpstreamMessage): string {
  if (!RECEIVED.test(content)) throw new Error(`No Received field in front of ${JSON.stringify(content)}`);
  return `${content.replace(RECEIVED, '')}.\r\n`;
}

function headersOf(content: string): readonly (readonly [name: string, value: string])[] {
  const [header = ''] = content.split('\r\n\r\n');
  return header.split('\r\n').map((line) => {
    const [name = '', ...value] = line.split(': ');
    return [name, value.join(': ')];
  });
}

const RECEIVED = /^Received: .*\r\n(?:[ \t].*\r\n)*/;
const LIST_DOMAIN = 'lists.example';
/** What a target says that accepts: the recording has no texts of it. */
const ACCEPTANCES: Readonly<Partial<Record<UpstreamRequest['step'], string>>> = {
  MAIL: '250 OK',
  RCPT: '250 OK',
  end: '250 OK',
};
