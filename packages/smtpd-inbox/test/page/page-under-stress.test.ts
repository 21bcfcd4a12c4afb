/** The page against a server that breaks, loses events, has very much, or lies below a path: what a real one cannot be made to do at will. */

import { expect as see } from '@playwright/test';
import { describe, expect, it } from 'vitest';

import { FakeInbox } from './fake-inbox.js';
import { axeFindings, usePages } from './page-support.js';

describe('the page', () => {
  const open = usePages();

  it('connects again when the stream breaks, says so, and shows what came meanwhile', async () => {
    await using fake = await FakeInbox.start();
    fake.add({ subject: 'Before' });
    await using opened = await open(fake.url);
    const { page, rows } = opened;
    await see(rows).toHaveCount(1);
    fake.cutStreams();
    await see(page.locator('.connection')).toHaveText(/Reconnecting/);
    fake.add({ subject: 'Meanwhile' });
    await page.getByRole('button', { name: 'Now', exact: true }).click();
    await see(page.locator('.connection')).toHaveText('Live');
    await see(rows.first()).toContainText('Meanwhile');
    await see(rows).toHaveCount(2);
    expect(fake.listeners).toBe(1);
  });

  it('looks again when events were lost', async () => {
    await using fake = await FakeInbox.start();
    fake.add({ subject: 'Stays' }, { subject: 'Goes' });
    await using opened = await open(fake.url);
    const { rows } = opened;
    await see(rows).toHaveCount(2);
    fake.entries = fake.entries.filter(({ subject }) => subject === 'Stays');
    fake.fill(1);
    fake.tell({ kind: 'missed' });
    await see(rows).toHaveCount(2);
    await see(rows.last()).toContainText('Stays');
    await see(rows.first()).not.toContainText('Goes');
  });

  it('keeps what another page changes', async () => {
    await using fake = await FakeInbox.start();
    const [first] = fake.add({ subject: 'One' }, { subject: 'Two' });
    await using opened = await open(fake.url);
    const { page, rows } = opened;
    await see(page.locator('.row.is-unread')).toHaveCount(2);
    fake.entries = fake.entries.map((entry) =>
      entry.id === first!.id ? { ...entry, isRead: true, tags: ['seen'] } : entry,
    );
    fake.tell({ kind: 'changed', ids: [first!.id] });
    await see(page.locator('.row.is-unread')).toHaveCount(1);
    await see(rows.last()).toContainText('seen');
  });

  it('has fifty thousand messages and a few rows, and gets to the oldest', async () => {
    await using fake = await FakeInbox.start();
    fake.fill(50_000);
    await using opened = await open(fake.url);
    const { page, rows } = opened;
    await see(rows.first()).toContainText('Message 50000');
    expect(await rows.count()).toBeLessThan(60);
    expect(fake.lists).toBe(1);
    const list = page.locator('#mail-list');
    for (let depth = 0; depth < 10; depth++) {
      const height = await list.evaluate((element) => {
        element.scrollTop = element.scrollHeight;
        return element.scrollHeight;
      });
      await see.poll(() => list.evaluate((element) => element.scrollHeight)).toBeGreaterThan(height);
      expect(await rows.count()).toBeLessThan(60);
    }
    expect(fake.lists).toBe(11);
    // Mail that comes in numbers comes together, and nothing moves.
    const atTop = () => list.evaluate((element) => element.scrollHeight - element.scrollTop);
    const before = await atTop();
    fake.add(...Array.from({ length: 500 }, () => ({ subject: 'Burst' })));
    await see(page.getByRole('button', { name: '500 new' })).toBeVisible();
    expect(await atTop()).toBe(before);
    expect(await rows.count()).toBeLessThan(60);
  });

  it('keeps what was listed when it fails to look again, and says why there is nothing when it never could', async () => {
    await using fake = await FakeInbox.start();
    fake.isBroken = true;
    await using opened = await open(fake.url);
    const { page, rows, press } = opened;
    await see(page.getByRole('main')).toContainText('The disk is full.');
    expect(await axeFindings(page)).toEqual([]);
    fake.isBroken = false;
    fake.add({ subject: 'There' });
    await page.getByRole('button', { name: 'Try again' }).click();
    await see(rows).toHaveCount(1);
    fake.isBroken = true;
    await press('j', '#');
    await see(page.locator('.notice-failed').first()).toContainText('The disk is full.');
    fake.isBroken = false;
    await press('.');
    await see(rows).toHaveCount(1);
  });

  it('shows a list that comes late with what happened since it was asked for', async () => {
    await using fake = await FakeInbox.start();
    const [old] = fake.add({ subject: 'Old one' });
    await using opened = await open(fake.url);
    const { page, rows } = opened;
    await see(rows).toHaveCount(1);
    let answer = () => {};
    fake.gate = new Promise((resolve) => (answer = resolve));
    const lists = fake.lists;
    const answered = page.waitForResponse(/\/messages\?/);
    await page.keyboard.press('.');
    await see.poll(() => fake.lists).toBe(lists + 1);
    fake.add({ subject: 'Fresh one' });
    fake.entries = fake.entries.filter(({ id }) => id !== old!.id);
    fake.tell({ kind: 'deleted', ids: [old!.id] });
    await see(rows.locator('.row-subject-text')).toHaveText(['Fresh one']);
    // What is answered now has the old one, and not the fresh one.
    answer();
    fake.gate = undefined;
    await (await answered).finished();
    fake.add({ subject: 'Last one' });
    await see(rows.locator('.row-subject-text')).toHaveText(['Last one', 'Fresh one']);
  });

  it('asks once for a message that a link leads to and the list does not have', async () => {
    await using fake = await FakeInbox.start();
    fake.fill(300);
    await using opened = await open(fake.url);
    const { page, rows } = opened;
    await see(rows.first()).toContainText('Message 300');
    const asked: string[] = [];
    page.on('request', (request) => {
      if (request.url() === `${fake.url}api/v1/messages/5`) asked.push(request.method());
    });
    await page.evaluate(() => (location.hash = '#/message/5'));
    await see(page.getByRole('tabpanel')).toContainText('this is how it goes on');
    expect(asked).toEqual(['GET']);
  });

  it('asks for changes as JSON and nothing else, so that no other page could', async () => {
    await using fake = await FakeInbox.start();
    fake.add({ subject: 'One' }, { subject: 'Two' });
    await using opened = await open(fake.url);
    const { page, rows, press } = opened;
    await see(rows).toHaveCount(2);
    await press('j', 'r', '#');
    await see(rows).toHaveCount(1);
    await press('u');
    await see(rows).toHaveCount(2);
    await page.getByRole('button', { name: 'More for this list' }).click();
    await page.getByRole('menuitem', { name: 'Delete all' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete all' }).click();
    await see(rows).toHaveCount(0);
    expect(fake.changes.map(({ method, path }) => `${method} ${path.replace(/\d+/, 'n')}`)).toEqual([
      'POST messages/mark',
      'POST messages/delete',
      'POST deletions/dn/restore',
      'DELETE messages',
    ]);
    expect(new Set(fake.changes.map(({ contentType }) => contentType))).toEqual(new Set(['application/json']));
  });

  it('works below a path', async () => {
    await using fake = await FakeInbox.start('/tools/mail/');
    fake.add({ subject: 'Below' });
    await using opened = await open(fake.url);
    const { page, rows, press } = opened;
    await see(rows).toContainText(['Below']);
    await press('j', 'Enter');
    await see(page).toHaveURL(/\/tools\/mail\/#\/message\/1$/);
    await see(page.locator('link[rel=icon]')).toHaveAttribute('href', /\/tools\/mail\/assets\//);
  });
});
