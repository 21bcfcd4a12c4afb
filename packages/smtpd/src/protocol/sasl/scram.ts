/**
 * SCRAM (RFC 5802, RFC 7677): client and server show each other that they know the password, and neither sends it. With -PLUS both
 * also show that they are at the two ends of the same TLS session.
 *
 * The server needs only {@link SCRAMCredentials}, which are of no use for logging in. A user who does not exist is asked for a
 * proof like any other and refused at the end.
 */

import { UsageError } from '../errors.js';
import { octets } from '../octets.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { credentialsOf, failed, lastTurn, sendableName, sendablePassword, turn } from './client-step.js';
import { encodeSASLName, formatGS2Header, type GS2Header } from './gs2-header.js';
import type {
  ChannelBinding,
  ClientContext,
  ClientMechanism,
  ClientStep,
  CredentialAnswer,
  Grant,
  Refusal,
  SCRAMHash,
  SecretRequest,
  ServerContext,
  ServerMechanism,
  ServerStep,
} from './mechanism.js';
import { decodeMessage, preparePassword } from './message-text.js';
import {
  parseClientFinal,
  parseClientFirst,
  parseServerFinal,
  parseServerFirst,
  type ClientFirstMessage,
} from './scram-message.js';
import { deriveKeys, isIterationCount, stableSalt, xor, type SCRAMKeys } from './scram-keys.js';
import { challenge, clientFirst, isPasswordAnswer, NOTHING, refused, settle } from './server-step.js';

/** The four mechanisms. */
export type SCRAMName = 'SCRAM-SHA-1' | 'SCRAM-SHA-1-PLUS' | 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';

/**
 * The server's side of one of them.
 *
 * @example
 * ```ts
 * scramServer('SCRAM-SHA-256-PLUS').needsChannelBinding; // true
 * ```
 */
export function scramServer(name: SCRAMName): ServerMechanism {
  return {
    name,
    isPlaintext: false,
    needsChannelBinding: isPlus(name),
    needsClientCertificate: false,
    isClientFirst: true,
    start: (context, initial) => clientFirst(initial, (data) => receiveFirst({ name, context }, data)),
  };
}

/**
 * The client's side of one of them.
 *
 * @example
 * ```ts
 * scramClient('SCRAM-SHA-256').credentials; // 'password'
 * ```
 */
export function scramClient(name: SCRAMName): ClientMechanism {
  return {
    name,
    credentials: 'password',
    isPlaintext: false,
    needsChannelBinding: isPlus(name),
    start: (context) => sendFirst(name, context),
  };
}

// ---- The server's side --------------------------------------------------------------------------------------------------

interface Exchange {
  readonly name: SCRAMName;
  readonly context: ServerContext;
}

function receiveFirst(exchange: Exchange, data: Uint8Array): ServerStep {
  const first = parseClientFirst(decodeMessage(data) ?? '');
  if (typeof first === 'string') return refused(first);
  const fault = bindingFault(exchange, first.header);
  if (fault !== undefined) return refused(fault);

  const request: SecretRequest = {
    kind: 'secret',
    mechanism: exchange.name,
    user: first.user,
    authorizationIdentity: first.header.authorizationIdentity,
    hash: hashOf(exchange.name),
  };
  return {
    kind: 'ask',
    request,
    answer(answer) {
      const secret = secretOf(exchange.context, request, answer);
      return secret === undefined ? refused('misanswered') : sendSalt(exchange, { first, request, secret });
    },
  };
}

/** RFC 5802 §6: what the flag says must agree with the mechanism, with what was offered, and with the TLS session that there is. */
function bindingFault({ name, context }: Exchange, header: GS2Header): Refusal | undefined {
  if (!isPlus(name)) {
    if (header.flag === 'p') return 'unsupported';
    // The client could have had channel binding and saw no offer: somebody has taken it out of our reply.
    return header.flag === 'y' && context.isPlusOffered ? 'downgrade' : undefined;
  }
  if (header.flag !== 'p') return 'malformed';
  return header.bindingType === context.channelBinding?.type ? undefined : 'channelBinding';
}

/** What the server knows of a user; `grant` is missing when there is none. */
interface Secret {
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** Made when the proof is there: for a stored password it takes long. */
  readonly keys: () => Omit<SCRAMKeys, 'clientKey'>;
  readonly grant: Grant | undefined;
}

