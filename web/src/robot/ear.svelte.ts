// The page's microphone, to which the robot dances.
import * as api from '../api/robot';
import { faultOf, open, type Fault, type Microphone } from './microphone';
import { pcm } from './wave';

class Ear {
  state = $state<'off' | 'opening' | 'on'>('off');
  fault = $state<Fault>();

  private turn = 0; // grows with each start and end
  private microphone: Microphone | undefined;
  private link: WebSocket | undefined;

  async start() {
    this.end();
    const mine = this.turn;
    this.state = 'opening';
    this.fault = undefined;
    let microphone: Microphone;
    try {
      microphone = await open('music', (samples) => this.send(mine, samples));
    } catch (e) {
      if (mine === this.turn) this.fail(faultOf(e));
      return;
    }
    if (mine !== this.turn) return microphone.end();
    this.microphone = microphone;
    this.link = api.microphone(microphone.rate, microphone.ago);
    this.link.onopen = () => mine === this.turn && (this.state = 'on');
    this.link.onclose = (e) => {
      if (mine !== this.turn) return;
      // The robot does something else, or the link is lost.
      if (e.reason === 'ended' || e.reason === 'stopped') this.end();
      else this.fail(e.reason === 'another' ? 'another' : 'lost');
    };
  }

  /** What waits to be sent is late: a link that is too slow loses sound. */
  private send(mine: number, samples: Float32Array) {
    const link = this.link;
    if (mine === this.turn && link?.readyState === WebSocket.OPEN && link.bufferedAmount < 1 << 16) link.send(pcm(samples));
  }

  private fail(fault: Fault) {
    this.end();
    this.fault = fault;
  }

  /** The robot goes back to its stance. */
  end() {
    this.turn++;
    this.state = 'off';
    this.microphone?.end();
    this.link?.close();
    this.microphone = this.link = undefined;
  }
}

export const ear = new Ear();
