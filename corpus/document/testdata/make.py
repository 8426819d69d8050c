"""Makes the documents of this folder, and *.txt: the text that is to come out
of each, known because it is what is written into them here.

    pip install python-docx==1.2.0 reportlab ebooklib pikepdf && python make.py

DejaVuSans.ttf is looked for where Debian's fonts-dejavu-core puts it.
"""
import io
import zipfile

import docx
import pikepdf
from docx.oxml import parse_xml
from ebooklib import epub
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

TITLE = "The Kettle and the Crow"
TALE = [
    "There was once a kettle that stood on a cold stove in an empty kitchen. Nobody had boiled water in it for seven "
    "winters, and it had begun to forget how to sing. One morning a crow came in at the broken window and asked what it was.",
    "“I am a vessel that boils its own water,” said the kettle. “Or I was, as long as there was wood.” The crow thought "
    "about this for a while, because crows like a thing that is true, and then it flew away over the snow.",
    "It came back with a twig.",
    "By evening there were forty twigs & a piece of birch bark, and the two of them – the kettle on the stove, the crow on "
    "the handle – watched the first small flame. The kettle remembered one note, then two, then the whole of its song.",
    "Since then there has been tea in that house at five o’clock for whoever comes in out of the cold.",
]
CYRILLIC = ["Жил-был чайник.", "И прилетела к нему ворона, и спросила, кто он такой. Чайник ответил, что он сосуд, который сам "
            "варит воду, если есть дрова, а дров не было уже семь зим, и песню свою он почти забыл."]


def golden(name, paragraphs):
    with open(name, "w", encoding="utf-8", newline="\n") as f:
        f.write("\n\n".join(paragraphs) + "\n")


def word():
    d = docx.Document()
    d.sections[0].header.paragraphs[0].text = "running head"
    d.sections[0].footer.paragraphs[0].text = "running foot"
    d.add_heading(TITLE, 1)
    for p in TALE[:3]:
        d.add_paragraph(p)
    t = d.add_table(rows=2, cols=3)
    for r, row in enumerate([["thing", "count", "note"], ["twigs", "40", "dry"]]):
        for c, cell in enumerate(row):
            t.cell(r, c).text = cell
    for p in TALE[3:]:
        d.add_paragraph(p)
    w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xml:space="preserve"'
    last = d.add_paragraph("A first line")
    last.runs[0].add_break()
    last.add_run("and a second.")
    last._p.append(parse_xml(f'<w:del {w} w:id="1"><w:r><w:delText> Deleted.</w:delText></w:r></w:del>'))
    last._p.append(parse_xml(f'<w:r {w}><w:instrText> PAGE </w:instrText></w:r>'))
    d.save("tale.docx")
    notes = f'<?xml version="1.0"?><w:footnotes {w}><w:footnote w:id="2"><w:p><w:r><w:t>A note at the foot.</w:t></w:r></w:p></w:footnote></w:footnotes>'
    with zipfile.ZipFile("tale.docx", "a", zipfile.ZIP_DEFLATED) as z:
        z.writestr("word/footnotes.xml", notes)
    golden("tale.docx.txt", [TITLE, *TALE[:3], "thing\tcount\tnote\ntwigs\t40\tdry", *TALE[3:], "A first line\nand a second.", "A note at the foot."])


def book():
    b = epub.EpubBook()
    b.set_identifier("tale")
    b.set_title(TITLE)
    b.set_language("en")
    one = epub.EpubHtml(title="One", file_name="one.xhtml")
    one.content = f"<header><h1>{TITLE}</h1></header>" + "".join(f"<p>{p.replace('&', '&amp;')}</p>" for p in TALE[:3]) + \
        "<script>never()</script><svg><text>drawn</text></svg>"
    two = epub.EpubHtml(title="Two", file_name="two words.xhtml")
    two.content = "".join(f"<p>{p.replace('&', '&amp;')}</p>" for p in TALE[3:]) + \
        '<span epub:type="pagebreak">12</span><aside epub:type="footnote"><p>A note at the foot.</p></aside>'
    for c in (one, two):
        b.add_item(c)
    b.add_item(epub.EpubNcx())
    b.add_item(epub.EpubNav())
    b.spine = ["nav", one, two]
    b.toc = (one, two)
    epub.write_epub("tale.epub", b)
    golden("tale.epub.txt", [TITLE, *TALE, "A note at the foot."])

    # The same with its first chapter encrypted, as far as the file says.
    lock = '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#">' \
        '<CipherData><CipherReference URI="EPUB/one.xhtml"/></CipherData></EncryptedData></encryption>'
    with zipfile.ZipFile("tale.epub") as old, zipfile.ZipFile("locked.epub", "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            new.writestr(item, old.read(item))
        new.writestr("META-INF/encryption.xml", lock)


def sheet(name, paragraphs, font="Times-Roman", head=TITLE):
    style = ParagraphStyle("body", fontName=font, fontSize=11, leading=14, alignment=4, firstLineIndent=12)

    def frame(canvas, doc):
        canvas.setFont(font, 8)
        canvas.drawString(60, 560, head)
        canvas.drawCentredString(210, 30, str(doc.page))

    d = SimpleDocTemplate(name, pagesize=A5, invariant=1, title=TITLE)
    d.build([x for p in paragraphs for x in (p if isinstance(p, list) else [Paragraph(p.replace("&", "&amp;"), style)])],
            onFirstPage=frame, onLaterPages=frame)


def pages():
    sheet("tale.pdf", [TALE[0], TALE[1], [PageBreak()], TALE[2], TALE[3], [PageBreak()], TALE[4]])
    golden("tale.pdf.txt", TALE)
    pdfmetrics.registerFont(TTFont("DejaVu", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"))
    sheet("cyrillic.pdf", CYRILLIC, font="DejaVu", head="")
    golden("cyrillic.pdf.txt", CYRILLIC)

    from reportlab.pdfgen.canvas import Canvas
    scan = Canvas("scan.pdf", pagesize=A5, invariant=1)
    scan.rect(50, 50, 200, 300, fill=1)
    scan.save()
    with pikepdf.open("tale.pdf") as p:
        p.save("locked.pdf", encryption=pikepdf.Encryption(owner="owner", user="user"))
        # Readable by everybody, though not to be changed.
        p.save("owned.pdf", encryption=pikepdf.Encryption(owner="owner", user=""))
    golden("owned.pdf.txt", TALE)


word()
book()
pages()
