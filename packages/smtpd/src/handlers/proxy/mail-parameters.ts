/** The parameters of a client's MAIL, as they are passed on. */

import type { Parameter } from '../../protocol/parameters.js';
import type { SessionInfo } from '../../server/session-info.js';

/** Those that go on. */
export function senderParameters(
  parameters: readonly Parameter[],
  session: Pick<SessionInfo, 'identity'>,
): readonly Parameter[] {
  return parameters.filter(({ keyword }) => mayPassOn(keyword, session));
}

/**
 * Whether a parameter goes on. RFC 4954 §5: whom the client sends for is believed of one that has proved who it is; of others it is nobody.
 *
 * @param keyword - in upper case
 */
export function mayPassOn(keyword: string, { identity }: Pick<SessionInfo, 'identity'>): boolean {
  return keyword !== 'AUTH' || identity !== undefined;
}
