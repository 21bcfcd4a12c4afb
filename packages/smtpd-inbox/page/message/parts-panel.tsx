/** The MIME tree: what is in what, and each part for itself. */

import { useMemo, useState } from 'preact/hooks';

import type { Message, Part } from '../../src/api/model.js';
import { formatSize, plural } from '../list/entry-text.js';
import { Facts } from './facts.js';
import { formatCount } from './format.js';
import { Icon } from '../ui/icon.js';
import { partAddress, PartContent } from './part-content.js';
import { partIcon } from './part-icon.js';
import { goTo } from './place.js';

export function PartsPanel({ message }: { readonly message: Message }) {
  const { parts } = message;
  const { id } = message.entry;
  const depths = useMemo(() => depthsOf(parts), [parts]);
  const [chosen, setChosen] = useState<string>();
  const [partsMax, setPartsMax] = useState(PARTS_SHOWN);
  const part =
    parts.find(({ number }) => number === chosen) ?? parts.find(({ role }) => role !== 'container') ?? parts[0];
  if (part === undefined) return <p class="msg-empty">The message could not be taken apart.</p>;
  return (
    <div class="msg-split">
      <nav class="msg-tree" aria-label="Parts">
        <ol>
          {parts.slice(0, partsMax).map((node) => (
            <li key={node.number} class={`msg-indent-${Math.min(depths.get(node.number) ?? 0, INDENT_MAX)}`}>
              <button
                type="button"
                class="msg-node"
                aria-current={node === part ? 'true' : undefined}
                onClick={() => {
                  setChosen(node.number);
                }}
              >
                <Icon name={partIcon(node)} />
                <span class="msg-node-text">
                  <span class="msg-node-type">{node.contentType}</span>
                  {node.fileName === undefined ? null : <span>{node.fileName}</span>}
                  <span class="msg-soft">
                    {[node.number, ROLE_NAMES[node.role], node.encoding, formatSize(node.sizeBytes)]
                      .filter(Boolean)
                      .join(' · ')}
                  </span>
                </span>
              </button>
            </li>
          ))}
        </ol>
        {parts.length > partsMax ? (
          <button type="button" class="msg-button" onClick={() => setPartsMax(partsMax * 4)}>
            Show more of {plural(parts.length - partsMax, 'part')}
          </button>
        ) : null}
      </nav>
      <section class="msg-part" aria-label={`Part ${part.number}`}>
        <div class="msg-bar">
          <h3 class="msg-part-title">{part.fileName ?? part.contentType}</h3>
          <span class="msg-grow" />
          <button type="button" class="msg-button" onClick={() => goTo({ tab: 'raw', offset: part.start })}>
            Show in raw
          </button>
          {part.role === 'container' ? null : (
            <a class="msg-button" href={partAddress(id, part, { isInline: false })} download={part.fileName ?? true}>
              <Icon name="download" />
              Download
            </a>
          )}
        </div>
        <Facts
          facts={[
            ['Part', part.number],
            ['Role', ROLE_NAMES[part.role]],
            ['Content-Type', part.contentType],
            ['Charset', part.charset],
            ['Encoding', part.encoding],
            ['Disposition', part.disposition],
            ['File name', part.fileName],
            ['Content-ID', part.contentId],
            ['Decoded', formatSize(part.sizeBytes)],
            ['Octets', `${formatCount(part.start)} to ${formatCount(part.end)} of the message`],
          ]}
        />
        <PartContent key={part.number} id={id} part={part} />
      </section>
    </div>
  );
}

/** How deep each part lies. A parent stands before what is in it. */
function depthsOf(parts: readonly Part[]): ReadonlyMap<string, number> {
  const depths = new Map<string, number>();
  for (const { number, parent } of parts) depths.set(number, parent === undefined ? 0 : (depths.get(parent) ?? 0) + 1);
  return depths;
}

const ROLE_NAMES = {
  container: 'container',
  text: 'text',
  html: 'HTML',
  attachment: 'attachment',
  related: 'used by the HTML',
  message: 'message',
} as const satisfies Record<Part['role'], string>;
/** Deeper ones stand no further to the right; message.css has a class for each. */
const INDENT_MAX = 12;
const PARTS_SHOWN = 500;
