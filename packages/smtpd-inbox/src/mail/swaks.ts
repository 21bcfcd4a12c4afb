/**
 * A session as a `swaks` command line that says it again, for a POSIX shell. Addresses come from anybody: every word that is not plainly
 * harmless stands in single quotes.
 */

import type { Envelope, Session, TranscriptLine } from '../api/model.js';

/**
 * The command line. What swaks has no words for (parameters of MAIL and RCPT, an address with a comma, anything that begins with a hyphen) stands in comments before it.
 *
 * @example
 * ```ts
 * swaksCommand({
 *   envelope: { mailFrom: 'ann@a.example', rcptTos: ['bob@b.example'], mailOptions: [], rcptOptions: [[]] },
 *   session: { peer: { address: '127.0.0.1', port: 40_000 }, clientName: 'a.example', protocol: 'ESMTP' },
 *   transcript: [],
 *   server: { host: '127.0.0.1', port: 1025 },
 * });
 * // swaks --server 127.0.0.1 --port 1025 --ehlo a.example --from ann@a.example --to bob@b.example --data @message.eml
 * ```
 */
export function swaksCommand(said: {
  readonly envelope: Envelope;
  readonly session: Session;
  readonly transcript: readonly TranscriptLine[];
  readonly server: { readonly host: string; readonly port: number };
}): string {
  const { envelope, session, transcript, server } = said;
  const leftOut: string[] = [];
  const options: string[] = [];
  const say = (name: string, value: string, what: string): void => {
    // Whatever stands before it, swaks takes what begins with a hyphen for an option.
    if (value.startsWith('-')) leftOut.push(what);
    else options.push(name, shellWord(value));
  };
  const protocol = (session.protocol ?? 'ESMTP').toUpperCase();
  options.push('--server', shellWord(server.host), '--port', String(server.port));
  // The keywords of RFC 3848 and 6531; TLS and AUTH have options of their own.
  if (protocol.includes('LMTP')) options.push('--protocol', 'LMTP');
  else if (protocol === 'SMTP') options.push('--protocol', 'SMTP');
  const { clientName = '', tls, identity } = session;
  if (clientName !== '') say('--ehlo', clientName, `EHLO ${clientName}`);
  if (tls !== undefined) {
    const isStarted = transcript.some(({ from, text }) => from === 'client' && /^STARTTLS\s*$/i.test(text));
    options.push(isStarted ? '--tls' : '--tls-on-connect');
    const { serverName = '' } = tls;
    if (serverName !== '') say('--tls-sni', serverName, `the TLS server name ${serverName}`);
  }
  if (identity !== undefined) {
    const mechanism = identity.mechanism.toUpperCase();
    if (MECHANISMS.has(mechanism)) {
      options.push('--auth', mechanism);
      say('--auth-user', identity.user, `the user ${identity.user}`);
      options.push('--auth-password', 'PASSWORD');
    } else {
      leftOut.push(`AUTH ${mechanism}`);
    }
  }
  if (isPipelined(transcript)) options.push('--pipeline');
  say('--from', envelope.mailFrom === '' ? '<>' : envelope.mailFrom, `MAIL FROM:<${envelope.mailFrom}>`);
  if (envelope.mailOptions.length > 0) leftOut.push(`of MAIL: ${envelope.mailOptions.join(' ')}`);
  const recipients = envelope.rcptTos.filter((address) => {
    // It divides its list at every comma, quoted or not.
    const isSayable = !address.includes(',') && !address.startsWith('-');
    if (!isSayable) leftOut.push(`RCPT TO:<${address}>`);
    return isSayable;
  });
  for (const [index, parameters] of envelope.rcptOptions.entries()) {
    if (parameters.length > 0) leftOut.push(`of RCPT TO:<${envelope.rcptTos[index] ?? ''}>: ${parameters.join(' ')}`);
  }
  if (recipients.length > 0) options.push('--to', shellWord(recipients.join(',')), '--data', '@message.eml');
  else options.push('--quit-after', 'MAIL');
  return [
    ...leftOut.map((what) => `# swaks cannot say ${what.replace(CONTROL, '?')}`),
    ['swaks', ...options].join(' '),
  ].join('\n');
}

/** A word for a POSIX shell, that means exactly this text. A NUL, which no argument can have, is left out. */
export function shellWord(text: string): string {
  const sayable = text.replaceAll('\0', '');
  return HARMLESS.test(sayable) ? sayable : `'${sayable.replaceAll("'", String.raw`'\''`)}'`;
}

/** Whether the client sent a command before it had the reply to the one before it. */
function isPipelined(transcript: readonly TranscriptLine[]): boolean {
  return transcript.some((line, index) => {
    const next = transcript[index + 1];
    return (
      line.from === 'client' &&
      next?.from === 'client' &&
      /^(?:MAIL|RCPT) /i.test(line.text) &&
      /^(?:RCPT |DATA\s*$)/i.test(next.text)
    );
  });
}

const HARMLESS = /^[A-Za-z0-9@%+:,./=_-]+$/;
const CONTROL = /[\p{Cc}\u2028\u2029]/gu;
const MECHANISMS: ReadonlySet<string> = new Set(['PLAIN', 'LOGIN', 'CRAM-MD5', 'DIGEST-MD5', 'NTLM']);
