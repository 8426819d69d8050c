package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxOrder is the most bytes of an order, and of a recipe.
const maxOrder = 1 << 20

// order asks for a brew: from a dropped folder and what is known of it, from
// the text of a recipe, or from a recipe that names the folder as "texts".
type order struct {
	Folder   string  `json:"folder"`
	Recipe   string  `json:"recipe"`
	Name     string  `json:"name"`
	Language string  `json:"language"`
	Licence  string  `json:"licence"`
	Origin   string  `json:"origin"`
	Minutes  float64 `json:"minutes"` // of training
}

// order writes the recipe that a request asks for and begins to brew it.
func (s *Server) order(r *http.Request) (any, error) {
	o, err := readOrder(r)
	if err != nil {
		return nil, err
	}
	if o.Folder == "" {
		o.Folder = newID()
	} else {
		u, err := s.drops.filling(o.Folder)
		if err != nil {
			return nil, err
		}
		if u.files == 0 {
			return nil, &refusal{http.StatusUnprocessableEntity, "empty", "the folder is empty: drop one with texts"}
		}
		if o.Recipe == "" {
			o.Recipe = o.draft(u)
		}
	}
	dir := filepath.Join(s.config.Dir, o.Folder)
	name, err := s.config.Check([]byte(o.Recipe), dir)
	if err != nil {
		return nil, &refusal{http.StatusUnprocessableEntity, "bad_recipe", err.Error()}
	}
	if s.config.Taken(name) {
		return nil, &refusal{http.StatusConflict, "name_taken", fmt.Sprintf("a model called %s is here already: choose another name", name)}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("write the recipe: %w", err)
	}
	path := filepath.Join(dir, recipeFile)
	if err := replace(path, []byte(o.Recipe)); err != nil {
		return nil, fmt.Errorf("write the recipe: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.enqueue(Brew{ID: o.Folder, Name: name, Recipe: path, Started: time.Now().UTC(), Stages: []Stage{}})
}

func readOrder(r *http.Request) (o order, err error) {
	d := json.NewDecoder(io.LimitReader(r.Body, maxOrder))
	d.DisallowUnknownFields()
	if err := d.Decode(&o); err != nil {
		return o, &refusal{http.StatusBadRequest, "bad_json", fmt.Sprintf("the order cannot be read: %v", err)}
	}
	if o.Folder == "" && strings.TrimSpace(o.Recipe) == "" {
		return o, &refusal{http.StatusBadRequest, "empty", "a folder or a recipe is expected"}
	}
	if o.Recipe != "" {
		return o, nil
	}
	for _, f := range []struct{ name, value string }{{"name", o.Name}, {"language", o.Language}, {"licence", o.Licence}, {"origin", o.Origin}} {
		if strings.TrimSpace(f.value) == "" {
			err = errors.Join(err, fmt.Errorf("%s is missing", f.name))
		}
	}
	if !(o.Minutes >= 0.1 && o.Minutes <= maxMinutes) {
		err = errors.Join(err, fmt.Errorf("minutes is %g: between 0.1 and %d is expected", o.Minutes, maxMinutes))
	}
	if err != nil {
		return o, &refusal{http.StatusUnprocessableEntity, "bad_order", strings.ReplaceAll(err.Error(), "\n", "; ")}
	}
	return o, nil
}

// maxMinutes is four weeks.
const maxMinutes = 4 * 7 * 24 * 60

// draft writes a recipe for the folder with the reason for each number.
func (o order) draft(u usage) string {
	return fmt.Sprintf(`# Written by the page Runs for a folder that was dropped on it, which lies
# beside this file. samovar brew takes it as it is.
name: %s
corpus:
  - path: %s
    language: %s
    licence: %s
    origin: %s
tokenizer: {vocab: %d} # a token for each 500 bytes of the %d there are, between 512 and 8192: each is seen often enough to be learnt
model: {depth: %d} # layers: in little time a small model learns more than a large one begins to
train: {hours: %s} # %s minutes; first measured for 20 seconds, then turned into a number of steps
quantize: [Q8_0] # a quarter of the size, for serving
`, quote(o.Name), textsDir, quote(o.Language), quote(o.Licence), quote(o.Origin), vocabulary(u.bytes), u.bytes, depth(o.Minutes),
		number(o.Minutes/60), number(o.Minutes))
}

// quote writes a text as YAML takes it: a JSON string is one.
func quote(s string) string {
	text, err := encode(strings.TrimSpace(strings.ToValidUTF8(s, "")))
	if err != nil { // no string fails
		panic(err)
	}
	return string(text)
}

func number(x float64) string { return fmt.Sprintf("%.6g", x) }

// vocabulary is the largest power of two below a token for each 500 bytes.
func vocabulary(bytes int64) int {
	v := math.Exp2(math.Floor(math.Log2(max(1, float64(bytes)/500))))
	return int(min(8192, max(512, v)))
}

// depth is the number of layers for so many minutes on a few cores.
func depth(minutes float64) int {
	switch {
	case minutes <= 10:
		return 2
	case minutes <= 60:
		return 4
	case minutes <= 8*60:
		return 6
	}
	return 8
}
