/**
 * Ready-made `auth` hooks: some users whose passwords are known, or whoever comes. For development, tests and small set-ups; where
 * users are many, a hook of one's own asks where they are kept.
 */

import { UsageError } from '../protocol/errors.js';
import { kindOf } from '../protocol/kind-of.js';
import type { CredentialRequest, SASLMechanismName } from '../protocol/sasl/mechanism.js';
import { prepareName, preparePassword } from '../protocol/sasl/message-text.js';
import type { AuthAnswer } from './authentication.js';
import type { AuthRequest, Hook } from './hooks.js';
import { nodeSASLCrypto } from '../net/sasl-crypto.js';

/**
 * A hook that lets in users by their passwords, with every mechanism of {@link PASSWORD_MECHANISMS}.
 *
 * @param users - passwords by user name
 * @throws {@link UsageError} `SMTPD_BAD_OPTION` for a name or a password that no client could send (RFC 4013)
 *
 * @example
 * ```ts
 * import { PASSWORD_MECHANISMS, passwordAuth, SMTPServer } from 'smtpd';
 * const server = new SMTPServer({ tls: { mode: 'offer' }, auth: { mode: 'require', mechanisms: PASSWORD_MECHANISMS } });
 * server.use(passwordAuth({ alice: 'correct horse', bob: 'battery staple' }));
 * ```
 */
export function passwordAuth(users: Readonly<Record<string, string>>): Hook {
  checkUsers(users);
  const passwords = new Map(Object.entries(users).map(([user, password]) => prepared(user, password)));
  return {
    name: 'password auth',
    auth(request) {
      const password = request.user === undefined ? undefined : passwords.get(request.user);
      if (request.kind === 'secret') return password === undefined ? undefined : { password };
      if (request.kind !== 'password') return undefined;
      // Compared in any case, so that the time tells nothing of who there is.
      const isRight = nodeSASLCrypto.isEqual(encode(request.password), encode(password ?? ''));
      return isRight && password !== undefined ? { verified: true } : undefined;
    },
  };
}

/**
 * A hook that lets everybody in as whoever they say they are, whatever the password or the token, with every mechanism of
 * {@link OPEN_MECHANISMS}. A program that sends mail can be tried with the credentials it has. Never where strangers can connect.
 *
 * @example
 * ```ts
 * import { anyAuth, OPEN_MECHANISMS, SMTPServer } from 'smtpd';
 * const server = new SMTPServer({ auth: { mode: 'offer', plaintext: 'always', mechanisms: OPEN_MECHANISMS } });
 * server.use(anyAuth());
 * ```
 */
export function anyAuth(): Hook {
  return { name: 'any auth', auth: acceptAnybody };
}

function acceptAnybody(request: AuthRequest<undefined>): AuthAnswer | undefined {
  // SCRAM and CRAM-MD5 prove that both sides know the password: there is nothing to say yes to without it.
  if (request.kind === 'secret') return undefined;
  const { authorizationIdentity } = request;
  const user = userOf(request);
  if (user === undefined) return undefined;
  return { verified: true, user, ...(authorizationIdentity === undefined ? {} : { authorizationIdentity }) };
}

/** Who the client is by its own word, or by that of its certificate. */
function userOf(
  request: Exclude<CredentialRequest, { readonly kind: 'secret' }> & AuthRequest<undefined>,
): string | undefined {
  switch (request.kind) {
    case 'password':
      return request.user;
    case 'token':
      // OAUTHBEARER may leave the name to the token, which nobody here can read.
      return request.user ?? 'anybody';
    case 'external': {
      const certificate = request.session.tls?.peerCertificate;
      if (certificate === undefined) return undefined;
      return request.authorizationIdentity ?? certificate.commonName ?? certificate.fingerprint256;
    }
  }
}

function checkUsers(given: unknown): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new UsageError('SMTPD_BAD_OPTION', `Users are an object, { alice: 'her password' }, not ${kindOf(given)}`);
  }
  for (const [user, password] of Object.entries(given as Record<string, unknown>)) {
    if (typeof password === 'string') continue;
    throw new UsageError('SMTPD_BAD_OPTION', `The password of "${user}" is a string, not ${kindOf(password)}`);
  }
}

function prepared(user: string, password: string): readonly [string, string] {
  const [name, secret] = [prepareName(user), preparePassword(password)];
  if (name === undefined || secret === undefined) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      `The ${name === undefined ? 'user name' : 'password'} of "${user}" is empty, too long, or has characters that no client can send (RFC 4013)`,
    );
  }
  return [name, secret];
}

function encode(text: string): Uint8Array {
  return Buffer.from(text, 'utf8');
}

/** The mechanisms that {@link passwordAuth} answers, strongest first. */
export const PASSWORD_MECHANISMS: readonly SASLMechanismName[] = Object.freeze([
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1',
  'PLAIN',
  'LOGIN',
  'CRAM-MD5',
]);

/** The mechanisms that {@link anyAuth} answers: those in which the server is shown something, and need not know it. */
export const OPEN_MECHANISMS: readonly SASLMechanismName[] = Object.freeze([
  'PLAIN',
  'LOGIN',
  'XOAUTH2',
  'OAUTHBEARER',
  'EXTERNAL',
]);
