/**
 * The certificates that a server shows: one for everybody, others for the names that clients ask for, read again when their files
 * change. No watcher and no timer: whoever is about to shake hands asks for a look at the files.
 *
 * A pair that cannot be used never takes the place of one that can: at the start it is refused, later the old one stays.
 */

import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { readFileSync, statSync, type BigIntStats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { SecureContext } from 'node:tls';
import { domainToASCII } from 'node:url';

import { nodeTLS } from '../net/node-tls.js';
import { UsageError } from '../protocol/errors.js';
import { unknownOptions } from '../protocol/unknown-options.js';

/** PEM. */
export type PEM = string | Uint8Array;

/** A private key and the certificate for it, with the chain behind it: themselves, or the files that have them. */
export type KeyPairSource = (
  { readonly key: PEM; readonly cert: PEM } | { readonly keyFile: string; readonly certFile: string }
) & {
  /** What the key is encrypted with. */
  readonly passphrase?: string;
  /** The authorities whose client certificates are believed. Default for a name: those of the default certificate. */
  readonly ca?: PEM;
  /** The same, in a file. */
  readonly caFile?: string;
};

/** What certificates are made of. */
export type TLSCertificateOptions = KeyPairSource & {
  /** Other pairs for clients that ask for a name by SNI: `mail.example.org`, or `*.example.org` for every name one label longer. */
  readonly names?: Readonly<Record<string, KeyPairSource>>;
  /** The lowest version of TLS. Default: Node's, `TLSv1.2` unless Node was started with another. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** The cipher suites, as OpenSSL writes them. Default: Node's. */
  readonly ciphers?: string;
};

/**
 * The certificates of a server.
 *
 * @example
 * ```ts
 * const certificates = new TLSCertificates({
 *   keyFile: '/etc/smtpd/key.pem',
 *   certFile: '/etc/smtpd/cert.pem',
 *   names: { 'mail.example.org': { keyFile: '/etc/smtpd/mail.key', certFile: '/etc/smtpd/mail.pem' } },
 * });
 * const hello = decodeClientHello(bytes); // `protocol/client-hello.ts`
 * const name = hello.kind === 'clientHello' ? hello.serverName : undefined;
 * new TLSSocket(socket, { isServer: true, secureContext: certificates.secureContextFor(name) });
 * ```
 */
export class TLSCertificates {
  readonly #settings: Settings;
  readonly #onError: (error: UsageError) => void;
  #contexts: Contexts;
  /** What the files were before they were last read; `undefined`: they are to be read at the next look. */
  #marks: string | undefined;
  #lookedAtMs = -Infinity;
  /** What was told last, so that a fault that lasts is told once. */
  #told: string | undefined;
  /** The work under way, which the next waits for. Never rejects. */
  #work: Promise<unknown> = Promise.resolve();

  /**
   * Reads the files and makes everything ready.
   *
   * @param onError - told when files have changed and cannot be used; the certificates in force stay
   * @throws {@link UsageError} `SMTPD_BAD_OPTION` or `SMTPD_BAD_CERTIFICATE`
   */
  constructor(options: TLSCertificateOptions, onError: (error: UsageError) => void = () => undefined) {
    this.#settings = completeSettings(options);
    this.#onError = onError;
    const { files } = this.#settings;
    // Marks before contents: a file that changes between the two has another mark at the next look.
    this.#marks = files.map((file) => markBy(() => statSync(file, { bigint: true }))).join('\n');
    this.#contexts = makeContexts(this.#settings, new Map(files.map((file) => [file, readNow(file)])));
  }

  /** What to show a client that asks for this name, or for none (`''`, `false`, `null`, `undefined`). */
  secureContextFor(servername: string | false | null | undefined): SecureContext {
    const name = asciiLowerCase(typeof servername === 'string' ? servername : '').replace(/\.$/, '');
    const { byName, fallback } = this.#contexts;
    const dot = name.indexOf('.');
    return byName.get(name) ?? (dot > 0 ? byName.get(`*${name.slice(dot)}`) : undefined) ?? fallback;
  }

  /** Why clients that verify refuse what is in force at this time; nothing as a rule. */
  outOfDate(now: Date): readonly string[] {
    return this.#contexts.leaves.flatMap(({ place, certificate: { validFrom, validTo } }) => {
      const [from, to] = [new Date(validFrom), new Date(validTo)];
      if (to < now) return [`The certificate in ${nameOf(place)} has expired: valid until ${to.toISOString()}`];
      if (from > now) return [`The certificate in ${nameOf(place)} is not yet valid: valid from ${from.toISOString()}`];
      return [];
    });
  }

  /**
   * Reads all files again: from then on handshakes get what they say. Connections that stand are not touched.
   *
   * @throws {@link UsageError} `SMTPD_BAD_CERTIFICATE` when one cannot be used; then nothing has changed
   */
  reload(): Promise<void> {
    return this.#next(async () => this.#read(await readMarks(this.#settings.files)));
  }

  /**
   * Looks, at most once a second, whether a file has changed, and reads all again when one has. Ask before each handshake, and do
   * not wait: this client gets what is in force. A pair that is half written is tried again when its other half is there.
   *
   * @param nowMs - a time that only grows
   * @returns whether other certificates are in force now; never rejects
   */
  async checkForChange(nowMs: number): Promise<boolean> {
    const { files } = this.#settings;
    if (files.length === 0 || nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return false;
    this.#lookedAtMs = nowMs;
    try {
      return await this.#next(async () => {
        const marks = await readMarks(files);
        if (marks === this.#marks) return false;
        await this.#read(marks);
        return true;
      });
    } catch (error) {
      this.#tell(asUsageError(error));
      return false;
    }
  }

  /** One after the other: of two that read at the same time, the one with the older content could be the last. */
  #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#work.then(work);
    this.#work = result.catch(() => undefined);
    return result;
  }

  async #read(marks: string): Promise<void> {
    // A file that cannot be read may be readable in a second without having changed: there were too many open, for instance.
    this.#marks = undefined;
    const contents = new Map<string, Uint8Array>();
    for (const file of this.#settings.files) contents.set(file, await readSoon(file));
    // One that is wrong is wrong until it changes.
    this.#marks = marks;
    this.#contexts = makeContexts(this.#settings, contents);
    this.#told = undefined;
  }

  #tell(error: UsageError): void {
    if (error.message === this.#told) return;
    this.#told = error.message;
    this.#onError(error);
  }
}

