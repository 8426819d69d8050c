//go:build purego || !(amd64 || arm64)

package kernel

const generic = 0

var levels = []string{"generic"}

func detect() int { return generic }

func hasBF16() bool { return false }
