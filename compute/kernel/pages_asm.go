//go:build !purego && (amd64 || arm64)

package kernel

//go:noescape
func widenHalvesSIMD(dst *float32, src *byte, n int)

//go:noescape
func widenColumnsSIMD(dst *float32, src *byte, bricks int)

//go:noescape
func widenRowsSIMD(dst *float32, src *byte, bricks int)

//go:noescape
func narrowSIMD(dst *uint16, src *float32, n int)

func narrow(halves *[brick]uint16, x []float32) {
	if level == generic || len(x)%8 != 0 {
		narrowGeneric(halves, x)
		return
	}
	narrowSIMD(&halves[0], &x[0], len(x))
}

func quantize32(codes *[brick]int8, x []float32) float32 {
	if level == generic || len(x) < brick {
		return quantize32Generic(codes, x)
	}
	var scale blockScale
	quantizeSums(&codes[0], &scale, &x[0], 1, 0)
	return scale.d
}

func widenHalves(dst []float32, src []byte) {
	if level == generic || len(dst) == 0 {
		widenHalvesGeneric(dst, src)
		return
	}
	widenHalvesSIMD(&dst[0], &src[0], len(dst))
}

func widenBricks(dst []float32, src []byte, arrangement, width int) {
	switch bricks := PageKeys / arrangement * width / brick; {
	case level == generic || width == 0 || width%brick != 0:
		widenBricksGeneric(dst, src, arrangement, width)
	case arrangement == Columns:
		widenColumnsSIMD(&dst[0], &src[0], bricks)
	default:
		widenRowsSIMD(&dst[0], &src[0], bricks)
	}
}
