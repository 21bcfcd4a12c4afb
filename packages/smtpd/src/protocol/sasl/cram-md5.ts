/**
 * CRAM-MD5 (RFC 2195): the client shows that it knows the password with a keyed MD5 of the server's challenge. Old, and no
 * substitute for TLS: whoever listens can try passwords at leisure. The server must store the password itself.
 */

import { octets } from '../octets.js';
import { credentialsOf, lastTurn, sendableName, sendablePassword, turn } from './client-step.js';
import type {
  ClientMechanism,
  CredentialAnswer,
  SASLCrypto,
  SecretRequest,
  ServerContext,
  ServerMechanism,
  ServerStep,
} from './mechanism.js';
import { decodeMessage, prepareName, preparePassword } from './message-text.js';
import { challenge, isPasswordAnswer, refused, settle } from './server-step.js';

/** The server's side of CRAM-MD5. */
export const cramMD5Server: ServerMechanism = {
  name: 'CRAM-MD5',
  isPlaintext: false,
  needsChannelBinding: false,
  needsClientCertificate: false,
  isClientFirst: false,
  start(context, initial) {
    // RFC 4954 §4: the server begins; who answers before the question has been put is refused.
    if (initial !== undefined) return refused('initialResponse');
    // RFC 2195 §2: random text and the server's name in the form of a message id. The clock that the RFC puts between them is
    // there to make it unique, which the random octets do alone.
    const question = octets.encodeUTF8(`<${context.crypto.randomText(CHALLENGE_BYTES)}@${context.hostname}>`);
    return challenge(question, (data) => receive(context, question, data));
  },
};

/** The client's side of CRAM-MD5. */
export const cramMD5Client: ClientMechanism = {
  name: 'CRAM-MD5',
  credentials: 'password',
  isPlaintext: false,
  needsChannelBinding: false,
  start({ crypto, credentials }) {
    const { user, password } = credentialsOf('password', 'CRAM-MD5', credentials);
    const name = sendableName('user', user);
    const secret = sendablePassword(password);
    return turn(undefined, (question) => lastTurn(octets.encodeUTF8(`${name} ${digestOf(crypto, secret, question)}`)));
  },
};

// RFC 2195 §2: the user name, a space, and the digest, 16 octets in lower-case hexadecimal. The name may have spaces of its own.
function receive(context: ServerContext, question: Uint8Array, data: Uint8Array): ServerStep {
  const text = decodeMessage(data) ?? '';
  const space = text.lastIndexOf(' ');
  const user = prepareName(text.slice(0, Math.max(0, space)));
  const digest = text.slice(space + 1);
  if (user === undefined || !DIGEST.test(digest)) return refused('malformed');

  const request: SecretRequest = {
    kind: 'secret',
    mechanism: 'CRAM-MD5',
    user,
    authorizationIdentity: undefined,
    hash: undefined,
  };
  return {
    kind: 'ask',
    request,
    answer: (answer) => judge(context.crypto, { request, question, digest }, answer),
  };
}

interface Claim {
  readonly request: SecretRequest;
  readonly question: Uint8Array;
  readonly digest: string;
}

function judge(
  crypto: SASLCrypto,
  { request, question, digest }: Claim,
  answer: CredentialAnswer | undefined,
): ServerStep {
  if (answer !== undefined && !isPasswordAnswer(answer)) return refused('misanswered');
  const password = preparePassword(answer?.password ?? MADE_UP_PASSWORD);
  if (password === undefined) return refused('misanswered');
  // The same work for everybody: how long it takes does not tell whether there is such a user.
  const isRight = crypto.isEqual(octets.encodeUTF8(digest), octets.encodeUTF8(digestOf(crypto, password, question)));
  return isRight && answer !== undefined ? settle(request, answer) : refused('credentials');
}

function digestOf(crypto: SASLCrypto, password: string, question: Uint8Array): string {
  const digest = crypto.hmac('MD5', octets.encodeUTF8(password), question);
  return Array.from(digest, (octet) => octet.toString(16).padStart(2, '0')).join('');
}

const CHALLENGE_BYTES = 24;
const DIGEST = /^[0-9a-f]{32}$/;

/** Nobody's: the answer for an unknown user is no, whatever the digest. */
const MADE_UP_PASSWORD = 'nobody';
