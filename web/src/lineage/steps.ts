// What a lineage says, put in order for people. Pure functions.
import type { Lineage, LineageStep } from '../api/client';
import type { Key, Step } from '../i18n';

/** The steps from the model down to the corpus: each stands above everything
 * that it was made from. */
export function descending(lineage: Lineage): LineageStep[] {
  const byDigest = new Map(lineage.steps.map((s) => [s.digest, s]));
  const depth = new Map<string, number>();
  const visit = (digest: string, at: number, way: Set<string>) => {
    const step = byDigest.get(digest);
    if (!step || way.has(digest) || (depth.get(digest) ?? -1) >= at) return;
    depth.set(digest, at);
    way.add(digest);
    for (const input of step.inputs) visit(input, at + 1, way);
    way.delete(digest);
  };
  const used = new Set(lineage.steps.flatMap((s) => s.inputs));
  for (const s of lineage.steps) if (s.digest === lineage.digest || !used.has(s.digest)) visit(s.digest, 0, new Set());
  return lineage.steps.toSorted((a, b) => (depth.get(a.digest) ?? Infinity) - (depth.get(b.digest) ?? Infinity) || 0);
}

const steps: Record<string, Step> = {
  collect: 'corpus',
  corpus: 'corpus',
  design: 'design',
  encode: 'shards',
  eval: 'eval',
  evaluate: 'eval',
  evaluation: 'eval',
  import: 'import',
  model: 'model',
  plan: 'plan',
  prefer: 'prefer',
  quant: 'quant',
  quantise: 'quant',
  quantize: 'quant',
  shard: 'shards',
  shards: 'shards',
  tokenizer: 'tokenizer',
  train: 'train',
  tune: 'tune',
};

/** What people call a step: by its stage, or else by what it made. */
export function nameOf(step: LineageStep): Step | undefined {
  return steps[step.stage] ?? steps[step.kind];
}

export interface Energy {
  joules: number;
  method: string;
}

const units: Record<string, number> = { mJ: 1e-3, J: 1, kJ: 1e3, MJ: 1e6, kWh: 3.6e6 };

/** The energy of the run that made a step, if it is recorded: as joules and
 * method, or for people, as in "1.5 kJ, measured (RAPL)". */
export function energyOf(step: LineageStep): Energy | undefined {
  const nested = step.summary['energy'];
  const said = typeof nested === 'string' ? /^([\d.]+) (\w+)(?:, (.*))?$/.exec(nested) : null;
  const unit = said && units[said[2]!];
  if (said && unit) return { joules: Number(said[1]) * unit, method: said[3] ?? '' };
  const from = (typeof nested === 'object' && nested !== null ? nested : step.summary) as Record<string, unknown>;
  const joules = Number(from['joules']);
  if (from['joules'] === undefined || !Number.isFinite(joules)) return undefined;
  return { joules, method: typeof from['method'] === 'string' ? from['method'] : '' };
}

/** The energy of all steps together, once for each run, with every method that
 * a part of it was come by. */
export function totalEnergy(all: LineageStep[]): { joules: number; methods: string[] } | undefined {
  const runs = new Map(all.map((s) => [s.run || s.digest, energyOf(s)]));
  const known = [...runs.values()].filter((e) => e !== undefined);
  if (known.length === 0) return undefined;
  const methods = [...new Set(known.filter((e) => e.joules > 0).map((e) => e.method))].filter((m) => m !== '');
  return { joules: known.reduce((sum, e) => sum + e.joules, 0), methods };
}

const keys: Record<string, Key> = {
  architecture: 'architecture',
  bits_per_byte: 'bits_per_byte',
  bits_per_weight: 'bits_per_weight',
  bytes: 'bytes',
  code: 'code',
  cpu: 'machine',
  dialogues: 'dialogues',
  documents: 'documents',
  finished: 'finished',
  licence: 'licence',
  loss: 'loss',
  machine: 'machine',
  numerics: 'numerics',
  parameters: 'parameters',
  quantization: 'quantization',
  seconds: 'seconds',
  steps: 'steps',
  tokens: 'tokens',
  tokens_per_second: 'tokens_per_second',
  train_tokens: 'tokens',
  validation_bits_per_byte: 'bits_per_byte',
  vocabulary: 'vocabulary',
  window: 'window',
};

/** One figure of a step. Where key is undefined the name is shown as it came. */
export interface Fact {
  name: string;
  key: Key | undefined;
  value: string | number;
}

/** Says about the record itself, not about what it records. */
const particulars = new Set<Key | undefined>(['code', 'finished', 'machine', 'numerics', undefined]);

/** The facts that everyone wants, and those for who wants to know more. */
export function sorted(facts: Fact[]): { main: Fact[]; more: Fact[] } {
  return { main: facts.filter((f) => !particulars.has(f.key)), more: facts.filter((f) => particulars.has(f.key)) };
}

/** True where only the record of a step is left in the store, not what it made. */
export function isGone(step: LineageStep): boolean {
  return step.summary['content'] !== undefined;
}

/** The figures of a step without its energy, known ones first. */
export function factsOf(step: LineageStep): Fact[] {
  const facts = Object.entries(step.summary).flatMap(([name, value]): Fact[] => {
    if (['joules', 'method', 'energy', 'content'].includes(name) || value === null || value === '') return [];
    const term = name.replaceAll(' ', '_');
    const key = Object.hasOwn(keys, term) ? keys[term] : undefined;
    if (typeof value === 'number' || typeof value === 'string') {
      // Figures may come as text; what Number reads whole is one.
      const n = typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
      return [{ name, key, value: n }];
    }
    return [{ name, key, value: typeof value === 'object' ? JSON.stringify(value) : String(value) }];
  });
  return [...facts.filter((f) => f.key), ...facts.filter((f) => !f.key)];
}

/** The languages of the sources, the one with the most text first. */
export function languagesOf(lineage: Lineage): string[] {
  const bytes = new Map<string, number>();
  for (const s of lineage.sources) if (s.language) bytes.set(s.language, (bytes.get(s.language) ?? 0) + (s.bytes ?? 0));
  return [...bytes].sort((a, b) => b[1] - a[1]).map(([code]) => code);
}
