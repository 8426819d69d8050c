// The microphone, as far as the browser gives it.
import worklet from './tap.worklet?worker&url';

/** Why there is no microphone, or no more. */
export type Fault = 'denied' | 'missing' | 'insecure' | 'lost' | 'another';

export interface Microphone {
  /** Samples a second. */
  rate: number;
  /** Seconds from the air to the page, as far as the browser knows. */
  ago: number;
  end: () => void;
}

/** Samples a second that the robot listens to at most. */
const fastest = 48000;

/** Opens the microphone for speech, cleaned by the browser, or for music, as it is; and
 * gives what it hears in pieces of some 20 ms. Throws a Fault. */
export async function open(what: 'speech' | 'music', hear: (samples: Float32Array) => void): Promise<Microphone> {
  if (!window.isSecureContext || !navigator.mediaDevices) throw 'insecure' satisfies Fault;
  const clean = what === 'speech';
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: clean, noiseSuppression: clean, autoGainControl: clean } });
  } catch (e) {
    throw (e instanceof DOMException && e.name === 'NotAllowedError' ? 'denied' : 'missing') satisfies Fault;
  }
  let context = new AudioContext({ latencyHint: 'interactive' });
  if (context.sampleRate > fastest) {
    void context.close();
    context = new AudioContext({ latencyHint: 'interactive', sampleRate: fastest });
  }
  const end = () => {
    for (const track of stream.getTracks()) track.stop();
    void context.close().catch(() => {});
  };
  try {
    await context.audioWorklet.addModule(worklet);
    await context.resume();
    const tap = new AudioWorkletNode(context, 'tap', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
    tap.port.onmessage = (e: MessageEvent<Float32Array>) => hear(e.data);
    context.createMediaStreamSource(stream).connect(tap);
    const { latency } = stream.getAudioTracks()[0]!.getSettings() as { latency?: number };
    return { rate: context.sampleRate, ago: Math.min(0.5, Math.max(0, latency ?? 0)), end };
  } catch (e) {
    end();
    throw e;
  }
}

const faults: unknown[] = ['denied', 'missing', 'insecure', 'lost', 'another'] satisfies Fault[];

export const faultOf = (e: unknown): Fault => (faults.includes(e) ? (e as Fault) : 'missing');
