package mechanism

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// fields are an element's attributes over those of its class, taken one by one.
// The first that cannot be read is kept as err.
type fields struct {
	*element
	values map[string]string
	r      *reader
	err    error
}

// largest bounds every number in a file: beyond it squares lose all digits of
// what is robot-sized.
const largest = 1e9

func (f *fields) fail(format string, args ...any) {
	if f.err == nil {
		f.err = f.errorf(format, args...)
	}
}

// numbers writes an attribute's numbers into dst, if it is there, and returns
// how many they are: at least least and at most len(dst).
func (f *fields) numbers(name string, dst []float64, least int) int {
	value, ok := f.values[name]
	if !ok {
		return 0
	}
	words := strings.Fields(value)
	if len(words) < least || len(words) > len(dst) {
		f.fail("%s=%q has %d numbers instead of %d", name, short(value), len(words), least)
		return 0
	}
	for i, w := range words {
		x, err := strconv.ParseFloat(w, 64)
		if err != nil || !(math.Abs(x) <= largest) {
			f.fail("%s=%q: %q is no number up to %g", name, short(value), short(w), largest)
			return 0
		}
		dst[i] = x
	}
	return len(words)
}

func (f *fields) number(name string, otherwise float64) float64 {
	x := [1]float64{otherwise}
	f.numbers(name, x[:], 1)
	return x[0]
}

// integer is number for bits and groups.
func (f *fields) integer(name string, otherwise int) int {
	x := f.number(name, float64(otherwise))
	if x != math.Trunc(x) || math.Abs(x) > math.MaxInt32 {
		f.fail("%s=%q is no whole number", name, f.values[name])
	}
	return int(x)
}

func (f *fields) vector(name string, otherwise Vector) Vector {
	f.numbers(name, otherwise[:], 3)
	return otherwise
}

// word returns an attribute that is one of some words.
func (f *fields) word(name, otherwise string, allowed ...string) string {
	value, ok := f.values[name]
	if !ok {
		return otherwise
	}
	if !slices.Contains(allowed, value) {
		f.fail("%s=%q is not supported: one of %s", name, short(value), strings.Join(allowed, ", "))
		return otherwise
	}
	return value
}

// limits returns a range and whether it holds: as its flag says, or where that
// says nothing (auto) if there is one.
func (f *fields) limits(flag, name string) (limited bool, r [2]float64) {
	given := f.numbers(name, r[:], 2) > 0
	switch f.word(flag, "auto", "auto", "true", "false") {
	case "true":
		if !(r[0] < r[1]) {
			f.fail("%s=\"true\" without a %s", flag, name)
		}
		return true, r
	case "false":
		return false, r
	}
	if given && r != [2]float64{} && !f.r.autolimits {
		f.fail("%s without %s, and the compiler's autolimits is off", name, flag)
	}
	return r[0] < r[1], r
}

// angle turns a file's angle into radians.
func (r *reader) angle(x float64) float64 {
	if r.degrees {
		return x * math.Pi / 180
	}
	return x
}

// orientation returns the rotation that one of five attributes gives.
func (f *fields) orientation() Quaternion {
	var x [6]float64
	q, ok := Quaternion{1}, true
	switch {
	case f.numbers("axisangle", x[:4], 4) > 0:
		var axis Vector
		axis, ok = Vector(x[:3]).unit()
		q = Turn(axis, f.r.angle(x[3]))
	case f.numbers("euler", x[:3], 3) > 0:
		q = f.r.euler(Vector(x[:3]))
	case f.numbers("xyaxes", x[:6], 6) > 0:
		q, ok = axes(Vector(x[:3]), Vector(x[3:]))
	case f.numbers("zaxis", x[:3], 3) > 0:
		q, ok = upright(Vector(x[:3]))
	case f.numbers("quat", x[:4], 4) > 0:
		q, ok = Quaternion(x[:4]).unit()
	}
	if !ok {
		f.fail("an orientation of length 0")
	}
	return q
}

// euler turns three angles into a rotation in the compiler's order: about the
// turning axes for small letters, about the fixed ones for capitals.
func (r *reader) euler(angles Vector) Quaternion {
	q := Quaternion{1}
	for i, letter := range []byte(r.sequence) {
		var axis Vector
		axis[(letter|0x20)-'x'] = 1
		t := Turn(axis, r.angle(angles[i]))
		if letter >= 'x' {
			q = q.Mul(t)
		} else {
			q = t.Mul(q)
		}
	}
	q, _ = q.unit()
	return q
}

// axes is the rotation to a frame with the given x axis, and y as near to the
// other as a right angle allows.
func axes(x, y Vector) (Quaternion, bool) {
	x, ok := x.unit()
	y, also := y.Sub(x.Scale(x.Dot(y))).unit()
	z := x.Cross(y)
	return Matrix{x[0], y[0], z[0], x[1], y[1], z[1], x[2], y[2], z[2]}.quaternion(), ok && also
}

// upright is the smallest rotation that turns the z axis to v; about x if v
// points down.
func upright(v Vector) (Quaternion, bool) {
	v, ok := v.unit()
	axis := Vector{0, 0, 1}.Cross(v)
	sine := axis.Norm()
	unit, found := axis.unit()
	if !found || sine < 1e-10 {
		unit = Vector{1, 0, 0}
	}
	return Turn(unit, math.Atan2(sine, v[2])), ok
}

// short cuts what is quoted in an error.
func short(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "..."
	}
	return s
}
