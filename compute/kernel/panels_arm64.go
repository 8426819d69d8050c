//go:build !purego

package kernel

//go:noescape
func gemvF32NEON(call *panelCall)

func wideCodes(*layout) bool { return false }

func (a *Activations) quantize(r int, x []float32) { a.quantizeBytes(r, x) }

// panelSet returns which of a format's panelKernels are in use.
func panelSet(Format) int { return level - neon }

func gemvF32(c *panelCall) { gemvF32NEON(c) }
