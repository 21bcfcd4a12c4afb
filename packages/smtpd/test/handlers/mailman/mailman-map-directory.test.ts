import { rmSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { MAILMAN_SUFFIXES } from '../../../src/handlers/mailman/mailman-address.js';
import { MailmanMapDirectory } from '../../../src/handlers/mailman/mailman-map-directory.js';
import { rejection } from '../../server/support.js';
import { TemporaryFolder } from '../../support/temporary-folder.js';

let root: TemporaryFolder;

beforeEach(() => {
  root = new TemporaryFolder();
});

afterEach(() => {
  root[Symbol.dispose]();
});

/** Writes the maps as Mailman does: beside the old ones, then in their place. */
function writeMaps(form: 'plain' | 'regex', lists: readonly string[]): void {
  const escape = (text: string): string => text.replace(/[.]/g, '\\.');
  const line = (name: string, domain: string, detail = ''): string =>
    form === 'plain'
      ? `${name}@${domain}    lmtp:[127.0.0.1]:8024`
      : `/^${escape(name)}${detail}@${escape(domain)}$/    lmtp:[127.0.0.1]:8024`;
  const lmtp = lists.flatMap((list) => {
    const [name = '', domain = ''] = list.split('@');
    return [
      '',
      line(name, domain),
      ...MAILMAN_SUFFIXES.map((suffix) =>
        line(`${name}-${suffix}`, domain, ['bounces', 'confirm'].includes(suffix) ? '(\\+.*)?' : ''),
      ),
    ];
  });
  const domains = [...new Set(lists.map((list) => list.split('@')[1] ?? ''))].map((domain) =>
    form === 'plain' ? `${domain} ${domain}` : `/^${escape(domain)}$/ ${domain}`,
  );
  for (const [name, lines] of [
    ['postfix_lmtp', lmtp],
    ['postfix_domains', domains],
  ] as const) {
    root.write(`${name}.new`, ['# AUTOMATICALLY GENERATED', ...lines, ''].join('\n'));
    renameSync(join(root.path, `${name}.new`), join(root.path, name));
  }
}

function lookUp(directory: MailmanMapDirectory, address: string) {
  const [localPart = '', domain] = address.split('@');
  return directory.lookUp({ localPart, domain });
}

const STAFF = { kind: 'known', list: 'staff@lists.example', role: 'post', isStale: false } as const;

describe.each(['plain', 'regex'] as const)('MailmanMapDirectory, %s', (form) => {
  it('knows lists and their roles, and which domains are Mailman’s', async () => {
    writeMaps(form, ['staff@lists.example', 'foo-owner@lists.example', 'a.b@lists.example']);
    const directory = new MailmanMapDirectory(root.path);
    expect(await lookUp(directory, 'Staff+x@LISTS.example')).toEqual(STAFF);
    for (const role of MAILMAN_SUFFIXES)
      expect(await lookUp(directory, `staff-${role}+x@lists.example`)).toEqual({ ...STAFF, role });
    expect(await lookUp(directory, 'foo-owner@lists.example')).toEqual({ ...STAFF, list: 'foo-owner@lists.example' });
    expect(await lookUp(directory, 'a.b@lists.example')).toMatchObject({ kind: 'known' });
    for (const other of ['nobody', 'foo', 'axb', 'staff-x'])
      expect(await lookUp(directory, `${other}@lists.example`)).toEqual({ kind: 'unknown', isListDomain: true });
    expect(await lookUp(directory, 'staff@listsxexample')).toEqual({ kind: 'unknown', isListDomain: false });
    expect(await lookUp(directory, 'postmaster')).toEqual({ kind: 'unknown', isListDomain: false });
  });

  it('reads the files again when they have changed', async () => {
    writeMaps(form, ['staff@lists.example']);
    const directory = new MailmanMapDirectory(root.path);
    expect(await lookUp(directory, 'staff@lists.example')).toEqual(STAFF);
    writeMaps(form, ['other@lists.example']);
    expect(await lookUp(directory, 'staff@lists.example')).toEqual({ kind: 'unknown', isListDomain: true });
    expect(await lookUp(directory, 'other@lists.example')).toMatchObject({ kind: 'known' });
  });
});

describe('MailmanMapDirectory', () => {
  it('is unavailable without its files, and has what it knew when they are gone', async () => {
    const directory = new MailmanMapDirectory(root.path);
    expect(await lookUp(directory, 'staff@lists.example')).toEqual({
      kind: 'unavailable',
      reason: expect.stringMatching(/^Mailman's map files: ENOENT: .*postfix_/) as string,
    });
    writeMaps('regex', ['staff@lists.example']);
    expect(await lookUp(directory, 'staff@lists.example')).toEqual(STAFF);
    rmSync(join(root.path, 'postfix_domains'));
    expect(await lookUp(directory, 'staff@lists.example')).toEqual({ ...STAFF, isStale: true });
    expect(await lookUp(directory, 'bob@b.example')).toEqual({ kind: 'unknown', isListDomain: false });
    // It may have been made since: nobody hears 550.
    expect(await lookUp(directory, 'other@lists.example')).toMatchObject({ kind: 'unavailable' });
    writeMaps('regex', ['staff@lists.example']);
    expect(await lookUp(directory, 'staff@lists.example')).toEqual(STAFF);
  });

  it('rejects for who has left', async () => {
    const directory = new MailmanMapDirectory(root.path);
    const signal = AbortSignal.abort(new Error('left'));
    const looked = directory.lookUp({ localPart: 'staff', domain: 'lists.example' }, { signal });
    expect(await rejection(looked)).toMatchObject({ message: 'left' });
  });
});
