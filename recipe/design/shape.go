package design

import "samovar/model"

// shape is the size of a model.
type shape struct{ depth, width int }

// shapes are the models that are considered, from small to large. Widths are
// multiples of 256, so that every quantised format fits every matrix; depth
// grows first, because a width of 512 costs four times one of 256.
var shapes = []shape{
	{2, 256}, {3, 256}, {4, 256}, {6, 256}, {8, 256}, {6, 512}, {8, 512}, {12, 512},
	{10, 768}, {12, 768}, {16, 1024}, {20, 1280}, {24, 1536}, {32, 2048}, {40, 2560},
}

// shape returns the architecture of a size.
func (d *designer) shape(s shape) model.Config {
	m := model.Shape(s.depth, s.width, d.vocabulary)
	m.Window = d.window
	return m
}

// layers is the number of parameters in the layers, without the table of the
// vocabulary.
func layers(m model.Config) int64 {
	all, _ := m.Parameters()
	tables := int64(m.Vocabulary) * int64(m.Width)
	if !m.Tied {
		tables *= 2
	}
	return all - tables
}

const leastVocabulary = 512

// bytesAToken is how much text there is at least for each token of a vocabulary,
// so that each is seen often enough to be learnt.
const bytesAToken = 500

// vocabulary is the size of a vocabulary: a power of two, and small where little
// time is to be spent, because a large table takes much of a small model's.
// power is in hours of one thread.
func vocabulary(bytes int64, power float64) int {
	most := 4096
	for _, p := range []float64{2, 20, 500} {
		if power > p {
			most *= 2
		}
	}
	v := leastVocabulary
	for v < most && int64(2*v)*bytesAToken <= bytes {
		v *= 2
	}
	return v
}

// window is how many tokens a model sees at once: attention over long rows, and
// rows too few to differ, are dear in a short training (LOG.md, "What does a
// small batch need? Rows").
func window(power float64) int {
	switch {
	case power <= 2:
		return 256
	case power <= 50:
		return 512
	}
	return 1024
}
