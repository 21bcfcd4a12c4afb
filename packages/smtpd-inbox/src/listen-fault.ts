/** What is to be said of an address that cannot be listened on: which option it came from, and what to do. */

import { UsageError } from 'smtpd';

/**
 * Waits for something that begins to listen.
 *
 * @param option - where its address was given
 * @throws {@link UsageError} `SMTPD_LISTEN_FAILED` when another address would do; what else listening throws
 */
export async function listening<T>(option: string, beginning: Promise<T>): Promise<T> {
  try {
    return await beginning;
  } catch (error) {
    const { code, address, port } = error as {
      readonly code?: string;
      readonly address?: string;
      readonly port?: number;
    };
    const where = `${address?.includes(':') === true ? `[${address}]` : (address ?? '')}:${String(port ?? '')}`;
    const fault = code === undefined ? undefined : FAULTS[code];
    throw fault === undefined
      ? error
      : new UsageError('SMTPD_LISTEN_FAILED', `${where} ${fault} (${option})`, { cause: error });
  }
}

/** By what Node calls it. The SMTP server says the same of its own addresses. */
const FAULTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use; stop what listens there or choose another port',
  EACCES: 'is not allowed; a port below 1024 needs privileges: choose a higher one',
  EADDRNOTAVAIL: 'is no address of this machine',
};
