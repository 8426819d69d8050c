// All conversations of this browser, and their way to and from its storage.
import { begin, type Conversation } from './conversation';
import { History } from './history';

class Chats {
  private list = $state<Conversation[]>([]);
  /** False once it is known that this browser keeps nothing. */
  kept = $state(true);
  /** True when what was kept has been read. */
  loaded = $state(false);
  private history: History | null = null;
  private readonly others = new BroadcastChannel('samovar-chats');

  /** Newest first. */
  sorted = $derived(this.list.toSorted((a, b) => b.changed - a.changed));

  constructor() {
    this.others.onmessage = (e: MessageEvent<unknown>) => {
      if (typeof e.data === 'string') void this.reread(e.data);
    };
    void this.open();
  }

  private async open() {
    this.history = await History.open();
    if (this.history === null) this.kept = false;
    else {
      const before = new Set(this.list.map((c) => c.id)); // begun meanwhile
      const old = await this.history.all().catch(() => ((this.kept = false), []));
      this.list.push(...old.filter((c) => !before.has(c.id)));
    }
    this.loaded = true;
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
    this.history?.put($state.snapshot(c)).then(
      () => this.others.postMessage(c.id),
      () => (this.kept = false),
    );
  }

  /** Deletes c and returns how to bring it back. */
  remove(c: Conversation): () => void {
    const copy = $state.snapshot(c);
    this.list = this.list.filter((d) => d.id !== c.id);
    void this.history?.delete(c.id).then(() => this.others.postMessage(c.id));
    return () => {
      this.list.push(copy);
      this.save(copy);
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
