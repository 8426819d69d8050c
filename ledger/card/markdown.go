package card

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"samovar"
	"samovar/ledger/provenance"
)

// page is a Markdown document in the making.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// table writes rows under a head; all cells are escaped already.
func (p *page) table(head []string, rows [][]string) {
	p.line("\n| %s |", strings.Join(head, " | "))
	p.line("|%s", strings.Repeat(" --- |", len(head)))
	for _, r := range rows {
		p.line("| %s |", strings.Join(r, " | "))
	}
}

// Markdown writes the card for people.
func (c *Card) Markdown() string {
	p := &page{}
	p.line("# %s\n", cell(c.title()))
	p.line("%s", c.lead())
	c.warnings(p)
	c.model(p)
	c.limitations(p)
	c.sources(p)
	c.leftOut(p)
	c.personal(p)
	c.licences(p)
	c.evaluation(p)
	c.training(p)
	c.energy(p)
	c.repeated(p)
	c.record(p)
	c.configurations(p)
	return p.String()
}

// lead is the first paragraph.
func (c *Card) lead() string {
	if !c.Lineage {
		return fmt.Sprintf("A language model (%s) that was brought in from outside. **Nothing is recorded of how it was made**: "+
			"what it learnt from, who made it, what it may be used for and what it cost are not known here, and this card cannot say it. "+
			"Ask whoever gave you the file.", cell(c.Model.Short()))
	}
	var sources int
	for range c.each {
		sources++
	}
	from := count(int64(sources), "source")
	if sources == 0 {
		from = "sources that no record names"
	}
	return fmt.Sprintf("A language model (%s) that learnt from %s. This card was written by `samovar card` from the records of the runs that made the model "+
		"and from the ledger in which they stand; what is said of sources (origin, licence, language, rights) is what the maker declared. "+
		"What is not recorded is said to be so.", cell(c.Model.Short()), from)
}

// warnings are what must not be overlooked.
func (c *Card) warnings(p *page) {
	for _, d := range c.Imported {
		p.line("\n> **Not all of its history is known.** It was made from `%s`, of which nothing is recorded here. "+
			"What is said below of sources, languages, personal data, rights and energy is of what was added to that alone.", d)
	}
	for _, w := range c.Withdrawn {
		p.line("\n> **A source of this model was withdrawn**: %s, `%s` (entry %d of the ledger). The model learnt from it all the same; "+
			"`samovar withdraw` shows every other that did.", cell(w.Origin), w.Digest, w.Entry)
	}
}

func (c *Card) model(p *page) {
	p.line("\n## The model")
	m := c.Model
	rows := [][]string{{"Digest", "`" + string(c.Digest) + "`"}}
	add := func(name, format string, args ...any) {
		rows = append(rows, []string{name, fmt.Sprintf(format, args...)})
	}
	if len(c.Names) > 0 {
		add("Names", "%s", cell(strings.Join(c.Names, ", ")))
	}
	if m.Architecture != "" {
		shape := ""
		if s := m.Shape; s != nil {
			shape = fmt.Sprintf(": %s of width %d, %s (%d of keys and values)", count(int64(s.Layers), "layer"), s.Width, count(int64(s.Heads), "head"), s.KVHeads)
			if s.Experts.Count > 0 {
				shape += fmt.Sprintf(", %d experts of which %d are used", s.Experts.Count, s.Experts.Used)
			}
		}
		add("Architecture", "%s%s", cell(m.Architecture), shape)
		active := ", all of them for each token"
		if m.Active < m.Parameters {
			active = fmt.Sprintf(", %s of them for each token", digits(m.Active))
		}
		add("Parameters", "%s%s", digits(m.Parameters), active)
		add("Vocabulary", "%s", count(int64(m.Vocabulary), "token"))
		add("Window", "%s", count(int64(m.Window), "token"))
		add("Format", "%s", cell(m.Quantization))
		manner := "it goes on with a text"
		if m.Chat {
			manner = "it answers: a chat template is stored with it"
		}
		add("Manner", "%s", manner)
	}
	if !m.Here {
		add("Weights", "not in this store; only the records of its runs are")
	}
	p.table([]string{"", ""}, rows)
	if len(c.Formats) < 2 {
		return
	}
	p.line("\nThe same weights exist in these formats. What a format loses is the difference in bits per byte on the text held out:")
	rows = nil
	for _, f := range c.Formats {
		rows = append(rows, c.format(f))
	}
	p.table([]string{"Format", "Name", "Digest", "Bits a weight", "Bits per byte", "Lost"}, rows)
}

