package kernel

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"
)

// golden is testdata/formats.json, which golden.py there makes.
type golden struct {
	Decoded map[string]struct {
		Blocks, Numbers string
		Begins          []float32
	}
	Errors map[string]map[string]float64
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	b, err := os.ReadFile("testdata/formats.json")
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// lcg is golden.py's Random.
type lcg uint32

func (r *lcg) next(bits int) uint32 {
	*r = *r*1664525 + 1013904223
	return uint32(*r) >> (32 - bits)
}

// halves are where the blocks of a format hold F16.
var halves = map[Format][]int{
	Q4_0: {0}, Q8_0: {0}, Q4_1: {0, 2}, Q5_0: {0}, Q5_1: {0, 2}, IQ4_NL: {0}, MXFP4: {},
	Q2_K: {80, 82}, Q3_K: {108}, Q4_K: {0, 2}, Q5_K: {0, 2}, Q6_K: {208}, IQ4_XS: {0},
}

// goldenBlocks is golden.py's blocks().
func goldenBlocks(f Format) []byte {
	edges := []uint16{0x0000, 0x8000, 0x0001, 0x03ff, 0x0400, 0x7bff, 0xfbff, 0x3c00, 0xbc01}
	_, size := f.Block()
	r, all := lcg(1), make([]byte, 256*size)
	for i := range all {
		all[i] = byte(r.next(8))
	}
	for i := range 256 {
		b, at := all[i*size:][:size], i
		if f == MXFP4 {
			b[0] = byte(i)
		}
		for _, offset := range halves[f] {
			h := binary.LittleEndian.Uint16(b[offset:])
			if h&0x7c00 == 0x7c00 {
				h &= 0xbfff
			}
			if i < len(edges)*len(edges) {
				h, at = edges[at%len(edges)], at/len(edges)
			}
			binary.LittleEndian.PutUint16(b[offset:], h)
		}
	}
	return all
}

// TestDequantizeGolden compares blocks of random codes, with scales at the
// edges of F16 among them, with llama.cpp's decoders, bit for bit.
func TestDequantizeGolden(t *testing.T) {
	digest := func(b []byte) string { h := sha256.Sum256(b); return hex.EncodeToString(h[:]) }
	for name, want := range readGolden(t).Decoded {
		f := parse(t, name)
		src := goldenBlocks(f)
		if got := digest(src); got != want.Blocks {
			t.Errorf("%v: the blocks are %s, golden.py's are %s", f, got, want.Blocks)
		}
		e, b := f.Block()
		y := make([]float32, len(src)/b*e)
		Dequantize(f, y, src)
		raw := make([]byte, 4*len(y))
		Quantize(F32, raw, y)
		if got := digest(raw); got != want.Numbers {
			t.Errorf("%v: numbers differ from llama.cpp's; block 100 begins %v, not %v", f, y[100*e:][:4], want.Begins)
		}
	}
}

func parse(t *testing.T, name string) Format {
	for _, f := range Formats() {
		if f.String() == name {
			return f
		}
	}
	t.Fatalf("there is no format %s", name)
	return 0
}

// TestLayout packs again what was unpacked: every bit of a block counts.
func TestLayout(t *testing.T) {
	for _, f := range Formats() {
		l := f.layout()
		if l == nil {
			continue
		}
		var b block
		got := make([]byte, l.bytes)
		for src := goldenBlocks(f); len(src) > 0; src = src[l.bytes:] {
			l.get(&b, src[:l.bytes])
			if l.put(got, &b); !bytes.Equal(got, src[:l.bytes]) {
				t.Fatalf("%v: %x is packed as %x", f, src[:l.bytes], got)
			}
		}
	}
}

// goldenNumbers is golden.py's kind().
func goldenNumbers(kind string) []float32 {
	r, x := lcg(2), make([]float32, 64*256)
	for i := range x {
		v := (float64(r.next(16)+r.next(16)+r.next(16)+r.next(16)) - 0x20000) / 0x10000
		switch kind {
		case "heavy":
			v *= math.Abs(v)
		case "shifted":
			v++
		}
		x[i] = float32(v)
	}
	return x
}

// TestQuantizeErrors holds the error of each format to that of ggml's own
// quantiser.
func TestQuantizeErrors(t *testing.T) {
	for name, kinds := range readGolden(t).Errors {
		f := parse(t, name)
		for kind, want := range kinds {
			x := goldenNumbers(kind)
			got := rootMeanSquare(f, x)
			t.Logf("%-6v %-8s %.6f, ggml's %.6f: %+.1f %%", f, kind, got, want, 100*(got/want-1))
			if got > want {
				t.Errorf("%v, %s numbers: the error is %g, ggml's is %g", f, kind, got, want)
			}
		}
	}
}

func rootMeanSquare(f Format, x []float32) float64 {
	b, y := make([]byte, f.Bytes(len(x))), make([]float32, len(x))
	Quantize(f, b, x)
	Dequantize(f, y, b)
	var sum float64
	for i := range x {
		e := float64(x[i]) - float64(y[i])
		sum += e * e
	}
	return math.Sqrt(sum / float64(len(x)))
}

// TestQuantizeSame holds the bytes of every format to what they were: a model
// that is quantised again must be the same. Who changes them raises the Version
// of quant.Quantize.
func TestQuantizeSame(t *testing.T) {
	for _, f := range Formats() {
		h := sha256.New()
		for _, kind := range []string{"normal", "heavy", "shifted"} {
			x := goldenNumbers(kind)
			b := make([]byte, f.Bytes(len(x)))
			Quantize(f, b, x)
			h.Write(b)
		}
		if got := fmt.Sprintf("%x", h.Sum(nil)[:8]); got != sameBytes[f] {
			t.Errorf("%v: %q", f, got)
		}
	}
}

var sameBytes = map[Format]string{
	F32:    "29de4ae6ad0e6458",
	F16:    "7bed146c9c7f1712",
	BF16:   "052ad87e819e5cf8",
	Q8_0:   "622d4a9545f803bb",
	Q6_K:   "3a98b9ac9cc497d0",
	Q5_1:   "4f81746b03d33d19",
	Q5_K:   "faecddddcec8a483",
	Q5_0:   "fa5219a8365aa290",
	Q4_1:   "2191731779edb905",
	Q4_K:   "1c330d27865476db",
	Q4_0:   "4dee43358004bf99",
	IQ4_NL: "dafbb2986a54400f",
	IQ4_XS: "fa3e3dfa8c4f7f92",
	MXFP4:  "6f17fffff0bb6887",
	Q3_K:   "1dda45ce97fb99ab",
	Q2_K:   "465fdb67222ff3cd",
}
