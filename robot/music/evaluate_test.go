package music

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestScores holds FMeasure and Continuity to mir_eval (testdata/golden.py).
func TestScores(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "beats.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Kind              string
		Truth, Beats      []float64
		F, Longest, Total float64
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		f := FMeasure(c.Truth, c.Beats, Trim)
		longest, total := Continuity(c.Truth, c.Beats, Trim)
		for i, got := range []float64{f, longest, total} {
			if want := []float64{c.F, c.Longest, c.Total}[i]; math.Abs(got-want) > 1e-12 {
				t.Errorf("%s: score %d is %v, want %v", c.Kind, i, got, want)
			}
		}
	}
	if f := FMeasure(nil, nil, 0); f != 0 {
		t.Errorf("no beats at all have an F-measure of %v, want 0", f)
	}
}

// TestMirEval holds FMeasure and Continuity to the scores that mir_eval gives for
// its own ten pairs of annotations (mir_eval, MIT licence, 2014 Colin Raffel).
func TestMirEval(t *testing.T) {
	data := os.Getenv("SAMOVAR_DATA")
	if data == "" {
		t.Skip("SAMOVAR_DATA does not name a folder with robot/mir_eval_beat")
	}
	dir := filepath.Join(data, "robot", "mir_eval_beat")
	if _, err := os.Stat(dir); err != nil {
		t.Skip(err)
	}
	for i := range 10 {
		truth := readTimes(t, filepath.Join(dir, fmt.Sprintf("ref%02d.txt", i)))
		beats := readTimes(t, filepath.Join(dir, fmt.Sprintf("est%02d.txt", i)))
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("output%02d.json", i)))
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]float64
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		longest, total := Continuity(truth, beats, Trim)
		for name, got := range map[string]float64{
			"F-measure":                       FMeasure(truth, beats, Trim),
			"Correct Metric Level Continuous": longest,
			"Correct Metric Level Total":      total,
		} {
			if math.Abs(got-want[name]) > 1e-12 {
				t.Errorf("pair %d: %s is %v, want %v", i, name, got, want[name])
			}
		}
	}
}

// readTimes reads one time a line.
func readTimes(t *testing.T, name string) []float64 {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var times []float64
	for s := bufio.NewScanner(f); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		v, err := strconv.ParseFloat(strings.Fields(line)[0], 64)
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, v)
	}
	return times
}
