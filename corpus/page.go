package corpus

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"thousands": thousands, "bytes": bytesOf, "percent": percent, "what": whatOf, "parts": partsOf,
	"number": func(i int) int { return i + 1 }, "language": languageOf,
}).Parse(pageText))

// HTML writes the report as a page that needs nothing else.
func (r Report) HTML(w io.Writer, title string) error {
	data := struct {
		Report
		Title         string
		Read, Dropped int64
		Kept, Bytes   int64
	}{Report: r, Title: title}
	for _, s := range r.Sources {
		data.Read += s.Read()
		data.Dropped += s.Lost()
		data.Kept += s.Documents
		data.Bytes += s.BytesOut
	}
	return page.Execute(w, data)
}

// Lost is how many documents were read and not kept. Binary files are not among
// them: no document was read from these.
func (r SourceReport) Lost() int64 {
	n := r.Empty + r.Dropped + r.Duplicates
	for name, t := range r.Filters {
		if name != "duplicate" {
			n += t.Dropped
		}
	}
	return n
}

// Read is how many documents were read.
func (r SourceReport) Read() int64 { return r.Documents + r.Lost() }

// Unusable says in words what is no text, or too damaged.
func (r SourceReport) Unusable() string {
	r.Filters, r.Duplicates = nil, 0
	return r.passedOver()
}

// portion is a share with how much of the whole it is.
type portion struct {
	Share
	Percent string
}

// portions are the shares of a whole, and by what it was divided.
type portions struct {
	By    string
	Parts []portion
}

func partsOf(by string, shares []Share) portions {
	var whole int64
	for _, s := range shares {
		whole += s.Bytes
	}
	all := portions{By: by}
	for _, s := range shares {
		all.Parts = append(all.Parts, portion{s, percent(s.Bytes, whole)})
	}
	return all
}

// Named is a tally with its filter's name.
type Named struct {
	Name string
	*Tally
}

// Tallies lists what the filters found, in the order in which they judge.
func (r SourceReport) Tallies() (all []Named) {
	for _, f := range found {
		if t := r.Filters[f.filter]; t != nil {
			all = append(all, Named{f.filter, t})
		}
	}
	return all
}

// Mostly is the rule that was met most often, with how often.
func (t Tally) Mostly() string {
	best := ""
	for _, rule := range slices.Sorted(maps.Keys(t.Rules)) {
		if best == "" || t.Rules[rule] > t.Rules[best] {
			best = rule
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("%s (%d)", best, t.Rules[best])
}

// whatOf says in words what a filter finds.
func whatOf(name string) string {
	for _, f := range found {
		if f.filter == name {
			return f.what
		}
	}
	return name
}

// languageOf is the tag of a language, or what its absence means.
func languageOf(tag string) string {
	if tag == "zxx" {
		return "none (zxx)"
	}
	return tag
}

// thousands writes a number with spaces that do not break.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u00a0" + s[i:]
	}
	return s
}

// bytesOf writes a number of bytes in decimal units.
func bytesOf(n int64) string {
	v, unit := float64(n), 0
	for v >= 1000 && unit < 4 {
		v /= 1000
		unit++
	}
	s := fmt.Sprintf("%.1f", v)
	return strings.TrimSuffix(s, ".0") + "\u00a0" + [...]string{"B", "kB", "MB", "GB", "TB"}[unit]
}

// percent is a share of a whole, for people and for the width of a bar.
func percent(part, whole int64) string {
	if whole <= 0 {
		return "0"
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", 100*float64(part)/float64(whole)), ".0")
}
