/** The conversation: who said what, when, how long each phase took, and what was sent without waiting. */

import { useMemo, useState } from 'preact/hooks';

import type { Entry, Transcript, TranscriptLine } from '../../src/api/model.js';
import { endText, plural } from '../list/entry-text.js';
import { CopyButton } from '../ui/copy-button.js';
import { formatDuration } from './format.js';
import { Icon, type IconName } from '../ui/icon.js';
import { Loaded } from './loaded.js';
import { MASK, maskSecrets } from './mask.js';
import { messageJSON, useLoaded } from './message-data.js';
import { type Phase, PHASE_NAMES, type PhaseName, phasesOf, pipelinedGroups } from './phases.js';

export function SessionPanel({ entry }: { readonly entry: Entry }) {
  const transcript = useLoaded(messageJSON<Transcript>(entry.id, 'transcript'));
  return (
    <div class="msg-scroll">
      {entry.session.end === undefined ? null : (
        <p class="msg-end">
          <Icon name="warning" />
          <span>It ended without a message: {endText(entry.session)}.</span>
        </p>
      )}
      <Loaded of={transcript} what="the conversation">
        {(value) => <Conversation transcript={value} />}
      </Loaded>
    </div>
  );
}

function Conversation({ transcript }: { readonly transcript: Transcript }) {
  const lines = useMemo(() => maskSecrets(transcript.lines), [transcript]);
  const phases = useMemo(() => phasesOf(lines), [lines]);
  const groups = useMemo(() => groupClasses(lines), [lines]);
  const [linesMax, setLinesMax] = useState(LINES_SHOWN);
  if (lines.length === 0) return <p class="msg-empty">Nothing was written down of this conversation.</p>;
  return (
    <>
      <PhaseBar phases={phases} />
      <div class="msg-bar">
        <span class="msg-soft">
          {plural(lines.length, 'line')} in {formatDuration(lines.at(-1)?.atMs ?? 0)}
        </span>
        <span class="msg-grow" />
        <CopyButton class="msg-button" text={lines.map(lineText).join('\n')} what="the conversation">
          Copy
        </CopyButton>
        {transcript.swaks === '' ? null : (
          <CopyButton class="msg-button" text={transcript.swaks} what="as a swaks command">
            swaks
          </CopyButton>
        )}
      </div>
      <ol class="msg-conversation">
        {lines.slice(0, linesMax).map((line, at) => (
          <li key={at} class={`msg-said msg-said-${line.from} ${groups.get(at) ?? ''}`}>
            <span class="msg-said-at">{timeText(line.atMs)}</span>
            <span class="msg-said-gap">{gapText(lines, at)}</span>
            <span
              class="msg-said-group"
              title={groups.has(at) ? 'Sent in one go, without waiting for the replies' : undefined}
            />
            <Icon name={DIRECTION_ICONS[line.from]} />
            <span class="visually-hidden">{DIRECTION_NAMES[line.from]}: </span>
            <code class="msg-said-text">{withMasks(line.text)}</code>
          </li>
        ))}
      </ol>
      {lines.length > linesMax ? (
        <p class="msg-more">
          <button type="button" class="msg-button" onClick={() => setLinesMax(linesMax * 4)}>
            Show more of {plural(lines.length - linesMax, 'line')}
          </button>
        </p>
      ) : null}
    </>
  );
}

function PhaseBar({ phases }: { readonly phases: readonly Phase[] }) {
  const wholeMs = (phases.at(-1)?.toMs ?? 0) - (phases[0]?.fromMs ?? 0);
  const sums = PHASE_NAMES.map((name) => {
    const own = phases.filter((phase) => phase.name === name);
    return { name, count: own.length, ms: own.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0) };
  }).filter(({ count }) => count > 0);
  return (
    <section class="msg-phases" aria-label="Phases">
      <div class="msg-phase-bar" aria-hidden="true">
        {phases.map(({ name, start, fromMs, toMs }) => (
          <span
            key={start}
            class={`msg-phase msg-phase-${name}`}
            title={`${PHASE_TEXTS[name]}: ${formatDuration(toMs - fromMs)}`}
            ref={(element) => {
              // Even a phase that took no time is there to be seen.
              if (element !== null)
                element.style.flexGrow = String(wholeMs === 0 ? 1 : Math.max((toMs - fromMs) / wholeMs, 0.01));
            }}
          />
        ))}
      </div>
      <dl class="msg-phase-names">
        {sums.map(({ name, count, ms }) => (
          <div key={name}>
            <dt>
              <span class={`msg-swatch msg-phase-${name}`} />
              {PHASE_TEXTS[name]}
              {count > 1 ? ` ×${count}` : ''}
            </dt>
            <dd>{formatDuration(ms)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Which part of a bracket stands beside each line of a group. */
function groupClasses(lines: readonly TranscriptLine[]): ReadonlyMap<number, string> {
  const classes = new Map<number, string>();
  for (const { start, end } of pipelinedGroups(lines)) {
    for (let at = start; at < end; at += 1) {
      const place = at === start ? 'msg-group-first' : at === end - 1 ? 'msg-group-last' : '';
      classes.set(at, `msg-group ${place}`);
    }
  }
  return classes;
}

/** The time in one unit all the way down, so that two can be compared at a glance. */
function timeText(atMs: number): string {
  return atMs < 100_000 ? `${atMs.toFixed(1)} ms` : formatDuration(atMs);
}

function gapText(lines: readonly TranscriptLine[], at: number): string {
  const gapMs = (lines[at]?.atMs ?? 0) - (lines[at - 1]?.atMs ?? 0);
  return at > 0 && gapMs >= GAP_SHOWN_MS ? `+${formatDuration(gapMs)}` : '';
}

function withMasks(text: string) {
  const [before = '', after] = text.split(MASK);
  return after === undefined ? (
    text
  ) : (
    <>
      {before}
      <span class="msg-mask" title="A secret, not shown">
        {MASK}
      </span>
      {after}
    </>
  );
}

function lineText({ from, atMs, text }: TranscriptLine): string {
  return `${atMs.toFixed(1).padStart(9)} ms  ${DIRECTION_LETTERS[from]}  ${text}`;
}

const DIRECTION_ICONS = { client: 'fromClient', server: 'fromServer', event: 'event' } as const satisfies Record<
  TranscriptLine['from'],
  IconName
>;
const DIRECTION_NAMES = { client: 'Client', server: 'Server', event: 'Event' } as const;
const DIRECTION_LETTERS = { client: 'C:', server: 'S:', event: '--' } as const;
const PHASE_TEXTS = {
  connect: 'Connect',
  tls: 'TLS',
  auth: 'AUTH',
  envelope: 'Envelope',
  content: 'Content',
  end: 'End',
} as const satisfies Record<PhaseName, string>;
const LINES_SHOWN = 1000;
/** A shorter wait is nobody's. */
const GAP_SHOWN_MS = 10;
