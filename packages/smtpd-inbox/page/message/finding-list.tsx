/** What checks found: the graver first, each with its source and the way to its line. */

import type { Finding } from '../../src/api/model.js';
import { plural } from '../list/entry-text.js';
import { Icon, type IconName } from '../ui/icon.js';
import { goTo, type TabName } from './place.js';

interface FindingListProps {
  readonly findings: readonly Finding[];
  /** What is said when there are none. */
  readonly none: string;
}

export function FindingList({ findings, none }: FindingListProps) {
  if (findings.length === 0) {
    return (
      <p class="msg-agree">
        <Icon name="check" />
        {none}
      </p>
    );
  }
  return (
    <>
      {SEVERITIES.map((severity) => {
        const own = findings.filter((finding) => finding.severity === severity);
        if (own.length === 0) return null;
        return (
          <section key={severity} class={`msg-findings msg-findings-${severity}`}>
            <h4>
              <Icon name={SEVERITY_ICONS[severity]} />
              {plural(own.length, severity)}
            </h4>
            <ul>
              {own.slice(0, FINDINGS_SHOWN).map((finding, at) => (
                <FindingItem key={at} finding={finding} />
              ))}
            </ul>
            {own.length > FINDINGS_SHOWN ? <p class="msg-soft">and {own.length - FINDINGS_SHOWN} more</p> : null}
          </section>
        );
      })}
    </>
  );
}

function FindingItem({ finding }: { readonly finding: Finding }) {
  const { rule, text, source, line, in: place } = finding;
  const tab = TAB_OF[place];
  return (
    <li class="msg-finding">
      <p>{text}</p>
      <p class="msg-finding-source">
        <code>{rule}</code>
        <span>{source}</span>
        {line === undefined && place !== 'envelope' ? null : (
          <button
            type="button"
            class="msg-line-link"
            onClick={() => {
              goTo(line === undefined ? { tab } : { tab, line });
            }}
          >
            {line === undefined ? 'Envelope' : `${PLACE_NAMES[place]}, line ${line}`}
          </button>
        )}
      </p>
    </li>
  );
}

/** How many of each severity: `2 errors, 1 note`; `undefined` for none at all. */
export function summarizeFindings(findings: readonly Finding[]): string | undefined {
  const said = SEVERITIES.map((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? '' : plural(count, severity);
  }).filter((text) => text !== '');
  return said.length === 0 ? undefined : said.join(', ');
}

/** The graver first. */
export const SEVERITIES: readonly Finding['severity'][] = ['error', 'warning', 'note'];
export const SEVERITY_ICONS = { error: 'error', warning: 'warning', note: 'info' } as const satisfies Record<
  Finding['severity'],
  IconName
>;
const TAB_OF = { raw: 'raw', html: 'source', text: 'text', envelope: 'envelope' } as const satisfies Record<
  Finding['in'],
  TabName
>;
const PLACE_NAMES = { raw: 'Raw', html: 'HTML source', text: 'Text', envelope: 'Envelope' } as const;
const FINDINGS_SHOWN = 200;
