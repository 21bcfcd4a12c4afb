import { openSQLiteStore } from 'smtpd-store';
import { expect, it } from 'vitest';

import { newMessage } from '../support/messages.js';

it('turns away what cannot be handed to a thread, and goes on', async () => {
  await using store = await openSQLiteStore();
  const query = { kind: 'messageId', messageId: Symbol('none') as unknown as string } as const;
  await expect(store.list({ query })).rejects.toMatchObject({ code: 'STORE_BAD_OPTION' });
  const { id } = await store.add(newMessage());
  expect((await store.get(id))?.id).toBe(id);
});

it('lets nobody pay for a neighbour whose request fails', async () => {
  await using store = await openSQLiteStore();
  const query = { kind: 'larger', bytes: {} as unknown as number } as const;
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, (_, index) => (index % 4 === 3 ? store.list({ query }) : store.setRead(['1'], true))),
  );
  expect(outcomes.map(({ status }) => status)).toEqual(
    outcomes.map((_, index) => (index % 4 === 3 ? 'rejected' : 'fulfilled')),
  );
});
