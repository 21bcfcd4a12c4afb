/**
 * What a conversation consisted of: the phases it went through, how long each took, and which commands were sent without waiting for the
 * replies to those before them.
 */

import type { TranscriptLine } from '../../src/api/model.js';

/** In the order in which they come; after a message the envelope of the next one may follow. */
export const PHASE_NAMES = ['connect', 'tls', 'auth', 'envelope', 'content', 'end'] as const;
export type PhaseName = (typeof PHASE_NAMES)[number];

/** A stretch of the conversation. */
export interface Phase {
  readonly name: PhaseName;
  readonly fromMs: number;
  readonly toMs: number;
  /** Its lines: the first, and the one behind the last. */
  readonly start: number;
  readonly end: number;
}

/** Commands sent in one go (RFC 2920): the first line, and the one behind the last command. */
export interface PipelinedGroup {
  readonly start: number;
  readonly end: number;
  /** How many commands. */
  readonly commands: number;
}

/**
 * The phases of a conversation, in order, without gaps: each ends where the next begins. A phase begins with the command that opens it,
 * except for the content, which begins when the server has asked for it, and the end, which begins when the server has answered it.
 */
export function phasesOf(lines: readonly TranscriptLine[]): readonly Phase[] {
  const phases: Phase[] = [];
  let name: PhaseName = 'connect';
  let start = 0;
  let fromMs = 0;
  let verb = '';
  /** Commands without their reply. */
  let unanswered = 0;
  /** Whether the last of the content has been sent in chunks (RFC 3030). */
  let isLastChunk = false;
  const begin = (next: PhaseName, line: number, wantedMs: number): void => {
    if (next === name) return;
    // A command that came before the reply ahead of it begins nothing in the past.
    const atMs = line > start ? Math.max(wantedMs, fromMs) : fromMs;
    if (line > start) phases.push({ name, fromMs, toMs: atMs, start, end: line });
    name = next;
    start = line;
    fromMs = atMs;
  };

  lines.forEach((line, at) => {
    switch (line.from) {
      case 'client': {
        if ((name === 'content' && verb === 'DATA') || isContentNote(line.text)) return;
        const said = verbOf(line.text);
        const opened = OPENED_BY[said];
        if (opened !== undefined) begin(opened, at, line.atMs);
        if (opened !== undefined || name !== 'auth') verb = said;
        isLastChunk = said === 'BDAT' && /\sLAST\s*$/i.test(line.text);
        unanswered += 1;
        return;
      }
      case 'server': {
        if (!isLastLine(line.text)) return;
        unanswered = Math.max(unanswered - 1, 0);
        if (verb === 'DATA' && name === 'envelope' && line.text.startsWith('354')) begin('content', at + 1, line.atMs);
        else if (name === 'content' && (verb === 'DATA' || (isLastChunk && unanswered === 0))) {
          verb = '';
          begin('end', at + 1, line.atMs);
        }
        return;
      }
      case 'event': {
        // With TLS from the first octet nobody says STARTTLS.
        if (name === 'connect' && at === start && /\bTLS/i.test(line.text)) begin('tls', at, line.atMs);
        return;
      }
    }
  });
  const last = lines.at(-1);
  if (last !== undefined && start < lines.length) {
    phases.push({ name, fromMs, toMs: Math.max(last.atMs, fromMs), start, end: lines.length });
  }
  return phases;
}

/**
 * The groups of two commands and more of which each was there before the one before it had been answered: its sender cannot have waited for
 * that answer.
 */
export function pipelinedGroups(lines: readonly TranscriptLine[]): readonly PipelinedGroup[] {
  const groups: PipelinedGroup[] = [];
  let group: { start: number; end: number; commands: number } | undefined;
  /** When the last command was answered; `undefined` while it is not. */
  let answeredAtMs: number | undefined;
  let isContent = false;
  let isExchange = false;
  const close = (): void => {
    if (group !== undefined && group.commands > 1) groups.push(group);
    group = undefined;
  };

  lines.forEach((line, at) => {
    if (line.from === 'server') {
      if (isLastLine(line.text)) answeredAtMs ??= line.atMs;
      isContent = line.text.startsWith('354');
      isExchange = line.text.startsWith('334');
      return;
    }
    // Neither what happens of itself nor the content and the answers of a SASL exchange are commands.
    if (line.from === 'event' || isContent || isExchange || isContentNote(line.text)) return;
    const hasWaited = answeredAtMs !== undefined && line.atMs > answeredAtMs;
    if (group === undefined || hasWaited) {
      close();
      group = { start: at, end: at + 1, commands: 1 };
    } else {
      group.end = at + 1;
      group.commands += 1;
    }
    answeredAtMs = undefined;
  });
  close();
  return groups;
}

/** Content is not written down; how much there was stands in brackets, and no command begins with one. */
function isContentNote(text: string): boolean {
  return text.startsWith('(');
}

function verbOf(text: string): string {
  return (/^\s*([A-Za-z0-9]+)/.exec(text)?.[1] ?? '').toUpperCase();
}

/** RFC 5321 §4.2.1: only the last line of a reply has no hyphen behind its code. */
function isLastLine(text: string): boolean {
  return !/^\d{3}-/.test(text);
}

const OPENED_BY: Readonly<Record<string, PhaseName>> = {
  STARTTLS: 'tls',
  AUTH: 'auth',
  MAIL: 'envelope',
  RCPT: 'envelope',
  DATA: 'envelope',
  BDAT: 'content',
  QUIT: 'end',
};
