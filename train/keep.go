package train

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"samovar"
)

// Checkpoints says at which steps of a training the weights are kept as models
// of their own, beside the one that it ends with. The zero value keeps none.
type Checkpoints struct {
	Every float64 `json:"every"` // share of the steps between two
	Keep  int     `json:"keep"`  // the last so many stay; 0: all
}

// steps returns the steps, ascending, whose weights are kept of a run that has
// taken done of so many steps.
func (c Checkpoints) steps(done, of int64) (kept []int64) {
	if c.Every <= 0 {
		return nil
	}
	every := max(1, int64(c.Every*float64(of)))
	for step := every; step <= min(done, of-1); step += every {
		kept = append(kept, step)
	}
	if c.Keep > 0 && len(kept) > c.Keep {
		kept = kept[len(kept)-c.Keep:]
	}
	return kept
}

// keptPath is where the weights of a step lie until the run ends.
func (r *run) keptPath(step int64) string {
	return filepath.Join(r.work.Dir, fmt.Sprintf("step-%010d.gguf", step))
}

// keep writes the weights if they are to be kept at this step, before any
// checkpoint of it is saved, and removes those that give way to them.
func (r *run) keep() error {
	step := r.trainer.State.Step
	kept := r.Checkpoints.steps(step, r.steps)
	if len(kept) == 0 || kept[len(kept)-1] != step {
		return nil
	}
	if err := r.writeTo(r.keptPath(step), r.Template); err != nil {
		return fmt.Errorf("keep the weights of step %d: %w", step, err)
	}
	for _, old := range r.Checkpoints.steps(step-1, r.steps) {
		if old >= kept[0] {
			break
		}
		if err := os.Remove(r.keptPath(old)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the weights of step %d: %w", old, err)
		}
	}
	return nil
}

// kept returns the weights that were kept, as artifacts.
func (r *run) kept() (all []samovar.Output, err error) {
	for _, step := range r.Checkpoints.steps(r.steps, r.steps) {
		out, err := output(r.keptPath(step), step)
		if err != nil {
			return nil, fmt.Errorf("keep the weights of step %d: %w: remove %s and train again", step, err, r.work.Dir)
		}
		all = append(all, out)
	}
	return all, nil
}
