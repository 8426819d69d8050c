// Package energy reads how much energy this machine has used, and says of each
// reading whether it was measured or estimated; it also describes the machine.
//
// It refuses to give a reading without its method, and never takes an estimate
// for a measurement.
//
// Start with [Open] and [ThisMachine].
package energy

import (
	"context"
	"fmt"
	"sync"
	"time"

	"samovar"
)

// Config says where the system's files are.
type Config struct {
	Root string // folder that holds proc and sys; "" is /
}

// assumedWatts is taken for one hardware thread of a CPU that is not in the
// table: the median of the table's watts per thread, rounded to half a watt.
const assumedWatts = 3.5

// sampleEvery is how often counters that wrap are read when nobody asks. The
// smallest known range, 65.5 kJ, lasts 131 s at 500 W.
const sampleEvery = 20 * time.Second

// Meter adds up the best counter that the machine has. It may be used by
// several goroutines.
type Meter struct {
	method string
	mu     sync.Mutex
	source func() float64 // joules since the meter was opened
	last   float64
}

var _ samovar.Meter = (*Meter)(nil)

// Open returns a meter that starts at zero: the processors' own energy
// counters (RAPL) where they can be read, which count the whole machine, or
// else an estimate of what this process and its ended children have used.
// Counters that wrap are watched until ctx is done.
func Open(ctx context.Context, c Config) *Meter {
	if domains := openRAPL(c.root()); len(domains) > 0 {
		m := &Meter{method: "measured (RAPL)", source: domains.joules}
		go m.watch(ctx)
		return m
	}
	start := cpuSeconds()
	watts, method := estimate(cpuModel(c.root()))
	return &Meter{method: method, source: func() float64 { return watts * (cpuSeconds() - start) }}
}

// Read returns the joules since Open. A reading never falls.
func (m *Meter) Read() samovar.Energy {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = max(m.last, m.source())
	return samovar.Energy{Joules: m.last, Method: m.method}
}

func (m *Meter) watch(ctx context.Context) {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.Read()
		}
	}
}

// estimate returns the watts of one busy hardware thread and what the reading
// is to be called. A CPU at full load is taken to use its thermal design power
// (TDP), shared evenly by its threads; what it uses when idle, and memory and
// fans, are left out.
func estimate(model string) (watts float64, method string) {
	if c, ok := known(model); ok {
		return c.watts / float64(c.threads), fmt.Sprintf("estimated (TDP %g W / %d threads × load)", c.watts, c.threads)
	}
	return assumedWatts, fmt.Sprintf("estimated (TDP of %g W per thread assumed × load)", assumedWatts)
}
