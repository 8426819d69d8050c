import { describe, expect, it } from 'vitest';
import type { Lineage } from '../api/client';
import { fromLineage, fromTrace, rows } from './graph';

const step = (digest: string, stage: string, kind: string, ...inputs: string[]) => ({ kind, digest, stage, run: stage + '1', summary: { joules: '3' }, inputs });

const trace: Lineage = {
  digest: 'm',
  steps: [
    step('m', 'train', 'model', 's', 't', 'p'),
    step('p', 'plan', 'plan', 's'),
    step('s', 'shard', 'shards', 'c', 't'),
    step('t', 'tokenizer', 'tokenizer', 'c'),
    step('c', 'collect', 'corpus'),
  ],
  sources: [{ origin: 'Us', licence: 'MIT', language: 'en', bytes: 5 }],
};

describe('fromTrace', () => {
  const graph = fromTrace(trace);
  it('sets each below all that was made of it', () => {
    expect(rows(graph).map((r) => r.map((n) => n.id))).toEqual([['m'], ['p'], ['s'], ['t'], ['c'], ['source/0']]);
  });
  it('can be walked both ways', () => {
    expect(graph.get('m')).toMatchObject({ step: 'train', from: ['s', 't', 'p'], into: [], energy: { joules: 3 } });
    expect(graph.get('c')).toMatchObject({ step: 'corpus', from: ['source/0'], into: ['s', 't'] });
    expect(graph.get('source/0')).toMatchObject({ step: 'source', name: 'Us', into: ['c'] });
  });
  it('ends in spite of a ring', () => {
    const ring = { digest: 'a', steps: [step('a', 'train', 'model', 'b'), step('b', 'train', 'model', 'a', 'x')], sources: [] };
    expect([...fromTrace(ring).keys()]).toEqual(['a', 'b']);
  });
});

describe('fromLineage', () => {
  const graph = fromLineage({
    nodes: [
      { id: 'm', type: 'artifact', kind: 'model', names: ['tea'], name: 'tea', digest: 'm', here: true },
      { id: 'run/4', type: 'run', stage: 'train', run: '4', energy: { joules: 7, method: 'measured (RAPL)' }, figures: { loss: 3 }, machine: 'EPYC' },
      { id: 'c', type: 'artifact', kind: 'corpus', name: 'corpus', digest: 'c' },
      { id: 'source/x', type: 'source', name: 'Us', source: { licence: 'MIT', language: 'en', bytes: 5 } },
    ],
    edges: [
      { from: 'c', to: 'run/4', role: 'corpus' },
      { from: 'run/4', to: 'm', role: 'output' },
      { from: 'source/x', to: 'c', role: 'source' },
      { from: 'nowhere', to: 'm' },
    ],
  });
  it('makes one of a run and what it made', () => {
    expect([...graph.keys()]).toEqual(['m', 'c', 'source/x']);
    expect(graph.get('m')).toMatchObject({ step: 'train', name: 'tea', run: '4', from: ['c'], gone: false, energy: { joules: 7 } });
    expect(graph.get('m')!.facts.map((f) => [f.name, f.value])).toEqual([['loss', 3], ['machine', 'EPYC']]);
    expect(graph.get('c')).toMatchObject({ step: 'corpus', gone: true, into: ['m'], from: ['source/x'] });
  });
  it('names an evaluation by its task and leaves out figures of parts', () => {
    const evaluated = fromLineage({
      nodes: [
        { id: 'e', type: 'artifact', kind: 'evaluation', name: 'evaluation', digest: 'e' },
        { id: 'run/5', type: 'run', stage: 'evaluate', figures: { blimp: 55, 'blimp/passive_1': 40, blimp_chance: 50 } },
      ],
      edges: [{ from: 'run/5', to: 'e' }],
    });
    expect(evaluated.get('e')).toMatchObject({ step: 'eval', name: 'blimp' });
    expect(evaluated.get('e')!.facts.map((f) => f.name)).toEqual(['blimp', 'blimp_chance']);
  });
  it('of something else is empty', () => expect(fromLineage({}).size).toBe(0));
});
