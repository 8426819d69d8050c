import { describe, expect, it } from 'vitest';
import { momentOf, type Moment } from '../api/robot';
import { between, blend, fan, heading, Motion, pushOf, pushTowards } from './motion';

const half = Math.SQRT1_2;
const moment = (t: number, x = 0): Moment => momentOf({ t, poses: [x, 0, 1, 1, 0, 0, 0], mode: 'running' }, 1)!;

describe('blend', () => {
  it('goes half of the way', () => {
    const out = new Float64Array(7);
    blend(out, Float64Array.of(0, 0, 1, 1, 0, 0, 0), Float64Array.of(2, 4, 1, half, 0, 0, half), 0.5);
    const angle = Math.PI / 8; // half of a quarter turn, halved as quaternions have it
    for (const [i, want] of [1, 2, 1, Math.cos(angle), 0, 0, Math.sin(angle)].entries()) expect(out[i]).toBeCloseTo(want, 12);
  });

  it('goes the shorter way round', () => {
    const out = new Float64Array(7);
    blend(out, Float64Array.of(0, 0, 0, 1, 0, 0, 0), Float64Array.of(0, 0, 0, -half, 0, 0, -half), 0.5);
    expect(Math.abs(out[3]!)).toBeCloseTo(Math.cos(Math.PI / 8), 12);
  });

  it('ends where it is to end, for every body', () => {
    const a = Float64Array.from({ length: 14 }, (_, i) => (i % 7 === 3 ? 1 : 0));
    const b = Float64Array.from({ length: 14 }, (_, i) => (i % 7 === 4 ? 1 : i % 7 < 3 ? i : 0));
    const out = new Float64Array(14);
    blend(out, a, b, 1);
    expect([...out]).toEqual([...b]);
  });
});

describe('Motion', () => {
  it('is one interval late and moves evenly', () => {
    const motion = new Motion();
    const step = 1 / 30;
    for (let i = 0; i < 60; i++) motion.push(moment(i * step, i), 100 + i * step);
    const now = 100 + 59 * step;
    expect(motion.before!.poses[0]).toBe(58);
    expect(motion.share(now)).toBeCloseTo(0, 6);
    expect(motion.share(now + step / 2)).toBeCloseTo(0.5, 6);
    expect(motion.share(now + 5 * step)).toBe(1); // nothing came: it rests
    expect(motion.clock(now)).toBeCloseTo(59 * step, 6);
  });

  it.each([
    ['a clock that begins again', 0.1, 101.2],
    ['a pause', 5, 105],
    ['another clock', 1.1, 150],
  ])('does not blend over %s', (_, t, now) => {
    const motion = new Motion();
    motion.push(moment(1), 101);
    motion.push(moment(t), now);
    expect(motion.before).toBe(motion.last);
    expect(motion.share(now)).toBe(1);
  });
});

describe('directions', () => {
  it('knows where a body looks', () => {
    const a = 0.7;
    expect(heading(Float64Array.of(0, 0, 0, Math.cos(a / 2), 0, 0, Math.sin(a / 2)), 0)).toBeCloseTo(a, 12);
  });

  it.each([
    ['ahead', 0, 0, [5, 0]],
    ['to the left', Math.PI / 2, 0, [0, 5]],
    ['ahead when it looks to the left', 0, Math.PI / 2, [0, 5]],
  ] as const)('pushes %s', (_, angle, turned, want) => {
    const got = pushTowards(5, angle, turned);
    expect(got[0]).toBeCloseTo(want[0], 12);
    expect(got[1]).toBeCloseTo(want[1], 12);
  });

  it.each([
    ['up is away from the camera', 0, 0.165, 0, [10, 0]],
    ['right is to its right', 0.165, 0, 0, [0, -10]],
    ['whatever it looks at', 0.165, 0, Math.PI / 2, [10, 0]],
    ['and no push is stronger than the strongest', 0, 3, 0, [20, 0]],
    ['nor is there one without a drag', 0, 0, 1, [0, 0]],
  ] as const)('%s', (_, across, up, azimuth, want) => {
    const got = pushOf(across, up, azimuth);
    expect(got[0]).toBeCloseTo(want[0], 9);
    expect(got[1]).toBeCloseTo(want[1], 9);
  });

  it('is between two points', () => expect(between([0, 0, 0], [1, 2, 4], 0.25)).toEqual([0.25, 0.5, 1]));

  it.each([
    [0, []],
    [2, []],
    [3, [0, 1, 2]],
    [4, [0, 1, 2, 0, 2, 3]],
  ])('fills %i corners', (corners, want) => expect(fan(corners)).toEqual(want));
});

describe('momentOf', () => {
  it('takes no pose of another robot, and no number that is none', () => {
    expect(momentOf({ t: 1, poses: [1, 2, 3] }, 1)).toBeUndefined();
    expect(momentOf({ t: 1, poses: [0, 0, 0, 1, 0, 0, 'x'] }, 1)).toBeUndefined();
    expect(momentOf({ poses: [0, 0, 0, 1, 0, 0, 0] }, 1)).toBeUndefined();
    expect(momentOf('x', 1)).toBeUndefined();
  });

  it('does not take what it does not know for running', () => {
    expect(momentOf({ t: 1, poses: [] }, 0)!.mode).toBe('damping');
  });
});
