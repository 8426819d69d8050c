//go:build purego || !(amd64 || arm64)

package kernel

func narrow(halves *[brick]uint16, x []float32) { narrowGeneric(halves, x) }

func quantize32(codes *[brick]int8, x []float32) float32 { return quantize32Generic(codes, x) }

func widenHalves(dst []float32, src []byte) { widenHalvesGeneric(dst, src) }

func widenBricks(dst []float32, src []byte, arrangement, width int) {
	widenBricksGeneric(dst, src, arrangement, width)
}
