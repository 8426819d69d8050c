package template

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

type constant struct{ v value }

func (c constant) eval(*state) (value, error) { return c.v, nil }

type variable struct{ name string }

func (v *variable) eval(s *state) (value, error) { return s.lookup(v.name), nil }

type listOf struct {
	items []expr
	tuple bool
}

func (l *listOf) eval(s *state) (value, error) {
	out := &list{tuple: l.tuple}
	for _, e := range l.items {
		v, err := s.eval(e)
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, v)
	}
	return out, nil
}

type dictOf struct{ keys, values []expr }

func (d *dictOf) eval(s *state) (value, error) {
	out := newDict()
	for i := range d.keys {
		k, err := s.eval(d.keys[i])
		if err != nil {
			return nil, err
		}
		if keyOf(k) == nil {
			return nil, fmt.Errorf("a key is a %s: a string or an integer is expected", typeOf(k))
		}
		v, err := s.eval(d.values[i])
		if err != nil {
			return nil, err
		}
		out.set(k, v)
	}
	return out, nil
}

type choice struct{ then, cond, other expr }

func (c *choice) eval(s *state) (value, error) {
	v, err := s.eval(c.cond)
	if err != nil {
		return nil, err
	}
	if truth(v) {
		return s.eval(c.then)
	}
	if c.other == nil {
		return undefined{"the other choice"}, nil
	}
	return s.eval(c.other)
}

type logic struct {
	left, right expr
	or          bool
}

func (l *logic) eval(s *state) (value, error) {
	v, err := s.eval(l.left)
	if err != nil || truth(v) == l.or {
		return v, err
	}
	return s.eval(l.right)
}

type negation struct{ of expr }

func (n *negation) eval(s *state) (value, error) {
	v, err := s.eval(n.of)
	return !truth(v), err
}

type comparison struct {
	first expr
	ops   []string
	rest  []expr
}

func (c *comparison) eval(s *state) (value, error) {
	left, err := s.eval(c.first)
	if err != nil {
		return nil, err
	}
	for i, op := range c.ops {
		right, err := s.eval(c.rest[i])
		if err != nil {
			return nil, err
		}
		ok, err := s.compare(op, left, right)
		if err != nil || !ok {
			return false, err
		}
		left = right
	}
	return true, nil
}

func (s *state) compare(op string, a, b value) (bool, error) {
	switch op {
	case "==":
		return s.equal(a, b, 0), nil
	case "!=":
		return !s.equal(a, b, 0), nil
	case "in":
		return s.contains(b, a)
	case "not in":
		ok, err := s.contains(b, a)
		return !ok, err
	}
	n, err := order(a, b)
	switch op {
	case "<":
		return n < 0, err
	case "<=":
		return n <= 0, err
	case ">":
		return n > 0, err
	}
	return n >= 0, err
}

func (s *state) contains(in, v value) (bool, error) {
	switch in := in.(type) {
	case text:
		t, ok := v.(text)
		if !ok {
			return false, fmt.Errorf("a %s cannot be in a string", typeOf(v))
		}
		return strings.Contains(in.s, t.s), s.spend(1+len(in.s)/256, 0)
	case *dict:
		_, found := in.get(v)
		return found, nil
	}
	items, err := s.iterate(in)
	if err != nil {
		return false, err
	}
	for _, item := range items {
		if err := s.spend(1, 0); err != nil {
			return false, err
		}
		if s.equal(item, v, 0) {
			return true, nil
		}
	}
	return false, nil
}

type sign struct {
	minus bool
	of    expr
}

func (n *sign) eval(s *state) (value, error) {
	v, err := s.eval(n.of)
	if err != nil {
		return nil, err
	}
	if !n.minus {
		if _, ok := number(v); ok {
			return v, nil
		}
	}
	return arith("-", int64(0), v)
}

type arithmetic struct {
	op          string
	left, right expr
}

