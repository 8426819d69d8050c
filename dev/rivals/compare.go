package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	"samovar/bench"
)

// engine measures one program at one test, in tokens a second.
type engine struct {
	name    string
	measure func(context.Context) (float64, error)
}

// test is what several engines are measured at, Samovar first.
type test struct {
	name    string
	engines []engine
}

// result is what an engine reached: medians, and how many times as fast the first
// engine was in the same round.
type result struct {
	name             string
	rate             float64
	ratio, low, high float64
}

// compare has all engines run in turn, round after round.
func compare(ctx context.Context, engines []engine, rounds int) (all []result, err error) {
	rates := make([]bench.Series, len(engines))
	for range rounds {
		for i, e := range engines {
			rate, err := e.measure(ctx)
			if err == nil && (!(rate > 0) || math.IsInf(rate, 0)) {
				err = fmt.Errorf("%v tokens/s are no rate", rate)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.name, err)
			}
			rates[i] = append(rates[i], rate)
		}
	}
	for i, e := range engines {
		var ratios bench.Series
		for round, rate := range rates[i] {
			ratios = append(ratios, rates[0][round]/rate)
		}
		all = append(all, result{e.name, rates[i].Median(), ratios.Median(), slices.Min(ratios), slices.Max(ratios)})
	}
	return all, nil
}
