package recipe

import "reflect"

// Filter says what is done with documents that a filter catches: drop, mask,
// count or off; empty is the default for what they are (docs/filters.md).
type Filter struct {
	As            string   `json:"as"`
	Default       string   `json:"default"`
	Language      string   `json:"language"`
	Length        string   `json:"length"`
	Symbols       string   `json:"symbols"`
	Boilerplate   string   `json:"boilerplate"`
	Repetition    string   `json:"repetition"`
	Secrets       string   `json:"secrets"`
	Personal      string   `json:"personal"`
	Near          string   `json:"near"`
	MinWords      int      `json:"min_words" zero:"refused"`
	MaxWords      int      `json:"max_words" zero:"refused"`
	Decontaminate []string `json:"decontaminate"` // evaluation sets; of the recipe only
}

// Over returns f with what it leaves open as base says. A default of f comes
// before what base says of single filters.
func (f Filter) Over(base Filter) Filter {
	if f.Default != "" {
		base = Filter{As: base.As, MinWords: base.MinWords, MaxWords: base.MaxWords}
	}
	own, other := reflect.ValueOf(&f).Elem(), reflect.ValueOf(base)
	for i := range own.NumField() {
		if own.Field(i).IsZero() {
			own.Field(i).Set(other.Field(i))
		}
	}
	return f
}
