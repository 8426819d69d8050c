// Markdown to HTML. Models are not trusted: HTML in their text is shown as
// text, an image becomes a link to it, and a link is only one to the web or to
// a mail address. sanitize.ts checks the result a second time.
import { Marked, Renderer, type Tokens } from 'marked';

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => escapes[c]!);
}

function link(href: string, inner: string): string {
  let url: URL;
  try {
    url = new URL(href);
  } catch {
    return inner; // relative: the model knows no address here
  }
  if (!['http:', 'https:', 'mailto:'].includes(url.protocol)) return inner;
  const to = escape(url.href);
  return `<a href="${to}" title="${to}" target="_blank" rel="noopener noreferrer nofollow">${inner}</a>`;
}

function renderer(copy: string): Renderer {
  const r = new Renderer();
  const table = r.table;
  r.html = ({ text }) => escape(text);
  r.image = ({ href, text }) => link(href, escape(text || href));
  r.link = function ({ href, tokens }) {
    return link(href, this.parser.parseInline(tokens));
  };
  r.checkbox = ({ checked }) => (checked ? '☑ ' : '☐ ');
  // The page has the first two levels for itself.
  r.heading = function ({ tokens, depth }) {
    const level = Math.min(depth + 2, 6);
    return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
  };
  r.code = ({ text, lang }: Tokens.Code) =>
    `<figure class="code" dir="ltr"><figcaption><span>${escape(lang?.split(/\s/)[0] ?? '')}</span>` +
    `<button type="button" class="quiet" data-copy="code">${escape(copy)}</button></figcaption>` +
    `<pre tabindex="0"><code>${escape(text)}\n</code></pre></figure>`;
  r.table = function (token) {
    return `<div class="table" tabindex="0">${table.call(this, token)}</div>`;
  };
  return r;
}

/** The blocks of a text, each as HTML by itself, so that a text that grows
 * changes its last block only. copy labels the button of a code block. */
export function blocks(text: string, copy: string): string[] {
  const marked = new Marked({ gfm: true, breaks: true, renderer: renderer(copy) });
  const tokens = marked.lexer(text);
  return tokens.filter((t) => t.type !== 'space' && t.type !== 'def').map((t) => marked.parser([t]));
}
