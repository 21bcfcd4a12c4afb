/**
 * What changes whom we talk to, and how: TLS (RFC 3207), AUTH (RFC 4954), and XCLIENT and XFORWARD, by which somebody in front of us names
 * the client. Each is the session's half of it; the handshake, the mechanisms and the hooks are `server/`'s.
 */

import { parseClientAttributes, type ClientAttributes } from './client-attributes.js';
import { syntaxReplyOf } from './command-arguments.js';
import type { CommandGate } from './command-gate.js';
import type { CommandReader } from './command-reader.js';
import { COMMAND_RULES } from './command-rules.js';
import type { Dialogue } from './dialogue.js';
import { asciiUpperCase } from './grammar.js';
import type { Input } from './input.js';
import type { MessageReception } from './message-reception.js';
import { octets } from './octets.js';
import type { Reply } from './reply.js';
import { decodeBase64 } from './sasl/base64.js';
import type { AuthStart, HandshakeOutcome, Question } from './session-events.js';
import { greetingSent, securingBegun, sessionReopened } from './session-state.js';
import * as replies from './standard-replies.js';

/** Changes the situation of one session. */
export class SituationChanges {
  readonly #dialogue: Dialogue;
  readonly #input: Input;
  readonly #gate: CommandGate;
  readonly #reception: MessageReception;
  readonly #reader: CommandReader;

  constructor({ dialogue, input, gate, reception, reader }: SituationChangesInit) {
    this.#dialogue = dialogue;
    this.#input = input;
    this.#gate = gate;
    this.#reception = reception;
    this.#reader = reader;
  }

