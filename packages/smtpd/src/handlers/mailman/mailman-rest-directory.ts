/**
 * Knows Mailman's addresses by asking its REST API: the set of its domains, and one list at a time. What it was told it keeps for a time, so
 * that mail for lists that are known goes on while Mailman's REST API is away.
 */

import { systemClock, type Clock } from '../../net/clock.js';
import { UsageError } from '../../protocol/errors.js';
import { CachedAnswers } from './cached-answers.js';
import { asciiLowerCase, mailmanCandidates, mailmanDomain, type MailmanRecipient } from './mailman-address.js';
import type { MailmanAnswer, MailmanDirectory } from './mailman-directory.js';

/** Where the REST API is, and how long its answers are good. */
export interface MailmanRESTOptions {
  /** Such as `http://127.0.0.1:8001`. */
  readonly url: string;
  /** `admin_user` of Mailman's `[webservice]`. */
  readonly user: string;
  /** `admin_pass` of Mailman's `[webservice]`. */
  readonly password: string;
  /** How long the set of domains is not asked for again, in ms. Default: 60,000. */
  readonly domainsMs?: number;
  /** How long a list that is there is not asked about again, in ms. Default: 300,000. */
  readonly hitMs?: number;
  /** How long a list that is not there is not asked about again, in ms. Default: 30,000. */
  readonly missMs?: number;
  /** How long domains and lists are believed to be there beyond that when nobody can be asked, in ms. Default: 86,400,000. */
  readonly staleMs?: number;
  /** How long nothing is asked after a question had no answer, in ms. Default: 1,000. */
  readonly failureMs?: number;
  /** How long one question may take, in ms. Default: 5,000. */
  readonly timeoutMs?: number;
  /** How many lists are kept, those that are not there included. Default: 10,000. */
  readonly entriesMax?: number;
  /** Octets of the largest answer that is read. Default: 1,048,576. */
  readonly responseBytesMax?: number;
  readonly clock?: Clock;
}

/**
 * A directory that asks the REST API.
 *
 * @example
 * ```ts
 * const directory = new MailmanRESTDirectory({ url: 'http://127.0.0.1:8001', user: 'restadmin', password });
 * await directory.lookUp({ localPart: 'staff-join', domain: 'lists.example' });
 * // { kind: 'known', list: 'staff@lists.example', role: 'join', isStale: false }
 * ```
 */
export class MailmanRESTDirectory implements MailmanDirectory {
  readonly #options: Required<MailmanRESTOptions>;
  readonly #domains: CachedAnswers<ReadonlySet<string>>;
  readonly #lists: CachedAnswers<boolean>;
  /** The last question that had no answer. */
  #failure: { readonly error: Error; readonly at: number } | undefined;

