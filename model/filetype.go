package model

import (
	"fmt"
	"strconv"
	"strings"

	"samovar/compute/kernel"
)

// FileType says in which formats the tensors of a file are stored, numbered as
// llama.cpp's general.file_type.
type FileType uint32

// The file types. Those of K-quants and IQ4 are mixtures: most matrices are in
// the format that their name begins with, some in one of more bits.
const (
	F32    FileType = 0
	F16    FileType = 1
	Q4_0   FileType = 2
	Q4_1   FileType = 3
	Q8_0   FileType = 7
	Q5_0   FileType = 8
	Q5_1   FileType = 9
	Q2_K   FileType = 10
	Q3_K_S FileType = 11
	Q3_K_M FileType = 12
	Q3_K_L FileType = 13
	Q4_K_S FileType = 14
	Q4_K_M FileType = 15
	Q5_K_S FileType = 16
	Q5_K_M FileType = 17
	Q6_K   FileType = 18
	IQ4_NL FileType = 25
	IQ4_XS FileType = 30
	BF16   FileType = 32
)

// fileTypes lists them from the most bits to the fewest, each with the format of
// most matrices.
var fileTypes = []struct {
	number FileType
	name   string
	format kernel.Format
}{
	{F32, "F32", kernel.F32},
	{F16, "F16", kernel.F16},
	{BF16, "BF16", kernel.BF16},
	{Q8_0, "Q8_0", kernel.Q8_0},
	{Q6_K, "Q6_K", kernel.Q6_K},
	{Q5_1, "Q5_1", kernel.Q5_1},
	{Q5_K_M, "Q5_K_M", kernel.Q5_K},
	{Q5_K_S, "Q5_K_S", kernel.Q5_K},
	{Q5_0, "Q5_0", kernel.Q5_0},
	{Q4_1, "Q4_1", kernel.Q4_1},
	{Q4_K_M, "Q4_K_M", kernel.Q4_K},
	{Q4_K_S, "Q4_K_S", kernel.Q4_K},
	{Q4_0, "Q4_0", kernel.Q4_0},
	{IQ4_NL, "IQ4_NL", kernel.IQ4_NL},
	{IQ4_XS, "IQ4_XS", kernel.IQ4_XS},
	{Q3_K_L, "Q3_K_L", kernel.Q3_K},
	{Q3_K_M, "Q3_K_M", kernel.Q3_K},
	{Q3_K_S, "Q3_K_S", kernel.Q3_K},
	{Q2_K, "Q2_K", kernel.Q2_K},
}

// FileTypes returns all file types, those of more bits first.
func FileTypes() (all []FileType) {
	for _, f := range fileTypes {
		all = append(all, f.number)
	}
	return all
}

// String returns the name that llama.cpp uses, such as "Q4_K_M".
func (t FileType) String() string {
	for _, f := range fileTypes {
		if f.number == t {
			return f.name
		}
	}
	return fmt.Sprintf("FileType(%d)", uint32(t))
}

// Known reports whether t is one of [FileTypes].
func (t FileType) Known() bool {
	_, ok := t.most()
	return ok
}

// most returns the format of most matrices.
func (t FileType) most() (kernel.Format, bool) {
	for _, f := range fileTypes {
		if f.number == t {
			return f.format, true
		}
	}
	return 0, false
}

// ParseFileType returns the file type of that name, in letters of any case.
func ParseFileType(name string) (FileType, error) {
	var names []string
	for _, f := range fileTypes {
		if strings.EqualFold(f.name, name) {
			return f.number, nil
		}
		names = append(names, f.name)
	}
	return 0, fmt.Errorf("%q is not a format of weights: one of %s is expected", name, strings.Join(names, ", "))
}

// Format is what a tensor of c is stored in when its model is stored in want.
// Vectors and routers are F32, as llama.cpp keeps them, and so is a matrix whose
// rows are no whole number of blocks of any format in question.
func (c Config) Format(t Tensor, want FileType) kernel.Format {
	if t.Vector() || t.Router {
		return kernel.F32
	}
	f, _ := want.most()
	if mixed(f) {
		f = c.mix(t, want, f)
	}
	for {
		e, _ := f.Block()
		if e > 0 && t.Cols%e == 0 {
			return f
		}
		f = smaller(f)
	}
}

