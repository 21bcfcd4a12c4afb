/**
 * What a page of somebody else gets from an inbox on the same machine, in a real browser: nothing, whatever it tries. The pages are at
 * another port of this address, at `localhost`, and at a foreign name; a foreign name that is led to the inbox itself is tried, too.
 */

import type { BrowserContext, Page } from '@playwright/test';
import { startInbox, type InboxServer } from 'smtpd-inbox';
import { startTestServer, type TestServer } from 'smtpd/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { RICH_MAIL } from '../support/mails.js';
import { httpPorts, putMail, startRelay, startStranger, useBrowser, type Stranger } from './support.js';

describe('a page of another origin', () => {
  let inbox: InboxServer;
  let upstream: TestServer;
  let stranger: Stranger;
  let context: BrowserContext;
  let id: string;
  const open = useBrowser();

  beforeAll(async () => {
    stranger = await startStranger();
    upstream = await startTestServer();
    inbox = await startInbox({
      smtp: '127.0.0.1:0',
      http: '127.0.0.1:0',
      mailpit: '127.0.0.1:0',
      mailhog: '127.0.0.1:0',
      webhookURLs: [stranger.origin],
      release: { to: `127.0.0.1:${String(upstream.port)}`, allow: ['*'] },
    });
    id = await putMail(inbox, RICH_MAIL);
  });
  afterAll(async () => {
    await inbox.close();
    await upstream.close();
    await stranger[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    context = await open();
  });
  afterEach(() => context.close());

  /** Somebody else's page. */
  async function visit(host: string): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`http://${host}:${String(stranger.port)}/`);
    return page;
  }

  /** Everything that can be asked for. */
  function addresses(host = '127.0.0.1'): readonly string[] {
    const ports = httpPorts(inbox);
    const at = (port: number, ...paths: readonly string[]) =>
      paths.map((path) => `http://${host}:${String(port)}${path}`);
    return [
      ...at(
        ports.inbox,
        '/',
        '/api/openapi.json',
        '/api/v1/messages',
        `/api/v1/messages/${id}`,
        `/api/v1/messages/${id}/raw`,
      ),
      ...at(ports.inbox, `/api/v1/messages/${id}/html`, `/api/v1/messages/${id}/parts/2?inline=true`, '/api/v1/events'),
      ...at(ports.inbox, '/%61pi/v1/messages', '//api/v1/messages'),
      ...at(
        ports.mailpit,
        '/api/v1/messages',
        '/api/v1/message/latest',
        '/api/v1/message/latest/part/2',
        '/view/latest.html',
      ),
      ...at(ports.mailhog, '/api/v2/messages', '/api/v1/messages', `/api/v1/messages/${id}/download`, '/api/v1/events'),
    ];
  }

  /** What would be changed. */
  async function state(): Promise<unknown> {
    const { messages } = await inbox.store.list({});
    const webhooks = await inbox.store.settings('webhook');
    return {
      kept: messages.map(({ id, isRead, tags }) => ({ id, isRead, tags })),
      webhooks,
      released: upstream.messages.length,
    };
  }

  describe.each(['127.0.0.1', 'localhost', 'evil.example'])('at %s', (host) => {
    it('reads nothing', async () => {
      const page = await visit(host);
      const had = await page.evaluate(readEverything, host === 'localhost' ? addresses(host) : addresses());
      expect(had).toEqual([]);
    });

    it('hears nothing of what happens', async () => {
      const page = await visit(host);
      const ports = httpPorts(inbox);
      const had = await page.evaluate(
        listenEverywhere,
        ['127.0.0.1', 'localhost'].flatMap((name) => [
          `ws://${name}:${String(ports.mailpit)}/api/events`,
          `ws://${name}:${String(ports.mailpit)}/api/%65vents`,
          `ws://${name}:${String(ports.mailpit)}//api/events`,
          `ws://${name}:${String(ports.mailhog)}/api/v2/websocket`,
          `ws://${name}:${String(ports.inbox)}/api/v1/events`,
          `http://${name}:${String(ports.inbox)}/api/v1/events`,
          `http://${name}:${String(ports.mailhog)}/api/v1/events`,
        ]),
      );
      expect(had).toEqual([]);
    });

    it('changes nothing', async () => {
      const before = await state();
      const page = await visit(host);
      const statuses: { url: string; status: number }[] = [];
      context.on('response', (response) => {
        if (!response.url().startsWith(stranger.origin) && response.request().method() !== 'OPTIONS')
          statuses.push({ url: response.url(), status: response.status() });
      });
      const ports = httpPorts(inbox);
      const at = (port: number, path: string) => `http://127.0.0.1:${String(port)}${path}`;
      await using relay = await startRelay(ports.inbox);
      const had = await page.evaluate(changeEverything, {
        posts: [
          { url: at(ports.inbox, '/api/v1/messages/delete'), json: `{"ids":["${id}"]}` },
          { url: at(ports.inbox, '/api/v1/messages/tag'), json: `{"ids":["${id}"],"add":["evil"]}` },
          { url: at(ports.inbox, `/api/v1/messages/${id}/replay`), json: '' },
          { url: at(ports.inbox, `/api/v1/messages/${id}/release`), json: '{"to":["eve@evil.example"]}' },
          { url: at(ports.inbox, '/api/v1/send'), json: '{"from":"a@a.example","to":["b@b.example"],"text":"x"}' },
          { url: at(ports.inbox, '/api/v1/webhooks'), json: `{"url":"${stranger.origin}/hook"}` },
          {
            url: at(ports.inbox, '/api/v1/faults'),
            json: '{"stage":"rcpt","action":{"kind":"reply","code":550},"times":1}',
          },
          { url: at(ports.inbox, '/api/v1/import'), json: 'Subject: smuggled\r\n\r\nx' },
          {
            url: at(ports.mailpit, '/api/v1/send'),
            json: '{"From":{"Email":"a@a.example"},"To":[{"Email":"b@b.example"}]}',
          },
          { url: at(ports.mailpit, `/api/v1/message/${id}/release`), json: '{"To":["eve@evil.example"]}' },
          { url: at(ports.mailhog, `/api/v1/messages/${id}/release`), json: '{"email":"eve@evil.example"}' },
          { url: at(ports.mailhog, '/api/v2/jim'), json: '{}' },
        ],
        others: [
          { method: 'DELETE', url: at(ports.inbox, '/api/v1/messages') },
          { method: 'DELETE', url: at(ports.inbox, `/api/v1/messages/${id}`) },
          { method: 'DELETE', url: at(ports.mailpit, '/api/v1/messages') },
          { method: 'PUT', url: at(ports.mailpit, '/api/v1/messages') },
          { method: 'PUT', url: at(ports.mailpit, '/api/v1/chaos') },
          { method: 'DELETE', url: at(ports.mailhog, '/api/v1/messages') },
          { method: 'DELETE', url: at(ports.mailhog, `/api/v1/messages/${id}`) },
        ],
        beacon: at(relay.port, '/api/v1/messages/delete'),
        beaconJSON: `{"ids":["${id}"]}`,
      });
      // No browser says what becomes of one.
      expect(await relay.answered).toMatch(/^HTTP\/1\.1 4/);
      expect(had).toEqual([]);
      expect(statuses.length).toBeGreaterThan(12);
      expect(statuses.filter(({ status }) => status < 400)).toEqual([]);
      expect(await state()).toEqual(before);
      expect(stranger.asked.filter((each) => each.includes('/hook'))).toEqual([]);
    });

    it('frames nothing, so that nobody clicks on what he does not see', async () => {
      const page = await visit(host);
      await page.evaluate(frameEverything, addresses());
      const shown = page.frames().filter((frame) => frame !== page.mainFrame() && frame.url().startsWith('http'));
      expect(shown.map((frame) => frame.url())).toEqual([]);
    });

    it('holds no window of ours', async () => {
      const page = await visit(host);
      const [opened] = await Promise.all([
        context.waitForEvent('page'),
        page.evaluate((url) => {
          const holder = globalThis as unknown as { held: Window | null };
          holder.held = window.open(url);
        }, inbox.url ?? ''),
      ]);
      await opened.locator('.connection.is-live').waitFor();
      expect(await opened.evaluate(() => window.opener as unknown)).toBeNull();
      // What it holds is nothing any more: it can neither count our frames nor lead us elsewhere.
      const held = await page.evaluate(() => {
        const { held } = globalThis as unknown as { held: Window };
        return { isClosed: held.closed, frames: held.length };
      });
      expect(held).toEqual({ isClosed: true, frames: 0 });
    });
  });

  it('whose name is led to this machine gets nothing either', async () => {
    for (const port of Object.values(httpPorts(inbox))) {
      const page = await context.newPage();
      expect((await page.goto(`http://rebound.example:${String(port)}/`))?.status()).toBe(403);
      // A page that its owner had served before the name came to lead here.
      await page.route('**/before', (route) => route.fulfill({ contentType: 'text/html', body: '' }));
      await page.goto(`http://rebound.example:${String(port)}/before`);
      const had = await page.evaluate(
        async (paths) => Promise.all(paths.map(async (path) => (await fetch(path)).status)),
        ['/api/v1/messages', '/api/v2/messages', `/api/v1/messages/${id}`, '/api/v1/events', '/view/latest.html'],
      );
      expect(had).toEqual([403, 403, 403, 403, 403]);
      await page.close();
    }
  });

  it('that was let in by name reads, so that none of this was refused for nothing', async () => {
    await using friendly = await startInbox({
      smtp: '127.0.0.1:0',
      http: '127.0.0.1:0',
      httpOrigins: [stranger.origin],
    });
    await putMail(friendly, RICH_MAIL);
    const page = await visit('127.0.0.1');
    const url = `${friendly.url ?? ''}api/v1`;
    expect(await page.evaluate(readEverything, [`${url}/messages`])).toContainEqual(`fetch ${url}/messages`);
    expect(await page.evaluate(listenEverywhere, [`${url}/events`])).toEqual([`EventSource ${url}/events`]);
  });
});

