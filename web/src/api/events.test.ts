import { describe, expect, it } from 'vitest';
import { EventDecoder, events, type ServerEvent } from './events';

const message = (data: string): ServerEvent => ({ type: 'message', data });

const cases: { name: string; text: string; want: ServerEvent[] }[] = [
  { name: 'one', text: 'data: {"a":1}\n\n', want: [message('{"a":1}')] },
  { name: 'no space', text: 'data:x\n\n', want: [message('x')] },
  { name: 'only the first space goes', text: 'data:  x\n\n', want: [message(' x')] },
  { name: 'CRLF', text: 'data: a\r\n\r\ndata: b\r\n\r\n', want: [message('a'), message('b')] },
  { name: 'CR', text: 'data: a\r\rdata: b\r\r', want: [message('a'), message('b')] },
  { name: 'several lines of data', text: 'data: a\ndata: b\ndata\n\n', want: [message('a\nb\n')] },
  { name: 'comments', text: ': ping\n\n:\ndata: a\n: ping\n\n', want: [message('a')] },
  { name: 'type', text: 'event: error\ndata: a\n\ndata: b\n\n', want: [{ type: 'error', data: 'a' }, message('b')] },
  { name: 'type without data is nothing', text: 'event: x\n\ndata: b\n\n', want: [message('b')] },
  { name: 'unknown fields', text: 'id: 7\nretry: 3\nfoo: x\ndata: a\n\n', want: [message('a')] },
  { name: 'colons in data', text: 'data: a: b\n\n', want: [message('a: b')] },
  { name: 'byte order mark', text: '\ufeffdata: a\n\n', want: [message('a')] },
  { name: 'cut off', text: 'data: a\n\ndata: lost\n', want: [message('a')] },
  { name: 'not Latin', text: 'data: привет مرحبا 🫖\n\n', want: [message('привет مرحبا 🫖')] },
];

describe('EventDecoder', () => {
  for (const { name, text, want } of cases) {
    it(name, () => expect(new EventDecoder().push(text)).toEqual(want));

    it(name + ', cut at every place', () => {
      for (let i = 0; i <= text.length; i++) {
        const d = new EventDecoder();
        expect([...d.push(text.slice(0, i)), ...d.push(text.slice(i))]).toEqual(want);
      }
    });

    it(name + ', one byte at a time', async () => {
      const bytes = new TextEncoder().encode(text);
      const body = new ReadableStream<Uint8Array>({
        start(c) {
          for (const b of bytes) c.enqueue(Uint8Array.of(b));
          c.close();
        },
      });
      const got: ServerEvent[] = [];
      for await (const e of events(body)) got.push(e);
      expect(got).toEqual(want);
    });
  }
});
