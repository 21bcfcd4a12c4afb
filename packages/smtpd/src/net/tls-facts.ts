/** What is known of a connection that is on TLS. */

import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** The certificate that the other side showed. */
export interface PeerCertificate {
  /** Whether it leads to one of the authorities that were given, and a server's to its name. If not, anybody may have made it. */
  readonly isVerified: boolean;
  /** Why not. */
  readonly verifyError: string | undefined;
  /** The common name of its subject. */
  readonly commonName: string | undefined;
  /** Its names, as `DNS:client.example` or `email:alice@a.example`. */
  readonly subjectAltNames: readonly string[];
  /** SHA-256 of the certificate, as upper-case hexadecimal digits with colons. */
  readonly fingerprint256: string;
  /** The certificate, in DER. */
  readonly raw: Uint8Array;
}

/** What is known of a connection that is on TLS. */
export interface TLSFacts {
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly version: string;
  /** The cipher suite's name in the IETF registry, such as `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** The name that the client asked for (SNI); `undefined` when it named none. */
  readonly serverName: string | undefined;
  /** The protocol that was agreed on (ALPN); `undefined` for none. */
  readonly alpn: string | undefined;
  /** `undefined` when the other side showed none. */
  readonly peerCertificate: PeerCertificate | undefined;
  /** The channel binding `tls-exporter` (RFC 9266 §2), 32 octets; `undefined` where the platform cannot make it. */
  readonly channelBinding: Uint8Array | undefined;
}

/** Reads the facts of a socket whose handshake is done. */
export function readTLSFacts(socket: TLSSocket, side: 'server' | 'client'): TLSFacts {
  const { standardName, name } = socket.getCipher() as Partial<ReturnType<TLSSocket['getCipher']>>;
  return Object.freeze({
    version: socket.getProtocol() ?? '',
    cipher: standardName ?? name ?? '',
    // Runtimes disagree about how to say that there is none: `false`, `null` or an empty string.
    serverName: textOrNone((socket as { readonly servername?: unknown }).servername),
    alpn: textOrNone(socket.alpnProtocol),
    peerCertificate: readPeerCertificate(socket, side === 'server' ? clientVerifyErrorOf : serverVerifyErrorOf),
    channelBinding: readChannelBinding(socket),
  });
}

function readPeerCertificate(
  socket: TLSSocket,
  verifyErrorOf: (socket: TLSSocket) => string | undefined,
): PeerCertificate | undefined {
  const certificate = socket.getPeerCertificate() as Partial<DetailedPeerCertificate> | null;
  if (certificate?.raw === undefined || certificate.raw.length === 0) return undefined;
  const verifyError = verifyErrorOf(socket);
  return Object.freeze({
    isVerified: verifyError === undefined,
    verifyError,
    commonName: textOrNone(certificate.subject?.CN),
    subjectAltNames: Object.freeze((certificate.subjectaltname ?? '').split(', ').filter((name) => name !== '')),
    fingerprint256: certificate.fingerprint256 ?? '',
    raw: new Uint8Array(certificate.raw),
  });
}

/**
 * On Node the handle of a socket that no tls.Server made knows it. Elsewhere nothing counts as verified: Bun's has no such method, and
 * Deno's finds no error with anybody's certificate.
 */
function clientVerifyErrorOf(socket: TLSSocket): string | undefined {
  if (!IS_NODE) return 'this runtime does not tell';
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly verifyError?: () => Error | null } };
  if (typeof handle?.verifyError !== 'function') return 'this runtime does not tell';
  const error = handle.verifyError();
  return error === null ? undefined : ((error as { readonly code?: string }).code ?? error.message);
}

/** The platform's client has compared the name, too. */
function serverVerifyErrorOf(socket: TLSSocket): string | undefined {
  if (socket.authorized) return undefined;
  // The type says that it is an error; it is the error's code.
  const error: unknown = socket.authorizationError;
  return error instanceof Error ? error.message : typeof error === 'string' ? error : 'not verified';
}

function readChannelBinding(socket: TLSSocket): Uint8Array | undefined {
  // RFC 9266 §4.2: before TLS 1.3 the exporter is unique only with extended master secrets, which Node does not tell of.
  if (socket.getProtocol() !== 'TLSv1.3') return undefined;
  try {
    return new Uint8Array(socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)));
  } catch {
    // Not every runtime has the exporter; without it there is no channel binding, and nothing else is lost.
    return undefined;
  }
}

function textOrNone(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

const IS_NODE = process.versions['bun'] === undefined && process.versions['deno'] === undefined;
