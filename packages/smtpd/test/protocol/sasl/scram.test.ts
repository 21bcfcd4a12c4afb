import { describe, expect, it } from 'vitest';

import type { CredentialAnswer } from '../../../src/protocol/sasl/mechanism.js';
import type { SCRAMName } from '../../../src/protocol/sasl/scram.js';
import { deriveSCRAMCredentials } from '../../../src/protocol/sasl/scram-keys.js';
import { nodeSASLCrypto } from '../../../src/net/sasl-crypto.js';
import { makeSCRAMCredentials } from '../../../src/server/scram-credentials.js';
import {
  answer,
  binding,
  challenged,
  challengeOf,
  converse,
  cryptoWith,
  octetsOf,
  requestOf,
  respond,
  sent,
  startClient,
  startServer,
  textOf,
  type Tamper,
} from './support.js';

const NAMES: readonly SCRAMName[] = ['SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'];
const user = { kind: 'password', user: 'user', password: 'pencil' } as const;
const hashOf = (name: string): 'SHA-1' | 'SHA-256' => (name.includes('256') ? 'SHA-256' : 'SHA-1');
const refusal = (reason: string): object => ({ kind: 'refused', reason });

interface Vector {
  readonly name: SCRAMName;
  readonly clientNonce: string;
  readonly serverNonce: string;
  readonly salt: string;
  readonly proof: string;
  readonly signature: string;
}

