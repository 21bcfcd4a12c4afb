/** What a caller without types can get wrong about a message. It is found before anything is sent, and said with what to write instead. */

import { UsageError } from '../protocol/errors.js';
import { kindOf } from '../protocol/kind-of.js';

/**
 * Looks at the parts of a message. What an address has to be like, `envelope-commands.ts` knows.
 *
 * @throws {@link UsageError} `SMTPD_BAD_COMMAND`, `SMTPD_BAD_CONTENT`
 */
export function checkMessage(given: unknown): void {
  const { mailFrom, rcptTos, data } = (isObject(given) ? given : {}) as Partial<Record<string, unknown>>;
  if (typeof mailFrom !== 'string') {
    throw wrong(`mailFrom is an address, or '' for the null reverse-path, not ${kindOf(mailFrom)}`);
  }
  if (!Array.isArray(rcptTos)) throw wrong(`rcptTos is a list of addresses, not ${kindOf(rcptTos)}`);
  if (rcptTos.length === 0) throw new UsageError('SMTPD_BAD_COMMAND', 'A message has at least one recipient');
  checkContent(data);
}

/** @throws {@link UsageError} `SMTPD_BAD_CONTENT` for what has no octets */
export function checkContent(given: unknown): void {
  if (typeof given === 'string') return;
  if (isObject(given) && (Symbol.asyncIterator in given || Symbol.iterator in given)) return;
  const { advice } = OTHER_CONTENTS.find(({ type }) => given instanceof type) ?? { advice: '' };
  const what = `The content is text, a Uint8Array or a stream of them, not ${kindOf(given)}${advice}`;
  throw new UsageError('SMTPD_BAD_CONTENT', what);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function wrong(what: string): UsageError {
  return new UsageError('SMTPD_BAD_COMMAND', `${what}: a message is { mailFrom, rcptTos, data }`);
}

const OTHER_CONTENTS = [
  { type: Blob, advice: ': give its stream()' },
  { type: ArrayBuffer, advice: ': give new Uint8Array(it)' },
  { type: Promise, advice: ': await it' },
];
