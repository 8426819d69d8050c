//go:build !amd64 || purego

package kernel

func dots(dst, x, rows []float32, stride int) { dotsEach(dst, x, rows, stride) }

func addRows(y, a, rows []float32, stride int) { addRowsEach(y, a, rows, stride) }