/** Tries every way to read, in the page. @returns those that worked */
async function readEverything(urls: readonly string[]): Promise<readonly string[]> {
  const had: string[] = [];
  const tries = urls.map(async (url) => {
    const response = await fetch(url).catch(() => undefined);
    if (response !== undefined) had.push(`fetch ${url}`);
    await response?.body?.cancel();
    for (const { name, key } of [
      { name: 'img', key: 'src' },
      { name: 'script', key: 'src' },
      { name: 'link', key: 'href' },
      { name: 'audio', key: 'src' },
    ]) {
      const element = document.createElement(name);
      if (name === 'link') element.setAttribute('rel', 'stylesheet');
      await new Promise<void>((resolve) => {
        element.addEventListener(name === 'audio' ? 'loadedmetadata' : 'load', () => {
          had.push(`${name} ${url}`);
          resolve();
        });
        element.addEventListener('error', () => resolve());
        element.setAttribute(key, url);
        document.body.append(element);
      });
      element.remove();
    }
    const request = new XMLHttpRequest();
    await new Promise<void>((resolve) => {
      request.onloadend = () => resolve();
      request.open('GET', url);
      request.withCredentials = true;
      request.send();
    });
    if (request.status !== 0) had.push(`XMLHttpRequest ${url}`);
  });
  await Promise.all(tries);
  return had;
}

