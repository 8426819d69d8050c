package speech

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Rates of sound that are spoken and heard, in Hz.
const (
	slowestRate = 8000
	fastestRate = 48000
)

// WAV returns the clip as a file: RIFF/WAVE, one channel of 16-bit PCM.
func (c *Clip) WAV() []byte { return WAV(c.Samples, c.Rate) }

// WAV returns samples of one channel as a file.
func WAV(samples []int16, rate int) []byte {
	size := uint32(2 * len(samples))
	b := make([]byte, 0, 44+size)
	u16, u32 := binary.LittleEndian.AppendUint16, binary.LittleEndian.AppendUint32
	b = append(u32(append(b, "RIFF"...), 36+size), "WAVEfmt "...)
	b = u16(u16(u32(b, 16), 1), 1) // size of the format; PCM; one channel
	b = u32(u32(b, uint32(rate)), uint32(2*rate))
	b = append(u16(u16(b, 2), 16), "data"...)
	b = u32(b, size)
	for _, s := range samples {
		b = u16(b, uint16(s))
	}
	return b
}

// ReadWAV reads a file of one channel of 16-bit PCM at 8 to 48 kHz. Where the length
// of its data is more than there is, as programs write into pipes, it is what there is.
func ReadWAV(file []byte) (samples []int16, rate int, err error) {
	if len(file) < 12 || string(file[:4]) != "RIFF" || string(file[8:12]) != "WAVE" {
		return nil, 0, fmt.Errorf("read %d bytes of sound: they are no WAV file", len(file))
	}
	for rest := file[12:]; len(rest) >= 8; {
		name, size := string(rest[:4]), int64(binary.LittleEndian.Uint32(rest[4:]))
		rest = rest[8:]
		body := rest[:min(size, int64(len(rest)))]
		switch {
		case name == "fmt " && len(body) >= 16:
			format := binary.LittleEndian.Uint16(body)
			channels, bits := binary.LittleEndian.Uint16(body[2:]), binary.LittleEndian.Uint16(body[14:])
			rate = int(int32(binary.LittleEndian.Uint32(body[4:])))
			if format != 1 || channels != 1 || bits != 16 || rate < slowestRate || rate > fastestRate {
				return nil, 0, fmt.Errorf("read sound of format %d, %d channels, %d bits, %d Hz: one channel of 16-bit PCM at 8 to 48 kHz is expected", format, channels, bits, rate)
			}
		case name == "data" && rate > 0:
			samples = make([]int16, len(body)/2)
			for i := range samples {
				samples[i] = int16(binary.LittleEndian.Uint16(body[2*i:]))
			}
			return samples, rate, nil
		}
		rest = rest[min(int64(len(rest)), size+size&1):]
	}
	return nil, 0, errors.New("read a WAV file: it has no format and data")
}
