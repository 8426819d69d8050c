package corpus

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestNormal(t *testing.T) {
	tests := []struct {
		name, in, want string
		invalid        int
		verdict        verdict
	}{
		{"plain", "a b\n", "a b\n", 0, keep},
		{"byte order mark", "\uFEFFa", "a", 0, keep},
		{"lines of DOS and old Macintosh", "a\r\nb\rc", "a\nb\nc", 0, keep},
		{"composed", "e\u0301 и\u0306", "é й", 0, keep},
		{"a control character inside stays", "a\x1b[1mb", "a\x1b[1mb", 0, keep},
		{"control characters at the end", "a\n\x1a\x00\x00", "a\n", 0, keep},
		{"tabs at the end stay", "a\t\n", "a\t\n", 0, keep},
		{"space", " \t\r\n\u00a0", "", 0, empty},
		{"nothing", "", "", 0, empty},
		{"one bad byte in many", strings.Repeat("x", 200) + "\xff", strings.Repeat("x", 200) + "\uFFFD", 1, keep},
		{"Latin-1", strings.Repeat("voil\xe0 du caf\xe9 br\xfbl\xe9 ", 9), "", 36, broken},
		{"no text", strings.Repeat("\xff\xfe\x80a", 9), "", 27, noText},
		{"U+FFFD itself is valid", "\uFFFD", "\uFFFD", 0, keep},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, invalid, v := normal([]byte(test.in))
			if string(got) != test.want || invalid != test.invalid || v != test.verdict {
				t.Errorf("got %q, %d, %v", got, invalid, v)
			}
		})
	}
}

func FuzzNormal(f *testing.F) {
	for _, s := range []string{"a\r\nb", "\uFEFF\uFEFFa", "e\u0301\xff", "\u0344\u0301a\x00\x85", "\u1100\u1161\u11a8"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		text, _, v := normal(bytes.Clone(in))
		if v != keep {
			return
		}
		if !utf8.Valid(text) || !norm.NFC.IsNormal(text) || bytes.IndexByte(text, '\r') >= 0 {
			t.Fatalf("%q became %q", in, text)
		}
		again, invalid, v := normal(bytes.Clone(text))
		if !bytes.Equal(text, again) || invalid > 0 || v != keep {
			t.Fatalf("%q became %q, and that %q", in, text, again)
		}
	})
}

