package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// recorded answers with what look finds of a reference.
func (s *Server) recorded(look func(ctx context.Context, ref string) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := errUnrecorded
		var answer any
		if look != nil {
			answer, err = look(r.Context(), r.PathValue("ref"))
		}
		if err != nil {
			s.unrecorded(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, answer)
	}
}

var errUnrecorded = fmt.Errorf("nothing is recorded here: %w", ErrUnknown)

// card answers with a model's card: JSON, or Markdown for ?format=markdown.
func (s *Server) card(w http.ResponseWriter, r *http.Request) {
	format := r.URL.Query().Get("format")
	if format != "" && format != "json" && format != "markdown" {
		s.refuse(w, r, &failure{status: http.StatusBadRequest, param: "format", message: fmt.Sprintf("format is %.20q: json or markdown is expected", format)})
		return
	}
	err := errUnrecorded
	var card Card
	if s.config.Card != nil {
		card, err = s.config.Card(r.Context(), r.PathValue("ref"))
	}
	switch {
	case err != nil:
		s.unrecorded(w, r, err)
	case format == "markdown":
		w.Header().Set("Content-Type", "text/markdown; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		io.WriteString(w, card.Markdown()) // an error means that the client has gone
	default:
		writeJSON(w, http.StatusOK, card)
	}
}

// unrecorded refuses a reference of which nothing could be told.
func (s *Server) unrecorded(w http.ResponseWriter, r *http.Request, err error) {
	f := &failure{status: http.StatusInternalServerError, message: err.Error()}
	if errors.Is(err, ErrUnknown) {
		f.status, f.param, f.code = http.StatusNotFound, "ref", "unknown_ref"
	}
	s.refuse(w, r, f)
}
