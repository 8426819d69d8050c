// The API of the page Robot: what the robot is, how it moves, and what it may be
// asked to do. As in client.ts, everything that arrives is checked.
import { array, number, object, request, string, type Json } from './client';

/** Metres; x is ahead, z is up. */
export type Point = [number, number, number];
/** w, x, y, z */
export type Turn = [number, number, number, number];

const kinds = ['capsule', 'box', 'sphere', 'cylinder', 'ellipsoid', 'mesh'] as const;

/** A shape that is fixed to a body. */
export interface Shape {
  body: number;
  type: (typeof kinds)[number];
  /** MuJoCo's half sizes, in metres; of a mesh, how it is scaled. */
  size: Point;
  /** Number of its file. */
  mesh?: number;
  position: Point;
  orientation: Turn;
  /** Red, green, blue and opacity, 0 to 1. */
  color: Turn;
}

export interface Song {
  id: string;
  name: string;
  seconds: number;
  /** Beats a minute. */
  tempo: number;
  /** Beats in a bar. */
  meter: number;
  /** False where tempo or bars may be heard otherwise. */
  sure: boolean;
}

export interface Robot {
  name: string;
  simulated: boolean;
  mass?: number;
  /** How far from its mark it may get, even if it falls, in metres; people stay farther away. */
  reach?: number;
  bodies: string[];
  shapes: Shape[];
  songs: Song[];
  languages: string[];
  /** It has a voice. */
  speaks: boolean;
  /** A model answers. */
  answers: boolean;
  /** What it understands; undefined if it hears nothing. */
  hears?: Hearing;
}

export interface Hearing {
  /** Any; otherwise only the commands. */
  sentences: boolean;
  commands: { language: string; words: string }[];
}

/** Why the server refuses something, and why the robot was stopped: docs/api.md. */
export const refused = [
  'failed', 'stopped', 'down', 'hard', 'no_body', 'no_song', 'no_songs', 'song_large', 'song_long', 'song_unread', 'song_short', 'no_beat',
  'no_voice', 'no_text', 'long_text', 'no_model', 'unsaid', 'no_ears', 'sound_long', 'sound_unread', 'not_understood',
] as const;
export type Refused = (typeof refused)[number];
export const reasons = ['pressed', 'silent', 'falls', 'blind', 'no_sensor', 'no_unit', 'hot', 'beyond', 'too_fast', 'touches', 'no_body'] as const;
export type Reason = (typeof reasons)[number];

/** running obeys; the others are the three stages of a stop, each deeper. */
export type Mode = 'running' | 'standing' | 'kneeling' | 'damping';
const modes: Mode[] = ['running', 'standing', 'kneeling', 'damping'];
/** following dances to a microphone. */
export type Act = 'standing' | 'dancing' | 'following' | 'bowing' | 'speaking' | 'stopped';
const acts: Act[] = ['standing', 'dancing', 'following', 'bowing', 'speaking', 'stopped'];

/** Where a dance is in its song. */
export interface Place {
  id: string;
  /** Seconds of the song. */
  at: number;
  beat: number;
  bar: number;
  left: number;
}

/** How it follows what it hears. */
export interface Ear {
  /** Beats a minute, 0 while there are none. */
  tempo: number;
  dancing: boolean;
  /** How many it has danced. */
  beat: number;
}

/** A moment of the robot. */
export interface Moment {
  /** Seconds of its clock. */
  t: number;
  /** Seven numbers a body: position, then quaternion as w, x, y, z. */
  poses: Float64Array;
  centre: Point;
  capture?: Point;
  support: Point[];
  /** In newtons. */
  forces: { at: Point; force: Point }[];
  push?: Point;
  /** double stands on both feet; in the others it takes a step. */
  phase: string;
  act: Act;
  mode: Mode;
  reason: string;
  /** What the reason is, for other languages, and the joint that it is about. */
  why: string;
  of: string;
  song?: Place;
  ear?: Ear;
  /** How far its mouth is open, 0 to 1. */
  mouth: number;
  falls?: number;
  violations?: number;
  clamped?: number;
  /** Metres from its mark. */
  drift?: number;
  /** Radians from upright. */
  tilt?: number;
  /** Of the strongest motor, 0 to 1. */
  torque?: number;
  /** Milliseconds. */
  tick?: number;
}

export interface Said {
  id: string;
  robot: boolean;
  text: string;
  language: string;
  /** Address of the sound. */
  clip?: string;
  /** Seconds of the robot's clock. */
  start?: number;
}

