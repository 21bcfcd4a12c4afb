/**
 * Which list of Mailman 3 an address may belong to, and in which of its roles. Pure: whether there is such a list, a
 * `MailmanDirectory` knows.
 */

import type { Path } from '../../protocol/path.js';

/** What of a list an address reaches. `post` is the list itself. */
export type MailmanRole = 'post' | (typeof MAILMAN_SUFFIXES)[number];

/** What Mailman puts behind the name of a list, after a hyphen. */
export const MAILMAN_SUFFIXES = Object.freeze([
  'bounces',
  'confirm',
  'join',
  'leave',
  'owner',
  'request',
  'subscribe',
  'unsubscribe',
] as const);

/** A list that an address would belong to. */
export interface MailmanCandidate {
  /** The address of the list, in lower case: what Mailman calls its `fqdn_listname`. */
  readonly list: string;
  readonly role: MailmanRole;
}

/** What of a recipient is looked at. */
export type MailmanRecipient = Pick<Path, 'localPart' | 'domain'>;

/**
 * The lists that an address may belong to, at most two. A list may be called `foo-owner`, so the full name comes before the name without
 * its suffix.
 *
 * @example
 * ```ts
 * mailmanCandidates({ localPart: 'Staff-confirm+1a2b', domain: 'Lists.Example' });
 * // [{ list: 'staff-confirm@lists.example', role: 'post' }, { list: 'staff@lists.example', role: 'confirm' }]
 * ```
 */
export function mailmanCandidates(recipient: MailmanRecipient): readonly MailmanCandidate[] {
  const domain = mailmanDomain(recipient);
  if (domain === undefined) return [];
  // Whatever a list is called: what stands behind the first plus sign is its sender's.
  const [name = ''] = asciiLowerCase(recipient.localPart).split('+');
  if (!LIST_NAME.test(name)) return [];
  const full: MailmanCandidate = { list: `${name}@${domain}`, role: 'post' };
  const hyphen = name.lastIndexOf('-');
  const role = MAILMAN_SUFFIXES.find((suffix) => suffix === name.slice(hyphen + 1));
  if (role === undefined || hyphen <= 0) return [full];
  return [full, { list: `${name.slice(0, hyphen)}@${domain}`, role }];
}

/** The domain of an address as Mailman writes it; `undefined` where there is none that could be Mailman's. */
export function mailmanDomain({ domain }: MailmanRecipient): string | undefined {
  // An address literal names a machine and no domain (RFC 5321 §4.1.3).
  return domain === undefined || domain.startsWith('[') ? undefined : asciiLowerCase(domain);
}

/** RFC 5321 §2.4: of a domain only the letters of US-ASCII have two cases. */
export function asciiLowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** What Mailman can be told to allow in the name of a list is less than an atom (RFC 5321 §4.1.2). */
const LIST_NAME = /^[a-z0-9!#$%&'*/=?^_`{|}~.-]+$/;
