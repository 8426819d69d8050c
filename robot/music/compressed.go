package music

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/hajimehoshi/go-mp3"
	"github.com/mewkiz/flac"
)

// readMP3 reads MPEG-1 and MPEG-2 layer III.
func readMP3(r *bufio.Reader, s *sink) error {
	if err := skipID3(r); err != nil {
		return err
	}
	if b, err := r.Peek(2); err == nil && b[0] == 0xff && b[1]&0xf8 == 0xe0 {
		return errors.New("MPEG 2.5 (8 to 12 kHz) is not read: convert it")
	}
	s.skip = encoderDelay(r)
	// Without Seek the decoder does not read the whole file first to know its length.
	d, err := mp3.NewDecoder(struct{ io.Reader }{r})
	if err != nil {
		return broken(err)
	}
	if err := s.open(d.SampleRate(), 2); err != nil { // it always gives two channels of 16 bits
		return err
	}
	buf, out := make([]byte, 4*4096), make([]float32, 2*4096)
	for {
		n, err := io.ReadFull(d, buf)
		for i := range n / 2 {
			out[i] = float32(int16(binary.LittleEndian.Uint16(buf[2*i:]))) / (1 << 15)
		}
		if err := s.write(out[:n/2]); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %.1f s: %w", float64(len(s.samples))/Rate, broken(err))
		}
	}
}

// skipID3 passes over ID3v2 tags, whose sizes have seven bits in each byte (ID3v2.4,
// section 3.1).
func skipID3(r *bufio.Reader) error {
	for {
		head, err := r.Peek(10)
		if err != nil || string(head[:3]) != "ID3" {
			return nil
		}
		n := 10 + (int(head[6]&127)<<21 | int(head[7]&127)<<14 | int(head[8]&127)<<7 | int(head[9]&127))
		if _, err := r.Discard(n); err != nil {
			return fmt.Errorf("the file ends within its tag of %d bytes", n)
		}
	}
}

// encoderDelay returns how many samples at the beginning are not of the song: the
// frame that holds the encoder's tag, the encoder's delay that it states, and the 529
// samples of any decoder (Naoki Shibata and Gabriel Bouvier, MP3 Info Tag, revision
// 1). Players leave them out, and beats would be some 50 ms late with them. Without a
// tag it is 0.
func encoderDelay(r *bufio.Reader) int {
	b, err := r.Peek(200)
	if err != nil || b[0] != 0xff || b[1]&0xe0 != 0xe0 {
		return 0
	}
	frame, side := 1152, 32 // MPEG-1, two channels
	first, mono := b[1]&0x18 == 0x18, b[3]>>6 == 3
	switch {
	case !first && mono:
		frame, side = 576, 9
	case !first:
		frame, side = 576, 17
	case mono:
		side = 17
	}
	tag := b[4+side:]
	if string(tag[:4]) != "Xing" && string(tag[:4]) != "Info" {
		return 0
	}
	at := 8
	for bit, n := range []int{4, 4, 100, 4} { // frames, bytes, table of contents, quality
		if tag[7]>>bit&1 == 1 {
			at += n
		}
	}
	if string(tag[at:at+4]) != "LAME" && string(tag[at:at+4]) != "Lavc" && string(tag[at:at+4]) != "Lavf" {
		return frame
	}
	return frame + int(tag[at+21])<<4 + int(tag[at+22]>>4) + 529
}

// readFLAC reads FLAC (RFC 9639).
func readFLAC(r *bufio.Reader, s *sink) error {
	d, err := flac.New(r) // it skips all metadata but the stream's own 34 bytes
	if err != nil {
		return broken(err)
	}
	channels, bits := int(d.Info.NChannels), int(d.Info.BitsPerSample)
	if bits < 4 || bits > 32 {
		return fmt.Errorf("samples of %d bits", bits)
	}
	if err := s.open(int(d.Info.SampleRate), channels); err != nil {
		return err
	}
	scale := 1 / float32(int64(1)<<(bits-1))
	var out []float32
	for {
		f, err := d.ParseNext()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after %.1f s: %w", float64(len(s.samples))/Rate, broken(err))
		}
		if len(f.Subframes) != channels {
			return fmt.Errorf("a frame of %d channels in a file of %d", len(f.Subframes), channels)
		}
		out = out[:0]
		for i := range f.Subframes[0].Samples {
			for _, sub := range f.Subframes {
				out = append(out, float32(sub.Samples[i])*scale)
			}
		}
		if err := s.write(out); err != nil {
			return err
		}
	}
}
