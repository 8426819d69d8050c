package serve

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"samovar/infer"
	"samovar/tokenizer"
)

// complete answers /v1/completions.
func (s *Server) complete(w http.ResponseWriter, req *http.Request) {
	f, fail := readBody(w, req)
	if fail != nil {
		s.refuse(w, req, fail)
		return
	}
	q, fail := readCompletion(&f)
	if fail != nil {
		s.refuse(w, req, fail)
		return
	}
	m, l, fail := s.open(req.Context(), q, "complete")
	if fail != nil {
		s.refuse(w, req, fail)
		return
	}
	r := &round{question: q, model: m, ready: l, id: "cmpl-"}
	for _, p := range q.given {
		ids, err := l.prompt(p)
		if err != nil {
			s.refuse(w, req, &failure{status: http.StatusBadRequest, message: err.Error(), param: "prompt"})
			return
		}
		r.prompts = append(r.prompts, ids)
	}
	r.api = &completionAPI{choices: make([]completionAnswer, len(r.prompts)*q.choices)}
	s.answer(w, req, r, "prompt")
}

// completionAPI is the shape of OpenAI's completions.
type completionAPI struct{ choices []completionAnswer }

// completionAnswer collects one choice.
type completionAnswer struct {
	text    strings.Builder
	scores  []scored
	letters int // streamed
}

type completionObject struct {
	ID          string             `json:"id"`
	Object      string             `json:"object"`
	Created     int64              `json:"created"` // seconds since 1970
	Model       string             `json:"model"`
	Fingerprint string             `json:"system_fingerprint"`
	Choices     []completionChoice `json:"choices"`
	Usage       *usage             `json:"usage,omitempty"`
	Samovar     *Figures           `json:"samovar,omitempty"`
}

type completionChoice struct {
	Text   string            `json:"text"`
	Index  int               `json:"index"`
	Scores *completionScores `json:"logprobs"`
	Finish *string           `json:"finish_reason"`
}

// completionScores are lists with one entry a token.
type completionScores struct {
	Offsets []int                `json:"text_offset"`    // letters before the token, in prompt (if echoed) and answer
	Scores  []*float64           `json:"token_logprobs"` // null for the first token of a prompt
	Tokens  []string             `json:"tokens"`
	Top     []map[string]float64 `json:"top_logprobs"`
}

func newCompletionScores() *completionScores {
	return &completionScores{[]int{}, []*float64{}, []string{}, []map[string]float64{}}
}

func (r *round) completionObject() completionObject {
	return completionObject{
		ID: r.id, Object: "text_completion", Created: r.created, Model: r.model.Name, Fingerprint: r.ready.fingerprint,
		Choices: []completionChoice{},
	}
}

func (r *round) completionChunk(c completionChoice) completionObject {
	o := r.completionObject()
	o.Choices = append(o.Choices, c)
	return o
}

// echoed is the prompt as text.
func (r *round) echoed(choice int) string {
	i := choice / r.choices
	if r.given[i].ids == nil {
		return r.given[i].text
	}
	return strings.ToValidUTF8(string(r.ready.Tokenizer.Decode(nil, r.given[i].ids)), "�")
}

func (*completionAPI) begin(r *round) []any {
	var events []any
	if r.echo {
		for i := range r.answers {
			events = append(events, r.completionChunk(completionChoice{Index: i, Text: r.echoed(i)}))
		}
	}
	return events
}

func (c *completionAPI) chunk(r *round, choice int, p piece) any {
	a := &c.choices[choice]
	var scores *completionScores
	if r.scored {
		scores = newCompletionScores()
		a.letters = scores.add(r.ready.Tokenizer, p.scores, a.letters)
	}
	return r.completionChunk(completionChoice{Index: choice, Text: p.text, Scores: scores})
}

func (*completionAPI) end(r *round, choice int) any {
	o := r.completionChunk(completionChoice{Index: choice, Finish: finish(r.answers[choice])})
	if r.done() && !r.usage {
		f := r.figures()
		o.Samovar = &f
	}
	return o
}

func (*completionAPI) usage(r *round) any {
	o, f := r.completionObject(), r.figures()
	o.Usage, o.Samovar = &r.tally.usage, &f
	return o
}

func (c *completionAPI) add(_ *round, choice int, p piece) {
	c.choices[choice].text.WriteString(p.text)
	c.choices[choice].scores = append(c.choices[choice].scores, p.scores...)
}

func (c *completionAPI) whole(r *round) any {
	o, f := r.completionObject(), r.figures()
	for i := range c.choices {
		choice := completionChoice{Index: i, Finish: finish(r.answers[i])}
		if r.echo {
			choice.Text = r.echoed(i)
		}
		if r.scored {
			choice.Scores = newCompletionScores()
			at := 0
			if r.echo {
				first := scored{Score: infer.Score{Token: r.prompts[i/r.choices][0], Log: 1}}
				at = choice.Scores.add(r.ready.Tokenizer, append([]scored{first}, r.answers[i].prompt...), 0)
			}
			choice.Scores.add(r.ready.Tokenizer, c.choices[i].scores, at)
		}
		choice.Text += c.choices[i].text.String()
		o.Choices = append(o.Choices, choice)
	}
	o.Usage, o.Samovar = &r.tally.usage, &f
	return o
}

// add appends tokens that begin at the given offset and returns where they
// end. A score above 0, which no probability has, is none.
func (l *completionScores) add(t *tokenizer.Tokenizer, list []scored, offset int) int {
	for _, s := range list {
		l.Offsets = append(l.Offsets, offset)
		if !t.IsSpecial(s.Token) {
			offset += letters(t.Token(s.Token))
		}
		l.Tokens = append(l.Tokens, spell(t, s.Token))
		if s.Log > 0 {
			l.Scores, l.Top = append(l.Scores, nil), append(l.Top, nil)
			continue
		}
		log := max(s.Log, lowest)
		l.Scores = append(l.Scores, &log)
		top := map[string]float64{}
		for _, c := range s.top {
			top[spell(t, c.Token)] = max(c.Log, lowest)
		}
		l.Top = append(l.Top, top)
	}
	return offset
}

// letters is the number of letters that begin in s.
func letters(s string) int {
	n := 0
	for i := range len(s) {
		if utf8.RuneStart(s[i]) {
			n++
		}
	}
	return n
}

// spell is a token as text; what is not whole letters, as OpenAI writes bytes.
func spell(t *tokenizer.Tokenizer, id int32) string {
	s := t.Token(id)
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	b.WriteString("bytes:")
	for i := range len(s) {
		fmt.Fprintf(&b, `\x%02x`, s[i])
	}
	return b.String()
}
