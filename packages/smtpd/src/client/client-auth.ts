/** AUTH from the client's side (RFC 4954): which mechanism, and its exchange. */

import { nodeSASLCrypto } from '../net/sasl-crypto.js';
import type { TLSFacts } from '../net/tls-facts.js';
import { assertNever } from '../protocol/errors.js';
import type { Reply } from '../protocol/reply.js';
import { decodeBase64, encodeBase64 } from '../protocol/sasl/base64.js';
import type { ClientCredentials, ClientMechanism, ClientStep } from '../protocol/sasl/mechanism.js';
import { CLIENT_MECHANISMS } from '../protocol/sasl/mechanisms.js';
import type { ServerCapabilities } from '../protocol/server-capabilities.js';
import { SMTPConnectionError, SMTPRefusedError } from './client-errors.js';
import type { ClientAuthOptions } from './client-options.js';

/** What an exchange needs of the connection. */
export interface AuthConnection {
  readonly capabilities: ServerCapabilities;
  readonly tls: TLSFacts | undefined;
  /** Where the client is connected to, for OAUTHBEARER. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  /** Sends a line of the exchange. */
  readonly ask: (line: string) => Promise<Reply>;
}

/**
 * Authenticates, with the first mechanism that both sides have. One that the server does not know after all is passed over; credentials
 * that were refused are not tried again with another.
 *
 * @returns the mechanism's name
 * @throws {@link SMTPRefusedError}; {@link SMTPConnectionError} `SMTPD_SERVER_FAULT` when the server is not the one that knows the password
 */
export async function authenticate(options: ClientAuthOptions, connection: AuthConnection): Promise<string> {
  const credentials = credentialsOf(options, connection);
  const usable = usableMechanisms(options, credentials, connection);
  let refused: SMTPRefusedError | undefined;
  for (const mechanism of usable) {
    const reply = await runExchange(mechanism, credentials, connection);
    if (reply.isPositive) return mechanism.name;
    refused = new SMTPRefusedError('AUTH', reply);
    // RFC 4954 §4: 504, the mechanism is not there; §6: 534, it is not good enough for this user.
    if (reply.code !== 504 && reply.code !== 534) throw refused;
  }
  throw refused ?? noMechanism(options, connection);
}

function credentialsOf(options: ClientAuthOptions, { host, port }: AuthConnection): ClientCredentials {
  const { user = '', password, token, authorizationIdentity } = options;
  const actingFor = authorizationIdentity === undefined ? {} : { authorizationIdentity };
  if (password !== undefined) return { kind: 'password', user, password, ...actingFor };
  if (token === undefined) return { kind: 'external', ...actingFor };
  return { kind: 'token', user, token, ...(host === undefined || port === undefined ? {} : { host, port }) };
}

function usableMechanisms(
  options: ClientAuthOptions,
  credentials: ClientCredentials,
  { capabilities, tls }: AuthConnection,
): readonly ClientMechanism[] {
  const offered = new Set(capabilities.authMechanisms);
  const names = options.mechanisms ?? [...CLIENT_MECHANISMS.keys()];
  return names
    .map((name) => CLIENT_MECHANISMS.get(name))
    .filter((mechanism) => mechanism !== undefined)
    .filter(
      ({ name, credentials: kind, isPlaintext, needsChannelBinding }) =>
        offered.has(name) &&
        kind === credentials.kind &&
        (!isPlaintext || tls !== undefined || options.plaintext === 'always') &&
        (!needsChannelBinding || tls?.channelBinding !== undefined) &&
        // Neither can say on whose behalf.
        (options.authorizationIdentity === undefined || !ACTS_FOR_ITSELF.has(name)),
    );
}

async function runExchange(
  mechanism: ClientMechanism,
  credentials: ClientCredentials,
  { capabilities, tls, ask }: AuthConnection,
): Promise<Reply> {
  const isPlusOffered = capabilities.authMechanisms.some((name) => name.endsWith('-PLUS'));
  let step: ClientStep = mechanism.start({
    crypto: nodeSASLCrypto,
    credentials,
    channelBinding: tls?.channelBinding === undefined ? undefined : { type: 'tls-exporter', data: tls.channelBinding },
    isPlusOffered,
  });
  let reply: Reply | undefined;
  for (;;) {
    switch (step.kind) {
      case 'failed':
        // RFC 4954 §4: a lone asterisk cancels the exchange. Before it has begun there is nothing to cancel.
        if (reply !== undefined) await ask('*');
        throw new SMTPConnectionError('SMTPD_SERVER_FAULT', `AUTH ${mechanism.name}: ${step.detail}`, {
          stage: 'AUTH',
          reply,
        });
      case 'response':
        reply =
          reply === undefined ? await begin(mechanism, step.data, ask) : await ask(encodeBase64(step.data ?? NONE));
        break;
      default:
        return assertNever(step);
    }
    if (reply.code !== 334) {
      if (!reply.isPositive || step.isServerVerified) return reply;
      throw new SMTPConnectionError('SMTPD_SERVER_FAULT', 'The server accepted before it had shown that it knows us', {
        stage: 'AUTH',
        reply,
      });
    }
    const challenge = decodeBase64(reply.lines.join(''));
    step =
      challenge === undefined
        ? { kind: 'failed', reason: 'malformed', detail: 'the challenge is not base64' }
        : step.respond(challenge);
  }
}

/** RFC 4954 §4: an initial response goes with the command where both fit into its line; an empty one is `=`. */
async function begin(
  { name }: ClientMechanism,
  data: Uint8Array | undefined,
  ask: AuthConnection['ask'],
): Promise<Reply> {
  if (data === undefined) return ask(`AUTH ${name}`);
  const line = `AUTH ${name} ${data.length === 0 ? '=' : encodeBase64(data)}`;
  if (line.length <= LINE_BYTES_MAX) return ask(line);
  const reply = await ask(`AUTH ${name}`);
  return reply.code === 334 ? ask(encodeBase64(data)) : reply;
}

function noMechanism(options: ClientAuthOptions, { capabilities, tls }: AuthConnection): SMTPConnectionError {
  const offered = capabilities.authMechanisms.join(', ') || 'none';
  const hint =
    tls === undefined && options.plaintext !== 'always'
      ? '; without TLS a password or token is not sent readable: set tls.mode, or auth.plaintext'
      : '';
  return new SMTPConnectionError(
    'SMTPD_CONNECT_FAILED',
    `AUTH: no mechanism fits; the server offers ${offered}${hint}`,
    { stage: 'AUTH' },
  );
}

const ACTS_FOR_ITSELF = new Set<string>(['LOGIN', 'CRAM-MD5']);
/** RFC 5321 §4.5.3.1.4, without the CRLF. */
const LINE_BYTES_MAX = 510;
const NONE = new Uint8Array(0);
