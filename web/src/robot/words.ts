// What the robot does and what the server says, in words.
import { reasons, refused, type Moment, type Reason, type Refused } from '../api/robot';
import type { Dictionary, Named } from '../i18n/dictionary';

type Words = Pick<Dictionary['robot'], 'status' | 'refused' | 'reasons'>;

/** What stands within a sentence of another script and keeps its own direction. */
export const isolated = (text: string) => `\u2068${text}\u2069`;

const named = (sentence: Named, name: string) => (typeof sentence === 'string' ? sentence : sentence(isolated(name)));

/** What was refused, or what the server says where there are no words for that. */
export function refusalInWords(words: Words, code: string, of: string, otherwise: string): string {
  const known = refused.find((c) => c === code) as Refused | undefined;
  return known ? named(words.refused[known], of) : otherwise;
}

/** Why it was stopped. */
export function reasonInWords(words: Words, m: Moment): string {
  const known = reasons.find((c) => c === m.why) as Reason | undefined;
  return known ? named(words.reasons[known], m.of) : m.reason;
}

/** What it does. */
export function stateInWords(words: Words, m: Moment, song?: string): string {
  const { status } = words;
  if (m.mode !== 'running') return status.stopped[m.mode];
  switch (m.act) {
    case 'dancing':
      return song === undefined ? status.dancing : status.dancingTo(song);
    case 'following':
      return m.ear?.dancing ? status.following : status.listening;
    case 'bowing':
    case 'speaking':
      return status[m.act];
  }
  return m.phase === 'double' ? status.standing : status.stepping;
}