  /** STARTTLS (RFC 3207 §4). @returns whether the handshake is to begin now, behind the reply */
  startTLS(argument: string | undefined): boolean {
    if (this.#dialogue.situation.isSecured && this.#gate.isCommandOpen()) {
      this.#dialogue.refuseError(replies.TLS_ACTIVE);
      return false;
    }
    if (!this.#gate.mayRun(COMMAND_RULES.STARTTLS, argument)) return false;
    if (this.#input.length > 0) {
      this.#dialogue.counts.noteViolation('inputBehindSTARTTLS');
      if (this.#dialogue.options.earlyInput === 'refuse') {
        this.#dialogue.closeWith(replies.OUT_OF_STEP);
        return false;
      }
    }
    this.#dialogue.answer(replies.READY_FOR_TLS);
    // RFC 3207 §4.2: what came in clear, an attacker may have put there.
    this.#input.clear();
    this.#dialogue.enter(securingBegun());
    return true;
  }

  /** TLS comes before the greeting (RFC 8314 §3.3). */
  secureFirst(): void {
    this.#dialogue.enter(securingBegun());
  }

  /**
   * The handshake is done: the session is as new, and nothing that was said before counts (RFC 3207 §4.2).
   *
   * @param handshake - `hasChannelBinding`: whether an authentication can be bound to it; `objection`: why it is not enough, for a client
   * that was greeted before: it hears so to every command but QUIT (RFC 3207 §4.1)
   */
  secured({ hasChannelBinding = false, objection }: HandshakeOutcome = {}): void {
    if (this.#dialogue.phase === 'closed') return;
    this.#input.clear();
    this.#dialogue.change({ isSecured: true, hasChannelBinding, isAuthenticated: false });
    if (!this.#dialogue.isGreeted) {
      this.#dialogue.enter(sessionReopened());
    } else if (objection === undefined) {
      // RFC 3207 §4.2: there is no second greeting.
      this.#dialogue.enter(greetingSent());
    } else {
      this.#dialogue.refusal = objection;
      this.#dialogue.enter({ phase: 'refused' });
    }
  }

  /**
   * AUTH (RFC 4954 §4).
   *
   * @returns what the client wants; the exchange is the caller's, and ends with {@link authenticated} or {@link authFailed}.
   * `undefined` when it was refused here.
   */
  auth(argument: string | undefined): AuthStart | undefined {
    if (!this.#gate.isCommandOpen()) return undefined;
    if (this.#dialogue.situation.isAuthenticated) {
      this.#dialogue.refuseError(replies.AUTHENTICATED_ALREADY);
      return undefined;
    }
    if (!this.#gate.mayRun(COMMAND_RULES.AUTH, argument)) return undefined;
    const match = AUTH_ARGUMENT.exec(argument ?? '');
    if (match === null) {
      this.#dialogue.refuseError(syntaxReplyOf('AUTH', this.#dialogue));
      return undefined;
    }
    const mechanism = asciiUpperCase(match[1] ?? '');
    const { authMechanisms, authMechanismsOnTLS } = this.#dialogue.offer.facts;
    if (!authMechanisms.includes(mechanism)) {
      const isForTLS = authMechanismsOnTLS.includes(mechanism);
      this.#dialogue.refuse(isForTLS ? replies.MECHANISM_NEEDS_TLS : replies.MECHANISM_UNKNOWN);
      return undefined;
    }
    const given = match[2];
    if (given === undefined) return { mechanism, initialResponse: undefined };
    // RFC 4954 §4: `=` is an initial response of no octets.
    const initialResponse = given === '=' ? NO_OCTETS : decodeBase64(given);
    if (initialResponse !== undefined) return { mechanism, initialResponse };
    this.#dialogue.refuseError(replies.AUTH_MALFORMED);
    return undefined;
  }

  /** The client has proved who it is. */
  authenticated(reply: Reply = replies.AUTHENTICATED): void {
    if (!this.#gate.isCommandOpen()) return;
    // RFC 4954 §4: commands may follow an AUTH that needs no challenge. They are as protected as AUTH was, so none is dropped.
    if (this.#input.length > 0 && this.#dialogue.hasChallenged) this.#dialogue.counts.noteViolation('inputBehindAUTH');
    this.#dialogue.counts.forgiveAuthFailures();
    this.#dialogue.change({ isAuthenticated: true });
    this.#dialogue.answer(reply);
  }

  /** The client has not proved who it is. */
  authFailed(reply: Reply = replies.CREDENTIALS_INVALID): void {
    if (!this.#gate.isCommandOpen()) return;
    if (this.#dialogue.counts.countAuthFailure())
      this.#dialogue.closeForLimit('authFailuresMax', replies.TOO_MANY_AUTH_FAILURES);
    else this.#dialogue.answer(reply);
  }

  /**
   * XCLIENT: somebody in front of us says who stands behind it.
   *
   * @returns what it said; the caller makes it count and then calls {@link reopen}. `undefined` when it was refused here.
   */
  xclient(argument: string | undefined): ClientAttributes | undefined {
    return this.#attributes('XCLIENT', argument);
  }

  /** The client is another one from now on, and hears a greeting of its own. */
  reopen({ isAuthenticated }: { readonly isAuthenticated: boolean }): Question {
    this.#reception.clear();
    this.#reader.startOver();
    this.#dialogue.change({ isAuthenticated });
    this.#dialogue.enter(sessionReopened());
    return this.#dialogue.ask({ kind: 'connect' });
  }

  /** XFORWARD: somebody in front of us says whom the next message came from. @returns what it said; answered already */
  xforward(argument: string | undefined): ClientAttributes | undefined {
    const attributes = this.#attributes('XFORWARD', argument);
    if (attributes !== undefined) this.#dialogue.answer(replies.OK);
    return attributes;
  }

  #attributes(verb: 'XCLIENT' | 'XFORWARD', argument: string | undefined): ClientAttributes | undefined {
    if (!this.#gate.mayRun(COMMAND_RULES[verb], argument)) return undefined;
    const attributes = parseClientAttributes(verb, argument ?? '');
    if (attributes === undefined) this.#dialogue.refuseError(syntaxReplyOf(verb, this.#dialogue));
    return attributes;
  }
}

/** What the changes share with the other parts of their session. */
export interface SituationChangesInit {
  readonly dialogue: Dialogue;
  readonly input: Input;
  readonly gate: CommandGate;
  readonly reception: MessageReception;
  readonly reader: CommandReader;
}

const NO_OCTETS = octets.allocate(0);
// RFC 4954 §4 and RFC 4422 §3.1: a mechanism has up to 20 letters, digits, hyphens and low lines.
const AUTH_ARGUMENT = /^([A-Za-z0-9_-]{1,20})(?: +(\S+))?$/;
