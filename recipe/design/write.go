package design

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// trial is the recipe of the smallest model on so many tokens.
func (d *designer) trial(vocabulary int, tokens int64) string {
	var b strings.Builder
	d.head(&b, "")
	fmt.Fprintf(&b, "tokenizer: {vocab: %d}\n", vocabulary)
	fmt.Fprintf(&b, "model: {depth: %d, width: %d, window: %d}\n", shapes[0].depth, shapes[0].width, d.window)
	fmt.Fprintf(&b, "train: {tokens: %d}\n", tokens)
	d.tune(&b, tokens)
	return b.String()
}

// head writes name and corpus; guess is said of what nobody has told.
func (d *designer) head(b *strings.Builder, guess string) {
	fmt.Fprintf(b, "name: %s\nseed: 1\ncorpus:\n", quote(d.Name))
	for _, s := range d.Sources {
		fmt.Fprintf(b, "  - path: %s\n", quote(s.Path))
		for _, f := range []struct{ name, value string }{{"field", s.Field}, {"kind", s.Kind}} {
			if f.value != "" {
				fmt.Fprintf(b, "    %s: %s\n", f.name, quote(f.value))
			}
		}
		b.WriteString("    language: " + quote(s.Language))
		if guess != "" && s.Guessed {
			b.WriteString(" # as the texts read: " + guess)
		}
		b.WriteString("\n    licence: ")
		if s.Licence == "" {
			b.WriteString("LicenseRef-unknown")
			if guess != "" {
				b.WriteString(" # nobody has said: write the terms of the texts here before the model is given away")
			}
		} else {
			b.WriteString(quote(s.Licence))
		}
		fmt.Fprintf(b, "\n    origin: %s\n", quote(s.Origin))
	}
}

// tuneShare is how much of what is learnt from is learnt again as dialogues, at
// most: enough for a manner.
const tuneShare = 0.1

// tune writes the tuning of a run of so many tokens, where there are dialogues.
func (d *designer) tune(b *strings.Builder, tokens int64) (epochs float64) {
	if d.read.DialogueTokens == 0 {
		return 0
	}
	epochs = min(1, tuneShare*float64(tokens)/float64(d.read.DialogueTokens))
	fmt.Fprintf(b, "tune: {epochs: %s}\n", number(max(epochs, 0.001)))
	return epochs
}

// write writes the recipe of a choice with the reasons for its numbers.
func (d *designer) write(c Choice) string {
	var b strings.Builder
	budget := fmt.Sprintf("%s hours", number(d.Hours))
	if d.Hours == 0 {
		budget = fmt.Sprintf("%s kWh", number(d.KWh))
	}
	fmt.Fprintf(&b, "# Written by samovar design for %s and %s on\n# %s.\n", oneLine(d.Data), budget, oneLine(d.Machine))
	d.head(&b, "correct it if it is another")
	fmt.Fprintf(&b, "tokenizer: {vocab: %d} # %s\n", d.vocabulary, d.whyVocabulary())
	fmt.Fprintf(&b, "model:\n  depth: %d %s", c.Model.Layers, d.whyShape(c))
	fmt.Fprintf(&b, "  width: %d # a multiple of 256, so that every quantised format fits\n", c.Model.Width)
	fmt.Fprintf(&b, "  window: %d # tokens that it sees at once: long rows are dear, and too few of them differ, in a short training\n", c.Model.Window)
	d.writeTraining(&b, c)
	if epochs := d.tune(&b, c.Tokens); epochs > 0 {
		fmt.Fprintf(&b, "# tune: of the dialogues so much that it is a tenth of all training: enough for a manner\n")
	}
	b.WriteString("quantize: [Q8_0] # a quarter of the size, for serving\n")
	fmt.Fprintf(&b, "predict: {bits_per_byte: %.4f, spread: %s} # by the law, placed by two trials: %s\n", c.Bits, number(Spread), d.whyLaw())
	return b.String()
}

func (d *designer) whyVocabulary() string {
	return fmt.Sprintf("of %s of text at least %d bytes for each token, and a table that is no burden to a small model", size(d.read.Collected), bytesAToken)
}

