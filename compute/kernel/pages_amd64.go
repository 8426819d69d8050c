//go:build !purego

package kernel

//go:noescape
func widenHalvesAVX2(dst *float32, src *byte, n int)

//go:noescape
func widenColumnsAVX2(dst *float32, src *byte, bricks int)

//go:noescape
func widenRowsAVX2(dst *float32, src *byte, bricks int)

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
	if level < avx2 || len(dst) == 0 {
		widenHalvesGeneric(dst, src)
		return
	}
	widenHalvesAVX2(&dst[0], &src[0], len(dst))
}

func widenBricks(dst []float32, src []byte, arrangement, width int) {
	switch bricks := PageKeys / arrangement * width / brick; {
	case level < avx2 || width == 0 || width%brick != 0:
		widenBricksGeneric(dst, src, arrangement, width)
	case arrangement == Columns:
		widenColumnsAVX2(&dst[0], &src[0], bricks)
	default:
		widenRowsAVX2(&dst[0], &src[0], bricks)
	}
}
