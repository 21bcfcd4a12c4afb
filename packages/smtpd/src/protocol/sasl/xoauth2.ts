/**
 * XOAUTH2, as Google documents it for Gmail: a user name and an OAuth 2.0 access token in one message, readable. Only under TLS.
 * A bad token is answered with a JSON challenge that says why; the client's empty answer to it ends the exchange.
 */

import { UsageError } from '../errors.js';
import { octets } from '../octets.js';
import { credentialsOf, refusedTurn, sendableName, turn } from './client-step.js';
import { formatPairs, isToken, parseBearer, parsePairs } from './key-value-pairs.js';
import type { ClientMechanism, OAuthHints, ServerContext, ServerMechanism, ServerStep } from './mechanism.js';
import { decodeMessage, prepareName } from './message-text.js';
import { askWhether, challenge, clientFirst, NOTHING, refused } from './server-step.js';

/** The server's side of XOAUTH2. */
export const xoauth2Server: ServerMechanism = {
  name: 'XOAUTH2',
  isPlaintext: true,
  needsChannelBinding: false,
  needsClientCertificate: false,
  isClientFirst: true,
  start: (context, initial) => clientFirst(initial, (data) => receive(context, data)),
};

/** The client's side of XOAUTH2. */
export const xoauth2Client: ClientMechanism = {
  name: 'XOAUTH2',
  credentials: 'token',
  isPlaintext: true,
  needsChannelBinding: false,
  start({ credentials }) {
    const { user, token } = credentialsOf('token', 'XOAUTH2', credentials);
    const message = formatPairs([
      ['user', sendableName('user', user)],
      ['auth', `Bearer ${sendableToken(token)}`],
    ]);
    return {
      ...turn(octets.encodeUTF8(message), (error) => refusedTurn(NOTHING, decodeMessage(error) ?? '')),
      isServerVerified: true,
    };
  },
};

/**
 * The token as it is sent.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION` when it cannot be
 *
 * @example
 * ```ts
 * sendableToken('vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==');
 * ```
 */
export function sendableToken(token: string): string {
  if (!isToken(token)) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      'token cannot be sent: it is empty or has characters outside printable ASCII',
    );
  }
  return token;
}

function receive(context: ServerContext, data: Uint8Array): ServerStep {
  const pairs = parsePairs(decodeMessage(data) ?? '');
  const user = prepareName(pairs?.get('user') ?? '');
  const authorization = pairs?.get('auth');
  if (user === undefined || authorization === undefined) return refused('malformed');

  const tell = (): ServerStep => challenge(errorMessage(context.oauth), () => refused('credentials'));
  const token = parseBearer(authorization);
  if (token === undefined) return tell();
  return askWhether(
    {
      kind: 'token',
      mechanism: 'XOAUTH2',
      user,
      token,
      host: undefined,
      port: undefined,
      authorizationIdentity: undefined,
    },
    tell,
  );
}

function errorMessage({ scope }: OAuthHints): Uint8Array {
  return octets.encodeUTF8(JSON.stringify({ status: '401', schemes: 'bearer', scope }));
}
