/** The steps of a client: how each kind is made, and how its user's credentials are checked. The mechanisms use them. */

import { UsageError } from '../errors.js';
import type { ClientCredentials, ClientFailed, ClientStep, ClientTurn, SASLMechanismName } from './mechanism.js';
import { prepareName, preparePassword } from './message-text.js';

/**
 * Send `data`, and go on with `respond`.
 *
 * @example
 * ```ts
 * turn(undefined, (challenge) => lastTurn(challenge));
 * ```
 */
export function turn(data: Uint8Array | undefined, respond: (challenge: Uint8Array) => ClientStep): ClientTurn {
  return { kind: 'response', data, isServerVerified: false, serverError: undefined, respond };
}

/**
 * Send `data`, the last that there is to say; the server says 235 or why not.
 *
 * @example
 * ```ts
 * lastTurn(octets.encodeUTF8('tanstaaftanstaaf')).isServerVerified; // true
 * ```
 */
export function lastTurn(data: Uint8Array): ClientTurn {
  return { ...turn(data, oneTooMany), isServerVerified: true };
}

/**
 * Send `data`, with which the server asks us to acknowledge that it refuses.
 *
 * @example
 * ```ts
 * refusedTurn(Uint8Array.of(1), '{"status":"invalid_token"}').serverError;
 * ```
 */
export function refusedTurn(data: Uint8Array, serverError: string): ClientTurn {
  return { ...turn(data, oneTooMany), serverError };
}

/**
 * The end: the server cannot be gone on with.
 *
 * @example
 * ```ts
 * failed('malformed', 'The challenge is not UTF-8').reason; // 'malformed'
 * ```
 */
export function failed(reason: ClientFailed['reason'], detail: string): ClientFailed {
  return { kind: 'failed', reason, detail };
}

/**
 * The credentials, which must be of the kind that the mechanism takes.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION`
 *
 * @example
 * ```ts
 * credentialsOf('password', 'PLAIN', context.credentials).user;
 * ```
 */
export function credentialsOf<Kind extends ClientCredentials['kind']>(
  kind: Kind,
  mechanism: SASLMechanismName,
  credentials: ClientCredentials,
): Extract<ClientCredentials, { readonly kind: Kind }> {
  if (credentials.kind !== kind) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      `${mechanism} takes credentials of kind '${kind}', not '${credentials.kind}'`,
    );
  }
  return credentials as Extract<ClientCredentials, { readonly kind: Kind }>;
}

/**
 * A name as it is sent.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION` when it cannot be
 *
 * @example
 * ```ts
 * sendableName('user', 'tim'); // 'tim'
 * ```
 */
export function sendableName(option: 'user' | 'authorizationIdentity', text: string): string {
  return sendable(option, prepareName(text));
}

/**
 * A password as it is sent or hashed.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION` when it cannot be
 *
 * @example
 * ```ts
 * sendablePassword('tanstaaftanstaaf');
 * ```
 */
export function sendablePassword(text: string): string {
  return sendable('password', preparePassword(text));
}

function sendable(option: string, prepared: string | undefined): string {
  if (prepared === undefined) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      `${option} cannot be sent: it is empty or too long, or has characters that SASLprep prohibits`,
    );
  }
  return prepared;
}

/** Everything is said; a server that asks for more speaks of something else. */
function oneTooMany(): ClientFailed {
  return failed('malformed', 'The server asks for more than the mechanism has to say');
}
