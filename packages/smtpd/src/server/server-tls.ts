/** The TLS of one server: its certificates, as they are now, and what a handshake is made with. */

import { keptCertificate } from '../net/certificate-folder.js';
import { systemClock, type Clock } from '../net/clock.js';
import type { TLSHandshake } from '../net/transport.js';
import { decodeClientHello } from '../protocol/client-hello.js';
import { invariant } from '../protocol/errors.js';
import { TLSCertificates } from './tls-certificates.js';
import { completeTLSOptions, type CompleteTLSOptions, type TLSOptions } from './tls-options.js';

/** The TLS of a server of any protocol. */
export interface OpenTLS {
  /** The certificates of the authorities that a certificate for development leads to, for clients; `undefined` where one was given. */
  readonly developmentCAFile: string | undefined;
  /** What the next handshake is made with, for `Transport.startTLS`; with the certificates as they are by then. */
  handshake(): Promise<TLSHandshake>;
}

/**
 * Reads the certificates that the options name, or makes one for development, as an `SMTPServer` does; for a server of another protocol.
 *
 * @param environment - `onError` is told of certificates that changed and cannot be used, where the old ones stay, and of those that have expired
 * @throws {@link UsageError} `SMTPD_BAD_OPTION`, `SMTPD_CONFLICTING_OPTIONS`, `SMTPD_BAD_CERTIFICATE`
 *
 * @example
 * ```ts
 * import { openListener, openSocketTransport, openTLS } from 'smtpd';
 * const tls = await openTLS({ mode: 'implicit' });
 * const listener = await openListener([{ host: '127.0.0.1', port: 0 }], {
 *   backlog: 4096,
 *   onConnection: (socket) => {
 *     const transport = openSocketTransport(socket, { lingerMs: 1_000 });
 *     transport.start({ onBytes: () => {}, onEnd: () => transport.end(), onDrain: () => {}, onClose: () => {} });
 *     void tls.handshake().then((handshake) => transport.startTLS?.(handshake));
 *   },
 *   onError: console.error,
 * });
 * await listener.close();
 * ```
 */
export async function openTLS(
  options: TLSOptions,
  { onError = () => undefined, clock = systemClock }: { onError?: (error: unknown) => void; clock?: Clock } = {},
): Promise<OpenTLS> {
  const tls = new ServerTLS(completeTLSOptions(options), {
    clock,
    onError,
    onOutOfDate: (problem) => {
      onError(new Error(problem));
    },
  });
  await tls.load();
  return tls;
}

/** The TLS of one server. */
export class ServerTLS {
  readonly #options: CompleteTLSOptions;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #onOutOfDate: (problem: string) => void;
  #certificates: TLSCertificates | undefined;
  #developmentCAFile: string | undefined;
  #loading: Promise<void> | undefined;

  /** @param environment - `onError` is told of certificates that changed and cannot be used, `onOutOfDate` of those that clients refuse */
  constructor(
    options: CompleteTLSOptions,
    environment: { clock: Clock; onError: (error: unknown) => void; onOutOfDate: (problem: string) => void },
  ) {
    this.#options = options;
    this.#clock = environment.clock;
    this.#onError = environment.onError;
    this.#onOutOfDate = environment.onOutOfDate;
  }

  /** The certificates of the authorities that a certificate for development leads to, for clients. */
  get developmentCAFile(): string | undefined {
    return this.#developmentCAFile;
  }

  /**
   * Reads the certificates, or makes one.
   *
   * @throws {@link UsageError} `SMTPD_BAD_CERTIFICATE`
   */
  async load(): Promise<void> {
    const loading = (this.#loading ??= this.#load());
    try {
      await loading;
    } catch (error) {
      // The next listen() tries again.
      if (this.#loading === loading) this.#loading = undefined;
      throw error;
    }
  }

  async #load(): Promise<void> {
    const { source, names, clientCA, clientCAFile, minVersion } = this.#options;
    this.#certificates = new TLSCertificates(
      {
        ...(source ?? (await this.#developmentCertificate())),
        names,
        minVersion,
        ...(clientCA === undefined ? {} : { ca: clientCA }),
        ...(clientCAFile === undefined ? {} : { caFile: clientCAFile }),
      },
      this.#onError,
    );
    for (const problem of this.#certificates.outOfDate(new Date())) this.#onOutOfDate(problem);
  }

  /** Reads the certificates again. @throws the reason why the new ones cannot be used; the old ones stay then */
  async reload(): Promise<void> {
    await this.#certificates?.reload();
  }

  /** What the next handshake is made with. */
  async handshake(): Promise<TLSHandshake> {
    // A server that listens has loaded them; one that is only handed connections does so for the first.
    if (this.#certificates === undefined) await this.load();
    const certificates = this.#certificates;
    invariant(certificates !== undefined, 'Certificates that were loaded are there');
    const { clientCertificates, names, reloadOnChange } = this.#options;
    // Whoever comes first after a change still gets the old certificate, and nobody waits for a disk.
    if (reloadOnChange) void certificates.checkForChange(this.#clock.now());
    return {
      optionsFor: (serverName) => ({
        secureContext: certificates.secureContextFor(serverName),
        requestCert: clientCertificates !== 'ignore',
        // Who shows none, or one that leads nowhere, is told so in SMTP.
        rejectUnauthorized: false,
      }),
      // Where there is one certificate for everybody, nobody has to be asked.
      ...(Object.keys(names).length === 0 ? {} : { readServerName: decodeClientHello }),
    };
  }

  async #developmentCertificate(): Promise<{ key: string; cert: string }> {
    const { key, cert, caFile, problem } = await keptCertificate();
    if (problem !== undefined) this.#onError(problem);
    this.#developmentCAFile = caFile;
    return { key, cert };
  }
}
