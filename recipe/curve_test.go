package recipe

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"samovar"
)

func TestParseCurve(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []samovar.Point
	}{
		{"nothing", "", nil},
		{"two", `{"step":1,"loss":9}` + "\n" + `{"step":3,"loss":8}` + "\n", []samovar.Point{{Step: 1, Loss: 9}, {Step: 3, Loss: 8}}},
		{"the same step", `{"step":3,"tokens":12,"loss":9,"sample":"a"}` + "\n" + `{"step":3,"tokens":12,"bits_per_byte":2,"joules":7,"sample":"b"}` + "\n",
			[]samovar.Point{{Step: 3, Tokens: 12, Loss: 9, BitsPerByte: 2, Joules: 7, Sample: "b"}}},
		{"gone on from a checkpoint", `{"step":1}` + "\n" + `{"step":2,"loss":9}` + "\n" + `{"step":9}` + "\n\n" + `{"step":2,"loss":8}` + "\n" + `{"step":4}` + "\n",
			[]samovar.Point{{Step: 1}, {Step: 2, Loss: 8}, {Step: 4}}},
		{"cut off", `{"step":1}` + "\n" + `{"step":2,"lo` + "\n" + `{"step":2}` + "\n" + `{"st`, []samovar.Point{{Step: 1}, {Step: 2}}},
		{"something else", "[]\n7\n{\"step\":-4}\n", nil},
	} {
		got, err := parseCurve(strings.NewReader(c.text))
		if err != nil || !slices.Equal(got.Points, c.want) {
			t.Errorf("%s: %+v, %v; want %+v", c.name, got.Points, err, c.want)
		}
	}
	if _, err := parseCurve(strings.NewReader(strings.Repeat("x", maxCurveLine+1))); err == nil {
		t.Error("a line without end is read")
	}
}

func FuzzParseCurve(f *testing.F) {
	f.Add(`{"step":1,"loss":9}` + "\n" + `{"step":3,"sample":"x"}`)
	f.Add("{\"step\":1}\n{\"step\":0}\n{\"step")
	f.Fuzz(func(t *testing.T, text string) {
		c, _ := parseCurve(strings.NewReader(text))
		if !slices.IsSortedFunc(c.Points, func(a, b samovar.Point) int { return int(min(1, max(-1, a.Step-b.Step))) }) {
			t.Errorf("the steps do not rise: %+v", c.Points)
		}
	})
}

// TestCurve runs a stage that learns, is interrupted after its checkpoint, and
// goes on from there.
func TestCurve(t *testing.T) {
	const steps = 5000
	p := newPantry(t)
	k := kitchenOf(p)
	from, until := int64(1), int64(3000)
	learn := pot{name: "tea", version: 1, content: "green", do: func(w samovar.Work) error {
		for s := from; s <= until; s++ {
			e := samovar.Event{Step: s, Of: steps, Tokens: 8 * s, Loss: float64(1 + 2*(s%2)), TokensPerSecond: 5}
			if s == 7 {
				e.Loss = math.NaN()
			}
			if s%1000 == 0 {
				e.BitsPerByte, e.Sample = 1+1/float64(s), "Once upon"
			}
			w.Recorder.Event(e)
		}
		if until < steps {
			return errors.New("the power is gone")
		}
		return nil
	}}
	if _, err := k.Do(context.Background(), learn, nil); err == nil {
		t.Fatal("the interrupted run finished")
	}
	dirs, err := filepath.Glob(filepath.Join(p.dir, "*", curveFile))
	if err != nil || len(dirs) != 1 {
		t.Fatalf("curves in the work folder: %v, %v", dirs, err)
	}
	half, err := ReadCurve(filepath.Dir(dirs[0]))
	if n := len(half.Points); err != nil || n < 550 || n > 700 || half.Points[n-1].Step != 3000 {
		t.Fatalf("%d points while it runs: %v", len(half.Points), err)
	}
	from, until = 2500, steps
	done, err := k.Do(context.Background(), learn, nil)
	if err != nil {
		t.Fatal(err)
	}
	var whole samovar.Curve
	if err := json.Unmarshal(p.blobs[done.Run.Curve], &whole); err != nil {
		t.Fatal(err)
	}
	n := len(whole.Points)
	if n < 950 || n > 1100 || whole.Points[0].Step != 1 || whole.Points[n-1].Step != steps || whole.Points[n-1].Tokens != 8*steps {
		t.Errorf("%d points from %+v to %+v", n, whole.Points[0], whole.Points[n-1])
	}
	samples, joules := 0, 0.0
	for _, q := range whole.Points {
		if q.Joules < joules {
			t.Errorf("at step %d the energy falls from %g to %g", q.Step, joules, q.Joules)
		}
		if joules = q.Joules; q.Sample != "" && q.BitsPerByte > 1 {
			samples++
		}
	}
	if samples != 5 {
		t.Errorf("%d samples, want 5", samples)
	}
	if mid := whole.Points[n/3]; mid.Loss < 1.5 || mid.Loss > 2.5 {
		t.Errorf("losses of 1 and 3 in turn are %g in the mean", mid.Loss)
	}
	if _, err := os.Stat(dirs[0]); err == nil {
		t.Error("the curve is left in the work folder")
	}
}
