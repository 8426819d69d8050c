package corpus

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"samovar"
)

// PART.bin is a header and the ids of all documents one after another, little-
// endian. The header, little-endian as well:
//
//	 0 magic "SMVRBIN1"
//	 8 uint32 bytes an id: 2 up to a vocabulary of 65,536, else 4
//	12 uint32 vocabulary
//	16 uint32 begin, the id that opens a document
//	20 uint32 end, the id that closes it; equal to begin: not written
//	24 uint32 1 for dialogues, which have a mask, else 0
//	28 uint32 0
//	32 uint64 ids
//	40 uint64 documents
//	48 uint64 bytes of text
//	56 uint64 0
//
// PART.idx holds for each document, ordered by source: uint64 index of its
// first id, uint32 bytes of its text, uint32 source. PART.mask holds a bit for
// each id, from the lowest bit of the first byte: 1 where it is learnt.
const (
	binMagic    = "SMVRBIN1"
	headerBytes = 64
	recordBytes = 16
	partBuffer  = 256 << 10
)

// header is what the first bytes of PART.bin hold.
type header struct {
	width      int // bytes an id
	vocabulary int
	begin, end int32
	dialogue   bool
	tokens     int64
	documents  int64
	bytes      int64
}

func (h header) encode() []byte {
	b := make([]byte, headerBytes)
	le := binary.LittleEndian
	copy(b, binMagic)
	le.PutUint32(b[8:], uint32(h.width))
	le.PutUint32(b[12:], uint32(h.vocabulary))
	le.PutUint32(b[16:], uint32(h.begin))
	le.PutUint32(b[20:], uint32(h.end))
	if h.dialogue {
		le.PutUint32(b[24:], 1)
	}
	le.PutUint64(b[32:], uint64(h.tokens))
	le.PutUint64(b[40:], uint64(h.documents))
	le.PutUint64(b[48:], uint64(h.bytes))
	return b
}

// decodeHeader reads the header of a PART.bin of size bytes whose PART.idx has
// index bytes.
func decodeHeader(b []byte, size, index int64) (h header, err error) {
	if len(b) < headerBytes || string(b[:8]) != binMagic {
		return h, errors.New("this is no shard of token ids")
	}
	le := binary.LittleEndian
	h = header{
		width: int(le.Uint32(b[8:])), vocabulary: int(le.Uint32(b[12:])),
		begin: int32(le.Uint32(b[16:])), end: int32(le.Uint32(b[20:])), dialogue: le.Uint32(b[24:]) == 1,
		tokens: int64(le.Uint64(b[32:])), documents: int64(le.Uint64(b[40:])), bytes: int64(le.Uint64(b[48:])),
	}
	switch {
	case h.width != 2 && h.width != 4 || h.tokens < 0 || h.documents < 0 || h.bytes < 0:
		return h, errors.New("the header of the shard is damaged")
	case h.tokens != (size-headerBytes)/int64(h.width) || (size-headerBytes)%int64(h.width) != 0:
		return h, fmt.Errorf("the shard is cut or damaged: %d ids are announced and %d bytes there", h.tokens, size-headerBytes)
	case h.documents != index/recordBytes || index%recordBytes != 0:
		return h, fmt.Errorf("the index is cut or damaged: %d documents are announced and %d bytes there", h.documents, index)
	}
	return h, nil
}

// part writes one part; its files are made with its first document.
type part struct {
	header
	path           string // without extension
	bin, idx, mask *sink
	bits           byte          // of the mask, not yet written
	sources        map[int]int64 // tokens of each source
}

func newPart(path string, s *Shard, dialogue bool) *part {
	h := header{width: 4, vocabulary: s.Vocabulary, begin: s.Begin, end: s.End, dialogue: dialogue}
	if s.Vocabulary <= 1<<16 {
		h.width = 2
	}
	return &part{header: h, path: path, sources: map[int]int64{}}
}

