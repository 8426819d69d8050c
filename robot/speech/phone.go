package speech

import (
	"strings"
	"unicode"
)

// phone is a phoneme, or a pause, that is spoken for a while.
type phone struct {
	kind   kind
	shape  Shape
	stress bool
	length float64 // expected, s
}

// kind is how a phoneme sounds.
type kind int

const (
	pause kind = iota
	vowel
	sonorant // nasals, liquids, semivowels
	buzz     // voiced fricatives
	hiss     // voiceless ones
	stop
	kinds
)

// letters are phonemes by the first letter of their IPA, as espeak-ng writes it.
var letters = func() map[rune]phone {
	m := map[rune]phone{}
	for _, all := range []struct {
		kind    kind
		shape   Shape
		letters string
	}{
		{vowel, Spread, "ieɪɨᵻ"}, {vowel, Middle, "əɛɜɐʌøœɘɚɤɵɞ"}, {vowel, Open, "aæɑɒɶ"}, {vowel, Round, "ouɔʊyʉɯʏ"},
		{sonorant, Closed, "m"}, {sonorant, Round, "wɥ"}, {sonorant, Teeth, "ʋɱ"}, {sonorant, Narrow, "nŋɲɳlrɹɾʁjʀɬɭɫʎɻʟɽ"},
		{buzz, Teeth, "v"}, {buzz, Narrow, "ðzʒɣʕʐʑʝ"},
		{hiss, Teeth, "f"}, {hiss, Closed, "ɸβ"}, {hiss, Narrow, "θsʃxχhħɕʂçɦ"},
		{stop, Closed, "pbɓ"}, {stop, Narrow, "tdkɡgqʔcɟʈɖ"},
	} {
		for _, r := range all.letters {
			m[r] = phone{kind: all.kind, shape: all.shape, length: sounds[all.kind].length}
		}
	}
	return m
}()

// sound is how a kind of phoneme sounds: its loudness against the loudest, dB not less
// than quiet, the share of samples that cross zero, and their deviations; and how long
// it is, s, with the deviation of that's logarithm. Measured on the sentences of
// testdata/phonemes.py at 160 words a minute.
type sound struct {
	level, levels     float64
	crosses, crossing float64
	length, lengths   float64
}

const quiet = -60

var sounds = [kinds]sound{
	pause:    {quiet, 8, 0.01, 0.04, 0.12, 1},
	vowel:    {-9, 9, 0.08, 0.06, 0.094, 0.5},
	sonorant: {-15, 11, 0.06, 0.055, 0.080, 0.4},
	buzz:     {-22, 12, 0.18, 0.125, 0.075, 0.3},
	hiss:     {-21, 12, 0.35, 0.19, 0.080, 0.3},
	stop:     {-25, 14, 0.22, 0.20, 0.049, 0.5},
}

// phones reads phonemes in IPA that are separated by underscores and white space; a
// line is a clause, behind which there may be a pause.
func phones(ipa string) []phone {
	var all []phone
	for line := range strings.Lines(ipa) {
		for _, token := range strings.FieldsFunc(line, func(r rune) bool { return r == '_' || unicode.IsSpace(r) }) {
			if p, ok := phoneOf(token); ok {
				all = append(all, p)
			}
		}
		all = append(all, phone{shape: Rest, length: sounds[pause].length})
	}
	return all
}

// phoneOf reads a token; "(en)" and other marks are none.
func phoneOf(token string) (phone, bool) {
	bare := []rune(strings.TrimLeft(token, "ˈˌ"))
	if len(bare) == 0 {
		return phone{}, false
	}
	p, ok := letters[bare[0]]
	if p.kind != vowel {
		return p, ok
	}
	p.stress = strings.ContainsRune(token, 'ˈ')
	if p.stress {
		p.length *= 1.2
	}
	if len(bare) > 1 { // a long one, or a diphthong
		p.length *= 1.3
	}
	return p, ok
}
