// The API of the page Runs: what is being brewed, what has been, and how to
// brew something new. As in client.ts, everything that arrives is checked.
import { array, number, object, request, string, type Json } from './client';

export type State = 'waiting' | 'running' | 'stopping' | 'stopped' | 'failed' | 'refused' | 'finished';
const states: State[] = ['waiting', 'running', 'stopping', 'stopped', 'failed', 'refused', 'finished'];

/** One stage of a brew. */
export interface Stage {
  name: string;
  /** Undefined: not begun. */
  state?: State;
  /** It had been finished before. */
  found: boolean;
  /** Of a design that runs. */
  doing?: Doing;
  run?: string;
  output?: string;
  joules?: number;
  seconds?: number;
  metrics: Record<string, number>;
}

/** What a design is doing: it reads the texts, tries a model, or measures one. */
export interface Doing {
  do: 'read' | 'try' | 'measure';
  layers: number;
  width: number;
  tokens: number;
}

/** A moment of the stage in progress. */
export interface Moment {
  stage: string;
  step: number;
  of: number;
  unit: string;
  tokens?: number;
  loss?: number;
  bitsPerByte?: number;
  tokensPerSecond?: number;
  etaSeconds?: number;
  joules?: number;
  sample?: string;
}

export interface Brew {
  id: string;
  name: string;
  state: State;
  error?: string;
  /** Its texts were dropped on the page and lie in the store. */
  dropped: boolean;
  started: string;
  /** When it last changed: of one that waits, since when. */
  updated: string;
  /** Its recipe is designed first. */
  ordered: boolean;
  stages: Stage[];
  now?: Moment;
  method?: string;
  /** Bits per byte that its recipe predicts. */
  predicted?: number;
}

/** A finished training. */
export interface Run {
  id: string;
  stage: string;
  name?: string;
  output: string;
  finished: string;
  seconds?: number;
  attempts: number;
  joules?: number;
  method?: string;
  metrics: Record<string, number>;
  /** Of the finished model, on held-out text. */
  bitsPerByte?: number;
  /** Whether its curve was kept. */
  curve: boolean;
  machine: string;
  numerics?: string;
}

export interface Details {
  run: Run;
  /** The configuration of each stage that the run stands on. */
  settings: Record<string, Json>;
  sources: { origin: string; licence: string; language: string; bytes?: number }[];
}

/** One point of a curve; what is undefined was not measured then. */
export interface Point {
  step: number;
  tokens: number;
  loss?: number;
  bitsPerByte?: number;
  tokensPerSecond?: number;
  joules?: number;
  sample?: string;
}

export interface Limits {
  fileBytes: number;
  folderBytes: number;
  files: number;
  allBytes: number;
}

const figures = (v: unknown): Record<string, number> =>
  Object.fromEntries(Object.entries(object(v)).flatMap(([k, x]) => (number(x) === undefined ? [] : [[k, x as number]])));

function doingOf(v: unknown): Doing | undefined {
  const d = object(v);
  const what = (['read', 'try', 'measure'] as const).find((x) => x === d['do']);
  return what && { do: what, layers: number(d['layers']) ?? 0, width: number(d['width']) ?? 0, tokens: number(d['tokens']) ?? 0 };
}

const stateOf = (v: unknown): State | undefined => states.find((s) => s === v);

export function brewOf(v: unknown): Brew {
  const b = object(v);
  const now = b['now'] === undefined || b['now'] === null ? undefined : object(b['now']);
  return {
    id: string(b['id']) ?? '',
    name: string(b['name']) ?? '',
    state: stateOf(b['state']) ?? 'stopped',
    error: string(b['error']),
    dropped: b['dropped'] === true,
    started: string(b['started']) ?? '',
    updated: string(b['updated']) ?? '',
    method: string(b['method']),
    predicted: number(b['predicted_bits_per_byte']),
    ordered: b['order'] !== undefined && b['order'] !== null,
    stages: array(b['stages']).map((item) => {
      const s = object(item);
      return {
        name: string(s['name']) ?? '',
        state: stateOf(s['state']),
        found: s['found'] === true,
        doing: doingOf(s['doing']),
        run: string(s['run']),
        output: string(s['output']),
        joules: number(s['joules']),
        seconds: number(s['seconds']),
        metrics: figures(s['metrics']),
      };
    }),
    now: now && {
      stage: string(now['stage']) ?? '',
      step: number(now['step']) ?? 0,
      of: number(now['of']) ?? 0,
      unit: string(now['unit']) ?? '',
      tokens: number(now['tokens']),
      loss: number(now['loss']),
      bitsPerByte: number(now['bits_per_byte']),
      tokensPerSecond: number(now['tokens_per_second']),
      etaSeconds: number(now['eta_seconds']),
      joules: number(now['joules']),
      sample: string(now['sample']),
    },
  };
}

