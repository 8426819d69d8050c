package train

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"samovar/compute"
	"samovar/model"
	"samovar/model/safetensors"
)

// A checkpoint is two files: NAME.safetensors holds weights and moments, and
// NAME.json, written after it, holds the State and the digest of both. A
// checkpoint without its .json, or whose digest is another, does not exist.

// kept is how many checkpoints stay: the last, and one to fall back to should
// the disk have damaged it.
const kept = 2

// description is the content of a checkpoint's .json.
type description struct {
	State  State  `json:"state"`
	Digest string `json:"digest"` // SHA-256 of the .safetensors followed by the JSON of State
}

// seal returns the digest of a checkpoint of which hash has read the
// .safetensors.
func seal(hash hash.Hash, s State) (string, error) {
	err := json.NewEncoder(hash).Encode(s)
	return hex.EncodeToString(hash.Sum(nil)), err
}

// parts are the buffers that a checkpoint holds, by the prefix of their tensors.
func (t *Trainer) parts() []struct {
	prefix string
	buffer compute.Buffer
} {
	return []struct {
		prefix string
		buffer compute.Buffer
	}{{"weights.", t.params}, {"first_moment.", t.moments[0]}, {"second_moment.", t.moments[1]}}
}

// Save writes a checkpoint to dir. What was there before stays valid until it
// is complete.
func (t *Trainer) Save(dir string) error {
	name := filepath.Join(dir, fmt.Sprintf("checkpoint-%010d", t.State.Step))
	hash := sha256.New()
	err := replace(name+".safetensors", func(w io.Writer) error {
		return safetensors.Write(io.MultiWriter(w, hash), nil, t.checkpoint())
	})
	d := description{State: t.State}
	if err == nil {
		d.Digest, err = seal(hash, d.State)
	}
	if err == nil {
		err = replace(name+".json", func(w io.Writer) error { return json.NewEncoder(w).Encode(d) })
	}
	if err != nil {
		return fmt.Errorf("save checkpoint of step %d: %w", t.State.Step, err)
	}
	return prune(dir, name)
}

func (t *Trainer) checkpoint() []safetensors.Tensor {
	var all []safetensors.Tensor
	for _, p := range t.parts() {
		t.each(func(x model.Tensor, offset, n int) error {
			shape := x.Dims()
			slices.Reverse(shape)
			all = append(all, safetensors.Tensor{Name: p.prefix + x.Name, DType: safetensors.F32, Shape: shape, Data: func(w io.Writer) error {
				numbers := make([]float32, n)
				if err := p.buffer.Read(offset, numbers); err != nil {
					return err
				}
				return binary.Write(w, binary.LittleEndian, numbers)
			}})
			return nil
		})
	}
	return all
}

// replace writes a file so that at any moment it is either the old or the new
// one, also after a crash.
func replace(path string, write func(io.Writer) error) error {
	f, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	w := bufio.NewWriterSize(f, 1<<20)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// checkpoints returns the names in dir, without extension, latest first.
func checkpoints(dir string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "checkpoint-*.json"))
	slices.Sort(found)
	slices.Reverse(found)
	for i, f := range found {
		found[i] = strings.TrimSuffix(f, ".json")
	}
	return found, err
}

// prune leaves the checkpoint called last and those before it that are kept.
// Later ones were damaged, or training would not have come by here again.
func prune(dir, last string) error {
	names, err := checkpoints(dir)
	if err != nil {
		return err
	}
	i := slices.Index(names, last)
	names = names[i:min(i+kept, len(names))]
	files, err := filepath.Glob(filepath.Join(dir, "checkpoint-*"))
	if err != nil {
		return err
	}
	for _, f := range files {
		if slices.Contains(names, strings.TrimSuffix(f, filepath.Ext(f))) {
			continue
		}
		if err := os.Remove(f); err != nil {
			return fmt.Errorf("remove old checkpoint: %w", err)
		}
	}
	return nil
}

// Resume restores the latest checkpoint in dir that is whole, and reports what
// was wrong with later ones. Without one it leaves the trainer as it is.
func (t *Trainer) Resume(dir string) (resumed bool, damaged []error, err error) {
	names, err := checkpoints(dir)
	if err != nil {
		return false, nil, err
	}
	for _, name := range names {
		err := t.restore(name)
		if err == nil {
			return true, damaged, nil
		}
		damaged = append(damaged, fmt.Errorf("restore %s: %w", filepath.Base(name), err))
	}
	if len(damaged) > 0 {
		t.State = State{}
		for _, m := range t.moments {
			if err := fill(m, 0); err != nil {
				return false, damaged, err
			}
		}
		return false, damaged, t.initialise()
	}
	return false, nil, nil
}

func fill(b compute.Buffer, x float32) error {
	numbers := make([]float32, b.Len())
	for i := range numbers {
		numbers[i] = x
	}
	return b.Write(0, numbers)
}

func (t *Trainer) restore(name string) error {
	text, err := os.ReadFile(name + ".json")
	if err != nil {
		return err
	}
	var d description
	if err := json.Unmarshal(text, &d); err != nil {
		return err
	}
	if err := check(name+".safetensors", d); err != nil {
		return err
	}
	f, err := safetensors.Open(name + ".safetensors")
	if err != nil {
		return err
	}
	defer f.Close()
	for _, p := range t.parts() {
		err := t.each(func(x model.Tensor, offset, n int) error {
			info, err := f.Tensor(p.prefix + x.Name)
			if err != nil {
				return err
			}
			if info.DType != safetensors.F32 || info.Size != int64(4*n) {
				return fmt.Errorf("%s of %d bytes where %d numbers are expected", info.DType, info.Size, n)
			}
			numbers := make([]float32, n)
			if err := binary.Read(info.Reader(), binary.LittleEndian, numbers); err != nil {
				return err
			}
			return p.buffer.Write(offset, numbers)
		})
		if err != nil {
			return err
		}
	}
	t.State = d.State
	return nil
}

// check compares a checkpoint with its digest.
func check(path string, d description) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return err
	}
	got, err := seal(hash, d.State)
	if err != nil {
		return err
	}
	if got != d.Digest {
		return errors.New("it is cut or damaged: its digest is not the one written down")
	}
	return nil
}
