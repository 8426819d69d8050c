// Command balance lets simulated robots stand, move and be pushed, and prints how
// often they fall, with intervals:
//
//	go run ./dev/balance -runs 50 -push 10 -vary
//
// It refuses to guess where a body is: `make robot` builds one. Start with run.
package main

import (
	"flag"
	"log"
	"os"
	"runtime"
	"strings"
	"sync"

	"samovar/robot/score"
)

// trial is what a run is made of.
type trial struct {
	score.Trial
	motion string
	lead   [2]float64 // s: of joints and base, see dance.Lead
	tempo  [2]float64 // of songs that are danced to, beats a minute, least and greatest
	hear   bool       // dance to what is heard of a song, not to its true beats
	stop   string     // "stance" or "kneel": the button, once or twice
	trace  string     // path of a CSV file
	plot   string     // path of an SVG file
}

// result is what came of it.
type result struct {
	score.Result
	last    float64  // tick's time on the body's clock, s
	stop    string   // when the supervisor first stopped it, and why
	story   []string // what happened last, newest last
	stopped stopped
	dance   *dancing
	err     error
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("balance: ")
	var t trial
	flag.StringVar(&t.Model, "model", "own", "own, or the path of an MJCF file")
	flag.Float64Var(&t.Seconds, "seconds", 30, "of a run")
	flag.Float64Var(&t.Push, "push", 0, "impulse of pushes, N·s")
	flag.Float64Var(&t.Every, "every", 3, "time between them, s")
	flag.BoolVar(&t.Vary, "vary", false, "friction 0.5 to 1.2, mass ± 10 %, 20 ms delay, noise 1, slope of 2°")
	flag.StringVar(&t.motion, "motion", "still", "still, dance, calibrate, march, speak, turn or walk")
	flag.Float64Var(&t.tempo[0], "slowest", 80, "tempo of songs that are danced to, beats a minute")
	flag.Float64Var(&t.tempo[1], "fastest", 150, "likewise, at most")
	flag.Float64Var(&t.lead[0], "lead-joints", 0, "by how much a dance is ahead of the music, s: joints")
	flag.Float64Var(&t.lead[1], "lead-base", 0, "likewise: centre of mass and pelvis")
	flag.BoolVar(&t.hear, "hear", false, "dance to what is heard of the rendered song, not to its true beats")
	flag.IntVar(&t.Rate, "rate", 250, "Hz")
	flag.StringVar(&t.trace, "trace", "", "a CSV file for the course of the first run")
	flag.StringVar(&t.stop, "stop", "", "stance or kneel: the button, 6 s before the end")
	flag.StringVar(&t.plot, "plot", "", "an SVG file for the last 3 s of the first run")
	extra := flag.String("body", "", "further arguments of the body, separated by spaces")
	runs := flag.Int("runs", 8, "how many")
	first := flag.Uint64("seed", 1, "of the first run")
	workers := flag.Int("workers", runtime.GOMAXPROCS(0), "runs at a time")
	flag.Parse()
	t.Extra = strings.Fields(*extra)
	if t.stop == "stance" {
		t.Stop = t.Seconds - before
	}
	all := make([]result, *runs)
	var group sync.WaitGroup
	next := make(chan int)
	for range *workers {
		group.Go(func() {
			for k := range next {
				one := t
				one.Seed = *first + uint64(k)
				if k > 0 {
					one.trace, one.plot = "", ""
				}
				all[k] = run(one)
				log.Printf("seed %d: %d ticks, fell: %q %v", one.Seed, len(all[k].Thought), all[k].Why, all[k].err) // a long series may be cut off
			}
		})
	}
	for k := range all {
		next <- k
	}
	close(next)
	group.Wait()
	print(os.Stdout, &t, *first, all)
	printDances(os.Stdout, t.Rate, all)
}
