// What the robot is doing, in words.
import type { Moment } from '../api/robot';
import type { Dictionary } from '../i18n';

export function stateInWords(words: Dictionary['robot'], m: Moment, song?: string): string {
  if (m.mode !== 'running') return words.status.stopped[m.mode];
  if (m.act === 'dancing') return song === undefined ? words.status.dancing : words.status.dancingTo(song);
  if (m.act === 'speaking') return words.status.speaking;
  return m.phase === 'double' ? words.status.standing : words.status.stepping;
}
