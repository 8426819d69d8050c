package document

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"net/url"
	"path"
	"strings"

	"golang.org/x/net/html"
)

// archive is a zip file of which a bounded number of bytes may be read.
type archive struct {
	format Format
	files  map[string]*zip.File
	left   int64 // bytes that may still be decompressed
}

// openArchive opens a zip file. Archives within it are never opened.
func openArchive(f Format, data []byte) (*archive, error) {
	// What the directory says of its own length is not believed: its entries
	// are counted before any is allocated.
	if bytes.Count(data, []byte("PK\x01\x02")) > maxParts {
		return nil, TooLarge(f)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, damaged(f)
	}
	a := &archive{format: f, files: make(map[string]*zip.File, len(z.File)), left: maxMarkup}
	for _, file := range z.File {
		name := path.Clean(strings.ReplaceAll(file.Name, `\`, "/"))
		if _, ok := a.files[name]; !ok {
			a.files[name] = file
		}
	}
	return a, nil
}

func damaged(f Format) Refused { return Refused("damaged " + string(f)) }

// errNone is returned for a file that an archive does not have.
var errNone = errors.New("no such file")

// read returns a file of the archive, decoded to UTF-8.
func (a *archive) read(name string) ([]byte, error) {
	file, ok := a.files[name]
	if !ok {
		return nil, errNone
	}
	if file.Flags&1 != 0 {
		return nil, Refused("encrypted " + string(a.format))
	}
	r, err := file.Open()
	if err != nil {
		return nil, damaged(a.format)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, a.left+1))
	switch {
	case int64(len(data)) > a.left:
		return nil, TooLarge(a.format)
	case err != nil:
		return nil, damaged(a.format)
	}
	a.left -= int64(len(data))
	return decode(data), nil
}

// tags hands each start tag of markup, with its name in lower case and without
// its namespace, to yield.
func tags(f Format, data []byte, yield func(name string, attr map[string]string)) error {
	z := html.NewTokenizer(bytes.NewReader(data))
	z.SetMaxBuf(maxTag)
	for {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() == io.EOF {
				return nil
			}
			return markupError(z.Err(), f)
		case html.StartTagToken, html.SelfClosingTagToken:
			z.NextIsNotRawText()
			name, more := z.TagName()
			local := localName(name)
			attr := map[string]string{}
			for more {
				var key, value []byte
				key, value, more = z.TagAttr()
				if len(attr) < 64 { // no element that is read here has a tenth of it
					attr[localName(key)] = string(value)
				}
			}
			yield(local, attr)
		}
	}
}

// localName returns a name without its namespace.
func localName(name []byte) string {
	return string(name[bytes.LastIndexByte(name, ':')+1:])
}

// readEPUB returns the chapters of a book in the order of its spine.
func readEPUB(data []byte) ([]byte, error) {
	a, err := openArchive(EPUB, data)
	if err != nil {
		return nil, err
	}
	chapters, err := a.spine()
	if err != nil {
		return nil, err
	}
	locked, err := a.locked()
	if err != nil {
		return nil, err
	}
	p := prose{limit: maxText}
	found := false
	for _, name := range chapters {
		if locked[name] {
			return nil, Refused("encrypted EPUB")
		}
		chapter, err := a.read(name)
		if err == errNone {
			continue // books name chapters that their samples leave out
		}
		if err != nil {
			return nil, err
		}
		found = true
		p.open(para)
		if err := p.page(chapter, chapterRules); err != nil {
			return nil, ofFormat(err, EPUB)
		}
	}
	if !found {
		return nil, damaged(EPUB)
	}
	return p.result(), nil
}

// ofFormat words a page's reason for the file that the page is in.
func ofFormat(err error, f Format) error {
	if r, ok := err.(Refused); ok {
		return Refused(strings.Replace(string(r), string(HTML), string(f), 1))
	}
	return err
}

// spine returns the names of the book's chapters, each once, without its
// table of contents.
func (a *archive) spine() ([]string, error) {
	container, err := a.read("META-INF/container.xml")
	if err != nil {
		return nil, a.missing(err)
	}
	root := ""
	err = tags(a.format, container, func(name string, attr map[string]string) {
		if name == "rootfile" && root == "" {
			root = attr["full-path"]
		}
	})
	if err != nil {
		return nil, err
	}
	if root = path.Clean(root); root == "." {
		return nil, damaged(a.format)
	}
	packed, err := a.read(root)
	if err != nil {
		return nil, a.missing(err)
	}
	var chapters []string
	items, taken := map[string]string{}, map[string]bool{}
	err = tags(a.format, packed, func(name string, attr map[string]string) {
		switch name {
		case "item":
			media := attr["media-type"]
			if (strings.Contains(media, "html") || media == "application/xml") && !strings.Contains(" "+attr["properties"]+" ", " nav ") {
				items[attr["id"]] = resolve(path.Dir(root), attr["href"])
			}
		case "itemref":
			if chapter := items[attr["idref"]]; chapter != "" && !taken[chapter] {
				taken[chapter] = true
				chapters = append(chapters, chapter)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if len(chapters) == 0 {
		return nil, damaged(a.format)
	}
	return chapters, nil
}

// missing says what it means that a file which must be there is not.
func (a *archive) missing(err error) error {
	if err == errNone {
		return damaged(a.format)
	}
	return err
}

// resolve returns the name in the archive of what a file in dir refers to.
func resolve(dir, href string) string {
	href, _, _ = strings.Cut(href, "#")
	if plain, err := url.PathUnescape(href); err == nil {
		href = plain
	}
	return path.Join(dir, href)
}

// locked returns which files of the book are encrypted: of many books the fonts
// alone.
func (a *archive) locked() (map[string]bool, error) {
	list, err := a.read("META-INF/encryption.xml")
	if err == errNone {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	locked := map[string]bool{}
	err = tags(a.format, list, func(name string, attr map[string]string) {
		if name == "cipherreference" {
			locked[resolve(".", attr["uri"])] = true
		}
	})
	return locked, err
}
