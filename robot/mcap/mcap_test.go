package mcap

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
)

// sample writes what testdata/golden.py writes.
func sample(t testing.TB, o Options) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, o)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(err)
	check(w.Metadata("about", map[string]string{"robot": "é", "a": "1"}))
	text, err := w.AddSchema(Schema{"std_msgs/msg/String", "ros2msg", []byte("string data\n")})
	check(err)
	a, err := w.AddChannel("/a", "cdr", text, map[string]string{"offered_qos_profiles": ""})
	check(err)
	b, err := w.AddChannel("/b", "json", 0, nil)
	check(err)
	for i := range 40 {
		to := a
		if i%3 == 2 {
			to = b
		}
		check(w.Write(to, at(i), bytesUpTo(i)))
		if i == 30 {
			late, err := w.AddSchema(Schema{"std_msgs/msg/Late", "ros2msg", nil})
			check(err)
			_, err = w.AddChannel("/late", "cdr", late, nil)
			check(err)
		}
	}
	check(w.Metadata("end", nil))
	check(w.Close())
	check(w.Close())
	return out.Bytes()
}

// at is the time of message i; two by two they are not in order.
func at(i int) uint64 { return 1_000_000_000 + 2_000_000*uint64(i^1) }

func bytesUpTo(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// all reads all messages, and what the end was.
func all(r io.Reader) (messages []Message, from *Reader, err error) {
	from, err = NewReader(r)
	if err != nil {
		return nil, nil, err
	}
	defer from.Close()
	for {
		m, err := from.Next()
		if err != nil {
			return messages, from, err
		}
		k := *m
		k.Data = bytes.Clone(m.Data)
		messages = append(messages, k)
	}
}

var golden = Options{Profile: "ros2", Plain: true, Size: 400, Longest: 1 << 60}

// TestGolden compares a file byte by byte with that of the Python library.
func TestGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/golden.mcap")
	if err != nil {
		t.Fatal(err)
	}
	got := sample(t, golden)
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Fatalf("byte %d is %#x, in the Python library's file %#x", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d bytes, the Python library writes %d", len(got), len(want))
	}
}

// TestRead reads files of the Python library and our own.
func TestRead(t *testing.T) {
	zipped := golden
	zipped.Plain = false
	for _, name := range []string{"golden.mcap", "zstd.mcap", "ours"} {
		data := sample(t, zipped)
		if name != "ours" {
			var err error
			if data, err = os.ReadFile("testdata/" + name); err != nil {
				t.Fatal(err)
			}
		}
		messages, r, err := all(bytes.NewReader(data))
		if err != io.EOF {
			t.Fatalf("%s: %v", name, err)
		}
		if r.Profile != "ros2" || r.Library != "samovar" || len(messages) != 40 {
			t.Errorf("%s: profile %q, library %q, %d messages", name, r.Profile, r.Library, len(messages))
		}
		about := map[string]map[string]string{"about": {"robot": "é", "a": "1"}, "end": nil}
		if !reflect.DeepEqual(r.Metadata, about) {
			t.Errorf("%s: metadata %v", name, r.Metadata)
		}
		for i, m := range messages {
			topic, sequence := "/a", i-(i+1)/3
			if i%3 == 2 {
				topic, sequence = "/b", i/3
			}
			if m.Channel.Topic != topic || int(m.Sequence) != sequence || m.Logged != at(i) || m.Published != at(i) || !bytes.Equal(m.Data, bytesUpTo(i)) {
				t.Errorf("%s: message %d is %+v of %s", name, i, m, m.Channel.Topic)
			}
		}
		a, b := messages[0].Channel, messages[2].Channel
		want := Channel{"/a", "cdr", &Schema{"std_msgs/msg/String", "ros2msg", []byte("string data\n")}, map[string]string{"offered_qos_profiles": ""}}
		if !reflect.DeepEqual(*a, want) || b.Schema != nil || b.Encoding != "json" {
			t.Errorf("%s: channels %+v and %+v", name, a, b)
		}
	}
}

