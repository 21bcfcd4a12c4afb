/** The HTML as source, with the lines that the checks speak of. */

import { useMemo } from 'preact/hooks';

import type { Compatibility, Finding, Message } from '../../src/api/model.js';
import { formatSize, plural } from '../list/entry-text.js';
import { CopyButton } from '../ui/copy-button.js';
import { SEVERITIES } from './finding-list.js';
import { HTMLSource } from './html-source.js';
import { messageJSON, useLoaded } from './message-data.js';
import { VirtualRows } from './virtual-rows.js';

export function SourcePanel({ message, line }: { readonly message: Message; readonly line?: number | undefined }) {
  const { html } = message;
  const { id } = message.entry;
  const source = useMemo(() => new HTMLSource(html ?? ''), [html]);
  const notes = useLineNotes(html === undefined ? undefined : id);
  const target = useMemo(() => (line === undefined ? undefined : { row: source.rowOfLine(line) }), [source, line]);
  if (html === undefined) return <p class="msg-empty">This message has no HTML.</p>;

  return (
    <div class="msg-fill">
      <div class="msg-bar">
        <span class="msg-soft">
          {plural(source.lineCount, 'line')}, {formatSize(new TextEncoder().encode(html).length)}
        </span>
        <span class="msg-grow" />
        <CopyButton class="msg-button" text={html} what="the HTML">
          Copy
        </CopyButton>
      </div>
      <VirtualRows count={source.rowCount} label="HTML source" class="msg-code" target={target}>
        {(row) => {
          const { line: number, isContinuation, pieces } = source.row(row);
          const said = isContinuation ? undefined : notes.get(number);
          return (
            <div key={row} class={number === line ? 'msg-row msg-line-target' : 'msg-row'}>
              <span class={`msg-gutter ${said === undefined ? '' : `msg-gutter-${said.severity}`}`} title={said?.text}>
                {isContinuation ? '' : number}
              </span>
              <span class="msg-row-text">
                {pieces.map((piece) => (
                  <span class={`msg-source-${piece.kind}`}>{piece.text}</span>
                ))}
              </span>
            </div>
          );
        }}
      </VirtualRows>
    </div>
  );
}

/** What the checks say of each line: the gravest of it, and all of it as text. */
function useLineNotes(
  id: string | undefined,
): ReadonlyMap<number, { readonly severity: Finding['severity']; readonly text: string }> {
  const lint = useLoaded(id === undefined ? undefined : messageJSON<Finding[]>(id, 'lint'));
  const accessibility = useLoaded(id === undefined ? undefined : messageJSON<Finding[]>(id, 'accessibility'));
  const compatibility = useLoaded(id === undefined ? undefined : messageJSON<Compatibility>(id, 'compatibility'));
  return useMemo(() => {
    const notes = new Map<number, { severity: Finding['severity']; text: string }>();
    const add = (line: number, severity: Finding['severity'], text: string): void => {
      const known = notes.get(line);
      if (known === undefined) notes.set(line, { severity, text });
      else {
        known.text += `\n${text}`;
        if (SEVERITIES.indexOf(severity) < SEVERITIES.indexOf(known.severity)) known.severity = severity;
      }
    };
    for (const findings of [lint, accessibility]) {
      if (findings.state !== 'ready') continue;
      for (const { line, severity, text, in: place } of findings.value) {
        if (line !== undefined && place === 'html') add(line, severity, text);
      }
    }
    if (compatibility.state === 'ready') {
      for (const { lines, title, unsupported } of compatibility.value.features) {
        const said = unsupported.length > 0 ? `not in ${unsupported.join(', ')}` : 'only in part in some programs';
        for (const line of lines) add(line, unsupported.length > 0 ? 'warning' : 'note', `${title}: ${said}`);
      }
    }
    return notes;
  }, [lint.state, accessibility.state, compatibility.state]);
}
