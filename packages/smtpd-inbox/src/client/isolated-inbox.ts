/** An inbox of one's own: mail to its addresses, or from its AUTH user, is in it and nowhere else. */

import type { Inbox, Info } from '../api/model.js';
import type { Connection } from './connection.js';
import { MailView } from './mail-view.js';

/** What a program that sends mail is told. */
export interface SMTPSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Whether TLS is spoken from the first octet. */
  readonly isSecure: boolean;
}

/** Where SMTP is spoken, when it is not where the server thinks: behind a mapped port, in a container. */
export interface SMTPAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * An inbox of one's own.
 *
 * @example
 * ```ts
 * import { InboxClient } from 'smtpd-inbox/client';
 *
 * async function withOwnInbox(client: InboxClient): Promise<void> {
 *   await using inbox = await client.createInbox();
 *   console.log(inbox.smtpURL, inbox.address('bob'));
 *   await inbox.waitFor({ subject: 'Welcome' });
 * }
 * ```
 */
export class IsolatedInbox extends MailView implements AsyncDisposable {
  readonly name: string;
  /** How mail gets here from any address to any address: by who authenticates. */
  readonly smtp: SMTPSettings;
  /** The inbox as the API has it. */
  readonly facts: Inbox;

  /** Made by the client. */
  constructor(connection: Connection, facts: Inbox, smtp: SMTPSettings) {
    super(connection, facts.name);
    this.name = facts.name;
    this.facts = facts;
    this.smtp = smtp;
  }

  /** The same as a URL, as nodemailer and many others take it: `smtp://user:password@127.0.0.1:1025`. */
  get smtpURL(): string {
    const { host, port, user, password, isSecure } = this.smtp;
    const name = host.includes(':') ? `[${host}]` : host;
    const credentials = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
    return `${isSecure ? 'smtps' : 'smtp'}://${credentials}@${name}:${String(port)}`;
  }

  /** An address whose mail comes here without AUTH. @param localPart Default: `mail` */
  address(localPart = 'mail'): string {
    return `${localPart}${this.facts.addressSuffix}`;
  }

  /** An address in another domain whose mail comes here: `ann+k3f9@a.example`. */
  addressAt(domain: string, localPart = 'mail'): string {
    return `${localPart}${this.facts.tag}@${domain}`;
  }

  /** Takes the inbox away, with its mail and its faults. */
  async remove(): Promise<void> {
    await this.faults.clear();
    await this.connection.json({ method: 'DELETE', path: `inboxes/${encodeURIComponent(this.name)}` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.remove();
  }
}

/** How an inbox is written to: by what the server says of itself, or by what the client was told. */
export function smtpSettings(
  { user, password }: Pick<Inbox, 'user' | 'password'>,
  { smtp }: Pick<Info, 'smtp'>,
  told: SMTPAddress | undefined,
): SMTPSettings | undefined {
  const address = told ?? smtp.find(({ tls }) => tls !== 'implicit') ?? smtp[0];
  if (address === undefined) return undefined;
  const isSecure = told === undefined && smtp.every(({ tls }) => tls === 'implicit');
  return { host: address.host, port: address.port, user, password, isSecure };
}
