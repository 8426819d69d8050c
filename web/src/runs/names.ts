// What stages and runs are called to people. Pure functions.
import type { Run, Stage } from '../api/runs';
import type { Dictionary, Voice } from '../i18n';
import { nameOf } from '../lineage/steps';

/** "quantize Q8_0" is "Quantisation Q8_0" in English. */
export function stageName(node: string, words: Dictionary): string {
  const [stage, ...rest] = node.split(' ');
  const step = nameOf({ stage: stage!, kind: '', digest: '', run: '', summary: {}, inputs: [] });
  return [step ? words.lineage.stages[step] : stage!, ...rest].join(' ');
}

/** What a stage is for, where that is known. */
export function stageNote(node: string, words: Dictionary): string {
  const step = nameOf({ stage: node.split(' ')[0]!, kind: '', digest: '', run: '', summary: {}, inputs: [] });
  return step ? words.lineage.explain[step] : '';
}

/** What a stage is doing, where it says so. */
export function doing(stage: Stage, voice: Voice): string {
  const now = stage.state === 'running' ? stage.doing : undefined;
  const words = voice.words.runs.doing;
  switch (now?.do) {
    case undefined:
      return '';
    case 'read':
      return words.read;
    case 'try':
      return words.try(voice.number(now.layers), voice.number(now.tokens, { notation: 'compact', maximumSignificantDigits: 2 }));
    case 'measure':
      return words.measure(voice.number(now.layers), voice.number(now.width));
  }
}

/** What a run is called: by its model's name, or by its number where the model
 * has none. */
export function runName(run: Run, words: Dictionary): string {
  return run.name ?? words.lineage.run(run.id);
}

/** A run in a line: its name and what was done. */
export function title(run: Run, words: Dictionary): string {
  return `${runName(run, words)} · ${stageName(run.stage, words)}`;
}

/** A setting's value as people of a language write it. */
export function valueOf(value: string, voice: Voice): string {
  return /^-?\d+(\.\d+)?$/.test(value) ? voice.number(Number(value), { maximumSignificantDigits: 6 }) : value;
}