// whyShape compares the choice with the others.
func (d *designer) whyShape(c Choice) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# the law expects the least bits per byte of it:\n")
	rows := d.choices
	if len(rows) == 0 {
		rows = []Choice{c}
	}
	for i, o := range rows {
		if i == shown {
			break
		}
		how := "concluded"
		if o.Measured {
			how = "measured"
		}
		fmt.Fprintf(&b, "  #   depth %2d width %4d: %6s of weights, %6s tokens at %s/s (%s): %.3f\n",
			o.Model.Layers, o.Model.Width, count(o.All), count(o.Tokens), count(int64(o.Rate)), how, o.Bits)
	}
	return b.String()
}

// shown is how many choices a recipe lists.
const shown = 6

// writeTraining writes the section train.
func (d *designer) writeTraining(b *strings.Builder, c Choice) {
	b.WriteString("train:\n")
	epochs := float64(c.Tokens) / float64(max(1, d.read.Tokens))
	switch {
	case epochs >= mostEpochs*0.99:
		fmt.Fprintf(b, "  tokens: %d # %d times all there is: more of the same text teaches little and soon harms, so that not all the time is used\n", c.Tokens, mostEpochs)
	default:
		fmt.Fprintf(b, "  hours: %s # what reading, evaluating and storing leave; some %s tokens, %s\n", number(c.Hours), count(c.Tokens), times(epochs))
	}
	s := c.Settings
	fmt.Fprintf(b, "  batch: %d # tokens a step: by the rule of LOG.md for %s tokens, %d steps\n", s.Batch, count(c.Tokens), c.Tokens/int64(s.Batch))
	fmt.Fprintf(b, "  leaves: %d # parts of a step whose gradients are added in a fixed order: enough for the threads of this machine\n", s.Leaves)
	fmt.Fprintf(b, "  rate: %s # of AdamW, for tables and norms, by the same rule\n", number(s.Rate))
	fmt.Fprintf(b, "  muon_rate: %s # of Muon, for the matrices, by the same rule\n", number(s.MuonRate))
	fmt.Fprintf(b, "  decay: %s # the last share of the steps, in which the rates fall to nothing\n", number(s.Decay))
	if len(s.Windows) > 0 {
		fmt.Fprintf(b, "  windows: %s # rows grow: many short rows first give a batch variety\n", list(s.Windows))
	}
}

func (d *designer) whyLaw() string {
	var parts []string
	for _, k := range d.known {
		parts = append(parts, fmt.Sprintf("%.3f after %s", k.Bits, size(int64(k.Seen))))
	}
	return strings.Join(parts, ", ")
}

func times(epochs float64) string {
	if epochs < 1 {
		return fmt.Sprintf("%.0f %% of what there is", 100*epochs)
	}
	return fmt.Sprintf("all there is %.1f times", epochs)
}

// quote writes a text as YAML takes it: a JSON string is one.
func quote(s string) string {
	text, err := json.Marshal(strings.ToValidUTF8(s, ""))
	if err != nil { // no string fails
		panic(err)
	}
	return string(text)
}

// oneLine keeps a text within its comment.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// number writes x with the digits that mean something.
func number(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }

// count writes a number of things for people: 12.3M.
func count(n int64) string {
	switch x := float64(n); {
	case x >= 1e9:
		return fmt.Sprintf("%.1fG", x/1e9)
	case x >= 1e6:
		return fmt.Sprintf("%.1fM", x/1e6)
	case x >= 1e4:
		return fmt.Sprintf("%.0fk", x/1e3)
	}
	return strconv.FormatInt(n, 10)
}

// size writes a number of bytes for people.
func size(n int64) string {
	switch x := float64(n); {
	case x >= 1e9:
		return fmt.Sprintf("%.1f GB", x/1e9)
	case x >= 1e6:
		return fmt.Sprintf("%.1f MB", x/1e6)
	}
	return fmt.Sprintf("%.0f kB", math.Ceil(float64(n)/1e3))
}

func list(all []int) string {
	var parts []string
	for _, n := range all {
		parts = append(parts, strconv.Itoa(n))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
