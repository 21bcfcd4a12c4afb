/** The options of TLS: how it is made on a server's connections, and with which certificates. Completed once, at the edge. */

import { broughtToServerTLS } from '../protocol/brought-names.js';
import { UsageError } from '../protocol/errors.js';
import { unknownOptions, type KnownOptions } from '../protocol/unknown-options.js';
import type { KeyPairSource } from './tls-certificates.js';

/**
 * How TLS is made: not at all, by STARTTLS (RFC 3207) for who wants it or before any mail, or from the first octet (RFC 8314 §3.3).
 */
export type TLSMode = 'off' | 'offer' | 'require' | 'implicit';

/**
 * TLS. Give `key` and `cert`, or `keyFile` and `certFile`, in PEM; the certificate with its chain behind it. Given neither, a
 * self-signed certificate for this machine's own names is made, and kept in the user's state folder: for development.
 */
export interface TLSOptions {
  readonly mode: TLSMode;
  /** The private key, in PEM. */
  readonly key?: string | Uint8Array;
  /** The certificate and behind it its chain, in PEM. */
  readonly cert?: string | Uint8Array;
  /** A file with the private key, instead of `key`; it is read again when it changes. */
  readonly keyFile?: string;
  /** A file with the certificate and its chain, instead of `cert`. */
  readonly certFile?: string;
  /** What the private key is encrypted with. */
  readonly passphrase?: string;
  /** Other certificates by the name that the client asks for (SNI): `mail.example.org`, or `*.example.org` for one more label. */
  readonly names?: Readonly<Record<string, KeyPairSource>>;
  /**
   * Client certificates: `ignore` them, `request` one and tell in `session.tls` what came, or `require` one that leads to an authority in
   * `clientCA`. Default: `ignore`.
   */
  readonly clientCertificates?: 'ignore' | 'request' | 'require';
  /** The authorities of client certificates, in PEM. */
  readonly clientCA?: string | Uint8Array;
  /** A file with the authorities of client certificates, instead of `clientCA`. */
  readonly clientCAFile?: string;
  /** The oldest version that is spoken. Default: `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** Whether certificate files are looked at for changes when a client comes, at most once a second. Default: yes. */
  readonly reloadOnChange?: boolean;
}

/** The options of TLS, complete. */
export interface CompleteTLSOptions {
  readonly mode: TLSMode;
  /** `undefined`: a certificate for development is made. */
  readonly source: KeyPairSource | undefined;
  readonly names: Readonly<Record<string, KeyPairSource>>;
  readonly clientCertificates: 'ignore' | 'request' | 'require';
  readonly clientCA: string | Uint8Array | undefined;
  readonly clientCAFile: string | undefined;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly reloadOnChange: boolean;
}

/**
 * Completes the options.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION`, `SMTPD_CONFLICTING_OPTIONS`
 */
export function completeTLSOptions(given: TLSOptions | undefined): CompleteTLSOptions {
  const options: TLSOptions = given ?? { mode: 'off' };
  const unknown = unknownOptions(options, OPTIONS);
  if (unknown !== undefined) throw badOption(unknown);
  const { mode, clientCertificates = 'ignore', minVersion = 'TLSv1.2' } = options;
  if (!MODES.includes(mode)) throw badOption(`tls.mode is one of ${MODES.join(', ')}, not "${mode}"`);
  if (!CLIENT_CERTIFICATES.includes(clientCertificates))
    throw badOption(`tls.clientCertificates is one of ${CLIENT_CERTIFICATES.join(', ')}, not "${clientCertificates}"`);
  if (!VERSIONS.includes(minVersion))
    throw badOption(
      `tls.minVersion is TLSv1.2 or TLSv1.3, not "${minVersion}": what is older is not secure (RFC 8996)`,
    );
  if (clientCertificates === 'require' && options.clientCA === undefined && options.clientCAFile === undefined) {
    throw new UsageError(
      'SMTPD_CONFLICTING_OPTIONS',
      "tls.clientCertificates 'require' needs tls.clientCA or tls.clientCAFile: without an authority nobody's certificate is valid",
    );
  }
  return Object.freeze({
    mode,
    source: sourceOf(options),
    names: Object.freeze({ ...options.names }),
    clientCertificates,
    clientCA: options.clientCA,
    clientCAFile: options.clientCAFile,
    minVersion,
    reloadOnChange: options.reloadOnChange ?? true,
  });
}

function sourceOf(options: TLSOptions): KeyPairSource | undefined {
  const { key, cert, keyFile, certFile, passphrase } = options;
  const secret = passphrase === undefined ? {} : { passphrase };
  const isText = key !== undefined || cert !== undefined;
  const isFile = keyFile !== undefined || certFile !== undefined;
  if (isText && isFile) throw conflict('give tls.key and tls.cert, or tls.keyFile and tls.certFile, not some of both');
  if (key !== undefined && cert !== undefined) return { key, cert, ...secret };
  if (isText) throw conflict('tls.key and tls.cert go together');
  if (keyFile !== undefined && certFile !== undefined) return { keyFile, certFile, ...secret };
  if (isFile) throw conflict('tls.keyFile and tls.certFile go together');
  return undefined;
}

function conflict(message: string): UsageError {
  return new UsageError('SMTPD_CONFLICTING_OPTIONS', message);
}

function badOption(message: string): UsageError {
  return new UsageError('SMTPD_BAD_OPTION', message);
}

const MODES: readonly unknown[] = ['off', 'offer', 'require', 'implicit'];
const CLIENT_CERTIFICATES: readonly unknown[] = ['ignore', 'request', 'require'];
const VERSIONS: readonly unknown[] = ['TLSv1.2', 'TLSv1.3'];
const OPTION_NAMES: readonly string[] = [
  'mode',
  'key',
  'cert',
  'keyFile',
  'certFile',
  'passphrase',
  'names',
  'clientCertificates',
  'clientCA',
  'clientCAFile',
  'minVersion',
  'reloadOnChange',
] satisfies (keyof TLSOptions)[];
const OPTIONS: KnownOptions = {
  known: new Set(OPTION_NAMES),
  meant: broughtToServerTLS,
  title: (name) => `There is no option tls.${name}`,
};
