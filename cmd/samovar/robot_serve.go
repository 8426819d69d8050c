package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"time"

	"samovar/robot/hearing"
	"samovar/robot/live"
	"samovar/robot/record"
	"samovar/robot/score"
	"samovar/robot/speech"
	"samovar/robot/stage"
)

type robotServeCommand struct {
	Ref      string `arg:"" optional:"" help:"Model that it thinks with: name, digest or GGUF file. Default: the first in the store."`
	Body     string `default:"own" help:"The robot: own, or the path of an MJCF file with two legs."`
	Addr     string `default:"127.0.0.1:7788" help:"Host and port to answer on."`
	NoOpen   bool   `help:"Do not open a browser."`
	Foxglove string `placeholder:"HOST:PORT" help:"Show it to Foxglove here, too (ws://HOST:PORT)."`
	// A recogniser is named as in a shell, without quotes.
	Recogniser string `placeholder:"PROGRAM ARG..." help:"Understands what is said: gets a WAV file on its standard input, writes the words. Default: a spotter of a few commands."`
	Dev        string `hidden:"" help:"Serve the pages from this folder."`
}

// Run shows a robot on the pages: it stands, dances, speaks and answers. One processor is
// left to its body and its balance, which cannot wait.
func (c *robotServeCommand) Run(g *globals) error {
	listener, err := listen(c.Addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	threads := max(1, runtime.GOMAXPROCS(0)-1)
	return think(g, c.Ref, threads, func(m *mind) error { return c.meet(g, m, listener, threads) })
}

// meet opens the robot, and answers until the context ends.
func (c *robotServeCommand) meet(g *globals, m *mind, listener net.Listener, threads int) (err error) {
	log := slog.New(slog.NewTextHandler(g.err, nil))
	ctx, cancel := context.WithCancel(g.ctx)
	defer cancel()
	body := live.Config{Model: c.Body, Log: g.err}
	if c.Foxglove != "" {
		end, failed := c.show(g, &body)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, end()) }()
	}
	robot, err := live.Open(ctx, body)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, robot.Close()) }()
	config := stage.Config{Robot: robot, Body: c.Body, Speaker: m, Knows: m.knows, Log: log}
	if err := c.senses(&config); err != nil {
		return err
	}
	server, err := stage.New(ctx, config)
	if err != nil {
		return err
	}
	defer server.Wait()
	defer cancel()
	s, err := g.open()
	if err != nil {
		return err
	}
	defer s.close(&err)
	list, err := s.catalogue(g.ctx)
	if err != nil {
		return err
	}
	all, err := list.models(false)
	if err != nil {
		return err
	}
	return s.serve(g, all, listener, serving{threads: threads, dev: c.Dev, open: !c.NoOpen, api: server, path: "/#/robot"})
}

// senses gives the robot a voice and ears, as far as the machine has them.
func (c *robotServeCommand) senses(to *stage.Config) error {
	if voice, err := speech.NewEspeak(""); err == nil {
		to.Voice = voice
		to.Learn = func(ctx context.Context, language string) (hearing.Recogniser, error) {
			return hearing.Learn(ctx, "", language)
		}
	} else {
		to.Log.Warn("the robot has no voice", "error", err)
	}
	if words := strings.Fields(c.Recogniser); len(words) > 0 {
		p, err := hearing.NewProgram(words[0], words[1:]...)
		if err != nil {
			return err
		}
		to.Recogniser = p
	}
	return nil
}

// show has whoever looks on by Foxglove see the robot.
func (c *robotServeCommand) show(g *globals, body *live.Config) (end func() error, err error) {
	l, server, err := foxgloveAt(c.Foxglove, "samovar")
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(g.out, "ws://%s\n", l.Addr())
	ctx, cancel := context.WithCancel(g.ctx)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, l) }()
	r := &recording{sink: record.Live(server), drop: true, epoch: time.Now()}
	body.See = func(m *score.Moment) { r.see(m) }
	return func() error {
		err := r.end()
		cancel()
		return errors.Join(err, <-ended)
	}, nil
}
