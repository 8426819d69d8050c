// A lineage as a graph for people: one node for each artifact, which also says
// how it was made, and one for each source. Pure functions.
import { array, number, object, string, type Json, type Lineage } from '../api/client';
import type { Step } from '../i18n';
import { energyOf, factsOf, isGone, nameOf, type Energy, type Fact } from '../lineage/steps';

export interface Node {
  id: string;
  /** What people call it; undefined where only its own name is known. */
  step: Step | 'source' | undefined;
  /** As the record calls it: a model's name, a source's origin, a stage. */
  name: string;
  run: string;
  digest: string;
  facts: Fact[];
  energy?: Energy;
  /** Only the record of it is left. */
  gone: boolean;
  /** The nodes that it was made from, and those that were made from it. */
  from: string[];
  into: string[];
  /** Rows below the first one: each node stands under all that was made of it. */
  row: number;
}

export type Graph = Map<string, Node>;

/** Links the nodes and gives each its row. */
function arranged(nodes: Node[]): Graph {
  const graph: Graph = new Map(nodes.map((n) => [n.id, n]));
  for (const n of nodes) n.from = [...new Set(n.from)].filter((id) => graph.has(id) && id !== n.id);
  for (const n of nodes) for (const id of n.from) graph.get(id)!.into.push(n.id);
  const visit = (n: Node, row: number, way: Set<Node>) => {
    if (way.has(n) || n.row >= row) return; // a ring, which no honest record has
    n.row = row;
    way.add(n);
    for (const id of n.from) visit(graph.get(id)!, row + 1, way);
    way.delete(n);
  };
  for (const n of nodes) if (n.into.length === 0) visit(n, 0, new Set());
  for (const n of nodes) n.row = Math.max(0, n.row);
  return graph;
}

const blank = { facts: [], gone: false, into: [], row: -1 };

/** The graph of a trace, which knows no names of artifacts. */
export function fromTrace(lineage: Lineage): Graph {
  const nodes: Node[] = lineage.steps.map((s) => ({
    ...structuredClone(blank),
    id: s.digest,
    step: nameOf(s),
    name: s.stage || s.kind,
    run: s.run,
    digest: s.digest,
    facts: factsOf(s),
    energy: energyOf(s),
    gone: isGone(s),
    from: [...s.inputs],
  }));
  const corpora = nodes.filter((n) => n.step === 'corpus');
  lineage.sources.forEach((s, i) => {
    const id = `source/${i}`;
    const facts: Fact[] = [
      { name: 'licence', key: 'licence', value: s.licence },
      { name: 'language', key: undefined, value: s.language },
    ];
    if (s.bytes !== undefined) facts.push({ name: 'bytes', key: 'bytes', value: s.bytes });
    nodes.push({ ...structuredClone(blank), id, step: 'source', name: s.origin, run: '', digest: '', facts, from: [] });
    for (const c of corpora) c.from.push(id);
  });
  return arranged(nodes);
}

const factsIn = (v: Json): Fact[] => factsOf({ kind: '', digest: '', stage: '', run: '', summary: v, inputs: [] });

/** What an evaluation asked, such as "blimp", by the figures of its run: that
 * which has a level of chance. */
function taskIn(figures: Json): string | undefined {
  return Object.keys(figures).find((k) => `${k}_chance` in figures);
}

/** Figures without those of parts, such as "blimp/passive_1". */
function whole(figures: Json): Json {
  return Object.fromEntries(Object.entries(figures).filter(([k]) => !k.includes('/')));
}

/** The graph of /api/lineage, in which runs are nodes of their own: a run and
 * what it made become one. */
export function fromLineage(body: Json): Graph {
  const all = array(body['nodes']).map(object);
  const edges = array(body['edges']).map((e) => ({ from: string(object(e)['from']) ?? '', to: string(object(e)['to']) ?? '' }));
  const into = (id: string) => edges.filter((e) => e.to === id).map((e) => e.from);
  const runs = new Map(all.filter((n) => n['type'] === 'run').map((n) => [string(n['id']) ?? '', n]));
  const nodes = all.flatMap((n): Node[] => {
    const id = string(n['id']) ?? '';
    if (n['type'] === 'run') return [];
    const maker = into(id).find((f) => runs.has(f));
    const made = maker === undefined ? undefined : runs.get(maker);
    const energy = object(made?.['energy']);
    const source = object(n['source']);
    const stage = string(made?.['stage']) ?? '';
    const kind = string(n['kind']) ?? '';
    const step = n['type'] === 'source' ? 'source' : nameOf({ kind, stage, digest: '', run: '', summary: {}, inputs: [] });
    return [
      {
        ...structuredClone(blank),
        id,
        step,
        name: string(array(n['names'])[0]) ?? (step === 'eval' ? taskIn(object(made?.['figures'])) : undefined) ?? string(n['name']) ?? kind,
        run: string(made?.['run']) ?? '',
        digest: string(n['digest']) ?? '',
        facts: factsIn({
          ...whole(object(made?.['figures'])),
          ...(made ? { machine: made['machine'], numerics: made['numerics'], finished: made['finished'], seconds: made['seconds'] } : {}),
          ...(step === 'source' ? { licence: source['licence'], language: source['language'], bytes: source['bytes'] } : {}),
        }).filter((f) => f.value !== undefined && f.value !== 'undefined'),
        energy: number(energy['joules']) === undefined ? undefined : { joules: number(energy['joules'])!, method: string(energy['method']) ?? '' },
        gone: n['type'] === 'artifact' && n['here'] !== true,
        from: maker === undefined ? into(id) : into(maker),
      },
    ];
  });
  return arranged(nodes);
}

/** The nodes row by row. */
export function rows(graph: Graph): Node[][] {
  const all: Node[][] = [];
  for (const n of graph.values()) (all[n.row] ??= []).push(n);
  return all.filter((r) => r !== undefined);
}
