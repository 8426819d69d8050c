//go:build !purego

package kernel

//go:noescape
func scores1NEON(dst, queries, keys *float32, pairs, stride, width int)

//go:noescape
func scores2NEON(dst, queries, keys *float32, pairs, stride, width int)

//go:noescape
func mix1NEON(y, a, rows *float32, n, bytes, stride, apart int)

//go:noescape
func mix4NEON(y, a, rows *float32, n, bytes, stride, apart int)

//go:noescape
func halfScores1NEON(dst, queries, keys *float32, pairs, stride, width int)

//go:noescape
func halfScores2NEON(dst, queries, keys *float32, pairs, stride, width int)

//go:noescape
func halfMix1NEON(y, a, rows *float32, n, bytes, stride, apart int)

//go:noescape
func halfMix4NEON(y, a, rows *float32, n, bytes, stride, apart int)

// attending are the kernels of F32 and of F16.
var attending = [2]attendKernels{
	{2, scores2NEON, scores1NEON, mix4NEON, mix4NEON, mix1NEON},
	{2, halfScores2NEON, halfScores1NEON, halfMix4NEON, halfMix4NEON, halfMix1NEON},
}

func attendingOf(t Format) *attendKernels { return &attending[t] }

func dots(dst, x, rows []float32, stride int) { dotsEach(dst, x, rows, stride) }
