// Command law fits the scaling law of package recipe/design to this project's own
// small runs, and prints how well it predicts texts that it was not fitted to:
//
//	go run ./dev/law -runs dev/law/runs.csv -out recipe/design/law.json
//
// With -samovar and -store it first brews the runs of the table that have no result
// yet: SAMOVAR_DATA is the folder of their texts. The fit knows runs by their size
// and result alone. Start with fit.
package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"

	"gonum.org/v1/gonum/optimize"

	"samovar/recipe/design"
)

func main() {
	log.SetFlags(0)
	runs := flag.String("runs", "dev/law/runs.csv", "the runs: what is asked for and what was reached")
	out := flag.String("out", "", "file to write the law to")
	var b brewer
	flag.StringVar(&b.samovar, "samovar", "", "the program to brew runs without a result with")
	flag.StringVar(&b.store, "store", "", "folder of the stores in which they are brewed")
	flag.Parse()
	if b.samovar != "" {
		if err := b.fill(*runs); err != nil {
			log.Fatalf("brew the runs of %s: %v", *runs, err)
		}
	}
	f, err := os.Open(*runs)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	by, err := read(f)
	if err != nil {
		log.Fatalf("read %s: %v", *runs, err)
	}
	law, err := fit(by)
	if err != nil {
		log.Fatalf("fit the law: %v", err)
	}
	text, err := json.Marshal(law)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\nroot of the mean square of relative errors: %.4f\n\n", text, math.Sqrt(law.misfit(by)))
	if err := report(os.Stdout, by); err != nil {
		log.Fatal(err)
	}
	if *out != "" {
		if err := os.WriteFile(*out, append(text, '\n'), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// runs by the text that they learnt from.
type runs map[string][]design.Known

// read reads a table with a line of names, and of its runs those with a result.
func read(r io.Reader) (runs, error) {
	table, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, err
	}
	by := runs{}
	for i, row := range table {
		if i == 0 {
			continue
		}
		if len(row) != columns {
			return nil, fmt.Errorf("line %d: %d columns where %d are expected", i+1, len(row), columns)
		}
		if row[bits] == "" {
			continue
		}
		var v [4]float64
		for j := range v {
			if v[j], err = strconv.ParseFloat(row[weights+j], 64); err != nil || !(v[j] > 0) {
				return nil, fmt.Errorf("line %d: %q is no number above 0", i+1, row[weights+j])
			}
		}
		by[row[text]] = append(by[row[text]], design.Known{Run: design.Run{Weights: v[0], Seen: v[1], Unique: v[2]}, Bits: v[3]})
	}
	if len(by) < 2 {
		return nil, errors.New("runs on at least two texts are expected")
	}
	return by, nil
}

// fitted is a law with its fit.
type fitted struct{ design.Law }

// freely is the law without a preference for any floor: each text of its own.
func (l fitted) freely() design.Law {
	law := l.Law
	law.Weight = 0
	return law
}

// misfit is the mean square of relative errors, each text placed by all its runs.
func (l fitted) misfit(by runs) (sum float64) {
	n := 0
	for _, data := range slices.Sorted(maps.Keys(by)) {
		t := l.freely().Place(by[data])
		for _, k := range by[data] {
			e := l.Bits(t, k.Run)/k.Bits - 1
			sum += e * e
			n++
		}
	}
	return sum / float64(n)
}

// What the runs do not determine is as published: two sizes do not say how a third
// would do (Hoffmann et al. 2022, equation 10), and none of the runs saw its text
// twice (Muennighoff et al. 2023, section 6).
const (
	alpha   = 0.34
	repeats = 15.39
)

// fit finds what all texts share. Parameters are searched as logarithms, which
// keeps them above 0.
func fit(by runs) (fitted, error) {
	at := func(x []float64) fitted {
		return fitted{design.Law{Alpha: alpha, Beta: math.Exp(x[0]), Capacity: math.Exp(x[1]), Repeats: repeats}}
	}
	problem := optimize.Problem{Func: func(x []float64) float64 {
		l := at(x)
		if l.Beta > 2 {
			return 1
		}
		return l.misfit(by)
	}}
	start := []float64{math.Log(0.3), 0} // the published exponent: 0.28
	result, err := optimize.Minimize(problem, start, &optimize.Settings{FuncEvaluations: 4000}, &optimize.NelderMead{})
	if err != nil {
		return fitted{}, err
	}
	l := at(result.X)
	var floors []float64
	for _, data := range slices.Sorted(maps.Keys(by)) {
		t := l.freely().Place(by[data])
		floors = append(floors, t.Floor/t.Scale)
	}
	for _, f := range floors {
		l.Floor += f / float64(len(floors))
	}
	l.Weight = weight
	for _, p := range []*float64{&l.Beta, &l.Capacity, &l.Floor} {
		*p = math.Round(*p*1e4) / 1e4
	}
	return l, nil
}

// weight of the usual floor when a text is placed by two short runs.
const weight = 0.001

// report prints what the law, fitted to all texts but one, predicts for that one
// after it was placed by its two shortest runs of the smallest model.
func report(w io.Writer, by runs) error {
	fmt.Fprintln(w, "text      weights      bytes   reached  predicted")
	for _, data := range slices.Sorted(maps.Keys(by)) {
		others := maps.Clone(by)
		delete(others, data)
		l, err := fit(others)
		if err != nil {
			return err
		}
		if len(by[data]) < 2 {
			return fmt.Errorf("%s has one run, and it takes two to place it", data)
		}
		trials, rest := split(by[data])
		t := l.Place(trials)
		for _, k := range rest {
			bits := l.Bits(t, k.Run)
			fmt.Fprintf(w, "%-8s %6.2fM %8.1fMB    %.4f   %.4f  %+.1f %%\n", data, k.Weights/1e6, k.Seen/1e6, k.Bits, bits, 100*(bits/k.Bits-1))
		}
	}
	return nil
}

// split takes the two shortest runs of the smallest model as trials.
func split(all []design.Known) (trials, rest []design.Known) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b design.Known) int {
		if a.Weights != b.Weights {
			return int(a.Weights - b.Weights)
		}
		return int(a.Seen - b.Seen)
	})
	return all[:2], all[2:]
}
