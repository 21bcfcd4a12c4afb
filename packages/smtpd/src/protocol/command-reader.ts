/**
 * The client's octets, as commands: lines, what is wrong with them whatever they say, and clients that speak something else than SMTP or do
 * not wait where they have to. What a command means, and whether it may come, is asked elsewhere: `command-gate.ts`.
 */

import { parseChunkSize } from './chunk-size.js';
import type { CommandGate } from './command-gate.js';
import { COMMAND_RULES, fourLetterRuleAt, ruleOf, type CommandRule } from './command-rules.js';
import { decodeArgument, parseCommand, type Command } from './command.js';
import type { Dialogue } from './dialogue.js';
import type { Input } from './input.js';
import { LineDecoder, type Line } from './line-decoder.js';
import type { MessageReception } from './message-reception.js';
import type { Reply } from './reply.js';
import { CLOSED, NEED_DATA, type SessionEvent } from './session-events.js';
import * as replies from './standard-replies.js';

/** Reads the commands of one session. */
export class CommandReader {
  readonly #dialogue: Dialogue;
  readonly #input: Input;
  readonly #gate: CommandGate;
  readonly #reception: MessageReception;
  readonly #lines: LineDecoder;
  readonly #lineLengthBytesMax: number;
  /** A line that was decoded while looking for more recipients and is none. */
  #heldLine: Line | undefined;
  /** Whether an octet of the client's was looked at, and whether a whole line was. */
  #hasBegun = false;
  #hasSpoken = false;

