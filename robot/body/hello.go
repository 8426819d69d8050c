package body

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"samovar/robot/wire"
)

// role is what a controller says it is; a referee, which is told more, has
// another one and another address.
const role = "controller"

// hello is the first frame of whoever dials.
type hello struct {
	Version int    `json:"version"`
	Role    string `json:"role"`
	Rate    int    `json:"rate"` // Hz
}

// greeting is how long either side waits for the other's part of the handshake.
const greeting = 5 * time.Second

// Heartbeats: how often one is sent, and after how long without any frame the
// link is lost. In lockstep each side may think for as long as it likes, but not
// hang: a process that lives sends heartbeats even while it computes.
const (
	beat         = 10 * time.Millisecond
	silence      = time.Second
	lockstepBeat = 100 * time.Millisecond
	hang         = 5 * time.Second
)

func (i *Info) beats() (every, lost time.Duration) {
	if i.Lockstep {
		return lockstepBeat, hang
	}
	return beat, silence
}

// duration is a time on the body's clock.
func duration(ns int64) time.Duration { return time.Duration(ns) }

// strict decodes JSON with no unknown fields and nothing behind it.
func strict(text []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return fmt.Errorf("something follows the document")
	}
	return nil
}

// parseHello reads a hello and reports why it is refused.
func parseHello(text []byte) (hello, error) {
	var h hello
	if err := strict(text, &h); err != nil {
		return h, fmt.Errorf("read the controller's hello: %w", err)
	}
	switch {
	case h.Version != wire.Version:
		return h, fmt.Errorf("the controller speaks version %d, this body %d: build both from the same source", h.Version, wire.Version)
	case h.Role != role:
		return h, fmt.Errorf("a %q dialled the address of the %s", short(h.Role), role)
	case h.Rate < SlowestRate || h.Rate > FastestRate:
		return h, fmt.Errorf("a rate of %d Hz: choose %d to %d", h.Rate, SlowestRate, FastestRate)
	}
	return h, nil
}

// parseInfo reads a welcome.
func parseInfo(text []byte) (*Info, error) {
	var i Info
	if err := strict(text, &i); err != nil {
		return nil, fmt.Errorf("read the body's welcome: %w", err)
	}
	if i.Version != wire.Version {
		return nil, fmt.Errorf("the body speaks version %d, this controller %d: build both from the same source", i.Version, wire.Version)
	}
	if err := i.Check(); err != nil {
		return nil, fmt.Errorf("read the body's welcome: %w", err)
	}
	return &i, nil
}

// short cuts what is quoted in an error.
func short(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}

// greet is the dialling side of the handshake.
func greet(c *wire.Conn, rate int) (*Info, error) {
	if err := c.Deadline(time.Now().Add(greeting)); err != nil {
		return nil, err
	}
	if err := c.WriteJSON(wire.Hello, hello{wire.Version, role, rate}); err != nil {
		return nil, err
	}
	c.ExpectText(wire.Welcome, wire.Refusal)
	h, payload, err := c.Next()
	if err != nil {
		return nil, fmt.Errorf("wait for the body's welcome: %w", err)
	}
	if h.Kind == wire.Refusal {
		return nil, fmt.Errorf("the body refuses: %s", short(string(payload)))
	}
	i, err := parseInfo(payload)
	if err != nil {
		return nil, err
	}
	if i.Rate != rate {
		return nil, fmt.Errorf("the body runs at %d Hz instead of %d", i.Rate, rate)
	}
	c.Refuse(wire.Welcome, wire.Refusal)
	c.Expect(wire.Heartbeat, 0)
	c.Expect(wire.Missed, 0)
	c.Expect(wire.Sensors, i.sensorsSize())
	return i, nil
}
