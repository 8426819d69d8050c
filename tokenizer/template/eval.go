package template

import (
	"errors"
	"fmt"
)

// Limits on one rendering. Templates in use take some 50 steps a message.
const (
	maxSteps = 1 << 20 // and 1024 more for each message
	maxBytes = 1 << 20 // of the output, and of any one text, beyond the messages' own
	maxCalls = 50      // of macros, one inside another
	maxEvals = 10000   // of expressions, one inside another
	maxItems = 100000  // of one list that range makes, as in Jinja's sandbox
)

// state is one rendering.
type state struct {
	scopes []map[string]value
	steps  int // still allowed
	bytes  int // limit of any text
	calls  int
	evals  int
	out    *joiner
}

// spend counts work: steps, and bytes of a text that is being made.
func (s *state) spend(steps, bytes int) error {
	s.steps -= steps + bytes/256
	if s.steps < 0 {
		return errors.New("it takes too many steps")
	}
	if bytes > s.bytes {
		return fmt.Errorf("it makes a text of more than %d bytes", s.bytes)
	}
	return nil
}

func (s *state) lookup(name string) value {
	for i := len(s.scopes) - 1; i >= 0; i-- {
		if v, ok := s.scopes[i][name]; ok {
			return v
		}
	}
	if f, ok := globals[name]; ok {
		return f
	}
	return undefined{name}
}

func (s *state) push() map[string]value {
	m := map[string]value{}
	s.scopes = append(s.scopes, m)
	return m
}

func (s *state) pop() { s.scopes = s.scopes[:len(s.scopes)-1] }

// stmt is a statement, expr an expression.
type (
	stmt interface{ exec(s *state) error }
	expr interface{ eval(s *state) (value, error) }
)

// failure is an error with the line of the template.
type failure struct {
	line int
	err  error
}

func (f failure) Error() string { return fmt.Sprintf("line %d: %v", f.line, f.err) }
func (f failure) Unwrap() error { return f.err }

// at gives an error the line of the innermost statement.
func at(line int, err error) error {
	if err == nil || errors.As(err, new(failure)) || err == errBreak || err == errContinue {
		return err
	}
	return failure{line, err}
}

var errBreak, errContinue = errors.New("break"), errors.New("continue")

func (s *state) run(body []stmt) error {
	for _, st := range body {
		if err := s.spend(1, 0); err != nil {
			return err
		}
		if err := st.exec(s); err != nil {
			return err
		}
	}
	return nil
}

// eval evaluates e within the limits.
func (s *state) eval(e expr) (value, error) {
	if err := s.spend(1, 0); err != nil {
		return nil, err
	}
	if s.evals++; s.evals > maxEvals {
		return nil, fmt.Errorf("expressions are nested more than %d deep", maxEvals)
	}
	defer func() { s.evals-- }()
	return e.eval(s)
}

// capture runs a body and returns what it prints.
func (s *state) capture(body []stmt) (text, error) {
	outer := s.out
	s.out = &joiner{}
	err := s.run(body)
	t := s.out.text()
	s.out = outer
	return t, err
}
