package template

import (
	"errors"
	"fmt"
)

type print struct {
	line  int
	value expr
}

func (p *print) exec(s *state) error {
	v, err := s.eval(p.value)
	if err != nil {
		return at(p.line, err)
	}
	t, err := s.str(v)
	if err != nil {
		return at(p.line, err)
	}
	s.out.add(t)
	if s.out.b.Len() > s.bytes {
		return at(p.line, s.spend(0, s.out.b.Len()))
	}
	return at(p.line, s.spend(0, len(t.s)))
}

type group struct {
	line int
	body []stmt
}

func (g *group) exec(s *state) error { return s.run(g.body) }

// filtered is {% filter … %}: a filter applied to what its body prints.
type filtered struct {
	line int
	body []stmt
	by   expr // of the variable bodyName
}

const bodyName = " the body"

func (f *filtered) exec(s *state) error {
	t, err := s.capture(f.body)
	if err != nil {
		return err
	}
	s.push()[bodyName] = t
	defer s.pop()
	return (&print{f.line, f.by}).exec(s)
}

type branch struct {
	line   int
	conds  []expr
	bodies [][]stmt // one more than conds if there is an else
}

func (b *branch) exec(s *state) error {
	for i, c := range b.conds {
		v, err := s.eval(c)
		if err != nil {
			return at(b.line, err)
		}
		if truth(v) {
			return s.run(b.bodies[i])
		}
	}
	if len(b.bodies) > len(b.conds) {
		return s.run(b.bodies[len(b.conds)])
	}
	return nil
}

type jump struct {
	line int
	stop bool
}

func (j *jump) exec(*state) error {
	if j.stop {
		return errBreak
	}
	return errContinue
}

type loop struct {
	line        int
	names       []string
	over, only  expr
	body, empty []stmt
}

func (l *loop) exec(s *state) error {
	v, err := s.eval(l.over)
	if err != nil {
		return at(l.line, err)
	}
	items, err := s.iterate(v)
	if err != nil {
		return at(l.line, err)
	}
	if l.only != nil {
		if items, err = l.filter(s, items); err != nil {
			return at(l.line, err)
		}
	}
	if len(items) == 0 {
		return s.run(l.empty)
	}
	info := &loopInfo{items: items}
	for i, item := range items {
		info.at = i
		scope := s.push()
		scope["loop"] = info
		err := s.spend(4, 0) // for the scope
		if err == nil {
			err = s.bind(scope, l.names, item)
		}
		if err == nil {
			err = s.run(l.body)
		}
		s.pop()
		if err == errBreak {
			break
		}
		if err != nil && err != errContinue {
			return at(l.line, err)
		}
	}
	return nil
}

// filter keeps the items for which the loop's condition holds.
func (l *loop) filter(s *state, items []value) ([]value, error) {
	var kept []value
	for _, item := range items {
		scope := s.push()
		err := s.spend(4, 0)
		if err == nil {
			err = s.bind(scope, l.names, item)
		}
		var v value
		if err == nil {
			v, err = s.eval(l.only)
		}
		s.pop()
		if err != nil {
			return nil, err
		}
		if truth(v) {
			kept = append(kept, item)
		}
	}
	return kept, nil
}

// bind sets one name to v, or several to its items.
func (s *state) bind(scope map[string]value, names []string, v value) error {
	if len(names) == 1 {
		scope[names[0]] = v
		return nil
	}
	items, err := s.iterate(v)
	if err != nil {
		return err
	}
	if len(items) != len(names) {
		return fmt.Errorf("%d values for %d names", len(items), len(names))
	}
	for i, n := range names {
		scope[n] = items[i]
	}
	return nil
}

// loopInfo is the variable loop.
type loopInfo struct {
	items []value
	at    int
	last  value // what changed was asked about last
	asked bool
}

func (l *loopInfo) attribute(name string) value {
	n := len(l.items)
	switch name {
	case "index":
		return int64(l.at + 1)
	case "index0":
		return int64(l.at)
	case "revindex":
		return int64(n - l.at)
	case "revindex0":
		return int64(n - l.at - 1)
	case "first":
		return l.at == 0
	case "last":
		return l.at == n-1
	case "length":
		return int64(n)
	case "previtem":
		if l.at > 0 {
			return l.items[l.at-1]
		}
	case "nextitem":
		if l.at < n-1 {
			return l.items[l.at+1]
		}
	case "cycle":
		return function(func(_ *state, a args) (value, error) {
			if len(a.plain) == 0 {
				return nil, fmt.Errorf("cycle needs values")
			}
			return a.plain[l.at%len(a.plain)], nil
		})
	case "changed":
		return function(func(s *state, a args) (value, error) {
			now := &list{items: a.plain}
			same := l.asked && s.equal(l.last, now, 0)
			l.last, l.asked = now, true
			return !same, nil
		})
	}
	return undefined{name}
}

type assign struct {
	line  int
	names []string
	field string // of a namespace
	value expr   // or
	body  []stmt
}

func (a *assign) exec(s *state) error {
	var v value
	var err error
	if a.value != nil {
		v, err = s.eval(a.value)
	} else {
		v, err = s.capture(a.body)
	}
	if err != nil {
		return at(a.line, err)
	}
	if a.field != "" {
		ns, ok := s.lookup(a.names[0]).(*dict)
		if !ok || !ns.namespace {
			return at(a.line, fmt.Errorf("%q is no namespace, only of one can a field be set", a.names[0]))
		}
		if ns == v {
			return at(a.line, errors.New("a namespace cannot hold itself"))
		}
		ns.set(text{s: a.field}, v)
		return nil
	}
	return at(a.line, s.bind(s.scopes[len(s.scopes)-1], a.names, v))
}

type macro struct {
	line    int
	name    string
	params  []string
	missing []expr
	body    []stmt
}

func (m *macro) exec(s *state) error {
	outer := s.scopes[:len(s.scopes):len(s.scopes)]
	s.scopes[len(s.scopes)-1][m.name] = function(func(s *state, a args) (value, error) {
		if s.calls++; s.calls > maxCalls {
			return nil, fmt.Errorf("macros call each other more than %d deep", maxCalls)
		}
		defer func(scopes []map[string]value) { s.calls--; s.scopes = scopes }(s.scopes)
		if len(a.plain) > len(m.params) {
			return nil, fmt.Errorf("the macro %s takes %d arguments", m.name, len(m.params))
		}
		s.scopes = outer
		scope := s.push()
		for i, p := range m.params {
			v, ok := a.get(i, p)
			if !ok {
				v = undefined{p}
				if m.missing[i] != nil {
					var err error
					if v, err = s.eval(m.missing[i]); err != nil {
						return nil, err
					}
				}
			}
			scope[p] = v
		}
		return s.capture(m.body)
	})
	return nil
}
