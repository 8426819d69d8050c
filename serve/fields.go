package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// fields is a JSON object whose members are read one by one, each with its
// type and range. The first that does not fit is kept as the failure. Members
// that nobody reads are ignored, as OpenAI does; null is as good as absent.
type fields struct {
	members map[string]json.RawMessage
	failure *failure
}

func (f *fields) fail(name, format string, a ...any) {
	if f.failure == nil {
		f.failure = &failure{status: http.StatusBadRequest, message: name + " " + fmt.Sprintf(format, a...), param: name}
	}
}

// has reports whether the member is there.
func (f *fields) has(name string) bool {
	raw := f.members[name]
	return len(raw) > 0 && raw[0] != 'n'
}

// kind names the type of a value for people.
func kind(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "missing"
	}
	switch raw[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// read decodes the member into v, if it is there.
func (f *fields) read(name, want string, v any) bool {
	if !f.has(name) {
		return false
	}
	if err := json.Unmarshal(f.members[name], v); err != nil {
		f.fail(name, "is %s: %s is expected", kind(f.members[name]), want)
		return false
	}
	return true
}

func (f *fields) text(name string) (s string) {
	f.read(name, "a string", &s)
	return s
}

func (f *fields) boolean(name string) (b bool) {
	f.read(name, "true or false", &b)
	return b
}

// number returns the member, or missing if it is not there.
func (f *fields) number(name string, low, top, missing float64) float64 {
	if !f.has(name) {
		return missing
	}
	raw := f.members[name]
	v, err := strconv.ParseFloat(string(raw), 64)
	switch {
	case kind(raw) != "a number":
		f.fail(name, "is %s: a number from %g to %g is expected", kind(raw), low, top)
	case err != nil || !(v >= low && v <= top):
		f.fail(name, "is %.40s: a number from %g to %g is expected", raw, low, top)
	default:
		return v
	}
	return missing
}

// integer is number for whole numbers.
func (f *fields) integer(name string, low, top, missing int64) int64 {
	if !f.has(name) {
		return missing
	}
	raw := f.members[name]
	v, ok := whole(string(raw))
	switch {
	case kind(raw) != "a number":
		f.fail(name, "is %s: a whole number from %d to %d is expected", kind(raw), low, top)
	case !ok || v < low || v > top:
		f.fail(name, "is %.40s: a whole number from %d to %d is expected", raw, low, top)
	default:
		return v
	}
	return missing
}

// whole parses a whole number in any of JSON's spellings, such as 1e2.
func whole(s string) (int64, bool) {
	if v, err := strconv.ParseInt(s, 10, 64); err == nil {
		return v, true
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v != math.Trunc(v) || math.Abs(v) > 1<<53 {
		return 0, false
	}
	return int64(v), true
}

// object parses a JSON object.
func object(raw []byte) (fields, error) {
	f := fields{}
	err := json.Unmarshal(raw, &f.members)
	if err == nil && f.members == nil {
		err = fmt.Errorf("the body is null")
	}
	return f, err
}

// stops reads the strings that end an answer.
func (f *fields) stops() []string {
	if !f.has("stop") {
		return nil
	}
	const most, longest = 4, 1000
	var list []string
	if kind(f.members["stop"]) == "a string" {
		list = []string{f.text("stop")}
	} else if !f.read("stop", "a string or an array of strings", &list) {
		return nil
	}
	if len(list) > most {
		f.fail("stop", "has %d strings: at most %d are possible", len(list), most)
		return nil
	}
	for _, s := range list {
		if s == "" || len(s) > longest {
			f.fail("stop", "has a string of %d bytes: 1 to %d are possible", len(s), longest)
			return nil
		}
	}
	return list
}

// bias reads logit_bias: token ids, as strings, to numbers.
func (f *fields) bias() map[int32]float32 {
	var raw map[string]json.RawMessage
	if !f.read("logit_bias", "an object from token ids to numbers", &raw) {
		return nil
	}
	const most = 1024
	if len(raw) > most {
		f.fail("logit_bias", "has %d tokens: at most %d are possible", len(raw), most)
		return nil
	}
	bias := map[int32]float32{}
	values := fields{members: raw}
	for key := range raw {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil || id < 0 {
			f.fail("logit_bias", "names the token %.40q: a token id is expected", key)
			return nil
		}
		bias[int32(id)] = float32(values.number(key, -100, 100, 0))
	}
	if values.failure != nil {
		f.fail("logit_bias", "of token %s", values.failure.message)
	}
	return bias
}

// path joins the names of nested members.
func path(parts ...string) string { return strings.Join(parts, ".") }
