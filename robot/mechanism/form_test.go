package mechanism

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// goldenDistance is what testdata/distance.py writes.
type goldenDistance struct {
	States []struct {
		Q     []float64
		Pairs []struct {
			A, B     [2]any // name of the body, place of the geom among the body's
			Distance float64
		}
	}
}

// forms are the forms of a model's geoms, by what distance.py calls them; meshes lie in a
// folder.
func forms(t *testing.T, m *Model, folder string) map[string]*Form {
	all, place := map[string]*Form{}, map[int]int{}
	for i := range m.Geoms {
		g := &m.Geoms[i]
		k := place[g.Body]
		place[g.Body]++
		if !g.Collides() || g.Shape == Plane {
			continue
		}
		var corners []Vector
		for k := range m.Meshes {
			if m.Meshes[k].Name != g.Mesh {
				continue
			}
			file, err := os.Open(filepath.Join(folder, m.MeshDir, m.Meshes[k].File))
			if err != nil {
				t.Fatal(err)
			}
			corners, err = m.Meshes[k].ReadSTL(file)
			file.Close()
			if err != nil {
				t.Fatal(err)
			}
		}
		f := g.Form(corners)
		all[fmt.Sprint(m.Bodies[g.Body].Name, k)] = &f
	}
	return all
}

// stl is a binary STL file of triangles.
func stl(triangles ...[3]Vector) []byte {
	b := binary.LittleEndian.AppendUint32(make([]byte, 80), uint32(len(triangles)))
	for _, t := range triangles {
		b = append(b, make([]byte, 12)...)
		for _, p := range t {
			for _, x := range p {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
			}
		}
		b = append(b, 0, 0)
	}
	return b
}

func TestReadSTL(t *testing.T) {
	f := MeshFile{File: "a.stl", Scale: Vector{1, 2, 3}}
	a, b, c, d := Vector{1, 0, 0}, Vector{0, 1, 0}, Vector{0, 0, 1}, Vector{0, 0, 0}
	got, err := f.ReadSTL(bytes.NewReader(stl([3]Vector{a, b, c}, [3]Vector{b, c, d})))
	if want := []Vector{{1}, {0, 2}, {0, 0, 3}, {}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v instead of %v, %v", got, want, err)
	}
	whole := stl([3]Vector{a, b, c})
	for _, bad := range [][]byte{nil, whole[:83], whole[:len(whole)-1], stl([3]Vector{{math.NaN()}}), stl([3]Vector{{1e20}}), bytes.Repeat([]byte("solid "), 20)} {
		if got, err := f.ReadSTL(bytes.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "a.stl") || got != nil {
			t.Errorf("%.90q: %v, %v", bad, got, err)
		}
	}
}

func FuzzReadSTL(f *testing.F) {
	f.Add(stl([3]Vector{{1}, {0, 1}, {0, 0, 1}}))
	f.Add([]byte("solid"))
	f.Fuzz(func(t *testing.T, b []byte) {
		mesh := MeshFile{Scale: Vector{1, 1, 1}}
		corners, err := mesh.ReadSTL(bytes.NewReader(b))
		if err == nil && len(b) < 84 || len(corners) > 3*len(b)/50 {
			t.Errorf("%d corners of %d bytes, %v", len(corners), len(b), err)
		}
		g := Geom{Shape: Mesh, Orientation: Quaternion{1}}
		if form := g.Form(corners); err == nil && !Finite(form.Reach) {
			t.Errorf("a ball of %g", form.Reach)
		}
	})
}

// TestDistance moves a ball about a box: the distance is that of geometry.
func TestDistance(t *testing.T) {
	m := &Model{Bodies: []Body{{Name: "world", Parent: -1, Orientation: Quaternion{1}}, {Name: "box", Orientation: Quaternion{1}, Mass: 1}, {Name: "ball", Orientation: Quaternion{1}, Mass: 1}}}
	for body, name := range []string{"", "one", "other"} {
		if body > 0 {
			m.Joints = append(m.Joints, Joint{Name: name, Body: body, Kind: Free})
			m.Bodies[body].Inertia = Matrix{0: 1, 4: 1, 8: 1}
		}
	}
	if err := m.Complete(); err != nil {
		t.Fatal(err)
	}
	size := Vector{0.1, 0.2, 0.3}
	box := (&Geom{Body: 1, Shape: Box, Size: size, Orientation: Quaternion{1}}).Form(nil)
	ball := (&Geom{Body: 2, Shape: Sphere, Size: Vector{0.05}, Orientation: Quaternion{1}}).Form(nil)
	s := NewState(m)
	rapid.Check(t, func(t *rapid.T) {
		var beyond Vector
		for i := range size {
			x := rapid.Float64Range(-1, 1).Draw(t, "x")
			s.Q[7+i] = x
			beyond[i] = max(0, math.Abs(x)-size[i])
		}
		s.Update()
		want := beyond.Norm() - 0.05
		if got := s.Distance(&box, &ball, math.Inf(1)); math.Abs(got-want) > 2e-6 {
			t.Errorf("%g m apart instead of %g", got, want)
		}
		if other := s.Distance(&ball, &box, math.Inf(1)); math.Abs(other-want) > 2e-6 {
			t.Errorf("the other way %g m apart instead of %g", other, want)
		}
	})
}

// TestGoldenDistance compares distances with MuJoCo's: those of boxes, balls and capsules
// are the same, others are too great by what their forms lie within, at most 1 % of a radius.
func TestGoldenDistance(t *testing.T) {
	for _, c := range []struct {
		name, path string
		within     float64
	}{
		{"forms", "testdata/forms.xml", 0.003},
		{"own", "../humanoid/testdata/own.xml", 0},
		{"g1", filepath.Join(os.Getenv("SAMOVAR_DATA"), "robot/g1/g1_29dof_rev_1_0.xml"), 0.002},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := os.Stat(c.path); err != nil && c.name == "g1" {
				t.Skipf("SAMOVAR_DATA names no folder with %s", filepath.Base(c.path))
			}
			text, err := os.ReadFile(filepath.Join("testdata", c.name+".distance.json"))
			if err != nil {
				t.Fatal(err)
			}
			var want goldenDistance
			if err := json.Unmarshal(text, &want); err != nil {
				t.Fatal(err)
			}
			m := open(t, c.path)
			all := forms(t, m, filepath.Dir(c.path))
			s := NewState(m)
			apart := 0
			for _, state := range want.States {
				copy(s.Q, state.Q)
				s.Update()
				for _, p := range state.Pairs {
					a, b := all[fmt.Sprint(p.A[0], p.A[1])], all[fmt.Sprint(p.B[0], p.B[1])]
					got := s.Distance(a, b, math.Inf(1))
					if p.Distance <= 0 {
						if got > c.within+1e-6 {
							t.Errorf("%v and %v overlap by %g m, and are %g m apart", p.A, p.B, -p.Distance, got)
						}
						continue
					}
					apart++
					if off := got - p.Distance; !(off > -2e-6 && off < c.within+2e-6) {
						t.Errorf("%v and %v are %.7f m apart; MuJoCo has %.7f", p.A, p.B, got, p.Distance)
					}
					if bound := s.Distance(a, b, p.Distance/2); !(bound >= p.Distance/2 && bound <= got+1e-9) {
						t.Errorf("%v and %v: %g is no bound between %g and %g", p.A, p.B, bound, p.Distance/2, got)
					}
				}
			}
			if apart < 60 {
				t.Errorf("only %d pairs are apart", apart)
			}
		})
	}
}
