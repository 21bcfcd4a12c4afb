/**
 * LOGIN, as its clients do it: the server asks for the user name, then for the password, and the client answers whatever the
 * words are. The only description is an expired draft, draft-murchison-sasl-login-00. Only under TLS.
 */

import { octets } from '../octets.js';
import { credentialsOf, lastTurn, sendableName, sendablePassword, turn } from './client-step.js';
import type { ClientMechanism, ServerMechanism, ServerStep } from './mechanism.js';
import { decodeMessage, prepareName, preparePassword } from './message-text.js';
import { askWhether, challenge, refused } from './server-step.js';

/** The server's side of LOGIN. */
export const loginServer: ServerMechanism = {
  name: 'LOGIN',
  isPlaintext: true,
  needsChannelBinding: false,
  needsClientCertificate: false,
  isClientFirst: false,
  // Many clients do not wait to be asked and send the name as an initial response.
  start: (_context, initial) => (initial === undefined ? challenge(USERNAME, receiveName) : receiveName(initial)),
};

/** The client's side of LOGIN. */
export const loginClient: ClientMechanism = {
  name: 'LOGIN',
  credentials: 'password',
  isPlaintext: true,
  needsChannelBinding: false,
  start({ credentials }) {
    const { user, password } = credentialsOf('password', 'LOGIN', credentials);
    const name = octets.encodeUTF8(sendableName('user', user));
    const secret = octets.encodeUTF8(sendablePassword(password));
    // Servers word the questions as they like, so the order alone counts.
    return turn(undefined, () => turn(name, () => lastTurn(secret)));
  },
};

function receiveName(data: Uint8Array): ServerStep {
  const user = prepareName(decodeMessage(data) ?? '');
  return user === undefined ? refused('malformed') : challenge(PASSWORD, (secret) => receivePassword(user, secret));
}

function receivePassword(user: string, data: Uint8Array): ServerStep {
  const password = preparePassword(decodeMessage(data) ?? '');
  if (password === undefined) return refused('malformed');
  return askWhether({ kind: 'password', mechanism: 'LOGIN', user, password, authorizationIdentity: undefined });
}

// There are clients that go on only when they see exactly these words.
const USERNAME = octets.encodeUTF8('Username:');
const PASSWORD = octets.encodeUTF8('Password:');
