/** Debian's Chromium, for tests: it says nothing to anybody of its own accord. */

import { chromium, type Browser, type LaunchOptions } from '@playwright/test';
import { afterAll, beforeAll } from 'vitest';

import { requireCommand } from '../../../smtpd/test/support/component.js';

/** How it is started: what is said here comes on top of what each test needs. */
export type ChromiumOptions = Pick<LaunchOptions, 'args' | 'proxy'>;

/**
 * Says that the tests of this `describe` need Chromium, and starts one for all of them. Where there is none they are skipped with the
 * reason, except in CI.
 *
 * @returns the browser, for tests; it is not there before the first of them
 */
export function useChromium(options?: () => ChromiumOptions): () => Browser {
  return useBrowserAt(requireCommand('chromium'), options);
}

/**
 * Says the same of Chromium without the browser around it, which draws the same pages for half the time: for tests of what the page does.
 * What holds an attack off is shown in what people use. Without it the whole of Chromium does, except in CI.
 *
 * @returns the browser, for tests; it is not there before the first of them
 */
export function useHeadlessShell(options?: () => ChromiumOptions): () => Browser {
  return useBrowserAt(requireCommand('chromium-headless-shell', 'chromium'), options);
}

function useBrowserAt(executablePath: string, options: () => ChromiumOptions = () => ({})): () => Browser {
  let browser: Browser | undefined;
  beforeAll(async () => {
    // Where there is none, hooks run all the same.
    if (!executablePath.includes('/')) return;
    const { args = [], proxy } = options();
    browser = await chromium.launch({ executablePath, args: [...ARGUMENTS, ...args], ...(proxy && { proxy }) });
  });
  afterAll(() => browser?.close());
  return () => {
    if (browser === undefined) throw new Error('There is no browser before the first test');
    return browser;
  };
}

/** No sandbox, because root starts it; no updates and no reports. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  // Nothing is drawn by another processor: a process for that would only be asked.
  '--in-process-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
