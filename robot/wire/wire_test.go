package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLayout holds frames to the bytes that the protocol's table says.
func TestLayout(t *testing.T) {
	got := Append(nil, Header{Command, 3, 0x0102030405060708, 5}, []byte{0xaa})
	want := "53565242" + "07" + "03" + "0100" + "0807060504030201" + "0500000000000000" + "aa"
	bytes, err := hex.DecodeString(want)
	if err != nil {
		t.Fatal(err)
	}
	bytes = binary.LittleEndian.AppendUint32(bytes, crc32.Checksum(bytes, crc32.MakeTable(crc32.Castagnoli)))
	if hex.EncodeToString(got) != hex.EncodeToString(bytes) {
		t.Errorf("%x instead of %x", got, bytes)
	}
	if len(got) != Overhead+1 {
		t.Errorf("%d bytes", len(got))
	}
	// The check value of CRC-32C (iSCSI, RFC 3720 appendix B.4: 32 bytes of zeroes).
	if c := crc32.Checksum(make([]byte, 32), castagnoli); c != 0x8a9136aa {
		t.Errorf("CRC-32C of zeroes is %08x", c)
	}
}

func reader(b []byte) *Reader {
	r := NewReader(bytes.NewReader(b))
	r.Expect(Command, 8)
	r.Expect(Heartbeat, 0)
	r.ExpectText(Hello)
	return r
}

func TestNext(t *testing.T) {
	good := Append(nil, Header{Kind: Command, Sequence: 7, Time: -1}, make([]byte, 8))
	change := func(at int, to byte) []byte {
		b := bytes.Clone(good)
		b[at] = to
		return b
	}
	for _, c := range []struct {
		name  string
		bytes []byte
		fault string
	}{
		{"whole", good, ""},
		{"empty", Append(nil, Header{Kind: Heartbeat}, nil), ""},
		{"text", Append(nil, Header{Kind: Hello}, bytes.Repeat([]byte("x"), Largest)), ""},
		{"magic", change(0, 'X'), "begins with"},
		{"kind", change(4, byte(Sensors)), "sensors, which is not expected"},
		{"kind 0", change(4, 0), "kind 0"},
		{"kind 255", change(4, 255), "kind 255"},
		{"length", change(6, 9), "9 bytes instead of 8"},
		{"sequence", change(8, 8), "checksum"},
		{"payload", change(HeaderSize, 1), "checksum"},
		{"checksum", change(len(good)-1, good[len(good)-1]^1), "checksum"},
		{"cut in the header", good[:10], "unexpected EOF"},
		{"cut after the header", good[:HeaderSize], "unexpected EOF"},
		{"cut in the payload", good[:HeaderSize+3], "unexpected EOF"},
		{"nothing", nil, "EOF"},
	} {
		_, _, err := reader(c.bytes).Next()
		if c.fault == "" && err != nil || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s: %v instead of %q", c.name, err, c.fault)
		}
	}
	r := reader(good)
	r.Refuse(Command)
	if _, _, err := r.Next(); err == nil {
		t.Error("a kind that is refused again came through")
	}
}

func TestFloats(t *testing.T) {
	in := []float64{0, -1.5, math.Inf(1), math.MaxFloat64, math.Copysign(0, -1)}
	b := Floats(nil, in...)
	var a, c, d float64
	rest := Take(b, &a, &c, &d)
	if a != 0 || c != -1.5 || !math.IsInf(d, 1) || len(rest) != 16 {
		t.Errorf("%v %v %v, %d bytes are left", a, c, d, len(rest))
	}
}

func FuzzNext(f *testing.F) {
	f.Add(Append(Append(nil, Header{Kind: Heartbeat}, nil), Header{Kind: Command}, make([]byte, 8)))
	f.Add(Append(nil, Header{Kind: Hello, Sequence: 1}, []byte("{}")))
	f.Add([]byte("SVRB"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := reader(b)
		var again []byte
		for {
			h, payload, err := r.Next()
			if err != nil {
				break
			}
			again = Append(again, h, payload)
		}
		if !bytes.HasPrefix(b, again) {
			t.Error("what was read is not what stood there")
		}
	})
}

func TestAddresses(t *testing.T) {
	for address, good := range map[string]bool{
		"unix:/tmp/x": true, "tcp:127.0.0.1:80": true, "tcp:[::1]:80": true, "tcp:localhost:80": true,
		"": false, "unix:": false, "tcp:80": false, "tcp:0.0.0.0:80": false, "tcp:192.168.0.1:80": false, "tcp::80": false, "udp:127.0.0.1:1": false, "tcp:example.org:1": false,
	} {
		if _, _, err := split(address); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// TestListen listens where a process has died, and not where one lives.
func TestListen(t *testing.T) {
	address := "unix:" + filepath.Join(t.TempDir(), "s")
	l, err := Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(address); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("two listeners: %v", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	l, err = Listen(address)
	if err != nil {
		t.Fatalf("over a dead one's socket: %v", err)
	}
	l.Close()
}

// TestServe greets, refuses, and keeps only the newest frame for a slow reader.
func TestServe(t *testing.T) {
	address := "unix:" + filepath.Join(t.TempDir(), "s")
	l, err := Listen(address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go Serve(l, func(c *Conn) error {
		c.ExpectText(Hello)
		_, payload, err := c.Next()
		if err != nil {
			return err
		}
		if string(payload) != "please" {
			return errors.New("not so")
		}
		m := NewMailbox(c)
		for i := range 10000 {
			m.Put(Header{Kind: Sensors, Sequence: uint64(i + 1)}, func(b []byte) []byte { return append(b, make([]byte, 1000)...) })
		}
		return nil
	})
	c, err := Dial(address, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.Expect(Sensors, 1000)
	if err := c.Write(Header{Kind: Hello}, []byte("please")); err != nil {
		t.Fatal(err)
	}
	last, n := uint64(0), 0
	for last < 10000 {
		h, _, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Sequence <= last {
			t.Fatalf("%d after %d", h.Sequence, last)
		}
		last = h.Sequence
		n++
	}
	t.Logf("%d of 10000 frames came", n)
	d, err := Dial(address, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.ExpectText(Refusal)
	if err := d.Write(Header{Kind: Hello}, []byte("now")); err != nil {
		t.Fatal(err)
	}
	if _, payload, err := d.Next(); err != nil || string(payload) != "not so" {
		t.Errorf("%q, %v", payload, err)
	}
	if _, _, err := d.Next(); err != io.EOF {
		t.Errorf("after a refusal: %v", err)
	}
}

// TestWithin tells a side that hangs from one that has ended.
func TestWithin(t *testing.T) {
	l, err := Listen("unix:" + filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := Dial("unix:"+l.Addr().String(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	other, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Within(time.Millisecond); err == nil || !strings.Contains(err.Error(), "sign of life for 1ms") {
		t.Errorf("a side that hangs: %v", err)
	}
	other.Close()
	if _, _, err := c.Within(time.Second); !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("a side that has ended: %v", err)
	}
}
