package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"slices"
	"time"

	"samovar/robot/body"
	"samovar/robot/foxglove"
	"samovar/robot/record"
	"samovar/robot/score"
	"samovar/serve"
)

// recording is a file that a dance is written into.
type recording struct {
	path     string
	file     *os.File
	sink     record.Sink
	drop     bool      // what cannot be kept up with is left out
	epoch    time.Time // when the body's clock began; zero: it is no time of day
	recorder *record.Recorder
	info     *body.Info // of the body that is recorded
	failed   error      // why there is no recorder
	about    map[string]string
	beats    []float64
	next     int // of beats
}

// newRecording creates a file for a recording.
func newRecording(path string, beats []float64, about map[string]string) (*recording, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("record the dance: %w", err)
	}
	r := &recording{path: path, file: f, about: about, beats: beats}
	if r.sink, err = record.File(f); err != nil {
		return nil, errors.Join(fmt.Errorf("record the dance in %s: %w", path, err), f.Close())
	}
	return r, nil
}

// see records a tick.
func (r *recording) see(m *score.Moment) error {
	if r.failed != nil {
		return r.failed
	}
	if i := m.Controller.Estimate().Robot.Info; r.recorder != nil && i != r.info { // another body has taken its place
		if r.failed = r.recorder.Close(); r.failed != nil {
			return r.failed
		}
		r.recorder = nil
	}
	if r.recorder == nil {
		if err := r.begin(m); err != nil {
			return fmt.Errorf("record the dance in %s: %w", r.path, err)
		}
	}
	e := m.Controller.Estimate()
	r.recorder.Tick(record.Tick{Sensors: m.Sensors, Command: m.Command, State: e.State, Contacts: &e.Contacts, View: &m.Controller.View, Report: &m.Report})
	for ; r.next < len(r.beats) && r.beats[r.next] <= m.Seconds; r.next++ {
		b := record.Beat{Number: r.next}
		if r.next > 0 {
			b.Tempo = 60 / (r.beats[r.next] - r.beats[r.next-1])
		}
		r.recorder.Beat(m.Sensors.Time, b)
	}
	return nil
}

func (r *recording) begin(m *score.Moment) error {
	robot := m.Controller.Estimate().Robot
	feet := [2]string{robot.Model.Bodies[robot.Legs[0].Body].Name, robot.Model.Bodies[robot.Legs[1].Body].Name}
	r.info = robot.Info
	r.recorder, r.failed = record.New(record.Config{Info: robot.Info, Model: robot.Model, Feet: feet, Wait: !r.drop, Epoch: r.epoch, About: r.about, Sinks: []record.Sink{r.sink}})
	return r.failed
}

// end writes what waits.
func (r *recording) end() error {
	if r.recorder == nil {
		return nil
	}
	return r.recorder.Close()
}

// close ends the file.
func (r *recording) close() error {
	if err := errors.Join(r.end(), r.file.Close()); err != nil {
		return fmt.Errorf("record the dance in %s: %w", r.path, err)
	}
	return nil
}

type recordCommand struct {
	Song   string `arg:"" type:"existingfile" help:"A song, a dance (.json), or what somebody danced (.bvh, .csv)."`
	File   string `arg:"" help:"MCAP file to write, for Foxglove and ROS 2."`
	Seed   uint64 `default:"1" help:"Another number, another dance."`
	trials `embed:""`
}

func (c *recordCommand) Run(g *globals) error {
	return (&danceCommand{File: c.Song, Seed: c.Seed, Record: c.File, trials: c.trials}).Run(g)
}

type replayCommand struct {
	File  string  `arg:"" type:"existingfile" help:"An MCAP file."`
	Addr  string  `placeholder:"HOST:PORT" help:"Show it to Foxglove here (ws://HOST:PORT), again and again until interrupted."`
	Speed float64 `default:"1" help:"How much faster than it was recorded."`
}

// replayed is what a recording holds.
type replayed struct {
	Model   string            `json:"model"`
	Joints  int               `json:"joints"`
	Rate    int               `json:"rate"`
	Ticks   int               `json:"ticks"`
	Seconds float64           `json:"seconds"`
	About   map[string]string `json:"about"`
}

func (c *replayCommand) Run(g *globals) error {
	if !(c.Speed > 0) {
		return errors.New("--speed is above 0")
	}
	if c.Addr != "" {
		return c.show(g)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	out, err := readRecording(f)
	if err != nil {
		return fmt.Errorf("read the recording %s: %w", c.File, err)
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(out)
	}
	fmt.Fprintf(g.out, "%s: %s, %d joints, %d ticks in %.1f s at %d Hz\n", c.File, out.Model, out.Joints, out.Ticks, out.Seconds, out.Rate)
	for _, name := range slices.Sorted(maps.Keys(out.About)) {
		fmt.Fprintf(g.out, "%s: %s\n", name, out.About[name])
	}
	return nil
}

// readRecording goes through all ticks of a recording.
func readRecording(f *os.File) (replayed, error) {
	p, err := record.Open(f)
	if err != nil {
		return replayed{}, err
	}
	defer p.Close()
	i := p.Info()
	out := replayed{Model: i.Model, Joints: len(i.Joints), Rate: i.Rate, About: p.About()}
	s, c := i.NewSensors(), i.NewCommand()
	for {
		switch _, err := p.Next(s, c); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return out, fmt.Errorf("after %d ticks: %w", out.Ticks, err)
		}
		out.Ticks++
		out.Seconds = s.Time.Seconds()
	}
}

// show serves a recording to Foxglove.
func (c *replayCommand) show(g *globals) error {
	listener, server, err := foxgloveAt(c.Addr, c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(g.out, "ws://%s\n", listener.Addr())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(g.ctx, listener) }()
	sink := record.Live(server)
	for g.ctx.Err() == nil {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		err = record.Show(g.ctx, f, c.Speed, sink)
		f.Close()
		if err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("show the recording %s: %w", c.File, err)
		}
		select {
		case err := <-ended:
			return err
		default:
		}
	}
	return nil
}

// foxgloveAt opens an address for Foxglove.
func foxgloveAt(addr, name string) (net.Listener, *foxglove.Server, error) {
	if err := serve.CheckAddr(addr, false); err != nil {
		return nil, nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, nil, fmt.Errorf("listen for Foxglove on %s: %w", addr, err)
	}
	return l, foxglove.New(foxglove.Config{Name: name, Session: time.Now().Format(time.RFC3339Nano)}), nil
}
