/** The mechanisms of this package, strongest first: what a server can offer and a client can choose from. */

import { cramMD5Client, cramMD5Server } from './cram-md5.js';
import { externalClient, externalServer } from './external.js';
import { loginClient, loginServer } from './login.js';
import type { ClientMechanism, SASLMechanismName, ServerMechanism } from './mechanism.js';
import { oauthBearerClient, oauthBearerServer } from './oauthbearer.js';
import { plainClient, plainServer } from './plain.js';
import { scramClient, scramServer } from './scram.js';
import { xoauth2Client, xoauth2Server } from './xoauth2.js';

/**
 * The server's side of each, by name in upper case.
 *
 * @example
 * ```ts
 * SERVER_MECHANISMS.get('PLAIN')?.isPlaintext; // true
 * ```
 */
export const SERVER_MECHANISMS: ReadonlyMap<string, ServerMechanism> = byName([
  scramServer('SCRAM-SHA-256-PLUS'),
  scramServer('SCRAM-SHA-1-PLUS'),
  scramServer('SCRAM-SHA-256'),
  scramServer('SCRAM-SHA-1'),
  externalServer,
  oauthBearerServer,
  xoauth2Server,
  plainServer,
  loginServer,
  cramMD5Server,
]);

/**
 * The client's side of each, by name in upper case, in the order in which a client under TLS prefers them.
 *
 * @example
 * ```ts
 * [...CLIENT_MECHANISMS.keys()].find((name) => offered.has(name));
 * ```
 */
export const CLIENT_MECHANISMS: ReadonlyMap<string, ClientMechanism> = byName([
  scramClient('SCRAM-SHA-256-PLUS'),
  scramClient('SCRAM-SHA-1-PLUS'),
  scramClient('SCRAM-SHA-256'),
  scramClient('SCRAM-SHA-1'),
  externalClient,
  oauthBearerClient,
  xoauth2Client,
  plainClient,
  loginClient,
  cramMD5Client,
]);

function byName<Mechanism extends { readonly name: SASLMechanismName }>(
  mechanisms: readonly Mechanism[],
): ReadonlyMap<string, Mechanism> {
  return new Map(mechanisms.map((mechanism) => [mechanism.name, mechanism]));
}
