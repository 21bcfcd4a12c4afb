/** What is the same for all sessions of a server that make TLS in one way: from the server's options to the session's. */

import { composeOffer, IN_CLEAR, type Offer, type Situation } from '../protocol/extension.js';
import { STANDARD_EXTENSIONS } from '../protocol/extensions/index.js';
import type { SessionOptions } from '../protocol/session-events.js';
import { factsIn, type CompleteOptions } from './server-options.js';
import type { TLSMode } from './tls-options.js';

/**
 * Makes the options of sessions.
 *
 * @param isStreaming - whether content is handed over while it comes
 * @throws {@link UsageError} when the extensions contradict each other or the options
 */
export function sessionOptionsFor(
  options: CompleteOptions,
  { mode, isStreaming }: { readonly mode: TLSMode; readonly isStreaming: boolean },
): SessionOptions {
  const { hostname, greeting, limits, lineEndings, pathSyntax, protocol, earlyInput } = options;
  const extensions = [...STANDARD_EXTENSIONS, ...options.extensions];
  const canStartTLS = mode === 'offer' || mode === 'require';
  const offers = new Map<number, Offer>();
  const offerIn = (situation: Situation): Offer => {
    const key = situationKey(situation);
    let offer = offers.get(key);
    if (offer === undefined) {
      offer = composeOffer(extensions, factsIn(options, situation, canStartTLS), {
        disabled: options.disabledExtensions,
      });
      offers.set(key, offer);
    }
    return offer;
  };
  // What contradicts itself is told now, not when the first client comes.
  offerIn(IN_CLEAR);
  offerIn({ ...IN_CLEAR, isSecured: true, hasChannelBinding: true });
  return Object.freeze({
    hostname,
    greeting,
    limits,
    lineEndings,
    pathSyntax,
    protocol,
    earlyInput,
    offerIn,
    isTLSRequired: mode === 'require',
    isAUTHRequired: options.auth.mode === 'require',
    isStreaming,
  });
}

function situationKey(situation: Situation): number {
  const { isSecured, isAuthenticated, mayXCLIENT, mayXFORWARD, hasChannelBinding } = situation;
  const facts = [isSecured, isAuthenticated, mayXCLIENT, mayXFORWARD, hasChannelBinding];
  return facts.reduce((key, isTrue, index) => key | (isTrue ? 1 << index : 0), 0);
}
