package main

import (
	"math"

	"samovar/robot/balance"
)

// motions are what a trial may do, beside dancing.
var motions = map[string]balance.Motion{
	"still": balance.Still{},
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
