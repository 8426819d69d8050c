package serve

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"samovar/infer"
)

// asked posts a body and decodes the answer strictly.
func asked[T any](t testing.TB, url, body string) T {
	t.Helper()
	status, b := post(t, url, body)
	if status != 200 {
		t.Fatalf("%d %s for %s", status, b, body)
	}
	return decode[T](t, b)
}

// events returns the data of a stream's events. Anything but whole events of
// one line of data, comments and a last [DONE] is an error.
func events(t testing.TB, url, body string) []string {
	t.Helper()
	r, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if kind := r.Header.Get("Content-Type"); r.StatusCode != 200 || kind != "text/event-stream; charset=utf-8" {
		b, _ := io.ReadAll(r.Body)
		t.Fatalf("%d %s %s", r.StatusCode, kind, b)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, event := range strings.SplitAfter(string(b), "\n\n") {
		if event == "" || strings.HasPrefix(event, ":") {
			continue
		}
		data, ok := strings.CutPrefix(strings.TrimSuffix(event, "\n\n"), "data: ")
		if !ok || !strings.HasSuffix(event, "\n\n") || strings.Contains(data, "\n") {
			t.Fatalf("%q is not an event", event)
		}
		list = append(list, data)
	}
	if len(list) == 0 || list[len(list)-1] != "[DONE]" {
		t.Fatalf("the stream does not end with [DONE]: %q", b)
	}
	return list[:len(list)-1]
}

// free keeps the model from ending an answer: the trained tokenizer's special
// tokens are its last eight.
const free = `"logit_bias":{"280":-100,"281":-100,"282":-100,"283":-100,"284":-100,"285":-100,"286":-100,"287":-100}`

func chatBody(more string) string {
	return `{"model":"tales","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"the quick"},{"type":"text","text":" fox"}]}],` + free + more + `}`
}

func TestChat(t *testing.T) {
	_, h := start(t, Config{})
	o := asked[chatObject](t, h.URL+"/v1/chat/completions", chatBody(`,"max_tokens":20,"seed":3`))
	c := o.Choices[0]
	if o.Object != "chat.completion" || !strings.HasPrefix(o.ID, "chatcmpl-") || o.Model != "tales" || len(o.Choices) != 1 || c.Scores != nil {
		t.Errorf("%+v", o)
	}
	if c.Message.Role != "assistant" || *c.Message.Content == "" || *c.Finish != "length" || !utf8.ValidString(*c.Message.Content) {
		t.Errorf("%+v", c)
	}
	if !strings.HasPrefix(o.Fingerprint, digest+"@fp32-") {
		t.Errorf("the fingerprint is %s", o.Fingerprint)
	}
	if u := o.Usage; u.Completion != 20 || u.Prompt < 10 || u.Total != u.Prompt+20 {
		t.Errorf("%+v", u)
	}
	if f := o.Samovar; f.Joules != nil || f.Seed != 3 || f.Seconds <= 0 || f.TokensPerSecond <= 0 {
		t.Errorf("%+v", f)
	}
	if again := asked[chatObject](t, h.URL+"/v1/chat/completions", chatBody(`,"max_tokens":20,"seed":3`)); *again.Choices[0].Message.Content != *c.Message.Content {
		t.Error("the same request has another answer")
	} else if again.Usage.Details.Cached != 32 {
		t.Errorf("%d of %d tokens came from the cache", again.Usage.Details.Cached, again.Usage.Prompt)
	}
}

// A stream says what the whole answer says, in the order that clients rely on.
func TestStream(t *testing.T) {
	_, h := start(t, Config{})
	url := h.URL + "/v1/chat/completions"
	whole := asked[chatObject](t, url, chatBody(`,"max_tokens":30,"seed":4`))
	for _, withUsage := range []bool{false, true} {
		list := events(t, url, chatBody(fmt.Sprintf(`,"max_tokens":30,"seed":4,"stream":true,"stream_options":{"include_usage":%v}`, withUsage)))
		var text strings.Builder
		if withUsage {
			last := decode[chatObject](t, []byte(list[len(list)-1]))
			if len(last.Choices) != 0 || last.Usage.Completion != 30 || last.Usage.Total != whole.Usage.Total || last.Samovar == nil || last.Samovar.Seed != 4 {
				t.Errorf("the last chunk is %s", list[len(list)-1])
			}
			list = list[:len(list)-1]
		}
		first := decode[chatObject](t, []byte(list[0]))
		for i, data := range list {
			o := decode[chatObject](t, []byte(data))
			if o.ID != first.ID || o.Created != first.Created || o.Object != "chat.completion.chunk" || o.Fingerprint != whole.Fingerprint || len(o.Choices) != 1 || o.Usage != nil {
				t.Fatalf("chunk %d is %s", i, data)
			}
			delta, finish := o.Choices[0].Delta, o.Choices[0].Finish
			switch {
			case i == 0:
				if delta.Role != "assistant" || *delta.Content != "" || finish != nil {
					t.Errorf("the first chunk is %s", data)
				}
			case i == len(list)-1:
				if delta.Role != "" || delta.Content != nil || *finish != "length" || (o.Samovar == nil) != withUsage || !strings.Contains(data, `"delta":{}`) {
					t.Errorf("the finishing chunk is %s", data)
				}
			default:
				if delta.Role != "" || *delta.Content == "" || finish != nil || !strings.Contains(data, `"finish_reason":null`) {
					t.Errorf("chunk %d is %s", i, data)
				}
				text.WriteString(*delta.Content)
			}
		}
		if text.String() != *whole.Choices[0].Message.Content {
			t.Errorf("the stream says %q, the whole answer %q", text.String(), *whole.Choices[0].Message.Content)
		}
	}
}

// The bytes of a stream, with ids, times and figures of energy taken out. The
// golden file was written by this server once TestStream held, and compared by
// eye with OpenAI's documentation of chunks; SAMOVAR_UPDATE=1 writes it anew.
func TestStreamGolden(t *testing.T) {
	_, h := start(t, Config{})
	list := events(t, h.URL+"/v1/chat/completions", chatBody(`,"max_tokens":3,"temperature":0,"stream":true,"stream_options":{"include_usage":true},"seed":1`))
	got := strings.Join(list, "\n") + "\n"
	for pattern, with := range map[string]string{
		`"id":"chatcmpl-[A-Z2-7]{26}"`: `"id":"ID"`, `"created":[0-9]+`: `"created":0`, `@fp32-[a-z0-9]+`: "@NUMERICS", `"content":"[^"]+"`: `"content":"TEXT"`,
		`"tokens_per_second":[0-9.e+-]+`: `"tokens_per_second":0`, `"seconds":[0-9.e+-]+`: `"seconds":0`,
	} {
		got = regexp.MustCompile(pattern).ReplaceAllString(got, with)
	}
	const file = "testdata/stream.jsonl"
	if os.Getenv("SAMOVAR_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the stream is\n%s\nand was\n%s", got, want)
	}
}

