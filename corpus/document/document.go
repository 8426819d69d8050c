// Package document gives the running text of HTML, EPUB, PDF and DOCX files:
// paragraphs with blank lines between them. It opens no file, fetches nothing
// that a document names, runs no script, and refuses in bounded memory what is
// damaged, encrypted or made to expand. Start with [Detect] and [Reader.Text].
package document

import (
	"bytes"
	"context"
	"strings"
)

// Format is how a file is read.
type Format string

// The formats. Plain is everything else: text to be read as it is, or nothing
// that this package knows.
const (
	Plain Format = ""
	HTML  Format = "HTML"
	EPUB  Format = "EPUB"
	PDF   Format = "PDF"
	DOCX  Format = "DOCX"
)

// Named returns the format that a file's extension, such as ".html", names.
func Named(ext string) Format {
	switch strings.ToLower(ext) {
	case ".html", ".htm", ".xhtml", ".xht":
		return HTML
	case ".epub":
		return EPUB
	case ".pdf":
		return PDF
	case ".docx", ".docm":
		return DOCX
	}
	return Plain
}

// HeadBytes is how much of a file Detect wants to see.
const HeadBytes = 4096

// Detect returns the format of a file whose extension is ext and whose first
// bytes are head. What a file holds decides over its name: a PDF or EPUB is one
// whatever it is called, a page or DOCX without an extension is found, and what
// is called a page and has NULs in it is none.
func Detect(ext string, head []byte) Format {
	named := Named(ext)
	switch {
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return PDF
	case bytes.HasPrefix(head, zipMagic) && bytes.Contains(head[:min(len(head), 128)], []byte("mimetypeapplication/epub+zip")):
		return EPUB
	case bytes.HasPrefix(head, zipMagic) && named == Plain && ext == "" && bytes.Contains(head, []byte("word/")):
		return DOCX
	case named == HTML && bytes.IndexByte(head, 0) >= 0 && !utf16Mark(head):
		return Plain
	case ext == "" && looksLikePage(head):
		return HTML
	}
	return named
}

var zipMagic = []byte("PK\x03\x04")

// utf16Mark says whether b starts with UTF-16's byte order mark.
func utf16Mark(b []byte) bool {
	return bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff"))
}

// looksLikePage says whether head begins as a page does.
func looksLikePage(head []byte) bool {
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\uFEFF")), " \t\r\n")
	head = bytes.ToLower(head[:min(len(head), 16)])
	return bytes.HasPrefix(head, []byte("<!doctype html")) || bytes.HasPrefix(head, []byte("<html"))
}

// Refused is why a file gives no text, such as "encrypted PDF". There are few
// of them, so that files can be counted by reason.
type Refused string

// Error returns the reason.
func (r Refused) Error() string { return string(r) }

// What a file may demand. Beyond it is no document, or a bomb.
const (
	MaxFile   = 64 << 20    // bytes of a file, unpacked from .gz or .zst
	maxMarkup = 64 << 20    // bytes of all markup read from one archive, decompressed
	maxText   = 64 << 20    // bytes of text that come out
	maxTag    = 16 << 20    // bytes of one tag, comment, script or run of text
	maxDepth  = 4096        // elements that are open at once
	maxParts  = 20_000      // files of an archive, and pages of a PDF
	tooBig    = "too large" // in a Refused: a limit above is exceeded
)

// TooLarge is the reason for a file of more than MaxFile bytes.
func TooLarge(f Format) Refused { return Refused(tooBig + " " + string(f)) }

// Reader reads documents. It may be used from several goroutines.
type Reader struct {
	ctx context.Context
	pdf sandbox
}

// NewReader returns a Reader for as long as ctx lasts.
func NewReader(ctx context.Context) *Reader { return &Reader{ctx: ctx} }

// Close frees what reading PDFs has taken.
func (r *Reader) Close() error { return r.pdf.close() }

// Text returns the text of a document in UTF-8. The error is a Refused if the
// file is at fault.
func (r *Reader) Text(f Format, data []byte) (text []byte, err error) {
	if len(data) > MaxFile {
		return nil, TooLarge(f)
	}
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	switch f {
	case HTML:
		p := prose{limit: maxText}
		err = p.page(decode(data), pageRules)
		text = p.result()
	case EPUB:
		text, err = readEPUB(data)
	case DOCX:
		text, err = readDOCX(data)
	case PDF:
		text, err = r.readPDF(data)
	default:
		return data, nil
	}
	if err != nil {
		return nil, err
	}
	return text, nil
}
