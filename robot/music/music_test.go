package music

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"testing"

	"samovar/robot/music/song"
)

// tuned are the styles on which the weights were fitted; what is reported of beats is
// measured on the others.
var tuned = []string{"rock", "techno", "reggae", "ballad", "funk", "breakbeat", "punk", "son", "chorale", "musette", "motown"}

// every returns times that far apart, in seconds, from 0.2 on.
func every(step, seconds float64) []float64 {
	var times []float64
	for at := 0.2; at < seconds; at += step {
		times = append(times, at)
	}
	return times
}

// clicks is a song of short tones.
func clicks(seconds float64, times []float64) []float32 {
	x := make([]float32, int(seconds*Rate))
	for _, t := range times {
		for k := range Rate / 50 {
			if at := int(t*Rate) + k; at < len(x) {
				x[at] += float32(0.5 * math.Exp(-float64(k)/100) * math.Sin(float64(k)*0.3))
			}
		}
	}
	return x
}

// TestClicks holds beats to clicks of many tempos, within 10 ms.
func TestClicks(t *testing.T) {
	for _, bpm := range []float64{72, 90, 110, 128, 150} {
		times := every(60/bpm, 20)
		a, err := Analyse(clicks(20, times), Rate)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(a.Tempo-bpm) > 0.5 {
			t.Errorf("%g bpm: tempo %.2f", bpm, a.Tempo)
		}
		if f := FMeasure(times, a.Beats, 0); f < 0.98 {
			t.Errorf("%g bpm: F %.3f", bpm, f)
		}
		for _, b := range a.Beats {
			if d := b - times[nearestTo(times, b)]; math.Abs(d) > 0.01 && b > times[0]-0.1 {
				t.Errorf("%g bpm: a beat %.3f s off", bpm, d)
			}
		}
		if a.Confidence < Sure {
			t.Errorf("%g bpm: confidence %.2f", bpm, a.Confidence)
		}
	}
}

// TestHeldOut scores songs in styles that the weights were not fitted on, four of
// each: fewer say little, as a song whose beats are found half a beat late counts 0.
func TestHeldOut(t *testing.T) {
	if os.Getenv("SAMOVAR_LONG") == "" {
		t.Skip("it takes SAMOVAR_LONG")
	}
	var songs []song.Song
	for k, style := range song.Styles() {
		for seed := range uint64(4) {
			if slices.Contains(tuned, style) {
				continue
			}
			s, err := song.ComposeIn(style, 900+10*uint64(k)+seed, 60)
			if err != nil {
				t.Fatal(err)
			}
			songs = append(songs, s)
		}
	}
	const columns = 5
	table := make([][columns]float64, len(songs))
	atOnce(len(songs), func(i int) {
		s := songs[i]
		x := s.Render(Rate)
		a, err := Analyse(x, Rate)
		if err != nil {
			t.Error(err)
		}
		table[i] = [columns]float64{
			FMeasure(s.Beats, a.Beats, Trim),
			FMeasure(s.Beats, listenTo(t, x, 1000), Trim),
			FMeasure(s.Downbeats, a.Downbeats, Trim),
			truth(math.Abs(a.Tempo/s.Tempo-1) < 0.04),
			truth(a.Meter == s.Meter),
		}
		t.Logf("%-10s %d %6.1f bpm, found %6.1f: F %.3f, live %.3f, downbeats %.3f, sure %.2f %v", s.Style, s.Seed, s.Tempo, a.Tempo, table[i][0], table[i][1], table[i][2], a.Confidence, s.Traits)
	})
	var mean [columns]float64
	for _, row := range table {
		for k, v := range row {
			mean[k] += v / float64(len(table))
		}
	}
	t.Logf("%d songs: F %.3f, live %.3f, downbeats %.3f, right tempo %.2f, right meter %.2f", len(songs), mean[0], mean[1], mean[2], mean[3], mean[4])
	if mean[0] < 0.9 || mean[1] < 0.7 {
		t.Errorf("F %.3f and live %.3f are less than 0.9 and 0.7", mean[0], mean[1])
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// listenTo returns the beats that a Stream says, and checks that each is ahead.
func listenTo(t *testing.T, x []float32, piece int) []float64 {
	t.Helper()
	s, err := NewStream(Rate)
	if err != nil {
		t.Fatal(err)
	}
	var beats []float64
	for at := 0; at < len(x); at += piece {
		end := min(len(x), at+piece)
		for _, b := range s.Write(x[at:end]) {
			if n := len(beats); n > 0 && b <= beats[n-1] {
				t.Errorf("a beat at %.3f s after one at %.3f", b, beats[n-1])
			}
			if b < float64(at)/Rate {
				t.Errorf("a beat at %.3f s is said at %.3f", b, float64(at)/Rate)
			}
			beats = append(beats, b)
		}
	}
	return beats
}

// TestStreamPieces holds a stream to say the same whatever pieces it is fed.
func TestStreamPieces(t *testing.T) {
	s := song.Compose(4, 12)
	x := s.Render(Rate)
	want := listenTo(t, x, 480)
	if len(want) == 0 {
		t.Fatal("no beats")
	}
	for _, piece := range []int{77, 5000} {
		if got := listenTo(t, x, piece); !reflect.DeepEqual(got, want) {
			t.Errorf("pieces of %d: %v, want %v", piece, got, want)
		}
	}
}

// TestAhead holds a stream that has found its beat to say it Lead before.
func TestAhead(t *testing.T) {
	x := clicks(20, every(0.5, 20))
	s, err := NewStream(Rate)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at+240 <= len(x); at += 240 {
		now := float64(at+240) / Rate
		for _, b := range s.Write(x[at : at+240]) {
			if now > 8 && (b-now < Lead-0.05 || b-now > Lead+0.05) {
				t.Errorf("a beat at %.3f s is said at %.3f", b, now)
			}
			if d := b - math.Round((b-0.2)*2)/2 - 0.2; now > 8 && math.Abs(d) > 0.02 {
				t.Errorf("a beat at %.3f s is %.3f s off", b, d)
			}
		}
	}
	if p := s.Pulse(); math.Abs(p.Tempo-120) > 1 || len(p.Next) == 0 || p.Confidence < Sure {
		t.Errorf("at the end: %+v", p)
	}
}

// TestNothing holds what does not beat to be told from what does.
func TestNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]float32, 20*Rate)
	for i := range noise {
		noise[i] = float32(0.1 * r.NormFloat64())
	}
	constant, tone := make([]float32, 20*Rate), make([]float32, 20*Rate)
	for i := range tone {
		constant[i], tone[i] = 0.5, float32(0.5*math.Sin(2*math.Pi*440*float64(i)/Rate))
	}
	for _, c := range []struct {
		name string
		x    []float32
	}{
		{"nothing", nil},
		{"a constant", constant},
		{"a tone", tone},
		{"one sample", []float32{0.5}},
		{"a moment", noise[:Rate/10]},
		{"silence", make([]float32, 20*Rate)},
		{"noise", noise},
	} {
		a, err := Analyse(c.x, Rate)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if a.Confidence >= Sure {
			t.Errorf("%s: confidence %.2f", c.name, a.Confidence)
		}
		if !slices.Contains([]string{"noise", "a constant", "a tone"}, c.name) && len(a.Beats) > 0 {
			t.Errorf("%s: %d beats", c.name, len(a.Beats))
		}
		if len(a.Sections) == 0 || a.Sections[0].Start != 0 || a.Sections[len(a.Sections)-1].End != a.Seconds {
			t.Errorf("%s: sections %v do not cover the song", c.name, a.Sections)
		}
	}
	if beats := listenTo(t, make([]float32, 20*Rate), 480); len(beats) > 0 {
		t.Errorf("silence beats at %v", beats)
	}
	if _, err := Analyse([]float32{float32(math.NaN())}, Rate); err == nil {
		t.Error("not a number is analysed")
	}
}

