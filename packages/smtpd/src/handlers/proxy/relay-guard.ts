/** Who may send mail on through a proxy: an open relay is found and used within hours. */

import { UsageError } from '../../protocol/errors.js';
import { asciiUpperCase } from '../../protocol/grammar.js';
import type { Path } from '../../protocol/path.js';
import { Reply } from '../../protocol/reply.js';
import { NetworkSet } from '../../server/networks.js';
import type { CompleteOptions } from '../../server/server-options.js';
import type { SessionInfo } from '../../server/session-info.js';

/** Decides who may have mail sent anywhere. Everybody else may send to the domains that have a route of their own. */
export class RelayGuard {
  readonly #allowed: NetworkSet;
  readonly #names: readonly string[];
  readonly #isOpen: boolean;
  /** Whether an address is allowed: it is asked with every command, and stays the same object as long as the client is the same. */
  readonly #known = new WeakMap<SessionInfo['peer'], boolean>();

  /** @param open - everybody may */
  constructor(allowNetworks: string | readonly string[], open: boolean) {
    const given = typeof allowNetworks === 'string' ? [allowNetworks] : allowNetworks;
    this.#allowed = NetworkSet.parse(['loopback', ...given]);
    this.#names = given;
    this.#isOpen = open;
  }

  /** Whether a client may send to any recipient. */
  mayRelay({ peer, identity }: SessionInfo): boolean {
    return this.#isOpen || identity !== undefined || this.#isAllowed(peer);
  }

  #isAllowed(peer: SessionInfo['peer']): boolean {
    let isAllowed = this.#known.get(peer);
    if (isAllowed === undefined) {
      isAllowed = this.#allowed.has(peer);
      this.#known.set(peer, isAllowed);
    }
    return isAllowed;
  }

  /** For people: who may send anywhere. */
  describe({ auth }: CompleteOptions): string {
    if (this.#isOpen) return 'everybody (an open relay)';
    const others = this.#names.map((name) => `clients in ${name}`);
    const users = auth.mode === 'off' ? [] : ['whoever authenticates'];
    return ['clients of this machine', ...others, ...users].join(', ');
  }

  /** What one that may not hears (RFC 5321 §7.8, RFC 4954 §6). */
  refusal({ auth }: CompleteOptions): Reply {
    return auth.mode === 'off' ? DENIED : AUTHENTICATE_FIRST;
  }

  /**
   * Refuses to listen where everybody could send mail anywhere.
   *
   * @throws {@link UsageError} `SMTPD_OPEN_RELAY`
   */
  check(options: CompleteOptions, facts: { readonly relaysAnywhere: boolean; readonly hasNetworks: boolean }): void {
    if (!facts.relaysAnywhere || facts.hasNetworks || this.#isOpen || options.auth.mode !== 'off') return;
    const exposed = options.localAddress.find((address) => !isLocal(address));
    if (exposed === undefined) return;
    const where =
      'fd' in exposed ? `fd:${String(exposed.fd)}` : hostOf(exposed) === '' ? 'every address' : hostOf(exposed);
    throw new UsageError(
      'SMTPD_OPEN_RELAY',
      `Listening on ${where} would pass anybody’s mail on: say who may send (allowNetworks, --allow-networks), ` +
        'have clients authenticate (auth, --auth), route single domains only (routes, --route), or allow everybody (open, --open)',
    );
  }
}

/** Whether a recipient is the postmaster, of a domain or without one: everybody may write to them (RFC 5321 §4.5.1). */
export function isPostmaster({ localPart }: Path): boolean {
  return asciiUpperCase(localPart) === 'POSTMASTER';
}

/** Whether nobody but this machine can connect. Of an inherited descriptor nobody knows. */
function isLocal(address: Address): boolean {
  if ('path' in address) return true;
  if ('fd' in address) return false;
  const host = hostOf(address);
  return host === 'localhost' || LOOPBACK.has({ address: host, port: 0, family: host.includes(':') ? 'IPv6' : 'IPv4' });
}

function hostOf(address: Address): string {
  return 'host' in address ? (address.host ?? '') : '';
}

type Address = CompleteOptions['localAddress'][number];
const LOOPBACK = NetworkSet.parse('loopback');
const DENIED = new Reply(550, '5.7.1', 'Error: relaying denied');
const AUTHENTICATE_FIRST = new Reply(530, '5.7.0', 'Error: authentication required');