// TestCut cuts a file at every byte: all whole chunks are read, and that it is cut is said.
func TestCut(t *testing.T) {
	data := sample(t, Options{Size: 400})
	whole, _, err := all(bytes.NewReader(data))
	if err != io.EOF {
		t.Fatal(err)
	}
	chunks, end := chunkEnds(t, data)
	if len(chunks) < 4 {
		t.Fatalf("the sample has %d chunks", len(chunks))
	}
	for n := range data {
		messages, _, err := all(bytes.NewReader(data[:n]))
		if n < end && !errors.Is(err, ErrCut) || n >= end && err != io.EOF {
			t.Fatalf("cut at %d of %d: %v", n, len(data), err)
		}
		least := 0
		for _, c := range chunks {
			if c.end <= n {
				least = c.messages
			}
		}
		if len(messages) != least || least > 0 && !reflect.DeepEqual(messages, whole[:least]) {
			t.Fatalf("cut at %d: %d messages, %d are in whole chunks", n, len(messages), least)
		}
	}
}

// chunkEnd is where a chunk ends and how many messages there are up to it.
type chunkEnd struct{ end, messages int }

// chunkEnds walks through a file's records, and returns also where its data end.
func chunkEnds(t *testing.T, data []byte) (ends []chunkEnd, end int) {
	t.Helper()
	messages := 0
	for i := len(magic); ; {
		n := int(binary.LittleEndian.Uint64(data[i+1:])) + prefix
		switch data[i] {
		case opChunk:
			ends = append(ends, chunkEnd{i + n, 0})
		case opMessageIndex:
			messages += int(binary.LittleEndian.Uint32(data[i+prefix+2:])) / 16
			ends[len(ends)-1].messages = messages
		case opDataEnd:
			return ends, i + n
		}
		i += n
	}
}

// TestDamaged changes every byte of a file: what is read is right, or an error says so.
func TestDamaged(t *testing.T) {
	data := sample(t, Options{Size: 400})
	whole, _, _ := all(bytes.NewReader(data))
	_, end := chunkEnds(t, data)
	errors := 0
	for i := range end {
		flip := [...]byte{1, 0x80, 0xff}[i%3]
		data[i] ^= flip
		messages, _, err := all(bytes.NewReader(data))
		data[i] ^= flip
		if err != io.EOF {
			errors++
		} else if !reflect.DeepEqual(messages, whole) {
			t.Fatalf("byte %d ^ %#x: %d messages without an error", i, flip, len(messages))
		}
	}
	if errors != end {
		t.Errorf("%d of %d changes are noticed", errors, end)
	}
}

// record makes a record of its content.
func record(op byte, contents ...any) []byte {
	out, c := begin(nil, op)
	for _, v := range contents {
		switch v := v.(type) {
		case string:
			out = text(out, v)
		default:
			out, _ = binary.Append(out, binary.LittleEndian, v)
		}
	}
	return end(out, c)
}

func TestRefused(t *testing.T) {
	lz4, err := os.ReadFile("testdata/lz4.mcap")
	if err != nil {
		t.Fatal(err)
	}
	start := magic + string(record(opHeader, "", ""))
	channel := string(record(opChannel, uint16(1), uint16(0), "/a", "cdr", uint32(0)))
	message := string(record(opMessage, uint16(1), uint32(0), uint64(0), uint64(0)))
	for _, tt := range []struct{ name, data, want string }{
		{"nothing", "", "the recording is cut off"},
		{"something else", "RIFF....WAVEfmt ", "this is no MCAP file"},
		{"another version", "\x89MCAP1\r\n", "version '1' of MCAP"},
		{"no header", magic + message, "the header is missing"},
		{"lz4", string(lz4), `compressed with "lz4": this program reads zstd`},
		{"a record of 2^60 bytes", start + "\x0c" + strings.Repeat("\x00", 7) + "\x10", "at most 268435456 are read"},
		{"an attachment of 2^60 bytes", start + "\x09" + strings.Repeat("\x00", 7) + "\x10", "the recording is cut off"},
		{"a chunk of 2^40 bytes", start + string(record(opChunk, uint64(0), uint64(0), uint64(1<<40), uint32(0), "zstd", uint64(0))), "at most 268435456 are read"},
		{"a chunk that is another than it says", start + string(record(opChunk, uint64(0), uint64(0), uint64(3), uint32(0), "", uint64(2), uint16(0))), "has not the 3 bytes"},
		{"a chunk beyond its record", start + string(record(opChunk, uint64(0), uint64(0), uint64(3), uint32(0), "", uint64(1<<63))), "a chunk that is damaged"},
		{"no zstd", start + string(record(opChunk, uint64(0), uint64(0), uint64(3), uint32(0), "zstd", uint64(2), uint16(7))), "a chunk: "},
		{"a message of no channel", start + message, "channel 1, which is not there"},
		{"a channel of no schema", start + string(record(opChannel, uint16(1), uint16(9), "/a", "cdr", uint32(0))), `channel "/a" has a schema that is not there`},
		{"a message that is short", start + channel + string(record(opMessage, uint16(1))), "a message that is damaged"},
		{"no end of the data", start + string(record(opFooter)), "the end of the data is missing"},
		{"a map that is short", start + string(record(opMetadata, "a", uint32(5), uint32(9), byte(0))), "metadata that are damaged"},
	} {
		messages, _, err := all(strings.NewReader(tt.data))
		if err == nil || !strings.Contains(err.Error(), tt.want) || len(messages) > 0 {
			t.Errorf("%s: %d messages, %v; expected %q", tt.name, len(messages), err, tt.want)
		}
	}
	// Messages that are in no chunk, and records that are not known.
	messages, _, err := all(strings.NewReader(start + string(record(0x77, "x")) + channel + message + string(record(opAttachment, "x")) + message + string(record(opDataEnd, uint32(0)))))
	if err != io.EOF || len(messages) != 2 {
		t.Errorf("without chunks: %d messages, %v", len(messages), err)
	}
}

