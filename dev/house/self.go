package main

import (
	"fmt"
	"strings"
	"unicode"
)

// tongue is what the model says of itself in one language.
type tongue struct {
	suffix string // of its files
	// questions are the paraphrases of "who are you?" that judge the model and so
	// may not be among what it learns, one a line.
	questions string
	hello     dialogue
	openings  []string
	intents   []intent
	trial     trial
}

// intent is one thing that people ask of the model itself: every way to ask
// goes with every opening in turn, and is answered by one of the answers.
type intent struct{ ask, answer []string }

// self returns what the model says of itself, most of it in one exchange, some
// after a greeting, and checks that no question of the judges is among it.
func (t tongue) self() (all []dialogue, err error) {
	judged := map[string]bool{}
	for q := range strings.Lines(t.questions) {
		judged[plain(q)] = true
	}
	n := 0
	for _, in := range t.intents {
		for i, ask := range in.ask {
			for j := range 4 {
				n++
				opening := t.openings[(i*5+j*7)%len(t.openings)]
				if j == 0 {
					opening = ""
				}
				q := opening + ask
				if opening == "" || strings.ContainsAny(opening[len(opening)-2:], ".!?") {
					q = opening + large(ask)
				}
				if j == 3 {
					q = strings.ToLower(strings.TrimRight(q, "?."))
				}
				if judged[plain(q)] || judged[plain(ask)] {
					return nil, fmt.Errorf("%q is learnt and judged by: take it out of one of them", q)
				}
				d := exchange(q, in.answer[n%len(in.answer)])
				if n%5 == 0 {
					d.Turns = append(append([][2]string(nil), t.hello.Turns...), d.Turns...)
				}
				all = append(all, d)
			}
		}
	}
	return all, nil
}

// plain is a question's words alone.
func plain(q string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(q), func(r rune) bool { return !unicode.IsLetter(r) }), " ")
}
