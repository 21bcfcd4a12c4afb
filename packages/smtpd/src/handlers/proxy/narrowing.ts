/** What a proxy can offer: what the servers behind it offer, and no more. */

import type { ClientTLSOptions } from '../../client/client-options.js';
import type { Extension, OfferNarrowing } from '../../protocol/extension.js';
import { dsn } from '../../protocol/extensions/dsn.js';
import { requireTLS } from '../../protocol/extensions/require-tls.js';
import type { ServerCapabilities } from '../../protocol/server-capabilities.js';

/**
 * What is taken from our own offer, so that both sides can carry what is left.
 *
 * @param capabilities - of every server that mail may go to
 */
export function narrowTo(
  capabilities: readonly ServerCapabilities[],
  { mayRequireTLS }: { readonly mayRequireTLS: boolean },
): OfferNarrowing {
  const without = PASSED_ON.filter(
    (keyword) =>
      capabilities.length === 0 || !capabilities.every((each) => NEEDS[keyword].every((needed) => each.has(needed))),
  );
  if (!mayRequireTLS && !without.includes('REQUIRETLS')) without.push('REQUIRETLS');
  const sizes = capabilities.flatMap(({ sizeLimitBytes }) => sizeLimitBytes ?? []);
  const recipients = capabilities.flatMap(({ recipientsMax }) => recipientsMax ?? []);
  return {
    without,
    ...(sizes.length === 0 ? {} : { sizeLimitBytes: Math.min(...sizes) }),
    ...(recipients.length === 0 ? {} : { recipientsMax: Math.min(...recipients) }),
  };
}

/** A proxy's extensions: those it was given, and those that are offered because what they ask for is passed on. */
export function passedOnExtensions(given: readonly Extension[] = []): readonly Extension[] {
  const keywords = new Set(given.map(({ keyword }) => keyword));
  return [...given, ...[dsn(), requireTLS()].filter(({ keyword }) => !keywords.has(keyword))];
}

/** Whether REQUIRETLS can be kept: the next server's certificate is checked (RFC 8689 §4.2.1). */
export function isTLSCertain(tls: ClientTLSOptions | undefined): boolean {
  return tls !== undefined && tls.mode !== 'off' && (tls.verify ?? tls.mode !== 'opportunistic');
}

/** What depends on the next server: it has to do what we would promise. */
const NEEDS = {
  '8BITMIME': ['8BITMIME'],
  SMTPUTF8: ['SMTPUTF8', '8BITMIME'],
  BINARYMIME: ['BINARYMIME', 'CHUNKING'],
  DSN: ['DSN'],
  DELIVERBY: ['DELIVERBY'],
  'MT-PRIORITY': ['MT-PRIORITY'],
  FUTURERELEASE: ['FUTURERELEASE'],
  REQUIRETLS: ['REQUIRETLS'],
  // RFC 2034 §4: with it, every reply has a code, and these replies are the next server's.
  ENHANCEDSTATUSCODES: ['ENHANCEDSTATUSCODES'],
} as const satisfies Readonly<Record<string, readonly string[]>>;
const PASSED_ON = Object.keys(NEEDS) as (keyof typeof NEEDS)[];
