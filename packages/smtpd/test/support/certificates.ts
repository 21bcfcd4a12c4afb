/**
 * Certificates for tests with TLS, made anew each time: what servers show comes from `src/net/self-signed.ts`, what clients show
 * from a small authority that `openssl` makes.
 */

import { execFileSync } from 'node:child_process';

import { makeSelfSigned, type KeyAndCertificate } from '../../src/net/self-signed.js';
import { TemporaryFolder } from './temporary-folder.js';

/** A key and its certificate as files. */
export interface PairFiles {
  readonly keyFile: string;
  readonly certFile: string;
}

/** The certificates of one test file. */
export class Certificates implements Disposable {
  readonly #folder = new TemporaryFolder();
  /** The usual certificate of a server. */
  readonly server: KeyAndCertificate & PairFiles = this.#serverPair('server', [
    'mx.example',
    'localhost',
    '127.0.0.1',
    '::1',
  ]);
  /** What the server shows whoever asks for `other.example`. */
  readonly other: KeyAndCertificate & PairFiles = this.#serverPair('other', ['other.example']);
  #authority: PairFiles | undefined;
  readonly #clients = new Map<string, PairFiles>();

  /** The authority of the clients. */
  get authority(): PairFiles {
    return (this.#authority ??= this.#selfSigned('authority', ['-addext', 'keyUsage=critical,keyCertSign']));
  }

  /** The certificate of a client that the authority knows. */
  client(name: string): PairFiles {
    const made = this.#clients.get(name) ?? this.#issue(name);
    this.#clients.set(name, made);
    return made;
  }

  /** The certificate of a client that nobody knows: it says the same name, and it made that itself. */
  stranger(name: string): PairFiles {
    return this.#selfSigned(name, [], `stranger-${name}`);
  }

  /** One file with the key and the certificate. */
  bundle({ key, cert }: KeyAndCertificate): string {
    return this.#folder.write('bundle.pem', `${cert}${key}`);
  }

  /** A key of the older kind, and a certificate for this name. */
  rsa(name: string): PairFiles {
    const pair = this.#pairNamed(`rsa-${name}`);
    const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
    openssl([
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      pair.keyFile,
      '-out',
      pair.certFile,
      ...names,
    ]);
    return pair;
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }

  #serverPair(file: string, names: readonly string[]): KeyAndCertificate & PairFiles {
    const pair = makeSelfSigned({ names, now: new Date() });
    const keyFile = this.#folder.write(`${file}.key`, pair.key);
    return { ...pair, keyFile, certFile: this.#folder.write(`${file}.pem`, pair.cert) };
  }

  #selfSigned(name: string, more: readonly string[], file = name): PairFiles {
    const pair = this.#pairNamed(file);
    openssl([
      'req',
      '-x509',
      ...NEW_KEY,
      '-keyout',
      pair.keyFile,
      '-out',
      pair.certFile,
      '-subj',
      `/CN=${name}`,
      ...more,
    ]);
    return pair;
  }

  #issue(name: string): PairFiles {
    const { authority } = this;
    const pair = this.#pairNamed(`client-${name}`);
    const request = `${pair.certFile}.request`;
    openssl(['req', ...NEW_KEY, '-keyout', pair.keyFile, '-out', request, '-subj', `/CN=${name}`]);
    const extensions = this.#folder.write(
      'client.cnf',
      `extendedKeyUsage=clientAuth\nsubjectAltName=email:${name}@a.example\n`,
    );
    const by = ['-CA', authority.certFile, '-CAkey', authority.keyFile, '-CAcreateserial', '-days', '2'];
    openssl(['x509', '-req', '-in', request, '-out', pair.certFile, '-extfile', extensions, ...by]);
    return pair;
  }

  #pairNamed(file: string): PairFiles {
    return { keyFile: `${this.#folder.path}/${file}.key`, certFile: `${this.#folder.path}/${file}.pem` };
  }
}

function openssl(argv: readonly string[]): void {
  execFileSync('openssl', argv, { stdio: ['ignore', 'ignore', 'pipe'] });
}

const NEW_KEY: readonly string[] = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
