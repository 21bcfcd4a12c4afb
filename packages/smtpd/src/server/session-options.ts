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
  const keywords = new Set(extensions.map(({ keyword }) => keyword));
  const offers = new Map<string, Offer>();
  const offerIn = (situation: Situation): Offer => {
    const key = situationKey(situation);
    let offer = offers.get(key);
    if (offer === undefined) {
      const without = (situation.narrowing?.without ?? []).filter((keyword) => keywords.has(keyword));
      offer = composeOffer(extensions, factsIn(options, situation, canStartTLS), {
        disabled: [...options.disabledExtensions, ...without],
      });
      // Clients may be offered something else each; what few of them are is soon made again.
      if (offers.size >= OFFERS_MAX) offers.clear();
      offers.set(key, offer);
    }
    return offer;
  };
  // What contradicts itself is told now, not when the first client comes.
  const offerInClear = offerIn(IN_CLEAR);
  offerIn({ ...IN_CLEAR, isSecured: true, hasChannelBinding: true });
  return Object.freeze({
    hostname,
    greeting,
    limits,
    lineEndings,
    pathSyntax,
    protocol,
    earlyInput,
    // Nearly every session begins so, and no key need be made for it.
    offerIn: (situation: Situation) => (situation === IN_CLEAR ? offerInClear : offerIn(situation)),
    isTLSRequired: mode === 'require',
    isAUTHRequired: options.auth.mode === 'require',
    isStreaming,
  });
}

function situationKey(situation: Situation): string {
  const { isSecured, isAuthenticated, mayXCLIENT, mayXFORWARD, hasChannelBinding } = situation;
  const facts = [isSecured, isAuthenticated, mayXCLIENT, mayXFORWARD, hasChannelBinding];
  const key = String(facts.reduce((bits, isTrue, index) => bits | (isTrue ? 1 << index : 0), 0));
  const { narrowing } = situation;
  if (narrowing === undefined) return key;
  const { without = [], sizeLimitBytes, recipientsMax } = narrowing;
  return [key, sizeLimitBytes, recipientsMax, ...[...without].sort()].join(' ');
}

const OFFERS_MAX = 100;