export interface Note {
  text: string;
  code?: string;
  error: boolean;
}

function numbers(v: unknown, least: number): number[] | undefined {
  const all = array(v).map(number);
  return all.length >= least && all.every((x) => x !== undefined) ? all : undefined;
}

const point = (v: unknown): Point | undefined => numbers(v, 3)?.slice(0, 3) as Point | undefined;
const turn = (v: unknown): Turn | undefined => numbers(v, 4)?.slice(0, 4) as Turn | undefined;

function shapeOf(v: unknown, bodies: number): Shape[] {
  const s = object(v);
  const type = kinds.find((k) => k === s['type']);
  const body = number(s['body']) ?? -1;
  const size = numbers(s['size'], 1);
  const position = point(s['position']);
  const mesh = number(s['mesh']);
  if (!type || !size || !position || !Number.isInteger(body) || body < 0 || body >= bodies || (type === 'mesh') !== (mesh !== undefined)) return [];
  return [
    {
      body,
      type,
      mesh,
      size: [size[0]!, size[1] ?? 0, size[2] ?? 0],
      position,
      orientation: turn(s['orientation']) ?? [1, 0, 0, 0],
      color: turn(s['color']) ?? [0.6, 0.6, 0.6, 1],
    },
  ];
}

export function songsOf(v: unknown): Song[] {
  return array(v).flatMap((item) => {
    const s = object(item);
    const id = string(s['id']);
    if (id === undefined) return [];
    return [
      {
        id,
        name: string(s['name']) ?? id,
        seconds: number(s['seconds']) ?? 0,
        tempo: number(s['tempo']) ?? 0,
        meter: number(s['meter']) ?? 4,
        sure: s['sure'] !== false,
      },
    ];
  });
}

export function robotOf(v: unknown): Robot {
  const r = object(v);
  const bodies = array(r['bodies']).map((b) => string(object(b)['name']) ?? '');
  return {
    name: string(r['name']) ?? '',
    simulated: r['simulated'] === true,
    mass: number(r['mass_kg']),
    reach: number(r['reach_m']),
    bodies,
    shapes: array(r['shapes']).flatMap((s) => shapeOf(s, bodies.length)),
    songs: songsOf(r['songs']),
    languages: array(r['languages']).flatMap((l) => string(l) ?? []),
    speaks: r['speaks'] === true,
    answers: r['answers'] === true,
    hears: hearingOf(r['hears']),
  };
}

function hearingOf(v: unknown): Hearing | undefined {
  if (typeof v !== 'object' || v === null) return undefined;
  const h = object(v);
  const commands = array(h['commands']).map((c) => ({ language: string(object(c)['language']) ?? '', words: string(object(c)['words']) ?? '' }));
  return { sentences: h['sentences'] === true, commands };
}

function earOf(v: unknown): Ear | undefined {
  if (typeof v !== 'object' || v === null) return undefined;
  const e = object(v);
  return { tempo: number(e['tempo']) ?? 0, dancing: e['dancing'] === true, beat: number(e['beat']) ?? 0 };
}

function placeOf(v: unknown): Place | undefined {
  const p = object(v);
  const id = string(p['id']);
  const at = number(p['at']);
  if (id === undefined || at === undefined) return undefined;
  return { id, at, beat: number(p['beat']) ?? 0, bar: number(p['bar']) ?? 0, left: number(p['beats_left']) ?? 0 };
}

/** The moment in an event; undefined if it cannot be shown with so many bodies. */
export function momentOf(v: unknown, bodies: number): Moment | undefined {
  const m = object(v);
  const t = number(m['t']);
  const poses = numbers(m['poses'], 7 * bodies);
  if (t === undefined || !poses || poses.length !== 7 * bodies) return undefined;
  const counts = object(m['counts']);
  return {
    t,
    poses: Float64Array.from(poses),
    centre: point(m['centre']) ?? [0, 0, 0],
    capture: point(m['capture']),
    support: array(m['support']).flatMap((p) => {
      const corner = point(p);
      return corner ? [corner] : [];
    }),
    forces: array(m['forces']).flatMap((f) => {
      const at = point(object(f)['at']);
      const force = point(object(f)['force']);
      return at && force ? [{ at, force }] : [];
    }),
    push: point(m['push']),
    phase: string(m['phase']) ?? 'double',
    act: acts.find((a) => a === m['act']) ?? 'standing',
    // What is not known is no sign that all is well.
    mode: modes.find((x) => x === m['mode']) ?? 'damping',
    reason: string(m['reason']) ?? '',
    why: string(m['reason_code']) ?? '',
    of: string(m['reason_of']) ?? '',
    song: placeOf(m['song']),
    ear: earOf(m['ear']),
    mouth: Math.min(1, Math.max(0, number(m['mouth']) ?? 0)),
    falls: number(counts['falls']),
    violations: number(counts['violations']),
    clamped: number(counts['clamped']),
    drift: number(m['drift_m']),
    tilt: number(m['tilt_rad']),
    torque: number(m['torque']),
    tick: number(m['tick_ms']),
  };
}

