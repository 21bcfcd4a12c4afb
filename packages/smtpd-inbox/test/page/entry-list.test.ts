/** The list of the page, kept up by live events: whatever comes in between, it ends as what the server has. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Entry, LiveEvent, Page } from '../../src/api/model.js';
import {
  appendOlder,
  applyEvents,
  EMPTY_LIST,
  findEntry,
  indexOfEntry,
  isNewer,
  listOfPage,
  prependNewer,
  putEntries,
  type EntryList,
} from '../../page/state/entry-list.js';
import { makeEntry } from './fake-inbox.js';

/** What happens: to the server, or on the way to the page. Numbers choose among what there is. */
type Step =
  | { readonly kind: 'add' | 'flip' | 'delete' | 'restore' | 'deliver' | 'answer'; readonly choice: number }
  | { readonly kind: 'askFirst' | 'askOlder' | 'askNewer' };

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: chosen('add') },
    { weight: 2, arbitrary: chosen('flip') },
    { weight: 3, arbitrary: chosen('delete') },
    { weight: 2, arbitrary: chosen('restore') },
    { weight: 4, arbitrary: chosen('deliver') },
    { weight: 4, arbitrary: chosen('answer') },
    { weight: 1, arbitrary: fc.constant<Step>({ kind: 'askFirst' }) },
    { weight: 3, arbitrary: fc.constant<Step>({ kind: 'askOlder' }) },
    { weight: 1, arbitrary: fc.constant<Step>({ kind: 'askNewer' }) },
  ),
  { maxLength: 120 },
);

function chosen(kind: Extract<Step, { choice: number }>['kind']): fc.Arbitrary<Step> {
  return fc.nat(1000).map((choice) => ({ kind, choice }));
}

describe('the list', () => {
  it('is what the server has, however events and answers overtake each other', () => {
    let comparedEntries = 0;
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), (all, pageSize) => {
        const world = new World(pageSize);
        for (const step of all) world.take(step);
        world.settle();
        expect(world.list.entries).toEqual(world.expected());
        comparedEntries += world.list.entries.length;
      }),
      { numRuns: 3000, seed: 20_261_125 },
    );
    // The law was about something.
    expect(comparedEntries).toBeGreaterThan(10_000);
  });

  it('orders ids of different lengths as numbers', () => {
    const ids = ['9', '10', '99', '100', '2', '1000'];
    const list = putEntries(
      EMPTY_LIST,
      ids.map((id) => makeEntry({ id })),
    );
    expect(list.entries.map(({ id }) => id)).toEqual(['1000', '100', '99', '10', '9', '2']);
    for (const [index, { id }] of list.entries.entries()) expect(indexOfEntry(list.entries, id)).toBe(index);
    expect(indexOfEntry(list.entries, '50')).toBe(3);
    expect(findEntry(list, '50')).toBeUndefined();
  });

  it('takes the later of two words on one entry, and asks for nothing that is gone', () => {
    const [before, after] = [makeEntry({ id: '1', isRead: false }), makeEntry({ id: '1', isRead: true })];
    const list = putEntries(EMPTY_LIST, [before, after]);
    expect(list.entries).toEqual([after]);
    const events: LiveEvent[] = [
      { kind: 'changed', ids: ['1'] },
      { kind: 'deleted', ids: ['1'] },
    ];
    expect(applyEvents(list, events, () => true)).toMatchObject({ list: { entries: [] }, stale: [] });
  });

  it('stays the same object when nothing is different, so that nothing is painted', () => {
    const list = putEntries(EMPTY_LIST, [makeEntry({ id: '1' })]);
    const events: LiveEvent[] = [
      { kind: 'deleted', ids: ['7'] },
      { kind: 'settings', key: 'faults' },
    ];
    expect(applyEvents(list, events, () => true).list).toBe(list);
  });
});

/** A server, a page, and what is under way between them. */
class World {
  list: EntryList = EMPTY_LIST;
  /** Newest first. */
  #entries: Entry[] = [];
  readonly #deleted: Entry[] = [];
  #lastId = 0;
  /** Events that the page has not heard yet. */
  readonly #events: LiveEvent[] = [];
  /** All that it has heard. */
  readonly #heard: LiveEvent[] = [];
  /** Answers under way, each with what is done with it. */
  readonly #answers: (() => void)[] = [];
  readonly #pageSize: number;

