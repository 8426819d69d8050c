// The state of the server as this page knows it, and the models it offers.
import { read, write } from '../ui/preferences';
import { health, lineage, models, type Lineage, type Model } from './client';

class Server {
  state = $state<'unknown' | 'ready' | 'loading' | 'away'>('unknown');
  models = $state<Model[]>([]);
  /** True when the server is ready but its models could not be listed. */
  failed = $state(false);
  private wanted = $state(read('model'));
  private checking = false;
  private readonly lineages = new Map<string, Promise<Lineage>>();

  /** The model that the next message goes to. */
  model = $derived(this.models.find((m) => m.id === this.wanted) ?? this.models[0]);

  choose(id: string) {
    this.wanted = id;
    write('model', id);
  }

  /** Asks until the server is ready: after a second, then ever more rarely,
   * down to every ten seconds. */
  async check(): Promise<void> {
    if (this.checking) return;
    this.checking = true;
    for (let pause = 1; ; pause = Math.min(pause + 1, 10)) {
      const state = await health();
      if (state === 'ready' && (await this.list())) break;
      if (state !== 'ready') this.state = state;
      await new Promise((r) => setTimeout(r, pause * 1000));
    }
    this.state = 'ready';
    this.checking = false;
  }

  /** Reads the list of models again. */
  async list(): Promise<boolean> {
    try {
      this.models = await models();
      this.failed = false;
    } catch {
      this.failed = true;
    }
    return !this.failed;
  }

  /** Where a model comes from, asked once for each ref. */
  lineage(ref: string): Promise<Lineage> {
    let known = this.lineages.get(ref);
    if (!known) {
      known = lineage(ref);
      this.lineages.set(ref, known);
      known.catch(() => this.lineages.delete(ref));
    }
    return known;
  }
}

export const server = new Server();
