/** Time as an argument: the server is given a clock, so that tests can meet a five-minute limit without waiting. */

/** A clock and its timers, in milliseconds. */
export interface Clock {
  /** A time that only grows; its zero means nothing. */
  now(): number;
  /** Calls back once, after at least `ms`. @returns what cancels it */
  setTimer(callback: () => void, ms: number): () => void;
}

/** The clock of this process. */
export const systemClock: Clock = Object.freeze({
  // Asked for each time, though that costs as much as the time: who tests with a clock moved by hand has put another one there.
  now: () => performance.now(),
  setTimer(callback: () => void, ms: number) {
    const dueAt = performance.now() + ms;
    let last: NodeJS.Immediate | undefined;
    const onTimer = (): void => {
      // Where the process stood still, timers come before what has arrived meanwhile; and whoever has answered in time is not to be late.
      if (performance.now() - dueAt < LATE_MS) callback();
      else last = setImmediate(callback);
    };
    // A longer wait would fire at once; the deadline looks again when its timer does.
    const timer = setTimeout(onTimer, Math.min(ms, TIMER_MS_MAX));
    return () => {
      clearTimeout(timer);
      clearImmediate(last);
    };
  },
});

const TIMER_MS_MAX = 2_147_483_647;
/** A timer that fires so late was held up. */
const LATE_MS = 10;
