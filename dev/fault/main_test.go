//go:build unix

package main

import (
	"testing"
	"time"

	"samovar/robot/body"
	"samovar/robot/score"
)

// TestLockstep lets each fault befall a robot in lockstep, and expects the supervisor to
// act within 20 ms of the body's time, and a tick for sensors that repeat themselves.
func TestLockstep(t *testing.T) {
	path, err := body.Find("../..")
	if err != nil {
		t.Skip(err)
	}
	t.Setenv("SAMOVAR_BODY", path)
	for _, f := range faults() {
		if f.clock != nil {
			continue
		}
		ms, err := lockstep(&f, "own", score.Rate, 1, 300*time.Millisecond)
		if err != nil || ms > 24 {
			t.Errorf("%s: acted on after %.0f ms: %v", f.Name, ms, err)
		}
	}
}
