package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"samovar"
	"samovar/model"
	"samovar/quant"
	"samovar/registry"
	"samovar/train"
)

type modelsCommand struct {
	List   modelsList   `cmd:"" help:"List the named models."`
	Show   modelsShow   `cmd:"" help:"Show one model."`
	Import modelsImport `cmd:"" help:"Bring in a GGUF file, or a llama2.c checkpoint with its tokenizer."`
	Export modelsExport `cmd:"" help:"Write a model as GGUF, or as safetensors for Hugging Face tools."`
	Tag    modelsTag    `cmd:"" help:"Give a model another name."`
	Rm     modelsRm     `cmd:"" help:"Remove a name; samovar gc then frees the model."`
	Ship   modelsShip   `cmd:"" hidden:"" help:"Write the files of package house."`
}

// shown is what is told of a model.
type shown struct {
	Name   string         `json:"name"`
	Digest samovar.Digest `json:"digest"`
	model.Summary
	Bits    *float64 `json:"bits_per_byte"` // null: never evaluated
	Licence string   `json:"licence"`       // of what it learnt from; empty: unknown
	Run     string   `json:"run"`           // that made it; empty: imported
}

// catalogue describes models; it reads the ledger once.
type catalogue struct {
	store  *store
	makers map[samovar.Digest]samovar.Run
	bits   map[samovar.Digest]float64
}

func (s *store) catalogue(ctx context.Context) (*catalogue, error) {
	c := &catalogue{store: s, makers: map[samovar.Digest]samovar.Run{}, bits: map[samovar.Digest]float64{}}
	err := s.runs(ctx, func(_ samovar.Digest, r samovar.Run) error {
		for _, d := range r.Outputs {
			if _, ok := c.makers[d]; !ok {
				c.makers[d] = r
			}
		}
		if v, ok := r.Metrics["bits_per_byte"]; ok && r.Stage == "evaluate" {
			c.bits[r.Inputs["model"]] = v
		}
		return nil
	})
	return c, err
}

// show describes the model d.
func (c *catalogue) show(name string, d samovar.Digest) (m shown, err error) {
	a, err := c.store.Get(d)
	if err != nil {
		return m, err
	}
	if a.Kind != samovar.KindModel {
		return m, fmt.Errorf("%s is a %s, not a model", name, a.Kind)
	}
	if m.Summary, err = decodeConfig[model.Summary](a); err != nil {
		return m, err
	}
	m.Name, m.Digest, m.Run = name, d, c.makers[d].ID
	if v, ok := c.bits[d]; ok {
		m.Bits = &v
	}
	m.Licence, err = c.licences(d)
	return m, err
}

// licences joins those of all sources that the model learnt from.
func (c *catalogue) licences(d samovar.Digest) (string, error) {
	var all []string
	seen := map[string]bool{}
	visited := map[samovar.Digest]bool{}
	for queue := []samovar.Digest{d}; len(queue) > 0; queue = queue[1:] {
		run, ok := c.makers[queue[0]]
		if !ok || visited[queue[0]] {
			continue
		}
		visited[queue[0]] = true
		var from declared
		if run.Stage == "collect" {
			if err := json.Unmarshal(run.Config, &from); err != nil {
				return "", fmt.Errorf("read the sources of run %s: %w", run.ID, err)
			}
		}
		for _, s := range from.Sources {
			if !seen[s.Licence] {
				seen[s.Licence] = true
				all = append(all, s.Licence)
			}
		}
		for _, name := range sorted(run.Inputs) {
			queue = append(queue, run.Inputs[name])
		}
	}
	return strings.Join(all, " AND "), nil
}

// models lists the named models: with checkpoints, also the weights that were
// kept at steps of a training.
func (c *catalogue) models(checkpoints bool) (all []shown, err error) {
	tags, err := c.store.Tags()
	if err != nil {
		return nil, err
	}
	for _, t := range tags {
		a, err := c.store.Get(t.Digest)
		if err != nil {
			return nil, err
		}
		if a.Kind != samovar.KindModel {
			continue
		}
		m, err := c.show(t.Name, t.Digest)
		if err != nil {
			return nil, err
		}
		if m.Step == 0 || checkpoints {
			all = append(all, m)
		}
	}
	return all, nil
}

