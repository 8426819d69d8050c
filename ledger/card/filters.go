package card

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"samovar"
	"samovar/ledger/provenance"
)

func (c *Card) leftOut(p *page) {
	if len(c.Corpora) == 0 {
		return
	}
	p.line("\n### What was left out, and why")
	told := map[samovar.Digest]string{}
	for _, corpus := range c.Corpora {
		p.line("")
		if len(c.Corpora) > 1 {
			p.line("Corpus `%s`:\n", corpus.Digest.Short())
		}
		if !slices.ContainsFunc(corpus.Sources, func(s provenance.Source) bool { return s.Known }) {
			p.line("Not recorded.")
			continue
		}
		for i, s := range corpus.Sources {
			text := fmt.Sprintf("%s. Of %s read, %s was kept.", cell(strings.Join(reasons(s.LeftOut), "; ")), size(s.BytesIn), size(s.BytesOut))
			p.line("%d. %s: %s", i+1, cell(s.Origin), once(told, s.Digest, text))
		}
		if actions := actions(corpus.Settings); len(actions) > 0 {
			p.line("\nWhat the filters did with what they found: %s.", cell(strings.Join(actions, "; ")))
		}
		p.line("\n%s", searchedFor(corpus))
	}
	p.line("\nDocuments of which no two are alike to the letter may still hold the same passages.")
}

// shownSets is how many evaluation sets a card names: their names and digests are
// all in its JSON.
const shownSets = 3

// searchedFor says whose questions and answers were looked for in a corpus.
func searchedFor(corpus provenance.Corpus) string {
	sets, _ := corpus.Settings["evaluations"].([]any)
	if len(sets) == 0 {
		return "It was not searched for the text of evaluation sets."
	}
	var dropped int64
	for _, s := range corpus.Sources {
		dropped += s.LeftOut["filters/contamination/dropped"]
	}
	var names []string
	for _, set := range sets[:min(shownSets, len(sets))] {
		if set, ok := set.(map[string]any); ok {
			names = append(names, fmt.Sprint(set["name"]))
		}
	}
	if more := len(sets) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("It was searched for the text of %d evaluation sets (%s), and what holds any was left out: documents: %s.",
		len(sets), cell(strings.Join(names, ", ")), digits(dropped))
}

// tally is what one filter found in a source: the counts that package corpus
// keeps as filters/NAME/dropped, masked and counted, and filters/NAME/rules/RULE.
type tally struct {
	dropped, masked, counted int64
	rules                    map[string]int64
}

// tallies groups the counts of filters by their names.
func tallies(counts map[string]int64) map[string]*tally {
	all := map[string]*tally{}
	for name, n := range counts {
		parts := strings.Split(name, "/")
		if len(parts) < 3 || parts[0] != "filters" {
			continue
		}
		t := all[parts[1]]
		if t == nil {
			t = &tally{rules: map[string]int64{}}
			all[parts[1]] = t
		}
		switch rest := parts[2]; {
		case rest == "dropped":
			t.dropped = n
		case rest == "masked":
			t.masked = n
		case rest == "counted":
			t.counted = n
		case rest == "rules" && len(parts) > 3:
			t.rules[strings.Join(parts[3:], "/")] = n
		}
	}
	return all
}

func (t tally) String() string {
	var parts []string
	for _, x := range []struct {
		n    int64
		what string
	}{{t.dropped, "dropped"}, {t.masked, "masked"}, {t.counted, "found and kept"}} {
		if x.n > 0 {
			parts = append(parts, digits(x.n)+" "+x.what)
		}
	}
	text := strings.Join(parts, ", ")
	var rules []string
	for _, name := range slices.Sorted(maps.Keys(t.rules)) {
		rules = append(rules, name+" "+digits(t.rules[name]))
	}
	if rules != nil {
		text += " (" + strings.Join(rules, ", ") + ")"
	}
	return text
}

// reasons says of a source why documents were not kept, or changed.
func reasons(counts map[string]int64) (all []string) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if !strings.Contains(name, "/") {
			all = append(all, strings.ReplaceAll(name, "_", " ")+" "+digits(counts[name]))
		}
		if why, ok := strings.CutPrefix(name, "refused/"); ok {
			all = append(all, "refused, "+why+" "+digits(counts[name]))
		}
	}
	by := tallies(counts)
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if name == "duplicate" && counts["duplicates"] > 0 {
			continue // told already
		}
		all = append(all, name+": "+by[name].String())
	}
	if all == nil {
		return []string{"nothing"}
	}
	return all
}

// actions lists what each filter was set to do, over all sources.
func actions(settings map[string]any) (all []string) {
	text, err := json.Marshal(settings["filters"])
	if err != nil {
		return nil
	}
	var sources [][]struct {
		Actions map[string]string `json:"actions"`
	}
	if json.Unmarshal(text, &sources) != nil {
		return nil
	}
	by := map[string][]string{}
	for _, classes := range sources {
		for _, class := range classes {
			for name, action := range class.Actions {
				if !slices.Contains(by[name], action) {
					by[name] = append(by[name], action)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(by)) {
		slices.Sort(by[name])
		all = append(all, name+" "+strings.Join(by[name], " or "))
	}
	return all
}

// personal gathers what is known of personal data, for whoever answers for them.
func (c *Card) personal(p *page) {
	p.line("\n## Personal data\n")
	switch {
	case !c.Lineage:
		p.line("- What the model learnt from is not known here, and so neither is whether it learnt personal data.")
	case !c.searched():
		p.line("- No record says that the sources were searched for personal data. Whether they hold any is for whoever chose them to say.")
	default:
		for _, text := range c.foundPersonal() {
			p.line("- %s", text)
		}
		p.line("- Filters find what has a form, such as e-mail addresses and numbers. They do not find names, nor what is told of a person.")
	}
	p.line("- A model may repeat what it learnt word for word. No record says how often this one does.")
	p.line("- What people say to the model is no part of it: it learns nothing while it answers, and Samovar keeps no record of what is said.")
	if c.Lineage {
		p.line("- If a source has to be withdrawn, `samovar withdraw \"ORIGIN\"` names every model that learnt from it, and `samovar withdraw --file FILE` looks for single texts. " +
			"A source cannot be taken out of a model: the model has to be made again without it.")
	}
}

// searched reports whether every corpus was searched for personal data.
func (c *Card) searched() bool { return c.filtered("personal") }

// foundPersonal says what the filter for personal data found, by source.
func (c *Card) foundPersonal() (all []string) {
	for s := range c.each {
		if t := tallies(s.LeftOut)["personal"]; t != nil {
			all = append(all, fmt.Sprintf("%s: documents with personal data: %s.", cell(s.Origin), cell(t.String())))
		}
	}
	if all == nil {
		return []string{"The sources were searched for personal data by their form, and none was found or none is recorded."}
	}
	return all
}
