/** A fault in one sentence. Pure. */

import type { Fault } from '../../src/api/model.js';
import { formatSize } from '../list/entry-text.js';

/** @returns what happens, how often, and to whom */
export function describeFault(fault: Omit<Fault, 'id' | 'hits'>): string {
  const { code, text, delayMs, throttleBytesPerSecond, disconnect, probability, times, to, from, inbox } = fault;
  const what = [
    code === undefined ? undefined : [String(code), text].filter(Boolean).join(' '),
    delayMs === undefined || delayMs === 0 ? undefined : `after ${delayMs.toLocaleString('en')} ms`,
    throttleBytesPerSecond === undefined ? undefined : `content at ${formatSize(throttleBytesPerSecond)}/s`,
    disconnect === undefined ? undefined : DISCONNECT_TEXT[disconnect],
  ].filter((part) => part !== undefined);
  const when = [
    times === undefined ? undefined : times === 1 ? 'once' : `${times.toLocaleString('en')} times`,
    probability === undefined || probability === 1
      ? undefined
      : `${String(Number((probability * 100).toFixed(2)))} of 100 times`,
    to === undefined ? undefined : `to ${to}`,
    from === undefined ? undefined : `from ${from}`,
    inbox === undefined ? undefined : `in ${inbox}`,
  ].filter((part) => part !== undefined);
  return [what.join(', '), ...when].filter((part) => part !== '').join(' · ');
}

const DISCONNECT_TEXT: Readonly<Record<NonNullable<Fault['disconnect']>, string>> = {
  insteadOfReply: 'cut instead of a reply',
  afterReply: 'cut after the reply',
  inContent: 'cut in the content',
  afterTaking: 'cut once kept',
};
