/**
 * The message as it came, octet by octet: every line end, everything that is not printable US-ASCII, lines that are too long; as lines or as
 * a hex dump, searched either way.
 */

import { useMemo, useState } from 'preact/hooks';

import type { Message } from '../../src/api/model.js';
import { formatSize, plural } from '../list/entry-text.js';
import { Choice } from './choice.js';
import { formatCount } from './format.js';
import { HEX_ROW_OCTETS, hexRow, hexRowCount } from './hex.js';
import { Icon } from '../ui/icon.js';
import { Loaded } from './loaded.js';
import { messageOctets, useLoaded } from './message-data.js';
import { OctetLines, type OctetMark, type OctetRow } from './octet-lines.js';
import { type OctetRange, octetRuns } from './octet-runs.js';
import { countOctets, findOctets, findOctetsBackwards } from './octet-search.js';
import { type RowTarget, VirtualRows } from './virtual-rows.js';

interface RawPanelProps {
  readonly message: Message;
  readonly line?: number | undefined;
  readonly offset?: number | undefined;
}

export function RawPanel({ message, line, offset }: RawPanelProps) {
  const octets = useLoaded(messageOctets(message.entry.id, 'raw'));
  return (
    <Loaded of={octets} what="the raw message">
      {(value) => <Octets octets={value} line={line} offset={offset} />}
    </Loaded>
  );
}

interface OctetsProps {
  readonly octets: Uint8Array;
  readonly line: number | undefined;
  readonly offset: number | undefined;
}

function Octets({ octets, line, offset }: OctetsProps) {
  const lines = useMemo(() => new OctetLines(octets), [octets]);
  const [view, setView] = useState<View>(() => READER.view);
  /** Where the reader was brought last, by an address, a mark, a number or a search. */
  const [spot, setSpot] = useState<Spot>();
  const asked = useMemo(
    (): Spot | undefined =>
      line === undefined && offset === undefined
        ? undefined
        : { offset: offset ?? lines.row(lines.rowOfLine(line ?? 1)).start, isLine: true },
    [lines, line, offset],
  );
  const at = spot ?? asked;
  const [lastAsked, setLastAsked] = useState(asked);
  if (asked !== lastAsked) {
    // The address has been changed since: it is what the reader wants now.
    setLastAsked(asked);
    setSpot(undefined);
  }
  const [needleText, setNeedleText] = useState('');
  const needle = useMemo(() => new TextEncoder().encode(needleText), [needleText]);
  const matchCount = useMemo(
    () => countOctets(octets, needle, { ignoreCase: true, max: MATCHES_MAX }),
    [octets, needle],
  );
  const target = useMemo(
    (): RowTarget | undefined =>
      at === undefined
        ? undefined
        : { row: view === 'hex' ? Math.floor(at.offset / HEX_ROW_OCTETS) : lines.rowOfOctet(at.offset) },
    [at, view, lines],
  );

  const find = (direction: 'next' | 'previous'): void => {
    const options = { ignoreCase: true };
    const from = at?.offset ?? -1;
    const found =
      direction === 'next'
        ? (findOctets(octets, needle, from + 1, options) ?? findOctets(octets, needle, 0, options))
        : (findOctetsBackwards(octets, needle, from, options) ??
          findOctetsBackwards(octets, needle, octets.length, options));
    if (found !== undefined) setSpot({ offset: found, isLine: false });
  };
  const jump = (text: string): void => {
    const number = view === 'hex' ? parseInt(text, 16) : parseInt(text, 10);
    if (Number.isNaN(number)) return;
    const start =
      view === 'hex' ? Math.min(number, Math.max(octets.length - 1, 0)) : lines.row(lines.rowOfLine(number)).start;
    setSpot({ offset: start, isLine: view === 'lines' });
  };
  const goToMark = (mark: OctetMark): void => {
    const row = lines.nextMarked(mark, at === undefined ? -1 : lines.rowOfOctet(at.offset));
    if (row !== undefined) setSpot({ offset: lines.row(row).start, isLine: true });
  };

  return (
    <div class="msg-fill">
      <div class="msg-bar">
        <Choice
          label="View"
          value={view}
          options={VIEWS}
          onChoose={(chosen) => {
            setView(chosen);
            READER.view = chosen;
          }}
        />
        <form
          class="msg-search"
          onSubmit={(event) => {
            event.preventDefault();
            const field = event.currentTarget.elements.namedItem('place');
            if (field instanceof HTMLInputElement) jump(field.value);
          }}
        >
          <input
            class="msg-input msg-input-short"
            name="place"
            inputMode={view === 'hex' ? 'text' : 'numeric'}
            placeholder={view === 'hex' ? 'Offset' : 'Line'}
            aria-label={view === 'hex' ? 'Go to an offset, in hex' : 'Go to a line'}
          />
          <button type="submit" class="msg-button">
            Go
          </button>
        </form>
        <form
          class="msg-search"
          role="search"
          onSubmit={(event) => {
            event.preventDefault();
            find('next');
          }}
        >
          <input
            class="msg-input"
            type="search"
            placeholder="Search the octets"
            aria-label="Search the octets"
            value={needleText}
            onInput={(event) => {
              setNeedleText(event.currentTarget.value);
            }}
            onKeyDown={(event) => {
              if (event.key !== 'Enter' || !event.shiftKey) return;
              event.preventDefault();
              find('previous');
            }}
          />
          <button
            type="button"
            class="msg-button"
            aria-label="Previous match"
            disabled={matchCount === 0}
            onClick={() => find('previous')}
          >
            <Icon name="chevronUp" />
          </button>
          <button type="submit" class="msg-button" aria-label="Next match" disabled={matchCount === 0}>
            <Icon name="chevronDown" />
          </button>
          <output class="msg-soft">
            {needleText === ''
              ? ''
              : matchCount === 0
                ? 'Not found'
                : `${formatCount(matchCount)}${matchCount === MATCHES_MAX ? ' or more' : ''} found`}
          </output>
        </form>
      </div>
      <div class="msg-bar msg-marks">
        <span class="msg-soft">
          {plural(lines.lineCount, 'line')}, {formatSize(octets.length)}
        </span>
        {MARKS.filter(({ mark }) => lines.markCounts[mark] > 0).map(({ mark, text, title }) => (
          <button
            key={mark}
            type="button"
            class={`msg-mark msg-mark-${mark}`}
            title={`${title} Goes to the next.`}
            onClick={() => {
              goToMark(mark);
            }}
          >
            {text} <b>{formatCount(lines.markCounts[mark])}</b>
          </button>
        ))}
        {MARKS.every(({ mark }) => lines.markCounts[mark] === 0) ? (
          <span class="msg-soft">Printable US-ASCII in lines that end in CRLF: nothing to mark</span>
        ) : null}
      </div>
      {view === 'lines' ? (
        <VirtualRows count={lines.rowCount} label="Raw message" class="msg-code" target={target}>
          {(row) => (
            <LineRow
              key={row}
              lines={lines}
              row={lines.row(row)}
              needle={needle}
              at={at}
              isTarget={at?.isLine === true && row === target?.row}
            />
          )}
        </VirtualRows>
      ) : (
        <VirtualRows
          count={hexRowCount(octets.length)}
          label="Raw message in hex"
          class="msg-code msg-hex"
          target={target}
        >
          {(row) => <Hex key={row} octets={octets} row={row} needle={needle} at={at} />}
        </VirtualRows>
      )}
    </div>
  );
}

