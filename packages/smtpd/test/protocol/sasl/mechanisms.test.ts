import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CLIENT_MECHANISMS, SERVER_MECHANISMS } from '../../../src/protocol/sasl/mechanisms.js';
import type {
  ClientCredentials,
  ClientStep,
  CredentialAnswer,
  SASLCrypto,
  ServerStep,
} from '../../../src/protocol/sasl/mechanism.js';
import { nodeSASLCrypto } from '../../../src/net/sasl-crypto.js';
import { makeSCRAMCredentials } from '../../../src/server/scram-credentials.js';
import { clientContext, converse, octetsOf, serverContext } from './support.js';

const CREDENTIALS: Readonly<Record<ClientCredentials['kind'], ClientCredentials>> = {
  password: { kind: 'password', user: 'tim', password: 'secret' },
  token: { kind: 'token', user: 'tim', token: 'abc', host: 'mx.example.com', port: 587 },
  external: { kind: 'external', authorizationIdentity: 'tim' },
};

const ANSWERS: readonly (CredentialAnswer | undefined)[] = [
  undefined,
  { verified: true },
  { verified: true, user: 'tim', authorizationIdentity: 'ann' },
  { password: 'secret' },
  makeSCRAMCredentials({ hash: 'SHA-1', password: 'secret' }),
  makeSCRAMCredentials({ hash: 'SHA-256', password: 'secret' }),
];

/** The real work would only make the tests slow. */
const quickCrypto: SASLCrypto = {
  ...nodeSASLCrypto,
  pbkdf2: (algorithm, password) => nodeSASLCrypto.hash(algorithm, password),
};

/** Messages that are nearly right, and any octets. */
const message = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        'n',
        'y',
        'p=tls-exporter',
        ',',
        ',,',
        'a=tim',
        'n=tim',
        'r=1',
        'c=biws',
        'p=AAAA',
        's=AAAA',
        'i=1',
        'v=AAAA',
        'e=x',
        'm=x',
        '=2C',
        '=',
        '\0',
        '\u0001',
        'user=tim',
        'auth=Bearer x',
        'host=h',
        'port=1',
        'tim',
        ' ',
        'b913a602c7eda7a495b4e6e7334d3890',
        '\u00ad',
        '\u05d0',
        '\ufeff',
      ),
      { maxLength: 12 },
    )
    .map((parts) => octetsOf(parts.join(''))),
);

describe('every mechanism', () => {
  it('has two sides that agree on what it is', () => {
    expect([...SERVER_MECHANISMS.keys()]).toEqual([...CLIENT_MECHANISMS.keys()]);
    for (const [name, server] of SERVER_MECHANISMS) {
      const client = CLIENT_MECHANISMS.get(name)!;
      expect([server.name, client.name]).toEqual([name, name]);
      expect(client.isPlaintext).toBe(server.isPlaintext);
      expect(client.needsChannelBinding).toBe(server.needsChannelBinding);
      const start = client.start(clientContext(CREDENTIALS[client.credentials]));
      expect(start.kind === 'response' && start.data !== undefined).toBe(server.isClientFirst);
    }
  });

  it('says which ones need TLS, a channel binding or a certificate', () => {
    const names = (is: 'isPlaintext' | 'needsChannelBinding' | 'needsClientCertificate'): readonly string[] =>
      [...SERVER_MECHANISMS.values()].filter((mechanism) => mechanism[is]).map(({ name }) => name);
    expect(names('isPlaintext')).toEqual(['OAUTHBEARER', 'XOAUTH2', 'PLAIN', 'LOGIN']);
    expect(names('needsChannelBinding')).toEqual(['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS']);
    expect(names('needsClientCertificate')).toEqual(['EXTERNAL']);
  });

  it.each([...CLIENT_MECHANISMS.keys()])('%s succeeds between our client and our server', (name) => {
    const credentials = CREDENTIALS[CLIENT_MECHANISMS.get(name)!.credentials];
    for (const isInitialSent of [true, false]) {
      const { server, client } = converse(
        name,
        credentials,
        ({ kind }) => (kind === 'secret' ? { password: 'secret' } : { verified: true }),
        { isInitialSent },
      );
      expect(server).toEqual({
        kind: 'accepted',
        identity: { user: 'tim', authorizationIdentity: undefined, mechanism: name },
      });
      expect(client).toMatchObject({ kind: 'response', isServerVerified: true });
    }
  });

  it.each([...SERVER_MECHANISMS.keys()])('%s comes to an end whatever the client sends, and never throws', (name) => {
    const mechanism = SERVER_MECHANISMS.get(name)!;
    const script = fc.record({
      messages: fc.array(message, { minLength: 6, maxLength: 6 }),
      hasInitial: fc.boolean(),
      given: fc.constantFrom(...ANSWERS),
      isPlusOffered: fc.boolean(),
    });
    fc.assert(
      fc.property(script, ({ messages, hasInitial, given, isPlusOffered }) => {
        const left = [...messages];
        const context = serverContext({ crypto: quickCrypto, isPlusOffered });
        let step: ServerStep = mechanism.start(context, hasInitial ? left.pop() : undefined);
        while (step.kind === 'challenge' || step.kind === 'ask') {
          if (step.kind === 'ask') step = step.answer(given);
          else if (left.length > 0) step = step.respond(left.pop()!);
          else throw new Error('no end');
        }
        expect(['accepted', 'refused']).toContain(step.kind);
      }),
      { numRuns: 500 },
    );
  });

  it.each([...CLIENT_MECHANISMS.keys()])('%s comes to an end whatever the server sends, and never throws', (name) => {
    const mechanism = CLIENT_MECHANISMS.get(name)!;
    fc.assert(
      fc.property(fc.array(message, { minLength: 5, maxLength: 5 }), (messages) => {
        let step: ClientStep = mechanism.start(
          clientContext(CREDENTIALS[mechanism.credentials], { crypto: quickCrypto }),
        );
        for (const each of messages) if (step.kind === 'response') step = step.respond(each);
        expect(step.kind).toBe('failed');
      }),
      { numRuns: 300 },
    );
  });

  it.each([...CLIENT_MECHANISMS.keys()])(
    '%s refuses credentials of another kind, and names that cannot be sent',
    (name) => {
      const mechanism = CLIENT_MECHANISMS.get(name)!;
      for (const [kind, credentials] of Object.entries(CREDENTIALS)) {
        if (kind === mechanism.credentials) continue;
        expect(() => mechanism.start(clientContext(credentials))).toThrow(`kind '${mechanism.credentials}'`);
      }
      const unsendable: Readonly<Record<ClientCredentials['kind'], readonly ClientCredentials[]>> = {
        password: [
          { kind: 'password', user: '', password: 'secret' },
          { kind: 'password', user: 't\0im', password: 'secret' },
          { kind: 'password', user: 'tim', password: '' },
          { kind: 'password', user: 'tim', password: 'sec\0ret' },
        ],
        token: [
          { kind: 'token', user: 't\u0001im', token: 'abc' },
          { kind: 'token', user: 'tim', token: '' },
          { kind: 'token', user: 'tim', token: 'a\u0001b' },
        ],
        external: [{ kind: 'external', authorizationIdentity: '' }],
      };
      for (const credentials of unsendable[mechanism.credentials]) {
        expect(() => mechanism.start(clientContext(credentials))).toThrow('cannot be sent');
      }
    },
  );
});
