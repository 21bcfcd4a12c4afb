/**
 * How the page is built: into `dist/page`, with every asset beside it under a name that changes with its content. Nothing in it is
 * inline, so that the server's `default-src 'self'` holds, and every address is relative, so that it works below any path.
 */

import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  // Files are named where they are used; none is copied as it is.
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    target: 'es2022',
    // What the style sheet says is what browsers get: nothing in it is rewritten for older ones.
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    sourcemap: false,
    // What of others is in it, and under which terms they gave it: they ask that these come along.
    license: { fileName: 'LICENSES.md' },
    // A small file that became part of another as `data:` would not be loaded.
    assetsInlineLimit: 0,
    // Every browser that runs the page preloads modules by itself.
    modulePreload: { polyfill: false },
  },
});
