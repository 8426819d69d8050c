package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"samovar/infer"
	"samovar/tokenizer/template"
)

// Limits on one request.
const (
	maxChoices  = 128
	maxMessages = 4096
)

// question is what both APIs ask for.
type question struct {
	name     string             // of the model
	messages []template.Message // of a chat
	given    []prompt           // of a completion
	choices  int                // for each prompt
	most     int                // tokens of an answer; negative: until the window is full
	stops    []string
	sampling infer.Sampling
	scored   bool // log-probabilities are wanted
	top      int  // with how many of the likeliest tokens
	echo     bool // the prompt is part of the answer
	stream   bool
	usage    bool // the stream ends with usage
}

// prompt is text or, if that is empty, token ids.
type prompt struct {
	text string
	ids  []int32
}

// readBody returns the request's body as fields.
func readBody(w http.ResponseWriter, r *http.Request) (fields, *failure) {
	control := http.NewResponseController(w)
	// A recorder in a test has no deadline to set.
	_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_ = control.SetReadDeadline(time.Time{})
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return fields{}, &failure{status: http.StatusRequestEntityTooLarge, code: "request_too_large",
			message: fmt.Sprintf("the body is larger than %d MB", maxBody>>20)}
	case err != nil:
		return fields{}, &failure{status: http.StatusBadRequest, message: "the body ends too early"}
	}
	f, err := object(body)
	if err != nil {
		return f, &failure{status: http.StatusBadRequest, code: "invalid_json", message: "the body is not a JSON object: " + jsonError(err)}
	}
	return f, nil
}

// jsonError is err without what only Go programmers understand.
func jsonError(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return "it is " + article(wrong.Value)
	}
	return err.Error()
}

func article(kind string) string {
	if strings.HasPrefix(kind, "a") || strings.HasPrefix(kind, "o") {
		return "an " + kind
	}
	return "a " + kind
}

// readQuestion reads what chats and completions have in common.
func readQuestion(f *fields) question {
	q := question{
		name:    f.text("model"),
		choices: int(f.integer("n", 1, maxChoices, 1)),
		stops:   f.stops(),
		stream:  f.boolean("stream"),
	}
	q.sampling = infer.Sampling{
		Temperature: f.number("temperature", 0, 2, 1),
		TopK:        int(max(0, f.integer("top_k", -1, math.MaxInt32, 0))), // −1: all, as vLLM has it
		TopP:        f.number("top_p", 0, 1, 1),
		MinP:        f.number("min_p", 0, 1, 0),
		Repetition:  f.number("repetition_penalty", 0.01, 100, f.number("repeat_penalty", 0.01, 100, 1)),
		Frequency:   f.number("frequency_penalty", -2, 2, 0),
		Presence:    f.number("presence_penalty", -2, 2, 0),
		Last:        int(f.integer("repeat_last_n", -1, math.MaxInt32, 0)),
		Seed:        uint64(f.integer("seed", math.MinInt64, math.MaxInt64, rand.Int64N(1<<53))), // a number that JavaScript can repeat
		Bias:        f.bias(),
	}
	if q.sampling.TopP == 0 {
		q.sampling.TopP = math.SmallestNonzeroFloat64 // the likeliest alone; to infer 0 means off
	}
	var options struct {
		Usage *bool `json:"include_usage"`
	}
	if f.read("stream_options", "an object with include_usage", &options) && options.Usage != nil {
		q.usage = *options.Usage
		if !q.stream {
			f.fail("stream_options", "is only for streams: set stream to true")
		}
	}
	refuseFormats(f)
	return q
}

// refuseFormats refuses what would otherwise be silently left undone.
func refuseFormats(f *fields) {
	var format struct {
		Type string `json:"type"`
	}
	if f.read("response_format", "an object with a type", &format) && format.Type != "text" {
		f.fail("response_format", "has the type %.40q: only text is possible", format.Type)
	}
	for _, name := range []string{"tools", "functions"} {
		var list []json.RawMessage
		if f.read(name, "an array", &list) && len(list) > 0 {
			f.fail(name, "are not supported: leave them out")
		}
	}
}

// readChat reads the body of /v1/chat/completions.
func readChat(f *fields) (question, *failure) {
	q := readQuestion(f)
	q.most = int(f.integer("max_completion_tokens", 1, math.MaxInt32, f.integer("max_tokens", 1, math.MaxInt32, -1)))
	q.scored = f.boolean("logprobs")
	q.top = int(f.integer("top_logprobs", 0, infer.MaxTop, 0))
	if q.top > 0 && !q.scored {
		f.fail("top_logprobs", "needs logprobs: set it to true")
	}
	q.messages = readMessages(f)
	return q, f.failure
}

