/**
 * What is asked of mail on its way to another server: where it goes (RFC 5321 §5.1, RFC 7505), what its trace says, and what a client
 * hears of what became of it (RFC 3463). How the next server is spoken to is in `requirements-client.ts`.
 */

import { differs, line, met, row, type Requirement } from './requirement.js';

const LOOKUP = 'client/mx-lookup.ts';
const TRACE = 'protocol/trace-header.ts';
const UPSTREAMS = 'handlers/proxy/upstreams.ts';
const UPSTREAM_REPLY = 'handlers/proxy/upstream-reply.ts';
const FINAL = 'handlers/proxy/final-delivery.ts';
const CODES = line(UPSTREAM_REPLY, 'RFC 3463 §3.5: 4.4.1 no answer from host');
const HAS_A_REPLY = 'has a reply of its own: %s';
const WHY_NOT = 'mx: of %s the client hears why not';

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
    row(7505, '§4.1', 'SHOULD', 'A recipient whose domain has a null MX is refused with 556 and 5.1.10.'),
    [line(UPSTREAMS, 'RFC 7505 §4.1')],
    [WHY_NOT],
  ),

  met(
    row(5321, '§4.2.2', 'says', 'Whoever says 421 closes: of an upstream that leaves, a client that stays hears 451.'),
    [line(UPSTREAM_REPLY, 'Only 421 becomes 451')],
    ['421 becomes 451, with the same words: it is not we who leave', 'is passed on as it is: %s'],
  ),
  met(
    row(
      3463,
      '§3.5',
      'says',
      '4.4.1: no answer; 4.4.2: the connection failed; 4.4.3: a directory, or DNS, did; 5.4.6: mail goes in a circle.',
    ),
    [CODES, line(UPSTREAMS, 'RFC 3463 §3.5'), line('handlers/mailman-proxy.ts', 'RFC 3463 §3.5')],
    [
      HAS_A_REPLY,
      WHY_NOT,
      'a message with 100 Received fields goes on, one with 101 is looping',
      'defers whom nobody knows about, says why in the log, and goes on with others',
    ],
  ),
  met(row(3463, '§3.6', 'says', '4.5.0: something of the protocol went wrong.'), [CODES], [HAS_A_REPLY]),
  met(
    row(3463, '§3.8', 'says', '4.7.5: cryptography failed; 5.7.1: the sender may not send there.'),
    [CODES, line('handlers/pure-proxy.ts', 'RFC 3463 §3.8: 5.7.1')],
    [
      HAS_A_REPLY,
      'a recipient that none has a route for is not passed on',
      'whoever may not is told to authenticate where that would help',
    ],
  ),
  met(
    row(3461, '§5.2.7.1', 'says', 'For a message to a list the list is the end: what was asked for goes no further.'),
    [line(FINAL, 'that ends the way of the message (RFC 3461 §5.2.7)')],
    ['ends at a list, and goes on to others'],
  ),
  differs(
    row(3461, '§5.2.7.1', 'MUST', 'NOTIFY=SUCCESS for the address of a list is answered with a report of delivery.'),
    'A proxy sends no reports, so it refuses such a recipient with 555, and its client knows that nobody will tell.',
    [line(FINAL, 'const NOBODY_REPORTS')],
    ['cannot be success, of which nobody would tell'],
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
