package kernel

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"
)

func TestFormat(t *testing.T) {
	for _, f := range Formats() {
		e, b := f.Block()
		if f.Bytes(3*e) != 3*b || strings.HasPrefix(f.String(), "Format") || f.Panels().Panels() != f.Panels() {
			t.Errorf("%v: %d bytes, panels of %v", f, f.Bytes(3*e), f.Panels())
		}
		if l := f.layout(); l != nil && (l.numbers != e || l.bytes != b) {
			t.Errorf("%v: %d numbers in %d bytes, but the layout has %d in %d", f, e, b, l.numbers, l.bytes)
		}
	}
	if e, b := Format(4).Block(); e != 0 || b != 0 || Format(4).String() != "Format(4)" {
		t.Errorf("%v has blocks of %d in %d bytes", Format(4), e, b)
	}
	if s := FormatNames(); !strings.HasPrefix(s, "F32, F16, ") || !strings.HasSuffix(s, ", Q3_K and Q2_K") {
		t.Error(s)
	}
}

// TestF16 decodes all halves and encodes them again, and rounds between them.
func TestF16(t *testing.T) {
	for h := range 1 << 16 {
		v := fromF16(uint16(h))
		if v != v {
			if h&0x7fff <= 0x7c00 || fromF16(toF16(v)) == fromF16(toF16(v)) {
				t.Fatalf("%#04x is NaN", h)
			}
			continue
		}
		if got := toF16(v); got != uint16(h) {
			t.Fatalf("%#04x is %g, encoded as %#04x", h, v, got)
		}
		e, m := h>>10&31, h&0x3ff
		want := math.Ldexp(float64(m), -24)
		if e > 0 {
			want = math.Ldexp(float64(m+1024), e-25)
		}
		if e < 31 && math.Abs(float64(v)) != want {
			t.Fatalf("%#04x is %g, want %g", h, v, want)
		}
		if next := fromF16(uint16(h + 1)); h&0x7fff < 0x7bff {
			middle := float32((float64(v) + float64(next)) / 2)
			if got, want := toF16(middle), uint16(h+h&1); got != want {
				t.Fatalf("%g between %#04x and the next: %#04x", middle, h, got)
			}
			if got := toF16(math.Nextafter32(middle, next)); got != uint16(h+1) {
				t.Fatalf("above %g: %#04x", middle, got)
			}
			if got := toF16(math.Nextafter32(middle, v)); got != uint16(h) {
				t.Fatalf("below %g: %#04x", middle, got)
			}
		}
	}
	if toF16(65519) != 0x7bff || toF16(65520) != 0x7c00 || toF16(-1e30) != 0xfc00 {
		t.Error("overflow")
	}
}

func TestBF16(t *testing.T) {
	for _, c := range []struct {
		v    float32
		want uint16
	}{
		{1, 0x3f80}, {math.Float32frombits(0x3f808000), 0x3f80}, {math.Float32frombits(0x3f818000), 0x3f82},
		{math.Float32frombits(0x3f808001), 0x3f81}, {math.MaxFloat32, 0x7f80}, {float32(math.Inf(-1)), 0xff80},
		{math.Float32frombits(0x7f800001), 0x7fc0}, {1e-45, 0},
	} {
		if got := toBF16(c.v); got != c.want {
			t.Errorf("toBF16(%g) = %#04x, want %#04x", c.v, got, c.want)
		}
	}
}

// TestQuantizeGolden compares blocks with ggml's quantize_row_q8_0_ref and
// quantize_row_q4_0_ref, computed by the published definitions on x[i] =
// ((37·i) mod 64 - 31) / 16 + i/1024 with NumPy in float32.
func TestQuantizeGolden(t *testing.T) {
	x := make([]float32, 32)
	for i := range x {
		x[i] = float32((37*i)%64-31)/16 + float32(i)/1024
	}
	for f, want := range map[Format]string{
		Q8_0: "12248618ae3fd567fc9224ba4be173099f30c658ed7f15ab3cd264fa9021b749de70",
		Q4_0: "0ab4cf279d047bd248bf268cf36ad137ae15",
	} {
		got := make([]byte, f.Bytes(32))
		Quantize(f, got, x)
		if hex.EncodeToString(got) != want {
			t.Errorf("%v: %x, want %s", f, got, want)
		}
	}
}

// bounds are the largest error of each format on numbers below 4 in magnitude,
// as a share of 4: about half a step of their codes, for scales of few bits
// more.
var bounds = map[Format]float64{
	F32: 0, F16: 0x1p-11, BF16: 0x1p-8, Q8_0: 0.005, Q6_K: 0.04, Q5_1: 0.04, Q5_K: 0.05, Q5_0: 0.05, Q4_1: 0.06,
	Q4_K: 0.08, Q4_0: 0.13, IQ4_NL: 0.15, IQ4_XS: 0.15, MXFP4: 0.26, Q3_K: 0.25, Q2_K: 0.4,
}

func TestQuantizeRoundTrip(t *testing.T) {
	for _, f := range Formats() {
		for _, n := range []int{0, 256, 768} {
			x := random(uint64(n), n)
			codes := make([]byte, f.Bytes(n))
			Quantize(f, codes, x)
			y := make([]float32, n)
			Dequantize(f, y, codes)
			for i := range x {
				if d := math.Abs(float64(x[i] - y[i])); d > 4*bounds[f] {
					t.Errorf("%v: %g came back as %g", f, x[i], y[i])
				}
			}
		}
	}
}

// TestQuantizeExtremes asks that nothing panics, zeros stay zeros, and no
// number that is not finite becomes one that looks as if it were.
func TestQuantizeExtremes(t *testing.T) {
	const n = 512
	for _, f := range Formats() {
		codes, y := make([]byte, f.Bytes(n)), make([]float32, n)
		for seed := range uint64(50) {
			Quantize(f, codes, extremes(seed, n))
			Dequantize(f, y, codes)
		}
		y = random(1, n)
		Quantize(f, codes, make([]float32, n))
		Dequantize(f, y, codes)
		for _, v := range y {
			if v != 0 {
				t.Fatalf("%v: zero came back as %g", f, v)
			}
		}
		if f == Q4_0 { // as in ggml, which passes over NaN
			continue
		}
		for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			x := random(2, n)
			x[300] = float32(bad)
			Quantize(f, codes, x)
			Dequantize(f, y, codes)
			if v := y[300]; v-v == 0 {
				t.Errorf("%v: %g came back as %g", f, bad, v)
			}
		}
	}
}
