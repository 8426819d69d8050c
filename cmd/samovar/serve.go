package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"

	"samovar/compute"
	"samovar/compute/kernel"
	"samovar/energy"
	"samovar/house"
	"samovar/infer"
	"samovar/ledger/card"
	"samovar/model"
	"samovar/registry"
	"samovar/runs"
	"samovar/serve"
	"samovar/tokenizer"
	"samovar/tokenizer/template"
	"samovar/web"
)

type upCommand struct {
	Addr   string   `default:"127.0.0.1:7788" help:"Host and port to answer on."`
	NoOpen bool     `help:"Do not open a browser."`
	Data   []string `placeholder:"DIR" help:"Folders that recipes sent from the page Runs may name; more than one with commas."`
	Dev    string   `hidden:"" help:"Serve the pages from this folder."`
	cached
}

// Run serves every named model, and brings in the one that is shipped with the
// program when the store has none.
func (c *upCommand) Run(g *globals) (err error) {
	listener, err := listen(c.Addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	s, err := g.open()
	if err != nil {
		return err
	}
	defer s.close(&err)
	unsettled := s.settle(g.ctx)
	if unsettled != nil && !errors.Is(unsettled, registry.ErrReadOnly) {
		return unsettled
	}
	list, err := s.catalogue(g.ctx)
	if err != nil {
		return err
	}
	all, err := list.models(false)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return unsettled
	}
	houseFirst(all)
	return s.serve(g, all, listener, serving{cache: c.format(), dev: c.Dev, open: !c.NoOpen, page: &page{s, c.Data}})
}

// listen opens an address that is safe to answer on.
func listen(addr string) (net.Listener, error) {
	if err := serve.CheckAddr(addr, false); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; give another with --addr", addr, err)
	}
	return listener, nil
}

// houseFirst puts the shipped model at the head of the list.
func houseFirst(all []shown) {
	slices.SortStableFunc(all, func(a, b shown) int {
		switch house.Name {
		case a.Name:
			return -1
		case b.Name:
			return 1
		}
		return 0
	})
}

type serveCommand struct {
	Refs []string `arg:"" optional:"" name:"ref" help:"Models: names, digests or GGUF files. Default: all in the store."`
	Addr string   `default:"127.0.0.1:7788" help:"Host and port to answer on."`
	cached
	drafted
}

// cached is the flag of commands that answer. F32 is what models are evaluated with,
// so that what a card says of a model is true of its answers.
type cached struct {
	Cache string `enum:"f32,f16,q8_0" default:"f32" help:"How keys and values are kept: ${enum}. f16 takes half of f32's memory, q8_0 little more than a quarter; answers change."`
}

func (c cached) format() kernel.Format {
	return map[string]kernel.Format{"f32": kernel.F32, "f16": kernel.F16, "q8_0": kernel.Q8_0}[c.Cache]
}

// Validate refuses a draft for models that nobody named.
func (c *serveCommand) Validate() error {
	if len(c.Refs) == 0 && c.Draft != "" {
		return errors.New("--draft guesses for the models that are named: name them")
	}
	return nil
}

func (c *serveCommand) Run(g *globals) (err error) {
	if len(c.Refs) == 0 {
		return (&upCommand{Addr: c.Addr, NoOpen: true, cached: c.cached}).Run(g)
	}
	listener, err := listen(c.Addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	s, err := g.openFor(append(slices.Clone(c.Refs), c.Draft)...)
	if err != nil {
		return err
	}
	defer s.close(&err)
	if c.Draft != "" {
		if _, err := s.modelPath(c.Draft); err != nil {
			return fmt.Errorf("find the draft %s: %w", c.Draft, err)
		}
	}
	list, err := s.catalogue(g.ctx)
	if err != nil {
		return err
	}
	var all []shown
	for _, ref := range c.Refs {
		m, err := s.refer(list, ref)
		if err != nil {
			return err
		}
		all = append(all, m)
	}
	return s.serve(g, all, listener, serving{cache: c.format(), draft: c.Draft})
}

// refer describes what a reference means: a model of the store, or a file.
func (s *store) refer(list *catalogue, ref string) (shown, error) {
	if path, err := s.modelPath(ref); err == nil && path == ref {
		f, err := model.Open(path)
		if err != nil {
			return shown{}, err
		}
		defer f.Close()
		return shown{Name: ref, Summary: f.Summary()}, nil
	}
	d, err := s.artifactOf(ref)
	if err != nil {
		return shown{}, err
	}
	return list.show(ref, d)
}

// serving is how models are served, and what is beside them.
type serving struct {
	sequences int           // at once; 0: infer's default
	cache     kernel.Format // of keys and values
	draft     string        // reference of the model that guesses; empty: none
	dev       string        // folder of the pages; empty: the embedded ones
	open      bool          // a browser is opened
	page      *page         // runs and brews; nil: neither
	api       http.Handler  // in place of page: what answers beside the models
	threads   int           // that models compute with; 0: all
	path      string        // of the page that a browser is opened with
}

// serve answers until the context ends.
func (s *store) serve(g *globals, all []shown, listener net.Listener, with serving) error {
	d, err := compute.CPU{Threads: with.threads}.Open()
	if err != nil {
		return err
	}
	defer d.Close()
	log := slog.New(slog.NewTextHandler(g.err, nil))
	config := serve.Config{
		Meter: energy.Open(g.ctx, energy.Config{}), Pages: pages(with.dev), Log: log,
		Trace: func(ctx context.Context, ref string) (any, error) {
			l, err := s.trace(ctx, ref)
			return l, unknown(err)
		},
		Lineage: func(ctx context.Context, ref string) (any, error) {
			l, err := s.lineage(ctx, ref)
			return l, unknown(err)
		},
		Card: func(ctx context.Context, ref string) (serve.Card, error) {
			c, err := s.card(ctx, ref)
			if err != nil {
				return nil, unknown(err)
			}
			c.Withhold()
			return c, nil
		},
	}
	var brewing *runs.Server
	if with.page != nil {
		config.API = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { brewing.ServeHTTP(w, r) })
	}
	if with.api != nil {
		config.API = with.api
	}
	for _, m := range all {
		config.Models = append(config.Models, s.served(d, m, with))
	}
	server := serve.New(config)
	defer server.Close()
	if with.page != nil {
		if brewing, err = with.page.open(g.ctx, log, func(m shown) { server.Put(s.served(d, m, with)) }); err != nil {
			return err
		}
		defer brewing.Wait()
	}
	url := "http://" + listener.Addr().String()
	fmt.Fprintf(g.out, "%s%s\n", url, with.path)
	if with.open {
		browse(url + with.path)
	}
	return server.Serve(g.ctx, listener)
}

