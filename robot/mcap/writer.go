package mcap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"github.com/klauspost/compress/zstd"
)

// Options say how a file is written. Zeroes are replaced by what stands beside them.
type Options struct {
	Profile string // what the messages keep to, "ros2" for instance; may be empty
	Library string // who writes: "samovar"
	Plain   bool   // chunks are not compressed
	Size    int    // bytes at which a chunk ends, before it is compressed: 1 MiB
	Longest uint64 // ns that a chunk spans, which is what a process that is killed loses: 1 s
}

func (o *Options) fill() {
	if o.Library == "" {
		o.Library = "samovar"
	}
	if o.Size == 0 {
		o.Size = 1 << 20
	}
	if o.Longest == 0 {
		o.Longest = 1e9
	}
}

// Writer writes a file from its beginning to its end: it never goes back, and each
// chunk reaches the file in one piece. It holds a chunk, and of each that is written
// some 100 bytes and 10 a channel for the index. The first error ends it, and every call
// afterwards returns it. A writer belongs to one goroutine.
type Writer struct {
	to      io.Writer
	options Options
	zstd    *zstd.Encoder
	err     error
	at      uint64 // bytes that are written
	crc     uint32 // of them
	out     []byte
	packed  []byte

	chunk    chunk
	channels []series // of channel 1, 2, …
	// Of the summary: records of schemas, channels, chunk indexes and metadata indexes.
	schemaRecords, channelRecords, chunkIndexes, metadataIndexes []byte
	schemas, metadata, chunks                                    int
	first, last                                                  uint64 // times of messages
	messages                                                     uint64
}

// chunk is what has not been written yet.
type chunk struct {
	records     []byte
	channels    []uint16 // in the order in which they appear
	messages    int
	first, last uint64 // their times
}

// series is what is known of a channel's messages.
type series struct {
	count uint64
	index []entry // of the messages in this chunk
}

// entry is where in a chunk a message is.
type entry struct{ time, offset uint64 }

// NewWriter begins a file.
func NewWriter(w io.Writer, o Options) (*Writer, error) {
	o.fill()
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, fmt.Errorf("begin a recording: %w", err)
	}
	to := &Writer{to: w, options: o, zstd: z}
	out, c := begin([]byte(magic), opHeader)
	out = text(text(out, o.Profile), o.Library)
	to.write(end(out, c))
	return to, to.err
}

// write hands bytes to the file.
func (w *Writer) write(b []byte) {
	if w.err != nil {
		return
	}
	if _, err := w.to.Write(b); err != nil {
		w.err = fmt.Errorf("write a recording: %w", err)
		return
	}
	w.at += uint64(len(b))
	w.crc = crc32.Update(w.crc, crc32.IEEETable, b)
}

// AddSchema adds a schema, and returns its number.
func (w *Writer) AddSchema(s Schema) (uint16, error) {
	if w.schemas == math.MaxUint16 {
		return 0, fmt.Errorf("add schema %q: there are %d already", s.Name, w.schemas)
	}
	w.schemas++
	at := len(w.chunk.records)
	out, c := begin(w.chunk.records, opSchema)
	out = binary.LittleEndian.AppendUint16(out, uint16(w.schemas))
	out = text(text(out, s.Name), s.Encoding)
	out = append(binary.LittleEndian.AppendUint32(out, uint32(len(s.Data))), s.Data...)
	w.chunk.records = end(out, c)
	w.schemaRecords = append(w.schemaRecords, w.chunk.records[at:]...)
	return uint16(w.schemas), w.err
}

// AddChannel adds a channel whose messages a schema describes, 0: none, and returns its
// number.
func (w *Writer) AddChannel(topic, encoding string, schema uint16, metadata map[string]string) (uint16, error) {
	switch {
	case len(w.channels) == math.MaxUint16:
		return 0, fmt.Errorf("add channel %q: there are %d already", topic, len(w.channels))
	case int(schema) > w.schemas:
		return 0, fmt.Errorf("add channel %q: there is no schema %d", topic, schema)
	}
	w.channels = append(w.channels, series{})
	id := uint16(len(w.channels))
	at := len(w.chunk.records)
	out, c := begin(w.chunk.records, opChannel)
	out = binary.LittleEndian.AppendUint16(out, id)
	out = binary.LittleEndian.AppendUint16(out, schema)
	out = pairs(text(text(out, topic), encoding), metadata)
	w.chunk.records = end(out, c)
	w.channelRecords = append(w.channelRecords, w.chunk.records[at:]...)
	return id, w.err
}

