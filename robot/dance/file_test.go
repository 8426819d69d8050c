package dance

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

// TestFile writes dances and reads them back.
func TestFile(t *testing.T) {
	d := compose(t, heard(120, 4, 60, 0, 0.7), 7)
	d.Title = "line\n\"two\""
	d.Moves = []Move{{Name: "nod", Keys: []Key{{"waist_pitch": 0.2}, {"waist_pitch": 0, "sway_up": -0.01}}}}
	for _, d := range []*Dance{d, Calibrating()} {
		var text bytes.Buffer
		if err := d.Write(&text); err != nil {
			t.Fatal(err)
		}
		got, err := Read(&text)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, d) {
			t.Errorf("read back as\n%+v\ninstead of\n%+v", got, d)
		}
	}
	if err := (&Dance{}).Write(&bytes.Buffer{}); err == nil {
		t.Error("an empty dance is written")
	}
}

const small = `{
 "version": 1,
 "title": "",
 "seed": 7,
 "beats": [0.5, 1, 1.5, 2, 2.5],
 "moves": [
  {"name": "nod", "keys": [{"waist_pitch": 0.2}]}
 ],
 "phrases": [
  {"beat": 2, "beats": 3, "cues": [
   {"move": "wave", "beat": 0, "beats": 3, "mirror": true, "scale": 0.9},
   {"move": "nod", "beat": 1, "beats": 2, "mirror": false, "scale": 1}
  ]}
 ]
}`

// TestRead names the line or the field of what is wrong.
func TestRead(t *testing.T) {
	if _, err := Read(strings.NewReader(small)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"seed": 7,`, `"seed": 7`, "line 5"},
		{`"seed": 7,`, `"seed": "7",`, "line 4"},
		{`"title"`, `"titel"`, `unknown field "titel"`},
		{` ]
}`, ` ]
} {}`, "line 15: something follows"},
		{`"version": 1`, `"version": 2`, "version: 2"},
		{`1.5, 2, 2.5`, `1.5, 1.4, 2.5`, "beats[3]"},
		{`"wave"`, `"wafe"`, `phrases[0].cues[0].move: there is no "wafe"`},
		{`"beat": 1, "beats": 2`, `"beat": 2, "beats": 2`, "phrases[0].cues[1].beat"},
		{`"scale": 0.9`, `"scale": 9`, "phrases[0].cues[0].scale"},
		{`"beat": 2, "beats": 3`, `"beat": 2, "beats": 4`, "phrases[0].beat"},
		{`"beat": 2, "beats": 3`, `"beat": 0, "beats": 3`, "time to take its pose"},
		{`"waist_pitch"`, `"waist_pich"`, `moves[0].keys[0]: no channel "waist_pich"`},
		{`0.2}`, `99}`, "moves[0].keys[0]: waist_pitch is 99"},
		{`"name": "nod"`, `"name": "wave"`, "moves[0].name"},
		{`[{"waist_pitch": 0.2}]`, `[]`, "moves[0].keys: 0"},
	} {
		text := strings.Replace(small, c.old, c.new, 1)
		if text == small {
			t.Fatalf("%q is not in the file", c.old)
		}
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v instead of %q", c.new, err, c.want)
		}
	}
	for _, text := range []string{"", "null", "[]", "{}", small[:200]} {
		if _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

// FuzzRead reads anything; what it reads it plays and writes again.
func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte(strings.Replace(small, "wave", "march", 1)))
	f.Add([]byte(`{"version": 1, "beats": [1e308, 2], "phrases": [{}]}`))
	i := describe()
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		m, err := New(d, i)
		if err != nil {
			t.Fatal(err)
		}
		if m.Seconds() < 20 {
			feasible(t, m, i, m.Seconds())
		}
		var again bytes.Buffer
		if err := d.Write(&again); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(&again); err != nil {
			t.Fatal(err)
		}
	})
}
