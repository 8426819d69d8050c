package song

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestPatterns holds each style's patterns to the length of its bar.
func TestPatterns(t *testing.T) {
	for _, s := range styles {
		for _, p := range []string{s.kick, s.snare, s.hat, s.extra, s.bass, s.comp, s.lead} {
			if len(p) != 4*s.meter && p != "" {
				t.Errorf("%s: a pattern of %d steps in a bar of %d", s.name, len(p), 4*s.meter)
			}
		}
	}
}

// TestCompose holds what a song says of itself to be so.
func TestCompose(t *testing.T) {
	for seed := range uint64(200) {
		s := Compose(seed, 60)
		if len(s.Beats) != s.Meter*len(s.Downbeats) || len(s.Beats) < 40 {
			t.Errorf("seed %d: %d beats in %d bars of %d", seed, len(s.Beats), len(s.Downbeats), s.Meter)
			continue
		}
		for i, b := range s.Beats {
			if i > 0 && (b-s.Beats[i-1] < 60/260. || b-s.Beats[i-1] > 60/50.) {
				t.Errorf("seed %d: beat %d is %.3f s after the one before", seed, i, b-s.Beats[i-1])
			}
			if i%s.Meter == 0 && b != s.Downbeats[i/s.Meter] {
				t.Errorf("seed %d: beat %d is not downbeat %d", seed, i, i/s.Meter)
			}
		}
		for _, at := range s.Sections {
			if !slices.Contains(s.Downbeats, at) {
				t.Errorf("seed %d: a section at %v is on no downbeat", seed, at)
			}
		}
		if !slices.IsSortedFunc(s.Notes, func(a, b Note) int { return int(math.Copysign(1, a.Start-b.Start)) }) && len(s.Notes) == 0 {
			t.Errorf("seed %d: %d notes, not in order", seed, len(s.Notes))
		}
	}
}

// TestGrid holds notes to lie on the grid of their beats: chords of a ballad on beats.
func TestGrid(t *testing.T) {
	s, err := ComposeIn("ballad", 3, 60)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range s.Notes {
		if n.Voice != Chord {
			continue
		}
		nearest := math.Inf(1)
		for _, b := range s.Beats {
			nearest = min(nearest, math.Abs(b-n.Start))
		}
		if nearest > 0.05 { // six standard deviations of the most careless player
			t.Errorf("a chord at %.3f s is %.3f s from any beat", n.Start, nearest)
		}
	}
}

// TestSame holds a seed to give the same song and sound, and another seed another.
func TestSame(t *testing.T) {
	a, b, c := Compose(7, 20), Compose(7, 20), Compose(8, 20)
	if !reflect.DeepEqual(a, b) || !reflect.DeepEqual(a.Render(8000), b.Render(8000)) {
		t.Error("a seed gives two songs")
	}
	if reflect.DeepEqual(a.Beats, c.Beats) {
		t.Error("two seeds give the same beats")
	}
}

func TestRender(t *testing.T) {
	s := Compose(11, 20)
	x := s.Render(16000)
	if len(x) != 20*16000 {
		t.Errorf("%d samples, want %d", len(x), 20*16000)
	}
	peak := 0.0
	for _, v := range x {
		peak = max(peak, math.Abs(float64(v)))
	}
	if !(math.Abs(peak-0.9) < 1e-6) {
		t.Errorf("a peak of %v, want 0.9", peak)
	}
}

func TestUnknownStyle(t *testing.T) {
	if _, err := ComposeIn("polka", 1, 60); err == nil || !strings.Contains(err.Error(), "musette") {
		t.Errorf("error %v, want the styles that there are", err)
	}
}
