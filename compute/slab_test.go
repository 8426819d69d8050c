package compute

import (
	"testing"
	"unsafe"
)

func TestSlab(t *testing.T) {
	var s slab
	borrow := func(n int) ([]byte, func()) {
		t.Helper()
		data, giveBack, err := s.borrow(n)
		if err != nil {
			t.Fatal(err)
		}
		if len(data) != n || cap(data) != n {
			t.Errorf("%d bytes, room for %d, where %d were asked for", len(data), cap(data), n)
		}
		if n > 0 && uintptr(unsafe.Pointer(&data[0]))%64 != 0 {
			t.Error("memory does not begin at a cache line")
		}
		for _, b := range data {
			if b != 0 {
				t.Fatal("memory is not zero")
			}
		}
		for i := range data {
			data[i] = 0xff
		}
		return data, giveBack
	}
	_, none := borrow(0)
	a, backA := borrow(100)
	b, backB := borrow(1 << 20)
	if first := s.piece; first.borrowers != 3 || len(first.data) != slabBytes {
		t.Errorf("%d borrowers of %d bytes", first.borrowers, len(first.data))
	}
	large, backLarge := borrow(slabBytes + 1) // a piece of its own
	if s.piece.borrowers != 1 || len(a)+len(b)+len(large) != 100+1<<20+slabBytes+1 {
		t.Errorf("%d borrowers of a piece for one", s.piece.borrowers)
	}
	for _, back := range []func(){none, backA, backB, backLarge} {
		back()
	}
	if s.piece != nil {
		t.Error("a piece that nobody borrows is kept")
	}
	_, back := borrow(64)
	back()
}
