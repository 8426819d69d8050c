package eval

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"samovar"
)

// bySource begins the name of a source's bits per byte.
const bySource = "bits_per_byte/"

// Metrics returns the figures by their names: those of all text, and
// "bits_per_byte/SOURCE" with "standard_error/SOURCE".
func (r Result) Metrics() map[string]float64 {
	m := map[string]float64{
		"bits_per_byte": r.BitsPerByte, "standard_error": r.StandardError, "loss": r.Loss,
		"tokens": float64(r.Tokens), "documents": float64(r.Documents), "bytes": float64(r.Bytes),
	}
	for _, s := range r.Sources {
		m[bySource+s.Source], m["standard_error/"+s.Source] = s.BitsPerByte, s.StandardError
	}
	return m
}

// Gates are what a model's figures must reach: {"bits_per_byte": "< 1.4"}.
type Gates map[string]string

// Gate is one of them.
type Gate struct {
	Metric   string
	Operator string // one of <, <=, > and >=
	Limit    float64
}

func (g Gate) String() string {
	return g.Operator + " " + strconv.FormatFloat(g.Limit, 'g', -1, 64)
}

// Failure is a gate that a figure does not pass.
type Failure struct {
	Gate
	Value float64
}

func (f Failure) String() string {
	return fmt.Sprintf("%s is %.6g, and %s is required", f.Metric, f.Value, f.Gate)
}

// Parse reads the gates, in the order of their metrics, which are those of
// held-out text and of the named tasks. Names of sources and sets are taken on
// trust: only a result knows them.
func (g Gates) Parse(tasks ...string) ([]Gate, error) {
	metrics := Result{}.Metrics()
	trusted := []string{bySource}
	for _, name := range tasks {
		for metric := range (Examination{Figure: Figure{Raw: &Accuracy{}, Normalised: &Accuracy{}, Strict: &Accuracy{}, Flexible: &Accuracy{}}, examineConfig: examineConfig{Name: name}}).Metrics() {
			metrics[metric] = 0
		}
		trusted = append(trusted, name+"/")
	}
	var gates []Gate
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(g)) {
		gate, err := parse(name, g[name])
		if err == nil && !slices.ContainsFunc(trusted, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			err = known(name, metrics)
		}
		gates, errs = append(gates, gate), append(errs, err)
	}
	return gates, errors.Join(errs...)
}

func parse(name, text string) (Gate, error) {
	rest := strings.TrimSpace(text)
	operator := rest[:len(rest)-len(strings.TrimLeft(rest, "<>="))]
	limit, err := strconv.ParseFloat(strings.TrimSpace(rest[len(operator):]), 64)
	if err != nil || math.IsNaN(limit) || !slices.Contains([]string{"<", "<=", ">", ">="}, operator) {
		return Gate{}, fmt.Errorf(`gate %s: %q is not a bound: one of <, <=, > and >= and a number is expected, such as "< 1.4"`, name, text)
	}
	return Gate{name, operator, limit}, nil
}

// known returns an error for a name that is no metric.
func known(name string, metrics map[string]float64) error {
	if _, ok := metrics[name]; ok {
		return nil
	}
	nearest := slices.MinFunc(slices.Sorted(maps.Keys(metrics)), func(a, b string) int {
		return cmp.Compare(samovar.Edits(name, a), samovar.Edits(name, b))
	})
	return fmt.Errorf("gate %s: no figure has this name; the nearest is %s", name, nearest)
}

// Check returns the gates that the figures do not pass. A figure that is no
// number passes none.
func (g Gates) Check(metrics map[string]float64) ([]Failure, error) {
	var failures []Failure
	for _, name := range slices.Sorted(maps.Keys(g)) {
		gate, err := parse(name, g[name])
		if err == nil {
			err = known(name, metrics)
		}
		if err != nil {
			return nil, err
		}
		if v := metrics[name]; !gate.passes(v) {
			failures = append(failures, Failure{gate, v})
		}
	}
	return failures, nil
}

func (g Gate) passes(v float64) bool {
	switch g.Operator {
	case "<":
		return v < g.Limit
	case "<=":
		return v <= g.Limit
	case ">":
		return v > g.Limit
	}
	return v >= g.Limit
}
