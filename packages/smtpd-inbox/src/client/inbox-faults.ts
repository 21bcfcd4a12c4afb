/** Faults on demand, from a test: what is to go wrong, how often, and for whom. */

import type { Fault, FaultStage, NewFault } from '../api/model.js';
import { InboxError } from './client-errors.js';
import type { Connection } from './connection.js';

/** What is to go wrong besides its stage. */
export type FaultDetails = Omit<NewFault, 'stage'>;

/**
 * The faults of an inbox; those of an isolated inbox happen to its own mail and to nobody else's.
 *
 * @example
 * ```ts
 * import { InboxClient } from 'smtpd-inbox/client';
 *
 * async function refuseOnce(client: InboxClient): Promise<void> {
 *   await client.faults.next('rcpt', '452 4.2.2 Mailbox full');
 * }
 * ```
 */
export class InboxFaults {
  readonly #connection: Connection;
  readonly #inbox: string | undefined;

  /** Made by the client. */
  constructor(connection: Connection, inbox: string | undefined) {
    this.#connection = connection;
    this.#inbox = inbox;
  }

  /** Adds a fault that stays until it is taken away, or until it has happened `times` times. */
  async add(fault: NewFault): Promise<InboxFault> {
    const inbox = this.#inbox === undefined ? {} : { inbox: this.#inbox };
    const added = await this.#connection.json<Fault>({ method: 'POST', path: 'faults', json: { ...inbox, ...fault } });
    return new InboxFault(this, added);
  }

  /**
   * Makes the next session that comes to `stage` fail.
   *
   * @param reply a code, a reply such as `452 4.2.2 Mailbox full`, or what else is to happen: `{ disconnect: 'insteadOfReply' }`
   * @param rest more of it, and how often: `{ times: 2, to: 'bob@b.example' }`
   */
  next(stage: FaultStage, reply: number | string | FaultDetails, rest: FaultDetails = {}): Promise<InboxFault> {
    return this.add({ times: 1, ...parseReply(reply), ...rest, stage });
  }

  /** The faults there are, and how often each has happened. */
  async list(): Promise<readonly Fault[]> {
    const faults = await this.#connection.json<Fault[]>({ path: 'faults' });
    return this.#inbox === undefined ? faults : faults.filter(({ inbox }) => inbox === this.#inbox);
  }

  /** Takes a fault away. */
  async remove(fault: string | { readonly id: string }): Promise<void> {
    const id = typeof fault === 'string' ? fault : fault.id;
    await this.#connection.json({ method: 'DELETE', path: `faults/${encodeURIComponent(id)}` });
  }

  /** Takes all of them away; of an isolated inbox only its own. */
  async clear(): Promise<void> {
    if (this.#inbox === undefined) await this.#connection.json({ method: 'DELETE', path: 'faults' });
    else for (const fault of await this.list()) await this.remove(fault);
  }
}

/** A fault that was added. */
export class InboxFault {
  readonly #faults: InboxFaults;
  readonly fault: Fault;

  /** Made by {@link InboxFaults}. */
  constructor(faults: InboxFaults, fault: Fault) {
    this.#faults = faults;
    this.fault = fault;
  }

  get id(): string {
    return this.fault.id;
  }

  /** How often it has happened until now. @throws InboxError `NOT_FOUND` when it was taken away */
  async hits(): Promise<number> {
    const fault = (await this.#faults.list()).find(({ id }) => id === this.id);
    if (fault === undefined) throw new InboxError('NOT_FOUND', `There is no fault "${this.id}" any more.`);
    return fault.hits;
  }

  /** Takes it away. */
  remove(): Promise<void> {
    return this.#faults.remove(this);
  }
}

function parseReply(reply: number | string | FaultDetails): FaultDetails {
  if (typeof reply === 'number') return { code: reply };
  if (typeof reply === 'object') return reply;
  const [, code, text = ''] = /^([45]\d\d)(?: (.+))?$/.exec(reply) ?? [];
  if (code === undefined) {
    throw new InboxError('BAD_OPTION', `"${reply}" is no reply that refuses: one looks like 452 4.2.2 Mailbox full.`);
  }
  return { code: Number(code), ...(text === '' ? {} : { text }) };
}
