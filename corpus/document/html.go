package document

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
)

// rules say what is left out of markup.
type rules struct {
	book  bool // a chapter: its header, asides and footnotes belong to it
	xhtml bool // <p/> is an empty paragraph
}

var (
	pageRules    = rules{}
	chapterRules = rules{book: true, xhtml: true}
)

// never holds the elements that are no running text.
var never = set(atom.Title, atom.Script, atom.Style, atom.Template, atom.Noscript, atom.Noframes, atom.Svg,
	atom.Iframe, atom.Object, atom.Embed, atom.Canvas, atom.Audio, atom.Video, atom.Nav, atom.Menu, atom.Dialog,
	atom.Button, atom.Select, atom.Datalist, atom.Textarea, atom.Label, atom.Legend, atom.Rp, atom.Rt, atom.Annotation)

// neverRole holds the ARIA roles of what is around a page's content.
var neverRole = []string{"navigation", "banner", "contentinfo", "search", "complementary", "menu", "menubar",
	"toolbar", "dialog", "alertdialog", "doc-toc", "doc-pagebreak"}

// gaps holds the elements that are tracked while they are open, and the gap
// around each.
var gaps = map[atom.Atom]gap{
	atom.P: para, atom.H1: para, atom.H2: para, atom.H3: para, atom.H4: para, atom.H5: para, atom.H6: para,
	atom.Ul: para, atom.Ol: para, atom.Dl: para, atom.Table: para, atom.Blockquote: para, atom.Pre: para,
	atom.Section: para, atom.Article: para, atom.Main: para, atom.Figure: para, atom.Details: para, atom.Address: para,
	atom.Body: para, atom.Header: para, atom.Footer: para, atom.Aside: para, atom.Form: para, atom.Hgroup: para,
	atom.Fieldset: para, atom.Center: para,
	atom.Div: newline, atom.Li: newline, atom.Dt: newline, atom.Dd: newline, atom.Tr: newline, atom.Caption: newline,
	atom.Figcaption: newline, atom.Summary: newline, atom.Td: none, atom.Th: none,
}

// implied holds the elements whose start ends an open one of the same group.
var implied = map[atom.Atom][]atom.Atom{
	atom.P: {atom.P}, atom.Li: {atom.P, atom.Li},
	atom.Dt: {atom.P, atom.Dt, atom.Dd}, atom.Dd: {atom.P, atom.Dt, atom.Dd},
	atom.Td: {atom.P, atom.Td, atom.Th}, atom.Th: {atom.P, atom.Td, atom.Th}, atom.Tr: {atom.P, atom.Td, atom.Th, atom.Tr},
}

func set(atoms ...atom.Atom) map[atom.Atom]bool {
	m := map[atom.Atom]bool{}
	for _, a := range atoms {
		m[a] = true
	}
	return m
}

// What is kept for what it holds, though it looks like what is left out.
const (
	fewMain   = 200 // bytes: a main element with less is not the whole of a page
	fewForm   = 500 // bytes: a form with more is a page wrapped in a form
	linkParts = 3   // a list or table is left out when more than
	linkShare = 2   // 2/3 of its bytes are links
)

// element is an open element.
type element struct {
	name  atom.Atom
	start int // bytes of text before it
	links int // of these within links
	items int // of an ol, so far
}

// page is the reading of one page or chapter.
type page struct {
	*prose
	rules
	open  []element
	count map[atom.Atom]int // of open, by name
	skip  int               // length of open inside the outermost element left out; 0: none
	cell  int               // bytes of text before the innermost cell of a table
	link  bool
	links int    // bytes of text within links
	main  []byte // text of the main elements that have ended
}

