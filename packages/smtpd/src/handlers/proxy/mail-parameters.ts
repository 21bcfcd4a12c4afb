/** The parameters of a client's MAIL, as they are passed on. */

import type { Parameter } from '../../protocol/parameters.js';
import type { SessionInfo } from '../../server/session-info.js';

/** Those that go on. */
export function senderParameters(
  parameters: readonly Parameter[],
  session: Pick<SessionInfo, 'identity'>,
): readonly Parameter[] {
  // The usual case: all of them.
  const areAll = parameters.every(({ keyword }) => mayPassOn(keyword, session));
  return areAll ? parameters : parameters.filter(({ keyword }) => mayPassOn(keyword, session));
}

/**
 * The same for a message that something is put into. RFC 1870 §6: the size that is declared is that of what the next server will be sent.
 *
 * @param addedBytes - the least that is put in: a message is not to be refused for what it does not have
 */
export function withAddedSize(parameters: readonly Parameter[], addedBytes: () => number): readonly Parameter[] {
  if (!parameters.some(({ keyword }) => keyword === 'SIZE')) return parameters;
  return parameters.map((parameter) => {
    const sizeBytes = parameter.keyword === 'SIZE' ? Number(parameter.value) + addedBytes() : NaN;
    // A number that cannot be counted on is the next server's matter.
    return Number.isSafeInteger(sizeBytes) ? { ...parameter, value: String(sizeBytes) } : parameter;
  });
}

/**
 * Whether a parameter goes on. RFC 4954 §5: whom the client sends for is believed of one that has proved who it is; of others it is nobody.
 *
 * @param keyword - in upper case
 */
export function mayPassOn(keyword: string, { identity }: Pick<SessionInfo, 'identity'>): boolean {
  return keyword !== 'AUTH' || identity !== undefined;
}
