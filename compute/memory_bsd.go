//go:build unix && !linux

package compute

func advise([]byte) {}
