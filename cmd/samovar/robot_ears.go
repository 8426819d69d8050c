package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"samovar/robot/music"
	"samovar/robot/music/song"
)

// Composed songs by which hearing is judged: how long they last, s, and from which seed on
// they are, on which nothing was fitted.
const (
	earSeconds = 60
	earSeed    = 71000
)

// fewest songs say something of how beats are heard.
const fewest = 8

// listen plans to hear songs whose beats are known: those of the folder that have a file of
// their beats, or else composed ones, one for each dance.
func (s *series) listen() {
	known := false
	for k, path := range s.songs {
		if _, err := os.Stat(beatsOf(path)); err == nil {
			known = true
			s.jobs = append(s.jobs, func(context.Context) error { return s.compare(k) })
		}
	}
	for k := range max(fewest, len(s.dances)) {
		if known {
			return
		}
		s.jobs = append(s.jobs, func(context.Context) error {
			tune := song.Compose(earSeed+uint64(k), earSeconds)
			samples := tune.Render(music.Rate)
			a, err := music.Analyse(samples, music.Rate)
			if err != nil {
				return err
			}
			return s.judge(tune.Beats, a.Beats, samples)
		})
	}
}

// compare holds what is heard of a song to its file of beats.
func (s *series) compare(k int) error {
	path := s.songs[k]
	truth, err := readBeats(beatsOf(path))
	if err != nil {
		return err
	}
	samples, err := music.ReadFile(path)
	if err != nil {
		return err
	}
	return s.judge(truth, s.heard[k].Beats, samples)
}

// judge takes down how well beats were heard, of the whole song and while it sounds.
func (s *series) judge(truth, offline []float64, samples []float32) error {
	stream, err := music.NewStream(music.Rate)
	if err != nil {
		return err
	}
	const piece = music.Rate / 48 // samples
	var live []float64
	for len(samples) > 0 {
		n := min(piece, len(samples))
		live = append(live, stream.Write(samples[:n])...)
		samples = samples[n:]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ears.Offline = append(s.ears.Offline, music.FMeasure(truth, offline, music.Trim))
	s.ears.Live = append(s.ears.Live, music.FMeasure(truth, live, music.Trim))
	return nil
}

// beatsOf is the file of a song's true beats: song.beats beside song.ogg.
func beatsOf(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) + ".beats" }

// readBeats reads a file of beats, a line each, which begins with its time in seconds.
func readBeats(path string) (beats []float64, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the beats of a song: %w", err)
	}
	for n, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		fields := strings.Fields(string(line))
		if len(fields) == 0 {
			continue
		}
		t, err := strconv.ParseFloat(fields[0], 64)
		if err != nil || !(t >= 0) || len(beats) > 0 && t <= beats[len(beats)-1] {
			return nil, fmt.Errorf("read the beats of a song from %s: line %d: %.20q is no time in seconds after the one before", path, n+1, fields[0])
		}
		beats = append(beats, t)
	}
	if len(beats) == 0 {
		return nil, fmt.Errorf("read the beats of a song: %w", &fs.PathError{Op: "read", Path: path, Err: errors.New("it has none")})
	}
	return beats, nil
}