/** The options, complete. */
interface Settings {
  readonly fallback: Pair;
  readonly byName: ReadonlyMap<string, Pair>;
  /** Every file that is named, once. */
  readonly files: readonly string[];
  readonly protocol: Protocol;
}

interface Protocol {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers?: string;
}

interface Pair {
  readonly key: Place;
  readonly cert: Place;
  readonly ca: Place | undefined;
  readonly passphrase: string | undefined;
}

/** Where some PEM is. */
type Place = { readonly file: string } | { readonly pem: PEM; readonly option: string };

interface Contexts {
  readonly fallback: SecureContext;
  readonly byName: ReadonlyMap<string, SecureContext>;
  /** The certificates that are shown, without those behind them. */
  readonly leaves: readonly Leaf[];
}

interface Leaf {
  readonly place: Place;
  readonly certificate: X509Certificate;
}

function completeSettings(options: TLSCertificateOptions): Settings {
  const { names = {}, minVersion, ciphers, ...own } = options;
  const fallback = pairOf(own, { path: '', ca: undefined });
  const byName = new Map<string, Pair>();
  for (const [given, source] of Object.entries(names)) {
    const name = normalName(given);
    if (byName.has(name)) throw new UsageError('SMTPD_CONFLICTING_OPTIONS', `names has ${name} twice`);
    byName.set(name, pairOf(source, { path: `names["${given}"].`, ca: fallback.ca }));
  }
  const places = [fallback, ...byName.values()].flatMap(({ key, cert, ca }) => [key, cert, ...(ca ? [ca] : [])]);
  const files = new Set(places.flatMap((place) => ('file' in place ? [place.file] : [])));
  return { fallback, byName, files: [...files], protocol: completeProtocol(minVersion, ciphers) };
}

