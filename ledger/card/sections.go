package card

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

func (c *Card) training(p *page) {
	if !c.Lineage {
		return
	}
	p.line("\n## How it was made\n")
	for _, s := range c.Stages {
		if s.Stage == "plan" {
			p.line("%s", planned(s))
		}
	}
	for _, s := range c.learned() {
		if text := learning(s); text != "" {
			p.line("%s", text)
		}
	}
	var rows [][]string
	for _, s := range c.Stages {
		attempts := span(s.Seconds)
		if s.Attempts > 1 {
			attempts += fmt.Sprintf(", in %d attempts", s.Attempts)
		}
		rows = append(rows, []string{
			cell(s.Run), cell(s.Stage), "`" + s.Made.Short() + "`", s.Finished.Format("2006-01-02 15:04 UTC"), attempts, cell(s.Numerics), used(s.Energy), cell(s.Code),
		})
	}
	p.table([]string{"Run", "Stage", "Made", "Finished", "Took", "Numerics", "Energy", "Program"}, rows)
	p.line("\nMachines: %s.", strings.Join(c.machines(), "; "))
}

// planned says in words what a plan decided.
func planned(s Stage) string {
	var config struct {
		Budget map[string]float64 `json:"budget"`
		Train  struct {
			Batch int64  `json:"batch"`
			Seed  uint64 `json:"seed"`
		} `json:"train"`
	}
	if json.Unmarshal(s.Config, &config) != nil {
		return fmt.Sprintf("- Run %s, %s: its configuration cannot be read.", s.Run, s.Stage)
	}
	var budget []string
	for _, unit := range slices.Sorted(maps.Keys(config.Budget)) {
		amount := strconv.FormatFloat(config.Budget[unit], 'f', -1, 64)
		if unit == "tokens" {
			amount = digits(int64(config.Budget[unit]))
		}
		budget = append(budget, amount+" "+unit)
	}
	return fmt.Sprintf("- The budget of %s became %s and %s of text (run %s), with the seed %d.", cell(strings.Join(budget, ", ")),
		count(int64(s.Figures["steps"]), "step"), count(int64(s.Figures["tokens"]), "token"), s.Run, config.Train.Seed)
}

// learning says in words what a stage reached.
func learning(s Stage) string {
	var config struct {
		Epochs float64 `json:"epochs"`
		Replay float64 `json:"replay"`
	}
	if json.Unmarshal(s.Config, &config) != nil {
		return ""
	}
	text := fmt.Sprintf("- Run %s, %s", s.Run, cell(s.Stage))
	if config.Epochs > 0 {
		text += fmt.Sprintf(", %g times over what it was given", config.Epochs)
	}
	if config.Replay > 0 {
		text += fmt.Sprintf(", with text as %.0f %% of the rows", 100*config.Replay)
	}
	for _, f := range []struct{ name, format string }{
		{"loss", "the last loss was %.4f nats a token"}, {"validation_bits_per_byte", "%.4f bits per byte on text held out, at its end"}, {"tokens_per_second", "%.0f tokens a second"},
	} {
		if v, ok := s.Figures[f.name]; ok {
			if math.Abs(v) < 5e-5 {
				v = 0 // not -0.0000
			}
			text += "; " + fmt.Sprintf(f.format, v)
		}
	}
	return text + "."
}

// used lists what a run used, by method.
func used(all []Energy) string {
	var parts []string
	for _, e := range all {
		parts = append(parts, work(e.Joules)+" "+sort(e.Method))
	}
	return strings.Join(parts, " and ")
}

// sort is the first word of a method: measured or estimated.
func sort(method string) string {
	word, _, _ := strings.Cut(method, " ")
	if word == "" {
		return "(method not recorded)"
	}
	return cell(word)
}

