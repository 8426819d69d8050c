// Sound as the robot takes it: one channel of 16-bit samples.

/** Samples of full scale 1 as 16-bit ones. */
export function pcm(samples: Float32Array): Int16Array<ArrayBuffer> {
  const out = new Int16Array(samples.length);
  for (let i = 0; i < out.length; i++) out[i] = Math.round(Math.min(1, Math.max(-1, samples[i]!)) * 32767);
  return out;
}

/** A WAV file of pieces of sound. Numbers in it are little-endian, as those of all
 * machines are on which browsers run. */
export function wav(pieces: Int16Array[], rate: number): ArrayBuffer {
  const length = pieces.reduce((sum, p) => sum + p.length, 0);
  const file = new ArrayBuffer(44 + 2 * length);
  const view = new DataView(file);
  const word = (at: number, text: string) => [...text].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  word(0, 'RIFF');
  view.setUint32(4, 36 + 2 * length, true);
  word(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, 'data');
  view.setUint32(40, 2 * length, true);
  const samples = new Int16Array(file, 44);
  let at = 0;
  for (const p of pieces) {
    samples.set(p, at);
    at += p.length;
  }
  return file;
}
