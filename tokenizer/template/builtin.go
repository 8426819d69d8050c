package template

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// builtin is a filter or test: v is what stands to its left.
type builtin func(s *state, v value, a args) (value, error)

// globals are the functions that every template may call. There is no clock:
// strftime_now stays undefined.
var globals map[string]function

// builtinFilters and builtinTests are set in init, because some call others.
var builtinFilters, builtinTests map[string]builtin

func init() {
	globals = map[string]function{
		"range":           rangeOf,
		"namespace":       func(_ *state, a args) (value, error) { return dictFrom(a, true) },
		"dict":            func(_ *state, a args) (value, error) { return dictFrom(a, false) },
		"raise_exception": raise,
	}
	builtinFilters = map[string]builtin{
		"trim":       onText(func(s *state, t text, a args) (value, error) { return strip(t, a, "lr") }),
		"upper":      onText(func(s *state, t text, a args) (value, error) { return upper(t), nil }),
		"lower":      onText(func(s *state, t text, a args) (value, error) { return t.alter(strings.ToLower(t.s)), nil }),
		"capitalize": onText(func(s *state, t text, a args) (value, error) { return capitalize(t), nil }),
		"title": onText(func(s *state, t text, a args) (value, error) {
			return title(t, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("-({[<", r) }), nil
		}),
		"replace": onText(replace),
		"string":  onText(func(s *state, t text, a args) (value, error) { return t, nil }),
		"safe":    onText(func(s *state, t text, a args) (value, error) { return t, nil }),
		"indent":  onText(indent),
		"escape":  onText(escape), "e": onText(escape),
		"length": length, "count": length,
		"default": missing, "d": missing,
		"tojson": toJSON,
		"join":   join,
		"first":  func(s *state, v value, a args) (value, error) { return endOf(s, v, true) },
		"last":   func(s *state, v value, a args) (value, error) { return endOf(s, v, false) },
		"list": func(s *state, v value, a args) (value, error) {
			items, err := s.iterate(v)
			return &list{items: items}, err
		},
		"items":    items,
		"dictsort": func(s *state, v value, a args) (value, error) { return dictsort(s, v) },
		"int":      toInt,
		"float":    toFloat,
		"abs":      absolute,
		"round":    round,
		"reverse":  reverse,
		"sort":     sortBy,
		"unique":   unique,
		"sum":      sum,
		"min":      func(s *state, v value, a args) (value, error) { return extreme(s, v, -1) },
		"max":      func(s *state, v value, a args) (value, error) { return extreme(s, v, 1) },
		"map":      mapOver,
		"select":   func(s *state, v value, a args) (value, error) { return choose(s, v, a, false, true) },
		"reject":   func(s *state, v value, a args) (value, error) { return choose(s, v, a, false, false) },
		"selectattr": func(s *state, v value, a args) (value, error) {
			return choose(s, v, a, true, true)
		},
		"rejectattr": func(s *state, v value, a args) (value, error) {
			return choose(s, v, a, true, false)
		},
	}
	initTests()
}

func initTests() {
	is := func(f func(v value) bool) builtin {
		return func(_ *state, v value, _ args) (value, error) { return f(v), nil }
	}
	kind := func(names ...string) builtin {
		return is(func(v value) bool { return slices.Contains(names, typeOf(v)) })
	}
	compare := func(op string) builtin {
		return func(s *state, v value, a args) (value, error) {
			w, ok := a.get(0, "other")
			if !ok {
				return nil, errors.New("a value to compare with is missing")
			}
			return s.compare(op, v, w)
		}
	}
	builtinTests = map[string]builtin{
		"defined":   is(func(v value) bool { return typeOf(v) != "undefined" }),
		"undefined": kind("undefined"),
		"none":      kind("none"),
		"boolean":   kind("boolean"),
		"true":      is(func(v value) bool { return v == true }),
		"false":     is(func(v value) bool { return v == false }),
		"string":    kind("string"),
		"integer":   kind("integer"),
		"float":     kind("float"),
		"number":    kind("integer", "float", "boolean"),
		"mapping":   kind("mapping"),
		"iterable":  kind("string", "list", "mapping", "undefined"),
		"sequence":  kind("string", "list", "mapping", "undefined"),
		"callable":  kind("function"),
		"odd":       is(func(v value) bool { n, ok := whole(v); return ok && n%2 != 0 }),
		"even":      is(func(v value) bool { n, ok := whole(v); return ok && n%2 == 0 }),
		"lower": is(func(v value) bool {
			t, ok := v.(text)
			return ok && t.s == strings.ToLower(t.s) && t.s != strings.ToUpper(t.s)
		}),
		"upper": is(func(v value) bool {
			t, ok := v.(text)
			return ok && t.s == strings.ToUpper(t.s) && t.s != strings.ToLower(t.s)
		}),
		"divisibleby": func(s *state, v value, a args) (value, error) {
			w, _ := a.get(0, "num")
			r, err := arith("%", v, w)
			return err == nil && !truth(r), err
		},
		"in": compare("in"),
	}
	for op, names := range map[string][]string{"==": {"eq", "equalto"}, "!=": {"ne"}, "<": {"lt", "lessthan"}, "<=": {"le"}, ">": {"gt", "greaterthan"}, ">=": {"ge"}} {
		builtinTests[op] = compare(op)
		for _, n := range names {
			builtinTests[n] = compare(op)
		}
	}
}

