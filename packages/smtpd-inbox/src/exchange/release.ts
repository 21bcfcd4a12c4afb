/** Lets a caught message out, to a real server: once, on demand, and only to recipients who were allowed before. */

import {
  formatDestination,
  parseDestination,
  UsageError,
  type ClientAuthOptions,
  type ClientTLSOptions,
  type ClientWaits,
  type SMTPClientOptions,
} from 'smtpd';

import type { Release, ReleaseResult } from '../api/model.js';
import { canonicalAddress } from '../search/addresses.js';
import { ExchangeError } from './exchange-error.js';
import { RecipientList } from './recipient-list.js';
import { sendStored, type StoredMail } from './send-stored.js';

/** Where messages are let out to, and for whom. */
export interface ReleaserOptions {
  /** The server, as the proxy has it: `host:port`, `smtp://host:port`, `smtps://host`, `lmtp://host:port`, `unix:/path`. */
  readonly to: string;
  /**
   * Who may get them: `ann@a.example`, `@a.example`, `qa-*@a.example`, `*@*.a.example`, or `*` for everybody. Nobody else gets anything,
   * and an empty list is nobody.
   */
  readonly allow: readonly string[];
  /** Default: `opportunistic`; `smtps:` has it from the start. */
  readonly tls?: ClientTLSOptions;
  readonly auth?: ClientAuthOptions;
  /** What we call ourselves there. Default: this machine's name. */
  readonly hostname?: string;
  readonly waits?: Partial<ClientWaits>;
}

/**
 * Lets messages out. Their octets are not changed: no field is added and none is taken away. Whoever is in Bcc of the envelope is in no
 * header, and is not put there.
 *
 * @example
 * ```ts
 * import { Releaser } from 'smtpd-inbox';
 * import { openSQLiteStore } from 'smtpd-store';
 * await using store = await openSQLiteStore();
 * const message = await store.get('17');
 * if (message === undefined) throw new Error('There is no such message');
 * const releaser = new Releaser({ to: 'smtp://mail.example.org:587', allow: ['@example.org'] });
 * const { recipients } = await releaser.release({ raw: store.openRaw(message.id), envelope: message.envelope });
 * for (const { address, reply } of recipients) console.log(address, reply);
 * ```
 */
export class Releaser {
  /** Where to, without credentials. */
  readonly destination: string;
  readonly #client: SMTPClientOptions;
  readonly #allowed: RecipientList;

  /** @throws {@link UsageError} for a destination that is none; {@link ExchangeError} `EXCHANGE_BAD_OPTION` for a list that is none */
  constructor({ to, allow, tls = { mode: 'opportunistic' }, auth, hostname, waits }: ReleaserOptions) {
    const destination = parseDestination(to);
    if (destination.kind === 'mx') {
      throw new UsageError(
        'SMTPD_BAD_ADDRESS',
        `Messages are released to one server, and "${to}" may be several: name its host`,
      );
    }
    this.destination = formatDestination(destination);
    this.#allowed = new RecipientList(allow);
    this.#client = {
      remoteAddress:
        destination.kind === 'unix' ? { path: destination.path } : { host: destination.host, port: destination.port },
      protocol: destination.protocol,
      tls: destination.kind === 'host' && destination.isImplicitTLS ? { ...tls, mode: 'implicit' } : tls,
      ...(auth === undefined ? {} : { auth }),
      ...(hostname === undefined ? {} : { hostname }),
      ...(waits === undefined ? {} : { waits }),
    };
  }

  /** Whether a recipient may get anything. */
  isAllowed(address: string): boolean {
    return this.#allowed.has(address);
  }

  /**
   * Lets a message out.
   *
   * @param release - other recipients or another sender than those of the envelope
   * @returns what the server said to each recipient
   * @throws {@link ExchangeError} `EXCHANGE_NOT_ALLOWED` when somebody is not on the list: then nobody gets it; `EXCHANGE_FAILED`
   */
  async release(
    mail: StoredMail,
    release: Release = {},
    call: { readonly signal?: AbortSignal } = {},
  ): Promise<ReleaseResult> {
    const { envelope } = mail;
    const rcptTos = release.to ?? envelope.rcptTos;
    if (rcptTos.length === 0) throw new ExchangeError('EXCHANGE_BAD_MAIL', 'There is nobody to release the message to');
    const refused = rcptTos.filter((address) => !this.#allowed.has(address));
    if (refused.length > 0) {
      const shown = refused.slice(0, 5).map((address) => JSON.stringify(address.slice(0, 200)));
      const others = refused.length > shown.length ? ` and ${refused.length - shown.length} others` : '';
      throw new ExchangeError(
        'EXCHANGE_NOT_ALLOWED',
        `Nothing was sent: ${shown.join(', ')}${others} ${refused.length === 1 ? 'is' : 'are'} not on the list of recipients to whom mail may be released`,
      );
    }
    // Whoever was a recipient before keeps the parameters that were given then.
    const optionsOf = new Map(
      envelope.rcptTos.map((address, index) => [canonicalAddress(address), envelope.rcptOptions[index] ?? []] as const),
    );
    return sendStored(
      this.#client,
      {
        raw: mail.raw,
        envelope: {
          mailFrom: release.from ?? envelope.mailFrom,
          rcptTos,
          mailOptions: envelope.mailOptions,
          rcptOptions:
            release.to === undefined
              ? envelope.rcptOptions
              : rcptTos.map((address) => optionsOf.get(canonicalAddress(address)) ?? []),
        },
      },
      call,
    );
  }
}
