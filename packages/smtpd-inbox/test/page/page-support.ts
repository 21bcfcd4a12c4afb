/** The page in a browser, for scenarios: one browser for a file, one page for a test, and nothing that it did wrong goes unseen. */

import type { BrowserContextOptions, Locator, Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { useHeadlessShell } from '../support/chromium.js';

/** A page that is closed at the end of its block. */
export interface OpenedPage extends AsyncDisposable {
  readonly page: Page;
  readonly rows: Locator;
  /** Presses keys, one after another. */
  readonly press: (...keys: readonly string[]) => Promise<void>;
}

/** Says that the tests of this `describe` need Chromium, and starts it once for all of them. */
export function usePages(): (url: string, options?: BrowserContextOptions) => Promise<OpenedPage> {
  const browser = useHeadlessShell();
  return async (url, options = {}) => {
    const context = await browser().newContext({ viewport: { width: 1440, height: 900 }, ...options });
    context.setDefaultTimeout(5_000);
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(String(error.stack)));
    page.on('console', (message) => {
      if (/content security policy/i.test(message.text())) faults.push(message.text());
    });
    await page.goto(url);
    await page.locator('.connection.is-live').waitFor();
    return {
      page,
      rows: page.locator('#mail-list [role=option]'),
      press: async (...keys) => {
        for (const key of keys) await page.keyboard.press(key);
      },
      [Symbol.asyncDispose]: async () => {
        await context.close();
        if (faults.length > 0) throw new Error(faults.join('\n'));
      },
    };
  };
}

/**
 * What axe finds, each as one line; what one message shows has tests of its own.
 *
 * @param part a selector of what is looked at; default: everything
 */
export async function axeFindings(page: Page, part = 'html'): Promise<readonly string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(AXE);
  return page.evaluate(async (include) => {
    const { axe } = globalThis as unknown as { axe: { readonly run: (context: object) => Promise<AxeResult> } };
    const { violations } = await axe.run({ include: [include], exclude: ['.pane-message'] });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    );
  }, part);
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
