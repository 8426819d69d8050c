package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
)

// trial is what a model is judged by beside the questions of who it is.
type trial struct {
	who     []*regexp.Regexp // a true answer has a match for each
	story   string           // that a base model is to go on with
	booking []string         // the user's turns of a dialogue
	subject *regexp.Regexp   // what stays on the dialogue's subject speaks of
}

// judge asks the model that a server at url has, and prints what it answered and
// how many of the answers hold.
func (t tongue) judge(out io.Writer, url, model string) error {
	m := asked{url: strings.TrimSuffix(url, "/"), model: model}
	held := 0
	questions := strings.Split(strings.TrimSpace(t.questions), "\n")
	for i, q := range questions {
		answer, err := m.answer([][2]string{{"user", q}}, i)
		if err != nil {
			return err
		}
		ok := t.trial.holds(answer)
		if ok {
			held++
		}
		fmt.Fprintf(out, "%-5v %s\n      %s\n", ok, q, answer)
	}
	fmt.Fprintf(out, "who: %d of %d answers are true\n\n", held, len(questions))

	story, tokens, err := m.complete(t.trial.story)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s|%s\nstory: %d tokens, loops: %v\n\n", t.trial.story, story, tokens, loops(story))

	var turns [][2]string
	kept := 0
	for i, said := range t.trial.booking {
		turns = append(turns, [2]string{"user", said})
		answer, err := m.answer(turns, i)
		if err != nil {
			return err
		}
		turns = append(turns, [2]string{"assistant", answer})
		if t.trial.subject.MatchString(answer) {
			kept++
		}
		fmt.Fprintf(out, "> %s\n  %s\n", said, answer)
	}
	_, err = fmt.Fprintf(out, "booking: %d of %d answers speak of it\n", kept, len(t.trial.booking))
	return err
}

// holds reports whether an answer says what the model is.
func (t trial) holds(answer string) bool {
	return len(t.who) > 0 && !slices.ContainsFunc(t.who, func(r *regexp.Regexp) bool { return !r.MatchString(answer) })
}

// words makes patterns of which capitals do not matter.
func words(patterns ...string) (all []*regexp.Regexp) {
	for _, p := range patterns {
		all = append(all, regexp.MustCompile("(?i)"+p))
	}
	return all
}

// loopWords is the length of what a text that loops says over and over.
const loopWords = 6

// loops reports whether some loopWords words in a row come more than twice.
func loops(text string) bool {
	words, seen := strings.Fields(text), map[string]int{}
	for i := range max(0, len(words)-loopWords+1) {
		key := strings.Join(words[i:i+loopWords], " ")
		if seen[key]++; seen[key] > 2 {
			return true
		}
	}
	return false
}

// asked is a model behind OpenAI's API.
type asked struct{ url, model string }

// warmth is the temperature of all answers, storyTokens how far a story is to go on.
const (
	warmth      = 0.7
	storyTokens = 200
)

func (m asked) answer(turns [][2]string, seed int) (string, error) {
	type message struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	var messages []message
	for _, t := range turns {
		messages = append(messages, message{t[0], t[1]})
	}
	var got struct {
		Choices []struct{ Message message }
	}
	err := m.post("/v1/chat/completions", map[string]any{"model": m.model, "messages": messages, "temperature": warmth, "seed": seed, "max_tokens": 100}, &got)
	if err != nil || len(got.Choices) == 0 {
		return "", fmt.Errorf("ask %s: %d answers: %w", m.model, len(got.Choices), err)
	}
	return got.Choices[0].Message.Content, nil
}

// complete has the model go on with a text, for storyTokens at most, and returns
// how many tokens it wrote.
func (m asked) complete(text string) (string, int, error) {
	var got struct {
		Choices []struct{ Text string }
		Usage   struct {
			Tokens int `json:"completion_tokens"`
		}
	}
	err := m.post("/v1/completions", map[string]any{"model": m.model, "prompt": text, "temperature": warmth, "seed": 1, "max_tokens": storyTokens}, &got)
	if err != nil || len(got.Choices) == 0 {
		return "", 0, fmt.Errorf("have %s go on with a story: %d answers: %w", m.model, len(got.Choices), err)
	}
	return got.Choices[0].Text, got.Usage.Tokens, nil
}

func (m asked) post(path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.Post(m.url+path, "application/json", bytes.NewReader(text))
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		_, _ = io.Copy(os.Stderr, r.Body)
		return fmt.Errorf("POST %s: %s", path, r.Status)
	}
	return json.NewDecoder(r.Body).Decode(answer)
}
