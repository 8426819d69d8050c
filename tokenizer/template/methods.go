package template

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// stringMethods and dictMethods are Python's, as far as templates use them.
// They are set in init, because some call what looks them up.
var (
	stringMethods map[string]func(s *state, t text, a args) (value, error)
	dictMethods   map[string]func(s *state, d *dict, a args) (value, error)
)

func init() {
	stringMethods = map[string]func(s *state, t text, a args) (value, error){
		"strip":  func(s *state, t text, a args) (value, error) { return strip(t, a, "lr") },
		"lstrip": func(s *state, t text, a args) (value, error) { return strip(t, a, "l") },
		"rstrip": func(s *state, t text, a args) (value, error) { return strip(t, a, "r") },
		"upper":  func(s *state, t text, a args) (value, error) { return upper(t), nil },
		"lower":  func(s *state, t text, a args) (value, error) { return t.alter(strings.ToLower(t.s)), nil },
		"title": func(s *state, t text, a args) (value, error) {
			return title(t, func(r rune) bool { return !unicode.IsLetter(r) }), nil
		},
		"capitalize":   func(s *state, t text, a args) (value, error) { return capitalize(t), nil },
		"replace":      replace,
		"split":        split,
		"rsplit":       rsplit,
		"splitlines":   splitlines,
		"startswith":   func(s *state, t text, a args) (value, error) { return affix(s, t, a, strings.HasPrefix) },
		"endswith":     func(s *state, t text, a args) (value, error) { return affix(s, t, a, strings.HasSuffix) },
		"removeprefix": func(s *state, t text, a args) (value, error) { return remove(t, a, true) },
		"removesuffix": func(s *state, t text, a args) (value, error) { return remove(t, a, false) },
		"find":         func(s *state, t text, a args) (value, error) { return find(t, a, strings.Index) },
		"rfind":        func(s *state, t text, a args) (value, error) { return find(t, a, strings.LastIndex) },
		"count": func(s *state, t text, a args) (value, error) {
			sub, err := textArg(a, 0, "sub")
			return int64(strings.Count(t.s, sub.s)), err
		},
		"join": func(s *state, t text, a args) (value, error) {
			if len(a.plain) != 1 {
				return nil, errors.New("join needs one list")
			}
			return join(s, a.plain[0], args{plain: []value{t}})
		},
		"format":  format,
		"isdigit": all(unicode.IsDigit),
		"isalpha": all(unicode.IsLetter),
		"isalnum": all(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }),
		"isspace": all(unicode.IsSpace),
		"isupper": func(s *state, t text, a args) (value, error) {
			return t.s == strings.ToUpper(t.s) && t.s != strings.ToLower(t.s), nil
		},
		"islower": func(s *state, t text, a args) (value, error) {
			return t.s == strings.ToLower(t.s) && t.s != strings.ToUpper(t.s), nil
		},
	}
	for name, m := range stringMethods {
		stringMethods[name] = func(s *state, t text, a args) (value, error) {
			if err := s.spend(1, len(t.s)); err != nil {
				return nil, err
			}
			v, err := m(s, t, a)
			if err != nil {
				return nil, fmt.Errorf("the method %s: %w", name, err)
			}
			return v, nil
		}
	}
	dictMethods = map[string]func(s *state, d *dict, a args) (value, error){
		"items": func(s *state, d *dict, a args) (value, error) { return items(s, d, a) },
		"keys": func(s *state, d *dict, a args) (value, error) {
			keys, err := s.iterate(d)
			return &list{items: keys}, err
		},
		"values": func(s *state, d *dict, a args) (value, error) {
			out := &list{}
			for _, k := range d.keys {
				x, _ := d.get(k)
				out.items = append(out.items, x)
			}
			return out, s.spend(1+len(d.keys), 0)
		},
		"get": func(s *state, d *dict, a args) (value, error) {
			key, _ := a.get(0, "key")
			if v, ok := d.get(key); ok {
				return v, nil
			}
			v, _ := a.get(1, "default")
			return v, nil
		},
	}
}

// all is a method that says whether all letters, at least one, are of a kind.
func all(is func(rune) bool) func(s *state, t text, a args) (value, error) {
	return func(_ *state, t text, _ args) (value, error) {
		return t.s != "" && strings.IndexFunc(t.s, func(r rune) bool { return !is(r) }) < 0, nil
	}
}

// affix tells whether t begins (or ends) with a string or one of a list.
func affix(s *state, t text, a args, has func(s, x string) bool) (value, error) {
	v, ok := a.get(0, "prefix")
	if l, isList := v.(*list); isList {
		for _, item := range l.items {
			if x, ok := item.(text); ok && has(t.s, x.s) {
				return true, s.spend(len(l.items), 0)
			}
		}
		return false, s.spend(len(l.items), 0)
	}
	x, isText := v.(text)
	if !ok || !isText {
		return nil, errors.New("a string is expected")
	}
	return has(t.s, x.s), nil
}

func remove(t text, a args, prefix bool) (value, error) {
	x, err := textArg(a, 0, "affix")
	switch {
	case err != nil:
		return nil, err
	case prefix && strings.HasPrefix(t.s, x.s):
		return t.slice(len(x.s), len(t.s)), nil
	case !prefix && strings.HasSuffix(t.s, x.s):
		return t.slice(0, len(t.s)-len(x.s)), nil
	}
	return t, nil
}

