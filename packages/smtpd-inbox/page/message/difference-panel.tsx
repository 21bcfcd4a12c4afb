/** The message compared with the one before it that was made from the same template. */

import { useMemo, useState } from 'preact/hooks';

import type { Difference, Message } from '../../src/api/model.js';
import { plural } from '../list/entry-text.js';
import { formatRoute, route } from '../state/route.js';
import { foldSame } from './fold-same.js';
import { formatMoment } from './format.js';
import { Icon } from '../ui/icon.js';
import { Loaded } from './loaded.js';
import { messageJSON, useLoaded } from './message-data.js';
import { titleOf } from './message-facts.js';

export function DifferencePanel({ message }: { readonly message: Message }) {
  const difference = useLoaded(messageJSON<Difference>(message.entry.id, 'difference'));
  return (
    <Loaded of={difference} what="the difference">
      {({ other, sections }) =>
        other === undefined ? (
          <p class="msg-empty">There is no earlier message like this one to compare it with.</p>
        ) : (
          <div class="msg-scroll">
            <p class="msg-bar">
              <span>
                Compared with{' '}
                <a href={formatRoute({ ...route.value, messageId: other.id, tab: 'difference' })}>{titleOf(other)}</a>,
                received <time dateTime={other.receivedAt}>{formatMoment(other.receivedAt)}</time>
              </span>
            </p>
            {sections.map((section) => (
              <Section key={section.part} section={section} />
            ))}
          </div>
        )
      }
    </Loaded>
  );
}

function Section({ section }: { readonly section: Difference['sections'][number] }) {
  const { part, lines } = section;
  const [isWhole, setWhole] = useState(false);
  const folded = useMemo(() => (isWhole ? [{ kind: 'lines', lines } as const] : foldSame(lines)), [lines, isWhole]);
  const added = lines.filter(({ kind }) => kind === 'added').length;
  const removed = lines.filter(({ kind }) => kind === 'removed').length;
  return (
    <section class="msg-difference">
      <h3>
        {PART_NAMES[part]}
        <span class="msg-soft">
          {added + removed === 0 ? 'the same' : `${plural(added, 'line')} added, ${plural(removed, 'line')} removed`}
        </span>
      </h3>
      {added + removed === 0 ? null : (
        <div class="msg-diff" tabIndex={0} role="region" aria-label={`Difference of the ${PART_NAMES[part]}`}>
          {folded.map((stretch, at) =>
            stretch.kind === 'folded' ? (
              <button key={at} type="button" class="msg-diff-folded" onClick={() => setWhole(true)}>
                <Icon name="chevronDown" />
                {plural(stretch.count, 'line')} the same
              </button>
            ) : (
              stretch.lines.map(({ kind, text }, index) => (
                <div key={`${at} ${index}`} class={`msg-diff-line msg-diff-${kind}`}>
                  <span class="msg-diff-sign">{SIGNS[kind]}</span>
                  <span class="visually-hidden">{kind === 'same' ? '' : `${kind}: `}</span>
                  <span class="msg-diff-text">{text}</span>
                </div>
              ))
            ),
          )}
        </div>
      )}
    </section>
  );
}

const PART_NAMES = { headers: 'Header', text: 'Text', html: 'HTML' } as const;
const SIGNS = { same: ' ', added: '+', removed: '−' } as const;
