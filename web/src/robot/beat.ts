// Beats and bars to come, and where a song's sound should be: pure functions of what
// the robot says and of this clock, in seconds.
import type { Place } from '../api/robot';

export interface Beat {
  /** The first of its bar. */
  down: boolean;
  state: 'gone' | 'now' | 'coming';
}

/** The bar that is danced and those after it. */
export interface Strip {
  bars: Beat[][];
  /** Bars after those. */
  more: number;
}

/** Learns from what arrives where bars begin. */
export class Bars {
  private id = '';
  private bar = -1;
  /** A beat that begins a bar. */
  private down = 0;

  observe(p: Place, meter: number) {
    if (p.id !== this.id || p.bar < this.bar) {
      this.id = p.id;
      this.down = p.bar * meter; // until the next bar says better
    } else if (p.bar > this.bar) {
      this.down = p.beat;
    }
    this.bar = p.bar;
  }

  /** Where beat is within its bar, from 0. */
  within(beat: number, meter: number): number {
    return (((beat - this.down) % meter) + meter) % meter;
  }

  strip(p: Place, meter: number, shown: number): Strip {
    const at = this.within(p.beat, meter);
    const last = p.beat + p.left;
    const bars: Beat[][] = [];
    for (let first = p.beat - at; bars.length < shown && first <= last; first += meter) {
      const bar: Beat[] = [];
      for (let i = 0; i < meter && first + i <= last; i++) {
        const beat = first + i;
        bar.push({ down: i === 0, state: beat < p.beat ? 'gone' : beat === p.beat ? 'now' : 'coming' });
      }
      bars.push(bar);
    }
    const rest = last - (p.beat - at) + 1 - shown * meter;
    return { bars, more: Math.max(0, Math.ceil(rest / meter)) };
  }
}

/** How far sound may be from the dance before it is put right. Less than this nobody
 * sees, and each correction is heard. */
export const slack = 0.05;

/** Where a song is now. One moment may have been held up on its way, so the median of
 * the last ones decides. */
export class Progress {
  private id = '';
  private begins: number[] = [];

  observe(p: Place, now: number) {
    const begin = now - p.at;
    if (p.id !== this.id || Math.abs(begin - this.median()) > 1) this.begins = [];
    this.id = p.id;
    this.begins.push(begin);
    if (this.begins.length > 9) this.begins.shift();
  }

  at(now: number): number {
    return now - this.median();
  }

  private median(): number {
    const sorted = this.begins.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  }
}
