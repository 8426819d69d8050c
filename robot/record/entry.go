package record

import (
	"time"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/estimate"
	"samovar/robot/safety"
)

// kind is what an entry holds.
type kind uint8

const (
	ticks kind = iota
	beats
	texts
	lines
)

// entry is something that happened, on its way from whoever saw it to the goroutine
// that writes. Entries are made once and used again and again.
type entry struct {
	kind kind
	at   time.Duration // of all but ticks, on the body's clock

	sensors   *body.Sensors
	command   *body.Command
	place     []float64 // configuration
	contacts  [2]estimate.Contact
	view      balance.View
	report    safety.Report
	commanded bool // which of these are known
	placed    bool
	felt      bool
	thought   bool
	judged    bool

	beat  Beat
	level Level
	topic string
	text  string
}

func newEntry(c *Config) *entry {
	e := &entry{sensors: c.Info.NewSensors(), command: c.Info.NewCommand()}
	if c.Model != nil {
		e.place = make([]float64, c.Model.NQ)
	}
	return e
}

// fill copies a tick.
func (e *entry) fill(t *Tick) {
	e.kind = ticks
	t.Sensors.CopyTo(e.sensors)
	if e.commanded = t.Command != nil; e.commanded {
		copy(e.command.Joints, t.Command.Joints)
	}
	if e.placed = t.State != nil && len(t.State.Q) == len(e.place); e.placed {
		copy(e.place, t.State.Q)
	}
	if e.felt = t.Contacts != nil; e.felt {
		e.contacts = *t.Contacts
	}
	if e.thought = t.View != nil; e.thought {
		e.view = *t.View
	}
	if e.judged = t.Report != nil; e.judged {
		e.report = *t.Report
	}
}
