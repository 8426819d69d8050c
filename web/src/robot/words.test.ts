import { expect, it } from 'vitest';
import { momentOf } from '../api/robot';
import { languages } from '../i18n';
import { reasonInWords, refusalInWords, stateInWords } from './words';

const words = languages.en.words.robot;
const moment = (more: object) => momentOf({ t: 1, poses: [], mode: 'running', phase: 'double', ...more }, 0)!;

it.each([
  [{ act: 'standing' }, 'Standing'],
  [{ act: 'standing', phase: 'swinging' }, 'Taking a step'],
  [{ act: 'bowing' }, 'Bowing'],
  [{ act: 'following', ear: { tempo: 0, dancing: false, beat: 0 } }, 'Listening for a beat'],
  [{ act: 'following', ear: { tempo: 120, dancing: true, beat: 3 } }, 'Dancing to what it hears'],
  [{ act: 'following', ear: null, mode: 'kneeling' }, 'Stopped: it kneels'],
] as const)('%j is %s', (more, want) => expect(stateInWords(words, moment(more))).toBe(want));

it('says why it was stopped', () => {
  expect(reasonInWords(words, moment({ reason: 'the drive of left_knee has 105 °C', reason_code: 'hot', reason_of: 'left_knee' }))).toBe(
    'The motor of \u2068left_knee\u2069 is too hot.',
  );
  expect(reasonInWords(words, moment({ reason: 'it rains', reason_code: 'rain' }))).toBe('it rains');
});

it('says what was refused', () => {
  expect(refusalInWords(words, 'no_beat', 'noise.wav', '')).toContain('noise.wav');
  expect(refusalInWords(words, 'no_voice', '', 'no voice')).toBe(words.refused.no_voice);
  expect(refusalInWords(words, 'toString', '', 'as it says')).toBe('as it says');
});
