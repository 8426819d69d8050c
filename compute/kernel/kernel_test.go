package kernel

import (
	"bytes"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// testAll runs f under every implementation that the machine has.
func testAll(t *testing.T, f func(t *testing.T)) {
	for _, name := range Implementations() {
		t.Run(name, func(t *testing.T) {
			restore, err := Use(name)
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
			f(t)
		})
	}
}

// random returns n normal numbers, the same for equal seeds.
func random(seed uint64, n int) []float32 {
	r := rand.New(rand.NewPCG(seed, 7))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// same fails the test at the first element whose bits differ; NaNs are equal.
func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) && (got[i] == got[i] || want[i] == want[i]) {
			t.Fatalf("%s: element %d is %g (%08x), want %g (%08x)", what, i, got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}

// guarded returns n elements at an odd alignment, taken from x, between guard
// values that check compares.
func guarded(x []float32) (inner []float32, check func(t *testing.T)) {
	const guard = -12345.678
	outer := make([]float32, len(x)+66)
	for i := range outer {
		outer[i] = guard
	}
	inner = outer[33:][:len(x)]
	copy(inner, x)
	return inner, func(t *testing.T) {
		t.Helper()
		for i, v := range outer {
			if (i < 33 || i >= 33+len(x)) && v != guard {
				t.Fatalf("length %d: wrote %d elements from the start", len(x), i-33)
			}
		}
	}
}

// extremes returns n numbers among which are zeros, denormals, huge ones,
// infinities and NaN.
func extremes(seed uint64, n int) []float32 {
	special := []float32{0, float32(math.Copysign(0, -1)), 1e-45, -3e-39, 1e38, -3e38, 88, -88, 104, -103.5,
		float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 1, -1, 0.5, math.Float32frombits(0x807fffff)}
	r := rand.New(rand.NewPCG(seed, 9))
	x := random(seed, n)
	for i := range x {
		if r.IntN(3) == 0 {
			x[i] = special[r.IntN(len(special))]
		}
	}
	return x
}

func TestUse(t *testing.T) {
	if got := Implementations(); got[0] != "generic" || Active() != got[len(got)-1] {
		t.Errorf("implementations %v, active %s", got, Active())
	}
	if _, err := Use("abacus"); err == nil {
		t.Error("Use accepts a name that does not exist")
	}
	before := Active()
	restore, err := Use("generic")
	if err != nil || Active() != "generic" {
		t.Fatal(Active(), err)
	}
	restore()
	if Active() != before {
		t.Errorf("restored %s, want %s", Active(), before)
	}
}

// TestGenerated runs the generator and compares what it writes.
func TestGenerated(t *testing.T) {
	if os.Getenv("SAMOVAR_LONG") == "" {
		t.Skip("set SAMOVAR_LONG=1 to generate the assembly again and compare")
	}
	folder := t.TempDir()
	if out, err := exec.Command("go", "run", "-C", "_asm", ".", folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob("*.s")
	if err != nil || len(files) == 0 {
		t.Fatal("no assembly", err)
	}
	files = append(files, "kernels_amd64.go", "kernels_arm64.go")
	for _, name := range files {
		got, _ := os.ReadFile(filepath.Join(folder, name))
		want, _ := os.ReadFile(name)
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what go generate writes", name)
		}
	}
}

// exact returns x·y + z rounded once.
func exact(x, y, z float32) float32 {
	b := func(v float32) *big.Float { return new(big.Float).SetPrec(1000).SetFloat64(float64(v)) }
	p := new(big.Float).SetPrec(1000).Mul(b(x), b(y))
	r, _ := p.Add(p, b(z)).Float32()
	return r
}

func TestFMA(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	number := func() float32 {
		// Few bits in the fraction make half-way cases; small exponents denormals.
		v := r.Uint32() & (0xffffffff << r.IntN(24))
		switch r.IntN(3) {
		case 0:
			v = v&^0x7f800000 | uint32(r.IntN(60))<<23
		case 1:
			v = v&^0x7f800000 | uint32(110+r.IntN(40))<<23
		}
		return math.Float32frombits(v)
	}
	for range 60000 {
		x, y, z := number(), number(), number()
		if x-x != 0 || y-y != 0 || z-z != 0 { // NaN and infinities
			continue
		}
		if p := exact(x, y, 0); p-p == 0 && r.IntN(2) == 0 {
			z = -p
			if up := float32(math.Ldexp(float64(p), 24)); r.IntN(2) == 0 && up-up == 0 {
				z = up // the product falls on half a unit of z
			}
		}
		want := exact(x, y, z)
		if got := fma(x, y, z); got != want {
			t.Fatalf("fma(%x, %x, %x) = %x, want %x", x, y, z, got, want)
		}
	}
}

// TestFMADoubleRounding holds cases that float32(math.FMA(…)) and
// float32(float64 sum) get wrong.
func TestFMADoubleRounding(t *testing.T) {
	for _, c := range [][4]float32{
		{0x1.000002p0, 0x1.000002p-24, 1, 0x1.000002p0},
		{0x1.fffffep-60, 0x1p-20, 0x1p-50, 0},
		{0x1.000002p-75, 0x1p-75, 0x1p-130, 0},
	} {
		want := exact(c[0], c[1], c[2])
		if got := fma(c[0], c[1], c[2]); got != want {
			t.Errorf("fma(%x, %x, %x) = %x, want %x", c[0], c[1], c[2], got, want)
		}
	}
	inf := float32(math.Inf(1))
	if v := fma(inf, 0, 1); v == v {
		t.Error("Inf·0 + 1 is no NaN")
	}
	if v := fma(inf, 1, -inf); v == v {
		t.Error("Inf - Inf is no NaN")
	}
	if v := fma(3e38, 3e38, -inf); v != -inf {
		t.Errorf("finite - Inf = %g", v)
	}
	if !slices.Contains(Implementations(), "generic") {
		t.Error("no generic implementation")
	}
}
