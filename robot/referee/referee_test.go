package referee

import (
	"encoding/binary"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"samovar/robot/mechanism"
	"samovar/robot/wire"
)

func sample() Info {
	return Info{
		Version: wire.Version, Model: "toy", Joints: []string{"hip", "knee"}, Units: 1,
		Bodies: []string{"world", "pelvis", "torso", "foot", "hand", "shank"}, Base: 1, Torso: 2, Feet: []int{3}, Kneel: []int{4, 5}, Lockstep: true,
	}
}

// TestTruth holds the payload to its table: numbers, then counts, then joints.
func TestTruth(t *testing.T) {
	i := sample()
	in := i.NewTruth()
	k := 0.0
	for _, x := range in.numbers() {
		k++
		*x = k
	}
	for n, x := range in.counts() {
		*x = uint64(100 + n)
	}
	in.Sequence, in.Time, in.Positions = 5, time.Second, []float64{-1, -2}
	b := in.append(nil)
	if len(b) != i.truthSize() {
		t.Errorf("%d bytes instead of %d", len(b), i.truthSize())
	}
	if at := binary.LittleEndian.Uint64(b[8*truthNumbers:]); at != 100 {
		t.Errorf("the first count is %d", at)
	}
	out := i.NewTruth()
	out.read(in.header(), b)
	if !reflect.DeepEqual(in, out) {
		t.Errorf("%+v instead of %+v", out, in)
	}
	if in.Position != (mechanism.Vector{1, 2, 3}) || in.Tilt != 20 || in.Worst.Speed != 24 || in.Counts.Damped != 110 {
		t.Errorf("%+v", in)
	}
}

func TestFall(t *testing.T) {
	i := sample()
	for _, c := range []struct {
		name     string
		touching []int
		tilt     float64
		kneeling bool
		fall     string
	}{
		{"in the air", nil, 0, false, ""},
		{"standing", []int{3}, 0.1, false, ""},
		{"a hand", []int{3, 4}, 0.1, false, "hand touches"},
		{"a hand in a kneel", []int{3, 4, 5}, 0.1, true, ""},
		{"the torso in a kneel", []int{2, 3, 4}, 0.1, true, "torso touches"},
		{"leaning", []int{3}, 59 * math.Pi / 180, false, ""},
		{"leaning too far", []int{3}, 61 * math.Pi / 180, true, "tilts by 61"},
		{"nowhere", nil, math.NaN(), false, "tilts"},
	} {
		tr := Truth{Tilt: c.tilt}
		for _, k := range c.touching {
			tr.Touching.Add(k)
		}
		if got := i.Fall(&tr, c.kneeling); got != c.fall && (c.fall == "" || !strings.Contains(got, c.fall)) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
	var b Bodies
	b.Add(64)
	b.Add(127)
	if b.Has(0) || !b.Has(64) || !b.Has(127) {
		t.Errorf("%x", b)
	}
}

func TestEvents(t *testing.T) {
	i := sample()
	good := Event{Kind: Hot, Target: 1, Start: time.Second, Duration: time.Minute, Impulse: mechanism.Vector{1, 2, 3}, Amount: 4}
	var back Event
	back.read(good.header(), good.append(nil))
	if back != good || len(good.append(nil)) != eventSize {
		t.Errorf("%+v", back)
	}
	if err := good.check(&i); err != nil {
		t.Error(err)
	}
	for name, e := range map[string]Event{
		"no kind":        {},
		"unknown":        {Kind: eventKinds},
		"joint":          {Kind: Stuck, Target: 2},
		"unit":           {Kind: StuckUnit, Target: 1},
		"all but":        {Kind: Stuck, Target: -2},
		"before":         {Kind: Silent, Start: -1},
		"never ending":   {Kind: Silent, Duration: 25 * time.Hour},
		"not finite":     {Kind: Push, Duration: 1, Impulse: mechanism.Vector{math.NaN()}},
		"a lorry":        {Kind: Push, Duration: 1, Impulse: mechanism.Vector{-2000}},
		"a blow":         {Kind: Push},
		"absolute zero":  {Kind: Hot, Amount: -2000},
		"infinitely hot": {Kind: Hot, Amount: math.Inf(1)},
	} {
		if e.check(&i) == nil {
			t.Errorf("%s passes", name)
		}
	}
}

// TestLink passes truths, events and ticks.
func TestLink(t *testing.T) {
	l, err := wire.Listen("unix:" + filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	h := NewHost(l, sample())
	defer h.Close()
	address := "unix:" + l.Addr().String()
	r, err := Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	s := <-h.Sessions()
	if _, err := Dial(address); err == nil || !strings.Contains(err.Error(), "another referee") {
		t.Errorf("two referees: %v", err)
	}
	in, out := r.Info().NewTruth(), r.Info().NewTruth()
	for k := range uint64(20) {
		out.Sequence = k + 1
		s.Send(out)
		if err := r.Receive(in); err != nil || in.Sequence != k+1 {
			t.Fatalf("truth %d, %v", in.Sequence, err)
		}
		if err := r.Send(NewPush(time.Duration(k), mechanism.Vector{1})); err != nil {
			t.Fatal(err)
		}
		if err := r.Go(in.Sequence); err != nil {
			t.Fatal(err)
		}
		if err := s.Await(out.Sequence); err != nil {
			t.Fatal(err)
		}
		all, err := s.Events()
		if err != nil || len(all) != 1 || all[0] != NewPush(time.Duration(k), mechanism.Vector{1}) {
			t.Fatalf("%+v, %v", all, err)
		}
	}
	bad := Event{Kind: Stuck, Target: 7}
	if err := r.Send(bad); err == nil {
		t.Error("a joint that is not there can be stuck")
	}
	if err := r.conn.Write(bad.header(), bad.append(nil)); err != nil {
		t.Fatal(err)
	}
	if err := r.Receive(in); err == nil || !strings.Contains(err.Error(), "refuses") {
		t.Errorf("after an event that cannot be: %v", err)
	}
	if err := s.Await(100); err == nil {
		t.Error("the body waits for nobody")
	}
}

// FuzzEvent has events checked as any referee could send them.
func FuzzEvent(f *testing.F) {
	e := NewPush(time.Second, mechanism.Vector{5})
	f.Add(uint8(e.Kind), int64(e.Start), e.append(nil))
	f.Fuzz(func(t *testing.T, kind uint8, start int64, payload []byte) {
		if len(payload) != eventSize {
			return
		}
		i := sample()
		var e Event
		e.read(wire.Header{Flags: kind, Time: start}, payload)
		if e.check(&i) != nil {
			return
		}
		if n := e.Impulse.Norm(); !(n <= mostImpulse) || math.IsNaN(e.Amount) || e.Start < 0 {
			t.Errorf("%+v", e)
		}
	})
}
