/** The document for the frame: nothing in it runs, leads to a place of ours or asks anybody, however the mail was written. */

import fc from 'fast-check';
import { defaultTreeAdapter, parse, type DefaultTreeAdapterTypes } from 'parse5';
import { describe, expect, it } from 'vitest';

import { frameDocument, framePolicy, partReferences } from '../../src/mail/frame.js';

const options = {
  partURL: (contentId: string) => (contentId === 'logo@a.example' ? '/parts/2' : undefined),
  isRemoteAllowed: false,
};
const BEGINNING =
  '<meta http-equiv="x-dns-prefetch-control" content="off"><meta name="referrer" content="no-referrer">';
const written = (html: string): string => frameDocument(html, options).html.replace(BEGINNING, '');

describe('the document for the frame', () => {
  it.each([
    ['a picture of the mail', '<img src="cid:logo@a.example">', '<img src="/parts/2">'],
    ['a picture whose reference is percent-encoded', '<img src=CID:logo%40a.example>', '<img src="/parts/2">'],
    [
      'a picture of the mail in a style',
      '<p style="background:url(cid:logo@a.example)">',
      '<p style="background:url(&quot;/parts/2&quot;)">',
    ],
    [
      'a picture of the mail in a style sheet',
      "<style>p{background:url('cid:logo@a.example')}</style>",
      '<style>p{background:url("/parts/2")}</style>',
    ],
    ['a picture that is not there', '<img src="cid:none" alt="x">', '<img alt="x">'],
    ['a picture elsewhere', '<img src="https://b.example/x.png">', '<img src="https://b.example/x.png">'],
    [
      'a set of pictures',
      '<img srcset="cid:logo@a.example 1x, /api 2x, https://b.example/x.png 3x">',
      '<img srcset="/parts/2 1x, https://b.example/x.png 3x">',
    ],
    ['a place of ours', '<img src="/api/v1/messages"><a href="/api">x</a>', '<img><a>x</a>'],
    [
      'a place of ours in a style',
      '<p style="background:url(/api)">',
      '<p style="background:url(&quot;data:,&quot;)">',
    ],
    [
      'a link',
      '<a href="https://b.example" target=_top rel=opener>x</a>',
      '<a href="https://b.example" target="_blank" rel="noopener noreferrer">x</a>',
    ],
    ['a link within the mail', '<a href="#x">x</a>', '<a href="#x">x</a>'],
    ['a link that runs', '<a href="java\tscript:alert(1)">x</a>', '<a>x</a>'],
    ['a link that is a document', '<a href="data:text/html,x">x</a>', '<a>x</a>'],
    ['a script', 'a<script>alert("</p>")</script>b', 'ab'],
    ['an event', '<body onload=alert(1)><p onclick=x style=color:red>', '<body><p style="color:red">'],
    ['a base', '<base href="https://b.example/">x', 'x'],
    ['a refresh', '<meta http-equiv=refresh content="0;url=https://b.example">x', 'x'],
    [
      'a form',
      '<form action="https://b.example" method=post><input name=a formaction=/x><button>b</button></form>',
      '<form><input name="a"><button>b</button></form>',
    ],
    ['a frame', '<iframe src="https://b.example"><p>x</p></iframe>y', 'y'],
    ['a document within an attribute', '<iframe srcdoc="<script>1</script>"></iframe>y', 'y'],
    ['an object', '<object data="x.swf"><p>x</p></object><embed src=x>y', 'y'],
    [
      'a style sheet elsewhere',
      '<link rel=stylesheet href="https://b.example/x.css">',
      '<link rel="stylesheet" href="https://b.example/x.css">',
    ],
    [
      'a name to be looked up',
      '<link rel=dns-prefetch href="//b.example"><link rel=preconnect href="//b.example">x',
      'x',
    ],
    [
      'an animation that sets a link',
      '<svg><a><animate attributeName=href values="javascript:1"/></a></svg>',
      '<svg><a></a></svg>',
    ],
    [
      'a tag within a style sheet within SVG',
      '<svg><style><img src=x onerror=1></style></svg>',
      '<svg><style>\\3c img src=x onerror=1></style></svg>',
    ],
    ['a comment for Outlook', 'a<!--[if mso]><script>1</script><![endif]-->b', 'ab'],
    ['a doctype', '<!doctype html><p>x', '<!DOCTYPE html><p>x'],
    [
      'an old doctype',
      '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">x',
      '<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">x',
    ],
    ['references', '&lt;script&gt; &amp;amp; &nbsp;ä', '&lt;script&gt; &amp;amp; \u00a0ä'],
    [
      'a media query',
      '<style>@media (max-width:600px){a>b{x:y}}</style>',
      '<style>@media (max-width:600px){a>b{x:y}}</style>',
    ],
  ])('%s', (_what, html, expected) => {
    expect(written(html)).toBe(expected);
  });

  it('counts what lies elsewhere, each once, and names what is missing', () => {
    const html =
      '<link rel=stylesheet href="https://b.example/x.css"><img src="https://b.example/1.png"><img src="https://b.example/1.png">' +
      '<td background="//b.example/2.png"><style>@font-face{src:url(https://b.example/f.woff2)}p{background:url(http://b.example/3.gif)}' +
      '@import url(https://b.example/y.css);</style>' +
      '<img src="cid:lost">';
    expect(frameDocument(html, options)).toMatchObject({ remote: { pictures: 3, others: 3 }, missing: ['lost'] });
  });

  it('finds parts by their Content-Location', () => {
    const part = { number: '2', contentType: 'image/png', sizeBytes: 1, start: 0, end: 1, role: 'related' as const };
    const references = partReferences(
      [{ ...part, contentId: 'a', contentLocation: 'https://b.example/x.png' }],
      ({ number }) => `/p/${number}`,
    );
    const html = '<img src="https://b.example/x.png"><img src="cid:a">';
    const { html: document, remote } = frameDocument(html, { ...references, isRemoteAllowed: false });
    expect(document).toContain('<img src="/p/2"><img src="/p/2">');
    expect(remote.pictures).toBe(0);
  });

  it('is harmless for a browser whatever the mail says', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...NASTY), { maxLength: 12 }), (pieces) => {
        const html = pieces.join('');
        const document = parse(frameDocument(html, options).html);
        const found: string[] = [];
        visit(document, (element) => {
          if (FORBIDDEN.has(element.tagName)) found.push(element.tagName);
          for (const { name, value } of element.attrs) {
            if (name.startsWith('on') || name === 'srcdoc' || name === 'action' || name === 'formaction')
              found.push(name);
            if (/^\s*(?:javascript|vbscript|data:text)/i.test(value) && (name === 'href' || name === 'src'))
              found.push(value);
            if (name === 'http-equiv' && value !== 'x-dns-prefetch-control') found.push(value);
          }
        });
        expect(found, html).toEqual([]);
      }),
      { numRuns: 3_000 },
    );
  });

  it('is the same when it is made from itself', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...NASTY), { maxLength: 8 }), (pieces) => {
        const once = written(pieces.join(''));
        // Written once it has no attribute without quotes and no reference that is not needed.
        expect(written(once).replaceAll(' rel="noopener noreferrer"', '')).toBe(
          once.replaceAll(' rel="noopener noreferrer"', ''),
        );
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the policy of the frame', () => {
  it('lets nothing leave', () => {
    expect(framePolicy(false)).toBe(
      "default-src 'none'; img-src data:; media-src data:; font-src data:; style-src 'unsafe-inline'; " +
        "script-src 'none'; object-src 'none'; frame-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; " +
        'sandbox allow-popups allow-popups-to-escape-sandbox',
    );
  });

  it('lets pictures, fonts, media and styles in where the user asked for it, and never a script', () => {
    const policy = framePolicy(true);
    expect(policy).toContain('img-src data: http: https:');
    expect(policy).toContain("style-src 'unsafe-inline' http: https:");
    expect(policy).toContain("script-src 'none'");
    expect(policy).toContain("form-action 'none'");
  });
});

