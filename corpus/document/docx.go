package document

import (
	"bytes"
	"io"
	"path"
	"strings"

	"golang.org/x/net/html"
)

// readDOCX returns the paragraphs of a document's body, then its footnotes and
// endnotes. Headers and footers of its pages, comments and what was deleted
// under revision are left out.
func readDOCX(data []byte) ([]byte, error) {
	// A Word file with a password is an OLE container around the archive.
	if bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) {
		return nil, Refused("encrypted DOCX")
	}
	a, err := openArchive(DOCX, data)
	if err != nil {
		return nil, err
	}
	body, err := a.body()
	if err != nil {
		return nil, err
	}
	p := prose{limit: maxText}
	for i, name := range []string{body, path.Join(path.Dir(body), "footnotes.xml"), path.Join(path.Dir(body), "endnotes.xml")} {
		part, err := a.read(name)
		if err == errNone && i > 0 {
			continue
		}
		if err != nil {
			return nil, a.missing(err)
		}
		if err := p.word2006(part); err != nil {
			return nil, err
		}
	}
	return p.result(), nil
}

// body returns the name of the document's main part.
func (a *archive) body() (string, error) {
	body := "word/document.xml"
	relations, err := a.read("_rels/.rels")
	if err == errNone {
		return body, nil
	}
	if err != nil {
		return "", err
	}
	err = tags(a.format, relations, func(name string, attr map[string]string) {
		if name == "relationship" && strings.HasSuffix(attr["type"], "/officeDocument") {
			body = path.Clean(strings.TrimPrefix(attr["target"], "/"))
		}
	})
	return body, err
}

// word2006 appends the text of a part in WordprocessingML (ECMA-376, part 1,
// section 17). Elements are told by their names without namespace, so that
// texts of shapes and formulas are read too.
func (p *prose) word2006(data []byte) error {
	z := html.NewTokenizer(bytes.NewReader(data))
	z.SetMaxBuf(maxTag)
	z.AllowCDATA(true)
	var cells, skipped int
	inText := false
	for !p.full {
		kind := z.Next()
		switch kind {
		case html.ErrorToken:
			if z.Err() == io.EOF {
				return nil
			}
			return markupError(z.Err(), DOCX)
		case html.TextToken:
			if inText && skipped == 0 {
				p.text(z.Text())
			}
			continue
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
		default:
			continue
		}
		z.NextIsNotRawText()
		name, _ := z.TagName()
		start, end := kind == html.StartTagToken, kind == html.EndTagToken
		switch localName(name) {
		case "t":
			inText = start
		case "fallback": // of what an alternative before it has said already
			skipped = nested(skipped, start, end)
		case "tc":
			if cells = nested(cells, start, end); start {
				p.open(cell)
			} else if end {
				p.gap = none
			}
		case "p":
			if cells == 0 {
				p.open(para)
			} else {
				p.open(blank)
			}
		case "tr":
			p.open(newline)
		case "tbl":
			p.open(para)
		case "br", "cr":
			if !end && cells == 0 {
				p.open(newline)
			}
		case "tab", "ptab":
			p.open(blank)
		case "nobreakhyphen":
			if !end && skipped == 0 {
				p.word([]byte("-"))
			}
		}
	}
	return TooLarge(DOCX)
}

// nested counts how deep one stands in elements of a name.
func nested(n int, start, end bool) int {
	switch {
	case start:
		return n + 1
	case end && n > 0:
		return n - 1
	}
	return n
}