func TestParse(t *testing.T) {
	tests := []struct {
		name   string
		source Source
		line   string
		want   Document
		why    string // the document is dropped
		err    string
	}{
		{"text", Source{}, `{"a": {"text": [1, "}"]}, "text": "x\ny\u00e9\ud83d\ude00\/"}`, Document{Text: "x\nyé😀/"}, "", ""},
		{"another field", Source{Field: "body"}, `{"text":"a","body":"b"}`, Document{Text: "b"}, "", ""},
		{"name with an escape", Source{}, `{"t\u0065xt":"b"}`, Document{Text: "b"}, "", ""},
		{"the last of two", Source{}, `{"text":"a","text":"b"}`, Document{Text: "b"}, "", ""},
		{"half a surrogate pair", Source{}, `{"text":"a\ud800b"}`, Document{Text: "a\uFFFDb"}, "", ""},
		{"invalid UTF-8", Source{}, `{"text":"` + strings.Repeat("a", 200) + "\xff\"}", Document{Text: strings.Repeat("a", 200) + "\uFFFD"}, "", ""},
		{"much invalid UTF-8", Source{}, "{\"text\":\"\xff\xff\xff\"}", Document{}, "too many bytes are no UTF-8", ""},
		{"a play as text", Source{Kind: Text}, `{"text":[["Ham."," Ay. "],["Oph.","No."]]}`, Document{Text: "Ham.: Ay.\nOph.: No.\n"}, "", ""},
		{"pairs", Source{Kind: Dialogue}, `{"turns":[["User","a"],["assistant","b"]]}`,
			Document{Turns: []Turn{{"user", "a"}, {"assistant", "b"}}}, "", ""},
		{"objects", Source{Kind: Dialogue, Field: "messages"}, `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`,
			Document{Turns: []Turn{{"system", "s"}, {"user", "a"}, {"assistant", "b"}}}, "", ""},
		{"objects of ShareGPT", Source{Kind: Dialogue}, `{"turns":[{"from":"human","value":"a"},{"from":"gpt","value":"b"}]}`,
			Document{Turns: []Turn{{"user", "a"}, {"assistant", "b"}}}, "", ""},
		{"a system that answers", Source{Kind: Dialogue}, `{"turns":[["USER","a"],["SYSTEM","b"]]}`,
			Document{Turns: []Turn{{"user", "a"}, {"assistant", "b"}}}, "", ""},
		{"an empty turn", Source{Kind: Dialogue}, `{"turns":[["user"," "],["bot","b"]]}`, Document{Turns: []Turn{{"assistant", "b"}}}, "", ""},
		{"no answer", Source{Kind: Dialogue}, `{"turns":[["user","a"]]}`, Document{}, "no turn is the assistant's", ""},
		{"strangers", Source{Kind: Dialogue}, `{"turns":[["Ophelia","a"]]}`, Document{}, `the speaker "Ophelia" is neither user nor assistant (kind: text reads it as a play)`, ""},

		{"no JSON", Source{}, `{"text":`, Document{}, "", "this is no JSON: unexpected end of JSON input"},
		{"no object", Source{}, `"text"`, Document{}, "", `an object such as {"text": …} is expected on each line`},
		{"no field", Source{}, `{"title":"a","body":[1,{"x":2}],"n":-1}`, Document{}, "", `there is no field "text"; there is "title", "body", "n"`},
		{"number", Source{}, `{"text":1}`, Document{}, "", `field "text" holds neither a string nor turns`},
		{"no turns", Source{Kind: Dialogue}, `{"turns":"a"}`, Document{}, "", `field "turns" holds no turns: [["user", "…"], ["assistant", "…"]] or [{"role": …, "content": …}] is expected`},
		{"three in a turn", Source{Kind: Dialogue}, `{"turns":[["a","b","c"]]}`, Document{}, "", "turn 1: a pair of strings [who, text] is expected"},
		{"a turn without role", Source{Kind: Dialogue}, `{"turns":[{"content":"a"}]}`, Document{}, "", `turn 1: a turn without "role"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := parseOne(test.source, 0, true, []byte(test.line))
			if err != nil || test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Fatalf("error %v, want %s", err, test.err)
				}
				return
			}
			if p.verdict != keep {
				if p.why != test.why {
					t.Fatalf("dropped because %s, want %q", p.why, test.why)
				}
				return
			}
			got, err := decode(p.line)
			if err != nil || !reflect.DeepEqual(got, test.want) || test.why != "" {
				t.Errorf("got %+v, %v", got, err)
			}
			if p.out != test.want.size() {
				t.Errorf("%d bytes out, want %d", p.out, test.want.size())
			}
		})
	}
}

// parseOne reads the first document of a line and seals it.
func parseOne(s Source, index int, lines bool, data []byte) (parsed, error) {
	all, err := s.read(index, lines, data)
	if err != nil {
		return parsed{}, err
	}
	if all[0].verdict == keep {
		all[0].seal()
	}
	return all[0], nil
}

// FuzzMember compares member and unquote with encoding/json.
func FuzzMember(f *testing.F) {
	for _, s := range []string{`{"text":"a\\\"b"}`, `{ "a" : [ {"text":1} , "\\" ] , "text" : -1.5e3 }`, `{"text":"\ud83d\ude00\ud800\u0041\ud83d\ud83d\ude00"}`, `{}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		line = bytes.TrimSpace(line)
		var want map[string]json.RawMessage
		if !utf8.Valid(line) || len(line) == 0 || line[0] != '{' || json.Unmarshal(line, &want) != nil {
			return
		}
		for name, value := range want {
			if strings.ContainsRune(name, utf8.RuneError) {
				continue
			}
			got, _ := member(line, name)
			if !bytes.Equal(got, value) {
				t.Fatalf("%s: %q is %s, want %s", line, name, got, value)
			}
			var s string
			if value[0] == '"' && json.Unmarshal(value, &s) == nil && string(unquote(value)) != s {
				t.Fatalf("%s became %q, want %q", value, unquote(value), s)
			}
		}
		if got, names := member(line, "no such name"); want["no such name"] == nil && (got != nil || len(names) < len(want)) {
			t.Fatalf("%s: %s, %q", line, got, names)
		}
	})
}

// FuzzParse asserts that whatever a line holds, what is written can be read.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"text":"a\u0000\u001f\"\\ é"}`), false)
	f.Add([]byte(`{"turns":[["user","a"],{"role":"assistant","content":"b"}]}`), true)
	f.Add([]byte(`{"turns":[[],{},null,1]}`), true)
	f.Fuzz(func(t *testing.T, line []byte, dialogue bool) {
		s := Source{Kind: Text}
		if dialogue {
			s.Kind = Dialogue
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return
		}
		p, err := parseOne(s, 3, true, line)
		if err != nil || p.verdict != keep {
			return
		}
		doc, err := decode(p.line)
		if err != nil || doc.Source != 3 || doc.size() != p.out || !bytes.Equal(append(doc.appendJSON(nil), '\n'), p.line) {
			t.Fatalf("%q became %q: %+v, %v", line, p.line, doc, err)
		}
	})
}