// unknown marks the error of a reference to nothing as package serve expects.
func unknown(err error) error {
	if errors.Is(err, registry.ErrUnknown) || errors.Is(err, card.ErrNoModel) {
		return fmt.Errorf("%w: %w", serve.ErrUnknown, err)
	}
	return err
}

func pages(dev string) http.Handler {
	if dev != "" {
		return web.Handler(os.DirFS(dev))
	}
	return web.Handler(nil)
}

// served is a model as package serve wants it.
func (s *store) served(d compute.Device, m shown, with serving) serve.Model {
	info := serve.Info{
		Digest: string(m.Digest), Architecture: m.Architecture, Parameters: m.Parameters, Quantization: m.Quantization,
		Window: m.Window, Vocabulary: m.Vocabulary, Licence: m.Licence, Run: m.Run, Chat: m.Chat,
	}
	if m.Bits != nil {
		info.BitsPerByte = *m.Bits
	}
	ref := m.Name
	if m.Digest != "" {
		ref = string(m.Digest)
	}
	return serve.Model{Name: m.Name, Info: info, Open: func() (*serve.Loaded, error) {
		f, err := s.openModel(ref)
		if err != nil {
			return nil, err
		}
		return s.load(d, f, with)
	}}
}

// load brings the model of a file into memory, with its chat template. The file is
// closed with it, or at once if there is an error.
func (s *store) load(d compute.Device, f *model.File, with serving) (*serve.Loaded, error) {
	var chat *template.Template
	if source, err := f.String("tokenizer.chat_template"); err == nil {
		if chat, err = template.Parse(source); err != nil {
			f.Close()
			return nil, fmt.Errorf("read the chat template: %w", err)
		}
	}
	l, err := s.engine(d, f, with)
	if err != nil {
		return nil, err
	}
	l.Template = chat
	return l, nil
}

// engine is load without the template.
func (s *store) engine(d compute.Device, f *model.File, with serving) (_ *serve.Loaded, err error) {
	l := &serve.Loaded{}
	var weights map[string]compute.Buffer
	var draft *serve.Loaded
	l.Close = func() {
		if l.Engine != nil {
			l.Engine.Close()
		}
		if draft != nil {
			draft.Close()
		}
		for _, b := range weights {
			b.Free()
		}
		f.Close()
	}
	defer func() {
		if err != nil {
			l.Close()
		}
	}()
	if l.Tokenizer, err = tokenizer.FromMetadata(f.Value); err != nil {
		return nil, err
	}
	if weights, err = f.Load(d); err != nil {
		return nil, err
	}
	o := infer.Options{Sequences: with.sequences, Cache: with.cache}
	if with.draft != "" {
		if draft, err = s.draft(d, l.Tokenizer, with); err != nil {
			return nil, fmt.Errorf("load the draft %s: %w", with.draft, err)
		}
		o.Draft = draft.Engine
	}
	l.Engine, err = infer.New(d, f.Config, weights, o)
	return l, err
}

// browse opens a page where there is somebody to see it. That it does not open
// is no error: the address is printed.
func browse(url string) {
	var command []string
	switch {
	case runtime.GOOS == "darwin":
		command = []string{"open", url}
	case runtime.GOOS == "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler", url}
	case os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "":
		command = []string{"xdg-open", url}
	default:
		return
	}
	cmd := exec.Command(command[0], command[1:]...)
	if cmd.Start() == nil {
		go cmd.Wait()
	}
}
