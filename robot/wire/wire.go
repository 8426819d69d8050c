// Package wire frames the messages between a robot's processes: a header, a
// payload whose size both sides know, and a checksum. It refuses a frame that is
// damaged, of an unknown kind, or of another size than agreed, and whoever reads
// one ends the link: on a stream nothing behind it can be trusted. Start with
// [Reader] and [Conn].
//
// Numbers are little-endian. A frame is
//
//	 0  4  magic "SVRB"
//	 4  1  kind
//	 5  1  flags, of the kind
//	 6  2  length of the payload in bytes
//	 8  8  sequence, of the kind
//	16  8  time, ns on the body's clock
//	24  n  payload
//	 …  4  CRC-32C (Castagnoli) of all that is before it
package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// Version is of the frames and of all payloads together. Both sides of a link
// must have the same.
const Version = 1

// Sizes in bytes.
const (
	HeaderSize = 24
	Overhead   = HeaderSize + 4           // of a frame beside its payload
	Largest    = math.MaxUint16           // payload
	magic      = uint32(0x42525653)       // "SVRB"
	anySize    = -1                       // in Reader.sizes: up to Largest
	unknown    = 0                        // in Reader.sizes, which hold 1 + size otherwise
	most       = HeaderSize + Largest + 4 // of a frame
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Kind is what a frame is.
type Kind uint8

// The kinds of frames. Values are part of the protocol.
const (
	Hello     Kind = 1 + iota // JSON, of whoever dials
	Welcome                   // JSON, of the body: what it is
	Refusal                   // text: why there is no link
	Heartbeat                 // nothing: the process lives
	Sensors                   // of the body
	Missed                    // of the body, in lockstep: a tick whose sensors were lost
	Command                   // of the controller
	Truth                     // of the body, for the referee
	Event                     // of the referee: a push or a fault
	Go                        // of the referee: it has seen this tick
	kinds
)

var names = [kinds]string{"", "hello", "welcome", "refusal", "heartbeat", "sensors", "missed", "command", "truth", "event", "go"}

// String returns the kind's name.
func (k Kind) String() string {
	if k == 0 || k >= kinds {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return names[k]
}

// Header is what every frame begins with.
type Header struct {
	Kind     Kind
	Flags    uint8
	Sequence uint64
	Time     int64 // ns on the body's clock
}

// Append appends a frame to dst. The payload has at most Largest bytes.
func Append(dst []byte, h Header, payload []byte) []byte {
	start := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, magic)
	dst = append(dst, byte(h.Kind), h.Flags)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(payload)))
	dst = binary.LittleEndian.AppendUint64(dst, h.Sequence)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.Time))
	dst = append(dst, payload...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// Reader reads frames of the kinds and sizes that it was told to expect. It
// allocates its buffer once.
type Reader struct {
	from  io.Reader
	sizes [kinds]int
	frame [most]byte
}

// NewReader returns a reader that expects no kind yet.
func NewReader(r io.Reader) *Reader { return &Reader{from: r} }

// Expect lets frames of a kind come with a payload of exactly size bytes.
func (r *Reader) Expect(k Kind, size int) { r.sizes[k] = 1 + size }

// ExpectText lets frames of the kinds come with any payload up to Largest.
func (r *Reader) ExpectText(all ...Kind) {
	for _, k := range all {
		r.sizes[k] = anySize
	}
}

// Refuse ends what Expect began.
func (r *Reader) Refuse(all ...Kind) {
	for _, k := range all {
		r.sizes[k] = unknown
	}
}

// Next returns the next frame. The payload is the reader's until the next call.
// io.EOF means an end between two frames; every other error is a damaged or
// foreign stream, or the connection's.
func (r *Reader) Next() (Header, []byte, error) {
	if _, err := io.ReadFull(r.from, r.frame[:HeaderSize]); err != nil {
		return Header{}, nil, err
	}
	f := r.frame[:]
	h := Header{Kind(f[4]), f[5], binary.LittleEndian.Uint64(f[8:]), int64(binary.LittleEndian.Uint64(f[16:]))}
	if m := binary.LittleEndian.Uint32(f); m != magic {
		return h, nil, fmt.Errorf("a frame that begins with %08x instead of %08x: the other side does not speak this protocol", m, magic)
	}
	size := int(binary.LittleEndian.Uint16(f[6:]))
	if h.Kind == 0 || h.Kind >= kinds || r.sizes[h.Kind] == unknown {
		return h, nil, fmt.Errorf("a frame of %v, which is not expected here", h.Kind)
	}
	if want := r.sizes[h.Kind]; want != anySize && size != want-1 {
		return h, nil, fmt.Errorf("a frame of %v with %d bytes instead of %d", h.Kind, size, want-1)
	}
	end := HeaderSize + size
	if _, err := io.ReadFull(r.from, f[HeaderSize:end+4]); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return h, nil, err
	}
	if binary.LittleEndian.Uint32(f[end:]) != crc32.Checksum(f[:end], castagnoli) {
		return h, nil, fmt.Errorf("a frame of %v with a wrong checksum", h.Kind)
	}
	return h, f[HeaderSize:end:end], nil
}

// Floats appends numbers to dst, 8 bytes each.
func Floats(dst []byte, all ...float64) []byte {
	for _, x := range all {
		dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(x))
	}
	return dst
}

// Take reads numbers from the beginning of a payload that Reader has checked to
// hold them, and returns the rest.
func Take(payload []byte, all ...*float64) []byte {
	for i, x := range all {
		*x = math.Float64frombits(binary.LittleEndian.Uint64(payload[8*i:]))
	}
	return payload[8*len(all):]
}
