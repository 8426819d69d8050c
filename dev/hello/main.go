// Command hello measures how long it takes from a greeting that somebody has typed to
// the first sound of the robot's answer, with a model that samovar serves:
//
//	go build -o bin/samovar ./cmd/samovar && ./bin/samovar serve house &
//	go run ./dev/hello
//
// With -voice it measures how long espeak-ng takes for sentences of each language
// instead. It judges nothing. Start with greet.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"slices"
	"strings"
	"time"

	"samovar/robot/speech"
)

func main() {
	log.SetFlags(0)
	url := flag.String("url", "http://127.0.0.1:7788", "where samovar serves")
	model := flag.String("model", "house", "that answers")
	system := flag.Bool("system", false, "tell the model who it is")
	knows := flag.String("knows", "en", "languages of the model, with commas between; empty: all")
	voice := flag.Bool("voice", false, "measure the voice alone")
	times := flag.Int("n", 5, "times, of which the median is told")
	flag.Parse()
	v, err := speech.NewEspeak("")
	if err == nil && *voice {
		err = speak(v, *times)
	} else if err == nil {
		s := &served{url: *url, model: *model}
		if *knows != "" {
			s.knows = strings.Split(*knows, ",")
		}
		if *system {
			s.system = speech.Own().System()
		}
		err = greet(v, s, *times)
	}
	if err != nil {
		log.Fatalf("hello: %v", err)
	}
}

// greet has somebody greet the robot and ask who it is, in each language.
func greet(v speech.Voice, s *served, times int) error {
	for _, language := range speech.Languages {
		for _, what := range []string{"greet", "introduce"} {
			var first, token []time.Duration
			var said speech.Said
			for range times {
				h := speech.Host{Character: speech.Own(), Talker: speech.NewTalker(v, &speech.Silent{}), Speaker: s, Knows: s.knows}
				s.first = 0
				ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
				act := h.Greet
				if what == "introduce" {
					act = h.Introduce
				}
				// Nobody waits for the end: what was begun to be said is enough.
				h.Talker.Heard = func(u speech.Utterance) { go h.Talker.Stop() }
				var err error
				said, err = act(ctx, language)
				cancel()
				if err != nil {
					return err
				}
				first, token = append(first, said.First), append(token, s.first)
			}
			fmt.Printf("%s %-9s first token %4d ms, first sound %4d ms (at most %4d)  %s: %s\n", language, what, median(token).Milliseconds(),
				median(first).Milliseconds(), slices.Max(first).Milliseconds(), said.Language, said.Text)
		}
	}
	return nil
}

// speak speaks a short and a long sentence of each language.
func speak(v speech.Voice, times int) error {
	for _, language := range speech.Languages {
		c := speech.Own()
		for _, text := range []string{c.Greeting(language), c.Introduction(language)} {
			var took []time.Duration
			var clip speech.Clip
			for range times {
				start := time.Now()
				var err error
				if clip, err = v.Speak(context.Background(), text, language); err != nil {
					return err
				}
				took = append(took, time.Since(start))
			}
			fmt.Printf("%s %3d letters, %5.2f s of sound: %3d ms\n", language, len([]rune(text)), clip.Length().Seconds(), median(took).Milliseconds())
		}
	}
	return nil
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

// served is a samovar.Speaker: a model behind a chat API.
type served struct {
	url, model, system string
	knows              []string
	first              time.Duration // from the question to the first piece; 0: it was not asked
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func (s *served) Speak(ctx context.Context, prompt string, say func(string) error) error {
	start := time.Now()
	s.first = 0
	messages := []message{{"user", prompt}}
	if s.system != "" {
		messages = slices.Insert(messages, 0, message{"system", s.system})
	}
	body, err := json.Marshal(map[string]any{"model": s.model, "messages": messages, "stream": true, "temperature": 0.7, "seed": 1})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		return fmt.Errorf("%s answers %s: %s", s.url, answer.Status, text)
	}
	return stream(answer.Body, func(piece string) error {
		if s.first == 0 {
			s.first = time.Since(start)
		}
		return say(piece)
	})
}

// stream reads server-sent events of a chat completion.
func stream(r io.Reader, say func(string) error) error {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		if !found || data == "[DONE]" {
			continue
		}
		var event struct {
			Choices []struct {
				Delta struct {
					Content string `json:"content"`
				} `json:"delta"`
			} `json:"choices"`
		}
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			return err
		}
		for _, c := range event.Choices {
			if c.Delta.Content != "" {
				if err := say(c.Delta.Content); err != nil {
					return err
				}
			}
		}
	}
	return lines.Err()
}
