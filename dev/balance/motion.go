package main

import (
	"math"

	"samovar/robot/balance"
)

// motions are what a trial may do.
var motions = map[string]balance.Motion{
	"still": balance.Still{},
	"dance": motion(dance),
	"march": motion(func(at float64, to *balance.Target) { to.March = at > 2 }),
	"turn": motion(func(at float64, to *balance.Target) {
		if at > 2 {
			to.Heading = math.Min(math.Pi, 0.3*(at-2))
		}
	}),
	"walk": motion(func(at float64, to *balance.Target) {
		if at > 2 && at < 20 {
			to.Mark = [2]float64{0.5, 0.2}
		}
	}),
}

type motion func(at float64, to *balance.Target)

func (m motion) Target(at float64, to *balance.Target) { m(at, to) }

// dance sways, bounces and moves the arms at 120 beats a minute.
func dance(at float64, to *balance.Target) {
	grow := min(1, at/3)
	grow *= grow * (3 - 2*grow)
	w := 2 * math.Pi * 2.0
	to.Sway[1] = grow * 0.04 * math.Sin(w/4*at)
	to.Sway[2] = grow * 0.02 * (math.Cos(w*at) - 1) / 2
	to.Pelvis[2] = grow * 0.1 * math.Sin(w/4*at)
	s, c := math.Sincos(w / 2 * at)
	to.Joints[12] += grow * 0.3 * s
	for k, arm := range [2]int{15, 22} {
		side := float64(1 - 2*k)
		to.Joints[arm] += grow * (-0.8 + side*0.8*s)
		to.Joints[arm+1] += grow * side * (0.5 + 0.3*c)
		to.Joints[arm+3] += grow * side * 0.5 * c
	}
}
