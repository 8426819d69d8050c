// The HTTP APIs that the pages use. Everything that arrives is checked here:
// beyond this file a value has the type that it says.
import { events } from './events';

export interface Model {
  id: string;
  /** False for a base model, which only continues text. */
  chat: boolean;
  digest?: string;
  /** The run that made it; absent where nothing is recorded. */
  run?: string;
  parameters?: number;
  quantization?: string;
  /** In tokens, prompt and answer together. */
  window?: number;
}

export interface Turn {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

export interface Question {
  model: Model;
  /** For a chat model: the conversation. For a base model its contents are
   * one text to be continued. */
  turns: Turn[];
  temperature: number;
  /** In tokens. */
  length: number;
}

/** What an answer took; absent fields are unknown. */
export interface Figures {
  tokens?: number;
  tokensPerSecond?: number;
  joules?: number;
  /** How the joules were come by, such as "measured (RAPL)". */
  method?: string;
  /** "<digest>@<numerics>" */
  fingerprint?: string;
}

export type Piece =
  | { kind: 'text'; text: string }
  | { kind: 'finish'; reason: string }
  | { kind: 'figures'; figures: Figures };

export interface LineageStep {
  kind: string;
  digest: string;
  stage: string;
  run: string;
  summary: Record<string, unknown>;
  inputs: string[];
}

export interface LineageSource {
  origin: string;
  licence: string;
  language: string;
  documents?: number;
  /** Of text. */
  bytes?: number;
}

export interface Lineage {
  digest: string;
  steps: LineageStep[];
  sources: LineageSource[];
}

/** The server said no. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
    /** Why, in a word for programs, and the name of what it is about. */
    readonly code = '',
    readonly of = '',
  ) {
    super(message);
  }
}

/** The server could not be reached, or was lost on the way. */
export class Disconnection extends Error {}

export type Json = Record<string, unknown>;

export const object = (v: unknown): Json => (typeof v === 'object' && v !== null && !Array.isArray(v) ? (v as Json) : {});
export const array = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);
export const string = (v: unknown): string | undefined => (typeof v === 'string' && v !== '' ? v : undefined);
export const number = (v: unknown): number | undefined => (typeof v === 'number' && Number.isFinite(v) ? v : undefined);

/** What the server answers; throws Refusal or Disconnection. */
export async function request(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(new URL(path, document.baseURI), init);
  } catch (e) {
    if (init?.signal?.aborted) throw e;
    throw new Disconnection();
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function refusal(response: Response): Promise<Refusal> {
  const text = await response.text().catch(() => '');
  let message: string | undefined;
  let more: Json = {};
  try {
    const body: unknown = JSON.parse(text);
    message = errorIn(body);
    more = object(object(body)['error']);
  } catch {
    message = string(text.trim().slice(0, 300));
  }
  return new Refusal(message ?? '', response.status, string(more['code']), string(more['of']));
}

function errorIn(v: unknown): string | undefined {
  const e = object(v)['error'];
  return string(e) ?? string(object(e)['message']);
}

/** 'ready', 'loading' while the server loads its model, or 'away'. A server
 * whose model failed to load is ready: it says what is wrong when it is asked,
 * and it may have other models. */
export async function health(): Promise<'ready' | 'loading' | 'away'> {
  try {
    const response = await fetch(new URL('health', document.baseURI));
    if (response.status !== 503) return 'ready';
    return object(await response.json().catch(() => null))['status'] === 'failed' ? 'ready' : 'loading';
  } catch {
    return 'away';
  }
}

export async function models(): Promise<Model[]> {
  const body = object(await (await request('v1/models')).json());
  return array(body['data']).flatMap((item) => {
    const id = string(object(item)['id']);
    return id === undefined ? [] : [model(id, object(object(item)['samovar']))];
  });
}

function model(id: string, more: Json): Model {
  return {
    id,
    chat: more['chat'] !== false,
    digest: string(more['digest']),
    run: string(more['run']) ?? number(more['run'])?.toString(),
    parameters: number(more['parameters']),
    quantization: string(more['quantization']),
    window: number(more['window']),
  };
}

/** Where ref, a model's name, digest or fingerprint, comes from. */
export async function lineage(ref: string): Promise<Lineage> {
  const body = object(await (await request('api/trace/' + encodeURIComponent(ref))).json());
  return {
    digest: string(body['digest']) ?? '',
    steps: array(body['steps']).map((v) => {
      const step = object(v);
      return {
        kind: string(step['kind']) ?? '',
        digest: string(step['digest']) ?? '',
        stage: string(step['stage']) ?? '',
        run: string(step['run']) ?? number(step['run'])?.toString() ?? '',
        summary: object(step['summary']),
        inputs: array(step['inputs']).flatMap((d) => string(d) ?? []),
      };
    }),
    sources: array(body['sources']).map((v) => {
      const source = object(v);
      return {
        origin: string(source['origin']) ?? '',
        licence: string(source['licence']) ?? '',
        language: string(source['language']) ?? '',
        documents: number(source['documents']),
        bytes: number(source['bytes']),
      };
    }),
  };
}

/** The answer, piece by piece. Throws Refusal or Disconnection; ends early,
 * with an AbortError, when signal says so. */
export async function* ask(question: Question, signal: AbortSignal): AsyncGenerator<Piece> {
  const { model, turns, temperature, length } = question;
  const body: Json = {
    model: model.id,
    stream: true,
    stream_options: { include_usage: true },
    temperature,
    max_tokens: model.window === undefined ? length : Math.min(length, Math.floor(model.window / 2)),
  };
  if (model.chat) body['messages'] = turns;
  else body['prompt'] = turns.map((t) => t.content).join('');
  const response = await request(model.chat ? 'v1/chat/completions' : 'v1/completions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
  if (response.body === null) throw new Disconnection();
  yield* read(response.body, signal);
}

async function* read(body: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Piece> {
  let complete = false;
  try {
    for await (const event of events(body)) {
      if (event.data === '[DONE]') return;
      for (const piece of pieces(event.data)) {
        complete ||= piece.kind === 'finish';
        yield piece;
      }
    }
  } catch (e) {
    if (signal.aborted || e instanceof Refusal) throw e;
    throw new Disconnection();
  }
  if (!complete) throw new Disconnection();
}

/** What one event of a stream says, of either API. */
export function pieces(data: string): Piece[] {
  const chunk = object(JSON.parse(data));
  if (chunk['error'] !== undefined) throw new Refusal(errorIn(chunk) ?? '', 200);
  const found: Piece[] = [];
  const choice = object(array(chunk['choices'])[0]);
  const text = string(object(choice['delta'])['content']) ?? string(choice['text']);
  if (text !== undefined) found.push({ kind: 'text', text });
  const reason = string(choice['finish_reason']);
  if (reason !== undefined) found.push({ kind: 'finish', reason });
  if (chunk['usage'] !== undefined && chunk['usage'] !== null) {
    const more = object(chunk['samovar']);
    found.push({
      kind: 'figures',
      figures: {
        tokens: number(object(chunk['usage'])['completion_tokens']),
        tokensPerSecond: number(more['tokens_per_second']),
        joules: number(more['joules']),
        method: string(more['method']),
        fingerprint: string(chunk['system_fingerprint']),
      },
    });
  }
  return found;
}
