package mcap

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Reader reads a file's messages in the order in which they were written. It needs no
// index, and holds one chunk. The first error ends it. A reader belongs to one
// goroutine.
type Reader struct {
	Profile, Library string
	// Metadata are the named values that stood before the last message.
	Metadata map[string]map[string]string

	from      *bufio.Reader
	at        uint64 // bytes that are read
	crc       uint32 // of them
	record    bytes.Buffer
	chunk     bytes.Buffer
	left      []byte // records of the chunk
	zstd      *zstd.Decoder
	schemas   map[uint16]*Schema
	channels  map[uint16]*Channel
	message   Message
	described int // bytes of metadata so far
	err       error
}

// described is how many bytes of metadata a file may have in all.
const mostMetadata = 16 << 20

// NewReader reads the beginning of a file.
func NewReader(r io.Reader) (*Reader, error) {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(32<<20))
	if err != nil {
		return nil, fmt.Errorf("read a recording: %w", err)
	}
	from := &Reader{
		from: bufio.NewReader(r), zstd: z, Metadata: map[string]map[string]string{},
		schemas: map[uint16]*Schema{}, channels: map[uint16]*Channel{},
	}
	if err := from.begin(); err != nil {
		z.Close()
		return nil, fmt.Errorf("read a recording: %w", err)
	}
	return from, nil
}

// Close gives back what the reader holds. What lies beneath is not closed.
func (r *Reader) Close() { r.zstd.Close() }

// begin reads the magic and the header.
func (r *Reader) begin() error {
	var first [len(magic)]byte
	if _, err := io.ReadFull(r.from, first[:]); err != nil {
		return cut(err)
	}
	if string(first[:5]) != magic[:5] || string(first[6:]) != magic[6:] {
		return errors.New("this is no MCAP file")
	}
	if first[5] != magic[5] {
		return fmt.Errorf("the file is of version %q of MCAP, this program reads version 0", first[5])
	}
	r.at, r.crc = uint64(len(first)), crc32.ChecksumIEEE(first[:])
	op, record, err := r.next()
	if err != nil {
		return err
	}
	c := content{left: record}
	r.Profile, r.Library = c.text(), c.text()
	if op != opHeader || c.short {
		return errors.New("the header is missing or damaged")
	}
	return nil
}

// Next returns the next message, which is valid until the next call. At the end of the
// data it returns io.EOF, of a file that is cut off an error with ErrCut within.
func (r *Reader) Next() (*Message, error) {
	for r.err == nil {
		if len(r.left) == 0 {
			r.err = r.advance()
			continue
		}
		at := r.at
		op, record, err := r.inner()
		if err == nil {
			var ok bool
			if ok, err = r.take(op, record); ok && err == nil {
				return &r.message, nil
			}
		}
		if err != nil {
			r.err = fmt.Errorf("read a recording: the chunk before byte %d: %w", at, err)
		}
	}
	return nil, r.err
}

// next reads a record of the file. Memory grows with what is there, not with what the
// length says.
func (r *Reader) next() (op byte, record []byte, err error) {
	var head [prefix]byte
	if _, err := io.ReadFull(r.from, head[:]); err != nil {
		return 0, nil, cut(err)
	}
	before := r.crc
	op, n := head[0], binary.LittleEndian.Uint64(head[1:])
	r.crc = crc32.Update(r.crc, crc32.IEEETable, head[:])
	r.at += prefix
	r.record.Reset()
	switch {
	case op == opAttachment:
		k, err := io.Copy(crcWriter{&r.crc}, io.LimitReader(r.from, int64(min(n, 1<<62))))
		if r.at += uint64(k); err == nil && uint64(k) < n {
			err = ErrCut
		}
		return op, nil, err
	case n > largest:
		return op, nil, fmt.Errorf("a record of %d bytes: at most %d are read", n, largest)
	}
	if _, err := io.CopyN(&r.record, r.from, int64(n)); err != nil {
		return op, nil, cut(err)
	}
	r.at += n
	r.crc = crc32.Update(r.crc, crc32.IEEETable, r.record.Bytes())
	if op == opDataEnd {
		r.crc = before // which is what it holds
	}
	return op, r.record.Bytes(), nil
}

// crcWriter adds what is written to a checksum.
type crcWriter struct{ crc *uint32 }

// Write adds b.
func (w crcWriter) Write(b []byte) (int, error) {
	*w.crc = crc32.Update(*w.crc, crc32.IEEETable, b)
	return len(b), nil
}

