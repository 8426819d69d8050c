package template

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value is what an expression has: nil (none), undefined, bool, int64,
// float64, text, *list, *dict or function.
type value any

// undefined is the value of a name or key that there is none of.
type undefined struct{ name string }

// list is a list or, what only shows where it is printed, a tuple.
type list struct {
	items []value
	tuple bool
}

// dict keeps its keys, strings and integers, in the order in which they were
// set. A namespace is one whose fields may be set.
type dict struct {
	keys      []value
	values    map[any]value // by string or int64
	namespace bool
}

func newDict() *dict { return &dict{values: map[any]value{}} }

// keyOf returns what dict.values is indexed by; nil if v is no key.
func keyOf(v value) any {
	if t, ok := v.(text); ok {
		return t.s
	}
	if n, ok := whole(v); ok {
		return n
	}
	return nil
}

func (d *dict) get(key value) (value, bool) {
	v, ok := d.values[keyOf(key)]
	return v, ok
}

func (d *dict) set(key, v value) {
	k := keyOf(key)
	if _, ok := d.values[k]; !ok {
		d.keys = append(d.keys, key)
	}
	d.values[k] = v
}

// function is a callable value.
type function func(s *state, a args) (value, error)

// args are the evaluated arguments of a call.
type args struct {
	plain []value
	named map[string]value
}

// get returns the argument at place i or of that name.
func (a args) get(i int, name string) (value, bool) {
	if i < len(a.plain) {
		return a.plain[i], true
	}
	v, ok := a.named[name]
	return v, ok
}

// text is a string and where in it lies what came from messages.
type text struct {
	s     string
	marks []mark // sorted, not empty, apart from each other
}

// mark is a range of bytes that came from the content of a message.
type mark struct{ start, end, message int }

func (t text) slice(i, j int) text {
	out := text{s: t.s[i:j]}
	for _, m := range t.marks {
		if m.start, m.end = max(m.start, i)-i, min(m.end, j)-i; m.start < m.end {
			out.marks = append(out.marks, m)
		}
	}
	return out
}

// alter returns s with the origin of t: if any of t came from a message, all
// of s counts as coming from the first such.
func (t text) alter(s string) text {
	if len(t.marks) == 0 || s == "" {
		return text{s: s}
	}
	return text{s: s, marks: []mark{{0, len(s), t.marks[0].message}}}
}

// joiner puts texts together.
type joiner struct {
	b     strings.Builder
	marks []mark
}

func (j *joiner) add(t text) {
	at := j.b.Len()
	j.b.WriteString(t.s)
	for _, m := range t.marks {
		m.start, m.end = m.start+at, m.end+at
		if n := len(j.marks); n > 0 && j.marks[n-1].end == m.start && j.marks[n-1].message == m.message {
			j.marks[n-1].end = m.end
		} else {
			j.marks = append(j.marks, m)
		}
	}
}

func (j *joiner) text() text { return text{s: j.b.String(), marks: j.marks} }

func typeOf(v value) string {
	switch v.(type) {
	case nil:
		return "none"
	case undefined:
		return "undefined"
	case bool:
		return "boolean"
	case int64:
		return "integer"
	case float64:
		return "float"
	case text:
		return "string"
	case *list:
		return "list"
	case *dict:
		return "mapping"
	}
	return "function"
}

func truth(v value) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case text:
		return v.s != ""
	case *list:
		return len(v.items) > 0
	case *dict:
		return v.namespace || len(v.keys) > 0
	}
	return true
}

// number returns v as a float64; booleans count as 0 and 1, as in Python.
func number(v value) (float64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// whole returns v as an int64 if it is a boolean or an integer.
func whole(v value) (int64, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case int64:
		return v, true
	}
	return 0, false
}

// equal is Python's ==. What lies deeper than maxDepth, or would exceed the
// limit of steps, counts as different.
func (s *state) equal(a, b value, depth int) bool {
	if s.spend(1, 0) != nil || depth > maxDepth {
		return false
	}
	if x, ok := whole(a); ok {
		if y, ok := whole(b); ok {
			return x == y
		}
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case undefined:
		_, ok := b.(undefined)
		return ok
	case text:
		b, ok := b.(text)
		return ok && a.s == b.s
	case *list:
		b, ok := b.(*list)
		if !ok || len(a.items) != len(b.items) {
			return false
		}
		for i := range a.items {
			if !s.equal(a.items[i], b.items[i], depth+1) {
				return false
			}
		}
		return true
	case *dict:
		b, ok := b.(*dict)
		if !ok || len(a.keys) != len(b.keys) {
			return false
		}
		for _, k := range a.keys {
			x, _ := a.get(k)
			y, ok := b.get(k)
			if !ok || !s.equal(x, y, depth+1) {
				return false
			}
		}
		return true
	}
	return false
}

