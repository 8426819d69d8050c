package torchscript

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// golden is what PyTorch answered; testdata/golden.py of package policy made it.
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
			n, err := Read(data, want.Inputs)
			if err != nil {
				t.Fatal(err)
			}
			if n.Inputs() != want.Inputs || n.Outputs() != len(want.Outputs[0]) {
				t.Fatalf("%d inputs and %d outputs instead of %d and %d", n.Inputs(), n.Outputs(), want.Inputs, len(want.Outputs[0]))
			}
			if recurrent := strings.Contains(name, "lstm") || strings.Contains(name, "gru"); n.Recurrent() != recurrent {
				t.Errorf("recurrent: %v", n.Recurrent())
			}
			if !strings.HasPrefix(name, "arranged") { // which takes parts of the observation
				if n, err := Read(data, want.Inputs-1); err != nil || n.Inputs() != want.Inputs {
					t.Errorf("its length is not found: %v", err)
				}
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

// TestRefused saves archives with other code.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"torch.linear(", "torch.linoar(", `operation "torch.linoar" is not known here`},
		{"return torch.linear", "for i in range(3):\n      pass\n    return torch.linear", `a statement "for" is not known here`},
		{"self.weight", "self.woight", "has no attribute woight"},
		{"torch.elu(input, alpha)", "torch.elu(input, alpha, 1, 1, 7)", "5 arguments, of which 4 are known here"},
		{"return torch.linear(input, weight, bias)", "return (input, weight)", "instead of a tensor"},
	} {
		changed := rewrite(t, "mlp.pt", func(name, text string) string {
			if strings.Contains(name, "/code/") {
				return strings.ReplaceAll(text, c.from, c.to)
			}
			return text
		})
		if _, err := Read(changed, 9); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v, without %q", c.to, c.from, err, c.want)
		}
	}
	for _, c := range []struct{ record, from, to, want string }{
		{"data.pkl", "torch._utils\n_rebuild_tensor_v2", "posix\nsystem", "calls posix.system, which is not known here"},
		{"data.pkl", "FloatStorage", "HalfStorage", "a tensor of Half"},
		{"data/0", "\x00", "", "bytes instead of"},
		{"data.pkl", "weight", "waight", "has no attribute weight"},
	} {
		changed := rewrite(t, "mlp.pt", func(name, text string) string {
			if strings.HasSuffix(name, "/"+c.record) {
				if c.to == "" {
					return text[1:]
				}
				return strings.ReplaceAll(text, c.from, c.to)
			}
			return text
		})
		if _, err := Read(changed, 9); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %q: %v, without %q", c.record, c.to, err, c.want)
		}
	}
}

// TestLoops reads modules and lists that contain themselves.
func TestLoops(t *testing.T) {
	const head = "\x80\x02c__torch__\nM\nq\x00)\x81q\x01}(X\x01\x00\x00\x00l]q\x02h\x02ah\x02aX\x01\x00\x00\x00a"
	pickle := head + "h\x01X\x01\x00\x00\x00bh\x01ub."
	code := "class M(Module):\n  __buffers__ = []\n  def forward(self, x: Tensor) -> Tensor:\n    if torch.eq(self.l, self.l):\n      return (self.a.b.a).forward(x, )\n    else:\n      return torch.format(\"%s\", self.l)\n"
	var to bytes.Buffer
	w := zip.NewWriter(&to)
	for name, text := range map[string]string{"m/data.pkl": pickle, "m/constants.pkl": "\x80\x02).", "m/code/__torch__.py": code} {
		into, err := w.CreateHeader(&zip.FileHeader{Name: name})
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(into, text)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Read(to.Bytes(), 9)
	if want := "a list of 2  instead of one tensor"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, without %q", err, want)
	}
}

// rewrite returns an archive of testdata with other records.
func rewrite(t testing.TB, name string, change func(name, text string) string) []byte {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var to bytes.Buffer
	w := zip.NewWriter(&to)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		into, err := w.CreateHeader(&zip.FileHeader{Name: f.Name})
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(into, change(f.Name, string(text)))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

// FuzzRead reads whatever comes: an error or a network that runs.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob("testdata/*.pt")
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
		n, err := Read(data, 9)
		if err != nil {
			return
		}
		y := make([]float32, n.Outputs())
		n.Run(y, observation(n.Inputs(), 0))
		n.Reset()
		n.Run(y, observation(n.Inputs(), 1))
	})
}

// FuzzRecords puts whatever comes into the place of a record, behind the sums that
// protect archives.
func FuzzRecords(f *testing.F) {
	records := []string{"data.pkl", "nn/modules/linear.py", "nn/modules/container.py", "nn/modules/activation.py"}
	for i, record := range records {
		rewrite(f, "mlp.pt", func(name, text string) string {
			if strings.HasSuffix(name, record) {
				f.Add(i, text)
			}
			return text
		})
	}
	f.Fuzz(func(t *testing.T, i int, other string) {
		if i < 0 || i >= len(records) {
			return
		}
		n, err := Read(rewrite(t, "mlp.pt", func(name, text string) string {
			if strings.HasSuffix(name, records[i]) {
				return other
			}
			return text
		}), 9)
		if err == nil {
			n.Run(make([]float32, n.Outputs()), make([]float32, n.Inputs()))
		}
	})
}
