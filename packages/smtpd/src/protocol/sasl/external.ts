/**
 * EXTERNAL (RFC 4422, appendix A): the client is known by what lies outside the exchange, here the certificate that it has shown
 * in TLS. The message says only whom it wants to act for. Who the certificate stands for is the application's to say.
 */

import { octets } from '../octets.js';
import { credentialsOf, lastTurn, sendableName } from './client-step.js';
import type { ClientMechanism, ServerMechanism, ServerStep } from './mechanism.js';
import { decodeMessage, prepareName } from './message-text.js';
import { askWhether, clientFirst, NOTHING, refused } from './server-step.js';

/** The server's side of EXTERNAL. */
export const externalServer: ServerMechanism = {
  name: 'EXTERNAL',
  isPlaintext: false,
  needsChannelBinding: false,
  needsClientCertificate: true,
  isClientFirst: true,
  start: (_context, initial) => clientFirst(initial, receive),
};

/** The client's side of EXTERNAL. */
export const externalClient: ClientMechanism = {
  name: 'EXTERNAL',
  credentials: 'external',
  isPlaintext: false,
  needsChannelBinding: false,
  start({ credentials }) {
    const { authorizationIdentity } = credentialsOf('external', 'EXTERNAL', credentials);
    if (authorizationIdentity === undefined) return lastTurn(NOTHING);
    return lastTurn(octets.encodeUTF8(sendableName('authorizationIdentity', authorizationIdentity)));
  },
};

// RFC 4422, appendix A.1: the authorization identity, UTF-8 without NUL, or nothing.
function receive(data: Uint8Array): ServerStep {
  const authorizationIdentity = data.length === 0 ? undefined : prepareName(decodeMessage(data) ?? '');
  if (data.length > 0 && authorizationIdentity === undefined) return refused('malformed');
  return askWhether({ kind: 'external', mechanism: 'EXTERNAL', user: undefined, authorizationIdentity });
}
