/**
 * The example for Vitest runs in this run: its fixtures belong to a file, so it is this file. Those for Jest and Playwright are what
 * `projects/` does, in runners of their own.
 */
await import(new URL('../../../../examples/inbox/vitest.test.ts', import.meta.url).href);

export {};