// advance reads records of the file until there is a chunk, or a message outside of
// one, which is then a chunk of its own.
func (r *Reader) advance() error {
	at := r.at
	op, record, err := r.next()
	if err == nil {
		c := content{left: record}
		switch op {
		case opChunk:
			err = r.unpack(&c)
		case opSchema, opChannel, opMessage:
			r.chunk.Reset()
			r.chunk.Write(binary.LittleEndian.AppendUint64([]byte{op}, uint64(len(record))))
			r.chunk.Write(record)
			r.left = r.chunk.Bytes()
		case opMetadata:
			err = r.describe(&c, len(record))
		case opDataEnd:
			if crc := c.uint32(); c.short || len(c.left) > 0 || crc != 0 && crc != r.crc {
				err = errors.New("the checksum of the data is another: the file is damaged")
			} else {
				return io.EOF
			}
		case opFooter:
			err = errors.New("the end of the data is missing: the file is damaged")
		}
	}
	if err != nil {
		return fmt.Errorf("read a recording at byte %d: %w", at, err)
	}
	return nil
}

// describe takes metadata.
func (r *Reader) describe(c *content, size int) error {
	if r.described += size; r.described > mostMetadata {
		return fmt.Errorf("more than %d bytes of metadata", mostMetadata)
	}
	name := c.text()
	values := c.pairs()
	if c.short {
		return errors.New("metadata that are damaged")
	}
	r.Metadata[name] = values
	return nil
}

// unpack takes a chunk.
func (r *Reader) unpack(c *content) error {
	c.bytes(16) // times of its messages
	size, crc, compression := c.uint64(), c.uint32(), c.text()
	packed := c.bytes(c.uint64())
	switch {
	case c.short:
		return errors.New("a chunk that is damaged")
	case size > largest:
		return fmt.Errorf("a chunk of %d bytes: at most %d are read", size, largest)
	}
	switch compression {
	case Uncompressed:
		r.left = packed
	case Zstd:
		if err := r.zstd.Reset(bytes.NewReader(packed)); err != nil {
			return fmt.Errorf("a chunk: %w", err)
		}
		r.chunk.Reset()
		// One byte more than it should have shows that it has too many.
		if _, err := io.CopyN(&r.chunk, r.zstd, int64(size)+1); err != nil && err != io.EOF {
			return fmt.Errorf("a chunk: %w", err)
		}
		r.left = r.chunk.Bytes()
	default:
		return fmt.Errorf("a chunk is compressed with %.20q: this program reads zstd", compression)
	}
	if uint64(len(r.left)) != size {
		r.left = nil
		return fmt.Errorf("a chunk has not the %d bytes that it says", size)
	}
	if crc != 0 && crc != crc32.ChecksumIEEE(r.left) {
		r.left = nil
		return errors.New("the checksum of a chunk is another: the file is damaged")
	}
	return nil
}

// inner takes a record off the chunk.
func (r *Reader) inner() (op byte, record []byte, err error) {
	if len(r.left) < prefix {
		return 0, nil, errors.New("a record that is damaged")
	}
	op, n := r.left[0], binary.LittleEndian.Uint64(r.left[1:])
	if n > uint64(len(r.left)-prefix) {
		return op, nil, errors.New("a record is longer than its chunk")
	}
	record = r.left[prefix : prefix+n]
	r.left = r.left[prefix+n:]
	return op, record, nil
}

// take takes a record of a chunk, and reports whether it is a message.
func (r *Reader) take(op byte, record []byte) (bool, error) {
	c := content{left: record}
	switch op {
	case opSchema:
		id := c.uint16()
		s := &Schema{Name: c.text(), Encoding: c.text()}
		s.Data = bytes.Clone(c.bytes(uint64(c.uint32())))
		if c.short {
			return false, errors.New("a schema that is damaged")
		}
		if r.schemas[id] == nil {
			r.schemas[id] = s
		}
	case opChannel:
		id, schema := c.uint16(), c.uint16()
		k := &Channel{Topic: c.text(), Encoding: c.text(), Metadata: c.pairs(), Schema: r.schemas[schema]}
		switch {
		case c.short:
			return false, errors.New("a channel that is damaged")
		case schema != 0 && k.Schema == nil:
			return false, fmt.Errorf("channel %q has a schema that is not there", k.Topic)
		}
		if r.channels[id] == nil {
			r.channels[id] = k
		}
	case opMessage:
		id := c.uint16()
		r.message = Message{Channel: r.channels[id], Sequence: c.uint32(), Logged: c.uint64(), Published: c.uint64()}
		r.message.Data = c.left
		switch {
		case c.short:
			return false, errors.New("a message that is damaged")
		case r.message.Channel == nil:
			return false, fmt.Errorf("a message of channel %d, which is not there", id)
		}
		return true, nil
	}
	return false, nil
}