func (c *Card) format(f Format) []string {
	name, bits, scored, lost := cell(strings.Join(f.Names, ", ")), "", "not evaluated", ""
	if !f.Here {
		name = strings.TrimSpace(name + " (not in this store)")
	}
	if f.BitsPerWeight > 0 {
		bits = strconv.FormatFloat(f.BitsPerWeight, 'f', 2, 64)
	}
	if f.BitsPerByte != nil {
		scored = spread(*f.BitsPerByte, f.StandardError, 4)
		if first := c.Formats[0].BitsPerByte; first != nil && f.Digest != c.Formats[0].Digest {
			lost = fmt.Sprintf("%+.4f", *f.BitsPerByte-*first)
		}
	}
	return []string{cell(f.Quantization), name, "`" + f.Digest.Short() + "`", bits, scored, lost}
}

// spread writes a figure with its standard error.
func spread(v, stderr float64, decimals int) string {
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if stderr != 0 {
		text += " ± " + strconv.FormatFloat(stderr, 'f', decimals, 64)
	}
	return text
}

func (c *Card) sources(p *page) {
	if !c.Lineage {
		return
	}
	p.line("\n## What it learnt from")
	told := map[samovar.Digest]string{}
	for _, corpus := range c.Corpora {
		where := "its documents are in this store"
		if !corpus.Here {
			where = "its documents are not in this store"
		}
		p.line("\nCorpus `%s` (run %s); %s.", corpus.Digest, corpus.Run, where)
		head := []string{"", "Origin", "Language", "Licence", "Kind", "Documents", "Text", "Weight"}
		parts := parts(corpus)
		for _, part := range parts {
			head = append(head, "Share of "+part.title)
		}
		var rows [][]string
		for i, s := range corpus.Sources {
			documents, text := "not recorded", size(s.Bytes)+" on disk"
			if s.Known {
				documents, text = fmt.Sprintf("%s, %s held out", digits(s.Documents), digits(s.HeldOut)), size(s.BytesOut)
			}
			row := []string{strconv.Itoa(i + 1), cell(s.Origin), "`" + cell(s.Language) + "`", cell(s.Licence), cell(s.Kind), documents, text, strconv.FormatFloat(s.Weight, 'g', 4, 64) + "×"}
			for _, part := range parts {
				row = append(row, shareOf(s, part.name))
			}
			rows = append(rows, row)
		}
		p.table(head, rows)
		p.line("")
		for i, s := range corpus.Sources {
			rights := "Nothing is said of its rights beyond the licence."
			if s.Rights != "" {
				rights = "Rights, as declared: " + cell(s.Rights)
			}
			if len(parts) > 0 && len(s.Shares) == 0 {
				rights = "It taught the vocabulary alone. " + rights
			}
			text := fmt.Sprintf("%s, %s on disk, digest `%s`. %s", count(int64(s.Files), "file"), size(s.Bytes), s.Digest, rights)
			p.line("%d. %s: %s", i+1, cell(s.Origin), once(told, s.Digest, text))
		}
	}
}

// once is text, or where it stands already, if it was told of the same source.
func once(told map[samovar.Digest]string, source samovar.Digest, text string) string {
	if source != "" && told[source] == text {
		return "as above."
	}
	told[source] = text
	return text
}

// teaching is a part of a corpus that a model learns from.
type teaching struct{ name, title string }

// parts lists those that any source has a share of.
func parts(c provenance.Corpus) (all []teaching) {
	for _, s := range c.Sources {
		for _, share := range s.Shares {
			t := teaching{share.Part, "training tokens"}
			if prefix, ok := strings.CutSuffix(share.Part, "-train"); ok {
				t.title = prefix + " tokens"
			}
			if !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	slices.SortFunc(all, func(a, b teaching) int { return -strings.Compare(a.name, b.name) })
	return all
}

func shareOf(s provenance.Source, part string) string {
	for _, x := range s.Shares {
		if x.Part == part {
			return fmt.Sprintf("%s (%s)", percent(x.Share), digits(x.Tokens))
		}
	}
	return "–"
}
