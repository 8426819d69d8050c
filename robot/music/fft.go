package music

import "math"

// A transform computes the magnitudes of the spectrum of real frames of n samples,
// n a power of two: a complex FFT of half the length (Cooley and Tukey 1965), taken
// apart into the spectra of even and odd samples (Sorensen et al. 1987).
type transform struct {
	n       int
	twiddle []complex128 // e^(-2πik/n), k < n/2
	reverse []int        // bits of indices of n/2, reversed
	z       []complex128
}

func newTransform(n int) *transform {
	t := &transform{n: n, twiddle: make([]complex128, n/2), reverse: make([]int, n/2), z: make([]complex128, n/2)}
	for k := range t.twiddle {
		sin, cos := math.Sincos(-2 * math.Pi * float64(k) / float64(n))
		t.twiddle[k] = complex(cos, sin)
	}
	for i, j := 1, 0; i < n/2; i++ {
		bit := n / 4
		for ; j&bit != 0; bit >>= 1 {
			j ^= bit
		}
		j ^= bit
		t.reverse[i] = j
	}
	return t
}

// magnitudes sets out[k], 0 <= k < n/2, to the magnitude of x's spectrum in bin k.
func (t *transform) magnitudes(out, x []float64) {
	m := t.n / 2
	for i, j := range t.reverse {
		t.z[j] = complex(x[2*i], x[2*i+1])
	}
	for size := 2; size <= m; size *= 2 {
		half, stride := size/2, t.n/size
		for start := 0; start < m; start += size {
			a, b := t.z[start:start+half], t.z[start+half:start+size]
			for k := range a {
				w := t.twiddle[k*stride]
				v := b[k] * w
				b[k] = a[k] - v
				a[k] += v
			}
		}
	}
	for k := range m {
		z, y := t.z[k], t.z[(m-k)%m]
		even := (z + complex(real(y), -imag(y))) / 2
		odd := (z - complex(real(y), -imag(y))) / 2
		bin := even + t.twiddle[k]*complex(imag(odd), -real(odd))
		out[k] = math.Sqrt(real(bin)*real(bin) + imag(bin)*imag(bin))
	}
}