// Write adds a message of a channel at a time in ns. It keeps no data.
func (w *Writer) Write(channel uint16, at uint64, data []byte) error {
	if channel == 0 || int(channel) > len(w.channels) {
		return fmt.Errorf("write a message: there is no channel %d", channel)
	}
	if len(data) > largest/2 {
		return fmt.Errorf("write a message of %d bytes: at most %d are possible", len(data), largest/2)
	}
	s, k := &w.channels[channel-1], &w.chunk
	if len(s.index) == 0 {
		k.channels = append(k.channels, channel)
	}
	s.index = append(s.index, entry{at, uint64(len(k.records))})
	out, c := begin(k.records, opMessage)
	out = binary.LittleEndian.AppendUint16(out, channel)
	out = binary.LittleEndian.AppendUint32(out, uint32(s.count))
	out = binary.LittleEndian.AppendUint64(out, at)
	out = binary.LittleEndian.AppendUint64(out, at)
	k.records = end(append(out, data...), c)
	s.count++
	k.first, k.last = span(k.messages == 0, k.first, k.last, at)
	w.first, w.last = span(w.messages == 0, w.first, w.last, at)
	k.messages++
	w.messages++
	if len(k.records) > w.options.Size || k.last-k.first >= w.options.Longest {
		return w.Flush()
	}
	return w.err
}

// span widens a span of time.
func span(empty bool, first, last, at uint64) (uint64, uint64) {
	if empty {
		return at, at
	}
	return min(first, at), max(last, at)
}

// Flush ends the chunk: what has been written so far is in the file.
func (w *Writer) Flush() error {
	if w.chunk.messages == 0 || w.err != nil {
		return w.err // schemas and channels alone wait for a message
	}
	out := w.appendChunk(w.out[:0])
	start, size := w.at, len(out)
	index, c := begin(w.chunkIndexes, opChunkIndex)
	for _, v := range [...]uint64{w.chunk.first, w.chunk.last, start, uint64(size)} {
		index = binary.LittleEndian.AppendUint64(index, v)
	}
	out, index = w.appendIndexes(out, index)
	index = binary.LittleEndian.AppendUint64(index, uint64(len(out)-size))
	index = text(index, w.compression())
	index = binary.LittleEndian.AppendUint64(index, uint64(len(w.packed)))
	index = binary.LittleEndian.AppendUint64(index, uint64(len(w.chunk.records)))
	w.chunkIndexes = end(index, c)
	w.chunks++
	w.write(out)
	w.out = out
	w.chunk = chunk{records: w.chunk.records[:0], channels: w.chunk.channels[:0]}
	return w.err
}

func (w *Writer) compression() string {
	if w.options.Plain {
		return Uncompressed
	}
	return Zstd
}

// appendChunk appends the record of the chunk.
func (w *Writer) appendChunk(out []byte) []byte {
	k := &w.chunk
	if w.options.Plain {
		w.packed = append(w.packed[:0], k.records...)
	} else {
		w.packed = w.zstd.EncodeAll(k.records, w.packed[:0])
	}
	out, c := begin(out, opChunk)
	for _, v := range [...]uint64{k.first, k.last, uint64(len(k.records))} {
		out = binary.LittleEndian.AppendUint64(out, v)
	}
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(k.records))
	out = text(out, w.compression())
	out = binary.LittleEndian.AppendUint64(out, uint64(len(w.packed)))
	return end(append(out, w.packed...), c)
}