type modelsList struct {
	Checkpoints bool `help:"Also list the weights that were kept at steps of a training."`
}

func (l *modelsList) Run(g *globals) (err error) {
	s, err := g.open()
	if err != nil {
		return err
	}
	defer s.close(&err)
	c, err := s.catalogue(g.ctx)
	if err != nil {
		return err
	}
	all, err := c.models(l.Checkpoints)
	if err != nil {
		return err
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(append([]shown{}, all...))
	}
	w := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tDIGEST\tPARAMETERS\tFORMAT\tWINDOW\tBITS/BYTE\tLICENCE")
	for _, m := range all {
		fmt.Fprintf(w, "%s\t%s\t%.1fM\t%s\t%d\t%s\t%s\n", m.Name, m.Digest.Short(), float64(m.Parameters)/1e6, m.Quantization, m.Window, bits(m.Bits), m.Licence)
	}
	return w.Flush()
}

func bits(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", *v)
}

type modelsShow struct {
	Ref string `arg:"" help:"Name or digest."`
}

func (c *modelsShow) Run(g *globals) (err error) {
	s, err := g.openFor(c.Ref)
	if err != nil {
		return err
	}
	defer s.close(&err)
	d, err := s.artifactOf(c.Ref)
	if err != nil {
		return err
	}
	list, err := s.catalogue(g.ctx)
	if err != nil {
		return err
	}
	m, err := list.show(c.Ref, d)
	if err != nil {
		return err
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(m)
	}
	w := tabwriter.NewWriter(g.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "name\t%s\ndigest\t%s\narchitecture\t%s\nparameters\t%d (%d a token)\nformat\t%s\nwindow\t%d tokens\nvocabulary\t%d\nbits per byte\t%s\nlicence\t%s\nrun\t%s\nchat\t%v\n",
		m.Name, m.Digest, m.Architecture, m.Parameters, m.Active, m.Quantization, m.Window, m.Vocabulary, bits(m.Bits), m.Licence, m.Run, m.Chat)
	return w.Flush()
}

type modelsImport struct {
	File      string `arg:"" help:"GGUF file, or llama2.c checkpoint (.bin)."`
	Name      string `required:"" help:"Name to give it."`
	Tokenizer string `help:"Tokenizer of a llama2.c checkpoint."`
}

func (c *modelsImport) Run(g *globals) (err error) {
	s, err := g.open()
	if err != nil {
		return err
	}
	defer s.close(&err)
	if _, err := s.Resolve(c.Name); err != nil && !errors.Is(err, registry.ErrUnknown) {
		return err // no name at all
	}
	release, err := s.Hold(g.ctx)
	if err != nil {
		return err
	}
	defer release()
	d, err := s.importModel(g.ctx, c.File, c.Tokenizer)
	if err != nil {
		return err
	}
	if err := s.Tag(c.Name, d); err != nil {
		return err
	}
	if g.JSON {
		return json.NewEncoder(g.out).Encode(map[string]any{"name": c.Name, "digest": d})
	}
	fmt.Fprintf(g.out, "%s  %s\n", c.Name, d)
	return nil
}

// importModel brings a model file into the store and returns its digest.
func (s *store) importModel(ctx context.Context, path, tokenizer string) (d samovar.Digest, err error) {
	if tokenizer != "" {
		file := path
		path, err = s.scratch(func(w *os.File) error { return model.ConvertLlama2C(file, tokenizer, w) })
		if err != nil {
			return "", err
		}
		defer os.Remove(path)
	}
	f, err := model.Open(path)
	if err != nil {
		if filepath.Ext(path) == ".bin" {
			err = fmt.Errorf("import %s: a llama2.c checkpoint needs its tokenizer: give it with --tokenizer FILE", path)
		}
		return "", err
	}
	summary := f.Summary()
	if err := f.Close(); err != nil {
		return "", err
	}
	a, err := s.Put(ctx, samovar.Output{
		Kind:   samovar.KindModel,
		Files:  []samovar.OutputFile{{Name: train.ModelFile, Path: path, MediaType: model.MediaType, Keep: true}},
		Config: summary,
	})
	return a.Digest, err
}

