package task

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lines decodes JSON lines, each into a new T, and passes over empty ones.
func lines[T any](text []byte, each func(T) (Item, error)) (items []Item, err error) {
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return nil, fmt.Errorf("line %d: %s", n, unreadable(err))
		}
		it, err := each(v)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		it.Index = len(items)
		items = append(items, it)
	}
	return items, nil
}

// unreadable says in words why a line is not what is expected.
func unreadable(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return fmt.Sprintf("its field %q is a %s, which is not expected there", kind.Field, kind.Value)
	}
	return "it is no JSON object"
}

// pairs reads the minimal pairs of BLiMP (arXiv:1912.00582).
func pairs(_ string, text []byte) ([]Item, error) {
	return lines(text, func(v struct {
		Good string `json:"sentence_good"`
		Bad  string `json:"sentence_bad"`
	}) (Item, error) {
		if strings.TrimSpace(v.Good) == "" || strings.TrimSpace(v.Bad) == "" {
			return Item{}, errors.New(`the fields "sentence_good" and "sentence_bad" are expected, both with text`)
		}
		return Item{Choices: []string{v.Good, v.Bad}}, nil
	})
}

// label is the number of the right choice, as a number or as text.
type label struct {
	given bool
	value int
}

func (l *label) UnmarshalJSON(b []byte) error {
	v, err := strconv.Atoi(strings.Trim(string(b), `"`))
	if err != nil {
		return &json.UnmarshalTypeError{Value: "value that is no whole number"}
	}
	*l = label{true, v}
	return nil
}

// choices reads questions as JSON lines: {"ctx", "endings", "label"}, and with
// them the fields of HellaSwag's own files.
func choices(_ string, text []byte) ([]Item, error) {
	return lines(text, func(v struct {
		Activity *string  `json:"activity_label"`
		A        *string  `json:"ctx_a"`
		B        string   `json:"ctx_b"`
		Context  *string  `json:"ctx"`
		Endings  []string `json:"endings"`
		Label    label    `json:"label"`
	}) (Item, error) {
		it := Item{Choices: v.Endings, Answer: v.Label.value}
		switch {
		case v.Activity != nil && v.A != nil: // as lm-evaluation-harness puts HellaSwag together
			it.Context = clean(*v.Activity + ": " + *v.A + " " + capitalised(v.B))
			it.Choices = nil
			for _, e := range v.Endings {
				it.Choices = append(it.Choices, clean(e))
			}
		case v.Context != nil:
			it.Context = *v.Context
		default:
			return Item{}, errors.New(`the fields "ctx", "endings" and "label" are expected`)
		}
		if !v.Label.given {
			return Item{}, errors.New(`it has no field "label", the number of the right ending from 0`)
		}
		return it, it.check()
	})
}

// check finds a question that cannot be answered.
func (it Item) check() error {
	if len(it.Choices) < 2 {
		return fmt.Errorf("it has %d endings: at least two are expected", len(it.Choices))
	}
	if it.Answer < 0 || it.Answer >= len(it.Choices) {
		return fmt.Errorf("the right answer is number %d, and the %d endings are numbered from 0 to %d", it.Answer, len(it.Choices), len(it.Choices)-1)
	}
	for i, c := range it.Choices {
		if strings.TrimSpace(c) == "" {
			return fmt.Errorf("its ending %d is empty", i)
		}
	}
	return nil
}

var brackets = regexp.MustCompile(`\[.*?\]`)

// clean takes the marks of WikiHow out of HellaSwag (arXiv:1905.07830), as
// lm-evaluation-harness does.
func clean(s string) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), " [title]", ". ")
	return strings.ReplaceAll(brackets.ReplaceAllString(s, ""), "  ", " ")
}

// capitalised is Python's str.capitalize.
func capitalised(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	return string(unicode.ToTitle(r)) + strings.ToLower(s[n:])
}

// hellaswag reads groups of six lines: context, number of the right ending,
// four endings.
func hellaswag(_ string, text []byte) (items []Item, err error) {
	all := strings.Split(strings.TrimRight(string(text), "\r\n"), "\n")
	if len(all) == 1 && all[0] == "" {
		return nil, nil
	}
	if len(all)%6 != 0 {
		return nil, fmt.Errorf("it has %d lines: groups of six are expected, of context, number of the right ending, and four endings", len(all))
	}
	for i := 0; i < len(all); i += 6 {
		answer, err := strconv.Atoi(strings.TrimSpace(all[i+1]))
		if err != nil {
			return nil, fmt.Errorf("line %d: the number of the right ending is expected, not %.40q", i+2, strings.TrimSpace(all[i+1]))
		}
		it := Item{Index: i / 6, Context: clean(all[i]), Answer: answer}
		for _, e := range all[i+2 : i+6] {
			it.Choices = append(it.Choices, clean(e))
		}
		if err := it.check(); err != nil {
			return nil, fmt.Errorf("lines %d to %d: %w", i+1, i+6, err)
		}
		items = append(items, it)
	}
	return items, nil
}

