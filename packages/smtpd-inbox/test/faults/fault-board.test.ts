/** Which faults there can be, and which of them happens. */

import { describe, expect, it } from 'vitest';

import type { NewFault } from '../../src/api/model.js';
import { FaultError } from '../../src/faults/check-fault.js';
import { FaultBoard } from '../../src/faults/fault-board.js';

/** A board with one kind of luck after the other. */
function boardWithLuck(...numbers: readonly number[]): { board: FaultBoard; rolled: () => number } {
  let rolled = 0;
  const random = (): number => numbers[rolled++] ?? Number.NaN;
  return { board: new FaultBoard({ random }), rolled: () => rolled };
}

describe('a fault that could not happen', () => {
  it.each<[string, NewFault, RegExp]>([
    ['at no stage', { stage: 'quit' as 'data', code: 450 }, /no stage "quit".*connect, helo/],
    ['by name of a property of every object', { stage: 'toString' as 'data', code: 450 }, /no stage "toString"/],
    ['without anything to do', { stage: 'rcpt' }, /Nothing would happen/],
    ['with a delay of nothing alone', { stage: 'rcpt', delayMs: 0 }, /Nothing would happen/],
    ['with a yes', { stage: 'rcpt', code: 250 }, /refusal.*not 250/],
    ['with a code whose second digit is 6', { stage: 'rcpt', code: 460 }, /not 460/],
    ['with a code above 559', { stage: 'rcpt', code: 560 }, /not 560/],
    ['with half a code', { stage: 'rcpt', code: 450.5 }, /not 450.5/],
    ['with a text and no code', { stage: 'rcpt', text: 'No', delayMs: 1 }, /give its code/],
    ['with two lines', { stage: 'rcpt', code: 450, text: 'No\r\n250 Yes' }, /one line/],
    ['with a control character', { stage: 'rcpt', code: 450, text: 'N\u001b[2Jo' }, /control/],
    ['with a very long text', { stage: 'rcpt', code: 450, text: 'x'.repeat(1001) }, /1000 characters/],
    ['with codes that contradict', { stage: 'rcpt', code: 450, text: '5.1.1 No' }, /write "4\.x\.y"/],
    ['with a malformed enhanced code', { stage: 'rcpt', code: 450, text: '4.01.1 No' }, /write "4\.x\.y"/],
    ['after eleven minutes', { stage: 'rcpt', delayMs: 660_000 }, /delayMs/],
    ['before its time', { stage: 'rcpt', delayMs: -1 }, /delayMs/],
    ['never', { stage: 'rcpt', code: 450, probability: 0 }, /probability/],
    ['more than always', { stage: 'rcpt', code: 450, probability: 1.1 }, /probability/],
    ['no times', { stage: 'rcpt', code: 450, times: 0 }, /times/],
    ['at no octets a second', { stage: 'data', throttleBytesPerSecond: 0 }, /throttle/],
    ['throttled where there is no content', { stage: 'message', throttleBytesPerSecond: 10 }, /stage data/],
    ['throttled and refused', { stage: 'data', throttleBytesPerSecond: 10, code: 450 }, /no content/],
    ['throttled and cut before', { stage: 'data', throttleBytesPerSecond: 10, disconnect: 'afterReply' }, /no content/],
    ['cut nowhere', { stage: 'data', disconnect: 'valueOf' as 'inContent' }, /no disconnect "valueOf"/],
    ['cut in the content of RCPT', { stage: 'rcpt', disconnect: 'inContent' }, /stage data, not rcpt/],
    ['cut once DATA is kept', { stage: 'data', disconnect: 'afterTaking' }, /stage message, not data/],
    ['cut instead of the reply it has', { stage: 'rcpt', code: 450, disconnect: 'insteadOfReply' }, /never be heard/],
    ['kept, though refused', { stage: 'message', code: 450, disconnect: 'afterTaking' }, /never be heard/],
    ['for a sender before MAIL', { stage: 'helo', code: 450, from: 'a' }, /"from" yet: the sender comes with MAIL/],
    ['for a recipient before RCPT', { stage: 'mail', code: 450, to: 'a' }, /"to" yet/],
    ['for an inbox before AUTH', { stage: 'starttls', code: 454, inbox: 'a' }, /"inbox" yet/],
    ['for an empty address', { stage: 'rcpt', code: 450, to: '' }, /leave it out/],
  ])('%s is turned away in a sentence', (_name, fault, message) => {
    const board = new FaultBoard();
    expect(() => board.add(fault)).toThrow(FaultError);
    expect(() => board.add(fault)).toThrow(message);
    expect(board.list()).toEqual([]);
  });
});

