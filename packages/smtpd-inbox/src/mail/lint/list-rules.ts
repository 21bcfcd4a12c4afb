/** What lists and bulk mail owe their readers (RFC 2369, 2919, 8058): a way out, in one click. */

import { fieldOf, type RawField, type RawPart } from './raw-message.js';
import { quote, type LintRule } from './rule.js';

export const LIST_RULES: readonly LintRule[] = [
  {
    id: 'bulk-without-unsubscribe',
    severity: 'warning',
    source: 'RFC 2369 §3.2',
    objection: 'Bulk mail without List-Unsubscribe.',
    *find({ message: { root } }) {
      const sign = bulkSign(root);
      if (sign === undefined || fieldOf(root, 'list-unsubscribe') !== undefined) return;
      yield {
        text: `${sign.name} says that this is bulk mail, and there is no List-Unsubscribe. Add one; Gmail and Yahoo ask for it.`,
        line: sign.firstLine + 1,
      };
    },
  },
  {
    id: 'unsubscribe-without-one-click',
    severity: 'warning',
    source: 'RFC 8058 §3.1',
    objection: 'List-Unsubscribe without List-Unsubscribe-Post.',
    *find({ message: { root } }) {
      const field = fieldOf(root, 'list-unsubscribe');
      if (field === undefined || field.value === '' || fieldOf(root, 'list-unsubscribe-post') !== undefined) return;
      yield {
        text: 'There is List-Unsubscribe and no List-Unsubscribe-Post, so that nobody can leave with one click. Add “List-Unsubscribe-Post: List-Unsubscribe=One-Click” and an https address that takes the POST.',
        line: field.firstLine + 1,
      };
    },
  },
  {
    id: 'one-click-without-https',
    severity: 'error',
    source: 'RFC 8058 §3.1',
    objection: 'List-Unsubscribe-Post, and no https address in List-Unsubscribe.',
    *find({ message: { root } }) {
      const post = fieldOf(root, 'list-unsubscribe-post');
      if (post === undefined) return;
      const field = fieldOf(root, 'list-unsubscribe');
      if (field !== undefined && urisOf(field).some((uri) => /^https:/i.test(uri))) return;
      yield {
        text: 'List-Unsubscribe-Post needs an https address in List-Unsubscribe. Add one.',
        line: post.firstLine + 1,
      };
    },
  },
  {
    id: 'bad-one-click',
    severity: 'error',
    source: 'RFC 8058 §3.1',
    objection: 'List-Unsubscribe-Post is something else than List-Unsubscribe=One-Click.',
    *find({ message: { root } }) {
      const post = fieldOf(root, 'list-unsubscribe-post');
      if (post === undefined || post.value === 'List-Unsubscribe=One-Click') return;
      yield {
        text: `List-Unsubscribe-Post is ${quote(post.value)}; it has to be “List-Unsubscribe=One-Click”.`,
        line: post.firstLine + 1,
      };
    },
  },
  {
    id: 'one-click-not-signed',
    severity: 'warning',
    source: 'RFC 8058 §4',
    objection: 'One-click unsubscription without a DKIM signature that covers its two fields.',
    *find({ message: { root } }) {
      const post = fieldOf(root, 'list-unsubscribe-post');
      if (post === undefined) return;
      const isCovered = root.fields.some(({ lowerName, value }) => {
        if (lowerName !== 'dkim-signature') return false;
        const covered = (/(?:^|;)\s*h\s*=([^;]*)/i.exec(value)?.[1] ?? '').toLowerCase().split(/[\s:]+/);
        return covered.includes('list-unsubscribe') && covered.includes('list-unsubscribe-post');
      });
      if (isCovered) return;
      yield {
        text: 'No DKIM signature covers List-Unsubscribe and List-Unsubscribe-Post; receivers then offer no button. Sign both.',
        line: post.firstLine + 1,
      };
    },
  },
  {
    id: 'unsubscribe-over-http',
    severity: 'warning',
    source: 'RFC 8058 §3.1',
    objection: 'List-Unsubscribe has an http address.',
    *find({ message: { root } }) {
      const field = fieldOf(root, 'list-unsubscribe');
      const uri = field === undefined ? undefined : urisOf(field).find((each) => /^http:/i.test(each));
      if (field === undefined || uri === undefined) return;
      yield {
        text: `List-Unsubscribe has ${quote(uri)}, which goes unencrypted. Use https.`,
        line: field.firstLine + 1,
      };
    },
  },
  {
    id: 'bad-list-field',
    severity: 'error',
    source: 'RFC 2369 §2',
    objection: 'A List- field has no address in angle brackets.',
    *find({ message: { root } }) {
      for (const field of root.fields) {
        if (!LIST_FIELDS.has(field.lowerName) || field.value === '') continue;
        if (field.lowerName === 'list-post' && /^NO\b/.test(field.value)) continue;
        const isRight =
          field.lowerName === 'list-id'
            ? /<[^<>\s]+>\s*$/.test(field.value)
            : urisOf(field).length > 0 && urisOf(field).every((uri) => /^[a-z][a-z0-9+.-]*:\S+$/i.test(uri));
        if (isRight) continue;
        yield {
          text: `${field.name} is ${quote(field.value)}; it needs ${field.lowerName === 'list-id' ? 'an identifier' : 'addresses such as https://… or mailto:…'} in angle brackets.`,
          line: field.firstLine + 1,
        };
      }
    },
  },
];

/** The field by which mail says that it is for many. */
function bulkSign(root: RawPart): RawField | undefined {
  return root.fields.find(
    ({ lowerName, value }) =>
      lowerName === 'list-id' ||
      lowerName === 'feedback-id' ||
      lowerName === 'x-campaign-id' ||
      (lowerName === 'precedence' && /^(?:bulk|list)$/i.test(value)),
  );
}

function urisOf({ value }: RawField): string[] {
  return [...value.matchAll(/<([^<>]*)>/g)].map(([, uri = '']) => uri.trim());
}

const LIST_FIELDS: ReadonlySet<string> = new Set([
  'list-unsubscribe',
  'list-subscribe',
  'list-help',
  'list-post',
  'list-owner',
  'list-archive',
  'list-id',
]);
