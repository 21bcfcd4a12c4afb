/**
 * A server for people who test what sends mail: on a free port, with what arrived, waits that explain themselves, and faults on
 * demand. This file is its public face; the server itself is in `scripted-server.ts`.
 */

import type { PassageOptions } from '../handlers/proxy/gathered-passage.js';
import { refuseUnknown, type OwnOptions, type SMTPServerOptions } from '../server/server-options.js';
import type { CloseOptions, SMTPServer } from '../server/server.js';
import type { Fault, FaultHandle, FaultOptions, FaultStage } from './faults.js';
import {
  checkMatch,
  describe,
  describeMatcher,
  MESSAGE_MATCH_KEYS,
  mismatchesOf,
  type MessageMatcher,
} from './message-match.js';
import { ScriptedServer } from './scripted-server.js';
import { badOption, checkNames, TestServerError } from './test-server-error.js';
import type { TestMessage } from './test-message.js';
import type { TestSession } from './test-session.js';

/** The options of a test server: those of `SMTPServer` that make sense here, and where it listens. */
export interface TestServerOptions extends Omit<
  SMTPServerOptions,
  'localAddress' | 'remoteAddress' | 'channels' | 'decodeData' | 'backlog'
> {
  /** Default: `127.0.0.1`. `localhost` is both 127.0.0.1 and ::1. */
  readonly host?: string;
  /** Default: 0, a port that is free. */
  readonly port?: number;
  /**
   * A real server behind: MAIL, RCPT, DATA and the content are passed on to it, and its verdicts are the client's. A destination such as
   * `localhost:25`, or that as `to`, with `tls`, `auth`, … Default: none; the test server decides itself.
   */
  readonly upstream?: string | PassageOptions;
}

/** How to wait. */
export interface WaitOptions {
  /** How long, by the server's clock. `Infinity`: for ever. Default: 5,000. */
  readonly timeoutMs?: number;
  /** Ends the wait when it is aborted; the wait rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Only messages that were taken after this one. */
  readonly after?: TestMessage;
}

/**
 * Starts a server on a free port of this machine.
 *
 * @example
 * ```ts
 * import { createTransport } from 'nodemailer';
 * import { startTestServer } from 'smtpd/testing';
 * await using smtp = await startTestServer();
 * await createTransport(smtp.url).sendMail({ from: 'a@a.example', to: 'b@b.example', subject: 'Hello', text: 'Hi' });
 * const message = await smtp.waitForMessage({ to: 'b@b.example', subject: /hello/i });
 * console.log(message.body);
 * ```
 */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  refuseUnknown(options, OPTIONS);
  const { host = '127.0.0.1', port = 0, upstream, ...rest } = options;
  const server = new TestServer(
    { ...rest, localAddress: { host, port } },
    { host, upstream: typeof upstream === 'string' ? { to: upstream } : upstream },
  );
  await server.server.listen();
  return server;
}

/** A running test server, made by {@link startTestServer}. */
export class TestServer implements AsyncDisposable {
  /** Where to connect: the host that was asked for. */
  readonly host: string;
  readonly #server: ScriptedServer;
  #messages: TestMessage[] = [];
  #refused: TestMessage[] = [];
  #sessions: TestSession[] = [];
  /** In which order messages were taken; also of those that were cleared, for `after`. */
  readonly #places = new WeakMap<TestMessage, number>();
  #taken = 0;
  #isOpen = true;
  readonly #waits = new Set<Wait>();

