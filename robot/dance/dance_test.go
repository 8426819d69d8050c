package dance

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/humanoid"
	"samovar/robot/music"
)

// describe is our humanoid as a body describes it.
func describe() *body.Info {
	m := humanoid.Own()
	i := &body.Info{Rate: 250}
	for _, name := range humanoid.Joints {
		k, _ := m.Joint(name)
		j := &m.Joints[k]
		i.Joints = append(i.Joints, body.Joint{Name: name, Range: j.Range, Speed: j.Speed, Torque: j.Torque})
	}
	return i
}

// stance is its own.
var stance = func() []float64 {
	q, err := humanoid.Own().Key("stand")
	if err != nil {
		panic(err) // of a constant
	}
	return q[7:]
}()

func neutral() []float64 { return slices.Clone(stance) }

// heard is what an ear that errs in nothing hears of a song of that tempo and metre, whose
// tempo changes by a share until its end.
func heard(tempo float64, meter int, seconds, drift, energy float64) *music.Analysis {
	a := &music.Analysis{Seconds: seconds, Tempo: tempo, Confidence: 0.9, Meter: meter}
	for t, k := 0.4, 0; t < seconds; k++ {
		if a.Beats = append(a.Beats, t); k%meter == 0 {
			a.Downbeats = append(a.Downbeats, t)
		}
		t += 60 / (tempo * (1 + drift*t/seconds))
	}
	for k := range int(seconds * music.EnergyRate) {
		a.Energy = append(a.Energy, energy*(0.8+0.2*math.Sin(float64(k)/70)))
	}
	middle := a.Downbeats[len(a.Downbeats)/2]
	a.Sections = []music.Section{{End: middle, Energy: energy}, {Start: middle, End: seconds, Energy: energy}}
	return a
}

