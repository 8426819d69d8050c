// A conversation is a tree: editing a message or trying another answer adds a
// branch beside the old one, and the reader walks between them. Pure functions.
import type { Figures } from '../api/client';

export interface Message {
  id: string;
  /** The message before it; empty for the first. */
  parent: string;
  role: 'user' | 'assistant';
  text: string;
  /** Of an answer. */
  answer?: Answer;
}

export interface Answer {
  /** The name of the model. */
  model: string;
  /** False where a base model continued the text. */
  chat: boolean;
  state: 'streaming' | 'complete' | 'stopped' | 'failed';
  /** Why the model ended: "stop", "length". */
  finish?: string;
  /** Of a failed answer: what the server said, or empty when it was lost. */
  error?: { message: string; status?: number };
  /** Seconds to the first piece of text. */
  first?: number;
  figures?: Figures;
}

export interface Conversation {
  id: string;
  /** Empty: the beginning of the first message stands for it. */
  title: string;
  /** Milliseconds since 1970, of the last change. */
  changed: number;
  /** In the order in which they were written. */
  messages: Message[];
  /** Of a message that has several after it, the one that is shown. */
  chosen: Record<string, string>;
}

export function begin(id: string, now: number): Conversation {
  return { id, title: '', changed: now, messages: [], chosen: {} };
}

/** What stands after the message parent, oldest first. */
export function branches(c: Conversation, parent: string): Message[] {
  return c.messages.filter((m) => m.parent === parent);
}

/** The messages that are shown, from the first to the last. */
export function thread(c: Conversation): Message[] {
  const shown: Message[] = [];
  for (let at = ''; ; ) {
    const next = branches(c, at);
    const m = next.find((m) => m.id === c.chosen[at]) ?? next.at(-1);
    if (m === undefined) return shown;
    shown.push(m);
    at = m.id;
  }
}

/** The messages that lead to the message of that id, itself last. */
export function upTo(c: Conversation, id: string): Message[] {
  const found: Message[] = [];
  for (let m = c.messages.find((m) => m.id === id); m !== undefined; ) {
    found.unshift(m);
    const parent: string = m.parent;
    m = c.messages.find((m) => m.id === parent);
  }
  return found;
}

/** Adds m as the branch that is shown. */
export function add(c: Conversation, m: Message): void {
  c.messages.push(m);
  c.chosen[m.parent] = m.id;
}

/** Takes out a message and all that follows it. */
export function remove(c: Conversation, id: string): void {
  const doomed = new Set([id]);
  for (const m of c.messages) if (doomed.has(m.parent)) doomed.add(m.id); // parents stand before children
  const gone = c.messages.find((m) => m.id === id);
  c.messages = c.messages.filter((m) => !doomed.has(m.id));
  for (const parent of doomed) delete c.chosen[parent];
  if (gone && c.chosen[gone.parent] === id) delete c.chosen[gone.parent];
}

/** Shows the branch that lies step places beside the message of that id. */
export function turn(c: Conversation, m: Message, step: number): void {
  const all = branches(c, m.parent);
  const to = all[all.findIndex((b) => b.id === m.id) + step];
  if (to) c.chosen[m.parent] = to.id;
}

/** The name of a conversation; empty if it has none yet. */
export function titleOf(c: Conversation): string {
  if (c.title !== '') return c.title;
  const text = (c.messages[0]?.text ?? '').trim().replace(/\s+/g, ' ');
  const letters = [...text];
  return letters.length <= 60 ? text : letters.slice(0, 59).join('').trimEnd() + '…';
}

/** A conversation as it was kept, made whole: an answer that was being written
 * when the page went away was stopped. Null for what is no conversation. */
export function restore(v: unknown): Conversation | null {
  const c = v as Partial<Conversation> | null;
  if (typeof c?.id !== 'string' || !Array.isArray(c.messages)) return null;
  for (const m of c.messages) if (m.answer?.state === 'streaming') m.answer.state = 'stopped';
  return { id: c.id, title: c.title ?? '', changed: c.changed ?? 0, messages: c.messages, chosen: c.chosen ?? {} };
}