function completeProtocol(minVersion: string | undefined, ciphers: string | undefined): Protocol {
  // RFC 8996: nobody is to speak a version below 1.2. A process that was told to ask for more asks for more here, too.
  const least = minVersion ?? (nodeTLS().DEFAULT_MIN_VERSION === 'TLSv1.3' ? 'TLSv1.3' : 'TLSv1.2');
  if (least !== 'TLSv1.2' && least !== 'TLSv1.3') {
    throw badOption(`minVersion is TLSv1.2 or TLSv1.3, not ${least}`);
  }
  const protocol: Protocol = { minVersion: least, ...(ciphers === undefined ? {} : { ciphers }) };
  try {
    nodeTLS().createSecureContext({ ...protocol });
  } catch (error) {
    throw badOption(`ciphers cannot be used: ${messageOf(error)}`, error);
  }
  return protocol;
}

/** @param at - `path`: what stands before the option's name in messages; `ca`: whom to believe when the source does not say */
function pairOf(source: KeyPairSource, at: { readonly path: string; readonly ca: Place | undefined }): Pair {
  const given: Readonly<Record<string, unknown>> = { ...source };
  const title = (name: string): string => `There is no option "${at.path}${name}"`;
  const unknown = unknownOptions(given, { known: PAIR_OPTIONS, title });
  if (unknown !== undefined) throw badOption(unknown);
  const passphrase = given['passphrase'];
  if (passphrase !== undefined && typeof passphrase !== 'string') throw badOption(`${at.path}passphrase is text`);
  return {
    key: placeOf(given, 'key', at.path) ?? missing('key', at.path),
    cert: placeOf(given, 'cert', at.path) ?? missing('cert', at.path),
    ca: placeOf(given, 'ca', at.path) ?? at.ca,
    passphrase,
  };
}

function placeOf(given: Readonly<Record<string, unknown>>, name: string, path: string): Place | undefined {
  const option = `${path}${name}`;
  const [pem, file] = [given[name], given[`${name}File`]];
  if (pem !== undefined && file !== undefined) {
    throw new UsageError('SMTPD_CONFLICTING_OPTIONS', `${option} and ${option}File are given; one of them is enough`);
  }
  if (file !== undefined) {
    if (typeof file !== 'string' || file === '') throw badOption(`${option}File is the path of a file`);
    return { file };
  }
  if (pem === undefined) return undefined;
  if (typeof pem !== 'string' && !(pem instanceof Uint8Array)) throw badOption(`${option} is PEM, as text or octets`);
  return { pem, option };
}

function missing(name: string, path: string): never {
  throw badOption(`${path}${name} is missing; give ${name} (PEM) or ${name}File (a path)`);
}

/** A name as clients ask for it: A-labels in lower case. */
function normalName(given: string): string {
  const isWildcard = given.startsWith('*.');
  const name = domainToASCII(isWildcard ? given.slice(2) : given).replace(/\.$/, '');
  if (!HOST_NAME.test(name) || isIP(name) !== 0) {
    throw badOption(`names has "${given}", which is no host name; write mail.example.org or *.example.org`);
  }
  return isWildcard ? `*.${name}` : name;
}

function makeContexts({ fallback, byName, protocol }: Settings, contents: ReadonlyMap<string, Uint8Array>): Contexts {
  const leaves: Leaf[] = [];
  const make = (pair: Pair): SecureContext => {
    const { context, certificate } = makeContext(pair, protocol, (place) => contentOf(place, contents));
    leaves.push({ place: pair.cert, certificate });
    return context;
  };
  return {
    fallback: make(fallback),
    byName: new Map([...byName].map(([name, pair]) => [name, make(pair)])),
    leaves,
  };
}

function contentOf(place: Place, contents: ReadonlyMap<string, Uint8Array>): string {
  const pem = 'file' in place ? (contents.get(place.file) ?? '') : place.pem;
  return typeof pem === 'string' ? pem : Buffer.from(pem).toString('latin1');
}

