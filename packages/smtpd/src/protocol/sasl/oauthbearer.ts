/**
 * OAUTHBEARER (RFC 7628): an OAuth 2.0 access token, readable. Only under TLS. A bad token is answered with a JSON challenge that says
 * where a good one is to be had; the client's answer to it, the octet 1, ends the exchange.
 */

import { UsageError } from '../errors.js';
import { octets } from '../octets.js';
import { credentialsOf, refusedTurn, sendableName, turn } from './client-step.js';
import { formatGS2Header, parseGS2Header } from './gs2-header.js';
import { formatPairs, parseBearer, parsePairs } from './key-value-pairs.js';
import type { ClientMechanism, OAuthHints, ServerContext, ServerMechanism, ServerStep } from './mechanism.js';
import { decodeMessage } from './message-text.js';
import { askWhether, challenge, clientFirst, refused } from './server-step.js';
import { sendableToken } from './xoauth2.js';

/** The server's side of OAUTHBEARER. */
export const oauthBearerServer: ServerMechanism = {
  name: 'OAUTHBEARER',
  isPlaintext: true,
  needsChannelBinding: false,
  needsClientCertificate: false,
  isClientFirst: true,
  start: (context, initial) => clientFirst(initial, (data) => receive(context, data)),
};

/** The client's side of OAUTHBEARER. */
export const oauthBearerClient: ClientMechanism = {
  name: 'OAUTHBEARER',
  credentials: 'token',
  isPlaintext: true,
  needsChannelBinding: false,
  start({ credentials }) {
    const { user, token, host, port } = credentialsOf('token', 'OAUTHBEARER', credentials);
    const header = formatGS2Header({
      flag: 'n',
      bindingType: undefined,
      authorizationIdentity: sendableName('user', user),
    });
    const pairs = formatPairs([
      ...(host === undefined ? [] : [['host', sendableHost(host)] as const]),
      ...(port === undefined ? [] : [['port', String(port)] as const]),
      ['auth', `Bearer ${sendableToken(token)}`],
    ]);
    return {
      // RFC 7628 §3.2.3: the octet 1 lets the server end an exchange that has failed.
      ...turn(octets.encodeUTF8(`${header}\u0001${pairs}`), (error) =>
        refusedTurn(ACKNOWLEDGED, decodeMessage(error) ?? ''),
      ),
      isServerVerified: true,
    };
  },
};

// RFC 7628 §3.1: client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep. The single kvsep is no message to begin with.
function receive(context: ServerContext, data: Uint8Array): ServerStep {
  const message = decodeMessage(data) ?? '';
  const header = parseGS2Header(message);
  if (header === undefined || message.charAt(header.text.length) !== '\u0001') return refused('malformed');
  // The mechanism has no channel binding; a client that wants one cannot get it.
  if (header.flag === 'p') return refused('unsupported');

  const pairs = parsePairs(message.slice(header.text.length + 1));
  const authorization = pairs?.get('auth');
  const portText = pairs?.get('port');
  if (authorization === undefined || (portText !== undefined && !isPort(portText))) return refused('malformed');

  const tell = (): ServerStep => challenge(errorMessage(context.oauth), () => refused('credentials'));
  const token = parseBearer(authorization);
  if (token === undefined) return tell();
  return askWhether(
    {
      kind: 'token',
      mechanism: 'OAUTHBEARER',
      user: header.authorizationIdentity,
      token,
      host: pairs?.get('host'),
      port: portText === undefined ? undefined : Number(portText),
      authorizationIdentity: undefined,
    },
    tell,
  );
}

/** RFC 7628 §3.2.2: why, and where a better token is to be had. */
function errorMessage({ scope, openidConfiguration }: OAuthHints): Uint8Array {
  return octets.encodeUTF8(
    JSON.stringify({ status: 'invalid_token', scope, 'openid-configuration': openidConfiguration }),
  );
}

/** RFC 7628 §3.1: a positive number without leading zeros. */
function isPort(text: string): boolean {
  return PORT.test(text) && Number(text) <= 0xffff;
}

function sendableHost(host: string): string {
  if (!HOST.test(host)) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      'host cannot be sent: it is empty or has characters outside printable ASCII',
    );
  }
  return host;
}

const PORT = /^[1-9][0-9]{0,4}$/;
const HOST = /^[\x21-\x7e]+$/;
const ACKNOWLEDGED = Uint8Array.of(1);
