/**
 * A stored message on its way to a server, once: the same octets, the envelope's parameters where the server offers them, and what it said
 * to each recipient.
 */

import {
  SMTPClient,
  SMTPConnectionError,
  SMTPNotOfferedError,
  SMTPRefusedError,
  UsageError,
  type RecipientOutcome,
  type ServerCapabilities,
  type SMTPClientOptions,
} from 'smtpd';
import type { Envelope } from 'smtpd-store';

import type { ReleaseResult } from '../api/model.js';
import { ExchangeError } from './exchange-error.js';

/** A message as a store has it. */
export interface StoredMail {
  readonly raw: Uint8Array | AsyncIterable<Uint8Array>;
  readonly envelope: Envelope;
}

/**
 * Sends it on a connection of its own.
 *
 * @returns what became of each recipient, also when all of them were refused
 * @throws {@link ExchangeError} `EXCHANGE_FAILED` when the server cannot be reached, or cannot take such a message at all
 */
export async function sendStored(
  options: SMTPClientOptions,
  { raw, envelope }: StoredMail,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<ReleaseResult> {
  const data = await whole(raw);
  const client = new SMTPClient(options);
  const call = signal === undefined ? {} : { signal };
  try {
    await client.connect(call);
    const { mailFrom, rcptTos } = envelope;
    const { capabilities } = client;
    const result = await client.send(
      {
        mailFrom,
        rcptTos,
        mailOptions: mailOptionsFor(envelope.mailOptions, data, capabilities),
        rcptOptions: envelope.rcptOptions.map((each) => each.filter((option) => isOffered(option, capabilities))),
        data,
      },
      call,
    );
    // What became of the message is known; how the connection ends changes nothing.
    await client.quit().catch(ignore);
    return { recipients: result.recipients.map(outcome), reply: result.reply.toString() };
  } catch (error) {
    if (error instanceof SMTPRefusedError && error.recipients.length > 0) {
      await client.quit().catch(ignore);
      return {
        recipients: error.recipients.map(outcome),
        ...(error.command === 'content' ? { reply: error.reply.toString() } : {}),
      };
    }
    client.destroy();
    throw failure(error);
  }
}

/** The parameters of MAIL that this server is given. What must not get lost stays, so that the client says that it cannot be kept. */
function mailOptionsFor(options: readonly string[], data: Buffer, capabilities: ServerCapabilities): readonly string[] {
  const kept = options.filter((option) => {
    switch (keywordOf(option)) {
      // The client adds what they are now.
      case 'SIZE':
      case 'BODY':
        return false;
      case 'REQUIRETLS':
        return true;
      case 'SMTPUTF8':
        return capabilities.has('SMTPUTF8') || hasInternationalHeader(data);
      default:
        return isOffered(option, capabilities);
    }
  });
  // Only chunks carry a line end that is not CRLF (RFC 3030 §3).
  if (hasBareLineEnd(data)) {
    if (!capabilities.has('BINARYMIME') || !capabilities.has('CHUNKING')) {
      throw new ExchangeError(
        'EXCHANGE_FAILED',
        'The message has a CR or LF that is not part of a CRLF, and the server takes no such content (BINARYMIME); it was not sent, because it would have to be changed',
      );
    }
    return [...kept, 'BODY=BINARYMIME'];
  }
  const body = options.find((option) => keywordOf(option) === 'BODY');
  const isKept = body !== undefined && !/=BINARYMIME$/i.test(body) && capabilities.has('8BITMIME');
  return isKept ? [...kept, body] : kept;
}

function isOffered(option: string, capabilities: ServerCapabilities): boolean {
  const extension = EXTENSION_OF.get(keywordOf(option));
  return extension !== undefined && capabilities.has(extension);
}

function keywordOf(option: string): string {
  return (option.split('=', 1)[0] ?? '').toUpperCase();
}

function hasInternationalHeader(data: Buffer): boolean {
  const end = data.indexOf('\r\n\r\n');
  return data.subarray(0, end === -1 ? data.length : end).some((octet) => octet > 0x7f);
}

function hasBareLineEnd(data: Buffer): boolean {
  for (let at = data.indexOf(LF); at !== -1; at = data.indexOf(LF, at + 1)) if (data[at - 1] !== CR) return true;
  for (let at = data.indexOf(CR); at !== -1; at = data.indexOf(CR, at + 1)) if (data[at + 1] !== LF) return true;
  return false;
}

async function whole(raw: StoredMail['raw']): Promise<Buffer> {
  if (raw instanceof Uint8Array) return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  const pieces: Uint8Array[] = [];
  for await (const piece of raw) pieces.push(piece);
  return Buffer.concat(pieces);
}

function outcome({ address, isAccepted, reply }: RecipientOutcome): ReleaseResult['recipients'][number] {
  return { address, isAccepted, reply: reply.toString() };
}

function failure(error: unknown): unknown {
  const isOfOurs = [SMTPConnectionError, SMTPNotOfferedError, SMTPRefusedError, UsageError];
  if (!isOfOurs.some((each) => error instanceof each)) return error;
  // RFC 5321 §3.8: who hears no verdict on the content cannot know. Whoever was told that nobody has it would send it twice.
  const isOpen = error instanceof SMTPConnectionError && CONTENT_STAGES.includes(error.stage);
  const outcome = isOpen ? 'It may have been sent, there was no answer' : 'It was not sent';
  return new ExchangeError('EXCHANGE_FAILED', `${outcome}: ${(error as Error).message}`, { cause: error });
}

function ignore(): void {
  // Said above, where it is ignored.
}

/** Where a connection is on which the content goes out, or has gone. */
const CONTENT_STAGES = ['content', 'BDAT'];
const LF = 0x0a;
const CR = 0x0d;
/** Parameter → the keyword in the reply to EHLO. */
const EXTENSION_OF: ReadonlyMap<string, string> = new Map([
  ['AUTH', 'AUTH'],
  ['RET', 'DSN'],
  ['ENVID', 'DSN'],
  ['NOTIFY', 'DSN'],
  ['ORCPT', 'DSN'],
  ['BY', 'DELIVERBY'],
  ['MT-PRIORITY', 'MT-PRIORITY'],
  ['HOLDFOR', 'FUTURERELEASE'],
  ['HOLDUNTIL', 'FUTURERELEASE'],
]);
