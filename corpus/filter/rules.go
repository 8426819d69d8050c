package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// limits are the thresholds of a class. Zero means that the rule does not apply.
type limits struct {
	minWords, maxWords int     // tokens
	meanLow, meanHigh  float64 // characters of a token
	marks              float64 // share of # and of … in tokens
	bullets            float64 // share of lines that begin with one
	ellipses           float64 // share of lines that end with one
	alpha              float64 // least share of tokens with a letter
	stop               int     // least number of English stop words
	english            bool    // the declared language is English

	closed   float64 // least share of lines that end as a sentence does
	short    float64 // share of lines of fewer than shortLine characters
	braces   bool    // a curly bracket is a sign of code
	notices  float64 // share of lines that speak of cookies, terms of use and JavaScript
	lineDup  float64 // share of characters in repeated lines
	repeated repetition
}

// limitsOf holds the published thresholds for pages of the web and what of them
// holds for texts that somebody chose; classes that are judged by a rule only if
// the recipe says so are judged as texts.
//
// Web: Gopher's rules (Rae et al. 2021, appendix A.1.1) for words, their length,
// marks, bullets, ellipses, letters and stop words; C4's (Raffel et al. 2020,
// section 2.2) for braces and notices; FineWeb's (Penedo et al. 2024, section
// 3.6) for lines that are short, not closed, or repeated. Text: a poem, a play
// and a table of contents have short and open lines, a novel has more than
// 100,000 words, a story for small children fewer than 50 and of three letters:
// those thresholds are moved or left out.
var limitsOf = map[Class]limits{
	Web: {
		minWords: 50, maxWords: 100_000, meanLow: 3, meanHigh: 10, marks: 0.1, bullets: 0.9, ellipses: 0.3, alpha: 0.8, stop: 2,
		closed: 0.12, short: 0.67, braces: true, notices: 0.2, lineDup: 0.1, repeated: gopher,
	},
	Text:     textLimits,
	Dialogue: textLimits,
	Code:     textLimits,
}

var textLimits = limits{
	minWords: 5, meanLow: 2, meanHigh: 12, marks: 0.2, bullets: 0.9, ellipses: 0.7, alpha: 0.6, notices: 0.2, repeated: gentle,
}

// length judges by the number of words.
func (l limits) length(d *document) string {
	n := d.tokens
	if d.alone > n {
		n = d.alone // no spaces: characters are counted
	}
	switch {
	case n < l.minWords:
		return fmt.Sprintf("fewer than %d words", l.minWords)
	case l.maxWords > 0 && n > l.maxWords:
		return fmt.Sprintf("more than %d words", l.maxWords)
	}
	return ""
}

// shortText is how many tokens a document has of which shares mean little.
const shortText = 20

// symbolic judges by marks, bullets and what stands where words are expected.
func (l limits) symbolic(d *document) string {
	tokens := float64(max(d.tokens, 1))
	if d.tokens < shortText && l.minWords < shortText {
		if d.tokens > 0 && float64(d.alpha) < tokens/2 && d.alpha == 0 {
			return "no word has a letter"
		}
		return ""
	}
	mean := float64(d.runes) / tokens
	spaced := d.alone*2 < len(d.words) // otherwise a token is a sentence
	switch {
	case spaced && mean < l.meanLow:
		return fmt.Sprintf("words shorter than %g characters on average", l.meanLow)
	case spaced && mean > l.meanHigh:
		return fmt.Sprintf("words longer than %g characters on average", l.meanHigh)
	case float64(strings.Count(d.text, "#")) > l.marks*tokens:
		return "too many #"
	case float64(strings.Count(d.text, "...")+strings.Count(d.text, "…")) > l.marks*tokens:
		return "too many ellipses"
	case float64(d.alpha) < l.alpha*tokens:
		return fmt.Sprintf("fewer than %.0f %% of words have a letter", 100*l.alpha)
	}
	return l.margins(d)
}

// margins judges by how lines begin and end.
func (l limits) margins(d *document) string {
	var lines, bullets, ellipses float64
	for _, s := range d.lines {
		line := d.line(s)
		if line == "" {
			continue
		}
		lines++
		if r, n := utf8.DecodeRuneInString(line); strings.ContainsRune("•‣▪●◦*-–", r) && len(line) > n && line[n] == ' ' {
			bullets++
		}
		if strings.HasSuffix(line, "...") || strings.HasSuffix(line, "…") {
			ellipses++
		}
	}
	switch {
	case lines >= 3 && bullets > l.bullets*lines:
		return fmt.Sprintf("more than %.0f %% of lines are bullets", 100*l.bullets)
	case lines >= 3 && ellipses > l.ellipses*lines:
		return fmt.Sprintf("more than %.0f %% of lines end in an ellipsis", 100*l.ellipses)
	case l.stop > 0 && l.english && !d.hasStopWords(l.stop):
		return fmt.Sprintf("fewer than %d of the commonest English words", l.stop)
	}
	return ""
}

// stopWords are those of Gopher's rule.
var stopWords = hashes("the be to of and that have with")

func hashes(words string) map[uint64]bool {
	set := map[uint64]bool{}
	for _, w := range strings.Fields(words) {
		set[wordHash(w)] = true
	}
	return set
}

// hasStopWords says whether n different stop words occur.
func (d *document) hasStopWords(n int) bool {
	seen := map[uint64]bool{}
	for _, w := range d.words {
		if stopWords[w.hash] {
			if seen[w.hash] = true; len(seen) == n {
				return true
			}
		}
	}
	return false
}

// notices are phrases of C4's rules (its published code, c4_utils.py) with which
// a line speaks of the page instead of its subject.
var notices = []string{
	"terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies", "javascript",
	"all rights reserved", "accept all cookies", "subscribe to our newsletter",
}

// shortLine is the length in characters below which FineWeb takes a line for
// one of a list.
const shortLine = 30

// longLine is the length in bytes from which a line is a paragraph, which may
// speak of cookies as its subject.
const longLine = 240

// boilerplate judges by what pages have that are not written to be read.
func (l limits) boilerplate(d *document) string {
	var lines, closed, short, notice float64
	lower := strings.ToLower(d.text)
	if strings.Contains(lower, "lorem ipsum") {
		return "lorem ipsum" // C4
	}
	if l.braces && strings.ContainsAny(d.text, "{}") {
		return "curly brackets"
	}
	for line := range strings.Lines(lower) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		lines++
		if isClosed(line) {
			closed++
		}
		if utf8.RuneCountInString(line) < shortLine {
			short++
		}
		if len(line) < longLine && containsAny(line, notices) {
			notice++
		}
	}
	switch {
	case lines == 0:
		return ""
	case l.notices > 0 && notice > l.notices*lines:
		return "notices of cookies, terms and rights"
	case l.closed > 0 && closed <= l.closed*lines:
		return fmt.Sprintf("at most %.0f %% of lines end as sentences do", 100*l.closed)
	case l.short > 0 && lines >= 3 && short >= l.short*lines:
		return fmt.Sprintf("%.0f %% of lines or more are shorter than %d characters", 100*l.short, shortLine)
	}
	return ""
}

func containsAny(s string, phrases []string) bool {
	for _, p := range phrases {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// isClosed says whether a line ends as a sentence does.
func isClosed(line string) bool {
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRight(line, `"'”’»)`))
	return strings.ContainsRune(".!?…。！？؟।", r)
}
