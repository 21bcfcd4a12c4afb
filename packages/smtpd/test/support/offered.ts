/** A session whose server has some extensions: what it offers, how it answers parameters, and what the application would see. */

import type { Extension, OfferFacts } from '../../src/protocol/extension.js';
import type { EnvelopeOptions } from '../../src/protocol/extensions/envelope-options.js';
import { formatOptions } from '../../src/protocol/session-state.js';
import { PureClient, type PureSetup } from './pure-client.js';

/** How one MAIL or RCPT was answered. */
export interface Answer {
  readonly code: number | undefined;
  readonly enhanced: string | undefined;
  /** What the application would see; empty when it was refused. */
  readonly options: readonly string[];
}

/** The server's side of a session that has said EHLO. */
export class Offered {
  readonly client: PureClient;
  /** The lines of the EHLO reply behind the host name. */
  readonly lines: readonly string[];

  constructor(extensions: readonly Extension[], facts: Partial<OfferFacts> = {}, setup: PureSetup = {}) {
    this.client = new PureClient({ ...setup, extensions, facts });
    this.client.send('EHLO client.example\r\n');
    this.lines = this.client.replies.at(-1)?.lines.slice(1) ?? [];
  }

  /** What is offered behind a keyword; `undefined` when it is not offered. */
  offer(keyword: string): string | undefined {
    return this.lines.find((line) => line === keyword || line.startsWith(`${keyword} `));
  }

  /** Sends MAIL with parameters, each octet one character, and takes it back. */
  mail(parameters: string): Answer {
    const answer = this.#send(`MAIL FROM:<a@example.org> ${parameters}`);
    const options = formatOptions(this.client.session.envelope?.parameters ?? []);
    this.client.send('RSET\r\n');
    return { ...answer, options };
  }

  /** Sends RCPT with parameters in a transaction of its own. */
  rcpt(parameters: string): Answer {
    this.client.send('MAIL FROM:<a@example.org>\r\n');
    const answer = this.#send(`RCPT TO:<b@example.net> ${parameters}`);
    const options = formatOptions(this.client.session.envelope?.recipients[0]?.parameters ?? []);
    this.client.send('RSET\r\n');
    return { ...answer, options };
  }

  /** The parameters of an envelope with these commands, as the application would see them. */
  envelope(mail: string, ...recipients: readonly string[]): EnvelopeOptions {
    this.client.send(`MAIL FROM:<a@example.org> ${mail}\r\n`);
    for (const rcpt of recipients) this.client.send(`RCPT TO:<b@example.net> ${rcpt}\r\n`);
    const { parameters, recipients: accepted } = this.client.session.envelope!;
    this.client.send('RSET\r\n');
    return {
      mailOptions: formatOptions(parameters),
      rcptOptions: accepted.map((recipient) => formatOptions(recipient.parameters)),
    };
  }

  #send(command: string): Omit<Answer, 'options'> {
    const [reply] = this.client.send(`${command}\r\n`);
    return { code: reply?.code, enhanced: reply?.lines[0]?.split(' ')[0] };
  }
}
