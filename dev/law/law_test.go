package main

import (
	"math"
	"os"
	"strings"
	"testing"

	"samovar/recipe/design"
)

// TestFitted holds the law in the program to the runs that lie here.
func TestFitted(t *testing.T) {
	f, err := os.Open("runs.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	by, err := read(f)
	if err != nil {
		t.Fatal(err)
	}
	l, err := fit(by)
	if err != nil {
		t.Fatal(err)
	}
	have := design.Fitted()
	for _, p := range []struct {
		name      string
		got, want float64
	}{
		{"alpha", have.Alpha, l.Alpha}, {"beta", have.Beta, l.Beta}, {"capacity", have.Capacity, l.Capacity}, {"repeats", have.Repeats, l.Repeats},
		{"floor", have.Floor, l.Floor}, {"weight", have.Weight, l.Weight},
	} {
		if math.Abs(p.got-p.want) > 0.01*math.Abs(p.want) {
			t.Errorf("%s is %g in the program, and %g fitted to these runs: go run ./dev/law -out recipe/design/law.json", p.name, p.got, p.want)
		}
	}
	if e := math.Sqrt(l.misfit(by)); e > design.Spread {
		t.Errorf("the law misses its own runs by %.3f, and the recipes say %.3f", e, design.Spread)
	}
}

// TestRead refuses tables that are none.
func TestRead(t *testing.T) {
	const head = "text,depth,width,vocabulary,tokens,seed,weights,seen,unique,bits\n"
	for _, text := range []string{
		"text,weights\nb,1\n", head + "a,,,,,,1,2,3,x\n", head + "a,,,,,,1,2,3,-4\n", head + "a,,,,,,1,2,3,4\n", head + "a,,,,,,1,2,3,4\nb,,,,,,,,,\n", "a,\"b",
	} {
		if _, err := read(strings.NewReader(text)); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}