/** `undefined`: the answer does not fit. */
function secretOf(
  { crypto, stableKey, iterations }: ServerContext,
  { user, hash = 'SHA-256' }: SecretRequest,
  answer: CredentialAnswer | undefined,
): Secret | undefined {
  if (answer === undefined) {
    const noKey = (): Uint8Array => crypto.hash(hash, stableKey);
    return {
      salt: stableSalt(crypto, stableKey, { user, hash }),
      iterations,
      keys: () => ({ storedKey: noKey(), serverKey: noKey() }),
      grant: undefined,
    };
  }
  if (isPasswordAnswer(answer)) {
    const password = preparePassword(answer.password);
    if (password === undefined) return undefined;
    const salt = stableSalt(crypto, stableKey, { user, hash });
    return { salt, iterations, keys: () => deriveKeys(crypto, hash, { password, salt, iterations }), grant: answer };
  }
  if (!('storedKey' in answer)) return undefined;
  const salt = storedOctets(answer.salt);
  const storedKey = storedOctets(answer.storedKey);
  const serverKey = storedOctets(answer.serverKey);
  // Credentials for another hash have keys of another length.
  const isForHash = storedKey?.length === HASH_BYTES[hash] && serverKey?.length === HASH_BYTES[hash];
  if (salt === undefined || salt.length === 0 || !isForHash || !isIterationCount(answer.iterations)) return undefined;
  return { salt, iterations: answer.iterations, keys: () => ({ storedKey, serverKey }), grant: answer };
}

function storedOctets(stored: Uint8Array | string): Uint8Array | undefined {
  return typeof stored === 'string' ? decodeBase64(stored) : stored;
}

interface Claim {
  readonly first: ClientFirstMessage;
  readonly request: SecretRequest;
  readonly secret: Secret;
}

function sendSalt(exchange: Exchange, claim: Claim): ServerStep {
  const nonce = claim.first.nonce + exchange.context.crypto.randomText(NONCE_BYTES);
  const serverFirst = `r=${nonce},s=${encodeBase64(claim.secret.salt)},i=${String(claim.secret.iterations)}`;
  return challenge(octets.encodeUTF8(serverFirst), (data) =>
    receiveFinal(exchange, { ...claim, nonce, serverFirst }, data),
  );
}

function receiveFinal(
  { name, context }: Exchange,
  { first, request, secret, nonce, serverFirst }: Claim & { readonly nonce: string; readonly serverFirst: string },
  data: Uint8Array,
): ServerStep {
  const hash = hashOf(name);
  const final = parseClientFinal(decodeMessage(data) ?? '');
  if (typeof final === 'string') return refused(final);
  // RFC 5802 §5.1: the nonce is the one that was sent, or this is another exchange's answer.
  if (final.nonce !== nonce || final.proof.length !== HASH_BYTES[hash]) return refused('malformed');
  // RFC 5802 §6: always compared with what it must be, header and binding.
  const binding = isPlus(name) ? context.channelBinding : undefined;
  if (final.channelBinding !== bindingInput(first.header.text, binding)) return refused('channelBinding');

  const { crypto } = context;
  const { storedKey, serverKey } = secret.keys();
  const signed = octets.encodeUTF8([first.bare, serverFirst, final.withoutProof].join(','));
  // RFC 5802 §3: ClientKey := ClientProof XOR ClientSignature, and its hash is what is stored.
  const clientKey = xor(final.proof, crypto.hmac(hash, storedKey, signed));
  const isProven = crypto.isEqual(crypto.hash(hash, clientKey), storedKey);
  const signature = crypto.hmac(hash, serverKey, signed);
  if (!isProven || secret.grant === undefined) return refused('credentials');

  const outcome = settle(request, secret.grant);
  if (outcome.kind === 'refused') return outcome;
  // RFC 4954 §4: a 235 carries no data, so the signature goes before it as one more challenge, which the client answers with nothing.
  return challenge(octets.encodeUTF8(`v=${encodeBase64(signature)}`), (answer) =>
    answer.length === 0 ? outcome : refused('malformed'),
  );
}

// ---- The client's side --------------------------------------------------------------------------------------------------

interface ClientClaim {
  readonly context: ClientContext;
  readonly hash: SCRAMHash;
  readonly password: string;
  readonly nonce: string;
  readonly bare: string;
  /** The value of `c=`. */
  readonly channelBinding: string;
}

