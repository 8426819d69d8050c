// Package bench measures how fast the machine is and what share of that a model
// reaches. A shared machine is not the same from one minute to the next, so a
// ceiling and the work that is held against it are measured in turn, several times,
// and medians are quoted. It opens no files, prints nothing and judges nothing.
// Start with [Serve].
package bench

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"samovar/compute"
	"samovar/compute/kernel"
)

// Series is what one quantity was found to be, measurement after measurement.
type Series []float64

// Median returns the middle one, the mean of the two in the middle of an even
// number, and NaN of none.
func (s Series) Median() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted, n := slices.Sorted(slices.Values(s)), len(s)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Ceilings measures what all processors together can do at best.
type Ceilings struct {
	parts [][]byte // what each thread reads
	free  func()
}

// sweep is what is read to find the bandwidth, by all threads together: far more
// than any cache holds.
const sweep = 1 << 30

// NewCeilings takes a gigabyte of memory, in huge pages where the system grants
// them, as weights are.
func NewCeilings() (*Ceilings, error) {
	all, free, err := compute.HostMemory(sweep)
	if err != nil {
		return nil, fmt.Errorf("take memory to read: %w", err)
	}
	for i := 0; i < len(all); i += 4096 {
		all[i] = 1 // a page that was never written is not read from memory
	}
	threads := runtime.GOMAXPROCS(0)
	return &Ceilings{slices.Collect(slices.Chunk(all, (sweep+threads-1)/threads)), free}, nil
}

// Close gives the memory back.
func (c *Ceilings) Close() { c.free() }

// passes is how often the memory is read for one measurement, which then takes
// some tenth of a second.
const passes = 4

// Read measures how fast memory is read, in bytes a second.
func (c *Ceilings) Read() float64 {
	return rate(len(c.parts), func(i int) float64 {
		for range passes {
			kernel.ReadBytes(c.parts[i])
		}
		return float64(passes * len(c.parts[i]))
	})
}

// iterations keep a thread busy for some tenth of a second.
const iterations = 2_000_000

// FP32 measures fused multiply-adds, in operations a second, two for each.
func (c *Ceilings) FP32() float64 { return c.operations(kernel.MeasureFMA) }

// BF16 measures dot products of BF16; 0 without instructions for it.
func (c *Ceilings) BF16() float64 { return c.operations(kernel.MeasureBF16) }

// Int8 measures dot products of bytes; 0 in the generic implementation.
func (c *Ceilings) Int8() float64 { return c.operations(kernel.MeasureInt8) }

func (c *Ceilings) operations(measure func(int) float64) float64 {
	return rate(len(c.parts), func(int) float64 { return measure(iterations) })
}

// rate has each thread do a piece of work, and returns their units a second.
func rate(threads int, work func(thread int) (units float64)) (sum float64) {
	var all sync.WaitGroup
	units := make([]float64, threads)
	start := time.Now()
	for i := range threads {
		all.Go(func() { units[i] = work(i) })
	}
	all.Wait()
	for _, u := range units {
		sum += u
	}
	return sum / time.Since(start).Seconds()
}

// Against measures a ceiling and then how many units work does in a second, in
// turn, as often as repeats.
func Against(repeats int, ceiling func() float64, work func() (units float64, err error)) (rates, ceilings Series, err error) {
	for range repeats {
		ceilings = append(ceilings, ceiling())
		start := time.Now()
		units, err := work()
		if err != nil {
			return nil, nil, err
		}
		rates = append(rates, units/time.Since(start).Seconds())
	}
	return rates, ceilings, nil
}
