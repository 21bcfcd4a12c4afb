/** The parameters of a client's MAIL, as they are passed on. */

import type { Parameter } from '../../protocol/parameters.js';
import type { SessionInfo } from '../../server/session-info.js';

/** RFC 4954 §5: whom the client sends for is believed of one that has proved who it is; of others it is nobody. */
export function senderParameters(
  parameters: readonly Parameter[],
  { identity }: Pick<SessionInfo, 'identity'>,
): readonly Parameter[] {
  return identity === undefined ? parameters.filter(({ keyword }) => keyword !== 'AUTH') : parameters;
}
