/** Two sides of an exchange joined in memory, with the application between them. */

import { CLIENT_MECHANISMS, SERVER_MECHANISMS } from '../../../src/protocol/sasl/mechanisms.js';
import type {
  ClientContext,
  ClientCredentials,
  ClientStep,
  CredentialAnswer,
  CredentialRequest,
  ServerContext,
  ServerStep,
} from '../../../src/protocol/sasl/mechanism.js';
import { nodeSASLCrypto } from '../../../src/net/sasl-crypto.js';

export type Application = (request: CredentialRequest) => CredentialAnswer | undefined;

export const octetsOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'));
export const textOf = (data: Uint8Array | undefined): string | undefined =>
  data === undefined ? undefined : Buffer.from(data).toString('utf8');

export const binding = { type: 'tls-exporter', data: octetsOf('the octets of this TLS session..') } as const;

export const serverContext = (given: Partial<ServerContext> = {}): ServerContext => ({
  crypto: nodeSASLCrypto,
  hostname: 'mx.example.com',
  stableKey: octetsOf('a key that stays the same'),
  iterations: 4096,
  channelBinding: binding,
  isPlusOffered: true,
  oauth: { scope: 'https://mail.example.com/', openidConfiguration: undefined },
  ...given,
});

export const clientContext = (credentials: ClientCredentials, given: Partial<ClientContext> = {}): ClientContext => ({
  crypto: nodeSASLCrypto,
  credentials,
  channelBinding: binding,
  isPlusOffered: true,
  ...given,
});

/** A crypto library whose random text is given. */
export const cryptoWith = (randomText: string): typeof nodeSASLCrypto => ({
  ...nodeSASLCrypto,
  randomText: () => randomText,
});

export const startServer = (name: string, initial?: string, given: Partial<ServerContext> = {}): ServerStep =>
  SERVER_MECHANISMS.get(name)!.start(serverContext(given), initial === undefined ? undefined : octetsOf(initial));

export const startClient = (
  name: string,
  credentials: ClientCredentials,
  given: Partial<ClientContext> = {},
): ClientStep => CLIENT_MECHANISMS.get(name)!.start(clientContext(credentials, given));

/** The challenge that the step is. */
export function challengeOf(step: ServerStep): string {
  if (step.kind !== 'challenge') throw new Error(`not a challenge: ${JSON.stringify(step)}`);
  return textOf(step.data)!;
}

/** What follows the client's answer to a challenge. */
export function respond(step: ServerStep, data: string): ServerStep {
  if (step.kind !== 'challenge') throw new Error(`not a challenge: ${JSON.stringify(step)}`);
  return step.respond(octetsOf(data));
}

/** What the application is asked. */
export function requestOf(step: ServerStep): CredentialRequest {
  if (step.kind !== 'ask') throw new Error(`not a question: ${JSON.stringify(step)}`);
  return step.request;
}

/** What follows the application's answer. */
export function answer(step: ServerStep, given: CredentialAnswer | undefined): ServerStep {
  if (step.kind !== 'ask') throw new Error(`not a question: ${JSON.stringify(step)}`);
  return step.answer(given);
}

/** What the client sends. */
export function sent(step: ClientStep): string | undefined {
  if (step.kind !== 'response') throw new Error(`not a response: ${JSON.stringify(step)}`);
  return textOf(step.data);
}

/** What follows the server's challenge. */
export function challenged(step: ClientStep, data: string): ClientStep {
  if (step.kind !== 'response') throw new Error(`not a response: ${JSON.stringify(step)}`);
  return step.respond(octetsOf(data));
}

export interface Outcome {
  readonly server: ServerStep;
  readonly client: ClientStep;
  /** `C: …`, `S: …` and `A: …`, the kind of question that the application was asked. */
  readonly lines: readonly string[];
}

/** Changes a message on its way: the index counts the messages of both sides. */
export type Tamper = (message: string, index: number) => string;

/** A whole exchange. */
export function converse(
  name: string,
  credentials: ClientCredentials,
  application: Application,
  {
    server: serverGiven = {},
    client: clientGiven = {},
    isInitialSent = true,
    tamper = (message: string): string => message,
  }: {
    readonly server?: Partial<ServerContext>;
    readonly client?: Partial<ClientContext>;
    readonly isInitialSent?: boolean;
    readonly tamper?: Tamper;
  } = {},
): Outcome {
  const lines: string[] = [];
  let index = 0;
  const carry = (from: 'C' | 'S', data: Uint8Array): Uint8Array => {
    const message = tamper(textOf(data)!, index);
    index += 1;
    lines.push(`${from}: ${message}`);
    return octetsOf(message);
  };

  let client = startClient(name, credentials, clientGiven);
  const first = client.kind === 'response' ? client.data : undefined;
  let isFirstPending = first !== undefined && !isInitialSent;
  let server = SERVER_MECHANISMS.get(name)!.start(
    serverContext(serverGiven),
    first === undefined || !isInitialSent ? undefined : carry('C', first),
  );
  for (;;) {
    if (server.kind === 'ask') {
      lines.push(`A: ${server.request.kind}`);
      server = server.answer(application(server.request));
    } else if (server.kind === 'challenge') {
      const challenge = carry('S', server.data);
      if (isFirstPending) {
        isFirstPending = false;
      } else {
        if (client.kind === 'failed') return { server, client, lines };
        client = client.respond(challenge);
      }
      if (client.kind === 'failed') return { server, client, lines };
      server = server.respond(carry('C', client.data!));
    } else {
      return { server, client, lines };
    }
  }
}
