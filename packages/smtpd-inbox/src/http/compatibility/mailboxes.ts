/** Mailboxes as the other programs' APIs have them: a name and an address. */

import type { StoredMessage } from 'smtpd-store';

import { addressIn, canonicalAddress } from '../../search/addresses.js';

/** Somebody, in Mailpit’s words. */
export interface NamedAddress {
  readonly Name: string;
  readonly Address: string;
}

/** `"Onym, Ann" <ann@a.example>` → its name and its address. */
export function parseNamedAddress(text: string): NamedAddress {
  const Address = addressIn(text);
  const trimmed = text.trim();
  const name = trimmed.endsWith('>') ? trimmed.slice(0, trimmed.lastIndexOf('<')).trim() : '';
  const isQuoted = name.length > 1 && name.startsWith('"') && name.endsWith('"');
  return { Name: isQuoted ? name.slice(1, -1).replace(/\\(.)/g, '$1') : name, Address };
}

/** The mailboxes of a decoded field, which commas stand between. */
export function parseMailboxes(field: string): readonly NamedAddress[] {
  const parts: string[] = [];
  let part = '';
  let isQuoted = false;
  for (let at = 0; at < field.length; at += 1) {
    const character = field.charAt(at);
    if (character === '\\' && isQuoted) {
      part += character + field.charAt(at + 1);
      at += 1;
      continue;
    }
    if (character === '"') isQuoted = !isQuoted;
    if (character === ',' && !isQuoted) {
      parts.push(part);
      part = '';
    } else {
      part += character;
    }
  }
  return [...parts, part].filter((each) => each.trim() !== '').map(parseNamedAddress);
}

/** Those who got a message and stand in none of its fields. */
export function hiddenRecipients({ envelope, summary }: Pick<StoredMessage, 'envelope' | 'summary'>): NamedAddress[] {
  const shown = new Set(
    [...(summary.to ?? []), ...(summary.cc ?? [])].map((each) => canonicalAddress(addressIn(each)).toLowerCase()),
  );
  return [...new Set(envelope.rcptTos)]
    .filter((address) => !shown.has(canonicalAddress(address).toLowerCase()))
    .map((address) => ({ Name: '', Address: address }));
}

/** The decoded value of the first field of that name; `''` without one. */
export function fieldOf({ summary }: Pick<StoredMessage, 'summary'>, name: string): string {
  return (summary.headers ?? []).find(([each]) => each.toLowerCase() === name)?.[1] ?? '';
}
