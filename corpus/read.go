package corpus

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"slices"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/semaphore"

	"samovar/corpus/document"
)

// What one document may measure before it is normalised.
const (
	maxText = 16 << 20 // bytes; a longer file of text is cut into documents
	maxLine = 64 << 20 // bytes; a longer JSON line is an error
)

// A source of fewer than fewTexts files of text has them cut into documents of
// at most fewText bytes, and so has one of JSON lines, whose number is not known
// before they are read: of a single book, some is to be held out.
const (
	fewTexts = 64
	fewText  = 64 << 10
)

// batch is some documents on their way to be parsed, all of one source.
type batch struct {
	source  int
	data    []byte
	items   []item
	binary  int       // files found to be binary before the first item
	refused []refusal // documents that gave no text
	limit   int       // bytes of one document
	held    int64     // bytes of the reader's room
	read    int64     // bytes on disk behind this batch and those before it
}

// item is one document in a batch: data up to end, from where the last ended.
type item struct {
	end    int
	file   *file
	line   int             // of the file, from 1; 0 for a file of text
	format document.Format // of a whole file that is yet to be extracted
}

// A batch is handed on when it holds this much.
const (
	batchBytes = 512 << 10
	batchItems = 4096
)

// reader cuts files into batches.
type reader struct {
	ctx   context.Context
	emit  func(batch) error
	room  *semaphore.Weighted // for documents on their way to be extracted
	batch batch
	read  counter // of bytes on disk
	in    *bufio.Reader
	text  bytes.Buffer
}

// source reads one source's files.
func (r *reader) source(index int, files []file) error {
	r.batch.source = index
	limit := maxText
	texts := 0
	for i := range files {
		if !files[i].lines {
			texts++
		}
	}
	if texts < fewTexts {
		limit = fewText
	}
	r.batch.limit = limit
	for i := range files {
		if err := r.file(&files[i], limit); err != nil {
			return err
		}
	}
	return r.flush()
}

func (r *reader) flush() error {
	b := r.batch
	if len(b.items) == 0 && b.binary == 0 && len(b.refused) == 0 {
		return nil
	}
	b.read = int64(r.read)
	if slices.ContainsFunc(b.items, func(it item) bool { return it.format != document.Plain }) {
		b.held = min(int64(len(b.data)), roomBytes)
		if err := r.room.Acquire(r.ctx, b.held); err != nil {
			return err
		}
	}
	r.batch = batch{source: b.source, limit: b.limit}
	return r.emit(b)
}

func (r *reader) add(f *file, line int, format document.Format, data []byte) error {
	b := &r.batch
	if len(b.items) > 0 && len(b.data)+len(data) > batchBytes || len(b.items) == batchItems {
		if err := r.flush(); err != nil {
			return err
		}
	}
	if b.data == nil {
		b.data = make([]byte, 0, max(batchBytes, len(data)))
	}
	b.data = append(b.data, data...)
	b.items = append(b.items, item{len(b.data), f, line, format})
	return nil
}

// file reads one file and compares its bytes with the digest taken before.
func (r *reader) file(f *file, limit int) error {
	in, err := open(r.ctx, f, &r.read)
	if err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	defer in.Close()
	if r.in == nil {
		r.in = bufio.NewReaderSize(nil, 64<<10)
	}
	r.in.Reset(in.text)
	head, _ := r.in.Peek(document.HeadBytes)
	switch format := f.format(head); {
	case f.lines:
		err = readLines(r.in, func(line int, data []byte) error { return r.add(f, line, document.Plain, data) })
	case format != document.Plain:
		err = r.document(f, format)
	default:
		var isText bool
		isText, err = readText(r.in, &r.text, limit, func(data []byte) error { return r.add(f, 0, document.Plain, data) })
		if err == nil && !isText {
			r.batch.binary++
		}
	}
	if err == nil {
		err = in.verify(f.sum)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	return nil
}

// input is an open file, decompressed, whose bytes on disk are hashed.
type input struct {
	text   io.Reader
	raw    io.Reader // the bytes on disk
	hash   hash.Hash
	closes []func()
}

// counter adds up the lengths of what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// open opens f; read grows by each byte that comes from the disk.
func open(ctx context.Context, f *file, read *counter) (*input, error) {
	disk, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	in := &input{hash: sha256.New(), closes: []func(){func() { disk.Close() }}}
	in.raw = io.TeeReader(&contextReader{ctx, disk}, io.MultiWriter(in.hash, read))
	in.text = in.raw
	switch f.pack() {
	case ".gz":
		z, err := gzip.NewReader(in.raw)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			in.Close()
			return nil, damaged(err)
		}
		in.text = mending{z}
	case ".bz2":
		in.text = mending{bzip2.NewReader(in.raw)}
	case ".zst":
		z, err := newZstd(in.raw)
		if err != nil {
			in.Close()
			return nil, damaged(err)
		}
		in.closes = append(in.closes, z.Close)
		in.text = mending{z}
	}
	return in, nil
}

