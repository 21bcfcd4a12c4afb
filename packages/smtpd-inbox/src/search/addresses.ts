/** Mail addresses as they are compared. Nothing is looked up, and nothing here says that an address is a correct one. */

/**
 * The address in what a header says of somebody: `Ann Onym <ann@a.example>` → `ann@a.example`.
 *
 * @example
 * ```ts
 * addressIn('"Ann <x>" <ann@a.example>'); // 'ann@a.example'
 * ```
 */
export function addressIn(mailbox: string): string {
  const text = mailbox.trim();
  const start = text.lastIndexOf('<');
  return start !== -1 && text.endsWith('>') ? text.slice(start + 1, -1) : text;
}

/**
 * One form for all ways to write an address: the domain in lower case and A-labels (RFC 5890). The local part stays as it is, since its
 * case may mean something (RFC 5321 §2.4).
 *
 * @example
 * ```ts
 * canonicalAddress('Ann@BÜCHER.example'); // 'Ann@xn--bcher-kva.example'
 * ```
 */
export function canonicalAddress(address: string): string {
  const at = address.lastIndexOf('@');
  return at === -1 ? address : `${address.slice(0, at + 1)}${canonicalDomain(address.slice(at + 1))}`;
}

/** The domain in lower case and A-labels. What is no domain name, such as an address literal, has only its case. */
export function canonicalDomain(domain: string): string {
  // The conversion is made for URLs, where `0x7f.1` is an IP address: it is asked only where there is something to convert.
  if (!INTERNATIONAL_DOMAIN.test(domain)) return domain.toLowerCase();
  try {
    return new URL(`http://${domain}/`).hostname;
  } catch {
    return domain.toLowerCase();
  }
}

/** Some letter beyond ASCII, and nothing that ends the host of a URL; a star is part of a pattern. */
const INTERNATIONAL_DOMAIN = /^(?=.*[^\0-\x7f])[\p{L}\p{M}\p{N}._*-]+$/u;