func (a *arithmetic) eval(s *state) (value, error) {
	x, err := s.eval(a.left)
	if err != nil {
		return nil, err
	}
	y, err := s.eval(a.right)
	if err != nil {
		return nil, err
	}
	if a.op == "~" {
		return s.concat(x, y)
	}
	if t, ok := x.(text); ok {
		if u, ok := y.(text); ok && a.op == "+" {
			return s.concat(t, u)
		}
		if n, ok := whole(y); ok && a.op == "*" {
			return s.repeat(t, n)
		}
	}
	if l, ok := x.(*list); ok {
		if m, ok := y.(*list); ok && a.op == "+" {
			items := append(append([]value(nil), l.items...), m.items...)
			return &list{items: items, tuple: l.tuple}, s.room(len(items))
		}
	}
	return arith(a.op, x, y)
}

// room checks the length of a new list.
func (s *state) room(n int) error {
	if n > maxItems {
		return fmt.Errorf("a list has more than %d items", maxItems)
	}
	return s.spend(1+n/16, 0)
}

func (s *state) concat(x, y value) (value, error) {
	a, err := s.str(x)
	if err != nil {
		return nil, err
	}
	b, err := s.str(y)
	if err != nil {
		return nil, err
	}
	if err := s.spend(1, len(a.s)+len(b.s)); err != nil {
		return nil, err
	}
	var j joiner
	j.add(a)
	j.add(b)
	return j.text(), nil
}

func (s *state) repeat(t text, n int64) (value, error) {
	n = max(n, 0)
	if n > int64(s.bytes) {
		n = int64(s.bytes) + 1
	}
	if err := s.spend(int(n)/16, len(t.s)*int(n)); err != nil {
		return nil, err
	}
	var j joiner
	for range n {
		j.add(t)
	}
	return j.text(), nil
}

// arith computes with numbers as Python does; integers that leave 64 bits are
// an error.
func arith(op string, x, y value) (value, error) {
	a, ok1 := whole(x)
	b, ok2 := whole(y)
	if ok1 && ok2 && op != "/" {
		return arithInt(op, a, b)
	}
	f, ok1 := number(x)
	g, ok2 := number(y)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%s of a %s and a %s", op, typeOf(x), typeOf(y))
	}
	if g == 0 && (op == "/" || op == "//" || op == "%") {
		return nil, errors.New("division by zero")
	}
	switch op {
	case "+":
		return f + g, nil
	case "-":
		return f - g, nil
	case "*":
		return f * g, nil
	case "/":
		return f / g, nil
	case "//":
		return math.Floor(f / g), nil
	case "%":
		return f - g*math.Floor(f/g), nil
	}
	return math.Pow(f, g), nil
}

func arithInt(op string, a, b int64) (value, error) {
	const limit = 1 << 31 // operands below it cannot overflow
	if op != "//" && op != "%" && (a >= limit || a <= -limit || b >= limit || b <= -limit) {
		if op == "*" || op == "**" || a > 1<<62 || a < -1<<62 || b > 1<<62 || b < -1<<62 {
			return nil, errors.New("an integer grows beyond 64 bits")
		}
	}
	switch op {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "**":
		f := math.Pow(float64(a), float64(b))
		if b < 0 {
			return f, nil
		}
		if math.Abs(f) > 1<<53 {
			return nil, errors.New("an integer grows beyond 53 bits")
		}
		return int64(f), nil
	}
	if b == 0 {
		return nil, errors.New("division by zero")
	}
	q, r := a/b, a%b
	if b == -1 {
		q, r = -a, 0
	}
	if r != 0 && (r < 0) != (b < 0) {
		q, r = q-1, r+b
	}
	if op == "//" {
		return q, nil
	}
	return r, nil
}

type attribute struct {
	of   expr
	name string
}

func (a *attribute) eval(s *state) (value, error) {
	v, err := s.eval(a.of)
	if err != nil {
		return nil, err
	}
	return attributeOf(v, a.name)
}