// newZstd returns a decoder that runs in the caller's goroutine and refuses
// frames that demand more than 128 MiB of history.
func newZstd(r io.Reader) (*zstd.Decoder, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(128<<20))
}

func (in *input) Close() {
	for _, c := range in.closes {
		c()
	}
}

// verify reads what is left and compares the whole with sum.
func (in *input) verify(sum [sha256.Size]byte) error {
	if _, err := io.Copy(io.Discard, in.raw); err != nil {
		return err
	}
	if !bytes.Equal(in.hash.Sum(nil), sum[:]) {
		return errors.New("it has changed since the run began: start again")
	}
	return nil
}

// mending words a decompressor's errors.
type mending struct{ r io.Reader }

func (m mending) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	return n, damaged(err)
}

// damaged says of a decompressor's error what it means.
func damaged(err error) error {
	var disk *fs.PathError
	switch {
	case err == nil, err == io.EOF, errors.As(err, &disk), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the compressed file is cut off before its end: fetch it again")
	}
	return fmt.Errorf("the compressed file is damaged (%w): fetch it again", err)
}

// readLines hands each line that is not blank to add, without its end. The
// line is valid during the call.
func readLines(in *bufio.Reader, add func(line int, data []byte) error) error {
	var long []byte // the line so far, where it exceeds the buffer
	for line := 1; ; {
		part, err := in.ReadSlice('\n')
		if len(long)+len(part) > maxLine {
			return fmt.Errorf("line %d is longer than %d MiB: is this JSON lines, one document a line?", line, maxLine>>20)
		}
		if err == bufio.ErrBufferFull {
			long = append(long, part...)
			continue
		}
		if err != nil && err != io.EOF {
			return err
		}
		data := part
		if len(long) > 0 {
			long = append(long, part...)
			data = long
		}
		if line == 1 {
			data = bytes.TrimPrefix(data, byteOrderMark)
		}
		if data = bytes.TrimSpace(data); len(data) > 0 {
			if err := add(line, data); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		long = long[:0]
		line++
	}
}

// readText hands a file of text to add, cut into pieces of at most limit
// bytes, unless it is binary. A piece lies in buf and is valid during the call.
func readText(in *bufio.Reader, buf *bytes.Buffer, limit int, add func(data []byte) error) (isText bool, err error) {
	if head, _ := in.Peek(binaryHead); isBinary(head) {
		_, err := io.Copy(io.Discard, in)
		return false, err
	}
	buf.Reset()
	for {
		room := int64(limit + 1 - buf.Len())
		n, err := buf.ReadFrom(io.LimitReader(in, room))
		if err != nil {
			return false, err
		}
		if n < room {
			return true, add(buf.Bytes())
		}
		end := cut(buf.Bytes()[:limit])
		if err := add(buf.Next(end)); err != nil {
			return false, err
		}
	}
}

// cut returns where to end a document in data, of which more follows: after
// the last blank line, else the last line, else the last whole character. The
// first half is not looked at.
func cut(data []byte) int {
	half := len(data) / 2
	for _, mark := range []string{"\n\n", "\n"} {
		if i := bytes.LastIndex(data[half:], []byte(mark)); i >= 0 {
			return half + i + len(mark)
		}
	}
	for i := 1; i < utf8.UTFMax && i < len(data); i++ {
		if last := data[len(data)-i:]; utf8.RuneStart(last[0]) {
			if !utf8.FullRune(last) {
				return len(data) - i
			}
			break
		}
	}
	return len(data)
}
