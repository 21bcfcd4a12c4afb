/**
 * What a strict receiver would say of a message: its octets, its envelope, what its header claims, what its HTML does. The rules stand in
 * `lint/`, a file for each group; here they are put together and run, within bounds.
 */

import type { Envelope, Finding, Session } from '../api/model.js';
import { ENVELOPE_RULES } from './lint/envelope-rules.js';
import { FIELD_RULES } from './lint/field-rules.js';
import { htmlFactsOf } from './lint/html-facts.js';
import { HTML_RULES } from './lint/html-rules.js';
import { LIST_RULES } from './lint/list-rules.js';
import { MIME_RULES } from './lint/mime-rules.js';
import { scanMessage } from './lint/raw-message.js';
import type { LintMail, LintRule } from './lint/rule.js';
import { TRANSPORT_RULES } from './lint/transport-rules.js';
import { WORD_RULES } from './lint/word-rules.js';

/**
 * Looks for everything that a strict receiver may object to. Never throws at what it is given, and takes time in proportion to it; what
 * is beyond a bound is not looked at, and a finding says so.
 *
 * @example
 * ```ts
 * const findings = lintMessage({ raw: Buffer.from('Subject: hello\r\n\r\nhi\r\n'), envelope });
 * findings.map(({ rule }) => rule); // missing-date, missing-from, …
 * ```
 */
export function lintMessage(mail: {
  readonly raw: Uint8Array;
  readonly envelope: Envelope;
  readonly session?: Session | undefined;
  /** When it came, in ISO 8601; without it, no date is too far away. */
  readonly receivedAt?: string | undefined;
}): Finding[] {
  const message = scanMessage(mail.raw);
  const seen: LintMail = {
    message,
    envelope: mail.envelope,
    mailParameters: parametersOf(mail.envelope.mailOptions),
    session: mail.session,
    receivedAtMs: mail.receivedAt === undefined ? undefined : Date.parse(mail.receivedAt),
    htmlParts: htmlFactsOf(message),
  };
  return LINT_RULES.flatMap((rule) => findingsOf(rule, seen)).sort(byPlace);
}

/** Every rule, in the order of the documentation. */
export const LINT_RULES: readonly LintRule[] = [
  ...TRANSPORT_RULES,
  ...FIELD_RULES,
  ...MIME_RULES,
  ...WORD_RULES,
  ...ENVELOPE_RULES,
  ...LIST_RULES,
  ...HTML_RULES,
  {
    id: 'checked-in-part',
    severity: 'note',
    source: 'smtpd-inbox',
    objection: 'The message is larger, deeper or has more pieces than is looked at.',
    *find({ message, htmlParts }) {
      const cuts = new Set([...message.cuts, ...htmlParts.flatMap(({ document }) => document.cuts)]);
      for (const cut of cuts) yield { text: `Not all of the message was looked at: ${cut} were left out.` };
    },
  },
];

/** Places of one rule that are named; behind the last of them it says that there are more. */
export const PLACES_MAX = 20;

function findingsOf(rule: LintRule, mail: LintMail): Finding[] {
  const findings: Finding[] = [];
  for (const { text, line, in: place = 'raw' } of rule.find(mail)) {
    const isLast = findings.length === PLACES_MAX - 1;
    findings.push({
      rule: rule.id,
      severity: rule.severity,
      text: isLast ? `${text} Further places of this kind are not listed.` : text,
      source: rule.source,
      ...(line === undefined ? {} : { line }),
      in: place,
    });
    if (isLast) break;
  }
  return findings;
}

/** Errors first, then by place; rules keep their order. */
function byPlace(first: Finding, second: Finding): number {
  const severity = SEVERITIES.indexOf(first.severity) - SEVERITIES.indexOf(second.severity);
  return severity === 0 ? (first.line ?? 0) - (second.line ?? 0) : severity;
}

function parametersOf(options: readonly string[]): Map<string, string> {
  return new Map(
    options.map((option) => {
      const equals = option.indexOf('=');
      return equals < 0
        ? [option.toUpperCase(), '']
        : [option.slice(0, equals).toUpperCase(), option.slice(equals + 1)];
    }),
  );
}

const SEVERITIES: readonly Finding['severity'][] = ['error', 'warning', 'note'];
