package torchscript

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"samovar/robot/policy/network"
)

// errSize is within errors that come of a length of the observation that does not
// fit.
var errSize = errors.New("sizes do not fit")

// errAgain means that a buffer which was taken for constant is overwritten.
var errAgain = errors.New("a buffer is overwritten")

// Bounds on what is followed, for all lengths of the observation together: an LSTM
// with its checks has some 200 statements.
const (
	mostStatements = 100000
	deepestCalls   = 32
	mostRemembered = 16 // buffers
)

// reference is a function of the archive as a value.
type reference string

// scope follows code. Beside what pickles hold, its values are *network.Tensor.
type scope struct {
	archive    *archive
	b          *network.Builder
	tensors    map[*stored]*network.Tensor
	buffers    map[*stored]bool
	remembered map[*stored]bool // buffers that are overwritten
	constants  tuple
	statements int
	depth      int
}

func newScope(a *archive) *scope {
	return &scope{archive: a, remembered: map[*stored]bool{}}
}

// network follows forward with an observation of n numbers.
func (s *scope) network(module *object, n int) (*network.Network, error) {
	for {
		s.b, s.tensors, s.buffers = &network.Builder{}, map[*stored]*network.Tensor{}, map[*stored]bool{}
		s.depth = 0
		in, err := s.b.Input(1, n)
		if err != nil {
			return nil, err
		}
		made, err := s.method(module, "forward", []any{in}, nil)
		if errors.Is(err, errAgain) {
			continue // each time with one more buffer that is remembered
		}
		if err != nil {
			return nil, err
		}
		out, ok := made.(*network.Tensor)
		if !ok {
			return nil, fmt.Errorf("forward returns %s instead of one tensor", describe(made))
		}
		return s.b.Network(in, out)
	}
}

// method calls a method of an object.
func (s *scope) method(o *object, name string, args []any, named map[string]any) (any, error) {
	c, err := s.class(o.class)
	if err != nil {
		return nil, err
	}
	f := c.methods[name]
	if f == nil {
		return nil, fmt.Errorf("class %.80s has no method %.40s", o.class, name)
	}
	return s.call(o.class+"."+name, f, append([]any{o}, args...), named)
}

// source returns the file of a class or function, and its name within.
func (s *scope) source(path string) (*file, string, error) {
	cut := strings.LastIndexByte(path, '.')
	if cut < 0 || !strings.HasPrefix(path, "__torch__.") {
		return nil, "", fmt.Errorf("%.80q is not known here", path)
	}
	record := "code/" + strings.ReplaceAll(path[:cut], ".", "/") + ".py"
	if f := s.archive.files[record]; f != nil {
		return f, path[cut+1:], nil
	}
	text, err := s.archive.read(record)
	if err != nil {
		return nil, "", err
	}
	f, err := parse(string(text))
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", record, err)
	}
	s.archive.files[record] = f
	return f, path[cut+1:], nil
}

func (s *scope) class(path string) (*class, error) {
	f, name, err := s.source(path)
	if err != nil {
		return nil, err
	}
	if f.classes[name] == nil {
		return nil, fmt.Errorf("there is no class %.80s in the archive", path)
	}
	return f.classes[name], nil
}

// call follows a function.
func (s *scope) call(path string, f *function, args []any, named map[string]any) (any, error) {
	if s.depth++; s.depth > deepestCalls {
		return nil, fmt.Errorf("calls deeper than %d", deepestCalls)
	}
	defer func() { s.depth-- }()
	if len(args) > len(f.names) {
		return nil, fmt.Errorf("%d arguments for %d parameters of %.80s", len(args), len(f.names), path)
	}
	locals := map[string]any{}
	for i, name := range f.names {
		v, ok := named[name]
		switch {
		case i < len(args):
			v = args[i]
		case ok:
		case f.defaults[i] != nil:
			var err error
			if v, err = s.evaluate(f.defaults[i], locals); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("%.80s is called without %.40s", path, name)
		}
		locals[name] = v
	}
	v, _, err := s.run(f.body, locals)
	if err != nil {
		return nil, fmt.Errorf("%.80s: %w", strings.TrimPrefix(path, "__torch__."), err)
	}
	return v, nil
}

