/** What went wrong behind a route, as the API says it: routes throw what they are thrown, and this is the one place that tells it. */

import { StoreError } from 'smtpd-store';

import { InboxExistsError } from '../capture/inbox-directory.js';
import { ExchangeError, type ExchangeErrorCode } from '../exchange/exchange-error.js';
import { FaultError } from '../faults/check-fault.js';
import { APIError, type APIErrorCode } from './api-error.js';

/** An error of the API for any error; `INTERNAL` for one that nobody foresaw. */
export function knownError(error: unknown): APIError {
  if (error instanceof APIError) return error;
  if (error instanceof ExchangeError) return new APIError(EXCHANGE_CODES[error.code], error.message);
  if (error instanceof FaultError) return new APIError('BAD_REQUEST', error.message);
  if (error instanceof InboxExistsError) return new APIError('CONFLICT', error.message);
  if (error instanceof StoreError) {
    if (error.code === 'STORE_BAD_OPTION') return new APIError('BAD_REQUEST', error.message);
    if (error.code === 'STORE_TOO_LARGE') return new APIError('TOO_LARGE', error.message);
    if (error.code === 'STORE_NOT_FOUND') return new APIError('NOT_FOUND', error.message);
    return new APIError('UNAVAILABLE', 'The store cannot be reached; the log of the server says more');
  }
  return new APIError('INTERNAL', 'The server failed; its log says more');
}

const EXCHANGE_CODES: Readonly<Record<ExchangeErrorCode, APIErrorCode>> = {
  EXCHANGE_BAD_ARCHIVE: 'BAD_REQUEST',
  EXCHANGE_TOO_LARGE: 'TOO_LARGE',
  EXCHANGE_BAD_MAIL: 'BAD_REQUEST',
  EXCHANGE_NOT_ALLOWED: 'NOT_ALLOWED',
  EXCHANGE_BAD_OPTION: 'BAD_REQUEST',
  EXCHANGE_FAILED: 'UPSTREAM_FAILED',
};
