/**
 * A proxy that hands the mail of Mailman's lists to Mailman 3 by its LMTP door, one recipient a transaction, and all other mail to the
 * servers behind it as `pure-proxy.ts` does. It decides where a recipient goes, and nothing else: which addresses are Mailman's a directory
 * knows (`mailman/`), and the steps of a transaction are those of every proxy.
 */

import { broughtToProxy } from '../protocol/brought-names.js';
import { UsageError } from '../protocol/errors.js';
import { Reply } from '../protocol/reply.js';
import { refuseUnknown, type CompleteOptions } from '../server/server-options.js';
import type { MailmanDirectory } from './mailman/mailman-directory.js';
import { MailmanMapDirectory } from './mailman/mailman-map-directory.js';
import { MailmanRESTDirectory, type MailmanRESTOptions } from './mailman/mailman-rest-directory.js';
import { checkMailman } from './mailman/mailman-settings.js';
import { PROXY_OPTION_NAMES, type PureProxyOptions, type RouteRequest } from './proxy/proxy-options.js';
import { isPostmaster } from './proxy/relay-guard.js';
import { isByRecipient, parseRoute, type Route } from './proxy/routes.js';
import type { UpstreamOptions } from './proxy/upstream-options.js';
import { PureProxy, type RecipientRoute } from './pure-proxy.js';

/** Where Mailman is, and how its addresses are known. */
export interface MailmanOptions {
  /** Where its LMTP runner listens. Default: `localhost:8024`. */
  readonly lmtp?: string;
  /**
   * Who knows which addresses are its own: its REST API, the map files that it writes for Postfix, or a directory of one's own. Default:
   * the map files of Debian's package, in `/var/lib/mailman3/data`.
   */
  readonly directory?: { readonly rest: MailmanRESTOptions } | { readonly maps: MailmanMapOptions } | MailmanDirectory;
}

/** Where the map files are. */
export interface MailmanMapOptions {
  /** Mailman's `data_dir`, with `postfix_lmtp` and `postfix_domains`. */
  readonly folder: string;
}

/** The options of a {@link MailmanProxy}: those of a {@link PureProxy}, and these. */
export interface MailmanProxyOptions extends PureProxyOptions {
  /** Where Mailman is. */
  readonly mailman?: MailmanOptions;
  /**
   * What becomes of an address that does not exist in a domain that Mailman serves: it is refused with 550, or goes to the servers behind,
   * as other addresses do. Default: `reject`.
   */
  readonly unknownInListDomain?: 'reject' | 'relay';
}

/**
 * A proxy with Mailman 3 beside it. Everybody may write to its lists; what is for others is passed on for those who may have mail passed on.
 *
 * @example
 * ```ts
 * import { MailmanProxy } from 'smtpd';
 * const proxy = new MailmanProxy({
 *   localAddress: 'localhost:1025',
 *   remoteAddress: 'localhost:25',
 *   mailman: {
 *     lmtp: 'localhost:8024',
 *     directory: { rest: { url: 'http://localhost:8001', user: 'restadmin', password: process.env['REST_PASSWORD'] ?? '' } },
 *   },
 * });
 * await proxy.listen();
 * await proxy.close();
 * ```
 */
export class MailmanProxy extends PureProxy {
  readonly #directory: MailmanDirectory;
  readonly #lists: RecipientRoute;
  readonly #relaysUnknown: boolean;

