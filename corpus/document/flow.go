package document

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A PDF has lines at places on pages, no paragraphs. What follows turns lines
// back into running text by their lengths alone.
const (
	fullShare   = 0.75 // of the document's width that a line fills which goes on in the next
	closeShare  = 0.95 // a line that ends a sentence and fills less may end a paragraph
	widthRank   = 0.9  // the document's width is the length of the line of this rank among its lines
	fewWidth    = 25   // characters: what is narrower is a list or verse
	fewHeads    = 3    // pages on which a line stands first or last that is a running head
	fewLetters  = 3    // letters of a running head, unless it is a number alone
	strangeness = 4    // text of which more than a quarter has no meaning in Unicode is unreadable
)

// flow returns the running text of pages: lines joined to paragraphs, words that
// were divided at a line's end whole, running heads and page numbers left out.
func flow(pages []string) ([]byte, error) {
	lines := make([][]string, 0, len(pages))
	letters, strange, all := 0, 0, 0
	for _, page := range pages {
		lines = append(lines, linesOf(page))
		for _, r := range page {
			switch {
			case unicode.IsSpace(r):
				continue
			case unicode.IsLetter(r):
				letters++
			case r == utf8.RuneError || unicode.Is(unicode.Co, r) || unicode.IsControl(r) && r != divided:
				strange++
			}
			all++
		}
	}
	switch {
	case letters == 0:
		return nil, Refused("PDF without text (scans?)")
	case strange*strangeness > all:
		return nil, Refused("PDF whose fonts say no letters")
	}
	withoutHeads(lines)
	p := prose{limit: maxText}
	width := widthOf(lines)
	for _, page := range lines {
		p.lines(page, width)
	}
	if p.full {
		return nil, TooLarge(PDF)
	}
	return p.result(), nil
}

// divided is what PDFium writes for the hyphen of a word that is divided between
// lines, which it joins.
const divided = '\x02'

// linesOf returns the lines of a page that are not blank.
func linesOf(page string) []string {
	page = strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case r == '\t':
			return ' '
		case r != '\n' && unicode.IsControl(r), r == '\ufffe', r == '\u00ad':
			return -1
		}
		return r
	}, page)
	var lines []string
	for line := range strings.SplitSeq(page, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// withoutHeads takes from each page the first and last lines that, but for
// their numbers, stand first or last on several pages, or are the page's number:
// twice, because a head and a page number may follow each other.
func withoutHeads(pages [][]string) {
	for range 2 {
		count := map[string]int{}
		for _, page := range pages {
			if len(page) > 0 {
				count[headForm(page[0])]++
			}
			if len(page) > 1 {
				count[headForm(page[len(page)-1])]++
			}
		}
		head := func(line string, page int) bool {
			return count[headForm(line)] >= fewHeads && isHead(line) || line == strconv.Itoa(page+1)
		}
		for i, page := range pages {
			if len(page) > 0 && head(page[0], i) {
				page = page[1:]
			}
			if len(page) > 0 && head(page[len(page)-1], i) {
				page = page[:len(page)-1]
			}
			pages[i] = page
		}
	}
}

// headForm returns line without its digits and spaces.
func headForm(line string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, line)
}

// isHead says whether line is more than a sign that many pages happen to end with.
func isHead(line string) bool {
	letters, digits := 0, 0
	for _, r := range line {
		switch {
		case unicode.IsLetter(r):
			letters++
		case unicode.IsDigit(r):
			digits++
		}
	}
	return letters >= fewLetters || letters == 0 && digits > 0
}

// lines appends the lines of a page, joined to paragraphs. The last gap stays
// open, so that a paragraph goes on over pages.
func (p *prose) lines(page []string, width float64) {
	tail := false // the line goes on what an earlier one began
	for i, line := range page {
		switch {
		case numbered.MatchString(line):
			p.open(para)
		case marked(line):
			p.open(newline)
		}
		p.text([]byte(line))
		length := float64(utf8.RuneCountInString(line))
		full := width >= fewWidth && length >= fullShare*width
		next := ""
		if i+1 < len(page) {
			next = page[i+1]
		}
		switch {
		case full && ends(line) && (next == "" || length < closeShare*width && starts(next)):
			p.open(para)
			tail = false
		case full:
			p.open(blank)
			tail = true
		case tail || next == "" || width >= fewWidth && float64(utf8.RuneCountInString(next)) >= fullShare*width:
			p.open(para)
			tail = false
		default:
			p.open(newline)
		}
	}
}

// widthOf returns the characters of a line that fills the width of the text.
func widthOf(pages [][]string) float64 {
	var lengths []int
	for _, page := range pages {
		for _, line := range page {
			lengths = append(lengths, utf8.RuneCountInString(line))
		}
	}
	if len(lengths) == 0 {
		return 0
	}
	slices.Sort(lengths)
	return float64(lengths[int(widthRank*float64(len(lengths)-1))])
}

// numbered matches the number and first letter of a heading, such as "2.1 Naming".
var numbered = regexp.MustCompile(`^\d{1,2}(\.\d{1,2}){1,4}\.? +\p{Lu}`)

// ends says whether line ends a sentence.
func ends(line string) bool {
	line = strings.TrimRight(line, `"'»”’)]`)
	r, _ := utf8.DecodeLastRuneInString(line)
	return strings.ContainsRune(".!?:…。！？؟", r)
}

// starts says whether line could start a paragraph.
func starts(line string) bool {
	line = strings.TrimLeft(line, `"'«“‘([¿¡—–- `)
	r, _ := utf8.DecodeRuneInString(line)
	return !unicode.IsLower(r)
}

// marked says whether line starts with the mark of a list's item.
func marked(line string) bool {
	r, n := utf8.DecodeRuneInString(line)
	return strings.ContainsRune("•◦▪‣●○■–*", r) && strings.HasPrefix(line[n:], " ")
}
