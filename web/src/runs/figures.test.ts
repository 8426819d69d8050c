import { describe, expect, it } from 'vitest';
import { brewOf, pointOf, runOf, type Details, type Point } from '../api/runs';
import { Voice } from '../i18n';
import { aligned, current, differences, ends, flat, joined, joulesOf, learning, present, samples, share, term, thinned, turned, written } from './figures';
import { doing } from './names';

const point = (step: number, more: Partial<Point> = {}): Point => ({ step, tokens: step * 10, ...more });

describe('aligned', () => {
  it('puts the lines over the tokens of all', () => {
    const a = { name: 'a', points: [point(1, { loss: 5 }), point(3, { loss: 4 })] };
    const b = { name: 'b', points: [point(2, { loss: 3 }), point(3, { bitsPerByte: 1 })] };
    expect(aligned([a, b], 'loss')).toEqual([[10, 20, 30], [5, null, 4], [null, 3, null]]);
    expect(aligned([a, b], 'bitsPerByte')).toEqual([[10, 20, 30], [null, null, null], [null, null, 1]]);
    expect(aligned([], 'loss')).toEqual([[]]);
  });
});

describe('joined', () => {
  it.each([
    ['goes on', [1, 2], [3, 4], [1, 2, 3, 4]],
    ['brings the last point anew', [1, 2], [2, 3], [1, 2, 3]],
    ['goes on from a checkpoint', [1, 5, 9], [5, 6], [1, 5, 6]],
    ['has nothing new', [1, 2], [], [1, 2]],
    ['begins', [], [1], [1]],
  ])('%s', (_, before, since, want) => {
    expect(joined(before.map((s) => point(s)), since.map((s) => point(s))).map((p) => p.step)).toEqual(want);
  });
});

describe('points', () => {
  const points = [point(1, { loss: 9 }), point(2, { bitsPerByte: 2, sample: 'one' }), point(3, { loss: 7, sample: 'two' })];
  it('have ends', () => {
    expect(ends(points, 'loss')).toEqual([9, 7]);
    expect(ends(points, 'joules')).toBeUndefined();
  });
  it('have samples, the latest first', () => expect(samples(points).map((p) => p.sample)).toEqual(['two', 'one']));
  it('are thinned with both ends', () => {
    const many = Array.from({ length: 100 }, (_, i) => i);
    expect(thinned(many, 12)).toHaveLength(12);
    expect(thinned(many, 12).at(0)).toBe(0);
    expect(thinned(many, 12).at(-1)).toBe(99);
    expect(thinned([1, 2], 12)).toEqual([1, 2]);
  });
});

describe('a brew', () => {
  const brew = brewOf({
    id: 'x',
    name: 'tea',
    state: 'running',
    stages: [
      { name: 'collect', state: 'finished', joules: 2, run: '3' },
      { name: 'train', state: 'running', joules: 7 },
      { name: 'evaluate' },
    ],
    now: { stage: 'train', step: 5, of: 20, loss: 3.5, eta_seconds: 60 },
  });
  it('is read', () => {
    expect(joulesOf(brew)).toBe(9);
    expect(current(brew)?.name).toBe('train');
    expect(share(brew)).toBe(0.25);
    expect(learning(brew).map((s) => s.name)).toEqual(['train']);
    expect(brew.now).toMatchObject({ loss: 3.5, etaSeconds: 60 });
  });
  it('is designed first where it was ordered', () => {
    const says = (stages: object[]) => brewOf({ state: 'running', order: { data: '/texts' }, stages, now: { stage: 'train', step: 1, of: 2, loss: 3 } });
    const en = new Voice('en', 'en');
    for (const [step, want] of [
      [{ do: 'read' }, 'Reading the texts'],
      [{ do: 'try', layers: 2, width: 256, tokens: 1_500_000 }, 'Trying a model of 2 layers with 1.5M tokens'],
      [{ do: 'measure', layers: 6, width: 512 }, 'Measuring a model of 6 layers and width 512'],
      [{ do: 'dance' }, ''],
      [7, ''],
    ] as const) {
      const b = says([{ name: 'design', state: 'running', doing: step }]);
      expect(doing(b.stages[0]!, en)).toBe(want);
      expect([present(b), written(b), share(b)]).toEqual([undefined, false, 0.5]);
    }
    const done = says([{ name: 'design', state: 'finished' }, { name: 'train', state: 'running' }]);
    expect([present(done)?.loss, written(done), doing(done.stages[0]!, en)]).toEqual([3, true, '']);
    expect([written(brewOf({})), written(brewOf({ order: {} }))]).toEqual([true, false]);
  });
  it('of wrong types is a stopped one without stages', () => {
    for (const v of [null, 7, [], { state: 'odd', stages: 'x', now: null }]) {
      expect(brewOf(v)).toMatchObject({ id: '', state: 'stopped', stages: [], now: undefined });
    }
    expect(pointOf('x')).toMatchObject({ step: 0, tokens: 0, loss: undefined });
    expect(runOf(undefined)).toMatchObject({ id: '', curve: false, metrics: {} });
  });
});

const details = (settings: Details['settings'], more: object = {}): Details => ({ run: runOf(more), settings, sources: [] });

describe('turned', () => {
  it.each([
    ['is nothing while it gets better', [3, 2.5, 2.4], undefined],
    ['is nothing for noise', [3, 2.4, 2.41], undefined],
    ['is where unseen text was predicted best', [3, 2.4, 2.6, 3.1], 20],
    ['is nothing without measurements', [], undefined],
  ])('%s', (_, bits, tokens) => {
    expect(turned([...bits.map((bitsPerByte, i) => point(i + 1, { bitsPerByte })), point(9, { loss: 1 })])).toBe(tokens);
  });
});

describe('differences', () => {
  it('are the settings that are not the same, known names first', () => {
    const a = details({ plan: { config: { batch: 2048, clip: 1, seed: 0 } }, train: { model: { layers: 2 } }, shard: { vocabulary: 512 } }, { numerics: 'fp32' });
    const b = details({ plan: { config: { batch: 4096, clip: 0.5, seed: 0 } }, train: { model: { layers: 2 } }, shard: { vocabulary: 999 } }, { numerics: 'fp32' });
    expect(differences([a, b])).toEqual([
      { path: 'plan.config.batch', values: ['2048', '4096'] },
      { path: 'plan.config.clip', values: ['1', '0.5'] },
    ]);
    expect(differences([a, a])).toEqual([]);
  });
  it('show what one of them lacks', () => {
    expect(differences([details({ tune: { epochs: 2 } }), details({})])).toEqual([{ path: 'tune.epochs', values: ['2', undefined] }]);
  });
  it('name sources', () => {
    const d = details({});
    d.sources = [{ origin: 'Us', licence: 'MIT', language: 'en' }];
    expect(flat(d).get('source.1')).toBe('Us, en, MIT');
    expect(term('source.1')).toBe('source');
    expect(term('plan.config.rate')).toBe('rate');
    expect(term('plan.config.constructor')).toBeUndefined();
  });
});
