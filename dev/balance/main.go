// Command balance lets simulated robots stand, move and be pushed, and prints how
// often they fall, with intervals:
//
//	go run ./dev/balance -runs 50 -push 10 -vary
//
// It refuses to guess where a body is: `make robot` builds one. Start with run.
package main

import (
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"

	"samovar/robot/referee"
	"samovar/robot/safety"
	"samovar/robot/score"
)

// trial is what a run is made of.
type trial struct {
	model   string
	seed    uint64
	seconds float64
	push    float64 // N·s
	every   float64 // s
	vary    bool
	motion  string
	rate    int
	lead    [2]float64 // s: of joints and base, see dance.Lead
	tempo   [2]float64 // of songs that are danced to, beats a minute, least and greatest
	clip    string     // path of a dance that somebody danced
	hear    bool       // dance to what is heard of a song, not to its true beats
	stop    string     // "stance" or "kneel": the button, once or twice
	trace   string     // path of a CSV file
	plot    string     // path of an SVG file
	extra   []string
}

// result is what came of it.
type result struct {
	fell    float64 // s; 0: not at all
	why     string
	stop    string // when the supervisor first stopped it, and why
	truth   *referee.Truth
	report  safety.Report
	ticks   []float64 // processor time of each tick, s
	steps   int
	factor  float64  // times real time, of body and control together
	story   []string // what happened last, newest last
	speed   float64  // error of the estimated velocity, root of the mean square, m/s
	tilt    float64  // greatest, rad
	stopped stopped
	drift   float64 // greatest, m
	dance   *dancing
	err     error
}

var feet = [2]string{"left_ankle_roll_link", "right_ankle_roll_link"}

func main() {
	log.SetFlags(0)
	log.SetPrefix("balance: ")
	var t trial
	flag.StringVar(&t.model, "model", "own", "own, or the path of an MJCF file")
	flag.Float64Var(&t.seconds, "seconds", 30, "of a run")
	flag.Float64Var(&t.push, "push", 0, "impulse of pushes, N·s")
	flag.Float64Var(&t.every, "every", 3, "time between them, s")
	flag.BoolVar(&t.vary, "vary", false, "friction 0.5 to 1.2, mass ± 10 %, 20 ms delay, noise 1, slope of 2°")
	flag.StringVar(&t.motion, "motion", "still", "still, dance, clip, calibrate, march, speak, turn or walk")
	flag.Float64Var(&t.tempo[0], "slowest", 80, "tempo of songs that are danced to, beats a minute")
	flag.Float64Var(&t.tempo[1], "fastest", 150, "likewise, at most")
	flag.StringVar(&t.clip, "clip", "", "a CSV or BVH file to dance, with -motion clip")
	flag.Float64Var(&t.lead[0], "lead-joints", 0, "by how much a dance is ahead of the music, s: joints")
	flag.Float64Var(&t.lead[1], "lead-base", 0, "likewise: centre of mass and pelvis")
	flag.BoolVar(&t.hear, "hear", false, "dance to what is heard of the rendered song, not to its true beats")
	flag.IntVar(&t.rate, "rate", 250, "Hz")
	flag.StringVar(&t.trace, "trace", "", "a CSV file for the course of the first run")
	flag.StringVar(&t.stop, "stop", "", "stance or kneel: the button, 3 s before the end")
	flag.StringVar(&t.plot, "plot", "", "an SVG file for the last 3 s of the first run")
	extra := flag.String("body", "", "further arguments of the body, separated by spaces")
	runs := flag.Int("runs", 8, "how many")
	first := flag.Uint64("seed", 1, "of the first run")
	workers := flag.Int("workers", runtime.GOMAXPROCS(0), "runs at a time")
	flag.Parse()
	t.extra = strings.Fields(*extra)
	all := make([]result, *runs)
	var group sync.WaitGroup
	next := make(chan int)
	for range *workers {
		group.Go(func() {
			for k := range next {
				one := t
				one.seed = *first + uint64(k)
				if k > 0 {
					one.trace, one.plot = "", ""
				}
				all[k] = run(one)
				log.Printf("seed %d: %d ticks, fell %.2f %v", one.seed, len(all[k].ticks), all[k].fell, all[k].err) // a long series may be cut off
			}
		})
	}
	for k := range all {
		next <- k
	}
	close(next)
	group.Wait()
	print(os.Stdout, &t, *first, all)
	printDances(os.Stdout, t.rate, all)
}

// arguments are those of the body.
func (t *trial) arguments(r *rand.Rand) []string {
	args := append([]string{"--lockstep", "--seed", fmt.Sprint(t.seed)}, score.Standing(t.model)...)
	if t.vary {
		args = append(args, "--friction", fmt.Sprint(0.5+0.7*r.Float64()), "--mass", fmt.Sprint(0.9+0.2*r.Float64()),
			"--delay", "20", "--noise", "1", "--slope", "2", "--uphill", fmt.Sprint(360*r.Float64()))
	}
	return append(args, t.extra...)
}
