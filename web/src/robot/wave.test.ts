import { expect, it } from 'vitest';
import { pcm, wav } from './wave';

it('cuts what is too loud', () => {
  expect([...pcm(Float32Array.of(0, 0.5, 1, -1, 7, -7, NaN))]).toEqual([0, 16384, 32767, -32767, 32767, -32767, 0]);
});

it('writes a WAV file', () => {
  const file = wav([Int16Array.of(1, -2), Int16Array.of(3)], 16000);
  const view = new DataView(file);
  const text = (from: number, to: number) => String.fromCharCode(...new Uint8Array(file, from, to - from));
  expect(file.byteLength).toBe(50);
  expect([text(0, 4), text(8, 16), text(36, 40)]).toEqual(['RIFF', 'WAVEfmt ', 'data']);
  expect([view.getUint32(4, true), view.getUint32(24, true), view.getUint32(28, true), view.getUint32(40, true)]).toEqual([42, 16000, 32000, 6]);
  expect([...new Int16Array(file, 44)]).toEqual([1, -2, 3]);
});