// scratch writes a file that is to be put into the store and then removed.
func (s *store) scratch(write func(*os.File) error) (path string, err error) {
	dir := filepath.Join(s.Dir(), "ingest") // from which gc frees what a crash leaves
	f, err := os.CreateTemp(dir, "import-*.gguf")
	if err != nil {
		return "", fmt.Errorf("import: %w", err)
	}
	err = write(f)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return f.Name(), err
}

type modelsExport struct {
	Ref    string `arg:"" help:"Name or digest."`
	Format string `required:"" enum:"gguf,safetensors" help:"gguf: one file; safetensors: a folder for Hugging Face tools."`
	As     string `placeholder:"Q4_K_M" help:"Weights in this format (GGUF only), as in a recipe's quantize. Default: as they are."`
	Out    string `required:"" help:"File or folder to write; it must not exist."`
}

func (c *modelsExport) Run(g *globals) (err error) {
	s, err := g.openFor(c.Ref)
	if err != nil {
		return err
	}
	defer s.close(&err)
	if _, err := os.Stat(c.Out); err == nil {
		return fmt.Errorf("export to %s: it exists already; remove it or choose another name", c.Out)
	}
	path, err := s.modelPath(c.Ref)
	if err != nil {
		return err
	}
	switch {
	case c.As != "" && c.Format != "gguf":
		err = errors.New("--as is for --format gguf: safetensors hold BF16 or F32")
	case c.As != "":
		err = exportAs(g.ctx, c.Out, path, c.As)
	case c.Format == "gguf":
		err = copyFile(c.Out, path)
	default:
		err = exportHuggingFace(c.Out, path)
	}
	if err != nil {
		return fmt.Errorf("export %s to %s: %w", c.Ref, c.Out, err)
	}
	return nil
}

// modelPath returns where the GGUF file of a model lies: ref may be a path too.
func (s *store) modelPath(ref string) (string, error) {
	if strings.HasSuffix(ref, ".gguf") {
		if _, err := os.Stat(ref); err == nil {
			return ref, nil
		}
	}
	d, err := s.artifactOf(ref)
	if err != nil {
		return "", err
	}
	in, err := s.Input(d)
	if err != nil {
		return "", err
	}
	return in.Path(train.ModelFile)
}

func exportHuggingFace(dir, path string) error {
	f, err := model.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return model.WriteHuggingFace(dir, f)
}

// exportAs writes the model at path with its weights in another format.
func exportAs(ctx context.Context, to, path, format string) error {
	want, err := model.ParseFileType(format)
	if err != nil {
		return fmt.Errorf("--as: %w", err)
	}
	f, err := model.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return writeFile(to, func(w io.Writer) error { return quant.Write(ctx, w, f, want, nil) })
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return writeFile(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// writeFile writes a file that must not exist, and removes what an error leaves.
func writeFile(path string, write func(io.Writer) error) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err = errors.Join(write(out), out.Close()); err != nil {
		os.Remove(path)
	}
	return err
}

// openModel opens the model of a reference, as modelPath finds it.
func (s *store) openModel(ref string) (*model.File, error) {
	path, err := s.modelPath(ref)
	if err != nil {
		return nil, err
	}
	return model.Open(path)
}

type modelsTag struct {
	Ref  string `arg:"" help:"Name or digest."`
	Name string `arg:"" help:"The name to add."`
}

func (c *modelsTag) Run(g *globals) (err error) {
	s, err := g.openFor(c.Ref)
	if err != nil {
		return err
	}
	defer s.close(&err)
	d, err := s.artifactOf(c.Ref)
	if err != nil {
		return err
	}
	return s.Tag(c.Name, d)
}

type modelsRm struct {
	Name string `arg:"" help:"The name to remove."`
}

func (c *modelsRm) Run(g *globals) (err error) {
	s, err := g.open()
	if err != nil {
		return err
	}
	defer s.close(&err)
	return s.Untag(c.Name)
}
