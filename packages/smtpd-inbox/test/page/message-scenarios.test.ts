/** The panes of one message, as somebody who reads mail uses them, in a browser. */

import type { BrowserContext, BrowserContextOptions, Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { useTrappedBrowser } from './support/browser.js';
import { type FakeInbox, startFakeInbox } from './support/fake-inbox.js';
import { sampleMessage } from './support/sample-message.js';
import { hostileSample, largeSample, MARKUP, richSample, sessionSample } from './support/samples.js';

const rich = richSample();
const hostile = hostileSample();
const DEFAULTS: BrowserContextOptions = {
  viewport: { width: 1440, height: 900 },
  permissions: ['clipboard-read', 'clipboard-write'],
};

const TABS = [
  'html',
  'text',
  'source',
  'headers',
  'raw',
  'parts',
  'attachments',
  'session',
  'tls',
  'envelope',
  'checks',
  'difference',
] as const;

const plain = sampleMessage('plain', {
  entry: { envelope: { mailFrom: 'ann@a.example', rcptTos: ['bob@b.example'], mailOptions: [], rcptOptions: [] } },
  message: { text: 'Hello\n' },
});

const calendarText = [
  'BEGIN:VCALENDAR',
  'METHOD:CANCEL',
  'BEGIN:VEVENT',
  'UID:1@a.example',
  'DTSTART:20261201T120000Z',
  'SUMMARY:Planning <b>soon</b>',
  'URL:javascript:alert(1)',
  'ORGANIZER:mailto:ann@a.example',
  'ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob@b.example',
  'END:VEVENT',
  'END:VCALENDAR',
].join('\r\n');
const calendarPart = {
  number: '0',
  contentType: 'text/calendar',
  charset: 'utf-8',
  sizeBytes: calendarText.length,
  start: 0,
  end: 500,
  role: 'attachment',
} as const;
const invitation = sampleMessage('invitation', {
  message: { parts: [calendarPart] },
  partOctets: new Map([['0', Buffer.from(calendarText)]]),
});

const sealed = sampleMessage('sealed', {
  entry: {
    envelope: {
      mailFrom: 'ann@a.example',
      rcptTos: ['bob@b.example', 'eve@e.example'],
      mailOptions: [],
      rcptOptions: [],
    },
  },
  message: { faults: ['The content is encrypted with OpenPGP and is not opened.'] },
});

describe('the panes of a message', () => {
  const trapped = useTrappedBrowser();
  let inbox: FakeInbox;
  let context: BrowserContext | undefined;

  beforeAll(async () => {
    inbox = await startFakeInbox([rich, hostile, plain, invitation, sealed, largeSample(), sessionSample()]);
  });
  afterAll(async () => {
    await inbox.close();
  });

  /** Opens a place, does something there, and says which dialogs opened and which hosts were asked for something. */
  async function at(
    place: string,
    act: (page: Page) => Promise<void>,
    options?: BrowserContextOptions,
  ): Promise<{ readonly asked: readonly string[]; readonly dialogs: readonly string[] }> {
    const own =
      options === undefined
        ? (context ??= await trapped.browser().newContext(DEFAULTS))
        : await trapped.browser().newContext({ ...DEFAULTS, ...options });
    const page = await own.newPage();
    const dialogs: string[] = [];
    const errors: string[] = [];
    const askedBefore = trapped.asked.length;
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(`${inbox.url}#/message/${place}`);
    await act(page);
    await page.close();
    if (own !== context) await own.close();
    expect(errors).toEqual([]);
    return { asked: trapped.asked.slice(askedBefore), dialogs };
  }

  const panel = (page: Page) => page.getByRole('tabpanel');
  const clipboard = (page: Page) => page.evaluate(() => navigator.clipboard.readText());

  describe('above the tabs', () => {
    it('has who, when, how large; the code for one click; links with the host that they lead to', async () => {
      await at('rich/text', async (page) => {
        const head = page.locator('.msg-head');
        expect(await head.getByRole('heading').innerText()).toBe('Welcome – your code is 491 823');
        const said = await head.innerText();
        for (const words of ['Jürgen <juergen@d.example>', 'welcome', 'release 4.2', '1.7 kB'])
          expect(said).toContain(words);

        await head.getByRole('button', { name: 'Copy the code 491823' }).click();
        await expect.poll(() => clipboard(page)).toBe('491823');

        const link = head.getByRole('link', { name: 'Confirm your address' });
        expect(await link.getAttribute('href')).toBe('https://shop.example/confirm?token=8f31');
        expect(await link.getAttribute('target')).toBe('_blank');
        expect(await link.getAttribute('rel')).toContain('noopener');
        const misleading = head.locator('.msg-link-misleading');
        expect(await misleading.innerText()).toContain('tracker.example');
        expect(await misleading.count()).toBe(1);

        await head.getByRole('button', { name: 'All 4 links' }).click();
        expect(await head.getByRole('listitem').count()).toBe(4);
      });
    });

    it('gives the message as a file and as a command, and says it again', async () => {
      await at('rich/text', async (page) => {
        const file = page.getByRole('link', { name: 'Download as .eml' });
        expect(await file.getAttribute('href')).toBe(`${inbox.url}api/v1/messages/rich/raw?download=1`);
        await page.getByRole('button', { name: 'Copy as a swaks command' }).first().click();
        await expect.poll(() => clipboard(page)).toBe(rich.transcript.swaks);
        await page.getByRole('button', { name: 'Replay into this inbox' }).click();
        await page.getByText('Said again').first().waitFor();
        expect(inbox.changes.get('messages/rich/replay')).toEqual({});
        expect(await page.getByRole('button', { name: /reply|answer/i }).count()).toBe(0);
      });
    });

    it('releases to the recipients of the envelope or to others, and shows what each was told', async () => {
      await at('rich/text', async (page) => {
        await page.getByRole('button', { name: 'Release to a real server' }).click();
        const dialog = page.getByRole('dialog');
        const recipients = dialog.getByLabel('Recipients');
        expect(await recipients.inputValue()).toBe(rich.message.entry.envelope.rcptTos.join('\n'));
        await recipients.fill('bob@b.example\neve@e.example');
        await dialog.getByRole('button', { name: 'Release' }).click();
        const replies = dialog.getByRole('listitem');
        await replies.first().waitFor();
        expect((await replies.allInnerTexts()).map((text) => text.split(/\s*\n\s*/))).toEqual([
          ['taken', 'bob@b.example', '250 2.1.5 OK'],
          ['refused', 'eve@e.example', '550 5.1.1 No such user'],
        ]);
        expect(await dialog.innerText()).toContain('250 2.0.0 Queued as 4F2');
        expect(inbox.changes.get('messages/rich/release')).toEqual({
          from: 'bounce+8f31@mailer.example',
          to: ['bob@b.example', 'eve@e.example'],
        });
        await page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached' });
      });
    });

    it('says that nothing is released where the server does not let it', async () => {
      inbox.can = { ...inbox.can, release: false };
      await at('rich/text', async (page) => {
        await page.getByRole('button', { name: 'Release to a real server' }).click();
        await page.getByText('This inbox hands nothing on').waitFor();
        expect(await page.getByRole('dialog').getByRole('textbox').count()).toBe(0);
      });
      inbox.can = { ...inbox.can, release: true };
    });
  });

  describe('the tabs', () => {
    it('open by number, by brackets and by arrows, and are in the address; keys that are typed are left alone', async () => {
      await at('rich', async (page) => {
        const chosen = () => page.getByRole('tab', { selected: true }).innerText();
        await page.getByRole('tab').first().waitFor();
        expect(await chosen()).toBe('HTML');
        for (const [key, tab] of [
          ['5', 'Raw'],
          ['0', 'Envelope'],
          [']', 'Checks'],
          [']', 'Difference'],
          [']', 'HTML'],
          ['[', 'Difference'],
          ['4', 'Headers'],
        ] as const) {
          await page.keyboard.press(key);
          await expect.poll(chosen).toBe(tab);
        }
        expect(page.url()).toBe(`${inbox.url}#/message/rich/headers`);
        await page.getByRole('searchbox', { name: 'Filter the fields' }).focus();
        await page.keyboard.type('1]');
        expect(await chosen()).toBe('Headers');

        await page.getByRole('tab', { selected: true }).focus();
        await page.keyboard.press('ArrowLeft');
        await expect.poll(chosen).toBe('Source');
        expect(await page.evaluate(() => document.activeElement?.id)).toBe('tab-source');
        await page.keyboard.press('Home');
        await page.keyboard.press('ArrowLeft');
        await expect.poll(chosen).toBe('Difference');
        // One tab is in the way of the Tab key; behind it comes the panel.
        expect(await page.locator('[role="tab"][tabindex="0"]').count()).toBe(1);
        await page.keyboard.press('Tab');
        expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('tabpanel');
      });
    });

    it('stand below whom it went to without saying so, and why there is nothing to be read', async () => {
      await at('sealed', async (page) => {
        await page.getByText('The content is encrypted with OpenPGP and is not opened.').waitFor();
        const people = await page.locator('.msg-people > div').allInnerTexts();
        expect(people.map((row) => row.replace(/\s+/g, ' '))).toContain('Bcc eve@e.example');
      });
    });

    it('begin with what there is', async () => {
      await at('plain', async (page) => {
        await panel(page).getByText('Hello').waitFor();
        expect(await page.getByRole('tab', { selected: true }).innerText()).toBe('Text');
      });
    });

    it('say why something cannot be read, and read it again', async () => {
      await at('plain', async (page) => {
        await page.route(
          '**/difference',
          (route) => route.fulfill({ status: 503, json: { error: { code: 'BUSY', message: 'The store is busy.' } } }),
          { times: 1 },
        );
        await page.getByRole('tab', { name: 'Difference' }).click();
        await panel(page).getByText('The store is busy.').waitFor();
        await panel(page).getByRole('button', { name: 'Try again' }).click();
        await panel(page).getByText('There is no earlier message').waitFor();
      });
    });
  });

  describe('HTML', () => {
    it('stands in a frame that runs nothing; what is elsewhere is fetched when the reader says so, for this message', async () => {
      const { asked } = await at('rich/html', async (page) => {
        const frame = page.locator('iframe');
        expect(await frame.getAttribute('sandbox')).toBe('allow-popups allow-popups-to-escape-sandbox');
        await page.frameLocator('iframe').getByRole('heading', { name: 'Welcome, Bob' }).waitFor();
        await panel(page).getByText('2 remote resources are not loaded').waitFor();
      });
      expect(asked).toEqual([]);

      await at('rich/html', async (page) => {
        await panel(page).getByRole('button', { name: 'Load for this message' }).click();
        await expect.poll(() => trapped.asked).toEqual(expect.arrayContaining(['pixel.example', 'cdn.example:443']));
        expect(await page.locator('iframe').getAttribute('sandbox')).not.toMatch(/allow-(?:scripts|same-origin)/);
        expect(await panel(page).getByRole('button', { name: 'Load for this message' }).count()).toBe(0);
      });
    });

    it('loads nothing from elsewhere where the server forbids it', async () => {
      inbox.can = { ...inbox.can, remoteContent: false };
      await at('rich/html', async (page) => {
        await panel(page).getByText('This server does not allow it').waitFor();
        expect(await panel(page).getByRole('button', { name: 'Load for this message' }).count()).toBe(0);
      });
      inbox.can = { ...inbox.can, remoteContent: true };
    });

    it('is as wide as a phone, a tablet and a desktop, and dark when asked, for mail that answers to it', async () => {
      await at(
        'rich/html',
        async (page) => {
          await page.frameLocator('iframe').getByRole('heading').waitFor();
          const seen = () =>
            page.frames()[1]?.evaluate(() => [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches]);
          for (const [button, expected] of [
            ['390', [390, false]],
            ['768', [768, false]],
            ['1280', [1280, false]],
            ['Dark', [1280, true]],
            ['Inverted', [1280, false]],
          ] as const) {
            await panel(page).getByRole('button', { name: button, exact: true }).click();
            await expect.poll(seen).toEqual(expected);
          }
          // What is wider than the pane is made smaller, not cut off.
          const box = await page.locator('iframe').boundingBox();
          const room = await page.locator('.msg-stage').boundingBox();
          expect(Math.round(box?.width ?? 0)).toBe(Math.round(room?.width ?? 1));
        },
        { colorScheme: null },
      );
    });
  });

  it('Text: quotes and signature are told apart, links lead out', async () => {
    await at('rich/text', async (page) => {
      await panel(page).getByText('Welcome, Bob').waitFor();
      expect(await panel(page).getByRole('group', { name: 'Quoted 2 times' }).innerText()).toContain(
        '> > May I have an account?',
      );
      expect(await panel(page).getByRole('group', { name: 'Signature' }).innerText()).toContain('The shop');
      const hrefs = await panel(page)
        .getByRole('link')
        .evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).href));
      expect(hrefs).toEqual(['https://shop.example/confirm?token=8f31', 'mailto:help@shop.example']);
    });
  });

  it('Source: numbered lines, and what the checks say of them', async () => {
    await at('rich/source-6', async (page) => {
      const target = panel(page).locator('.msg-line-target');
      await target.waitFor();
      expect(await target.innerText()).toMatch(/^6\s*<div class="box"/);
      const gutter = target.locator('.msg-gutter');
      await expect
        .poll(() => gutter.getAttribute('title'))
        .toBe('display: flex: not in Outlook (Windows), Windows Mail');
      await expect.poll(() => panel(page).locator('.msg-gutter-error').innerText()).toBe('10');
    });
  });

  it('Headers: decoded, raw, filtered, and the line of each', async () => {
    await at('rich/headers', async (page) => {
      const rows = panel(page).locator('tbody tr');
      await rows.first().waitFor();
      expect(await rows.count()).toBe(rich.message.headers.length);
      expect(await panel(page).getByText('Jürgen').count()).toBe(1);
      await panel(page).getByRole('button', { name: 'Both' }).click();
      await panel(page).getByRole('searchbox').fill('j=c3');
      expect(await rows.allInnerTexts()).toEqual([
        expect.stringMatching(
          /^5\s+Cc\s+Jürgen <juergen@d.example>\s+=\?utf-8\?q\?J=C3=BCrgen\?= <juergen@d.example>$/,
        ),
      ]);
      await panel(page).getByRole('searchbox').fill('nothing of the kind');
      await panel(page).getByText('None of 10 fields has that').waitFor();
      await panel(page).getByRole('searchbox').fill('campaign');
      await panel(page).getByRole('button', { name: 'Line 10 of the raw message' }).click();
      await expect.poll(() => panel(page).locator('.msg-line-target').innerText()).toMatch(/^10\s*X-Campaign/);
      expect(page.url()).toBe(`${inbox.url}#/message/rich/raw-10`);
    });
  });

  describe('Raw', () => {
    it('marks what a strict reader stumbles over, and goes from mark to mark', async () => {
      await at('hostile/raw', async (page) => {
        const marks = panel(page).locator('.msg-mark');
        await marks.first().waitFor();
        const texts = (await marks.allInnerTexts()).map((text) => text.replace(/\s+/g, ' '));
        expect(texts).toEqual(
          expect.arrayContaining(['Bare CR 1', 'NUL 1', 'Over 998 1', 'Control 1', '8-bit 1', 'Trailing blank 1']),
        );
        const line = panel(page).locator('.msg-row').nth(2);
        expect(await line.innerText()).toMatch(/^3\s*X-NULCRNul: E907·↵$/);
        await panel(page).getByRole('button', { name: /^NUL/ }).click();
        await expect.poll(() => panel(page).locator('.msg-line-target').innerText()).toMatch(/^3\s/);
      });
    });

    it('is 30 MB without being slow: found at its end, by line and by octet', { timeout: 40_000 }, async () => {
      await at('large/raw', async (page) => {
        const rows = panel(page).locator('.msg-row');
        await rows.first().waitFor();
        expect(await rows.count()).toBeLessThan(200);
        await panel(page).getByRole('searchbox').fill('THE NEEDLE');
        await panel(page).getByText('1 found').waitFor();
        await page.keyboard.press('Enter');
        await expect.poll(() => panel(page).locator('.msg-match-here').innerText()).toBe('the needle');
        expect(await panel(page).locator('.msg-match-here').isVisible()).toBe(true);

        await panel(page).getByLabel('Go to a line').fill('200000');
        await panel(page).getByRole('button', { name: 'Go' }).click();
        await expect.poll(() => panel(page).locator('.msg-line-target').innerText()).toMatch(/^200000\s*QUJD/);

        await panel(page).getByRole('button', { name: 'Hex' }).click();
        await panel(page).getByRole('searchbox').fill('');
        await panel(page).getByLabel('Go to an offset, in hex').fill('1000005');
        await panel(page).getByRole('button', { name: 'Go' }).click();
        const row = panel(page).locator('.msg-row', { hasText: '01000000' });
        await row.waitFor();
        const octets = Buffer.from(largeSample().raw.subarray(0x1000000, 0x1000010)).toString('hex');
        expect((await row.locator('.msg-hex-digits').innerText()).replace(/\s/g, '')).toBe(octets);

        // Beyond what an element's height can be, wheel and keys move by rows.
        const box = panel(page).getByRole('region', { name: 'Raw message in hex' });
        const topRow = async () => parseInt(await box.locator('.msg-gutter').first().innerText(), 16);
        const before = await topRow();
        await box.hover();
        await page.mouse.wheel(0, 200);
        await expect.poll(topRow).toBe(before + 10 * 16);
        await box.focus();
        await page.keyboard.press('End');
        await box.locator('.msg-row', { hasText: 'needle' }).last().waitFor();
        await page.keyboard.press('Home');
        await expect.poll(topRow).toBe(0);
      });
    });

    it('says that there is nothing to say', async () => {
      await at('plain/raw', async (page) => {
        await panel(page).getByText('nothing to mark').waitFor();
        expect(await panel(page).locator('.msg-row').count()).toBe(6);
      });
    });
  });

  it('Parts: the tree, and the part that is chosen', async () => {
    await at('rich/parts', async (page) => {
      const tree = panel(page).getByRole('navigation', { name: 'Parts' });
      await tree.getByRole('button').first().waitFor();
      expect(await tree.getByRole('button').count()).toBe(7);
      expect(await tree.innerText()).toContain('1.2 · HTML · quoted-printable · 910 B');
      await tree.getByRole('button', { name: /terms\.pdf/ }).click();
      await panel(page).getByText('%PDF-1.7').waitFor();
      await tree.getByRole('button', { name: /logo\.png/ }).click();
      const picture = panel(page).getByRole('img', { name: 'logo.png' });
      await expect.poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(10);
      // An SVG is a document with scripts: its text is shown.
      await tree.getByRole('button', { name: /invoice\.svg/ }).click();
      await panel(page).getByText('<script>alert(1)</script>').waitFor();
      await panel(page).getByRole('button', { name: 'Show in raw' }).click();
      await panel(page).locator('.msg-line-target').waitFor();
      expect(page.url()).toBe(`${inbox.url}#/message/rich/raw-o700`);
    });
  });

  it('Attachments: names, sizes, downloads; pictures only of kinds that run nothing', async () => {
    await at('rich/attachments', async (page) => {
      const items = panel(page).getByRole('listitem');
      await items.first().waitFor();
      expect(await items.count()).toBe(3);
      const sources = await panel(page)
        .locator('img')
        .evaluateAll((images) => images.map((image) => (image as HTMLImageElement).src));
      expect(sources).toEqual([`${inbox.url}api/v1/messages/rich/parts/2?inline=1`]);
      const download = panel(page).getByRole('link', { name: 'Download invoice.svg' });
      expect(await download.getAttribute('href')).toBe(`${inbox.url}api/v1/messages/rich/parts/4`);
      expect(await download.getAttribute('download')).toBe('invoice.svg');
    });
  });

  it('Attachments: what a calendar says, and what is wrong with it; the way there is above the tabs', async () => {
    await at('invitation/headers', async (page) => {
      await page.getByRole('button', { name: 'Calendar' }).click();
      const shown = panel(page).getByRole('region', { name: 'Calendar in part 0' });
      await shown.getByText('Cancellation').waitFor();
      expect(await shown.getByRole('heading').textContent()).toBe('Planning <b>soon</b>');
      const facts = await shown.locator('.msg-facts > div').allInnerTexts();
      expect(facts.map((fact) => fact.replace(/\s+/g, ' '))).toContain('Asked Bob <bob@b.example> comes');
      expect(await shown.getByRole('link').count()).toBe(0);
      expect(await shown.getByRole('list', { name: /wrong/ }).innerText()).toContain('has no DTSTAMP');
      await page.keyboard.press('6');
      await panel(page).getByRole('region', { name: 'Calendar in part 0' }).waitFor();
      await panel(page).getByText('BEGIN:VEVENT').waitFor();
    });
  });

  it('Session: phases, pipelined commands in a bracket, secrets hidden', async () => {
    await at('rich/session', async (page) => {
      const phases = panel(page).getByRole('region', { name: 'Phases' });
      await phases.waitFor();
      expect((await phases.innerText()).split(/\s*\n\s*/)).toEqual([
        'Connect',
        '2.0 ms',
        'TLS',
        '9.3 ms',
        'AUTH',
        '3.3 ms',
        'Envelope',
        '0.5 ms',
        'Content',
        '17 ms',
        'End',
        '0.7 ms',
      ]);
      expect(await panel(page).locator('.msg-group').count()).toBe(5);
      const said = await panel(page).innerText();
      expect(said).toContain('AUTH PLAIN ••••••');
      expect(said).toContain('+12 ms');
      await panel(page).getByRole('button', { name: 'Copy the conversation' }).click();
      await expect.poll(() => clipboard(page)).toContain('14.6 ms  C:  DATA');
      expect((await clipboard(page)) + (await page.content())).not.toContain('AHNob3A');
    });
  });

  it('TLS: what was agreed on; or what it means that nothing was', async () => {
    await at('rich/tls', async (page) => {
      await panel(page).getByRole('heading', { name: 'TLSv1.3' }).waitFor();
      const said = await panel(page).innerText();
      for (const words of [
        'TLS_AES_256_GCM_SHA384',
        'inbox.example',
        'None was agreed on',
        'No: self-signed certificate',
      ]) {
        expect(said).toContain(words);
      }
    });
    await at('plain/tls', async (page) => {
      await panel(page).getByRole('heading', { name: 'In clear' }).waitFor();
    });
  });

  it('Envelope: beside the header, with what differs named', async () => {
    await at('rich/envelope', async (page) => {
      const differences = panel(page).getByRole('list', { name: 'Where they differ' });
      await differences.waitFor();
      const texts = await differences.locator('> li').allInnerTexts();
      expect(texts.map((text) => [text.split('.')[0], text.split('\n').at(-1)])).toEqual([
        ['Not sent there', 'carol@c.example'],
        ['Blind copy', 'audit@shop.example'],
        ['Another sender', expect.stringContaining('welcome@shop.example')],
      ]);
      expect(await panel(page).innerText()).toContain('ORCPT=rfc822;bob@b.example');
    });
    await at('plain/envelope', async (page) => {
      await panel(page).getByText('name the same people').waitFor();
    });
  });

  it('Checks: by severity, with source and the way to the line; programs, accessibility, signatures', async () => {
    await at('rich/checks', async (page) => {
      await panel(page).getByText('A picture has no alt text').waitFor();
      await panel(page).getByText('78 %').waitFor();
      const said = await panel(page).innerText();
      expect(said.indexOf('1 error')).toBeLessThan(said.indexOf('1 warning'));
      for (const words of ['RFC 2045 §6.2', 'the body hash differs', 's2026._domainkey.shop.example', '2 notes']) {
        expect(said).toContain(words);
      }
      await panel(page).getByText('display: flex', { exact: true }).click();
      await panel(page).getByText('Outlook (Windows), Windows Mail').waitFor();
      await panel(page).getByRole('button', { name: 'HTML source, line 10' }).click();
      await expect.poll(() => panel(page).locator('.msg-line-target').innerText()).toMatch(/^10\s*<img/);
      await page.goBack();
    });
    await at('rich/checks', async (page) => {
      await panel(page).getByRole('button', { name: 'Raw, line 23' }).click();
      await expect.poll(() => panel(page).locator('.msg-line-target').innerText()).toMatch(/^23\s*> > May/);
    });
    await at('plain/checks', async (page) => {
      await panel(page).getByText('A strict receiver has nothing to say').waitFor();
      await panel(page).getByText('DNS is off').waitFor();
    });
  });

  it('Difference: what was added and removed, the rest folded', async () => {
    await at('rich/difference', async (page) => {
      const text = panel(page).getByRole('region', { name: 'Difference of the Text' });
      await text.waitFor();
      expect(await text.locator('.msg-diff-line').count()).toBe(8);
      expect(await text.locator('.msg-diff-removed').innerText()).toMatch(/^−\s*removed:\s*Your code is 118 402\.$/);
      await text.getByRole('button', { name: '9 lines the same' }).click();
      expect(await text.locator('.msg-diff-line').count()).toBe(23);
      expect(await panel(page).getByRole('link').getAttribute('href')).toBe('#/message/before/difference');
    });
    await at('plain/difference', async (page) => {
      await panel(page).getByText('There is no earlier message').waitFor();
    });
  });

  it('A session without a message: how far it came and why it ended', async () => {
    await at('session/raw', async (page) => {
      await panel(page).getByText('552 5.3.4 Too large').waitFor();
      expect(await page.getByRole('tab').allInnerTexts()).toEqual(['Session', 'TLS', 'Envelope']);
      expect(await panel(page).innerText()).toContain('It ended without a message: the client closed the connection.');
      await page.keyboard.press('3');
      await panel(page).getByText('SIZE=99999999').waitFor();
      expect(await panel(page).innerText()).toContain('[2001:db8::7]:50000');
    });
  });

  describe('mail that means harm', () => {
    it.each([
      { wall: 'with the policy of the frame’s document', hasFramePolicy: true },
      { wall: 'by the frame alone, if its document had none', hasFramePolicy: false },
    ])('runs nothing, $wall', async ({ hasFramePolicy }) => {
      inbox.hasFramePolicy = hasFramePolicy;
      const { dialogs, asked } = await at('hostile/html', async (page) => {
        const title = await page.title();
        const frameLoaded = page.frameLocator('iframe').getByText('top');
        await frameLoaded.waitFor();
        await frameLoaded.click();
        for (const tab of TABS) {
          await page.evaluate((name) => (location.hash = `#/message/hostile/${name}`), tab);
          await page.locator(`#tab-${tab}[aria-selected="true"]`).waitFor();
          await panel(page).locator('.msg-waiting').waitFor({ state: 'detached' });
          // Everything that it says stands there as text.
          expect(await page.locator('.msg-pane').locator('img[src="x"], script, [onerror], [onload]').count()).toBe(0);
        }
        await page.evaluate(() => (location.hash = '#/message/hostile/parts'));
        const tree = panel(page).getByRole('navigation', { name: 'Parts' });
        await tree.waitFor();
        for (const part of await tree.getByRole('button').all()) {
          await part.click();
          await panel(page).locator('.msg-waiting').waitFor({ state: 'detached' });
        }
        const hrefs = await page
          .locator('.msg-pane a')
          .evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).protocol));
        expect(hrefs.filter((protocol) => !['http:', 'https:'].includes(protocol))).toEqual([]);
        expect(await page.title()).toBe(title);
        expect(page.url()).toContain(inbox.url);
      });
      expect(dialogs).toEqual([]);
      // Without its policy the document's pictures would be fetched: that wall is the server's.
      if (hasFramePolicy) expect(asked).toEqual([]);
      inbox.hasFramePolicy = true;
    });

    it('has its markup shown as it stands', async () => {
      await at('hostile/headers', async (page) => {
        expect(await page.locator('.msg-title').innerText()).toBe(MARKUP);
        await panel(page).getByText(`X-${MARKUP}`).first().waitFor();
      });
    });
  });

  describe('for everybody', () => {
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    const places = [
      ...TABS.map((tab) => `rich/${tab === 'source' ? 'source-6' : tab}`),
      'session/session',
      'invitation/attachments',
      'hostile/raw',
      'plain/tls',
    ];

    it.each([
      { width: 1440, height: 900, colorScheme: 'light' },
      { width: 390, height: 844, colorScheme: 'dark' },
    ] as const)(
      'axe finds nothing at $width pixels, $colorScheme',
      { timeout: 60_000 },
      async ({ width, height, colorScheme }) => {
        await at(
          places[0] ?? '',
          async (page) => {
            await page.evaluate(axe);
            for (const place of places) {
              await page.evaluate((hash) => (location.hash = hash), `#/message/${place}`);
              const tab = /\/([a-z]+)/.exec(place)?.[1] ?? '';
              await page.locator(`#tab-${tab}[aria-selected="true"]`).waitFor();
              await panel(page).locator('.msg-waiting').waitFor({ state: 'detached' });
              const violations = await page.evaluate(async () => {
                const { axe: checker } = globalThis as unknown as {
                  axe: {
                    run: (
                      where: string,
                      how: object,
                    ) => Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>;
                  };
                };
                const results = await checker.run('.msg-pane', { iframes: false, resultTypes: ['violations'] });
                return results.violations.map(
                  ({ id, nodes }) =>
                    `${id}: ${nodes.map((node) => `${node.html.slice(0, 200)} ${node.failureSummary}`).join('; ')}`,
                );
              });
              expect(violations, place).toEqual([]);
              // Nothing is wider than the screen.
              expect(
                await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
                place,
              ).toBeLessThanOrEqual(0);
            }
          },
          { viewport: { width, height }, colorScheme },
        );
      },
    );
  });
});
