// Package quant turns the weights of a model into a smaller format and has what
// that costs measured. It changes no metadata but what names the format, no
// vector and no router, and evaluates nothing itself: a function that does is
// handed to it. Start with [Write]; the stage is [Quantize].
package quant

import (
	"context"
	"fmt"
	"io"

	"samovar/compute/kernel"
	"samovar/model"
	"samovar/model/gguf"
)

// Write writes f as GGUF with its matrices in the format, as [model.Write]
// stores them, and its metadata as they are. progress, if not nil, is told how
// many bytes of f's tensors are done. Memory: a few megabytes, whatever the
// size of the model. Equal arguments give equal bytes.
func Write(ctx context.Context, w io.Writer, f *model.File, format kernel.Format, progress func(done, of int64)) error {
	formats := map[string]kernel.Format{}
	for _, t := range f.Config.Tensors() {
		formats[t.Name] = t.Format(format)
	}
	var done, of int64
	var tensors []gguf.Tensor
	for _, info := range f.Tensors {
		of += info.Size
		to := formats[info.Name]
		tensors = append(tensors, gguf.Tensor{Name: info.Name, Dims: info.Dims, Type: uint32(to), Data: func(w io.Writer) error {
			if err := convert(ctx, w, info, to); err != nil {
				return fmt.Errorf("quantize tensor %s: %w", info.Name, err)
			}
			done += info.Size
			if progress != nil {
				progress(done, of)
			}
			return nil
		}})
	}
	return gguf.Write(w, metadata(f.Meta, format), tensors)
}

// metadata returns the keys of a file with those that name its format set: where
// general.file_type stood, or at the end.
func metadata(meta []gguf.KV, format kernel.Format) []gguf.KV {
	const file, version = "general.file_type", "general.quantization_version"
	named := []gguf.KV{{Key: file, Value: model.FileType(format)}}
	if format != kernel.F32 {
		named = append(named, gguf.KV{Key: version, Value: uint32(2)})
	}
	var all []gguf.KV
	for _, kv := range meta {
		switch kv.Key {
		case file:
			all = append(all, named...)
			named = nil
		case version:
		default:
			all = append(all, kv)
		}
	}
	return append(all, named...)
}

// piece is how many numbers are converted at once.
const piece = 1 << 18

// convert copies a tensor's data into another format, some rows at a time.
func convert(ctx context.Context, w io.Writer, info gguf.Info, to kernel.Format) error {
	from := kernel.Format(info.Type)
	if from == to {
		_, err := io.Copy(w, info.Reader())
		return err
	}
	cols, left := info.Dims[0], 1
	for _, d := range info.Dims[1:] {
		left *= d
	}
	rows := min(left, max(1, piece/cols))
	src, numbers, dst := make([]byte, rows*from.Bytes(cols)), make([]float32, rows*cols), make([]byte, rows*to.Bytes(cols))
	for r := info.Reader(); left > 0; left -= rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		rows = min(rows, left)
		src, numbers, dst = src[:rows*from.Bytes(cols)], numbers[:rows*cols], dst[:rows*to.Bytes(cols)]
		if _, err := io.ReadFull(r, src); err != nil {
			return err
		}
		kernel.Dequantize(from, numbers, src)
		kernel.Quantize(to, dst, numbers)
		if _, err := w.Write(dst); err != nil {
			return err
		}
	}
	return nil
}