// run follows statements, and reports whether a return was among them.
func (s *scope) run(body []statement, locals map[string]any) (any, bool, error) {
	for _, line := range body {
		if s.statements++; s.statements > mostStatements {
			return nil, false, fmt.Errorf("more than %d statements", mostStatements)
		}
		switch line := line.(type) {
		case *assign:
			v, err := s.evaluate(line.value, locals)
			if err != nil {
				return nil, false, err
			}
			if err := store(line, v, locals); err != nil {
				return nil, false, err
			}
		case *bare:
			if _, err := s.evaluate(line.value, locals); err != nil {
				return nil, false, err
			}
		case *yields:
			v, err := s.evaluate(line.value, locals)
			return v, true, err
		case *branch:
			v, err := s.evaluate(line.condition, locals)
			if err != nil {
				return nil, false, err
			}
			yes, ok := v.(bool)
			if !ok {
				return nil, false, fmt.Errorf("a condition that depends on the observation")
			}
			side := line.then
			if !yes {
				side = line.otherwise
			}
			if v, done, err := s.run(side, locals); done || err != nil {
				return v, done, err
			}
		}
	}
	return nil, false, nil
}

// store gives names to a value or its parts.
func store(a *assign, v any, locals map[string]any) error {
	if !a.tuple {
		locals[a.to[0]] = v
		return nil
	}
	items, ok := members(v)
	if !ok || len(items) != len(a.to) {
		return fmt.Errorf("%s is taken apart into %d", describe(v), len(a.to))
	}
	for i, name := range a.to {
		locals[name] = items[i]
	}
	return nil
}

// members returns the items of a list or tuple.
func members(v any) ([]any, bool) {
	switch v := v.(type) {
	case tuple:
		return v, true
	case *list:
		return v.items, true
	}
	return nil, false
}

// describe says what a value is, for errors.
func describe(v any) string {
	switch v := v.(type) {
	case *network.Tensor:
		return fmt.Sprintf("a tensor of shape %v", v.Shape())
	case *stored:
		return "a tensor of " + strings.TrimSuffix(v.kind, "Storage")
	case *object:
		return fmt.Sprintf("an object of %.80s", v.class)
	case *list, tuple:
		items, _ := members(v)
		return fmt.Sprintf("a list of %d", len(items))
	case nil:
		return "None"
	}
	return fmt.Sprintf("%.40v", v)
}

// evaluate finds the value of an expression.
func (s *scope) evaluate(e expr, locals map[string]any) (any, error) {
	switch e := e.(type) {
	case *literal:
		return e.value, nil
	case name:
		if v, ok := locals[string(e)]; ok {
			return v, nil
		}
		return nil, fmt.Errorf("%.40q is not known here", string(e))
	case *attribute:
		return s.attribute(e, locals)
	case *sequence:
		items := make([]any, 0, len(e.items))
		for _, item := range e.items {
			v, err := s.evaluate(item, locals)
			if err != nil {
				return nil, err
			}
			items = append(items, v)
		}
		if e.tuple {
			return tuple(items), nil
		}
		return &list{items}, nil
	case *indexing:
		v, err := s.evaluate(e.of, locals)
		if err != nil {
			return nil, err
		}
		at, err := s.evaluate(e.at, locals)
		if err != nil {
			return nil, err
		}
		items, _ := members(v)
		if i, ok := at.(int64); ok && i >= -int64(len(items)) && i < int64(len(items)) {
			return items[(i+int64(len(items)))%int64(len(items))], nil
		}
		return nil, fmt.Errorf("%s has no item %s", describe(v), describe(at))
	case *calling:
		return s.calling(e, locals)
	}
	return nil, fmt.Errorf("an expression that is not known here")
}

// attribute finds an attribute of an object, or a constant of the archive.
func (s *scope) attribute(e *attribute, locals map[string]any) (any, error) {
	if n, ok := e.of.(name); ok && n == "CONSTANTS" {
		return s.constant(e.name)
	}
	if path := dotted(e, locals); strings.HasPrefix(path, "__torch__.") {
		return reference(path), nil
	}
	v, err := s.evaluate(e.of, locals)
	if err != nil {
		return nil, err
	}
	return s.get(v, e.name)
}

// get returns an attribute.
func (s *scope) get(v any, name string) (any, error) {
	o, ok := v.(*object)
	if !ok {
		return nil, fmt.Errorf("%s has no attribute %.40s", describe(v), name)
	}
	c, err := s.class(o.class)
	if err != nil {
		return nil, err
	}
	a, ok := o.attributes[name]
	if !ok {
		if e := c.constants[name]; e != nil {
			return s.evaluate(e, nil)
		}
		return nil, fmt.Errorf("%s has no attribute %.40s", describe(v), name)
	}
	if t, ok := a.(*stored); ok {
		if slices.Contains(c.buffers, name) {
			s.buffers[t] = true
		}
		return s.tensor(t)
	}
	return a, nil
}

