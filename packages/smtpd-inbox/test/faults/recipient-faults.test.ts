/** Addresses that ask for a fault, and those that only look like it. */

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { parseRecipientFault } from '../../src/faults/recipient-faults.js';

describe('a recipient asks for a fault', () => {
  it.each([
    ['fail-rcpt-550@a.example', { stage: 'rcpt', code: 550 }],
    ['FAIL-Rcpt-450@a.example', { stage: 'rcpt', code: 450 }],
    ['ann+fail-message-554@a.example', { stage: 'message', code: 554 }],
    ['a+b+fail-data-452-after-3s@a.example', { stage: 'data', code: 452, delayMs: 3000 }],
    ['fail-rcpt-550-5.1.1@a.example', { stage: 'rcpt', code: 550, text: '5.1.1 The recipient asks for this' }],
    [
      'fail-rcpt-452-4.2.2-after-250ms@a.example',
      { stage: 'rcpt', code: 452, text: '4.2.2 The recipient asks for this', delayMs: 250 },
    ],
    ['wait-message-600s@a.example', { stage: 'message', delayMs: 600_000 }],
    ['drop-rcpt@a.example', { stage: 'rcpt', disconnect: 'insteadOfReply' }],
    ['drop-message-after-2s@a.example', { stage: 'message', disconnect: 'insteadOfReply', delayMs: 2000 }],
    ['drop-content@a.example', { stage: 'data', disconnect: 'inContent' }],
    ['drop-taken@a.example', { stage: 'message', disconnect: 'afterTaking' }],
    ['slow-1000@a.example', { stage: 'data', throttleBytesPerSecond: 1000 }],
    ['"x@y"+drop-data@a.example', { stage: 'data', disconnect: 'insteadOfReply' }],
  ])('%s', (address, fault) => {
    expect(parseRecipientFault(address)).toEqual(fault);
  });

  it.each([
    'ann@fail-rcpt-550.example',
    'fail@a.example',
    'fail-rcpt@a.example',
    'fail-rcpt-@a.example',
    'fail-rcpt-250@a.example',
    'fail-rcpt-460@a.example',
    'fail-rcpt-5500@a.example',
    'fail-rcpt-550-4.1.1@a.example',
    'fail-rcpt-550-5.1@a.example',
    'fail-rcpt-550-after-@a.example',
    'fail-rcpt-550-after-3@a.example',
    'fail-rcpt-550-after-3m@a.example',
    'fail-rcpt-550-after-601s@a.example',
    'fail-mail-550@a.example',
    'fail-rcpt-550 @a.example',
    'fail-rcpt-550\n@a.example',
    'xfail-rcpt-550@a.example',
    'fail-rcpt-550x@a.example',
    'fail-rcpt-550+ann@a.example',
    'wait-rcpt@a.example',
    'wait-rcpt-0s@a.example',
    'drop-inbox@a.example',
    'slow-0@a.example',
    'slow-@a.example',
    'fail-rcpt-٥٥٠@a.example',
    `${'x'.repeat(64)}+fail-rcpt-550@a.example`,
  ])('%j does not', (address) => {
    expect(parseRecipientFault(address)).toBeUndefined();
  });

  it('every address of the table in the documentation', () => {
    const page = readFileSync(new URL('../../../../docs/inbox-faults.md', import.meta.url), 'utf8');
    const addresses = [...page.matchAll(/^\| `([^`]+@[^`]+)` \|/gm)].map((match) => match[1] ?? '');
    expect(addresses.length).toBeGreaterThan(5);
    expect(addresses.filter((address) => parseRecipientFault(address) === undefined)).toEqual([]);
  });
});
