import { describe, expect, it } from 'vitest';
import { blocks } from './markdown';

const html = (text: string) => blocks(text, 'Copy').join('');

describe('blocks', () => {
  it('renders what models write', () => {
    expect(html('A **bold** word')).toContain('<strong>bold</strong>');
    expect(html('1. a\n2. b')).toContain('<ol>');
    expect(html('# Title')).toContain('<h3>Title</h3>');
    expect(html('line\nline')).toContain('<br>');
    expect(html('| a |\n|---|\n| b |')).toContain('<div class="table"');
    expect(html('- [x] done')).toContain('☑');
  });

  it('gives code a copy button, also before its fence is closed', () => {
    for (const text of ['```go\nfunc f() {}\n```', '```go\nfunc f() {}']) {
      expect(html(text)).toContain('<span>go</span>');
      expect(html(text)).toContain('data-copy');
      expect(html(text)).toContain('<code>func f() {}\n</code>');
    }
  });

  it('keeps the blocks before the last one as a text grows', () => {
    const text = 'One.\n\n- a\n- b\n\n```js\nlet x = 1;\n```\n\nLast **one**.';
    let before: string[] = [];
    for (let i = 1; i <= text.length; i++) {
      const now = blocks(text.slice(0, i), 'Copy');
      // A list or a fence may still change what the block before the last is.
      for (let b = 0; b < Math.min(before.length, now.length) - 2; b++) expect(now[b]).toBe(before[b]);
      before = now;
    }
    expect(before).toHaveLength(4);
  });

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    'text <iframe src="https://example.org"></iframe>',
    '![pixel](https://example.org/p.png)',
    '<svg onload=alert(1)>',
    '<style>*{display:none}</style>',
    '```x"><img src=x>\n<img src=x>\n```',
    '![<img src=x>](https://example.org/p.png)',
    '| <img src=x> |\n|---|\n| <b onclick=x>b</b> |',
  ])('shows %s as text', (text) => {
    expect(html(text)).not.toMatch(/<(script|img|iframe|svg|style|b)\b/i);
  });

  it.each([
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java&#10;script:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    '//example.org',
    '/v1/models',
    'blob:x',
  ])('makes no link to %s', (href) => {
    expect(html(`[x](<${href}>) [y][r]\n\n[r]: <${href}>`)).not.toContain('<a ');
  });

  it('makes links that give nothing away', () => {
    expect(html('[x](https://example.org/a"b)')).toBe(
      '<p><a href="https://example.org/a%22b" title="https://example.org/a%22b" target="_blank" ' +
        'rel="noopener noreferrer nofollow">x</a></p>\n',
    );
    expect(html('https://example.org')).toContain('rel="noopener noreferrer nofollow"');
  });
});
