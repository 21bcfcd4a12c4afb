/** Compares how a conversation went with how it was recorded. The tests and the table in the migration guide both ask here. */

import type { WireReply } from '../support/raw-client.js';
import { HOSTNAME, type MultiOutcome, type Outcome } from './conversation.js';
import type { Aspect, Difference } from './differences.js';
import type { MailmanOutcome, ProxyOutcome } from './proxy-conversation.js';
import type {
  ConversationScenario,
  MailmanScenario,
  MultiScenario,
  ProxyScenario,
  RecordedDelivery,
  RecordedReply,
  RecordedState,
} from './transcripts.js';

/** One found difference, with both sides. */
export interface Finding {
  readonly aspect: Aspect;
  readonly expected: unknown;
  readonly found: unknown;
}

/**
 * The differences of an outcome. Without a deviation everything counts; with the codes that a reader preferred, these count; with a
 * deviation that has several good answers, only the codes of the recording.
 */
export function findDifferences(scenario: ConversationScenario, outcome: Outcome): readonly Finding[] {
  const { deviation, preferredCodes } = scenario;
  const codes = outcome.replies.map(({ code }) => code);
  const findings: Finding[] = [];
  const compare = (aspect: Aspect, expected: unknown, found: unknown): void => {
    if (JSON.stringify(expected) !== JSON.stringify(found)) findings.push({ aspect, expected, found });
  };
  compare('codes', preferredCodes ?? scenario.expect.map(({ code }) => code), codes);
  if (preferredCodes !== undefined) return findings;
  compare('delivery', scenario.delivered.map(normalizeDelivery), outcome.delivered);
  if (deviation !== undefined) return findings;
  compare(
    'order',
    { replyCounts: scenario.replyCounts, closedAfter: scenario.closedAfter },
    { replyCounts: outcome.replyCounts, closedAfter: outcome.closedAfter },
  );
  compare('text', ...comparableTexts(scenario.expect, outcome.replies));
  if (scenario.state !== undefined && outcome.state !== undefined) {
    compare('state', normalizeState(scenario.state), outcome.state);
  }
  return findings;
}

/** The same for a script of several connections. */
export function findMultiDifferences(scenario: MultiScenario, outcome: MultiOutcome): readonly Finding[] {
  const codesOf = (replies: Readonly<Record<string, readonly { readonly code: number | null }[]>>): unknown =>
    Object.fromEntries(Object.entries(replies).map(([name, each]) => [name, each.map(({ code }) => code)]));
  const findings: Finding[] = [];
  const compare = (aspect: Aspect, expected: unknown, found: unknown): void => {
    if (JSON.stringify(expected) !== JSON.stringify(found)) findings.push({ aspect, expected, found });
  };
  compare('codes', codesOf(scenario.expect), codesOf(outcome.replies));
  compare('order', scenario.closed, outcome.closed);
  compare('delivery', scenario.delivered.map(normalizeDelivery), outcome.delivered);
  return findings;
}

/** The same for a conversation through a proxy: the delivery is what the server behind got, `upstream` what it was asked. */
export function findProxyDifferences(scenario: ProxyScenario, outcome: ProxyOutcome): readonly Finding[] {
  const { deviation, preferredCodes } = scenario;
  const findings: Finding[] = [];
  const compare = (aspect: Aspect, expected: unknown, found: unknown): void => {
    if (JSON.stringify(expected) !== JSON.stringify(found)) findings.push({ aspect, expected, found });
  };
  compare(
    'codes',
    preferredCodes ?? scenario.expect.map(({ code }) => code),
    outcome.replies.map(({ code }) => code),
  );
  if (preferredCodes !== undefined) return findings;
  compare('delivery', scenario.upstreamData, outcome.upstreamData);
  compare('upstream', scenario.upstreamCommands.map(normalizeCommand), outcome.upstreamCommands.map(normalizeCommand));
  if (deviation !== undefined) return findings;
  compare('text', ...comparableTexts(scenario.expect, outcome.replies));
  if (scenario.state !== undefined) compare('state', normalizeState(scenario.state), outcome.state);
  return findings;
}

