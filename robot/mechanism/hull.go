package mechanism

import (
	"math"
	"slices"
)

// turned is twice the area of the triangle a, b, p seen from above, positive if it
// turns left.
func turned(a, b, p Vector) float64 {
	return (b[0]-a[0])*(p[1]-a[1]) - (b[1]-a[1])*(p[0]-a[0])
}

// Hull appends to a polygon the convex hull of points seen from above, anticlockwise,
// and sorts them (Andrew, Information Processing Letters 9(5), 1979).
func Hull(hull, points []Vector) []Vector {
	slices.SortFunc(points, func(a, b Vector) int {
		if a[0] < b[0] || a[0] == b[0] && a[1] < b[1] {
			return -1
		}
		return 1
	})
	for side := range 2 {
		start := len(hull)
		for k := range points {
			p := points[k]
			if side == 1 {
				p = points[len(points)-1-k]
			}
			for len(hull) >= start+2 && turned(hull[len(hull)-2], hull[len(hull)-1], p) <= 0 {
				hull = hull[:len(hull)-1]
			}
			hull = append(hull, p)
		}
		if len(hull) > start+1 {
			hull = hull[:len(hull)-1] // the other side begins with it
		}
	}
	return hull
}

// Room is how far a point lies within a hull, seen from above, m; negative, it is how
// far it lies beyond the edge that it is farthest beyond.
func Room(hull []Vector, p Vector) float64 {
	least := math.Inf(1)
	for k, a := range hull {
		b := hull[(k+1)%len(hull)]
		if long := math.Hypot(b[0]-a[0], b[1]-a[1]); long > 0 {
			least = min(least, turned(a, b, p)/long)
		}
	}
	return least
}

// Outside is how far a point lies outside a hull, seen from above, m; inside it is 0.
func Outside(hull []Vector, p Vector) float64 {
	_, outside := Nearest(hull, p)
	return outside
}

// Nearest returns the point of a hull that is nearest to p, seen from above and at p's
// height, and how far away it is, m: p itself and 0 if it lies inside.
func Nearest(hull []Vector, p Vector) (Vector, float64) {
	if math.IsNaN(p[0] + p[1]) {
		return p, math.NaN()
	}
	inside, nearest, best := len(hull) > 2, math.Inf(1), p
	for k, a := range hull {
		b := hull[(k+1)%len(hull)]
		inside = inside && turned(a, b, p) >= 0
		dx, dy, t := b[0]-a[0], b[1]-a[1], 0.0
		if n := dx*dx + dy*dy; n > 0 {
			t = min(1, max(0, ((p[0]-a[0])*dx+(p[1]-a[1])*dy)/n))
		}
		at := Vector{a[0] + t*dx, a[1] + t*dy, p[2]}
		if d := math.Hypot(p[0]-at[0], p[1]-at[1]); d < nearest {
			nearest, best = d, at
		}
	}
	if inside {
		return p, 0
	}
	return best, nearest
}
