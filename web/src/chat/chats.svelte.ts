// All conversations of this browser, and their way to and from its storage.
import { read, write } from '../ui/preferences';
import { begin, restore, type Conversation } from './conversation';
import { History } from './history';

const UNSAVED = 'unsaved';

class Chats {
  private list = $state<Conversation[]>([]);
  /** False once it is known that this browser keeps nothing. */
  kept = $state(true);
  /** True when what was kept has been read. */
  loaded = $state(false);
  private history: History | null = null;
  /** How many writes of each conversation are on their way. */
  private readonly writing = new Map<string, number>();
  private readonly others = new BroadcastChannel('samovar-chats');

  /** Newest first. */
  sorted = $derived(this.list.toSorted((a, b) => b.changed - a.changed));

  constructor() {
    this.others.onmessage = (e: MessageEvent<unknown>) => {
      if (typeof e.data === 'string') void this.reread(e.data);
    };
    // IndexedDB drops what it has not written when the page goes away.
    addEventListener('pagehide', () => write(UNSAVED, this.unsaved()));
    addEventListener('pageshow', (e) => e.persisted && write(UNSAVED, {}));
    void this.open();
  }

  /** What would be lost with the page: conversations by id, null for one that
   * is deleted. */
  private unsaved(): Record<string, Conversation | null> {
    const streaming = this.list.filter((c) => c.messages.some((m) => m.answer?.state === 'streaming'));
    const ids = new Set([...this.writing.keys(), ...streaming.map((c) => c.id)]);
    return Object.fromEntries([...ids].map((id) => [id, $state.snapshot(this.find(id)) ?? null]));
  }

  private async open() {
    this.history = await History.open();
    if (this.history === null) this.kept = false;
    else {
      const before = new Set(this.list.map((c) => c.id)); // begun meanwhile
      const old = await this.history.all().catch(() => ((this.kept = false), []));
      this.list.push(...old.filter((c) => !before.has(c.id)));
    }
    this.recover();
    this.loaded = true;
  }

  /** Does what the last page had no time for. */
  private recover() {
    const unsaved = read(UNSAVED);
    write(UNSAVED, {});
    for (const [id, v] of Object.entries(unsaved ?? {})) {
      const c = restore(v);
      this.list = [...this.list.filter((d) => d.id !== id), ...(c ? [c] : [])];
      if (c) this.save(c);
      else this.track(id, this.history?.delete(id));
    }
  }

  find(id: string): Conversation | undefined {
    return this.list.find((c) => c.id === id);
  }

  create(): Conversation {
    this.list.push(begin(randomId(), Date.now()));
    return this.list.at(-1)!;
  }

  /** Keeps c as it is now; touch moves it to the top. */
  save(c: Conversation, touch = false): void {
    if (touch) c.changed = Date.now();
    if (!this.find(c.id)) return; // deleted while an answer was being written
    this.track(c.id, this.history?.put($state.snapshot(c)));
  }

  /** Keeps count of a write and tells the other pages when it is done. */
  private track(id: string, write: Promise<void> | undefined) {
    if (write === undefined) return;
    this.writing.set(id, (this.writing.get(id) ?? 0) + 1);
    write
      .then(
        () => this.others.postMessage(id),
        () => (this.kept = false),
      )
      .finally(() => {
        const left = this.writing.get(id)! - 1;
        if (left > 0) this.writing.set(id, left);
        else this.writing.delete(id);
      });
  }

  /** Deletes c and returns how to bring it back. */
  remove(c: Conversation): () => void {
    const copy = $state.snapshot(c);
    this.list = this.list.filter((d) => d.id !== c.id);
    this.track(c.id, this.history?.delete(c.id));
    return () => {
      const back = restore(copy);
      if (back === null) return;
      this.list.push(back);
      this.save(back);
    };
  }

  /** Another page of this browser has changed the conversation of that id. */
  private async reread(id: string) {
    const c = await this.history?.get(id).catch(() => undefined);
    if (c === undefined) return;
    const here = this.list.findIndex((d) => d.id === id);
    if (this.list[here]?.messages.some((m) => m.answer?.state === 'streaming')) return; // ours is newer
    if (c === null) this.list = this.list.filter((d) => d.id !== id);
    else if (here < 0) this.list.push(c);
    else this.list[here] = c;
  }
}

/** 16 hexadecimal digits; crypto.randomUUID is absent on plain http. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

export const chats = new Chats();