interface LineRowProps {
  readonly lines: OctetLines;
  readonly row: OctetRow;
  readonly needle: Uint8Array;
  readonly at: Spot | undefined;
  readonly isTarget: boolean;
}

function LineRow({ lines, row, needle, at, isTarget }: LineRowProps) {
  const runs = octetRuns(lines.octets, row, matchesIn(lines.octets, needle, row.start, row.end));
  const isTooLong = row.marks.includes('over998');
  const isLong = row.marks.includes('over78');
  return (
    <div class={isTarget ? 'msg-row msg-line-target' : 'msg-row'}>
      <span
        class={`msg-gutter ${isTooLong ? 'msg-gutter-error' : isLong ? 'msg-gutter-long' : ''}`}
        title={isTooLong ? 'Longer than 998 octets' : isLong ? 'Longer than 78 octets' : undefined}
      >
        {row.isContinuation ? '' : row.line}
      </span>
      <span class="msg-row-text">
        {runs.map((run) => {
          const match = !run.isMatch
            ? ''
            : at !== undefined && !at.isLine && at.offset <= run.start && run.start < at.offset + needle.length
              ? ' msg-match msg-match-here'
              : ' msg-match';
          return run.kind === 'text' && match === '' ? (
            run.text
          ) : (
            <span key={run.start} class={`msg-octets-${run.kind}${match}`} title={titleOf(lines.octets, run)}>
              {run.text}
            </span>
          );
        })}
      </span>
    </div>
  );
}

