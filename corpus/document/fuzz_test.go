package document

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// fuzz asserts that a document gives the same text twice or is refused.
func fuzz(t *testing.T, f Format, data []byte) {
	one, err := testReader.Text(f, data)
	var why Refused
	if err != nil && !errors.As(err, &why) {
		t.Fatal(err)
	}
	if two, again := testReader.Text(f, data); !bytes.Equal(one, two) || (err == nil) != (again == nil) {
		t.Fatalf("%q, %v and then %q, %v", one, err, two, again)
	}
	if len(one) > 0 && !bytes.HasSuffix(one, []byte("\n")) || utf8.Valid(data) && !utf8.Valid(one) {
		t.Fatalf("text %q", one)
	}
}

func FuzzHTML(f *testing.F) {
	f.Add(file(f, "article.html"))
	for _, page := range []string{"<ul><li><nav></ul>x", "<td><p>a</p><td><table><tr>", "<form><main></form>a</main>", "<pre>\n\na", "<svg/>a", "<script/>a"} {
		f.Add([]byte(page))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzz(t, HTML, data)
		p := prose{limit: 100}
		if err := p.page(data, chapterRules); err == nil && len(p.out) > 100 {
			t.Fatalf("%d bytes", len(p.out))
		}
	})
}

// FuzzDOCX varies the part, since what a fuzzer does to a zip file only damages it.
func FuzzDOCX(f *testing.F) {
	f.Add("<w:p><w:r><w:t>a</w:t></w:r></w:p><w:tbl><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl>", "<Relationship Type='x/officeDocument' Target='word/document.xml'/>")
	f.Fuzz(func(t *testing.T, part, relations string) {
		fuzz(t, DOCX, packed(t, "word/document.xml", part, "_rels/.rels", relations))
	})
}

func FuzzEPUB(f *testing.F) {
	f.Add(`<item id="a" href="a.html" media-type="text/html"/><itemref idref="a"/>`, "<p>a</p>", "<CipherReference URI='b'/>")
	f.Fuzz(func(t *testing.T, opf, chapter, locks string) {
		fuzz(t, EPUB, packed(t, "META-INF/container.xml", container, "a.opf", opf, "a.html", chapter, "META-INF/encryption.xml", locks))
	})
}

func FuzzZip(f *testing.F) {
	f.Add(packed(f, "word/document.xml", "<w:p><w:t>a"))
	f.Add(packed(f, "META-INF/container.xml", container, "a.opf", ""))
	f.Fuzz(func(t *testing.T, data []byte) {
		fuzz(t, DOCX, data)
		fuzz(t, EPUB, data)
	})
}

func FuzzPDF(f *testing.F) {
	f.Add(file(f, "tale.pdf"))
	f.Add(sheet([]byte("BT /F 12 Tf 9 9 Td (tea) Tj ET"), 1))
	read(f, PDF, file(f, "tale.pdf")) // starts PDFium, which takes longer than an input may
	f.Fuzz(func(t *testing.T, data []byte) { fuzz(t, PDF, data) })
}

func FuzzFlow(f *testing.F) {
	f.Add("a\nb", "1\nc")
	f.Fuzz(func(t *testing.T, one, two string) {
		text, err := flow([]string{one, two, one})
		if err == nil && (len(text) > 2*len(one)*2+len(two)*2+16 || strings.ContainsRune(string(text), divided)) {
			t.Fatalf("%q", text)
		}
	})
}
