/** Both directories at a real Mailman 3: what they say is what it has. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { MAILMAN_SUFFIXES } from '../../../src/handlers/mailman/mailman-address.js';
import type { MailmanDirectory } from '../../../src/handlers/mailman/mailman-directory.js';
import { MailmanMapDirectory } from '../../../src/handlers/mailman/mailman-map-directory.js';
import { MailmanRESTDirectory } from '../../../src/handlers/mailman/mailman-rest-directory.js';
import { ManualClock } from '../../support/manual-clock.js';
import { isMailmanHere, requireMailman, startMailman, type MailmanInstance } from '../../support/mailman-instance.js';

describe('the directories of a real Mailman', () => {
  requireMailman();

  const clock = new ManualClock();
  let mailman: MailmanInstance;
  let directories: Readonly<Record<'REST' | 'maps', MailmanDirectory>>;

  beforeAll(async () => {
    if (!isMailmanHere()) return;
    mailman = await startMailman();
    for (const list of ['staff', 'foo-owner', 'news']) await mailman.createList(`${list}@lists.example`);
    directories = {
      REST: new MailmanRESTDirectory({
        url: mailman.restURL,
        user: mailman.user,
        password: mailman.password,
        clock,
        staleMs: 10_000_000,
      }),
      maps: new MailmanMapDirectory(join(mailman.varFolder, 'data')),
    };
  }, 120_000);

  afterAll(async () => {
    await (mailman as MailmanInstance | undefined)?.[Symbol.asyncDispose]();
  }, 120_000);

  function lookUp(which: 'REST' | 'maps', address: string) {
    const [localPart = '', domain] = address.split('@');
    return directories[which].lookUp({ localPart, domain });
  }

  describe.each(['REST', 'maps'] as const)('by %s', (which) => {
    it('know the lists, their suffixes, in every case and with detail', async () => {
      const staff = { kind: 'known', list: 'staff@lists.example', isStale: false };
      expect(await lookUp(which, 'staff@lists.example')).toEqual({ ...staff, role: 'post' });
      expect(await lookUp(which, 'STAFF+detail@Lists.Example')).toEqual({ ...staff, role: 'post' });
      for (const role of MAILMAN_SUFFIXES) {
        expect(await lookUp(which, `staff-${role}@lists.example`)).toEqual({ ...staff, role });
        expect(await lookUp(which, `Staff-${role}+1a2b@lists.example`)).toEqual({ ...staff, role });
      }
      const fooOwner = { kind: 'known', list: 'foo-owner@lists.example', isStale: false };
      expect(await lookUp(which, 'foo-owner@lists.example')).toEqual({ ...fooOwner, role: 'post' });
      expect(await lookUp(which, 'foo-owner-owner@lists.example')).toEqual({ ...fooOwner, role: 'owner' });
    });

    it('know what is not there', async () => {
      for (const address of ['nobody', 'foo', 'staff-nothing', 'staff.x'])
        expect(await lookUp(which, `${address}@lists.example`)).toEqual({ kind: 'unknown', isListDomain: true });
      expect(await lookUp(which, 'staff@elsewhere.example')).toEqual({ kind: 'unknown', isListDomain: false });
    });
  });

  it('see that a list was removed: the maps at once, REST after its time', async () => {
    expect((await lookUp('REST', 'news@lists.example')).kind).toBe('known');
    expect((await lookUp('maps', 'news@lists.example')).kind).toBe('known');
    await mailman.deleteList('news@lists.example');
    expect(await lookUp('maps', 'news@lists.example')).toEqual({ kind: 'unknown', isListDomain: true });
    expect((await lookUp('REST', 'news@lists.example')).kind).toBe('known');
    clock.advance(300_000);
    expect(await lookUp('REST', 'news@lists.example')).toEqual({ kind: 'unknown', isListDomain: true });
  });

  it('know the same from maps without patterns', async () => {
    await mailman.writeMaps('hash');
    expect(readFileSync(join(mailman.varFolder, 'data', 'postfix_lmtp'), 'utf8')).toMatch(/^staff@lists\.example /m);
    for (const role of MAILMAN_SUFFIXES) {
      const staff = { kind: 'known', list: 'staff@lists.example', role, isStale: false };
      expect(await lookUp('maps', `staff-${role}+x@lists.example`)).toEqual(staff);
    }
    expect(await lookUp('maps', 'foo-owner@lists.example')).toMatchObject({ list: 'foo-owner@lists.example' });
    expect(await lookUp('maps', 'nobody@lists.example')).toEqual({ kind: 'unknown', isListDomain: true });
    await mailman.writeMaps('regex');
  });

  it('have what they knew while Mailman is stopped, and everything when it is back', async () => {
    expect((await lookUp('REST', 'staff@lists.example')).kind).toBe('known');
    await mailman.stop();
    clock.advance(300_000);
    expect(await lookUp('REST', 'staff@lists.example')).toMatchObject({ kind: 'known', isStale: true });
    expect(await lookUp('REST', 'never-asked@lists.example')).toEqual({
      kind: 'unavailable',
      reason: expect.stringContaining('ECONNREFUSED') as string,
    });
    expect(await lookUp('REST', 'bob@elsewhere.example')).toEqual({ kind: 'unknown', isListDomain: false });
    expect(await lookUp('maps', 'staff@lists.example')).toMatchObject({ kind: 'known', isStale: false });
    await mailman.start();
    await mailman.createList('later@lists.example');
    clock.advance(1_000);
    expect(await lookUp('REST', 'staff@lists.example')).toMatchObject({ kind: 'known', isStale: false });
    expect(await lookUp('REST', 'later@lists.example')).toMatchObject({ kind: 'known', isStale: false });
    expect(await lookUp('maps', 'later@lists.example')).toMatchObject({ kind: 'known', isStale: false });
  }, 120_000);
});
