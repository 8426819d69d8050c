// What runs say, put in order for people. Pure functions.
import type { Json } from '../api/client';
import type { Brew, Details, Moment, Point, Stage } from '../api/runs';

/** What a plot can show of a curve. */
export type Figure = 'loss' | 'bitsPerByte' | 'tokensPerSecond' | 'joules';
export const plotted: Figure[] = ['loss', 'bitsPerByte', 'tokensPerSecond', 'joules'];

/** A line of a plot: values over tokens, in the order of the tokens. */
export interface Line {
  name: string;
  points: Point[];
}

/** The lines over one axis, as uPlot wants them: the tokens of all lines, and
 * for each line its value there. Undefined where a line has no point, null
 * where its point lacks the figure: a line goes on across both. */
export function aligned(lines: Line[], figure: Figure): [number[], ...(number | null)[][]] {
  const tokens = [...new Set(lines.flatMap((l) => l.points.map((p) => p.tokens)))].sort((a, b) => a - b);
  const at = new Map(tokens.map((t, i) => [t, i]));
  const columns = lines.map((l) => {
    const column: (number | null)[] = new Array(tokens.length).fill(null);
    for (const p of l.points) column[at.get(p.tokens)!] = p[figure] ?? null;
    return column;
  });
  return [tokens, ...columns];
}

/** The points that came before, and those that came since; a run that goes on
 * from a checkpoint takes some back. */
export function joined(before: Point[], since: Point[]): Point[] {
  const first = since[0];
  return first ? [...before.filter((p) => p.step < first.step), ...since] : before;
}

/** The first and last known value of a figure. */
export function ends(points: Point[], figure: Figure): [number, number] | undefined {
  const known = points.flatMap((p) => p[figure] ?? []);
  return known.length > 0 ? [known[0]!, known.at(-1)!] : undefined;
}

/** How much more bits per byte than at best mean that a model has turned from
 * learning to remembering; less is the noise of a measurement. */
const turn = 1.02;

/** The tokens at which unseen text was predicted best, if it is predicted
 * worse since: the model learns its texts by heart. */
export function turned(points: Point[]): number | undefined {
  const known = points.filter((p) => p.bitsPerByte !== undefined);
  const best = known.reduce<Point | undefined>((b, p) => (b && b.bitsPerByte! <= p.bitsPerByte! ? b : p), undefined);
  return best && known.at(-1)!.bitsPerByte! > turn * best.bitsPerByte! ? best.tokens : undefined;
}

/** At most so many points, spread evenly, the last among them. */
export function thinned<T>(points: T[], most: number): T[] {
  if (points.length <= most) return points;
  return Array.from({ length: most }, (_, i) => points[Math.round((i * (points.length - 1)) / (most - 1))]!);
}

/** What the model wrote while it learned, the latest first. */
export function samples(points: Point[]): Point[] {
  return points.filter((p) => p.sample !== undefined).reverse();
}

/** How much of a brew's energy is known, all stages together. */
export function joulesOf(brew: Brew): number {
  return brew.stages.reduce((sum, s) => sum + (s.joules ?? 0), 0);
}

/** The stage that a brew is at. */
export function current(brew: Brew): Stage | undefined {
  return brew.stages.find((s) => s.state !== undefined && s.state !== 'finished');
}

/** How the model itself does now: nothing while it is being designed, which has
 * other models tried. */
export function present(brew: Brew): Moment | undefined {
  return current(brew)?.name === 'design' ? undefined : brew.now;
}

/** Whether the recipe is there: one that is designed comes of it. */
export function written(brew: Brew): boolean {
  return !brew.ordered || brew.stages.some((s) => s.name === 'design' && s.state === 'finished');
}

/** How far the stage in progress is, between 0 and 1. */
export function share(brew: Brew): number | undefined {
  const now = brew.now;
  return now && now.of > 0 ? Math.min(1, now.step / now.of) : undefined;
}

/** The stages whose curves a brew has. */
export function learning(brew: Brew): Stage[] {
  return brew.stages.filter((s) => ['train', 'tune', 'prefer'].includes(s.name) && s.state !== undefined);
}

/** One setting of a run: "plan.config.batch" and its value. */
export type Settings = Map<string, string>;

/** The settings of a run, flat, each under the path to it. */
export function flat(details: Details): Settings {
  const found: Settings = new Map();
  const visit = (path: string, v: unknown) => {
    if (v === null || v === undefined || v === '') return;
    if (Array.isArray(v)) found.set(path, v.map((x) => (typeof x === 'object' ? JSON.stringify(x) : String(x))).join(', '));
    else if (typeof v === 'object') for (const [k, inner] of Object.entries(v as Json)) visit(path ? `${path}.${k}` : k, inner);
    else found.set(path, String(v));
  };
  visit('', details.settings);
  details.sources.forEach((s, i) => visit(`source.${i + 1}`, [s.origin, s.language, s.licence].filter((x) => x !== '')));
  if (details.run.numerics) found.set('numerics', details.run.numerics);
  if (details.run.machine) found.set('machine', details.run.machine);
  return found;
}

/** A setting in which runs differ, with its value in each, in their order. */
export interface Difference {
  path: string;
  values: (string | undefined)[];
}

/** The settings in which runs differ, those that people ask for first. */
export function differences(all: Details[]): Difference[] {
  const settings = all.map(flat);
  const paths = [...new Set(settings.flatMap((s) => [...s.keys()]))];
  const rank = (path: string) => (term(path) === undefined ? 1 : 0);
  return paths
    .map((path) => ({ path, values: settings.map((s) => s.get(path)) }))
    .filter((d) => new Set(d.values).size > 1 && !/^shard\.(vocabulary|begin|end|template)$|^tokenizer\.vocab$/.test(d.path)) // the model's own settings say the same
    .sort((a, b) => rank(a.path) - rank(b.path));
}

/** Settings that have a name in each language, by the end of their path. */
export const terms = {
  layers: 'layers',
  width: 'width',
  heads: 'heads',
  hidden: 'hidden',
  vocabulary: 'vocabulary',
  vocab: 'vocabulary',
  window: 'window',
  batch: 'batch',
  rate: 'rate',
  optimiser: 'optimiser',
  seed: 'seed',
  steps: 'steps',
  tokens: 'tokens',
  epochs: 'epochs',
  source: 'source',
  numerics: 'numerics',
  machine: 'machine',
} as const;
export type Term = (typeof terms)[keyof typeof terms];

/** What people call the setting at a path, if it has a name. */
export function term(path: string): Term | undefined {
  if (/^source\.\d+$/.test(path)) return 'source';
  const last = path.split('.').at(-1)!;
  return Object.hasOwn(terms, last) ? terms[last as keyof typeof terms] : undefined;
}
