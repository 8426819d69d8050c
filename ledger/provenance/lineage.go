package provenance

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"samovar"
)

// Lineage is a graph: an artifact, the runs, artifacts and sources behind it,
// and what it was evaluated to.
type Lineage struct {
	Ref    string         `json:"ref"`
	Digest samovar.Digest `json:"digest"`
	Nodes  []Node         `json:"nodes"` // each before those that it was made from first; evaluations last
	Edges  []Edge         `json:"edges"`
}

// The types of Node.
const (
	NodeArtifact = "artifact"
	NodeRun      = "run"
	NodeSource   = "source"
)

// Node is an artifact, a run or a source. Fields that its type does not have
// are left out.
type Node struct {
	ID       string             `json:"id"` // an artifact's digest, "run/" and its number, "source/" and its digest
	Type     string             `json:"type"`
	Name     string             `json:"name"`              // to write on it: a name, else the kind; a stage; an origin
	Summary  string             `json:"summary,omitempty"` // a few words
	Digest   samovar.Digest     `json:"digest,omitempty"`  // of an artifact or a source
	Kind     samovar.Kind       `json:"kind,omitempty"`    // of an artifact
	Names    []string           `json:"names,omitempty"`   // of an artifact
	Here     bool               `json:"here,omitempty"`    // the artifact's content is in this store
	Stage    string             `json:"stage,omitempty"`   // of a run
	Run      string             `json:"run,omitempty"`     // number of the run
	Finished *time.Time         `json:"finished,omitempty"`
	Seconds  float64            `json:"seconds,omitempty"` // that the run took, in all attempts
	Machine  string             `json:"machine,omitempty"` // the processor
	Numerics string             `json:"numerics,omitempty"`
	Code     string             `json:"code,omitempty"`
	Energy   *samovar.Energy    `json:"energy,omitempty"`
	Figures  map[string]float64 `json:"figures,omitempty"` // of a run
	Source   *Declaration       `json:"source,omitempty"`
}

// Edge leads from what was given to what was made of it.
type Edge struct {
	From string `json:"from"`
	To   string `json:"to"`
	Role string `json:"role"` // the run's name of an input; "output"; "source"
}

// Lineage returns the graph behind d.
func (g *Graph) Lineage(ref string, d samovar.Digest) (Lineage, error) {
	l := Lineage{Ref: ref, Digest: d, Nodes: []Node{}, Edges: []Edge{}}
	b := builder{graph: g, lineage: &l, seen: map[string]bool{}}
	for _, a := range g.Ancestors(d) {
		if err := b.artifact(a); err != nil {
			return l, err
		}
		if run := g.makers[a]; run != nil {
			if err := b.run(run); err != nil {
				return l, err
			}
		}
	}
	for _, run := range g.users[d] {
		if kind, _, err := g.Kind(run.Outputs[0]); err != nil || kind != samovar.KindEvaluation {
			if err != nil {
				return l, err
			}
			continue
		}
		if err := b.run(run); err != nil {
			return l, err
		}
		if err := b.artifact(run.Outputs[0]); err != nil {
			return l, err
		}
	}
	return l, b.close()
}

// builder adds each node once.
type builder struct {
	graph   *Graph
	lineage *Lineage
	seen    map[string]bool
}

func (b *builder) add(n Node) {
	b.seen[n.ID] = true
	b.lineage.Nodes = append(b.lineage.Nodes, n)
}

func (b *builder) artifact(d samovar.Digest) error {
	if b.seen[string(d)] {
		return nil
	}
	kind, here, err := b.graph.Kind(d)
	if err != nil {
		return err
	}
	n := Node{ID: string(d), Type: NodeArtifact, Digest: d, Kind: kind, Names: b.graph.Names[d], Here: here, Name: string(kind)}
	if len(n.Names) > 0 {
		n.Name = n.Names[0]
	}
	if kind == samovar.KindModel {
		m, err := b.graph.Model(d)
		if err != nil {
			return err
		}
		n.Summary = m.Short()
	}
	if b.graph.makers[d] == nil {
		n.Summary = strings.TrimPrefix(n.Summary+", imported", ", ")
	}
	b.add(n)
	return nil
}

func (b *builder) run(r *samovar.Run) error {
	id := "run/" + r.ID
	if b.seen[id] {
		return nil
	}
	b.add(Node{
		ID: id, Type: NodeRun, Name: r.Stage, Stage: r.Stage, Run: r.ID, Summary: headline(r), Finished: &r.Finished, Seconds: Seconds(r),
		Machine: r.Machine.CPU, Numerics: r.Numerics, Code: r.Code, Energy: &r.Energy, Figures: r.Metrics,
	})
	edge := func(from, to, role string) { b.lineage.Edges = append(b.lineage.Edges, Edge{from, to, role}) }
	for _, name := range slices.Sorted(maps.Keys(r.Inputs)) {
		edge(string(r.Inputs[name]), id, name)
	}
	for _, d := range r.Outputs {
		edge(id, string(d), "output")
	}
	if b.graph.Kinds[r.Stage] != samovar.KindCorpus {
		return nil
	}
	declared, err := b.graph.Declared(r)
	if err != nil {
		return err
	}
	for i := range declared {
		s := &declared[i]
		source := "source/" + string(s.Digest)
		if !b.seen[source] {
			b.add(Node{ID: source, Type: NodeSource, Name: s.Origin, Summary: s.Licence + ", " + s.Language, Digest: s.Digest, Source: s})
		}
		edge(source, id, "source")
	}
	return nil
}

// close adds what an evaluation was given beside the lineage, so that no edge
// ends nowhere.
func (b *builder) close() error {
	for _, e := range b.lineage.Edges {
		for _, id := range []string{e.From, e.To} {
			if d, err := samovar.ParseDigest(id); err == nil {
				if err := b.artifact(d); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// headline is the figure that one wants to see of a run.
func headline(r *samovar.Run) string {
	var task struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(r.Config, &task) == nil && task.Name != "" {
		if v, ok := r.Metrics[task.Name]; ok {
			return task.Name + " " + strconv.FormatFloat(v, 'g', 5, 64)
		}
	}
	for _, f := range []struct{ metric, unit string }{
		{"bits_per_byte", "bits per byte"}, {"validation_bits_per_byte", "bits per byte"}, {"loss", "loss"}, {"steps", "steps"},
		{"vocabulary", "tokens"}, {"train tokens", "tokens"}, {"documents", "documents"}, {"dialogues", "dialogues"}, {"bits_per_weight", "bits per weight"},
	} {
		if v, ok := r.Metrics[f.metric]; ok {
			return strconv.FormatFloat(v, 'g', 5, 64) + " " + f.unit
		}
	}
	return ""
}

// Seconds is how long all attempts at a run took together.
func Seconds(r *samovar.Run) (s float64) {
	for _, a := range r.Attempts {
		s += a.Ended.Sub(a.Started).Seconds()
	}
	return s
}