  constructor(pageSize: number) {
    this.#pageSize = pageSize;
    for (let count = 0; count < 8; count++) this.#add();
    // They were there before the page.
    this.#events = [];
    this.#askFirst();
    this.#answers.shift()?.();
  }

  take(step: Step): void {
    switch (step.kind) {
      case 'add':
        this.#add();
        break;
      case 'flip': {
        const entry = pick(this.#entries, step.choice);
        if (entry === undefined) break;
        this.#entries = this.#entries.map((each) => (each === entry ? { ...each, isRead: !each.isRead } : each));
        this.#events.push({ kind: 'changed', ids: [entry.id] });
        break;
      }
      case 'delete': {
        const entry = pick(this.#entries, step.choice);
        if (entry === undefined) break;
        this.#entries = this.#entries.filter((each) => each !== entry);
        this.#deleted.push(entry);
        this.#events.push({ kind: 'deleted', ids: [entry.id] });
        break;
      }
      case 'restore': {
        const entry = pick(this.#deleted, step.choice);
        if (entry === undefined) break;
        this.#deleted.splice(this.#deleted.indexOf(entry), 1);
        this.#entries = [...this.#entries, entry].sort((one, other) => (isNewer(one.id, other.id) ? -1 : 1));
        this.#events.push({ kind: 'restored', ids: [entry.id] });
        break;
      }
      case 'deliver':
        this.#deliver((step.choice % 4) + 1);
        break;
      case 'answer': {
        // Answers come in any order.
        const [answer] = this.#answers.splice(step.choice % Math.max(1, this.#answers.length), 1);
        answer?.();
        break;
      }
      case 'askFirst':
        this.#askFirst();
        break;
      case 'askOlder': {
        const { older } = this.list;
        if (older !== undefined) {
          this.#ask(
            () => this.#page({ before: older }),
            (page) => (this.list.older === older ? appendOlder(this.list, page) : this.list),
          );
        }
        break;
      }
      case 'askNewer': {
        const { newer } = this.list;
        if (newer !== undefined) {
          this.#ask(
            () => this.#page({ after: newer }),
            (page) => prependNewer(this.list, page),
          );
        }
        break;
      }
    }
  }

  /** Lets everything arrive that is under way, and what that leads to. */
  settle(): void {
    while (this.#events.length > 0 || this.#answers.length > 0) {
      this.#deliver(Infinity);
      this.#answers.shift()?.();
    }
  }

  /** What the page should have: all that it has loaded down to, and everything where there is no more. */
  expected(): readonly Entry[] {
    const { older } = this.list;
    return older === undefined ? this.#entries : this.#entries.filter(({ id }) => id === older || isNewer(id, older));
  }

  #add(): void {
    const entry = makeEntry({ id: String(++this.#lastId), receivedAt: '2026-11-25T20:00:00Z' });
    this.#entries = [entry, ...this.#entries];
    this.#events.push({ kind: 'added', entry });
  }

  #deliver(count: number): void {
    const events = this.#events.splice(0, count);
    this.#heard.push(...events);
    this.#apply(events, this.list);
  }

  #apply(events: readonly LiveEvent[], list: EntryList): void {
    const { list: next, stale } = applyEvents(list, events, () => true);
    this.list = next;
    for (const id of stale) {
      this.#ask(
        () => this.#entries.filter((each) => each.id === id),
        (entries) => putEntries(this.list, entries),
      );
    }
  }

  #askFirst(): void {
    this.#ask(() => this.#page({}), listOfPage);
  }

  /** The server answers at once; the answer is under way for a while. */
  #ask<Answer>(ask: () => Answer, listOf: (answer: Answer) => EntryList): void {
    const since = this.#heard.length;
    const answer = ask();
    this.#answers.push(() => this.#apply(this.#heard.slice(since), listOf(answer)));
  }

  #page({ before, after }: { before?: string; after?: string }): Page {
    const all = this.#entries.filter(
      ({ id }) => (before === undefined || isNewer(before, id)) && (after === undefined || isNewer(id, after)),
    );
    const entries = after === undefined ? all.slice(0, this.#pageSize) : all.slice(-this.#pageSize);
    const last = entries.at(-1);
    return {
      entries,
      ...(after === undefined && all.length > entries.length && last !== undefined ? { older: last.id } : {}),
      newer: entries[0]?.id ?? after ?? String(this.#lastId),
    };
  }
}

function pick<Item>(items: readonly Item[], choice: number): Item | undefined {
  return items[choice % Math.max(1, items.length)];
}