func compose(t interface{ Fatal(...any) }, a *music.Analysis, seed uint64) *Dance {
	d, err := Compose(a, seed)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestCompose holds dances to what makes one.
func TestCompose(t *testing.T) {
	pause := heard(120, 4, 60, 0, 0.8)
	pause.Beats = slices.DeleteFunc(pause.Beats, func(b float64) bool { return b > 25 && b < 33 })
	stops := heard(100, 4, 60, 0, 0.5)
	stops.Beats = stops.Beats[:45]
	for name, a := range map[string]*music.Analysis{
		"80": heard(80, 4, 60, 0, 0.7), "120": heard(120, 4, 60, 0, 0.7), "150": heard(150, 4, 60, 0, 0.9),
		"waltz": heard(150, 3, 60, 0, 0.4), "five": heard(120, 5, 60, 0, 0.6), "drifts": heard(100, 4, 60, 0.3, 0.7),
		"pause": pause, "stops": stops,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				d := compose(t, a, seed)
				if again := compose(t, a, seed); !slices.Equal(likenesses(d), likenesses(again)) {
					t.Fatal("a song and a seed make two dances")
				}
				check(t, a, d)
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

func likenesses(d *Dance) []string {
	var all []string
	for i := range d.Phrases {
		all = append(all, d.Phrases[i].likeness())
	}
	return all
}

func check(t *testing.T, a *music.Analysis, d *Dance) {
	t.Helper()
	if n := d.Different(0, 60); n < 12 {
		t.Errorf("%d different moves", n)
	}
	all := likenesses(d)
	slices.Sort(all)
	if len(slices.Compact(all)) != len(d.Phrases) {
		t.Error("two phrases are alike")
	}
	if end := d.Phrases[len(d.Phrases)-1]; end.Beat+end.Beats != len(d.Beats) {
		t.Error("the last pose is not on the last beat")
	}
	for i := 1; i+1 < len(d.Phrases); i++ {
		p := &d.Phrases[i]
		if !slices.Contains(likeBeats(a.Downbeats), d.Beats[p.Beat]) {
			t.Errorf("phrase %d begins at %g s, on no downbeat", i, d.Beats[p.Beat])
		}
		bars := 0
		for _, b := range likeBeats(a.Downbeats) {
			if b >= d.Beats[p.Beat] && b < d.Beats[p.Beat+p.Beats] && slices.Contains(d.Beats, b) {
				bars++
			}
		}
		if bars < 2 || bars > 4 {
			t.Errorf("phrase %d has %d bars", i, bars)
		}
		steps := slices.ContainsFunc(p.Cues, func(c Cue) bool { return d.move(c.Move).leads(feet) })
		if !steps {
			t.Errorf("phrase %d has no step", i)
		}
	}
}

// likeBeats rounds times as a dance's beats are.
func likeBeats(times []float64) []float64 {
	out := make([]float64, len(times))
	for i, t := range times {
		out[i] = math.Round(t*1e4) / 1e4
	}
	return out
}

// TestRefuse names what cannot be danced to.
func TestRefuse(t *testing.T) {
	unsure := heard(120, 4, 60, 0, 0.5)
	unsure.Confidence = 0.1
	short := heard(120, 4, 8, 0, 0.5)
	for want, a := range map[string]*music.Analysis{"no sure beat": unsure, "are needed": short, "sure beat": {}} {
		if _, err := Compose(a, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v instead of %q", err, want)
		}
	}
	if _, err := Compose(heard(120, 4, 60, 0, 0.5), 1, Move{Name: "empty"}); err == nil {
		t.Error("a move without keys")
	}
	if _, err := Compose(heard(120, 4, 60, 0, 0.5), 1, Move{Name: "wave", Keys: []Key{{"left_elbow": 1}}}); err == nil {
		t.Error("a move with the name of another")
	}
}

// TestAnyMusic composes to whatever an ear may say: a dance that can be danced, or an
// error.
func TestAnyMusic(t *testing.T) {
	i, danced := describe(), 0
	rapid.Check(t, func(t *rapid.T) {
		a := &music.Analysis{Seconds: 60, Confidence: 1, Meter: rapid.IntRange(-1, 9).Draw(t, "metre"), Energy: rapid.SliceOf(rapid.Float64()).Draw(t, "energy")}
		at := rapid.Float64Range(-0.1, 3).Draw(t, "first")
		for _, by := range rapid.SliceOfN(rapid.Float64Range(-0.01, 1.5), 30, 120).Draw(t, "intervals") {
			a.Beats = append(a.Beats, at)
			if at += by + rapid.Float64Range(0, 0.5).Draw(t, "more"); rapid.Bool().Draw(t, "down") {
				a.Downbeats = append(a.Downbeats, at)
			}
		}
		d, err := Compose(a, 1)
		if err != nil {
			return
		}
		if _, err := New(d, i); err != nil {
			t.Fatal(err)
		}
		danced++
	})
	t.Logf("%d are danced to", danced)
	if danced == 0 {
		t.Error("nothing is danced to")
	}
}

// TestShared compares the dances of many seeds and songs.
func TestShared(t *testing.T) {
	var all []*Dance
	for seed := range uint64(12) {
		all = append(all, compose(t, heard(120, 4, 60, 0, 0.7), seed), compose(t, heard(100+float64(seed), 4, 60, 0, 0.7), 1))
	}
	for i, a := range all {
		if got := Shared(a, a); got != 1 {
			t.Fatalf("a dance has %g of its own phrases", got)
		}
		for _, b := range all[:i] {
			if got := Shared(a, b); got >= 0.3 {
				t.Errorf("two dances share %.0f %% of their phrases", 100*got)
			}
		}
	}
}

// body that differs from ours in ranges, speeds, and what it lacks.
func anyBody(t *rapid.T) *body.Info {
	i := describe()
	for k := range i.Joints {
		j := &i.Joints[k]
		j.Range[0] *= rapid.Float64Range(0.4, 1.3).Draw(t, "low")
		j.Range[1] *= rapid.Float64Range(0.4, 1.3).Draw(t, "high")
		j.Speed *= float64(rapid.IntRange(0, 1).Draw(t, "speed known"))
	}
	if rapid.Bool().Draw(t, "no waist") {
		i.Joints = slices.Delete(i.Joints, 12, 15)
	}
	return i
}

// TestFeasible holds every motion of every dance within ranges and speeds of any body,
// its centre of pressure within the feet, and its accelerations without leaps.
func TestFeasible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := anyBody(t)
		a := heard(rapid.Float64Range(55, 210).Draw(t, "tempo"), rapid.IntRange(2, 7).Draw(t, "metre"), 30,
			rapid.Float64Range(-0.3, 0.3).Draw(t, "drift"), rapid.Float64Range(0, 1).Draw(t, "energy"))
		d := compose(t, a, rapid.Uint64().Draw(t, "seed"))
		for k := range d.Phrases { // as if somebody had edited it
			for c := range d.Phrases[k].Cues {
				d.Phrases[k].Cues[c].Scale = rapid.SampledFrom([]float64{0, 0.5, 1, 1.5}).Draw(t, "scale")
			}
		}
		m, err := New(d, i)
		if err != nil {
			t.Fatal(err)
		}
		feasible(t, m, i, m.Seconds())
	})
}

