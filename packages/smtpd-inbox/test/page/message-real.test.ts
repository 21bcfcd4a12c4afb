/** The panes of a message against a server that caught real mail: what the API really answers is what they show. Needs the build. */

import { createTransport } from 'nodemailer';
import { once } from 'node:events';
import { connect } from 'node:net';
import { startInbox } from 'smtpd-inbox';
import { describe, expect, it } from 'vitest';

import { useTrappedBrowser } from './support/browser.js';

describe('beside a real server', () => {
  const trapped = useTrappedBrowser();

  it(
    'a message of nodemailer is shown in every tab, and nothing of it runs or asks anybody',
    { timeout: 90_000 },
    async () => {
      await using inbox = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0' });
      const transport = createTransport({
        host: '127.0.0.1',
        port: inbox.smtpPort,
        auth: { user: 'shop', pass: 'hunter2-is-secret' },
        tls: { rejectUnauthorized: false },
      });
      for (const code of ['118402', '491823']) {
        await transport.sendMail({
          from: 'The Shop <welcome@shop.example>',
          to: 'Bob <bob@b.example>, carol@c.example',
          bcc: 'audit@d.example',
          subject: `Welcome – your code is ${code}`,
          text: `Your code is ${code}.\n> quoted\n-- \nThe shop`,
          html: `<html><body><h1 style="display:flex">Your code is ${code}</h1><script>alert(1)</script><img src="http://pixel.example/o.gif"><a href="https://shop.example/confirm">Confirm</a></body></html>`,
          attachments: [
            {
              filename: '<img src=x onerror=alert(1)>.svg',
              content: '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
            },
            {
              filename: 'dot.gif',
              content: Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'),
            },
          ],
        });
      }
      transport.close();
      const page = await trapped.browser().newPage({ viewport: { width: 1440, height: 900 } });
      const dialogs: string[] = [];
      const errors: string[] = [];
      page.on('dialog', (dialog) => {
        dialogs.push(dialog.message());
        void dialog.dismiss();
      });
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(inbox.url ?? '');
      await page.getByText('Welcome – your code is 491823').first().click();
      const panel = page.getByRole('tabpanel');
      await page.getByRole('button', { name: 'Copy the code 491823' }).waitFor();

      for (const [key, words] of [
        ['1', '1 remote resource is not loaded'],
        ['2', 'The shop'],
        ['3', '<h1'],
        ['4', 'Welcome – your code is 491823'],
        ['5', 'MIME-Version'],
        ['6', 'multipart/mixed'],
        ['7', '<img src=x onerror=alert(1)>.svg'],
        ['8', 'DATA'],
        ['9', 'TLSv1.3'],
        ['0', 'audit@d.example'],
        [']', 'Strict receivers'],
        [']', 'Your code is 118402'],
      ] as const) {
        await page.keyboard.press(key);
        await panel.getByText(words).first().waitFor();
        await panel.locator('.msg-waiting').waitFor({ state: 'detached' });
        expect(await panel.getByRole('alert').allInnerTexts(), words).toEqual([]);
      }

      // The secret is in no answer, and nodemailer sends the envelope in one go.
      await page.keyboard.press('8');
      await panel.locator('.msg-group').first().waitFor();
      expect(await panel.innerText()).toContain('AUTH PLAIN ••••••');
      expect(await page.content()).not.toContain(Buffer.from('\0shop\0hunter2-is-secret').toString('base64'));
      expect({ dialogs, errors, asked: trapped.asked }).toEqual({ dialogs: [], errors: [], asked: [] });
    },
  );

  it('a session that led to no message says how far it came', async () => {
    await using inbox = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0' });
    const socket = connect(inbox.smtpPort, '127.0.0.1');
    await once(socket, 'data');
    socket.write('EHLO client.example\r\n');
    await once(socket, 'data');
    socket.write('MAIL FROM:<ann@a.example>\r\n');
    await once(socket, 'data');
    socket.end();
    await once(socket, 'close');

    const page = await trapped.browser().newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(inbox.url ?? '');
    const entry = async (): Promise<string | undefined> => {
      const answer = await fetch(`${inbox.url ?? ''}api/v1/messages?sessions=true`);
      return ((await answer.json()) as { entries: { id: string }[] }).entries[0]?.id;
    };
    await expect.poll(entry).toBeDefined();
    await page.goto(`${inbox.url ?? ''}#/message/${(await entry()) ?? ''}`);
    const panel = page.getByRole('tabpanel');
    await panel.getByText('It ended without a message: the client closed the connection.').waitFor();
    await page.keyboard.press('3');
    await panel.getByText('<ann@a.example>').waitFor();
  });
});
