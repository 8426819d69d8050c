package train

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

func TestCheckpointSteps(t *testing.T) {
	for _, x := range []struct {
		c        Checkpoints
		done, of int64
		want     []int64
	}{
		{Checkpoints{}, 100, 100, nil},
		{Checkpoints{Every: 0.25}, 100, 100, []int64{25, 50, 75}},
		{Checkpoints{Every: 0.25}, 50, 100, []int64{25, 50}},
		{Checkpoints{Every: 0.25}, 24, 100, nil},
		{Checkpoints{Every: 0.1, Keep: 3}, 40, 40, []int64{28, 32, 36}},
		{Checkpoints{Every: 0.1, Keep: 3}, 13, 40, []int64{4, 8, 12}},
		{Checkpoints{Every: 0.01}, 4, 4, []int64{1, 2, 3}},
		{Checkpoints{Every: 0.5}, 1, 1, nil},
	} {
		if got := x.c.steps(x.done, x.of); !slices.Equal(got, x.want) {
			t.Errorf("%+v after %d of %d steps: %v, not %v", x.c, x.done, x.of, got, x.want)
		}
	}
}

// TestKeeps interrupts a training that keeps weights, before and after a step
// at which it does, and damages its checkpoints: model and weights are the same.
func TestKeeps(t *testing.T) {
	k := newKitchen(t)
	k.keep = Checkpoints{Every: 0.34, Keep: 1} // of 6 steps: the fourth, after the second
	want, err := k.run(t, t.Context(), t.TempDir(), newNotes(), func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{1, 3, 4} {
		for _, damage := range []string{"none", "checkpoint-*.safetensors"} {
			t.Run(fmt.Sprintf("step %d, %s damaged", at, damage), func(t *testing.T) {
				dir := t.TempDir()
				k.interrupt(t, dir, at)
				files, err := filepath.Glob(filepath.Join(dir, damage))
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range files {
					change(t, f, func(b []byte) []byte { return b[:100] })
				}
				got, err := k.run(t, t.Context(), dir, newNotes(), func(int64) {})
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Error("the model, or what was kept, is another than the uninterrupted run's")
				}
				if left, _ := filepath.Glob(filepath.Join(dir, "step-*")); len(left) != 1 {
					t.Errorf("%v are left", left)
				}
			})
		}
	}
}