describe('a board', () => {
  it('takes the first that is for the request, as often as it should happen', () => {
    const board = new FaultBoard();
    board.add({ stage: 'rcpt', code: 450, times: 2 });
    board.add({ stage: 'data', code: 451 });
    board.add({ stage: 'rcpt', code: 550 });
    const codes = Array.from({ length: 4 }, () => board.take({ stage: 'rcpt', to: ['a@a.example'] })?.code);
    expect(codes).toEqual([450, 450, 550, 550]);
    expect(board.take({ stage: 'mail', from: '' })).toBeUndefined();
    // What has happened is still to be seen.
    expect(board.list().map(({ id, code, hits }) => [id, code, hits])).toEqual([
      ['f1', 450, 2],
      ['f2', 451, 0],
      ['f3', 550, 2],
    ]);
  });

  it.each<[Partial<NewFault>, boolean]>([
    [{ to: 'BOB@' }, true],
    [{ to: 'carol' }, true],
    [{ to: 'dave' }, false],
    [{ from: 'a.example' }, true],
    [{ from: 'b.example' }, false],
    [{ inbox: 'k3f9' }, true],
    [{ inbox: 'k3f' }, false],
    [{ inbox: '' }, true],
    [{ to: 'bob', from: 'ann', inbox: 'k3f9' }, true],
    [{ to: 'bob', from: 'bob', inbox: 'k3f9' }, false],
  ])('takes %j for the envelope: %s', (conditions, isTaken) => {
    const board = new FaultBoard();
    board.add({ stage: 'message', code: 450, ...conditions });
    const request = { from: 'Ann@A.example', to: ['bob@b.example', 'Carol@c.example'], inboxes: ['', 'k3f9'] };
    expect(board.take({ stage: 'message', ...request }) !== undefined).toBe(isTaken);
  });

  it('asks chance only about the faults that are for the request', () => {
    const { board, rolled } = boardWithLuck(0.5, 0.49, 0.9, 0.1, 0.5);
    board.add({ stage: 'data', code: 451, probability: 0.5 });
    board.add({ stage: 'rcpt', code: 450, probability: 0.5 });
    board.add({ stage: 'rcpt', code: 550, probability: 0.2, to: 'bob' });
    board.add({ stage: 'rcpt', code: 551, to: 'zoe' });
    const take = (to: string): number | undefined => board.take({ stage: 'rcpt', to: [to] })?.code;
    expect(take('ann@a.example')).toBeUndefined();
    expect(take('ann@a.example')).toBe(450);
    expect(take('bob@a.example')).toBe(550);
    expect(rolled()).toBe(4);
    // What always happens is not diced for.
    expect(take('zoe@a.example')).toBe(551);
    expect(rolled()).toBe(5);
  });

  it('removes one, or all', () => {
    const board = new FaultBoard();
    const { id } = board.add({ stage: 'rcpt', code: 450 });
    board.add({ stage: 'data', code: 451 });
    expect(board.remove(id)).toBe(true);
    expect(board.remove(id)).toBe(false);
    expect(board.take({ stage: 'rcpt' })).toBeUndefined();
    expect(board.take({ stage: 'data' })?.hits).toBe(1);
    board.clear();
    board.clear();
    expect(board.list()).toEqual([]);
  });

  it('has a bound, and forgets first what has happened as often as it should', () => {
    const board = new FaultBoard();
    const spent = board.add({ stage: 'rcpt', code: 450, times: 1 });
    for (let count = 1; count < 1000; count += 1) board.add({ stage: 'data', code: 450 });
    expect(() => board.add({ stage: 'mail', code: 450 })).toThrow(/1000 faults already/);
    board.take({ stage: 'rcpt' });
    board.add({ stage: 'mail', code: 450 });
    expect(board.list()).toHaveLength(1000);
    expect(board.list().some(({ id }) => id === spent.id)).toBe(false);
  });

  it('gives copies: nobody changes a fault from outside', () => {
    const board = new FaultBoard();
    board.add({ stage: 'rcpt', code: 450 }).code = 999;
    for (const fault of board.list()) (fault as { code?: number }).code = 999;
    expect(board.take({ stage: 'rcpt' })?.code).toBe(450);
  });
});