  /** @throws {@link UsageError} when an option cannot work, or two contradict each other */
  constructor(options: MailmanProxyOptions = {}) {
    refuseUnknown(options, { names: OPTION_NAMES, meant: broughtToProxy });
    const { mailman = {}, unknownInListDomain = 'reject', ...rest } = options;
    checkMailman(mailman);
    super(rest);
    // Another value comes from a program without types.
    if (!UNKNOWN_IN_LIST_DOMAIN.includes(unknownInListDomain)) {
      throw new UsageError(
        'SMTPD_BAD_OPTION',
        `unknownInListDomain is ${UNKNOWN_IN_LIST_DOMAIN.join(' or ')}, not ${JSON.stringify(unknownInListDomain)}`,
      );
    }
    this.#relaysUnknown = unknownInListDomain === 'relay';
    this.#directory = openDirectory(mailman.directory ?? { maps: { folder: DEBIAN_DATA_FOLDER } }, this.options);
    this.#lists = Object.freeze({
      route: lmtpRoute(mailman.lmtp ?? 'localhost:8024'),
      // A message that its LMTP runner cannot read it answers once, and not for each recipient.
      isAlone: true,
      isFinal: true,
      upstream: besideUs(rest.upstream ?? {}),
    });
    // RFC 2034 §4: with it every reply has a code, and Mailman's have none.
    this.use({ name: 'mailman', offer: () => ({ without: ['ENHANCEDSTATUSCODES'] }) });
  }

  override describeRelaying(): readonly string[] {
    return [`relaying lists of Mailman to ${this.#lists.route.key}, from everybody`, ...super.describeRelaying()];
  }

  protected override async placeRecipient(request: RouteRequest): Promise<RecipientRoute | Reply> {
    const { recipient, session, signal } = request;
    const answer = await this.#directory.lookUp(recipient, { signal });
    switch (answer.kind) {
      case 'known':
        return this.#lists;
      case 'unknown':
        if (answer.isListDomain && isPostmaster(recipient)) return this.#placePostmaster(request);
        return answer.isListDomain && !this.#relaysUnknown ? NO_SUCH_ADDRESS : super.placeRecipient(request);
      case 'unavailable':
        // It may be a list's: neither a relay nor a refusal for good would be right.
        this.options.logger.warn(
          { session: session.id, recipient: recipient.address, reason: answer.reason },
          'Nobody knows whether a recipient is one of Mailman’s; the client is told to try again later',
        );
        return UNAVAILABLE;
    }
  }

  /** RFC 5321 §4.5.1: everybody may write to the postmaster of a domain that is served here, and lists have none of their own. */
  async #placePostmaster(request: RouteRequest): Promise<RecipientRoute | Reply> {
    const placed = await super.placeRecipient(request);
    // The server of a domain of lists is this one.
    if (!(placed instanceof Reply) && !isByRecipient(placed.route)) return placed;
    return this.postmasterRoute ?? NO_SUCH_ADDRESS;
  }

  /** What is offered is what the servers behind can carry; of what Mailman cannot, its recipients are refused. */
  protected override get fixedRoutes(): readonly RecipientRoute[] {
    const others = super.fixedRoutes;
    return others.length === 0 ? [this.#lists] : others;
  }

  /** Each recipient is looked at before anybody else hears of the message. */
  protected override hasOneRoute(): boolean {
    return false;
  }
}

function openDirectory(
  given: NonNullable<MailmanOptions['directory']>,
  { clock }: Pick<CompleteOptions, 'clock'>,
): MailmanDirectory {
  if ('lookUp' in given) return given;
  return 'rest' in given
    ? new MailmanRESTDirectory({ clock, ...given.rest })
    : new MailmanMapDirectory(given.maps.folder);
}

/** Mailman speaks LMTP, with or without saying so. */
function lmtpRoute(text: string): Route {
  const isComplete = /^lmtp:/i.test(text);
  if (/^(?:smtps?:|mx:)/i.test(text)) {
    throw new UsageError(
      'SMTPD_BAD_ADDRESS',
      `"${text}": Mailman takes mail by LMTP; write host:port, lmtp://host:port or lmtp:unix:/path`,
    );
  }
  return parseRoute([isComplete ? text : /^unix:/i.test(text) ? `lmtp:${text}` : `lmtp://${text}`]);
}

/** It does neither TLS nor AUTH; the other settings are for every server behind. */
function besideUs(options: UpstreamOptions): UpstreamOptions {
  const { waits, connectionsMax, idleMs, messagesMax, waitMs } = options;
  return {
    tls: { mode: 'off' },
    ...(waits === undefined ? {} : { waits }),
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(messagesMax === undefined ? {} : { messagesMax }),
    ...(waitMs === undefined ? {} : { waitMs }),
  };
}

const OWN_OPTION_NAMES: readonly (keyof MailmanProxyOptions)[] = ['mailman', 'unknownInListDomain'];
const OPTION_NAMES: readonly string[] = [...OWN_OPTION_NAMES, ...PROXY_OPTION_NAMES];
const UNKNOWN_IN_LIST_DOMAIN: readonly string[] = ['reject', 'relay'];
const DEBIAN_DATA_FOLDER = '/var/lib/mailman3/data';
const NO_SUCH_ADDRESS = new Reply(550, '5.1.1', 'Error: there is no such list');
// RFC 3463 §3.5: 4.4.3, the directory did not answer.
const UNAVAILABLE = new Reply(451, '4.4.3', 'Error: the directory of lists cannot be asked; try again later');
