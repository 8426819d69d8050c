// The second lock behind markdown.ts: only the elements and attributes that it
// writes get into the page.
import DOMPurify from 'dompurify';

const allowed = {
  ALLOWED_TAGS: [
    ...['a', 'blockquote', 'br', 'button', 'code', 'del', 'div', 'em', 'figcaption', 'figure', 'h3', 'h4', 'h5', 'h6'],
    ...['hr', 'li', 'ol', 'p', 'pre', 'span', 'strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul', '#text'],
  ],
  ALLOWED_ATTR: ['align', 'class', 'data-copy', 'dir', 'href', 'rel', 'start', 'tabindex', 'target', 'title', 'type'],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  // Without this the pattern above would be asked about their values too.
  ADD_URI_SAFE_ATTR: ['align', 'data-copy', 'dir', 'rel', 'start', 'tabindex', 'target', 'type'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
};

export function sanitize(html: string): string {
  return DOMPurify.sanitize(html, allowed);
}
