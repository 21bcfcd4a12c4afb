/** A message as one line of JSON, for programs. The content is base64, so every octet survives. */

import { findOddities, type OddityName } from './oddities.js';
import type { PrintedMessage } from './printed-message.js';
import { visibleJSON } from './visible-text.js';

/**
 * One line of the JSON output: exactly these keys.
 *
 * @example
 * ```ts
 * import type { MessageRecord } from 'smtpd';
 * function contentOf(line: string): Buffer {
 *   const record = JSON.parse(line) as MessageRecord;
 *   return Buffer.from(record.data, 'base64');
 * }
 * contentOf('{"data":"aGkNCg=="}');
 * ```
 */
export interface MessageRecord {
  readonly id: string;
  /** When the content began to arrive, as ISO 8601 in UTC. */
  readonly receivedAt: string;
  readonly peer: { readonly address: string; readonly port: number };
  /** What the client called itself in EHLO or HELO. */
  readonly helo: string;
  /** `''` for the null reverse-path. */
  readonly mailFrom: string;
  readonly rcptTos: readonly string[];
  readonly mailOptions: readonly string[];
  /** One list for each recipient, in their order. */
  readonly rcptOptions: readonly (readonly string[])[];
  /** Octets of the content. */
  readonly size: number;
  readonly oddities: readonly OddityName[];
  /** The content in base64. */
  readonly data: string;
}

/**
 * The pieces of the line, in order.
 *
 * @example
 * ```ts
 * JSON.parse([...formatAsJSON(message)].join('')).size; // 42
 * ```
 */
export function* formatAsJSON(message: PrintedMessage): Generator<string> {
  const { id, receivedAt, peer, helo, mailFrom, rcptTos, mailOptions, rcptOptions, data } = message;
  const facts: Omit<MessageRecord, 'data'> = {
    id,
    receivedAt: receivedAt.toISOString(),
    peer: { address: peer.address, port: peer.port },
    helo,
    mailFrom,
    rcptTos,
    mailOptions,
    rcptOptions,
    size: data.length,
    oddities: findOddities(message).map(({ name }) => name),
  };
  yield `${visibleJSON(facts).slice(0, -1)},"data":"`;
  const octets = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < octets.length; at += SLICE_BYTES) yield octets.toString('base64', at, at + SLICE_BYTES);
  yield '"}\n';
}

/** A multiple of three: base64 of the slices is then base64 of the whole. */
const SLICE_BYTES = 49_152;