// order compares numbers or strings, as Python's <.
func order(a, b value) (int, error) {
	x, ok1 := number(a)
	y, ok2 := number(b)
	if ok1 && ok2 {
		switch {
		case x < y:
			return -1, nil
		case x > y:
			return 1, nil
		}
		return 0, nil
	}
	s, ok1 := a.(text)
	t, ok2 := b.(text)
	if ok1 && ok2 {
		return strings.Compare(s.s, t.s), nil
	}
	return 0, fmt.Errorf("a %s and a %s have no order", typeOf(a), typeOf(b))
}

// str is Python's str().
func (s *state) str(v value) (text, error) {
	switch v := v.(type) {
	case text:
		return v, nil
	case undefined:
		return text{}, nil
	}
	w := writer{s: s, python: true}
	err := w.write(v, 0)
	return w.text(), err
}

// writer writes values as Python's repr() or as json.dumps does.
type writer struct {
	joiner
	s      *state
	python bool
	indent int // spaces a level; 0 for one line
}

func (w *writer) put(s string) { w.b.WriteString(s) }

func (w *writer) write(v value, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("a value is nested more than %d deep", maxDepth)
	}
	if err := w.s.spend(1, w.b.Len()); err != nil {
		return err
	}
	words := [3]string{"null", "false", "true"}
	if w.python {
		words = [3]string{"None", "False", "True"}
	}
	switch v := v.(type) {
	case nil:
		w.put(words[0])
	case bool:
		if v {
			w.put(words[2])
		} else {
			w.put(words[1])
		}
	case int64:
		w.put(strconv.FormatInt(v, 10))
	case float64:
		w.put(floatText(v))
	case text:
		quote := jsonQuote
		if w.python {
			quote = pythonQuote
		}
		w.add(v.alter(quote(v.s)))
	case *list:
		open, closing := "[", "]"
		if v.tuple && w.python {
			open, closing = "(", ")"
			if len(v.items) == 1 {
				closing = ",)"
			}
		}
		return w.many(open, closing, len(v.items), depth, func(i int) error { return w.write(v.items[i], depth+1) })
	case *dict:
		return w.many("{", "}", len(v.keys), depth, func(i int) error {
			key, x := v.keys[i], v.values[keyOf(v.keys[i])]
			if n, ok := whole(key); ok && !w.python {
				key = text{s: strconv.FormatInt(n, 10)}
			}
			if err := w.write(key, depth+1); err != nil {
				return err
			}
			w.put(": ")
			return w.write(x, depth+1)
		})
	default:
		return fmt.Errorf("a value of type %s cannot be written", typeOf(v))
	}
	return nil
}

// many writes n items between brackets.
func (w *writer) many(open, closing string, n, depth int, item func(i int) error) error {
	w.put(open)
	for i := range n {
		switch {
		case w.indent > 0 && i > 0:
			w.put(",\n" + strings.Repeat(" ", w.indent*(depth+1)))
		case w.indent > 0:
			w.put("\n" + strings.Repeat(" ", w.indent*(depth+1)))
		case i > 0:
			w.put(", ")
		}
		if err := item(i); err != nil {
			return err
		}
	}
	if w.indent > 0 && n > 0 {
		w.put("\n" + strings.Repeat(" ", w.indent*depth))
	}
	w.put(closing)
	return nil
}

// floatText is Python's repr of a float.
func floatText(x float64) string {
	switch {
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	case math.IsNaN(x):
		return "nan"
	}
	format := byte('f')
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e16) {
		format = 'e'
	}
	s := strconv.FormatFloat(x, format, -1, 64)
	if format == 'f' && !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// jsonQuote is json.dumps with ensure_ascii=False.
func jsonQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < ' ':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// pythonQuote is repr of a string.
func pythonQuote(s string) string {
	q := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	var b strings.Builder
	b.WriteByte(q)
	for _, r := range s {
		switch {
		case r == rune(q) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7F:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte(q)
	return b.String()
}

// offsets returns where each rune of s begins, and the length of s.
func offsets(s string) []int {
	out := make([]int, 0, utf8.RuneCountInString(s)+1)
	for i := range s {
		out = append(out, i)
	}
	return append(out, len(s))
}
