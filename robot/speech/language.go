package speech

import (
	"strings"
	"unicode"
)

// Guess returns in which of Languages a sentence is: by its letters, and where those
// are Latin by its commonest words. otherwise is what it returns in doubt.
func Guess(text, otherwise string) string {
	var latin, cyrillic, arabic int
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Latin, r):
			latin++
		case unicode.Is(unicode.Cyrillic, r):
			cyrillic++
		case unicode.Is(unicode.Arabic, r):
			arabic++
		}
	}
	switch {
	case 2*arabic > latin && arabic >= cyrillic: // names are often Latin
		return "ar"
	case 2*cyrillic > latin:
		return "ru"
	case latin == 0:
		return otherwise
	}
	english, french := common(text)
	switch {
	case english > french:
		return "en"
	case french > english:
		return "fr"
	case otherwise == "en" || otherwise == "fr":
		return otherwise
	}
	return "en"
}

// common counts words that are common in one of two languages and not in the other. A
// letter with an accent counts for French, which English has in loanwords only.
func common(text string) (english, french int) {
	text = strings.ReplaceAll(strings.ToLower(text), "’", "'")
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' }) {
		if stem, _, cut := strings.Cut(word, "'"); cut && elided[stem] {
			french++
		}
		if englishWords[word] {
			english++
		}
		if frenchWords[word] {
			french++
		}
		if strings.ContainsAny(word, "àâçèéêëîïôùûœ") {
			french++
		}
	}
	return english, french
}

// What is elided in French before a vowel.
var elided = set("c d j l m n s t qu jusqu lorsqu puisqu quelqu")

// Words of the one language that are none of the other.
var (
	englishWords = set(`
		the an and or but not no yes is are was were be been am i you he she it we they me him us them my your his her its our their this that these those
		of in to for with from by at about into over under up down out off then than there here when where who whom whose what which why how
		do does did done have has had having can could will would shall should may might must let get got go goes went come came make made
		all any some every each many much more most other such only own same so too very just also again always never ever now soon today yesterday tomorrow
		hello hi good morning evening night please thank thanks sorry okay well name welcome one two three four five six seven eight nine ten
		small big old new little know think say said tell told see look help like want time day year people man woman dog king story
		i'm i've i'll i'd don't it's that's you're can't won't isn't aren't let's
	`)
	frenchWords = set(`
		le la les un une des du de et ou mais donc car ni ne pas non oui est sont était étaient être suis es sommes êtes je tu il elle nous vous ils elles
		moi toi lui leur leurs mon ma mes ton ta tes son sa ses notre nos votre vos ce cet cette ces cela ça ceci
		dans sur sous avec sans pour par chez entre vers depuis pendant avant après contre
		qui que quoi dont où quand comment pourquoi combien quel quelle quels quelles
		ai avons avez ont avait avoir fait faire fais peut peux pouvez pouvoir veut veux voulez vais va allez aller doit dois
		tout tous toute toutes plus moins très trop bien mal aussi encore toujours jamais déjà ici là maintenant aujourd'hui hier demain
		bonjour bonsoir salut merci s'il plaît au revoir monsieur madame appelle nom bienvenue petit petite grand grande
		deux trois quatre cinq sept huit neuf dix jour temps année homme femme chien roi histoire aide aider puis si en y se
	`)
)