/** Listens wherever something is told. @returns where it was let in */
async function listenEverywhere(urls: readonly string[]): Promise<readonly string[]> {
  const had: string[] = [];
  await Promise.all(
    urls.map(
      (url) =>
        new Promise<void>((resolve) => {
          const source = url.startsWith('ws') ? new WebSocket(url) : new EventSource(url, { withCredentials: false });
          source.onopen = () => {
            had.push(`${source.constructor.name} ${url}`);
            source.close();
            resolve();
          };
          source.onerror = () => {
            source.close();
            resolve();
          };
        }),
    ),
  );
  return had;
}

/** Tries every way to change something. @returns what was answered readably */
async function changeEverything({
  posts,
  others,
  beacon,
  beaconJSON,
}: {
  readonly posts: readonly { readonly url: string; readonly json: string }[];
  readonly others: readonly { readonly method: string; readonly url: string }[];
  readonly beacon: string;
  readonly beaconJSON: string;
}): Promise<readonly string[]> {
  const had: string[] = [];
  const note = async (what: string, asking: Promise<Response>): Promise<void> => {
    const response = await asking.catch(() => undefined);
    if (response !== undefined && response.type !== 'opaque') had.push(what);
  };
  const post = async ({ url, json }: (typeof posts)[number]): Promise<void> => {
    for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded', 'message/rfc822'])
      await note(`${type} ${url}`, fetch(url, { method: 'POST', headers: { 'content-type': type }, body: json }));
    // No preflight, and no answer that can be read: only whether it did something.
    for (const type of ['text/plain', 'text/plain; application/json', 'application/x-www-form-urlencoded'])
      await note(url, fetch(url, { method: 'POST', mode: 'no-cors', headers: { 'content-type': type }, body: json }));
    await note(url, fetch(url, { method: 'POST', mode: 'no-cors', body: new Blob([json]) }));
    for (const enctype of ['text/plain', 'multipart/form-data', 'application/x-www-form-urlencoded']) {
      const frame = document.createElement('iframe');
      frame.name = `${url} ${enctype}`;
      document.body.append(frame);
      const form = document.createElement('form');
      Object.assign(form, { method: 'POST', action: url, enctype, target: frame.name });
      // `{"ids":["1"],"a":"` + `=` + `"}` is JSON when the body is `name=value`.
      const field = document.createElement('input');
      field.name = json.endsWith('}') ? `${json.slice(0, -1)},"a":"` : json;
      field.value = '"}';
      form.append(field);
      document.body.append(form);
      await new Promise((resolve) => {
        frame.onload = resolve;
        form.submit();
      });
      frame.remove();
    }
  };
  await Promise.all(posts.map(post));
  for (const { method, url } of others) {
    await note(`${method} ${url}`, fetch(url, { method }));
    await note(
      `${method} ${url} JSON`,
      fetch(url, { method, headers: { 'content-type': 'application/json' }, body: '{}' }),
    );
    await note(
      `${method} ${url} by another header`,
      fetch(url, { method: 'POST', headers: { 'x-http-method-override': method } }),
    );
  }
  navigator.sendBeacon(beacon, new Blob([beaconJSON], { type: 'text/plain' }));
  return had;
}

/** Frames everything, and waits until each frame has loaded something. */
async function frameEverything(urls: readonly string[]): Promise<void> {
  await Promise.all(
    urls.map((url) =>
      Promise.all(
        ['iframe', 'object', 'embed'].map(
          (name) =>
            new Promise((resolve) => {
              const frame = document.createElement(name);
              frame.onload = resolve;
              frame.onerror = resolve;
              frame.setAttribute(name === 'object' ? 'data' : 'src', url);
              document.body.append(frame);
            }),
        ),
      ),
    ),
  );
}
