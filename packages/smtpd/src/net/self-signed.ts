/**
 * Makes a self-signed certificate, for development and tests: TLS works before anybody asked an authority. It is no authority
 * itself; clients believe it when they are given it as one. X.509 is written here in the few types of DER that it needs.
 */

import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';

/** A private key and its certificate, both PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

/**
 * Makes an ECDSA P-256 key and a certificate for it, valid for 820 days: a few clients accept no more than 825.
 *
 * @param options - `names`: the host names and IP addresses that it is for, at least one; `now`: when it begins, less an hour
 * for clients whose clock is slow
 *
 * @example
 * ```ts
 * const { key, cert } = makeSelfSigned({ names: ['localhost', '127.0.0.1', '::1'], now: new Date() });
 * tls.createServer({ key, cert });
 * ```
 */
export function makeSelfSigned(options: { readonly names: readonly string[]; readonly now: Date }): KeyAndCertificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const content = certificateContent({ ...options, spki });
  const signature = sign('sha256', content, privateKey);
  const certificate = sequence(content, ECDSA_WITH_SHA256, bitString(signature));
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: pem('CERTIFICATE', certificate) };
}

/** What is signed: RFC 5280, `TBSCertificate`. */
function certificateContent({
  names,
  now,
  spki,
}: {
  readonly names: readonly string[];
  readonly now: Date;
  readonly spki: Buffer;
}): Buffer {
  const name = commonName(names.find((each) => each.length <= COMMON_NAME_LENGTH_MAX) ?? 'smtpd');
  const startMs = now.getTime() - HOUR_MS;
  const validity = sequence(time(new Date(startMs)), time(new Date(startMs + VALID_DAYS * 24 * HOUR_MS)));
  return sequence(
    tagged(0, integer(Buffer.of(2))), // Version 3.
    integer(serialNumber()),
    ECDSA_WITH_SHA256,
    name, // The issuer,
    validity,
    name, // and the subject, are the same.
    spki,
    tagged(3, sequence(...extensions(names, spki))),
  );
}

function extensions(names: readonly string[], spki: Buffer): readonly Buffer[] {
  // The point is the end of the key's DER. Any digest of it will do; SHA-1, which most use, is not allowed everywhere.
  const point = spki.subarray(spki.length - POINT_BYTES);
  const keyId = createHash('sha256').update(point).digest().subarray(0, 20);
  return [
    // Not an authority: clients that are strict refuse one that speaks for itself.
    extension('2.5.29.19', { isCritical: true, value: sequence() }),
    extension('2.5.29.15', { isCritical: true, value: encode(TAG.bitString, Buffer.of(7, 0b1000_0000)) }), // digitalSignature
    extension('2.5.29.37', { value: sequence(objectIdentifier('1.3.6.1.5.5.7.3.1')) }), // serverAuth
    extension('2.5.29.14', { value: encode(TAG.octetString, keyId) }),
    extension('2.5.29.35', { value: sequence(encode(TAG.context, keyId)) }),
    extension('2.5.29.17', { value: sequence(...names.map(alternativeName)) }),
  ];
}

function extension(type: string, { isCritical = false, value }: { isCritical?: boolean; value: Buffer }): Buffer {
  const critical = isCritical ? [encode(TAG.boolean, Buffer.of(0xff))] : [];
  return sequence(objectIdentifier(type), ...critical, encode(TAG.octetString, value));
}

function alternativeName(name: string): Buffer {
  if (isIP(name) !== 0) return encode(TAG.context | 7, addressOctets(name));
  if (!DNS_NAME.test(name)) throw new TypeError(`"${name}" is neither a host name nor an IP address`);
  return encode(TAG.context | 2, Buffer.from(name, 'latin1'));
}

/** The octets of an address that `isIP` takes for one. */
function addressOctets(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  // A URL has the shortest form, without an IPv4 address at the end.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string): readonly string[] => (text === '' ? [] : text.split(':'));
  const before = groups(head);
  const after = groups(tail ?? '');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** Sixteen octets of chance; the first bits make it positive, and as long as it says. */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial[0] = 0x40 | ((serial[0] ?? 0) & 0x3f);
  return serial;
}

function commonName(text: string): Buffer {
  return sequence(encode(TAG.set, sequence(objectIdentifier('2.5.4.3'), encode(TAG.utf8String, Buffer.from(text)))));
}

/** RFC 5280: two digits for the year until 2049, four from 2050 on. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\.\d+Z$|[-:T]/g, '');
  return date.getUTCFullYear() < 2050
    ? encode(TAG.utcTime, Buffer.from(`${digits.slice(2)}Z`))
    : encode(TAG.generalizedTime, Buffer.from(`${digits}Z`));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return encode(TAG.sequence, Buffer.concat(parts));
}

function tagged(number: number, content: Buffer): Buffer {
  return encode(TAG.context | TAG.constructed | number, content);
}

function integer(octets: Buffer): Buffer {
  return encode(TAG.integer, octets);
}

function bitString(octets: Buffer): Buffer {
  return encode(TAG.bitString, Buffer.concat([Buffer.of(0), octets]));
}

function objectIdentifier(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  return encode(TAG.objectIdentifier, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const octets = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}

/** A tag, the length, the content. */
function encode(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const bytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), content]);
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  constructed: 0x20,
  sequence: 0x30,
  set: 0x31,
  context: 0x80,
} as const;

const ECDSA_WITH_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
const VALID_DAYS = 820;
const HOUR_MS = 3_600_000;
/** 0x04, then x and y of 32 octets each. */
const POINT_BYTES = 65;
const COMMON_NAME_LENGTH_MAX = 64;
const DNS_NAME =
  /^(?=.{1,253}$)(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*$/;