interface HexProps {
  readonly octets: Uint8Array;
  readonly row: number;
  readonly needle: Uint8Array;
  readonly at: Spot | undefined;
}

function Hex({ octets, row, needle, at }: HexProps) {
  const { offset, offsetText, octets: digits, ascii } = hexRow(octets, row);
  const matches = matchesIn(octets, needle, offset, offset + digits.length);
  const classOf = (index: number): string => {
    const octet = offset + index;
    const kind = hexClass(octets[octet] as number);
    if (at?.offset === octet && !at.isLine && needle.length === 0) return `${kind} msg-match msg-match-here`;
    const match = matches.find(({ start, end }) => start <= octet && octet < end);
    if (match === undefined) return kind;
    return match.start === at?.offset ? `${kind} msg-match msg-match-here` : `${kind} msg-match`;
  };
  return (
    <div class="msg-row">
      <span class="msg-gutter">{offsetText}</span>
      <span class="msg-row-text">
        <span class="msg-hex-digits">
          {digits.map((text, index) => (
            <span class={`${classOf(index)}${index === 8 ? ' msg-hex-middle' : ''}`}>{text}</span>
          ))}
        </span>
        <span class="msg-hex-ascii">
          {Array.from(ascii, (letter, index) => (
            <span class={classOf(index)}>{letter}</span>
          ))}
        </span>
      </span>
    </div>
  );
}

function hexClass(octet: number): string {
  if (octet >= 0x80) return 'msg-hex-eightBit';
  if (octet === 0) return 'msg-hex-nul';
  return octet < 0x20 || octet === 0x7f ? 'msg-hex-control' : '';
}

/** The matches that touch a stretch of octets. */
function matchesIn(octets: Uint8Array, needle: Uint8Array, start: number, end: number): readonly OctetRange[] {
  const matches: OctetRange[] = [];
  if (needle.length === 0) return matches;
  const near = octets.subarray(0, Math.min(end + needle.length - 1, octets.length));
  let from = Math.max(start - needle.length + 1, 0);
  for (;;) {
    const found = findOctets(near, needle, from, { ignoreCase: true });
    if (found === undefined || found >= end) return matches;
    matches.push({ start: found, end: found + needle.length });
    from = found + needle.length;
  }
}

function titleOf(
  octets: Uint8Array,
  { kind, start, end }: { readonly kind: string; readonly start: number; readonly end: number },
) {
  if (kind === 'text') return undefined;
  if (kind !== 'eightBit') return TITLES[kind];
  const text = new TextDecoder('utf-8').decode(octets.subarray(start, end));
  return text.includes('\ufffd') ? '8-bit octets, not UTF-8' : `8-bit octets; as UTF-8: ${text}`;
}

/** A place among the octets. */
interface Spot {
  readonly offset: number;
  /** Whether the whole line is meant. */
  readonly isLine: boolean;
}

type View = 'lines' | 'hex';
const READER: { view: View } = { view: 'lines' };
const VIEWS = [
  { value: 'lines', text: 'Lines' },
  { value: 'hex', text: 'Hex' },
] as const;
const MATCHES_MAX = 10_000;

const TITLES: Readonly<Record<string, string>> = {
  bareCR: 'A CR without its LF',
  bareLF: 'An LF without its CR',
  nul: 'NUL',
  control: 'A control character, in hex',
  crlf: 'CRLF',
  tab: 'A tab',
  trailingBlank: 'Blanks before the line end',
};

const MARKS: readonly { readonly mark: OctetMark; readonly text: string; readonly title: string }[] = [
  { mark: 'bareLF', text: 'Bare LF', title: 'An LF without its CR: RFC 5321 §2.3.8 forbids it.' },
  { mark: 'bareCR', text: 'Bare CR', title: 'A CR without its LF: RFC 5321 §2.3.8 forbids it.' },
  { mark: 'nul', text: 'NUL', title: 'RFC 5322 §4 allows none.' },
  { mark: 'over998', text: 'Over 998', title: 'Lines longer than 998 octets: RFC 5322 §2.1.1 forbids them.' },
  { mark: 'control', text: 'Control', title: 'Control characters other than tab, CR and LF.' },
  { mark: 'eightBit', text: '8-bit', title: 'Lines with octets beyond US-ASCII: they need 8BITMIME or SMTPUTF8.' },
  { mark: 'trailingBlank', text: 'Trailing blank', title: 'Blanks before the line end: some servers take them away.' },
  { mark: 'over78', text: 'Over 78', title: 'Lines longer than 78 octets: RFC 5322 §2.1.1 advises against them.' },
];
