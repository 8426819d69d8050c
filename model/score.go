package model

import (
	"fmt"
	"math"

	"samovar/compute"
)

// Scorer computes the loss of tokens under weights that stay as they are.
type Scorer struct {
	exec   compute.Exec
	loss   compute.Slot
	losses []float32
}

// NewScorer prepares a scorer of at most rows tokens at a time. weights are
// buffers of dev by tensor name, loaded or plain.
func NewScorer(dev compute.Device, c Config, weights map[string]compute.Buffer, rows int) (*Scorer, error) {
	p, loss := c.Losses()
	bind, err := Bind(p, weights)
	if err != nil {
		return nil, err
	}
	e, err := dev.Prepare(p, compute.Memory{Rows: rows, Bind: bind})
	if err != nil {
		return nil, fmt.Errorf("prepare scoring: %w", err)
	}
	return &Scorer{e, loss, make([]float32, rows)}, nil
}

// Bind gives every weight of p its buffer.
func Bind(p *compute.Program, weights map[string]compute.Buffer) (bind map[compute.Slot]compute.Buffer, err error) {
	bind = map[compute.Slot]compute.Buffer{}
	p.Weights(func(s compute.Slot, info compute.SlotInfo) {
		b, ok := weights[info.Name]
		if !ok && err == nil {
			err = fmt.Errorf("the weights have no tensor %s", info.Name)
		}
		bind[s] = b
	})
	return bind, err
}

// Losses returns the loss of each row's target in nats, 0 where the target is
// negative. The slice is valid until the next call.
func (s *Scorer) Losses(b *compute.Batch) ([]float32, error) {
	if err := s.exec.Run(b); err != nil {
		return nil, err
	}
	y := s.losses[:len(b.Tokens)]
	return y, s.exec.Read(s.loss, 0, y)
}

// Free gives the scorer's memory back; the weights stay.
func (s *Scorer) Free() { s.exec.Free() }

// BitsPerByte turns a sum of losses in nats over text of that many bytes of
// UTF-8 into bits per byte, which compares across vocabularies.
func BitsPerByte(nats float64, bytes int64) float64 { return nats / math.Ln2 / float64(bytes) }
