// Answers on their way: at most one for each conversation, going on while the
// reader looks at another.
import { SvelteMap } from 'svelte/reactivity';
import { ask, Disconnection, Refusal, type Figures, type Model, type Turn } from '../api/client';
import { server } from '../api/server.svelte';
import { language } from '../i18n/language.svelte';
import { announcer } from '../ui/announcer.svelte';
import { chats, randomId } from './chats.svelte';
import { add, upTo, type Answer, type Conversation, type Message } from './conversation';
import { settings } from './settings.svelte';

/** A page is redrawn at most this often while text streams in, in ms. */
const FRAME = 40;
/** What has come of an answer is kept at least this often, in ms. */
const SAVE = 2000;

class Answering {
  private readonly running = new SvelteMap<string, AbortController>();

  busy(c: Conversation | undefined): boolean {
    return c !== undefined && this.running.has(c.id);
  }

  stop(c: Conversation): void {
    this.running.get(c.id)?.abort();
  }

  /** Has the model answer the message of that id, in a new branch after it. */
  async answer(c: Conversation, parent: string, model: Model): Promise<void> {
    if (this.busy(c)) return;
    const answer: Answer = { model: model.id, chat: model.chat, state: 'streaming' };
    const id = randomId();
    const turns = turnsFor(upTo(c, parent), model);
    add(c, { id, parent, role: 'assistant', text: '', answer });
    await this.write(c, id, model, turns);
  }

  /** Has a base model go on where it ended. */
  async goOn(c: Conversation, m: Message, model: Model): Promise<void> {
    if (this.busy(c) || !m.answer) return;
    const turns = [...turnsFor(upTo(c, m.parent), model), { role: 'assistant' as const, content: m.text }];
    m.answer.state = 'streaming';
    delete m.answer.error;
    await this.write(c, m.id, model, turns);
  }

  private async write(c: Conversation, id: string, model: Model, turns: Turn[]): Promise<void> {
    const m = c.messages.find((m) => m.id === id)!; // the proxy: what is written to it is seen
    const answer = m.answer!;
    const control = new AbortController();
    this.running.set(c.id, control);
    chats.save(c, true);
    try {
      await this.read(c, m, { model, turns, temperature: settings.temperature, length: settings.length }, control);
      answer.state = 'complete';
    } catch (e) {
      answer.state = control.signal.aborted ? 'stopped' : 'failed';
      if (!control.signal.aborted) answer.error = errorOf(e);
    } finally {
      this.running.delete(c.id);
      chats.save(c);
    }
    if (answer.state === 'complete') announcer.say(m.text + ' — ' + language.voice.words.message.finished);
  }

  private async read(c: Conversation, m: Message, question: Parameters<typeof ask>[0], control: AbortController) {
    const answer = m.answer!;
    const started = performance.now();
    let waiting = '';
    let drawn = 0;
    let saved = started;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      clearTimeout(timer);
      timer = undefined;
      m.text += waiting;
      waiting = '';
      drawn = performance.now();
      if (drawn - saved > SAVE) {
        saved = drawn;
        chats.save(c);
      }
    };
    try {
      for await (const piece of ask(question, control.signal)) {
        if (piece.kind === 'text') {
          answer.first ??= (performance.now() - started) / 1000;
          waiting += piece.text;
          if (performance.now() - drawn > FRAME) draw();
          else timer ??= setTimeout(draw, FRAME);
        } else if (piece.kind === 'finish') answer.finish = piece.reason;
        else answer.figures = sum(answer.figures, piece.figures);
      }
    } finally {
      draw();
    }
  }
}

/** What is sent for the messages of a thread. A base model is given the last
 * text only: each message to it begins a text of its own. */
function turnsFor(messages: Message[], model: Model): Turn[] {
  if (!model.chat) return messages.slice(-1).map((m) => ({ role: m.role, content: m.text }));
  const turns = messages.filter((m) => m.text !== '').map((m): Turn => ({ role: m.role, content: m.text }));
  const system = settings.system.trim();
  return system === '' ? turns : [{ role: 'system', content: system }, ...turns];
}

/** The figures of a text that was gone on with: amounts add up, the speed is
 * the latest. */
function sum(a: Figures | undefined, b: Figures): Figures {
  if (a === undefined) return b;
  const plus = (x?: number, y?: number) => (x === undefined || y === undefined ? undefined : x + y);
  return { ...b, tokens: plus(a.tokens, b.tokens), joules: plus(a.joules, b.joules) };
}

function errorOf(e: unknown): Answer['error'] {
  if (e instanceof Disconnection || (e instanceof Refusal && e.status === 503)) void server.check();
  if (e instanceof Refusal) return { message: e.message, status: e.status };
  return { message: e instanceof Disconnection ? '' : String(e) };
}

export const answering = new Answering();
