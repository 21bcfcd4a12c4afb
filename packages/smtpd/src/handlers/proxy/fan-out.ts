/** One source of content for several readers, each at its own pace, none further ahead than one piece. */

/**
 * Splits a source. Every reader sees every piece; the source is read on when each of them has taken the last piece, or has left.
 *
 * When the source throws, every reader hears of it.
 */
export function fanOut(source: AsyncIterable<Uint8Array>, readerCount: number): readonly AsyncIterable<Uint8Array>[] {
  const iterator = source[Symbol.asyncIterator]();
  /** Who has taken the last piece and wants the next one. */
  let waiting: Waiter[] = [];
  let readersLeft = readerCount;

  /** A reader that asks again has taken the last piece; the last of them to ask moves everybody on. */
  const wait = (waiter: Waiter): void => {
    waiting.push(waiter);
    moveOn();
  };
  const moveOn = (): void => {
    if (readersLeft === 0 || waiting.length < readersLeft) return;
    const readers = waiting;
    waiting = [];
    const step = iterator.next();
    for (const { resolve, reject } of readers) step.then(resolve, reject);
  };
  const leave = (waiter: Waiter | undefined): void => {
    // One that asked and does not want it any more has no voice in whether the others have taken the last piece.
    waiting = waiting.filter((each) => each !== waiter);
    waiter?.resolve(DONE);
    readersLeft -= 1;
    if (readersLeft === 0) void Promise.resolve(iterator.return?.()).catch(ignore);
    else moveOn();
  };

  return Array.from({ length: readerCount }, () => ({
    [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
      let hasLeft = false;
      let waiter: Waiter | undefined;
      const leaveOnce = (): void => {
        if (hasLeft) return;
        hasLeft = true;
        leave(waiter);
      };
      return {
        async next() {
          if (hasLeft) return DONE;
          try {
            const step = await new Promise<Step>((resolve, reject) => {
              waiter = { resolve, reject };
              wait(waiter);
            });
            waiter = undefined;
            if (step.done === true) leaveOnce();
            return step;
          } catch (error) {
            waiter = undefined;
            leaveOnce();
            throw error;
          }
        },
        return() {
          leaveOnce();
          return Promise.resolve(DONE);
        },
      };
    },
  }));
}

type Step = IteratorResult<Uint8Array>;

interface Waiter {
  readonly resolve: (step: Step) => void;
  readonly reject: (error: unknown) => void;
}

function ignore(): void {
  // Nobody reads it any more.
}

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });
