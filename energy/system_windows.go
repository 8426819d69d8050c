package energy

import (
	"os"

	"golang.org/x/sys/windows"
)

// cpuSeconds returns the processor time of this process.
func cpuSeconds() float64 {
	var created, exited, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(windows.CurrentProcess(), &created, &exited, &kernel, &user); err != nil {
		return 0
	}
	// A Filetime counts intervals of 100 ns.
	ticks := func(t windows.Filetime) float64 {
		return float64(uint64(t.HighDateTime)<<32 | uint64(t.LowDateTime))
	}
	return (ticks(kernel) + ticks(user)) / 1e7
}

func systemCPU() string { return os.Getenv("PROCESSOR_IDENTIFIER") }

func systemMemory() int64 { return 0 }
