package music

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
)

// Rate is the rate of the samples that everything here works on, in Hz. It keeps
// what is audible of onsets (to 12 kHz) and makes a frame of 10 ms whole.
const Rate = 24000

// MaxSeconds is how much of a song is taken: 20 minutes are 115 MB of samples.
const MaxSeconds = 20 * 60

// Rates of files that are read, in Hz: telephones to studios.
const (
	minRate = 4000
	maxRate = 384000
)

// ErrLong says that a song lasts longer than MaxSeconds.
var ErrLong = fmt.Errorf("the song lasts longer than %d minutes: cut it", MaxSeconds/60)

// ReadFile reads the sound file of that name, as Decode does.
func ReadFile(name string) ([]float32, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	samples, err := Decode(f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return samples, nil
}

// Decode reads a WAV, FLAC, MP3 or Ogg Vorbis file, which it tells by its first
// bytes, into one channel at Rate: the mean of all channels, full scale 1. It
// returns an error for any other or damaged content and ErrLong for a song of more than
// MaxSeconds; it takes memory for the samples at Rate and a few MB beside them.
func Decode(r io.Reader) ([]float32, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	head, err := in.Peek(12)
	if err != nil {
		switch {
		case !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("decode sound: %w", err)
		case len(head) == 0:
			return nil, errors.New("decode sound: the file is empty")
		}
		return nil, fmt.Errorf("decode sound: the file has only %d bytes", len(head))
	}
	name, decode := sniff(head)
	if decode == nil {
		return nil, errors.New("decode sound: neither WAV, FLAC, MP3 nor Ogg Vorbis: convert it to one of them")
	}
	s := &sink{}
	if err := guard(func() error { return decode(in, s) }); err != nil {
		return nil, fmt.Errorf("decode %s: %w", name, err)
	}
	samples, err := s.close()
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", name, err)
	}
	return samples, nil
}

// sniff returns the name of the format that begins with head, and its reader.
func sniff(head []byte) (string, func(*bufio.Reader, *sink) error) {
	switch {
	case string(head[:4]) == "RIFF" && string(head[8:12]) == "WAVE":
		return "WAV", readWAV
	case string(head[:4]) == "fLaC":
		return "FLAC", readFLAC
	case string(head[:4]) == "OggS":
		return "Ogg Vorbis", readOgg
	case string(head[:3]) == "ID3":
		return "MP3", readMP3
	case head[0] == 0xff && head[1]&0xe0 == 0xe0 && head[1]&0x06 == 0x02: // layer III
		return "MP3", readMP3
	}
	return "", nil
}

// guard turns a panic of f into an error. The readers of MP3, Vorbis and FLAC are
// libraries that index tables by what a file says; a damaged file makes them
// panic, and must not end the process that drives a robot.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the file is damaged")
		}
	}()
	return f()
}

// broken says of an error of a library what it means for the file.
func broken(err error) error {
	var system *fs.PathError
	switch {
	case errors.As(err, &system):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errCut
	}
	return fmt.Errorf("the file is damaged: %w", err)
}

// errCut says that a file ends where more must follow.
var errCut = fmt.Errorf("the file is cut off: %w", io.ErrUnexpectedEOF)

// A sink takes the samples of a file, mixes them to one channel and changes their
// rate. Nothing of the file's own size is kept.
type sink struct {
	channels int
	skip     int // samples of each channel that are to be left out
	rs       *resampler
	mono     []float32
	samples  []float32
}

// open says what will be written: interleaved samples of that many channels.
func (s *sink) open(rate, channels int) error {
	if rate < minRate || rate > maxRate {
		return fmt.Errorf("a rate of %d Hz is not between %d and %d", rate, minRate, maxRate)
	}
	if channels < 1 || channels > 8 {
		return fmt.Errorf("%d channels are not between 1 and 8", channels)
	}
	s.channels, s.rs = channels, newResampler(rate, Rate)
	return nil
}

// write takes interleaved samples, whole frames of all channels.
func (s *sink) write(interleaved []float32) error {
	if n := min(s.skip, len(interleaved)/s.channels); n > 0 {
		s.skip -= n
		interleaved = interleaved[n*s.channels:]
	}
	s.mono = s.mono[:0]
	scale := 1 / float32(s.channels)
	for i := 0; i+s.channels <= len(interleaved); i += s.channels {
		var sum float32
		for _, v := range interleaved[i : i+s.channels] {
			sum += v
		}
		s.mono = append(s.mono, sum*scale)
	}
	for _, v := range s.mono {
		if !(v > -loudest && v < loudest) {
			return fmt.Errorf("a sample of %g is no sound", v)
		}
	}
	s.samples = s.rs.write(s.samples, s.mono)
	if len(s.samples) > MaxSeconds*Rate {
		return ErrLong
	}
	return nil
}

// loudest bounds samples of floating point, whose full scale is 1: what is far
// beyond it, infinite or not a number comes from a damaged file.
const loudest = 1e4

// close returns the samples.
func (s *sink) close() ([]float32, error) {
	if s.rs == nil {
		return nil, errCut
	}
	s.samples = s.rs.flush(s.samples)
	if len(s.samples) == 0 {
		return nil, errors.New("the file has no samples")
	}
	return s.samples, nil
}

// Resample returns samples of one channel at Rate; rate is theirs, in Hz.
func Resample(samples []float32, rate int) ([]float32, error) {
	var s sink
	if err := s.open(rate, 1); err != nil {
		return nil, fmt.Errorf("resample: %w", err)
	}
	s.samples = make([]float32, 0, int(math.Ceil(float64(min(len(samples), rate*MaxSeconds))*Rate/float64(rate)))+1)
	const piece = 1 << 16
	for len(samples) > 0 {
		n := min(piece, len(samples))
		if err := s.write(samples[:n]); err != nil {
			return nil, fmt.Errorf("resample: %w", err)
		}
		samples = samples[n:]
	}
	return s.rs.flush(s.samples), nil
}
