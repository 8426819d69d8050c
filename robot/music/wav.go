package music

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Codes of sample formats in the "fmt " chunk (RFC 2361; WAVE_FORMAT_EXTENSIBLE
// has the code in the first bytes of its subformat).
const (
	wavePCM        = 1
	waveFloat      = 3
	waveExtensible = 0xfffe
)

// readWAV reads RIFF/WAVE with PCM of 8, 16, 24 or 32 bits or floating point of 32
// or 64 (Microsoft and IBM, Multimedia Programming Interface and Data
// Specifications 1.0, 1991). A data chunk of unknown length, as programs write into
// pipes, lasts to the end of the file.
func readWAV(r *bufio.Reader, s *sink) error {
	if _, err := r.Discard(12); err != nil {
		return err
	}
	var format wave
	for {
		var head [8]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return errors.New("there is no data chunk")
		}
		size := binary.LittleEndian.Uint32(head[4:])
		switch string(head[:4]) {
		case "fmt ":
			if err := format.read(r, size); err != nil {
				return err
			}
		case "data":
			if format.bytes == 0 {
				return errors.New("the data chunk comes before the format")
			}
			if err := s.open(format.rate, format.channels); err != nil {
				return err
			}
			return format.samples(r, size, s)
		default:
			if _, err := io.CopyN(io.Discard, r, int64(size)+int64(size&1)); err != nil {
				return fmt.Errorf("the chunk %q ends before its %d bytes", head[:4], size)
			}
		}
	}
}

// A wave is the format of the samples.
type wave struct {
	code, channels, rate int
	bytes                int // of one sample of one channel
}

// read reads a "fmt " chunk of size bytes.
func (w *wave) read(r *bufio.Reader, size uint32) error {
	if size < 16 || size > 1024 {
		return fmt.Errorf("a format of %d bytes", size)
	}
	b := make([]byte, size+size&1)
	if _, err := io.ReadFull(r, b); err != nil {
		return err
	}
	w.code = int(binary.LittleEndian.Uint16(b))
	w.channels = int(binary.LittleEndian.Uint16(b[2:]))
	w.rate = int(binary.LittleEndian.Uint32(b[4:]))
	bits := int(binary.LittleEndian.Uint16(b[14:]))
	if w.code == waveExtensible && size >= 40 {
		w.code = int(binary.LittleEndian.Uint16(b[24:]))
	}
	w.bytes = (bits + 7) / 8
	pcm := w.code == wavePCM && w.bytes >= 1 && w.bytes <= 4
	float := w.code == waveFloat && (bits == 32 || bits == 64)
	if !pcm && !float {
		return fmt.Errorf("samples of code %d with %d bits are not read: convert them to PCM of 16 bits", w.code, bits)
	}
	return nil
}

// samples reads size bytes of samples, or to the end if size says nothing.
func (w *wave) samples(r io.Reader, size uint32, s *sink) error {
	if size != 0 && size != math.MaxUint32 {
		r = io.LimitReader(r, int64(size))
	}
	frame := w.bytes * w.channels
	buf := make([]byte, 4096*frame)
	out := make([]float32, 4096*w.channels)
	for {
		n, err := io.ReadFull(r, buf)
		n -= n % frame // what is left of a last, torn frame is dropped
		for i := range n / w.bytes {
			out[i] = w.sample(buf[i*w.bytes:])
		}
		if err := s.write(out[:n/w.bytes]); err != nil {
			return err
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// sample returns the sample at the start of b, full scale 1.
func (w *wave) sample(b []byte) float32 {
	switch {
	case w.code == waveFloat && w.bytes == 8:
		return float32(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case w.code == waveFloat:
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	case w.bytes == 1: // unsigned, unlike the others
		return (float32(b[0]) - 128) / 128
	case w.bytes == 2:
		return float32(int16(binary.LittleEndian.Uint16(b))) / (1 << 15)
	case w.bytes == 3:
		return float32(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / (1 << 31)
	}
	return float32(int32(binary.LittleEndian.Uint32(b))) / (1 << 31)
}
