package model_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"samovar/compute"
	"samovar/compute/opaque"
	"samovar/model"
	"samovar/model/gguf"
)

// golden is testdata/NAME.json: what testdata/golden.py asked transformers for.
type golden struct {
	Architecture string
	Metadata     map[string]any
	Tokens       []int32
	Tensors      map[string][]int
	logits       []float32 // [tokens][vocabulary]
}

func readGolden(t *testing.T, name string) golden {
	t.Helper()
	var g golden
	text, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &g); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("testdata/" + name + ".logits")
	if err != nil {
		t.Fatal(err)
	}
	g.logits = make([]float32, len(raw)/4)
	if _, err := binary.Decode(raw, binary.LittleEndian, g.logits); err != nil {
		t.Fatal(err)
	}
	return g
}

// stream is the splitmix64 stream of golden.py: the upper 24 bits of output i.
func stream(name string, i int) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	z := h.Sum64() + uint64(i+1)*0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return (z ^ z>>31) >> 40
}

// element is element i of a tensor, as golden.py describes it.
func element(name string, dims []int, i int) float32 {
	u := float32((float64(stream(name, i))/(1<<24) - 0.5) * 2)
	switch {
	case len(dims) == 1 && strings.HasSuffix(name, "norm.weight"):
		return 1 + float32(float32(0.1)*u)
	case len(dims) == 1:
		return float32(0.1) * u
	case name == "token_embd.weight":
		return u
	}
	return u * float32(1/math.Sqrt(float64(dims[0])))
}

// file writes the golden model as GGUF and opens it.
func (g golden) file(t *testing.T) *model.File {
	t.Helper()
	meta := []gguf.KV{{Key: "general.architecture", Value: g.Architecture}}
	for k, v := range g.Metadata {
		switch x := v.(type) {
		case float64:
			if x == math.Trunc(x) && !strings.HasSuffix(k, "base") && !strings.HasSuffix(k, "scale") {
				v = uint32(x)
			} else {
				v = float32(x)
			}
		}
		meta = append(meta, gguf.KV{Key: k, Value: v})
	}
	var tensors []gguf.Tensor
	for name, dims := range g.Tensors {
		n := 1
		for _, d := range dims {
			n *= d
		}
		tensors = append(tensors, gguf.Tensor{Name: name, Dims: dims, Type: gguf.F32, Data: func(w io.Writer) error {
			x := make([]float32, n)
			for i := range x {
				x[i] = element(name, dims, i)
			}
			return binary.Write(w, binary.LittleEndian, x)
		}})
	}
	path := filepath.Join(t.TempDir(), "model.gguf")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := gguf.Write(out, meta, tensors); err != nil {
		t.Fatal(err)
	}
	f, err := model.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

var goldens = []string{"llama", "llama-tied", "qwen3", "qwen3moe", "deepseek2", "deepseek2-qlora", "deepseek3"}

// TestLogits holds the logits of every architecture against transformers', in
// one batch and with the tokens coming in pieces through a cache.
func TestLogits(t *testing.T) {
	for _, name := range goldens {
		t.Run(name, func(t *testing.T) {
			g := readGolden(t, name)
			f := g.file(t)
			if !slices.Equal(g.Tokens, tokens(g.Metadata, len(g.Tokens))) {
				t.Fatal("the tokens are not those of the stream: the generator has changed")
			}
			for _, dev := range devices(t) {
				for _, pieces := range [][]int{nil, {24}, {1, 7, 16}, {23, 1}} {
					got := logits(t, dev, f, g.Tokens, pieces)
					compare(t, fmt.Sprintf("%s, pieces %v", dev.Name(), pieces), got, g.logits)
				}
			}
		})
	}
}

func tokens(meta map[string]any, n int) []int32 {
	all := make([]int32, n)
	for i := range all {
		all[i] = int32(stream("tokens", i) % 320)
	}
	return all
}

func devices(t *testing.T) []compute.Device {
	t.Helper()
	dev, err := compute.CPU{Threads: 2}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dev.Close)
	return []compute.Device{dev, opaque.New(dev)}
}

// compare allows 1e-5 of the largest logit: sums in another order differ by 5e-7,
// and the smallest mistake that was tried (an epsilon of 1e-4) by 9e-5.
func compare(t *testing.T, what string, got, want []float32) {
	t.Helper()
	var spread, worst float64
	for i, w := range want {
		spread = max(spread, math.Abs(float64(w)))
		worst = max(worst, math.Abs(float64(got[i]-w)))
	}
	if !(worst <= 1e-5*spread) {
		t.Errorf("%s: logits differ by %g of a spread of %g", what, worst, spread)
	}
}

// logits runs the tokens in pieces through a cache, or without a cache at once.
func logits(t *testing.T, dev compute.Device, f *model.File, ids []int32, pieces []int) []float32 {
	t.Helper()
	c := f.Config
	p, slot := c.Serving()
	buffers, err := f.Load(dev)
	if err != nil {
		t.Fatal(err)
	}
	m := compute.Memory{Rows: len(ids), Outputs: len(ids), Bind: map[compute.Slot]compute.Buffer{}}
	p.Weights(func(s compute.Slot, info compute.SlotInfo) { m.Bind[s] = buffers[info.Name] })
	segment := compute.Segment{}
	if pieces == nil {
		pieces = []int{len(ids)}
	} else {
		segment.Pages = []int32{2, 0, 1}
		for _, cache := range p.Caches {
			b, err := dev.Alloc(3 * cache.PageLen(m.Cache))
			if err != nil {
				t.Fatal(err)
			}
			defer b.Free()
			m.Pages = append(m.Pages, b)
		}
	}
	e, err := dev.Prepare(p, m)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Free()
	var all []float32
	for _, n := range pieces {
		b := compute.Batch{Tokens: ids[segment.Past:][:n]}
		segment.Rows = n
		b.Segments = []compute.Segment{segment}
		for i := range n {
			b.Outputs = append(b.Outputs, int32(i))
		}
		if err := e.Run(&b); err != nil {
			t.Fatal(err)
		}
		y := make([]float32, n*c.Vocabulary)
		if err := e.Read(slot, 0, y); err != nil {
			t.Fatal(err)
		}
		all = append(all, y...)
		segment.Past += n
	}
	return all
}
