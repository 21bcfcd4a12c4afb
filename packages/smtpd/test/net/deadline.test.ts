/** One wait that is set anew again and again, on a clock that is moved by hand; and the clock of the process. */

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

import { afterEach, describe, expect, it, vi } from 'vitest';

import { systemClock, type Clock } from '../../src/net/clock.js';
import { Deadline } from '../../src/net/deadline.js';
import { ManualClock } from '../support/manual-clock.js';

function newDeadline(clock: Clock = new ManualClock()): { deadline: Deadline; expired: number[] } {
  const expired: number[] = [];
  const deadline = new Deadline(clock, () => expired.push(clock.now()));
  return { deadline, expired };
}

describe('a deadline', () => {
  it('expires once, when its time has come and not before', () => {
    const clock = new ManualClock();
    const { deadline, expired } = newDeadline(clock);
    deadline.set(100);
    clock.advance(99);
    expect(expired).toEqual([]);
    clock.advance(1);
    clock.advance(1_000);
    expect(expired).toEqual([100]);
    expect(clock.timerCount).toBe(0);
  });

  it('that is moved later again and again touches one timer', () => {
    const clock = new ManualClock();
    const setTimer = vi.spyOn(clock, 'setTimer');
    const { deadline, expired } = newDeadline(clock);
    for (let step = 0; step < 50; step += 1) {
      deadline.set(100);
      clock.advance(1);
    }
    expect(setTimer).toHaveBeenCalledTimes(1);
    clock.advance(98);
    expect(expired).toEqual([]);
    clock.advance(1);
    // The last set was at 49.
    expect(expired).toEqual([149]);
  });

  it('that is moved earlier expires at the earlier time, once', () => {
    const clock = new ManualClock();
    const { deadline, expired } = newDeadline(clock);
    deadline.set(1_000);
    deadline.set(10);
    expect(clock.timerCount).toBe(1);
    clock.advance(2_000);
    expect(expired).toEqual([10]);
  });

  it('that knows the shortest wait touches no other timer for it, and looks no more often than that', () => {
    const clock = new ManualClock();
    const setTimer = vi.spyOn(clock, 'setTimer');
    const expired: number[] = [];
    const deadline = new Deadline(clock, () => expired.push(clock.now()), 100);
    deadline.set(1_000);
    clock.advance(50);
    deadline.set(100);
    expect(setTimer).toHaveBeenCalledTimes(1);
    clock.advance(99);
    expect(expired).toEqual([]);
    clock.advance(1);
    expect(expired).toEqual([150]);
    deadline.set(1_000);
    clock.advance(1_000);
    expect(expired).toEqual([150, 1_150]);
    // At 0, at 100 for the rest, and ten times in the last second.
    expect(setTimer).toHaveBeenCalledTimes(12);
  });

  it('that is suspended does not expire, and needs no other timer when it is set again', () => {
    const clock = new ManualClock();
    const setTimer = vi.spyOn(clock, 'setTimer');
    const { deadline, expired } = newDeadline(clock);
    deadline.set(100);
    clock.advance(50);
    deadline.suspend();
    deadline.set(100);
    expect(setTimer).toHaveBeenCalledTimes(1);
    deadline.suspend();
    clock.advance(1_000);
    expect([expired, clock.timerCount]).toEqual([[], 0]);
    deadline.set(10);
    clock.advance(10);
    expect(expired).toEqual([1_060]);
  });

  it('that is cleared, or set to Infinity, leaves no timer and never expires', () => {
    const clock = new ManualClock();
    const { deadline, expired } = newDeadline(clock);
    deadline.set(10);
    deadline.clear();
    expect(clock.timerCount).toBe(0);
    deadline.set(10);
    deadline.set(Infinity);
    expect(clock.timerCount).toBe(0);
    clock.advance(100);
    expect(expired).toEqual([]);
    // It can be used again.
    deadline.set(5);
    clock.advance(5);
    expect(expired).toEqual([105]);
  });

  it('can be set from within its own expiry', () => {
    const clock = new ManualClock();
    const expired: number[] = [];
    const deadline: Deadline = new Deadline(clock, () => {
      expired.push(clock.now());
      if (expired.length < 3) deadline.set(10);
    });
    deadline.set(10);
    clock.advance(100);
    expect(expired).toEqual([10, 20, 30]);
  });

  it('looks again when a timer fires before its time', () => {
    let now = 0;
    let fire: () => void = () => undefined;
    const armed: number[] = [];
    const clock: Clock = {
      now: () => now,
      setTimer: (callback, ms) => {
        fire = callback;
        armed.push(ms);
        return () => undefined;
      },
    };
    const { deadline, expired } = newDeadline(clock);
    deadline.set(100);
    now = 99;
    fire();
    expect(expired).toEqual([]);
    expect(armed).toEqual([100, 1]);
    now = 100;
    fire();
    expect(expired).toEqual([100]);
  });
});

describe('the clock of the process', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it('calls back after the time, unless it was cancelled', () => {
    vi.useFakeTimers();
    const called: string[] = [];
    systemClock.setTimer(() => called.push('kept'), 100);
    const cancel = systemClock.setTimer(() => called.push('cancelled'), 50);
    cancel();
    vi.advanceTimersByTime(99);
    expect(called).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(called).toEqual(['kept']);
  });

  it('lets what has arrived while the process stood still come first', async () => {
    const order: string[] = [];
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const socket = connect((listener.address() as AddressInfo).port, '127.0.0.1');
    const [peer] = (await once(listener, 'connection')) as [Socket];
    socket.on('data', () => order.push('an answer'));
    // Behind this timers come next, and then what has arrived.
    await new Promise(setImmediate);
    const isOver = new Promise<void>((resolve) => {
      systemClock.setTimer(() => {
        order.push('the time is over');
        resolve();
      }, 5);
    });
    peer.write('250 OK\r\n');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    await isOver;
    expect(order).toEqual(['an answer', 'the time is over']);
    socket.destroy();
    listener.close();
  });

  it('a deadline of fifty days does not expire at once', () => {
    vi.useFakeTimers();
    const { deadline, expired } = newDeadline(systemClock);
    const fiftyDaysMs = 50 * 86_400_000;
    deadline.set(fiftyDaysMs);
    vi.advanceTimersByTime(fiftyDaysMs - 1);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(expired).toHaveLength(1);
  });
});
