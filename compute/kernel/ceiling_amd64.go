//go:build !purego

package kernel

//go:noescape
func measureAVX2(iterations int)

//go:noescape
func measureAVX512(iterations int)

//go:noescape
func measureBF16AVX512(iterations int)

//go:noescape
func measureInt8AVX2(iterations int)

//go:noescape
func measureInt8AVX512(iterations int)

func measureFMA(iterations int) float64 {
	switch n := max(iterations, 1); {
	case level >= avx512f:
		measureAVX512(n)
		return float64(n) * 24 * 16 * 2
	case level >= avx2:
		measureAVX2(n)
		return float64(n) * 12 * 8 * 2
	}
	return measureFMAGeneric(iterations)
}

func measureBF16(iterations int) float64 {
	if level < avx512bf16 {
		return 0
	}
	n := max(iterations, 1)
	measureBF16AVX512(n)
	return float64(n) * 24 * 32 * 2
}

func measureInt8(iterations int) float64 {
	switch n := max(iterations, 1); {
	case level >= avx512:
		measureInt8AVX512(n)
		return float64(n) * 24 * 64 * 2
	case level >= avx2:
		measureInt8AVX2(n)
		return float64(n) * 12 * 32 * 2
	}
	return 0
}
