package onnx

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// golden is what ONNX Runtime answered; testdata/golden.py of package policy made it.
type golden struct {
	Inputs  int         `json:"inputs"`
	Outputs [][]float64 `json:"outputs"`
}

func load(t testing.TB, name string, to any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		t.Fatal(err)
	}
}

// observation is that of golden.py.
func observation(n, t int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(1.5 * math.Sin(0.7*float64(i)+1.3*float64(t)+0.1))
	}
	return x
}

func TestGolden(t *testing.T) {
	all := map[string]golden{}
	load(t, "testdata/golden.json", &all)
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			n, err := Read(data)
			if err != nil {
				t.Fatal(err)
			}
			if n.Inputs() != want.Inputs || n.Outputs() != len(want.Outputs[0]) {
				t.Fatalf("%d inputs and %d outputs instead of %d and %d", n.Inputs(), n.Outputs(), want.Inputs, len(want.Outputs[0]))
			}
			if recurrent := strings.Contains(name, "lstm") || strings.Contains(name, "gru"); n.Recurrent() != recurrent {
				t.Errorf("recurrent: %v", n.Recurrent())
			}
			y := make([]float32, n.Outputs())
			for range 2 { // the second time after a reset
				for step, w := range want.Outputs {
					n.Run(y, observation(n.Inputs(), step))
					if e := distance(y, w); e > 1e-5 {
						t.Errorf("observation %d: %v instead of %v, an error of %.1e", step, y, w, e)
					}
				}
				n.Reset()
			}
			x := observation(n.Inputs(), 0)
			if a := testing.AllocsPerRun(10, func() { n.Run(y, x) }); a > 0 {
				t.Errorf("a run allocates %g times", a)
			}
		})
	}
}

// distance is the greatest error against the greatest number.
func distance(got []float32, want []float64) float64 {
	e, most := 0.0, 0.0
	for i, w := range want {
		e, most = max(e, math.Abs(float64(got[i])-w)), max(most, math.Abs(w))
	}
	return e / most
}

// TestRefused changes a file so that what it says is not known here.
func TestRefused(t *testing.T) {
	data, err := os.ReadFile("testdata/mlp.onnx")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"\x22\x03Elu", "\x22\x03Foo", `operator "Foo" is not known here`},
		{"alpha", "alphb", `attribute "alphb" is not known here`},
		{"actions", "actionz", "actions"},
		{"0.weight", "0.weighz", `there is no value`},
	} {
		changed := bytes.Replace(data, []byte(c.from), []byte(c.to), 1)
		if bytes.Equal(changed, data) {
			t.Fatalf("there is no %q in the file", c.from)
		}
		if _, err := Read(changed); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v, without %q", c.to, c.from, err, c.want)
		}
	}
	for n := range data {
		if _, err := Read(data[:n]); err == nil {
			t.Fatalf("%d of %d bytes are read without an error", n, len(data))
		}
	}
}

// FuzzRead reads whatever comes: an error or a network that runs.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob("testdata/*.onnx")
	if err != nil || len(names) == 0 {
		f.Fatal(err, len(names))
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := Read(data)
		if err != nil {
			return
		}
		y := make([]float32, n.Outputs())
		n.Run(y, observation(n.Inputs(), 0))
		n.Reset()
		n.Run(y, observation(n.Inputs(), 1))
	})
}