export function runOf(v: unknown): Run {
  const r = object(v);
  const energy = object(r['energy']);
  return {
    id: string(r['id']) ?? '',
    stage: string(r['stage']) ?? '',
    name: string(r['name']),
    output: string(r['output']) ?? '',
    finished: string(r['finished']) ?? '',
    seconds: number(r['seconds']),
    attempts: number(r['attempts']) ?? 1,
    joules: number(energy['joules']),
    method: string(energy['method']),
    metrics: figures(r['metrics']),
    bitsPerByte: number(r['bits_per_byte']),
    curve: r['curve'] === true,
    machine: string(object(r['machine'])['cpu']) ?? '',
    numerics: string(r['numerics']),
  };
}

export function pointOf(v: unknown): Point {
  const p = object(v);
  return {
    step: number(p['step']) ?? 0,
    tokens: number(p['tokens']) ?? 0,
    loss: number(p['loss']),
    bitsPerByte: number(p['bits_per_byte']),
    tokensPerSecond: number(p['tokens_per_second']),
    joules: number(p['joules']),
    sample: string(p['sample']),
  };
}

const get = async (path: string): Promise<Json> => object(await (await request(path)).json());

const post = async (path: string, body?: Json): Promise<Json> => {
  const response = await request(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  return object(await response.json());
};

export async function brews(): Promise<{ brews: Brew[]; limits: Limits; kept: number }> {
  const body = await get('api/brews');
  const limits = object(body['limits']);
  return {
    brews: array(body['brews']).map(brewOf),
    limits: {
      fileBytes: number(limits['file_bytes']) ?? 0,
      folderBytes: number(limits['folder_bytes']) ?? 0,
      files: number(limits['files']) ?? 0,
      allBytes: number(limits['all_bytes']) ?? 0,
    },
    kept: number(body['kept_bytes']) ?? 0,
  };
}

export async function runs(): Promise<Run[]> {
  return array((await get('api/runs'))['runs']).map(runOf);
}

export async function run(id: string): Promise<Details> {
  const body = await get('api/runs/' + encodeURIComponent(id));
  return {
    run: runOf(body['run']),
    settings: Object.fromEntries(Object.entries(object(body['settings'])).map(([k, v]) => [k, object(v)])),
    sources: array(body['sources']).map((item) => {
      const s = object(item);
      return {
        origin: string(s['origin']) ?? '',
        licence: string(s['licence']) ?? '',
        language: string(s['language']) ?? '',
        bytes: number(s['bytes']),
      };
    }),
  };
}

/** The points of a curve after a step; all of them without one. */
export async function curve(of: 'runs' | 'brews', id: string, after?: number, node?: string): Promise<Point[]> {
  const query = new URLSearchParams();
  if (after !== undefined) query.set('after', String(after));
  if (node !== undefined) query.set('node', node);
  return array((await get(`api/${of}/${encodeURIComponent(id)}/curve?${query}`))['points']).map(pointOf);
}

export async function recipe(id: string): Promise<{ path: string; text: string }> {
  const body = await get(`api/brews/${encodeURIComponent(id)}/recipe`);
  return { path: string(body['path']) ?? '', text: string(body['text']) ?? '' };
}

export const stop = (id: string) => post(`api/brews/${encodeURIComponent(id)}/stop`);
export const goOn = (id: string) => post(`api/brews/${encodeURIComponent(id)}/start`);
export const remove = (id: string) => request('api/brews/' + encodeURIComponent(id), { method: 'DELETE' });

export interface Order {
  folder?: string;
  recipe?: string;
  name?: string;
  language?: string;
  licence?: string;
  origin?: string;
  minutes?: number;
}

export async function order(o: Order): Promise<Brew> {
  return brewOf(await post('api/brews', { ...o }));
}

export async function folder(): Promise<string> {
  return string((await post('api/folders'))['id']) ?? '';
}

export const discard = (id: string) => request('api/folders/' + encodeURIComponent(id), { method: 'DELETE' });

export async function put(folder: string, path: string, file: Blob, signal: AbortSignal): Promise<void> {
  const name = path.split('/').map(encodeURIComponent).join('/');
  await request(`api/folders/${encodeURIComponent(folder)}/${name}`, { method: 'PUT', body: file, signal });
}

/** The card of a model, in Markdown; throws Refusal where there is none. */
export const card = async (ref: string): Promise<string> =>
  (await request(`api/card/${encodeURIComponent(ref)}?format=markdown`)).text();

/** Where a model comes from, as a graph; throws Refusal where there is none. */
export const graph = (ref: string): Promise<Json> => get('api/lineage/' + encodeURIComponent(ref));