func TestChoices(t *testing.T) {
	_, h := start(t, Config{})
	url := h.URL + "/v1/chat/completions"
	three := asked[chatObject](t, url, chatBody(`,"max_tokens":12,"seed":9,"n":3`))
	if len(three.Choices) != 3 || three.Usage.Completion != 36 {
		t.Fatalf("%d choices, %+v", len(three.Choices), three.Usage)
	}
	seen := map[string]bool{}
	for i, c := range three.Choices {
		one := asked[chatObject](t, url, chatBody(fmt.Sprintf(`,"max_tokens":12,"seed":%d`, 9+i)))
		if *c.Message.Content != *one.Choices[0].Message.Content || c.Index != i {
			t.Errorf("choice %d is %q; alone it is %q", i, *c.Message.Content, *one.Choices[0].Message.Content)
		}
		seen[*c.Message.Content] = true
	}
	if len(seen) < 2 {
		t.Error("all choices are alike")
	}
	texts := make([]string, 3)
	roles := 0
	for _, data := range events(t, url, chatBody(`,"max_tokens":12,"seed":9,"n":3,"stream":true`)) {
		c := decode[chatObject](t, []byte(data)).Choices[0]
		if c.Delta.Role != "" {
			roles++
		}
		if c.Delta.Content != nil {
			texts[c.Index] += *c.Delta.Content
		}
	}
	for i, c := range three.Choices {
		if texts[i] != *c.Message.Content {
			t.Errorf("choice %d of the stream is %q instead of %q", i, texts[i], *c.Message.Content)
		}
	}
	if roles != 3 {
		t.Errorf("%d deltas have a role", roles)
	}
}