type fataler interface{ Fatalf(string, ...any) }

// feasible samples a motion until its end.
func feasible(t fataler, m balance.Motion, i *body.Info, seconds float64) {
	const h = 0.004
	var at [3]balance.Target
	home := make([]float64, len(i.Joints))
	for k := range i.Joints { // a stance that lies within the ranges
		r := i.Joints[k].Range
		home[k] = min(max(0, r[0]), r[1])
	}
	for k := range at {
		at[k].Joints = make([]float64, len(home))
	}
	before := make([]float64, len(home))
	for s := 0.0; s < seconds+1; s += h {
		for k := range at {
			at[k] = balance.Target{Joints: at[k].Joints}
			copy(at[k].Joints, home)
			m.Target(s+float64(k-1)*h, &at[k])
		}
		for k := range home {
			j := &i.Joints[k]
			q, v, a := derive(at[0].Joints[k], at[1].Joints[k], at[2].Joints[k], h)
			most := float64(unknown)
			if j.Speed > 0 {
				most = min(most, share*j.Speed)
			}
			if q < j.Range[0]-1e-9 || q > j.Range[1]+1e-9 || math.Abs(v) > most {
				t.Fatalf("at %.3f s %s is at %g rad of %v, with %g rad/s", s, j.Name, q, j.Range, v)
			}
			if math.Abs(a-before[k]) > 25 {
				t.Fatalf("at %.3f s the acceleration of %s leaps from %g to %g rad/s²", s, j.Name, before[k], a)
			}
			before[k] = a
		}
		for k, most := range []float64{ahead, sideways} {
			x, _, a := derive(at[0].Sway[k], at[1].Sway[k], at[2].Sway[k], h)
			if p := math.Abs(x) + math.Abs(a)/omega2; p > most+1e-6 {
				t.Fatalf("at %.3f s the centre of pressure is %g m away", s, p)
			}
		}
		if z, _, a := derive(at[0].Sway[2], at[1].Sway[2], at[2].Sway[2], h); z < -0.08 || z > 0.02 || math.Abs(a) > 3 {
			t.Fatalf("at %.3f s it is %g m high, with %g m/s²", s, z, a)
		}
		if math.Hypot(at[1].Mark[0], at[1].Mark[1]) > 0.22 {
			t.Fatalf("at %.3f s it stands at %v", s, at[1].Mark)
		}
	}
	end := &at[1]
	if end.Mark != [2]float64{} || end.Heading != 0 || end.Sway.Norm() > 1e-9 || end.Pelvis.Norm() > 1e-9 || !slices.Equal(end.Joints, home) {
		t.Fatalf("it ends as %+v", *end)
	}
}

