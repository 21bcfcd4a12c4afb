/**
 * What a fault can be: which of its properties go together, and with which stage. What could never happen is turned away here, in a
 * sentence, and not found out by a test that waits for it.
 */

import { parseReply, type Reply } from 'smtpd';

import type { Fault, FaultStage, NewFault } from '../api/model.js';

/**
 * A fault that could not happen. The message says why and what to write instead.
 *
 * @example
 * ```ts
 * import { FaultBoard, FaultError } from 'smtpd-inbox';
 * try {
 *   new FaultBoard().add({ stage: 'rcpt', code: 550, disconnect: 'insteadOfReply' });
 * } catch (error) {
 *   if (error instanceof FaultError) console.log(error.message);
 * }
 * ```
 */
export class FaultError extends Error {
  override readonly name = 'FaultError';
  /** Stable. */
  readonly code = 'BAD_FAULT';
}

/** @throws {@link FaultError} when it could not happen */
export function checkFault(fault: NewFault): void {
  if (!Object.hasOwn(KNOWN_AT, fault.stage)) {
    throw new FaultError(`There is no stage "${fault.stage}"; there are: ${Object.keys(KNOWN_AT).join(', ')}.`);
  }
  checkNumbers(fault);
  checkReply(fault);
  checkThrottle(fault);
  checkDisconnect(fault);
  checkConditions(fault);
  const { code, delayMs = 0, throttleBytesPerSecond, disconnect } = fault;
  if (code === undefined && delayMs === 0 && throttleBytesPerSecond === undefined && disconnect === undefined) {
    throw new FaultError(
      'Nothing would happen: give code, delayMs, disconnect or, at data, throttleBytesPerSecond; or several.',
    );
  }
}

/** The reply of a fault; `undefined` for one that has none. */
export function replyOfFault({ code, text }: Pick<Fault, 'code' | 'text'>): Reply | undefined {
  if (code === undefined) return undefined;
  const words = text === undefined || text === '' ? DEFAULT_TEXTS[code < 500 ? 4 : 5] : text;
  return parseReply(`${String(code)} ${words}`);
}

function checkNumbers({ delayMs, throttleBytesPerSecond, probability, times }: NewFault): void {
  if (delayMs !== undefined && !isWhole(delayMs, 0, DELAY_MS_MAX)) {
    throw new FaultError(`delayMs is 0 to ${String(DELAY_MS_MAX)} whole milliseconds, not ${String(delayMs)}.`);
  }
  if (throttleBytesPerSecond !== undefined && !isWhole(throttleBytesPerSecond, 1, Infinity)) {
    throw new FaultError(`throttleBytesPerSecond is a whole number from 1 on, not ${String(throttleBytesPerSecond)}.`);
  }
  if (probability !== undefined && !(probability > 0 && probability <= 1)) {
    throw new FaultError(`probability is above 0 and at most 1, which is always; not ${String(probability)}.`);
  }
  if (times !== undefined && !isWhole(times, 1, Infinity)) {
    throw new FaultError(`times is a whole number from 1 on, or absent for always; not ${String(times)}.`);
  }
}

function checkReply({ code, text }: NewFault): void {
  if (code === undefined) {
    if (text !== undefined) throw new FaultError('text is the text of a reply: give its code, too.');
    return;
  }
  // RFC 5321 §4.2: the second digit of a code is 0 to 5. At every stage a fault refuses; a yes is no fault.
  if (!isWhole(code, 400, 559) || Math.floor(code / 10) % 10 > 5) {
    throw new FaultError(`code is a refusal, 400 to 459 or 500 to 559, not ${String(code)}.`);
  }
  if (text === undefined) return;
  if (text.length > TEXT_LENGTH_MAX) {
    throw new FaultError(`text has at most ${String(TEXT_LENGTH_MAX)} characters, not ${String(text.length)}.`);
  }
  if (CONTROL.test(text)) throw new FaultError('text is one line without control characters.');
  const enhancedClass = ENHANCED_PREFIX.exec(text)?.[1];
  // RFC 2034 §4: both codes say the same.
  if (
    enhancedClass !== undefined &&
    (Number(enhancedClass) !== Math.floor(code / 100) || !isEnhancedRead(code, text))
  ) {
    throw new FaultError(
      `text begins with an enhanced status code that does not go with ${String(code)}; write "${String(code)[0] ?? ''}.x.y" or leave it out.`,
    );
  }
}

