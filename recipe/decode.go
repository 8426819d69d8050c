package recipe

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"samovar"
)

// decode fills the struct that into points to from a tree of YAML and refuses
// fields that it does not have, and values of another type, wherever they are.
func decode(tree any, into any, path string) error {
	if err := fits(tree, reflect.TypeOf(into).Elem(), path); err != nil {
		return err
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// fits reports the first value of the tree that does not fit into t. also are
// fields that are known beside those of t.
func fits(tree any, t reflect.Type, path string, also ...string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if tree == nil {
		return nil // the field is left as it is
	}
	if want := expected(tree, t); want != "" {
		return fmt.Errorf("%s: %s is expected, not %s", path, want, shown(tree))
	}
	switch node := tree.(type) {
	case []any:
		for i, x := range node {
			if err := fits(x, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(node)) {
			of := t
			if t.Kind() == reflect.Map {
				of = t.Elem()
			} else if f, ok := field(t, k); ok {
				if v, ok := number(node[k]); ok && v == 0 && f.Tag.Get("zero") == "refused" {
					return fmt.Errorf("%s: above 0 is expected, not 0: leave it out for what is usual", join(path, k))
				}
				of = f.Type
			} else {
				return fmt.Errorf("%s is not known%s", join(path, k), hint(k, append(fieldNames(t), also...)))
			}
			if v, ok := exponent(node[k], of); ok {
				node[k] = v
			}
			if err := fits(node[k], of, join(path, k)); err != nil {
				return err
			}
		}
	}
	return nil
}

// exponent reads numbers such as 1e-3, which YAML 1.2 takes for numbers and
// the library for texts, where t wants one.
func exponent(x any, t reflect.Type) (v float64, ok bool) {
	s, _ := x.(string)
	if t.Kind() != reflect.Float32 && t.Kind() != reflect.Float64 || !strings.ContainsAny(s, "eE") {
		return 0, false
	}
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil
}

// expected says in words what t takes, or nothing if x is such a thing.
func expected(x any, t reflect.Type) string {
	if _, ok := reflect.New(t).Interface().(json.Unmarshaler); ok {
		text, err := json.Marshal(x)
		if err != nil || json.Unmarshal(text, reflect.New(t).Interface()) != nil {
			return "a whole number such as 500k, 20M or 1G"
		}
		return ""
	}
	ok, want := false, ""
	switch t.Kind() {
	case reflect.String:
		_, ok = x.(string)
		want = "text"
	case reflect.Bool:
		_, ok = x.(bool)
		want = "true or false"
	case reflect.Slice:
		_, ok = x.([]any)
		want = "a list"
	case reflect.Struct, reflect.Map:
		_, ok = x.(map[string]any)
		want = "a section with fields"
	case reflect.Float32, reflect.Float64:
		v, isNumber := number(x)
		ok, want = isNumber && !math.IsNaN(v) && math.Abs(v) <= math.MaxFloat32, "a number"
	case reflect.Uint64:
		v, isNumber := number(x)
		ok, want = isNumber && v == math.Trunc(v) && v >= 0 && v < 1<<64, "a whole number, 0 or more,"
	default:
		v, isNumber := number(x)
		ok, want = isNumber && v == math.Trunc(v) && math.Abs(v) < 1<<63, "a whole number"
	}
	if ok {
		return ""
	}
	return want
}

func number(x any) (float64, bool) {
	switch v := x.(type) {
	case uint64:
		return float64(v), true
	case int64:
		return float64(v), true
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// shown is a value as a message cites it.
func shown(x any) string {
	switch v := x.(type) {
	case []any:
		return "a list"
	case map[string]any:
		return "a section with fields"
	case string:
		return fmt.Sprintf("the text %.40q", v)
	}
	return fmt.Sprint(x)
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func fieldNames(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		if n := jsonName(t.Field(i)); n != "-" {
			names = append(names, n)
		}
	}
	return names
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

func field(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); jsonName(f) == name && name != "-" {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// hint names the candidate that name was probably meant to be.
func hint(name string, candidates []string) string {
	best, distance := "", 1+len(name)/2
	for _, c := range candidates {
		if d := samovar.Edits(name, c); d <= distance {
			best, distance = c, d-1
		}
	}
	if best == "" {
		return "; known are " + strings.Join(candidates, ", ")
	}
	return fmt.Sprintf("; did you mean %s?", best)
}
