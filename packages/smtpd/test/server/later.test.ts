/** A value that comes later: a promise for whoever awaits it, heard of at once by whoever listens, and never lost. */

import { describe, expect, it } from 'vitest';

import { Later, listenTo, type LaterListener } from '../../src/server/later.js';
import { rejection, turns } from './support.js';

/** Writes down what it hears. */
class Ear implements LaterListener<string> {
  readonly heard: unknown[] = [];

  onFulfilled(value: string): void {
    this.heard.push(value);
  }

  onRejected(error: unknown): void {
    this.heard.push({ error });
  }
}

const FAILURE = new Error('No');
const OUTCOMES: readonly (readonly [string, (later: Later<string>) => void, unknown])[] = [
  [
    'a value',
    (later) => {
      later.resolve('yes');
    },
    'yes',
  ],
  [
    'a failure',
    (later) => {
      later.reject(FAILURE);
    },
    { error: FAILURE },
  ],
];

describe('whoever listens', () => {
  it.each(OUTCOMES)('hears of %s before the call that settles it returns', (_, settle, heard) => {
    const later = new Later<string>();
    const ear = new Ear();
    later.listen(ear);
    expect([later.isSettled, ear.heard]).toEqual([false, []]);
    settle(later);
    expect([later.isSettled, ear.heard]).toEqual([true, [heard]]);
  });

  it.each(OUTCOMES)(
    'settles another by %s: with what is made of the value, or with the failure',
    (_, settle, heard) => {
      const later = new Later<string>();
      const other = new Later<string>();
      const ear = new Ear();
      other.listen(ear);
      later.listen(other.settledWith((text: string) => `made of ${text}`));
      settle(later);
      expect(ear.heard).toEqual([heard === 'yes' ? 'made of yes' : heard]);
    },
  );

  it.each(OUTCOMES)('hears at once of %s that came before', (_, settle, heard) => {
    const later = new Later<string>();
    settle(later);
    const ear = new Ear();
    later.listen(ear);
    expect(ear.heard).toEqual([heard]);
  });

  it('hears the first outcome, and no other', () => {
    const later = new Later<string>();
    const ear = new Ear();
    later.listen(ear);
    later.resolve('first');
    later.resolve('second');
    later.reject(FAILURE);
    expect(ear.heard).toEqual(['first']);
  });

  it('hears of a plain value at once, of a promise when it is settled', async () => {
    const [plain, promised, failed] = [new Ear(), new Ear(), new Ear()];
    listenTo<string>('plain', plain);
    listenTo<string>(Promise.resolve('promised'), promised);
    listenTo<string>(Promise.reject(FAILURE), failed);
    expect([plain.heard, promised.heard, failed.heard]).toEqual([['plain'], [], []]);
    await turns();
    expect([promised.heard, failed.heard]).toEqual([['promised'], [{ error: FAILURE }]]);
  });
});

describe('whoever takes it for a promise', () => {
  it.each(['before', 'after'])('gets the value that comes %s it is awaited', async (when) => {
    const later = new Later<string>();
    if (when === 'after')
      setImmediate(() => {
        later.resolve('yes');
      });
    else later.resolve('yes');
    expect(await Promise.all([later, Promise.resolve(later), later.then((text) => `${text}!`)])).toEqual([
      'yes',
      'yes',
      'yes!',
    ]);
  });

  it.each(['before', 'after'])('gets the failure that comes %s it is awaited', async (when) => {
    const later = new Later<string>();
    if (when === 'after')
      setImmediate(() => {
        later.reject(FAILURE);
      });
    else later.reject(FAILURE);
    expect(
      await Promise.all([rejection(later), rejection(Promise.resolve(later)), later.catch(() => 'caught')]),
    ).toEqual([FAILURE, FAILURE, 'caught']);
  });

  it('can have something done finally', async () => {
    const later = new Later<string>();
    let isDone = false;
    const whole = later.finally(() => {
      isDone = true;
    });
    later.resolve('yes');
    expect([await whole, isDone]).toEqual(['yes', true]);
  });

  it('does not keep a listener from hearing, nor the other way round', async () => {
    for (const settle of [
      (late: Later<string>) => {
        late.resolve('yes');
      },
      (late: Later<string>) => {
        late.reject(FAILURE);
      },
    ]) {
      const later = new Later<string>();
      const ear = new Ear();
      const before = later.then(String, String);
      later.listen(ear);
      settle(later);
      const outcome = ear.heard[0] === 'yes' ? 'yes' : String(FAILURE);
      expect(ear.heard).toHaveLength(1);
      expect(await Promise.all([before, later.then(String, String)])).toEqual([outcome, outcome]);
    }
  });
});

describe('a failure', () => {
  it('that nobody takes is an unhandled rejection', async () => {
    const { unhandled } = await watchRejections(() => {
      new Later<string>().reject(FAILURE);
    });
    expect(unhandled).toEqual([FAILURE]);
  });

  it('that somebody takes in the same turn, or hears of, is none', async () => {
    const { unhandled } = await watchRejections(() => {
      const [listened, late, awaited] = [new Later<string>(), new Later<string>(), new Later<string>()];
      listened.listen(new Ear());
      for (const each of [listened, late, awaited]) each.reject(FAILURE);
      late.listen(new Ear());
      awaited.catch(() => undefined);
    });
    expect(unhandled).toEqual([]);
  });
});

/** Runs something, and notes what Node would end the process for. */
async function watchRejections(run: () => void): Promise<{ readonly unhandled: readonly unknown[] }> {
  const others = process.listeners('unhandledRejection');
  const unhandled: unknown[] = [];
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (error) => unhandled.push(error));
  try {
    run();
    await turns();
  } finally {
    process.removeAllListeners('unhandledRejection');
    for (const other of others) process.on('unhandledRejection', other);
  }
  return { unhandled };
}
