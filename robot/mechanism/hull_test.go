package mechanism

import (
	"math"
	"testing"
)

func TestHull(t *testing.T) {
	square := []Vector{{0, 0}, {1, 0}, {0.5, 0.5}, {1, 1}, {0, 1}, {0.5, 0}, {0, 0}}
	hull := Hull(nil, square)
	if len(hull) != 4 {
		t.Fatalf("%v", hull)
	}
	for _, c := range []struct{ x, y, want float64 }{{0.5, 0.5, 0}, {1, 0.3, 0}, {2, 0.5, 1}, {-3, -4, 5}, {0.2, 1.5, 0.5}} {
		if got := Outside(hull, Vector{c.x, c.y}); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%g, %g: %g instead of %g", c.x, c.y, got, c.want)
		}
	}
	for n := range 3 { // a point, a point twice, a line
		h := Hull(nil, append([]Vector(nil), []Vector{{0, 0}, {0, 0}, {1, 0}}[:n+1]...))
		if got := Outside(h, Vector{0.5, 2}); !(got >= 2 && got < 2.1) {
			t.Errorf("%d points: %g from %v", n+1, got, h)
		}
	}
}

func TestRoom(t *testing.T) {
	hull := Hull(nil, []Vector{{0, 0}, {2, 0}, {2, 1}, {0, 1}})
	for _, c := range []struct{ x, y, want float64 }{{1, 0.5, 0.5}, {0.1, 0.5, 0.1}, {1, 0, 0}, {2.5, 0.5, -0.5}, {1, 1.25, -0.25}, {-3, -4, -4}} {
		if got := Room(hull, Vector{c.x, c.y}); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%g, %g: %g instead of %g", c.x, c.y, got, c.want)
		}
	}
}
