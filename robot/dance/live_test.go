package dance

import (
	"math"
	"math/rand/v2"
	"testing"

	"samovar/robot/balance"
	"samovar/robot/music/song"
)

// listening has a robot dance to samples as they sound, at 250 Hz, and returns the mean
// joint speed of each tick and what was shown at its end; see may look at each.
func listening(t *testing.T, l *Live, samples []float32, rate int, see func(at float64, to *balance.Target)) (speed []float64) {
	t.Helper()
	const ticks, chunk = 250, 1024
	var last []float64
	sent := 0
	for k := 0; k < len(samples)*ticks/rate; k++ {
		at := float64(k) / ticks
		var to balance.Target
		for d := -1; d <= 1; d++ { // as a controller looks
			x := balance.Target{Joints: neutral()}
			if l.Target(at+0.01*float64(d), &x); d == 0 {
				to = x
			}
		}
		sum := 0.0
		for i := range last {
			sum += math.Abs(to.Joints[i]-last[i]) * ticks / float64(len(last))
		}
		last = to.Joints
		speed = append(speed, sum)
		see(at, &to)
		for sent+chunk <= int(at*float64(rate)) {
			l.Hear(samples[sent:sent+chunk], at-float64(sent+chunk)/float64(rate))
			sent += chunk
		}
	}
	return speed
}

// TestLive holds dances to what is heard to the beats of songs of which they are known,
// to smoothness, and to the stance in which they begin and end.
func TestLive(t *testing.T) {
	const rate = 24000
	for _, seed := range []uint64{100, 103, 107} {
		s := song.Compose(seed, 30)
		samples := append(s.Render(rate), make([]float32, 12*rate)...) // the song stops
		l, err := NewLive(describe(), rate, seed)
		if err != nil {
			t.Fatal(err)
		}
		var before, now *balance.Target
		began, ended, sharpest := 0.0, 0.0, 0.0
		speed := listening(t, l, samples, rate, func(at float64, to *balance.Target) {
			f := l.Following()
			if f.Dancing && began == 0 {
				began = at
			}
			if f.Dancing {
				ended = at
			}
			for i := range to.Joints {
				if before != nil {
					sharpest = max(sharpest, math.Abs(to.Joints[i]-2*now.Joints[i]+before.Joints[i])*250*250)
				}
			}
			before, now = now, to
		})
		for i, q := range now.Joints {
			if math.Abs(q-stance[i]) > 1e-9 || now.Sway.Norm() > 0 || now.March || now.Mark != [2]float64{} {
				t.Fatalf("song %d: in the end joint %d is at %g: %+v", seed, i, q, now)
			}
		}
		if began == 0 || began > 15 || ended < 30 || ended > 34 {
			t.Errorf("song %d of 30 s: it dances from %.1f to %.1f s", seed, began, ended)
		}
		if sharpest > 60 {
			t.Errorf("song %d: a joint accelerates by %.0f rad/s²", seed, sharpest)
		}
		var beats []float64
		for _, b := range s.Beats {
			if b > began+3 && b < 30 {
				beats = append(beats, b)
			}
		}
		got := Judge(speed, 250, beats)
		t.Logf("song %d, %.0f beats a minute: dances from %.1f to %.1f s, %d beats; alignment over music %.2f, over motion %.2f, speed %.2f rad/s, sharpest %.0f rad/s²",
			seed, 60*float64(len(s.Beats)-1)/(s.Beats[len(s.Beats)-1]-s.Beats[0]), began, ended, l.Following().Beat, got.Music, got.Motion, got.Speed, sharpest)
		if got.Music < 0.5 || got.Motion < 0.5 {
			t.Errorf("song %d: beat alignment %+v", seed, got)
		}
	}
}

// TestLiveStands holds that to silence, to noise and to what cannot be sound it stands.
func TestLiveStands(t *testing.T) {
	const rate = 24000
	r := rand.New(rand.NewPCG(1, 2))
	for name, sound := range map[string]func(i int) float64{
		"silence":      func(int) float64 { return 0 },
		"noise":        func(int) float64 { return 0.1 * r.NormFloat64() },
		"what is none": func(i int) float64 { return math.Inf(i%2*2 - 1) },
	} {
		samples := make([]float32, 15*rate)
		for i := range samples {
			samples[i] = float32(sound(i))
		}
		l, err := NewLive(describe(), rate, 1)
		if err != nil {
			t.Fatal(err)
		}
		listening(t, l, samples, rate, func(at float64, to *balance.Target) {
			if to.Sway.Norm() > 0 || to.Joints[20] != stance[20] {
				t.Fatalf("%s: at %g s it is to look like %+v", name, at, to)
			}
		})
		if f := l.Following(); f.Dancing || f.Beat > 0 || math.IsNaN(f.Tempo) {
			t.Errorf("%s: it follows %+v", name, f)
		}
	}
	if _, err := NewLive(describe(), 0, 1); err == nil {
		t.Error("sound of 0 Hz is heard")
	}
}
