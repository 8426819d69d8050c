// Package filter judges documents for a corpus: is it in the declared language,
// long enough, not repetitive, not boilerplate, free of personal data and
// secrets, of no evaluation set, no near-duplicate. It reads and writes no
// corpus, and remembers nothing of a document: whether it is nearly equal to an earlier one is told by its [Signature]. Start with
// [Config] and [New], then [Filter.Judge].
package filter

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Class is what documents are judged as: what is a fault of a web page may be
// in the nature of a dialogue.
type Class string

// The classes.
const (
	Text     Class = "text"     // prose that somebody chose: books, stories, articles
	Web      Class = "web"      // pages as a crawler finds them
	Dialogue Class = "dialogue" // turns
	Code     Class = "code"     // source code, and whatever is in no language
)

// The actions of a filter.
const (
	Off   = "off"   // it does not look
	Count = "count" // it counts what it finds and leaves the document as it is
	Mask  = "mask"  // it puts a mark in place of what it finds: Personal and Secrets only
	Drop  = "drop"  // the document does not become part of the corpus
)

// The filters, in the order in which they judge. What one drops, the next does
// not see.
const (
	Language      = "language"      // in another language than declared
	Length        = "length"        // too few words, or too many
	Symbols       = "symbols"       // marks, bullets and figures where words are expected
	Boilerplate   = "boilerplate"   // menus, notices, placeholders
	Repetition    = "repetition"    // the same again and again
	Secrets       = "secrets"       // keys, tokens, passwords
	Personal      = "personal"      // e-mail addresses, numbers of phones, cards and accounts
	Contamination = "contamination" // text of an evaluation set
	Duplicate     = "duplicate"     // equal to an earlier document; not a choice
	NearDuplicate = "near"          // nearly equal to an earlier document
)

// Config says what each filter does. An empty action is that of Default, or,
// where that is empty too, the one for the documents' class.
type Config struct {
	As          string `json:"as,omitempty"`      // class of all documents; default by kind, language and file name
	Default     string `json:"default,omitempty"` // action of the filters that are not named: Drop, Count or Off
	Language    string `json:"language,omitempty"`
	Length      string `json:"length,omitempty"`
	Symbols     string `json:"symbols,omitempty"`
	Boilerplate string `json:"boilerplate,omitempty"`
	Repetition  string `json:"repetition,omitempty"`
	Secrets     string `json:"secrets,omitempty"`
	Personal    string `json:"personal,omitempty"`
	Near        string `json:"near,omitempty"`
	MinWords    int    `json:"min_words,omitempty"` // for Length; 0: that of the class
	MaxWords    int    `json:"max_words,omitempty"` // for Length; 0: that of the class
}

// actions lists what the configuration says of each filter.
func (c Config) actions() map[string]string {
	return map[string]string{
		Language: c.Language, Length: c.Length, Symbols: c.Symbols, Boilerplate: c.Boilerplate, Repetition: c.Repetition,
		Secrets: c.Secrets, Personal: c.Personal, NearDuplicate: c.Near,
	}
}

// defaults are the actions of each class. Dialogues and code are repetitive by
// nature and their near-duplicates mean something (the same answer to another
// question, the same table for another system). What looks like personal data
// in code is mostly made up for tests, so it is counted only.
var defaults = map[Class]map[string]string{
	Text: {Language: Drop, Length: Drop, Symbols: Drop, Boilerplate: Drop, Repetition: Drop, Secrets: Mask, Personal: Mask, NearDuplicate: Drop},
	Web:  {Language: Drop, Length: Drop, Symbols: Drop, Boilerplate: Drop, Repetition: Drop, Secrets: Mask, Personal: Mask, NearDuplicate: Drop},
	Dialogue: {Language: Drop, Length: Off, Symbols: Off, Boilerplate: Off, Repetition: Off, Secrets: Mask, Personal: Mask,
		NearDuplicate: Off},
	Code: {Language: Off, Length: Off, Symbols: Off, Boilerplate: Off, Repetition: Off, Secrets: Count, Personal: Count, NearDuplicate: Off},
}

// Check returns an error that names the field at fault.
func (c Config) Check() error {
	for _, name := range slices.Sorted(maps.Keys(c.actions())) {
		action := c.actions()[name]
		masks := name == Secrets || name == Personal
		switch {
		case action == "" || action == Off || action == Count || action == Drop || action == Mask && masks:
		case masks:
			return fmt.Errorf("%s: %q is no action: mask, drop, count or off is expected", name, action)
		default:
			return fmt.Errorf("%s: %q is no action: drop, count or off is expected", name, action)
		}
	}
	if d := c.Default; d != "" && d != Off && d != Count && d != Drop {
		return fmt.Errorf("default: %q is no action: drop, count or off is expected", d)
	}
	if c.As != "" && defaults[Class(c.As)] == nil {
		return fmt.Errorf("as: %q is no class: text, web, dialogue or code is expected", c.As)
	}
	if c.MinWords < 0 || c.MaxWords < 0 || c.MaxWords > 0 && c.MaxWords < c.MinWords {
		return errors.New("min_words and max_words: 0 or more, and the least not above the most, are expected")
	}
	return nil
}

// Filter judges the documents of one class and declared language. It may be
// used by several goroutines.
type Filter struct {
	class    Class
	actions  map[string]string
	limits   limits
	language *identifier // nil: not looked at
	grams    *Grams      // of the evaluation sets; nil: none
	reads    bool        // words and lines are looked at, not only data
}