func TestConcurrent(t *testing.T) {
	s, h := start(t, Config{})
	url := h.URL + "/v1/chat/completions"
	body := func(i int) string { return chatBody(fmt.Sprintf(`,"max_tokens":%d,"seed":%d`, 5+3*i, i)) }
	alone := make([]string, 10)
	for i := range alone {
		alone[i] = *asked[chatObject](t, url, body(i)).Choices[0].Message.Content
	}
	var wait sync.WaitGroup
	for i := range alone {
		wait.Go(func() {
			if got := *asked[chatObject](t, url, body(i)).Choices[0].Message.Content; got != alone[i] {
				t.Errorf("request %d is answered %q among others, %q alone", i, got, alone[i])
			}
		})
	}
	wait.Wait()
	idle(t, s, "tales")
}

func TestStops(t *testing.T) {
	s, h := start(t, Config{})
	url := h.URL + "/v1/completions"
	body := func(more string) string {
		return `{"model":"tales","prompt":"the quick","max_tokens":60,"seed":2,` + free + more + `}`
	}
	whole := asked[completionObject](t, url, body("")).Choices[0].Text
	letters := []rune(whole)
	stop := string(letters[10:13])
	want := whole[:strings.Index(whole, stop)]
	quoted, _ := json.Marshal(stop)
	for _, list := range []string{string(quoted), `["never said",` + string(quoted) + `]`} {
		o := asked[completionObject](t, url, body(`,"stop":`+list))
		if c := o.Choices[0]; c.Text != want || *c.Finish != "stop" {
			t.Errorf("with the stop %s the answer is %q, %s; %q is expected", list, c.Text, *c.Finish, want)
		}
		var text string
		for _, data := range events(t, url, body(`,"stream":true,"stop":`+list)) {
			text += decode[completionObject](t, []byte(data)).Choices[0].Text
		}
		if text != want {
			t.Errorf("with the stop %s the stream is %q; %q is expected", list, text, want)
		}
	}
	idle(t, s, "tales") // nobody goes on writing behind a stop
	// The model's own end is said by nobody.
	o := asked[completionObject](t, url, `{"model":"tales","prompt":"the","logit_bias":{"280":100}}`)
	if c := o.Choices[0]; c.Text != "" || *c.Finish != "stop" || o.Usage.Completion != 1 {
		t.Errorf("%+v %+v", c, o.Usage)
	}
}

func TestRelease(t *testing.T) {
	for _, tt := range []struct {
		stops  []string
		pieces string // separated by |
		want   string // what is released after each
		finish infer.Finish
	}{
		{nil, "a|b", "a|b", infer.Going},
		{[]string{"END"}, "say E|N|D now", "say ||", infer.Stop},
		{[]string{"END"}, "E|N|OUGH", "||ENOUGH", infer.Going},
		{[]string{"aab"}, "a|a|a|b|c", "||a||", infer.Stop},
		{[]string{"long", "on"}, "l|on|g", "|l|", infer.Stop},
		{[]string{"b", "ab"}, "xab", "x", infer.Stop},
		{[]string{"конец"}, "это ко|нец!", "это |", infer.Stop},
	} {
		a := answer{stops: tt.stops}
		var got []string
		for _, p := range strings.Split(tt.pieces, "|") {
			if a.finish != infer.Going {
				got = append(got, "")
				continue
			}
			a.held += p
			got = append(got, a.release())
		}
		if s := strings.Join(got, "|"); s != tt.want || a.finish != tt.finish {
			t.Errorf("%q with stops %q: %q, %q", tt.pieces, tt.stops, s, a.finish)
		}
	}
}

