package corpus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"samovar"
	"samovar/corpus/filter"
)

func TestPreference(t *testing.T) {
	want := Document{Turns: []Turn{{"user", "q"}, {"assistant", "a"}}, Rejected: []Turn{{"user", "q"}, {"assistant", "b"}}}
	system := Document{
		Turns:    []Turn{{"system", "s"}, {"user", "q"}, {"assistant", "a"}},
		Rejected: []Turn{{"system", "s"}, {"user", "q"}, {"assistant", "b"}},
	}
	tests := []struct {
		name   string
		source Source
		line   string
		want   Document
		why    string // the pair is dropped
		err    string
	}{
		{"texts", Source{}, `{"prompt":"q","chosen":"a","rejected":"b"}`, want, "", ""},
		{"another field", Source{Field: "question"}, `{"system":"s","question":"q","chosen":"a","rejected":"b"}`, system, "", ""},
		{"turns and texts", Source{}, `{"turns":[["user","q"]],"chosen":"a","rejected":"b"}`, want, "", ""},
		{"messages", Source{}, `{"prompt":[{"role":"user","content":"q"}],"chosen":[{"role":"assistant","content":"a"}],"rejected":[{"role":"assistant","content":"b"}]}`, want, "", ""},
		{"whole dialogues", Source{}, `{"prompt":"q","chosen":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"q"},{"role":"assistant","content":"b"}],"messages":[]}`, want, "", ""},
		{"no prompt of their own", Source{}, `{"chosen":[["human","q"],["gpt","a"]],"rejected":[["human","q"],["gpt","b"]]}`, want, "", ""},
		{"the same", Source{}, `{"prompt":"q","chosen":"a","rejected":"a"}`, Document{}, "chosen and rejected are the same", ""},
		{"no prompt", Source{}, `{"chosen":"a","rejected":"b"}`, Document{}, "chosen and rejected have no prompt in common", ""},
		{"an empty answer", Source{}, `{"prompt":"q","chosen":"a","rejected":" "}`, Document{}, "rejected: no turn is the assistant's", ""},
		{"other questions", Source{}, `{"chosen":[["user","q"],["bot","x"],["user","r"],["bot","a"]],"rejected":[["user","q"],["bot","x"],["user","s"],["bot","a"]]}`,
			Document{}, "chosen and rejected are not two answers to one prompt", ""},

		{"no JSON", Source{}, `{"prompt":`, Document{}, "", "this is no JSON: unexpected end of JSON input"},
		{"no object", Source{}, `[]`, Document{}, "", `an object such as {"prompt": …, "chosen": …, "rejected": …} is expected on each line`},
		{"nothing rejected", Source{}, `{"prompt":"q","chosen":"a"}`, Document{}, "", `there is no field "rejected"; there is "prompt", "chosen"`},
		{"a number", Source{}, `{"prompt":"q","chosen":1,"rejected":"b"}`, Document{}, "", `field "chosen": a text or turns are expected`},
		{"a prompt that is none", Source{}, `{"prompt":null,"chosen":"a","rejected":"b"}`, Document{}, "", `field "prompt": a text or turns are expected`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.source.Kind = Preference
			p, err := parseOne(test.source, 0, true, []byte(test.line))
			if err != nil || test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Fatalf("error %v, want %s", err, test.err)
				}
				return
			}
			if p.verdict != keep || test.why != "" {
				if p.why != test.why {
					t.Fatalf("dropped because %q, want %q", p.why, test.why)
				}
				return
			}
			got, err := decode(p.line)
			if err != nil || !reflect.DeepEqual(got, test.want) || p.out != test.want.size() {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	if _, err := parseOne(Source{Kind: Preference}, 0, false, []byte("text")); err == nil {
		t.Error("a file of text is taken for preferences")
	}
	s := source{Source: Source{Kind: Preference, Language: "en"}}
	if got := s.class(&file{name: "a.jsonl"}); got != filter.Dialogue {
		t.Errorf("preferences are judged as %s", got)
	}
}

// FuzzPreference asserts that whatever a line holds, what is written can be read.
func FuzzPreference(f *testing.F) {
	f.Add([]byte(`{"prompt":"q","chosen":"a","rejected":"b"}`))
	f.Add([]byte(`{"chosen":[["user","q"],["bot","a"]],"rejected":[["user","q"],{"role":"assistant","content":"b"}]}`))
	f.Add([]byte(`{"system":"s","prompt":[],"chosen":[],"rejected":[null]}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return
		}
		p, err := parseOne(Source{Kind: Preference}, 3, true, line)
		if err != nil || p.verdict != keep {
			return
		}
		doc, err := decode(p.line)
		if err != nil || doc.Rejected == nil || doc.size() != p.out || !bytes.Equal(append(doc.appendJSON(nil), '\n'), p.line) {
			t.Fatalf("%q became %q: %+v, %v", line, p.line, doc, err)
		}
	})
}

// TestPairs takes preferences from JSON lines to pairs of ids: every pair of a
// prompt is on one side of the split, and an epoch has each as often as its
// source's weight says.
func TestPairs(t *testing.T) {
	var few, many strings.Builder
	for i := range 300 {
		fmt.Fprintf(&many, `{"prompt":"%d?","chosen":"yes %d","rejected":"yea %d"}`+"\n", i/3, i, i)
	}
	for i := range 40 {
		fmt.Fprintf(&few, `{"prompt":"so %d?","chosen":"%s","rejected":"no"}`+"\n", i, strings.Repeat("x", i))
	}
	dir := write(t, map[string]string{"many.jsonl": many.String(), "few.jsonl": few.String()})
	sources := []Source{at(dir + "/many.jsonl"), at(dir + "/few.jsonl")}
	for i := range sources {
		sources[i].Kind, sources[i].Language = Preference, "en"
	}
	sources[1].Weight = 2
	c, err := NewCollect(context.Background(), sources, 60)
	if err != nil {
		t.Fatal(err)
	}
	work := samovar.Work{Dir: t.TempDir(), Recorder: &recorder{}}
	if _, err = c.Run(context.Background(), work); err != nil {
		t.Fatal(err)
	}
	prompts := map[string]string{}
	documents := 0
	for _, file := range []string{TrainFile, ValidationFile} {
		err := Documents(work.Dir+"/"+file, func(d Document) error {
			if in, ok := prompts[d.Turns[0].Text]; ok && in != file {
				return fmt.Errorf("%q is both learnt and held out", d.Turns[0].Text)
			}
			prompts[d.Turns[0].Text] = file
			documents++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if documents != 339 {
		t.Errorf("%d preferences are left, not 339: one of the 340 has an empty answer", documents)
	}
	s := bytewiseShard()
	s.Weights = []float64{1, 2}
	set, err := OpenSet(shard(t, work.Dir, s), PreferenceTrain)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	checkPairs(t, set)
	if _, err := NewPairs(set, 1, 4); err == nil || !strings.Contains(err.Error(), "none of ") {
		t.Errorf("a window of 4 tokens: %v", err)
	}
	if _, err := OpenSet(samovar.Input{}, PreferenceTrain); !errors.Is(err, ErrNoPart) {
		t.Error(err)
	}
}

func checkPairs(t *testing.T, set *Set) {
	t.Helper()
	all, err := NewPairs(set, 1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPairs(set, 1, 32)
	if err != nil {
		t.Fatal(err)
	}
	if p.Long == 0 || p.Len()+p.Long != all.Len() {
		t.Fatalf("%d pairs, %d are too long, of %d", p.Len(), p.Long, all.Len())
	}
	for i := range p.Len() {
		x := p.Pair(i)
		for side, ids := range x.Tokens {
			first := slices.IndexFunc(x.Targets[side], func(id int32) bool { return id >= 0 })
			if len(ids) > 32 || first < 0 || !slices.Equal(ids[:first+1], x.Tokens[0][:first+1]) || x.Targets[side][len(ids)-1] != 2 {
				t.Fatalf("pair %d: %v, %v", i, ids, x.Targets[side])
			}
		}
		if a := slices.IndexFunc(x.Targets[0], func(id int32) bool { return id >= 0 }); x.Targets[0][a] == x.Targets[1][a] {
			t.Fatalf("pair %d learns what both answers begin with: %v, %v", i, x.Targets[0], x.Targets[1])
		}
	}
	times := map[int64]int{}
	for n := range p.PerEpoch() {
		times[p.At(n)]++
	}
	for i := range p.Len() {
		if want := 1 + set.Extent(2*p.fit[i]).Source; times[i] != want {
			t.Errorf("pair %d comes %d times in an epoch, not %d", i, times[i], want)
		}
	}
	if p.At(0) == p.At(p.PerEpoch()) && p.At(1) == p.At(p.PerEpoch()+1) && p.At(2) == p.At(p.PerEpoch()+2) {
		t.Error("two epochs have one order")
	}
}
