/** How a report is printed: a table for people, one object for programs. Nothing in it can reach a terminal as a command. */

import { styleText } from 'node:util';

import { formatRemote } from '../addresses.js';
import { asLine } from '../terminal.js';
import type { Finding, ProbeReport } from './finding.js';

/** The report for people. */
export function formatReport(report: ProbeReport, isColored: boolean): string {
  const { host, address, connections, extensions, findings } = report;
  const where = host === address ? '' : ` (${address})`;
  const statusWidth = Math.max(...STATUSES.map((status) => status.length));
  const nameWidth = Math.max(...findings.map(({ name }) => name.length));
  const keywords = extensions.map(({ keyword, parameters, meaning }) => ({
    left: asLine(`${keyword} ${parameters}`.trim()),
    meaning: asLine(meaning),
  }));
  const keywordWidth = Math.min(LEFT_WIDTH_MAX, Math.max(0, ...keywords.map(({ left }) => left.length)));
  return [
    asLine(`${formatRemote(report)}${where}, ${String(connections)} connections`),
    '',
    ...(keywords.length === 0 ? [] : [report.tls === undefined ? 'Extensions:' : 'Extensions on TLS:']),
    ...keywords.map(({ left, meaning }) => `  ${left.padEnd(keywordWidth)}  ${meaning}`),
    ...(keywords.length === 0 ? [] : ['']),
    'Findings:',
    ...findings.map(({ status, name, detail, clause }) => {
      const label = isColored ? colored(status, status.padEnd(statusWidth)) : status.padEnd(statusWidth);
      return `  ${label}  ${name.padEnd(nameWidth)}  ${asLine(detail)} [${clause}]`;
    }),
    '',
    summary(findings),
    '',
  ].join('\n');
}

/** The report for programs. */
export function formatReportAsJSON(report: ProbeReport): string {
  // What JSON leaves as it is and a terminal obeys, is escaped as JSON allows.
  return `${asLine(JSON.stringify({ ...report, warnings: countOf(report.findings, 'warning') }))}\n`;
}

/** How many findings have this status. */
export function countOf(findings: readonly Finding[], status: Finding['status']): number {
  return findings.filter((finding) => finding.status === status).length;
}

function summary(findings: readonly Finding[]): string {
  const plural = (count: number, word: string): string => `${String(count)} ${word}${count === 1 ? '' : 's'}`;
  return `${plural(countOf(findings, 'warning'), 'warning')}, ${plural(countOf(findings, 'note'), 'note')}`;
}

function colored(status: Finding['status'], text: string): string {
  return styleText(COLORS[status], text, { validateStream: false });
}

const STATUSES = ['ok', 'note', 'warning'] as const;
const COLORS = { ok: 'green', note: 'cyan', warning: 'yellow' } as const;
const LEFT_WIDTH_MAX = 40;