// What lm-evaluation-harness asks for: the prompt's own log-probabilities.
func TestEcho(t *testing.T) {
	_, h := start(t, Config{})
	url := h.URL + "/v1/completions"
	ids := trained().Encode(nil, "the quick brown fox jumps over the lazy dog")
	list, _ := json.Marshal(ids)
	for _, most := range []int{0, 1} {
		o := asked[completionObject](t, url, fmt.Sprintf(`{"model":"base","prompt":[%s,%s],"echo":true,"logprobs":2,"max_tokens":%d,"temperature":0}`, list, `[1,2,3]`, most))
		if len(o.Choices) != 2 {
			t.Fatalf("%d choices", len(o.Choices))
		}
		c := o.Choices[0]
		l := c.Scores
		if len(l.Tokens) != len(ids)+most || len(l.Scores) != len(l.Tokens) || len(l.Top) != len(l.Tokens) || len(l.Offsets) != len(l.Tokens) {
			t.Fatalf("%d tokens, %d scores, %d top, %d offsets of %d", len(l.Tokens), len(l.Scores), len(l.Top), len(l.Offsets), len(ids)+most)
		}
		if !strings.HasPrefix(c.Text, "the quick brown fox jumps over the lazy dog") || l.Scores[0] != nil || l.Top[0] != nil {
			t.Errorf("%q, the first score is %v", c.Text, l.Scores[0])
		}
		if strings.Join(l.Tokens[:len(ids)], "") != "the quick brown fox jumps over the lazy dog" {
			t.Errorf("the tokens are %q", l.Tokens)
		}
		for i := 1; i < len(l.Tokens); i++ {
			best := math.Inf(-1)
			for _, v := range l.Top[i] {
				best = max(best, v)
			}
			if *l.Scores[i] > 0 || *l.Scores[i] > best || len(l.Top[i]) == 0 || i < len(ids) && c.Text[l.Offsets[i]:l.Offsets[i]+len(l.Tokens[i])] != l.Tokens[i] {
				t.Errorf("token %d, %q at %d: %v of %v", i, l.Tokens[i], l.Offsets[i], *l.Scores[i], l.Top[i])
			}
		}
		if o.Usage.Completion != 2*most {
			t.Errorf("%+v", o.Usage)
		}
	}
	o := asked[completionObject](t, url, `{"model":"base","prompt":["the cat","the dog"],"max_tokens":4,"n":2,"logprobs":0,"seed":1}`)
	if len(o.Choices) != 4 || len(o.Choices[3].Scores.Tokens) == 0 || *o.Choices[3].Scores.Scores[0] > 0 {
		t.Errorf("%+v", o)
	}
	if got := events(t, url, `{"model":"base","prompt":"the cat","max_tokens":2,"echo":true,"stream":true}`); decode[completionObject](t, []byte(got[0])).Choices[0].Text != "the cat" {
		t.Errorf("the first event is %s", got[0])
	}
}

func TestChatScores(t *testing.T) {
	_, h := start(t, Config{})
	url := h.URL + "/v1/chat/completions"
	o := asked[chatObject](t, url, chatBody(`,"max_tokens":5,"seed":1,"logprobs":true,"top_logprobs":3,"temperature":0`))
	l := o.Choices[0].Scores.Content
	if len(l) != 5 {
		t.Fatalf("%d scores", len(l))
	}
	var all []byte
	for _, s := range l {
		if len(s.Top) != 3 || s.Top[0].Log < s.Top[1].Log || s.Log > 0 || math.IsNaN(s.Log) {
			t.Errorf("%+v", s)
		}
		for _, b := range s.Bytes {
			all = append(all, byte(b))
		}
	}
	if got := strings.ToValidUTF8(string(all), ""); strings.ReplaceAll(*o.Choices[0].Message.Content, "�", "") != got {
		t.Errorf("the bytes of the tokens are %q, the text is %q", got, *o.Choices[0].Message.Content)
	}
	n := 0
	for _, data := range events(t, url, chatBody(`,"max_tokens":5,"seed":1,"logprobs":true,"stream":true,"temperature":0`)) {
		if c := decode[chatObject](t, []byte(data)).Choices[0]; c.Scores != nil && len(c.Scores.Content) > 0 {
			if c.Scores.Content[0].Log != l[n].Log {
				t.Errorf("score %d is %g in the stream and %g as a whole", n, c.Scores.Content[0].Log, l[n].Log)
			}
			n++
		}
	}
	if n != 5 {
		t.Errorf("%d scores in the stream", n)
	}
}