// attributeOf returns v.name: a method, or what v holds under that name.
func attributeOf(v value, name string) (value, error) {
	switch v := v.(type) {
	case undefined:
		return nil, fmt.Errorf("%q is undefined and has no %q", v.name, name)
	case *loopInfo:
		return v.attribute(name), nil
	case *dict:
		if m, ok := dictMethods[name]; ok && !v.namespace {
			return function(func(s *state, a args) (value, error) { return m(s, v, a) }), nil
		}
		if x, ok := v.values[name]; ok {
			return x, nil
		}
	case text:
		if m, ok := stringMethods[name]; ok {
			return function(func(s *state, a args) (value, error) { return m(s, v, a) }), nil
		}
	}
	return undefined{name}, nil
}

type index struct{ of, at expr }

func (x *index) eval(s *state) (value, error) {
	v, err := s.eval(x.of)
	if err != nil {
		return nil, err
	}
	at, err := s.eval(x.at)
	if err != nil {
		return nil, err
	}
	return s.indexOf(v, at)
}

// indexOf returns v[at].
func (s *state) indexOf(v, at value) (value, error) {
	switch v := v.(type) {
	case undefined:
		return nil, fmt.Errorf("%q is undefined and has no items", v.name)
	case *dict:
		if x, ok := v.get(at); ok {
			return x, nil
		}
		if _, ok := at.(text); !ok {
			return undefined{"a key"}, nil
		}
	case *list:
		if i, ok := whole(at); ok {
			if i < 0 {
				i += int64(len(v.items))
			}
			if i >= 0 && i < int64(len(v.items)) {
				return v.items[i], nil
			}
			return undefined{"an item beyond the end of a list"}, nil
		}
	case text:
		if i, ok := whole(at); ok {
			if err := s.spend(1+len(v.s)/16, 0); err != nil {
				return nil, err
			}
			runes := offsets(v.s)
			n := int64(len(runes) - 1)
			if i < 0 {
				i += n
			}
			if i >= 0 && i < n {
				return v.slice(runes[i], runes[i+1]), nil
			}
			return undefined{"a letter beyond the end of a string"}, nil
		}
	}
	if key, ok := at.(text); ok {
		return attributeOf(v, key.s)
	}
	return undefined{"an item"}, nil
}

type slice struct{ of, start, stop, step expr }

func (x *slice) eval(s *state) (value, error) {
	v, err := s.eval(x.of)
	if err != nil {
		return nil, err
	}
	var bounds [3]*int64
	for i, e := range []expr{x.start, x.stop, x.step} {
		if e == nil {
			continue
		}
		b, err := s.eval(e)
		if err != nil {
			return nil, err
		}
		if n, ok := whole(b); ok {
			bounds[i] = &n
		} else if b != nil {
			return nil, fmt.Errorf("a slice is bounded by a %s: an integer is expected", typeOf(b))
		}
	}
	if t, ok := v.(text); ok {
		if err := s.spend(1+len(t.s)/4, 0); err != nil {
			return nil, err
		}
	}
	switch v := v.(type) {
	case *list:
		at, err := places(len(v.items), bounds)
		out := &list{tuple: v.tuple}
		for _, i := range at {
			out.items = append(out.items, v.items[i])
		}
		if err == nil {
			err = s.room(len(at))
		}
		return out, err
	case text:
		runes := offsets(v.s)
		at, err := places(len(runes)-1, bounds)
		if err != nil {
			return nil, err
		}
		if bounds[2] == nil || *bounds[2] == 1 {
			if len(at) == 0 {
				return text{}, nil
			}
			return v.slice(runes[at[0]], runes[at[len(at)-1]+1]), nil
		}
		var j joiner
		for _, i := range at {
			j.add(v.slice(runes[i], runes[i+1]))
		}
		return j.text(), s.spend(len(at), 0)
	}
	return nil, fmt.Errorf("a %s cannot be sliced", typeOf(v))
}

