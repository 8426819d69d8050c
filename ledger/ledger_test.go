//go:build unix

package ledger

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"samovar"
)

// open returns a ledger that is closed with the test.
func open(t testing.TB, dir string) *Ledger {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// appendAll appends the entries, all at once, in any order.
func appendAll(t testing.TB, l *Ledger, entries ...string) {
	t.Helper()
	var wg sync.WaitGroup
	for _, e := range entries {
		wg.Go(func() {
			if _, err := l.Append(context.Background(), []byte(e)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// numbered returns n different entries.
func numbered(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("entry %d", i)
	}
	return all
}

// read returns the entries by index.
func read(t testing.TB, l *Ledger, from int64) map[int64]string {
	t.Helper()
	all := map[int64]string{}
	for s, err := range l.Entries(context.Background(), from) {
		if err != nil {
			t.Fatal(err)
		}
		all[s.Index] = string(s.Data)
	}
	return all
}

func TestEmpty(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "ledger")
	l := open(t, dir)
	if err := l.Verify(context.Background()); err != nil {
		t.Error(err)
	}
	if h, err := l.Head(); err != nil || h.Size != 0 {
		t.Errorf("Head = %+v, %v", h, err)
	}
	if len(read(t, l, 0)) != 0 {
		t.Error("an empty ledger has entries")
	}
	if _, err := l.Entry(0); err == nil {
		t.Error("an empty ledger has an entry 0")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("reading made the folder")
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	l := open(t, t.TempDir())
	for i := range int64(3) {
		want := bytes.Repeat([]byte{byte(i)}, MaxEntry)
		if got, err := l.Append(ctx, want); err != nil || got != i {
			t.Fatalf("Append = %d, %v, want %d", got, err, i)
		}
		// A second ledger reads what was acknowledged, without an appender.
		if got, err := open(t, l.Dir()).Entry(i); err != nil || !bytes.Equal(got, want) {
			t.Errorf("entry %d: %d bytes, %v", i, len(got), err)
		}
	}
	for _, size := range []int{0, MaxEntry + 1, 1 << 17} {
		if _, err := l.Append(ctx, make([]byte, size)); err == nil {
			t.Errorf("an entry of %d bytes was accepted", size)
		}
	}
	if fi, err := os.Stat(l.path(keyName)); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("signing key: %v, %v", fi.Mode(), err)
	}
	if err := l.Verify(ctx); err != nil {
		t.Error(err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := l.Append(cancelled, []byte("x")); err == nil {
		t.Error("appended though cancelled")
	}
}

// More than two full bundles, by two ledgers of one process at once.
func TestManyEntries(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a := open(t, t.TempDir())
	b := open(t, a.Dir())
	const n = 600
	all := numbered(n)
	var wg sync.WaitGroup
	for i, l := range []*Ledger{a, b} {
		wg.Go(func() { appendAll(t, l, all[i*n/2:(i+1)*n/2]...) })
	}
	wg.Wait()
	got := read(t, a, 0)
	if len(got) != n {
		t.Fatalf("%d entries, want %d", len(got), n)
	}
	seen := map[string]bool{}
	for _, e := range got {
		seen[e] = true
	}
	for _, e := range all {
		if !seen[e] {
			t.Errorf("%q is missing", e)
		}
	}
	if rest := read(t, a, 300); len(rest) != n-300 || rest[599] != got[599] {
		t.Errorf("from 300: %d entries", len(rest))
	}
	if err := a.Verify(ctx); err != nil {
		t.Error(err)
	}
	key, err := a.Key()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int64{0, 255, 256, 511, 599} {
		p, err := a.Prove(i)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Check(key); err != nil || string(p.Entry) != got[i] {
			t.Errorf("proof of %d: %q, %v", i, p.Entry, err)
		}
		p.Entry = append(bytes.Clone(p.Entry), '!')
		if p.Check(key) == nil {
			t.Errorf("the proof of %d holds for another entry", i)
		}
	}
	if _, err := a.Prove(n); err == nil {
		t.Errorf("entry %d was proved", n)
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i := range int64(3) {
		l, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.Append(context.Background(), []byte("x")); err != nil || got != i {
			t.Fatalf("Append = %d, %v, want %d", got, err, i)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMissingKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := open(t, dir)
	appendAll(t, l, "x")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, keyName)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(context.Background(), []byte("y")); err == nil || !strings.Contains(err.Error(), "backup") {
		t.Errorf("appended with a new key: %v", err)
	}
	if err := l.Verify(context.Background()); err != nil {
		t.Errorf("a reader needs no signing key: %v", err)
	}
}

func TestEntryJSON(t *testing.T) {
	d := samovar.DigestOf([]byte("record"))
	run := samovar.Run{Stage: "train", Key: samovar.DigestOf(nil), Outputs: []samovar.Digest{d},
		Attempts: make([]samovar.Attempt, 2), Energy: samovar.Energy{Joules: 3, Method: "measured (RAPL)"}}
	e := RunEntry(run, d)
	b, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseEntry(b)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(e) {
		t.Errorf("%+v, %v, want %+v", got, err, e)
	}
	for _, bad := range []string{"", "[]", `{"type":"run","run":"../x"}`} {
		if _, err := ParseEntry([]byte(bad)); err == nil {
			t.Errorf("%q was taken for an entry", bad)
		}
	}
}

// Whatever a bundle holds, its entries are cut from it and never beyond it.
func FuzzBundle(f *testing.F) {
	f.Add([]byte("\x00\x01a\x00\x00\x00\x02bc"), 3)
	f.Add([]byte("\xff\xffa"), 1)
	f.Add([]byte{}, 256)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n < 0 || n > bundleWidth {
			return
		}
		entries, err := splitBundle(b, n)
		if err != nil {
			return
		}
		size := 2 * n
		for _, e := range entries {
			size += len(e)
		}
		if len(entries) != n || size > len(b) {
			t.Errorf("%d entries of %d bytes from %d", len(entries), size, len(b))
		}
	})
}

// No text that somebody else wrote passes for a head, an entry or a proof.
func FuzzHead(f *testing.F) {
	l := closed(f, f.TempDir(), "a", "b", "c")
	h, err := l.Head()
	if err != nil {
		f.Fatal(err)
	}
	key, err := l.Key()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(h.Note)
	f.Add([]byte(`{"type":"run","run":"sha256:"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseHead(b, key)
		if err == nil && (got.Size != h.Size || got.Hash != h.Hash) {
			t.Errorf("a head of size %d was accepted", got.Size)
		}
		_, _ = ParseHead(h.Note, string(b))
		_, _ = ParseEntry(b)
		if (Proof{Index: int64(len(b)), Entry: b, Head: h.Note}).Check(key) == nil {
			t.Errorf("%q was proved", b)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	l := open(b, b.TempDir())
	for b.Loop() {
		if _, err := l.Append(context.Background(), []byte("an entry")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify1000(b *testing.B) {
	l := open(b, b.TempDir())
	appendAll(b, l, numbered(1000)...)
	b.ResetTimer()
	for b.Loop() {
		if err := l.Verify(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}
