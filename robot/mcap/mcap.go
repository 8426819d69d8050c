// Package mcap writes and reads MCAP files: recordings of messages on channels, in
// compressed chunks, with an index at the end. A file that was cut off can be read up
// to its last whole chunk. It refuses files that are damaged, chunks that are not
// compressed with zstd, and records of more than 256 MiB; attachments are passed over.
// Start with [Writer] and [Reader].
//
// The format is version 0 of https://mcap.dev/spec. Times are nanoseconds since an
// epoch that whoever writes the file chooses.
package mcap

import (
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"slices"
)

// magic is how a file begins and ends. The fifth byte is the version.
const magic = "\x89MCAP0\r\n"

// largest is how many bytes a record may have, and a chunk that is unpacked: many
// times the chunks that recorders write, 1 to 4 MiB.
const largest = 256 << 20

// ErrCut is within the error of a file that ends in the middle. Everything before
// that has been read.
var ErrCut = errors.New("the recording is cut off")

// The records' opcodes.
const (
	opHeader        = 0x01
	opFooter        = 0x02
	opSchema        = 0x03
	opChannel       = 0x04
	opMessage       = 0x05
	opChunk         = 0x06
	opMessageIndex  = 0x07
	opChunkIndex    = 0x08
	opAttachment    = 0x09
	opStatistics    = 0x0B
	opMetadata      = 0x0C
	opMetadataIndex = 0x0D
	opSummaryOffset = 0x0E
	opDataEnd       = 0x0F
)

// prefix is the opcode and the length before each record.
const prefix = 1 + 8

// Compressions of a chunk.
const (
	Uncompressed = ""
	Zstd         = "zstd"
)

// Schema says how the messages of a channel are built.
type Schema struct {
	Name     string
	Encoding string // of Data, "ros2msg" or "jsonschema" for instance
	Data     []byte
}

// Channel is a stream of messages of one kind.
type Channel struct {
	Topic    string
	Encoding string  // of its messages, "cdr" or "json" for instance
	Schema   *Schema // nil: there is none
	Metadata map[string]string
}

// Message is what was said on a channel.
type Message struct {
	Channel   *Channel
	Sequence  uint32 // in its channel, if the writer counts
	Logged    uint64 // ns, when it was recorded
	Published uint64 // ns
	Data      []byte
}

// begin appends a record's opcode and room for its length, and returns where the
// content begins; end fills in the length.
func begin(dst []byte, op byte) ([]byte, int) {
	dst = append(dst, op, 0, 0, 0, 0, 0, 0, 0, 0)
	return dst, len(dst)
}

func end(dst []byte, content int) []byte {
	binary.LittleEndian.PutUint64(dst[content-8:], uint64(len(dst)-content))
	return dst
}

func text(dst []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(s))), s...)
}

// pairs appends a map, by the order of its keys.
func pairs(dst []byte, m map[string]string) []byte {
	size := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	for _, k := range slices.Sorted(maps.Keys(m)) {
		dst = text(text(dst, k), m[k])
	}
	binary.LittleEndian.PutUint32(dst[size:], uint32(len(dst)-size-4))
	return dst
}

// content is what is left of a record that is read. Whatever is asked of one that is
// too short is zero, and short says so.
type content struct {
	left  []byte
	short bool
}

func (c *content) bytes(n uint64) []byte {
	if n > uint64(len(c.left)) {
		c.left, c.short = nil, true
		return nil
	}
	b := c.left[:n]
	c.left = c.left[n:]
	return b
}

func (c *content) uint16() uint16 {
	if b := c.bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *content) uint32() uint32 {
	if b := c.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *content) uint64() uint64 {
	if b := c.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (c *content) text() string { return string(c.bytes(uint64(c.uint32()))) }

func (c *content) pairs() map[string]string {
	in := content{left: c.bytes(uint64(c.uint32()))}
	var m map[string]string
	for len(in.left) > 0 {
		k, v := in.text(), in.text()
		if in.short {
			c.short = true
			break
		}
		if m == nil {
			m = map[string]string{}
		}
		m[k] = v
	}
	return m
}

// cut makes an error of reading one that says that the file ends too early.
func cut(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrCut
	}
	return err
}
