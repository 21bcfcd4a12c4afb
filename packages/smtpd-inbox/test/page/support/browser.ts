/** Chromium with a trap for whatever it asks of anybody but us. */

import type { Browser } from '@playwright/test';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from 'vitest';

import { useHeadlessShell } from '../../support/chromium.js';

/** A browser that reaches 127.0.0.1 and nothing else. */
export interface TrappedBrowser {
  readonly browser: () => Browser;
  /** Hosts below `.example` that were asked for something, in order: requests that really left, not those that a policy stopped. */
  readonly asked: readonly string[];
}

/** Says that the tests of this `describe` need a browser, and starts one for all of them. */
export function useTrappedBrowser(): TrappedBrowser {
  const asked: string[] = [];
  const note = (host: string): void => {
    // Whatever the mail of a test names lies below `.example`; what Chromium asks its maker is no mail's doing.
    if (/\.example(?::\d+)?$/.test(host)) asked.push(host);
  };
  const trap = createServer((request, response) => {
    note(new URL(request.url ?? '', 'http://unsaid').host);
    response.writeHead(502).end();
  });
  trap.on('connect', (request, socket) => {
    note(request.url ?? '');
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  });
  beforeAll(() => new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve)));
  // Hooks behind a test run backwards: the browser goes before its trap.
  afterAll(async () => {
    trap.closeAllConnections();
    await new Promise((resolve) => trap.close(resolve));
  });
  const browser = useHeadlessShell(() => {
    const { port } = trap.address() as AddressInfo;
    return { proxy: { server: `http://127.0.0.1:${String(port)}`, bypass: '127.0.0.1' } };
  });
  return { browser, asked };
}