// mixed reports whether files of mostly f are mixtures.
func mixed(f kernel.Format) bool {
	return smaller(f) != kernel.F32 || f == kernel.IQ4_NL
}

// smaller is the format of smaller blocks in which llama.cpp stores rows that
// are no whole number of blocks of f.
func smaller(f kernel.Format) kernel.Format {
	switch f {
	case kernel.Q2_K, kernel.Q3_K, kernel.IQ4_XS:
		return kernel.IQ4_NL
	case kernel.Q4_K:
		return kernel.Q5_0
	case kernel.Q5_K:
		return kernel.Q5_1
	case kernel.Q6_K:
		return kernel.Q8_0
	}
	return kernel.F32
}

// mix chooses as llama.cpp's quantiser does without an importance matrix
// (llama_tensor_get_type in its llama-quant.cpp): more bits for the logits, the
// values of attention, and what the MLP adds to the residual stream.
func (c Config) mix(t Tensor, want FileType, f kernel.Format) kernel.Format {
	layer, name := t.layer()
	eight := c.Experts.Count == 8
	switch {
	case name == "output.weight" || c.Tied && name == "token_embd.weight":
		if e, _ := f.Block(); t.Cols%e != 0 {
			return kernel.Q8_0
		}
		return kernel.Q6_K
	case eight && (name == "attn_v.weight" || name == "attn_k.weight"):
		return kernel.Q8_0
	case name == "attn_v.weight":
		return c.mixValues(layer, want, f)
	case strings.HasPrefix(name, "ffn_down"):
		return c.mixDown(layer, want, f)
	case name == "attn_output.weight":
		return mixOutput(want, f, eight)
	}
	return f
}

// layer returns the number of the layer that t belongs to, and its name there.
func (t Tensor) layer() (layer int, name string) {
	rest, ok := strings.CutPrefix(t.Name, "blk.")
	number, name, _ := strings.Cut(rest, ".")
	if layer, err := strconv.Atoi(number); ok && err == nil {
		return layer, name
	}
	return 0, t.Name
}

// more reports whether a layer has more bits in mixtures _M: the first and last
// eighth, and every third between.
func (c Config) more(layer int) bool {
	n := c.Layers
	return layer < n/8 || layer >= 7*n/8 || (layer-n/8)%3 == 2
}

func (c Config) mixValues(layer int, want FileType, f kernel.Format) kernel.Format {
	grouped := c.KVHeads > 0 && c.Heads/c.KVHeads >= 4
	switch {
	case want == Q2_K && !grouped:
		return kernel.Q3_K
	case want == Q2_K || want == Q3_K_M && layer >= 2:
		f = kernel.Q4_K
	case want == Q3_K_M || want == Q3_K_L || want == Q4_K_S && layer < 4 || (want == IQ4_NL || want == IQ4_XS) && grouped:
		f = kernel.Q5_K
	case (want == Q4_K_M || want == Q5_K_M) && c.more(layer):
		f = kernel.Q6_K
	}
	if c.Architecture == Llama && c.Layers == 80 && c.Heads != c.KVHeads && (f == kernel.Q3_K || f == kernel.Q4_K) {
		f = kernel.Q5_K // 70B models, whose values are an eighth as large
	}
	return f
}

func (c Config) mixDown(layer int, want FileType, f kernel.Format) kernel.Format {
	first := layer < c.Layers/8
	switch {
	case want == Q2_K:
		return kernel.Q3_K
	case want == Q3_K_M && layer >= c.Layers/16:
		return kernel.Q4_K
	case want == Q3_K_M || want == Q3_K_L || first && (want == Q4_K_S || want == IQ4_NL || want == IQ4_XS):
		return kernel.Q5_K
	case (want == Q4_K_M || want == Q5_K_M) && c.more(layer):
		return kernel.Q6_K
	}
	return f
}

func mixOutput(want FileType, f kernel.Format, eight bool) kernel.Format {
	switch {
	case eight && (f == kernel.Q2_K || f == kernel.Q3_K && want != Q3_K_L || f == kernel.Q4_K || f == kernel.IQ4_NL || f == kernel.IQ4_XS):
		return kernel.Q5_K
	case eight:
		return f
	case want == Q2_K:
		return kernel.Q3_K
	case want == Q3_K_M:
		return kernel.Q4_K
	case want == Q3_K_L:
		return kernel.Q5_K
	}
	return f
}
