package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"samovar/robot/music"
)

type robotCommand struct {
	Ask    askCommand        `cmd:"" help:"Let the robot answer aloud."`
	Beats  beatsCommand      `cmd:"" help:"Find tempo, beats and bars of a song."`
	Dance  danceCommand      `cmd:"" help:"Let a simulated robot dance to a song, and say how well it did."`
	Greet  greetCommand      `cmd:"" help:"Let the robot say hello and who it is."`
	Policy policyCommand     `cmd:"" help:"Let a learned policy move a simulated robot, and say how well it did."`
	Record recordCommand     `cmd:"" help:"Record a dance for Foxglove and ROS 2."`
	Replay replayCommand     `cmd:"" help:"Say what a recording holds, or show it to Foxglove."`
	Say    sayCommand        `cmd:"" help:"Let the robot say a text."`
	Score  scoreCommand      `cmd:"" help:"Let simulated robots dance to many songs, and say how often they fall."`
	Serve  robotServeCommand `cmd:"" help:"Show a robot on a page: it dances, speaks and answers."`
}

type beatsCommand struct {
	Song string `arg:"" type:"existingfile" help:"A WAV, MP3, FLAC or Ogg Vorbis file of up to 20 minutes."`
}

// heard is what is told of a song.
type heard struct {
	Song string `json:"song"`
	music.Analysis
}

func (c *beatsCommand) Run(g *globals) error {
	a, err := hear(c.Song)
	if err != nil {
		return err
	}
	h := heard{c.Song, a}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(h)
	}
	h.print(g.out)
	return nil
}

func (h heard) print(w io.Writer) {
	length := (time.Duration(h.Seconds*1000) * time.Millisecond).Round(100 * time.Millisecond)
	if len(h.Beats) == 0 {
		fmt.Fprintf(w, "%s lasts %s and has no beat that could be found\n", h.Song, length)
		return
	}
	fmt.Fprintf(w, "%s lasts %s: %.1f beats a minute, %d beats in %d bars of %d\n", h.Song, length, h.Tempo, len(h.Beats), len(h.Downbeats), h.Meter)
	if h.Confidence < music.Sure {
		fmt.Fprintf(w, "it is not sure that there is a beat (%.2f, where %.2f is enough to dance to)\n", h.Confidence, music.Sure)
	}
	fmt.Fprintf(w, "the first beat is at %.2f s, the first bar at %.2f s\n", h.Beats[0], first(h.Downbeats, h.Beats[0]))
	for i, s := range h.Sections {
		fmt.Fprintf(w, "part %d  %6.1f to %6.1f s  loudness %.2f\n", i+1, s.Start, s.End, s.Energy)
	}
}

// first returns the first of all, or instead where there is none.
func first(all []float64, instead float64) float64 {
	if len(all) == 0 {
		return instead
	}
	return all[0]
}
