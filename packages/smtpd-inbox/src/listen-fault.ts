/** Which option an address came from that cannot be listened on. */

import { listenFailure } from 'smtpd';

/**
 * Waits for something that begins to listen.
 *
 * @param option - where its address was given
 * @throws UsageError `SMTPD_LISTEN_FAILED` when the system refuses the address; what else beginning throws
 */
export async function listening<T>(option: string, beginning: Promise<T>): Promise<T> {
  try {
    return await beginning;
  } catch (error) {
    const { syscall = '' } = error as { readonly syscall?: string };
    throw ADDRESS_CALLS.has(syscall) ? listenFailure(error, option) : error;
  }
}

/** Certificates are read meanwhile, too: their errors are told as they are. */
const ADDRESS_CALLS: ReadonlySet<string> = new Set(['listen', 'bind', 'getaddrinfo']);
