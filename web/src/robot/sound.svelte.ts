// What is heard: the song that the robot dances to, in time with it, and what it says.
// Sound is the reader's to allow: browsers keep it back until a click or a key.
import * as api from '../api/robot';
import type { Moment, Said } from '../api/robot';
import { read, write } from '../ui/preferences';
import { Progress, slack } from './beat';

/** Seconds that a voice may be late and still begin at its beginning; lips in time
 * matter less than a first word. */
const patience = 0.3;
const fade = 0.02;

interface Playing {
  source: AudioBufferSourceNode;
  gain: GainNode;
}

class Sound {
  /** The reader wants to hear it. */
  on = $state(read('robot.sound') !== false);
  /** The browser waits for a click. */
  blocked = $state(false);
  /** The id of what is being said aloud. */
  speaking = $state('');
  /** The song that this browser cannot play. */
  unplayable = $state('');

  private context: AudioContext | undefined;
  private readonly progress = new Progress();
  private wanted = '';
  private song: { id: string; buffer: AudioBuffer } | undefined;
  private music: (Playing & { begins: number }) | undefined;
  private off = 0; // moments in a row at which the music was out of time
  private voices = new Set<Playing>();
  private queue: Promise<void> = Promise.resolve();
  private generation = 0;
  private free = 0; // the context's time at which the last clip ends

  toggle() {
    this.on = !this.on;
    write('robot.sound', this.on);
    if (this.on) void this.wake();
    else {
      this.quiet();
      this.hush();
    }
  }

  /** To be called in answer to a click or a key. */
  async wake() {
    if (!this.on) return;
    this.context ??= new AudioContext({ latencyHint: 'interactive' });
    await this.context.resume().catch(() => {});
    this.blocked = this.context.state !== 'running';
  }

  private ready(): AudioContext | undefined {
    if (!this.on) return undefined;
    if (this.context?.state === 'running') {
      this.blocked = false;
      return this.context;
    }
    this.blocked = true;
    return undefined;
  }

  private latency = () => this.context?.outputLatency || this.context?.baseLatency || 0;

  private play(buffer: AudioBuffer, when: number, offset: number): Playing {
    const context = this.context!;
    const source = new AudioBufferSourceNode(context, { buffer });
    const gain = new GainNode(context, { gain: 0 });
    source.connect(gain).connect(context.destination);
    source.start(when, offset);
    gain.gain.setValueAtTime(0, when);
    gain.gain.linearRampToValueAtTime(1, when + fade);
    return { source, gain };
  }

  private silence({ source, gain }: Playing) {
    const now = this.context!.currentTime;
    gain.gain.cancelScheduledValues(now);
    gain.gain.setTargetAtTime(0, now, fade / 3);
    source.stop(now + 2 * fade);
  }

  /** Keeps the song in time with the dance; now in seconds. */
  follow(m: Moment, now: number) {
    if (!m.song || m.mode !== 'running') {
      this.quiet();
      return;
    }
    this.progress.observe(m.song, now);
    if (this.wanted !== m.song.id) void this.load(m.song.id);
    const context = this.ready();
    if (!context || this.song?.id !== m.song.id) return;
    const want = this.progress.at(now) + this.latency();
    if (want >= this.song.buffer.duration || want < 0) return this.quiet();
    if (this.music) {
      const have = context.currentTime - this.music.begins;
      this.off = Math.abs(have - want) > slack ? this.off + 1 : 0;
      if (this.off < 3) return;
      this.silence(this.music);
    }
    this.off = 0;
    this.music = { ...this.play(this.song.buffer, context.currentTime, want), begins: context.currentTime - want };
  }

  private async load(id: string) {
    this.quiet();
    this.wanted = id;
    this.song = undefined;
    try {
      this.context ??= new AudioContext({ latencyHint: 'interactive' });
      const buffer = await this.context.decodeAudioData(await api.audio(id));
      if (this.wanted === id) this.song = { id, buffer };
    } catch (e) {
      if (this.wanted !== id) return;
      if (e instanceof DOMException && e.name === 'AbortError') this.wanted = ''; // a stop ended it
      else this.unplayable = id;
    }
  }

  /** Ends the music. */
  quiet() {
    if (this.music) this.silence(this.music);
    this.music = undefined;
  }

  /** Says a clip after those before it; start and clock are of the robot, in seconds. */
  say(said: Said, clock: () => number) {
    if (!said.clip || !this.on) return;
    const generation = this.generation;
    const clip = api.clip(said.clip).then(async (bytes) => {
      this.context ??= new AudioContext({ latencyHint: 'interactive' });
      return this.context.decodeAudioData(bytes);
    });
    clip.catch(() => {}); // its text is on the page
    this.queue = this.queue.then(async () => {
      const buffer = await clip.catch(() => undefined);
      if (buffer && generation === this.generation) this.place(said, buffer, clock());
    });
  }

  private place(said: Said, buffer: AudioBuffer, clock: number) {
    const context = this.ready();
    if (!context) return;
    const wait = (said.start ?? clock) - clock - this.latency();
    const skip = wait < -patience ? -wait : 0;
    if (skip >= buffer.duration) return;
    const when = Math.max(context.currentTime + Math.max(0, wait), this.free);
    this.free = when + buffer.duration - skip;
    const voice = this.play(buffer, when, skip);
    this.voices.add(voice);
    setTimeout(() => this.voices.has(voice) && (this.speaking = said.id), (when - context.currentTime) * 1000);
    voice.source.onended = () => {
      this.voices.delete(voice);
      if (this.speaking === said.id) this.speaking = '';
    };
  }

  /** Ends what is being said, and what was to be. */
  hush() {
    this.generation++;
    this.free = 0;
    for (const v of this.voices) this.silence(v);
    this.voices.clear();
    this.speaking = '';
  }
}

export const sound = new Sound();