// New returns the filter for documents of a class, declared to be in a language
// (BCP 47). grams, which may be nil, holds the evaluation sets.
func New(c Config, class Class, language string, grams *Grams) (*Filter, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.As != "" {
		class = Class(c.As)
	}
	f := &Filter{class: class, actions: map[string]string{}, limits: limitsOf[class], grams: grams}
	for name, action := range c.actions() {
		if action == "" {
			action = c.Default
		}
		if action == "" {
			action = defaults[class][name]
		}
		f.actions[name] = action
	}
	if c.MinWords > 0 {
		f.limits.minWords = c.MinWords
	}
	if c.MaxWords > 0 {
		f.limits.maxWords = c.MaxWords
	}
	if class == Code {
		f.actions[Language] = Off
	}
	if f.actions[Language] != Off {
		f.language = newIdentifier(language)
	}
	f.reads = grams != nil
	for name, action := range f.actions {
		f.reads = f.reads || action != Off && name != Secrets && name != Personal
	}
	f.limits.english = strings.HasPrefix(language+"-", "en-")
	return f, nil
}

// Resolved is what decides a Filter's verdicts, for the key of a stage.
type Resolved struct {
	Class    Class             `json:"class"`
	Actions  map[string]string `json:"actions"`
	MinWords int               `json:"min_words"`
	MaxWords int               `json:"max_words,omitempty"`
}

// Resolved returns the configuration with its defaults filled in.
func (f *Filter) Resolved() Resolved {
	return Resolved{f.class, f.actions, f.limits.minWords, f.limits.maxWords}
}

// Checked says whether the declared language can be told from others.
func (f *Filter) Checked() bool { return f.actions[Language] == Off || f.language != nil }

// Hit is what one filter found in a document.
type Hit struct {
	Filter string
	Action string
	Rules  map[string]int // what was found, and how often
	Sample string         // of the document, without personal data and secrets
}

// Verdict is what becomes of a document.
type Verdict struct {
	Dropped   string    // the filter that drops it; empty: it is kept
	Hits      []Hit     // of the filters that found something, in order
	Signature Signature // empty: near-duplicates are not looked for
	Near      string    // what is done with a near-duplicate
}

// Judge judges a text, or a dialogue by what its turns say. Where data are to be
// masked, it replaces parts.
func (f *Filter) Judge(parts []string) (v Verdict) {
	if !f.reads {
		f.data(parts, &v)
		return v
	}
	text := parts[0]
	if len(parts) > 1 {
		text = strings.Join(parts, "\n")
	}
	d := scan(text)
	defer d.release()
	for _, rule := range []struct {
		name  string
		judge func(*document) string
	}{
		{Language, f.otherLanguage}, {Length, f.limits.length}, {Symbols, f.limits.symbolic},
		{Boilerplate, f.limits.boilerplate}, {Repetition, f.limits.repetitive},
	} {
		if f.actions[rule.name] == Off {
			continue
		}
		if why := rule.judge(d); why != "" && v.hit(rule.name, f.actions[rule.name], map[string]int{why: 1}, text) {
			return v
		}
	}
	if f.data(parts, &v) {
		return v
	}
	if f.grams != nil {
		if set, gram := f.grams.find(d); set != "" {
			v.hit(Contamination, Drop, map[string]int{set: 1}, gram)
			return v
		}
	}
	if v.Near = f.actions[NearDuplicate]; v.Near != Off {
		v.Signature = d.signature()
	}
	return v
}

// hit takes down what a filter found and says whether that drops the document.
func (v *Verdict) hit(name, action string, rules map[string]int, sample string) bool {
	v.Hits = append(v.Hits, Hit{name, action, rules, Sample(sample)})
	if action == Drop {
		v.Dropped = name
	}
	return action == Drop
}

// data looks for secrets and personal data, masks them in parts where that is
// the action, and says whether they drop the document.
func (f *Filter) data(parts []string, v *Verdict) bool {
	if f.actions[Secrets] == Off && f.actions[Personal] == Off {
		return false
	}
	found := map[string]map[string]int{Secrets: {}, Personal: {}}
	around := map[string]string{} // the first of each
	for i, part := range parts {
		finds := find(part)
		for _, x := range finds {
			if name := x.filter(); len(found[name]) == 0 {
				around[name] = strings.ToValidUTF8(part[max(0, x.start-aroundBytes):], "")
			}
			found[x.filter()][x.kind]++
		}
		parts[i] = mask(part, finds, func(x datum) bool { return f.actions[x.filter()] == Mask })
	}
	for _, name := range []string{Secrets, Personal} {
		if len(found[name]) > 0 && f.actions[name] != Off && v.hit(name, f.actions[name], found[name], around[name]) {
			return true
		}
	}
	return false
}

// aroundBytes is how much a sample shows before what was found.
const aroundBytes = 80

// sampleBytes is how much of a document a report shows.
const sampleBytes = 240

// Sample returns the beginning of a text, without personal data and secrets.
func Sample(text string) string {
	const enough = 4 * sampleBytes // so that what is cut off is not the half of a number
	if len(text) > enough {
		text = strings.ToValidUTF8(text[:enough], "")
	}
	text = Masked(text)
	if len(text) > sampleBytes {
		text = strings.ToValidUTF8(text[:sampleBytes], "") + " …"
	}
	return text
}