// sink is a file written through a buffer.
type sink struct {
	*bufio.Writer
	file *os.File
}

// create makes a file with a buffer of so many bytes.
func create(path string, buffer int) (*sink, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &sink{bufio.NewWriterSize(f, buffer), f}, nil
}

func (s *sink) close() error {
	if s == nil {
		return nil
	}
	return first(s.Flush(), s.file.Close())
}

func (p *part) open() (err error) {
	if p.bin, err = create(p.path+".bin", partBuffer); err != nil {
		return err
	}
	if p.idx, err = create(p.path+".idx", partBuffer); err != nil {
		return err
	}
	if p.dialogue {
		if p.mask, err = create(p.path+".mask", partBuffer); err != nil {
			return err
		}
	}
	_, err = p.bin.Write(make([]byte, headerBytes))
	return err
}

// add appends a document.
func (p *part) add(d encoded) error {
	if p.bin == nil {
		if err := p.open(); err != nil {
			return err
		}
	}
	le := binary.LittleEndian
	record := le.AppendUint64(make([]byte, 0, recordBytes), uint64(p.tokens))
	record = le.AppendUint32(record, uint32(d.bytes))
	record = le.AppendUint32(record, uint32(d.source))
	if _, err := p.idx.Write(record); err != nil {
		return err
	}
	for i, id := range d.ids {
		b := p.bin.AvailableBuffer()
		if p.width == 2 {
			b = le.AppendUint16(b, uint16(id))
		} else {
			b = le.AppendUint32(b, uint32(id))
		}
		if _, err := p.bin.Write(b); err != nil {
			return err
		}
		if p.dialogue {
			if err := p.bit(d.learn[i]); err != nil {
				return err
			}
		}
		p.tokens++
	}
	p.documents++
	p.bytes += int64(d.bytes)
	p.sources[d.source] += int64(len(d.ids))
	return nil
}

// bit appends the mark of token p.tokens to the mask.
func (p *part) bit(learn bool) error {
	n := p.tokens % 8
	if learn {
		p.bits |= 1 << n
	}
	if n != 7 {
		return nil
	}
	bits := p.bits
	p.bits = 0
	return p.mask.WriteByte(bits)
}

// close writes what is left, and the header.
func (p *part) close() error {
	if p.bin == nil {
		return nil
	}
	var err error
	if p.dialogue && p.tokens%8 != 0 {
		err = p.mask.WriteByte(p.bits)
	}
	err = first(err, p.bin.Flush())
	_, at := p.bin.file.WriteAt(p.encode(), 0)
	return first(err, at, p.bin.close(), p.idx.close(), p.mask.close())
}

func (p *part) count() Part {
	return Part{Name: filepath.Base(p.path), Documents: p.documents, Tokens: p.tokens, Bytes: p.bytes}
}

// record keeps with the run how many bytes of text and tokens the part has, "PART
// bytes" and "PART tokens", and how many tokens of each source, "PART tokens/SOURCE".
func (p *part) record(r samovar.Recorder) {
	if r == nil {
		return
	}
	r.Metric(p.count().Name+" bytes", float64(p.bytes))
	name := p.count().Name + " tokens"
	r.Metric(name, float64(p.tokens))
	for source, n := range p.sources {
		r.Metric(name+"/"+strconv.Itoa(source), float64(n))
	}
}

func (p *part) files() []samovar.OutputFile {
	var files []samovar.OutputFile
	extensions := []string{".bin", ".idx"}
	if p.dialogue {
		extensions = append(extensions, ".mask")
	}
	for _, ext := range extensions {
		files = append(files, samovar.OutputFile{
			Name: filepath.Base(p.path) + ext, Path: p.path + ext, MediaType: "application/vnd.samovar.tokens" + ext,
		})
	}
	return files
}

// reportOf reads the Config of a corpus.
func reportOf(config json.RawMessage) (r Report, ok bool) {
	return r, json.Unmarshal(config, &r) == nil
}