function sendFirst(name: SCRAMName, context: ClientContext): ClientStep {
  const { user, password, authorizationIdentity } = credentialsOf('password', name, context.credentials);
  const binding = isPlus(name) ? context.channelBinding : undefined;
  if (isPlus(name) && binding === undefined) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      `${name} needs channelBinding; without it, use ${name.slice(0, -PLUS.length)}`,
    );
  }
  const header = formatGS2Header({
    flag: clientFlag(context),
    bindingType: binding?.type,
    authorizationIdentity:
      authorizationIdentity === undefined ? undefined : sendableName('authorizationIdentity', authorizationIdentity),
  });
  const nonce = context.crypto.randomText(NONCE_BYTES);
  const bare = `n=${encodeSASLName(sendableName('user', user))},r=${nonce}`;
  const claim: ClientClaim = {
    context,
    hash: hashOf(name),
    password: sendablePassword(password),
    nonce,
    bare,
    channelBinding: bindingInput(header, binding),
  };
  return turn(octets.encodeUTF8(header + bare), (data) => sendProof(claim, data));
}

/** RFC 5802 §6: `y` tells a server that does offer channel binding that its offer has not arrived. */
function clientFlag({ channelBinding, isPlusOffered }: ClientContext): 'n' | 'y' {
  return channelBinding !== undefined && !isPlusOffered ? 'y' : 'n';
}

function sendProof(claim: ClientClaim, data: Uint8Array): ClientStep {
  const serverFirst = decodeMessage(data) ?? '';
  const first = parseServerFirst(serverFirst);
  if (typeof first === 'string') return failed(first, 'The first message of the server is not one that SCRAM has');
  // RFC 5802 §5.1: the nonce begins with ours; a server that adds nothing has not answered us.
  if (!first.nonce.startsWith(claim.nonce) || first.nonce === claim.nonce) {
    return failed('unverified', 'The nonce of the server does not continue ours');
  }
  // RFC 5802 §9: a hostile server can ask for any amount of work.
  if (first.iterations > ITERATIONS_MAX) {
    return failed(
      'unsupported',
      `The server asks for ${String(first.iterations)} iterations, more than ${String(ITERATIONS_MAX)}`,
    );
  }

  const { crypto } = claim.context;
  const { hash, password } = claim;
  const { clientKey, storedKey, serverKey } = deriveKeys(crypto, hash, { ...first, password });
  const withoutProof = `c=${claim.channelBinding},r=${first.nonce}`;
  const signed = octets.encodeUTF8([claim.bare, serverFirst, withoutProof].join(','));
  const proof = xor(clientKey, crypto.hmac(hash, storedKey, signed));
  const signature = crypto.hmac(hash, serverKey, signed);
  return turn(octets.encodeUTF8(`${withoutProof},p=${encodeBase64(proof)}`), (final) =>
    verify(claim.context, signature, final),
  );
}

/** RFC 5802 §5: a server that cannot sign does not know the password, and its 235 would mean nothing. */
function verify({ crypto }: ClientContext, signature: Uint8Array, data: Uint8Array): ClientStep {
  const final = parseServerFinal(decodeMessage(data) ?? '');
  if (typeof final === 'string') return failed(final, 'The final message of the server is not one that SCRAM has');
  if ('error' in final) return failed('refused', final.error);
  return crypto.isEqual(final.signature, signature)
    ? lastTurn(NOTHING)
    : failed('unverified', 'The signature of the server is wrong: it does not know the password');
}

// ---- Both sides ---------------------------------------------------------------------------------------------------------

/** RFC 5802 §7: cbind-input = gs2-header [ cbind-data ], in base64. */
function bindingInput(header: string, binding: ChannelBinding | undefined): string {
  return encodeBase64(octets.concat([octets.encodeUTF8(header), binding?.data ?? NOTHING]));
}

function isPlus(name: SCRAMName): boolean {
  return name.endsWith(PLUS);
}

function hashOf(name: SCRAMName): SCRAMHash {
  return name.startsWith('SCRAM-SHA-256') ? 'SHA-256' : 'SHA-1';
}

const PLUS = '-PLUS';
const HASH_BYTES: Readonly<Record<SCRAMHash, number>> = { 'SHA-1': 20, 'SHA-256': 32 };
const NONCE_BYTES = 24;

/** Half a second of work. Servers ask for some thousand; the most careful for some hundred thousand. */
const ITERATIONS_MAX = 1_000_000;