// onText makes a filter of a function on strings; other values are written out.
func onText(f func(s *state, t text, a args) (value, error)) builtin {
	return func(s *state, v value, a args) (value, error) {
		t, err := s.str(v)
		if err != nil {
			return nil, err
		}
		if err := s.spend(1, len(t.s)); err != nil {
			return nil, err
		}
		return f(s, t, a)
	}
}

// Raised is the error of a template that called raise_exception.
type Raised struct{ Message string }

func (r Raised) Error() string { return r.Message }

func raise(s *state, a args) (value, error) {
	v, _ := a.get(0, "message")
	t, err := s.str(v)
	if err != nil {
		return nil, err
	}
	return nil, Raised{t.s}
}

func rangeOf(s *state, a args) (value, error) {
	var n [3]int64
	for i, v := range a.plain {
		x, ok := whole(v)
		if !ok || i > 2 {
			return nil, errors.New("range needs one to three integers")
		}
		n[i] = x
	}
	start, stop, step := int64(0), n[0], int64(1)
	if len(a.plain) > 1 {
		start, stop = n[0], n[1]
	}
	if len(a.plain) > 2 {
		step = n[2]
	}
	if step == 0 || len(a.plain) == 0 {
		return nil, errors.New("range needs an end, and a step other than 0")
	}
	out := &list{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(out.items) == maxItems {
			return nil, fmt.Errorf("range has more than %d items", maxItems)
		}
		out.items = append(out.items, i)
		if step > 0 && i > math.MaxInt64-step || step < 0 && i < math.MinInt64-step {
			break
		}
	}
	return out, s.room(len(out.items))
}

func dictFrom(a args, namespace bool) (value, error) {
	out := newDict()
	out.namespace = namespace
	for _, v := range a.plain {
		d, ok := v.(*dict)
		if !ok {
			return nil, fmt.Errorf("a mapping is expected instead of a %s", typeOf(v))
		}
		for _, k := range d.keys {
			x, _ := d.get(k)
			out.set(k, x)
		}
	}
	names := make([]string, 0, len(a.named))
	for k := range a.named {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		out.set(text{s: k}, a.named[k])
	}
	return out, nil
}

// strip removes white space, or the letters of its argument, at the sides
// named in sides.
func strip(t text, a args, sides string) (value, error) {
	is := unicode.IsSpace
	if v, ok := a.get(0, "chars"); ok && v != nil {
		c, ok := v.(text)
		if !ok {
			return nil, fmt.Errorf("letters to strip are a %s: a string is expected", typeOf(v))
		}
		is = func(r rune) bool { return strings.ContainsRune(c.s, r) }
	}
	i, j := 0, len(t.s)
	if strings.Contains(sides, "l") {
		i = j - len(strings.TrimLeftFunc(t.s, is))
	}
	if strings.Contains(sides, "r") {
		j = i + len(strings.TrimRightFunc(t.s[i:], is))
	}
	return t.slice(i, j), nil
}

// upper is Python's, for which ß has a capital of two letters.
func upper(t text) text { return t.alter(strings.ReplaceAll(strings.ToUpper(t.s), "ß", "SS")) }

func capitalize(t text) text {
	_, n := utf8.DecodeRuneInString(t.s)
	return t.alter(strings.ToUpper(t.s[:n]) + strings.ToLower(t.s[n:]))
}