// TestSpeech holds what somebody says not to be danced to.
func TestSpeech(t *testing.T) {
	program, err := exec.LookPath("espeak-ng")
	if err != nil {
		t.Skip("espeak-ng is not installed")
	}
	for voice, text := range map[string]string{
		"en": "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse, and nothing particular to interest me on shore, I thought I would sail about a little and see the watery part of the world.",
		"fr": "Longtemps, je me suis couché de bonne heure. Parfois, à peine ma bougie éteinte, mes yeux se fermaient si vite que je n'avais pas le temps de me dire: je m'endors.",
		"ru": "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему. Всё смешалось в доме Облонских.",
	} {
		wav, err := exec.Command(program, "--stdout", "-v", voice, text).Output()
		if err != nil {
			t.Fatal(err)
		}
		x, err := Decode(bytes.NewReader(wav))
		if err != nil {
			t.Fatal(err)
		}
		a, err := Analyse(x, Rate)
		if err != nil {
			t.Fatal(err)
		}
		if a.Confidence >= Sure {
			t.Errorf("speech in %s: confidence %.2f", voice, a.Confidence)
		}
	}
}

// TestStops holds a stream to fall silent after a song has stopped, and beats of an
// Analysis to end with it.
func TestStops(t *testing.T) {
	x := clicks(24, every(0.5, 12))
	beats := listenTo(t, x, 480)
	if len(beats) == 0 || beats[len(beats)-1] > 18.5 {
		t.Errorf("the song stops at 12 s, and the last of %d beats is at %v", len(beats), beats[len(beats)-1])
	}
	a, err := Analyse(x, Rate)
	if err != nil {
		t.Fatal(err)
	}
	if last := a.Beats[len(a.Beats)-1]; last > 12.1 {
		t.Errorf("the song stops at 12 s, and its last beat is at %.2f", last)
	}
}

// TestSame holds an analysis to be the same twice.
func TestSame(t *testing.T) {
	s := song.Compose(21, 15)
	x := s.Render(44100)
	a, err := Analyse(x, 44100)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := Analyse(x, 44100); !reflect.DeepEqual(a, b) {
		t.Error("two analyses of the same samples differ")
	}
}

// TestTransform holds the transform to the definition.
func TestTransform(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const n = 64
	x, got := make([]float64, n), make([]float64, n/2)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	newTransform(n).magnitudes(got, x)
	for k := range got {
		var re, im float64
		for i, v := range x {
			sin, cos := math.Sincos(2 * math.Pi * float64(k*i) / n)
			re, im = re+v*cos, im+v*sin
		}
		if want := math.Hypot(re, im); math.Abs(got[k]-want) > 1e-12 {
			t.Errorf("bin %d is %v, want %v", k, got[k], want)
		}
	}
}

// BenchmarkAnalyse analyses a minute.
func BenchmarkAnalyse(b *testing.B) {
	s := song.Compose(5, 60)
	x := s.Render(Rate)
	for b.Loop() {
		if _, err := Analyse(x, Rate); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStream listens to ten seconds after the first ten.
func BenchmarkStream(b *testing.B) {
	s := song.Compose(5, 20)
	x := s.Render(Rate)
	for b.Loop() {
		b.StopTimer()
		st, err := NewStream(Rate)
		if err != nil {
			b.Fatal(err)
		}
		st.Write(x[:10*Rate])
		b.StartTimer()
		st.Write(x[10*Rate:])
	}
}
