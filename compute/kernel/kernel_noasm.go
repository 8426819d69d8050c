//go:build purego || !amd64

package kernel

func detect() int { return generic }