// letters name the choices of MMLU.
const letters = "ABCD"

// mmlu reads MMLU's files (arXiv:2009.03300): question, four choices, letter.
// The subject is the file's name. The model is shown the choices and chooses
// among the letters, with the prompt of lm-evaluation-harness.
func mmlu(name string, text []byte) (items []Item, err error) {
	head := fmt.Sprintf("The following are multiple choice questions (with answers) about %s.\n\n", strings.ReplaceAll(subject(name), "_", " "))
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return items, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		if len(record) != 6 {
			return nil, fmt.Errorf("line %d: it has %d columns: a question, four choices and a letter are expected", line, len(record))
		}
		answer := strings.Index(letters, strings.TrimSpace(record[5]))
		if answer < 0 || len(strings.TrimSpace(record[5])) != 1 {
			return nil, fmt.Errorf("line %d: the right answer is %.40q: one of A, B, C and D is expected", line, record[5])
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s\n", strings.TrimSpace(record[0]))
		for i, c := range record[1:5] {
			fmt.Fprintf(&b, "%c. %s\n", letters[i], c)
		}
		b.WriteString("Answer:")
		items = append(items, Item{Index: len(items), Head: head, Context: b.String(), Choices: strings.Split(letters, ""), Answer: answer})
	}
}

// problems reads the problems of GSM8K (arXiv:2110.14168), whose answer is the
// number after ####.
func problems(_ string, text []byte) ([]Item, error) {
	return lines(text, func(v struct {
		Question string `json:"question"`
		Answer   string `json:"answer"`
	}) (Item, error) {
		if strings.TrimSpace(v.Question) == "" || strings.TrimSpace(v.Answer) == "" {
			return Item{}, errors.New(`the fields "question" and "answer" are expected, both with text`)
		}
		if !strings.Contains(v.Answer, "#### ") || !number.MatchString(Target(v.Answer)) {
			return Item{}, errors.New(`its answer does not end in "#### " and a number`)
		}
		return Item{Context: "Question: " + v.Question + "\nAnswer:", Text: v.Answer}, nil
	})
}

// What follows is the task gsm8k of lm-evaluation-harness, version 3: its two
// filters, and what its exact_match ignores.
var (
	strict   = regexp.MustCompile(`#### (-?[0-9.,]+)`)
	flexible = regexp.MustCompile(`-?[$0-9.,]{2,}|-?[0-9]+`)
	ignored  = strings.NewReplacer(",", "", "$", "")
	number   = regexp.MustCompile(`^-?[0-9.]*[0-9]$`)
)

// Target is the right answer as it is compared: what follows the last "#### ",
// without commas, dollar signs and a full stop at its end.
func Target(text string) string {
	text = ignored.Replace(text)
	if i := strings.LastIndex(text, "#### "); i >= 0 {
		text = text[i+len("#### "):]
	}
	return strings.TrimSuffix(text, ".")
}

// Strict returns the first number after "#### " as it is compared, or nothing:
// the filter strict-match.
func Strict(text string) string {
	m := strict.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return Target(m[1])
}

// Flexible returns the last number of a text, wherever it stands, as it is
// compared, or nothing: the filter flexible-extract. Punctuation of two
// characters or more, such as "...", is a number to it.
func Flexible(text string) string {
	all := flexible.FindAllString(text, -1)
	if all == nil {
		return ""
	}
	return Target(all[len(all)-1])
}

// Until are the texts at which an answer to a problem ends.
var Until = []string{"Question:", "</s>", "<|im_end|>"}

// Prompt is an item as it is asked, after others with their answers.
func (it Item) Prompt(shots []Item) string {
	var b strings.Builder
	b.WriteString(it.Head)
	for _, s := range shots {
		answer := s.Text
		if s.Choices != nil {
			answer = s.Choices[s.Answer]
		}
		b.WriteString(s.Context + " " + answer + "\n\n")
	}
	return b.String() + it.Context
}

// texts reads JSON lines of one document each.
func texts(_ string, text []byte) ([]Item, error) {
	return lines(text, func(v struct {
		Text string `json:"text"`
	}) (Item, error) {
		if v.Text == "" {
			return Item{}, errors.New(`the field "text" is expected, with text`)
		}
		return Item{Text: v.Text}, nil
	})
}

// plain is a file that is one document.
func plain(_ string, text []byte) ([]Item, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, nil
	}
	return []Item{{Text: string(text)}}, nil
}
