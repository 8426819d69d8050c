package serve

import (
	"context"
	"errors"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"samovar"
	"samovar/infer"
)

// counter is a meter that gains a joule each time that it is read.
type counter struct{ n int }

func (c *counter) Read() samovar.Energy {
	c.n++
	return samovar.Energy{Joules: float64(c.n), Method: "counted"}
}

// The joules of all answers together are those of the steps.
func TestEnergy(t *testing.T) {
	l := load(t, false)
	defer l.Close()
	meter := &counter{n: 100}
	w := newWorker(l.Engine, &turn{meter: meter}, 10)
	j, err := w.submit(t.Context(), []infer.Request{{Prompt: []int32{1, 2, 3}, MaxTokens: 4}, {Prompt: []int32{1}, MaxTokens: 9, Sampling: infer.Sampling{Temperature: 9}}})
	if err != nil {
		t.Fatal(err)
	}
	sum := make([]float64, 2)
	for left := 2; left > 0; {
		<-j.ready
		for _, n := range j.take() {
			sum[n.choice] += n.joules
			if n.Finish != infer.Going {
				left--
			}
		}
	}
	w.stop()
	// One reading when the worker wakes, one after each of nine steps, one when
	// stop wakes it. The first step computes 3 and 1 tokens, three more one of each;
	// at such a temperature nothing comes again that could be guessed.
	if meter.n != 111 {
		t.Errorf("the meter was read %d times", meter.n-100)
	}
	if want := 0.75 + 3*0.5; math.Abs(sum[0]-want) > 1e-12 || math.Abs(sum[0]+sum[1]-9) > 1e-12 {
		t.Errorf("the answers took %v; %g of 9 is the first one's share", sum, want)
	}
}

func TestEnergyIsTold(t *testing.T) {
	_, h := start(t, Config{Meter: &counter{}})
	o := asked[completionObject](t, h.URL+"/v1/completions", `{"prompt":"the","max_tokens":3,`+free+`}`)
	if f := o.Samovar; f.Joules == nil || *f.Joules != 3 || f.Method != "counted" {
		t.Errorf("%+v", f)
	}
}

// What is in progress when a model is taken out of service ends with an error.
func TestStop(t *testing.T) {
	l := load(t, false)
	defer l.Close()
	w := newWorker(l.Engine, &turn{}, 10)
	j, err := w.submit(t.Context(), []infer.Request{{Prompt: []int32{1}, MaxTokens: -1}})
	if err != nil {
		t.Fatal(err)
	}
	<-j.ready
	w.stop()
	notes := j.take()
	if last := notes[len(notes)-1]; !errors.Is(last.err, errClosed) && last.Finish == infer.Going {
		t.Errorf("the last note is %+v", last)
	}
	if _, err := w.submit(t.Context(), []infer.Request{{Prompt: []int32{1}}}); !errors.Is(err, errClosed) {
		t.Errorf("a request afterwards: %v", err)
	}
	j.cancel()
}

// A request of which one part is wrong leaves nothing behind.
func TestAllOrNone(t *testing.T) {
	l := load(t, false)
	defer l.Close()
	w := newWorker(l.Engine, &turn{}, 10)
	if _, err := w.submit(t.Context(), []infer.Request{{Prompt: []int32{1}, MaxTokens: -1}, {Prompt: []int32{-1}}, {Prompt: []int32{1}}}); err == nil {
		t.Error("a token of −1 is taken")
	}
	w.stop()
	if w.load != 0 || !l.Engine.Idle() {
		t.Errorf("%d sequences are left", w.load)
	}
}

// Silence is filled with comments, and a client that does not take them ends
// the answer.
func TestPing(t *testing.T) {
	r := &round{answers: []*answer{{}}, job: &job{ready: make(chan struct{})}}
	recorder := httptest.NewRecorder()
	s := newStream(recorder)
	tick := make(chan time.Time)
	gone := errors.New("gone")
	pings := 0
	done := make(chan error)
	go func() {
		done <- r.follow(context.Background(), tick, func() error {
			if pings++; pings == 3 {
				return gone
			}
			return s.ping()
		}, nil)
	}()
	for range 3 {
		tick <- time.Time{}
	}
	if err := <-done; !errors.Is(err, gone) || recorder.Body.String() != strings.Repeat(": ping\n\n", 2) || !recorder.Flushed {
		t.Errorf("%v, %q", err, recorder.Body)
	}
}
