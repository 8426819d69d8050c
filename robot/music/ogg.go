package music

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/jfreymuth/vorbis"
)

// readOgg reads the first Vorbis stream of an Ogg file (RFC 3533, Vorbis I).
func readOgg(r *bufio.Reader, s *sink) error {
	p := packets{r: r}
	var d vorbis.Decoder
	for i := range 3 {
		packet, err := p.next()
		if err != nil {
			return fmt.Errorf("read header %d of 3: %w", i+1, broken(err))
		}
		if err := checkVorbis(i, packet); err != nil {
			return err
		}
		if i == vorbisComments {
			continue // titles do not matter, and the library trusts their number
		}
		if err := d.ReadHeader(packet); err != nil {
			return fmt.Errorf("read header %d of 3: %w", i+1, broken(err))
		}
	}
	if err := s.open(d.SampleRate(), d.Channels()); err != nil {
		return err
	}
	buf := make([]float32, d.BufferSize())
	for {
		packet, err := p.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && len(packet) > 0 && packet[0]&1 == 0 { // an odd byte begins a header
			var out []float32
			if out, err = d.DecodeInto(packet, buf); err == nil {
				err = s.write(out)
			}
		}
		if err != nil {
			return fmt.Errorf("after %.1f s: %w", float64(len(s.samples))/Rate, err)
		}
	}
}

// packets takes the packets of one logical stream out of Ogg pages.
type packets struct {
	r      *bufio.Reader
	serial uint32
	chosen bool
	lacing []byte // what is left of the page's segment table
	packet []byte
	ended  bool
}

// maxPacket bounds a packet. Headers with tables take up to some 100 KB, packets
// of sound a few KB.
const maxPacket = 1 << 20

// next returns the next packet, valid until the call after, or io.EOF after the
// last. A packet that the file's end cuts off is dropped.
func (p *packets) next() ([]byte, error) {
	p.packet = p.packet[:0]
	for {
		for len(p.lacing) == 0 {
			if p.ended {
				return nil, io.EOF
			}
			if err := p.page(); err != nil {
				return nil, err
			}
		}
		n := int(p.lacing[0])
		p.lacing = p.lacing[1:]
		at := len(p.packet)
		if at+n > maxPacket {
			return nil, fmt.Errorf("a packet of more than %d bytes", maxPacket)
		}
		p.packet = append(p.packet, make([]byte, n)...)
		if _, err := io.ReadFull(p.r, p.packet[at:]); err != nil {
			return nil, io.EOF
		}
		if n < 255 {
			return p.packet, nil
		}
	}
}

// page reads the head of the next page of the chosen stream, passing over others.
func (p *packets) page() error {
	for {
		var head [27]byte
		if _, err := io.ReadFull(p.r, head[:]); err != nil {
			return io.EOF
		}
		if string(head[:4]) != "OggS" || head[4] != 0 {
			return errors.New("a page does not begin with OggS: the file is damaged")
		}
		table := make([]byte, head[26])
		if _, err := io.ReadFull(p.r, table); err != nil {
			return io.EOF
		}
		size := 0
		for _, n := range table {
			size += int(n)
		}
		serial := binary.LittleEndian.Uint32(head[14:])
		if !p.chosen {
			start, err := p.r.Peek(min(7, size))
			if err != nil {
				return io.EOF
			}
			if string(start) == "\x01vorbis" {
				p.chosen, p.serial = true, serial
			} else if head[5]&2 == 0 { // not the beginning of a stream: all have begun
				return errors.New("there is no Vorbis stream in it: convert it (Opus is not read)")
			}
		}
		if p.chosen && serial == p.serial {
			p.lacing, p.ended = table, head[5]&4 != 0
			return nil
		}
		if _, err := p.r.Discard(size); err != nil {
			return io.EOF
		}
	}
}