const VECTORS: readonly Vector[] = [
  {
    name: 'SCRAM-SHA-1',
    clientNonce: 'fyko+d2lbbFgONRv9qkxdawL',
    serverNonce: '3rfcNHYJY1ZVvWVs7j',
    salt: 'QSXCR+Q6sek8bf92',
    proof: 'v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    signature: 'rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  {
    name: 'SCRAM-SHA-256',
    clientNonce: 'rOprNGfwEbeRWgbNEkqO',
    serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
    salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
    proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    signature: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
];

describe.each(VECTORS)('the example of $name', ({ name, clientNonce, serverNonce, salt, proof, signature }) => {
  const first = `n,,n=user,r=${clientNonce}`;
  const salted = `r=${clientNonce}${serverNonce},s=${salt},i=4096`;
  const final = `c=biws,r=${clientNonce}${serverNonce},p=${proof}`;

  it('is what the server says', () => {
    const step = startServer(name, first, { crypto: cryptoWith(serverNonce), isPlusOffered: false });
    expect(requestOf(step)).toEqual({
      kind: 'secret',
      mechanism: name,
      user: 'user',
      authorizationIdentity: undefined,
      hash: hashOf(name),
    });
    const stored = makeSCRAMCredentials({
      hash: hashOf(name),
      password: 'pencil',
      salt: new Uint8Array(Buffer.from(salt, 'base64')),
    });
    const asked = answer(step, stored);
    expect(challengeOf(asked)).toBe(salted);
    const proven = respond(asked, final);
    expect(challengeOf(proven)).toBe(`v=${signature}`);
    expect(respond(proven, '')).toEqual({
      kind: 'accepted',
      identity: { user: 'user', authorizationIdentity: undefined, mechanism: name },
    });
  });

  it('is what the client says', () => {
    const start = startClient(name, user, { crypto: cryptoWith(clientNonce), channelBinding: undefined });
    expect(sent(start)).toBe(first);
    const proven = challenged(start, salted);
    expect(sent(proven)).toBe(final);
    expect(proven).toMatchObject({ isServerVerified: false });
    const verified = challenged(proven, `v=${signature}`);
    expect(sent(verified)).toBe('');
    expect(verified).toMatchObject({ isServerVerified: true });
  });
});

describe.each(NAMES)('%s', (name) => {
  const hash = hashOf(name);
  const stored = makeSCRAMCredentials({ hash, password: 'pencil' });
  // A client that has channel binding says `y` to a server that it believes to have none.
  const facts = name.endsWith('-PLUS') ? {} : { client: { channelBinding: undefined } };

  it('succeeds with stored credentials, as base64 and as octets, and with a password', () => {
    const binary = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
    const octets = {
      ...stored,
      salt: binary(stored.salt),
      storedKey: binary(stored.storedKey),
      serverKey: binary(stored.serverKey),
    };
    for (const given of [stored, octets, { password: 'pencil' }]) {
      const { server, client } = converse(name, user, () => given, facts);
      expect(server).toMatchObject({ kind: 'accepted', identity: { user: 'user', mechanism: name } });
      expect(client).toMatchObject({ isServerVerified: true });
    }
  });

  it('begins with an empty challenge when there was no initial response', () => {
    const { server, lines } = converse(name, user, () => stored, { ...facts, isInitialSent: false });
    expect(server.kind).toBe('accepted');
    expect(lines[0]).toBe('S: ');
  });

  it('refuses a wrong password', () => {
    const { server, client } = converse(name, { ...user, password: 'pen' }, () => stored, facts);
    expect(server).toEqual(refusal('credentials'));
    expect(client).toMatchObject({ isServerVerified: false });
  });

  it('refuses an unknown user at the end, and not before', () => {
    const unknown = converse(name, user, () => undefined, facts);
    const wrong = converse(name, { ...user, password: 'pen' }, () => stored, facts);
    expect(unknown.server).toEqual(wrong.server);
    const shape = (lines: readonly string[]): readonly string[] =>
      lines.map((line) => line.replace(/(?<=[rsp]=)[^,]+/g, (value) => '.'.repeat(value.length)));
    expect(shape(unknown.lines)).toEqual(shape(wrong.lines));
  });

  it('shows an unknown user the same salt each time, and each user another', () => {
    const saltOf = (who: string, given?: CredentialAnswer, mechanism = name): string =>
      /s=([^,]+)/.exec(converse(mechanism, { ...user, user: who }, () => given, facts).lines.join('\n'))![1]!;
    expect(saltOf('nobody')).toBe(saltOf('nobody'));
    expect(saltOf('nobody')).not.toBe(saltOf('somebody'));
    // A user whose password is stored looks like one who does not exist, and for each hash there is another salt.
    expect(saltOf('nobody', { password: 'pencil' })).toBe(saltOf('nobody'));
    const other = NAMES.find((each) => hashOf(each) !== hash && each.endsWith('-PLUS') === name.endsWith('-PLUS'));
    expect(saltOf('nobody', undefined, other)).not.toBe(saltOf('nobody'));
  });

  it('refuses an unknown user even with a proof that fits the made-up keys', () => {
    const stableKey = nodeSASLCrypto.hash(hash, octetsOf('known to the attacker'));
    const storedKey = nodeSASLCrypto.hash(hash, stableKey);
    const header = name.endsWith('-PLUS') ? 'p=tls-exporter,,' : 'n,,';
    const asked = answer(startServer(name, `${header}n=user,r=1`, { stableKey }), undefined);
    const salted = challengeOf(asked);
    const bound = Buffer.from(header + (header === 'n,,' ? '' : textOf(binding.data)!)).toString('base64');
    const withoutProof = `c=${bound},${salted.slice(0, salted.indexOf(','))}`;
    const signature = nodeSASLCrypto.hmac(hash, storedKey, octetsOf(`n=user,r=1,${salted},${withoutProof}`));
    const proof = Buffer.from(stableKey.map((octet, at) => octet ^ signature[at]!)).toString('base64');
    expect(respond(asked, `${withoutProof},p=${proof}`)).toEqual(refusal('credentials'));
  });

  it('lets a user act for another only when the application names that other, and tells at the end', () => {
    const acting = { ...user, authorizationIdentity: 'a,b=c' };
    const refused = converse(name, acting, () => stored, facts);
    expect(refused.server).toEqual(refusal('authorization'));
    expect(refused.lines).toHaveLength(4);
    const granted = converse(name, acting, () => ({ ...stored, authorizationIdentity: 'a,b=c' }), facts);
    expect(granted.server).toMatchObject({ identity: { user: 'user', authorizationIdentity: 'a,b=c' } });
  });

  it('prepares the name for the application and signs it as sent', () => {
    const { server, lines } = converse(
      name,
      { ...user, user: 'a=b,\u2168' },
      ({ user: who }) => (who === 'a=b,IX' ? stored : undefined),
      facts,
    );
    expect(server).toMatchObject({ identity: { user: 'a=b,IX' } });
    expect(lines[0]).toContain('n=a=3Db=2CIX,');
    const asIs: Tamper = (message, index) => (index === 0 ? message.replace('n=user', 'n=u\u00adser') : message);
    // The client signs what it sent, so that a name changed on the way is found out.
    expect(converse(name, user, () => stored, { ...facts, tamper: asIs }).server).toEqual(refusal('credentials'));
  });

  it.each([
    ['verified', { verified: true }],
    ['a password that cannot be prepared', { password: '\0' }],
    [
      'credentials of another hash',
      makeSCRAMCredentials({ hash: hash === 'SHA-1' ? 'SHA-256' : 'SHA-1', password: 'x' }),
    ],
    ['no salt', { ...stored, salt: '' }],
    ['salt that is not base64', { ...stored, salt: '!' }],
    ['no iterations', { ...stored, iterations: 0 }],
    ['half an iteration', { ...stored, iterations: 0.5 }],
  ] as const)('says that the application has misanswered: %s', (_, given) => {
    expect(converse(name, user, () => given, facts).server).toEqual(refusal('misanswered'));
  });

  it('refuses another nonce than the one it sent', () => {
    const tamper: Tamper = (message, index) => (index === 2 ? message.replace(/,r=./, ',r=!') : message);
    expect(converse(name, user, () => stored, { ...facts, tamper }).server).toEqual(refusal('malformed'));
  });

  it('refuses a binding that is not the one that the first message announced', () => {
    const tamper: Tamper = (message, index) => (index === 2 ? message.replace(/^c=[^,]+/, 'c=eSws') : message);
    expect(converse(name, user, () => stored, { ...facts, tamper }).server).toEqual(refusal('channelBinding'));
  });

  it('refuses more than an empty answer to its signature', () => {
    const tamper: Tamper = (message, index) => (index === 4 ? 'x' : message);
    expect(converse(name, user, () => stored, { ...facts, tamper }).server).toEqual(refusal('malformed'));
  });

  it('finds out a server that does not know the password', () => {
    const impostor = { ...stored, serverKey: makeSCRAMCredentials({ hash, password: 'other' }).serverKey };
    const { client } = converse(name, user, () => impostor, facts);
    expect(client).toMatchObject({ kind: 'failed', reason: 'unverified' });
  });

  it('finds out a server whose nonce does not continue ours, or adds nothing', () => {
    const other: Tamper = (message, index) => (index === 1 ? message.replace(/^r=./, 'r=!') : message);
    expect(converse(name, user, () => stored, { ...facts, tamper: other }).client).toMatchObject({
      reason: 'unverified',
    });
    const same: Tamper = (message, index) => (index === 1 ? message.replace(/^(r=.{32})[^,]+/, '$1') : message);
    expect(converse(name, user, () => stored, { ...facts, tamper: same }).client).toMatchObject({
      reason: 'unverified',
    });
  });
});

describe('channel binding', () => {
  const plus = 'SCRAM-SHA-256-PLUS';
  const stored = makeSCRAMCredentials({ hash: 'SHA-256', password: 'pencil' });

  it('sends the type in the header and the data in the final message', () => {
    const { lines } = converse(plus, user, () => stored);
    expect(lines[0]).toMatch(/^C: p=tls-exporter,,n=user,r=/);
    const input = /c=([^,]+)/.exec(lines[3]!)![1]!;
    expect(Buffer.from(input, 'base64').toString()).toBe('p=tls-exporter,,the octets of this TLS session..');
  });

  it('refuses a client at the end of another TLS session', () => {
    const elsewhere = { type: 'tls-exporter', data: octetsOf('the octets of another session...') } as const;
    const { server } = converse(plus, user, () => stored, { client: { channelBinding: elsewhere } });
    expect(server).toEqual(refusal('channelBinding'));
  });

  it('refuses a type of binding that it does not have', () => {
    expect(startServer(plus, 'p=tls-unique,,n=user,r=1')).toEqual(refusal('channelBinding'));
    expect(startServer(plus, 'p=tls-exporter,,n=user,r=1', { channelBinding: undefined })).toEqual(
      refusal('channelBinding'),
    );
  });

  it('refuses -PLUS without a binding, and a binding without -PLUS', () => {
    expect(startServer(plus, 'n,,n=user,r=1')).toEqual(refusal('malformed'));
    expect(startServer(plus, 'y,,n=user,r=1')).toEqual(refusal('malformed'));
    expect(startServer('SCRAM-SHA-256', 'p=tls-exporter,,n=user,r=1')).toEqual(refusal('unsupported'));
  });

  it('refuses a client that saw no offer of -PLUS when there was one', () => {
    expect(startServer('SCRAM-SHA-256', 'y,,n=user,r=1')).toEqual(refusal('downgrade'));
    expect(startServer('SCRAM-SHA-256', 'y,,n=user,r=1', { isPlusOffered: false }).kind).toBe('ask');
    const { server, lines } = converse('SCRAM-SHA-256', user, () => stored, { client: { isPlusOffered: false } });
    expect(lines).toHaveLength(1);
    expect(server).toEqual(refusal('downgrade'));
  });

  it('finds out that somebody has changed the flag on the way', () => {
    const tamper: Tamper = (message, index) => (index === 0 ? message.replace(/^y/, 'n') : message);
    const { server } = converse('SCRAM-SHA-256', user, () => stored, { client: { isPlusOffered: false }, tamper });
    expect(server).toEqual(refusal('channelBinding'));
  });

  it('says y when the client could bind and saw no offer, and n when it cannot', () => {
    const flag = (given: object): string | undefined => sent(startClient('SCRAM-SHA-1', user, given))?.charAt(0);
    expect([
      flag({ isPlusOffered: false }),
      flag({ isPlusOffered: true }),
      flag({ isPlusOffered: false, channelBinding: undefined }),
    ]).toEqual(['y', 'n', 'n']);
  });

  it('is a fault of the caller when a client asks for -PLUS without it', () => {
    expect(() => startClient(plus, user, { channelBinding: undefined })).toThrow('use SCRAM-SHA-256');
  });
});

describe('the grammar', () => {
  it.each([
    '',
    'n',
    'n,,',
    'n,n=user,r=1',
    ',,n=user,r=1',
    'x,,n=user,r=1',
    'F,n,,n=user,r=1',
    'p=,,n=user,r=1',
    'p=tls_exporter,,n=user,r=1',
    'n,b=x,n=user,r=1',
    'n,a=,n=user,r=1',
    'n,a=t=im,n=user,r=1',
    'n,a=\u0007,n=user,r=1',
    'n,,r=1,n=user',
    'n,,n=user',
    'n,,n=,r=1',
    'n,,n=user,r=',
    'n,,n=user,r=1 2',
    'n,,n=user,r=é',
    'n,,n=us=er,r=1',
    'n,,n=us=2cer,r=1',
    'n,,n=us\0er,r=1',
    'n,,n=\u00ad,r=1',
    'n,,n=user,r=1,',
    'n,,n=user,r=1,x',
    'n,,n=user,r=1,x=',
    'n,,n=user,r=1,1=x',
    'n,,n=user,r=1,r=2',
    'n,,n=user,r=1,m=x',
    'N,,n=user,r=1',
    `n,,n=${'u'.repeat(256)},r=1`,
    `n,,n=user,r=${'1'.repeat(13_000)}`,
  ])('refuses the first message %j', (message) => {
    expect(startServer('SCRAM-SHA-1', message)).toEqual(refusal('malformed'));
  });

  it('refuses a mandatory extension', () => {
    expect(startServer('SCRAM-SHA-1', 'n,,m=x,n=user,r=1')).toEqual(refusal('unsupported'));
    const client = startClient('SCRAM-SHA-1', user);
    expect(challenged(client, 'm=x,r=1,s=AAAA,i=1')).toMatchObject({ kind: 'failed', reason: 'unsupported' });
  });

  it('ignores optional extensions, and signs them', () => {
    const tamper: Tamper = (message, index) => (index === 1 ? `${message},x=y,Z=1=2` : message);
    const { server, client } = converse('SCRAM-SHA-1', user, () => ({ password: 'pencil' }), {
      client: { channelBinding: undefined },
      tamper,
    });
    expect(client.kind).toBe('response');
    expect(server).toEqual(refusal('credentials'));
    expect(startServer('SCRAM-SHA-1', 'n,,n=user,r=1,x=y').kind).toBe('ask');
  });

  it.each([
    '',
    'c=biws',
    'c=biws,r=%',
    'r=%,c=biws,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    'c=biws,r=%,p=',
    'c=biws,r=%,p=AAAA',
    'c=biws,r=%,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'c=biws,r=%,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=,x=y',
    'c=biws,r=%,m=x,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    'm=x,c=biws,r=%,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
    'c=biws,r=%,p=AAAA,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  ])('refuses the final message %j', (template) => {
    const asked = answer(startServer('SCRAM-SHA-1', 'n,,n=user,r=1'), { password: 'pencil' });
    const nonce = /^r=([^,]+)/.exec(challengeOf(asked))![1]!;
    expect(respond(asked, template.replace('%', nonce))).toEqual(refusal('malformed'));
    expect(respond(asked, `c=biws,r=${nonce},x=y,p=AAAAAAAAAAAAAAAAAAAAAAAAAAA=`)).toEqual(refusal('credentials'));
  });

  it.each([
    '',
    'r=%2',
    'r=%2,i=1,s=AAAA',
    'r=%2,s=,i=1',
    'r=%2,s=AAA,i=1',
    'r=%2,s=AAAA,i=0',
    'r=%2,s=AAAA,i=01',
    'r=%2,s=AAAA,i=-1',
    'r=%2,s=AAAA,i=99999999999999999999',
    'e=other-error',
  ])('is not gone on with by a client: %j', (template) => {
    const client = startClient('SCRAM-SHA-1', user, { crypto: cryptoWith('abc') });
    expect(challenged(client, template.replace('%', 'abc'))).toMatchObject({ kind: 'failed', reason: 'malformed' });
  });

  it('lets no server ask a client for endless work', () => {
    const client = startClient('SCRAM-SHA-1', user, { crypto: cryptoWith('abc') });
    expect(challenged(client, 'r=abc2,s=AAAA,i=1000001')).toMatchObject({ kind: 'failed', reason: 'unsupported' });
  });

  it('tells why a server refuses, and does not believe anything but the signature', () => {
    const client = startClient('SCRAM-SHA-1', user, { crypto: cryptoWith('abc') });
    const proven = challenged(client, 'r=abc2,s=AAAA,i=1');
    expect(challenged(proven, 'e=invalid-proof')).toEqual({
      kind: 'failed',
      reason: 'refused',
      detail: 'invalid-proof',
    });
    expect(challenged(proven, 'v=AAAA')).toMatchObject({ kind: 'failed', reason: 'unverified' });
    for (const message of ['', 'v=', 'v=!', 'x=AAAA', 'v=AAAA,v=AAAA']) {
      expect(challenged(proven, message)).toMatchObject({ kind: 'failed', reason: 'malformed' });
    }
  });
});

describe('stored credentials', () => {
  it('are made with a new salt each time, and with 4096 iterations', () => {
    const [one, two] = [1, 2].map(() => makeSCRAMCredentials({ hash: 'SHA-256', password: 'pencil' }));
    expect(one!.salt).not.toBe(two!.salt);
    expect(Buffer.from(one!.salt, 'base64')).toHaveLength(16);
    expect(one!.iterations).toBe(4096);
  });

  it('are of the password as SASLprep leaves it', () => {
    const salt = octetsOf('salt');
    const derive = (password: string): object =>
      deriveSCRAMCredentials(nodeSASLCrypto, { hash: 'SHA-1', password, salt });
    expect(derive('\u2168')).toEqual(derive('I\u00adX'));
  });

  it.each([
    [{ hash: 'SHA-1', password: '' }, 'password'],
    [{ hash: 'SHA-1', password: '\0' }, 'password'],
    [{ hash: 'SHA-1', password: 'x', iterations: 0 }, 'iterations'],
    [{ hash: 'SHA-1', password: 'x', iterations: 2 ** 31 }, 'iterations'],
    [{ hash: 'SHA-1', password: 'x', salt: new Uint8Array(0) }, 'salt'],
  ] as const)('are not made of %j', (options, word) => {
    expect(() => makeSCRAMCredentials(options)).toThrow(word);
  });
});
