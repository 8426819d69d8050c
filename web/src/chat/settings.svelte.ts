// How the reader wants answers, kept in this browser.
import { read, write } from '../ui/preferences';

const first = { temperature: 0.8, length: 512, system: '' };

class Settings {
  temperature = $state(first.temperature);
  /** The longest answer, in tokens. */
  length = $state(first.length);
  /** Said before each conversation. */
  system = $state(first.system);

  constructor() {
    const kept = (read('settings') ?? {}) as Record<string, unknown>;
    if (typeof kept['temperature'] === 'number') this.temperature = clamp(kept['temperature'], 0, 2);
    if (typeof kept['length'] === 'number') this.length = Math.round(clamp(kept['length'], 1, 1e6));
    if (typeof kept['system'] === 'string') this.system = kept['system'];
  }

  save() {
    if (!(this.length >= 1)) this.length = first.length;
    this.length = Math.round(clamp(this.length, 1, 1e6));
    write('settings', { temperature: this.temperature, length: this.length, system: this.system });
  }

  reset() {
    Object.assign(this, first);
    this.save();
  }
}

function clamp(n: number, low: number, high: number): number {
  return Math.min(Math.max(n, low), high);
}

export const settings = new Settings();