// title gives every word a capital; begins says what a word may follow.
func title(t text, begins func(r rune) bool) text {
	first := true
	return t.alter(strings.Map(func(r rune) rune {
		capital := first
		first = begins(r)
		if capital {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, t.s))
}

// textArg returns a string argument.
func textArg(a args, i int, name string) (text, error) {
	v, ok := a.get(i, name)
	if !ok {
		return text{}, fmt.Errorf("the argument %s is missing", name)
	}
	t, ok := v.(text)
	if !ok {
		return text{}, fmt.Errorf("the argument %s is a %s: a string is expected", name, typeOf(v))
	}
	return t, nil
}

// intArg returns an integer argument, or missing.
func intArg(a args, i int, name string, missing int64) (int64, error) {
	v, ok := a.get(i, name)
	if !ok || v == nil {
		return missing, nil
	}
	n, ok := whole(v)
	if !ok {
		return 0, fmt.Errorf("the argument %s is a %s: an integer is expected", name, typeOf(v))
	}
	return n, nil
}

func replace(s *state, t text, a args) (value, error) {
	old, err := textArg(a, 0, "old")
	if err != nil {
		return nil, err
	}
	by, err := textArg(a, 1, "new")
	if err != nil {
		return nil, err
	}
	count, err := intArg(a, 2, "count", -1)
	if err != nil {
		return nil, err
	}
	if count < 0 || count > int64(len(t.s))+1 {
		count = int64(len(t.s)) + 1
	}
	var j joiner
	at := 0
	for ; count > 0; count-- {
		k := strings.Index(t.s[at:], old.s)
		if k < 0 {
			break
		}
		if old.s == "" { // before every letter and at the end
			j.add(by)
			_, n := utf8.DecodeRuneInString(t.s[at:])
			if n == 0 {
				break
			}
			k = n
		}
		j.add(t.slice(at, at+k))
		if old.s != "" {
			j.add(by)
		}
		at += k + len(old.s)
		if err := s.spend(1+len(t.marks), 0); err != nil {
			return nil, err
		}
		if j.b.Len() > s.bytes {
			return nil, s.spend(0, j.b.Len())
		}
	}
	j.add(t.slice(at, len(t.s)))
	return j.text(), s.spend(0, j.b.Len())
}

func indent(s *state, t text, a args) (value, error) {
	pad := text{s: "    "}
	if v, ok := a.get(0, "width"); ok {
		if n, ok := whole(v); ok {
			p, err := s.repeat(text{s: " "}, n)
			if err != nil {
				return nil, err
			}
			pad = p.(text)
		} else if p, ok := v.(text); ok {
			pad = p
		}
	}
	first, _ := a.get(1, "first")
	blank, _ := a.get(2, "blank")
	var j joiner
	for i, at := 0, 0; at <= len(t.s); i++ {
		n := strings.IndexByte(t.s[at:], '\n')
		if n < 0 {
			n = len(t.s) - at
		}
		if i > 0 {
			j.add(text{s: "\n"})
		}
		if (i > 0 || truth(first)) && (n > 0 || truth(blank) || i == 0) {
			j.add(pad)
		}
		j.add(t.slice(at, at+n))
		at += n + 1
		if err := s.spend(1+len(t.marks), 0); err != nil {
			return nil, err
		}
		if j.b.Len() > s.bytes {
			return nil, s.spend(0, j.b.Len())
		}
	}
	return j.text(), nil
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

func escape(s *state, t text, a args) (value, error) {
	e := escaper.Replace(t.s)
	return t.alter(e), s.spend(0, len(e))
}

func length(s *state, v value, a args) (value, error) {
	switch v := v.(type) {
	case text:
		return int64(utf8.RuneCountInString(v.s)), s.spend(1+len(v.s)/256, 0)
	case *list:
		return int64(len(v.items)), nil
	case *dict:
		return int64(len(v.keys)), nil
	case undefined:
		return int64(0), nil
	}
	return nil, fmt.Errorf("a %s has no length", typeOf(v))
}

// missing is the filter default.
func missing(s *state, v value, a args) (value, error) {
	other, ok := a.get(0, "default_value")
	if !ok {
		other = text{}
	}
	also, _ := a.get(1, "boolean")
	if _, un := v.(undefined); un || truth(also) && !truth(v) {
		return other, nil
	}
	return v, nil
}

func toJSON(s *state, v value, a args) (value, error) {
	w := writer{s: s}
	n, err := intArg(args{named: a.named}, 0, "indent", 0)
	if err != nil {
		return nil, err
	}
	w.indent = int(min(max(n, 0), 16))
	if err := w.write(v, 0); err != nil {
		return nil, err
	}
	return w.text(), s.spend(0, w.b.Len())
}

func join(s *state, v value, a args) (value, error) {
	items, err := s.iterate(v)
	if err != nil {
		return nil, err
	}
	var by text
	if d, ok := a.get(0, "d"); ok {
		if by, err = s.str(d); err != nil {
			return nil, err
		}
	}
	name, byName := a.get(1, "attribute")
	var j joiner
	for i, item := range items {
		if byName {
			if item, err = s.path(item, name); err != nil {
				return nil, err
			}
		}
		t, err := s.str(item)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			j.add(by)
		}
		j.add(t)
		if err := s.spend(1, 0); err != nil {
			return nil, err
		}
		if j.b.Len() > s.bytes {
			return nil, s.spend(0, j.b.Len())
		}
	}
	return j.text(), s.spend(0, j.b.Len())
}

// path returns an attribute named "a.b.0" of v, as filters take it.
func (s *state) path(v, name value) (value, error) {
	if _, ok := name.(text); !ok {
		return s.indexOf(v, name)
	}
	for _, part := range strings.Split(name.(text).s, ".") {
		var at value = text{s: part}
		if n, err := strconv.ParseInt(part, 10, 32); err == nil {
			at = n
		}
		var err error
		if v, err = s.indexOf(v, at); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func endOf(s *state, v value, first bool) (value, error) {
	items, err := s.iterate(v)
	if err != nil {
		return nil, err
	}
	switch {
	case len(items) == 0:
		return undefined{"an item of an empty list"}, nil
	case first:
		return items[0], nil
	}
	return items[len(items)-1], nil
}

// items returns the pairs of a mapping.
func items(s *state, v value, a args) (value, error) {
	out := &list{}
	if _, ok := v.(undefined); ok {
		return out, nil
	}
	d, ok := v.(*dict)
	if !ok {
		return nil, fmt.Errorf("a %s has no keys", typeOf(v))
	}
	for _, k := range d.keys {
		x, _ := d.get(k)
		out.items = append(out.items, &list{items: []value{k, x}, tuple: true})
	}
	return out, s.spend(1+len(d.keys), 0)
}

func dictsort(s *state, v value) (value, error) {
	out, err := items(s, v, args{})
	if err != nil {
		return nil, err
	}
	return sortBy(s, out, args{named: map[string]value{"attribute": int64(0)}})
}

func toInt(s *state, v value, a args) (value, error) {
	other, err := intArg(a, 0, "default", 0)
	if err != nil {
		return nil, err
	}
	if t, ok := v.(text); ok {
		if n, err := strconv.ParseInt(strings.TrimSpace(t.s), 10, 64); err == nil {
			return n, nil
		}
		if f, err := strconv.ParseFloat(strings.TrimSpace(t.s), 64); err == nil {
			v = f
		}
	}
	if n, ok := whole(v); ok {
		return n, nil
	}
	if f, ok := number(v); ok && math.Abs(f) < 1<<62 {
		return int64(f), nil
	}
	return other, nil
}

func toFloat(s *state, v value, a args) (value, error) {
	if t, ok := v.(text); ok {
		if f, err := strconv.ParseFloat(strings.TrimSpace(t.s), 64); err == nil {
			return f, nil
		}
	}
	if f, ok := number(v); ok {
		return f, nil
	}
	if other, ok := a.get(0, "default"); ok {
		return other, nil
	}
	return 0.0, nil
}

func absolute(s *state, v value, a args) (value, error) {
	if n, err := order(v, int64(0)); err != nil || n >= 0 {
		return v, err
	}
	return arith("-", int64(0), v)
}

func round(s *state, v value, a args) (value, error) {
	f, ok := number(v)
	digits, err := intArg(a, 0, "precision", 0)
	if !ok || err != nil || digits < 0 || digits > 15 {
		return nil, fmt.Errorf("a %s cannot be rounded so", typeOf(v))
	}
	scale := math.Pow(10, float64(digits))
	how, _ := a.get(1, "method")
	switch t, _ := how.(text); t.s {
	case "ceil":
		return math.Ceil(f*scale) / scale, nil
	case "floor":
		return math.Floor(f*scale) / scale, nil
	}
	return math.RoundToEven(f*scale) / scale, nil
}

func reverse(s *state, v value, a args) (value, error) {
	items, err := s.iterate(v)
	if err != nil {
		return nil, err
	}
	back := make([]value, len(items))
	for i, item := range items {
		back[len(items)-1-i] = item
	}
	if _, ok := v.(text); ok {
		return join(s, &list{items: back}, args{})
	}
	return &list{items: back}, s.spend(len(back)/16, 0)
}

func sortBy(s *state, v value, a args) (value, error) {
	items, err := s.iterate(v)
	if err != nil {
		return nil, err
	}
	back, _ := a.get(0, "reverse")
	exact, _ := a.get(1, "case_sensitive")
	name, byName := a.get(2, "attribute")
	type pair struct{ key, item value }
	pairs := make([]pair, len(items))
	for i, item := range items {
		key := item
		if byName {
			if key, err = s.path(item, name); err != nil {
				return nil, err
			}
		}
		if t, ok := key.(text); ok && !truth(exact) {
			key = text{s: strings.ToLower(t.s)}
		}
		pairs[i] = pair{key, item}
	}
	slices.SortStableFunc(pairs, func(x, y pair) int {
		n, e := order(x.key, y.key)
		if e = errors.Join(e, s.spend(1, 0)); e != nil {
			err = e
		}
		if truth(back) {
			return -n
		}
		return n
	})
	out := &list{}
	for _, p := range pairs {
		out.items = append(out.items, p.item)
	}
	return out, err
}

func unique(s *state, v value, a args) (value, error) {
	items, err := s.iterate(v)
	if err != nil {
		return nil, err
	}
	out := &list{}
	for _, item := range items {
		found, err := s.contains(out, item)
		if err != nil {
			return nil, err
		}
		if !found {
			out.items = append(out.items, item)
		}
	}
	return out, nil
}

func sum(s *state, v value, a args) (value, error) {
	items, err := s.iterate(v)
	if err != nil {
		return nil, err
	}
	name, byName := a.get(0, "attribute")
	var total value = int64(0)
	for _, item := range items {
		if byName {
			if item, err = s.path(item, name); err != nil {
				return nil, err
			}
		}
		if total, err = arith("+", total, item); err != nil {
			return nil, err
		}
	}
	return total, s.spend(len(items), 0)
}

// extreme returns the least (sign -1) or greatest (1) item.
func extreme(s *state, v value, sign int) (value, error) {
	items, err := s.iterate(v)
	if err != nil || len(items) == 0 {
		return undefined{"an item of an empty list"}, err
	}
	best := items[0]
	for _, item := range items[1:] {
		n, err := order(item, best)
		if err != nil {
			return nil, err
		}
		if n*sign > 0 {
			best = item
		}
	}
	return best, s.spend(len(items), 0)
}

// mapOver is map('filter', …) or map(attribute='name', default=…).
func mapOver(s *state, v value, a args) (value, error) {
	items, err := s.iterate(v)
	if !truth(v) {
		return &list{}, nil
	}
	if err != nil {
		return nil, err
	}
	out := &list{items: make([]value, len(items))}
	name, byName := a.named["attribute"]
	var f builtin
	rest := a
	if !byName {
		n, err := textArg(a, 0, "filter")
		if err != nil {
			return nil, err
		}
		var ok bool
		if f, ok = builtinFilters[n.s]; !ok {
			return nil, fmt.Errorf("the filter %q is not known", n.s)
		}
		rest = args{a.plain[1:], a.named}
	}
	for i, item := range items {
		if err := s.spend(1, 0); err != nil {
			return nil, err
		}
		if f != nil {
			out.items[i], err = f(s, item, rest)
		} else if out.items[i], err = s.path(item, name); err == nil {
			if other, ok := a.named["default"]; ok && typeOf(out.items[i]) == "undefined" {
				out.items[i] = other
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// choose keeps the items, or those with an attribute, that pass a test (keep)
// or fail it.
func choose(s *state, v value, a args, byName, keep bool) (value, error) {
	items, err := s.iterate(v)
	if !truth(v) {
		return &list{}, nil
	}
	if err != nil {
		return nil, err
	}
	var name value
	rest := a.plain
	if byName {
		if len(rest) == 0 {
			return nil, errors.New("the name of an attribute is missing")
		}
		name, rest = rest[0], rest[1:]
	}
	passes := func(_ *state, v value, _ args) (value, error) { return truth(v), nil }
	if len(rest) > 0 {
		t, ok := rest[0].(text)
		f, known := builtinTests[t.s]
		if !ok || !known {
			return nil, fmt.Errorf("the test %q is not known", t.s)
		}
		passes, rest = f, rest[1:]
	}
	out := &list{}
	for _, item := range items {
		if err := s.spend(1, 0); err != nil {
			return nil, err
		}
		v := item
		if byName {
			if v, err = s.path(item, name); err != nil {
				return nil, err
			}
		}
		ok, err := passes(s, v, args{plain: rest})
		if err != nil {
			return nil, err
		}
		if truth(ok) == keep {
			out.items = append(out.items, item)
		}
	}
	return out, nil
}
