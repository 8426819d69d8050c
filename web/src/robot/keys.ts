// Which key presses are the emergency stop, and which is held to speak.
//
// The space bar belongs to whoever writes, and to whoever walks through the page by
// keyboard: there it presses the button that has the focus. Whoever uses a mouse has
// left the focus on some button without meaning it; there it stops the robot and
// presses nothing. Escape stops from everywhere, while writing too, but only
// the first stage: who leaves a field with it shall not bring the robot to its knees.

export interface Press {
  code: string;
  repeat: boolean;
  composing: boolean;
  /** Ctrl, Alt or Meta is held. */
  chord: boolean;
  /** What has the focus. */
  focus: 'text' | 'control' | 'stop' | 'nothing';
  /** The focus was brought there by keyboard. */
  walked: boolean;
  stopped: boolean;
}

export function stops(p: Press): boolean {
  if (p.repeat || p.composing || p.chord) return false;
  if (p.code === 'Escape') return !p.stopped;
  if (p.code !== 'Space') return false;
  if (p.focus === 'text') return false;
  return p.focus !== 'control' || !p.walked;
}

/** The key that is held to speak to the robot. */
export const speakKey = 'KeyT';

export const speaks = (p: Press) => p.code === speakKey && !p.repeat && !p.composing && !p.chord && p.focus !== 'text';

const written = 'textarea, input:not([type=button], [type=checkbox], [type=file], [type=radio], [type=range], [type=reset], [type=submit])';

export function focusOf(e: Element | null): Press['focus'] {
  if (!e) return 'nothing';
  if (e.matches(written) || (e as HTMLElement).isContentEditable) return 'text';
  if (e.matches('[data-stop]')) return 'stop';
  return e.matches('button, select, summary, input') ? 'control' : 'nothing';
}

/** Presses closer together are one: some click twice whatever they click, and a second
 * stop goes a stage further. Milliseconds. */
export const together = 350;
