/** One source of content for several readers, each at its own pace, none further ahead than one piece. */

/**
 * Splits a source. Every reader sees every piece; the source is read on when each of them has taken the last piece, or has left.
 *
 * When the source throws, every reader hears of it.
 */
export function fanOut(source: AsyncIterable<Uint8Array>, readerCount: number): readonly AsyncIterable<Uint8Array>[] {
  const iterator = source[Symbol.asyncIterator]();
  let waiting: (() => void)[] = [];
  let readersLeft = readerCount;
  let current: Promise<IteratorResult<Uint8Array>> | undefined;

  /** A reader that asks again has taken the last piece; the last of them to ask moves everybody on. */
  const next = (): Promise<IteratorResult<Uint8Array>> =>
    new Promise((resolve, reject) => {
      waiting.push(() => {
        current?.then(resolve, reject);
      });
      moveOn();
    });
  const moveOn = (): void => {
    if (readersLeft === 0 || waiting.length < readersLeft) return;
    const readers = waiting;
    waiting = [];
    current = iterator.next();
    for (const read of readers) read();
  };
  const leave = (): void => {
    readersLeft -= 1;
    if (readersLeft === 0) void Promise.resolve(iterator.return?.()).catch(ignore);
    else moveOn();
  };

  return Array.from({ length: readerCount }, () => ({
    [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
      let hasLeft = false;
      const leaveOnce = (): void => {
        if (hasLeft) return;
        hasLeft = true;
        leave();
      };
      return {
        async next() {
          if (hasLeft) return { done: true, value: undefined };
          try {
            const step = await next();
            if (step.done === true) leaveOnce();
            return step;
          } catch (error) {
            leaveOnce();
            throw error;
          }
        },
        return() {
          leaveOnce();
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  }));
}

function ignore(): void {
  // Nobody reads it any more.
}
