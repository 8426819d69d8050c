// Package template renders messages by chat templates, the small Jinja
// programs that come with models, and encodes the result so that no text of a
// message can act as a special token.
//
// It refuses what a chat template has no need of: files, clocks, other
// templates, and more than a bounded number of steps and bytes.
//
// Start with [Parse] and [Template.Tokens].
package template

import (
	"fmt"
	"strings"
)

// ChatML is the template of our own models. Hugging Face's tools, which add no
// token to what a template renders, and llama.cpp, which adds BOS only where
// the template has not, both begin with BOS under it.
const ChatML = `{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`

// Template is a parsed template. It does not change and may be used by any
// number of goroutines.
type Template struct {
	source string
	body   []stmt
}

// Message is one turn of a dialogue.
type Message struct {
	Role    string // such as "system", "user", "assistant": letters, digits, - and _
	Content string
}

// Options are what a template may ask for beside the messages.
type Options struct {
	// AddGenerationPrompt asks for the beginning of the assistant's next turn.
	AddGenerationPrompt bool
	// BOS and EOS are the names of the tokens that begin and end a text.
	// Tokens and Masked take them from the tokenizer if they are empty.
	BOS, EOS string
}

// Parse parses a template in the subset of Jinja that chat templates use, with
// trim_blocks and lstrip_blocks as Hugging Face sets them.
func Parse(src string) (*Template, error) {
	body, err := parse(src)
	if err != nil {
		return nil, fmt.Errorf("parse the chat template: %w", err)
	}
	return &Template{src, body}, nil
}

// Source returns what was parsed.
func (t *Template) Source() string { return t.source }

// Render returns the text of messages. The error of a template that refuses
// them wraps a [Raised].
func (t *Template) Render(messages []Message, o Options) (string, error) {
	out, err := t.render(messages, o)
	return out.s, err
}

// render returns the text with marks on what came from each message.
func (t *Template) render(messages []Message, o Options) (text, error) {
	s := &state{steps: maxSteps + 1024*len(messages), bytes: maxBytes, out: &joiner{}}
	turns := &list{}
	for i, m := range messages {
		if m.Role == "" || len(m.Role) > 64 || strings.IndexFunc(m.Role, func(r rune) bool { return r != '-' && (r > 'z' || !isWord(byte(r))) }) >= 0 {
			return text{}, fmt.Errorf("message %d has the role %q: up to 64 letters, digits, - and _ are expected", i, m.Role)
		}
		content := text{s: m.Content}
		if m.Content != "" {
			content.marks = []mark{{0, len(m.Content), i}}
		}
		turn := newDict()
		turn.set(text{s: "role"}, text{s: m.Role})
		turn.set(text{s: "content"}, content)
		turns.items = append(turns.items, turn)
		s.bytes += len(m.Content)
	}
	s.scopes = []map[string]value{{
		"messages":              turns,
		"add_generation_prompt": o.AddGenerationPrompt,
		"bos_token":             text{s: o.BOS},
		"eos_token":             text{s: o.EOS},
		"tools":                 nil,
		"documents":             nil,
	}, {}}
	if err := s.run(t.body); err != nil {
		return text{}, fmt.Errorf("render the chat template: %w", err)
	}
	return s.out.text(), nil
}
