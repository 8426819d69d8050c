import { describe, expect, it } from 'vitest';
import type { Lineage, LineageStep } from '../api/client';
import { descending, energyOf, factsOf, isGone, languagesOf, nameOf, sorted, totalEnergy } from './steps';

const step = (digest: string, inputs: string[], more: Partial<LineageStep> = {}): LineageStep => ({
  digest,
  inputs,
  kind: '',
  stage: digest,
  run: '',
  summary: {},
  ...more,
});

const lineage = (steps: LineageStep[], digest: string): Lineage => ({ digest, steps, sources: [] });

describe('a lineage', () => {
  it('goes from the model down to the corpus, in whatever order it came', () => {
    const chain = [
      step('corpus', []),
      step('tokenizer', ['corpus']),
      step('shards', ['corpus', 'tokenizer']),
      step('train', ['shards', 'tokenizer']),
      step('tune', ['train', 'corpus']),
      step('quant', ['tune']),
    ];
    const want = ['quant', 'tune', 'train', 'shards', 'tokenizer', 'corpus'];
    for (const steps of [chain, chain.toReversed(), [...chain.slice(3), ...chain.slice(0, 3)]]) {
      expect(descending(lineage(steps, 'quant')).map((s) => s.digest)).toEqual(want);
    }
  });

  it('ends where steps name each other', () => {
    const loop = [step('a', ['b']), step('b', ['a'])];
    expect(descending(lineage(loop, 'a')).map((s) => s.digest)).toEqual(['a', 'b']);
    expect(descending(lineage([], 'a'))).toEqual([]);
  });

  it('names steps by stage, or by kind', () => {
    expect(nameOf(step('x', [], { stage: 'quantize' }))).toBe('quant');
    expect(nameOf(step('x', [], { stage: 'brand-new', kind: 'model' }))).toBe('model');
    expect(nameOf(step('x', [], { stage: 'brand-new', kind: 'new' }))).toBeUndefined();
  });

  it('adds up the energy of each run once', () => {
    const summary = { joules: 10, method: 'estimated' };
    const steps = [
      step('a', [], { run: '1', summary }),
      step('b', [], { run: '1', summary }),
      step('c', [], { run: '2', summary: { energy: { joules: 5, method: 'measured (RAPL)' } } }),
      step('d', [], { run: '3' }),
    ];
    expect(totalEnergy(steps)).toEqual({ joules: 15, methods: ['estimated', 'measured (RAPL)'] });
    expect(totalEnergy([step('d', [])])).toBeUndefined();
    expect(energyOf(step('a', [], { summary: { joules: '7.5' } }))).toEqual({ joules: 7.5, method: '' });
    for (const [energy, want] of [
      ['69.5 J, estimated (TDP of 3.5 W per thread assumed × load)', 69.5],
      ['187.4 kJ, estimated (TDP of 3.5 W per thread assumed × load)', 187400],
      ['0.05 kWh, estimated (TDP of 3.5 W per thread assumed × load)', 180000],
    ] as const) {
      const got = energyOf(step('a', [], { summary: { energy } }));
      expect(got).toEqual({ joules: want, method: 'estimated (TDP of 3.5 W per thread assumed × load)' });
    }
    expect(energyOf(step('a', [], { summary: { energy: '12 parsecs' } }))).toBeUndefined();
  });

  it('tells what was made from its record', () => {
    const s = step('a', [], { summary: { machine: 'EPYC', 'bits per byte': '1.2', odd: 1, content: 'not here' } });
    const { main, more } = sorted(factsOf(s));
    expect(main).toEqual([{ name: 'bits per byte', key: 'bits_per_byte', value: 1.2 }]);
    expect(more.map((f) => f.name)).toEqual(['machine', 'odd']);
    expect(isGone(s)).toBe(true);
  });

  it('shows every figure, known ones first', () => {
    const facts = factsOf(step('a', [], { summary: { odd: true, joules: 3, tokens: '120', list: [1], loss: 1.5 } }));
    expect(facts).toEqual([
      { name: 'tokens', key: 'tokens', value: 120 },
      { name: 'loss', key: 'loss', value: 1.5 },
      { name: 'odd', key: undefined, value: 'true' },
      { name: 'list', key: undefined, value: '[1]' },
    ]);
  });

  it('knows the languages', () => {
    const source = (language: string, bytes: number) => ({ origin: '', licence: '', language, bytes });
    const l = { ...lineage([], ''), sources: [source('en', 5), source('fr', 9), source('en', 7), source('', 1)] };
    expect(languagesOf(l)).toEqual(['en', 'fr']);
  });
});
