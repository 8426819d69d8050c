// Package quant turns the weights of a model into a smaller format and has what
// that costs measured. It changes no metadata but what names the format, no
// vector and no router, and evaluates nothing itself: a function that does is
// handed to it. Start with [Write]; the stage is [Quantize].
package quant

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"

	"samovar/compute/kernel"
	"samovar/model"
	"samovar/model/gguf"
)

// Write writes f as GGUF with its matrices in the formats of a file type, as
// [model.Write] stores them, and its metadata as they are. progress, if not nil,
// is told how many bytes of f's tensors are done. Memory: a few megabytes,
// whatever the size of the model. Equal arguments give equal bytes.
func Write(ctx context.Context, w io.Writer, f *model.File, want model.FileType, progress func(done, of int64)) error {
	formats := map[string]kernel.Format{}
	for _, t := range f.Config.Tensors() {
		formats[t.Name] = f.Config.Format(t, want)
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
	return gguf.Write(w, metadata(f.Meta, want), tensors)
}

// metadata returns the keys of a file with those that name its formats set:
// where the file type stood, or at the end.
func metadata(meta []gguf.KV, want model.FileType) []gguf.KV {
	named := want.Metadata()
	var all []gguf.KV
	for _, kv := range meta {
		switch kv.Key {
		case model.FileTypeKey:
			all = append(all, named...)
			named = nil
		case model.QuantKey:
		default:
			all = append(all, kv)
		}
	}
	return append(all, named...)
}

// piece is how many numbers are converted at once.
const piece = 1 << 18

// convert copies a tensor's data into another format, some rows at a time, on
// all processors.
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
		if _, err := io.ReadFull(r, src[:rows*from.Bytes(cols)]); err != nil {
			return err
		}
		spread(rows, func(first, end int) {
			x := numbers[first*cols : end*cols]
			kernel.Dequantize(from, x, src[first*from.Bytes(cols):])
			kernel.Quantize(to, dst[first*to.Bytes(cols):], x)
		})
		if _, err := w.Write(dst[:rows*to.Bytes(cols)]); err != nil {
			return err
		}
	}
	return nil
}

// spread calls do for ranges of n that are done at the same time.
func spread(n int, do func(first, end int)) {
	threads := runtime.GOMAXPROCS(0)
	var all sync.WaitGroup
	for i := range threads {
		all.Go(func() { do(i*n/threads, (i+1)*n/threads) })
	}
	all.Wait()
}
