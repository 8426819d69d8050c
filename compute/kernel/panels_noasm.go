//go:build purego || !(amd64 || arm64)

package kernel

func wideCodes(*layout) bool { return false }

func (a *Activations) quantize(r int, x []float32) { a.quantizeGeneric(r, x) }

// panelCall is what assembly is called with.
type panelCall struct{}

func mulPanels(t Format, y []float32, ldy int, panels []byte, x *Activations, n0, n1, k int, _ *Scratch) {
	mulPanelsGeneric(t, y, ldy, panels, x, n0, n1, k)
}
