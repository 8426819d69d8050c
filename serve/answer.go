package serve

import (
	"strings"
	"time"

	"samovar/infer"
	"samovar/tokenizer"
)

// answer is one choice as far as it has come.
type answer struct {
	decoder *tokenizer.Decoder
	stops   []string
	held    string // text that may be the beginning of a stop string
	tokens  int
	finish  infer.Finish
	prompt  []scored // the prompt's tokens, if their scores are wanted
}

// scored is a token with its log-probability and the likeliest in its place.
type scored struct {
	infer.Score
	top []infer.Score
}

// piece is what one token adds to an answer.
type piece struct {
	text   string
	scores []scored
}

// add takes up what a step did. The token that ends an answer adds no text.
func (a *answer) add(n *note, wanted bool) piece {
	for i, score := range n.Prompt {
		a.prompt = append(a.prompt, scored{score, n.Tops[i]})
	}
	var p piece
	a.finish = n.Finish
	if n.Token != infer.None {
		a.tokens++
		if n.Finish != infer.Stop {
			a.held += a.decoder.Next(n.Token)
			if wanted {
				p.scores = []scored{{infer.Score{Token: n.Token, Log: n.Score}, n.Top}}
			}
		}
	}
	if a.finish != infer.Going {
		a.held += a.decoder.Flush()
	}
	p.text = a.release()
	return p
}

// release returns the text that is certain: up to a stop string, which ends
// the answer, or to what may become one.
func (a *answer) release() string {
	first := -1
	for _, s := range a.stops {
		if i := strings.Index(a.held, s); i >= 0 && (first < 0 || i < first) {
			first = i
		}
	}
	keep := 0
	if first >= 0 {
		a.finish = infer.Stop
		keep = len(a.held) - first
	} else if a.finish == infer.Going {
		for _, s := range a.stops {
			keep = max(keep, overlap(a.held, s))
		}
	}
	text := a.held[:len(a.held)-keep]
	a.held = a.held[len(text):]
	return text
}

// overlap is the length of the longest end of text that is a beginning of s,
// but not all of it.
func overlap(text, s string) int {
	for n := min(len(text), len(s)-1); n > 0; n-- {
		if strings.HasSuffix(text, s[:n]) {
			return n
		}
	}
	return 0
}

// usage is what an answer took, in tokens.
type usage struct {
	Prompt     int     `json:"prompt_tokens"`
	Completion int     `json:"completion_tokens"`
	Total      int     `json:"total_tokens"`
	Details    details `json:"prompt_tokens_details"`
}

type details struct {
	Cached int `json:"cached_tokens"`
}

// Figures is what an answer took beside tokens.
type Figures struct {
	Joules          *float64 `json:"joules"` // null: there is no meter
	Method          string   `json:"method,omitempty"`
	TokensPerSecond float64  `json:"tokens_per_second"` // from the first token to the last, of all choices
	Seconds         float64  `json:"seconds"`           // from the request being taken on to the last token
	Seed            uint64   `json:"seed"`              // with which the same request has the same answer
}

// tally counts what a request takes.
type tally struct {
	usage       usage
	joules      float64
	start       time.Time
	first, last time.Time // of the tokens generated
}

func (t *tally) add(n *note, leading bool) {
	t.joules += n.joules
	if leading {
		t.usage.Details.Cached += n.cached
	}
	if n.Token != infer.None {
		t.last = time.Now()
		if t.first.IsZero() {
			t.first = t.last
		}
		t.usage.Completion++
		t.usage.Total++
	}
}
