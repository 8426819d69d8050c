package design

import (
	_ "embed"
	"encoding/json"
	"math"
)

// Run is a training: how large a model learns from how much.
type Run struct {
	Weights float64 // parameters of the layers
	Seen    float64 // bytes of text, repeats counted
	Unique  float64 // bytes of text that there are
}

// Known is a run whose result is known.
type Known struct {
	Run
	Bits float64 // a byte of held-out text
}

// Law says how bits per byte fall with size and data,
//
//	Floor + Scale·(Capacity·N^−Alpha + D^−Beta)
//
// with N millions of weights and D millions of bytes (Hoffmann et al. 2022,
// arXiv:2203.15556 equation 10, in bits per byte). Bytes that are seen again
// count less and less: D = U + U·R·(1 − e^(−(seen−U)/(U·R))) for U that differ
// and R = Repeats (Muennighoff et al. 2023, arXiv:2305.16264 equation 5). The
// exponents, Capacity and Repeats are the same for all texts; Floor and Scale
// are a text's own.
type Law struct {
	Alpha    float64 `json:"alpha"`
	Beta     float64 `json:"beta"`
	Capacity float64 `json:"capacity"`
	Repeats  float64 `json:"repeats"`
	Floor    float64 `json:"floor"`  // over Scale, of texts in general
	Weight   float64 `json:"weight"` // of Floor against one run's bits, in Place
}

// Text is how one text lies in the law.
type Text struct{ Floor, Scale float64 }

// term is what Scale multiplies.
func (l Law) term(r Run) float64 {
	return l.Capacity*math.Pow(l.useful(r), -l.Alpha) + math.Pow(l.distinct(r)/1e6, -l.Beta)
}

// useful is how many millions of weights the text can fill: beyond the best
// number for all of it, seen once, more count less and less (Muennighoff et al.,
// equation 6, with their 5.3 for how much more).
func (l Law) useful(r Run) float64 {
	best := math.Pow(l.Alpha*l.Capacity/l.Beta, 1/l.Alpha) * math.Pow(r.Unique/1e6, l.Beta/l.Alpha)
	n, worth := r.Weights/1e6, 5.3*best
	if n <= best {
		return n
	}
	return best + worth*(1-math.Exp(-(n-best)/worth))
}

// distinct is how many bytes seen once teach as much.
func (l Law) distinct(r Run) float64 {
	if r.Seen <= r.Unique {
		return r.Seen
	}
	worth := l.Repeats * r.Unique
	return r.Unique + worth*(1-math.Exp(-(r.Seen-r.Unique)/worth))
}

// Bits is what a run on the text is expected to reach.
func (l Law) Bits(t Text, r Run) float64 { return t.Floor + t.Scale*l.term(r) }

// Place returns the text's own part of the law: that with the least squares of
// relative errors over the runs, and of the distance of Floor from what is
// usual, Weight times.
func (l Law) Place(runs []Known) Text {
	// Unknowns f = Floor and s = Scale; rows a·f + b·s = c.
	var aa, ab, bb, ac, bc float64
	add := func(a, b, c float64) {
		aa, ab, bb, ac, bc = aa+a*a, ab+a*b, bb+b*b, ac+a*c, bc+b*c
	}
	var mean float64
	for _, k := range runs {
		add(1/k.Bits, l.term(k.Run)/k.Bits, 1)
		mean += k.Bits / float64(len(runs))
	}
	w := math.Sqrt(l.Weight) / mean
	add(w, -w*l.Floor, 0)
	det := aa*bb - ab*ab
	t := Text{Floor: (ac*bb - bc*ab) / det, Scale: (bc*aa - ac*ab) / det}
	if t.Floor < 0 || t.Scale <= 0 || math.IsNaN(t.Floor+t.Scale) {
		t = Text{Floor: 0, Scale: bc / bb} // the best line through nothing
	}
	return t
}

//go:embed law.json
var fitted []byte

// Spread is the share by which most predictions for texts that the law was not
// fitted to were off (dev/law prints it).
const Spread = 0.05

// Fitted returns the law of the runs in dev/law/runs.csv.
func Fitted() (l Law) {
	if err := json.Unmarshal(fitted, &l); err != nil {
		panic(err) // it is part of the program, and a test reads it
	}
	return l
}
