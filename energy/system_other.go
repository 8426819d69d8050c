//go:build !darwin && !windows

package energy

// What proc does not say, nobody does.

func systemCPU() string { return "" }

func systemMemory() int64 { return 0 }
