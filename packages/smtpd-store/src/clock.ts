/** Time as an argument, so that tests meet the end of a week without waiting. */

/** A clock and its timers, in milliseconds. */
export interface StoreClock {
  /** The time since 1970: what is kept outlives the process, and so do its times. */
  now(): number;
  /** Calls back once, after at least `ms`. @returns what cancels it */
  setTimer(callback: () => void, ms: number): () => void;
}

/** The clock of this machine. Its timers keep no process running. */
export const systemClock: StoreClock = Object.freeze({
  now: () => Date.now(),
  setTimer(callback: () => void, ms: number) {
    // A longer wait would fire at once; whoever is called back too early looks again.
    const timer = setTimeout(callback, Math.min(ms, TIMER_MS_MAX)).unref();
    return () => {
      clearTimeout(timer);
    };
  },
});

const TIMER_MS_MAX = 2_147_483_647;
