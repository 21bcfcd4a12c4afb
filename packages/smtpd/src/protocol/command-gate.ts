/**
 * Which command may run, where a session stands: is there one that waits for a reply, is the command there at all, may it come in this
 * phase and without TLS or AUTH, has it an argument where it needs one. It reads the rows of `command-rules.ts`; what an argument says is
 * for `command-arguments.ts`.
 */

import { syntaxReplyOf } from './command-arguments.js';
import { ruleInPhase, type CommandRule } from './command-rules.js';
import type { Dialogue } from './dialogue.js';
import { UsageError } from './errors.js';
import type { MessageReception } from './message-reception.js';
import type { Reply } from './reply.js';
import { isCommandPhase } from './session-state.js';
import * as replies from './standard-replies.js';

/** Lets commands through, or refuses them. */
export class CommandGate {
  readonly #dialogue: Dialogue;
  readonly #reception: MessageReception;

  constructor(dialogue: Dialogue, reception: MessageReception) {
    this.#dialogue = dialogue;
    this.#reception = reception;
  }

  /** Whether the command may come now and has an argument where it needs one; if not, it is refused here. */
  mayRun(rule: CommandRule, argument: string | undefined): boolean {
    if (!this.isCommandOpen()) return false;
    if (!this.isAvailable(rule)) {
      this.refuseUnavailable(rule);
      return false;
    }
    const reply = this.objection(rule, argument);
    if (reply !== undefined) this.#dialogue.refuseError(reply);
    return reply === undefined;
  }

  /** Whether the command is there at all in this session, as it stands. */
  isAvailable({ verb, belongsTo }: CommandRule): boolean {
    if (belongsTo === 'core') return true;
    return belongsTo === 'extension'
      ? this.#dialogue.offer.commands.has(verb)
      : belongsTo === this.#dialogue.options.protocol;
  }

  /** Whether the command may still do something. RFC 4954 §4: there is no AUTH behind one that succeeded. */
  isOfUse(rule: CommandRule): boolean {
    return this.isAvailable(rule) && !(rule.verb === 'AUTH' && this.#dialogue.situation.isAuthenticated);
  }

  /** RFC 3207 §4: before TLS, where it is required, what is not offered yet hears the same as the rest. */
  refuseUnavailable({ verb }: CommandRule): void {
    const missing = this.protectionObjection(undefined);
    if (missing === undefined) this.#dialogue.refuseError(replies.unrecognizedReply(verb));
    else this.#dialogue.refuseError(missing);
  }

  /**
   * Whether a command waits for its reply; not when the session is over, where nothing needs to be said.
   *
   * @throws {@link UsageError} `SMTPD_ONE_REPLY` when what comes now would answer another command, or a message
   */
  isCommandOpen(): boolean {
    const { phase } = this.#dialogue;
    if (phase === 'closed') return false;
    const isOpen = this.#dialogue.unanswered > 0 && !this.#dialogue.isAsking && !this.#reception.isDroppingChunk;
    if (isOpen && isCommandPhase(phase)) return true;
    throw new UsageError(
      'SMTPD_ONE_REPLY',
      'A command gets one final reply (RFC 5321 §4.2), and this one has it already or is being decided; remove one of the replies',
    );
  }

  /** What is wrong with a command where it comes, before its argument is read. */
  objection(rule: CommandRule, argument: string | undefined): Reply | undefined {
    const protection = this.protectionObjection(rule);
    if (protection !== undefined) return protection;
    const inPhase = ruleInPhase(rule, this.#dialogue.phase);
    if ('outOfSequence' in inPhase) return inPhase.outOfSequence;
    const isThere = argument !== undefined && argument !== '';
    const isWrong = rule.argument === 'required' ? !isThere : rule.argument === 'forbidden' && isThere;
    return isWrong ? syntaxReplyOf(rule.verb, this.#dialogue) : undefined;
  }

  /** What is missing before mail is taken: TLS (RFC 3207 §4), or AUTH (RFC 4954 §6). */
  protectionObjection(rule: CommandRule | undefined): Reply | undefined {
    const { isTLSRequired, isAUTHRequired } = this.#dialogue.options;
    if (!isTLSRequired && !isAUTHRequired) return undefined;
    const { isSecured, isAuthenticated } = this.#dialogue.situation;
    if (isTLSRequired && !isSecured && rule?.mayComeBeforeTLS !== true) return replies.TLS_FIRST;
    if (isAUTHRequired && !isAuthenticated && rule?.mayComeBeforeAUTH !== true) return replies.AUTH_FIRST;
    return undefined;
  }
}
