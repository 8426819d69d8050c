package music

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCompressed reads the same sound in three formats (testdata/make.sh).
func TestCompressed(t *testing.T) {
	for _, c := range []struct {
		name  string
		error float64
	}{{"sound.flac", 0.01}, {"sound.ogg", 0.03}, {"sound.mp3", 0.03}} {
		x, err := ReadFile(filepath.Join("testdata", c.name))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if s := float64(len(x)) / Rate; s < 1.49 || s > 1.65 {
			t.Errorf("%s lasts %.3f s, want 1.5", c.name, s)
		}
		start := 0
		for start < len(x) && math.Abs(float64(x[start])) < 0.05 {
			start++
		}
		if at := float64(start) / Rate; math.Abs(at-0.5) > 0.002 {
			t.Errorf("%s begins to sound at %.4f s, want 0.5", c.name, at)
		}
		tone := x[start+Rate/4 : start+3*Rate/4]
		for _, hz := range []float64{440, 1500} {
			if a := amplitude(tone, hz); math.Abs(a-0.25) > c.error { // half of half
				t.Errorf("%s: %g Hz has amplitude %.4f, want 0.25", c.name, hz, a)
			}
		}
		if a := amplitude(tone, 3000); a > 0.01 {
			t.Errorf("%s: 3000 Hz has amplitude %.4f, want 0", c.name, a)
		}
	}
}

// amplitude is that of a sine in x, at Rate.
func amplitude(x []float32, hz float64) float64 {
	var re, im float64
	for i, v := range x {
		sin, cos := math.Sincos(2 * math.Pi * hz * float64(i) / Rate)
		re += float64(v) * cos
		im += float64(v) * sin
	}
	return 2 * math.Hypot(re, im) / float64(len(x))
}

// wavFile returns a WAV of a sine of 440 Hz at 0.5 in each channel.
func wavFile(code, bytesEach, channels, rate, n int) []byte {
	var data bytes.Buffer
	for i := range n {
		v := 0.5 * math.Sin(2*math.Pi*440*float64(i)/float64(rate))
		for range channels {
			switch {
			case code == waveFloat && bytesEach == 8:
				binary.Write(&data, binary.LittleEndian, v)
			case code == waveFloat:
				binary.Write(&data, binary.LittleEndian, float32(v))
			case bytesEach == 1:
				data.WriteByte(byte(math.Round(128 + 127*v)))
			default:
				q := int64(math.Round(v * (math.Pow(2, float64(8*bytesEach-1)) - 1)))
				for b := range bytesEach {
					data.WriteByte(byte(q >> (8 * b)))
				}
			}
		}
	}
	var f bytes.Buffer
	f.WriteString("RIFF\xff\xff\xff\xffWAVEJUNK\x03\x00\x00\x00abc\x00fmt \x10\x00\x00\x00")
	for _, v := range []uint16{uint16(code), uint16(channels)} {
		binary.Write(&f, binary.LittleEndian, v)
	}
	binary.Write(&f, binary.LittleEndian, uint32(rate))
	binary.Write(&f, binary.LittleEndian, uint32(rate*channels*bytesEach))
	binary.Write(&f, binary.LittleEndian, uint16(channels*bytesEach))
	binary.Write(&f, binary.LittleEndian, uint16(8*bytesEach))
	f.WriteString("data")
	binary.Write(&f, binary.LittleEndian, uint32(data.Len()))
	f.Write(data.Bytes())
	return f.Bytes()
}

