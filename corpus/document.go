package corpus

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// size returns the bytes of UTF-8 in the document's text or turns.
func (d Document) size() int { return len(d.Text) + sizeOf(d.Turns) + sizeOf(d.Rejected) }

func sizeOf(turns []Turn) (n int) {
	for _, t := range turns {
		n += len(t.Text)
	}
	return n
}

// said returns the text, or what the turns say, a line each.
func (d Document) said() string {
	if d.Turns == nil {
		return d.Text
	}
	var b strings.Builder
	for i, t := range d.Turns {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(t.Text)
	}
	return b.String()
}

// MarshalJSON writes the pair [role, text].
func (t Turn) MarshalJSON() ([]byte, error) { return t.appendJSON(nil), nil }

func (t Turn) appendJSON(b []byte) []byte {
	b = appendString(append(b, '['), t.Role)
	b = appendString(append(b, ','), t.Text)
	return append(b, ']')
}

// UnmarshalJSON reads the pair [role, text], or an object as parseTurn does.
func (t *Turn) UnmarshalJSON(b []byte) (err error) {
	*t, err = parseTurn(b)
	return err
}

// appendJSON appends d to b: the source first, then the content.
func (d Document) appendJSON(b []byte) []byte {
	b = strconv.AppendInt(append(b, `{"source":`...), int64(d.Source), 10)
	if d.Turns == nil {
		b = appendString(append(b, `,"text":`...), d.Text)
		return append(b, '}')
	}
	b = appendTurns(append(b, `,"turns":`...), d.Turns)
	if d.Rejected != nil {
		b = appendTurns(append(b, `,"rejected":`...), d.Rejected)
	}
	return append(b, '}')
}

func appendTurns(b []byte, turns []Turn) []byte {
	b = append(b, '[')
	for i, t := range turns {
		if i > 0 {
			b = append(b, ',')
		}
		b = t.appendJSON(b)
	}
	return append(b, ']')
}

// appendString appends s, which is valid UTF-8, as a JSON string.
func appendString(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		}
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}

// Documents hands each document of a corpus' file (train.jsonl.zst or
// validation.jsonl.zst) to yield, in order, and ends at its first error.
func Documents(path string, yield func(Document) error) error {
	return lines(context.Background(), path, func(line int, data []byte) error {
		doc, err := decode(data)
		if err != nil {
			return fmt.Errorf("read %s: line %d: %w", path, line, err)
		}
		return yield(doc)
	})
}

// lines hands the lines of a corpus' file to yield, valid during the call.
func lines(ctx context.Context, path string, yield func(line int, data []byte) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := newZstd(&contextReader{ctx, f})
	if err != nil {
		return fmt.Errorf("read %s: %w", path, damaged(err))
	}
	defer z.Close()
	var given error // by yield: not ours to wrap
	err = readLines(bufio.NewReaderSize(mending{z}, 64<<10), func(line int, data []byte) error {
		given = yield(line, data)
		return given
	})
	if err != nil && err != given {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return err
}

func decode(data []byte) (Document, error) {
	var d Document
	if err := json.Unmarshal(data, &d); err != nil {
		return d, err
	}
	if (d.Text == "") == (d.Turns == nil) || d.Turns == nil && d.Rejected != nil || d.Source < 0 || !utf8.ValidString(d.Text) {
		return d, errors.New("this is no document of a corpus")
	}
	return d, nil
}

// writer writes lines to a .jsonl.zst file. One goroutine compresses, in one
// frame: the bytes depend on nothing but the lines.
type writer struct {
	file *os.File
	z    *zstd.Encoder
}

func newWriter(path string) (*writer, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		f.Close()
		return nil, err
	}
	return &writer{f, z}, nil
}

func (w *writer) Write(p []byte) (int, error) { return w.z.Write(p) }

func (w *writer) Close() error { return first(w.z.Close(), w.file.Close()) }
