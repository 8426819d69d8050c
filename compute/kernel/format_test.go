package kernel

import (
	"encoding/hex"
	"math"
	"testing"
)

func TestFormat(t *testing.T) {
	for _, f := range formats {
		got, err := ParseFormat(f.format.String())
		if err != nil || got != f.format {
			t.Errorf("%v: parsed as %v, %v", f.format, got, err)
		}
		if e, b := f.format.Block(); f.format.Bytes(3*e) != 3*b {
			t.Errorf("%v: %d bytes", f.format, f.format.Bytes(3*e))
		}
	}
	if _, err := ParseFormat("Q9_9"); err == nil {
		t.Error("Q9_9 is parsed")
	}
	if s := Format(99).String(); s != "Format(99)" {
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

func TestQuantizeRoundTrip(t *testing.T) {
	for _, f := range formats {
		for _, n := range []int{0, 32, 96} {
			x := random(uint64(n), n)
			codes := make([]byte, f.format.Bytes(n))
			Quantize(f.format, codes, x)
			y := make([]float32, n)
			Dequantize(f.format, y, codes)
			bound := map[Format]float64{F32: 0, F16: 1. / 2048, BF16: 1. / 256, Q8_0: 4. / 127 / 1.9, Q4_0: 4. / 8}[f.format]
			for i := range x {
				if d := math.Abs(float64(x[i] - y[i])); d > bound*max(1, math.Abs(float64(x[i]))) {
					t.Errorf("%v: %g came back as %g", f.format, x[i], y[i])
				}
			}
		}
	}
}

// TestQuantizeExtremes asks only that nothing panics and zeros stay zeros.
func TestQuantizeExtremes(t *testing.T) {
	for _, f := range formats {
		codes := make([]byte, f.format.Bytes(64))
		for seed := range uint64(50) {
			Quantize(f.format, codes, extremes(seed, 64))
			Dequantize(f.format, make([]float32, 64), codes)
		}
		y := random(1, 64)
		Quantize(f.format, codes, make([]float32, 64))
		Dequantize(f.format, y, codes)
		for _, v := range y {
			if v != 0 {
				t.Fatalf("%v: zero came back as %g", f.format, v)
			}
		}
	}
}
