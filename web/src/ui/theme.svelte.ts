// Light or dark: as the system says until the reader chooses.
import { read, write } from './preferences';

export type Theme = 'auto' | 'light' | 'dark';
const order: Theme[] = ['auto', 'light', 'dark'];

class Appearance {
  theme = $state<Theme>(order.find((t) => t === read('theme')) ?? 'auto');

  next() {
    this.theme = order[(order.indexOf(this.theme) + 1) % order.length]!;
    write('theme', this.theme);
  }
}

export const appearance = new Appearance();