  /** @throws {@link UsageError} `SMTPD_BAD_OPTION` */
  constructor(options: MailmanRESTOptions) {
    this.#options = { ...DEFAULTS, ...options, url: checkURL(options.url) };
    const { clock, domainsMs, hitMs, missMs, staleMs, entriesMax } = this.#options;
    this.#domains = new CachedAnswers({
      clock,
      ask: () => this.#askForDomains(),
      timesOf: () => ({ freshMs: domainsMs, staleMs }),
      entriesMax: 1,
    });
    this.#lists = new CachedAnswers({
      clock,
      ask: (list) => this.#askForList(list),
      // That a list was not there says little when nobody can be asked: it may have been made since.
      timesOf: (isThere) => (isThere ? { freshMs: hitMs, staleMs } : { freshMs: missMs, staleMs: 0 }),
      entriesMax,
    });
  }

  async lookUp(
    recipient: MailmanRecipient,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<MailmanAnswer> {
    const domain = mailmanDomain(recipient);
    if (domain === undefined) return NOT_OURS;
    let failure: unknown;
    try {
      const { value: domains } = await this.#domains.get('', signal);
      if (!domains.has(domain)) return NOT_OURS;
    } catch (error) {
      signal?.throwIfAborted();
      return { kind: 'unavailable', reason: reasonOf(error) };
    }
    for (const { list, role } of mailmanCandidates(recipient)) {
      try {
        const { value: isThere, isStale } = await this.#lists.get(list, signal);
        if (isThere) return { kind: 'known', list, role, isStale };
      } catch (error) {
        signal?.throwIfAborted();
        // The address may still be one of a list that is known.
        failure = error;
      }
    }
    return failure === undefined ? NO_SUCH_LIST : { kind: 'unavailable', reason: reasonOf(failure) };
  }

  async #askForDomains(): Promise<ReadonlySet<string>> {
    return this.#ask('/3.1/domains', ({ status, text }) => {
      if (status !== 200) throw unexpected(status);
      return readDomains(text);
    });
  }

  async #askForList(list: string): Promise<boolean> {
    return this.#ask(`/3.1/lists/${encodeURIComponent(list)}`, ({ status }) => {
      if (status === 200) return true;
      if (status === 404) return false;
      throw unexpected(status);
    });
  }

  async #ask<Value>(path: string, read: (answer: RESTAnswer) => Value): Promise<Value> {
    const { clock, failureMs } = this.#options;
    if (this.#failure !== undefined && clock.now() - this.#failure.at < failureMs) throw this.#failure.error;
    try {
      const value = read(await get(path, this.#options));
      this.#failure = undefined;
      return value;
    } catch (error) {
      const failure = new Error(`Mailman's REST API: ${reasonOf(error)}`, { cause: error });
      this.#failure = { error: failure, at: clock.now() };
      throw failure;
    }
  }
}

interface RESTAnswer {
  readonly status: number;
  readonly text: string;
}

/** One question on a connection of its own: Mailman closes idle ones after two seconds, which would meet every other question. */
async function get(path: string, options: Required<MailmanRESTOptions>): Promise<RESTAnswer> {
  const { url, user, password, clock, timeoutMs, responseBytesMax } = options;
  // Loaded with the first question: most programs have no Mailman.
  const { request } = await (url.startsWith('https:') ? import('node:https') : import('node:http'));
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { agent: false, auth: `${user}:${password}` });
    const fail = (error: Error): void => {
      cancelTimer();
      reject(error);
      asked.destroy();
    };
    const cancelTimer = clock.setTimer(() => {
      fail(new Error(`no answer within ${String(timeoutMs)} ms`));
    }, timeoutMs);
    asked.on('error', fail);
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      let lengthBytes = 0;
      response.on('error', fail);
      response.on('data', (chunk: Buffer) => {
        lengthBytes += chunk.length;
        chunks.push(chunk);
        if (lengthBytes > responseBytesMax)
          fail(new Error(`an answer of more than ${String(responseBytesMax)} octets`));
      });
      response.on('end', () => {
        cancelTimer();
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    asked.end();
  });
}

function readDomains(text: string): ReadonlySet<string> {
  const body: unknown = JSON.parse(text);
  if (typeof body !== 'object' || body === null || !('total_size' in body))
    throw new Error('this is no list of domains');
  // Without any domain there are no entries.
  const entries: readonly unknown[] = 'entries' in body && Array.isArray(body.entries) ? body.entries : [];
  return new Set(
    entries.map((entry) => {
      if (typeof entry === 'object' && entry !== null && 'mail_host' in entry && typeof entry.mail_host === 'string')
        return asciiLowerCase(entry.mail_host);
      throw new Error('this is no list of domains');
    }),
  );
}

function unexpected(status: number): Error {
  return new Error(status === 401 ? 'the user and the password are refused (401)' : `status ${String(status)}`);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function checkURL(text: string): string {
  if (/^https?:\/\/[^/?#@]+\/?$/.test(text) && URL.canParse(text)) return text.replace(/\/$/, '');
  throw new UsageError(
    'SMTPD_BAD_OPTION',
    `url is where the REST API is, such as http://127.0.0.1:8001, not ${JSON.stringify(text)}`,
  );
}

const NOT_OURS: MailmanAnswer = Object.freeze({ kind: 'unknown', isListDomain: false });
const NO_SUCH_LIST: MailmanAnswer = Object.freeze({ kind: 'unknown', isListDomain: true });
const DEFAULTS = Object.freeze({
  domainsMs: 60_000,
  hitMs: 300_000,
  missMs: 30_000,
  staleMs: 86_400_000,
  failureMs: 1_000,
  timeoutMs: 5_000,
  entriesMax: 10_000,
  responseBytesMax: 1_048_576,
  clock: systemClock,
});