  /** @internal */
  constructor(
    options: SMTPServerOptions,
    { host, upstream }: { readonly host: string; readonly upstream: PassageOptions | undefined },
  ) {
    this.host = host;
    this.#server = new ScriptedServer(options, upstream, {
      onSession: (session) => {
        this.#sessions.push(session);
      },
      onMessage: (message) => {
        this.#take(message);
      },
      onRefused: (message) => {
        this.#refused.push(message);
      },
    });
  }

  /** The port. */
  get port(): number {
    return this.#server.port;
  }

  /** `smtp://127.0.0.1:12345`, or `smtps://…` where TLS comes first: what most mail libraries take. */
  get url(): string {
    const scheme = this.#server.options.tls.mode === 'implicit' ? 'smtps' : 'smtp';
    return `${scheme}://${this.host.includes(':') ? `[${this.host}]` : this.host}:${String(this.port)}`;
  }

  /** The server itself, for hooks and events of your own: `smtp.server.use(…)`, `smtp.server.on(…)`. */
  get server(): SMTPServer {
    return this.#server;
  }

  /** The messages that were taken since the start or the last {@link TestServer.clear}, in order. Each look gives a new list. */
  get messages(): readonly TestMessage[] {
    return [...this.#messages];
  }

  /**
   * The messages that came whole since the start or the last {@link TestServer.clear}, and that a scripted reply or the server behind
   * refused, in order. `reply` says with what. They are not among {@link TestServer.messages}, and no wait finds them.
   */
  get refusedMessages(): readonly TestMessage[] {
    return [...this.#refused];
  }

  /** The sessions since the start or the last {@link TestServer.clear}, in order, with what was said in them. */
  get sessions(): readonly TestSession[] {
    return [...this.#sessions];
  }

  // ---- Waiting ------------------------------------------------------------------------------------------------------

  /**
   * Waits for a message. Gives **the first message, in the order in which they were taken, that matches**: also one that is there
   * already, and also one that an earlier call gave. To go on from a message, name it with `after`.
   *
   * @throws {@link TestServerError} `SMTPD_TIMED_OUT`, which says what did arrive and why each message did not match
   */
  async waitForMessage(matcher: MessageMatcher = {}, options: WaitOptions = {}): Promise<TestMessage> {
    const [message] = await this.waitForMessages(1, matcher, options);
    // A wait for one message gives one.
    return message as TestMessage;
  }

  /**
   * Waits until `count` messages match, and gives the first ones, in the order in which they were taken.
   *
   * @throws {@link TestServerError} `SMTPD_TIMED_OUT`, which says what did arrive and why each message did not match
   */
  async waitForMessages(
    count: number,
    matcher: MessageMatcher = {},
    options: WaitOptions = {},
  ): Promise<readonly TestMessage[]> {
    if (!Number.isInteger(count) || count < 1) throw badOption(`count is 1 or more messages, not ${String(count)}`);
    checkMatch(matcher, MESSAGE_MATCH_KEYS);
    checkNames(options, ['timeoutMs', 'signal', 'after'], 'a wait');
    const { timeoutMs = WAIT_MS, signal, after } = options;
    signal?.throwIfAborted();
    const afterPlace = after === undefined ? 0 : this.#places.get(after);
    if (afterPlace === undefined) throw badOption('`after` is a message of this server');
    const found = this.#messages.filter(
      (message) => this.#placeOf(message) > afterPlace && mismatchesOf(message, matcher).length === 0,
    );
    if (found.length >= count) return found.slice(0, count);
    if (!this.#isOpen) throw this.#failure(count, matcher, 'the server is closed');
    const wait = new Wait(count, matcher, found);
    const cancelTimer =
      timeoutMs === Infinity
        ? undefined
        : this.#server.options.clock.setTimer(() => {
            wait.fail(this.#failure(count, matcher, `not within ${String(timeoutMs)} ms`));
          }, timeoutMs);
    const onAbort = (): void => {
      wait.fail(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#waits.add(wait);
    try {
      return await wait.messages;
    } finally {
      this.#waits.delete(wait);
      cancelTimer?.();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  // ---- Faults -------------------------------------------------------------------------------------------------------

  /**
   * Scripts what happens the next time that a session comes to `stage`. Several for one stage happen one after another.
   *
   * @example
   * ```ts
   * import { delay, drop, startTestServer } from 'smtpd/testing';
   * await using smtp = await startTestServer();
   * smtp.next('rcpt', 451);
   * smtp.next('rcpt', '550 5.1.1 No such user', { when: { to: 'nobody@example.org' }, times: Infinity });
   * smtp.next('data', [delay(200), 452]);
   * smtp.next('message', drop());
   * ```
   * @throws {@link TestServerError} `SMTPD_BAD_OPTION` when it could not happen
   */
  next(stage: FaultStage, fault: Fault, options: FaultOptions = {}): FaultHandle {
    return this.#server.schedule.add(stage, fault, options);
  }

  // ---- Between and after tests --------------------------------------------------------------------------------------

  /** Forgets the messages, the sessions that are over, and the faults that have not happened. Waits go on. */
  clear(): void {
    this.#messages = [];
    this.#refused = [];
    this.#sessions = this.#sessions.filter(({ isOpen }) => isOpen);
    this.#server.schedule.clear();
  }

  /**
   * Closes: waits end with an error, idle clients hear 421, and every connection is gone when the promise resolves. Messages under way
   * are cut off unless `graceMs` gives them time. What was received can still be read.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    this.#isOpen = false;
    for (const wait of this.#waits)
      wait.fail(this.#failure(wait.count, wait.matcher, 'the server was closed while the test waited'));
    if (options.graceMs !== undefined) {
      await this.#server.close(options);
      return;
    }
    const closed = this.#server.close({ signal: AbortSignal.abort() });
    // A client that hears 421 closes its side at once. A test does not wait for one that does not.
    const timer = setTimeout(() => {
      this.#server.cut();
    }, CUT_MS);
    await closed;
    clearTimeout(timer);
  }

  /** Closes, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #take(message: TestMessage): void {
    this.#taken += 1;
    this.#places.set(message, this.#taken);
    this.#messages.push(message);
    for (const wait of this.#waits) wait.take(message);
  }

  #placeOf(message: TestMessage): number {
    return this.#places.get(message) ?? 0;
  }

  #failure(count: number, matcher: MessageMatcher, why: string): TestServerError {
    const wanted = count === 1 ? 'a message' : `${String(count)} messages`;
    const lines = [`Waited for ${wanted} with ${describeMatcher(matcher)}: ${why}.`];
    if (this.#messages.length === 0) lines.push('No message arrived.');
    else lines.push(`${counted(this.#messages.length, 'message')} arrived:`);
    lines.push(
      ...shortened(
        this.#messages.map((message, index) => `  ${String(index + 1)}. ${this.#explain(message, matcher)}`),
      ),
    );
    const lastRefused = this.#refused.at(-1);
    if (lastRefused !== undefined) {
      const said = lastRefused.reply?.toString() ?? '';
      lines.push(
        `${counted(this.#refused.length, 'message')} refused; the last one, with ${said}: ${this.#explain(lastRefused, matcher)}`,
      );
    }
    const fruitless = this.#sessions.filter(
      (session) => ![...this.#messages, ...this.#refused].some((message) => message.session === session),
    );
    if (this.#sessions.length === 0) lines.push('Nobody connected.');
    else if (fruitless.length > 0) {
      lines.push(`${counted(fruitless.length, 'session')} brought no message; the last one:`);
      lines.push(...shortened(fruitless.at(-1)?.transcript ?? []).map((line) => `    ${line}`));
    }
    return new TestServerError('SMTPD_TIMED_OUT', lines.join('\n'));
  }

  #explain(message: TestMessage, matcher: MessageMatcher): string {
    const { mailFrom, rcptTos, subject } = message;
    const reasons = mismatchesOf(message, matcher);
    const facts = `from <${mailFrom}> to <${rcptTos.join('>, <')}>, ${subject === undefined ? 'no subject' : `subject ${describe(subject)}`}`;
    return `${facts}: ${reasons.length === 0 ? 'matches' : reasons.join('; ')}`;
  }
}

/** Somebody waits for messages. */
class Wait {
  readonly count: number;
  readonly matcher: MessageMatcher;
  readonly messages: Promise<readonly TestMessage[]>;
  readonly #found: TestMessage[];
  #resolve: (messages: readonly TestMessage[]) => void = () => undefined;
  #reject: (reason: unknown) => void = () => undefined;

  constructor(count: number, matcher: MessageMatcher, found: TestMessage[]) {
    this.count = count;
    this.matcher = matcher;
    this.#found = found;
    this.messages = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  take(message: TestMessage): void {
    if (mismatchesOf(message, this.matcher).length > 0) return;
    this.#found.push(message);
    if (this.#found.length === this.count) this.#resolve(this.#found);
  }

  fail(reason: unknown): void {
    this.#reject(reason);
  }
}

function counted(count: number, noun: string): string {
  return `${String(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** The last lines, which are the ones nearest to what went wrong. */
function shortened(lines: readonly string[]): readonly string[] {
  const hidden = lines.length - LINES_MAX;
  return hidden <= 0 ? lines : [`  … ${String(hidden)} more before`, ...lines.slice(hidden)];
}

const WAIT_MS = 5_000;
const CUT_MS = 100;
const LINES_MAX = 20;

const OPTION_NAMES: readonly string[] = ['host', 'port', 'upstream'] satisfies (keyof TestServerOptions)[];
const OPTIONS: OwnOptions = {
  names: OPTION_NAMES,
  without: ['localAddress', 'remoteAddress', 'channels', 'decodeData', 'backlog'],
  meant: () => ({
    localAddress: "say host: '127.0.0.1', port: 2525",
    path: 'leave it out: a test server listens on a port',
    remoteAddress: "say upstream: 'HOST:PORT'",
    onData: 'await waitForMessage(), or look at messages',
    processMessage: 'await waitForMessage(), or look at messages',
  }),
};
