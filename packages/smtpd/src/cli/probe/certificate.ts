/** What a TLS connection shows of itself and of the server's certificate. */

import type { PeerCertificate, TLSSocket } from 'node:tls';

/** A TLS connection. */
export interface TLSReport {
  /** `TLSv1.3` */
  readonly version: string;
  readonly cipher: string;
  readonly certificate: CertificateReport;
}

/** The certificate that a server showed. */
export interface CertificateReport {
  /** As `DNS:mail.example.org` or `IP Address:192.0.2.1`; the common name when there are none. */
  readonly names: readonly string[];
  readonly issuer: string;
  /** ISO 8601. */
  readonly validFrom: string;
  readonly validTo: string;
  /** Why a client that verifies would not believe it; `undefined`: it would. */
  readonly problem: string | undefined;
}

/** Reads a socket whose handshake is done. */
export function readCertificate(socket: TLSSocket, host: string): TLSReport {
  const { standardName } = socket.getCipher();
  const certificate = socket.getPeerCertificate() as Partial<PeerCertificate>;
  const { subjectaltname, subject, issuer, valid_from: from = '', valid_to: to = '' } = certificate;
  return {
    version: socket.getProtocol() ?? '',
    cipher: standardName,
    certificate: {
      names: subjectaltname?.split(', ') ?? [textOf(subject?.CN)],
      issuer: [issuer?.O, issuer?.CN]
        .map(textOf)
        .filter((text) => text !== '')
        .join(', '),
      validFrom: isoDate(from),
      validTo: isoDate(to),
      problem: socket.authorized ? undefined : explain(socket.authorizationError, host),
    },
  };
}

/** Node says a code, though its types say an error. */
function explain(error: unknown, host: string): string {
  const code = typeof error === 'string' ? error : error instanceof Error ? error.message : 'it cannot be verified';
  return code === 'ERR_TLS_CERT_ALTNAME_INVALID' ? `it is not for ${host}` : (REASONS[code] ?? code);
}

/** A name may stand in a certificate several times. */
function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join(', ') : typeof value === 'string' ? value : '';
}

function isoDate(text: string): string {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? text : new Date(ms).toISOString();
}

const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its chain ends at an authority that is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its chain ends at an authority that is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its chain is not complete, or ends at an authority that is not known here',
};