// appendIndexes appends the records of the channels' indexes to out, and where they
// begin to the chunk's index.
func (w *Writer) appendIndexes(out, index []byte) ([]byte, []byte) {
	size := len(index)
	index = append(index, 0, 0, 0, 0)
	for _, id := range w.chunk.channels {
		s := &w.channels[id-1]
		index = binary.LittleEndian.AppendUint16(index, id)
		index = binary.LittleEndian.AppendUint64(index, w.at+uint64(len(out)))
		var c int
		out, c = begin(out, opMessageIndex)
		out = binary.LittleEndian.AppendUint16(out, id)
		out = binary.LittleEndian.AppendUint32(out, uint32(16*len(s.index)))
		for _, e := range s.index {
			out = binary.LittleEndian.AppendUint64(out, e.time)
			out = binary.LittleEndian.AppendUint64(out, e.offset)
		}
		out = end(out, c)
		s.index = s.index[:0]
	}
	binary.LittleEndian.PutUint32(index[size:], uint32(len(index)-size-4))
	return out, index
}

// Metadata adds named values to the file, outside the chunks.
func (w *Writer) Metadata(name string, values map[string]string) error {
	out, c := begin(w.out[:0], opMetadata)
	out = end(pairs(text(out, name), values), c)
	index, c := begin(w.metadataIndexes, opMetadataIndex)
	index = binary.LittleEndian.AppendUint64(index, w.at)
	index = binary.LittleEndian.AppendUint64(index, uint64(len(out)))
	w.metadataIndexes = end(text(index, name), c)
	w.metadata++
	w.write(out)
	w.out = out
	return w.err
}

// errClosed is what a writer answers after its end.
var errClosed = errors.New("the recording has been ended")

// Close ends the chunk and writes the summary. What lies beneath is not closed.
func (w *Writer) Close() error {
	if w.err == errClosed {
		return nil
	}
	if err := w.Flush(); err != nil {
		return err
	}
	out, c := begin(w.out[:0], opDataEnd)
	w.write(end(binary.LittleEndian.AppendUint32(out, w.crc), c))
	w.summarise()
	err := w.err
	w.err = errClosed
	w.zstd.Close()
	return err
}

// summarise writes what stands behind the data: records in groups, where each group
// is, and where all of it begins.
func (w *Writer) summarise() {
	start := w.at
	var out, offsets []byte
	group := func(op byte, records []byte) {
		if len(records) == 0 {
			return
		}
		var c int
		offsets, c = begin(offsets, opSummaryOffset)
		offsets = append(offsets, op)
		offsets = binary.LittleEndian.AppendUint64(offsets, start+uint64(len(out)))
		offsets = binary.LittleEndian.AppendUint64(offsets, uint64(len(records)))
		offsets = end(offsets, c)
		out = append(out, records...)
	}
	group(opSchema, w.schemaRecords)
	group(opChannel, w.channelRecords)
	group(opStatistics, w.statistics())
	group(opChunkIndex, w.chunkIndexes)
	group(opMetadataIndex, w.metadataIndexes)
	where := start + uint64(len(out))
	out, c := begin(append(out, offsets...), opFooter)
	out = binary.LittleEndian.AppendUint64(out, start)
	out = binary.LittleEndian.AppendUint64(out, where)
	binary.LittleEndian.PutUint64(out[c-8:], 8+8+4) // the checksum is over this, too
	out = end(binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(out)), c)
	w.write(append(out, magic...))
}

// statistics returns the record that counts.
func (w *Writer) statistics() []byte {
	out, c := begin(nil, opStatistics)
	out = binary.LittleEndian.AppendUint64(out, w.messages)
	out = binary.LittleEndian.AppendUint16(out, uint16(w.schemas))
	for _, n := range [...]int{len(w.channels), 0, w.metadata, w.chunks} { // no attachments
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	out = binary.LittleEndian.AppendUint64(out, w.first)
	out = binary.LittleEndian.AppendUint64(out, w.last)
	size := len(out)
	out = append(out, 0, 0, 0, 0)
	for i := range w.channels {
		if n := w.channels[i].count; n > 0 {
			out = binary.LittleEndian.AppendUint16(out, uint16(i+1))
			out = binary.LittleEndian.AppendUint64(out, n)
		}
	}
	binary.LittleEndian.PutUint32(out[size:], uint32(len(out)-size-4))
	return end(out, c)
}