function makeContext(
  { key, cert, ca, passphrase }: Pair,
  protocol: Protocol,
  read: (place: Place) => string,
): { readonly context: SecureContext; readonly certificate: X509Certificate } {
  const phrase = passphrase === undefined ? {} : { passphrase };
  // One file may have the key and the certificates: each reader gets its own, as not every runtime looks for them.
  const keyText = PRIVATE_KEY_PEM.exec(read(key))?.[0] ?? '';
  const chain = certificatesIn(read(cert));
  const authorities = ca === undefined ? [] : certificatesIn(read(ca));

  const privateKey = parseKey(key, keyText, phrase);
  const [certificate] = parseCertificates(cert, chain);
  // Authorities that cannot be read would be passed over in silence.
  if (ca !== undefined) parseCertificates(ca, authorities);
  // Nor does every runtime see at once that the two are strangers.
  if (!certificate.checkPrivateKey(privateKey)) {
    throw badCertificate(`The key in ${nameOf(key)} and the certificate in ${nameOf(cert)} do not belong together`);
  }
  try {
    const context = nodeTLS().createSecureContext({
      ...protocol,
      ...phrase,
      key: keyText,
      cert: chain.join('\n'),
      ...(ca === undefined ? {} : { ca: [...authorities] }),
    });
    return { context, certificate };
  } catch (error) {
    throw badCertificate(`${nameOf(cert)}, with the key in ${nameOf(key)}, cannot be used: ${messageOf(error)}`, error);
  }
}

function parseKey(place: Place, text: string, phrase: { readonly passphrase?: string }): KeyObject {
  if (text === '') throw badCertificate(`${nameOf(place)} has no private key`);
  try {
    return createPrivateKey({ key: text, ...phrase });
  } catch (error) {
    throw badCertificate(`${nameOf(place)} has no private key that can be read: ${messageOf(error)}`, error);
  }
}

function parseCertificates(place: Place, texts: readonly string[]): readonly [X509Certificate, ...X509Certificate[]] {
  const [first, ...rest] = texts.map((text) => {
    try {
      return new X509Certificate(text);
    } catch (error) {
      throw badCertificate(`${nameOf(place)} has a certificate that cannot be read: ${messageOf(error)}`, error);
    }
  });
  if (first === undefined) throw badCertificate(`${nameOf(place)} has no certificate`);
  return [first, ...rest];
}

/** The certificates of a text one by one. One that was cut is among them, so that it is found. */
function certificatesIn(text: string): readonly string[] {
  return text.match(CERTIFICATE_PEM) ?? [];
}

/** How a place is called in a message. */
function nameOf(place: Place): string {
  return 'file' in place ? place.file : `the option ${place.option}`;
}

async function readMarks(files: readonly string[]): Promise<string> {
  const marks = files.map(async (file) => {
    const found = await stat(file, { bigint: true }).catch((error: unknown) => messageOf(error));
    return typeof found === 'string' ? found : markOf(found);
  });
  return (await Promise.all(marks)).join('\n');
}

function markBy(look: () => BigIntStats): string {
  try {
    return markOf(look());
  } catch (error) {
    return messageOf(error);
  }
}

/** What tells a file from one that was changed or put in its place. */
function markOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

function readNow(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw unreadable(error);
  }
}

async function readSoon(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw unreadable(error);
  }
}

/** The system's message has the path. */
function unreadable(error: unknown): UsageError {
  return badCertificate(`A certificate's file cannot be read: ${messageOf(error)}`, error);
}

function asUsageError(error: unknown): UsageError {
  return error instanceof UsageError
    ? error
    : badCertificate(`The certificates cannot be read: ${messageOf(error)}`, error);
}

function badCertificate(message: string, cause?: unknown): UsageError {
  return new UsageError('SMTPD_BAD_CERTIFICATE', message, { cause });
}

function badOption(message: string, cause?: unknown): UsageError {
  return new UsageError('SMTPD_BAD_OPTION', message, { cause });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** JavaScript's own lower case knows more letters than names have: the Kelvin sign would become a k. */
function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

const LOOK_EVERY_MS = 1000;
const PAIR_OPTIONS: ReadonlySet<string> = new Set(['key', 'cert', 'ca', 'keyFile', 'certFile', 'caFile', 'passphrase']);
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/;
const CERTIFICATE_PEM = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^]*?(?:-----END [^-]*-----|$)/g;
const PRIVATE_KEY_PEM = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[^]*?(?:-----END [^-]*-----|$)/;
