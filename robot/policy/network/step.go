package network

import (
	"math"

	"samovar/compute/kernel"
)

// The steps. y is what a step makes.
type (
	move   struct{ y, x []float32 }
	mapped struct {
		y, x []float32
		f    func(float32) float32
	}
	combined struct {
		z, x, y []float32
		f       func(x, y float32) float32
	}
	chosen struct{ to, x, y, z []float32 }
	gather struct {
		y, x  []float32
		index []int32
	}
	joined struct {
		y     []float32
		parts []part
		row   int // numbers of all parts that follow each other
	}
	part struct {
		x   []float32
		run int // numbers that follow each other
	}
	// linear: x is (rows, in), w (out, in), bias (out) or nil, y (rows, out).
	linear struct {
		y, x, w, bias []float32
		in            int
	}
	mean   struct{ y, x []float32 }
	normal struct {
		y, x, weight, bias []float32
		n                  int
		epsilon            float64
	}
)

func (s *move) run() { copy(s.y, s.x) }

func (s *mapped) run() {
	for i, x := range s.x {
		s.y[i] = s.f(x)
	}
}

func (s *combined) run() {
	for i, x := range s.x {
		s.z[i] = s.f(x, s.y[i])
	}
}

func (s *chosen) run() {
	for i, x := range s.x {
		if x != 0 {
			s.to[i] = s.y[i]
		} else {
			s.to[i] = s.z[i]
		}
	}
}

func (s *gather) run() {
	for i, k := range s.index {
		s.y[i] = s.x[k]
	}
}

func (s *joined) run() {
	at := 0
	for row := 0; row*s.row < len(s.y); row++ {
		for _, p := range s.parts {
			at += copy(s.y[at:], p.x[row*p.run:(row+1)*p.run])
		}
	}
}

func (s *linear) run() { multiply(s.y, s.x, s.w, s.bias, s.in) }

// multiply writes x·wᵀ + bias; each row of x and w has n numbers.
func multiply(y, x, w, bias []float32, n int) {
	out := len(w) / n
	for row := 0; row*n < len(x); row++ {
		xs, ys := x[row*n:(row+1)*n], y[row*out:(row+1)*out]
		for i := range ys {
			ys[i] = kernel.Dot(w[i*n:(i+1)*n], xs)
		}
		for i := range bias {
			ys[i] += bias[i]
		}
	}
}

func (s *mean) run() {
	n := len(s.x) / len(s.y)
	for i := range s.y {
		sum := 0.0
		for _, x := range s.x[i*n : (i+1)*n] {
			sum += float64(x)
		}
		s.y[i] = float32(sum / float64(n))
	}
}

func (s *normal) run() {
	for at := 0; at < len(s.x); at += s.n {
		x, y := s.x[at:at+s.n], s.y[at:at+s.n]
		sum, squares := 0.0, 0.0
		for _, v := range x {
			sum += float64(v)
		}
		mean := sum / float64(s.n)
		for _, v := range x {
			d := float64(v) - mean
			squares += d * d
		}
		scale := 1 / math.Sqrt(squares/float64(s.n)+s.epsilon)
		for i, v := range x {
			z := float32((float64(v) - mean) * scale)
			if s.weight != nil {
				z *= s.weight[i]
			}
			if s.bias != nil {
				z += s.bias[i]
			}
			y[i] = z
		}
	}
}
