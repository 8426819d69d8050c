package serve

import (
	"net/http"
	"strings"

	"samovar/infer"
	"samovar/tokenizer"
	"samovar/tokenizer/template"
)

// chat answers /v1/chat/completions.
func (s *Server) chat(w http.ResponseWriter, req *http.Request) {
	f, fail := readBody(w, req)
	if fail != nil {
		s.refuse(w, req, fail)
		return
	}
	q, fail := readChat(&f)
	if fail != nil {
		s.refuse(w, req, fail)
		return
	}
	m, l, fail := s.open(req.Context(), q, "chat")
	if fail != nil {
		s.refuse(w, req, fail)
		return
	}
	if l.Template == nil {
		s.refuse(w, req, &failure{
			status: http.StatusBadRequest, param: "model", code: "no_chat_template",
			message: "the model " + m.Name + " has no chat template, it only continues text: ask /v1/completions",
		})
		return
	}
	ids, err := l.Template.Tokens(l.Tokenizer, q.messages, template.Options{AddGenerationPrompt: true})
	if err != nil {
		s.refuse(w, req, &failure{status: http.StatusBadRequest, message: err.Error(), param: "messages"})
		return
	}
	r := &round{question: q, model: m, ready: l, id: "chatcmpl-", prompts: [][]int32{ids}}
	r.api = &chatAPI{choices: make([]chatAnswer, q.choices)}
	s.answer(w, req, r, "messages")
}

// chatAPI is the shape of OpenAI's chat completions.
type chatAPI struct{ choices []chatAnswer }

// chatAnswer collects one choice.
type chatAnswer struct {
	text   strings.Builder
	scores []chatScore
}

// chatObject is an answer or a chunk of one.
type chatObject struct {
	ID          string       `json:"id"`
	Object      string       `json:"object"`
	Created     int64        `json:"created"` // seconds since 1970
	Model       string       `json:"model"`
	Fingerprint string       `json:"system_fingerprint"`
	Choices     []chatChoice `json:"choices"`
	Usage       *usage       `json:"usage,omitempty"`
	Samovar     *Figures     `json:"samovar,omitempty"`
}

type chatChoice struct {
	Index   int          `json:"index"`
	Message *chatMessage `json:"message,omitempty"`
	Delta   *chatMessage `json:"delta,omitempty"`
	Scores  *chatScores  `json:"logprobs"`
	Finish  *string      `json:"finish_reason"`
}

type chatMessage struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"`
}

type chatScores struct {
	Content []chatScore `json:"content"`
}

type chatScore struct {
	tokenScore
	Top []tokenScore `json:"top_logprobs"`
}

type tokenScore struct {
	Token string  `json:"token"`
	Log   float64 `json:"logprob"`
	Bytes []int   `json:"bytes"` // a token need not be whole letters
}

func (r *round) chatObject(object string) chatObject {
	return chatObject{
		ID: r.id, Object: object, Created: r.created, Model: r.model.Name, Fingerprint: r.ready.fingerprint, Choices: []chatChoice{},
	}
}

func (r *round) chatChunk(choice chatChoice) chatObject {
	o := r.chatObject("chat.completion.chunk")
	o.Choices = append(o.Choices, choice)
	return o
}

func (*chatAPI) begin(r *round) []any {
	var events []any
	for i := range r.choices {
		events = append(events, r.chatChunk(chatChoice{Index: i, Delta: &chatMessage{Role: "assistant", Content: new(string)}}))
	}
	return events
}

func (*chatAPI) chunk(r *round, choice int, p piece) any {
	return r.chatChunk(chatChoice{Index: choice, Delta: &chatMessage{Content: &p.text}, Scores: chatScoresOf(r, chatScoreList(r.ready.Tokenizer, p.scores))})
}

func (*chatAPI) end(r *round, choice int) any {
	o := r.chatChunk(chatChoice{Index: choice, Delta: &chatMessage{}, Finish: finish(r.answers[choice])})
	if r.done() && !r.usage {
		f := r.figures()
		o.Samovar = &f
	}
	return o
}

func (*chatAPI) usage(r *round) any {
	o, f := r.chatObject("chat.completion.chunk"), r.figures()
	o.Usage, o.Samovar = &r.tally.usage, &f
	return o
}

func (c *chatAPI) add(r *round, choice int, p piece) {
	a := &c.choices[choice]
	a.text.WriteString(p.text)
	a.scores = append(a.scores, chatScoreList(r.ready.Tokenizer, p.scores)...)
}

func (c *chatAPI) whole(r *round) any {
	o, f := r.chatObject("chat.completion"), r.figures()
	for i := range c.choices {
		text := c.choices[i].text.String()
		o.Choices = append(o.Choices, chatChoice{
			Index: i, Message: &chatMessage{Role: "assistant", Content: &text},
			Scores: chatScoresOf(r, c.choices[i].scores), Finish: finish(r.answers[i]),
		})
	}
	o.Usage, o.Samovar = &r.tally.usage, &f
	return o
}

// finish is why an answer ended, as OpenAI says it.
func finish(a *answer) *string {
	reason := string(a.finish)
	return &reason
}

func chatScoresOf(r *round, list []chatScore) *chatScores {
	if !r.scored {
		return nil
	}
	return &chatScores{Content: append([]chatScore{}, list...)}
}

func chatScoreList(t *tokenizer.Tokenizer, list []scored) []chatScore {
	var out []chatScore
	for _, s := range list {
		c := chatScore{tokenScore: tokenScoreOf(t, s.Score), Top: []tokenScore{}}
		for _, top := range s.top {
			c.Top = append(c.Top, tokenScoreOf(t, top))
		}
		out = append(out, c)
	}
	return out
}

// lowest stands for −∞, which JSON cannot say; OpenAI gives the same number to
// what is too unlikely.
const lowest = -9999

func tokenScoreOf(t *tokenizer.Tokenizer, s infer.Score) tokenScore {
	text := t.Token(s.Token)
	c := tokenScore{Token: text, Log: max(s.Log, lowest), Bytes: make([]int, len(text))}
	for i := range len(text) {
		c.Bytes[i] = int(text[i])
	}
	return c
}
