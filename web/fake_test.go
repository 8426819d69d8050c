package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// api answers like the server does, as a test wants it.
type api struct {
	*httptest.Server
	loading atomic.Bool // /health says 503
	failing atomic.Bool // every question is refused
	gone    chan string // questions whose client went away
	goOn    chan bool   // lets the answer to "slow" go on by one word

	mu    sync.Mutex
	asked []question

	kitchen kitchen // what the page Runs asks for
	dancer  dancer  // what the page Robot asks for
}

// question is a request to either API.
type question struct {
	Path        string  `json:"-"`
	Model       string  `json:"model"`
	Prompt      string  `json:"prompt"`
	Temperature float64 `json:"temperature"`
	MaxTokens   int     `json:"max_tokens"`
	Stream      bool    `json:"stream"`
	Messages    []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	} `json:"messages"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// text is what the model is to answer or to go on with.
func (q question) text() string {
	if len(q.Messages) > 0 {
		return q.Messages[len(q.Messages)-1].Content
	}
	return q.Prompt
}

const (
	digest      = "sha256:5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592"
	fingerprint = digest + "@fp32-avx2"
)

func newAPI(t *testing.T) *api {
	a := &api{gone: make(chan string, 8), goOn: make(chan bool)}
	mux := http.NewServeMux()
	mux.Handle("/", Handler(nil))
	mux.HandleFunc("GET /health", a.health)
	mux.HandleFunc("GET /v1/models", a.models)
	mux.HandleFunc("POST /v1/chat/completions", a.answer)
	mux.HandleFunc("POST /v1/completions", a.answer)
	mux.HandleFunc("GET /api/trace/{ref}", a.trace)
	a.kitchen.serve(mux)
	a.dancer.begin(t)
	a.dancer.serve(mux)
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.CloseClientConnections)
	t.Cleanup(a.Close)
	return a
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"message": message, "type": "invalid_request_error"}})
}

func (a *api) health(w http.ResponseWriter, r *http.Request) {
	if a.loading.Load() {
		refuse(w, http.StatusServiceUnavailable, "loading")
		return
	}
	fmt.Fprint(w, `{"status":"ok"}`)
}

func (a *api) models(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, `{"object":"list","data":[
		{"id":"tales","object":"model","samovar":{"digest":%q,"parameters":12582912,"quantization":"Q8_0","window":2048,"bits_per_byte":1.21,"licence":"CC-BY-4.0","run":"41","chat":true}},
		{"id":"stories260K","object":"model","samovar":{"digest":"sha256:00aa","parameters":260032,"quantization":"F32","window":512,"chat":false}},
		{"id":"elsewhere","object":"model"}]}`, digest)
}

// last returns the latest question.
func (a *api) last() question {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.asked) == 0 {
		return question{}
	}
	return a.asked[len(a.asked)-1]
}

func (a *api) answer(w http.ResponseWriter, r *http.Request) {
	q := question{Path: r.URL.Path}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	a.mu.Lock()
	a.asked = append(a.asked, q)
	count := len(a.asked)
	a.mu.Unlock()
	if a.failing.Load() {
		refuse(w, http.StatusBadRequest, "the prompt has 2100 tokens and the window 2048: shorten it")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	s := &stream{w: w, chat: len(q.Messages) > 0}
	s.begin()
	switch text := q.text(); {
	case strings.Contains(text, "slow"):
		for word := 1; ; word++ {
			select {
			case <-a.goOn:
				s.say(fmt.Sprintf("word%d ", word))
			case <-r.Context().Done():
				a.gone <- text
				return
			}
		}
	case strings.Contains(text, "cut"):
		s.say("Half an answer")
		<-a.goOn // it must have arrived: what is in flight dies with the connection
		panic(http.ErrAbortHandler)
	case strings.Contains(text, "code"):
		s.words(codeAnswer)
	case strings.Contains(text, "hostile"):
		s.words(hostileAnswer)
	case strings.Contains(text, "قصة"):
		s.words(arabicAnswer)
	case !s.chat:
		s.words(" She lived in a **small** house near the river. One day she found a round stone that was warm, and it began to hum.")
	default:
		s.words(fmt.Sprintf("This is answer %d: a hedgehog found a samovar in the snow, lit a small fire of pine cones, and by evening the whole forest had come for tea.", count))
	}
	s.end()
}

// stream writes the events of an answer as OpenAI's server does.
type stream struct {
	w    http.ResponseWriter
	chat bool
}

func (s *stream) event(fields string) {
	event := `data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"tales",` + fields + "}\n\n"
	// In two pieces, so that the page sees events cut anywhere.
	half := len(event) * 2 / 3
	fmt.Fprint(s.w, event[:half])
	s.w.(http.Flusher).Flush()
	fmt.Fprint(s.w, event[half:])
	s.w.(http.Flusher).Flush()
}

func (s *stream) begin() {
	fmt.Fprint(s.w, ": ping\n\n")
	if s.chat {
		s.event(`"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]`)
	}
}

func (s *stream) say(text string) {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	if s.chat {
		s.event(fmt.Sprintf(`"choices":[{"index":0,"delta":{"content":%s},"finish_reason":null}]`, b))
	} else {
		s.event(fmt.Sprintf(`"choices":[{"index":0,"text":%s,"finish_reason":null}]`, b))
	}
}

