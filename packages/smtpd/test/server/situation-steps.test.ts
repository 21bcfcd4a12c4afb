/** The steps that change a session's situation, where the moments matter that no connection can be made to hit: an account that answers later. */

import { describe, expect, it } from 'vitest';

import type { EndpointAddress } from '../../src/net/transport.js';
import type { AdmissionLimit } from '../../src/server/admission-ledger.js';
import { SituationSteps, type StepsHost } from '../../src/server/situation-steps.js';
import { Held } from './support.js';

const PROXY: EndpointAddress = { address: '192.0.2.1', port: 50_000, family: 'IPv4' };

/** A session of a proxy, whose account answers when the test says so. */
function session(): {
  steps: SituationSteps;
  answer: Held<AdmissionLimit | undefined>;
  left: unknown[];
  go: () => void;
} {
  const answer = new Held<AdmissionLimit | undefined>();
  const left: unknown[] = [];
  let isGone = false;
  const host = {
    transport: { remote: PROXY },
    peer: PROXY,
    context: {
      ledger: { move: () => answer.promise, left: (key: unknown) => left.push(key) },
      countedKeyOf: ({ address }: EndpointAddress) => address,
    },
    session: {
      get phase() {
        return isGone ? 'closed' : 'ready';
      },
    },
    isGone: () => isGone,
  };
  const go = (): void => {
    isGone = true;
  };
  return { steps: new SituationSteps(host as unknown as StepsHost), answer, left, go };
}

describe('a session that goes while it is asked whether the client that XCLIENT named may come', () => {
  it.each([
    [undefined, '203.0.113.9'],
    ['sessionsPerAddressMax', '192.0.2.1'],
  ] as const)('is taken from the account as what it was in the end: answered %s', async (limit, key) => {
    const { steps, answer, left, go } = session();
    expect(steps.counted).toBe(PROXY);
    const done = steps.becomeClient(new Map([['ADDR', '203.0.113.9']]));
    expect(steps.counted).toBeUndefined();
    go();
    answer.answer(limit);
    await done;
    expect(left).toEqual([key]);
  });

  it('stays in it while it is there', async () => {
    const { steps, answer, left } = session();
    const done = steps.becomeClient(new Map([['ADDR', '203.0.113.9']]));
    answer.fail(new Error('The channel is closed'));
    await expect(done).rejects.toThrow('closed');
    expect(left).toEqual([]);
    expect(steps.counted).toBe(PROXY);
  });
});
