// Hands what a microphone hears to the page, in pieces. It runs where sound is made, which
// has a world of its own.
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: typeof AudioWorkletProcessor): void;

/** Samples of a piece: 43 ms at 24 kHz, 21 at 48. */
const piece = 1024;

class Tap extends AudioWorkletProcessor {
  private samples = new Float32Array(piece);
  private count = 0;

  process([input]: Float32Array[][]): boolean {
    const heard = input?.[0];
    for (let i = 0; heard && i < heard.length; i++) {
      this.samples[this.count++] = heard[i]!;
      if (this.count < piece) continue;
      this.port.postMessage(this.samples, [this.samples.buffer]);
      this.samples = new Float32Array(piece);
      this.count = 0;
    }
    return true;
  }
}

registerProcessor('tap', Tap);
