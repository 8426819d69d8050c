package recipe

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// decode fills the struct that into points to from a tree of YAML and refuses
// fields that it does not have, wherever they are.
func decode(tree any, into any, path string) error {
	if err := known(tree, reflect.TypeOf(into).Elem(), path); err != nil {
		return err
	}
	text, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	return plain(json.Unmarshal(text, into), path)
}

func structType(x any) reflect.Type { return reflect.TypeOf(x) }

// known reports the first field of the tree that t does not have, with the
// nearest that it has.
func known(tree any, t reflect.Type, path string, also ...string) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch node := tree.(type) {
	case []any:
		if t.Kind() != reflect.Slice {
			return nil
		}
		for i, x := range node {
			if err := known(x, t.Elem(), fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		if t.Kind() != reflect.Struct {
			return nil
		}
		names := append(fieldNames(t), also...)
		for k, x := range node {
			f, ok := field(t, k)
			if !ok {
				return fmt.Errorf("%s is not known%s", join(path, k), hint(k, names))
			}
			if err := known(x, f.Type, join(path, k)); err != nil {
				return err
			}
		}
	}
	return nil
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

// plain says in words what json found to be of the wrong type.
func plain(err error, path string) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return err
	}
	want := map[reflect.Kind]string{
		reflect.String: "text", reflect.Bool: "true or false", reflect.Slice: "a list", reflect.Map: "fields", reflect.Struct: "fields",
	}[wrong.Type.Kind()]
	if want == "" {
		want = "a number"
		if k := wrong.Type.Kind(); k != reflect.Float64 && k != reflect.Float32 {
			want = "a whole number"
		}
	}
	return fmt.Errorf("%s: %s is expected, not %s", join(path, wrong.Field), want, strings.Replace(wrong.Value, "object", "fields", 1))
}

// hint names the candidate that name was probably meant to be.
func hint(name string, candidates []string) string {
	best, distance := "", 1+len(name)/2
	for _, c := range candidates {
		if d := edits(name, c); d <= distance {
			best, distance = c, d-1
		}
	}
	if best == "" {
		return "; known are " + strings.Join(candidates, ", ")
	}
	return fmt.Sprintf("; did you mean %s?", best)
}

// edits is the number of letters to insert, delete or replace to turn a into b
// (Levenshtein's distance).
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := corner
			if a[i] != b[j] {
				replace++
			}
			corner = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
