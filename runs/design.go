package runs

import (
	"slices"

	"samovar"
)

// Order is what somebody wants designed and brewed: the arguments of samovar
// design. A brew that has one is gone on with from it.
type Order struct {
	Data     string  `json:"data"` // path of the texts
	Hours    float64 `json:"hours,omitempty"`
	KWh      float64 `json:"kwh,omitempty"`
	Name     string  `json:"name,omitempty"`
	Language string  `json:"language,omitempty"`
	Licence  string  `json:"licence,omitempty"`
	Origin   string  `json:"origin,omitempty"`
}

// designNode is the stage in which the recipe comes about. It is no node of a
// recipe, but a series of runs, each in the ledger.
const designNode = "design"

// cost is what a run has taken.
type cost struct{ joules, seconds float64 }

// costOf is that of all attempts.
func costOf(r samovar.Run) (c cost) {
	c.joules = r.Energy.Joules
	for _, a := range r.Attempts {
		c.seconds += a.Ended.Sub(a.Started).Seconds()
	}
	return c
}

// Design says that a recipe is being designed, and by which method energy is
// read.
func (j *Journal) Design(method string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.brew.Method = method
	j.brew.Stages = []Stage{{Name: designNode, State: Running}}
	j.parts = map[samovar.Digest]cost{}
}

// Do says what the design is doing now, as the page reads it.
func (j *Journal) Do(what any) {
	text, err := encode(what)
	if err != nil {
		return // it is shown without
	}
	j.stage(designNode, func(s *Stage) { s.Doing, j.brew.Now = text, nil })
}

// Part notes that the design has run a stage, or found it.
func (j *Journal) Part(r samovar.Run) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.parts[r.Key] = costOf(r)
	j.share()
}

// Designed says that the recipe is there.
func (j *Journal) Designed() {
	j.stage(designNode, func(s *Stage) {
		s.State, s.Doing, j.brew.Now = Finished, nil, nil
		j.share()
	})
}

// share gives the design what its parts cost: those that a later stage of the
// brew turns out to be are that stage's, so that nothing counts twice.
func (j *Journal) share() {
	i := slices.IndexFunc(j.brew.Stages, func(s Stage) bool { return s.Name == designNode })
	if i < 0 {
		return
	}
	s := &j.brew.Stages[i]
	s.Joules, s.Seconds = 0, 0
	for _, c := range j.parts {
		s.Joules, s.Seconds = s.Joules+c.joules, s.Seconds+c.seconds
	}
}
