package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"samovar/robot/referee"
	"samovar/robot/score"
)

// print prints what came of all runs.
func print(w io.Writer, t *trial, first uint64, all []result) {
	falls, n := 0, 0
	var ticks []float64
	var counts referee.Counts
	drift, tilt, speed, torque, factor, steps := 0.0, 0.0, 0.0, 0.0, 0.0, 0
	for k := range all {
		r := &all[k]
		if r.err != nil {
			fmt.Fprintln(w, r.err)
			continue
		}
		n++
		if r.Fell {
			falls++
			fmt.Fprintf(w, "seed %d fell at %.2f s: %s (%s)\n", first+uint64(k), r.last, r.Why, r.stop)
			for _, event := range r.story {
				fmt.Fprintf(w, "    %s\n", event)
			}
		} else if r.stop != "" {
			fmt.Fprintf(w, "seed %d: %s\n", first+uint64(k), r.stop)
		}
		ticks = append(ticks, r.Thought...)
		counts.Add(&r.Counts)
		drift, tilt, speed, steps = max(drift, r.Drift), max(tilt, r.Tilt), max(speed, r.Error), steps+r.Steps
		torque, factor = max(torque, r.Worst.Torque), factor+r.Realtime
	}
	if n == 0 {
		return
	}
	for k := range all {
		r := &all[k]
		switch {
		case t.stop == "kneel":
			fmt.Fprintf(w, "seed %d: touched at %.2f m/s, %d parts on the floor; tilt %.2f rad\n", first+uint64(k), r.stopped.touch, r.stopped.knees, r.Tilt)
		case t.stop == "stance" && r.Stable != nil:
			fmt.Fprintf(w, "seed %d: stable after %.2f s; tilt %.2f rad\n", first+uint64(k), *r.Stable, r.Tilt)
		case t.stop == "stance":
			fmt.Fprintf(w, "seed %d: it did not come to a stable stance; tilt %.2f rad\n", first+uint64(k), r.Tilt)
		}
	}
	slices.Sort(ticks)
	low, high := score.Interval(falls, n)
	fmt.Fprintf(w, "%s %s push %g vary %v: %d falls of %d runs (95 %%: %.0f to %.0f %%), %d steps, drift %.2f m, tilt %.2f rad, velocity error %.3f m/s, torque %.2f\n",
		t.Model[strings.LastIndex(t.Model, "/")+1:], t.motion, t.Push, t.Vary, falls, n, 100*low, 100*high, steps, drift, tilt, speed, torque)
	fmt.Fprintf(w, "  commands beyond position %d velocity %d torque %d; steps saturated %d beyond %d fast %d self %d; tick %.0f µs, p99 %.0f µs; %.1f times real time\n",
		counts.Position, counts.Velocity, counts.Torque, counts.Saturated, counts.Beyond, counts.Fast, counts.Self, 1e6*ticks[len(ticks)/2], 1e6*ticks[len(ticks)*99/100], factor/float64(n))
}
