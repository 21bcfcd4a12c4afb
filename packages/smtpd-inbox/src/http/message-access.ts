/** How routes get at a message: its row, its octets, and what it says. */

import type { StoredMessage } from 'smtpd-store';

import type { JobAnswer, JobName, JobResult } from '../mail/jobs.js';
import type { ReadMail } from '../mail/read-mail.js';
import { APIError } from './api-error.js';
import type { InboxServices } from './services.js';

/** A message, and what it says. */
export interface MessageRead {
  readonly message: StoredMessage;
  readonly read: ReadMail;
}

/** @throws APIError `NOT_FOUND` */
export async function messageOf({ store }: InboxServices, id: string): Promise<StoredMessage> {
  const message = await store.get(id);
  if (message === undefined) throw new APIError('NOT_FOUND', `There is no message "${id}"`);
  return message;
}

/** All octets, where they are needed at once. @throws APIError `TOO_LARGE` */
export async function rawOf({ store }: InboxServices, { id, sizeBytes }: StoredMessage): Promise<Uint8Array> {
  if (sizeBytes > READ_BYTES_MAX)
    throw new APIError('TOO_LARGE', 'The message is too large to be read here; its octets can be had: …/raw');
  const pieces: Uint8Array[] = [];
  for await (const piece of store.openRaw(id)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** @throws APIError `NOT_FOUND`, `TOO_LARGE` */
export async function readOf(services: InboxServices, id: string): Promise<MessageRead> {
  const message = await messageOf(services, id);
  return { message, read: await services.reader.read(await rawOf(services, message)) };
}

/** What a thread made of it. @throws APIError `NOT_READ` when it came to no end */
export function done<Name extends JobName>(result: JobResult<Name>): JobAnswer<Name> {
  if (result.kind === 'done') return result.answer;
  throw new APIError('NOT_READ', result.fault);
}

/** Octets of a message that are read at once. */
const READ_BYTES_MAX = 67_108_864;
