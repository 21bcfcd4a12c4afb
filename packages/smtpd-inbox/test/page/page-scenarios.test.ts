/** The page in a browser, against a real inbox that receives mail from a real client: every feature once, as somebody uses it. */

import { expect as see, type Page } from '@playwright/test';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { startInbox, type InboxServer } from 'smtpd-inbox';
import { createTransport } from 'nodemailer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { axeFindings, usePages } from './page-support.js';

interface Mail {
  readonly from?: string;
  readonly to?: string;
  readonly subject: string;
  readonly text?: string;
  readonly attachments?: { filename: string; content: string }[];
}

describe('the page', () => {
  const open = usePages();
  let inbox: InboxServer;
  beforeEach(async () => {
    inbox = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', webhookURLs: ['loopback'] });
  });
  afterEach(() => inbox.close());

  const url = (hash = '') => `${String(inbox.url)}${hash}`;
  /** Sends mail one after another, with STARTTLS and a login as clients that trust a development server do it. */
  const send = async (...mails: readonly Mail[]) => {
    const transport = createTransport({
      host: '127.0.0.1',
      port: inbox.smtpPort,
      tls: { rejectUnauthorized: false },
      auth: { user: 'ann', pass: 'secret' },
    });
    for (const mail of mails) {
      await transport.sendMail({ from: 'Ann Onym <ann@a.example>', to: 'bob@b.example', text: 'Hello', ...mail });
    }
    transport.close();
  };
  const numbered = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ subject: `Number ${String(index + 1)}` }));
  const subjects = (page: Page) => page.locator('#mail-list .row-subject-text').allTextContents();

  it('shows settings with the real address while there is no mail, and sends a test mail', async () => {
    await using opened = await open(url(), { permissions: ['clipboard-read', 'clipboard-write'] });
    const { page, rows } = opened;
    await see(page.getByRole('heading', { name: 'No mail yet' })).toBeVisible();
    for (const name of [
      'nodemailer',
      'Django',
      'Rails',
      'Laravel',
      'Spring Boot',
      'Go',
      'PHP mail()',
      'swaks',
      'curl',
    ]) {
      await page.getByRole('tab', { name, exact: true }).click();
      await see(page.locator('.code pre')).toContainText(String(inbox.smtpPort));
    }
    await page.getByRole('button', { name: 'Copy the settings for curl' }).click();
    await see(page.getByRole('log')).toHaveText(/Copied/);
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(
      `smtp://127.0.0.1:${String(inbox.smtpPort)}`,
    );
    await page.getByRole('button', { name: 'Send a test mail' }).click();
    await see(rows).toHaveCount(1);
    await see(rows).toContainText('It works');
  });

  it('shows mail as it comes, with what a reader should see of it, and marks as read what was opened', async () => {
    await using opened = await open(url());
    const { page, rows, press } = opened;
    await send({ subject: 'Invoice', text: 'Please pay soon.', attachments: [{ filename: 'a.pdf', content: 'x' }] });
    const row = rows.filter({ hasText: 'Invoice' });
    await see(row).toContainText('Ann Onym');
    await see(row.locator('.row-recipients').last()).toHaveText(/^to\s\S+@\S+$/);
    await see(row).toContainText('Please pay soon.');
    await see(row.getByTitle('1 attachment: a.pdf')).toBeVisible();
    await see(row.getByTitle(/^Came over TLSv1\.3/)).toBeVisible();
    await see(row.getByTitle(/^Authenticated as ann/)).toBeVisible();
    await see(row.locator('time')).toHaveText('now');
    await see(row.locator('time')).toHaveAttribute('title', /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d\d:\d\d$/);
    await see(row).toHaveClass(/is-unread/);
    await see(page).toHaveTitle('(1) Inbox');
    await see(page.locator('link[rel=icon]')).toHaveAttribute('href', /icon-unread/);
    await see(page.getByRole('log')).toHaveText('New message from Ann Onym: Invoice');
    await press('j', 'Enter');
    await see(page).toHaveURL(/#\/message\/\d+$/);
    await see(page.getByRole('region', { name: 'Message', exact: true })).toContainText('Invoice');
    await see(row).not.toHaveClass(/is-unread/);
    await see(page).toHaveTitle('Inbox');
    await see(page.locator('link[rel=icon]')).not.toHaveAttribute('href', /icon-unread/);
    // The server knows, too.
    await page.reload();
    await see(rows).not.toHaveClass(/is-unread/);
    await see(page.getByRole('region', { name: 'Message', exact: true })).toContainText('Invoice');
  });

  it('begins what is written from right to left at the right, so that a long subject loses its end', async () => {
    await using opened = await open(url());
    const { page, rows, press } = opened;
    await send({ subject: `أول ${'كلمة '.repeat(100)}`, text: 'שלום (abc)!\nplain latin' });
    const row = rows.filter({ hasText: 'أول' });
    await see(row.locator('.row-subject')).toBeVisible();
    const isBeginningSeen = await row.locator('.row-subject').evaluate((cell) => {
      const text = document.createRange();
      const letters = cell.querySelector('.row-subject-text')?.firstChild;
      if (letters === null || letters === undefined) return undefined;
      text.setStart(letters, 0);
      text.setEnd(letters, 1);
      const [letter, around] = [text.getBoundingClientRect(), cell.getBoundingClientRect()];
      return letter.left >= around.left && letter.right <= around.right + 1;
    });
    expect(isBeginningSeen).toBe(true);
    await row.click();
    await press('2');
    await see(page.locator('.msg-line')).toHaveCount(2);
    const directionOf = (line: Element): string => getComputedStyle(line).direction;
    expect(await page.locator('.msg-line').first().evaluate(directionOf)).toBe('rtl');
    expect(await page.locator('.msg-line').last().evaluate(directionOf)).toBe('ltr');
  });

  it('stays where the reader is while mail comes above, and says how much came', async () => {
    await send(...numbered(40));
    await using opened = await open(url());
    const { page, rows } = opened;
    const list = page.locator('#mail-list');
    await see(rows.first()).toContainText('Number 40');
    await list.evaluate((element) => element.scrollTo({ top: 300 }));
    await see.poll(() => list.evaluate((element) => element.scrollTop)).toBe(300);
    const atTop = () =>
      list.evaluate((element) => {
        const { left, top } = element.getBoundingClientRect();
        const row = document.elementFromPoint(left + 300, top + 5)?.closest('.row');
        return `${String(row?.textContent)} ${String(row?.getBoundingClientRect().top)}`;
      });
    const before = await atTop();
    await send(...numbered(3));
    const pill = page.getByRole('button', { name: '3 new' });
    await see(pill).toBeVisible();
    expect(await atTop()).toBe(before);
    expect(await list.evaluate((element) => element.scrollTop)).toBe(300 + 3 * 38);
    await pill.click();
    await see(rows.first()).toContainText('Number 3');
    await see(pill).toBeHidden();
    // At the top, what comes is simply there.
    await send({ subject: 'Number 4' });
    await see(rows.first()).toContainText('Number 4');
    expect(await list.evaluate((element) => element.scrollTop)).toBe(0);
  });

  it('searches while somebody types, suggests, keeps the search in the address, and shows what is wrong', async () => {
    await send(
      { subject: 'Welcome' },
      { subject: 'Your order' },
      { subject: 'Your invoice', attachments: [{ filename: 'i.pdf', content: 'x' }] },
    );
    await using opened = await open(url());
    const { page, press } = opened;
    const box = page.getByRole('combobox', { name: 'Search mail' });
    await see.poll(() => subjects(page)).toEqual(['Your invoice', 'Your order', 'Welcome']);
    await press('/');
    await see(box).toBeFocused();
    await page.keyboard.type('your ha');
    await see(page.getByRole('option', { name: 'has:' })).toBeVisible();
    await press('ArrowDown', 'Enter');
    await see(box).toHaveValue('your has:');
    await press('ArrowDown', 'Tab');
    await see(box).toHaveValue('your has:attachment ');
    await see.poll(() => subjects(page)).toEqual(['Your invoice']);
    await see(page).toHaveURL(/\?q=your\+has%3Aattachment$/);
    // New mail is there when the search finds it, and is not when it does not.
    await send({ subject: 'Your two', attachments: [{ filename: 'i.pdf', content: 'x' }] }, { subject: 'Your three' });
    await see.poll(() => subjects(page)).toEqual(['Your two', 'Your invoice']);
    await page.reload();
    await see.poll(() => subjects(page)).toEqual(['Your two', 'Your invoice']);
    await see(box).toHaveValue('your has:attachment');
    await box.fill('is:nonsense');
    await see(page.getByRole('alert')).toContainText('nonsense');
    await see(box).toHaveAttribute('aria-invalid', 'true');
    await box.fill('invoice OR -your');
    await see.poll(() => subjects(page)).toEqual(['Your invoice', 'Welcome']);
    await see(page.getByRole('alert')).toHaveCount(0);
    await box.fill('nothing at all');
    await see(page.getByRole('heading', { name: 'Nothing found' })).toBeVisible();
    await press('Escape', 'Escape');
    await see.poll(() => subjects(page)).toHaveLength(5);
    await see(page).toHaveURL(/#\/$/);
  });

  it('selects by key, with shift and with ctrl; marks, tags, deletes and brings back', async () => {
    await send(...numbered(6));
    await using opened = await open(url());
    const { page, rows, press } = opened;
    const row = (number: number) => rows.filter({ hasText: `Number ${String(number)}` });
    await see(rows).toHaveCount(6);
    await press('j', 'x', 'J', 'J');
    await see(page.getByRole('toolbar', { name: 'Selected messages' })).toContainText('3 selected');
    await row(1).click({ modifiers: ['ControlOrMeta'] });
    await see(page.locator('.row.is-selected')).toHaveCount(4);
    await row(3).click({ modifiers: ['Shift'] });
    await see(page.locator('.row.is-selected .row-subject-text')).toHaveText(['Number 3', 'Number 2', 'Number 1']);
    await press('r');
    await see(page.locator('.row.is-unread')).toHaveCount(3);
    await see(page).toHaveTitle('(3) Inbox');
    await press('r');
    await see(page.locator('.row.is-unread')).toHaveCount(6);
    await press('t');
    await page.getByLabel('Add a tag').fill('checkout, ci');
    await press('Enter');
    await see(page.getByRole('button', { name: 'Take ci away' })).toBeVisible();
    await page.getByRole('button', { name: 'Take ci away' }).click();
    await press('Escape');
    // A key that comes while the dialog goes is the dialog's.
    await see(page.getByRole('dialog')).toHaveCount(0);
    await see(page.locator('.row .chip')).toHaveText(['checkout', 'checkout', 'checkout']);
    await press('#');
    await see.poll(() => subjects(page)).toEqual(['Number 6', 'Number 5', 'Number 4']);
    await see(page.getByRole('status').filter({ hasText: 'Deleted 3 messages.' })).toBeVisible();
    await see(page).toHaveTitle('(3) Inbox');
    await press('u');
    await see
      .poll(() => subjects(page))
      .toEqual(['Number 6', 'Number 5', 'Number 4', 'Number 3', 'Number 2', 'Number 1']);
    await see(page.locator('.row .chip')).toHaveText(['checkout', 'checkout', 'checkout']);
    // By pointer: the box of a row.
    await row(2).locator('.row-check').click();
    await see(page.locator('.row.is-selected')).toHaveCount(1);
    await press('Escape');
    await see(page.locator('.row.is-selected')).toHaveCount(0);
  });

  it('deletes everything only after it was confirmed, and brings it back', async () => {
    await send(...numbered(3));
    await using opened = await open(url());
    const { page, rows } = opened;
    const deleteAll = async () => {
      await page.getByRole('button', { name: 'More for this list' }).click();
      await page.getByRole('menuitem', { name: 'Delete all' }).click();
    };
    await see(rows).toHaveCount(3);
    await deleteAll();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await see(rows).toHaveCount(3);
    await deleteAll();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete all' }).click();
    await see(page.getByRole('heading', { name: 'No mail yet' })).toBeVisible();
    await page.getByRole('button', { name: 'Undo' }).click();
    await see(rows).toHaveCount(3);
  });

  it('follows the keys through a message and back, and opens the next one when one was deleted', async () => {
    await send(...numbered(4));
    await using opened = await open(url());
    const { page, rows, press } = opened;
    const message = page.getByRole('region', { name: 'Message', exact: true });
    await see(rows).toHaveCount(4);
    await press('j', 'j', 'Enter');
    await see(message).toContainText('Number 3');
    await press('k');
    await see(message).toContainText('Number 4');
    await press('ArrowDown', 'ArrowDown');
    await see(message).toContainText('Number 2');
    await press('#');
    await see(message).toContainText('Number 1');
    await press('Escape');
    await see(message).toHaveCount(0);
    await see(page).toHaveURL(/#\/$/);
    await press('g', 'g', 'o');
    await see(message).toContainText('Number 4');
    await page.goBack();
    await see(message).toHaveCount(0);
    await press('?');
    const keys = page.getByRole('dialog', { name: 'Keys' });
    await see(keys).toContainText('Mark read or unread');
    await press('Escape');
    await see(keys).toHaveCount(0);
    await press('Control+k');
    await page.keyboard.type('unrd');
    await see(page.getByRole('listbox', { name: 'Commands' }).getByRole('option').first()).toContainText('unread');
    await page.getByRole('combobox', { name: 'Command' }).fill('go unread');
    await press('Enter');
    await see(page).toHaveURL(/q=is%3Aunread/);
    await press('g', 'i');
    await see(page).toHaveURL(/#\/$/);
  });

  it('makes an inbox of its own, shows what is needed for it, empties it and takes it away', async () => {
    await using opened = await open(url());
    const { page, rows, press } = opened;
    await press('n');
    await page.getByLabel('Name').fill('checkout');
    await press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Inbox checkout' });
    await see(dialog).toContainText('@checkout.inbox.test');
    await see(dialog).toContainText('+checkout');
    await see(dialog.getByRole('button', { name: 'Copy the password' })).toBeVisible();
    await see(dialog.locator('.code pre')).toContainText('auth: { user: "checkout"');
    await dialog.getByRole('button', { name: 'Done' }).click();
    await see(page.getByRole('heading', { name: 'No mail in checkout' })).toBeVisible();
    await send({ subject: 'For the test', to: 'ann@checkout.inbox.test' }, { subject: 'For everybody' });
    await see.poll(() => subjects(page)).toEqual(['For the test']);
    const inboxes = page.getByRole('navigation', { name: 'Inboxes' });
    await see(inboxes.getByRole('link', { name: /^checkout/ })).toHaveAccessibleName('checkout 1 unread');
    await inboxes.getByRole('link', { name: /^All mail/ }).click();
    await see(rows).toHaveCount(2);
    await inboxes.getByRole('link', { name: /^No inbox/ }).click();
    await see.poll(() => subjects(page)).toEqual(['For everybody']);
    // One name once.
    await press('n');
    await page.getByLabel('Name').fill('checkout');
    await press('Enter');
    await see(page.getByRole('alert')).toContainText('checkout');
    await press('Escape');
    await inboxes.getByRole('button', { name: 'Address and settings of checkout' }).click();
    await dialog.getByRole('button', { name: 'Delete its mail' }).click();
    await page.getByRole('button', { name: 'Delete all' }).click();
    await see(inboxes.getByRole('link', { name: /^checkout/ })).toHaveAccessibleName('checkout 0 messages');
    await inboxes.getByRole('button', { name: 'Address and settings of checkout' }).click();
    await dialog.getByRole('button', { name: 'Delete the inbox' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete the inbox' }).click();
    await see(inboxes.getByRole('link', { name: /^checkout/ })).toHaveCount(0);
  });

  it('imports what is chosen and what is dropped, and exports what is selected and what is listed', async () => {
    await using opened = await open(url());
    const { page, rows, press } = opened;
    const eml = (subject: string) => `From: a@a.example\r\nSubject: ${subject}\r\n\r\nFrom here\r\n`;
    await page.locator('#import-files').setInputFiles([
      { name: 'one.eml', mimeType: 'message/rfc822', buffer: Buffer.from(eml('Chosen')) },
      { name: 'two.txt', mimeType: 'text/plain', buffer: Buffer.from('x') },
    ]);
    await see(rows).toContainText(['Chosen']);
    await see(page.locator('.notice-failed')).toContainText('two.txt: only .eml, .mbox and .zip');
    const transfer = await page.evaluateHandle((text) => {
      const data = new DataTransfer();
      data.items.add(new File([text], 'dropped.eml'));
      return data;
    }, eml('Dropped'));
    await page.dispatchEvent('body', 'dragenter', { dataTransfer: transfer });
    await see(page.getByText('Drop .eml, .mbox or .zip to import')).toBeVisible();
    await page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
    await see(rows).toHaveCount(2);
    await see.poll(() => subjects(page)).toEqual(['Dropped', 'Chosen']);

    const saved = async (act: () => Promise<void>) => {
      const [download] = await Promise.all([page.waitForEvent('download'), act()]);
      return { name: download.suggestedFilename(), content: await readFile(await download.path()) };
    };
    await press('j');
    const one = await saved(() => press('s'));
    expect(one.name).toMatch(/\.eml$/);
    expect(one.content.toString()).toContain('Subject: Dropped\r\n');
    await press('Control+a');
    const both = await saved(() => press('s'));
    expect(both.name).toBe('messages.mbox');
    expect(both.content.toString().match(/^From /gm)).toHaveLength(2);
    expect(both.content.toString().match(/^>From here/gm)).toHaveLength(2);
    await press('Escape');
    await page.getByRole('button', { name: 'More for this list' }).click();
    const all = await saved(() => page.getByRole('menuitem', { name: 'Export as zip' }).click());
    expect(all.name).toMatch(/\.zip$/);
    expect(all.content.subarray(0, 2).toString()).toBe('PK');
  });

  it('adds a fault, counts how often it happens, and takes it away', async () => {
    await using opened = await open(url());
    const { page, press } = opened;
    await press('g', 'f');
    const dialog = page.getByRole('dialog', { name: 'Faults' });
    await see(dialog).toContainText('No faults');
    await dialog.locator('[name=stage]').selectOption('rcpt');
    await dialog.getByLabel('Reply code').fill('452');
    await dialog.getByLabel('Reply text').fill('4.2.2 Mailbox full');
    await dialog.getByLabel('Only to').fill('full');
    await dialog.getByLabel('Times').fill('2');
    await dialog.getByRole('button', { name: 'Add the fault' }).click();
    const fault = dialog.getByRole('list', { name: 'Faults' }).getByRole('listitem');
    await see(fault).toContainText('452 4.2.2 Mailbox full · 2 times · to full');
    await expect(send({ subject: 'Refused', to: 'full@b.example' })).rejects.toThrow(/4\.2\.2 Mailbox full/);
    await send({ subject: 'Taken' });
    await see(fault).toContainText('1 hit');
    // What the server refuses is said where it was asked.
    await dialog.getByRole('button', { name: 'Add the fault' }).click();
    await see(dialog.getByRole('alert')).not.toBeEmpty();
    await fault.getByRole('button', { name: 'Remove the fault' }).click();
    await see(fault).toHaveCount(0);
    await send({ subject: 'Taken again', to: 'full@b.example' });
  });

  it('adds a webhook, counts its calls, and takes it away', async () => {
    const calls: string[] = [];
    const server = createServer((request, response) => {
      calls.push(request.url ?? '');
      request.resume();
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      await using opened = await open(url());
      const { page, press } = opened;
      await press('g', 'w');
      const dialog = page.getByRole('dialog', { name: 'Webhooks' });
      await see(dialog).toContainText('No webhooks');
      await dialog
        .getByLabel('Address')
        .fill(`http://127.0.0.1:${String((server.address() as AddressInfo).port)}/mail`);
      await dialog.getByLabel('Only for mail').fill('subject:order');
      await press('Enter');
      const webhook = dialog.getByRole('list', { name: 'Webhooks' }).getByRole('listitem');
      await see(webhook).toContainText('for subject:order');
      await send({ subject: 'Your order' }, { subject: 'Other' });
      await see(webhook).toContainText('1 delivered, 0 failed');
      expect(calls).toEqual(['/mail']);
      await webhook.getByRole('button', { name: /^Remove the webhook/ }).click();
      await see(dialog).toContainText('No webhooks');
    } finally {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
  });

  it('lists sessions that ended in no message when they are wanted', async () => {
    await using opened = await open(url());
    const { page, rows, press } = opened;
    await send({ subject: 'A message' });
    await see(rows).toHaveCount(1);
    const transport = createTransport({ host: '127.0.0.1', port: inbox.smtpPort, name: 'ci-runner', ignoreTLS: true });
    await transport.verify();
    transport.close();
    // Keys belong to a dialog while it is there: the next ones are pressed when it has gone.
    const dialog = page.getByRole('dialog');
    await press('g', 'f');
    await see(dialog).toBeVisible();
    await press('Escape');
    await see(dialog).toHaveCount(0);
    await press('g', 's');
    await see(rows).toHaveCount(2);
    await see(page.locator('.row.is-session')).toContainText('ci-runner');
    await see(page.locator('.row.is-session')).toHaveAccessibleName(/^Session without a message ci-runner/);
    await page.reload();
    await see(rows).toHaveCount(2);
    await press('g', 's');
    await see(rows).toHaveCount(1);
  });

  it('has one, two or three panes as there is room, and remembers how wide they are', async () => {
    await send(...numbered(60));
    await using opened = await open(url(), { viewport: { width: 390, height: 844 } });
    const { page, rows } = opened;
    const list = page.getByRole('main', { name: 'Mail', includeHidden: true });
    const message = page.getByRole('region', { name: 'Message', exact: true });
    const sidebar = page.getByRole('navigation', { name: 'Inboxes' });
    await see(sidebar).toHaveCount(0);
    await page.locator('#mail-list').evaluate((element) => element.scrollTo({ top: 700 }));
    await rows.filter({ hasText: 'Number 47' }).click();
    await see(message).toContainText('Number 47');
    await see(list).toBeHidden();
    await page.goBack();
    await see(list).toBeVisible();
    expect(await page.locator('#mail-list').evaluate((element) => element.scrollTop)).toBe(700);
    await page.getByRole('button', { name: 'Inboxes' }).click();
    await see(sidebar).toBeVisible();
    await sidebar.getByRole('link', { name: /^All mail/ }).click();
    await see(sidebar).toHaveCount(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);

    await page.setViewportSize({ width: 768, height: 1024 });
    await rows.filter({ hasText: 'Number 50' }).click();
    await see(message).toBeVisible();
    await see(list).toBeVisible();
    await see(sidebar).toHaveCount(0);

    await page.setViewportSize({ width: 1440, height: 900 });
    await see(sidebar).toBeVisible();
    await see(list).toBeVisible();
    const splitter = page.getByRole('separator', { name: 'Width of the list' });
    const width = async () => (await list.boundingBox())!.width;
    expect(await width()).toBe(420);
    await splitter.focus();
    await page.keyboard.press('ArrowRight');
    await see.poll(width).toBe(436);
    const box = (await splitter.boundingBox())!;
    await page.mouse.move(box.x, 500);
    await page.mouse.down();
    await page.mouse.move(box.x + 64, 500);
    await page.mouse.up();
    await see.poll(width).toBe(500);
    await page.reload();
    await see.poll(width).toBe(500);
    await splitter.dblclick();
    await see.poll(width).toBe(420);
    await page.keyboard.press('b');
    await see(sidebar).toHaveCount(0);
  });

  it('has the colours of the system until others are chosen, and keeps those', async () => {
    await using opened = await open(url(), { colorScheme: 'dark' });
    const { page, press } = opened;
    const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    expect(await background()).toBe('rgb(22, 24, 29)');
    await press('g', ',');
    const dialog = page.getByRole('dialog', { name: 'Settings' });
    await see(dialog).toContainText(`127.0.0.1:${String(inbox.smtpPort)}`);
    await dialog.getByLabel('Light').check();
    expect(await background()).toBe('rgb(255, 255, 255)');
    await page.reload();
    await see.poll(background).toBe('rgb(255, 255, 255)');
  });

  it('tells of mail through the system when it was asked to and nobody looks', async () => {
    await using opened = await open(url(), { permissions: ['notifications'] });
    const { page, press } = opened;
    await page.evaluate(() => {
      const told: string[] = [];
      class Told {
        static readonly permission = 'granted';
        static requestPermission = () => Promise.resolve('granted');
        readonly text: string;
        constructor(title: string, { body }: { body: string }) {
          this.text = `${title}: ${body}`;
          told.push(this.text);
        }
      }
      Object.assign(globalThis, { told, Notification: Told });
      Object.defineProperty(document, 'hidden', { value: true });
    });
    await press('g', ',');
    await page.getByRole('switch', { name: 'Notifications of new mail' }).check();
    await press('Escape');
    await send({ subject: 'Look here' });
    await see
      .poll(() => page.evaluate(() => (globalThis as unknown as { told: string[] }).told))
      .toEqual(['Ann Onym: Look here']);
  });

  it.each([
    ['dark', 1440],
    ['light', 390],
  ] as const)('gives axe nothing to find anywhere: %s, %d px', async (colorScheme, width) => {
    await using opened = await open(url(), { colorScheme, viewport: { width, height: 844 }, reducedMotion: 'reduce' });
    const { page, rows, press } = opened;
    const findings: string[] = [];
    const look = async (where: string, part?: string) => {
      for (const finding of await axeFindings(page, part)) findings.push(`${where}: ${finding}`);
    };
    await look('welcome');
    await send(...numbered(2), { subject: 'With', attachments: [{ filename: 'a.pdf', content: 'x' }] });
    await see(rows).toHaveCount(3);
    await press('j', 'x');
    await look('selection');
    await press('Escape', 'Escape');
    await page.getByRole('button', { name: 'More for this list' }).click();
    await look('menu', '.list-bar');
    await press('Escape', '/');
    await look('search', '.search');
    await press('Escape');
    await page.getByRole('combobox', { name: 'Search mail' }).fill('is:x');
    await see(page.getByRole('alert')).toBeVisible();
    await look('wrong search', '.search');
    await press('Escape', 'Escape');
    for (const keys of [['?'], ['Control+k'], ['g', 'f'], ['g', 'w'], ['g', ','], ['g', 'c'], ['n'], ['t']]) {
      await press(...keys);
      await see(page.locator('dialog[open]'), keys.join(' ')).toBeVisible();
      await look(keys.join(' '), 'dialog[open]');
      await press('Escape');
      // Not only closed, but gone: until then the keys are the dialog's.
      await see(page.locator('dialog')).toHaveCount(0);
    }
    await press('j', '#');
    await see(page.getByRole('button', { name: 'Undo' })).toBeVisible();
    await look('notice', '.notices');
    expect(findings).toEqual([]);
  });

  it.each([
    ['light', 1440],
    ['dark', 390],
  ] as const)('gives axe nothing to find in the list: %s, %d px', async (colorScheme, width) => {
    await send(...numbered(2));
    await using opened = await open(url(), { colorScheme, viewport: { width, height: 844 }, reducedMotion: 'reduce' });
    const { page, rows, press } = opened;
    await see(rows).toHaveCount(2);
    await press('j', 'x', '#');
    await see(page.getByRole('button', { name: 'Undo' })).toBeVisible();
    expect(await axeFindings(page)).toEqual([]);
  });
});
