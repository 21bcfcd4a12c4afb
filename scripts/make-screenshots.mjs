/**
 * Makes the pictures of the inbox in docs/images: the page on a phone, a tablet and a desktop, in light and in dark, with mail that was sent by
 * nodemailer. It needs Chromium (CHROMIUM, or /usr/bin/chromium) and the build: `npm run build:packages && node scripts/make-screenshots.mjs`.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import nodemailer from 'nodemailer';
import { startInbox } from 'smtpd-inbox';

const folder = fileURLToPath(new URL('../docs/images/', import.meta.url));
mkdirSync(folder, { recursive: true });

const inbox = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0' });
await sendSamples(inbox.smtpPort);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
try {
  for (const [width, height] of [
    [390, 844],
    [768, 900],
    [1440, 900],
  ]) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme });
      await page.goto(inbox.url);
      await page.getByText('Reset your password').first().waitFor();
      if (width < 700) await save(page, `list-${width}-${colorScheme}`);
      await page.getByText('Reset your password').first().click();
      await page.frameLocator('iframe').getByText('482913').waitFor();
      await page.locator('.msg-remote').waitFor();
      await allRead(page);
      await save(page, `message-${width}-${colorScheme}`);
      if (width > 1000) {
        await page.getByRole('tab', { name: 'Session' }).first().click();
        await page.locator('.msg-conversation').waitFor();
        await allRead(page);
        await save(page, `session-${width}-${colorScheme}`);
        await page.getByRole('tab', { name: 'Checks' }).first().click();
        await page.getByRole('heading', { name: 'Strict receivers' }).waitFor();
        await allRead(page);
        await save(page, `checks-${width}-${colorScheme}`);
      }
      await page.close();
    }
  }
} finally {
  await browser.close();
  await inbox.close();
}

/** Until nothing is being read any more. */
async function allRead(page) {
  await page.locator('.msg-waiting').first().waitFor({ state: 'detached' });
}

async function save(page, name) {
  await page.screenshot({ path: join(folder, `inbox-${name}.jpg`), type: 'jpeg', quality: 55 });
}

async function sendSamples(port) {
  const transport = nodemailer.createTransport({
    host: '127.0.0.1',
    port,
    auth: { user: 'shop', pass: 'secret' },
    tls: { rejectUnauthorized: false },
  });
  const samples = [
    ['Shop <orders@shop.example>', 'Your order 4711 has shipped', 'It is on its way.', true],
    ['Reports <reports@shop.example>', 'Weekly report', 'Visits went up by 12 %.', true],
    ['Ann Onym <ann@a.example>', 'Lunch on Friday?', 'The usual place, at noon?', false],
    ['Shop <billing@shop.example>', 'Invoice 2026-0815', 'Please find the invoice attached.', true],
    ['Newsletter <news@shop.example>', 'What is new in November', 'Three things that are new.', false],
  ];
  for (const [from, subject, text, isAttached] of samples) {
    await transport.sendMail({
      from,
      to: 'Bob <bob@b.example>',
      subject,
      text,
      attachments: isAttached ? [{ filename: 'report.pdf', content: Buffer.alloc(40_000, 1) }] : [],
    });
  }
  await transport.sendMail({
    from: 'Shop <no-reply@shop.example>',
    to: 'Bob <bob@b.example>',
    bcc: 'audit@shop.example',
    subject: 'Reset your password',
    text: 'Your code is 482913.\n\nOr go to https://shop.example/reset?token=abc\n\n-- \nShop',
    html: `<html><body style="font-family: sans-serif; color: #223; max-width: 560px; margin: 24px auto">
<img src="https://tracker.example/open.png" width="1" height="1">
<h1 style="font-size: 24px">Reset your password</h1>
<p>Somebody, hopefully you, asked for a new password.</p>
<p style="font-size: 32px; letter-spacing: 4px"><b>482913</b></p>
<p><a href="https://shop.example/reset?token=abc" style="display: inline-block; padding: 12px 20px; background: #2457c5; color: #fff; border-radius: 6px; text-decoration: none">Choose a new password</a></p>
<p style="color: #999; font-size: 12px">If it was not you, do nothing.</p></body></html>`,
  });
  transport.close();
}
