/** What is asked of mail on its way to another server: where it goes (RFC 5321 §5.1, RFC 7505), and what its trace says. */

import { line, met, row, type Requirement } from './requirement.js';

const LOOKUP = 'client/mx-lookup.ts';
const TRACE = 'protocol/trace-header.ts';

/** The rows, RFC by RFC. */
export const REQUIREMENTS_ONWARD: readonly Requirement[] = [
  met(
    row(
      5321,
      '§5.1',
      'MUST',
      'Where mail goes on to is looked up in the DNS, MX records first, and aliases are followed.',
    ),
    [line(LOOKUP, 'await ask(resolver.resolveMx(name))')],
    ['are in the order of their preference', 'are found behind an alias'],
  ),
  met(
    row(5321, '§5.1', 'MUST', 'A domain without MX and with an address is its own host, with preference 0.'),
    [line(LOOKUP, 'RFC 5321 §5.1: a domain without MX')],
    ['are the domain itself where it has no MX but an address of %s'],
  ),
  met(
    row(5321, '§5.1', 'MUST', 'Where there are MX records and none is of use, that is an error.'),
    [line(LOOKUP, 'RFC 5321 §5.1: when there are MX records and none is of use')],
    ['that %s is no such domain'],
  ),
  met(
    row(5321, '§5.1', 'MUST', 'What DNS does not say for certain is an error for the time being.'),
    [line(LOOKUP, 'RFC 5321 §5.1: only what DNS says for certain')],
    ['is temporarily unknown: %s'],
  ),
  met(
    row(5321, '§5.1', 'MUST', 'Hosts of equal preference are tried in an order that chance decides.'),
    [line(LOOKUP, 'RFC 5321 §5.1: hosts of equal preference')],
    ['are in any order where they are equal, each as likely, and only there'],
  ),
  met(
    row(
      5321,
      '§5.1',
      'MUST',
      'A relay that is among the hosts passes over itself and all that are not preferred to it.',
    ),
    [line(LOOKUP, 'RFC 5321 §5.1: where we are among the hosts')],
    ['are taken out, with all hosts that are not nearer', 'where one is the best host of %s, mail would come back'],
  ),
  met(
    row(5321, '§6.3', 'says', 'Received fields are counted, by which loops are noticed.'),
    [line('protocol/content-pass.ts', 'RFC 5321 §6.3: the `Received` fields')],
    ['are counted in the header alone, in any case, each once, and not in folded lines'],
  ),
  met(
    row(5321, '§7.2', 'SHOULD NOT', 'The `for` of a Received field shows no recipient to another.'),
    [line(TRACE, 'RFC 5321 §7.2: `for` would show')],
    ['is for a recipient that is alone, and nobody else: %j'],
  ),
  met(
    row(6532, '§3.2', 'says', 'Header fields under SMTPUTF8 may have UTF-8.'),
    [line(TRACE, 'RFC 6532 §3.2')],
    ['has a name beyond ASCII under SMTPUTF8, of letters alone'],
  ),
  met(
    row(7505, '§3', 'says', 'A domain whose one MX names the root takes no mail, and its address is not tried.'),
    [line(LOOKUP, 'RFC 7505 §3: an MX that names the root')],
    ['says so itself by the null MX'],
  ),
  met(
    row(7505, '§3', 'MUST NOT', 'A null MX beside others says nothing.'),
    [line(LOOKUP, 'RFC 7505 §3: an MX that names the root')],
    ['is not one where the null MX stands beside another'],
  ),
  met(
    row(8314, '§7.3', 'says', 'Submission over TLS from the start has port 465.'),
    [line('client/destination.ts', 'RFC 8314 §7.3')],
    ['%s is read, frozen, and written so that it is read again'],
  ),
  met(
    row(1035, '§2.3.4', 'says', 'A label has 63 octets at most.'),
    [line('client/ascii-domain.ts', 'RFC 1035 §2.3.4')],
    ['%j is no domain'],
  ),
];
