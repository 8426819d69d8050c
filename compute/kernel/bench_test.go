package kernel

import (
	"fmt"
	"testing"
	"time"
)

// benchAll runs f under every implementation that the machine has.
func benchAll(b *testing.B, name string, f func(b *testing.B)) {
	for _, implementation := range Implementations() {
		b.Run(name+"/"+implementation, func(b *testing.B) {
			restore, err := Use(implementation)
			if err != nil {
				b.Fatal(err)
			}
			defer restore()
			f(b)
		})
	}
}

// perSecond reports a rate in units of 1e9 a second.
func perSecond(b *testing.B, work float64, unit string) {
	b.ReportMetric(work*float64(b.N)/float64(b.Elapsed()/time.Nanosecond), unit)
}

func BenchmarkCeiling(b *testing.B) {
	benchAll(b, "fma", func(b *testing.B) {
		var work float64
		for b.Loop() {
			work = MeasureFMA(100000)
		}
		perSecond(b, work, "GFLOP/s")
	})
	benchAll(b, "bf16", func(b *testing.B) {
		if !HasBF16() {
			b.Skip("no BF16 instructions")
		}
		var work float64
		for b.Loop() {
			work = MeasureBF16(100000)
		}
		perSecond(b, work, "GFLOP/s")
	})
	buffer := make([]byte, 256<<20)
	for i := range buffer {
		buffer[i] = byte(i)
	}
	benchAll(b, "read", func(b *testing.B) {
		for b.Loop() {
			ReadBytes(buffer)
		}
		perSecond(b, float64(len(buffer)), "GB/s")
	})
}

// BenchmarkGemm has shapes of a GPT-2-124M step on 256 tokens: Y = X·Wᵀ,
// dX = dY·W, dW = dYᵀ·X; and one of attention.
func BenchmarkGemm(b *testing.B) {
	for _, s := range []struct {
		m, n, k        int
		transA, transB bool
	}{
		{256, 768, 768, false, true}, {256, 768, 768, false, false}, {768, 768, 256, true, false},
		{256, 3072, 768, false, true}, {768, 3072, 256, true, false}, {1024, 1024, 1024, false, false},
		{256, 256, 64, false, true}, {256, 64, 256, false, false}, {1, 768, 768, false, true}, {8, 768, 768, false, true},
	} {
		x, y, c := random(1, s.m*s.k), random(2, s.n*s.k), make([]float32, s.m*s.n)
		lda, ldb := pick(s.transA, s.m, s.k), pick(s.transB, s.k, s.n)
		name := fmt.Sprintf("%dx%dx%d/%s%s", s.m, s.n, s.k, pick(s.transA, "t", "n"), pick(s.transB, "t", "n"))
		benchAll(b, name, func(b *testing.B) {
			var scratch Scratch
			for b.Loop() {
				Gemm(c, s.n, x, lda, s.transA, y, ldb, s.transB, s.m, s.n, s.k, false, &scratch)
			}
			perSecond(b, 2*float64(s.m)*float64(s.n)*float64(s.k), "GFLOP/s")
		})
		if s.m == 1024 {
			benchAll(b, "bf16/"+name, func(b *testing.B) {
				var scratch Scratch
				for b.Loop() {
					GemmBF16(c, s.n, x, lda, s.transA, y, ldb, s.transB, s.m, s.n, s.k, false, &scratch)
				}
				perSecond(b, 2*float64(s.m)*float64(s.n)*float64(s.k), "GFLOP/s")
			})
		}
	}
}

// BenchmarkMulPanels multiplies 1 row, by panels far larger than the caches,
// and batches of rows.
func BenchmarkMulPanels(b *testing.B) {
	for _, f := range Formats() {
		if f.Panels() != f {
			continue
		}
		for _, rows := range []int{1, 2, 4, 8, 128} {
			const k = 2048
			n := 2048
			if rows <= 8 {
				n = 128 << 20 / PanelsSize(f, panelWidth, k) * panelWidth
			}
			x, y := random(2, rows*k), make([]float32, rows*n)
			panels := make([]byte, PanelsSize(f, n, k))
			for i := range panels {
				panels[i] = byte(i*7)&0x2b | 0x10 // a normal number as a scale or as a float32
			}
			benchAll(b, fmt.Sprintf("%v/%dx%dx%d", f, rows, n, k), func(b *testing.B) {
				var a Activations
				var scratch Scratch
				a.Prepare(f, x, k, rows, k)
				for b.Loop() {
					MulPanels(f, y, n, panels, &a, 0, n, k, &scratch)
				}
				perSecond(b, float64(len(panels)), "GB/s")
				perSecond(b, 2*float64(rows)*float64(n)*float64(k), "GOP/s")
			})
		}
	}
}

func BenchmarkPrepare(b *testing.B) {
	const k = 4096
	x := random(1, k)
	for _, f := range []Format{F32, Q8_0, Q4_0, Q4_K, Q6_K, Q2_K} {
		benchAll(b, f.String(), func(b *testing.B) {
			var a Activations
			for b.Loop() {
				a.Prepare(f, x, k, 1, k)
			}
			perSecond(b, 4*k, "GB/s")
		})
	}
}

func BenchmarkPack(b *testing.B) {
	const n, k = 1024, 2048
	for _, f := range []Format{F32, Q8_0, Q4_0, Q4_K, Q5_K, Q6_K} {
		w := make([]byte, n*f.Bytes(k))
		panels := make([]byte, PanelsSize(f, n, k))
		benchAll(b, f.String(), func(b *testing.B) {
			for b.Loop() {
				Pack(f, panels, w, n, k)
			}
			perSecond(b, float64(len(w)), "GB/s")
		})
	}
}

func BenchmarkQuantize(b *testing.B) {
	const n = 1 << 14
	x := random(1, n)
	for _, f := range Formats() {
		codes := make([]byte, f.Bytes(n))
		b.Run(f.String(), func(b *testing.B) {
			for b.Loop() {
				Quantize(f, codes, x)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/number")
		})
		b.Run(f.String()+"/back", func(b *testing.B) {
			for b.Loop() {
				Dequantize(f, x, codes)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/number")
		})
	}
}

func BenchmarkVector(b *testing.B) {
	const n = 4096
	x, y, z, u, v := random(1, n), random(2, n), random(3, n), random(4, n), random(5, n)
	for name, op := range vectorOps {
		benchAll(b, name, func(b *testing.B) {
			for b.Loop() {
				op(x, y, z, u, v)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/element")
		})
	}
}
