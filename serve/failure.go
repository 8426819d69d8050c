package serve

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// failure is an answer that says no, as OpenAI's APIs do.
type failure struct {
	status  int
	message string
	param   string // the field of the request at fault
	code    string
	retry   int // seconds after which to try again; 0: not said
}

func (f *failure) Error() string { return f.message }

// kinds are OpenAI's names of what went wrong.
var kinds = map[int]string{
	http.StatusUnauthorized:        "authentication_error",
	http.StatusForbidden:           "permission_error",
	http.StatusTooManyRequests:     "rate_limit_error",
	http.StatusInternalServerError: "server_error",
	http.StatusServiceUnavailable:  "server_error",
}

// MarshalJSON writes {"error": …}.
func (f *failure) MarshalJSON() ([]byte, error) {
	type body struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	b := body{Message: f.message, Type: kinds[f.status]}
	if b.Type == "" {
		b.Type = "invalid_request_error"
	}
	if f.param != "" {
		b.Param = &f.param
	}
	if f.code != "" {
		b.Code = &f.code
	}
	return json.Marshal(map[string]body{"error": b})
}

// refuse answers with f.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, f *failure) {
	s.log.Debug("refused", "method", r.Method, "path", r.URL.Path, "status", f.status, "code", f.code)
	if f.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.retry))
	}
	writeJSON(w, f.status, f)
}

// encode returns v as JSON in one line, without escaping for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// writeJSON answers with v.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := encode(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":{"message":"the answer cannot be encoded","type":"server_error","param":null,"code":null}}`)
	}
	// A recorder in a test has no deadline to set.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(append(b, '\n')) // an error means that the client has gone
}
