/** What RFC 3207 (STARTTLS), RFC 8314 (TLS for submission), RFC 8996 (no TLS before 1.2) and RFC 8446 ask of a server. */

import { application, line, met, row, type Requirement } from './requirement.js';

const SESSION = 'protocol/server-session.ts';
const STARTTLS = 'protocol/extensions/starttls.ts';
const DROPPED = line(
  'protocol/situation-changes.ts',
  'RFC 3207 §4.2: what came in clear, an attacker may have put there',
);
const AS_NEW = line(SESSION, 'The handshake is done: the session is as new');
const PROTECTION = line('protocol/command-gate.ts', 'What is missing before mail is taken: TLS (RFC 3207 §4)');
const OPERATOR = 'the operator';

/** The rows, RFC by RFC. */
export const REQUIREMENTS_TLS: readonly Requirement[] = [
  met(
    row(
      3207,
      '§4',
      'says',
      'The keyword is STARTTLS, without parameters; the verb is answered 220, and then the handshake begins.',
    ),
    [line(STARTTLS, "keyword: 'STARTTLS'"), line('protocol/standard-replies.ts', 'export const READY_FOR_TLS')],
    [
      'STARTTLS is offered in clear, takes no argument, and waits for EHLO and for the end of a transaction',
      'STARTTLS is offered where TLS can begin, and not on TLS',
      'without TLS there is no STARTTLS',
    ],
  ),
  met(
    row(3207, '§4', 'says', 'STARTTLS with an argument is answered 501.'),
    [line('protocol/command-rules.ts', "clause: 'RFC 3207 §4'")],
    ['STARTTLS is offered in clear, takes no argument, and waits for EHLO and for the end of a transaction'],
  ),
  application(
    row(
      3207,
      '§4',
      'MUST NOT',
      'A server in the MX records of a domain does not require TLS for the mail of that domain.',
    ),
    `${OPERATOR}: \`tls.mode\` is \`offer\` there`,
  ),
  met(
    row(
      3207,
      '§4',
      'SHOULD',
      'Where TLS is required, all but NOOP, EHLO, STARTTLS and QUIT is answered 530 with 5.7.0 before it.',
    ),
    [
      PROTECTION,
      line('protocol/command-gate.ts', 'RFC 3207 §4: before TLS, where it is required'),
      line('protocol/limits.ts', 'RFC 3207 §4. Nobody'),
    ],
    ['where TLS is required, every command but NOOP, EHLO, STARTTLS and QUIT is answered 530 before it'],
  ),
  met(
    row(3207, '§4.1', 'SHOULD', 'When the handshake was not enough, every command but QUIT is answered 554.'),
    [
      line('protocol/situation-changes.ts', 'that was greeted before: it hears so to every command'),
      line('server/situation-steps.ts', 'const isProved'),
    ],
    [
      'a client without the certificate that is required is answered 554 to everything but QUIT',
      'where TLS comes first, such a client is greeted with 554 and waited for until QUIT',
    ],
  ),
  met(
    row(
      3207,
      '§4.2',
      'MUST',
      'After the handshake the session begins anew, without a greeting; what the client said before is forgotten.',
    ),
    [AS_NEW, line('protocol/situation-changes.ts', 'RFC 3207 §4.2: there is no second greeting'), DROPPED],
    [
      'on TLS the client is not greeted again, and says EHLO before anything else',
      'what the client said before is forgotten: its name, and who it proved to be',
      'what came in clear behind STARTTLS is dropped',
    ],
  ),
  met(
    row(3207, '§4.2', 'MUST NOT', 'STARTTLS is not offered on TLS.'),
    [
      line(STARTTLS, 'RFC 3207 §4.2: not offered again on TLS'),
      line('protocol/standard-replies.ts', 'export const TLS_ACTIVE'),
    ],
    ['STARTTLS is not offered on TLS, and is answered 503', 'STARTTLS is offered where TLS can begin, and not on TLS'],
  ),
  application(
    row(3207, '§6', 'MUST', 'Whether what was agreed on is good enough is looked at.'),
    'the hooks, by `session.tls`; `tls.minVersion` and `tls.clientCertificates` do it for versions and certificates',
    [
      'hooks are told of the version, the cipher suite, the name asked for and the certificate',
      'a client without the certificate that is required is answered 554 to everything but QUIT',
    ],
    [line('net/tls-facts.ts', 'Reads the facts of a socket whose handshake is done')],
  ),

  met(
    row(8314, '§3.3', 'says', 'TLS begins with the first octet, and SMTP, its greeting first, when it is there.'),
    [
      line(SESSION, 'TLS comes before the greeting (RFC 8314 §3.3)'),
      line('server/channel-context.ts', 'RFC 8314 §3.3'),
    ],
    [
      'the handshake comes first, and the greeting behind it',
      'a client that speaks in clear where TLS comes first is told nothing',
    ],
  ),
  met(
    row(8314, '§3.3', 'SHOULD', 'Submission servers have STARTTLS on port 587 and TLS first on port 465.'),
    [line('server/tls-options.ts', 'RFC 8314 §3.3')],
    ['one server offers STARTTLS at one address, and has TLS first at another'],
  ),
  met(
    row(8314, '§3.4', 'SHOULD', 'A server that closes sends the alert that ends TLS first.'),
    [line('net/secure-transport.ts', 'const failure = handle.shutdown(this.#init.ways.newShutdownRequest());')],
    ['the server ends TLS with an alert before it closes'],
  ),
  application(
    row(8314, '§4.1', 'SHOULD', 'Submission in clear, and with old versions of TLS, is given up.'),
    `${OPERATOR}: \`tls.mode\` is \`require\` or \`implicit\` there; versions before 1.2 are not spoken`,
  ),
  met(
    row(8314, '§4.2', 'MUST NOT', 'No certificate is asked of clients unless the server can make something of it.'),
    [line('server/server-tls.ts', "requestCert: clientCertificates !== 'ignore'")],
    ['no certificate is asked of a client unless the server is told to'],
  ),
  application(
    row(8314, '§4.3', 'SHOULD', 'The cipher suite is written into the Received field.'),
    'whoever writes the field: `session.tls.cipher` has the name',
    ['hooks are told of the version, the cipher suite, the name asked for and the certificate'],
    [line('net/tls-facts.ts', "The cipher suite's name in the IETF registry")],
  ),
  application(row(8314, '§4.4', 'MUST', 'The certificate is valid, and for the names that clients ask for.'), OPERATOR),

  ...(['§4', '§5'] as const).map((clause) =>
    met(
      row(8996, clause, 'MUST NOT', `TLS ${clause === '§4' ? '1.0' : '1.1'} is never agreed on.`),
      [
        line('server/tls-options.ts', 'what is older is not secure (RFC 8996)'),
        line('server/tls-certificates.ts', 'RFC 8996: nobody is to speak a version below 1.2'),
      ],
      ['the version %s is refused', 'the versions 1.2 and 1.3 are spoken', 'no server can be told to speak older ones'],
    ),
  ),

  met(
    row(8446, '§5.1', 'says', 'A handshake begins with a record of type 22, which no command begins with.'),
    [line('protocol/command-reader.ts', 'RFC 8446 §5.1')],
    ['a client that begins TLS where it is not expected is answered once and let go'],
  ),
];
