/** The envelope beside the header: who it says it is from and for, and what the client called itself. */

import { isIP } from 'node:net';

import { parseAddressList } from './address-syntax.js';
import { decodeRaw } from './encoded-words.js';
import { fieldOf, fieldsOf, type RawPart } from './raw-message.js';
import { counted, quote, type LintRule } from './rule.js';

export const ENVELOPE_RULES: readonly LintRule[] = [
  {
    id: 'from-not-aligned',
    severity: 'note',
    source: 'RFC 7489 §3.1',
    objection: 'The domain of MAIL FROM is not that of the From field.',
    *find({ message: { root }, envelope }) {
      const from = fieldOf(root, 'from');
      const author = from === undefined ? undefined : parseAddressList(from.value).mailboxes[0]?.domain;
      const sender = domainOf(envelope.mailFrom);
      if (from === undefined || author === undefined || sender === undefined || isRelated(author, sender)) return;
      yield {
        text: `MAIL FROM is of ${quote(sender)} and From of ${quote(author)}: SPF does not speak for the From field, so DMARC needs a DKIM signature of ${quote(author)}.`,
        line: from.firstLine + 1,
      };
    },
  },
  {
    id: 'blind-recipients',
    severity: 'note',
    source: 'RFC 5322 §3.6.3',
    objection: 'Recipients of the envelope that neither To nor Cc names.',
    *find({ message: { root }, envelope }) {
      if (root.fields.length === 0) return;
      const named = new Set(addressesIn(root));
      const blind = envelope.rcptTos.filter((address) => !named.has(comparable(address)));
      if (blind.length === 0) return;
      const shown = blind.slice(0, 3).join(', ');
      yield {
        text: `${counted(blind.length, 'recipient')} of the envelope (${shown}${blind.length > 3 ? ', …' : ''}) ${blind.length === 1 ? 'is' : 'are'} neither in To nor in Cc: a blind copy, or a list.`,
        in: 'envelope',
      };
    },
  },
  {
    id: 'named-but-not-sent',
    severity: 'note',
    source: 'RFC 5321 §3.3',
    objection: 'To or Cc names somebody whom the envelope does not.',
    *find({ message: { root }, envelope }) {
      const sent = new Set(envelope.rcptTos.map(comparable));
      for (const field of [...fieldsOf(root, 'to'), ...fieldsOf(root, 'cc')]) {
        const others = parseAddressList(decodeRaw(field.value)).mailboxes.filter(
          ({ address }) => !sent.has(comparable(address)),
        );
        if (others.length === 0) continue;
        yield {
          text: `${field.name} names ${others
            .slice(0, 3)
            .map(({ address }) => quote(address))
            .join(
              ', ',
            )}${others.length > 3 ? ', …' : ''}, and no RCPT TO does: with this transaction they get nothing.`,
          line: field.firstLine + 1,
        };
      }
    },
  },
  {
    id: 'no-null-sender',
    severity: 'error',
    source: 'RFC 3461 §6.1',
    objection: 'A report has a reverse-path: two servers could send each other reports without end.',
    *find({ message: { root }, envelope }) {
      if (envelope.mailFrom === '' || root.contentType.value !== 'multipart/report') return;
      yield {
        text: `This is a report, and MAIL FROM is ${quote(envelope.mailFrom)}. Send reports with MAIL FROM:<>.`,
        in: 'envelope',
      };
    },
  },
  {
    id: 'null-sender-without-reason',
    severity: 'warning',
    source: 'RFC 5321 §4.5.5',
    objection: 'The reverse-path is null, and the message is no notification.',
    *find({ message: { root }, envelope }) {
      if (envelope.mailFrom !== '' || root.contentType.value === 'multipart/report') return;
      const automatic = fieldOf(root, 'auto-submitted')?.value.toLowerCase() ?? 'no';
      if (automatic !== 'no') return;
      yield {
        text: 'MAIL FROM:<> is for reports and automatic replies; this says of itself that it is neither. Give a sender, so that somebody hears of a failure, or say Auto-Submitted.',
        in: 'envelope',
      };
    },
  },
  {
    id: 'envelope-address-without-domain',
    severity: 'warning',
    source: 'RFC 5321 §2.3.5',
    objection: 'An address of the envelope has no domain, or one without a dot.',
    *find({ envelope }) {
      for (const address of [envelope.mailFrom, ...envelope.rcptTos]) {
        const domain = domainOf(address);
        if (address === '' || /^postmaster$/i.test(address) || domain?.startsWith('[') === true) continue;
        if (domain?.includes('.') === true) continue;
        yield {
          text: `The address ${quote(address)} has no complete domain; on the Internet it cannot be answered. Write all of it.`,
          in: 'envelope',
        };
      }
    },
  },
  {
    id: 'client-name-not-complete',
    severity: 'note',
    source: 'RFC 5321 §2.3.5',
    objection: 'In EHLO the client gave neither a complete domain nor an address in brackets.',
    *find({ session }) {
      const name = session?.clientName;
      if (name === undefined || name === '' || (name.includes('.') && isIP(name) === 0)) return;
      if (name.startsWith('[') && name.endsWith(']')) return;
      yield {
        text: `The client called itself ${quote(name)}. Servers on the Internet want its complete name, or its address as [192.0.2.1].`,
        in: 'envelope',
      };
    },
  },
];

function addressesIn(root: RawPart): string[] {
  return root.fields
    .filter(({ lowerName }) => NAMING_FIELDS.has(lowerName))
    .flatMap(({ value }) => parseAddressList(decodeRaw(value)).mailboxes.map(({ address }) => comparable(address)));
}

function domainOf(address: string): string | undefined {
  const at = address.lastIndexOf('@');
  return at < 0 ? undefined : address.slice(at + 1).toLowerCase();
}

/** Local parts may tell apart what is in capitals (RFC 5321 §2.4); nobody who sends to them means two people by it. */
function comparable(address: string): string {
  return address.toLowerCase();
}

/** Whether one is the other, or below it, or both are below one that is not a top-level domain by its look. */
function isRelated(first: string, second: string): boolean {
  if (first === second || first.endsWith(`.${second}`) || second.endsWith(`.${first}`)) return true;
  const parents = [first, second].map((domain) => domain.split('.').slice(1).join('.'));
  return parents[0] === parents[1] && (parents[0]?.split('.').length ?? 0) > 1;
}

const NAMING_FIELDS: ReadonlySet<string> = new Set(['to', 'cc', 'bcc', 'resent-to', 'resent-cc', 'resent-bcc']);