export function saidOf(v: unknown): Said | undefined {
  const s = object(v);
  const text = string(s['text']);
  const id = string(s['id']) ?? number(s['id'])?.toString();
  if (text === undefined || id === undefined) return undefined;
  return { id, robot: s['who'] !== 'person', text, language: string(s['language']) ?? '', clip: string(s['clip']), start: number(s['start']) };
}

export function noteOf(v: unknown): Note | undefined {
  const n = object(v);
  const text = string(n['text']);
  return text === undefined ? undefined : { text, code: string(n['code']), error: n['kind'] === 'error' };
}

/** A browser keeps six connections to a server, and the stop must not wait for one:
 * it ends everything else that this page has asked. */
let others = new AbortController();

const ask = (path: string, init?: RequestInit) => request('api/robot' + path, { ...init, signal: others.signal });

const post = (path: string, body: Json) =>
  ask(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

export async function robot(): Promise<Robot> {
  return robotOf(await (await ask('')).json());
}

export const events = (): EventSource => new EventSource(new URL('api/robot/events', document.baseURI));

/** The emergency stop. */
export async function stop(): Promise<void> {
  others.abort();
  others = new AbortController();
  await request('api/robot/stop', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{}',
    priority: 'high',
    keepalive: true, // it goes out although the page may be closed
  });
}

export const resume = () => post('/resume', {});
export const reset = () => post('/reset', {});
export const dance = (song: string, seed: number) => post('/dance', { song, seed });
export const end = () => post('/end', {});
export const say = (text: string) => post('/say', { text, language: '' });
export const answer = (text: string) => post('/ask', { text });
export const greet = (language: string) => post('/greet', { language });
/** impulse: N·s, in the world's axes. */
export const push = (impulse: [number, number]) => post('/push', { impulse });

/** Has the robot learn the commands of a language, so that the first one does not wait. */
export const learn = (language: string) => post('/learn', { language });

/** Has the robot hear what was said, and do it: with a song, if it is to dance. */
export async function hear(wav: ArrayBuffer, language: string, song: string): Promise<void> {
  const query = new URLSearchParams({ language, song });
  await ask(`/hear?${query}`, { method: 'POST', headers: { 'Content-Type': 'audio/wav' }, body: wav });
}

/** A link for samples of a microphone, 16 bits each, that were heard so many seconds ago. */
export function microphone(rate: number, ago: number): WebSocket {
  const url = new URL('api/robot/microphone', document.baseURI);
  url.protocol = url.protocol.replace('http', 'ws');
  url.search = String(new URLSearchParams({ rate: String(rate), ago: ago.toFixed(3) }));
  return new WebSocket(url);
}

/** The id of a song that the robot has taken. A header holds no other letters
 * than Latin ones, so the name is written as in a URL. */
export async function give(file: File): Promise<string> {
  const response = await ask('/songs', {
    method: 'POST',
    headers: { 'X-Name': encodeURIComponent(file.name), 'Content-Type': 'application/octet-stream' },
    body: file,
  });
  return string(object(await response.json())['id']) ?? '';
}

const bytes = async (path: string): Promise<ArrayBuffer> => (await request(path, { signal: others.signal })).arrayBuffer();

/** The file of a mesh. A stop that ends it delays it. */
export async function mesh(number: number): Promise<ArrayBuffer> {
  for (;;) {
    const { signal } = others;
    try {
      return await bytes(`api/robot/meshes/${number}`);
    } catch (e) {
      if (!signal.aborted) throw e;
    }
  }
}

export const audio = (song: string) => bytes('api/robot/songs/' + encodeURIComponent(song));

/** A clip, of this server and no other. */
export function clip(path: string): Promise<ArrayBuffer> {
  if (!path.startsWith('/api/robot/')) return Promise.reject(new Error('no clip of this server'));
  return bytes(path.slice(1));
}
