// What is being brewed, kept up to date by the server's events while a page
// watches.
import { Disconnection, Refusal, array, object, string } from '../api/client';
import { brewOf, brews, type Brew, type Limits } from '../api/runs';

class Kitchen {
  brews = $state.raw<Brew[]>([]);
  limits = $state.raw<Limits>();
  /** Bytes that dropped folders take. */
  kept = $state(0);
  state = $state<'unknown' | 'ready' | 'away' | 'unavailable' | 'failed'>('unknown');
  private source: EventSource | undefined;
  private watchers = 0;

  /** Begins to watch, and returns how to end it. */
  watch(): () => void {
    if (this.watchers++ === 0) void this.open();
    return () => {
      if (--this.watchers > 0) return;
      this.source?.close();
      this.source = undefined;
    };
  }

  async refresh(): Promise<void> {
    try {
      const all = await brews();
      this.brews = all.brews;
      this.limits = all.limits;
      this.kept = all.kept;
      this.state = 'ready';
    } catch (e) {
      if (e instanceof Disconnection) this.state = 'away';
      else this.state = e instanceof Refusal && e.status === 404 ? 'unavailable' : 'failed';
    }
  }

  private async open() {
    await this.refresh();
    if (this.state === 'unavailable' || this.watchers === 0 || this.source) return;
    const source = new EventSource(new URL('api/brews/events', document.baseURI));
    this.source = source;
    source.onopen = () => (this.state = 'ready');
    source.onerror = () => (this.state = 'away');
    source.addEventListener('brews', (e) => (this.brews = array(JSON.parse(e.data)).map(brewOf)));
    source.addEventListener('brew', (e) => this.put(brewOf(JSON.parse(e.data))));
    source.addEventListener('removed', (e) => this.drop(string(object(JSON.parse(e.data))['id']) ?? ''));
  }

  /** Shows a brew as it is now, a new one at the head. */
  put(brew: Brew) {
    const known = this.brews.some((b) => b.id === brew.id);
    this.brews = known ? this.brews.map((b) => (b.id === brew.id ? brew : b)) : [brew, ...this.brews];
  }

  drop(id: string) {
    this.brews = this.brews.filter((b) => b.id !== id);
  }

  find(id: string): Brew | undefined {
    return this.brews.find((b) => b.id === id);
  }
}

export const kitchen = new Kitchen();
