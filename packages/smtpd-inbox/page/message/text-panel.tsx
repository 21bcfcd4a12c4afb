/** The text of a message: quotes and signature told apart, links to follow. */

import { useMemo, useState } from 'preact/hooks';

import type { Message } from '../../src/api/model.js';
import { plural } from '../list/entry-text.js';
import { Choice } from './choice.js';
import { CopyButton } from '../ui/copy-button.js';
import { MailLink } from './mail-link.js';
import { type TextBlock, viewText } from './text-view.js';
import { useTargetLine } from './target-line.js';

export function TextPanel({ message, line }: { readonly message: Message; readonly line?: number | undefined }) {
  const { text } = message;
  const blocks = useMemo(() => viewText(text ?? ''), [text]);
  const [face, setFace] = useState<'plain' | 'code'>(() => READER.face);
  const [linesMax, setLinesMax] = useState(Math.max(LINES_SHOWN, line ?? 0));
  const target = useTargetLine(line);
  if (text === undefined) return <p class="msg-empty">This message has no plain text.</p>;

  const last = blocks.at(-1);
  const lineCount = last === undefined ? 0 : last.line - 1 + last.lines.length;
  return (
    <div class="msg-scroll">
      <div class="msg-bar">
        <Choice
          label="Typeface"
          value={face}
          options={FACES}
          onChoose={(chosen) => {
            setFace(chosen);
            READER.face = chosen;
          }}
        />
        <span class="msg-grow" />
        <CopyButton class="msg-button" text={text} what="the text">
          Copy
        </CopyButton>
      </div>
      <div class={`msg-text msg-text-${face}`}>
        {blocks
          .filter((block) => block.line <= linesMax)
          .map((block) => (
            <Block key={block.line} block={block} linesMax={linesMax} targetLine={line} target={target} />
          ))}
      </div>
      {lineCount > linesMax ? (
        <p class="msg-more">
          <button type="button" class="msg-button" onClick={() => setLinesMax(linesMax + LINES_SHOWN * 5)}>
            Show more of {plural(lineCount - linesMax, 'line')}
          </button>
        </p>
      ) : null}
    </div>
  );
}

interface BlockProps {
  readonly block: TextBlock;
  readonly linesMax: number;
  readonly targetLine: number | undefined;
  readonly target: (element: HTMLElement | null) => void;
}

function Block({ block, linesMax, targetLine, target }: BlockProps) {
  const label = block.kind === 'quote' ? `Quoted${block.depth > 1 ? ` ${block.depth} times` : ''}` : 'Signature';
  return (
    <div
      class={`msg-block-${block.kind} msg-depth-${Math.min(block.depth, 5)}`}
      {...(block.kind === 'text' ? {} : { role: 'group', 'aria-label': label })}
    >
      {block.lines.slice(0, linesMax - block.line + 1).map((pieces, at) => {
        const line = block.line + at;
        return (
          <div
            key={line}
            dir="auto"
            class={line === targetLine ? 'msg-line msg-line-target' : 'msg-line'}
            ref={line === targetLine ? target : null}
          >
            {pieces.map((piece) =>
              piece.href === undefined ? piece.text : <MailLink url={piece.href}>{piece.text}</MailLink>,
            )}
          </div>
        );
      })}
    </div>
  );
}

const READER: { face: 'plain' | 'code' } = { face: 'plain' };
const FACES = [
  { value: 'plain', text: 'Proportional' },
  { value: 'code', text: 'Monospaced' },
] as const;
/** A page's worth of elements; nobody reads further without asking. */
const LINES_SHOWN = 2000;
