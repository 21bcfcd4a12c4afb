/**
 * The name that a client gives itself in HELO, EHLO or LHLO.
 *
 * Only its form is told here. Whether a name that is neither a domain nor an address literal is good enough, and whether
 * it belongs to the peer's address, are decisions of policy, taken where the command is checked.
 */
import {
  CLOSE_BRACKET,
  LET_DIG,
  OPEN_BRACKET,
  SPACE,
  UNDERSCORE,
  VCHAR,
  octetAt,
  parseAddressLiteral,
  scanDomain,
  scanRun,
} from './grammar.js';

/**
 * What a client called itself, and what that is: a domain or an address literal (RFC 5321 §4.1.1.1), or some other
 * printable text, which many real clients send.
 */
export interface ClientName {
  /** As sent. */
  readonly text: string;
  readonly kind: 'domain' | 'addressLiteral' | 'other';
}

/**
 * Reads the argument of HELO or EHLO, already trimmed. `undefined` when it is empty or blank, or has a control
 * character, DEL or an octet that is not ASCII (RFC 6531 §3.7.1 wants A-labels there): such a name cannot be told on.
 *
 * @example
 * ```ts
 * parseClientName('client.example')?.kind; // 'domain'
 * parseClientName('[IPv6:2001:db8::1]')?.kind; // 'addressLiteral'
 * parseClientName('my desktop')?.kind; // 'other'
 * ```
 */
export function parseClientName(text: string): ClientName | undefined {
  if (text !== '' && scanDomain(text, 0, LET_DIG) === text.length) return { text, kind: 'domain' };

  const last = text.length - 1;
  if (octetAt(text, 0) === OPEN_BRACKET && octetAt(text, last) === CLOSE_BRACKET) {
    if (parseAddressLiteral(text.slice(1, last)) !== undefined) return { text, kind: 'addressLiteral' };
  }
  return isPrintable(text) ? { text, kind: 'other' } : undefined;
}

/**
 * Whether a server or a client may call itself so: a domain or an address literal (RFC 5321 §4.1.1.1). Some machines have an underscore in their
 * names, which many servers let pass.
 */
export function isOwnName(text: string): boolean {
  if (parseClientName(text)?.kind === 'addressLiteral') return true;
  return text !== '' && scanDomain(text, 0, LET_DIG | UNDERSCORE) === text.length;
}

/** What who is not told otherwise calls itself: the machine's name where every server lets it pass. */
export function defaultOwnName(machineName: string): string {
  return parseClientName(machineName)?.kind === 'domain' ? machineName : 'localhost';
}

/** Printable ASCII with blanks inside, and not blanks alone. */
function isPrintable(text: string): boolean {
  let hasVisible = false;
  let at = 0;
  while (at < text.length) {
    const end = scanRun(text, at, VCHAR);
    if (end > at) hasVisible = true;
    if (end < text.length && octetAt(text, end) !== SPACE) return false;
    at = end + 1;
  }
  return hasVisible;
}
