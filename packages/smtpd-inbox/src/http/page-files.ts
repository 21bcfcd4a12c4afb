/** The page's files, read once when the server starts. What is not among them does not exist: no path leads to a disk. */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';

/** The files of the page. */
export class PageFiles {
  readonly #files: ReadonlyMap<string, PageFile>;

  private constructor(files: ReadonlyMap<string, PageFile>) {
    this.#files = files;
  }

  /** Reads a folder. A folder that is not there has no page, and says so. */
  static async read(folder: string): Promise<PageFiles> {
    const files = new Map<string, PageFile>();
    const names = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of names.filter((each) => each.isFile())) {
      const file = join(entry.parentPath, entry.name);
      const content = await readFile(file);
      files.set(`/${relative(folder, file).split(sep).join('/')}`, {
        content,
        type: CONTENT_TYPES[extname(file)] ?? 'application/octet-stream',
        etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`,
      });
    }
    return new PageFiles(files);
  }

  /** The answer to a path; `undefined` when there is no such file. */
  answer(path: string, headers: Headers): Response | undefined {
    const name = path === '/' ? '/index.html' : path;
    const file = this.#files.get(name);
    if (file === undefined) return name === '/index.html' ? notBuilt() : undefined;
    const common = {
      etag: file.etag,
      'content-security-policy': PAGE_POLICY,
      // The names of assets change with their content.
      'cache-control': name.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    };
    if (headers.get('if-none-match') === file.etag) return new Response(null, { status: 304, headers: common });
    return new Response(file.content as Uint8Array<ArrayBuffer>, {
      headers: { ...common, 'content-type': file.type },
    });
  }
}

interface PageFile {
  readonly content: Uint8Array;
  readonly type: string;
  readonly etag: string;
}

function notBuilt(): Response {
  return new Response('The page is not built: npm run build:page\n', {
    status: 404,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
  });
}

/** Everything is ours; frames show mails from our own routes. */
const PAGE_POLICY = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};