// Every mistake has one clear line that names the field.
func TestRefusals(t *testing.T) {
	_, h := start(t, Config{})
	long, _ := json.Marshal(slices.Repeat([]int32{65}, 201))
	user := func(more string) string {
		return `{"model":"tales","messages":[{"role":"user","content":"a"}]` + more + `}`
	}
	for _, tt := range []struct {
		path, body string
		status     int
		param      string
		want       string
	}{
		{"chat/completions", `{`, 400, "", "not a JSON object"},
		{"chat/completions", ``, 400, "", "not a JSON object"},
		{"chat/completions", `[]`, 400, "", "it is an array"},
		{"chat/completions", `null`, 400, "", "null"},
		{"chat/completions", `{} {}`, 400, "", "not a JSON object"},
		{"chat/completions", `{}`, 400, "messages", "messages is missing"},
		{"chat/completions", `{"messages":[]}`, 400, "messages", "0 messages"},
		{"chat/completions", `{"messages":"hello"}`, 400, "messages", "messages is a string: an array"},
		{"chat/completions", `{"messages":["hello"]}`, 400, "messages[0]", "messages[0] is a string"},
		{"chat/completions", `{"messages":[{"role":"user"}]}`, 400, "messages[0].content", "missing"},
		{"chat/completions", `{"messages":[{"role":"user","content":7}]}`, 400, "messages[0].content", "is a number"},
		{"chat/completions", `{"messages":[{"role":"user","content":"a"},{"role":"robot","content":"a"}]}`, 400, "messages[1].role", `is "robot"`},
		{"chat/completions", `{"messages":[{"content":"a"}]}`, 400, "messages[0].role", "is missing"},
		{"chat/completions", `{"messages":[{"role":5,"content":"a"}]}`, 400, "messages[0].role", "is a number"},
		{"chat/completions", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}]}`, 400, "messages[0].content[0].type", "no images"},
		{"chat/completions", `{"messages":[{"role":"user","content":[{"type":"text"}]}]}`, 400, "messages[0].content[0].text", "missing"},
		{"chat/completions", user(`,"temperature":"hot"`), 400, "temperature", "temperature is a string: a number from 0 to 2 is expected"},
		{"chat/completions", user(`,"temperature":2.1`), 400, "temperature", "temperature is 2.1"},
		{"chat/completions", user(`,"temperature":1e999`), 400, "temperature", "1e999"},
		{"chat/completions", user(`,"top_p":-0.1`), 400, "top_p", "0 to 1"},
		{"chat/completions", user(`,"max_tokens":0`), 400, "max_tokens", "max_tokens is 0"},
		{"chat/completions", user(`,"max_tokens":1.5`), 400, "max_tokens", "whole number"},
		{"chat/completions", user(`,"max_completion_tokens":-1`), 400, "max_completion_tokens", "-1"},
		{"chat/completions", user(`,"seed":99999999999999999999`), 400, "seed", "whole number"},
		{"chat/completions", user(`,"n":0`), 400, "n", "1 to 128"},
		{"chat/completions", user(`,"stream":1`), 400, "stream", "true or false"},
		{"chat/completions", user(`,"stop":["a","b","c","d","e"]`), 400, "stop", "5 strings"},
		{"chat/completions", user(`,"stop":[1]`), 400, "stop", "strings"},
		{"chat/completions", user(`,"stop":""`), 400, "stop", "0 bytes"},
		{"chat/completions", user(`,"top_logprobs":3`), 400, "top_logprobs", "needs logprobs"},
		{"chat/completions", user(`,"logprobs":true,"top_logprobs":21`), 400, "top_logprobs", "0 to 20"},
		{"chat/completions", user(`,"logit_bias":{"x":1}`), 400, "logit_bias", "token id"},
		{"chat/completions", user(`,"logit_bias":{"1":"a"}`), 400, "logit_bias", "1 is a string"},
		{"chat/completions", user(`,"logit_bias":{"99999":1}`), 400, "messages", "99999"},
		{"chat/completions", user(`,"stream_options":{"include_usage":true}`), 400, "stream_options", "only for streams"},
		{"chat/completions", user(`,"tools":[{"type":"function"}]`), 400, "tools", "not supported"},
		{"chat/completions", user(`,"response_format":{"type":"json_object"}`), 400, "response_format", "json_object"},
		{"chat/completions", user(`,"repetition_penalty":0`), 400, "repetition_penalty", "0.01"},
		{"chat/completions", `{"model":"talse","messages":[{"role":"user","content":"a"}]}`, 404, "model", `there is no model "talse": did you mean "tales"? Known are tales, base`},
		{"chat/completions", `{"model":7,"messages":[{"role":"user","content":"a"}]}`, 400, "model", "model is a number"},
		{"chat/completions", `{"model":"base","messages":[{"role":"user","content":"a"}]}`, 400, "model", "/v1/completions"},
		{"chat/completions", `{"model":"tales","messages":[{"role":"user","content":"` + strings.Repeat("a b", 100) + `"}]}`, 400, "messages", "the window holds 200"},
		{"completions", `{"model":"base"}`, 400, "prompt", "missing"},
		{"completions", `{"model":"base","prompt":{}}`, 400, "prompt", "is an object"},
		{"completions", `{"model":"base","prompt":[]}`, 400, "prompt", "empty"},
		{"completions", `{"model":"base","prompt":["a",1]}`, 400, "prompt", "array"},
		{"completions", `{"model":"base","prompt":[1,"a"]}`, 400, "prompt", "array"},
		{"completions", `{"model":"base","prompt":[1,-5]}`, 400, "prompt", "-5"},
		{"completions", `{"model":"base","prompt":[288]}`, 400, "prompt", "the vocabulary has 288"},
		{"completions", `{"model":"base","prompt":[1e30]}`, 400, "prompt", "below 2³¹"},
		{"completions", `{"model":"base","prompt":` + string(long) + `}`, 400, "prompt", "201 tokens and the window holds 200"},
		{"completions", `{"model":"base","prompt":"a","suffix":"b"}`, 400, "suffix", "not supported"},
		{"completions", `{"model":"base","prompt":"a","max_tokens":0}`, 400, "max_tokens", "echo"},
		{"completions", `{"model":"base","prompt":"a","best_of":3}`, 400, "best_of", "3"},
		{"completions", `{"model":"base","prompt":["a","b"],"n":100}`, 400, "prompt", "200 answers"},
		{"completions", `{"model":"base","prompt":"a","echo":true,"logprobs":1,"stream":true}`, 400, "stream", "echo"},
		{"completions", `{"model":"base","prompt":"` + strings.Repeat("a", maxBody) + `"}`, 413, "", "10 MB"},
		{"embeddings", `{}`, 404, "", "there is no POST /v1/embeddings"},
	} {
		status, b := post(t, h.URL+"/v1/"+tt.path, tt.body)
		f := decode[said](t, b)
		if status != tt.status || text(f.Error.Param) != tt.param || !strings.Contains(f.Error.Message, tt.want) || strings.Contains(f.Error.Message, "\n") || f.Error.Type != "invalid_request_error" {
			t.Errorf("%.100s\n: %d, param %q, %s", tt.body, status, text(f.Error.Param), b)
		}
		if strings.Contains(tt.want, "the window holds") && text(f.Error.Code) != "context_length_exceeded" {
			t.Errorf("the code of a prompt that is too long is %q", text(f.Error.Code))
		}
	}
	// null and unknown members are as good as absent.
	asked[chatObject](t, h.URL+"/v1/chat/completions", user(`,"max_tokens":1,"user":"x","temperature":null,"stop":null,"logit_bias":null,"tools":[],"foo":{"a":[1]}`))
}

// A client that goes away frees its sequence.
func TestGone(t *testing.T) {
	s, h := start(t, Config{})
	for range 5 {
		r, err := http.Post(h.URL+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"the","max_tokens":190,"stream":true,`+free+`}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(r.Body).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
	}
	idle(t, s, "tales")
}

func TestOverload(t *testing.T) {
	s, h := start(t, Config{Queue: 3})
	m, _ := s.find("tales")
	l, err := m.use(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.turn.Lock() // nothing moves
	first := make(chan struct{})
	go func() {
		defer close(first)
		asked[completionObject](t, h.URL+"/v1/completions", `{"prompt":["a","b"],"max_tokens":1}`)
	}()
	for load := 0; load != 2; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		load = l.load
		l.mu.Unlock()
	}
	r, err := http.Post(h.URL+"/v1/completions", "application/json", strings.NewReader(`{"prompt":["a","b"]}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
		t.Errorf("%d, Retry-After %q", r.StatusCode, r.Header.Get("Retry-After"))
	}
	s.turn.Unlock()
	<-first
	// More at once than the queue holds is possible while there is nothing else.
	asked[completionObject](t, h.URL+"/v1/completions", `{"prompt":["a","b","c","d"],"max_tokens":1}`)
	idle(t, s, "tales")
}