function isEnhancedRead(code: number, text: string): boolean {
  return parseReply(`${String(code)} ${text}`)?.enhanced !== undefined;
}

function checkThrottle({ stage, code, throttleBytesPerSecond, disconnect }: NewFault): void {
  if (throttleBytesPerSecond === undefined) return;
  if (stage !== 'data') {
    throw new FaultError(`throttleBytesPerSecond is about the content: it belongs to the stage data, not ${stage}.`);
  }
  if (code !== undefined || disconnect === 'insteadOfReply' || disconnect === 'afterReply') {
    throw new FaultError('There is no content to throttle where DATA is refused or the connection cut before it.');
  }
}

function checkDisconnect({ stage, code, disconnect }: NewFault): void {
  if (disconnect === undefined) return;
  if (!Object.hasOwn(DISCONNECT_STAGES, disconnect)) {
    throw new FaultError(
      `There is no disconnect "${disconnect}"; there are: ${Object.keys(DISCONNECT_STAGES).join(', ')}.`,
    );
  }
  const only = DISCONNECT_STAGES[disconnect];
  if (only !== undefined && only !== stage) {
    throw new FaultError(`disconnect "${disconnect}" belongs to the stage ${only}, not ${stage}.`);
  }
  if (code !== undefined && disconnect !== 'afterReply') {
    throw new FaultError(
      `With disconnect "${disconnect}" the reply ${String(code)} would never be heard: write "afterReply", or leave the code out.`,
    );
  }
}

/** What is not known yet cannot be asked. */
function checkConditions(fault: NewFault): void {
  for (const condition of CONDITIONS) {
    const value = fault[condition];
    if (value === undefined) continue;
    if (!KNOWN_AT[fault.stage].includes(condition)) {
      throw new FaultError(`At ${fault.stage} nobody knows "${condition}" yet: ${WHEN_KNOWN[condition]}.`);
    }
    // An address or a name has a text; the inbox of everybody is `''`.
    if (value === '' && condition !== 'inbox') {
      throw new FaultError(`"${condition}" is empty, which is in every address: leave it out.`);
    }
  }
}

function isWhole(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

type Condition = 'from' | 'to' | 'inbox';

const CONDITIONS: readonly Condition[] = ['from', 'to', 'inbox'];
const KNOWN_AT: Readonly<Record<FaultStage, readonly Condition[]>> = {
  connect: [],
  helo: [],
  starttls: [],
  auth: ['inbox'],
  mail: ['from', 'inbox'],
  rcpt: ['from', 'to', 'inbox'],
  data: ['from', 'to', 'inbox'],
  message: ['from', 'to', 'inbox'],
};
const WHEN_KNOWN: Readonly<Record<Condition, string>> = {
  from: 'the sender comes with MAIL',
  to: 'recipients come with RCPT',
  inbox: 'it comes with AUTH or with a recipient',
};
/** The one stage at which a connection can be cut there; `undefined` for all. */
const DISCONNECT_STAGES: Readonly<Record<NonNullable<NewFault['disconnect']>, FaultStage | undefined>> = {
  insteadOfReply: undefined,
  afterReply: undefined,
  inContent: 'data',
  afterTaking: 'message',
};
const DEFAULT_TEXTS = { 4: '4.0.0 Not now: a fault was asked for', 5: '5.0.0 No: a fault was asked for' } as const;
const DELAY_MS_MAX = 600_000;
const TEXT_LENGTH_MAX = 1_000;
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const ENHANCED_PREFIX = /^(\d)\.\d{1,3}\.\d{1,3}(?: |$)/;
