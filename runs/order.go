package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// maxOrder is the most bytes of an order, and of a recipe.
const maxOrder = 1 << 20

// request asks for a brew: from a dropped folder and what is known of it, from
// the text of a recipe, or from a recipe that names the folder as "texts".
type request struct {
	Folder   string  `json:"folder"`
	Recipe   string  `json:"recipe"`
	Name     string  `json:"name"`
	Language string  `json:"language"`
	Licence  string  `json:"licence"`
	Origin   string  `json:"origin"`
	Minutes  float64 `json:"minutes"` // of the brew, once it is designed
}

// order begins to brew what a request asks for.
func (s *Server) order(r *http.Request) (any, error) {
	q, err := readRequest(r)
	if err != nil {
		return nil, err
	}
	if q.Folder == "" {
		q.Folder = newID()
	} else {
		u, err := s.drops.filling(q.Folder)
		if err != nil {
			return nil, err
		}
		if u.files == 0 {
			return nil, &refusal{http.StatusUnprocessableEntity, "empty", "the folder is empty: drop one with texts"}
		}
	}
	dir := filepath.Join(s.config.Dir, q.Folder)
	b := Brew{ID: q.Folder, Name: q.Name, Recipe: filepath.Join(dir, recipeFile), Started: time.Now().UTC(), Stages: []Stage{}}
	if q.Recipe == "" {
		b.Order = &Order{Data: filepath.Join(dir, textsDir), Hours: q.Minutes / 60, Name: q.Name, Language: q.Language, Licence: q.Licence, Origin: q.Origin}
		if err := s.config.Suits(r.Context(), *b.Order); err != nil {
			return nil, &refusal{http.StatusUnprocessableEntity, "bad_order", err.Error()}
		}
	} else if b.Name, err = s.config.Check([]byte(q.Recipe), dir); err != nil {
		return nil, &refusal{http.StatusUnprocessableEntity, "bad_recipe", err.Error()}
	}
	if s.config.Taken(b.Name) {
		return nil, &refusal{http.StatusConflict, "name_taken", fmt.Sprintf("a model called %s is here already: choose another name", b.Name)}
	}
	if q.Recipe != "" {
		if err := writeRecipe(b.Recipe, q.Recipe); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.enqueue(b)
}

func writeRecipe(path, text string) error {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = replace(path, []byte(text))
	}
	if err != nil {
		return fmt.Errorf("write the recipe: %w", err)
	}
	return nil
}

func readRequest(r *http.Request) (q request, err error) {
	d := json.NewDecoder(io.LimitReader(r.Body, maxOrder))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return q, &refusal{http.StatusBadRequest, "bad_json", fmt.Sprintf("the order cannot be read: %v", err)}
	}
	if q.Folder == "" && strings.TrimSpace(q.Recipe) == "" {
		return q, &refusal{http.StatusBadRequest, "empty", "a folder or a recipe is expected"}
	}
	if q.Recipe != "" {
		return q, nil
	}
	for _, f := range []struct {
		name string
		text *string
	}{{"name", &q.Name}, {"language", &q.Language}, {"licence", &q.Licence}, {"origin", &q.Origin}} {
		*f.text = strings.TrimSpace(*f.text)
		switch {
		case *f.text == "" && f.name != "language": // that is as the texts read
			err = errors.Join(err, fmt.Errorf("%s is missing", f.name))
		case len(*f.text) > maxField || strings.ContainsFunc(*f.text, unicode.IsControl):
			err = errors.Join(err, fmt.Errorf("%s is no single line of at most %d bytes", f.name, maxField))
		}
	}
	if !(q.Minutes > 0 && q.Minutes <= maxMinutes) {
		err = errors.Join(err, fmt.Errorf("minutes is %g: above 0 and at most %d is expected", q.Minutes, maxMinutes))
	}
	if err != nil {
		return q, &refusal{http.StatusUnprocessableEntity, "bad_order", strings.ReplaceAll(err.Error(), "\n", "; ")}
	}
	return q, nil
}

const (
	maxMinutes = 4 * 7 * 24 * 60 // four weeks
	maxField   = 1000            // bytes that an argument of a command and a line of a card may well have
)
