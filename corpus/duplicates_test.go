package corpus

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"samovar/corpus/filter"
)

// TestDuplicates compares what is found with what a search of all pairs finds.
func TestDuplicates(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	d := newDuplicates(dir)
	var sums []uint64
	var signatures []filter.Signature
	const documents = 2000
	for range documents {
		sum := spread(rng, documents*4)
		var s filter.Signature
		for range rng.IntN(3) {
			s = append(s, ^spread(rng, documents*4)) // of one document hardly ever twice
		}
		if err := d.add(sum, s); err != nil {
			t.Fatal(err)
		}
		sums, signatures = append(sums, sum), append(signatures, s)
	}
	got, err := d.find(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var equal, near int
	for i := range sums {
		wantEqual := slices.Contains(sums[:i], sums[i])
		wantNear := slices.ContainsFunc(signatures[:i], func(earlier filter.Signature) bool {
			return slices.ContainsFunc(signatures[i], func(h uint64) bool { return slices.Contains(earlier, h) })
		})
		if got.equal.has(uint64(i)) != wantEqual || got.near.has(uint64(i)) != wantNear {
			t.Fatalf("document %d: equal %v, near %v", i, wantEqual, wantNear)
		}
		if wantEqual {
			equal++
		}
		if wantNear {
			near++
		}
	}
	if equal < 100 || near < 100 {
		t.Fatalf("%d equal, %d near: the test looks at too few", equal, near)
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

// spread draws one of n numbers that fill all of 64 bits.
func spread(rng *rand.Rand, n int) uint64 { return uint64(rng.IntN(n)+1) * 0x9e3779b97f4a7c15 }
