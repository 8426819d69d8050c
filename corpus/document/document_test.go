package document

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// testReader is closed by nobody: PDFium's start takes seconds.
var testReader = NewReader(context.Background())

func read(t testing.TB, f Format, data []byte) (string, error) {
	t.Helper()
	text, err := testReader.Text(f, data)
	if err == nil && !utf8.Valid(text) && f != HTML {
		t.Errorf("the text of the %s is no UTF-8", f)
	}
	return string(text), err
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestGolden compares with the text that testdata/make.py has put in.
func TestGolden(t *testing.T) {
	for _, name := range []string{"article.html", "tale.docx", "tale.epub", "tale.pdf", "owned.pdf", "cyrillic.pdf"} {
		data, want := file(t, name), string(file(t, name+".txt"))
		for range 2 {
			got, err := read(t, Detect(filepath.Ext(name), data), data)
			if err != nil || got != want {
				t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
			}
		}
	}
}

func TestDetect(t *testing.T) {
	page := "\uFEFF\n <!DOCTYPE html><p>x"
	tests := []struct {
		ext, head string
		want      Format
	}{
		{".html", "<p>", HTML}, {".HTM", "", HTML}, {".xhtml", "x", HTML}, {".pdf", "", PDF}, {".docx", "PK", DOCX}, {".epub", "", EPUB},
		{".txt", page, Plain}, {"", page, HTML}, {"", "<HTML>", HTML}, {"", "<p>", Plain}, {".md", "<html>", Plain},
		{".txt", "%PDF-1.7", PDF}, {".html", "%PDF-1.7", PDF}, {"", " %PDF-1.7", Plain},
		{".zip", string(file(t, "tale.epub")[:100]), EPUB}, {"", string(file(t, "tale.docx")[:HeadBytes]), DOCX}, {".xlsx", string(file(t, "tale.docx")[:HeadBytes]), Plain},
		{".html", "<p>\x00", Plain}, {".html", "\xff\xfe<\x00p\x00", HTML},
	}
	for _, test := range tests {
		if got := Detect(test.ext, []byte(test.head)); got != test.want {
			t.Errorf("%q, %.20q: %q, want %q", test.ext, test.head, got, test.want)
		}
	}
}

func TestPages(t *testing.T) {
	long := strings.Repeat("Tea is made of water. ", 30)
	russian, _ := charmap.Windows1251.NewEncoder().String(`<meta charset="windows-1251"><p>Жил-был чайник.`)
	declared, _ := charmap.KOI8R.NewEncoder().String(`<?xml version="1.0" encoding="koi8-r"?><p>Жил-был чайник.`)
	wide, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(`<p>Жил-был чайник.`)
	tests := []struct{ name, page, want string }{
		{"empty", "", ""},
		{"text alone", "a\n b", "a b\n"},
		{"no body, open head", "<head><title>x</title><meta name=y><p>a", "a\n"},
		{"main", "<div>around</div><main><p>" + long + "</main><div>around</div>", strings.TrimSpace(long) + "\n"},
		{"short main", "<div>around</div><main>a</main>", "around\n\na\n"},
		{"a page in a form", "<form><p>" + long + "</form>", strings.TrimSpace(long) + "\n"},
		{"links", `<p>a <a href=b>b</a></p><ul><li><a href=c>Chapter one</a><li><a href=d>Chapter two</a></ul>`, "a b\n"},
		{"open nav", "<div><nav><ul><li>x</div><p>a", "a\n"},
		{"stray ends", "</div></p></nav>a</b></html>", "a\n"},
		{"breaks", "a<br>b<br><br>c<hr>d", "a\nb\n\nc\n\nd\n"},
		{"entities", "&lt;&#1078;&nbsp;&amp;amp;&bogus;", "<ж\u00a0&amp;&bogus;\n"},
		{"windows-1251", russian, "Жил-был чайник.\n"},
		{"declared in XML", declared, "Жил-был чайник.\n"},
		{"UTF-16", wide, "Жил-был чайник.\n"},
		{"wrongly declared", `<meta charset="iso-8859-1"><p>Жил`, "Жил\n"},
	}
	for _, test := range tests {
		if got, err := read(t, HTML, []byte(test.page)); err != nil || got != test.want {
			t.Errorf("%s: %q, %v, want %q", test.name, got, err, test.want)
		}
	}
}

// packed returns a zip file of names and contents.
func packed(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sheet returns a PDF of one page with that content n times, compressed.
func sheet(content []byte, n int) []byte {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	for range n {
		w.Write(content)
	}
	w.Close()
	objects := []string{
		"<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>",
		fmt.Sprintf("<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream", z.Len(), z.Bytes()),
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	table := "xref\n0 5\n0000000000 65535 f \n"
	for i, o := range objects {
		table += fmt.Sprintf("%010d 00000 n \n", b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	fmt.Fprintf(&b, "%strailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF", table, b.Len())
	return b.Bytes()
}

const container = `<container><rootfiles><rootfile full-path="a.opf"/></rootfiles></container>`

func TestRefused(t *testing.T) {
	pdf, epub, docx := file(t, "tale.pdf"), file(t, "tale.epub"), file(t, "tale.docx")
	huge := strings.Repeat("<w:t>a</w:t>", maxMarkup/12+1)
	spine := `<item id="a" href="a.html" media-type="application/xhtml+xml"/><itemref idref="a"/>`
	tests := []struct {
		name   string
		format Format
		data   []byte
		want   string
	}{
		{"locked", PDF, file(t, "locked.pdf"), "encrypted PDF"},
		{"scan", PDF, file(t, "scan.pdf"), "PDF without text (scans?)"},
		{"cut", PDF, pdf[:600], "damaged PDF"},
		{"no PDF", PDF, []byte("<html>"), "damaged PDF"},
		{"empty PDF", PDF, nil, "damaged PDF"},
		{"stream that expands", PDF, sheet(bytes.Repeat([]byte(" "), 1<<20), 300), "damaged or too large PDF"},
		{"locked", EPUB, file(t, "locked.epub"), "encrypted EPUB"},
		{"cut", EPUB, epub[:len(epub)/2], "damaged EPUB"},
		{"flipped", EPUB, bytes.Replace(epub, epub[500:510], bytes.Repeat([]byte{7}, 10), 1), "damaged EPUB"},
		{"no container", EPUB, packed(t, "a", "b"), "damaged EPUB"},
		{"no spine", EPUB, packed(t, "META-INF/container.xml", container, "a.opf", "<package/>"), "damaged EPUB"},
		{"no chapter", EPUB, packed(t, "META-INF/container.xml", container, "a.opf", spine), "damaged EPUB"},
		{"chapter that expands", EPUB, packed(t, "META-INF/container.xml", container, "a.opf", spine, "a.html", huge), "too large EPUB"},
		{"nested", EPUB, packed(t, "META-INF/container.xml", container, "a.opf", spine, "a.html", strings.Repeat("<div>", maxDepth+1)), "too deeply nested EPUB"},
		{"many files", EPUB, bytes.Repeat([]byte("PK\x01\x02"), maxParts+1), "too large EPUB"},
		{"no zip", DOCX, []byte("text"), "damaged DOCX"},
		{"password", DOCX, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1........"), "encrypted DOCX"},
		{"cut", DOCX, docx[:len(docx)/2], "damaged DOCX"},
		{"a sheet", DOCX, packed(t, "xl/workbook.xml", ""), "damaged DOCX"},
		{"expands", DOCX, packed(t, "word/document.xml", huge), "too large DOCX"},
		{"a long tag", DOCX, packed(t, "word/document.xml", "<w:t "+strings.Repeat("a ", maxTag/2)+">"), "too large DOCX"},
		{"nested", HTML, []byte(strings.Repeat("<ul><li>", maxDepth)), "too deeply nested HTML"},
		{"a long tag", HTML, []byte("<p " + strings.Repeat("a ", maxTag/2) + ">"), "too large HTML"},
		{"long", HTML, make([]byte, MaxFile+1), "too large HTML"},
	}
	for _, test := range tests {
		_, err := read(t, test.format, test.data)
		var why Refused
		if !errors.As(err, &why) || err.Error() != test.want {
			t.Errorf("%s: %s: %v, want %s", test.format, test.name, err, test.want)
		}
	}
	// What expands to itself, entities and deep nesting: read, and small.
	laughs := `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><w:document><w:p><w:t>&b;</w:t></w:p></w:document>`
	if text, err := read(t, DOCX, packed(t, "word/document.xml", laughs)); err != nil || text != "&b;\n" {
		t.Errorf("entities: %q, %v", text, err)
	}
	deep := strings.Repeat("<w:p>", 1<<20)
	if text, err := read(t, DOCX, packed(t, "word/document.xml", deep)); err != nil || text != "" {
		t.Errorf("deep: %q, %v", text, err)
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := NewReader(ctx)
	defer r.Close()
	for _, f := range []Format{HTML, EPUB, PDF, DOCX} {
		if _, err := r.Text(f, file(t, "tale.pdf")); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", f, err)
		}
	}
}

func TestFlow(t *testing.T) {
	full := strings.Repeat("word ", 15) + "ends"
	tests := []struct {
		name  string
		pages []string
		want  string
	}{
		{"a paragraph", []string{full + "\r\n" + full + "\r\nshort."}, full + " " + full + " short.\n"},
		{"two", []string{full + "\nshort.\n" + full + "\n" + full}, full + " short.\n\n" + full + " " + full + "\n"},
		{"over pages", []string{"A " + full + "\n" + full, "b " + full + "\nshort."}, "A " + full + " " + full + " b " + full + " short.\n"},
		{"divided", []string{"manip\x02ulation"}, "manipulation\n"},
		{"verse", []string{"roses\nviolets\nsugar"}, "roses\nviolets\nsugar\n"},
		{"heads", []string{"Tea 1\na b c", "Tea 2\nd e f", "Tea 3\ng h i"}, "a b c\n\nd e f\n\ng h i\n"},
		{"numbers", []string{"a b c\n1", "d e f\n2"}, "a b c\n\nd e f\n"},
		{"items", []string{full + "\n• " + full + "\n• b"}, full + "\n• " + full + "\n• b\n"},
		{"a heading", []string{full + ".\n2.1 Naming\n" + full}, full + ".\n\n2.1 Naming\n\n" + full + "\n"},
	}
	for _, test := range tests {
		if got, err := flow(test.pages); err != nil || string(got) != test.want {
			t.Errorf("%s: %q, %v, want %q", test.name, got, err, test.want)
		}
	}
	if _, err := flow([]string{"\ue000\ue001\ue002 a"}); err == nil {
		t.Error("private use characters alone, and no error")
	}
}
