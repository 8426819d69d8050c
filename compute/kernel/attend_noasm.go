//go:build purego || !(amd64 || arm64)

package kernel

func dots(dst, x, rows []float32, stride int) { dotsEach(dst, x, rows, stride) }

func readsHalves(int) bool { return false }

func scores(_ Format, dst []float32, stride int, queries []float32, n, width int, keys []float32) {
	scoresGeneric(dst, stride, queries, n, width, keys)
}

func mix(_ Format, y []float32, n, width int, a []float32, stride int, rows []float32, apart, count int) {
	mixEach(y, n, width, a, stride, rows, apart, count)
}
