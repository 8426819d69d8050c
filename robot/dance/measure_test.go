package dance

import (
	"math"
	"testing"

	"samovar/robot/balance"
)

// waves is a speed that is least at each of the times.
func waves(times []float64, seconds, rate float64) []float64 {
	x := make([]float64, int(seconds*rate))
	for i := range x {
		at := float64(i) / rate
		for k := 1; k < len(times); k++ {
			if a, b := times[k-1], times[k]; at >= a && at < b {
				s := (at - a) / (b - a)
				x[i] = 30 * s * s * (1 - s) * (1 - s) / (b - a)
			}
		}
	}
	return x
}

func every(span, from, to float64) (out []float64) {
	for k := 0; from+float64(k)*span < to; k++ {
		out = append(out, from+float64(k)*span)
	}
	return out
}

// TestMotionBeats finds the minima of signals whose minima are known.
func TestMotionBeats(t *testing.T) {
	for _, span := range []float64{0.35, 0.5, 0.75} {
		want := every(span, 1, 21)
		got := MotionBeats(waves(want, 21, 250), 250)
		if len(got) < len(want)-3 || len(got) > len(want) {
			t.Fatalf("%g s: %d motion beats instead of %d", span, len(got), len(want))
		}
		for _, b := range got[1 : len(got)-1] {
			if d := math.Abs(math.Remainder(b-1, span)); d > 0.005 {
				t.Errorf("%g s: a motion beat at %g s, off by %g", span, b, d)
			}
		}
	}
	if got := MotionBeats(nil, 100); len(got) != 0 {
		t.Errorf("%v without a motion", got)
	}
}

// TestAlignment scores times whose distances are known.
func TestAlignment(t *testing.T) {
	music := every(0.5, 1, 30)
	shift := func(by float64) []float64 {
		out := make([]float64, len(music))
		for i, b := range music {
			out[i] = b + by
		}
		return out
	}
	one := math.Exp(-0.5)
	half := every(1, 1, 30)
	for name, c := range map[string]struct {
		motion         []float64
		overMusic, own float64
	}{
		"exact":          {music, 1, 1},
		"one σ late":     {shift(0.05), one, one},
		"one σ early":    {shift(-0.05), one, one},
		"every other":    {half, 0.5, 1},
		"twice as many":  {every(0.25, 1, 29.6), 1, 0.5},
		"off the beat":   {shift(0.25), 0, 0},
		"nothing at all": {nil, 0, 0},
	} {
		if got := Alignment(music, c.motion); math.Abs(got-c.overMusic) > 0.01 {
			t.Errorf("%s: %g over music beats instead of %g", name, got, c.overMusic)
		}
		if got := Alignment(c.motion, music); math.Abs(got-c.own) > 0.01 {
			t.Errorf("%s: %g over motion beats instead of %g", name, got, c.own)
		}
	}
}

// TestJudge scores speeds, from the first beat to the last.
func TestJudge(t *testing.T) {
	beats := every(0.5, 5, 25)
	speed := waves(every(0.5, 0, 30), 30, 100)
	got := Judge(speed, 100, beats)
	if got.Music < 0.99 || got.Motion < 0.99 || math.Abs(got.Speed-2) > 0.02 {
		t.Errorf("%+v", got)
	}
	if got := Judge(waves(every(0.5, 0.12, 30), 30, 100), 100, beats); got.Music > 0.1 || got.Motion > 0.1 {
		t.Errorf("120 ms late: %+v", got)
	}
	if got := Judge(speed, 100, nil); got != (Score{}) {
		t.Errorf("without beats: %+v", got)
	}
	if got := Judge(nil, 100, beats); got != (Score{}) {
		t.Errorf("without a motion: %+v", got)
	}
	if got := Speed([]float64{1, -2, 3}); got != 2 {
		t.Errorf("a mean of %g", got)
	}
}

// TestCalibrate measures a body that is late by what is known, and dances on the beat
// with what was measured.
func TestCalibrate(t *testing.T) {
	i := describe()
	d := Calibrating()
	m, err := New(d, i)
	if err != nil {
		t.Fatal(err)
	}
	const rate = 250.0
	for _, want := range []Lead{{0.03, 0.08}, {0.24, 0.12}, {0.002, 0.001}} {
		c := m.Calibrate(len(i.Joints), rate)
		for k := range int(m.Seconds() * rate) {
			c.Add(float64(k)/rate, follow(m, float64(k)/rate, want))
		}
		got, err := c.Lead()
		if err != nil || math.Abs(got.Joints-want.Joints) > 0.004 || math.Abs(got.Base-want.Base) > 0.015 {
			t.Errorf("%+v, %v instead of %+v", got, err, want)
		}
	}
	c := m.Calibrate(len(i.Joints), rate)
	for k := range 3000 {
		c.Add(float64(k)/rate, make([]float64, len(i.Joints)))
	}
	if got, err := c.Lead(); err == nil {
		t.Errorf("%+v of a body that does not move", got)
	}
}

// follow is the joint velocities of a body that does the motion late; legs go with the
// height of the centre of mass.
func follow(m *Motion, at float64, by Lead) []float64 {
	const h = 0.002
	x := [2]balance.Target{{Joints: neutral()}, {Joints: neutral()}}
	y := [2]balance.Target{{Joints: neutral()}, {Joints: neutral()}}
	for k := range x {
		m.Target(at-by.Joints+(float64(k)-0.5)*h, &x[k])
		m.Target(at-by.Base+(float64(k)-0.5)*h, &y[k])
	}
	v := make([]float64, len(x[0].Joints))
	for j := range v {
		v[j] = (x[1].Joints[j] - x[0].Joints[j]) / h
		if j < 12 {
			v[j] = 10 * (y[1].Sway[2] - y[0].Sway[2]) / h
		}
	}
	return v
}
