package filter

import (
	"strings"
	"unicode/utf8"

	"github.com/RadhiFadlillah/whatlanggo"
	"golang.org/x/text/language"
)

// identifier tells a declared language from others.
type identifier struct {
	declared whatlanggo.Lang
	listed   int // index in commonWords; -1: not there
}

// newIdentifier returns nil for a language that cannot be told from others.
func newIdentifier(declared string) *identifier {
	tag, err := language.Parse(declared)
	if err != nil {
		return nil
	}
	base, _ := tag.Base()
	code := base.String()
	if code == "no" {
		code = "nb"
	}
	for l := whatlanggo.Lang(0); l.Iso6393() != ""; l++ {
		if l.Iso6391() == code || l.Iso6393() == code {
			id := &identifier{declared: l, listed: -1}
			for i, c := range commonWords {
				if c.code == code {
					id.listed = i
				}
			}
			return id
		}
	}
	return nil
}

// Of a document, this much is looked at, from its middle: a book begins and ends
// with what its publisher says, in the publisher's language.
const (
	sampleWords = 200
	sampleRunes = 600
)

// What decides. A text is in the declared language if one word in twelve is one
// of its common words that no other listed language has, and others' are half as
// many at most. It is in another if the library takes it for that, and is sure
// of it against the declared one.
const (
	commonShare = 12
	sure        = 0.7
)

// otherLanguage names the language that the document is in if it is not the
// declared one. Fewer than shortText words are too few to tell.
func (f *Filter) otherLanguage(d *document) string {
	id := f.language
	if id == nil || d.tokens < shortText && d.alone < 2*shortText || id.common(d.words) {
		return ""
	}
	sample := middle(d.text, sampleRunes)
	found := detect(sample)
	if found < 0 || found == id.declared {
		return ""
	}
	pair := whatlanggo.Options{Whitelist: map[whatlanggo.Lang]bool{found: true, id.declared: true}}
	if x := whatlanggo.DetectWithOptions(sample, pair); x.Lang == found && x.Confidence >= sure {
		return "reads as " + found.String()
	}
	return ""
}

// Identify returns the language that a text is in as a BCP 47 tag, or "und" if
// that is not sure: by its common words, or by what the library takes it for.
func Identify(text string) string {
	d := scan(middle(text, 8*sampleRunes))
	defer d.release()
	if d.tokens < shortText && d.alone < 2*shortText {
		return "und"
	}
	for i, c := range commonWords {
		if (&identifier{listed: i}).common(d.words) {
			return c.code
		}
	}
	found := detect(middle(text, sampleRunes))
	if found < 0 || whatlanggo.DetectWithOptions(middle(text, sampleRunes), whatlanggo.Options{}).Confidence < sure {
		return "und"
	}
	if code := found.Iso6391(); code != "" {
		return code
	}
	return found.Iso6393()
}

// detect returns the language that the library takes a text for, of those that
// have all its letters.
func detect(text string) whatlanggo.Lang {
	impossible := map[whatlanggo.Lang]bool{}
	lower := strings.ToLower(text)
	for {
		found := whatlanggo.DetectLangWithOptions(text, whatlanggo.Options{Blacklist: impossible})
		if found < 0 || !strings.ContainsAny(lower, lacking[found]) {
			return found
		}
		impossible[found] = true
	}
}

// lacking holds letters that a language does not have and its neighbours do: the
// library, which knows sequences of three letters by their ranks, takes a Russian
// story in 400 for one of theirs.
var lacking = map[whatlanggo.Lang]string{
	whatlanggo.Bul: "ыэё",
	whatlanggo.Ukr: "ыэёъ",
	whatlanggo.Bel: "ищъ",
	whatlanggo.Srp: "йщъыьэюя",
	whatlanggo.Mkd: "йщъыьэюя",
	whatlanggo.Rus: "іїєўјљњћђџґ",
}

// middle returns n characters from the middle of a text.
func middle(text string, n int) string {
	from := max(0, len(text)/2-n)
	for from < len(text) && !utf8.RuneStart(text[from]) {
		from++
	}
	text = text[from:]
	for i := range text {
		if n == 0 {
			return text[:i]
		}
		n--
	}
	return text
}

// common says whether words are of the declared language beyond doubt.
func (id *identifier) common(words []word) bool {
	if id.listed < 0 {
		return false
	}
	from := max(0, len(words)/2-sampleWords/2)
	words = words[from:min(from+sampleWords, len(words))]
	var count [languages]int
	for _, w := range words {
		if i, ok := commonest[w.hash]; ok {
			count[i]++
		}
	}
	own := count[id.listed]
	count[id.listed] = 0
	other := 0
	for _, n := range count {
		other = max(other, n)
	}
	return own*commonShare >= len(words) && other*2 <= own
}

// languages is how many commonWords lists.
const languages = 10

// commonWords are among the commonest words of a language and no word of another
// listed one.
var commonWords = [languages]struct{ code, words string }{
	{"en", "the and of to was that it he she his her they with you had said this for are were from there what when"},
	{"fr", "les et dans une est pas qui sur avec elle ils mais pour ce cette vous nous était sont aux plus"},
	{"de", "der die und das ist nicht sie ich ein eine zu den mit sich auf dem wir auch war wie"},
	{"es", "los las el una con por para como pero más está su muy había ella fue"},
	{"it", "che di il gli della è sono per non una nel più anche questo era ha"},
	{"pt", "não uma com os ele ela dos das você mais foi seu sua ao muito são"},
	{"nl", "het een van dat niet zijn en ik je op aan voor met hij maar ook naar"},
	{"ru", "и что он она как это его но было все они ее был мы бы тогда очень когда или только"},
	{"uk", "що та він вона як це його але й їх було вони ми не дуже коли або тільки із ти"},
	{"bg", "се да са че си му ще беше като той тя те ги има но които това един"},
}

// commonest maps the hash of each common word to its language; words of several
// are left out.
var commonest = func() map[uint64]int {
	of, several := map[uint64]int{}, map[uint64]bool{}
	for i, c := range commonWords {
		for _, w := range strings.Fields(c.words) {
			h := wordHash(w)
			if j, ok := of[h]; ok && j != i {
				several[h] = true
			}
			of[h] = i
		}
	}
	for h := range several {
		delete(of, h)
	}
	return of
}()