func (c *Card) machines() (all []string) {
	for _, s := range c.Stages {
		m := s.Machine
		text := fmt.Sprintf("%s, %s, %s of memory, %s/%s", cell(m.CPU), count(int64(m.Threads), "thread"), size(m.Memory), cell(m.OS), cell(m.Arch))
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

func (c *Card) energy(p *page) {
	if len(c.Energy) == 0 {
		return
	}
	p.line("\n## Energy\n")
	for _, e := range c.Energy {
		method := e.Method
		if method == "" {
			method = "method not recorded"
		}
		p.line("- **%s**, %s", work(e.Joules), cell(method))
	}
	if !c.Lineage {
		p.line("\nOf the evaluations above alone, interrupted attempts included; each method is added up by itself.")
		return
	}
	p.line("\nAll runs above together, interrupted attempts included; each method is added up by itself. " +
		"What was spent on models that were tried and given up is not in it.")
}

// bitsPerByte is the name of that score.
const bitsPerByte = "bits per byte"

func (c *Card) evaluation(p *page) {
	p.line("\n## Evaluation")
	if len(c.Evaluations) == 0 {
		p.line("\nNone is recorded.")
		return
	}
	var rows [][]string
	for _, e := range c.Evaluations {
		of := cell(e.Quantization)
		if e.Own {
			of += " (this one)"
		}
		for _, s := range few(e.Scores) {
			rows = append(rows, append(s.row(), of, cell(e.Run)))
		}
	}
	p.table([]string{"What", "Score ± standard error", "Of", "Chance", "Format", "Run"}, rows)
	p.line("\n\"Of\" counts documents or questions. Bits per byte: fewer are better. %% are those that were right; \"chance\" is what guessing gives.")
}

// few leaves out the sets of a task but for the best and the worst, where there
// are more than one wants to read.
func few(all []Score) (kept []Score) {
	const most = 8
	var sets []Score
	for _, s := range all {
		if s.Set == "" {
			kept = append(kept, s)
		} else {
			sets = append(sets, s)
		}
	}
	if len(sets) <= most {
		return all
	}
	for _, x := range []struct {
		what string
		pick func([]Score, func(a, b Score) int) Score
	}{{"worst", slices.MinFunc[[]Score]}, {"best", slices.MaxFunc[[]Score]}} {
		s := x.pick(sets, func(a, b Score) int { return cmp.Compare(a.Value, b.Value) })
		s.Set = fmt.Sprintf("the %s of %d sets, %s", x.what, len(sets), s.Set)
		kept = append(kept, s)
	}
	return kept
}

// row is what is told of a score: what, how good, of how many, and chance.
func (s Score) row() []string {
	what, value, n, chance := cell(s.Name), spread(s.Value, s.StandardError, 4), "", ""
	switch {
	case s.Task == "" && s.Source == "":
		what += ", all text held out"
	case s.Task == "":
		what += ": " + cell(s.Source)
	case s.Set != "":
		what += ": " + cell(s.Set)
	case s.Name != s.Task:
		what += " (" + cell(s.Task) + ")"
	}
	if s.Unit != bitsPerByte {
		value = spread(s.Value, s.StandardError, 2) + " " + cell(s.Unit)
	}
	if s.N > 0 {
		n = digits(s.N)
	}
	if s.Chance != nil {
		chance = strconv.FormatFloat(*s.Chance, 'f', -1, 64)
		if *s.Chance != math.Trunc(*s.Chance) {
			chance = strconv.FormatFloat(*s.Chance, 'f', 2, 64)
		}
		if s.Unit != bitsPerByte {
			chance += " " + cell(s.Unit)
		}
	}
	return []string{what, value, n, chance}
}

func (c *Card) limitations(p *page) {
	p.line("\n## Limits\n")
	for _, l := range c.Limits {
		p.line("- %s", l)
	}
}

func (c *Card) licences(p *page) {
	p.line("\n## Rights")
	if len(c.Rights) == 0 {
		p.line("\nNo licence of what it learnt from is recorded. Do not take that for permission.")
		return
	}
	var rows [][]string
	for _, l := range c.Rights {
		rows = append(rows, []string{cell(l.Licence), cell(strings.Join(l.Asks, "; ")), cell(strings.Join(l.Sources, "; "))})
	}
	p.table([]string{"Licence", "What it asks for, in short", "Sources"}, rows)
	p.line("")
	if len(c.Rights) > 1 {
		p.line("The sources are under %d licences, of which each holds for its own texts.", len(c.Rights))
	}
	for _, d := range []struct{ asks, text string }{
		{asksNoBusiness, "Texts in it may not be used commercially: %s."}, {asksNoChange, "Texts in it may not be adapted: %s."},
		{asksCopyleft, "Texts in it ask that what is derived from them stays free: %s."}, {asksUnknown, "Licences that Samovar does not know: %s."},
		{asksPlace, "Texts in it are free in some countries only: %s; see what is declared of the source."},
	} {
		if licences := c.demanding(d.asks); licences != nil {
			p.line(d.text, cell(strings.Join(licences, ", ")))
		}
	}
	p.line("Whether a model is a work derived from its texts is a question of law, which no record answers.")
}

func (c *Card) repeated(p *page) {
	if len(c.Repeat) == 0 {
		return
	}
	p.line("\n## How to repeat it\n")
	p.line("With the same sources (their digests are above), program and numerics, these give the same digests:\n")
	p.WriteString(fence("sh", strings.Join(c.Repeat, "\n")))
	for _, s := range c.Stages {
		if s.Stage == "plan" && !strings.Contains(string(s.Config), `"tokens"`) {
			p.line("\nIts budget was of time or of energy, which another machine, or this one on another day, turns into another number of steps. Write `train: {tokens: %d}` into the recipe to repeat it elsewhere.", int64(s.Figures["tokens"]))
		}
	}
	switch {
	case c.Withheld:
		p.line("\nThe recipe is recorded. It is not shown here, for it may name folders of the machine: `samovar card` prints it.")
	case c.Recipe == "":
		p.line("\nThe text of the recipe was not recorded; what each stage was set to is at the end.")
	default:
		p.line("\nThe recipe, as it was when the model was made:\n")
		p.WriteString(fence("yaml", c.Recipe))
	}
}

// configurations is the appendix: what every stage was set to.
func (c *Card) configurations(p *page) {
	if !c.Lineage {
		return
	}
	p.line("\n## Appendix: what each stage was set to")
	for _, s := range c.Stages {
		p.line("\n%s, run %s:\n", cell(s.Stage), cell(s.Run))
		var tree any
		text := s.Config
		if json.Unmarshal(s.Config, &tree) == nil {
			if indented, err := json.MarshalIndent(tree, "", " "); err == nil {
				text = indented
			}
		}
		p.WriteString(fence("json", string(text)))
	}
}

func (c *Card) record(p *page) {
	p.line("\n## The record\n")
	if len(c.Stages) == 0 {
		p.line("No entry of the ledger is about this model.")
	} else {
		var ids []string
		for _, s := range c.Stages {
			ids = append(ids, s.Run)
		}
		p.line("Entries %s of the ledger %s.", cell(strings.Join(ids, ", ")), cell(c.Ledger.Origin))
	}
	if c.Ledger.Size > 0 {
		p.line("When this card was written, the ledger had %s under the root `%s`: whoever keeps that line can show later that nothing before it was changed.",
			entries(c.Ledger.Size), c.Ledger.Root)
	}
}

func entries(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return digits(n) + " entries"
}
