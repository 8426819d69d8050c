package card

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"samovar/ledger/provenance"
)

// limits says what the records give reason to expect of the model, and what
// they do not tell.
func (c *Card) limits() (all []string) {
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if c.Model.Window > 0 {
		say("It takes in at most %s of prompt and answer together.", count(int64(c.Model.Window), "token"))
	}
	if c.Model.Step > 0 {
		say("These weights were kept at step %s of a training that went on. What is said of its loss, time and energy is of all of it.", digits(c.Model.Step))
	}
	if !c.Lineage {
		say("What it learnt from is not known here, and so neither are its languages, its rights and what it may repeat word for word.")
		return append(all, c.unmeasured()...)
	}
	if c.Imported != nil {
		say("What it was made from was brought in from outside: what that learnt is not known here.")
	}
	if languages := c.languages(); len(languages) > 0 {
		say("It has seen text in %s. What it writes in other languages has no foundation.", strings.Join(languages, ", "))
	}
	if c.text("dialogue") && c.Model.Chat {
		say("It answers in the manner of the dialogues that it learnt from.")
	} else {
		say("It goes on with a text. It did not learn to answer questions or to follow instructions.")
	}
	if c.Model.Parameters > 0 {
		say("With %s parameters and %s of text to learn from, it is no source of facts: what it states may be made up.", provenance.Amount(c.Model.Parameters), size(c.bytes()))
	}
	if !c.filtered("near") {
		say("Its sources were not searched for passages that occur in several documents: some of the text held out may have been learnt in another document, and the figures below may be too good.")
	}
	if c.tasks() && !c.filtered("evaluations", "contamin") {
		say("No record says that its sources were searched for the questions of the tasks on which it was evaluated.")
	}
	return append(all, c.unmeasured()...)
}

// unmeasured says what no evaluation is recorded of.
func (c *Card) unmeasured() (all []string) {
	if len(c.Evaluations) == 0 {
		return []string{"No evaluation of it is recorded: nothing is known of how well it does anything."}
	}
	own := slices.ContainsFunc(c.Evaluations, func(e Evaluation) bool { return e.Own })
	if !own {
		all = append(all, "It was evaluated in other formats, not in this one.")
	}
	if c.heldOut() {
		held := "Bits per byte are of text held out of the same sources: they say nothing of text of another kind."
		if !c.tasks() {
			held += " No task (grammar, knowledge, arithmetic) is recorded."
		}
		all = append(all, held)
	}
	return append(all, "Nothing is recorded of whether it is truthful, fair or safe to show to the public.")
}

// heldOut reports whether the model was evaluated on text held out of its sources.
func (c *Card) heldOut() bool { return c.scored(func(s Score) bool { return s.Task == "" }) }

// tasks reports whether the model was evaluated on anything but held-out text.
func (c *Card) tasks() bool { return c.scored(func(s Score) bool { return s.Task != "" }) }

func (c *Card) scored(is func(Score) bool) bool {
	return slices.ContainsFunc(c.Evaluations, func(e Evaluation) bool { return slices.ContainsFunc(e.Scores, is) })
}

// languages lists the languages of the sources by how much of each there is.
func (c *Card) languages() (all []string) {
	by := map[string]int64{}
	var sum int64
	for s := range c.each {
		by[s.Language] += s.Size()
		sum += s.Size()
	}
	names := slices.SortedFunc(maps.Keys(by), func(a, b string) int { return cmp.Or(cmp.Compare(by[b], by[a]), strings.Compare(a, b)) })
	for _, name := range names {
		what := "`" + name + "`"
		if name == "zxx" {
			what = "no language (`zxx`)"
		}
		if len(names) > 1 && sum > 0 {
			what += fmt.Sprintf(" (%s)", percent(float64(by[name])/float64(sum)))
		}
		all = append(all, what)
	}
	return all
}

func (c *Card) bytes() (n int64) {
	for s := range c.each {
		n += s.Size()
	}
	return n
}

// filtered reports whether the settings or counts of every corpus name one of
// these filters as not switched off.
func (c *Card) filtered(words ...string) bool {
	names := func(name string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(name), w) })
	}
	for _, corpus := range c.Corpora {
		found := named(corpus.Settings, names)
		for _, s := range corpus.Sources {
			for name := range s.LeftOut {
				found = found || names(name)
			}
		}
		if !found {
			return false
		}
	}
	return len(c.Corpora) > 0
}

// named reports whether any key of a JSON tree fits, whose value is neither
// empty nor "off".
func named(tree any, fits func(string) bool) bool {
	switch v := tree.(type) {
	case map[string]any:
		for key, x := range v {
			set := x != nil && x != false && x != 0.0 && x != "" && x != "off"
			if set && fits(key) || named(x, fits) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return named(x, fits) })
	}
	return false
}

// text reports whether any corpus has sources of the kind.
func (c *Card) text(kind string) bool {
	for s := range c.each {
		if s.Kind == kind {
			return true
		}
	}
	return false
}