func derive(a, b, c, h float64) (value, first, second float64) {
	return b, (c - a) / (2 * h), (c - 2*b + a) / (h * h)
}

// commanded returns the mean joint speed that a motion asks for, rate values a second.
func commanded(m balance.Motion, i *body.Info, seconds, rate float64) []float64 {
	at := [2]balance.Target{{Joints: neutral()}, {Joints: neutral()}}
	var speed []float64
	v := make([]float64, len(i.Joints))
	for k := range int(seconds * rate) {
		for n := range at {
			copy(at[n].Joints, stance)
			m.Target((float64(k)+float64(n)-0.5)/rate, &at[n])
		}
		for j := range v {
			v[j] = (at[1].Joints[j] - at[0].Joints[j]) * rate
		}
		speed = append(speed, Speed(v))
	}
	return speed
}

// above is what arms and waist add to the mean joint speed of [Published] dances, rad/s.
const above = 0.434

// TestLively holds what is asked for on the beat, and arms and waist half as lively as
// people's: legs follow and are not asked.
func TestLively(t *testing.T) {
	i := describe()
	for _, tempo := range []float64{60, 80, 100, 120, 135, 150, 180} {
		for _, energy := range []float64{0.3, 0.9} {
			least, total := Score{1, 1, 9}, Score{}
			const n = 10
			for seed := range uint64(n) {
				d := compose(t, heard(tempo, 4, 60, 0.05, energy), seed)
				m, err := New(d, i)
				if err != nil {
					t.Fatal(err)
				}
				s := Judge(commanded(m, i, 62, 100), 100, m.Beats())
				least = Score{min(least.Music, s.Music), min(least.Motion, s.Motion), min(least.Speed, s.Speed)}
				total.Speed += s.Speed / n
			}
			t.Logf("%g beats a minute, energy %g: least %.2f %.2f, %.3f rad/s, mean %.3f", tempo, energy, least.Music, least.Motion, least.Speed, total.Speed)
			if least.Music < 0.8 || least.Motion < 0.8 || least.Speed < above/2 {
				t.Errorf("%g beats a minute, energy %g: %+v", tempo, energy, least)
			}
		}
	}
}

// TestLacks lets a body without arms dance, and one whose joints have other names.
func TestLacks(t *testing.T) {
	d := compose(t, heard(120, 4, 30, 0, 0.7), 3)
	for name, change := range map[string]func(i *body.Info){
		"legs alone":  func(i *body.Info) { i.Joints = i.Joints[:12] },
		"other names": func(i *body.Info) { i.Joints[15].Name = "LEFT_SHOULDER_PITCH"; i.Joints[22].Name = "wing" },
	} {
		i := describe()
		change(i)
		m, err := New(d, i)
		if err != nil {
			t.Fatal(err)
		}
		to := balance.Target{Joints: make([]float64, len(i.Joints))}
		m.Target(10.1, &to)
		switch {
		case name == "other names" && (to.Joints[15] == 0 || to.Joints[22] != 0):
			t.Errorf("%s: %v", name, to.Joints)
		case to.Sway[2] == 0:
			t.Errorf("%s: it does not move", name)
		}
	}
}

// TestMirror mirrors a move twice.
func TestMirror(t *testing.T) {
	for _, name := range Moves() {
		for _, k := range grammar[name].Keys {
			p := rest
			p.put(k, true, 1)
			back := Key{}
			for c := range table {
				back[table[c].name] = p[c]
			}
			q, want := rest, rest
			q.put(back, true, 1)
			want.put(k, false, 1)
			for c := range q {
				if math.Abs(q[c]-want[c]) > 1e-12 {
					t.Fatalf("%s: %s is %g instead of %g", name, table[c].name, q[c], want[c])
				}
			}
		}
	}
	if n := len(Moves()); n < 24 {
		t.Errorf("%d moves", n)
	}
}
