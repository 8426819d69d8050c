// Server-sent events, as the HTML standard (9.2.6) has them read.

export interface ServerEvent {
  type: string;
  data: string;
}

/** Takes text as it arrives, cut anywhere, and gives the events that are
 * complete. An event that the end of the stream cuts off is dropped. */
export class EventDecoder {
  private line = '';
  private afterReturn = false;
  private started = false;
  private type = '';
  private data: string[] = [];

  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    if (!this.started && text !== '') {
      this.started = true;
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
    }
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      const c = text[i];
      if (c !== '\n' && c !== '\r') {
        this.afterReturn = false;
        continue;
      }
      const half = c === '\n' && this.afterReturn; // the second half of CRLF
      this.afterReturn = c === '\r';
      if (!half) this.end(this.line + text.slice(from, i), events);
      this.line = '';
      from = i + 1;
    }
    this.line += text.slice(from);
    return events;
  }

  private end(line: string, events: ServerEvent[]) {
    if (line === '') {
      if (this.data.length > 0) events.push({ type: this.type || 'message', data: this.data.join('\n') });
      this.type = '';
      this.data = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return; // a comment, which keeps the connection open
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.data.push(value);
    else if (field === 'event') this.type = value;
  }
}

/** The events of a response body, in order. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const utf8 = new TextDecoder();
  const decoder = new EventDecoder();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield* decoder.push(utf8.decode(value, { stream: true }));
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
