package filter

import (
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// repetition holds the most that may be repeated, as shares (table A1 of Rae et
// al. 2021).
type repetition struct {
	lines, paragraphs         float64    // of their number
	lineBytes, paragraphBytes float64    // of the text
	top                       [3]float64 // of the text, by the commonest 2-, 3- and 4-gram
	again                     [6]float64 // of the text, by 5- to 10-grams that occurred before
}

var gopher = repetition{
	lines: 0.30, paragraphs: 0.30, lineBytes: 0.20, paragraphBytes: 0.20,
	top:   [3]float64{0.20, 0.18, 0.16},
	again: [6]float64{0.15, 0.14, 0.13, 0.12, 0.11, 0.10},
}

// gentle is for texts with refrains: songs, fables and stories for small
// children, which say the same three times over. What a broken crawl or a
// looping model writes repeats far more.
var gentle = repetition{
	lines: 0.60, paragraphs: 0.60, lineBytes: 0.60, paragraphBytes: 0.60,
	top:   [3]float64{0.40, 0.40, 0.40},
	again: [6]float64{0.70, 0.70, 0.65, 0.65, 0.60, 0.60},
}

// repetitive judges by what occurs more than once.
func (l limits) repetitive(d *document) string {
	if d.tokens < shortText && l.minWords < shortText {
		return ""
	}
	r := l.repeated
	lines, lineBytes := d.repeats(strings.Lines(d.text), len(d.lines))
	paragraphs, paragraphBytes := d.repeats(strings.SplitSeq(d.text, "\n\n"), len(d.lines))
	size := float64(len(d.text))
	switch {
	case lines > r.lines:
		return fmt.Sprintf("more than %.0f %% of lines are repeated", 100*r.lines)
	case lineBytes > r.lineBytes*size:
		return fmt.Sprintf("repeated lines are more than %.0f %% of the text", 100*r.lineBytes)
	case l.lineDup > 0 && lineBytes >= l.lineDup*size:
		return fmt.Sprintf("repeated lines are %.0f %% of the text or more", 100*l.lineDup)
	case paragraphs > r.paragraphs:
		return fmt.Sprintf("more than %.0f %% of paragraphs are repeated", 100*r.paragraphs)
	case paragraphBytes > r.paragraphBytes*size:
		return fmt.Sprintf("repeated paragraphs are more than %.0f %% of the text", 100*r.paragraphBytes)
	}
	if why := r.commonest(d, size); why != "" {
		return why
	}
	return r.before(d, size)
}

// repeats returns the share of parts that occurred before in the document, and
// their bytes. Blank parts do not count.
func (d *document) repeats(parts func(func(string) bool), n int) (share, bytes float64) {
	d.table.reset(n + 1)
	var all, again float64
	for part := range parts {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		all++
		if d.table.add(xxhash.Sum64String(part)) > 1 {
			again++
			bytes += float64(len(part))
		}
	}
	return again / max(all, 1), bytes
}

// commonest judges by how much of the text the commonest short n-grams are.
func (r repetition) commonest(d *document, size float64) string {
	for i, share := range r.top {
		n := i + 2
		d.table.reset(len(d.words))
		most, bytes := int32(0), 0
		rolling(d.words, n, func(at int, hash uint64) bool {
			if c := d.table.add(hash); c > most || c == most && d.gram(at, n) > bytes {
				most, bytes = c, d.gram(at, n)
			}
			return true
		})
		if most > 1 && float64(most)*float64(bytes) > share*size {
			return fmt.Sprintf("one sequence of %d words is more than %.0f %% of the text", n, 100*share)
		}
	}
	return ""
}

// gram returns the bytes of the n-gram at a word.
func (d *document) gram(at, n int) int { return int(d.words[at+n-1].end - d.words[at].start) }

// before judges by how much of the text is in n-grams that occurred before. What
// n+1 words cover, n words cover too, so that a text that passes the first with
// room for the last passes all.
func (r repetition) before(d *document, size float64) string {
	for i, share := range r.again {
		n := i + 5
		d.table.reset(len(d.words))
		covered, until := 0, int32(0)
		rolling(d.words, n, func(at int, hash uint64) bool {
			if d.table.add(hash) > 1 {
				end := d.words[at+n-1].end
				covered += int(end - max(until, d.words[at].start))
				until = end
			}
			return true
		})
		switch {
		case float64(covered) > share*size:
			return fmt.Sprintf("more than %.0f %% of the text repeats sequences of %d words", 100*share, n)
		case float64(covered) <= r.again[len(r.again)-1]*size:
			return ""
		}
	}
	return ""
}
