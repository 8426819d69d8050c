//go:build !purego

package kernel

//go:noescape
func widenHalvesAVX2(dst *float32, src *byte, n int)

//go:noescape
func widenHalvesAVX512(dst *float32, src *byte, n int)

//go:noescape
func widenKeysAVX2(dst *float32, src *byte, bricks int)

//go:noescape
func widenKeysAVX512(dst *float32, src *byte, bricks int)

//go:noescape
func widenRowsAVX2(dst *float32, src *byte, bricks int)

//go:noescape
func widenRowsAVX512(dst *float32, src *byte, bricks int)

//go:noescape
func narrowAVX2(dst *uint16, src *float32, n int)

func narrow(halves *[brick]uint16, x []float32) {
	if level < avx2 || len(x)%8 != 0 {
		narrowGeneric(halves, x)
		return
	}
	narrowAVX2(&halves[0], &x[0], len(x))
}

func quantize32(codes *[brick]int8, x []float32) float32 {
	if level < avx2 || len(x) < brick {
		return quantize32Generic(codes, x)
	}
	var scale blockScale
	quantizeSums(&codes[0], &scale, &x[0], 1, 0)
	return scale.d
}

func widenHalves(dst []float32, src []byte) {
	switch {
	case level < avx2 || len(dst) == 0:
		widenHalvesGeneric(dst, src)
	case level < avx512:
		widenHalvesAVX2(&dst[0], &src[0], len(dst))
	default:
		widenHalvesAVX512(&dst[0], &src[0], len(dst))
	}
}

func widenBricks(dst []float32, src []byte, arrangement, width int) {
	if level < avx2 || width == 0 || width%brick != 0 {
		widenBricksGeneric(dst, src, arrangement, width)
		return
	}
	widen := widenRowsAVX2
	switch {
	case arrangement == Columns && level >= avx512:
		widen = widenKeysAVX512
	case arrangement == Columns:
		widen = widenKeysAVX2
	case level >= avx512:
		widen = widenRowsAVX512
	}
	widen(&dst[0], &src[0], PageKeys/arrangement*width/brick)
}