func TestWAV(t *testing.T) {
	for _, c := range []struct{ code, bytes, channels, rate int }{
		{1, 1, 1, 8000}, {1, 2, 2, 44100}, {1, 3, 2, 48000}, {1, 4, 1, 24000}, {3, 4, 2, 96000}, {3, 8, 6, 22050}, {1, 2, 1, 44101}, {1, 2, 1, 11025},
	} {
		name := fmt.Sprintf("code %d, %d bytes, %d channels, %d Hz", c.code, c.bytes, c.channels, c.rate)
		x, err := Decode(bytes.NewReader(wavFile(c.code, c.bytes, c.channels, c.rate, c.rate/2)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if math.Abs(float64(len(x))-Rate/2) > 4 {
			t.Errorf("%s: %d samples, want %d", name, len(x), Rate/2)
		}
		limit := 1e-3
		if c.bytes == 1 {
			limit = 0.01
		}
		for i := 2000; i < 10000; i++ {
			if want := 0.5 * math.Sin(2*math.Pi*440*float64(i)/Rate); math.Abs(float64(x[i])-want) > limit {
				t.Errorf("%s: sample %d is %v, want %v", name, i, x[i], want)
				break
			}
		}
	}
}

// TestResamplePieces holds a resampler to the same output for any pieces.
func TestResamplePieces(t *testing.T) {
	in := make([]float32, 10000)
	for i := range in {
		in[i] = float32(math.Sin(float64(i*i) / 50000))
	}
	whole := newResampler(44100, Rate)
	want := whole.flush(whole.write(nil, in))
	for _, piece := range []int{1, 7, 441, 4096} {
		r := newResampler(44100, Rate)
		var got []float32
		for at := 0; at < len(in); at += piece {
			got = r.write(got, in[at:min(len(in), at+piece)])
		}
		got = r.flush(got)
		if len(got) != len(want) {
			t.Fatalf("pieces of %d: %d samples, want %d", piece, len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("pieces of %d: sample %d is %v, want %v", piece, i, got[i], want[i])
			}
		}
	}
}

// TestResampleStops holds what lies above half of the new rate to be gone, which would
// be heard as another tone.
func TestResampleStops(t *testing.T) {
	in := make([]float32, 44100)
	for i := range in {
		in[i] = float32(math.Sin(2 * math.Pi * 13500 * float64(i) / 44100))
	}
	out, err := Resample(in, 44100)
	if err != nil {
		t.Fatal(err)
	}
	for i := 1000; i < len(out)-1000; i++ {
		if math.Abs(float64(out[i])) > 1e-3 {
			t.Fatalf("13.5 kHz leaves %v at sample %d of %d", out[i], i, len(out))
		}
	}
}

func TestRefused(t *testing.T) {
	flac, err := os.ReadFile(filepath.Join("testdata", "sound.flac"))
	if err != nil {
		t.Fatal(err)
	}
	broken := bytes.Clone(flac)
	broken[len(broken)-500] ^= 0xff
	infinite := wavFile(3, 4, 1, 24000, 100)
	copy(infinite[len(infinite)-8:], []byte{0, 0, 0x80, 0x7f})
	noData := wavFile(1, 2, 1, 24000, 10)[:48]
	for _, c := range []struct {
		name, want string
		data       []byte
	}{
		{"empty", "the file is empty", nil},
		{"text", "neither WAV, FLAC, MP3 nor Ogg Vorbis", []byte("It was a dark and stormy night.")},
		{"no data", "no data chunk", noData},
		{"ADPCM", "code 2 with 4 bits", append(wavFile(1, 2, 1, 24000, 0)[:32], []byte("\x02\x00\x01\x00\xc0\x5d\x00\x00\xc0\x5d\x00\x00\x01\x00\x04\x00")...)},
		{"rate", "2000 Hz is not between", wavFile(1, 2, 1, 2000, 100)},
		{"channels", "9 channels", wavFile(1, 2, 9, 24000, 100)},
		{"infinite", "is no sound", infinite},
		{"damaged FLAC", "FLAC: after", broken},
		{"MPEG 2.5", "MPEG 2.5 (8 to 12 kHz) is not read", append([]byte{0xff, 0xe3, 0x18, 0xc4}, make([]byte, 400)...)},
		{"no samples", "no samples", wavFile(3, 4, 1, 24000, 0)},
	} {
		_, err := Decode(bytes.NewReader(c.data))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", c.name, err, c.want)
		}
	}
}

// silence is an endless WAV.
type silence struct{ head io.Reader }

func (s silence) Read(p []byte) (int, error) {
	if n, err := s.head.Read(p); err == nil {
		return n, nil
	}
	clear(p)
	return len(p), nil
}

func TestLong(t *testing.T) {
	head := wavFile(1, 1, 1, 24000, 0)
	copy(head[len(head)-4:], "\xff\xff\xff\xff")
	if _, err := Decode(silence{bytes.NewReader(head)}); !errors.Is(err, ErrLong) {
		t.Errorf("an endless file: %v, want %v", err, ErrLong)
	}
}

// TestCodebooks holds hostile codebooks back from the decoder.
func TestCodebooks(t *testing.T) {
	// One codebook: pattern, dimensions, entries, and what follows.
	setup := func(dimensions, entries int, rest ...byte) []byte {
		b := []byte("\x05vorbis\x00BCV")
		b = append(b, byte(dimensions), byte(dimensions>>8), byte(entries), byte(entries>>8), byte(entries>>16))
		return append(b, rest...)
	}
	for name, packet := range map[string][]byte{
		"no entries":              setup(1, 0, 0, 0, 0, 0),
		"no dimensions":           setup(0, 2, 0, 0, 0, 0),
		"16 million entries":      setup(1, 1<<24-1, 0, 0, 0, 0),
		"more than there is":      setup(1, 1000, 0, 0, 0, 0),
		"ordered without end":     setup(1, 1000, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		"sparse and all left out": setup(1, 16, 2, 0, 0, 0, 0),
	} {
		if err := checkVorbis(vorbisSetup, packet); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"sound.flac", "sound.ogg", "sound.mp3"} {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(wavFile(1, 2, 2, 44100, 100))
	f.Add(wavFile(3, 8, 1, 8000, 100))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := Decode(bytes.NewReader(data))
		if err != nil && (x != nil || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%d samples with the error %q", len(x), err)
		}
	})
}
