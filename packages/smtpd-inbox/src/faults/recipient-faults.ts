/**
 * Faults by convention: a recipient whose address says what is to go wrong, such as `fail-rcpt-550@anywhere.example`. The address alone
 * decides, so that a test needs no API. Off unless asked for; docs/inbox-faults.md has the table.
 *
 * Parsing is strict: an address that is not exactly of one of these forms is an ordinary one.
 */

import type { NewFault } from '../api/model.js';
import { checkFault } from './check-fault.js';

/**
 * The fault that an address asks for; `undefined` for an ordinary address. What counts is the local part, or what stands behind its
 * last `+`.
 *
 * @example
 * ```ts
 * import { parseRecipientFault } from 'smtpd-inbox';
 * parseRecipientFault('fail-rcpt-550@a.example'); // { stage: 'rcpt', code: 550 }
 * parseRecipientFault('ann+wait-data-3s@a.example'); // { stage: 'data', delayMs: 3000 }
 * ```
 */
export function parseRecipientFault(address: string): NewFault | undefined {
  const at = address.lastIndexOf('@');
  const localPart = at < 0 ? address : address.slice(0, at);
  // RFC 5321 §4.5.3.1.1: a local part has at most 64 octets. Nothing longer is looked at.
  if (localPart.length > LOCAL_PART_LENGTH_MAX) return undefined;
  const words = localPart.slice(localPart.lastIndexOf('+') + 1).toLowerCase();
  for (const { form, read } of FORMS) {
    const found = form.exec(words);
    if (found === null) continue;
    const fault = read(found.groups ?? {});
    return isPossible(fault) ? fault : undefined;
  }
  return undefined;
}

/** The forms, and what each asks for. None of them can be read as another. */
const FORMS: readonly { readonly form: RegExp; readonly read: (found: Groups) => NewFault }[] = [
  {
    form: /^fail-(?<stage>rcpt|data|message)-(?<code>[45]\d\d)(?:-(?<enhanced>[45]\.\d{1,3}\.\d{1,3}))?(?:-after-(?<time>\d{1,6}(?:ms|s)))?$/,
    read: ({ stage, code, enhanced, time }) => ({
      stage: stageOf(stage),
      code: Number(code),
      ...(enhanced === undefined ? {} : { text: `${enhanced} The recipient asks for this` }),
      ...(time === undefined ? {} : { delayMs: millisecondsOf(time) }),
    }),
  },
  {
    form: /^wait-(?<stage>rcpt|data|message)-(?<time>\d{1,6}(?:ms|s))$/,
    read: ({ stage, time }) => ({ stage: stageOf(stage), delayMs: millisecondsOf(time) }),
  },
  {
    form: /^drop-(?<stage>rcpt|data|message)(?:-after-(?<time>\d{1,6}(?:ms|s)))?$/,
    read: ({ stage, time }) => ({
      stage: stageOf(stage),
      disconnect: 'insteadOfReply',
      ...(time === undefined ? {} : { delayMs: millisecondsOf(time) }),
    }),
  },
  { form: /^drop-content$/, read: () => ({ stage: 'data', disconnect: 'inContent' }) },
  { form: /^drop-taken$/, read: () => ({ stage: 'message', disconnect: 'afterTaking' }) },
  {
    form: /^slow-(?<rate>\d{1,9})$/,
    read: ({ rate }) => ({ stage: 'data', throttleBytesPerSecond: Number(rate) }),
  },
];

type Groups = Readonly<Record<string, string | undefined>>;

function stageOf(word: string | undefined): 'rcpt' | 'data' | 'message' {
  return word === 'data' || word === 'message' ? word : 'rcpt';
}

function millisecondsOf(time: string | undefined): number {
  if (time === undefined) return 0;
  return time.endsWith('ms') ? Number(time.slice(0, -2)) : Number(time.slice(0, -1)) * 1_000;
}

function isPossible(fault: NewFault): boolean {
  try {
    checkFault(fault);
    return true;
  } catch {
    return false;
  }
}

const LOCAL_PART_LENGTH_MAX = 64;