// tensor returns a tensor of the archive, or its number if it is one of float64 or
// int64, which is a number for PyTorch, too. Other tensors that are not of float32
// stay as they are, and only who computes with them fails.
func (s *scope) tensor(t *stored) (any, error) {
	if made := s.tensors[t]; made != nil {
		return made, nil
	}
	if len(t.shape) == 0 && (t.kind == "DoubleStorage" || t.kind == "LongStorage") {
		return t.number()
	}
	if t.kind != "FloatStorage" {
		return t, nil
	}
	data, err := t.floats()
	if err != nil {
		return nil, err
	}
	var made *network.Tensor
	if s.remembered[t] {
		made, err = s.b.State(t.shape, data)
	} else {
		made, err = s.b.Constant(t.shape, data)
	}
	if err != nil {
		return nil, err
	}
	s.tensors[t] = made
	return made, nil
}

// constant returns CONSTANTS.c0 and so on.
func (s *scope) constant(name string) (any, error) {
	if s.constants == nil {
		v, err := s.archive.pickle("constants.pkl", "constants")
		if err != nil {
			return nil, err
		}
		s.constants, _ = v.(tuple)
	}
	for i, v := range s.constants {
		if t, ok := v.(*stored); ok && name == fmt.Sprintf("c%d", i) {
			return s.tensor(t)
		}
	}
	return nil, fmt.Errorf("constant %.40q is not known here", name)
}

// assign overwrites a tensor, such as a buffer that is remembered.
func (s *scope) assign(to, from *network.Tensor) error {
	for t, made := range s.tensors {
		if made.Shares(to) && s.buffers[t] && !s.remembered[t] && len(s.remembered) < mostRemembered {
			s.remembered[t] = true
			return errAgain
		}
	}
	return s.b.Assign(to, from)
}

// calling follows a call: of a method, a function of the archive, or an operation.
func (s *scope) calling(e *calling, locals map[string]any) (any, error) {
	path := dotted(e.f, locals)
	if n, ok := e.f.(name); ok {
		if f, ok := locals[string(n)].(reference); ok {
			path = string(f)
		}
	}
	if path == "annotate" || path == "unchecked_cast" { // (type, value)
		if len(e.args) != 2 {
			return nil, fmt.Errorf("%s of %d arguments", path, len(e.args))
		}
		return s.evaluate(e.args[1], locals)
	}
	if path == "uninitialized" {
		return nil, nil
	}
	var args []any
	named := map[string]any{}
	for i, a := range e.args {
		v, err := s.evaluate(a, locals)
		if err != nil {
			return nil, err
		}
		if n := e.names[i]; n != "" {
			named[n] = v
			continue
		}
		args = append(args, v)
	}
	if path == "" {
		return s.value(e.f, args, named, locals)
	}
	if strings.HasPrefix(path, "__torch__.") {
		f, name, err := s.source(path)
		if err != nil {
			return nil, err
		}
		if f.functions[name] == nil {
			return nil, fmt.Errorf("there is no function %.80s in the archive", path)
		}
		return s.call(path, f.functions[name], args, named)
	}
	f := operations[path]
	if f == nil {
		return nil, fmt.Errorf("operation %.80q is not known here", path)
	}
	c := &operation{scope: s, args: args, named: named}
	v := f(c)
	if c.err == nil && (len(args) > c.taken || len(named) > 0) {
		c.fail("%d arguments, of which %d are known here", len(args)+len(named), c.taken)
	}
	if c.err != nil {
		return nil, fmt.Errorf("%s: %w", path, c.err)
	}
	return v, nil
}

// value calls what an expression stands for: a method.
func (s *scope) value(f expr, args []any, named map[string]any, locals map[string]any) (any, error) {
	a, ok := f.(*attribute)
	if !ok {
		return nil, fmt.Errorf("a call of something else than a method")
	}
	v, err := s.evaluate(a.of, locals)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*object)
	if !ok {
		return nil, fmt.Errorf("method %.40s of %s is not known here", a.name, describe(v))
	}
	return s.method(o, a.name, args, named)
}

// dotted returns a path such as torch.nn that begins with no local name, or nothing.
func dotted(e expr, locals map[string]any) string {
	switch e := e.(type) {
	case name:
		if _, ok := locals[string(e)]; ok {
			return ""
		}
		return string(e)
	case *attribute:
		if of := dotted(e.of, locals); of != "" {
			return of + "." + e.name
		}
	}
	return ""
}
