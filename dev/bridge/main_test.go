package main

import (
	"path/filepath"
	"testing"

	"samovar/robot/body"
)

// TestThrough lets our humanoid stand behind the bridge, in lockstep.
func TestThrough(t *testing.T) {
	path, err := find(filepath.Join("..", "..", "bin"))
	if err != nil {
		t.Skip(err)
	}
	simulated, err := body.Find("../..")
	if err != nil {
		t.Skip(err)
	}
	t.Setenv("SAMOVAR_BODY", simulated)
	r, err := through(t.Context(), path, "own", true)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	ticks, err := r.answer(3)
	if err != nil {
		t.Fatal(err)
	}
	if len(ticks) != 750 {
		t.Errorf("%d ticks", len(ticks))
	}
}
