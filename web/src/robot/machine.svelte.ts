// The robot as this page knows it, kept up to date by the server's events while the
// page is open.
import { Disconnection, Refusal } from '../api/client';
import * as api from '../api/robot';
import type { Moment, Note, Robot, Said, Song } from '../api/robot';
import { language } from '../i18n/language.svelte';
import { Bars } from './beat';
import { ear } from './ear.svelte';
import { together } from './keys';
import { Motion } from './motion';
import { sound } from './sound.svelte';
import { refusalInWords } from './words';

/** Milliseconds without a moment after which the link counts as lost: they come
 * thirty times a second. */
const silence = 3000;
/** Milliseconds between moments that are only read, so that figures do not flicker. */
const glance = 250;
const remembered = 200;

class Machine {
  state = $state<'connecting' | 'ready' | 'away' | 'absent'>('connecting');
  robot = $state.raw<Robot>();
  songs = $state.raw<Song[]>([]);
  /** For reading; motion has every one. */
  moment = $state.raw<Moment>();
  talk = $state.raw<Said[]>([]);
  note = $state.raw<Note>();
  /** The song that is to be danced to. */
  wanted = $state('');
  /** A stop is on its way. */
  stopping = $state(false);

  readonly motion = new Motion();
  /** When the last moment came, in milliseconds. */
  arrived = -Infinity;
  readonly bars = new Bars();
  /** Called at each beat. */
  readonly beats = new Set<() => void>();
  /** The last beat began a bar. */
  downbeat = false;

  private source: EventSource | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private watching = 0;
  private pause = 1;
  private read = 0;
  private pressed = -Infinity;
  private noteTimer: ReturnType<typeof setTimeout> | undefined;

  stopped = $derived(this.moment !== undefined && this.moment.mode !== 'running');
  chosen = $derived(this.songs.find((s) => s.id === this.wanted) ?? this.songs[0]);
  song = $derived(this.songs.find((s) => s.id === this.moment?.song?.id));

  /** Begins to watch, and returns how to end it. */
  watch(): () => void {
    const mine = ++this.watching;
    this.state = 'connecting';
    void this.open(mine);
    return () => {
      this.watching++;
      this.close();
      sound.quiet();
      sound.hush();
      ear.end();
    };
  }

  private close() {
    this.source?.close();
    this.source = undefined;
    clearTimeout(this.timer);
  }

  private async open(mine: number) {
    let robot: Robot;
    try {
      robot = await api.robot();
    } catch (e) {
      if (mine !== this.watching) return;
      if (e instanceof Refusal && e.status === 404) this.state = 'absent';
      else this.lost(mine);
      return;
    }
    if (mine !== this.watching) return;
    if (JSON.stringify(robot) !== JSON.stringify(this.robot)) this.robot = robot;
    this.songs = robot.songs;
    const source = api.events();
    this.source = source;
    source.onerror = () => this.lost(mine);
    this.expect(mine);
    const on = (type: string, f: (v: unknown) => void) =>
      source.addEventListener(type, (e) => mine === this.watching && f(parsed((e as MessageEvent<string>).data)));
    on('state', (v) => {
      const m = api.momentOf(v, robot.bodies.length);
      if (!m) return;
      this.expect(mine);
      this.take(m);
    });
    on('said', (v) => this.heard(api.saidOf(v)));
    on('songs', (v) => (this.songs = api.songsOf(v)));
    on('note', (v) => {
      const note = api.noteOf(v);
      if (note) this.tell({ ...note, text: refusalInWords(language.voice.words.robot, note.code ?? '', '', note.text) });
    });
  }

  /** A link can die without a word. */
  private expect(mine: number) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.lost(mine), silence);
  }

  /** Tries again after a second, then ever more rarely, down to every five. */
  private lost(mine: number) {
    if (mine !== this.watching) return;
    this.close();
    this.state = 'away';
    sound.quiet();
    this.timer = setTimeout(() => void this.open(mine), this.pause * 1000);
    this.pause = Math.min(5, this.pause + 1);
  }

  private take(m: Moment) {
    const now = performance.now();
    this.arrived = now;
    this.state = 'ready';
    this.pause = 1;
    const beat = beatOf(this.motion.last);
    this.motion.push(m, now / 1000);
    sound.follow(m, now / 1000);
    if (m.song) {
      const meter = this.songs.find((s) => s.id === m.song?.id)?.meter ?? 4;
      this.bars.observe(m.song, meter);
      this.downbeat = this.bars.within(m.song.beat, meter) === 0;
    }
    if (m.ear) this.downbeat = m.ear.beat % 4 === 1;
    const old = this.moment;
    const changed = !old || old.mode !== m.mode || old.act !== m.act || old.reason !== m.reason || beatOf(old) !== beatOf(m) || old.ear?.dancing !== m.ear?.dancing;
    if (m.mode !== 'running') this.stopping = false;
    if (changed || now - this.read > glance) {
      this.read = now;
      this.moment = m;
    }
    if (beatOf(m) !== undefined && beatOf(m) !== beat) for (const f of this.beats) f();
  }

  private heard(said: Said | undefined) {
    if (!said || this.talk.some((s) => s.id === said.id)) return;
    this.talk = [...this.talk.slice(1 - remembered), said];
    sound.say(said, () => this.motion.clock(performance.now() / 1000));
  }

  /** Shows a note until the next; what is no error goes by itself. */
  tell(note: Note | undefined) {
    clearTimeout(this.noteTimer);
    this.note = note;
    if (note && !note.error) this.noteTimer = setTimeout(() => (this.note = undefined), 8000);
  }

  /** Asks the robot for something; false if it did not want to, and the note says why. */
  async ask(what: () => Promise<unknown>): Promise<boolean> {
    if (this.note?.error) this.tell(undefined);
    try {
      await what();
      return true;
    } catch (e) {
      if (e instanceof DOMException && e.name === 'AbortError') return false; // a stop ended it
      this.tell({ text: complaint(e), error: true });
      return false;
    }
  }

  async stop() {
    const now = performance.now();
    if (now - this.pressed < together) return;
    this.pressed = now;
    this.stopping = true;
    sound.quiet();
    sound.hush();
    try {
      await api.stop();
    } catch (e) {
      this.pressed = -Infinity; // the next press counts, however soon it comes
      const { failed } = language.voice.words.robot.stop;
      this.tell({ text: e instanceof Refusal ? `${failed} ${complaint(e)}` : failed, error: true });
    }
    this.stopping = false;
  }
}

/** What went wrong, in one line. */
export function complaint(e: unknown): string {
  const { errors, robot } = language.voice.words;
  if (e instanceof Disconnection) return errors.unreached;
  return (e instanceof Refusal && refusalInWords(robot, e.code, e.of, e.message)) || errors.refused;
}

/** The beat that is danced. */
const beatOf = (m: Moment | undefined) => m?.song?.beat ?? (m?.ear?.dancing ? m.ear.beat : undefined);

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

export const machine = new Machine();
