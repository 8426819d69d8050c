package infer

import (
	"os"
	"testing"

	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/model"
)

// roundedChange is how much of the logits' spread rounding activations to 8 bits may change
// a logit by, as a root mean square.
const roundedChange = 1e-2

// TestFormatChange holds the logits of weights in every quantised format to those of the
// same numbers in F32, with which nothing is rounded but by float32 itself.
func TestFormatChange(t *testing.T) {
	c := model.Derive(4, 512)
	c.Window, c.Layers = 64, 2
	dev := openCPU(t, 2)
	r := Request{Prompt: prompt(1, c.Window-1), ScorePrompt: true}
	logits := func(w map[string]compute.Buffer) map[int][]float32 {
		e := newEngine(t, dev, c, w, Options{})
		all := collect(e)
		return all[run(t, e, []Request{r}, []int{0})[0]]
	}
	formats := []kernel.Format{kernel.Q8_0, kernel.Q4_0, kernel.Q6_K}
	if os.Getenv("SAMOVAR_LONG") != "" {
		formats = kernel.Formats()
	}
	for _, format := range formats {
		if format.Panels() != format || format == kernel.F32 {
			continue // F16 and BF16 are multiplied as F32
		}
		mean, worst := differences(logits(exact(t, dev, c, format)), logits(random(t, dev, c, format)))
		t.Logf("%v: logits change by %.2g of their spread, %.2g at most", format, mean, worst)
		if !(mean <= roundedChange) {
			t.Errorf("%v: %g is allowed", format, roundedChange)
		}
	}
}

// exact are the numbers of random in a format, in F32.
func exact(t testing.TB, dev compute.Device, c model.Config, format kernel.Format) map[string]compute.Buffer {
	t.Helper()
	return buffers(t, c, func(tensor model.Tensor, w []float32) (compute.Buffer, error) {
		if !tensor.Vector() {
			data := make([]byte, format.Bytes(len(w)))
			kernel.Quantize(format, data, w)
			kernel.Dequantize(format, w, data)
		}
		return written(dev, w)
	})
}
