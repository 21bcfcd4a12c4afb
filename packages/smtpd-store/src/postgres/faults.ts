/** What PostgreSQL, its driver and the network say → what a caller can do about it. */

import { StoreError, type StoreErrorCode } from '../errors.js';

/** An error in our words. */
export function postgresError(cause: unknown): unknown {
  // Ours, and those of whoever hands a message over, are as they are.
  if (cause instanceof StoreError || !(cause instanceof Error)) return cause;
  const [code, message] = FAULTS[kindOf(cause)];
  return new StoreError(code, message, { cause });
}

/** Whether the connection is of no more use. */
export function isConnectionLost(error: unknown): boolean {
  return error instanceof Error && kindOf(error) === 'unreachable';
}

type FaultKind = 'unreachable' | 'full' | 'refused';

function kindOf(error: Error): FaultKind {
  const { code } = error as { code?: unknown };
  // PostgreSQL's codes have five signs (its appendix A), and no class of them begins with E as those of the operating system do: EPIPE has
  // five, too. The driver's own errors have none.
  if (typeof code !== 'string' || !/^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code)) return 'unreachable';
  if (code === '53100') return 'full';
  return UNREACHABLE.test(code) ? 'unreachable' : 'refused';
}

/** A lost connection, one too many, a server that stops or starts, and a lock that nobody lets go. */
const UNREACHABLE = /^(?:08|53300|57P0[1-5]|25P03|55P03)/;

const FAULTS: Readonly<Record<FaultKind, readonly [StoreErrorCode, string]>> = {
  unreachable: [
    'STORE_UNREACHABLE',
    'The database server cannot be reached, or does not answer: try again when it does',
  ],
  full: [
    'STORE_DISK_FULL',
    'There is no room on the disk of the database: make room, or lower the limits of the store',
  ],
  refused: ['STORE_UNREADABLE', 'The database refused; the cause says why'],
};
