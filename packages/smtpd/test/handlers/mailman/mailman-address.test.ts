import { describe, expect, it } from 'vitest';

import { MAILMAN_SUFFIXES, mailmanCandidates } from '../../../src/handlers/mailman/mailman-address.js';
import { parseMailbox, parsePath } from '../../../src/protocol/path.js';

/** The candidates of an address as it is sent, written `list role`. */
function candidates(address: string): string[] {
  const path = parseMailbox(address);
  if (path === undefined) throw new Error(`No mailbox: ${address}`);
  return mailmanCandidates(path).map(({ list, role }) => `${list} ${role}`);
}

describe('mailmanCandidates', () => {
  it('has the list itself', () => {
    expect(candidates('staff@lists.example')).toEqual(['staff@lists.example post']);
    expect(candidates('all-staff@lists.example')).toEqual(['all-staff@lists.example post']);
  });

  it.each(MAILMAN_SUFFIXES)('has the full name before the name without -%s', (suffix) => {
    expect(candidates(`staff-${suffix}@lists.example`)).toEqual([
      `staff-${suffix}@lists.example post`,
      `staff@lists.example ${suffix}`,
    ]);
  });

  it('takes off one suffix only', () => {
    expect(candidates('foo-owner-request@lists.example')).toEqual([
      'foo-owner-request@lists.example post',
      'foo-owner@lists.example request',
    ]);
  });

  it.each([
    ['staff+detail@lists.example', ['staff@lists.example post']],
    ['staff-confirm+1a2b+3c@lists.example', ['staff-confirm@lists.example post', 'staff@lists.example confirm']],
    ['staff+x-owner@lists.example', ['staff@lists.example post']],
    ['+staff@lists.example', []],
  ])('cuts %s at the first plus sign', (address, expected) => {
    expect(candidates(address)).toEqual(expected);
  });

  it.each([
    ['Staff-Owner@Lists.EXAMPLE', ['staff-owner@lists.example post', 'staff@lists.example owner']],
    // KELVIN SIGN: its lower case is a k, but not in US-ASCII.
    ['staff@\u212a.example', ['staff@\u212a.example post']],
  ])('has %s in lower case, of US-ASCII', (address, expected) => {
    const path = parsePath(Buffer.from(`<${address}>`).toString('latin1'), {
      syntax: 'lenient',
      allowNull: false,
      allowPostmaster: false,
    });
    if (!path.ok) throw new Error('No path');
    expect(mailmanCandidates(path.path).map(({ list, role }) => `${list} ${role}`)).toEqual(expected);
  });

  it('reads quoted local parts as what they mean', () => {
    expect(candidates('"staff-join"@lists.example')).toEqual(candidates('staff-join@lists.example'));
    expect(candidates('"sta\\ff"@lists.example')).toEqual(['staff@lists.example post']);
  });

  it.each(['"st aff"@lists.example', '"a@b"@lists.example', '"a\\"b"@lists.example', '""@lists.example'])(
    'has no list for %s, which no list can be called',
    (address) => {
      expect(candidates(address)).toEqual([]);
    },
  );

  it('does not see a source route', () => {
    const result = parsePath('<@relay.example:staff@lists.example>', {
      syntax: 'strict',
      allowNull: false,
      allowPostmaster: false,
    });
    expect(result.ok && mailmanCandidates(result.path)).toEqual([{ list: 'staff@lists.example', role: 'post' }]);
  });

  it('has no list where there is no domain, or an address', () => {
    expect(mailmanCandidates({ localPart: 'postmaster', domain: undefined })).toEqual([]);
    expect(candidates('staff@[127.0.0.1]')).toEqual([]);
  });

  it('has no list without a name', () => {
    expect(candidates('-owner@lists.example')).toEqual(['-owner@lists.example post']);
    expect(candidates('owner@lists.example')).toEqual(['owner@lists.example post']);
  });
});