// readMessages reads the turns of a chat.
func readMessages(f *fields) []template.Message {
	var list []json.RawMessage
	if !f.has("messages") {
		f.fail("messages", "is missing: an array of messages is expected")
		return nil
	}
	if !f.read("messages", "an array of messages", &list) {
		return nil
	}
	if len(list) == 0 || len(list) > maxMessages {
		f.fail("messages", "has %d messages: 1 to %d are expected", len(list), maxMessages)
		return nil
	}
	turns := make([]template.Message, len(list))
	for i, raw := range list {
		name := fmt.Sprintf("messages[%d]", i)
		m, err := object(raw)
		if err != nil {
			f.fail(name, "is %s: an object with role and content is expected", kind(raw))
			return nil
		}
		turns[i] = readMessage(f, name, &m)
	}
	return turns
}

func readMessage(f *fields, name string, m *fields) template.Message {
	role := m.text("role")
	switch role {
	case "system", "user", "assistant":
	case "developer": // OpenAI's newer name
		role = "system"
	default:
		f.fail(path(name, "role"), "is %s: system, developer, user or assistant is expected", shown(m.members["role"]))
	}
	var content strings.Builder
	switch raw := m.members["content"]; kind(raw) {
	case "a string":
		content.WriteString(m.text("content"))
	case "an array":
		readParts(f, path(name, "content"), raw, &content)
	default:
		f.fail(path(name, "content"), "is %s: a string or an array of text parts is expected", kind(raw))
	}
	return template.Message{Role: role, Content: content.String()}
}

// shown is a value for an error message.
func shown(raw json.RawMessage) string {
	if kind(raw) == "a string" {
		return fmt.Sprintf("%.40s", raw)
	}
	return kind(raw)
}

// readParts reads content that is a list of parts.
func readParts(f *fields, name string, raw json.RawMessage, content *strings.Builder) {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		f.fail(name, "cannot be read")
		return
	}
	for i, raw := range parts {
		at := fmt.Sprintf("%s[%d]", name, i)
		part, err := object(raw)
		if err != nil {
			f.fail(at, "is %s: an object with type and text is expected", kind(raw))
			return
		}
		if t := part.text("type"); t != "text" {
			f.fail(path(at, "type"), "is %s: only text is understood, no images, sound or files", shown(part.members["type"]))
			return
		}
		if kind(part.members["text"]) != "a string" {
			f.fail(path(at, "text"), "is %s: a string is expected", kind(part.members["text"]))
			return
		}
		content.WriteString(part.text("text"))
	}
}

// readCompletion reads the body of /v1/completions.
func readCompletion(f *fields) (question, *failure) {
	q := readQuestion(f)
	q.most = int(f.integer("max_tokens", 0, math.MaxInt32, 16)) // OpenAI's default
	q.echo = f.boolean("echo")
	if f.has("logprobs") {
		q.scored = true
		q.top = int(f.integer("logprobs", 0, infer.MaxTop, 0))
	}
	if f.text("suffix") != "" {
		f.fail("suffix", "is not supported: leave it out")
	}
	if best := int(f.integer("best_of", 1, maxChoices, int64(q.choices))); best != q.choices {
		f.fail("best_of", "is %d: only n, %d, is possible", best, q.choices)
	}
	if q.most == 0 && !q.echo {
		f.fail("max_tokens", "is 0: that is only of use with echo")
	}
	if q.stream && q.echo && q.scored {
		f.fail("stream", "is not possible with both echo and logprobs")
	}
	q.given = readPrompts(f)
	if n := len(q.given) * q.choices; n > maxChoices {
		f.fail("prompt", "asks for %d answers: at most %d are possible", n, maxChoices)
	}
	return q, f.failure
}

// readPrompts reads a string, an array of strings, an array of token ids, or an
// array of such arrays.
func readPrompts(f *fields) []prompt {
	const want = "a string, an array of strings, or one or more arrays of token ids"
	raw := f.members["prompt"]
	switch kind(raw) {
	case "a string":
		return []prompt{{text: f.text("prompt")}}
	case "missing", "null":
		f.fail("prompt", "is missing: %s is expected", want)
		return nil
	}
	var list []json.RawMessage
	if !f.read("prompt", want, &list) {
		return nil
	}
	if len(list) == 0 {
		f.fail("prompt", "is empty: %s is expected", want)
		return nil
	}
	switch kind(list[0]) {
	case "a number":
		var ids []int32
		f.read("prompt", want+", each below 2³¹,", &ids)
		return []prompt{{ids: ids}}
	case "a string":
		var texts []string
		f.read("prompt", want, &texts)
		prompts := make([]prompt, len(texts))
		for i, t := range texts {
			prompts[i].text = t
		}
		return prompts
	}
	var lists [][]int32
	f.read("prompt", want, &lists)
	prompts := make([]prompt, len(lists))
	for i, ids := range lists {
		prompts[i].ids = ids
	}
	return prompts
}