/**
 * The same for a message through a proxy with Mailman beside it. The old one put what was for a list into a queue of Mailman 2; `queue` is
 * that queue, or the recipient that Mailman 3 is told by LMTP.
 */
export function findMailmanDifferences(scenario: MailmanScenario, outcome: MailmanOutcome): readonly Finding[] {
  const { listActions, rcptTos, relayed } = scenario;
  const findings: Finding[] = [];
  const compare = (aspect: Aspect, expected: unknown, found: unknown): void => {
    if (JSON.stringify(expected) !== JSON.stringify(found)) findings.push({ aspect, expected, found });
  };
  compare(
    'codes',
    [...rcptTos, 'the content'].map(() => 250),
    outcome.codes,
  );
  compare(
    'delivery',
    { relayed, lists: listActions.map(({ list, headers }) => ({ list, headers })) },
    { relayed: outcome.relayed, lists: outcome.handed.map(({ list, headers }) => ({ list, headers })) },
  );
  compare(
    'queue',
    listActions.map(({ queue }) => queue),
    outcome.handed.map(({ recipient }) => recipient),
  );
  return findings;
}

/** What is said of a scenario in one line of the table. */
export interface Judgement {
  readonly verdict: 'same' | 'better' | 'differs';
  readonly remark: string;
}

/** How many messages were promised: those whose content was answered with 2yz. */
export function acceptedContents(replies: readonly { readonly code: number }[]): number {
  return replies.filter(({ code }, index) => code < 300 && replies[index - 1]?.code === 354).length;
}

/** The judgement of a scenario whose differences are exactly the declared ones. */
export function judge(
  scenario: { readonly deviation?: string; readonly preferredCodes?: readonly number[] },
  difference: Difference | undefined,
): Judgement {
  if (difference !== undefined) {
    const clause = difference.clause === 'API' ? '' : ` (${difference.clause})`;
    return { verdict: VERDICTS[difference.weDo], remark: `${difference.why}${clause}` };
  }
  if (scenario.preferredCodes === undefined) return { verdict: 'same', remark: '' };
  return { verdict: 'better', remark: `The old module: ${scenario.deviation ?? ''}.` };
}

/** The old channel without what ours has at other times; `<>` is `''` here. */
function normalizeState({ receivedData: _, ...state }: RecordedState): Omit<RecordedState, 'receivedData'> {
  return { ...state, mailFrom: state.mailFrom === '<>' ? '' : state.mailFrom };
}

/** Verbs and keywords have no case (RFC 5321 §2.4), and what a client calls itself was not recorded. */
function normalizeCommand(line: string): string {
  return line.replace(/^(EHLO|HELO) .*/, '$1').replace(/^\w+| \w+=/g, (word) => word.toUpperCase());
}

/** `<>` is `''` here. */
function normalizeDelivery(delivery: RecordedDelivery): RecordedDelivery {
  return { ...delivery, mailFrom: delivery.mailFrom === '<>' ? '' : delivery.mailFrom };
}

/**
 * The texts as far as they can be the same: without the greeting's product name, our additional keywords, and enhanced codes that
 * the old module did not have.
 */
export function comparableTexts(
  recorded: readonly RecordedReply[],
  found: readonly WireReply[],
  hostname: string = HOSTNAME,
): readonly [expected: unknown, found: unknown] {
  const expected = recorded.slice(1).map(({ lines }) => lines.map((line) => line.replaceAll('{fqdn}', hostname)));
  const texts = found.slice(1).map(({ lines }, index) => {
    const kept = lines.filter((line) => !ADDITIONAL_KEYWORDS.has(line.split(' ')[0] ?? ''));
    const hasEnhancedCode = ENHANCED_CODE.test(expected[index]?.[0] ?? '');
    return hasEnhancedCode ? kept : kept.map((line) => line.replace(ENHANCED_CODE, ''));
  });
  return [expected, texts];
}

const VERDICTS = { 'the same': 'same', better: 'better', otherwise: 'differs' } as const;
const ADDITIONAL_KEYWORDS = new Set(['PIPELINING', 'ENHANCEDSTATUSCODES', 'LIMITS', 'CHUNKING', 'BINARYMIME']);
const ENHANCED_CODE = /^[245]\.\d{1,3}\.\d{1,3} /;
