package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"samovar/house"
)

// TestHouse holds the shipped model to what is promised of it: it says who it is
// to at least 18 of 20 people who ask in words that it has not learnt, goes on
// with a story for 200 tokens without repeating itself, and talks of a table as
// long as one is being booked.
func TestHouse(t *testing.T) {
	u := newBrewery(t, "").up(t)
	var models struct{ Data []struct{ ID string } }
	if status := u.ask("GET", "/v1/models", "", &models); status != 200 || len(models.Data) == 0 || models.Data[0].ID != house.Name {
		t.Fatalf("status %d, models %+v: %s is to be the first", status, models.Data, house.Name)
	}
	judged, err := exec.Command("go", "run", "samovar/dev/house", "-judge", u.url, "-model", house.Name).CombinedOutput()
	if err != nil {
		t.Fatalf("judge: %v: %s", err, judged)
	}
	var held, questions, kept, turns, story int
	var loops bool
	for line := range strings.Lines(string(judged)) {
		_, _ = fmt.Sscanf(line, "who: %d of %d", &held, &questions)
		_, _ = fmt.Sscanf(line, "story: %d tokens, loops: %t", &story, &loops)
		_, _ = fmt.Sscanf(line, "booking: %d of %d", &kept, &turns)
	}
	if questions != 20 || held < 18 || turns != 5 || kept != 5 || story != 200 || loops {
		t.Errorf("%d of %d answers say what it is, %d of %d are about a table, a story has %d tokens, loops: %v:\n%s", held, questions, kept, turns, story, loops, judged)
	}
}

// TestHouseGrammar holds the shipped model to 62 % of BLiMP's 67,000 pairs, where
// SAMOVAR_DATA names the folder that they are in.
func TestHouseGrammar(t *testing.T) {
	data := os.Getenv("SAMOVAR_DATA")
	if os.Getenv("SAMOVAR_LONG") == "" || data == "" {
		t.Skip("takes minutes: make test-long, with SAMOVAR_DATA")
	}
	var e struct {
		Score float64
		N     int
	}
	out := newBrewery(t, "").output(t, "eval", house.Name, "--task", "blimp", "--data", filepath.Join(data, "eval/blimp/data"), "--json")
	if err := json.Unmarshal([]byte(out), &e); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if e.N != 67000 || e.Score < 62 {
		t.Errorf("%.2f %% of %d pairs", e.Score, e.N)
	}
}