// find returns the place, counted in letters, or -1.
func find(t text, a args, search func(s, sub string) int) (value, error) {
	sub, err := textArg(a, 0, "sub")
	if err != nil {
		return nil, err
	}
	i := search(t.s, sub.s)
	if i < 0 {
		return int64(-1), nil
	}
	return int64(utf8.RuneCountInString(t.s[:i])), nil
}

// format fills in {}, {0} and {name}; what Python can say of widths and
// precisions is not known.
func format(s *state, t text, a args) (value, error) {
	var j joiner
	next := 0
	for at := 0; at < len(t.s); {
		k := strings.IndexAny(t.s[at:], "{}")
		if k < 0 {
			j.add(t.slice(at, len(t.s)))
			break
		}
		j.add(t.slice(at, at+k))
		at += k
		if strings.HasPrefix(t.s[at:], "{{") || strings.HasPrefix(t.s[at:], "}}") {
			j.add(t.slice(at, at+1))
			at += 2
			continue
		}
		field, _, ok := strings.Cut(t.s[at:], "}")
		if !ok || field == "" {
			return nil, errors.New("a brace has no partner")
		}
		at += len(field) + 1
		i := -1
		if field = field[1:]; field == "" {
			i = next
			next++
		} else if n, err := strconv.Atoi(field); err == nil {
			i = n
		}
		v, ok := a.named[field]
		if i >= 0 && i < len(a.plain) {
			v, ok = a.plain[i], true
		}
		if !ok {
			return nil, fmt.Errorf("nothing is given for {%s}", field)
		}
		u, err := s.str(v)
		if err != nil {
			return nil, err
		}
		j.add(u)
		if err := s.spend(1, j.b.Len()); err != nil {
			return nil, err
		}
	}
	return j.text(), nil
}

// pieces cuts t into a list at the byte ranges between, which are left out.
func pieces(s *state, t text, between [][2]int) (value, error) {
	out := &list{}
	at := 0
	for _, b := range between {
		out.items = append(out.items, t.slice(at, b[0]))
		at = b[1]
	}
	out.items = append(out.items, t.slice(at, len(t.s)))
	return out, s.spend(len(out.items)*(1+len(t.marks)), 0)
}

func split(s *state, t text, a args) (value, error) {
	limit, err := intArg(a, 1, "maxsplit", -1)
	if err != nil {
		return nil, err
	}
	v, _ := a.get(0, "sep")
	if v == nil {
		return splitSpace(s, t, limit)
	}
	sep, ok := v.(text)
	if !ok || sep.s == "" {
		return nil, errors.New("the separator is not a string with letters")
	}
	var cuts [][2]int
	for at := 0; limit < 0 || len(cuts) < int(limit); {
		k := strings.Index(t.s[at:], sep.s)
		if k < 0 {
			break
		}
		cuts = append(cuts, [2]int{at + k, at + k + len(sep.s)})
		at += k + len(sep.s)
	}
	return pieces(s, t, cuts)
}

func rsplit(s *state, t text, a args) (value, error) {
	limit, err := intArg(a, 1, "maxsplit", -1)
	if err != nil {
		return nil, err
	}
	sep, err := textArg(a, 0, "sep")
	if err != nil || sep.s == "" {
		return nil, errors.Join(err, errors.New("the separator is not a string with letters"))
	}
	var cuts [][2]int
	for end := len(t.s); limit < 0 || len(cuts) < int(limit); {
		k := strings.LastIndex(t.s[:end], sep.s)
		if k < 0 {
			break
		}
		cuts = append(cuts, [2]int{k, k + len(sep.s)})
		end = k
	}
	for i, j := 0, len(cuts)-1; i < j; i, j = i+1, j-1 {
		cuts[i], cuts[j] = cuts[j], cuts[i]
	}
	return pieces(s, t, cuts)
}

// splitSpace cuts at runs of white space, which are also left out at the ends.
func splitSpace(s *state, t text, limit int64) (value, error) {
	out := &list{}
	at := 0
	for {
		at += len(t.s[at:]) - len(strings.TrimLeftFunc(t.s[at:], unicode.IsSpace))
		if at == len(t.s) {
			break
		}
		end := len(t.s)
		if limit < 0 || len(out.items) < int(limit) {
			if k := strings.IndexFunc(t.s[at:], unicode.IsSpace); k >= 0 {
				end = at + k
			}
		}
		out.items = append(out.items, t.slice(at, end))
		at = end
	}
	return out, s.spend(len(out.items)*(1+len(t.marks)), 0)
}

func splitlines(s *state, t text, a args) (value, error) {
	var cuts [][2]int
	for i := 0; i < len(t.s); i++ {
		switch {
		case t.s[i] == '\n':
			cuts = append(cuts, [2]int{i, i + 1})
		case t.s[i] == '\r' && i+1 < len(t.s) && t.s[i+1] == '\n':
			cuts = append(cuts, [2]int{i, i + 2})
			i++
		case t.s[i] == '\r':
			cuts = append(cuts, [2]int{i, i + 1})
		}
	}
	v, err := pieces(s, t, cuts)
	if l, ok := v.(*list); ok && err == nil {
		if n := len(l.items); l.items[n-1].(text).s == "" {
			l.items = l.items[:n-1]
		}
	}
	return v, err
}
