package mechanism

import "math"

// Vector is three coordinates.
type Vector [3]float64

// Quaternion is a rotation (w, x, y, z) of unit length.
type Quaternion [4]float64

// Matrix is a rotation or an inertia, row by row.
type Matrix [9]float64

// Add returns a + b.
func (a Vector) Add(b Vector) Vector { return Vector{a[0] + b[0], a[1] + b[1], a[2] + b[2]} }

// Sub returns a − b.
func (a Vector) Sub(b Vector) Vector { return Vector{a[0] - b[0], a[1] - b[1], a[2] - b[2]} }

// Scale returns k·a.
func (a Vector) Scale(k float64) Vector { return Vector{k * a[0], k * a[1], k * a[2]} }

// Dot returns the inner product.
func (a Vector) Dot(b Vector) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

// Cross returns a × b.
func (a Vector) Cross(b Vector) Vector {
	return Vector{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

// Norm returns the length.
func (a Vector) Norm() float64 { return math.Sqrt(a.Dot(a)) }

// unit returns a at length 1, and whether it has a direction. A vector that is
// of unit length up to rounding stays as it is, so that writing a model and
// reading it again changes nothing.
func (a Vector) unit() (Vector, bool) {
	n := a.Norm()
	if !(n > 1e-14) || math.IsInf(n, 0) {
		return Vector{0, 0, 1}, false
	}
	if math.Abs(n-1) < 1e-15 {
		return a, true
	}
	return a.Scale(1 / n), true
}

// Mul returns the rotation p after q.
func (p Quaternion) Mul(q Quaternion) Quaternion {
	return Quaternion{
		p[0]*q[0] - p[1]*q[1] - p[2]*q[2] - p[3]*q[3],
		p[0]*q[1] + p[1]*q[0] + p[2]*q[3] - p[3]*q[2],
		p[0]*q[2] - p[1]*q[3] + p[2]*q[0] + p[3]*q[1],
		p[0]*q[3] + p[1]*q[2] - p[2]*q[1] + p[3]*q[0],
	}
}

// Conjugate returns the opposite rotation.
func (q Quaternion) Conjugate() Quaternion { return Quaternion{q[0], -q[1], -q[2], -q[3]} }

// Rotate returns v turned by q.
func (q Quaternion) Rotate(v Vector) Vector {
	u := Vector{q[1], q[2], q[3]}
	t := u.Cross(v).Scale(2)
	return v.Add(t.Scale(q[0])).Add(u.Cross(t))
}

// Matrix returns the rotation's matrix; q is of unit length.
func (q Quaternion) Matrix() Matrix {
	w, x, y, z := q[0], q[1], q[2], q[3]
	return Matrix{
		w*w + x*x - y*y - z*z, 2 * (x*y - w*z), 2 * (x*z + w*y),
		2 * (x*y + w*z), w*w - x*x + y*y - z*z, 2 * (y*z - w*x),
		2 * (x*z - w*y), 2 * (y*z + w*x), w*w - x*x - y*y + z*z,
	}
}

// Vector returns the rotation vector of q: its axis times its angle in [0, π].
func (q Quaternion) Vector() Vector {
	if q[0] < 0 {
		q = Quaternion{-q[0], -q[1], -q[2], -q[3]}
	}
	u := Vector{q[1], q[2], q[3]}
	n := u.Norm()
	if n < 1e-12 {
		return u.Scale(2)
	}
	return u.Scale(2 * math.Atan2(n, q[0]) / n)
}

// Turn returns the rotation by an angle in radians about an axis of unit length.
func Turn(axis Vector, angle float64) Quaternion {
	s, c := math.Sincos(angle / 2)
	return Quaternion{c, s * axis[0], s * axis[1], s * axis[2]}
}

// Exp returns the rotation by a rotation vector (axis times angle).
func Exp(v Vector) Quaternion {
	n := v.Norm()
	if n < 1e-12 {
		q, _ := Quaternion{1, v[0] / 2, v[1] / 2, v[2] / 2}.unit()
		return q
	}
	return Turn(v.Scale(1/n), n)
}

// unit returns q at length 1, and whether it has a direction; see Vector.unit.
func (q Quaternion) unit() (Quaternion, bool) {
	n := math.Sqrt(q[0]*q[0] + q[1]*q[1] + q[2]*q[2] + q[3]*q[3])
	if !(n > 1e-14) || math.IsInf(n, 0) {
		return Quaternion{1}, false
	}
	if math.Abs(n-1) < 1e-15 {
		return q, true
	}
	return Quaternion{q[0] / n, q[1] / n, q[2] / n, q[3] / n}, true
}

// Mul returns the product of two matrices.
func (a Matrix) Mul(b Matrix) Matrix {
	var c Matrix
	for i := range 3 {
		for j := range 3 {
			c[3*i+j] = a[3*i]*b[j] + a[3*i+1]*b[3+j] + a[3*i+2]*b[6+j]
		}
	}
	return c
}

// Apply returns a·v.
func (a Matrix) Apply(v Vector) Vector {
	return Vector{
		a[0]*v[0] + a[1]*v[1] + a[2]*v[2],
		a[3]*v[0] + a[4]*v[1] + a[5]*v[2],
		a[6]*v[0] + a[7]*v[1] + a[8]*v[2],
	}
}

// Transpose returns aᵀ, which of a rotation is the opposite one.
func (a Matrix) Transpose() Matrix {
	return Matrix{a[0], a[3], a[6], a[1], a[4], a[7], a[2], a[5], a[8]}
}

// turned returns r·a·rᵀ, a tensor seen from a frame that r has turned.
func (a Matrix) turned(r Matrix) Matrix { return r.Mul(a).Mul(r.Transpose()) }

// quaternion returns the rotation of a matrix whose columns are orthonormal
// (Shepperd, Journal of Guidance and Control 1(3), 1978).
func (a Matrix) quaternion() Quaternion {
	t := a[0] + a[4] + a[8]
	var q Quaternion
	switch {
	case t > a[0] && t > a[4] && t > a[8]:
		q = Quaternion{1 + t, a[7] - a[5], a[2] - a[6], a[3] - a[1]}
	case a[0] > a[4] && a[0] > a[8]:
		q = Quaternion{a[7] - a[5], 1 + a[0] - a[4] - a[8], a[1] + a[3], a[2] + a[6]}
	case a[4] > a[8]:
		q = Quaternion{a[2] - a[6], a[1] + a[3], 1 - a[0] + a[4] - a[8], a[5] + a[7]}
	default:
		q = Quaternion{a[3] - a[1], a[2] + a[6], a[5] + a[7], 1 - a[0] - a[4] + a[8]}
	}
	q, _ = q.unit()
	return q
}

// spatial is a motion (angular and linear velocity) or a force (moment and
// force), in world axes about the state's origin (RBDA section 2.2).
type spatial struct{ ang, lin Vector }

func (a spatial) add(b spatial) spatial { return spatial{a.ang.Add(b.ang), a.lin.Add(b.lin)} }

func (a spatial) scale(k float64) spatial { return spatial{a.ang.Scale(k), a.lin.Scale(k)} }

// dot is the power of a force on a motion (RBDA section 2.2).
func (a spatial) dot(b spatial) float64 { return a.ang.Dot(b.ang) + a.lin.Dot(b.lin) }

// cross is the rate at which motion b changes by moving with a (RBDA section 2.9).
func (a spatial) cross(b spatial) spatial {
	return spatial{a.ang.Cross(b.ang), a.ang.Cross(b.lin).Add(a.lin.Cross(b.ang))}
}

// crossForce is the same for a force f.
func (a spatial) crossForce(f spatial) spatial {
	return spatial{a.ang.Cross(f.ang).Add(a.lin.Cross(f.lin)), a.ang.Cross(f.lin)}
}

// inertia is a spatial inertia about the state's origin: mass, first moment
// m·c, and the rotational inertia's xx, yy, zz, xy, xz, yz (RBDA section 2.13).
type inertia struct {
	mass   float64
	moment Vector
	about  [6]float64
}

func (i *inertia) add(j *inertia) {
	i.mass += j.mass
	i.moment = i.moment.Add(j.moment)
	for k := range i.about {
		i.about[k] += j.about[k]
	}
}

// apply is the momentum of the inertia in motion v (RBDA section 2.13).
func (i *inertia) apply(v spatial) spatial {
	a, w := &i.about, v.ang
	return spatial{
		Vector{
			a[0]*w[0] + a[3]*w[1] + a[4]*w[2],
			a[3]*w[0] + a[1]*w[1] + a[5]*w[2],
			a[4]*w[0] + a[5]*w[1] + a[2]*w[2],
		}.Add(i.moment.Cross(v.lin)),
		v.lin.Scale(i.mass).Sub(i.moment.Cross(w)),
	}
}

// newInertia is the inertia of mass m, tensor t about its centre of mass in
// world axes, and centre c from the origin, by the theorem of parallel axes.
func newInertia(m float64, t Matrix, c Vector) inertia {
	s := c.Dot(c)
	return inertia{m, c.Scale(m), [6]float64{
		t[0] + m*(s-c[0]*c[0]), t[4] + m*(s-c[1]*c[1]), t[8] + m*(s-c[2]*c[2]),
		t[1] - m*c[0]*c[1], t[2] - m*c[0]*c[2], t[5] - m*c[1]*c[2],
	}}
}

// Finite reports whether no number is NaN or infinite.
func Finite(all ...float64) bool {
	for _, x := range all {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return true
}
