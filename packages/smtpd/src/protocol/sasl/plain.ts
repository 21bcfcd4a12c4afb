/** PLAIN (RFC 4616): user name and password in one message, readable. Only under TLS. */

import { octets } from '../octets.js';
import { credentialsOf, lastTurn, sendableName, sendablePassword } from './client-step.js';
import type { ClientMechanism, ServerMechanism, ServerStep } from './mechanism.js';
import { decodeMessage, prepareName, preparePassword } from './message-text.js';
import { askWhether, clientFirst, refused } from './server-step.js';

/** The server's side of PLAIN. */
export const plainServer: ServerMechanism = {
  name: 'PLAIN',
  isPlaintext: true,
  needsChannelBinding: false,
  needsClientCertificate: false,
  isClientFirst: true,
  start: (_context, initial) => clientFirst(initial, receive),
};

/** The client's side of PLAIN. */
export const plainClient: ClientMechanism = {
  name: 'PLAIN',
  credentials: 'password',
  isPlaintext: true,
  needsChannelBinding: false,
  start({ credentials }) {
    const { user, password, authorizationIdentity } = credentialsOf('password', 'PLAIN', credentials);
    const identity =
      authorizationIdentity === undefined ? '' : sendableName('authorizationIdentity', authorizationIdentity);
    return lastTurn(
      octets.encodeUTF8([identity, sendableName('user', user), sendablePassword(password)].join(SEPARATOR)),
    );
  },
};

// RFC 4616 §2: message = [authzid] UTF8NUL authcid UTF8NUL passwd. A third NUL would be inside a password, where none can be.
function receive(data: Uint8Array): ServerStep {
  const [identity, name, secret, ...more] = decodeMessage(data)?.split(SEPARATOR) ?? [];
  if (identity === undefined || name === undefined || secret === undefined || more.length > 0)
    return refused('malformed');

  const user = prepareName(name);
  const password = preparePassword(secret);
  const authorizationIdentity = identity === '' ? undefined : prepareName(identity);
  const isIdentityLost = identity !== '' && authorizationIdentity === undefined;
  if (user === undefined || password === undefined || isIdentityLost) return refused('malformed');

  return askWhether({ kind: 'password', mechanism: 'PLAIN', user, password, authorizationIdentity });
}

const SEPARATOR = '\0';
