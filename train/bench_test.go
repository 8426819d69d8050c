package train

import (
	"fmt"
	"testing"

	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/model"
)

// BenchmarkStep trains models of several depths on rows of two documents and
// reports tokens and operations a second.
func BenchmarkStep(b *testing.B) {
	for _, depth := range []int{2, 4, 6} {
		b.Run(fmt.Sprintf("depth%d", depth), func(b *testing.B) {
			dev, err := compute.CPU{BF16: kernel.HasBF16()}.Open()
			if err != nil {
				b.Fatal(err)
			}
			defer dev.Close()
			m := model.Derive(depth, 4096)
			m.Window = 512
			c, err := Config{Batch: 8192, Leaves: 4}.Resolve(m.Width, m.Window)
			if err != nil {
				b.Fatal(err)
			}
			tr, err := NewTrainer(dev, m, c)
			if err != nil {
				b.Fatal(err)
			}
			defer tr.Close()
			rows := counting{c.Batch / m.Window, m.Window}.Batch(0)
			for b.Loop() {
				if _, err := tr.Step(rows, 1000); err != nil {
					b.Fatal(err)
				}
			}
			rate := float64(c.Batch*b.N) / b.Elapsed().Seconds()
			b.ReportMetric(rate, "tokens/s")
			b.ReportMetric(rate*m.TrainingOperations()/1e9, "GFLOP/s")
		})
	}
}
