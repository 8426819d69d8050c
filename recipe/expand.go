package recipe

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// expand replaces environment variables in paths and makes them absolute,
// relative to the recipe's folder.
func (r *Recipe) expand() (err error) {
	for i := range r.Corpus {
		if r.Corpus[i].Path, err = r.absolute(r.Corpus[i].Path); err != nil {
			return fmt.Errorf("corpus[%d].path: %w", i, err)
		}
	}
	for i, path := range r.Filter.Decontaminate {
		if r.Filter.Decontaminate[i], err = r.absolute(path); err != nil {
			return fmt.Errorf("filter.decontaminate[%d]: %w", i, err)
		}
	}
	for i := range r.Eval.Tasks {
		t := &r.Eval.Tasks[i]
		if t.Data, err = r.absolute(t.Data); err != nil {
			return fmt.Errorf("eval.tasks[%d].data: %w", i, err)
		}
		if t.Examples == "" {
			continue
		}
		if t.Examples, err = r.absolute(t.Examples); err != nil {
			return fmt.Errorf("eval.tasks[%d].examples: %w", i, err)
		}
	}
	return r.expandFrom()
}

// expandFrom makes the path of a GGUF file to go on from absolute; other
// references stay.
func (r *Recipe) expandFrom() error {
	if !strings.HasSuffix(r.Model.From, ".gguf") {
		return nil
	}
	path, err := r.absolute(r.Model.From)
	if err != nil {
		return fmt.Errorf("model.from: %w", err)
	}
	if _, err = os.Stat(path); err == nil {
		r.Model.From = path
	} else if filepath.Base(r.Model.From) != r.Model.From { // no name of the store
		return fmt.Errorf("model.from: %w: correct the path", err)
	}
	return nil
}

func (r *Recipe) absolute(path string) (string, error) {
	path, err := expand(path)
	if err == nil && !filepath.IsAbs(path) {
		path = filepath.Join(r.Dir, path)
	}
	return path, err
}

// expand replaces $NAME and ${NAME}. A variable that is not set is an error,
// but for $GOROOT, which go itself is asked for.
func expand(path string) (string, error) {
	var missing error
	out := os.Expand(path, func(name string) string {
		if v := os.Getenv(name); v != "" {
			return v
		}
		if name == "GOROOT" {
			if v, err := exec.Command("go", "env", "GOROOT").Output(); err == nil {
				return strings.TrimSpace(string(v))
			}
		}
		missing = fmt.Errorf("the variable $%s is not set: set it, or write the folder itself", name)
		return ""
	})
	return out, missing
}
