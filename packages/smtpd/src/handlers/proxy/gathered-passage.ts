/**
 * One server behind another, for who gathers content before it goes on: MAIL, RCPT and DATA are passed on as they come, with the steps of
 * `PureProxy`, and a message when it is there and wanted. `smtpd/testing` puts its faults in front of a real server with it.
 */

import { parseDestination } from '../../client/destination.js';
import { isBinaryBody } from '../../client/envelope-commands.js';
import { UsageError } from '../../protocol/errors.js';
import { formatParameter } from '../../protocol/parameters.js';
import { SMTPReplyError, type Reply } from '../../protocol/reply.js';
import type { Hook, MailRequest, RcptRequest } from '../../server/hooks.js';
import type { ReceivedMessage } from '../../server/received-message.js';
import type { CompleteOptions } from '../../server/server-options.js';
import type { SessionInfo } from '../../server/session-info.js';
import type { Awaitable, Verdict } from '../../server/verdict.js';
import { senderParameters } from './mail-parameters.js';
import { isTLSCertain, narrowTo } from './narrowing.js';
import { ProxiedTransaction, type Placement } from './proxied-transaction.js';
import { parseRoute, type Route } from './routes.js';
import type { UpstreamOptions } from './upstream-options.js';
import { Upstreams } from './upstreams.js';

/** The server behind, and how to talk to it. */
export interface PassageOptions extends UpstreamOptions {
  /** The destination: `host:port`, `[IPv6]:port`, `smtps://host`, `lmtp://host:port`, `unix:/path` or `lmtp:unix:/path`. */
  readonly to: string;
}

/** The way of a server's transactions to the one behind it. */
export class GatheredPassage {
  /** Passes on what comes before the content. To be asked behind all other hooks. */
  readonly hook: Hook;
  readonly #options: CompleteOptions;
  readonly #upstreams: Upstreams;
  readonly #route: Route;
  readonly #tls: UpstreamOptions['tls'];
  /** By session: the transaction that is open. */
  readonly #open = new WeakMap<SessionInfo, OpenTransaction>();

  /**
   * @param options - of the server in front
   * @throws {@link UsageError} `SMTPD_BAD_ADDRESS`, `SMTPD_BAD_OPTION`, `SMTPD_CONFLICTING_OPTIONS`
   */
  constructor({ to, ...upstream }: PassageOptions, options: CompleteOptions) {
    if (parseDestination(to).kind === 'mx') {
      throw new UsageError('SMTPD_BAD_ADDRESS', `The server behind is one, and "${to}" may be several: name its host`);
    }
    const { hostname, clock, logger } = options;
    this.#options = options;
    this.#route = parseRoute(to);
    this.#tls = upstream.tls;
    this.#upstreams = new Upstreams(upstream, {
      hostname,
      clock,
      logger,
      balance: 'inOrder',
      hasProxyHeader: false,
      resolver: undefined,
    });
    this.hook = {
      name: 'the server behind',
      offer: async ({ signal }) => {
        const capabilities = await this.#upstreams.capabilities([this.#route], signal);
        return narrowTo(capabilities, { mayRequireTLS: isTLSCertain(this.#tls) });
      },
      mail: (request) => this.#mail(request),
      rcptBatch: (requests) => this.#recipients(requests),
      data: ({ session, verb, signal }) => this.#openOf(session).transaction.startContent(verb, signal),
      reset: ({ session }) => {
        this.abandon(session);
      },
      close: ({ session }) => {
        this.abandon(session);
      },
    };
  }

  /** Passes the content on. @returns what the server behind said for each recipient, in order */
  pass(message: ReceivedMessage): Awaitable<readonly Reply[]> {
    const { session, data } = message;
    const { transaction } = this.#openOf(session);
    this.#open.delete(session);
    const mayHaveBareLineEnds = isBinaryBody(message.mailOptions);
    return transaction.passContent({ body: once(data) }, { ...AS_IT_CAME, mayHaveBareLineEnds });
  }

  /** The transaction of a session ends here: the server behind gets no message. */
  abandon(session: SessionInfo): void {
    this.#open.get(session)?.transaction.abandon();
    this.#open.delete(session);
  }

  /** Cuts the connections to the server behind. */
  destroy(): Promise<void> {
    return this.#upstreams.destroy();
  }

  #mail({ session, path, parameters, signal }: MailRequest<undefined>): Awaitable<Verdict> {
    this.abandon(session);
    const transaction = new ProxiedTransaction({
      protocol: session.protocol,
      mayMix: false,
      sessionId: session.id,
      logger: this.#options.logger,
    });
    const mailOptions = senderParameters(parameters, session).map(formatParameter);
    const placement: Placement = {
      key: this.#route.key,
      isAlone: false,
      open: (wanted, receiver) => {
        this.#upstreams.begin(this.#route, undefined, { mailFrom: path, mailOptions, signal: wanted }, receiver);
      },
    };
    this.#open.set(session, { transaction, placement });
    return transaction.open(placement, signal);
  }

  #recipients(requests: readonly RcptRequest<undefined>[]): Awaitable<readonly Verdict[]> {
    const [first] = requests;
    if (first === undefined) return [];
    const { transaction, placement } = this.#openOf(first.session);
    const placed = requests.map(({ path, parameters }) => ({ path, parameters, placement }));
    return transaction.addRecipients(placed, first.signal);
  }

  #openOf(session: SessionInfo): OpenTransaction {
    const open = this.#open.get(session);
    if (open !== undefined) return open;
    throw new SMTPReplyError(451, '4.4.2', 'Error: the next server was not asked; try again later');
  }
}

interface OpenTransaction {
  readonly transaction: ProxiedTransaction;
  readonly placement: Placement;
}

async function* once(data: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(data);
}

/** The server behind gets the content as it came. */
const AS_IT_CAME = { front: new Uint8Array(0), headerEnd: new Uint8Array(0), hopsMax: Infinity };
