/** What all files of mail are read as: messages one by one, and what was passed over with the reason. */

/** A message that was read from a file. */
export interface ImportedMessage {
  readonly kind: 'message';
  /** Where it stood: a file's name, or `message 3`. For people; never a path to open. */
  readonly name: string;
  readonly raw: Uint8Array;
  /** The sender of the envelope, where the file keeps it; `''` for the null reverse-path. */
  readonly mailFrom?: string;
  /** When it came, where the file keeps it. */
  readonly receivedAt?: Date;
  /** Whether it was read, where the file keeps it. */
  readonly isRead?: boolean;
}

/** What was not read. */
export interface SkippedItem {
  readonly kind: 'skipped';
  readonly name: string;
  /** For people. */
  readonly reason: string;
}

export type ImportItem = ImportedMessage | SkippedItem;

/** How much is read. */
export interface ImportLimits {
  /** Octets of a message; a larger one is passed over. Default: 64 MiB. */
  readonly messageBytesMax?: number;
}

export const DEFAULT_MESSAGE_BYTES_MAX = 67_108_864;

/** @returns an item for a message that is larger than it may be */
export function tooLarge(name: string, messageBytesMax: number): SkippedItem {
  return { kind: 'skipped', name, reason: `It has more than ${messageBytesMax.toLocaleString('en')} octets` };
}

/**
 * The message as it would come over the wire. Files of Unix end lines with LF alone: where a message has no CRLF at all, each LF becomes
 * one. Whatever has a CRLF in it stays as it is.
 *
 * @example
 * ```ts
 * import { withWireLineEnds } from 'smtpd-inbox';
 * withWireLineEnds(Buffer.from('Subject: Hi\n\nHello\n')); // 'Subject: Hi\r\n\r\nHello\r\n'
 * ```
 */
export function withWireLineEnds(raw: Uint8Array): Uint8Array {
  const octets = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength);
  if (octets.includes('\r\n') || !octets.includes('\n')) return raw;
  return Buffer.from(octets.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
}