function visit(node: DefaultTreeAdapterTypes.Node, see: (element: DefaultTreeAdapterTypes.Element) => void): void {
  if (defaultTreeAdapter.isElementNode(node)) see(node);
  if ('childNodes' in node) for (const child of node.childNodes) visit(child, see);
  if ('content' in node) visit(node.content, see);
}

const FORBIDDEN = new Set([
  'script',
  'iframe',
  'object',
  'embed',
  'base',
  'applet',
  'frame',
  'animate',
  'set',
  'template',
]);
/** Pieces that browsers have been fooled with. */
const NASTY = [
  '<script>', '</script>', '<script src=//b.example>', '<img src=x onerror=1>', '<svg>', '</svg>', '<math>', '</math>', '<style>', '</style>',
  '<style/>', '<title>', '</title>', '<textarea>', '</textarea>', '<noscript>', '</noscript>', '<xmp>', '</xmp>', '<plaintext>', '<template>',
  '</template>', '<iframe>', '</iframe>', '<iframe srcdoc="<script>1</script>">', '<!--', '-->', '--!>', '<![CDATA[', ']]>', '<?x ', '</', '<',
  '>', '"', "'", '`', '=', '/', '&lt;script&gt;', '&#60;img src=x onerror=1&#62;', '<a href="javascript:1">', '<a href=" \u0001javascript:1">',
  '<a xlink:href="javascript:1">', '<p title="</style><img src=x onerror=1>">', '<p title="--><script>">', '<foreignObject>',
  '<mglyph>', '<mtext>', '<annotation-xml encoding="text/html">', '<desc>', '<select>', '<option>', '<table>', '<form action=x>', '<base href=x>',
  '<meta http-equiv=refresh content=0>', '<p onclick=1 a<b=2 "c=3>', '<x onclick="1"/onload=2>', '<a"b onclick=1>', '<p/onclick=1>', '\0', 'text',
]; // prettier-ignore
