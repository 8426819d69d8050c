// How the robot moves between the moments that arrive, and what directions mean.
// Pure functions of numbers; scene.ts shows them.
import type { Moment, Point } from '../api/robot';

/** Blends two poses into out; both have seven numbers a body. Positions go
 * straight, orientations the shorter way round (normalised, because a thirtieth of
 * a second turns by so little that this is as good as the true arc). */
export function blend(out: Float64Array, a: Float64Array, b: Float64Array, share: number): void {
  for (let i = 0; i + 6 < out.length; i += 7) {
    for (let k = i; k < i + 3; k++) out[k] = a[k]! + (b[k]! - a[k]!) * share;
    let dot = 0;
    for (let k = i + 3; k < i + 7; k++) dot += a[k]! * b[k]!;
    const sign = dot < 0 ? -1 : 1;
    let norm = 0;
    for (let k = i + 3; k < i + 7; k++) {
      out[k] = a[k]! + (sign * b[k]! - a[k]!) * share;
      norm += out[k]! ** 2;
    }
    norm = Math.sqrt(norm) || 1;
    for (let k = i + 3; k < i + 7; k++) out[k]! /= norm;
  }
}

/** between is a point on the way from a to b. */
export const between = (a: Point, b: Point, share: number): Point => [
  a[0] + (b[0] - a[0]) * share,
  a[1] + (b[1] - a[1]) * share,
  a[2] + (b[2] - a[2]) * share,
];

/** Shows the robot one interval late, so that there is always a moment to move
 * towards. Times are in seconds. */
export class Motion {
  before?: Moment;
  last?: Moment;
  /** This clock minus the robot's, smoothed over what the network adds. */
  private offset = 0;
  private interval = 1 / 30;

  push(m: Moment, now: number) {
    const offset = now - m.t;
    const step = this.last ? m.t - this.last.t : 0;
    // A clock that jumps, a pause, or another robot: nothing to blend with.
    if (!this.last || step <= 0 || step > 0.5 || Math.abs(offset - this.offset) > 0.5 || this.last.poses.length !== m.poses.length) {
      this.before = this.last = m;
      this.offset = offset;
      return;
    }
    this.offset += (offset - this.offset) * 0.1;
    this.interval += (step - this.interval) * 0.1;
    this.before = this.last;
    this.last = m;
  }

  /** How far it is from the moment before to the last, 0 to 1. */
  share(now: number): number {
    if (!this.before || !this.last || this.before === this.last) return 1;
    const t = now - this.offset - this.interval;
    return Math.min(1, Math.max(0, (t - this.before.t) / (this.last.t - this.before.t)));
  }

  /** The robot's clock, as it is where the events come from. */
  clock(now: number): number {
    return now - this.offset;
  }
}

/** The heading of a body: how far it is turned about the vertical. */
export function heading(poses: Float64Array, body: number): number {
  const [w, x, y, z] = poses.subarray(7 * body + 3, 7 * body + 7) as unknown as [number, number, number, number];
  return Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z));
}

/** N·s: what the page may push with. */
export const strongest = 20;

/** The push of so many N·s towards an angle from the robot's own ahead, in the
 * world's axes. */
export const pushTowards = (strength: number, angle: number, heading: number): [number, number] => [
  strength * Math.cos(heading + angle),
  strength * Math.sin(heading + angle),
];

/** The push that a drag over the picture means. across and up are the drag as shares
 * of the picture's height; azimuth is where the camera looks, an angle about the
 * vertical. A third of the height is the strongest push. */
export function pushOf(across: number, up: number, azimuth: number): [number, number] {
  const [c, s] = [Math.cos(azimuth), Math.sin(azimuth)];
  // Ahead of the camera is (c, s), to its right (s, -c).
  let [x, y] = [up * c + across * s, up * s - across * c];
  const length = Math.hypot(x, y);
  const strength = Math.min(strongest, (length * strongest) / 0.33);
  if (length > 0) [x, y] = [(x / length) * strength, (y / length) * strength];
  return [x, y];
}

/** The triangles of a convex polygon, as indices of its corners. */
export const fan = (corners: number): number[] => Array.from({ length: Math.max(0, corners - 2) }, (_, i) => [0, i + 1, i + 2]).flat();
