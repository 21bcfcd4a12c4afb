/** Sends a stored message to the inbox again, over SMTP and with the same envelope, as if its sender had. */

import type { ClientAuthOptions, ClientTLSOptions } from 'smtpd';

import type { ReleaseResult } from '../api/model.js';
import { sendStored, type StoredMail } from './send-stored.js';

/** Where the inbox itself listens. */
export interface ReplayOptions {
  readonly host: string;
  readonly port: number;
  /** Default: `opportunistic`. The inbox makes its certificate itself: with other modes, `verify: false`. */
  readonly tls?: ClientTLSOptions;
  readonly auth?: ClientAuthOptions;
  readonly signal?: AbortSignal;
}

/**
 * Sends a message to the inbox again. The address must be one that this program listens on, never one that a request named.
 *
 * @example
 * ```ts
 * import { replay } from 'smtpd-inbox';
 * const raw = Buffer.from('Subject: Hi\r\n\r\nHello\r\n');
 * const envelope = { mailFrom: 'ann@a.example', rcptTos: ['bob@b.example'], mailOptions: [], rcptOptions: [[]] };
 * await replay({ raw, envelope }, { host: '127.0.0.1', port: 1025 });
 * ```
 */
export async function replay(
  mail: StoredMail,
  { host, port, tls = { mode: 'opportunistic' }, auth, signal }: ReplayOptions,
): Promise<ReleaseResult> {
  return sendStored(
    { remoteAddress: { host, port }, tls, ...(auth === undefined ? {} : { auth }) },
    mail,
    signal === undefined ? {} : { signal },
  );
}