func (s *stream) words(text string) {
	for word := range strings.SplitAfterSeq(text, " ") {
		s.say(word)
		time.Sleep(200 * time.Microsecond)
	}
}

func (s *stream) end() {
	s.event(`"choices":[{"index":0,"delta":{},"text":"","finish_reason":"stop"}]`)
	s.event(fmt.Sprintf(`"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":34,"total_tokens":43},"system_fingerprint":%q,`+
		`"samovar":{"joules":12.34,"method":"estimated (TDP × load)","tokens_per_second":118.2,"seconds":0.29}`, fingerprint))
	fmt.Fprint(s.w, "data: [DONE]\n\n")
}

func (a *api) trace(w http.ResponseWriter, r *http.Request) {
	ref := r.PathValue("ref")
	if ref != digest && ref != fingerprint {
		refuse(w, http.StatusNotFound, "nothing is recorded about "+ref)
		return
	}
	const how = `"machine":"EPYC","code":"0.1.0","finished":"2026-11-22 08:28 UTC"`
	fmt.Fprintf(w, `{"ref":%q,"digest":%q,"steps":[
		{"kind":"model","digest":%q,"stage":"quantize","run":"42","summary":{"bits per weight":"8.52","bits per byte":"1.212","energy":"12.5 J, measured (RAPL)",`+how+`},"inputs":["sha256:27e0e500aa11bb22"]},
		{"kind":"model","digest":"sha256:27e0e500aa11bb22","stage":"tune","run":"41","summary":{"tokens":"610000","bits per byte":"1.21","energy":"9.1 kJ, measured (RAPL)",`+how+`},"inputs":["sha256:12a1e500aa11bb22"]},
		{"kind":"corpus","digest":"sha256:c0ffee00aa11bb22","stage":"collect","run":"37","summary":{"documents":"1812","bytes":24117248,"energy":"420.0 J, estimated (TDP × load)",`+how+`}},
		{"kind":"model","digest":"sha256:12a1e500aa11bb22","stage":"train","run":"40","summary":{"content":"not in this store; only the record of its run is","parameters":12582912,"tokens":"20000000","steps":1220,"loss":"2.013","validation bits per byte":"1.23","numerics":"fp32-avx2","peak_rate":0.003,"joules":187400,"method":"measured (RAPL)",`+how+`},"inputs":["sha256:54a2d500aa11bb22","sha256:7012e500aa11bb22"]},
		{"kind":"tokenizer","digest":"sha256:7012e500aa11bb22","stage":"tokenizer","run":"38","summary":{"vocabulary":"8192","energy":"350.5 J, estimated (TDP × load)",`+how+`},"inputs":["sha256:c0ffee00aa11bb22"]},
		{"kind":"shards","digest":"sha256:54a2d500aa11bb22","stage":"shard","run":"39","summary":{"train tokens":"6029312","energy":"61.0 J, estimated (TDP × load)",`+how+`},"inputs":["sha256:c0ffee00aa11bb22","sha256:7012e500aa11bb22"]}],
		"sources":[
		{"origin":"African Storybook","licence":"CC-BY-4.0","language":"en","documents":1530,"bytes":20971520},
		{"origin":"Contes du fleuve","licence":"CC-BY-SA-4.0","language":"fr","documents":282,"bytes":3145728}]}`, ref, digest, digest)
}

const codeAnswer = "## Reversing words\n\nHere is a **short** function. It splits `s` at white space, swaps the words from both ends, and joins them again:\n\n" +
	"```go\n// Reverse returns the words of s in reverse order.\nfunc Reverse(s string) string {\n\twords := strings.Fields(s)\n\tfor i, j := 0, len(words)-1; i < j; i, j = i+1, j-1 {\n" +
	"\t\twords[i], words[j] = words[j], words[i] // a comment that is long enough to need scrolling on a phone\n\t}\n\treturn strings.Join(words, \" \")\n}\n```\n\n" +
	"What to know about it:\n\n1. It needs the package `strings`.\n2. White space between the words becomes one space.\n   - So do tabs and line ends.\n3. An empty text stays empty.\n\n" +
	"> A small model can be wrong: run the tests.\n\n| Input | Output |\n|---|---|\n| `a b c` | `c b a` |\n| `tea` | `tea` |\n\nSee [the documentation](https://pkg.go.dev/strings) for more."

const hostileAnswer = "<img src=\"/x.png\" onerror=\"alert(1)\"> <script>alert(2)</script> <style>body{display:none}</style>\n\n" +
	"![pixel](https://example.org/pixel.png) [bad](javascript:alert(3)) [good](https://example.org/page)\n\n" +
	"<iframe src=\"https://example.org\"></iframe>\n\n```x\" onmouseover=\"alert(4)\n<b>not bold</b>\n```\n\n| <svg onload=alert(5)> |\n|---|\n| [x](data:text/html,hi) |\n\nThe end."

const arabicAnswer = "كان يا ما كان، في غابة يغطيها الثلج، قنفذ صغير وجد **ساموفارًا** نحاسيًا قديمًا.\n\n- أشعل نارًا من أكواز الصنوبر\n- ودعا `الغابة` كلها إلى الشاي\n\n" +
	"```go\nfmt.Println(\"شاي\")\n```\n\nوعند المساء جاء الجميع."