// places returns the indices that Python's slice selects of n items.
func places(n int, b [3]*int64) ([]int, error) {
	step := int64(1)
	if b[2] != nil {
		step = *b[2]
	}
	if step == 0 {
		return nil, errors.New("a slice has the step 0")
	}
	low, high := int64(0), int64(n)
	if step < 0 {
		low, high = -1, int64(n)-1
	}
	bound := func(p *int64, missing int64) int64 {
		if p == nil {
			return missing
		}
		x := *p
		if x < 0 {
			x = max(x, math.MinInt64+int64(n)) + int64(n)
		}
		return min(max(x, low), high)
	}
	var out []int
	if step > 0 {
		for i, stop := bound(b[0], low), bound(b[1], high); i < stop; i += min(step, int64(n)+1) {
			out = append(out, int(i))
		}
	} else {
		for i, stop := bound(b[0], high), bound(b[1], low); i > stop; i += max(step, -int64(n)-1) {
			out = append(out, int(i))
		}
	}
	return out, nil
}

// arguments are the expressions of a call.
type arguments struct {
	plain []expr
	keys  []string
	named []expr
}

func (a *arguments) eval(s *state) (args, error) {
	var out args
	for _, e := range a.plain {
		v, err := s.eval(e)
		if err != nil {
			return out, err
		}
		out.plain = append(out.plain, v)
	}
	for i, k := range a.keys {
		v, err := s.eval(a.named[i])
		if err != nil {
			return out, err
		}
		if out.named == nil {
			out.named = map[string]value{}
		}
		out.named[k] = v
	}
	return out, nil
}

type call struct {
	of   expr
	args arguments
}

func (c *call) eval(s *state) (value, error) {
	v, err := s.eval(c.of)
	if err != nil {
		return nil, err
	}
	f, ok := v.(function)
	if !ok {
		if u, ok := v.(undefined); ok {
			return nil, fmt.Errorf("the function %q is not known", u.name)
		}
		return nil, fmt.Errorf("a %s cannot be called", typeOf(v))
	}
	a, err := c.args.eval(s)
	if err != nil {
		return nil, err
	}
	return f(s, a)
}

type filter struct {
	of   expr
	name string
	f    builtin
	args arguments
}

func (f *filter) eval(s *state) (value, error) {
	return apply(s, f.of, f.args, "filter", f.name, f.f)
}

type test struct {
	of   expr
	name string
	not  bool
	f    builtin
	args arguments
}

func (t *test) eval(s *state) (value, error) {
	v, err := apply(s, t.of, t.args, "test", t.name, t.f)
	if t.not {
		return !truth(v), err
	}
	return v, err
}

// apply calls a filter or test.
func apply(s *state, of expr, a arguments, what, name string, f builtin) (value, error) {
	if f == nil {
		return nil, fmt.Errorf("the %s %q is not known", what, name)
	}
	v, err := s.eval(of)
	if err != nil {
		return nil, err
	}
	given, err := a.eval(s)
	if err != nil {
		return nil, err
	}
	out, err := f(s, v, given)
	if err != nil {
		return nil, fmt.Errorf("the %s %s: %w", what, name, err)
	}
	return out, nil
}

// iterate returns what a loop over v visits.
func (s *state) iterate(v value) ([]value, error) {
	switch v := v.(type) {
	case undefined:
		return nil, nil
	case *list:
		return v.items, nil
	case *dict:
		return v.keys, nil
	case text:
		if err := s.spend(len(v.s), 0); err != nil {
			return nil, err
		}
		out := make([]value, 0, utf8.RuneCountInString(v.s))
		runes := offsets(v.s)
		for i := range len(runes) - 1 {
			out = append(out, v.slice(runes[i], runes[i+1]))
		}
		return out, nil
	}
	return nil, fmt.Errorf("a %s has no items", typeOf(v))
}
