/** What mail programs make of the HTML, as Mailpit's API has it: shares in per cent, and a warning for each feature. */

import type { Compatibility } from '../../api/model.js';
import { PROGRAMS } from '../../mail/caniemail-data.js';

/** @param compatibility - what our own API says of the HTML */
export function mailpitHTMLCheck(compatibility: Compatibility): Readonly<Record<string, unknown>> {
  const { supported, partly, unsupported, features } = compatibility;
  const platforms = new Map<string, Set<string>>();
  const warnings = features.map((feature) => {
    const results = [
      ...feature.unsupported.map((program) => resultOf(program, 'no')),
      ...feature.partly.map((program) => resultOf(program, 'partial')),
    ];
    for (const { Platform: platform, Family: family } of results)
      platforms.set(platform, (platforms.get(platform) ?? new Set()).add(family));
    return {
      Slug: feature.slug,
      Title: feature.title,
      Description: '',
      URL: feature.url,
      Category: feature.slug.slice(0, Math.max(0, feature.slug.indexOf('-'))),
      Tags: [],
      Keywords: '',
      Results: results,
      NotesByNumber: Object.fromEntries(feature.notes.map((note, index) => [String(index + 1), note])),
      // Programs that were not tested with it object to nothing.
      Score: {
        Found: feature.lines.length,
        ...scoreOf({
          supported: 1 - (feature.unsupported.length + feature.partly.length) / PROGRAMS.length,
          partly: feature.partly.length / PROGRAMS.length,
          unsupported: feature.unsupported.length / PROGRAMS.length,
        }),
      },
    };
  });
  return {
    Total: {
      Tests: warnings.reduce((sum, { Results: results }) => sum + results.length, 0),
      Nodes: 0,
      ...scoreOf({ supported, partly, unsupported }),
    },
    Platforms: Object.fromEntries([...platforms].map(([platform, families]) => [platform, [...families].sort()])),
    Warnings: warnings,
  };
}

interface Result {
  readonly Name: string;
  readonly Platform: string;
  readonly Family: string;
  readonly Version: string;
  readonly Support: 'no' | 'partial';
  readonly NoteNumber: string;
}

/** `Outlook (Windows)` is a family and its platform. */
function resultOf(program: string, support: Result['Support']): Result {
  const [, family = program, platform = ''] = /^(.*) \(([^()]*)\)$/.exec(program) ?? [];
  return { Name: program, Platform: platform, Family: family, Version: '', Support: support, NoteNumber: '' };
}

function scoreOf(
  shares: Pick<Compatibility, 'supported' | 'partly' | 'unsupported'>,
): Readonly<Record<string, number>> {
  const percent = (share: number): number => Math.round(share * 10_000) / 100;
  return {
    Supported: percent(shares.supported),
    Partial: percent(shares.partly),
    Unsupported: percent(shares.unsupported),
  };
}
