/** The links of a mail, and the text of its HTML. */

import { describe, expect, it } from 'vitest';

import { findLinks } from '../../src/mail/links.js';
import { textOfHTML } from '../../src/mail/text.js';

const inText = (text: string): string[] => findLinks({ text, headers: [] }).map(({ url }) => url);

describe('links of text', () => {
  it.each([
    ['a sentence’s end', 'See https://a.example/x.', ['https://a.example/x']],
    ['parentheses around it', '(see https://a.example/x)', ['https://a.example/x']],
    ['parentheses in it', 'https://en.example/wiki/A_(b)', ['https://en.example/wiki/A_(b)']],
    ['both', '(https://en.example/wiki/A_(b))', ['https://en.example/wiki/A_(b)']],
    ['angle brackets', '<https://a.example/?x=1&y=2>', ['https://a.example/?x=1&y=2']],
    ['quotes', '"https://a.example/x"', ['https://a.example/x']],
    ['Markdown', '[here](https://a.example/x)', ['https://a.example/x']],
    ['Japanese around it', 'こちらhttps://a.example/x?y=1をクリック。', ['https://a.example/x?y=1']],
    ['Japanese behind it', 'こちら: https://a.example/x?y=1をクリック。', ['https://a.example/x?y=1']],
    ['Chinese punctuation', '点击 https://a.example/x，谢谢', ['https://a.example/x']],
    ['a host in another script', 'https://例え.example/パス', ['https://例え.example/パス']],
    ['a letter with a diacritic', 'https://de.example/wiki/Käse', ['https://de.example/wiki/Käse']],
    ['no scheme', 'www.a.example/x', ['http://www.a.example/x']],
    [
      'mail and telephone',
      'mailto:a@b.example?subject=x, tel:+15550100',
      ['mailto:a@b.example?subject=x', 'tel:+15550100'],
    ],
    ['a fragment and a port', 'http://a.example:8080/#/x?y=[1]', ['http://a.example:8080/#/x?y=[1]']],
    ['the same twice', 'https://a.example https://a.example', ['https://a.example']],
    ['nothing behind the scheme', 'https:// and http://.', []],
  ])('%s', (_what, text, expected) => {
    expect(inText(text)).toEqual(expected);
  });

  it('say in which line they are', () => {
    expect(
      findLinks({ text: 'a\nhttps://a.example\n\nhttps://b.example', headers: [] }).map(({ line }) => line),
    ).toEqual([2, 4]);
  });
});

describe('links of HTML', () => {
  it('have what is between the tags, or the picture’s alt', () => {
    const html =
      '<p>\n<a href="https://a.example/?x=1&amp;y=2"> Reset <b>your</b>\n password</a>\n<a href=https://b.example><img src=x alt="Logo"></a>' +
      '<a href="#top">top</a><a href="java\nscript:x">odd</a><a>none</a><map><area href="https://c.example" alt="C"></map><a href="https://d.example">open';
    expect(findLinks({ html, headers: [] })).toEqual([
      { url: 'https://a.example/?x=1&y=2', text: 'Reset your password', in: 'html', line: 2 },
      { url: 'https://b.example', text: 'Logo', in: 'html', line: 4 },
      { url: 'javascript:x', text: 'odd', in: 'html', line: 4 },
      { url: 'https://c.example', text: 'C', in: 'html', line: 5 },
      { url: 'https://d.example', text: 'open', in: 'html', line: 5 },
    ]);
  });
});

describe('links of the header', () => {
  it('are those of lists', () => {
    const field = (name: string, value: string, line: number) => ({ name, value, raw: `${name}: ${value}`, line });
    expect(
      findLinks({
        headers: [
          field('List-Unsubscribe', '<https://a.example/leave?u=1>, <mailto:leave@a.example>', 3),
          field('From', 'a <a@b.example>', 4),
        ],
      }),
    ).toEqual([
      { url: 'https://a.example/leave?u=1', text: 'List-Unsubscribe', in: 'header', line: 3 },
      { url: 'mailto:leave@a.example', text: 'List-Unsubscribe', in: 'header', line: 3 },
    ]);
  });
});

describe('the text of HTML', () => {
  it.each([
    ['blocks', '<h1>Welcome</h1><p>Your code is <b>1234</b></p>', 'Welcome\nYour code is 1234'],
    ['breaks', 'a<br>b<br><br>c', 'a\nb\n\nc'],
    ['cells', '<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>', 'a b\nc'],
    ['inline elements', 'un<b>brok</b>en', 'unbroken'],
    ['white space', '<p>  a \n b </p>\n\n <p>c</p>', 'a b\nc'],
    ['preformatted text', '<pre>a\n  b</pre>c', 'a\n  b\nc'],
    ['references', 'a&nbsp;&amp;&lt;b&gt;', 'a\u00a0&<b>'],
    ['what nobody sees', '<title>t</title><style>p{}</style><script>x</script>a<!-- c -->', 'a'],
    ['pictures', '<img alt="Logo"> a', 'Logo a'],
    ['lists', '<ul><li>a<li>b</ul>', '- a\n- b'],
    ['an element that is not ended', '<p>a<script>b', 'a'],
    ['nothing', '', ''],
  ])('%s', (_what, html, expected) => {
    expect(textOfHTML(html)).toBe(expected);
  });

  it('is had in no time of what was made to take long', () => {
    for (const piece of [
      '<p>',
      '<b>',
      '<a href=x>',
      '<font size=1>x<p>',
      '<table><td>',
      '<!--',
      '&',
      '&amp',
      '<p a=',
      'a ',
      '\n',
    ]) {
      const html = piece.repeat(500_000 / piece.length);
      textOfHTML(html);
      findLinks({ html, text: html, headers: [] });
    }
    const attributes = `<a ${Array.from({ length: 100_000 }, (_, n) => `x${n}=1`).join(' ')}>`;
    expect(textOfHTML(attributes)).toBe('');
    expect(inText(`https://a.example/${')'.repeat(8_000)} `.repeat(100))).toEqual(['https://a.example/']);
  }, 15_000);
});