  constructor({ dialogue, input, gate, reception }: CommandReaderInit) {
    this.#dialogue = dialogue;
    this.#input = input;
    this.#gate = gate;
    this.#reception = reception;
    const { limits } = dialogue.options;
    const commandMax = limits.commandLengthBytesMax + dialogue.offer.lineBytesMax;
    const lineLengthBytesMax = Math.max(commandMax, limits.continuationLengthBytesMax);
    this.#lineLengthBytesMax = lineLengthBytesMax;
    this.#lines = new LineDecoder({
      lineLengthBytesMax,
      discardedBytesMax: limits.discardedLineBytesMax,
    });
  }

  /** Whether nothing that was received waits to be read. */
  get isEmpty(): boolean {
    return this.#heldLine === undefined && this.#input.length === 0;
  }

  /** Another client speaks from now on. */
  startOver(): void {
    this.#hasBegun = false;
    this.#hasSpoken = false;
  }

  /** The session is over. */
  end(): void {
    this.#heldLine = undefined;
    this.#input.clear();
  }

  /** The next command, or that there is none. `undefined` when a line was answered here. */
  nextCommand(): SessionEvent | undefined {
    if (!this.#hasBegun && this.#input.length > 0) {
      this.#hasBegun = true;
      if (this.#isClientHello()) return CLOSED;
    }
    if (this.isEmpty) return NEED_DATA;
    const pathLineEnd = this.#endOfPathLine();
    if (pathLineEnd >= 0) return this.#pathCommandAt(pathLineEnd);
    const end = this.#heldLine === undefined ? this.#lines.findCleanEnd(this.#input) : -1;
    const rule = end < 0 ? undefined : fourLetterRuleAt(this.#input.bytes, this.#input.start, end);
    if (rule !== undefined) return this.#commandAt(rule, end);
    const line = this.#nextLine();
    return line === undefined ? NEED_DATA : this.#commandOf(line);
  }

  /** The next RCPT, where it stands in the usual line; `undefined` when something else comes, or when the line was answered here. */
  nextRecipient(): SessionEvent | undefined {
    const end = this.#endOfPathLine();
    return end >= 0 && !this.#dialogue.pathLine.isSender ? this.#pathCommandAt(end) : undefined;
  }

  /** Where the next line has its CRLF, if it is one of those that `path-line.ts` knows; else -1. */
  #endOfPathLine(): number {
    if (this.#heldLine !== undefined || !this.#lines.isBetweenLines) return -1;
    const { bytes, start } = this.#input;
    const end = this.#dialogue.pathLine.scan(bytes, start);
    return end - start > this.#lineLengthBytesMax ? -1 : end;
  }

  #pathCommandAt(end: number): SessionEvent | undefined {
    const { pathLine } = this.#dialogue;
    const rule = pathLine.isSender ? COMMAND_RULES.MAIL : COMMAND_RULES.RCPT;
    const { verb } = rule;
    const { start } = this.#input;
    const lengthBytes = end - start;
    const argument = this.#input.text(start + verb.length + 1, end);
    pathLine.remember(argument);
    return this.#take({ verb, argument }, rule, lengthBytes);
  }

  /** Takes the line of a command from the input. */
  #take(command: Command, rule: CommandRule, lengthBytes: number): SessionEvent | undefined {
    this.#input.take(lengthBytes + 2);
    this.#dialogue.unanswered = 1;
    this.#dialogue.hasChallenged = false;
    return this.#admit(command, rule, { lengthBytes });
  }

  /** The command of the usual line, which is read from its octets: a text is made of the argument alone. */
  #commandAt(rule: CommandRule, end: number): SessionEvent | undefined {
    const { verb } = rule;
    const { bytes, start } = this.#input;
    const lengthBytes = end - start;
    const argument = decodeArgument(bytes, start + verb.length, end);
    return this.#take({ verb, argument }, rule, lengthBytes);
  }

  #nextLine(): Line | undefined {
    const held = this.#heldLine;
    if (held === undefined) return this.#lines.decode(this.#input);
    this.#heldLine = undefined;
    return held;
  }

  /** The command of a line, or `undefined` when the line was answered here. */
  #commandOf(line: Line): SessionEvent | undefined {
    this.#dialogue.unanswered = 1;
    this.#dialogue.hasChallenged = false;
    if (line.flaw === 'endless') {
      this.#dialogue.closeForLimit('discardedLineBytesMax', replies.ENDLESS_LINE);
      return CLOSED;
    }
    if (line.flaw === 'tooLong' && !this.#hasSpoken) {
      // Nobody knows what it said, so it may have been HTTP: a path can be that long, and what follows it would be read as commands.
      this.#dialogue.closeForLimit('commandLengthBytesMax', replies.NOT_SMTP);
      return CLOSED;
    }
    const command = parseCommand(line.text);
    return this.#isHTTP(line, command.verb) ? CLOSED : this.#admit(command, ruleOf(command.verb), line);
  }

  /** Hands a command out, unless something is wrong with it whatever it means. */
  #admit({ verb, argument }: Command, rule: CommandRule | undefined, line: LineFacts): SessionEvent | undefined {
    this.#hasSpoken = true;
    if (verb !== 'BDAT') this.#reception.endChunks();
    const objection = this.#lineObjection(line, verb, rule);
    if (objection !== undefined) {
      if (verb === 'BDAT') this.#refuseChunkLine(line, argument, objection);
      else this.#dialogue.refuseError(objection);
      return undefined;
    }
    if (this.#input.length > 0 && !this.#mayPipeline(verb, rule)) return CLOSED;
    if (rule?.movesMail !== true && this.#dialogue.counts.countIdleCommand()) {
      this.#dialogue.closeForLimit('idleCommandsMax', replies.TOO_MANY_IDLE_COMMANDS);
      return CLOSED;
    }
    return { kind: 'command', verb, argument };
  }

  /** What is wrong with a line whatever its command would say to it. */
  #lineObjection(line: LineFacts, verb: string, rule: CommandRule | undefined): Reply | undefined {
    if (line.flaw === 'tooLong' || (line.flaw === undefined && this.#isTooLong(line, verb))) {
      this.#dialogue.counts.noteExceeded('commandLengthBytesMax');
      return verb === 'AUTH' ? replies.AUTH_LINE_TOO_LONG : replies.LINE_TOO_LONG;
    }
    // RFC 5321 §2.3.8: CR and LF only as CRLF. The line is dropped whole.
    if (line.flaw !== undefined) return replies.BARE_LINE_END;
    if (line.lengthBytes === 0) return replies.EMPTY_LINE;
    // Here and not with the commands' own checks, so that it holds for verbs of users as well.
    if (this.#dialogue.phase === 'refused' && verb !== 'QUIT') return this.#dialogue.refusal;
    return rule === undefined ? this.#gate.protectionObjection(undefined) : undefined;
  }

  /** More came behind this command. @returns whether the session goes on */
  #mayPipeline(verb: string, rule: CommandRule | undefined): boolean {
    // STARTTLS says so itself, because what came behind it is dropped; for AUTH it depends on the mechanism.
    if (verb === 'STARTTLS' || verb === 'AUTH') return true;
    const isSynchronizing = rule?.isSynchronizing === true;
    // A chunk follows its command at once.
    const { isExtended, offer } = this.#dialogue;
    if (!isSynchronizing && (verb === 'BDAT' || (isExtended && offer.isPipeliningOffered))) return true;
    this.#dialogue.counts.noteViolation(isSynchronizing ? 'inputBehindCommand' : 'pipeliningNotOffered');
    if (this.#dialogue.options.earlyInput === 'tolerate') return true;
    this.#dialogue.closeWith(replies.OUT_OF_STEP);
    return false;
  }

  /** A browser, or somebody who makes one talk to us: each header line would be a command. */
  #isHTTP(line: Line, verb: string): boolean {
    if (!HTTP_METHODS.has(verb) || this.#dialogue.offer.verbs.has(verb)) return false;
    if (this.#hasSpoken && !HTTP_VERSION.test(line.text)) return false;
    this.#dialogue.counts.noteViolation('http');
    this.#dialogue.closeWith(replies.NOT_SMTP);
    return true;
  }

  /** A client that speaks TLS where it should speak SMTP sends no line end for a long time. */
  #isClientHello(): boolean {
    const { bytes, start } = this.#input;
    if (bytes[start] !== TLS_HANDSHAKE_RECORD) return false;
    this.#dialogue.counts.noteViolation('unexpectedTLS');
    this.#dialogue.closeWith(replies.NOT_SMTP);
    return true;
  }

  /** RFC 5321 §4.1.1.2: extensions lengthen the lines of a client that knows of them. */
  #isTooLong({ lengthBytes }: LineFacts, verb: string): boolean {
    const extraBytes = lengthBytes - this.#dialogue.options.limits.commandLengthBytesMax;
    if (extraBytes <= 0 || !this.#dialogue.isExtended) return extraBytes > 0;
    const { offer, toldOffer } = this.#dialogue;
    return extraBytes > Math.max(offer.lineBytes.get(verb) ?? 0, toldOffer.lineBytes.get(verb) ?? 0);
  }

  /** The line that was asked for, or `undefined` when nobody waits for it any more. */
  nextContinuation(): SessionEvent | undefined {
    const line = this.#nextLine();
    if (line === undefined) return NEED_DATA;
    this.#dialogue.isReadingLine = false;
    if (line.flaw === 'endless') {
      this.#dialogue.closeForLimit('discardedLineBytesMax', replies.ENDLESS_LINE);
      return CLOSED;
    }
    const isTooLong = line.lengthBytes > this.#dialogue.options.limits.continuationLengthBytesMax;
    if (isTooLong) this.#dialogue.counts.noteExceeded('continuationLengthBytesMax');
    if (this.#dialogue.unanswered === 0) return undefined;
    return { kind: 'line', text: isTooLong ? '' : line.text, isTooLong };
  }

  /** The arguments of the RCPT commands that came whole behind the one under way. */
  takePipelinedRecipients(): (string | undefined)[] {
    const found: (string | undefined)[] = [];
    for (let line = this.#nextLine(); line !== undefined; line = this.#nextLine()) {
      const command = line.flaw === undefined ? parseCommand(line.text) : undefined;
      if (command?.verb !== 'RCPT' || this.#isTooLong(line, 'RCPT')) {
        this.#heldLine = line;
        break;
      }
      this.#dialogue.unanswered += 1;
      found.push(command.argument);
    }
    return found;
  }

  /** Whatever is wrong with the line, octets follow it that are no commands. */
  #refuseChunkLine({ flaw }: LineFacts, argument: string | undefined, objection: Reply): void {
    const isSizeMissing = argument === undefined || argument === '';
    if (!this.#gate.isAvailable(COMMAND_RULES.BDAT) || (isSizeMissing && flaw === undefined)) {
      this.#dialogue.refuseError(objection);
      return;
    }
    const chunk = flaw === undefined ? parseChunkSize(argument ?? '') : undefined;
    if (chunk === undefined) this.#dialogue.closeWith(replies.CHUNK_SIZE_UNREADABLE);
    else this.#reception.refuseChunk(chunk, objection);
  }
}

/** What is to be known of a line besides its command. */
type LineFacts = Pick<Line, 'lengthBytes' | 'flaw'>;

/** What a reader shares with the other parts of its session. */
export interface CommandReaderInit {
  readonly dialogue: Dialogue;
  readonly input: Input;
  readonly gate: CommandGate;
  readonly reception: MessageReception;
}

const HTTP_METHODS: ReadonlySet<string> = new Set('GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH'.split(' '));
const HTTP_VERSION = / HTTP\/\d(?:\.\d)?$/;
/** The first octet of a ClientHello (RFC 8446 §5.1). */
const TLS_HANDSHAKE_RECORD = 0x16;
