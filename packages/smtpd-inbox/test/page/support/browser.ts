/** Debian's Chromium, driven from a test, and a trap for whatever it asks of anybody but us. */

import { chromium, type Browser } from '@playwright/test';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeEach } from 'vitest';

/** A browser that reaches 127.0.0.1 and nothing else. */
export interface TrappedBrowser extends AsyncDisposable {
  readonly browser: Browser;
  /** Hosts below `.example` that were asked for something, in order: requests that really left, not those that a policy stopped. */
  readonly asked: string[];
}

/**
 * Says that the tests of this `describe` need a browser. Where there is none they are skipped with the reason, except in CI.
 *
 * @returns what starts it
 */
export function requireChromium(): () => Promise<TrappedBrowser> {
  const path = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
  if (!existsSync(path)) {
    beforeEach((context) => {
      const reason = `There is no ${path}; .ci/setup installs it`;
      if (process.env['CI'] === 'true') throw new Error(reason);
      context.skip(reason);
    });
  }
  return async () => {
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
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    const browser = await chromium.launch({
      executablePath: path,
      proxy: { server: `http://127.0.0.1:${String((trap.address() as AddressInfo).port)}`, bypass: '127.0.0.1' },
      // A browser of its own says nothing to anybody: no updates, no reports.
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    return {
      browser,
      asked,
      [Symbol.asyncDispose]: async () => {
        await browser.close();
        trap.closeAllConnections();
        await new Promise((resolve) => trap.close(resolve));
      },
    };
  };
}
