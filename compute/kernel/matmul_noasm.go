//go:build purego || !(amd64 || arm64)

package kernel

func gemmTile() tile { return genericTile }

func pairsBF16() bool { return false }

func packPanel(dst []float32, o *operand, i, n, k, kb, width int) {
	packPanelGeneric(dst, o, i, n, k, kb, width)
}

func packBF16(dst []float32, o *operand, i, n, k, kb, width int) {
	packBF16Generic(dst, o, i, n, k, kb, width)
}

func micro(rows int, a, b, c []float32, ldc, kb int, add, bf16 bool) {
	eachTile(rows, a, b, c, ldc, kb, add, bf16, microGeneric)
}