// Any parameters are answered or refused, never an error of the server.
func TestParameters(t *testing.T) {
	s, h := start(t, Config{})
	names := []string{
		"temperature", "top_k", "top_p", "min_p", "repetition_penalty", "repeat_penalty", "frequency_penalty", "presence_penalty",
		"repeat_last_n", "seed", "max_tokens", "max_completion_tokens", "n", "logprobs", "top_logprobs", "stop", "stream", "echo",
		"logit_bias", "stream_options", "suffix", "best_of", "response_format", "tools",
	}
	values := []string{
		"0", "1", "-1", "2", "0.5", "1e308", "-1e308", "1e-320", "1e999", "9223372036854775807", "-9223372036854775808", "9007199254740993",
		"true", "false", "null", `""`, `"a"`, `"the"`, "[]", `["a"]`, "[1]", "{}", `{"1":100,"2":-100}`, `{"include_usage":true}`, `{"type":"text"}`, "20", "128",
	}
	rapid.Check(t, func(r *rapid.T) {
		body := map[string]json.RawMessage{"prompt": json.RawMessage(`"the quick"`), "messages": json.RawMessage(`[{"role":"user","content":"the"}]`), "max_tokens": json.RawMessage("3")}
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(names), 0, 4).Draw(r, "names") {
			body[name] = json.RawMessage(rapid.SampledFrom(values).Draw(r, name))
		}
		b, err := json.Marshal(body)
		if err != nil {
			r.Fatal(err)
		}
		path := rapid.SampledFrom([]string{"/v1/completions", "/v1/chat/completions"}).Draw(r, "path")
		if status, answer := post(t, h.URL+path, string(b)); status != 200 && status != 400 {
			r.Fatalf("%d %s for %s", status, answer, b)
		} else if status == 200 && strings.Contains(string(answer), `"error"`) {
			r.Fatalf("%s for %s", answer, b)
		}
	})
	idle(t, s, "tales")
}

func FuzzRequest(f *testing.F) {
	f.Add(chatBody(`,"n":2,"stop":["a"],"stream":true`))
	f.Add(`{"prompt":[[1,2],[3]],"echo":true,"logprobs":3,"max_tokens":0,"logit_bias":{"3":1}}`)
	f.Add(`{"prompt":["a"],"temperature":1e400,"stream_options":{"include_usage":1}}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, read := range []func(*fields) (question, *failure){readChat, readCompletion} {
			m, err := object([]byte(body))
			if err != nil {
				return
			}
			q, fail := read(&m)
			switch {
			case fail != nil:
				if fail.status != 400 || fail.message == "" || strings.ContainsAny(fail.message, "\n\r") {
					t.Errorf("%+v", fail)
				}
			case q.sampling.Check(1<<30) != nil && len(q.sampling.Bias) == 0:
				t.Errorf("%v gets through", q.sampling.Check(1<<30))
			case q.choices < 1 || len(q.stops) > 4 || len(q.messages) == 0 && len(q.given) == 0:
				t.Errorf("%+v", q)
			}
		}
	})
}