// full takes some bytes and then no more.
type full struct{ left int }

var errFull = errors.New("no space left")

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestWriterErrors(t *testing.T) {
	w, err := NewWriter(&full{1000}, Options{Size: 100, Plain: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(1, 0, nil); err == nil || !strings.Contains(err.Error(), "no channel 1") {
		t.Error(err)
	}
	if _, err := w.AddChannel("/a", "cdr", 1, nil); err == nil || !strings.Contains(err.Error(), "no schema 1") {
		t.Error(err)
	}
	id, err := w.AddChannel("/a", "cdr", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; err == nil; i++ {
		if err = w.Write(id, uint64(i), make([]byte, 50)); i > 100 {
			t.Fatal("a full disk is not noticed")
		}
	}
	if !errors.Is(err, errFull) || !errors.Is(w.Close(), errFull) || !errors.Is(w.Metadata("a", nil), errFull) {
		t.Errorf("after a full disk: %v, at the end %v", err, w.Close())
	}
	if _, err := NewWriter(&full{1}, Options{}); !errors.Is(err, errFull) {
		t.Errorf("a disk that is full from the beginning: %v", err)
	}
}

// TestLongest ends a chunk that is small but old, and writes nothing of what it is given
// later than that.
func TestLongest(t *testing.T) {
	var out bytes.Buffer
	w, err := NewWriter(&out, Options{})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := w.AddChannel("/a", "cdr", 0, nil)
	for i := range 25 {
		if err := w.Write(id, uint64(i)*100_000_000, []byte{1}); err != nil {
			t.Fatal(err)
		}
	}
	messages, _, err := all(&out) // as if it had been killed
	if len(messages) != 22 || !errors.Is(err, ErrCut) {
		t.Errorf("%d messages are in the file, %v", len(messages), err)
	}
}

// TestAllocations writes without allocating, but for the index.
func TestAllocations(t *testing.T) {
	w, err := NewWriter(io.Discard, Options{})
	if err != nil {
		t.Fatal(err)
	}
	id, _ := w.AddChannel("/a", "cdr", 0, nil)
	data, now := make([]byte, 1000), uint64(0)
	write := func() {
		now += 1_000_000
		if err := w.Write(id, now, data); err != nil {
			t.Fatal(err)
		}
	}
	for range 20_000 {
		write()
	}
	if n := testing.AllocsPerRun(2000, write); n > 0 {
		t.Errorf("a message allocates %v times", n)
	}
}

// FuzzReader reads anything: no panic, and no more messages than there are bytes for.
func FuzzReader(f *testing.F) {
	f.Add(sample(f, Options{Size: 400}))
	f.Add(sample(f, golden))
	for _, name := range []string{"zstd.mcap", "lz4.mcap"} {
		data, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, _, err := all(bytes.NewReader(data)); err == nil {
			t.Fatal("it has no end")
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	w, err := NewWriter(io.Discard, Options{})
	if err != nil {
		b.Fatal(err)
	}
	id, _ := w.AddChannel("/a", "cdr", 0, nil)
	data := make([]byte, 1500)
	for i := range data {
		data[i] = byte(i * i >> 3)
	}
	b.SetBytes(int64(len(data)))
	for i := 0; b.Loop(); i++ {
		binary.LittleEndian.PutUint64(data[i%1000:], uint64(i)*0x9e3779b97f4a7c15)
		if err := w.Write(id, uint64(i)*4_000_000, data); err != nil {
			b.Fatal(err)
		}
	}
}
