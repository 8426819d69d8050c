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
// goes with several openings, every framed one with one, and is answered by one
// of the answers.
type intent struct{ ask, framed, answer []string }

// opened is how many openings every way to ask goes with, the first of them none
// and the last written without care.
const opened = 4

// self returns what the model says of itself, most of it in one exchange, some
// after a greeting. No question of the judges is among it.
func (t tongue) self() (all []dialogue) {
	judged := map[string]bool{}
	for q := range strings.Lines(t.questions) {
		judged[plain(q)] = true
	}
	add := func(i, j int, ask string, answers []string) {
		opening := t.openings[(i*5+j*7)%len(t.openings)]
		if j == 0 {
			opening = ""
		}
		q := opening + ask
		if opening == "" || strings.ContainsAny(opening[len(opening)-2:], ".!?") {
			q = opening + large(ask)
		}
		if j == opened-1 {
			q = strings.ToLower(strings.TrimRight(q, "?."))
		}
		if judged[plain(q)] || judged[plain(ask)] {
			return
		}
		n := len(all)
		d := exchange(q, answers[n%len(answers)])
		if n%5 == 0 {
			d.Turns = append(append([][2]string(nil), t.hello.Turns...), d.Turns...)
		}
		all = append(all, d)
	}
	for _, in := range t.intents {
		for i, ask := range in.ask {
			for j := range opened {
				add(i, j, ask, in.answer)
			}
		}
		for i, ask := range in.framed {
			add(i, i%opened, ask, in.answer)
		}
	}
	return all
}

// framed puts each thing into each frame.
func framed(frames, things []string) (all []string) {
	for _, f := range frames {
		for _, t := range things {
			all = append(all, fmt.Sprintf(f, t))
		}
	}
	return all
}

// plain is a question's words alone.
func plain(q string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(q), func(r rune) bool { return !unicode.IsLetter(r) }), " ")
}
