/** What the next server is told of the client behind us: XFORWARD and XCLIENT, as Postfix documents them. */

import { encodeXtext } from '../../protocol/extensions/xtext.js';
import type { SessionInfo } from '../../server/session-info.js';

/**
 * The argument of the command, with what both sides know of.
 *
 * @param offered - the attributes that the server's EHLO reply names
 * @returns `undefined` when there is nothing to say
 */
export function formatClientAttributes(
  verb: 'XFORWARD' | 'XCLIENT',
  session: SessionInfo,
  offered: readonly string[],
): string | undefined {
  const { peer, clientName, identity, protocol, isExtended, id } = session;
  const isIP = peer.family === 'IPv4' || peer.family === 'IPv6';
  const known: Readonly<Record<string, string | undefined>> = {
    // Nobody has looked a name up.
    NAME: UNAVAILABLE,
    ADDR: isIP ? `${peer.family === 'IPv6' ? 'IPv6:' : ''}${peer.address}` : UNAVAILABLE,
    PORT: isIP && peer.port !== 0 ? String(peer.port) : UNAVAILABLE,
    PROTO: protocol === 'lmtp' || isExtended ? 'ESMTP' : 'SMTP',
    HELO: clientName ?? UNAVAILABLE,
    ...(verb === 'XFORWARD'
      ? { IDENT: id, SOURCE: isIP ? 'REMOTE' : 'LOCAL' }
      : { LOGIN: identity?.user ?? UNAVAILABLE }),
  };
  const words = offered.flatMap((name) => {
    const value = known[name.toUpperCase()];
    if (value === undefined) return [];
    return [`${name.toUpperCase()}=${value === UNAVAILABLE ? value : encodeXtext(value)}`];
  });
  return words.length === 0 ? undefined : words.join(' ');
}

const UNAVAILABLE = '[UNAVAILABLE]';
