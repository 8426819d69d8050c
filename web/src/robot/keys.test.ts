import { expect, it } from 'vitest';
import { speaks, stops, type Press } from './keys';

const press: Press = { code: 'Space', repeat: false, composing: false, chord: false, focus: 'nothing', walked: false, stopped: false };

it.each([
  ['the space bar', {}, true],
  ['again', { stopped: true }, true],
  ['while it is held', { repeat: true }, false],
  ['with Ctrl', { chord: true }, false],
  ['while writing', { focus: 'text' }, false],
  ['while composing a letter', { focus: 'text', composing: true, code: 'Escape' }, false],
  ['on a button that was clicked', { focus: 'control' }, true],
  ['on a button that was walked to', { focus: 'control', walked: true }, false],
  ['on the stop itself', { focus: 'stop', walked: true }, true],
  ['Escape while writing', { code: 'Escape', focus: 'text' }, true],
  ['Escape when it has stopped', { code: 'Escape', stopped: true }, false],
  ['another key', { code: 'KeyS' }, false],
] as [string, Partial<Press>, boolean][])('%s', (_, changes, want) => expect(stops({ ...press, ...changes })).toBe(want));

it.each([
  ['the key', {}, true],
  ['while it is held', { repeat: true }, false],
  ['while writing', { focus: 'text' }, false],
  ['with Ctrl', { chord: true }, false],
  ['on a button', { focus: 'control', walked: true }, true],
  ['another key', { code: 'Space' }, false],
] as [string, Partial<Press>, boolean][])('to speak: %s', (_, changes, want) => expect(speaks({ ...press, code: 'KeyT', ...changes })).toBe(want));
