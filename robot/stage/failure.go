package stage

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"samovar/robot/live"
)

// done is the answer of what has been done.
var done = struct{}{}

// failure is an error for who asked: docs/api.md lists the codes, from which a page says
// it in other languages.
type failure struct {
	status int
	code   string
	of     string // name of the song that it is about
	error
}

func (f failure) Unwrap() error { return f.error }

// about names the song that a failure is about.
func (f failure) about(name string) failure {
	f.of = name
	return f
}

func bad(code, format string, args ...any) failure {
	return failure{http.StatusBadRequest, code, "", fmt.Errorf(format, args...)}
}

func missing(code, format string, args ...any) failure {
	return failure{http.StatusNotFound, code, "", fmt.Errorf(format, args...)}
}

// lacking is what cannot be done because something is not there.
func lacking(code, format string, args ...any) failure {
	return failure{http.StatusConflict, code, "", fmt.Errorf(format, args...)}
}

// conflict is what the robot refuses as it is now.
func conflict(err error) error {
	code := "no_body"
	switch {
	case err == nil:
		return nil
	case errors.Is(err, live.ErrStopped):
		code = "stopped"
	case errors.Is(err, live.ErrDown):
		code = "down"
	case errors.Is(err, live.ErrHard):
		code = "hard"
	}
	return failure{http.StatusConflict, code, "", err}
}

// complaint is a failure as it is written.
type complaint struct {
	Code    string `json:"code"`
	Of      string `json:"of,omitempty"`
	Message string `json:"message"`
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, says := http.StatusInternalServerError, complaint{"failed", "", err.Error()}
	if f, ok := errors.AsType[failure](err); ok {
		status, says.Code, says.Of = f.status, f.code, f.of
	}
	if status == http.StatusInternalServerError {
		s.config.Log.Error("the robot could not answer", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]complaint{"error": says})
}