// page appends the text of a page to p.
//
// The page is read as a stream of tags, without a tree: what a tag costs is
// bounded, and the work is linear however tags are nested.
func (p *prose) page(data []byte, r rules) error {
	g := &page{prose: p, rules: r, count: map[atom.Atom]int{}}
	z := html.NewTokenizer(bytes.NewReader(data))
	z.SetMaxBuf(maxTag)
	z.AllowCDATA(r.xhtml)
	for {
		kind := z.Next()
		switch kind {
		case html.ErrorToken:
			if err := z.Err(); err != io.EOF {
				return markupError(err, HTML)
			}
			g.ended(0)
			if len(g.main) >= fewMain {
				p.out = append(p.out[:0], g.main...)
			}
			return g.check()
		case html.TextToken:
			g.chars(z.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			closed := kind == html.SelfClosingTagToken && r.xhtml
			if closed {
				z.NextIsNotRawText()
			}
			g.start(z, closed)
		case html.EndTagToken:
			name, _ := z.TagName()
			g.end(atom.Lookup(name))
		}
		if err := g.check(); err != nil {
			return err
		}
	}
}

// check returns the reason if a limit is exceeded.
func (g *page) check() error {
	switch {
	case g.full:
		return Refused(tooBig + " " + string(HTML))
	case len(g.open) > maxDepth:
		return Refused("too deeply nested " + string(HTML))
	}
	return nil
}

func markupError(err error, f Format) error {
	if errors.Is(err, html.ErrBufferExceeded) {
		return Refused(tooBig + " " + string(f))
	}
	return err
}

// chars takes text.
func (g *page) chars(s []byte) {
	if g.skip > 0 || g.link && isPermalink(s) {
		return
	}
	before := len(g.out)
	if g.count[atom.Pre] > 0 {
		if len(g.out) == 0 || g.gap == para {
			s = bytes.TrimLeft(s, "\r\n")
		}
		g.verbatim(s)
	} else {
		g.text(s)
	}
	if g.link {
		g.links += len(g.out) - before
	}
}

// isPermalink says whether s is the sign that headings carry as a link to
// themselves.
func isPermalink(s []byte) bool {
	s = bytes.TrimSpace(s)
	return string(s) == "¶" || string(s) == "#" || string(s) == "§" || string(s) == "\uf0c1"
}

// start takes a start tag; closed: which ends itself.
func (g *page) start(z *html.Tokenizer, closed bool) {
	raw, more := z.TagName()
	name := atom.Lookup(raw)
	g.imply(name)
	if g.skip > 0 {
		// Within what is left out, only what could be taken for its end counts.
		if _, tracked := gaps[name]; !closed && (tracked || name == g.open[g.skip-1].name) {
			g.push(name)
		}
		return
	}
	hidden := more && g.hidden(z)
	_, tracked := gaps[name]
	switch name {
	case atom.Br:
		g.breakLine()
		return
	case atom.Hr:
		g.prose.open(para)
		return
	case atom.A:
		g.link = !closed
	}
	if closed || void[name] {
		g.prose.open(g.around(name))
		return
	}
	out := hidden || g.unwanted(name)
	if !tracked && !out {
		return
	}
	at := len(g.out)
	if !out {
		g.before(name)
	}
	g.push(name)
	g.open[len(g.open)-1].start = at
	if out {
		g.skip = len(g.open)
	}
}

// unwanted says whether an element of that name is left out.
func (g *page) unwanted(name atom.Atom) bool {
	switch name {
	case atom.Header: // of an article: its title
		return !g.book && g.count[atom.Main]+g.count[atom.Article] == 0
	case atom.Footer, atom.Aside:
		return !g.book
	}
	return name != 0 && never[name]
}

// void holds the elements that have no end.
var void = set(atom.Area, atom.Base, atom.Col, atom.Embed, atom.Img, atom.Input, atom.Keygen, atom.Link, atom.Meta,
	atom.Param, atom.Source, atom.Track, atom.Wbr)

// breakLine ends a line, or a second time in a row the paragraph.
func (g *page) breakLine() {
	switch {
	case g.skip > 0:
	case g.count[atom.Pre] > 0:
		g.verbatim([]byte{'\n'})
	case g.gap == newline:
		g.prose.open(para)
	default:
		g.prose.open(newline)
	}
}

// before opens the gap before an element, and writes a list item's mark.
func (g *page) before(name atom.Atom) {
	space := g.around(name)
	switch {
	case name == atom.Td || name == atom.Th:
		if g.gap <= blank {
			space = cell
		}
		g.cell = len(g.out)
	case g.count[atom.Td]+g.count[atom.Th] > 0 && len(g.out) == g.cell:
		space = none // the cell's own
	}
	g.prose.open(space)
	if name != atom.Li {
		return
	}
	depth, mark := 0, "- "
	depth = g.count[atom.Ul] + g.count[atom.Ol]
	for i := len(g.open) - 1; i >= 0 && i > len(g.open)-8; i-- {
		if e := &g.open[i]; e.name == atom.Ol {
			e.items++
			mark = strconv.Itoa(e.items) + ". "
		} else if e.name != atom.Ul {
			continue
		}
		break
	}
	g.mark(strings.Repeat("  ", min(max(depth-1, 0), 8)) + mark)
}

// around returns the gap around an element where it stands: items of a list are
// not divided by blank lines.
func (g *page) around(name atom.Atom) gap {
	space := gaps[name]
	if space == para && g.count[atom.Li] > 0 {
		space = newline
	}
	return space
}

// imply ends what the start of an element ends.
func (g *page) imply(name atom.Atom) {
	for n := len(g.open); n > g.skip && slices.Contains(implied[name], g.open[n-1].name); n = len(g.open) {
		g.ended(n - 1)
	}
}

func (g *page) push(name atom.Atom) {
	g.open = append(g.open, element{name: name, start: len(g.out), links: g.links})
	g.count[name]++
}

// end takes an end tag.
func (g *page) end(name atom.Atom) {
	if name == atom.A {
		g.link = false
	}
	if g.count[name] == 0 {
		return
	}
	for n := len(g.open); n > 0; n-- {
		if g.open[n-1].name == name {
			g.ended(n - 1)
			return
		}
	}
}

// ended ends all but n of the open elements, the innermost first.
func (g *page) ended(n int) {
	for len(g.open) > n {
		e := g.open[len(g.open)-1]
		g.open = g.open[:len(g.open)-1]
		g.count[e.name]--
		switch {
		case g.skip > len(g.open):
			g.skip = 0
			g.prose.open(g.around(e.name))
		case g.skip == 0:
			g.after(e)
		}
	}
}

// after takes back what an element turned out to be, and opens the gap behind it.
func (g *page) after(e element) {
	text, links := len(g.out)-e.start, g.links-e.links
	switch e.name {
	case atom.Li:
		if g.stuck {
			g.back(e.start)
		}
	case atom.Td, atom.Th:
		if text > 0 && bytes.IndexByte(bytes.TrimSpace(g.out[e.start:]), '\n') < 0 {
			g.gap = none // so that a row of one-line paragraphs stays a row
		}
	case atom.Form:
		if text < fewForm {
			g.back(e.start)
		}
	case atom.Ul, atom.Ol, atom.Dl, atom.Table:
		if !g.book && links*linkParts > text*linkShare {
			g.back(e.start)
			g.links = e.links
		}
	case atom.Main:
		if g.count[atom.Main] == 0 && text > 0 {
			g.main = append(append(g.main, bytes.TrimSpace(g.out[e.start:])...), "\n\n"...)
		}
	}
	g.prose.open(g.around(e.name))
}

// hidden says whether the tag's attributes take it out of sight or out of the
// content.
func (g *page) hidden(z *html.Tokenizer) (hidden bool) {
	for more := true; more; {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch string(key) {
		case "hidden":
			hidden = true
		case "aria-hidden":
			hidden = hidden || string(value) == "true"
		case "role":
			hidden = hidden || slices.Contains(neverRole, string(value)) && (!g.book || string(value) == "doc-pagebreak")
		case "epub:type":
			hidden = hidden || string(value) == "pagebreak"
		case "style":
			hidden = hidden || displayNone.Match(value)
		}
	}
	return hidden
}

var (
	displayNone = regexp.MustCompile(`display\s*:\s*none`)
	declaration = regexp.MustCompile(`^\s*<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']`)
)

// decode returns markup in UTF-8: what is valid UTF-8 is taken as that whatever
// it declares, because pages are often declared wrongly.
func decode(data []byte) []byte {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if utf8.Valid(data) {
		return data
	}
	head := data[:min(len(data), 1024)]
	e, name, _ := charset.DetermineEncoding(head, "")
	if m := declaration.FindSubmatch(head); m != nil && !utf16Mark(data) {
		if declared, _ := charset.Lookup(string(m[1])); declared != nil {
			e = declared
		}
	}
	if name == "utf-8" || e == encoding.Nop {
		return data
	}
	text, err := e.NewDecoder().Bytes(data)
	if err != nil {
		return data // repaired or dropped as any text is
	}
	return bytes.TrimPrefix(text, []byte("\uFEFF"))
}
