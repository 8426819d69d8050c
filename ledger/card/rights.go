package card

import (
	"maps"
	"slices"
	"strings"

	"samovar/ledger/provenance"
)

// Licence is one licence in the mix that a model learnt from.
type Licence struct {
	Licence string   `json:"licence"`
	Asks    []string `json:"asks"`    // what it asks for, in short; its own text decides
	Sources []string `json:"sources"` // origins
}

// What licences ask for, in the words of a card.
const (
	asksNothing    = "nothing"
	asksName       = "name the authors"
	asksNotice     = "keep the licence's notice"
	asksAlike      = "share what is adapted under the same licence"
	asksAlikeData  = "share the data, where they are passed on, under the same licence; what is computed from them is free"
	asksCopyleft   = "give the source, and share what is derived under the same licence"
	asksNoBusiness = "no commercial use"
	asksNoChange   = "no adaptations"
	asksPlace      = "nothing where it applies: works are in the public domain of some countries and not of others"
	asksUnknown    = "not known to Samovar: read its text"
)

// known are licences by how their identifiers begin, in upper case; the first
// that fits is taken. https://spdx.org/licenses has their texts.
var known = []struct {
	prefix string
	asks   []string
}{
	{"CC0", []string{asksNothing}}, {"PDDL", []string{asksNothing}}, {"UNLICENSE", []string{asksNothing}}, {"0BSD", []string{asksNothing}},
	{"CC-PDM", []string{asksPlace}}, {"PUBLIC DOMAIN", []string{asksPlace}}, {"PUBLIC-DOMAIN", []string{asksPlace}}, {"LICENSEREF-PUBLIC-DOMAIN", []string{asksPlace}},
	{"CC-BY-NC-SA", []string{asksName, asksNoBusiness, asksAlike}}, {"CC-BY-NC-ND", []string{asksName, asksNoBusiness, asksNoChange}},
	{"CC-BY-NC", []string{asksName, asksNoBusiness}}, {"CC-BY-ND", []string{asksName, asksNoChange}},
	{"CC-BY-SA", []string{asksName, asksAlike}}, {"CC-BY", []string{asksName}},
	{"CDLA-SHARING", []string{asksAlikeData}}, {"CDLA-PERMISSIVE", []string{asksNotice}},
	{"ODBL", []string{asksName, asksAlike}}, {"ODC-BY", []string{asksName}},
	{"AGPL", []string{asksCopyleft}}, {"LGPL", []string{asksCopyleft}}, {"GPL", []string{asksCopyleft}}, {"MPL", []string{asksCopyleft}},
	{"MIT", []string{asksNotice}}, {"BSD", []string{asksNotice}}, {"ISC", []string{asksNotice}}, {"APACHE", []string{asksNotice}},
}

// asks returns what a licence asks for. It is an identifier of SPDX, or several
// that are joined by AND, OR or WITH, whose demands are listed together.
func asks(licence string) (all []string) {
	fields := strings.NewReplacer(" AND ", "\n", " OR ", "\n", " WITH ", "\n", "(", "", ")", "").Replace(licence)
	for part := range strings.SplitSeq(fields, "\n") {
		part = strings.ToUpper(strings.TrimSpace(part))
		found := []string{asksUnknown}
		for _, k := range known {
			if strings.HasPrefix(part, k.prefix) {
				found = k.asks
				break
			}
		}
		for _, a := range found {
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return all
}

// rights lists the licences of all sources, sorted.
func rights(corpora []provenance.Corpus) (all []Licence) {
	by := map[string][]string{}
	for _, c := range corpora {
		for _, s := range c.Sources {
			if !slices.Contains(by[s.Licence], s.Origin) {
				by[s.Licence] = append(by[s.Licence], s.Origin)
			}
		}
	}
	for _, licence := range slices.Sorted(maps.Keys(by)) {
		all = append(all, Licence{licence, asks(licence), by[licence]})
	}
	return all
}

// demanding returns the licences that ask for a.
func (c *Card) demanding(a string) (all []string) {
	for _, l := range c.Rights {
		if slices.Contains(l.Asks, a) {
			all = append(all, l.Licence)
		}
	}
	return all
}
