//go:build !purego

package kernel

//go:noescape
func measureFMANEON(iterations int)

//go:noescape
func measureInt8NEON(iterations int)

//go:noescape
func measureInt8Dot(iterations int)

//go:noescape
func measureInt8I8MM(iterations int)

func measureFMA(iterations int) float64 {
	if level < neon {
		return measureFMAGeneric(iterations)
	}
	n := max(iterations, 1)
	measureFMANEON(n)
	return float64(n) * 24 * 4 * 2
}

func measureBF16(int) float64 { return 0 }

func measureInt8(iterations int) float64 {
	switch n := max(iterations, 1); {
	case level >= neonI8MM:
		measureInt8I8MM(n)
		return float64(n) * 24 * 32 * 2
	case level >= neonDot:
		measureInt8Dot(n)
		return float64(n) * 24 * 16 * 2
	case level >= neon:
		measureInt8NEON(n)
		return float64(n) * 12 * 16 * 2
	}
	return 0
}
