package speech

import (
	"regexp"
	"strings"
	"unicode"
)

// Marks of Markdown and HTML that are not spoken, and what is said instead.
var marks = []struct {
	mark *regexp.Regexp
	said string
}{
	{regexp.MustCompile(`!?\[([^\]\[]*)\]\([^()\s]*\)`), "$1"},                         // a link: its text
	{regexp.MustCompile(`\bhttps?://([^\s/)>"]+)[^\s)>"]*`), "$1"},                     // an address: its host
	{regexp.MustCompile(`</?[a-zA-Z][^<>]*>`), " "},                                    // a tag
	{regexp.MustCompile(`(?m)^[ \t]*(#{1,6}|>+|[-*+•])[ \t]+`), ""},                    // heading, quotation, list
	{regexp.MustCompile(`(?m)^[ \t]*([-=_*~]{3,}|\|?[-:| ]*-{3,}[-:| ]*)[ \t]*$`), ""}, // rule, line of a table
	{regexp.MustCompile(`(?m)^[ \t]*\||\|[ \t]*$`), ""},                                // edges of a table
	{regexp.MustCompile(`[ \t]*\|[ \t]*`), ", "},                                       // its cells
	{regexp.MustCompile("\\*{2,}|~~|_{2,}|`+"), ""},                                    // bold, struck out, code
	{regexp.MustCompile(`(^|[\s\p{P}])[*_]([\p{L}\p{N}])`), "$1$2"},                    // italics begin
	{regexp.MustCompile(`([\p{L}\p{N}\p{P}])[*_]([\s\p{P}]|$)`), "$1$2"},               // and end
	{regexp.MustCompile(`\[\[+|\]\]+`), " "},                                           // espeak-ng reads phonemes within
}

// Plain returns a text as it can be spoken, on one line: without Markdown, emoji and
// control characters, which synthesisers obey. It is empty where nothing is left to say.
func Plain(text string) string {
	text = strings.Map(printable, text)
	for _, m := range marks {
		text = m.mark.ReplaceAllString(text, m.said)
	}
	text = strings.Join(strings.Fields(text), " ")
	if strings.IndexFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) < 0 {
		return ""
	}
	return text
}

// printable returns r, a space in its place, or a negative number where it goes.
func printable(r rune) rune {
	switch {
	case r == '\n' || r == '\t' || r == ' ':
		return r
	case unicode.IsSpace(r) || r == unicode.ReplacementChar || unicode.IsControl(r) || 0x2190 <= r && r <= 0x21ff: // arrows
		return ' '
	case r == '°' || r == '№':
		return r
	case unicode.In(r, unicode.So, unicode.Cf, unicode.Variation_Selector, unicode.Co, unicode.Cs), 0x1f3fb <= r && r <= 0x1f3ff, r == 0x20e3: // colours of skin, keycaps
		return -1
	}
	return r
}
