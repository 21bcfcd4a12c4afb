/** What `--debug` prints: one line an event, as `name=value` pairs in a fixed order, for people and for programs alike. */

import { formatBoundAddress, type SMTPServer, type SMTPServerEvents } from '../index.js';
import { messageOf } from './command-error.js';
import { asLine } from './terminal.js';

type Fields = Readonly<Record<string, string | number | undefined>>;

/**
 * Tells of each event of a server.
 *
 * @param besides - what stands at the end of each line
 */
export function tellEvents(server: SMTPServer, besides: Fields, writeLine: (line: string) => void): void {
  for (const name of EVENT_NAMES) {
    // The table has one row for each event, so the two fit; the compiler cannot follow that through a union.
    const fieldsOf = FIELDS[name] as (event: unknown) => Fields;
    server.on(name, (event) => {
      writeLine(formatEvent(name, { ...fieldsOf(event), ...besides }));
    });
  }
}

/**
 * One line. A value that is not a plain word is quoted as JSON quotes it.
 *
 * @example
 * ```ts
 * formatEvent('command', { verb: 'MAIL', argument: 'FROM:<a@b> SIZE=1' });
 * // 'debug event=command verb=MAIL argument="FROM:<a@b> SIZE=1"'
 * ```
 */
export function formatEvent(event: string, fields: Fields): string {
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${formatValue(String(value))}`);
  return ['debug', `event=${event}`, ...pairs].join(' ');
}

function formatValue(value: string): string {
  return PLAIN.test(value) ? value : asLine(JSON.stringify(value));
}

const FIELDS: { readonly [Name in keyof SMTPServerEvents]: (event: SMTPServerEvents[Name]) => Fields } = {
  listening: ({ addresses }) => ({ addresses: addresses.map(formatBoundAddress).join(',') }),
  connect: ({ session }) => ({ session: session.id, peer: session.peer.address, port: session.peer.port }),
  command: ({ session, verb, argument }) => ({ session: session.id, verb, argument }),
  reply: ({ session, reply }) => ({ session: session.id, reply: reply.toString() }),
  message: ({ session, mailFrom, rcptTos, sizeBytes, reply }) => ({
    ...{ session: session.id, sender: mailFrom, recipients: rcptTos.join(','), size: sizeBytes, code: reply.code },
  }),
  limit: ({ limit, peer, session }) => ({ session: session?.id, limit, peer: peer.address }),
  violation: ({ session, violation }) => ({ session: session.id, violation, peer: session.peer.address }),
  secured: ({ session, tls }) => ({ session: session.id, version: tls.version, cipher: tls.cipher }),
  handshakeFailed: ({ session, error }) => ({ session: session.id, error: messageOf(error) }),
  auth: ({ session, mechanism, user, isAccepted }) => ({
    ...{ session: session.id, mechanism, user, outcome: isAccepted ? 'accepted' : 'refused' },
  }),
  disconnect: ({ session, reason }) => ({ session: session.id, reason }),
  fault: ({ error, session, incident }) => ({ session: session?.id, incident, error: messageOf(error) }),
  closing: () => ({}),
  close: () => ({}),
};
const EVENT_NAMES = Object.keys(FIELDS) as (keyof SMTPServerEvents)[];
const PLAIN = /^[\w.:@<>[\]/+,-]+$/;
