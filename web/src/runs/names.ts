// What stages and runs are called to people. Pure functions.
import type { Run } from '../api/runs';
import type { Dictionary } from '../i18n';
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

/** A run in a line: the model's name and what was done, with the number of the
 * run where there is no name. */
export function title(run: Run, words: Dictionary): string {
  return `${run.name ?? words.lineage.run(run.id)} · ${stageName(run.stage, words)}`;
}
