import { describe, expect, it } from 'vitest';
import type { Place } from '../api/robot';
import { Bars, Progress, type Strip } from './beat';

const place = (beat: number, bar: number, left: number, id = 'a'): Place => ({ id, at: 0, beat, bar, left });
/** A strip as text: o gone, X now, . to come. */
const drawn = (s: Strip) => s.bars.map((bar) => bar.map((b) => ({ gone: 'o', now: 'X', coming: '.' })[b.state]).join('')).join('|') + ` +${s.more}`;

describe('Bars', () => {
  it('shows this bar and those to come', () => {
    const bars = new Bars();
    bars.observe(place(14, 4, 96), 3); // beats 14 to 110; bar 4 begins with beat 12
    expect(drawn(bars.strip(place(14, 4, 96), 3, 4))).toBe('ooX|...|...|... +29');
  });

  it('learns where bars begin from where they change', () => {
    const bars = new Bars();
    bars.observe(place(1, 0, 20), 4);
    bars.observe(place(2, 1, 19), 4); // two beats before the first whole bar
    expect(bars.within(2, 4)).toBe(0);
    expect(bars.within(1, 4)).toBe(3);
    expect(drawn(bars.strip(place(3, 1, 18), 4, 3))).toBe('oX..|....|.... +2');
  });

  it('ends with the song', () => {
    const bars = new Bars();
    bars.observe(place(9, 3, 2), 3);
    expect(drawn(bars.strip(place(9, 3, 2), 3, 4))).toBe('X.. +0');
    expect(drawn(bars.strip(place(11, 3, 0), 3, 4))).toBe('ooX +0');
  });

  it('begins again with another song', () => {
    const bars = new Bars();
    bars.observe(place(2, 1, 19), 4);
    bars.observe(place(0, 0, 50, 'b'), 4);
    expect(bars.within(0, 4)).toBe(0);
  });
});

describe('Progress', () => {
  it('follows the song, whatever single moments are late', () => {
    const progress = new Progress();
    for (let i = 0; i < 9; i++) progress.observe({ ...place(0, 0, 9), at: i / 30 }, 50 + i / 30 + (i === 5 ? 0.2 : 0.01));
    expect(progress.at(51)).toBeCloseTo(0.99, 9);
  });

  it('jumps with it', () => {
    const progress = new Progress();
    progress.observe({ ...place(0, 0, 9), at: 3 }, 50);
    progress.observe({ ...place(0, 0, 9), at: 30 }, 50.1);
    expect(progress.at(50.1)).toBeCloseTo(30, 9);
  });
});
